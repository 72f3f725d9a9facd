//! Leading an incident; console and API call these same functions.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    reason,
    session::Who,
};
use callvault_law::{Overlay, Packs};
use callvault_model::id::{AccountId, AlertId, IncidentId, NoticeId};
use callvault_policy::Act;
use callvault_program::{
    dial,
    incident::{
        clocks::{self, Countdown},
        notice, playbook,
    },
};
use callvault_store::{
    Actor, Error, Vault,
    gate::Target,
    incident::{AlertRow, Change, IncidentRow, MAX_PROOFS, NoticeRow, Phase, Scope, ScopeQuery},
};
use jiff::{SignedDuration, Timestamp};
use std::sync::LazyLock;

static PACKS: LazyLock<Result<Packs, String>> =
    LazyLock::new(|| dial::edition(Overlay::default()).map_err(|e| e.to_string()));

/// The rules of law with every row on: a clock that nobody trusts runs all the same.
pub fn packs() -> Outcome<&'static Packs> {
    PACKS.as_ref().map_err(|why| Problem::internal(&std::io::Error::other(why.clone())))
}

/// One incident with its clocks.
pub struct Opened {
    pub incident: IncidentRow,
    pub clocks: Vec<Countdown>,
    pub notices: Vec<NoticeRow>,
}

/// An incident with its clocks as they stand now.
pub async fn opened(app: &App, id: IncidentId) -> Outcome<Opened> {
    let packs = packs()?;
    app.run(move |vault| {
        let (incident, notices) = (vault.incident(id)?, vault.notices(id)?);
        let clocks = clocks::countdowns(packs, &incident, &notices, vault.clock().now());
        Ok::<_, Error>(Opened { incident, clocks, notices })
    })
    .await
}

/// Dismisses an alert.
pub async fn dismiss(app: &App, who: &Who, id: AlertId, why: String) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let why = reason::masked(why).await?;
    app.run(move |vault| vault.dismiss_alert(&by, id, &why)).await
}

/// Opens an incident; from alerts, its scope is computed at once.
pub async fn open(
    app: &App,
    who: &Who,
    title: String,
    severity: String,
    book: String,
    alerts: Vec<AlertId>,
) -> Outcome<IncidentId> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let title = reason::masked(title).await?;
    let book = playbook::named(&book)?.ok_or_else(|| Problem::bad("This playbook is not known."))?;
    let tasks = book.tasks()?;
    let packs = packs()?;
    app.run(move |vault| {
        let id = vault.open_incident(&by, &title, &severity, &book.id, &tasks, &alerts)?;
        if let Some(query) = query_of(vault, &vault.alerts_of(id)?)? {
            set_scope(vault, packs, &by, id, &query)?;
        }
        Ok::<_, Error>(id)
    })
    .await
}

/// Makes an alert part of an incident that is open already, and widens its scope.
pub async fn attach(app: &App, who: &Who, id: IncidentId, alert: AlertId) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let packs = packs()?;
    app.run(move |vault| {
        vault.attach_alerts(&by, id, &[alert])?;
        if let Some(query) = query_of(vault, &vault.alerts_of(id)?)? {
            set_scope(vault, packs, &by, id, &query)?;
        }
        Ok::<_, Error>(())
    })
    .await
}

/// What a scope of these alerts asks: their actors, from the day of the first entry behind them to now.
fn query_of(vault: &Vault, alerts: &[AlertRow]) -> Result<Option<ScopeQuery>, Error> {
    let mut actors: Vec<String> = alerts
        .iter()
        .map(|a| a.found.actor.clone())
        .filter(|a| {
            matches!(Actor::parse(a), Some(Actor::Account(_) | Actor::Service(_) | Actor::LocalOperator))
        })
        .collect();
    actors.sort();
    actors.dedup();
    if actors.is_empty() {
        return Ok(None);
    }
    let first: Vec<u64> = alerts.iter().filter_map(|a| a.found.entries.first().copied()).collect();
    let times = vault.entries_at(&first)?.into_iter().filter_map(|e| e.at.parse::<Timestamp>().ok());
    let first = times.chain(alerts.iter().map(|a| a.found.at)).min().unwrap_or_else(|| vault.clock().now());
    let from = first.as_second().div_euclid(86_400).saturating_mul(86_400);
    let from = Timestamp::from_second(from).unwrap_or(first);
    Ok(Some(ScopeQuery { actors, sessions: Vec::new(), from, to: vault.clock().now().max(from) }))
}

/// Computes a scope, keeps its numbers, and lets the clocks of the places run that it found.
fn set_scope(
    vault: &Vault,
    packs: &Packs,
    by: &Actor,
    id: IncidentId,
    query: &ScopeQuery,
) -> Result<Scope, Error> {
    let scope = vault.set_scope(by, id, query, &|number| clocks::places(packs, number))?;
    let incident = vault.incident(id)?;
    if let Some(found) = &incident.scope {
        let mut laws = incident.laws.clone();
        laws.extend(clocks::suggested(packs, found));
        laws.sort();
        laws.dedup();
        if laws != incident.laws {
            vault.change_incident(by, id, &Change::Laws(laws))?;
        }
        // When it happened is the first reading of the scope.
        if let (Some(first), false) = (scope.entries.first(), incident.events.contains_key("occurred")) {
            vault.change_incident(by, id, &Change::Event("occurred".into(), Some(first.at)))?;
        }
    }
    Ok(scope)
}

/// Computes the scope of an incident.
pub async fn scope(app: &App, who: &Who, id: IncidentId, query: ScopeQuery) -> Outcome<Scope> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let packs = packs()?;
    app.run(move |vault| set_scope(vault, packs, &by, id, &query)).await
}

/// Changes one thing of an incident.
pub async fn change(app: &App, who: &Who, id: IncidentId, change: Change) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    app.run(move |vault| vault.change_incident(&by, id, &change)).await
}

/// Writes a note.
pub async fn note(app: &App, who: &Who, id: IncidentId, text: String) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let text = reason::masked(text).await?;
    app.run(move |vault| vault.note_incident(&by, id, &text)).await
}

/// Commits to a piece of evidence by its hash.
pub async fn evidence(
    app: &App,
    who: &Who,
    id: IncidentId,
    name: String,
    sha256: &str,
    bytes: u64,
) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let hash = hex32(sha256)
        .ok_or_else(|| Problem::bad("A SHA-256 is 64 hexadecimal digits, as `sha256sum FILE` prints it."))?;
    let name = reason::masked(name).await?;
    app.run(move |vault| vault.keep_evidence(&by, id, &name, hash, bytes)).await
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let mut out = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Stops a person at once, or lets them in again.
pub async fn freeze(app: &App, who: &Who, id: IncidentId, account: AccountId, stop: bool) -> Outcome<()> {
    let by = who.may(app, Act::FreezePeople, Target::Account(account), None).await?;
    app.run(move |vault| if stop { vault.freeze(&by, id, account) } else { vault.thaw(&by, id, account) })
        .await
}

/// Drafts a notice for one of the incident's clocks.
pub async fn draft(app: &App, who: &Who, id: IncidentId, clock: String) -> Outcome<NoticeId> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let opened = opened(app, id).await?;
    let clock = opened
        .clocks
        .into_iter()
        .find(|c| c.clock == clock)
        .ok_or_else(|| Problem::bad("This clock does not run in this incident; choose its law first."))?;
    let incident = opened.incident;
    app.run(move |vault| {
        let (_, body) = notice::draft(&incident, &clock, &vault.frozen(id)?, vault.is_drill()?)?;
        Ok::<_, callvault_program::Error>(vault.draft_notice(
            &by,
            id,
            &clock.clock,
            &clock.recipients.join(", "),
            &body,
        )?)
    })
    .await
}

/// Another text of a draft.
pub async fn save(app: &App, who: &Who, id: NoticeId, body: String) -> Outcome<()> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let body = reason::masked_letter(body.replace("\r\n", "\n")).await?;
    app.run(move |vault| {
        let n = vault.notice(id)?;
        vault.draft_notice(&by, n.incident, &n.clock, &n.recipient, &body).map(drop)
    })
    .await
}

/// A notice left the house.
pub async fn sent(app: &App, who: &Who, id: NoticeId) -> Outcome<IncidentId> {
    let by = who.may(app, Act::ManageIncidents, Target::Program, None).await?;
    let n = app.run(move |vault| vault.notice(id)).await?;
    let incident = n.incident;
    let clocks = opened(app, incident).await?.clocks;
    let to_individuals = clocks.iter().any(|c| c.clock == n.clock && c.duty == "individuals");
    app.run(move |vault| vault.notice_sent(&by, id, to_individuals)).await?;
    Ok(incident)
}

/// The scope with a proof of inclusion for each reading: what somebody else checks without this server.
pub async fn pack(app: &App, who: &Who, id: IncidentId) -> Outcome<serde_json::Value> {
    let by = who.may(app, Act::ExportEvidence, Target::Program, None).await?;
    let scope =
        app.scopes.of(app, id, false).await?.ok_or_else(|| {
            Problem::conflict("no-scope", "This incident has no scope yet; compute it first.")
        })?;
    if scope.entries.len() > MAX_PROOFS {
        return Err(Problem::conflict(
            "scope-large",
            "This scope has more than 2,000 readings; `callvault incident scope --pack DIR` proves them all.",
        ));
    }
    app.run(move |vault| {
        vault.note_export(&by, "scope")?;
        pack_of(vault, &scope)
    })
    .await
}

/// See [`pack`].
fn pack_of(vault: &Vault, scope: &Scope) -> Result<serde_json::Value, Error> {
    let mut proofs = serde_json::Map::new();
    for e in &scope.entries {
        proofs.insert(e.seq.to_string(), vault.ledger_proof(e.seq)?.into());
    }
    Ok(serde_json::json!({ "vkey": vault.vkey(), "scope": scope, "proofs": proofs }))
}

/// The phase of this name.
pub fn phase(name: &str) -> Outcome<Phase> {
    Phase::parse(name).ok_or_else(|| Problem::bad("This phase is not known."))
}

/// A time somebody typed: `2026-11-27T21:00`, in UTC, or RFC 3339.
pub fn time(text: &str) -> Outcome<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local: Result<jiff::civil::DateTime, _> = text.parse();
    local
        .ok()
        .and_then(|at| jiff::tz::TimeZone::UTC.to_timestamp(at).ok())
        .ok_or_else(|| Problem::bad("A time is written 2026-11-27T21:00, in UTC."))
}

/// A query from what somebody typed; times default to the last day.
pub fn query(vault: &Vault, actors: Vec<String>, session: &str, from: &str, to: &str) -> Outcome<ScopeQuery> {
    let now = vault.clock().now();
    let to = if to.trim().is_empty() { now } else { time(to)? };
    let from = if from.trim().is_empty() {
        to.checked_sub(SignedDuration::from_hours(24)).unwrap_or(to)
    } else {
        time(from)?
    };
    let sessions = session.split_whitespace().map(str::to_owned).collect();
    Ok(ScopeQuery { actors: actors.into_iter().filter(|a| !a.is_empty()).collect(), sessions, from, to })
}
