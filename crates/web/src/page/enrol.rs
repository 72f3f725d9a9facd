//! `/enrol/{link}`: the first factors of somebody who was invited. Looking at the link does not use it up.

use super::{frame::Frame, render, sign_in};
use crate::{
    app::App,
    ceremony::Step,
    extract::{Json, Path},
    problem::{Outcome, Problem},
    session::{self, OpenForm},
};
use askama::Template;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use callvault_model::Secret;
use callvault_policy::factor::{token, totp::TotpSecret};
use callvault_seal::OsEntropy;
use callvault_store::{accounts::Invited, factors::Enrolment};
use serde::Deserialize;
use serde_json::Value;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/enrol/{link}", None),
    ("POST", "/enrol/{link}", None),
    ("POST", "/enrol/{link}/passkey/begin", None),
    ("POST", "/enrol/{link}/passkey/finish", None),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/enrol/{link}", get(show).post(by_app))
        .route("/enrol/{link}/passkey/begin", post(begin))
        .route("/enrol/{link}/passkey/finish", post(finish))
}

#[derive(Template)]
#[template(path = "enrol.html")]
struct Enrol {
    frame: Frame,
    name: String,
    login: String,
    token: String,
    secret: String,
    uri: String,
    step: String,
    why: Option<String>,
}

/// Recovery codes, shown once.
#[derive(Template)]
#[template(path = "recovery.html")]
pub struct Recovery {
    /// Surroundings.
    pub frame: Frame,
    /// The codes.
    pub codes: Vec<String>,
}

async fn show(State(app): State<App>, Path(link): Path<String>) -> Outcome<Response> {
    page(&app, link, None).await
}

async fn invited(app: &App, link: &str) -> Outcome<Invited> {
    let link = link.to_owned();
    app.run(move |vault| vault.peek_invite(&link)).await
}

async fn page(app: &App, link: String, why: Option<String>) -> Outcome<Response> {
    let invited = invited(app, &link).await?;
    let totp = TotpSecret::make(&OsEntropy)?;
    let (secret, uri) = (totp.base32(), totp.otpauth_url(&invited.login)?);
    let (handle, _) = token::make(token::Kind::Session, &OsEntropy)?;
    app.ceremonies.put(handle.expose().clone(), Step::Totp(totp), app.vault.clock().now());
    let grouped: Vec<_> =
        secret.expose().as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
    let failed = why.is_some();
    let mut page = render(&Enrol {
        frame: Frame::bare(app),
        name: invited.name,
        login: invited.login,
        token: link,
        secret: grouped.join(" "),
        uri: uri.expose().clone(),
        step: handle.expose().clone(),
        why,
    });
    if failed {
        *page.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(page)
}

#[derive(Deserialize)]
struct ByApp {
    password: Secret<String>,
    code: String,
    step: String,
}

async fn by_app(
    State(app): State<App>,
    Path(link): Path<String>,
    OpenForm(f): OpenForm<ByApp>,
) -> Outcome<Response> {
    let Some(Step::Totp(totp)) = app.ceremonies.take(&f.step, app.vault.clock().now()) else {
        return page(
            &app,
            link,
            Some("That took longer than five minutes. Here is a fresh key; use this one.".into()),
        )
        .await;
    };
    let used = link.clone();
    let tried = app
        .run_password(move |vault| {
            let accepted =
                vault.accept_invite(&used, Enrolment::App { password: f.password, totp, code: f.code })?;
            Ok::<_, callvault_store::Error>((
                vault.start_session(accepted.signed_in)?,
                accepted.recovery_codes,
            ))
        })
        .await;
    match tried {
        Ok((token, codes)) => {
            let codes = codes.iter().map(|c| c.expose().clone()).collect();
            let mut response = render(&Recovery { frame: Frame::bare(&app), codes });
            sign_in::with_cookie(&mut response, session::set_cookie(session::COOKIE, token.expose()));
            Ok(response)
        }
        Err(problem) if problem.status_code().is_client_error() && problem.code() != "invite_invalid" => {
            page(&app, link, Some(problem.detail)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn begin(State(app): State<App>, Path(link): Path<String>, request: Request) -> Outcome<Response> {
    session::same_origin(&app, request.method(), request.headers())?;
    let invited = invited(&app, &link).await?;
    let (options, state) = app.passkeys()?.start_registration(
        invited.account,
        &invited.login,
        &invited.name,
        &[],
        app.vault.clock().now(),
    )?;
    sign_in::ask(&app, Step::Register(Box::new(state)), options)
}

#[derive(Deserialize)]
struct Made {
    credential: Value,
}

async fn finish(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Outcome<Response> {
    session::same_origin(&app, request.method(), &headers)?;
    let Json(made) = <Json<Made> as axum::extract::FromRequest<App>>::from_request(request, &app).await?;
    let Step::Register(state) = sign_in::begun(&app, &headers)? else {
        return Err(Problem::bad("Start again."));
    };
    let key =
        app.passkeys()?.finish_registration(*state, &made.credential.to_string(), app.vault.clock().now())?;
    let token = app
        .run(move |vault| {
            let enrolment = Enrolment::Passkey { key: Box::new(key), name: "First passkey".into() };
            let accepted = vault.accept_invite(&link, enrolment)?;
            vault.start_session(accepted.signed_in)
        })
        .await?;
    Ok(sign_in::enter_json(&token, "/"))
}
