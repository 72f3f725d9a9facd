//! `/courses` and `/training…`: one's own courses, where everybody stands, rules, excuses, evidence.

use super::Refusals;
use crate::{
    app::App,
    extract::{Json, Path},
    page::training as page,
    problem::{Outcome, Problem},
    right::Right,
    session::{May, Who},
};
use axum::{extract::State, http::StatusCode, response::Response};
use callvault_model::id::{AccountId, AttemptId, WaiverId};
use callvault_policy::{Act, Role};
use callvault_program::training::{Renewal, Standing, desk};
use callvault_store::training::{NewRule, RuleRow, WaiverRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where somebody stands with one course.
#[derive(Serialize, ToSchema)]
struct StandingView {
    /// The course.
    course: String,
    /// `valid`, `waived`, `due`, `grace`, `overdue`, `expired` or `unattested`.
    state: String,
    /// When that ends by itself, or since when it is so, RFC 3339.
    moment: Option<String>,
    /// What it is needed for does work now.
    open: bool,
    /// Acts that need it.
    acts: Vec<String>,
    /// Attempts left within 24 hours.
    attempts_left: u32,
}

impl From<Standing> for StandingView {
    fn from(s: Standing) -> Self {
        Self {
            open: s.open(),
            state: s.state.code().to_owned(),
            moment: s.state.moment().map(|t| t.to_string()),
            acts: s.acts.iter().map(|a| a.as_str().to_owned()).collect(),
            attempts_left: s.attempts_left,
            course: s.course,
        }
    }
}

/// One's own courses.
#[derive(Serialize, ToSchema)]
struct MyCourses {
    /// In the order of the courses.
    courses: Vec<StandingView>,
}

/// My courses
#[utoipa::path(get, path = "/api/v1/courses", tag = "training", responses((status = 200, body = MyCourses), Refusals))]
async fn mine(who: Who, State(app): State<App>) -> Outcome<axum::Json<MyCourses>> {
    let account = who.account();
    let all = app.run(move |vault| desk::mine(vault, account)).await?;
    Ok(axum::Json(MyCourses { courses: all.into_iter().map(|m| m.standing.into()).collect() }))
}

/// One question; nothing in it tells the answer.
#[derive(Serialize, ToSchema)]
struct QuestionView {
    /// Which.
    id: String,
    /// What is asked.
    text: String,
    /// The answers in the order of this attempt.
    answers: Vec<String>,
}

/// The questions of an attempt.
#[derive(Serialize, ToSchema)]
struct SheetView {
    /// The attempt.
    attempt: String,
    /// Of which course.
    course: String,
    /// Share of right answers that passes.
    pass_percent: u32,
    /// The questions.
    questions: Vec<QuestionView>,
}

/// Begin the questions of a course, or go on with those under way
#[utoipa::path(post, path = "/api/v1/courses/{course}/attempts", tag = "training", params(("course" = String, Path)),
    responses((status = 201, body = SheetView), Refusals))]
async fn begin(
    who: Who,
    State(app): State<App>,
    Path(course): Path<String>,
) -> Outcome<(StatusCode, axum::Json<SheetView>)> {
    let session = who.session.clone();
    let sheet =
        app.run(move |vault| desk::begin(vault, &session, &course)).await?.ok_or_else(Problem::absent)?;
    let view = SheetView {
        attempt: sheet.attempt.to_string(),
        course: sheet.course.id,
        pass_percent: sheet.course.pass_percent,
        questions: sheet
            .questions
            .into_iter()
            .map(|q| QuestionView { id: q.id, text: q.text, answers: q.answers })
            .collect(),
    };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// What was chosen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// Question → place of the answer, from 0.
    answers: BTreeMap<String, usize>,
}

/// A question that was not answered right.
#[derive(Serialize, ToSchema)]
struct MissedView {
    /// What was asked.
    question: String,
    /// Why the right answer is right.
    why: String,
}

/// How an attempt ended.
#[derive(Serialize, ToSchema)]
struct ResultView {
    /// Share of right answers.
    percent: u32,
    /// Enough; what the course opens is open now.
    passed: bool,
    /// What was not right.
    missed: Vec<MissedView>,
}

/// Hand the answers in
#[utoipa::path(put, path = "/api/v1/attempts/{attempt}", tag = "training", params(("attempt" = String, Path)),
    request_body = Chosen, responses((status = 200, body = ResultView), Refusals))]
async fn hand_in(
    who: Who,
    State(app): State<App>,
    Path(attempt): Path<AttemptId>,
    Json(c): Json<Chosen>,
) -> Outcome<axum::Json<ResultView>> {
    let session = who.session.clone();
    let (_, graded) = app
        .run(move |vault| desk::hand_in(vault, &session, attempt, &c.answers))
        .await?
        .ok_or_else(Problem::absent)?;
    let missed = graded.missed.into_iter().map(|(question, why)| MissedView { question, why }).collect();
    Ok(axum::Json(ResultView { percent: graded.percent, passed: graded.passed, missed }))
}

/// Where one person stands.
#[derive(Serialize, ToSchema)]
struct PersonView {
    /// The account.
    account: String,
    /// With every course that concerns the person.
    courses: Vec<StandingView>,
}

/// Where everybody stands.
#[derive(Serialize, ToSchema)]
struct TeamView {
    /// One entry a person.
    people: Vec<PersonView>,
}

/// Where everybody stands
#[utoipa::path(get, path = "/api/v1/training", tag = "training", responses((status = 200, body = TeamView), Refusals))]
async fn team(_: May<{ Act::SeeTraining as u8 }>, State(app): State<App>) -> Outcome<axum::Json<TeamView>> {
    let all = app.run(callvault_store::Vault::standings_of_all).await?;
    let person = |(id, standings): (AccountId, Vec<Standing>)| PersonView {
        account: id.to_string(),
        courses: standings.into_iter().map(Into::into).collect(),
    };
    Ok(axum::Json(TeamView { people: all.into_iter().map(person).collect() }))
}

/// Who needs a course.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrainingRuleView {
    /// The course.
    #[serde(default)]
    course: String,
    /// The version from which on passes count.
    version: u32,
    /// Whom it concerns.
    roles: Vec<String>,
    /// What they may not do without it.
    acts: Vec<String>,
    /// Days for new people.
    due_days: u32,
    /// Days of grace.
    grace_days: u32,
    /// Days that a pass holds, such as `365`, or the day of the year until which it holds, such as `01-31`.
    renewal: String,
    /// Attempts within 24 hours.
    attempts_a_day: u32,
    /// A policy to confirm besides.
    #[serde(default)]
    policy: Option<String>,
}

impl From<RuleRow> for TrainingRuleView {
    fn from(row: RuleRow) -> Self {
        let r = row.rule;
        Self {
            course: r.course,
            version: r.version,
            roles: r.roles.iter().map(|r| r.as_str().to_owned()).collect(),
            acts: r.acts.iter().map(|a| a.as_str().to_owned()).collect(),
            due_days: r.due_days,
            grace_days: r.grace_days,
            renewal: match r.renewal {
                Renewal::Days(days) => days.to_string(),
                Renewal::Yearly(month, day) => format!("{month:02}-{day:02}"),
            },
            attempts_a_day: r.attempts_a_day,
            policy: r.policy.map(|p| p.policy),
        }
    }
}

/// Every rule.
#[derive(Serialize, ToSchema)]
struct Rules {
    /// One a course.
    rules: Vec<TrainingRuleView>,
}

/// Who needs which course
#[utoipa::path(get, path = "/api/v1/training-rules", tag = "training", responses((status = 200, body = Rules), Refusals))]
async fn rules(_: May<{ Act::SeeTraining as u8 }>, State(app): State<App>) -> Outcome<axum::Json<Rules>> {
    let rows = app.run(callvault_store::Vault::training_rules).await?;
    Ok(axum::Json(Rules { rules: rows.into_iter().map(Into::into).collect() }))
}

/// Change who needs a course
#[utoipa::path(put, path = "/api/v1/training-rules/{course}", tag = "training", params(("course" = String, Path)),
    request_body = TrainingRuleView, responses((status = 204), Refusals))]
async fn change(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(course): Path<String>,
    Json(r): Json<TrainingRuleView>,
) -> Outcome<StatusCode> {
    let role = |r: &String| r.parse::<Role>().map_err(|_| Problem::bad("A role is not known."));
    let rule = NewRule {
        course,
        version: r.version,
        roles: r.roles.iter().map(role).collect::<Result<_, _>>()?,
        acts: page::acts(&r.acts)?,
        due_days: r.due_days,
        grace_days: r.grace_days,
        renewal: page::renewal(&r.renewal)?,
        attempts_a_day: r.attempts_a_day,
        policy: r.policy,
    };
    page::change(&app, &who, rule).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A waiver as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Excuse {
    /// Who is excused.
    account: String,
    /// From which course.
    course: String,
    /// A day (its end in UTC) or an instant, RFC 3339.
    until: String,
    /// Why, in words; masked before it is kept.
    reason: String,
}

fn account(text: &str) -> Outcome<AccountId> {
    text.parse().map_err(|_| Problem::bad("This is no id of an account."))
}

/// A waiver.
#[derive(Serialize, ToSchema)]
struct WaiverView {
    /// Its id.
    id: String,
    /// Who is excused.
    account: String,
    /// From which course.
    course: String,
    /// From when, RFC 3339.
    from_at: String,
    /// Its end, RFC 3339.
    until: String,
    /// Why, masked.
    reason: String,
    /// Who excused, as the ledger names them.
    by: String,
    /// When it was taken back, RFC 3339.
    ended_at: Option<String>,
}

impl From<WaiverRow> for WaiverView {
    fn from(w: WaiverRow) -> Self {
        Self {
            id: w.id.to_string(),
            account: w.account.to_string(),
            course: w.course,
            from_at: w.from_at,
            until: w.until,
            reason: w.reason,
            by: w.by,
            ended_at: w.ended_at,
        }
    }
}

/// Waivers.
#[derive(Serialize, ToSchema)]
struct Waivers {
    /// Newest first.
    waivers: Vec<WaiverView>,
}

/// Who is excused from what
#[utoipa::path(get, path = "/api/v1/training-waivers", tag = "training", responses((status = 200, body = Waivers), Refusals))]
async fn waivers(_: May<{ Act::SeeTraining as u8 }>, State(app): State<App>) -> Outcome<axum::Json<Waivers>> {
    let rows = app.run(callvault_store::Vault::waivers).await?;
    Ok(axum::Json(Waivers { waivers: rows.into_iter().map(Into::into).collect() }))
}

/// Excuse somebody from a course for a while
#[utoipa::path(post, path = "/api/v1/training-waivers", tag = "training", request_body = Excuse,
    responses((status = 201, body = super::grants::Made), Refusals))]
async fn excuse(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Json(e): Json<Excuse>,
) -> Outcome<(StatusCode, axum::Json<super::grants::Made>)> {
    let id = page::waive(&app, &who, account(&e.account)?, e.course, &e.until, e.reason).await?;
    Ok((StatusCode::CREATED, axum::Json(super::grants::Made { id: id.to_string() })))
}

/// Take a waiver back at once
#[utoipa::path(delete, path = "/api/v1/training-waivers/{waiver}", tag = "training", params(("waiver" = String, Path)),
    responses((status = 204), Refusals))]
async fn unexcuse(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<WaiverId>,
) -> Outcome<StatusCode> {
    page::end_waiver(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A course that is asked for again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Again {
    /// Of whom.
    account: String,
    /// Which course.
    course: String,
    /// Days until it closes; 0 closes it at once.
    #[schema(maximum = 90)]
    days: u32,
    /// Why, in words; masked before it is kept.
    reason: String,
}

/// Ask somebody to take a course again; earlier passes count no more
#[utoipa::path(post, path = "/api/v1/training-recalls", tag = "training", request_body = Again,
    responses((status = 204), Refusals))]
async fn again(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Json(a): Json<Again>,
) -> Outcome<StatusCode> {
    page::recall(&app, &who, account(&a.account)?, a.course, a.days, a.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The evidence of training as CSV; taking it out is an entry in the ledger
#[utoipa::path(get, path = "/api/v1/training-evidence", tag = "training",
    responses((status = 200, content_type = "text/csv", body = String), Refusals))]
async fn evidence(who: Right<{ Act::ExportEvidence as u8 }>, State(app): State<App>) -> Outcome<Response> {
    let rows = page::evidence(&app, &who, "csv").await?;
    Ok(page::file("training.csv", "text/csv; charset=utf-8", desk::csv(&rows)))
}

/// The policies that people confirm.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    /// The version read.
    version: u32,
}

/// Confirm the version in force of a policy
#[utoipa::path(put, path = "/api/v1/policies/{policy}/attestation", tag = "training", params(("policy" = String, Path)),
    request_body = Confirm, responses((status = 204), Refusals))]
async fn attest(
    who: Who,
    State(app): State<App>,
    Path(policy): Path<String>,
    Json(c): Json<Confirm>,
) -> Outcome<StatusCode> {
    let session = who.session.clone();
    app.run(move |vault| vault.attest(&session, &policy, c.version)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// This file's routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(begin))
        .routes(routes!(hand_in))
        .routes(routes!(team))
        .routes(routes!(rules))
        .routes(routes!(change))
        .routes(routes!(waivers, excuse))
        .routes(routes!(unexcuse))
        .routes(routes!(again))
        .routes(routes!(evidence))
        .routes(routes!(attest))
}
