//! `/conversations/{id}/findings/{n}`: one hidden value: why it is hidden, asking to see it, saying that it is no such
//! thing. `/reveals/{id}`: what became of having asked, and the value itself, once.

use super::{
    conversation::{self, FindingLine},
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    reading, reason,
    session::{Form, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use callvault_model::{
    EntityType,
    id::{ConversationId, RevealId},
};
use callvault_policy::{Act, Purpose};
use callvault_store::{
    gate::{RequestReveal, Reveal, Target},
    reveal::{RevealRow, RevealState, Revealed},
};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/conversations/{id}/findings/{n}", Some(Act::ReadMasked)),
    ("POST", "/conversations/{id}/findings/{n}/reveal", Some(Act::RequestReveal)),
    ("GET", "/reveals/{id}", Some(Act::Reveal)),
    ("POST", "/reveals/{id}", Some(Act::Reveal)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/conversations/{id}/findings/{n}", get(show))
        .route("/conversations/{id}/findings/{n}/reveal", post(ask))
        .route("/reveals/{id}", get(request).post(value))
}

#[derive(Template)]
#[template(path = "finding.html")]
struct Page {
    frame: Frame,
    id: ConversationId,
    title: String,
    line: FindingLine,
    never: bool,
    two: bool,
    may_reveal: bool,
    may_correct: bool,
    purposes: Vec<(&'static str, &'static str)>,
}

async fn show(
    who: Who,
    State(app): State<App>,
    Path((id, n)): Path<(ConversationId, u64)>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let opened = reading::open(&app, &who, id, reading::remembered(&headers)).await?;
    let row = opened.row();
    let finding = opened.findings().iter().find(|f| f.position == n).ok_or_else(Problem::absent)?;
    let entity: Option<EntityType> = finding.entity.parse().ok();
    let offered = match &finding.token {
        Some(token) => {
            reading::purposes(&app, &who, Act::RequestReveal, Target::Token(token.clone())).await?
        }
        None => Vec::new(),
    };
    let page = Page {
        frame: Frame::of(&app, &who, "/conversations", None),
        id,
        title: conversation::title(row),
        line: conversation::finding_line(finding, row.channel == "voice"),
        never: entity.is_some_and(EntityType::is_sensitive_authentication_data),
        two: entity.is_some_and(EntityType::is_payment),
        may_reveal: !offered.is_empty(),
        // Payment data never comes back into the text, nor does what was not kept.
        may_correct: finding.token.is_some()
            && !entity.is_some_and(EntityType::is_payment)
            && conversation::could(&app, &who, Act::RequestCorrection, id, None).await?,
        purposes: offered.into_iter().map(|p| (p.as_str(), words::purpose(p))).collect(),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Ask {
    purpose: String,
    reason: String,
}

async fn ask(
    who: Who,
    State(app): State<App>,
    Path((id, n)): Path<(ConversationId, u64)>,
    headers: HeaderMap,
    Form(f): Form<Ask>,
) -> Outcome<Response> {
    let purpose = reading::given(&f.purpose)?;
    let opened = reading::open(&app, &who, id, reading::remembered(&headers)).await?;
    let token = opened.findings().iter().find(|f| f.position == n).and_then(|f| f.token.clone()).ok_or_else(
        || {
            Problem::new(
                axum::http::StatusCode::GONE,
                "destroyed",
                "Destroyed",
                "This value was not kept; nobody can see it.",
            )
        },
    )?;
    let reveal = file(&app, &who, token, purpose, f.reason).await?;
    Ok(Redirect::to(&format!("/reveals/{reveal}")).into_response())
}

/// Files a request to see one value; the API files it the same way.
pub(crate) async fn file(
    app: &App,
    who: &Who,
    token: String,
    purpose: Purpose,
    why: String,
) -> Outcome<RevealId> {
    let why = reason::masked(why).await?;
    let session = who.session.clone();
    app.run(move |vault| {
        let permit =
            vault.permit::<RequestReveal>(&session, Target::Token(token), Some(purpose), Some(&why))?;
        vault.request_reveal(permit)
    })
    .await
}

/// A request of this person's own.
pub(crate) async fn own(app: &App, who: &Who, id: RevealId) -> Outcome<RevealRow> {
    let account = who.account();
    let all = app.run(move |vault| vault.reveal_requests(Some(account))).await?;
    all.into_iter().find(|r| r.id == id).ok_or_else(Problem::absent)
}

/// Shows the value of a request, once.
pub(crate) async fn open(app: &App, who: &Who, row: &RevealRow) -> Outcome<Revealed> {
    let (session, id, reason) = (who.session.clone(), row.id, row.reason.clone());
    let purpose: Option<Purpose> = row.purpose.parse().ok();
    app.run(move |vault| {
        let permit = vault.permit::<Reveal>(&session, Target::Reveal(id), purpose, Some(&reason))?;
        vault.reveal(permit)
    })
    .await
}

#[derive(Template)]
#[template(path = "reveal.html")]
struct RequestPage {
    frame: Frame,
    r: RevealRow,
    what: &'static str,
    purpose: &'static str,
    state: &'static str,
    until: String,
}

async fn request(
    who: Who,
    State(app): State<App>,
    Path(id): Path<RevealId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let r = own(&app, &who, id).await?;
    let frame = Frame::of(&app, &who, "/conversations", q.done.as_deref());
    let state = match r.state {
        RevealState::Pending => "pending",
        RevealState::Approved => "approved",
        RevealState::Refused => "refused",
        RevealState::Used => "used",
        RevealState::Expired => "expired",
    };
    let page = RequestPage {
        frame,
        what: words::of_name(r.entity.as_deref().unwrap_or_default(), 1),
        purpose: r.purpose.parse().map_or("", words::purpose),
        until: words::when(&r.expires_at),
        state,
        r,
    };
    Ok(render(&page))
}

#[derive(Template)]
#[template(path = "revealed.html")]
struct ValuePage<'a> {
    frame: Frame,
    id: RevealId,
    conversation: ConversationId,
    what: &'static str,
    until: String,
    value: &'a str,
}

#[derive(Deserialize)]
struct Nothing {}

async fn value(
    who: Who,
    State(app): State<App>,
    Path(id): Path<RevealId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let r = own(&app, &who, id).await?;
    let here = format!("/reveals/{id}");
    let shown = match open(&app, &who, &r).await {
        Ok(shown) => shown,
        Err(problem) => return step_up(problem, &here),
    };
    let mut response = render(&ValuePage {
        frame: Frame::of(&app, &who, "/conversations", None),
        id,
        conversation: r.conversation,
        what: callvault_model::words::of(shown.entity, 1),
        until: shown.hide_at.strftime("%H:%M:%S").to_string(),
        value: shown.value.expose(),
    });
    // The page goes away by itself, with or without scripts, and no cache keeps it.
    if let Ok(leave) = HeaderValue::try_from(format!("30; url={here}")) {
        response.headers_mut().insert(header::REFRESH, leave);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
