//! `/conversations`: listed by facts, searched by exact address, read and heard by permit.

use super::Refusals;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    listen,
    owed::Owed,
    page::conversations::Asked,
    problem::{Outcome, Problem},
    reading::{self, Opened},
    session::{May, Who},
};
use axum::{
    extract::State,
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
};
use callvault_model::id::ConversationId;
use callvault_policy::Act;
use callvault_store::{ConversationRow, FindingDetail, MaskedTurn};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Bytes of most turns beside their words.
const TURN: usize = 96;
/// Rows of a page when nobody says.
const ROWS: usize = 50;

/// One conversation, as a line.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationView<'a> {
    /// Its id.
    id: String,
    /// `voice`, `chat`, `email` or `sms`.
    channel: Cow<'a, str>,
    /// `received`, `awaiting-transcript`, `quarantined`, `recorded`, `shredding` or `disposed`.
    state: &'static str,
    /// RFC 3339.
    received_at: Cow<'a, str>,
    /// RFC 3339, if the source told it.
    started_at: Option<Cow<'a, str>>,
    /// Length of a recording.
    duration_ms: u64,
    /// `independent`, `same-engine` or `none`; absent before it is recorded.
    proof: Option<Cow<'a, str>>,
    /// Why it waits, if it does.
    reason: Option<Cow<'a, str>>,
    /// Number of hidden values.
    findings: u64,
}

impl From<ConversationRow> for ConversationView<'static> {
    fn from(r: ConversationRow) -> Self {
        Self {
            id: r.id.to_string(),
            channel: r.channel.into(),
            state: r.state.as_str(),
            received_at: r.received_at.into(),
            started_at: r.started_at.map(Into::into),
            duration_ms: r.duration_ms,
            proof: r.proof.map(Into::into),
            reason: r.reason.map(Into::into),
            findings: r.findings,
        }
    }
}

impl<'a> From<&'a ConversationRow> for ConversationView<'a> {
    fn from(r: &'a ConversationRow) -> Self {
        Self {
            id: r.id.to_string(),
            channel: r.channel.as_str().into(),
            state: r.state.as_str(),
            received_at: r.received_at.as_str().into(),
            started_at: r.started_at.as_deref().map(Into::into),
            duration_ms: r.duration_ms,
            proof: r.proof.as_deref().map(Into::into),
            reason: r.reason.as_deref().map(Into::into),
            findings: r.findings,
        }
    }
}

/// One page of conversations, newest first.
#[derive(Serialize, ToSchema)]
struct ConversationList {
    /// The page.
    conversations: Vec<ConversationView<'static>>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// What narrows the list; what is absent does not.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// `voice`, `chat`, `email` or `sms`.
    channel: String,
    /// A state.
    state: String,
    /// Received on this day or later, `2026-11-24`, UTC.
    from: String,
    /// Received on this day or earlier.
    to: String,
    /// A value of this type was found, `CREDIT_CARD`.
    found: String,
    /// `independent`, `same-engine` or `none`.
    proof: String,
    /// This person took part.
    subject: String,
    /// Where the last page ended.
    after: String,
    /// Rows, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// How many rows a page may have.
pub(super) fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked {
        None => Ok(ROWS),
        Some(n @ 1..=200) => Ok(n as usize),
        Some(_) => Err(Problem::bad("The limit is from 1 to 200.")),
    }
}

/// Conversations by facts that are no content
#[utoipa::path(get, path = "/api/v1/conversations", tag = "conversations", params(Narrow),
    responses((status = 200, body = ConversationList), Refusals))]
async fn list(
    _: May<{ Act::ListConversations as u8 }>,
    State(app): State<App>,
    Query(q): Query<Narrow>,
) -> Outcome<axum::Json<ConversationList>> {
    let rows = limit(q.limit)?;
    let (filter, after) = Asked {
        channel: q.channel,
        state: q.state,
        from: q.from,
        to: q.to,
        found: q.found,
        proof: q.proof,
        subject: q.subject,
        after: q.after,
        done: None,
    }
    .filter()?;
    let page = app.run(move |vault| vault.conversations_page(&filter, after, rows)).await?;
    let next = page.next.map(|id| id.to_string());
    Ok(axum::Json(ConversationList { conversations: page.rows.into_iter().map(Into::into).collect(), next }))
}

/// An exact address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchRequest {
    /// A whole telephone number or e-mail address; it is looked up by a keyed fingerprint and kept nowhere.
    #[schema(max_length = 254)]
    address: String,
}

/// Whom an address leads to.
#[derive(Serialize, ToSchema)]
struct Found {
    /// The person; absent where nobody is known by exactly this.
    subject: Option<String>,
}

/// Find a person by exact telephone number or e-mail address
#[utoipa::path(post, path = "/api/v1/searches", tag = "conversations", request_body = SearchRequest,
    responses((status = 200, body = Found), Refusals))]
async fn search(
    who: May<{ Act::ListConversations as u8 }>,
    State(app): State<App>,
    Json(search): Json<SearchRequest>,
) -> Outcome<axum::Json<Found>> {
    if search.address.chars().count() > 254 {
        return Err(Problem::bad("A telephone number or e-mail address has at most 254 characters."));
    }
    let actor = who.session.actor();
    let subject = app.run(move |vault| vault.find_by_contact(&actor, &search.address)).await?;
    Ok(axum::Json(Found { subject: subject.map(|id| id.to_string()) }))
}

/// Why it is read.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Why {
    /// `service`, `quality`, `dispute`, `subject_request`, `legal`, `security` or `audit`.
    pub purpose: Option<String>,
}

impl Why {
    /// The purpose; without one the gate refuses where one is needed.
    pub fn purpose(&self) -> Result<Option<callvault_policy::Purpose>, Problem> {
        self.purpose.as_deref().map(reading::given).transpose()
    }
}

/// One masked turn.
#[derive(Serialize, ToSchema)]
struct TurnView<'a> {
    /// The part of who spoke.
    role: &'a str,
    /// Place in the recording.
    start_ms: u64,
    /// Place in the recording.
    end_ms: u64,
    /// With labels such as `[CREDIT_CARD]` in the place of values.
    text: &'a str,
}

impl<'a> From<&'a MaskedTurn> for TurnView<'a> {
    fn from(t: &'a MaskedTurn) -> Self {
        Self { role: &t.role, start_ms: t.start_ms, end_ms: t.end_ms, text: &t.text }
    }
}

/// One hidden value, without the value.
#[derive(Serialize, ToSchema)]
struct FindingView<'a> {
    /// Its number in the conversation.
    position: u64,
    /// Number of the turn.
    turn: u64,
    /// Type.
    entity: &'a str,
    /// The part of who said it.
    role: &'a str,
    /// Place in the recording.
    start_ms: u64,
    /// Place in the recording.
    end_ms: u64,
    /// 0 to 1.
    score: f64,
    /// Who found it.
    recognizer: &'a str,
    /// Names the encrypted value for a reveal; absent for what may never be kept.
    token: Option<&'a str>,
}

impl<'a> From<&'a FindingDetail> for FindingView<'a> {
    fn from(f: &'a FindingDetail) -> Self {
        Self {
            position: f.position,
            turn: f.turn,
            entity: &f.entity,
            role: &f.role,
            start_ms: f.start_ms,
            end_ms: f.end_ms,
            score: f.score,
            recognizer: &f.recognizer,
            token: f.token.as_deref(),
        }
    }
}

/// A conversation as it may be read.
#[derive(Serialize, ToSchema)]
struct MaskedView<'a> {
    /// Its facts.
    conversation: ConversationView<'a>,
    /// Hidden values.
    findings: Vec<FindingView<'a>>,
    /// Facts of the proof.
    proof_facts: Option<&'a serde_json::Value>,
    /// Masked turns.
    turns: Vec<TurnView<'a>>,
}

/// Read the masked words; the reading is in the ledger before the answer leaves
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "conversations", params(("id" = String, Path), Why),
    responses((status = 200, body = MaskedView), Refusals))]
async fn read(
    who: Who,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Query(why): Query<Why>,
) -> Outcome<Owed> {
    let entering = reading::enter(&app, &who, id, why.purpose()?).await?;
    Ok(Owed::new(
        async move { json(&reading::opened(&app, entering).await?).map_err(|e| Problem::internal(&e)) },
    ))
}

/// A [`MaskedView`]; all of it but the turns is made once for all readings of what was looked up.
fn json(opened: &Opened) -> Result<Vec<u8>, serde_json::Error> {
    let beside = opened.beside_as(|| {
        serde_json::to_vec(&MaskedView {
            conversation: opened.row().into(),
            findings: opened.findings().iter().map(Into::into).collect(),
            proof_facts: opened.proof_facts(),
            turns: Vec::new(),
        })
    })?;
    let beside = beside.strip_suffix(b"[]}").unwrap_or(beside);
    let words: usize = opened.turns.iter().map(|t| t.text.len() + TURN).sum();
    let mut body = Vec::with_capacity(beside.len() + words + 3);
    body.extend_from_slice(beside);
    let turns = opened.turns.iter().map(TurnView::from);
    serde_json::Serializer::new(&mut body).collect_seq(turns)?;
    body.push(b'}');
    Ok(body)
}

/// Hear the muted recording; one listen is one entry in the ledger, however many ranges it takes
#[utoipa::path(get, path = "/api/v1/conversations/{id}/audio", tag = "conversations",
    params(("id" = String, Path), Why, ("Range" = Option<String>, Header, description = "One byte range of RFC 9110.")),
    responses((status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 206, content_type = "audio/wav", body = Vec<u8>, description = "The range"),
        (status = 416, content_type = "application/problem+json", body = Problem, description = "The range lies behind the end"),
        Refusals))]
async fn audio(
    who: Who,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Query(why): Query<Why>,
    method: Method,
    headers: HeaderMap,
) -> Outcome<Response> {
    listen::serve(&app, &who, id, why.purpose()?, &method, &headers).await
}

/// The certificate of the destruction of the original
#[utoipa::path(get, path = "/api/v1/conversations/{id}/certificate", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = serde_json::Value), Refusals))]
async fn certificate(
    _: May<{ Act::ReadCertificates as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
) -> Outcome<Response> {
    let body = app.run(move |vault| vault.certificate_of(id)).await?.ok_or_else(Problem::absent)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(search))
        .routes(routes!(read))
        .routes(routes!(audio))
        .routes(routes!(certificate))
}
