//! `/subjects`: the people known, without names; `/subjects/{id}`: one person's conversations and who read them.

use super::{
    frame::{Done, Frame},
    purpose, render,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    reading,
    session::{May, Who},
    words,
};
use askama::Template;
use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use callvault_model::id::{ConversationId, LinkId, SubjectId};
use callvault_policy::{Act, Purpose};
use callvault_store::{
    Actor, State as Stands, SubjectRow,
    gate::{ReadSubject, Target},
    links::LinkRow,
    reading::{ReaderRow, SubjectView},
};
use serde::Deserialize;

/// Rows of one page.
const ROWS: usize = 50;
/// Readings shown of one person; the ledger has them all.
const READINGS: usize = 100;

/// This file's pages.
pub const PAGES: super::Pages =
    &[("GET", "/subjects", Some(Act::ListSubjects)), ("GET", "/subjects/{id}", Some(Act::ReadSubject))];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new().route("/subjects", get(list)).route("/subjects/{id}", get(show))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    after: String,
    done: Option<String>,
}

struct Line {
    s: SubjectRow,
    short: String,
    reached: String,
}

#[derive(Template)]
#[template(path = "subjects.html")]
struct List {
    frame: Frame,
    lines: Vec<Line>,
    older: Option<SubjectId>,
}

async fn list(
    who: May<{ Act::ListSubjects as u8 }>,
    State(app): State<App>,
    Query(q): Query<Asked>,
) -> Outcome<Response> {
    let after: Option<SubjectId> = match q.after.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| Problem::bad("The place to go on is not known; begin at the first page."))?,
        ),
    };
    let (page, kinds) = app
        .run(move |vault| {
            let page = vault.subjects_page(after, ROWS)?;
            let kinds = page.rows.iter().map(|s| vault.contact_kinds(s.id)).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, callvault_store::Error>((page, kinds))
        })
        .await?;
    let lines = page
        .rows
        .into_iter()
        .zip(kinds)
        .map(|(s, kinds)| Line { short: short(s.id), reached: reached(&kinds), s })
        .collect();
    let frame = Frame::of(&app, &who, "/subjects", q.done.as_deref());
    Ok(render(&List { frame, lines, older: page.next }))
}

/// The end of an id tells people apart; its beginning is the time.
pub(super) fn short(id: SubjectId) -> String {
    let text = id.to_string();
    text.get(text.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

fn reached(kinds: &[(String, u64)]) -> String {
    let of = |(kind, n): &(String, u64)| match (kind.as_str(), n) {
        ("phone", 1) => "a telephone number".to_owned(),
        ("phone", n) => format!("{n} telephone numbers"),
        ("email", 1) => "an e-mail address".to_owned(),
        (_, n) => format!("{n} e-mail addresses"),
    };
    if kinds.is_empty() {
        "nothing that would recognise them again".into()
    } else {
        kinds.iter().map(of).collect::<Vec<_>>().join(" and ")
    }
}

/// One reading of this person.
struct Reading {
    at: String,
    rfc: String,
    who: String,
    what: String,
    why: &'static str,
    conversation: Option<ConversationId>,
    refused: bool,
}

struct Talk {
    id: ConversationId,
    at: String,
    what: &'static str,
    state: (&'static str, &'static str),
    findings: u64,
}

#[derive(Template)]
#[template(path = "subject.html")]
struct Page {
    frame: Frame,
    s: SubjectRow,
    short: String,
    reached: String,
    purpose: &'static str,
    talks: Vec<Talk>,
    readings: Vec<Reading>,
    more: bool,
    may_link: bool,
    links: Vec<Link>,
}

/// A merge or split of this person's record.
struct Link {
    id: LinkId,
    what: String,
    reason: String,
    by: String,
    at: String,
    undone: Option<String>,
}

async fn show(
    who: Who,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Query(q): Query<Done>,
    headers: HeaderMap,
) -> Outcome<Response> {
    let frame = Frame::of(&app, &who, "/subjects", q.done.as_deref());
    let purpose = match purpose::ask(&app, &who, &headers, Act::ReadSubject, Target::Subject(id)).await? {
        purpose::Asked::Go(purpose) => purpose,
        purpose::Asked::Choose(offered) => {
            let before = reading::remembered(&headers).map(words::purpose);
            return Ok(purpose::page(
                frame,
                format!("Person {}", short(id)),
                format!("/subjects/{id}"),
                offered,
                before,
            ));
        }
    };
    let view = open(&app, &who, id, purpose).await?;
    let kinds = app.run(move |vault| vault.contact_kinds(id)).await?;
    let named = who.could(&app, Act::SeePeople);
    let more = view.readers.len() > READINGS;
    let links = app.run(move |vault| vault.subject_links(Some(id))).await?;
    let links = links.into_iter().map(|l| link_line(&app, id, l, named)).collect();
    let readings = view.readers.iter().take(READINGS).map(|r| reading_line(&app, &who, r, named)).collect();
    let page = Page {
        frame,
        short: short(id),
        reached: reached(&kinds),
        purpose: words::purpose(purpose),
        talks: view.conversations.into_iter().rev().map(talk).collect(),
        may_link: view.subject.erased_at.is_none()
            && crate::right::of(who.roles()).contains(&Act::LinkSubjects),
        links,
        s: view.subject,
        readings,
        more,
    };
    Ok(render(&page))
}

/// Opens a person's page; the API opens it the same way.
pub(crate) async fn open(app: &App, who: &Who, id: SubjectId, purpose: Purpose) -> Outcome<SubjectView> {
    let session = who.session.clone();
    app.run(move |vault| {
        let permit = vault.permit::<ReadSubject>(&session, Target::Subject(id), Some(purpose), None)?;
        vault.subject(permit)
    })
    .await
}

/// Who did something, where this person may know colleagues by name.
fn by(app: &App, actor: &str, named: bool) -> String {
    match Actor::parse(actor) {
        Some(Actor::Account(_)) if !named => "a colleague".to_owned(),
        _ => words::actor(app, actor),
    }
}

fn link_line(app: &App, me: SubjectId, l: LinkRow, named: bool) -> Link {
    let n = words::number(l.parties as u64);
    let what = match (l.kind.as_str(), l.into == me) {
        ("merge", true) => format!("{n} conversations of {} were merged into this record", short(l.from)),
        ("merge", false) => format!("merged into {}, with {n} conversations", short(l.into)),
        (_, true) => format!("split off from {}, with {n} conversations", short(l.from)),
        (_, false) => format!("{n} conversations were split off to {}", short(l.into)),
    };
    let undone = l.undone_at.as_deref().map(|at| {
        let who = l.undone_by.as_deref().map(|a| by(app, a, named)).unwrap_or_default();
        format!("{} UTC by {who}: {}", words::when(at), l.undo_reason.as_deref().unwrap_or_default())
    });
    Link {
        id: l.id,
        what,
        by: by(app, &l.done_by, named),
        at: words::when(&l.done_at),
        reason: l.reason,
        undone,
    }
}

fn talk(c: callvault_store::ConversationRow) -> Talk {
    Talk {
        id: c.id,
        at: words::when(c.started_at.as_deref().unwrap_or(&c.received_at)),
        what: words::one(&c.channel),
        state: words::state(c.state),
        findings: if matches!(c.state, Stands::Recorded | Stands::Shredding | Stands::Disposed) {
            c.findings
        } else {
            0
        },
    }
}

fn reading_line(app: &App, who: &Who, r: &ReaderRow, named: bool) -> Reading {
    let reader = match Actor::parse(&r.actor) {
        Some(actor) if actor == who.session.actor() => "you".to_owned(),
        _ => by(app, &r.actor, named),
    };
    Reading {
        at: words::when(&r.at),
        rfc: r.at.clone(),
        who: reader,
        what: words::reading(&r.kind, r.act.as_deref()).to_owned(),
        why: r.purpose.as_deref().and_then(|p| p.parse().ok()).map_or("", words::purpose),
        conversation: r.conversation,
        refused: r.kind == "access.denied",
    }
}
