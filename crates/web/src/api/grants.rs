//! `/grants`: rights for a while; asked for, given or refused by another person, taken away at once.

use super::{
    Refusals,
    paged::{Go, Part, part},
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    page::requests,
    problem::Outcome,
    reading,
    right::{self, Right},
    session::Who,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::GrantId;
use callvault_policy::Act;
use callvault_store::grants::{GrantRow, GrantState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A right or the request for one.
#[derive(Serialize, ToSchema)]
struct GrantView {
    /// Its id.
    id: String,
    /// Whose.
    account: String,
    /// `read_masked`, `play_muted`, `read_subject` or `request_reveal`.
    act: String,
    /// `conversation`, `subject` or `all`.
    target_kind: String,
    /// Which.
    target: Option<String>,
    /// What for.
    purpose: String,
    /// Why, masked.
    reason: String,
    /// `requested`, `active`, `refused`, `ended` or `revoked`.
    state: String,
    /// For how long from the approval.
    minutes: u32,
    /// RFC 3339.
    requested_at: String,
    /// Who decided.
    decided_by: Option<String>,
    /// RFC 3339.
    decided_at: Option<String>,
    /// RFC 3339.
    ends_at: Option<String>,
}

impl From<GrantRow> for GrantView {
    fn from(r: GrantRow) -> Self {
        let state = match r.state {
            GrantState::Requested => "requested",
            GrantState::Active => "active",
            GrantState::Refused => "refused",
            GrantState::Ended => "ended",
            GrantState::Revoked => "revoked",
        };
        Self {
            id: r.id.to_string(),
            account: r.account.to_string(),
            act: r.act,
            target_kind: r.target_kind,
            target: r.target,
            purpose: r.purpose,
            reason: r.reason,
            state: state.to_owned(),
            minutes: r.minutes,
            requested_at: r.requested_at,
            decided_by: r.decided_by.map(|id| id.to_string()),
            decided_at: r.decided_at,
            ends_at: r.ends_at,
        }
    }
}

/// One page of rights, newest first.
#[derive(Serialize, ToSchema)]
struct GrantList {
    /// The page.
    grants: Vec<GrantView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Rights and requests: all for who may see them, else one's own
#[utoipa::path(get, path = "/api/v1/grants", tag = "grants", params(Go), responses((status = 200, body = GrantList), Refusals))]
async fn list(who: Who, State(app): State<App>, Query(q): Query<Go>) -> Outcome<axum::Json<GrantList>> {
    let may = right::of(who.roles());
    if !may.contains(&Act::SeeGrants) && !may.contains(&Act::RequestGrant) {
        who.may(&app, Act::SeeGrants, callvault_store::gate::Target::Program, None).await?;
    }
    let of = if who.could(&app, Act::SeeGrants) { None } else { Some(who.account()) };
    let rows = app.run(move |vault| vault.grants(of)).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(GrantList { grants: rows.into_iter().map(Into::into).collect(), next }))
}

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantRequest {
    /// `read_masked`, `play_muted`, `read_subject` or `request_reveal`.
    act: String,
    /// `conversation`, `subject` or `all`.
    target_kind: String,
    /// The id of the conversation or subject.
    #[serde(default)]
    target: String,
    /// What for.
    purpose: String,
    /// Why, in words.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
    /// For how long, counted from the approval; at most seven days.
    #[schema(minimum = 1, maximum = 10080)]
    minutes: u32,
}

/// What was made.
#[derive(Serialize, ToSchema)]
pub(super) struct Made {
    /// Its id.
    pub id: String,
}

/// Ask for a right for a while
#[utoipa::path(post, path = "/api/v1/grants", tag = "grants", request_body = GrantRequest,
    responses((status = 201, body = Made), Refusals))]
async fn create(
    who: Right<{ Act::RequestGrant as u8 }>,
    State(app): State<App>,
    Json(r): Json<GrantRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let purpose = reading::given(&r.purpose)?;
    let id =
        requests::file(&app, &who, &r.act, (&r.target_kind, &r.target), purpose, r.minutes, r.reason).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// A second person's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// Agreed, or refused.
    pub agree: bool,
}

/// Give or refuse a right; never one's own
#[utoipa::path(post, path = "/api/v1/grants/{id}/decision", tag = "grants", params(("id" = String, Path)), request_body = Answer,
    responses((status = 204), Refusals))]
async fn decide(
    who: Right<{ Act::ApproveGrant as u8 }>,
    State(app): State<App>,
    Path(id): Path<GrantId>,
    Json(r): Json<Answer>,
) -> Outcome<StatusCode> {
    let session = who.session.clone();
    app.run(move |vault| vault.decide_grant(&session, id, r.agree)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a right away at once
#[utoipa::path(delete, path = "/api/v1/grants/{id}", tag = "grants", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn revoke(
    who: Right<{ Act::RevokeGrant as u8 }>,
    State(app): State<App>,
    Path(id): Path<GrantId>,
) -> Outcome<StatusCode> {
    let session = who.session.clone();
    app.run(move |vault| vault.revoke_grant(&session, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(decide)).routes(routes!(revoke))
}
