//! `/alerts`, `/incidents` and `/notices`: what was found, who must be told by when, and what was done.

use super::{
    Refusals,
    grants::Made,
    paged::{Go, Part, part},
    scope_part::{ScopeGo, scope_part},
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    problem::{Outcome, Problem},
    responding,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{AccountId, AlertId, IncidentId, NoticeId};
use callvault_policy::Act;
use callvault_store::incident::{AlertRow, Change};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What a detection found.
#[derive(Serialize, ToSchema)]
struct AlertView {
    /// Its id.
    id: String,
    /// Id of the rule.
    rule: String,
    /// For people.
    title: String,
    /// `critical`, `high` or `medium`.
    grade: String,
    /// Whom it is about, as the ledger names them.
    actor: String,
    /// When the act happened that completed it, RFC 3339.
    at: String,
    /// When it was told, RFC 3339.
    raised_at: String,
    /// What was counted, within what, against what.
    why: String,
    /// How much.
    count: usize,
    /// The entries that were counted, the newest 200.
    entries: Vec<u64>,
    /// `open`, `dismissed` or `incident`.
    state: String,
    /// Who decided, as the ledger names them.
    decided_by: Option<String>,
    /// Why it was dismissed, masked.
    reason: Option<String>,
    /// The incident it belongs to.
    incident: Option<String>,
}

impl From<AlertRow> for AlertView {
    fn from(a: AlertRow) -> Self {
        Self {
            id: a.id.to_string(),
            rule: a.found.rule,
            title: a.found.title,
            grade: a.found.grade,
            actor: a.found.actor,
            at: a.found.at.to_string(),
            raised_at: a.raised_at,
            why: a.found.why,
            count: a.found.count,
            entries: a.found.entries,
            state: a.state.as_str().to_owned(),
            decided_by: a.decided_by,
            reason: a.reason,
            incident: a.incident.map(|i| i.to_string()),
        }
    }
}

/// One page of alerts, newest first.
#[derive(Serialize, ToSchema)]
struct AlertList {
    /// The page.
    alerts: Vec<AlertView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// What the detections found
#[utoipa::path(get, path = "/api/v1/alerts", tag = "incidents", params(Go), responses((status = 200, body = AlertList), Refusals))]
async fn alerts(
    _: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<AlertList>> {
    let rows = app.run(|vault| vault.alerts(None)).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(AlertList { alerts: rows.into_iter().map(Into::into).collect(), next }))
}

/// One alert with the entries behind it
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = AlertView), Refusals))]
async fn alert(
    _: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<AlertId>,
) -> Outcome<axum::Json<AlertView>> {
    Ok(axum::Json(app.run(move |vault| vault.alert(id)).await?.into()))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AlertReason {
    /// In words; masked before it is kept.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Dismiss an alert
#[utoipa::path(post, path = "/api/v1/alerts/{id}/dismissal", tag = "incidents", params(("id" = String, Path)),
    request_body = AlertReason, responses((status = 204), Refusals))]
async fn dismiss(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<AlertId>,
    Json(r): Json<AlertReason>,
) -> Outcome<StatusCode> {
    responding::dismiss(&app, &who, id, r.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An incident to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct IncidentRequest {
    /// What it is called; masked before it is kept.
    #[schema(min_length = 3, max_length = 1000)]
    title: String,
    /// `high`, `medium` or `low`.
    severity: String,
    /// `inside-reading`, `stolen-account`, `machine`, `export` or `general`.
    playbook: String,
    /// Alerts it comes from; its scope is computed from them at once.
    #[serde(default)]
    alerts: Vec<String>,
}

/// Open an incident
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents", request_body = IncidentRequest,
    responses((status = 201, body = Made), Refusals))]
async fn open(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Json(r): Json<IncidentRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let alerts = r.alerts.iter().map(|a| a.parse::<AlertId>()).collect::<Result<Vec<_>, _>>();
    let alerts = alerts.map_err(|_| Problem::bad("One of these is no id of an alert."))?;
    let id = responding::open(&app, &who, r.title, r.severity, r.playbook, alerts).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// Incidents, newest first.
#[derive(Serialize, ToSchema)]
struct IncidentList {
    /// Each as in the single call, without clocks.
    incidents: Vec<Value>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Incidents
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(Go), responses((status = 200, body = IncidentList), Refusals))]
async fn list(
    _: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<IncidentList>> {
    let rows = app.run(callvault_store::Vault::incidents).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    let incidents = rows.iter().map(value).collect::<Outcome<_>>()?;
    Ok(axum::Json(IncidentList { incidents, next }))
}

fn value(of: &impl Serialize) -> Outcome<Value> {
    serde_json::to_value(of).map_err(|e| Problem::internal(&e))
}

/// One incident.
#[derive(Serialize, ToSchema)]
struct IncidentView {
    /// Phase, severity, named times, laws, scope in numbers.
    incident: Value,
    /// Who must be told by when, soonest first; engineering defaults, not legal advice.
    clocks: Vec<Value>,
    /// Tasks of the playbook.
    tasks: Vec<Value>,
    /// Drafts and sent notices.
    notices: Vec<Value>,
    /// People stopped.
    frozen: Vec<Value>,
    /// Evidence by its hashes.
    evidence: Vec<Value>,
    /// What was done, from the ledger, oldest first.
    timeline: Vec<Value>,
    /// What every answer of the law engine says.
    disclaimer: &'static str,
}

/// One incident with its clocks, tasks, notices and timeline
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentView), Refusals))]
async fn one(
    _: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Outcome<axum::Json<IncidentView>> {
    let opened = responding::opened(&app, id).await?;
    let (tasks, frozen, evidence, timeline) = app
        .run(move |vault| {
            Ok::<_, callvault_store::Error>((
                vault.incident_tasks(id)?,
                vault.frozen(id)?,
                vault.incident_evidence(id)?,
                vault.timeline(id)?,
            ))
        })
        .await?;
    Ok(axum::Json(IncidentView {
        incident: value(&opened.incident)?,
        clocks: opened.clocks.iter().map(value).collect::<Outcome<_>>()?,
        tasks: tasks.iter().map(value).collect::<Outcome<_>>()?,
        notices: opened.notices.iter().map(value).collect::<Outcome<_>>()?,
        frozen: frozen.iter().map(value).collect::<Outcome<_>>()?,
        evidence: evidence.iter().map(value).collect::<Outcome<_>>()?,
        timeline: timeline.iter().map(value).collect::<Outcome<_>>()?,
        disclaimer: callvault_law::DISCLAIMER,
    }))
}

/// One change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum IncidentChange {
    /// `analysis`, `containment`, `notification`, `recovery`, `review` or `closed`.
    Phase(String),
    /// `high`, `medium` or `low`.
    Severity(String),
    /// A named time.
    Event(NamedTime),
    /// All laws whose clocks run, as `US-CA`, `EU`, `HIPAA`.
    Laws(Vec<String>),
    /// People of a law as somebody counted them; null goes back to the scope.
    Count(NamedCount),
    /// A task by its place.
    Task(TaskState),
}

/// A named time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NamedTime {
    /// `discovered`, `aware`, `determined`, `confirmed`, …
    name: String,
    /// RFC 3339; null: not known.
    at: Option<String>,
}

/// A number of people.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NamedCount {
    /// Of which law.
    law: String,
    /// How many.
    people: Option<u64>,
}

/// Whether a task is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskState {
    /// Its place.
    position: u64,
    /// Done.
    done: bool,
}

/// Change one thing of an incident
#[utoipa::path(post, path = "/api/v1/incidents/{id}/changes", tag = "incidents", params(("id" = String, Path)),
    request_body = IncidentChange, responses((status = 204), Refusals))]
async fn change(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<IncidentChange>,
) -> Outcome<StatusCode> {
    let change = match r {
        IncidentChange::Phase(name) => Change::Phase(responding::phase(&name)?),
        IncidentChange::Severity(name) => Change::Severity(name),
        IncidentChange::Event(e) => Change::Event(e.name, e.at.as_deref().map(responding::time).transpose()?),
        IncidentChange::Laws(laws) => Change::Laws(laws),
        IncidentChange::Count(c) => Change::Count(c.law, c.people),
        IncidentChange::Task(t) => Change::Task(t.position, t.done),
    };
    responding::change(&app, &who, id, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteRequest {
    /// In words; masked before it is kept.
    #[schema(min_length = 3, max_length = 1000)]
    text: String,
}

/// Write a note into an incident
#[utoipa::path(post, path = "/api/v1/incidents/{id}/notes", tag = "incidents", params(("id" = String, Path)),
    request_body = NoteRequest, responses((status = 204), Refusals))]
async fn note(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<NoteRequest>,
) -> Outcome<StatusCode> {
    responding::note(&app, &who, id, r.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A piece of evidence; the file stays where it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EvidenceRequest {
    /// What it is; masked before it is kept.
    #[schema(min_length = 3, max_length = 1000)]
    name: String,
    /// 64 hexadecimal digits.
    sha256: String,
    /// Its length.
    bytes: u64,
}

/// Keep evidence by its hash
#[utoipa::path(post, path = "/api/v1/incidents/{id}/evidence", tag = "incidents", params(("id" = String, Path)),
    request_body = EvidenceRequest, responses((status = 204), Refusals))]
async fn evidence(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<EvidenceRequest>,
) -> Outcome<StatusCode> {
    responding::evidence(&app, &who, id, r.name, &r.sha256, r.bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a scope asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScopeRequest {
    /// As the ledger names them, `account:…`; empty for everybody.
    #[serde(default)]
    actors: Vec<String>,
    /// Marks of sessions; empty for all.
    #[serde(default)]
    sessions: Vec<String>,
    /// RFC 3339.
    from: String,
    /// RFC 3339; absent: now.
    #[serde(default)]
    to: Option<String>,
}

/// Compute the scope from the ledger and keep its numbers
#[utoipa::path(put, path = "/api/v1/incidents/{id}/scope", tag = "incidents", params(("id" = String, Path)),
    request_body = ScopeRequest, responses((status = 200, body = Value), Refusals))]
async fn compute(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<ScopeRequest>,
) -> Outcome<axum::Json<Value>> {
    let query = responding::query(
        &app.vault,
        r.actors,
        &r.sessions.join(" "),
        &r.from,
        r.to.as_deref().unwrap_or_default(),
    )?;
    let scope = responding::scope(&app, &who, id, query).await?;
    scope_part(&scope, &ScopeGo::default())
}

/// The scope: people, types in clear and covered, forms, entries
#[utoipa::path(get, path = "/api/v1/incidents/{id}/scope", tag = "incidents", params(("id" = String, Path), ScopeGo),
    responses((status = 200, body = Value), Refusals))]
async fn scope(
    _: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(go): Query<ScopeGo>,
) -> Outcome<axum::Json<Value>> {
    let found = app.scopes.of(&app, id, go.goes_on()).await?;
    let scope = found
        .ok_or_else(|| Problem::conflict("no-scope", "This incident has no scope yet; compute it first."))?;
    scope_part(&scope, &go)
}

/// The scope with a proof of inclusion for each reading
#[utoipa::path(get, path = "/api/v1/incidents/{id}/evidence-pack", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = Value), Refusals))]
async fn pack(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
) -> Outcome<axum::Json<Value>> {
    Ok(axum::Json(responding::pack(&app, &who, id).await?))
}

/// Whom to stop.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreezeRequest {
    /// The account.
    account: String,
}

/// Freeze a person: sessions end and rights for a while are taken away, at once
#[utoipa::path(post, path = "/api/v1/incidents/{id}/frozen", tag = "incidents", params(("id" = String, Path)),
    request_body = FreezeRequest, responses((status = 204), Refusals))]
async fn freeze(
    who: May<{ Act::FreezePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<FreezeRequest>,
) -> Outcome<StatusCode> {
    let account: AccountId = r.account.parse().map_err(|_| Problem::bad("This is no id of an account."))?;
    responding::freeze(&app, &who, id, account, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a frozen person in again
#[utoipa::path(delete, path = "/api/v1/incidents/{id}/frozen/{account}", tag = "incidents",
    params(("id" = String, Path), ("account" = String, Path)), responses((status = 204), Refusals))]
async fn thaw(
    who: May<{ Act::FreezePeople as u8 }>,
    State(app): State<App>,
    Path((id, account)): Path<(IncidentId, AccountId)>,
) -> Outcome<StatusCode> {
    responding::freeze(&app, &who, id, account, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For which clock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftRequest {
    /// Id of the clock, as `us-ca.regulator`.
    clock: String,
}

/// Draft a notice, filled from the scope
#[utoipa::path(post, path = "/api/v1/incidents/{id}/notices", tag = "incidents", params(("id" = String, Path)),
    request_body = DraftRequest, responses((status = 201, body = Made), Refusals))]
async fn draft(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Json(r): Json<DraftRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let notice = responding::draft(&app, &who, id, r.clock).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: notice.to_string() })))
}

/// Another text of a draft
#[utoipa::path(put, path = "/api/v1/notices/{id}", tag = "incidents", params(("id" = String, Path)),
    request_body = NoticeText, responses((status = 204), Refusals))]
async fn save(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<NoticeId>,
    Json(r): Json<NoticeText>,
) -> Outcome<StatusCode> {
    responding::save(&app, &who, id, r.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The text of a notice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticeText {
    /// At most 40,000 bytes; payment data is masked before it is kept.
    text: String,
}

/// Record that a notice was sent as it stands
#[utoipa::path(post, path = "/api/v1/notices/{id}/sent", tag = "incidents", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn sent(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<NoticeId>,
) -> Outcome<StatusCode> {
    responding::sent(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(alerts))
        .routes(routes!(alert))
        .routes(routes!(dismiss))
        .routes(routes!(list, open))
        .routes(routes!(one))
        .routes(routes!(change))
        .routes(routes!(note))
        .routes(routes!(evidence))
        .routes(routes!(scope, compute))
        .routes(routes!(pack))
        .routes(routes!(freeze))
        .routes(routes!(thaw))
        .routes(routes!(draft))
        .routes(routes!(save))
        .routes(routes!(sent))
}
