//! The console's pages: server-rendered, forms and links, readable without scripts.

mod account;
pub(crate) mod carry;
pub(crate) mod collection;
pub(crate) mod consents;
mod conversation;
pub(crate) mod conversations;
pub(crate) mod correct;
pub(crate) mod courses;
mod destroyed;
mod dial;
pub(crate) mod disposal;
mod enrol;
pub(crate) mod finding;
pub mod frame;
pub(crate) mod holds;
mod incident;
mod incident_words;
mod incidents;
pub(crate) mod law;
mod ledger;
pub(crate) mod links;
mod overview;
mod people;
pub(crate) mod posture;
pub(crate) mod processing;
mod purpose;
pub(crate) mod quarantine;
pub(crate) mod requests;
pub(crate) mod retention;
mod rights;
pub(crate) mod settings;
mod sign_in;
pub(crate) mod subjects;
pub(crate) mod training;
mod upload;
pub(crate) mod waiting;

use crate::{app::App, problem::Problem};
use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use frame::Frame;

/// A rendered template; failing to render is our fault.
pub fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(e) => Problem::internal(&e).into_response(),
    }
}

/// After a form was done: a page that can be reloaded, with a sentence from the closed list in `frame`.
pub fn done(path: &str, code: &str) -> Response {
    let join = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{join}done={code}")).into_response()
}

/// Where a factor is too old, the way to show one again and come back; every other problem stays what it is. What was
/// typed waits meanwhile (`carry`).
pub(crate) fn step_up(problem: Problem, back: &str) -> Result<Response, Problem> {
    if problem.code() == "needs_step_up" {
        return Ok(carry::ask(back));
    }
    Err(problem)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

/// Turns problems of page routes into pages of the same words; who is not signed in is sent to do so.
pub async fn people_read_pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let (reading, path) = (request.method().is_safe(), request.uri().path().to_owned());
    let token = crate::session::cookie(request.headers(), crate::session::COOKIE).map(str::to_owned);
    let (request, typed) = carry::held(request).await;
    let mut response = next.run(request).await;
    if response.extensions().get::<Problem>().is_some_and(|p| p.code() == "needs_step_up") {
        response = carry::ask(if reading { &path } else { "/" });
    }
    if response.extensions().get::<carry::Asked>().is_some() {
        carry::keep(&app, token, typed);
        return response;
    }
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    if path.starts_with("/api/") {
        return response;
    }
    if problem.status_code() == StatusCode::UNAUTHORIZED && reading && path != "/sign-in" {
        return Redirect::to("/sign-in").into_response();
    }
    let mut page = render(&ProblemPage { frame: Frame::bare(&app), problem: &problem });
    *page.status_mut() = problem.status_code();
    if let Some(cookies) = response.headers().get(header::SET_COOKIE) {
        page.headers_mut().insert(header::SET_COOKIE, cookies.clone());
    }
    page
}

/// Method, address and the act that opens it; `None` stands for pages before and about signing in.
pub type Pages = &'static [(&'static str, &'static str, Option<callvault_policy::Act>)];

/// Every page; a test opens each with every role.
pub const PAGES: &[Pages] = &[
    sign_in::PAGES,
    enrol::PAGES,
    account::PAGES,
    overview::PAGES,
    ledger::PAGES,
    people::PAGES,
    conversations::PAGES,
    conversation::PAGES,
    purpose::PAGES,
    finding::PAGES,
    subjects::PAGES,
    links::PAGES,
    correct::PAGES,
    requests::PAGES,
    rights::PAGES,
    retention::PAGES,
    holds::PAGES,
    incidents::PAGES,
    incident::PAGES,
    quarantine::PAGES,
    settings::PAGES,
    collection::PAGES,
    upload::PAGES,
    courses::PAGES,
    training::PAGES,
    disposal::PAGES,
    destroyed::PAGES,
    posture::PAGES,
    dial::PAGES,
    consents::PAGES,
    law::PAGES,
    processing::PAGES,
];

/// The pages' routes.
pub fn router() -> axum::Router<App> {
    axum::Router::new()
        .merge(sign_in::router())
        .merge(enrol::router())
        .merge(account::router())
        .merge(overview::router())
        .merge(ledger::router())
        .merge(people::router())
        .merge(conversations::router())
        .merge(conversation::router())
        .merge(purpose::router())
        .merge(finding::router())
        .merge(subjects::router())
        .merge(links::router())
        .merge(correct::router())
        .merge(requests::router())
        .merge(rights::router())
        .merge(retention::router())
        .merge(holds::router())
        .merge(incidents::router())
        .merge(incident::router())
        .merge(quarantine::router())
        .merge(settings::router())
        .merge(collection::router())
        .merge(upload::router())
        .merge(courses::router())
        .merge(training::router())
        .merge(disposal::router())
        .merge(destroyed::router())
        .merge(posture::router())
        .merge(dial::router())
        .merge(consents::router())
        .merge(law::router())
        .merge(processing::router())
}
