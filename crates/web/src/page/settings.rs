//! `/settings`: how the server is set, without secrets; which models are installed; keys of services.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    right::{self, Right},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
    routing::{get, post},
};
use callvault_model::{
    Secret,
    id::{AccountId, ApiKeyId},
};
use callvault_policy::{Act, Role};
use callvault_speech::models::{ModelStore, State as Installed};
use callvault_store::{
    Error, Vault,
    accounts::{AccountRow, AccountState},
    api_keys::{ApiKeyRow, MAX_DAYS},
    gate::Target,
    rotation::{KeysStatus, Rotation},
};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/settings", Some(Act::SeeSettings)),
    ("POST", "/settings/rotate", Some(Act::RotateKeys)),
    ("POST", "/settings/services", Some(Act::ManageApiKeys)),
    ("POST", "/settings/keys", Some(Act::ManageApiKeys)),
    ("POST", "/settings/keys/{id}/revoke", Some(Act::ManageApiKeys)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/settings", get(show))
        .route("/settings/rotate", post(rotate))
        .route("/settings/services", post(service))
        .route("/settings/keys", post(key))
        .route("/settings/keys/{id}/revoke", post(revoke))
}

struct Model {
    name: &'static str,
    state: &'static str,
    grade: &'static str,
    size: String,
}

struct Service {
    id: AccountId,
    name: String,
    login: String,
    active: bool,
}

struct Key {
    id: ApiKeyId,
    service: String,
    scopes: String,
    made: String,
    ends: String,
    used: String,
    state: &'static str,
    grade: &'static str,
    live: bool,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    facts: Vec<(&'static str, String)>,
    folders: Vec<String>,
    models: Vec<Model>,
    secrets: KeysStatus,
    secrets_since: String,
    may_rotate: bool,
    services: Vec<Service>,
    keys: Vec<Key>,
    scopes: Vec<(&'static str, &'static str)>,
    may_keys: bool,
    max_days: u32,
    made: Option<Secret<String>>,
}

/// What a key of a service can be for at all.
pub(crate) fn scopes() -> Vec<Act> {
    right::of(&BTreeSet::from([Role::Service])).iter().copied().collect()
}

fn facts(app: &App) -> Vec<(&'static str, String)> {
    let c = &app.config;
    vec![
        ("Address people type", c.origin.clone()),
        ("Listens on", c.listen.to_string()),
        (
            "Certificate",
            if c.certificate_file.is_some() {
                "from a file of yours".into()
            } else {
                "self-signed, made on first start".into()
            },
        ),
        ("What is redacted", format!("profile {}", c.profile)),
        ("Largest upload", format!("{} MiB", words::number(c.max_upload_mib))),
        ("Most connections at a time", words::number(c.max_connections as u64)),
        ("Vault", app.vault.id().to_string()),
        ("Ledger's verifier key", app.vault.vkey().to_owned()),
        ("Version", env!("CARGO_PKG_VERSION").into()),
    ]
}

fn models() -> Vec<Model> {
    let listed = ModelStore::locate().map(|store| store.list()).unwrap_or_default();
    listed
        .into_iter()
        .map(|l| {
            let (state, grade) = match l.state {
                Installed::Installed => ("installed", "good"),
                Installed::Damaged => ("damaged; pull again", "bad"),
                Installed::Absent => ("not installed", ""),
            };
            Model { name: l.model.as_str(), state, grade, size: format!("{} MB", l.bytes / 1_000_000) }
        })
        .collect()
}

fn key_line(k: ApiKeyRow, accounts: &[AccountRow], now: Timestamp) -> Key {
    let over = k.expires_at.parse::<Timestamp>().is_ok_and(|at| at <= now);
    let (state, grade) = match (&k.revoked_at, over) {
        (Some(_), _) => ("revoked", ""),
        (None, true) => ("over", ""),
        (None, false) => ("works", "good"),
    };
    let service = accounts.iter().find(|a| a.id == k.account);
    Key {
        id: k.id,
        service: service.map_or_else(String::new, |a| a.name.clone()),
        scopes: k.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "),
        made: words::when(&k.created_at),
        ends: words::when(&k.expires_at),
        used: k.last_used_at.as_deref().map(words::when).unwrap_or_default(),
        state,
        grade,
        live: k.revoked_at.is_none() && !over,
    }
}

async fn page(app: &App, who: &Who, done: Option<&str>, made: Option<Secret<String>>) -> Outcome<Response> {
    let (accounts, keys, secrets) =
        app.run(|vault| Ok::<_, Error>((vault.accounts()?, vault.api_keys()?, vault.keys_status()?))).await?;
    let may = right::of(who.roles());
    let now = app.vault.clock().now();
    let shown = made.is_some();
    let page = Page {
        frame: Frame::of(app, who, "/settings", done),
        facts: facts(app),
        folders: app.config.drop_folders.iter().map(|f| f.display().to_string()).collect(),
        models: models(),
        keys: keys.into_iter().map(|k| key_line(k, &accounts, now)).collect(),
        services: accounts
            .into_iter()
            .filter(|a| a.service)
            .map(|a| Service {
                id: a.id,
                active: a.state == AccountState::Active,
                name: a.name,
                login: a.login,
            })
            .collect(),
        scopes: scopes().into_iter().map(|a| (a.as_str(), a.what())).collect(),
        may_keys: may.contains(&Act::ManageApiKeys),
        may_rotate: may.contains(&Act::RotateKeys),
        secrets_since: words::when(&secrets.created_at),
        secrets,
        max_days: MAX_DAYS,
        made,
    };
    let mut response = render(&page);
    if shown {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

async fn show(
    who: May<{ Act::SeeSettings as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    page(&app, &who, q.done.as_deref(), None).await
}

/// A new tenant key; the API makes it the same way. Reading and taking in go on meanwhile.
pub(crate) async fn rotate_key(app: &App, who: &Who) -> Outcome<Rotation> {
    let by = who.may(app, Act::RotateKeys, Target::Program, None).await?;
    app.run(move |vault| vault.rotate_tenant_key(&by)).await
}

async fn rotate(
    who: Right<{ Act::RotateKeys as u8 }>,
    State(app): State<App>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    match rotate_key(&app, &who).await {
        Ok(_) => Ok(done("/settings", "rotated")),
        Err(problem) => step_up(problem, "/settings"),
    }
}

#[derive(Deserialize)]
struct NewService {
    login: String,
    name: String,
}

/// Runs what needs the right to manage keys; the API runs it the same way.
pub(crate) async fn manage<T: Send + 'static>(
    app: &App,
    who: &Who,
    act: impl FnOnce(&Vault, callvault_store::Actor) -> Result<T, Error> + Send + 'static,
) -> Outcome<T> {
    let by = who.may(app, Act::ManageApiKeys, Target::Program, None).await?;
    app.run(move |vault| act(vault, by)).await
}

/// The acts of these codes, each one that a service may do.
pub(crate) fn chosen(codes: &[String]) -> Outcome<BTreeSet<Act>> {
    let open = scopes();
    codes
        .iter()
        .map(|code| {
            let act = Act::parse(code).filter(|a| open.contains(a));
            act.ok_or_else(|| {
                Problem::bad("A key cannot be for this; the settings page lists what it can be for.")
            })
        })
        .collect()
}

async fn service(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Form(f): Form<NewService>,
) -> Outcome<Response> {
    match manage(&app, &who, move |vault, by| vault.make_service(&by, &f.login, f.name.trim())).await {
        Ok(_) => Ok(done("/settings", "saved")),
        Err(problem) => step_up(problem, "/settings"),
    }
}

#[derive(Deserialize)]
struct NewKey {
    service: AccountId,
    #[serde(default)]
    scope: Vec<String>,
    days: u32,
}

async fn key(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Form(f): Form<NewKey>,
) -> Outcome<Response> {
    let scopes = chosen(&f.scope)?;
    match manage(&app, &who, move |vault, by| vault.make_api_key(&by, f.service, &scopes, f.days)).await {
        Ok((_, key)) => page(&app, &who, None, Some(key)).await,
        Err(problem) => step_up(problem, "/settings"),
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn revoke(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Path(id): Path<ApiKeyId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    match manage(&app, &who, move |vault, by| vault.revoke_api_key(&by, id)).await {
        Ok(()) => Ok(done("/settings", "key-revoked")),
        Err(problem) => step_up(problem, "/settings"),
    }
}
