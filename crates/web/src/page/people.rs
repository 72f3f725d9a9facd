//! `/people`: invite, roles, suspend, revoke, and the review of what everybody may do.

use super::{
    done,
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::Outcome,
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::id::AccountId;
use callvault_policy::{Act, Role};
use callvault_store::{
    Actor, Error, Vault,
    accounts::{AccountRow, AccountState},
    gate::Target,
};
use serde::Deserialize;
use std::collections::BTreeSet;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/people", Some(Act::SeePeople)),
    ("POST", "/people", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/roles", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/suspend", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/restore", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/revoke", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/reinvite", Some(Act::ManagePeople)),
    ("POST", "/people/{id}/review", Some(Act::ReviewAccess)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/people", get(show).post(invite))
        .route("/people/{id}/roles", post(roles))
        .route("/people/{id}/suspend", post(suspend))
        .route("/people/{id}/restore", post(restore))
        .route("/people/{id}/revoke", post(revoke))
        .route("/people/{id}/reinvite", post(reinvite))
        .route("/people/{id}/review", post(review))
}

struct Person {
    id: AccountId,
    name: String,
    login: String,
    roles: Vec<Role>,
    choices: Vec<(Role, bool)>,
    state: &'static str,
    grade: &'static str,
    gone: bool,
    suspended: bool,
    factors: String,
    seen: String,
    reviewed: String,
}

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    frame: Frame,
    people: Vec<Person>,
    roles: Vec<Role>,
    link: Option<String>,
    invited: String,
}

/// Roles that people hold; `service` belongs to keys.
fn given() -> impl Iterator<Item = Role> {
    Role::ALL.iter().copied().filter(|r| *r != Role::Service)
}

fn person(row: AccountRow) -> Person {
    let (state, grade) = match row.state {
        AccountState::Invited => ("invited", "warn"),
        AccountState::Active => ("active", "good"),
        AccountState::Suspended => ("suspended", "bad"),
        AccountState::Revoked => ("revoked", ""),
    };
    let mut factors = Vec::new();
    if row.passkeys > 0 {
        factors.push(format!("{} passkey{}", row.passkeys, if row.passkeys == 1 { "" } else { "s" }));
    }
    if row.password {
        factors.push("password and code".into());
    }
    Person {
        id: row.id,
        choices: given().map(|r| (r, row.roles.contains(&r))).collect(),
        roles: row.roles.into_iter().collect(),
        name: row.name,
        login: row.login,
        state,
        grade,
        gone: row.state == AccountState::Revoked,
        suspended: row.state == AccountState::Suspended,
        factors: factors.join(", "),
        seen: row.last_seen_at.as_deref().map(words::when).unwrap_or_default(),
        reviewed: row.reviewed_at.as_deref().map(words::when).unwrap_or_default(),
    }
}

async fn page(app: &App, who: &Who, done: Option<&str>, link: Option<(String, String)>) -> Outcome<Response> {
    let rows = app.run(Vault::accounts).await?;
    let people = rows.into_iter().filter(|r| !r.service).map(person).collect();
    let frame = Frame::of(app, who, "/people", done);
    let (invited, link) = link.map_or((String::new(), None), |(name, link)| (name, Some(link)));
    Ok(render(&Page { frame, people, roles: given().collect(), link, invited }))
}

async fn show(
    who: May<{ Act::SeePeople as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    page(&app, &who, q.done.as_deref(), None).await
}

#[derive(Deserialize)]
struct Invite {
    name: String,
    login: String,
    #[serde(default)]
    role: Vec<Role>,
}

async fn invite(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Form(f): Form<Invite>,
) -> Outcome<Response> {
    let (by, roles) = (who.session.actor(), f.role.into_iter().collect::<BTreeSet<_>>());
    let name = f.name.trim().to_owned();
    let (login, called) = (f.login, name.clone());
    let (_, token) = app.run(move |vault| vault.invite(&by, &login, &called, &roles)).await?;
    let link = format!("{}/enrol/{}", app.config.origin, token.expose());
    page(&app, &who, None, Some((name, link))).await
}

#[derive(Deserialize)]
struct Roles {
    #[serde(default)]
    role: Vec<Role>,
}

async fn roles(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(f): Form<Roles>,
) -> Outcome<Response> {
    let roles: BTreeSet<_> = f.role.into_iter().collect();
    let by = allowed(&app, &who, id, Act::ManagePeople).await?;
    app.run(move |vault| vault.set_roles(&by, id, &roles)).await?;
    Ok(done("/people", "saved"))
}

/// What may be done to one account: never to one's own, which policy refuses.
async fn allowed(app: &App, who: &Who, id: AccountId, act: Act) -> Outcome<Actor> {
    who.may(app, act, Target::Account(id), None).await
}

#[derive(Deserialize)]
struct Nothing {}

async fn change(
    app: App,
    who: &Who,
    id: AccountId,
    act: Act,
    code: &str,
    run: fn(&Vault, &Actor, AccountId) -> Result<(), Error>,
) -> Outcome<Response> {
    let by = allowed(&app, who, id, act).await?;
    app.run(move |vault| run(vault, &by, id)).await?;
    Ok(done("/people", code))
}

async fn suspend(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    change(app, &who, id, Act::ManagePeople, "saved", Vault::suspend).await
}

async fn restore(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    change(app, &who, id, Act::ManagePeople, "saved", Vault::restore).await
}

async fn revoke(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    change(app, &who, id, Act::ManagePeople, "revoked", Vault::revoke).await
}

async fn review(
    who: May<{ Act::ReviewAccess as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    change(app, &who, id, Act::ReviewAccess, "reviewed", Vault::review).await
}

async fn reinvite(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let by = allowed(&app, &who, id, Act::ManagePeople).await?;
    let (token, name) =
        app.run(move |vault| Ok::<_, Error>((vault.reinvite(&by, id)?, vault.account(id)?.name))).await?;
    let link = format!("{}/enrol/{}", app.config.origin, token.expose());
    page(&app, &who, None, Some((name, link))).await
}
