//! `/retention-rules`, `/retention-runs`, `/holds` and `/keep-marks`: how long things are kept and what may not go.

use super::{
    Refusals,
    grants::Made,
    paged::{Go, Part, part},
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    keeping,
    page::{holds, retention as page},
    problem::Outcome,
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{ConversationId, HoldId};
use callvault_policy::Act;
use callvault_store::{HoldRow, HoldTarget, RetentionRule};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// How long one class is kept on one channel.
#[derive(Serialize, ToSchema)]
struct RuleView {
    /// `audio`, `redacted_audio`, `transcript`, `tokens`, `metadata` or `evidence`.
    class: String,
    /// `voice`, `chat`, `email` or `sms`.
    channel: String,
    /// Days after it was recorded; absent keeps without end.
    days: Option<u32>,
    /// RFC 3339; absent for what nobody changed.
    changed_at: Option<String>,
    /// Who, as the ledger names them.
    changed_by: Option<String>,
}

impl From<RetentionRule> for RuleView {
    fn from(r: RetentionRule) -> Self {
        Self {
            class: r.class.as_str().to_owned(),
            channel: r.channel.as_str().to_owned(),
            days: r.days,
            changed_at: r.changed_at,
            changed_by: r.changed_by,
        }
    }
}

/// Every rule.
#[derive(Serialize, ToSchema)]
struct RuleList {
    /// All of them; there are as many as classes on channels.
    rules: Vec<RuleView>,
}

/// How long everything is kept
#[utoipa::path(get, path = "/api/v1/retention-rules", tag = "retention", responses((status = 200, body = RuleList), Refusals))]
async fn rules(_: May<{ Act::SeeRetention as u8 }>, State(app): State<App>) -> Outcome<axum::Json<RuleList>> {
    let rules = app.run(callvault_store::Vault::retention_rules).await?;
    Ok(axum::Json(RuleList { rules: rules.into_iter().map(Into::into).collect() }))
}

/// A rule as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleChange {
    /// Days after it was recorded; null keeps without end.
    #[schema(maximum = 36525)]
    days: Option<u32>,
}

/// Change how long one class is kept on one channel
#[utoipa::path(put, path = "/api/v1/retention-rules/{class}/{channel}", tag = "retention",
    params(("class" = String, Path), ("channel" = String, Path)), request_body = RuleChange,
    responses((status = 204), Refusals))]
async fn change(
    who: Right<{ Act::ChangeRetention as u8 }>,
    State(app): State<App>,
    Path((class, channel)): Path<(String, String)>,
    Json(r): Json<RuleChange>,
) -> Outcome<StatusCode> {
    let (class, channel, days) = page::rule(&class, &channel, r.days)?;
    page::set(&app, &who, class, channel, days).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule that is looked at before it is made; nothing looks at the rules as they are.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Proposed {
    /// Class of the proposed rule.
    class: String,
    /// Its channel.
    channel: String,
    /// Its days; absent keeps.
    days: Option<u32>,
}

/// What one rule would destroy now.
#[derive(Serialize, ToSchema)]
struct PreviewLine {
    /// The rule.
    rule: RuleView,
    /// Conversations it would act on.
    due: u64,
    /// The oldest of them, RFC 3339.
    oldest: Option<String>,
    /// Over their time and under a hold.
    held: u64,
    /// Over their time and marked as to be kept.
    must_keep: u64,
}

/// What all rules would destroy now.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// The vault observes and destroys nothing of this.
    observing: bool,
    /// One line a rule that has an end.
    lines: Vec<PreviewLine>,
    /// Sum of `due`; pass it as `expected` to run.
    total: u64,
}

/// What would be destroyed now
#[utoipa::path(get, path = "/api/v1/retention-preview", tag = "retention", params(Proposed),
    responses((status = 200, body = Preview), Refusals))]
async fn preview(
    _: May<{ Act::SeeRetention as u8 }>,
    State(app): State<App>,
    Query(q): Query<Proposed>,
) -> Outcome<axum::Json<Preview>> {
    let proposed = if q.class.is_empty() { None } else { Some(page::rule(&q.class, &q.channel, q.days)?) };
    let p = app.run(move |vault| vault.retention_preview(proposed)).await?;
    let lines = p.lines.into_iter().map(|l| PreviewLine {
        rule: l.rule.into(),
        due: l.due,
        oldest: l.oldest,
        held: l.held,
        must_keep: l.must_keep,
    });
    Ok(axum::Json(Preview { observing: p.observing, lines: lines.collect(), total: p.total }))
}

/// What is to be destroyed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    /// `total` of the preview; where it is another by now, nothing is destroyed.
    expected: u64,
}

/// What one class lost.
#[derive(Serialize, ToSchema)]
struct RunLine {
    /// The class.
    class: String,
    /// The channel.
    channel: String,
    /// Conversations acted on.
    destroyed: u64,
}

/// What was destroyed.
#[derive(Serialize, ToSchema)]
struct RunView {
    /// Originals, each with its certificate.
    originals: u64,
    /// The other classes.
    lines: Vec<RunLine>,
}

/// Destroy what is due
#[utoipa::path(post, path = "/api/v1/retention-runs", tag = "retention", request_body = RunRequest,
    responses((status = 201, body = RunView), Refusals))]
async fn run(
    who: May<{ Act::RunRetention as u8 }>,
    State(app): State<App>,
    Json(r): Json<RunRequest>,
) -> Outcome<(StatusCode, axum::Json<RunView>)> {
    let done = keeping::run(&app, who.session.actor(), r.expected).await?;
    let lines = done.lines.into_iter().map(|l| RunLine {
        class: l.class.as_str().to_owned(),
        channel: l.channel.as_str().to_owned(),
        destroyed: l.destroyed,
    });
    Ok((StatusCode::CREATED, axum::Json(RunView { originals: done.originals, lines: lines.collect() })))
}

/// A legal hold.
#[derive(Serialize, ToSchema)]
struct HoldView {
    /// Its id.
    id: String,
    /// `conversation`, `subject` or `vault`.
    target_kind: &'static str,
    /// Which.
    target: Option<String>,
    /// Why, masked.
    matter: String,
    /// Who placed it, as the ledger names them.
    owner: String,
    /// RFC 3339.
    placed_at: String,
    /// Somebody looks at it again by then, RFC 3339.
    review_at: String,
    /// That time is over.
    overdue: bool,
    /// RFC 3339; absent while it blocks.
    released_at: Option<String>,
}

impl From<HoldRow> for HoldView {
    fn from(h: HoldRow) -> Self {
        let (target_kind, target) = match h.target {
            HoldTarget::Conversation(id) => ("conversation", Some(id.to_string())),
            HoldTarget::Subject(id) => ("subject", Some(id.to_string())),
            HoldTarget::Vault => ("vault", None),
        };
        Self {
            id: h.id.to_string(),
            target_kind,
            target,
            matter: h.matter,
            owner: h.owner,
            placed_at: h.placed_at,
            review_at: h.review_at,
            overdue: h.overdue,
            released_at: h.released_at,
        }
    }
}

/// One page of holds, newest first.
#[derive(Serialize, ToSchema)]
struct HoldList {
    /// The page.
    holds: Vec<HoldView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Legal holds, released ones too
#[utoipa::path(get, path = "/api/v1/holds", tag = "retention", params(Go), responses((status = 200, body = HoldList), Refusals))]
async fn list_holds(
    _: May<{ Act::SeeRetention as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<HoldList>> {
    let rows = app.run(|vault| vault.holds(true)).await?;
    let Part { rows, next } = part(rows, &q, |r| r.id)?;
    Ok(axum::Json(HoldList { holds: rows.into_iter().map(Into::into).collect(), next }))
}

/// A hold to place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldRequest {
    /// `conversation`, `subject` or `vault`.
    target_kind: String,
    /// The id; empty for the vault.
    #[serde(default)]
    target: String,
    /// Why, in words.
    #[schema(min_length = 3, max_length = 1000)]
    matter: String,
    /// The last day before somebody looks at it again, `2027-03-01`, within two years.
    review: String,
}

/// Place a hold: nothing under it is destroyed
#[utoipa::path(post, path = "/api/v1/holds", tag = "retention", request_body = HoldRequest,
    responses((status = 201, body = Made), Refusals))]
async fn place(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Json(r): Json<HoldRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let target = holds::held(&r.target_kind, &r.target)?;
    let id = holds::hold(&app, &who, target, r.matter, &r.review).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Because {
    /// In words.
    #[schema(min_length = 3, max_length = 1000)]
    reason: String,
}

/// Release a hold
#[utoipa::path(post, path = "/api/v1/holds/{id}/release", tag = "retention", params(("id" = String, Path)), request_body = Because,
    responses((status = 204), Refusals))]
async fn release(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Path(id): Path<HoldId>,
    Json(r): Json<Because>,
) -> Outcome<StatusCode> {
    holds::let_go(&app, &who, id, r.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A conversation that must be kept.
#[derive(Serialize, ToSchema)]
struct MarkView {
    /// Which.
    conversation: String,
    /// Why, masked.
    reason: String,
    /// RFC 3339.
    since: String,
    /// Who, as the ledger names them.
    set_by: String,
}

/// What is marked.
#[derive(Serialize, ToSchema)]
struct MarkList {
    /// The newest 200.
    marks: Vec<MarkView>,
}

/// Conversations that no rule reaches
#[utoipa::path(get, path = "/api/v1/keep-marks", tag = "retention", responses((status = 200, body = MarkList), Refusals))]
async fn marks(_: May<{ Act::SeeRetention as u8 }>, State(app): State<App>) -> Outcome<axum::Json<MarkList>> {
    let rows = app.run(callvault_store::Vault::must_keep).await?;
    let view = |m: callvault_store::holds::KeptRow| MarkView {
        conversation: m.conversation.to_string(),
        reason: m.reason,
        since: m.since,
        set_by: m.set_by,
    };
    Ok(axum::Json(MarkList { marks: rows.into_iter().take(200).map(view).collect() }))
}

/// Mark a conversation as one that must be kept
#[utoipa::path(put, path = "/api/v1/keep-marks/{id}", tag = "retention", params(("id" = String, Path)), request_body = Because,
    responses((status = 204), Refusals))]
async fn mark(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Json(r): Json<Because>,
) -> Outcome<StatusCode> {
    holds::keep(&app, &who, id, r.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take the mark off
#[utoipa::path(post, path = "/api/v1/keep-marks/{id}/removal", tag = "retention", params(("id" = String, Path)), request_body = Because,
    responses((status = 204), Refusals))]
async fn unmark(
    who: Right<{ Act::ManageHolds as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConversationId>,
    Json(r): Json<Because>,
) -> Outcome<StatusCode> {
    holds::unkeep(&app, &who, id, r.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rules))
        .routes(routes!(change))
        .routes(routes!(preview))
        .routes(routes!(run))
        .routes(routes!(list_holds, place))
        .routes(routes!(release))
        .routes(routes!(marks))
        .routes(routes!(mark))
        .routes(routes!(unmark))
}
