//! `/requests`: what waits for this person's decision, what they asked for themselves, and the rights that are given
//! for a while. Open to everybody who signed in: each sees only what is theirs to decide or to follow.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
    waiting::{self, Desk, Held, Item, Mine},
};
use crate::{
    app::App,
    extract::{Path, Query},
    keeping,
    problem::{Outcome, Problem},
    reading, reason,
    right::{self, Right},
    session::{Form, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::id::{ConversationId, DecisionId, GrantId, RevealId, SubjectId};
use callvault_policy::{Act, Purpose, purposes};
use callvault_store::{
    gate::Target,
    grants::{GRANTABLE, GrantWish},
};
use serde::Deserialize;

/// Lines of one list; what is older is decided first.
const LINES: usize = 100;
/// How long a right may be asked for, in minutes.
const SPANS: [u32; 7] = [30, 60, 240, 480, 1_440, 4_320, 10_080];

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/requests", None),
    ("POST", "/requests/grants", Some(Act::RequestGrant)),
    ("POST", "/requests/grants/{id}", Some(Act::ApproveGrant)),
    ("POST", "/requests/grants/{id}/revoke", Some(Act::RevokeGrant)),
    ("POST", "/requests/reveals/{id}", Some(Act::ApproveReveal)),
    ("POST", "/requests/decisions/{id}", Some(Act::ApproveDisposalMode)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/requests", get(show))
        .route("/requests/grants", post(ask))
        .route("/requests/grants/{id}", post(grant))
        .route("/requests/grants/{id}/revoke", post(revoke))
        .route("/requests/reveals/{id}", post(reveal))
        .route("/requests/decisions/{id}", post(decision))
}

#[derive(Template)]
#[template(path = "requests.html")]
struct Page {
    frame: Frame,
    decides: bool,
    waiting: Vec<Item>,
    more: usize,
    mine: Vec<Mine>,
    sees_rights: bool,
    rights: Vec<Held>,
    may_revoke: bool,
    may_ask: bool,
    acts: Vec<(&'static str, &'static str)>,
    purposes: Vec<(&'static str, &'static str)>,
    spans: Vec<(u32, String)>,
}

/// Keys of services have no desk.
fn person(who: &Who) -> Outcome<()> {
    if who.session.is_person() {
        return Ok(());
    }
    Err(Problem::refused("person_only", callvault_policy::Reason::PersonOnly.sentence()))
}

async fn show(who: Who, State(app): State<App>, Query(q): Query<Done>) -> Outcome<Response> {
    person(&who)?;
    let desk = app.run(Desk::read).await?;
    let (me, may) = (who.account(), right::of(who.roles()));
    let mut items = waiting::waiting(&desk, me, &may);
    let mut mine = waiting::mine(&desk, me);
    mine.truncate(LINES);
    let more = items.len().saturating_sub(LINES);
    items.truncate(LINES);
    let sees_rights = may.contains(&Act::SeeGrants);
    let page = Page {
        frame: Frame::of(&app, &who, "/requests", q.done.as_deref()),
        decides: [Act::ApproveGrant, Act::ApproveReveal, Act::ApproveDisposalMode, Act::ApproveCorrection]
            .iter()
            .any(|a| may.contains(a)),
        waiting: items,
        more,
        mine,
        sees_rights,
        rights: if sees_rights { waiting::held(&desk) } else { Vec::new() },
        may_revoke: may.contains(&Act::RevokeGrant),
        may_ask: may.contains(&Act::RequestGrant),
        acts: GRANTABLE.iter().map(|a| (a.as_str(), words::right(a.as_str()))).collect(),
        purposes: purposes(who.roles(), Act::RequestGrant)
            .into_iter()
            .map(|p| (p.as_str(), words::purpose(p)))
            .collect(),
        spans: SPANS.iter().map(|m| (*m, words::span(*m))).collect(),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Wish {
    act: String,
    on: String,
    #[serde(default)]
    target: String,
    purpose: String,
    minutes: u32,
    reason: String,
}

async fn ask(
    who: Right<{ Act::RequestGrant as u8 }>,
    State(app): State<App>,
    Form(f): Form<Wish>,
) -> Outcome<Response> {
    let purpose = reading::given(&f.purpose)?;
    file(&app, &who, &f.act, (&f.on, &f.target), purpose, f.minutes, f.reason).await?;
    Ok(done("/requests", "requested"))
}

/// On what a right is wanted: a kind and, for one thing, its id.
fn target(kind: &str, id: &str) -> Outcome<Target> {
    let bad = |noun: &str| {
        Problem::bad(format!("This is no id of a {noun}; copy it from the address of its page."))
    };
    let id = id.trim();
    match kind {
        "conversation" => {
            id.parse::<ConversationId>().map(Target::Conversation).map_err(|_| bad("conversation"))
        }
        "subject" => id.parse::<SubjectId>().map(Target::Subject).map_err(|_| bad("person")),
        "all" => Ok(Target::Program),
        _ => Err(Problem::bad("A right is for one conversation, one subject, or all.")),
    }
}

/// Files a request for a right; the API files it the same way.
pub(crate) async fn file(
    app: &App,
    who: &Who,
    act: &str,
    on: (&str, &str),
    purpose: Purpose,
    minutes: u32,
    why: String,
) -> Outcome<GrantId> {
    let act = Act::parse(act).ok_or_else(|| Problem::bad("This act is not known."))?;
    let target = target(on.0, on.1)?;
    let reason = reason::masked(why).await?;
    let session = who.session.clone();
    let wish = GrantWish { act, target, purpose, reason, minutes };
    app.run(move |vault| vault.request_grant(&session, &wish)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Yes,
    No,
}

/// A decision's form.
#[derive(Deserialize)]
pub(super) struct Answer {
    answer: Said,
}

impl Answer {
    /// Agreed, or refused.
    pub(super) fn yes(&self) -> bool {
        matches!(self.answer, Said::Yes)
    }
}

/// Back to the list with what was done, or to a fresh factor where one is needed.
fn answered(outcome: Outcome<()>, code: &str) -> Outcome<Response> {
    match outcome {
        Ok(()) => Ok(done("/requests", code)),
        Err(problem) => step_up(problem, "/requests"),
    }
}

fn code(yes: bool) -> &'static str {
    if yes { "approved" } else { "refused" }
}

async fn grant(
    who: Right<{ Act::ApproveGrant as u8 }>,
    State(app): State<App>,
    Path(id): Path<GrantId>,
    Form(f): Form<Answer>,
) -> Outcome<Response> {
    let (session, yes) = (who.session.clone(), f.yes());
    answered(app.run(move |vault| vault.decide_grant(&session, id, yes)).await, code(yes))
}

#[derive(Deserialize)]
struct Nothing {}

async fn revoke(
    who: Right<{ Act::RevokeGrant as u8 }>,
    State(app): State<App>,
    Path(id): Path<GrantId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let session = who.session.clone();
    answered(app.run(move |vault| vault.revoke_grant(&session, id)).await, "revoked")
}

async fn reveal(
    who: Right<{ Act::ApproveReveal as u8 }>,
    State(app): State<App>,
    Path(id): Path<RevealId>,
    Form(f): Form<Answer>,
) -> Outcome<Response> {
    let (session, yes) = (who.session.clone(), f.yes());
    answered(app.run(move |vault| vault.decide_reveal(&session, id, yes)).await, code(yes))
}

async fn decision(
    who: Right<{ Act::ApproveDisposalMode as u8 }>,
    State(app): State<App>,
    Path(id): Path<DecisionId>,
    Form(f): Form<Answer>,
) -> Outcome<Response> {
    let yes = f.yes();
    answered(keeping::decide(&app, &who, id, yes).await, code(yes))
}
