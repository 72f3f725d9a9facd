//! `/dial-checks`, `/dial-previews`, `/law-rows`, `/processing` and `/record-of-processing`: may this number be called,
//! on which rows of law, and what for.

use super::Refusals;
use crate::{
    app::App,
    dialing::{self, DialAnswer, ReasonView},
    extract::{Json, Path, Query},
    page::{law as page, processing},
    problem::{Outcome, Problem},
    right::Right,
    session::May,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use callvault_law::{DISCLAIMER, rows, stale};
use callvault_model::id::LawCheckId;
use callvault_policy::Act;
use callvault_program::{
    dial::{self, Question},
    request::holidays::{HOLIDAY_LAWS, Holidays},
};
use callvault_store::{
    Vault,
    processing::Controller,
    requests::{Coded, RequestLaw},
};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::atomic::Ordering;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// One number with what the caller knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DialCheck {
    /// The number, with country code. It is not kept.
    #[schema(max_length = 64, example = "+1 202 555 0142")]
    number: String,
    /// A text message, not a call.
    #[serde(default)]
    text: bool,
    /// Facts by the names of the law's rows: `purpose`, `mode`, `line`, `dialer`, `national_dnc`,
    /// `registry_version_date`, `ebr`, `attempts_last_24h`, `candidate_states`, `holidays_local`, `emergencies`, `at`, …
    /// A missing or null fact is not known, and counts against the call.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

/// May this number be called or texted
#[utoipa::path(post, path = "/api/v1/dial-checks", tag = "law", request_body = DialCheck,
    responses((status = 200, body = DialAnswer), Refusals))]
async fn check(
    who: May<{ Act::CheckDial as u8 }>,
    State(app): State<App>,
    Json(c): Json<DialCheck>,
) -> Outcome<axum::Json<DialAnswer>> {
    if c.number.len() > 64 || c.facts.len() > 100 {
        return Err(Problem::bad("A number has at most 64 characters, and a question at most 100 facts."));
    }
    let question = Question { text: c.text, number: c.number, facts: c.facts };
    Ok(axum::Json(dialing::ask(&app, &who, question).await?))
}

/// An answer computed again.
#[derive(Serialize, ToSchema)]
struct ReplayView {
    /// Its id.
    id: String,
    /// When it was filed, RFC 3339.
    decided_at: String,
    /// The word that was filed.
    then: String,
    /// The word now.
    now: String,
    /// The same word, from the same rules and the facts whose hash was filed.
    same: bool,
    /// The rules are those of then.
    same_rules: bool,
    /// The facts have the hash that was filed.
    same_facts: bool,
    /// Every reason now.
    reasons: Vec<ReasonView>,
    /// What every answer says.
    disclaimer: String,
}

/// Compute a filed answer again
#[utoipa::path(post, path = "/api/v1/dial-checks/{id}/replays", tag = "law", params(("id" = String, Path)),
    responses((status = 200, body = ReplayView), Refusals))]
async fn replay(
    who: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
    Path(id): Path<LawCheckId>,
) -> Outcome<axum::Json<ReplayView>> {
    let r = page::replayed(&app, &who, id).await?;
    Ok(axum::Json(ReplayView {
        id: r.filed.id.to_string(),
        decided_at: r.filed.decided_at,
        then: r.filed.decision,
        now: r.decision.decision.clone(),
        same: r.same,
        same_rules: r.same_packs,
        same_facts: r.same_facts,
        reasons: dialing::reasons(&r.decision),
        disclaimer: DISCLAIMER.to_owned(),
    }))
}

/// Facts of all rows of a list; a row's own columns win.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Common {
    /// Text messages, not calls.
    #[serde(default)]
    text: bool,
    /// `telemarketing`, `informational`, `informational_commercial` or `hipaa_health_care`.
    purpose: Option<String>,
    /// `live`, `prerecorded` or `ai_voice`.
    mode: Option<String>,
    /// `wireless` or `residential`.
    line: Option<String>,
    /// `manual`, or anything else for a machine.
    dialer: Option<String>,
    /// On whose behalf.
    seller: Option<String>,
    /// The time of the calls, RFC 3339; now when absent.
    at: Option<String>,
    /// The date of the copy of the national registry.
    registry_version_date: Option<String>,
    /// No local holiday and no state of emergency anywhere on the list that day.
    #[serde(default)]
    quiet: bool,
}

impl Common {
    fn facts(self) -> Outcome<Map<String, Value>> {
        let mut out = Map::new();
        let texts = [
            ("purpose", self.purpose),
            ("mode", self.mode),
            ("line", self.line),
            ("dialer", self.dialer),
            ("seller", self.seller),
            ("registry_version_date", self.registry_version_date),
        ];
        out.extend(texts.into_iter().filter_map(|(n, t)| Some((n.to_owned(), Value::from(t?)))));
        if let Some(at) = self.at {
            let at: jiff::Timestamp =
                at.parse().map_err(|_| Problem::bad("\"at\" is no instant; write 2026-11-23T15:00:00Z."))?;
            out.insert("at".to_owned(), at.to_string().into());
        }
        if self.quiet {
            out.insert("holidays_local".to_owned(), Value::Array(Vec::new()));
            out.insert("emergencies".to_owned(), Value::Array(Vec::new()));
        }
        Ok(out)
    }
}

/// How often one reason was given.
#[derive(Serialize, ToSchema)]
struct ReasonCountView {
    /// Short code.
    reason: String,
    /// Numbers with it.
    count: u64,
    /// The word that it gives.
    decision: String,
    /// What the row says.
    title: String,
    /// Its first citation.
    citation: String,
    /// `low`, `medium` or `high`.
    confidence: String,
    /// When its source was read.
    read: String,
    /// Of low confidence or from memory.
    unreviewed: bool,
}

/// What a list came to. No number is kept.
#[derive(Serialize, ToSchema)]
struct DialPreviewView {
    /// Numbers that were judged.
    rows: u64,
    /// By answer.
    decisions: std::collections::BTreeMap<String, u64>,
    /// The most frequent first; a number may have several.
    reasons: Vec<ReasonCountView>,
    /// Facts that were needed and not known.
    missing_facts: std::collections::BTreeMap<String, u64>,
    /// Rules that do not bind yet and would answer.
    ahead: std::collections::BTreeMap<String, u64>,
    /// Rows that could not be read; they are in no count.
    unreadable: u64,
    /// The first of them.
    unreadable_lines: Vec<BadLine>,
    /// Hash of the rules.
    pack_hash: String,
    /// Keyed hash of the list, as the ledger has it.
    list_hash: String,
    /// What every answer says.
    disclaimer: String,
}

/// A row that could not be read.
#[derive(Serialize, ToSchema)]
struct BadLine {
    /// Its number, the header being 1.
    line: u64,
    /// Why; nothing of it is quoted.
    why: String,
}

/// Count who of a list may be called, and why the others may not
///
/// The body is CSV with a header; the column `called` has the numbers, others may name facts. At most 100,000 rows and
/// 32 MiB, judged while they arrive.
#[utoipa::path(post, path = "/api/v1/dial-previews", tag = "law", params(Common),
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = DialPreviewView), Refusals))]
async fn preview(
    who: May<{ Act::PreviewCampaign as u8 }>,
    State(app): State<App>,
    Query(common): Query<Common>,
    request: Request,
) -> Outcome<axum::Json<DialPreviewView>> {
    if crate::extract::content_type(&request) != Some("text/csv") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(status, "media-type", "Send CSV", "The body must be text/csv."));
    }
    let text = common.text;
    let common = common.facts()?;
    let pipe = dialing::list_pipe();
    let (into, whole) = (pipe.into, pipe.whole);
    let judging = {
        let (app, actor) = (app.clone(), who.session.actor());
        tokio::spawn(async move { dialing::judge(&app, actor, common, text, pipe.body).await })
    };
    let (mut body, mut sent) = (request.into_body(), 0u64);
    loop {
        match body.frame().await {
            None => {
                whole.store(true, Ordering::Release);
                break;
            }
            Some(Err(_)) => break,
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                sent = sent.saturating_add(data.len() as u64);
                if sent > dialing::MAX_LIST {
                    return Err(dialing::too_large());
                }
                if into.send(data).await.is_err() {
                    break;
                }
            }
        }
    }
    drop(into);
    let l = judging.await.map_err(|e| Problem::internal(&e))??;
    Ok(axum::Json(DialPreviewView {
        rows: l.counts.rows,
        decisions: l.counts.decisions,
        reasons: l
            .counts
            .reasons
            .into_iter()
            .map(|r| ReasonCountView {
                reason: r.reason,
                count: r.count,
                decision: r.decision,
                title: r.title,
                citation: r.citation,
                confidence: r.confidence.to_owned(),
                read: r.read,
                unreviewed: r.unreviewed,
            })
            .collect(),
        missing_facts: l.counts.missing_facts,
        ahead: l.counts.shadow,
        unreadable: l.unreadable,
        unreadable_lines: l.bad.into_iter().map(|(line, why)| BadLine { line, why }).collect(),
        pack_hash: l.pack_hash,
        list_hash: l.list_hash,
        disclaimer: DISCLAIMER.to_owned(),
    }))
}

/// A row of law.
#[derive(Serialize, ToSchema)]
struct RowView {
    /// Its id.
    id: String,
    /// `rule`, `clock`, `retention`, `table` or `action`.
    kind: String,
    /// Pack and version.
    pack: String,
    /// `in force`, `scheduled`, `stayed`, `proposed` or `repealed`.
    status: String,
    /// Citations.
    citations: String,
    /// What was read.
    sources: String,
    /// When, as a date.
    read: String,
    /// `low`, `medium` or `high`.
    confidence: String,
    /// It is switched off: where it would have decided, the answer is the careful one.
    off: bool,
}

/// Rows of law.
#[derive(Serialize, ToSchema)]
struct RowList {
    /// Hash of the rules.
    pack_hash: String,
    /// What every answer says.
    disclaimer: String,
    /// The rows.
    rows: Vec<RowView>,
}

/// WhichRows rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WhichRows {
    /// Only rows of low confidence or from memory.
    #[serde(default)]
    unreviewed: bool,
    /// Only rows whose source was read more than so many days ago.
    #[param(minimum = 0, maximum = 36500)]
    older_than_days: Option<u16>,
}

/// The rows of law in use
#[utoipa::path(get, path = "/api/v1/law-rows", tag = "law", params(WhichRows), responses((status = 200, body = RowList), Refusals))]
async fn list(
    _: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
    Query(q): Query<WhichRows>,
) -> Outcome<axum::Json<RowList>> {
    let packs = app.run(dial::packs).await?;
    let today = jiff::tz::Offset::UTC.to_datetime(app.vault.clock().now()).date();
    let all = q.older_than_days.map_or_else(|| rows(&packs), |d| stale(&packs, today, i32::from(d)));
    let found = all.into_iter().filter(|r| !q.unreviewed || r.unreviewed).map(|r| {
        let l = page::row_line(&packs, r);
        RowView {
            id: l.id,
            kind: l.kind.to_owned(),
            pack: l.pack,
            status: l.status,
            citations: l.citations,
            sources: l.sources,
            read: l.read,
            confidence: l.confidence.to_owned(),
            off: l.off,
        }
    });
    Ok(axum::Json(RowList {
        rows: found.collect(),
        pack_hash: packs.hash().to_owned(),
        disclaimer: DISCLAIMER.to_owned(),
    }))
}

/// A row as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RowChange {
    /// Off, or on.
    off: bool,
}

/// Switch an unreviewed row off or on
///
/// `all-unreviewed` stands for all of them.
#[utoipa::path(put, path = "/api/v1/law-rows/{id}", tag = "law", params(("id" = String, Path)), request_body = RowChange,
    responses((status = 204), Refusals))]
async fn switch(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(c): Json<RowChange>,
) -> Outcome<StatusCode> {
    page::set(&app, &who, id, c.off).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The public holidays that move the clocks of one law.
#[derive(Serialize, ToSchema)]
struct HolidayView {
    /// `eu`, `uk` or `us_ca`.
    law: String,
    /// Dates, in order.
    dates: Vec<String>,
}

/// All of them.
#[derive(Serialize, ToSchema)]
struct HolidayList {
    /// One for each law whose clocks they move.
    holidays: Vec<HolidayView>,
}

/// The public holidays of the office that answers requests
#[utoipa::path(get, path = "/api/v1/law-holidays", tag = "law", responses((status = 200, body = HolidayList), Refusals))]
async fn holidays(_: May<{ Act::SeeLaw as u8 }>, State(app): State<App>) -> Outcome<axum::Json<HolidayList>> {
    let all = app.run(Holidays::of).await?;
    let one = |law: RequestLaw| HolidayView {
        law: law.as_str().to_owned(),
        dates: all.days(law).iter().map(ToString::to_string).collect(),
    };
    Ok(axum::Json(HolidayList { holidays: HOLIDAY_LAWS.into_iter().map(one).collect() }))
}

/// The public holidays of one law as they shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Closing {
    /// Dates such as `2026-12-25`; those of whole years.
    #[schema(max_items = 400)]
    dates: Vec<String>,
}

/// Set the public holidays of one law, in place of those before
#[utoipa::path(put, path = "/api/v1/law-holidays/{law}", tag = "law", params(("law" = String, Path)), request_body = Closing,
    responses((status = 204), Refusals))]
async fn close(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Path(law): Path<String>,
    Json(c): Json<Closing>,
) -> Outcome<StatusCode> {
    page::set_holidays(&app, &who, law, c.dates).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Purpose and basis of a channel.
#[derive(Serialize, ToSchema)]
struct ProcessingView {
    /// `voice`, `chat`, `email` or `sms`.
    channel: String,
    /// Codes; empty until somebody set them.
    purposes: Vec<String>,
    /// A basis of GDPR Art. 6; empty until somebody set it.
    basis: String,
    /// A condition of Art. 9; empty for none.
    condition: String,
    /// RFC 3339.
    changed_at: Option<String>,
    /// Who, as the ledger names them.
    changed_by: Option<String>,
}

/// All channels.
#[derive(Serialize, ToSchema)]
struct ProcessingList {
    /// One a channel.
    channels: Vec<ProcessingView>,
}

/// Purpose and lawful basis of each channel
#[utoipa::path(get, path = "/api/v1/processing", tag = "law", responses((status = 200, body = ProcessingList), Refusals))]
async fn purposes(
    _: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<ProcessingList>> {
    let all = app.run(Vault::processing).await?;
    let view = |p: callvault_store::processing::Processing| ProcessingView {
        channel: p.channel,
        purposes: p.purposes,
        basis: p.basis,
        condition: p.condition,
        changed_at: p.changed_at,
        changed_by: p.changed_by,
    };
    Ok(axum::Json(ProcessingList { channels: all.into_iter().map(view).collect() }))
}

/// Purpose and basis as they shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProcessingChange {
    /// `customer_service`, `order_by_phone`, `quality`, `training`, `dispute`, `legal_duty`, `marketing`, `health_care`.
    #[schema(min_items = 1, max_items = 8)]
    purposes: Vec<String>,
    /// `consent`, `contract`, `legal_obligation`, `vital_interests`, `public_task` or `legitimate_interests`.
    basis: String,
    /// `explicit_consent`, `employment`, `legal_claims`, `substantial_public_interest`, `health_care`, `public_health`;
    /// empty for none.
    #[serde(default)]
    condition: String,
}

/// Set purpose and lawful basis of a channel
#[utoipa::path(put, path = "/api/v1/processing/{channel}", tag = "law", params(("channel" = String, Path)),
    request_body = ProcessingChange, responses((status = 204), Refusals))]
async fn set_purpose(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Path(channel): Path<String>,
    Json(c): Json<ProcessingChange>,
) -> Outcome<StatusCode> {
    processing::set(&app, &who, &channel, c.purposes, c.basis, c.condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who answers for the processing, as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ControllerChange {
    /// Name and address of the controller.
    name: String,
    /// How to reach it.
    contact: String,
    /// The data protection officer.
    #[serde(default)]
    officer: String,
    /// Recipients outside, one a line.
    #[serde(default)]
    recipients: String,
    /// Third countries with their safeguards, one a line.
    #[serde(default)]
    transfers: String,
}

/// Say who answers for the processing
#[utoipa::path(put, path = "/api/v1/controller", tag = "law", request_body = ControllerChange,
    responses((status = 204), Refusals))]
async fn set_controller(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Json(c): Json<ControllerChange>,
) -> Outcome<StatusCode> {
    let to = Controller {
        name: c.name,
        contact: c.contact,
        officer: c.officer,
        recipients: c.recipients,
        transfers: c.transfers,
    };
    processing::set_controller(&app, &who, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The record of processing activities (GDPR Art. 30), from the configuration as it is now
#[utoipa::path(get, path = "/api/v1/record-of-processing", tag = "law", responses((status = 200, body = Object), Refusals))]
async fn record(_: May<{ Act::SeeLaw as u8 }>, State(app): State<App>) -> Outcome<axum::Json<Value>> {
    let made = processing::made(&app).await?;
    serde_json::to_value(made).map(axum::Json).map_err(|e| Problem::internal(&e))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(replay))
        .routes(routes!(preview))
        .routes(routes!(list))
        .routes(routes!(switch))
        .routes(routes!(holidays))
        .routes(routes!(close))
        .routes(routes!(purposes))
        .routes(routes!(set_purpose))
        .routes(routes!(set_controller))
        .routes(routes!(record))
}
