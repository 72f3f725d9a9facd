//! `/account`: one's own ways to sign in, sessions and recovery codes.

use super::{
    done,
    enrol::Recovery,
    frame::{Done, Frame},
    render, sign_in,
};
use crate::{
    app::App,
    ceremony::Step,
    extract::{Json, Path, Query},
    problem::{Outcome, Problem},
    session::{self, Form, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use callvault_store::{Error, factors::PasskeyRow};
use serde::Deserialize;
use serde_json::{Value, json};

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/account", None),
    ("POST", "/account/passkey/begin", None),
    ("POST", "/account/passkey/finish", None),
    ("POST", "/account/passkeys/{id}/remove", None),
    ("POST", "/account/recovery", None),
    ("POST", "/account/sessions/end", None),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/account", get(show))
        .route("/account/passkey/begin", post(begin))
        .route("/account/passkey/finish", post(finish))
        .route("/account/passkeys/{id}/remove", post(remove))
        .route("/account/recovery", post(recovery))
        .route("/account/sessions/end", post(end_all))
}

struct Key {
    id: String,
    name: String,
    created: String,
    used: String,
}

impl From<PasskeyRow> for Key {
    fn from(row: PasskeyRow) -> Self {
        let used = row.last_used_at.as_deref().map(words::when).unwrap_or_default();
        Self { created: words::when(&row.created_at), used, id: row.id, name: row.name }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    password: bool,
    passkeys: Vec<Key>,
    codes_left: u64,
    roles: Vec<&'static str>,
    since: String,
    strength: &'static str,
    ends: String,
}

async fn show(who: Who, State(app): State<App>, Query(q): Query<Done>) -> Outcome<Response> {
    let id = who.account();
    let (account, keys) =
        app.run(move |vault| Ok::<_, Error>((vault.account(id)?, vault.passkeys(id)?))).await?;
    let ends = who.session.created_at() + jiff::SignedDuration::from_hours(12);
    Ok(render(&Page {
        frame: Frame::of(&app, &who, "", q.done.as_deref()),
        password: account.password,
        passkeys: keys.into_iter().map(Key::from).collect(),
        codes_left: account.recovery_codes,
        roles: who.roles().iter().map(|r| words::role(r)).collect(),
        since: words::when(&who.session.created_at().to_string()),
        strength: if who.session.aal() >= 2 { "Two factors" } else { "One factor" },
        ends: words::when(&ends.to_string()),
    }))
}

#[derive(Deserialize)]
struct Begin {
    csrf: String,
}

async fn begin(who: Who, State(app): State<App>, Json(f): Json<Begin>) -> Outcome<Response> {
    who.proves(&f.csrf)?;
    let id = who.account();
    let (account, known) =
        app.run(move |vault| Ok::<_, Error>((vault.account(id)?, vault.stored_passkeys(id)?))).await?;
    let (options, state) = app.passkeys()?.start_registration(
        id,
        &account.login,
        &account.name,
        &known,
        app.vault.clock().now(),
    )?;
    sign_in::ask(&app, Step::Register(Box::new(state)), options)
}

#[derive(Deserialize)]
struct Made {
    csrf: String,
    device: String,
    credential: Value,
}

async fn finish(
    who: Who,
    State(app): State<App>,
    headers: HeaderMap,
    Json(made): Json<Made>,
) -> Outcome<Response> {
    who.proves(&made.csrf)?;
    let Step::Register(state) = sign_in::begun(&app, &headers)? else {
        return Err(Problem::bad("Start again."));
    };
    let key =
        app.passkeys()?.finish_registration(*state, &made.credential.to_string(), app.vault.clock().now())?;
    app.run(move |vault| vault.add_passkey(&who.session, &key, &made.device)).await?;
    Ok(axum::Json(json!({ "location": "/account?done=passkey" })).into_response())
}

#[derive(Deserialize)]
struct Nothing {}

async fn remove(
    who: Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    app.run(move |vault| vault.remove_passkey(&who.session, &id)).await?;
    Ok(done("/account", "passkey-removed"))
}

async fn recovery(who: Who, State(app): State<App>, Form(Nothing {}): Form<Nothing>) -> Outcome<Response> {
    let session = who.session.clone();
    let codes = app.run(move |vault| vault.new_recovery_codes(&session)).await?;
    let codes = codes.iter().map(|c| c.expose().clone()).collect();
    Ok(render(&Recovery { frame: Frame::of(&app, &who, "", None), codes }))
}

async fn end_all(who: Who, State(app): State<App>, Form(Nothing {}): Form<Nothing>) -> Outcome<Response> {
    let (by, id) = (who.session.actor(), who.account());
    app.run(move |vault| vault.end_sessions_of(&by, id)).await?;
    let mut response = Redirect::to("/sign-in?done=signed-out").into_response();
    sign_in::with_cookie(&mut response, session::drop_cookie(session::COOKIE));
    Ok(response)
}
