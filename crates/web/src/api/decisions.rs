//! What waits for a second person: somebody's wish to see a hidden value, and leaving observe mode.

use super::{
    Refusals,
    grants::{Answer, Made},
    paged::{Go, Part, part},
    reveals::RevealView,
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    keeping,
    page::waiting::Desk,
    problem::Outcome,
    right::{self, Right},
    session::{May, Who},
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{DecisionId, RevealId};
use callvault_policy::Act;
use callvault_store::two_person::{DecisionRow, DecisionState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// One page of requests to see hidden values, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct RevealList {
    /// The page.
    reveals: Vec<RevealView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// One's own requests, and those that wait for one's decision
#[utoipa::path(get, path = "/api/v1/reveals", tag = "reveals", params(Go), responses((status = 200, body = RevealList), Refusals))]
pub(super) async fn reveals(
    who: Who,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<RevealList>> {
    let (me, may) = (who.account(), right::of(who.roles()));
    let mut rows = app.run(|vault| vault.reveal_requests(None)).await?;
    rows.retain(|r| r.account == me || Desk::reveal_waits(r, me, &may));
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(RevealList { reveals: rows.into_iter().map(Into::into).collect(), next }))
}

/// Agree to a reveal or refuse it; never one's own
#[utoipa::path(post, path = "/api/v1/reveals/{id}/decision", tag = "reveals", params(("id" = String, Path)),
    request_body = Answer, responses((status = 204), Refusals))]
async fn decide_reveal(
    who: Right<{ Act::ApproveReveal as u8 }>,
    State(app): State<App>,
    Path(id): Path<RevealId>,
    Json(r): Json<Answer>,
) -> Outcome<StatusCode> {
    let session = who.session.clone();
    app.run(move |vault| vault.decide_reveal(&session, id, r.agree)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that takes two people.
#[derive(Serialize, ToSchema)]
struct DecisionView {
    /// Its id.
    id: String,
    /// `enable_disposal`, `erase_subject`, `end_tenant` or `change_keys`.
    what: String,
    /// Its terms: codes and numbers.
    facts: serde_json::Value,
    /// Who asked.
    requested_by: String,
    /// RFC 3339.
    requested_at: String,
    /// `pending`, `approved`, `refused`, `used` or `expired`.
    state: String,
    /// Who decided.
    decided_by: Option<String>,
    /// RFC 3339.
    decided_at: Option<String>,
    /// RFC 3339.
    expires_at: String,
}

impl From<DecisionRow> for DecisionView {
    fn from(r: DecisionRow) -> Self {
        let state = match r.state {
            DecisionState::Pending => "pending",
            DecisionState::Approved => "approved",
            DecisionState::Refused => "refused",
            DecisionState::Used => "used",
            DecisionState::Expired => "expired",
        };
        Self {
            id: r.id.to_string(),
            what: r.what.as_str().to_owned(),
            facts: r.facts,
            requested_by: r.requested_by.to_string(),
            requested_at: r.requested_at,
            state: state.to_owned(),
            decided_by: r.decided_by.map(|id| id.to_string()),
            decided_at: r.decided_at,
            expires_at: r.expires_at,
        }
    }
}

/// One page of them, newest first.
#[derive(Serialize, ToSchema)]
struct DecisionList {
    /// The page.
    decisions: Vec<DecisionView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// What takes two people, decided or not
#[utoipa::path(get, path = "/api/v1/decisions", tag = "retention", params(Go), responses((status = 200, body = DecisionList), Refusals))]
async fn decisions(
    _: May<{ Act::SeeRetention as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<DecisionList>> {
    let rows = app.run(callvault_store::Vault::decisions).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(DecisionList { decisions: rows.into_iter().map(Into::into).collect(), next }))
}

/// The measurement on which observe mode is left.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LeaveObserving {
    /// What `callvault measure --json` printed for this vault, signature included; at least 20 planted values.
    #[schema(value_type = Object)]
    report: serde_json::Value,
    /// Days between proof and destruction.
    #[schema(maximum = 3653)]
    cooling_days: u32,
}

/// Ask a second person to leave observe mode
#[utoipa::path(post, path = "/api/v1/decisions", tag = "retention", request_body = LeaveObserving,
    responses((status = 201, body = Made), Refusals))]
async fn leave(
    who: Right<{ Act::RequestDisposalMode as u8 }>,
    State(app): State<App>,
    Json(r): Json<LeaveObserving>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let terms = keeping::Terms::of_report(&app, r.report.to_string(), r.cooling_days).await?;
    let id = keeping::ask(&app, &who, terms).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// Agree, which holds at once, or refuse; never one's own
#[utoipa::path(post, path = "/api/v1/decisions/{id}/decision", tag = "retention", params(("id" = String, Path)),
    request_body = Answer, responses((status = 204), Refusals))]
async fn decide(
    who: Right<{ Act::ApproveDisposalMode as u8 }>,
    State(app): State<App>,
    Path(id): Path<DecisionId>,
    Json(r): Json<Answer>,
) -> Outcome<StatusCode> {
    keeping::decide(&app, &who, id, r.agree).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Back to observe mode: nothing is destroyed from now on
#[utoipa::path(delete, path = "/api/v1/disposal-mode", tag = "retention", responses((status = 204), Refusals))]
async fn observe(
    who: Right<{ Act::RequestDisposalMode as u8 }>,
    State(app): State<App>,
) -> Outcome<StatusCode> {
    keeping::observe(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(decide_reveal))
        .routes(routes!(decisions, leave))
        .routes(routes!(decide))
        .routes(routes!(observe))
}
