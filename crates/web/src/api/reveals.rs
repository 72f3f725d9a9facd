//! `/reveals`: asking to see one hidden value, and seeing it once.

use super::Refusals;
use crate::{
    app::App,
    extract::{Json, Path},
    page::finding,
    problem::{Outcome, Problem},
    reading,
    session::Who,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::RevealId;
use callvault_store::reveal::{RevealRow, RevealState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevealRequest {
    /// Name of the encrypted value, from a finding.
    #[schema(max_length = 80)]
    token: String,
    /// What for.
    purpose: String,
    /// Why, in words, without the value.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// A request and where it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct RevealView {
    /// Its id.
    id: String,
    /// Of which conversation.
    conversation: String,
    /// Type of the value.
    entity: Option<String>,
    /// `pending`, `approved`, `refused`, `used` or `expired`.
    state: String,
    /// A second person has to agree.
    needs_second: bool,
    /// RFC 3339.
    expires_at: String,
}

impl From<RevealRow> for RevealView {
    fn from(r: RevealRow) -> Self {
        let state = match r.state {
            RevealState::Pending => "pending",
            RevealState::Approved => "approved",
            RevealState::Refused => "refused",
            RevealState::Used => "used",
            RevealState::Expired => "expired",
        };
        Self {
            id: r.id.to_string(),
            conversation: r.conversation.to_string(),
            entity: r.entity,
            state: state.to_owned(),
            needs_second: r.needs_second,
            expires_at: r.expires_at,
        }
    }
}

/// Ask to see one hidden value
#[utoipa::path(post, path = "/api/v1/reveals", tag = "reveals", request_body = RevealRequest,
    responses((status = 201, body = RevealView), Refusals))]
async fn create(
    who: Who,
    State(app): State<App>,
    Json(ask): Json<RevealRequest>,
) -> Outcome<(StatusCode, axum::Json<RevealView>)> {
    if ask.token.len() > 80 {
        return Err(Problem::bad("A token's name has at most 80 characters."));
    }
    let purpose = reading::given(&ask.purpose)?;
    let id = finding::file(&app, &who, ask.token, purpose, ask.reason).await?;
    let row = finding::own(&app, &who, id).await?;
    Ok((StatusCode::CREATED, axum::Json(row.into())))
}

/// Where a request of one's own stands
#[utoipa::path(get, path = "/api/v1/reveals/{id}", tag = "reveals", params(("id" = String, Path)),
    responses((status = 200, body = RevealView), Refusals))]
async fn read(who: Who, State(app): State<App>, Path(id): Path<RevealId>) -> Outcome<axum::Json<RevealView>> {
    Ok(axum::Json(finding::own(&app, &who, id).await?.into()))
}

/// The value, shown this once.
#[derive(Serialize, ToSchema)]
struct ValueView {
    /// The value.
    value: String,
    /// Its type.
    entity: String,
    /// It must be off every screen by then, RFC 3339.
    hide_at: String,
}

/// See the value, once
#[utoipa::path(post, path = "/api/v1/reveals/{id}/value", tag = "reveals", params(("id" = String, Path)),
    responses((status = 200, body = ValueView), Refusals))]
async fn value(who: Who, State(app): State<App>, Path(id): Path<RevealId>) -> Outcome<axum::Json<ValueView>> {
    let row = finding::own(&app, &who, id).await?;
    let shown = finding::open(&app, &who, &row).await?;
    Ok(axum::Json(ValueView {
        value: shown.value.expose().clone(),
        entity: shown.entity.as_str().to_owned(),
        hide_at: shown.hide_at.to_string(),
    }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, super::decisions::reveals))
        .routes(routes!(read))
        .routes(routes!(value))
}
