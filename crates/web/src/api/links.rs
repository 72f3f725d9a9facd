//! Merges and splits of people's records, and undoing them.

use super::{Refusals, grants::Made};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    linking,
    problem::Outcome,
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{ConversationId, LinkId, SubjectId};
use callvault_policy::Act;
use callvault_store::links::{LinkPreview, LinkRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// One merge or split.
#[derive(Serialize, ToSchema)]
struct LinkView {
    /// Its id.
    id: String,
    /// `merge` or `split`.
    kind: String,
    /// Whose conversations were moved.
    from: String,
    /// To whom.
    into: String,
    /// How many.
    conversations: usize,
    /// Why, masked.
    reason: String,
    /// Who, as the ledger names them.
    done_by: String,
    /// RFC 3339.
    done_at: String,
    /// RFC 3339, if it was undone.
    undone_at: Option<String>,
    /// By whom.
    undone_by: Option<String>,
    /// Why, masked.
    undo_reason: Option<String>,
}

impl From<LinkRow> for LinkView {
    fn from(r: LinkRow) -> Self {
        Self {
            id: r.id.to_string(),
            kind: r.kind,
            from: r.from.to_string(),
            into: r.into.to_string(),
            conversations: r.parties,
            reason: r.reason,
            done_by: r.done_by,
            done_at: r.done_at,
            undone_at: r.undone_at,
            undone_by: r.undone_by,
            undo_reason: r.undo_reason,
        }
    }
}

/// A person's merges and splits, newest first.
#[derive(Serialize, ToSchema)]
struct LinkList {
    /// At most 1,000.
    links: Vec<LinkView>,
}

/// Merges and splits of one person
#[utoipa::path(get, path = "/api/v1/subjects/{id}/links", tag = "subjects", params(("id" = String, Path)),
    responses((status = 200, body = LinkList), Refusals))]
async fn list(
    _: May<{ Act::ListSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
) -> Outcome<axum::Json<LinkList>> {
    let rows = app.run(move |vault| vault.subject_links(Some(id))).await?;
    Ok(axum::Json(LinkList { links: rows.into_iter().map(Into::into).collect() }))
}

/// The other record.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Other {
    /// The record that would be merged into this one.
    #[param(value_type = String)]
    from: SubjectId,
}

/// What would move.
#[derive(Serialize, ToSchema)]
struct PreviewView {
    /// Conversations.
    conversations: u64,
    /// Of these, those whose words are sealed anew for the other record.
    sealed_anew: u64,
    /// Hidden values in them.
    values: u64,
    /// Numbers and addresses that would lead to the other record.
    contacts: u64,
}

impl From<LinkPreview> for PreviewView {
    fn from(p: LinkPreview) -> Self {
        Self {
            conversations: p.conversations,
            sealed_anew: p.sealed_anew,
            values: p.values,
            contacts: p.contacts,
        }
    }
}

/// What a merge into this record would move; nothing is changed
#[utoipa::path(get, path = "/api/v1/subjects/{id}/merge-preview", tag = "subjects", params(("id" = String, Path), Other),
    responses((status = 200, body = PreviewView), Refusals))]
async fn preview(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Query(q): Query<Other>,
) -> Outcome<axum::Json<PreviewView>> {
    Ok(axum::Json(linking::preview(&app, &who, q.from, Some(id), Vec::new()).await?.into()))
}

/// Which record, and why they are one person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeRequest {
    /// The record that is merged into this one.
    #[schema(value_type = String)]
    from: SubjectId,
    /// Why, in words.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Merge another record of the same person into this one
#[utoipa::path(post, path = "/api/v1/subjects/{id}/merge", tag = "subjects", params(("id" = String, Path)),
    request_body = MergeRequest, responses((status = 201, body = Made), Refusals))]
async fn merge(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Json(r): Json<MergeRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let made = linking::merge(&app, &who, r.from, id, r.reason).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: made.to_string() })))
}

/// Which conversations, and why they are another person's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SplitRequest {
    /// 1 to 5,000 conversations of this person.
    #[schema(value_type = Vec<String>, min_items = 1)]
    conversations: Vec<ConversationId>,
    /// Why, in words.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// A split, and the record it made.
#[derive(Serialize, ToSchema)]
struct SplitView {
    /// Id of the split.
    id: String,
    /// The new record.
    subject: String,
}

/// Give conversations to a record of their own
#[utoipa::path(post, path = "/api/v1/subjects/{id}/split", tag = "subjects", params(("id" = String, Path)),
    request_body = SplitRequest, responses((status = 201, body = SplitView), Refusals))]
async fn split(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Json(r): Json<SplitRequest>,
) -> Outcome<(StatusCode, axum::Json<SplitView>)> {
    let (link, fresh) = linking::split(&app, &who, id, r.conversations, r.reason).await?;
    Ok((StatusCode::CREATED, axum::Json(SplitView { id: link.to_string(), subject: fresh.to_string() })))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UndoRequest {
    /// Why, in words.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Undo a merge or split: what was moved and is still there goes back
#[utoipa::path(post, path = "/api/v1/links/{id}/undo", tag = "subjects", params(("id" = String, Path)),
    request_body = UndoRequest, responses((status = 200, body = LinkView), Refusals))]
async fn undo(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<LinkId>,
    Json(r): Json<UndoRequest>,
) -> Outcome<axum::Json<LinkView>> {
    Ok(axum::Json(linking::undo(&app, &who, id, r.reason).await?.into()))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(preview))
        .routes(routes!(merge))
        .routes(routes!(split))
        .routes(routes!(undo))
}
