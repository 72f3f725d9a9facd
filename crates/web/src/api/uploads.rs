//! `/uploads`: conversations in parts, so that a large recording survives a bad line. Each part is sealed as it arrives.

use super::Refusals;
use crate::{
    app::App,
    body,
    extract::{self, Json, Path},
    intake::{self, Wish},
    problem::{Outcome, Problem},
    session::{May, Who},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
};
use callvault_model::id::UploadId;
use callvault_policy::Act;
use callvault_store::uploads::UploadRow;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// An upload and how far it is.
#[derive(Serialize, ToSchema)]
struct UploadView {
    /// Its id.
    id: String,
    /// `voice`, `chat`, `email` or `sms`.
    channel: String,
    /// Bytes announced.
    length: u64,
    /// Bytes that are kept; the next part begins here.
    received: u64,
    /// `open`, `done`, `cancelled` or `expired`.
    state: String,
    /// It is destroyed then unless it is finished, RFC 3339.
    expires_at: String,
    /// What it became.
    conversation: Option<String>,
}

impl From<UploadRow> for UploadView {
    fn from(u: UploadRow) -> Self {
        Self {
            id: u.id.to_string(),
            channel: u.channel.as_str().to_owned(),
            length: u.length,
            received: u.received,
            state: u.state.as_str().to_owned(),
            expires_at: u.expires_at,
            conversation: u.conversation.map(|c| c.to_string()),
        }
    }
}

/// Begin an upload
///
/// With an `Idempotency-Key`, the same request sent again answers with the same upload.
#[utoipa::path(post, path = "/api/v1/uploads", tag = "uploads", request_body = Wish,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 200 visible characters.")),
    responses((status = 201, body = UploadView), Refusals))]
async fn begin(
    who: May<{ Act::Upload as u8 }>,
    State(app): State<App>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Outcome<(StatusCode, axum::Json<UploadView>)> {
    let key = headers.get("idempotency-key").map(|v| v.to_str().map(str::to_owned)).transpose();
    let key = key.map_err(|_| Problem::bad("The Idempotency-Key has up to 200 visible characters."))?;
    let row = intake::begin(&app, &who, wish, key).await?;
    Ok((StatusCode::CREATED, axum::Json(row.into())))
}

/// How far an upload is
#[utoipa::path(get, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, body = UploadView), Refusals))]
async fn read(
    who: May<{ Act::Upload as u8 }>,
    State(app): State<App>,
    Path(id): Path<UploadId>,
) -> Outcome<axum::Json<UploadView>> {
    let actor = who.session.actor();
    Ok(axum::Json(app.run(move |vault| vault.upload(&actor, id)).await?.into()))
}

/// Send the next part: it begins where the last one ended, and has at most 64 MiB
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path), ("Upload-Offset" = u64, Header, description = "Where the part begins.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadView), Refusals))]
async fn part(
    who: May<{ Act::Upload as u8 }>,
    State(app): State<App>,
    Path(id): Path<UploadId>,
    request: Request,
) -> Outcome<axum::Json<UploadView>> {
    if extract::content_type(&request) != Some("application/octet-stream") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "Send bytes",
            "The body of a part is application/octet-stream.",
        ));
    }
    let (parts, sent) = request.into_parts();
    let start = number(&parts.headers, "upload-offset")
        .ok_or_else(|| Problem::bad("The header Upload-Offset says where the part begins."))?;
    let length = number(&parts.headers, header::CONTENT_LENGTH.as_str())
        .ok_or_else(|| Problem::bad("The header Content-Length says how long the part is."))?;
    let (to, mut from) = body::pipe();
    let (vault, actor) = (std::sync::Arc::clone(&app.vault), who.session.actor());
    let sealing = tokio::task::spawn_blocking(move || {
        vault.append_part(&actor, id, start, length, &mut from)?;
        vault.upload(&actor, id)
    });
    body::feed(sent, to).await;
    let row = sealing.await.map_err(|e| Problem::internal(&e))??;
    Ok(axum::Json(row.into()))
}

/// A whole number in a header.
fn number(headers: &axum::http::HeaderMap, name: &str) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    let digits = text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What an upload became.
#[derive(Serialize, ToSchema)]
struct TakenIn {
    /// The conversation.
    conversation: String,
    /// The same bytes were here before, under this id.
    known: bool,
}

/// Finish an upload: it becomes a conversation and is worked on
#[utoipa::path(post, path = "/api/v1/uploads/{id}/finish", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, body = TakenIn), Refusals))]
async fn finish(
    who: May<{ Act::Upload as u8 }>,
    State(app): State<App>,
    Path(id): Path<UploadId>,
) -> Outcome<axum::Json<TakenIn>> {
    let taken = intake::finish(&app, &who, id).await?;
    Ok(axum::Json(TakenIn { conversation: taken.conversation.to_string(), known: taken.known }))
}

/// Give an upload up; its parts are destroyed
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", tag = "uploads", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn cancel(who: Who, State(app): State<App>, Path(id): Path<UploadId>) -> Outcome<StatusCode> {
    let actor = who.may(&app, Act::Upload, callvault_store::Target::Program, None).await?;
    app.run(move |vault| vault.cancel_upload(&actor, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(read, part, cancel)).routes(routes!(finish))
}
