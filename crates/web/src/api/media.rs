//! `/media`: the register of drives and paper.

use super::{Refusals, grants::Made};
use crate::{
    app::App,
    extract::{Json, Path},
    page::disposal as page,
    problem::{Outcome, Problem},
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::MediumId;
use callvault_policy::Act;
use callvault_store::medium::{Code, MediumRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A drive or a stack of paper.
#[derive(Serialize, ToSchema)]
struct MediumView {
    /// Its id.
    id: String,
    /// `hdd`, `ssd`, `usb`, `tape`, `optical`, `phone` or `paper`.
    kind: String,
    /// Serial number or label.
    label: String,
    /// What it may hold.
    holds: String,
    /// Whether it was encrypted before it was first written.
    encrypted: String,
    /// `in_use`, `stored`, `sent`, `lost`, `unwitnessed` or `ended`.
    state: String,
    /// When it is to be destroyed.
    planned_on: Option<String>,
    /// RFC 3339.
    entered_at: String,
    /// Has a certificate.
    certified: bool,
}

impl From<MediumRow> for MediumView {
    fn from(m: MediumRow) -> Self {
        Self {
            id: m.id.to_string(),
            kind: m.kind.as_str().to_owned(),
            label: m.label,
            holds: m.holds.as_str().to_owned(),
            encrypted: m.encrypted.as_str().to_owned(),
            state: m.state.as_str().to_owned(),
            planned_on: m.planned_on,
            entered_at: m.entered_at,
            certified: m.certified,
        }
    }
}

/// The register.
#[derive(Serialize, ToSchema)]
struct Media {
    /// Newest first.
    media: Vec<MediumView>,
}

/// The register of drives and paper
#[utoipa::path(get, path = "/api/v1/media", tag = "disposal", responses((status = 200, body = Media), Refusals))]
async fn list(_: May<{ Act::SeeMedia as u8 }>, State(app): State<App>) -> Outcome<axum::Json<Media>> {
    let media = app.run(callvault_store::Vault::media).await?;
    Ok(axum::Json(Media { media: media.into_iter().map(Into::into).collect() }))
}

/// A medium as it is entered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enter {
    /// `hdd`, `ssd`, `usb`, `tape`, `optical`, `phone` or `paper`.
    kind: String,
    /// Serial number or label; kept sealed.
    label: String,
    /// `originals`, `redacted`, `vault`, `keys`, `backup`, `notes` or `unknown`.
    holds: String,
    /// `yes`, `no` or `unknown`.
    encrypted: String,
    /// Where it is, and who has it; kept sealed.
    place: String,
}

/// Enter a drive or paper
#[utoipa::path(post, path = "/api/v1/media", tag = "disposal", request_body = Enter,
    responses((status = 201, body = Made), Refusals))]
async fn enter(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Json(e): Json<Enter>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let form =
        page::Enter { kind: e.kind, label: e.label, holds: e.holds, encrypted: e.encrypted, place: e.place };
    let id = page::entered(&app, &who, form).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// Where it goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// `in_use`, `stored`, `sent` or `lost`.
    state: String,
    /// Where it is now, and who has it; kept sealed.
    place: String,
}

/// Hand it on
#[utoipa::path(post, path = "/api/v1/media/{medium}/moves", tag = "disposal", params(("medium" = String, Path)),
    request_body = Move, responses((status = 204), Refusals))]
async fn hand_on(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Json(m): Json<Move>,
) -> Outcome<StatusCode> {
    page::moved(&app, &who, id, page::Move { state: m.state, place: m.place }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How it ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct End {
    /// A day.
    done_on: String,
    /// `clear`, `purge` or `destroy` (NIST SP 800-88 Rev. 2).
    level: String,
    /// By which means.
    technique: String,
    /// How verified.
    verification: String,
    /// Tool and version, or the firm; kept sealed.
    tool: String,
}

/// Record how it ended; it counts when another person has witnessed it
#[utoipa::path(post, path = "/api/v1/media/{medium}/end", tag = "disposal", params(("medium" = String, Path)),
    request_body = End, responses((status = 204), Refusals))]
async fn end(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Json(e): Json<End>,
) -> Outcome<StatusCode> {
    let form = page::EndForm {
        done_on: e.done_on,
        level: e.level,
        technique: e.technique,
        verification: e.verification,
        tool: e.tool,
    };
    page::ended(&app, &who, id, form).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the witness says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Witness {
    /// Saw it; no lets the record fall.
    saw: bool,
    /// What was seen; kept sealed.
    note: String,
}

/// Witness its end as another person; with it comes the certificate
#[utoipa::path(post, path = "/api/v1/media/{medium}/witness", tag = "disposal", params(("medium" = String, Path)),
    request_body = Witness, responses((status = 204), Refusals))]
async fn witness(
    who: Right<{ Act::ManageMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
    Json(w): Json<Witness>,
) -> Outcome<StatusCode> {
    page::witnessed(&app, &who, id, w.saw, w.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The certificate of a medium whose end was witnessed; `callvault register check` verifies it offline
#[utoipa::path(get, path = "/api/v1/media/{medium}/certificate", tag = "disposal", params(("medium" = String, Path)),
    responses((status = 200, body = serde_json::Value), Refusals))]
async fn certificate(
    _: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<MediumId>,
) -> Outcome<axum::Json<serde_json::Value>> {
    let c = page::certified(&app, id).await?;
    Ok(axum::Json(serde_json::to_value(c).map_err(|e| Problem::internal(&e))?))
}

/// This file's routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, enter))
        .routes(routes!(hand_on))
        .routes(routes!(end))
        .routes(routes!(witness))
        .routes(routes!(certificate))
}
