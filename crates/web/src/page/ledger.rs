//! `/ledger`: what was done, newest first, and whether all of it still stands as it was signed.

use super::{frame::Frame, render};
use crate::{
    app::App,
    extract::Query,
    problem::{Outcome, Problem},
    session::{Form, May},
    soundness, words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_policy::Act;
use callvault_store::EntryRow;
use serde::Deserialize;

const LINES: usize = 50;

/// This file's pages.
pub const PAGES: super::Pages =
    &[("GET", "/ledger", Some(Act::ReadLedger)), ("POST", "/ledger/verify", Some(Act::ReadLedger))];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new().route("/ledger", get(show)).route("/ledger/verify", post(verify))
}

#[derive(Deserialize)]
struct Filter {
    before: Option<u64>,
    #[serde(default)]
    family: String,
}

struct Line {
    e: EntryRow,
    at: String,
    who: String,
    facts: String,
    /// Shown for the conversation's id.
    talk: Option<String>,
    /// Shown for the person's id.
    person: Option<String>,
}

/// What a check of the whole ledger said.
struct Verdict {
    good: bool,
    text: String,
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    older: Option<u64>,
    family: String,
    families: &'static [(&'static str, &'static str)],
    vkey: String,
    verdict: Option<Verdict>,
}

const FAMILIES: &[(&str, &str)] = &[
    ("", "Everything"),
    ("access", "Reading and refusals"),
    ("conversation", "Conversations"),
    ("audio", "Destroyed recordings"),
    ("certificate", "Certificates"),
    ("subject", "Subjects"),
    ("grant", "Rights for a while"),
    ("account", "People"),
    ("session", "Sessions"),
    ("signin", "Refused sign-ins"),
    ("hold", "Holds"),
    ("retention", "Retention"),
    ("key", "Keys"),
    ("vault", "The vault"),
];

async fn show(
    who: May<{ Act::ReadLedger as u8 }>,
    State(app): State<App>,
    Query(q): Query<Filter>,
) -> Outcome<Response> {
    page(&app, &who, q, None).await
}

#[derive(Deserialize)]
struct Nothing {}

async fn verify(
    who: May<{ Act::ReadLedger as u8 }>,
    State(app): State<App>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let all = app.clone();
    let checked = tokio::task::spawn_blocking(move || soundness::verify(&all))
        .await
        .map_err(|e| Problem::internal(&e))??;
    let verdict = match checked.found {
        Ok(v) => Verdict {
            good: true,
            text: format!(
                "All {} entries stand as they were signed; {} signed checkpoints agree. Root {}.",
                v.size, v.checkpoints, v.root
            ),
        },
        Err(broken) => Verdict {
            good: false,
            text: format!(
                "The ledger is not whole: {broken}. Keep this machine as it is and tell the incident lead."
            ),
        },
    };
    page(&app, &who, Filter { before: None, family: String::new() }, Some(verdict)).await
}

async fn page(
    app: &App,
    who: &crate::session::Who,
    q: Filter,
    verdict: Option<Verdict>,
) -> Outcome<Response> {
    let known = FAMILIES.iter().any(|(f, _)| *f == q.family);
    if !known {
        return Err(Problem::bad("This kind of entry is not known."));
    }
    let family = q.family.clone();
    let rows = app
        .run(move |vault| vault.entries(q.before, Some(family.as_str()).filter(|f| !f.is_empty()), LINES + 1))
        .await?;
    let older = (rows.len() > LINES).then(|| rows.get(LINES - 1).map(|r| r.seq)).flatten();
    let lines = rows
        .into_iter()
        .take(LINES)
        .map(|e| Line {
            at: words::when(&e.at),
            who: words::actor(app, &e.actor),
            facts: facts(&e),
            talk: e.conversation.as_deref().map(tail),
            person: e.subject.as_deref().map(tail),
            e,
        })
        .collect();
    let frame = Frame::of(app, who, "/ledger", None);
    let vkey = app.vault.vkey().to_owned();
    Ok(render(&Page { frame, lines, older, family: q.family, families: FAMILIES, vkey, verdict }))
}

/// The end of an id tells things apart; its beginning is the time.
fn tail(id: &str) -> String {
    id.get(id.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

fn facts(e: &EntryRow) -> String {
    let plain = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    e.facts.iter().map(|(n, v)| format!("{n} {}", plain(v))).collect::<Vec<_>>().join(", ")
}
