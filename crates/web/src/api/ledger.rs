//! `/ledger-entries`, `/ledger-verifications` and `/overview`: what was done, whether it still stands, what waits.

use super::{Refusals, conversations::limit};
use crate::{
    app::App,
    extract::Query,
    problem::{Outcome, Problem},
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_ledger::Options;
use callvault_policy::Act;
use callvault_store::{EntryRow, ledger::verify_data};
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
#[utoipa::path(get, path = "/ledger-entries", tag = "ledger", params(Narrow),
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
#[utoipa::path(post, path = "/ledger-verifications", tag = "ledger", responses((status = 201, body = Verification), Refusals))]
async fn verify(
    _: May<{ Act::ReadLedger as u8 }>,
    State(app): State<App>,
) -> Outcome<(StatusCode, axum::Json<Verification>)> {
    let dir = app.vault.dir().to_owned();
    let checked = tokio::task::spawn_blocking(move || verify_data(&dir, &Options::default()))
        .await
        .map_err(|e| Problem::internal(&e))??;
    let verdict = match checked {
        Ok(v) => Verification {
            whole: true,
            size: Some(v.size),
            root: Some(v.root.to_string()),
            checkpoints: Some(v.checkpoints),
            broken: None,
        },
        Err(broken) => Verification {
            whole: false,
            size: None,
            root: None,
            checkpoints: None,
            broken: Some(broken.to_string()),
        },
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
    /// The vault destroys nothing.
    observing: bool,
}

/// Counts
#[utoipa::path(get, path = "/overview", tag = "overview", responses((status = 200, body = OverviewView), Refusals))]
async fn overview(
    _: May<{ Act::SeeOverview as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<OverviewView>> {
    let (o, disposal) =
        app.run(|vault| Ok::<_, callvault_store::Error>((vault.overview()?, vault.disposal()?))).await?;
    Ok(axum::Json(OverviewView {
        by_state: o.by_state,
        week_by_channel: o.week_by_channel,
        findings: o.findings,
        certificates: o.certificates,
        originals: o.originals,
        ledger: o.ledger,
        observing: disposal.is_none(),
    }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(entries)).routes(routes!(verify)).routes(routes!(overview))
}
