//! `/quarantine`: what nobody may read yet, and its two ways out.

use super::{
    Refusals,
    conversations::{ConversationView, limit},
};
use crate::{
    app::App,
    extract::{self, Json, Path, Query},
    page::quarantine as page,
    problem::{Outcome, Problem},
    right::Right,
    session::May,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use callvault_model::id::ConversationId;
use callvault_policy::Act;
use callvault_store::{ConversationFilter, Target};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What waits for what, and where to go on.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `quarantined`, which is the default, or `awaiting-transcript`.
    state: String,
    /// Where the last page ended.
    after: String,
    /// Rows, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// One page of what waits, newest first.
#[derive(Serialize, ToSchema)]
struct QuarantineList {
    /// The page.
    conversations: Vec<ConversationView<'static>>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// What waits for somebody, and why
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", params(Asked),
    responses((status = 200, body = QuarantineList), Refusals))]
async fn list(
    _: May<{ Act::SeeQuarantine as u8 }>,
    State(app): State<App>,
    Query(q): Query<Asked>,
) -> Outcome<axum::Json<QuarantineList>> {
    let (state, rows) = (page::waits(&q.state)?, limit(q.limit)?);
    let after: Option<ConversationId> = match q.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let filter = ConversationFilter { state: Some(state), ..ConversationFilter::default() };
    let page = app.run(move |vault| vault.conversations_page(&filter, after, rows)).await?;
    let next = page.next.map(|id| id.to_string());
    Ok(axum::Json(QuarantineList { conversations: page.rows.into_iter().map(Into::into).collect(), next }))
}

/// Let it be worked on again
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/release", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn release(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
) -> Outcome<StatusCode> {
    page::release(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Go on with a transcript that was made elsewhere from this very recording; it is destroyed once it was worked on
///
/// The body is WebVTT (`text/vtt`), or the JSON of Whisper or our own (`application/json`), at most 16 MiB.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/transcript", tag = "quarantine", params(("id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "text/vtt"), responses((status = 204), Refusals))]
async fn transcript(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    request: Request,
) -> Outcome<StatusCode> {
    who.may(&app, Act::ReleaseQuarantine, Target::Conversation(id), None).await?;
    if !matches!(extract::content_type(&request), Some("text/vtt" | "application/json")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "Send a transcript",
            "The body is text/vtt or application/json.",
        ));
    }
    let body = axum::body::to_bytes(request.into_body(), page::MAX_TRANSCRIPT).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            "A transcript must arrive whole and has at most 16 MiB.",
        )
    })?;
    page::import(&app, &who, id, body.to_vec()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why it is destroyed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiscardRequest {
    /// `no-conversation`, `duplicate`, `unreadable` or `unwanted`.
    why: String,
}

/// Destroy it for good; nothing was proven, so there is no certificate
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/discard", tag = "quarantine", params(("id" = String, Path)),
    request_body = DiscardRequest, responses((status = 204), Refusals))]
async fn discard(
    who: Right<{ Act::ReleaseQuarantine as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Json(r): Json<DiscardRequest>,
) -> Outcome<StatusCode> {
    page::throw_away(&app, &who, id, &r.why).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(release))
        .routes(routes!(transcript))
        .routes(routes!(discard))
}
