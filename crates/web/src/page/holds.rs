//! What may not be destroyed: legal holds, and conversations marked as to be kept. Shown on `/retention`.

use super::retention::after;
use crate::{
    app::App,
    extract::Path,
    problem::{Outcome, Problem},
    reason,
    right::Right,
    session::{Form, Who},
    words,
};
use axum::{Router, extract::State, response::Response, routing::post};
use callvault_model::id::{ConversationId, HoldId};
use callvault_policy::Act;
use callvault_store::{HoldRow, HoldTarget, gate::Target, holds::KeptRow};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("POST", "/retention/holds", Some(Act::ManageHolds)),
    ("POST", "/retention/holds/{id}/release", Some(Act::ManageHolds)),
    ("POST", "/retention/marks", Some(Act::ManageHolds)),
    ("POST", "/retention/marks/{id}/remove", Some(Act::ManageHolds)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/retention/holds", post(place))
        .route("/retention/holds/{id}/release", post(release))
        .route("/retention/marks", post(mark))
        .route("/retention/marks/{id}/remove", post(unmark))
}

/// One line of the page.
pub(super) struct HoldLine {
    pub id: HoldId,
    pub href: String,
    pub on: &'static str,
    pub matter: String,
    pub owner: String,
    pub placed: String,
    pub review: String,
    pub overdue: bool,
}

/// One line of the page.
pub(super) struct MarkLine {
    pub id: ConversationId,
    pub reason: String,
    pub by: String,
    pub since: String,
}

/// A hold as a line.
pub(super) fn hold_line(app: &App, h: HoldRow) -> HoldLine {
    let (href, on) = match h.target {
        HoldTarget::Conversation(id) => (format!("/conversations/{id}"), "a conversation"),
        HoldTarget::Subject(id) => (format!("/subjects/{id}"), "a person"),
        HoldTarget::Vault => (String::new(), "everything"),
    };
    HoldLine {
        id: h.id,
        href,
        on,
        matter: h.matter,
        owner: words::actor(app, &h.owner),
        placed: words::when(&h.placed_at),
        review: day(&h.review_at),
        overdue: h.overdue,
    }
}

/// A mark as a line.
pub(super) fn mark_line(app: &App, m: KeptRow) -> MarkLine {
    MarkLine {
        id: m.conversation,
        reason: m.reason,
        by: words::actor(app, &m.set_by),
        since: words::when(&m.since),
    }
}

/// The day of a time; whoever looks at holds looks by the day.
fn day(rfc3339: &str) -> String {
    rfc3339.get(..10).unwrap_or(rfc3339).to_owned()
}

#[derive(Deserialize)]
struct Hold {
    on: String,
    #[serde(default)]
    target: String,
    matter: String,
    review: String,
}

/// What a hold is on, from its kind and id.
pub(crate) fn held(kind: &str, id: &str) -> Outcome<HoldTarget> {
    let bad = |noun: &str| {
        Problem::bad(format!("This is no id of a {noun}; copy it from the address of its page."))
    };
    match kind {
        "conversation" => id.trim().parse().map(HoldTarget::Conversation).map_err(|_| bad("conversation")),
        "subject" => id.trim().parse().map(HoldTarget::Subject).map_err(|_| bad("person")),
        "vault" => Ok(HoldTarget::Vault),
        _ => Err(Problem::bad("A hold is on a conversation, a subject or the vault.")),
    }
}

/// The end of a day in UTC.
fn review(day: &str) -> Outcome<Timestamp> {
    let bad = || Problem::bad("The day is written 2027-03-01.");
    let day: Date = day.trim().parse().map_err(|_| bad())?;
    TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0)).map_err(|_| bad())
}

/// Places a hold; the API places it the same way.
pub(crate) async fn hold(
    app: &App,
    who: &Who,
    target: HoldTarget,
    matter: String,
    day: &str,
) -> Outcome<HoldId> {
    let review = review(day)?;
    let matter = reason::masked(matter).await?;
    let by = who.may(app, Act::ManageHolds, Target::Program, Some(matter.clone())).await?;
    app.run(move |vault| vault.place_hold(&by, target, &matter, review)).await
}

async fn place(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Form(f): Form<Hold>,
) -> Outcome<Response> {
    let target = held(&f.on, &f.target)?;
    after(hold(&app, &who, target, f.matter, &f.review).await.map(drop), "hold-placed")
}

#[derive(Deserialize)]
struct Why {
    reason: String,
}

async fn release(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Path(id): Path<HoldId>,
    Form(f): Form<Why>,
) -> Outcome<Response> {
    after(let_go(&app, &who, id, f.reason).await, "hold-released")
}

/// Releases a hold; the API releases it the same way.
pub(crate) async fn let_go(app: &App, who: &Who, id: HoldId, why: String) -> Outcome<()> {
    let why = reason::masked(why).await?;
    let by = who.may(app, Act::ManageHolds, Target::Program, Some(why)).await?;
    app.run(move |vault| vault.release_hold(&by, id)).await
}

#[derive(Deserialize)]
struct Mark {
    conversation: String,
    reason: String,
}

async fn mark(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Form(f): Form<Mark>,
) -> Outcome<Response> {
    let id = f.conversation.trim().parse().map_err(|_| {
        Problem::bad("This is no id of a conversation; copy it from the address of its page.")
    })?;
    after(keep(&app, &who, id, f.reason).await, "marked")
}

/// Marks a conversation as one to be kept; the API marks it the same way.
pub(crate) async fn keep(app: &App, who: &Who, id: ConversationId, why: String) -> Outcome<()> {
    let why = reason::masked(why).await?;
    let by = who.may(app, Act::ManageHolds, Target::Conversation(id), Some(why.clone())).await?;
    app.run(move |vault| vault.mark_must_keep(&by, id, &why)).await
}

async fn unmark(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Form(f): Form<Why>,
) -> Outcome<Response> {
    after(unkeep(&app, &who, id, f.reason).await, "unmarked")
}

/// Takes the mark off; the API takes it off the same way.
pub(crate) async fn unkeep(app: &App, who: &Who, id: ConversationId, why: String) -> Outcome<()> {
    let why = reason::masked(why).await?;
    let by = who.may(app, Act::ManageHolds, Target::Conversation(id), Some(why)).await?;
    app.run(move |vault| vault.unmark_must_keep(&by, id)).await
}
