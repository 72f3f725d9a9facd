//! `/collection-rules`: which of what a source tells is kept at all.

use super::Refusals;
use crate::{
    app::App,
    extract::{Json, Path},
    page::collection as page,
    problem::Outcome,
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_policy::Act;
use callvault_store::{Vault, collection::CollectionRule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What becomes of one field on one channel.
#[derive(Serialize, ToSchema)]
struct CollectionView {
    /// `voice`, `chat`, `email` or `sms`.
    channel: String,
    /// `caller_id`, `name`, `agent_name`, `file_name`, `subject_line`, `started_at`, `notes` or `cdr`.
    field: String,
    /// Stored sealed, or dropped on arrival.
    keep: bool,
    /// It is not as it is by default.
    changed: bool,
    /// How often it was dropped.
    dropped: u64,
}

impl From<CollectionRule> for CollectionView {
    fn from(r: CollectionRule) -> Self {
        Self {
            channel: r.channel.as_str().to_owned(),
            field: r.field.as_str().to_owned(),
            keep: r.keep,
            changed: r.changed,
            dropped: r.dropped,
        }
    }
}

/// The whole policy.
#[derive(Serialize, ToSchema)]
struct CollectionList {
    /// One rule a field and channel.
    rules: Vec<CollectionView>,
}

/// Which fields are kept
#[utoipa::path(get, path = "/api/v1/collection-rules", tag = "settings", responses((status = 200, body = CollectionList), Refusals))]
async fn list(
    _: May<{ Act::SeeSettings as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<CollectionList>> {
    let rules = app.run(Vault::collection_policy).await?;
    Ok(axum::Json(CollectionList { rules: rules.into_iter().map(Into::into).collect() }))
}

/// A rule as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CollectionChange {
    /// Store it sealed, or drop it on arrival.
    keep: bool,
}

/// Keep or drop a field from now on
#[utoipa::path(put, path = "/api/v1/collection-rules/{channel}/{field}", tag = "settings",
    params(("channel" = String, Path), ("field" = String, Path)), request_body = CollectionChange,
    responses((status = 204), Refusals))]
async fn change(
    who: Right<{ Act::ChangeCollection as u8 }>,
    State(app): State<App>,
    Path((channel, field)): Path<(String, String)>,
    Json(r): Json<CollectionChange>,
) -> Outcome<StatusCode> {
    page::set(&app, &who, &channel, &field, r.keep).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}
