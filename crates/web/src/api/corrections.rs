//! `/corrections`: what somebody says is missing or wrong, and another person's answer.

use super::{
    Refusals,
    grants::{Answer, Made},
    paged::{Go, Part, part},
};
use crate::{
    app::App,
    correcting,
    extract::{Json, Path, Query},
    problem::{Outcome, Problem},
    right::Right,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{ConversationId, CorrectionId};
use callvault_policy::Act;
use callvault_store::corrections::{CorrectionRow, NewCorrection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What is missing or wrong. Give `turn`, `start_char`, `end_char` and `entity` for what was missed, or `finding` for what is wrong.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CorrectionRequest {
    /// Index of the turn, from 0.
    turn: Option<u64>,
    /// First character in its masked text, counted in Unicode code points.
    start_char: Option<u64>,
    /// One past the last character.
    end_char: Option<u64>,
    /// What it is: a type of the closed list.
    #[schema(max_length = 40)]
    entity: Option<String>,
    /// Where it begins to be heard, milliseconds; without it the whole turn falls silent.
    heard_from_ms: Option<u64>,
    /// Where it ends to be heard, milliseconds.
    heard_to_ms: Option<u64>,
    /// Position of the finding that is none.
    finding: Option<u64>,
    /// Why, in words, without the value.
    #[schema(min_length = 3, max_length = 1000)]
    note: String,
}

impl CorrectionRequest {
    fn what(&self) -> Outcome<NewCorrection> {
        let bad = || {
            Problem::bad(
                "Give turn, start_char, end_char and entity for what was missed, or finding alone for what is wrong.",
            )
        };
        match (self.finding, self.turn, self.start_char, self.end_char, self.entity.as_deref()) {
            (Some(finding), None, None, None, None) => Ok(NewCorrection::Wrong { finding }),
            (None, Some(turn), Some(start_char), Some(end_char), Some(entity)) => Ok(NewCorrection::Missed {
                turn,
                start_char,
                end_char,
                entity: correcting::entity(entity)?,
                heard_ms: match (self.heard_from_ms, self.heard_to_ms) {
                    (None, None) => None,
                    (Some(from), Some(to)) => Some((from, to)),
                    _ => return Err(bad()),
                },
            }),
            _ => Err(bad()),
        }
    }
}

/// A correction and where it stands.
#[derive(Serialize, ToSchema)]
struct CorrectionView {
    /// Its id.
    id: String,
    /// Of which conversation.
    conversation: String,
    /// `missed` or `wrong`.
    kind: String,
    /// Index of the turn.
    turn: u64,
    /// First character in the masked text as it stood when this was asked, for what was missed.
    start_char: Option<u64>,
    /// One past the last character.
    end_char: Option<u64>,
    /// Position of the finding, for what is wrong.
    finding: Option<u64>,
    /// Type name.
    entity: String,
    /// Why, masked.
    note: String,
    /// `requested`, `accepted` or `refused`.
    state: String,
    /// Who asked, as the ledger names them.
    requested_by: String,
    /// RFC 3339.
    requested_at: String,
    /// Who decided.
    decided_by: Option<String>,
    /// RFC 3339.
    decided_at: Option<String>,
}

impl From<CorrectionRow> for CorrectionView {
    fn from(r: CorrectionRow) -> Self {
        Self {
            id: r.id.to_string(),
            conversation: r.conversation.to_string(),
            kind: r.kind,
            turn: r.turn,
            start_char: r.chars.map(|c| c.0),
            end_char: r.chars.map(|c| c.1),
            finding: r.finding,
            entity: r.entity,
            note: r.note,
            state: r.state,
            requested_by: r.requested_by,
            requested_at: r.requested_at,
            decided_by: r.decided_by,
            decided_at: r.decided_at,
        }
    }
}

/// One page of corrections, newest first.
#[derive(Serialize, ToSchema)]
struct CorrectionList {
    /// The page.
    corrections: Vec<CorrectionView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// One's own corrections, and all for those who decide
#[utoipa::path(get, path = "/api/v1/corrections", tag = "corrections", params(Go),
    responses((status = 200, body = CorrectionList), Refusals))]
async fn list(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<CorrectionList>> {
    let rows = correcting::seen(&app, &who, None).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(CorrectionList { corrections: rows.into_iter().map(Into::into).collect(), next }))
}

/// One correction
#[utoipa::path(get, path = "/api/v1/corrections/{id}", tag = "corrections", params(("id" = String, Path)),
    responses((status = 200, body = CorrectionView), Refusals))]
async fn read(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path(id): Path<CorrectionId>,
) -> Outcome<axum::Json<CorrectionView>> {
    Ok(axum::Json(correcting::one(&app, &who, id).await?.into()))
}

/// Say that a finding is missing or wrong; another person decides
#[utoipa::path(post, path = "/api/v1/conversations/{id}/corrections", tag = "corrections", params(("id" = String, Path)),
    request_body = CorrectionRequest, responses((status = 201, body = Made), Refusals))]
async fn create(
    who: Right<{ Act::RequestCorrection as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Json(r): Json<CorrectionRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let what = r.what()?;
    let made = correcting::ask(&app, &who, id, what, r.note).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: made.to_string() })))
}

/// What an answer changed.
#[derive(Serialize, ToSchema)]
struct CorrectedView {
    /// Turns whose text changed.
    turns: usize,
    /// `withheld` until the recording is muted further and heard again, `stays-muted`, or `none`.
    audio: String,
}

/// Accept a correction or refuse it; never one's own
#[utoipa::path(post, path = "/api/v1/corrections/{id}/decision", tag = "corrections", params(("id" = String, Path)),
    request_body = Answer, responses((status = 200, body = CorrectedView), Refusals))]
async fn decide(
    who: Right<{ Act::ApproveCorrection as u8 }>,
    State(app): State<App>,
    Path(id): Path<CorrectionId>,
    Json(r): Json<Answer>,
) -> Outcome<axum::Json<CorrectedView>> {
    let done = correcting::decide(&app, &who, id, r.agree).await?;
    let (turns, audio) = done.map_or((0, "none"), |d| (d.turns, d.audio));
    Ok(axum::Json(CorrectedView { turns, audio: audio.to_owned() }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(create))
        .routes(routes!(decide))
}
