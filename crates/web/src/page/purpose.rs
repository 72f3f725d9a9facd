//! Why somebody wants to read: asked before the first reading, remembered until the browser is closed, judged every time.

use super::{frame::Frame, render};
use crate::{
    app::App,
    extract::Path,
    problem::{Outcome, Problem},
    reading,
    session::{Form, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use callvault_model::id::{ConversationId, SubjectId};
use callvault_policy::{Act, Purpose};
use callvault_store::gate::Target;
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("POST", "/conversations/{id}/purpose", Some(Act::ReadMasked)),
    ("POST", "/subjects/{id}/purpose", Some(Act::ReadSubject)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/conversations/{id}/purpose", post(for_conversation))
        .route("/subjects/{id}/purpose", post(for_subject))
}

/// Whether a purpose is known that policy takes.
pub(super) enum Asked {
    /// It is.
    Go(Purpose),
    /// The person must choose one of these.
    Choose(Vec<Purpose>),
}

/// Looks whether the remembered purpose is good for this; where no purpose is, the gate says why and writes it down.
pub(super) async fn ask(
    app: &App,
    who: &Who,
    headers: &HeaderMap,
    act: Act,
    target: Target,
) -> Outcome<Asked> {
    let remembered = reading::remembered(headers);
    let offered = reading::purposes(app, who, act, target).await?;
    Ok(match remembered {
        Some(purpose) if offered.contains(&purpose) || offered.is_empty() => Asked::Go(purpose),
        None if offered.is_empty() => Asked::Go(Purpose::Service),
        _ => Asked::Choose(offered),
    })
}

#[derive(Template)]
#[template(path = "purpose.html")]
struct Page {
    frame: Frame,
    title: String,
    to: String,
    /// Where to go on; empty for the thing itself.
    then: String,
    offered: Vec<(&'static str, &'static str)>,
    before: Option<&'static str>,
}

/// The page that asks.
pub(super) fn page(
    frame: Frame,
    title: String,
    to: String,
    offered: Vec<Purpose>,
    before: Option<&'static str>,
) -> Response {
    page_then(frame, title, to, String::new(), offered, before)
}

/// The same, on the way to another page of that thing.
pub(super) fn page_then(
    frame: Frame,
    title: String,
    to: String,
    then: String,
    offered: Vec<Purpose>,
    before: Option<&'static str>,
) -> Response {
    let offered = offered.into_iter().map(|p| (p.as_str(), words::purpose(p))).collect();
    render(&Page { frame, title, to, then, offered, before })
}

#[derive(Deserialize)]
struct Chosen {
    purpose: String,
    #[serde(default)]
    then: String,
}

async fn for_conversation(
    who: Who,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Form(f): Form<Chosen>,
) -> Outcome<Response> {
    chosen(&app, &who, &f, Act::ReadMasked, Target::Conversation(id), &format!("/conversations/{id}")).await
}

async fn for_subject(
    who: Who,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Form(f): Form<Chosen>,
) -> Outcome<Response> {
    chosen(&app, &who, &f, Act::ReadSubject, Target::Subject(id), &format!("/subjects/{id}")).await
}

/// Only a purpose that the page offered is remembered; the gate judges it again at the reading.
async fn chosen(app: &App, who: &Who, f: &Chosen, act: Act, target: Target, to: &str) -> Outcome<Response> {
    let purpose = reading::given(&f.purpose)?;
    if !reading::purposes(app, who, act, target).await?.contains(&purpose) {
        return Err(Problem::refused(
            "other_purpose",
            "You do not read this for that purpose; choose one that is offered.",
        ));
    }
    let cookie =
        reading::remember(purpose).ok_or_else(|| Problem::bad("The purpose cannot be remembered."))?;
    let to = if f.then.is_empty() { to } else { super::sign_in::local(&f.then) };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}
