//! `/certificates`: what was destroyed.

use super::Refusals;
use crate::{
    app::App,
    destroyed::{self, Line},
    extract::{Path, Query},
    problem::{Outcome, Problem},
    session::May,
};
use axum::extract::State;
use callvault_model::id::CertificateId;
use callvault_policy::Act;
use callvault_store::certificates::Destroyed;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Something that was destroyed.
#[derive(Serialize, ToSchema)]
struct DestroyedView {
    /// Id of the certificate.
    id: String,
    /// `original`, `person`, `drive` or `tenant`.
    kind: &'static str,
    /// Id of the conversation, of the person's record, of the tenant's vault, or of the drive in the register if it is in
    /// there.
    about: Option<String>,
    /// What the certificate says, in a line.
    title: String,
    /// RFC 3339.
    issued_at: String,
}

impl From<Line> for DestroyedView {
    fn from(l: Line) -> Self {
        let about = match l.of {
            Destroyed::Original(id) => Some(id.to_string()),
            Destroyed::Person(id) => Some(id.to_string()),
            Destroyed::Drive(id) => id.map(|id| id.to_string()),
            Destroyed::Tenant(id) => Some(id.to_string()),
        };
        Self { id: l.id.to_string(), kind: l.kind(), about, title: l.title, issued_at: l.issued_at }
    }
}

/// One page of certificates, newest first.
#[derive(Serialize, ToSchema)]
struct DestroyedList {
    /// The page.
    certificates: Vec<DestroyedView>,
    /// How many there are in all.
    all: u64,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Certificates of destroyed originals, erased people, overwritten drives and ended tenants
#[utoipa::path(get, path = "/api/v1/certificates", tag = "disposal", params(super::paged::Go),
    responses((status = 200, body = DestroyedList), Refusals))]
async fn list(
    _: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Query(go): Query<super::paged::Go>,
) -> Outcome<axum::Json<DestroyedList>> {
    let limit = super::conversations::limit(go.limit)?;
    let after: Option<CertificateId> = match go.after.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let (mut rows, all) = destroyed::list(&app, after, limit.saturating_add(1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|r| r.id.to_string());
    Ok(axum::Json(DestroyedList { certificates: rows.into_iter().map(Into::into).collect(), all, next }))
}

/// The signed receipt of a person's erasure; `callvault certificate verify` verifies it offline
#[utoipa::path(get, path = "/api/v1/certificates/people/{certificate}", tag = "disposal",
    params(("certificate" = String, Path)), responses((status = 200, body = Value), Refusals))]
async fn person(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<CertificateId>,
) -> Outcome<axum::Json<Value>> {
    signed(&destroyed::person(&app, id).await?)
}

/// The signed certificate of an overwritten drive; `callvault certificate verify` verifies it offline
#[utoipa::path(get, path = "/api/v1/certificates/drives/{certificate}", tag = "disposal",
    params(("certificate" = String, Path)), responses((status = 200, body = Value), Refusals))]
async fn drive(
    _: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<CertificateId>,
) -> Outcome<axum::Json<Value>> {
    signed(&destroyed::drive(&app, id).await?)
}

fn signed(body: &str) -> Outcome<axum::Json<Value>> {
    serde_json::from_str(body).map(axum::Json).map_err(|e| Problem::internal(&e))
}

/// This file's routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(person)).routes(routes!(drive))
}
