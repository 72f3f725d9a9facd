//! `/ledger-entries`, `/ledger-verifications` and `/overview`: what was done, whether it still stands, what waits.

use super::{Refusals, conversations::limit};
use crate::{
    app::App,
    extract::Query,
    pending::{self, Pending},
    problem::{Outcome, Problem},
    session::May,
    soundness,
};
use axum::{extract::State, http::StatusCode};
use callvault_policy::Act;
use callvault_store::EntryRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// One entry.
#[derive(Serialize, ToSchema)]
struct EntryView {
    /// Its place, from 0.
    seq: u64,
    /// RFC 3339.
    at: String,
    /// The stable code of what happened.
    kind: String,
    /// Who did it, as a pseudonym.
    actor: String,
    /// To which conversation.
    conversation: Option<String>,
    /// To which person.
    subject: Option<String>,
    /// Counts, codes, ids and hashes.
    facts: BTreeMap<String, serde_json::Value>,
}

impl From<EntryRow> for EntryView {
    fn from(e: EntryRow) -> Self {
        Self {
            seq: e.seq,
            at: e.at,
            kind: e.kind,
            actor: e.actor,
            conversation: e.conversation,
            subject: e.subject,
            facts: e.facts,
        }
    }
}

/// One page of entries, newest first.
#[derive(Serialize, ToSchema)]
struct EntryList {
    /// The page.
    entries: Vec<EntryView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<u64>,
}

/// What narrows the list, and where to go on.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// A kind such as `hold.placed`, or a family such as `hold`.
    kind: String,
    /// Where the last page ended.
    after: Option<u64>,
    /// Rows, 1 to 199.
    #[param(minimum = 1, maximum = 199)]
    limit: Option<u32>,
}

/// What was done, newest first
#[utoipa::path(get, path = "/api/v1/ledger-entries", tag = "ledger", params(Narrow),
    responses((status = 200, body = EntryList), Refusals))]
async fn entries(
    _: May<{ Act::ReadLedger as u8 }>,
    State(app): State<App>,
    Query(q): Query<Narrow>,
) -> Outcome<axum::Json<EntryList>> {
    // The store gives 200 at most, and one more tells whether there is a next page.
    let rows = limit(q.limit)?.min(199);
    if q.kind.len() > 64 {
        return Err(Problem::bad("This kind of entry is not known."));
    }
    let mut found = app
        .run(move |vault| vault.entries(q.after, Some(q.kind.as_str()).filter(|k| !k.is_empty()), rows + 1))
        .await?;
    let more = found.len() > rows;
    found.truncate(rows);
    let next = if more { found.last().map(|e| e.seq) } else { None };
    Ok(axum::Json(EntryList { entries: found.into_iter().map(Into::into).collect(), next }))
}

/// What a check of the whole ledger said.
#[derive(Serialize, ToSchema)]
struct Verification {
    /// Every entry stands as it was signed.
    whole: bool,
    /// Number of entries, where it is whole.
    size: Option<u64>,
    /// Root of the tree in hexadecimal, where it is whole.
    root: Option<String>,
    /// Signed checkpoints that agree, where it is whole.
    checkpoints: Option<usize>,
    /// What is wrong, where it is not.
    broken: Option<String>,
}

/// Verify all of it now
#[utoipa::path(post, path = "/api/v1/ledger-verifications", tag = "ledger", responses((status = 201, body = Verification), Refusals))]
async fn verify(
    _: May<{ Act::ReadLedger as u8 }>,
    State(app): State<App>,
) -> Outcome<(StatusCode, axum::Json<Verification>)> {
    let all = app.clone();
    let checked = tokio::task::spawn_blocking(move || soundness::verify(&all))
        .await
        .map_err(|e| Problem::internal(&e))??;
    let verdict = match checked.found {
        Ok(v) => Verification {
            whole: true,
            size: Some(v.size),
            root: Some(v.root),
            checkpoints: Some(v.checkpoints),
            broken: None,
        },
        Err(broken) => {
            Verification { whole: false, size: None, root: None, checkpoints: None, broken: Some(broken) }
        }
    };
    Ok((StatusCode::CREATED, axum::Json(verdict)))
}

/// What came in and what waits.
#[derive(Serialize, ToSchema)]
struct OverviewView {
    /// Conversations by state.
    by_state: BTreeMap<String, u64>,
    /// Conversations of the last seven days by channel.
    week_by_channel: BTreeMap<String, u64>,
    /// Findings by type.
    findings: BTreeMap<String, u64>,
    /// Certificates of destruction.
    certificates: u64,
    /// Originals whose keys still live.
    originals: u64,
    /// Entries in the ledger.
    ledger: u64,
    /// Whether every entry stood as it was signed when all were checked last; absent before the first time.
    ledger_whole: Option<bool>,
    /// When that was, RFC 3339.
    ledger_checked_at: Option<String>,
    /// The vault destroys nothing.
    observing: bool,
    /// What people have to decide.
    decisions: Vec<PendingView>,
}

/// Decisions of one kind that wait for somebody.
#[derive(Serialize, ToSchema)]
struct PendingView {
    /// `reveals`, `grants`, `corrections`, `observe_mode`, `quarantine` or `holds`.
    what: String,
    /// How many.
    count: u64,
    /// Roles of those who decide.
    who: Vec<String>,
    /// When the first of them lapses, RFC 3339.
    until: Option<String>,
    /// How long the oldest waits, RFC 3339.
    since: Option<String>,
}

impl From<Pending> for PendingView {
    fn from(p: Pending) -> Self {
        Self {
            what: p.what.to_owned(),
            count: p.count,
            who: p.who.iter().map(|r| r.as_str().to_owned()).collect(),
            until: p.until,
            since: p.since,
        }
    }
}

/// Counts
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", responses((status = 200, body = OverviewView), Refusals))]
async fn overview(
    _: May<{ Act::SeeOverview as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<OverviewView>> {
    let (o, disposal, waiting) = app
        .run(|vault| {
            Ok::<_, callvault_store::Error>((vault.overview()?, vault.disposal()?, pending::all(vault)?))
        })
        .await?;
    let verdict = app.soundness.last();
    Ok(axum::Json(OverviewView {
        by_state: o.by_state,
        week_by_channel: o.week_by_channel,
        findings: o.findings,
        certificates: o.certificates,
        originals: o.originals,
        ledger: o.ledger,
        ledger_whole: verdict.as_ref().map(|v| v.found.is_ok()),
        ledger_checked_at: verdict.map(|v| v.at.to_string()),
        decisions: waiting.into_iter().map(Into::into).collect(),
        observing: disposal.is_none(),
    }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(entries)).routes(routes!(verify)).routes(routes!(overview))
}
