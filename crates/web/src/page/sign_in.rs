//! `/sign-in`, `/sign-out`, `/step-up`: showing who one is, by passkey, or by password and one-time code.

use super::{
    carry,
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    ceremony::Step,
    extract::{Json, Query},
    problem::{Outcome, Problem},
    session::{self, Form, OpenForm, Who},
    strangers::{From, Way},
};
use askama::Template;
use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use callvault_model::Secret;
use callvault_policy::factor::{passkey::Answer, token};
use callvault_seal::OsEntropy;
use serde::Deserialize;
use serde_json::{Value, json};

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/sign-in", None),
    ("POST", "/sign-in", None),
    ("POST", "/sign-in/passkey/begin", None),
    ("POST", "/sign-in/passkey/finish", None),
    ("POST", "/sign-out", None),
    ("GET", "/step-up", None),
    ("POST", "/step-up", None),
    ("POST", "/step-up/passkey/begin", None),
    ("POST", "/step-up/passkey/finish", None),
    ("POST", "/step-up/carry-on", None),
    ("POST", "/step-up/forget", None),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(show).post(by_password))
        .route("/sign-in/passkey/begin", post(begin))
        .route("/sign-in/passkey/finish", post(finish))
        .route("/sign-out", post(sign_out))
        .route("/step-up", get(step_up_page).post(step_up_by_code))
        .route("/step-up/passkey/begin", post(step_up_begin))
        .route("/step-up/passkey/finish", post(step_up_finish))
        .route("/step-up/carry-on", post(carry_on))
        .route("/step-up/forget", post(forget))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    why: Option<String>,
}

async fn show(State(app): State<App>, Query(q): Query<Done>) -> Response {
    let mut frame = Frame::bare(&app);
    frame.done = q.done.as_deref().and_then(super::frame::said);
    render(&SignIn { frame, why: None })
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: Secret<String>,
    code: Secret<String>,
}

async fn by_password(
    State(app): State<App>,
    from: From,
    OpenForm(c): OpenForm<Credentials>,
) -> Outcome<Response> {
    app.strangers.check(Way::Password, from)?;
    let tried = app
        .run_password(move |vault| {
            let shown = vault.sign_in_password(&c.login, &c.password, c.code.expose())?;
            vault.start_session(shown)
        })
        .await;
    match tried {
        Ok(token) => Ok(enter(&token, "/")),
        Err(problem) if problem.status_code().is_client_error() => {
            app.strangers.failed(Way::Password, from);
            let mut page = render(&SignIn { frame: Frame::bare(&app), why: Some(problem.detail) });
            *page.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(page)
        }
        Err(problem) => Err(problem),
    }
}

/// Signed in: the cookie, and on to a page of ours.
pub fn enter(token: &Secret<String>, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    with_cookie(&mut response, session::set_cookie(session::COOKIE, token.expose()));
    with_cookie(&mut response, session::drop_cookie(session::CEREMONY));
    response
}

/// Adds a cookie to an answer.
pub fn with_cookie(response: &mut Response, cookie: Option<axum::http::HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Signed in by script: the cookie, and where the script goes next.
pub fn enter_json(token: &Secret<String>, to: &str) -> Response {
    let mut response = axum::Json(json!({ "location": to })).into_response();
    with_cookie(&mut response, session::set_cookie(session::COOKIE, token.expose()));
    with_cookie(&mut response, session::drop_cookie(session::CEREMONY));
    response
}

/// Keeps a step for this browser and answers with what the browser needs.
pub fn ask(app: &App, step: Step, options: Value) -> Outcome<Response> {
    let (handle, _) = token::make(token::Kind::Session, &OsEntropy)?;
    app.ceremonies.put(handle.expose().clone(), step, app.vault.clock().now());
    let mut response = axum::Json(options).into_response();
    with_cookie(&mut response, session::set_cookie(session::CEREMONY, handle.expose()));
    Ok(response)
}

/// The step this browser began.
pub fn begun(app: &App, headers: &HeaderMap) -> Outcome<Step> {
    session::cookie(headers, session::CEREMONY)
        .and_then(|handle| app.ceremonies.take(handle, app.vault.clock().now()))
        .ok_or_else(|| {
            Problem::bad("This took longer than five minutes or was begun elsewhere; start again.")
        })
}

/// Checks that a script of our own page asked; returns the headers for what follows.
fn ours(app: &App, request: &Request) -> Outcome<HeaderMap> {
    session::same_origin(app, request.method(), request.headers())?;
    Ok(request.headers().clone())
}

async fn begin(State(app): State<App>, request: Request) -> Outcome<Response> {
    ours(&app, &request)?;
    let (options, state) = app.passkeys()?.start_sign_in(app.vault.clock().now())?;
    ask(&app, Step::Authenticate(Box::new(state)), options)
}

#[derive(Deserialize)]
struct Shown {
    credential: Value,
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    kept: String,
}

async fn finish(
    State(app): State<App>,
    from: From,
    headers: HeaderMap,
    request: Request,
) -> Outcome<Response> {
    ours(&app, &request)?;
    app.strangers.check(Way::Passkey, from)?;
    let Json(shown) = <Json<Shown> as axum::extract::FromRequest<App>>::from_request(request, &app).await?;
    let Step::Authenticate(state) = begun(&app, &headers)? else { return Err(Problem::bad("Start again.")) };
    let answer = Answer::read(&shown.credential.to_string())?;
    let keys = app.passkeys()?;
    let token = app
        .run(move |vault| {
            let shown = vault.sign_in_passkey(&keys, *state, &answer)?;
            vault.start_session(shown)
        })
        .await
        .inspect_err(|_| app.strangers.failed(Way::Passkey, from))?;
    Ok(enter_json(&token, "/"))
}

#[derive(Deserialize)]
struct Nothing {}

async fn sign_out(who: Who, State(app): State<App>, Form(Nothing {}): Form<Nothing>) -> Outcome<Response> {
    app.run(move |vault| vault.end_session(&who.session)).await?;
    let mut response = Redirect::to("/sign-in?done=signed-out").into_response();
    with_cookie(&mut response, session::drop_cookie(session::COOKIE));
    Ok(response)
}

#[derive(Template)]
#[template(path = "step_up.html")]
struct StepUp {
    frame: Frame,
    next: String,
    why: Option<String>,
    /// The handle of a form that goes on afterwards.
    kept: Option<String>,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

/// Only a path of our own may follow.
pub(super) fn local(next: &str) -> &str {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if plain && next.len() <= 200 { next } else { "/" }
}

async fn step_up_page(
    who: Who,
    State(app): State<App>,
    headers: HeaderMap,
    Query(q): Query<Next>,
) -> Response {
    let frame = Frame::of(&app, &who, "", None);
    render(&StepUp { frame, next: local(&q.next).to_owned(), why: None, kept: carry::waits(&app, &headers) })
}

#[derive(Deserialize)]
struct StepUpForm {
    password: Secret<String>,
    code: Secret<String>,
    next: String,
    #[serde(default)]
    kept: String,
}

async fn step_up_by_code(
    who: Who,
    State(app): State<App>,
    Extension(pages): Extension<carry::Pages>,
    headers: HeaderMap,
    Form(f): Form<StepUpForm>,
) -> Outcome<Response> {
    let session = who.session.clone();
    let next = local(&f.next).to_owned();
    let tried =
        app.run_password(move |vault| vault.step_up_password(&session, &f.password, f.code.expose())).await;
    match tried {
        Ok(_) => Ok(match carry::on(&app, &pages, &headers, &f.kept).await {
            Some(done) => done,
            None => Redirect::to(&next).into_response(),
        }),
        Err(problem) if problem.status_code().is_client_error() => {
            let frame = Frame::of(&app, &who, "", None);
            let kept = carry::waits(&app, &headers);
            let mut page = render(&StepUp { frame, next, why: Some(problem.detail), kept });
            *page.status_mut() = StatusCode::FORBIDDEN;
            Ok(page)
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct CarryOn {
    next: String,
    #[serde(default)]
    kept: String,
}

/// After a passkey: the page of the step-up sends this by itself.
async fn carry_on(
    _: Who,
    State(app): State<App>,
    Extension(pages): Extension<carry::Pages>,
    headers: HeaderMap,
    Form(f): Form<CarryOn>,
) -> Response {
    match carry::on(&app, &pages, &headers, &f.kept).await {
        Some(done) => done,
        None => Redirect::to(local(&f.next)).into_response(),
    }
}

async fn forget(_: Who, State(app): State<App>, headers: HeaderMap, Form(f): Form<CarryOn>) -> Response {
    carry::forget(&app, &headers);
    Redirect::to(local(&f.next)).into_response()
}

async fn step_up_begin(who: Who, State(app): State<App>) -> Outcome<Response> {
    let account = who.account();
    let known = app.run(move |vault| vault.stored_passkeys(account)).await?;
    let (options, state) = app.passkeys()?.start_step_up(account, &known, app.vault.clock().now())?;
    ask(&app, Step::Authenticate(Box::new(state)), options)
}

async fn step_up_finish(
    who: Who,
    State(app): State<App>,
    headers: HeaderMap,
    Json(shown): Json<Shown>,
) -> Outcome<Response> {
    who.proves(&shown.csrf)?;
    let Step::Authenticate(state) = begun(&app, &headers)? else { return Err(Problem::bad("Start again.")) };
    let answer = Answer::read(&shown.credential.to_string())?;
    let keys = app.passkeys()?;
    let session = who.session.clone();
    app.run(move |vault| vault.step_up_passkey(&session, &keys, *state, &answer)).await?;
    let waits = carry::waits(&app, &headers).is_some_and(|handle| handle == shown.kept);
    Ok(axum::Json(json!({ "location": local(&shown.next), "carry_on": waits })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_step_up_nobody_is_sent_elsewhere() {
        assert_eq!(local("/conversations/1?x=2"), "/conversations/1?x=2");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nset-cookie: x"] {
            assert_eq!(local(bad), "/", "{bad}");
        }
    }
}
