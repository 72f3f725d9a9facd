//! `/quarantine`: what nobody may read yet, why, since when; and the two ways out: worked on again, or discarded.

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
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    response::Response,
    routing::{get, post},
};
use callvault_flow::intake;
use callvault_model::id::ConversationId;
use callvault_policy::Act;
use callvault_store::{ConversationFilter, Discard, Error, gate::Target};
use jiff::Timestamp;
use serde::Deserialize;

/// Lines of a page.
const LINES: usize = 50;
/// Largest transcript.
pub(crate) const MAX_TRANSCRIPT: usize = 16 << 20;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/quarantine", Some(Act::SeeQuarantine)),
    ("GET", "/quarantine/{id}", Some(Act::SeeQuarantine)),
    ("POST", "/quarantine/{id}/again", Some(Act::ReleaseQuarantine)),
    ("POST", "/quarantine/{id}/transcript", Some(Act::ReleaseQuarantine)),
    ("POST", "/quarantine/{id}/discard", Some(Act::ReleaseQuarantine)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/quarantine", get(show))
        .route("/quarantine/{id}", get(one))
        .route(
            "/quarantine/{id}/transcript",
            post(transcript).layer(DefaultBodyLimit::max(MAX_TRANSCRIPT + 4_096)),
        )
        .route("/quarantine/{id}/again", post(again))
        .route("/quarantine/{id}/discard", post(discard))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
    done: Option<String>,
}

struct Line {
    id: ConversationId,
    name: &'static str,
    reason: String,
    received: String,
    received_raw: String,
    age: String,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    next: Option<ConversationId>,
    transcripts: bool,
}

/// The states that wait here, by the name in the address.
pub(crate) fn waits(state: &str) -> Outcome<callvault_store::State> {
    match state {
        "" | "quarantined" => Ok(callvault_store::State::Quarantined),
        "awaiting-transcript" => Ok(callvault_store::State::AwaitingTranscript),
        _ => Err(Problem::bad("Here lies what is quarantined or awaiting-transcript.")),
    }
}

/// A reason, as people say it.
fn because(why: Discard) -> &'static str {
    match why {
        Discard::NoConversation => "It is no conversation",
        Discard::Duplicate => "It is here in another form",
        Discard::Unreadable => "Nobody can ever read it",
        Discard::Unwanted => "It should not have been taken in",
    }
}

/// How long ago, in whole days or hours.
fn age(rfc3339: &str, now: Timestamp) -> String {
    let Ok(at) = rfc3339.parse::<Timestamp>() else { return String::new() };
    let hours = now.duration_since(at).as_hours();
    match hours {
        ..1 => "less than an hour".into(),
        1 => "1 hour".into(),
        2..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

async fn show(
    who: May<{ Act::SeeQuarantine as u8 }>,
    State(app): State<App>,
    Query(q): Query<Asked>,
) -> Outcome<Response> {
    let state = waits(&q.state)?;
    let after = match q.after.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let filter = ConversationFilter { state: Some(state), ..ConversationFilter::default() };
    let rows = app.run(move |vault| vault.conversations_page(&filter, after, LINES)).await?;
    let now = app.vault.clock().now();
    let line = |r: callvault_store::ConversationRow| Line {
        id: r.id,
        name: words::one(&r.channel),
        reason: r.reason.unwrap_or_default(),
        received: words::when(&r.received_at),
        age: age(&r.received_at, now),
        received_raw: r.received_at,
    };
    let page = Page {
        frame: Frame::of(&app, &who, "/quarantine", q.done.as_deref()),
        lines: rows.rows.into_iter().map(line).collect(),
        next: rows.next,
        transcripts: state == callvault_store::State::AwaitingTranscript,
    };
    Ok(render(&page))
}

/// Lets a conversation be worked on again; the API does it the same way.
pub(crate) async fn release(app: &App, who: &Who, id: ConversationId) -> Outcome<()> {
    let by = who.may(app, Act::ReleaseQuarantine, Target::Conversation(id), None).await?;
    app.run(move |vault| vault.release_quarantined(&by, id, "again")).await?;
    Ok(())
}

/// Destroys a conversation that nobody could prove; the API does it the same way.
pub(crate) async fn throw_away(app: &App, who: &Who, id: ConversationId, why: &str) -> Outcome<()> {
    let why = Discard::parse(why).ok_or_else(|| Problem::bad("Choose why it is destroyed."))?;
    let by = who.may(app, Act::ReleaseQuarantine, Target::Conversation(id), None).await?;
    app.run(move |vault| vault.discard_quarantined(&by, id, why)).await
}

/// Goes on with a transcript that was made elsewhere; the API does it the same way.
pub(crate) async fn import(app: &App, who: &Who, id: ConversationId, bytes: Vec<u8>) -> Outcome<()> {
    let by = who.may(app, Act::ReleaseQuarantine, Target::Conversation(id), None).await?;
    app.run(move |vault| intake::import_transcript(vault, &by, id, &bytes)).await?;
    Ok(())
}

#[derive(Template)]
#[template(path = "quarantined.html")]
struct One {
    frame: Frame,
    id: ConversationId,
    name: &'static str,
    state: (&'static str, &'static str),
    reason: String,
    received: String,
    received_raw: String,
    age: String,
    long: String,
    voice: bool,
    waits: bool,
    may: bool,
    observing: bool,
    kept: bool,
    reasons: Vec<(&'static str, &'static str)>,
}

async fn one(
    who: May<{ Act::SeeQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (row, disposal, kept) = app
        .run(move |vault| {
            Ok::<_, Error>((vault.conversation(id)?, vault.disposal()?, vault.kept_back(id)?.is_some()))
        })
        .await?;
    use callvault_store::State as S;
    let page = One {
        frame: Frame::of(&app, &who, "/quarantine", q.done.as_deref()),
        id,
        name: words::one(&row.channel),
        state: words::state(row.state),
        received: words::when(&row.received_at),
        age: age(&row.received_at, app.vault.clock().now()),
        long: if row.duration_ms > 0 { words::clock(row.duration_ms) } else { String::new() },
        voice: row.channel == "voice",
        waits: matches!(row.state, S::Quarantined | S::AwaitingTranscript),
        may: right::of(who.roles()).contains(&Act::ReleaseQuarantine),
        observing: disposal.is_none(),
        kept,
        reasons: Discard::ALL.iter().map(|d| (d.as_str(), because(*d))).collect(),
        reason: row.reason.unwrap_or_default(),
        received_raw: row.received_at,
    };
    Ok(render(&page))
}

fn malformed() -> Problem {
    Problem::bad("The form is incomplete or larger than 16 MiB; reload the page and choose the file again.")
}

async fn transcript(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    request: Request,
) -> Outcome<Response> {
    let page = format!("/quarantine/{id}");
    // Asked before sixteen megabytes are read, and again with the act.
    if let Err(problem) = who.may(&app, Act::ReleaseQuarantine, Target::Conversation(id), None).await {
        return step_up(problem, &page);
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let (mut proven, mut file) = (false, None);
    while let Some(field) = form.next_field().await.map_err(|_| malformed())? {
        match field.name().unwrap_or_default() {
            "csrf" => {
                who.proves(&field.text().await.map_err(|_| malformed())?)?;
                proven = true;
            }
            "file" if proven => file = Some(field.bytes().await.map_err(|_| malformed())?),
            _ => return Err(malformed()),
        }
    }
    let file = file.filter(|f| !f.is_empty()).ok_or_else(|| Problem::bad("Choose a file first."))?;
    match import(&app, &who, id, file.to_vec()).await {
        Ok(()) => Ok(done(&page, "imported")),
        Err(problem) => step_up(problem, &page),
    }
}

fn after(outcome: Outcome<()>, code: &str) -> Outcome<Response> {
    match outcome {
        Ok(()) => Ok(done("/quarantine", code)),
        Err(problem) => step_up(problem, "/quarantine"),
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn again(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    after(release(&app, &who, id).await, "released")
}

#[derive(Deserialize)]
struct Why {
    why: String,
}

async fn discard(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Form(f): Form<Why>,
) -> Outcome<Response> {
    after(throw_away(&app, &who, id, &f.why).await, "discarded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_unit_people_count_in() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (at, said) in [
            ("2026-11-24T11:30:00Z", "less than an hour"),
            ("2026-11-24T10:59:00Z", "1 hour"),
            ("2026-11-23T12:00:00Z", "24 hours"),
            ("2026-11-20T12:00:00Z", "4 days"),
            ("2026-11-25T12:00:00Z", "less than an hour"),
            ("never", ""),
        ] {
            assert_eq!(age(at, now), said, "{at}");
        }
    }
}
