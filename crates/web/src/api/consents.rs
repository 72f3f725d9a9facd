//! `/consents` and `/opt-outs`: who agreed to what, with the proof, and who wishes to hear no more.

use super::{Refusals, grants::Made};
use crate::{
    app::App,
    extract::{Json, Path},
    page::consents as page,
    problem::{Outcome, Problem},
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{ConsentId, OptOutId};
use callvault_policy::Act;
use callvault_store::{
    Vault,
    consent::{ConsentRow, Detail, NewConsent, Proof},
    opt_out::OptOutRow,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A consent. The number stands nowhere in it.
#[derive(Serialize, ToSchema)]
struct ConsentView {
    /// Its id.
    id: String,
    /// `phone` or `email`.
    field: String,
    /// `any`, `voice`, `sms`, `email` or `chat`.
    channel: String,
    /// `marketing`, `service`, `recording`, `health` or `research`.
    purpose: String,
    /// `prior_express` or `prior_express_written`.
    kind: String,
    /// The seller it names.
    seller: String,
    /// Where it was given.
    source: String,
    /// The conversation that proves it.
    conversation: Option<String>,
    /// Where in it, in milliseconds.
    from_ms: Option<u64>,
    /// Where in it, in milliseconds.
    to_ms: Option<u64>,
    /// SHA-256 of the record that proves it.
    proof_sha256: Option<String>,
    /// The day it was given.
    given: String,
    /// The last day it holds.
    expires: Option<String>,
    /// RFC 3339; absent while it stands.
    withdrawn_at: Option<String>,
}

impl From<ConsentRow> for ConsentView {
    fn from(c: ConsentRow) -> Self {
        Self {
            id: c.id.to_string(),
            field: c.field,
            channel: c.channel,
            purpose: c.purpose,
            kind: c.kind,
            seller: c.detail.seller,
            source: c.detail.source,
            conversation: c.conversation.map(|c| c.to_string()),
            from_ms: c.from_ms,
            to_ms: c.to_ms,
            proof_sha256: c.proof_sha256,
            given: c.given,
            expires: c.expires,
            withdrawn_at: c.withdrawn_at,
        }
    }
}

/// Consents, newest first.
#[derive(Serialize, ToSchema)]
struct ConsentList {
    /// At most 200.
    consents: Vec<ConsentView>,
}

/// The consents on file
#[utoipa::path(get, path = "/api/v1/consents", tag = "law", responses((status = 200, body = ConsentList), Refusals))]
async fn list(
    _: May<{ Act::SeeConsents as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<ConsentList>> {
    let rows = app.run(|vault: &Vault| vault.consents(None)).await?;
    Ok(axum::Json(ConsentList { consents: rows.into_iter().map(Into::into).collect() }))
}

/// A consent as it is recorded, with a place in a conversation or a record that proves it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentWish {
    /// Number or e-mail address; only its keyed fingerprint is kept.
    contact: String,
    /// `any`, `voice`, `sms`, `email` or `chat`.
    channel: String,
    /// `marketing`, `service`, `recording`, `health` or `research`.
    purpose: String,
    /// `prior_express` or `prior_express_written`.
    kind: String,
    /// The seller it names.
    #[serde(default)]
    seller: String,
    /// Where it was given.
    #[serde(default)]
    source: String,
    /// What it was signed with.
    #[serde(default)]
    signature: String,
    /// It said that calls may be autodialled or prerecorded.
    disclosure_autodialer: Option<bool>,
    /// It said that it is no condition of a purchase.
    disclosure_not_condition: Option<bool>,
    /// The day it was given, 2026-11-23.
    given: String,
    /// The last day it holds.
    expires: Option<String>,
    /// The conversation that proves it.
    conversation: Option<String>,
    /// Where in it, in milliseconds.
    #[serde(default)]
    from_ms: u64,
    /// Where in it, in milliseconds.
    #[serde(default)]
    to_ms: u64,
    /// The record that proves it, as text: the form as it was shown and filled in.
    record: Option<String>,
}

fn day(text: &str) -> Outcome<jiff::civil::Date> {
    text.parse().map_err(|_| Problem::bad("A day is written 2026-11-23."))
}

/// Record a consent
#[utoipa::path(post, path = "/api/v1/consents", tag = "law", request_body = ConsentWish,
    responses((status = 201, body = Made), Refusals))]
async fn record(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Json(c): Json<ConsentWish>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let proof = match (c.conversation, c.record) {
        (Some(id), None) => Proof::Conversation {
            id: id.parse().map_err(|_| Problem::bad("This is no id of a conversation."))?,
            from_ms: c.from_ms,
            to_ms: c.to_ms,
        },
        (None, Some(text)) => Proof::Record(text.into_bytes()),
        _ => return Err(Problem::bad("Give a conversation or a record as the proof, and not both.")),
    };
    let new = NewConsent {
        contact: c.contact,
        channel: c.channel,
        purpose: c.purpose,
        kind: c.kind,
        detail: Detail {
            seller: c.seller,
            source: c.source,
            signature: c.signature,
            disclosure_autodialer: c.disclosure_autodialer,
            disclosure_not_condition: c.disclosure_not_condition,
        },
        proof,
        given: day(&c.given)?,
        expires: c.expires.as_deref().map(day).transpose()?,
    };
    let id = page::add(&app, &who, new).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// Withdraw a consent
#[utoipa::path(post, path = "/api/v1/consents/{id}/withdrawal", tag = "law", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn withdraw(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConsentId>,
) -> Outcome<StatusCode> {
    page::end(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A wish to hear no more.
#[derive(Serialize, ToSchema)]
struct OptOutView {
    /// Its id.
    id: String,
    /// The channel on which it came, or `manual`.
    channel: String,
    /// `keyword`, `phrase`, `doubtful` or `entered`.
    how: String,
    /// `stands`, `in_doubt`, `dismissed` or `lifted`.
    state: String,
    /// A number or address is known; without one nobody can be kept from calling.
    number_known: bool,
    /// Where it was said.
    conversation: Option<String>,
    /// In which turn.
    turn: Option<u64>,
    /// The row of law that knew it.
    rule: String,
    /// RFC 3339.
    raised_at: String,
    /// RFC 3339.
    decided_at: Option<String>,
}

impl From<OptOutRow> for OptOutView {
    fn from(o: OptOutRow) -> Self {
        Self {
            id: o.id.to_string(),
            channel: o.channel,
            how: o.how,
            state: o.state,
            number_known: !o.field.is_empty(),
            conversation: o.conversation.map(|c| c.to_string()),
            turn: o.turn,
            rule: o.rule,
            raised_at: o.raised_at,
            decided_at: o.decided_at,
        }
    }
}

/// Wishes to hear no more; those to be read first.
#[derive(Serialize, ToSchema)]
struct OptOutList {
    /// At most 200.
    opt_outs: Vec<OptOutView>,
}

/// Who wishes to hear no more
#[utoipa::path(get, path = "/api/v1/opt-outs", tag = "law", responses((status = 200, body = OptOutList), Refusals))]
async fn wishes(
    _: May<{ Act::SeeConsents as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<OptOutList>> {
    let rows = app.run(Vault::opt_outs).await?;
    Ok(axum::Json(OptOutList { opt_outs: rows.into_iter().map(Into::into).collect() }))
}

/// A wish that reached the site otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OptOutWish {
    /// Number or e-mail address; only its keyed fingerprint is kept.
    contact: String,
    /// How it came.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Enter a wish to hear no more
#[utoipa::path(post, path = "/api/v1/opt-outs", tag = "law", request_body = OptOutWish,
    responses((status = 201, body = Made), Refusals))]
async fn enter(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Json(o): Json<OptOutWish>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let id = page::wished(&app, &who, o.contact, o.reason).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// What a person decides about a wish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OptOutVerdict {
    /// `confirm` or `dismiss` one that is in doubt, `lift` one that stands.
    verdict: String,
    /// Why.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Confirm, dismiss or lift a wish
#[utoipa::path(post, path = "/api/v1/opt-outs/{id}/verdict", tag = "law", params(("id" = String, Path)),
    request_body = OptOutVerdict, responses((status = 204), Refusals))]
async fn decide(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Path(id): Path<OptOutId>,
    Json(v): Json<OptOutVerdict>,
) -> Outcome<StatusCode> {
    page::judged(&app, &who, id, &v.verdict, v.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(record))
        .routes(routes!(withdraw))
        .routes(routes!(wishes))
        .routes(routes!(enter))
        .routes(routes!(decide))
}
