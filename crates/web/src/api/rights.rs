//! `/subject-requests`: requests of the people concerned, from arrival to answer.

use super::{Refusals, grants::Made};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    problem::{Outcome, Problem},
    right::Right,
    rights::{self, Arriving, Step},
    session::May,
};
use axum::{extract::State, http::StatusCode, response::Response};
use callvault_model::id::{PackageId, SubjectRequestId};
use callvault_policy::Act;
use callvault_program::request::erase::Agreement;
use callvault_store::requests::{Coded, RequestRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where a request stands.
#[derive(Serialize, ToSchema)]
struct RequestView {
    /// Its id.
    id: String,
    /// What is asked for.
    kind: String,
    /// Under which law the clock runs.
    law: String,
    /// How it arrived.
    arrived: String,
    /// The day it arrived.
    received_on: String,
    /// Whom it is about.
    subject: Option<String>,
    /// `open`, `asked`, `confirmed` or `failed`.
    identity: String,
    /// `open`, `answered` or `closed`.
    state: String,
    /// How it was answered.
    outcome: Option<String>,
    /// The day of the answer.
    answered_on: Option<String>,
    /// The clock: start event, last day, rows of law with source, date and confidence. An engineering default, not legal
    /// advice.
    clock: serde_json::Value,
}

fn view(row: &RequestRow, clock: &impl Serialize) -> Outcome<RequestView> {
    Ok(RequestView {
        id: row.id.to_string(),
        kind: row.kind.as_str().into(),
        law: row.law.as_str().into(),
        arrived: row.arrived.as_str().into(),
        received_on: row.received_on.clone(),
        subject: row.subject.map(|s| s.to_string()),
        identity: row.identity.as_str().into(),
        state: row.state.as_str().into(),
        outcome: row.outcome.map(|o| o.as_str().into()),
        answered_on: row.answered_on.clone(),
        clock: json(clock)?,
    })
}

fn json(value: &impl Serialize) -> Outcome<serde_json::Value> {
    serde_json::to_value(value).map_err(|e| Problem::internal(&e))
}

/// Requests, newest first.
#[derive(Serialize, ToSchema)]
struct RequestList {
    /// At most 5,000.
    requests: Vec<RequestView>,
}

/// Which.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Closed ones, too.
    closed: bool,
}

/// Requests of the people concerned, with their clocks
#[utoipa::path(get, path = "/api/v1/subject-requests", tag = "subject requests", params(Which),
    responses((status = 200, body = RequestList), Refusals))]
async fn list(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Query(q): Query<Which>,
) -> Outcome<axum::Json<RequestList>> {
    let requests = app
        .run(move |vault| {
            let rows = vault.subject_requests(q.closed)?;
            rows.iter().map(|r| view(r, &rights::clock_of(vault, r)?)).collect::<Outcome<Vec<_>>>()
        })
        .await?;
    Ok(axum::Json(RequestList { requests }))
}

/// A filed request.
#[derive(Serialize, ToSchema)]
struct FiledView {
    /// Its id.
    id: String,
    /// The person's record, if the address led to one.
    subject: Option<String>,
}

/// Write a request down; its clock runs from the day it arrived
#[utoipa::path(post, path = "/api/v1/subject-requests", tag = "subject requests", request_body = Arriving,
    responses((status = 201, body = FiledView), Refusals))]
async fn file(
    who: May<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Json(new): Json<Arriving>,
) -> Outcome<(StatusCode, axum::Json<FiledView>)> {
    let filed = rights::file(&app, who.session.actor(), new).await?;
    let view = FiledView { id: filed.id.to_string(), subject: filed.subject.map(|s| s.to_string()) };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// One request.
#[derive(Serialize, ToSchema)]
struct RequestPage {
    /// Where it stands.
    #[serde(flatten)]
    request: RequestView,
    /// What was noted, masked.
    note: String,
    /// What was done, in order.
    steps: serde_json::Value,
    /// What was decided item by item.
    items: serde_json::Value,
    /// What an erasure would do now: item by item, with the rule that keeps.
    plan: serde_json::Value,
    /// `not_needed`, `given`, `waits` or `missing`; absent for other requests.
    second_person: Option<String>,
    /// Tickets for a download.
    packages: serde_json::Value,
}

/// One request: clock, steps, decisions, and what would be done
#[utoipa::path(get, path = "/api/v1/subject-requests/{id}", tag = "subject requests", params(("id" = String, Path)),
    responses((status = 200, body = RequestPage), Refusals))]
async fn read(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
) -> Outcome<axum::Json<RequestPage>> {
    let o = rights::open(&app, id).await?;
    let second = o.agreement.map(|a| match a {
        Agreement::NotNeeded => "not_needed".to_owned(),
        Agreement::Given(_) => "given".into(),
        Agreement::Waits(_) => "waits".into(),
        Agreement::Missing => "missing".into(),
    });
    Ok(axum::Json(RequestPage {
        request: view(&o.row, &o.clock)?,
        note: o.row.note.clone(),
        steps: json(&o.steps)?,
        items: json(&o.items)?,
        plan: json(&o.plan)?,
        second_person: second,
        packages: json(&o.packages)?,
    }))
}

/// Take one step
#[utoipa::path(post, path = "/api/v1/subject-requests/{id}/steps", tag = "subject requests", params(("id" = String, Path)),
    request_body = Step, responses((status = 204), Refusals))]
async fn step(
    who: May<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Json(step): Json<Step>,
) -> Outcome<StatusCode> {
    rights::step(&app, who.session.actor(), id, step).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a ticket for one download of the copy, good for a day
#[utoipa::path(post, path = "/api/v1/subject-requests/{id}/packages", tag = "subject requests", params(("id" = String, Path)),
    responses((status = 201, body = Made), Refusals))]
async fn package(
    who: Right<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let ticket = rights::ticket(&app, &who, id).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: ticket.to_string() })))
}

/// Download the copy, once: a tar file with index.html, copy.json and the person's voice
#[utoipa::path(post, path = "/api/v1/subject-requests/{id}/packages/{package}/content", tag = "subject requests",
    params(("id" = String, Path), ("package" = String, Path)),
    responses((status = 200, content_type = "application/x-tar", body = Vec<u8>), Refusals))]
async fn content(
    who: Right<{ Act::ExportSubject as u8 }>,
    State(app): State<App>,
    Path((id, package)): Path<(SubjectRequestId, PackageId)>,
) -> Outcome<Response> {
    rights::download(&app, &who, id, package).await
}

/// Ask a second person to agree to the erasure
#[utoipa::path(post, path = "/api/v1/subject-requests/{id}/second-person", tag = "subject requests", params(("id" = String, Path)),
    responses((status = 201, body = Made), Refusals))]
async fn second(
    who: Right<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let asked = rights::ask_second(&app, &who, id).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: asked.to_string() })))
}

/// How the person is erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Erasing {
    /// Their numbers and addresses go on the do-not-contact list.
    #[serde(default)]
    suppress: bool,
}

/// A signed receipt of an erasure.
#[derive(Serialize, ToSchema)]
struct ReceiptView {
    /// What was erased, what remains and why; the signature; its place in the ledger.
    #[serde(flatten)]
    receipt: serde_json::Value,
}

/// Erase the person; what a hold, a law or a decision keeps stays, and the receipt says why
#[utoipa::path(post, path = "/api/v1/subject-requests/{id}/erasure", tag = "subject requests", params(("id" = String, Path)),
    request_body = Erasing, responses((status = 200, body = ReceiptView), Refusals))]
async fn erase(
    who: Right<{ Act::EraseSubject as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Json(wish): Json<Erasing>,
) -> Outcome<axum::Json<ReceiptView>> {
    let receipt = rights::erase_person(&app, &who, id, wish.suppress).await?;
    Ok(axum::Json(ReceiptView { receipt: json(&receipt)? }))
}

/// The newest receipt of the person's erasure
#[utoipa::path(get, path = "/api/v1/subject-requests/{id}/receipt", tag = "subject requests", params(("id" = String, Path)),
    responses((status = 200, body = ReceiptView), Refusals))]
async fn receipt(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
) -> Outcome<axum::Json<ReceiptView>> {
    let body = rights::open(&app, id).await?.receipt.ok_or_else(Problem::absent)?;
    let receipt = serde_json::from_str(&body).map_err(|e| Problem::internal(&e))?;
    Ok(axum::Json(ReceiptView { receipt }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, file))
        .routes(routes!(read))
        .routes(routes!(step))
        .routes(routes!(package))
        .routes(routes!(content))
        .routes(routes!(second))
        .routes(routes!(erase))
        .routes(routes!(receipt))
}
