//! `/training`: where everybody stands, who is excused and until when, who needs which course; and the evidence to take out.

use super::{
    courses::{opens, stands},
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    reason,
    right::{self, Right},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use callvault_model::id::{AccountId, WaiverId};
use callvault_policy::{Act, Role, training::GATED};
use callvault_program::training::{Renewal, Standing, desk};
use callvault_store::{
    Actor, Error,
    gate::Target,
    training::{NewRule, RuleRow},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use std::collections::BTreeMap;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/training", Some(Act::SeeTraining)),
    ("GET", "/training/people/{account}", Some(Act::SeeTraining)),
    ("POST", "/training/people/{account}/waivers", Some(Act::ManageTraining)),
    ("POST", "/training/people/{account}/recalls", Some(Act::ManageTraining)),
    ("POST", "/training/people/{account}/start", Some(Act::ManageTraining)),
    ("POST", "/training/waivers/{waiver}/end", Some(Act::ManageTraining)),
    ("GET", "/training/rules", Some(Act::SeeTraining)),
    ("POST", "/training/rules", Some(Act::ManageTraining)),
    ("POST", "/training/policies", Some(Act::ManageTraining)),
    ("GET", "/training/evidence.csv", Some(Act::ExportEvidence)),
    ("GET", "/training/evidence.json", Some(Act::ExportEvidence)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/training", get(team))
        .route("/training/people/{account}", get(person))
        .route("/training/people/{account}/waivers", post(excuse))
        .route("/training/people/{account}/recalls", post(again))
        .route("/training/people/{account}/start", post(start))
        .route("/training/waivers/{waiver}/end", post(unexcuse))
        .route("/training/rules", get(rules).post(set))
        .route("/training/policies", post(publish))
        .route("/training/evidence.csv", get(csv))
        .route("/training/evidence.json", get(json))
}

struct Cell {
    text: String,
    grade: &'static str,
}

struct Row {
    id: AccountId,
    name: String,
    roles: String,
    cells: Vec<Option<Cell>>,
    closed: bool,
}

#[derive(Template)]
#[template(path = "training.html")]
struct TeamPage {
    frame: Frame,
    courses: Vec<String>,
    rows: Vec<Row>,
    closed: usize,
    late: usize,
    may_export: bool,
}

/// A state in one word, for a table.
fn brief(s: &Standing) -> Cell {
    let (_, grade, _) = stands(s);
    let day = s.state.moment().map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    let word = match s.state.code() {
        "valid" => "until",
        "waived" => "excused to",
        "due" => "due",
        "grace" => "late, to",
        "expired" => "ran out",
        "overdue" => "overdue",
        _ => "policy open",
    };
    Cell { text: format!("{word} {day}").trim_end().to_owned(), grade }
}

async fn team(
    who: May<{ Act::SeeTraining as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let courses = callvault_program::training::courses()?;
    let ids: Vec<String> = courses.iter().map(|c| c.id.clone()).collect();
    let mut rows: Vec<Row> = app
        .run(move |vault| {
            let all = vault.standings_of_all()?;
            all.into_iter()
                .map(|(id, standings)| {
                    let account = vault.account(id)?;
                    let of = |c: &String| standings.iter().find(|s| s.course == *c).map(brief);
                    Ok::<_, Error>(Row {
                        id,
                        name: account.name,
                        roles: account.roles.iter().map(words::role).collect::<Vec<_>>().join(", "),
                        cells: ids.iter().map(of).collect(),
                        closed: standings.iter().any(|s| !s.open()),
                    })
                })
                .collect::<Result<_, _>>()
        })
        .await?;
    rows.sort_by(|a, b| b.closed.cmp(&a.closed).then_with(|| a.name.cmp(&b.name)));
    let late = rows.iter().flat_map(|r| &r.cells).flatten().filter(|c| c.grade == "warn").count();
    let page = TeamPage {
        frame: Frame::of(&app, &who, "/training", q.done.as_deref()),
        courses: courses.into_iter().map(|c| c.title).collect(),
        closed: rows.iter().filter(|r| r.closed).count(),
        late,
        rows,
        may_export: right::of(who.roles()).contains(&Act::ExportEvidence),
    };
    Ok(render(&page))
}

struct CourseLine {
    id: String,
    title: String,
    state: String,
    grade: &'static str,
    opens: String,
}

struct AttemptLine {
    title: String,
    begun: String,
    ended: String,
    percent: String,
    result: &'static str,
    grade: &'static str,
}

struct WaiverLine {
    id: WaiverId,
    title: String,
    until: String,
    by: String,
    reason: String,
    over: bool,
}

#[derive(Template)]
#[template(path = "training_person.html")]
struct PersonPage {
    frame: Frame,
    id: AccountId,
    name: String,
    roles: String,
    started: String,
    lines: Vec<CourseLine>,
    attempts: Vec<AttemptLine>,
    waivers: Vec<WaiverLine>,
    may: bool,
    today: String,
}

async fn person(
    who: May<{ Act::SeeTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let titles: BTreeMap<String, String> =
        callvault_program::training::courses()?.into_iter().map(|c| (c.id, c.title)).collect();
    let title = |id: &str| titles.get(id).cloned().unwrap_or_else(|| id.to_owned());
    let (account, standings, attempts, waivers, started) = app
        .run(move |vault| {
            let waivers = vault.waivers()?.into_iter().filter(|w| w.account == id).collect::<Vec<_>>();
            let attempts = vault.attempts(Some(id))?;
            Ok::<_, Error>((
                vault.account(id)?,
                vault.standings(id)?,
                attempts,
                waivers,
                vault.started_on(id)?,
            ))
        })
        .await?;
    let now = app.vault.clock().now();
    let line = |s: &Standing| {
        let (state, grade, _) = stands(s);
        CourseLine { id: s.course.clone(), title: title(&s.course), state, grade, opens: opens(s) }
    };
    let page = PersonPage {
        frame: Frame::of(&app, &who, "/training", q.done.as_deref()),
        id,
        name: account.name,
        roles: account.roles.iter().map(words::role).collect::<Vec<_>>().join(", "),
        started: started.unwrap_or_else(|| account.created_at.chars().take(10).collect()),
        lines: standings.iter().map(line).collect(),
        attempts: attempts
            .into_iter()
            .take(50)
            .map(|a| AttemptLine {
                title: title(&a.course),
                begun: words::when(&a.begun_at),
                ended: a.ended_at.as_deref().map(words::when).unwrap_or_default(),
                percent: a.percent.map(|p| format!("{p} %")).unwrap_or_default(),
                result: match a.passed {
                    Some(true) => "passed",
                    Some(false) => "not passed",
                    None => "not handed in",
                },
                grade: if a.passed == Some(true) { "good" } else { "" },
            })
            .collect(),
        waivers: waivers
            .into_iter()
            .map(|w| WaiverLine {
                id: w.id,
                title: title(&w.course),
                over: w.ended_at.is_some() || w.until.parse::<Timestamp>().is_ok_and(|t| t <= now),
                until: words::when(&w.until),
                by: words::actor(&app, &w.by),
                reason: w.reason,
            })
            .collect(),
        may: right::of(who.roles()).contains(&Act::ManageTraining) && who.account() != id,
        today: now.strftime("%Y-%m-%d").to_string(),
    };
    Ok(render(&page))
}

/// Whoever decides about somebody's training; nobody about his own.
async fn about(app: &App, who: &Who, id: AccountId) -> Outcome<Actor> {
    who.may(app, Act::ManageTraining, Target::Account(id), None).await
}

fn back<T>(outcome: Outcome<T>, path: &str, code: &str) -> Outcome<Response> {
    match outcome {
        Ok(_) => Ok(done(path, code)),
        Err(problem) => step_up(problem, path),
    }
}

/// The end of a day in UTC, or an instant.
fn end(text: &str) -> Outcome<Timestamp> {
    let bad = || Problem::bad("The end is a day such as 2027-03-01, or a time such as 2027-03-01T12:00:00Z.");
    if let Ok(at) = text.trim().parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date = text.trim().parse().map_err(|_| bad())?;
    TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0)).map_err(|_| bad())
}

/// Excuses somebody; the API excuses the same way.
pub(crate) async fn waive(
    app: &App,
    who: &Who,
    id: AccountId,
    course: String,
    until: &str,
    why: String,
) -> Outcome<WaiverId> {
    let until = end(until)?;
    let why = reason::masked(why).await?;
    let by = about(app, who, id).await?;
    app.run(move |vault| vault.waive(&by, id, &course, until, &why)).await
}

/// Asks for a course again; the API asks the same way.
pub(crate) async fn recall(
    app: &App,
    who: &Who,
    id: AccountId,
    course: String,
    days: u32,
    why: String,
) -> Outcome<()> {
    let why = reason::masked(why).await?;
    let by = about(app, who, id).await?;
    app.run(move |vault| vault.recall(&by, id, &course, days, &why)).await
}

#[derive(Deserialize)]
struct Excuse {
    course: String,
    until: String,
    reason: String,
}

async fn excuse(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(f): Form<Excuse>,
) -> Outcome<Response> {
    let outcome = waive(&app, &who, id, f.course, &f.until, f.reason).await;
    back(outcome, &format!("/training/people/{id}"), "excused")
}

#[derive(Deserialize)]
struct Again {
    course: String,
    days: u32,
    reason: String,
}

async fn again(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(f): Form<Again>,
) -> Outcome<Response> {
    let outcome = recall(&app, &who, id, f.course, f.days, f.reason).await;
    back(outcome, &format!("/training/people/{id}"), "recalled")
}

#[derive(Deserialize)]
struct Start {
    day: String,
}

async fn start(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Form(f): Form<Start>,
) -> Outcome<Response> {
    let day = f.day.trim().parse().map_err(|_| Problem::bad("The day is written 2026-03-01."))?;
    let outcome = match about(&app, &who, id).await {
        Ok(by) => app.run(move |vault| vault.set_started_on(&by, id, day)).await,
        Err(problem) => Err(problem),
    };
    back(outcome, &format!("/training/people/{id}"), "saved")
}

#[derive(Deserialize)]
struct Nothing {}

/// Takes a waiver back; the API takes it back the same way.
pub(crate) async fn end_waiver(app: &App, who: &Who, id: WaiverId) -> Outcome<()> {
    let by = who.may(app, Act::ManageTraining, Target::Program, None).await?;
    app.run(move |vault| vault.end_waiver(&by, id)).await
}

async fn unexcuse(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Path(id): Path<WaiverId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    back(end_waiver(&app, &who, id).await, "/training", "saved")
}

struct RuleLine {
    id: String,
    title: String,
    version: u32,
    shipped: u32,
    roles: String,
    held: Vec<(Role, bool)>,
    acts: Vec<(&'static str, &'static str, bool)>,
    act_words: String,
    due: u32,
    grace: u32,
    holds: String,
    renewal: String,
    attempts: u32,
    policy: String,
    changed: String,
}

#[derive(Template)]
#[template(path = "training_rules.html")]
struct RulesPage {
    frame: Frame,
    rules: Vec<RuleLine>,
    policies: Vec<callvault_store::training::PolicyText>,
    may: bool,
}

fn renewal_words(renewal: Renewal) -> (String, String) {
    match renewal {
        Renewal::Days(days) => (format!("{days} days"), days.to_string()),
        Renewal::Yearly(month, day) => {
            (format!("until {month:02}-{day:02} each year"), format!("{month:02}-{day:02}"))
        }
    }
}

/// `365`, or `01-31` for a day of the year.
pub(crate) fn renewal(text: &str) -> Outcome<Renewal> {
    let bad =
        || Problem::bad("A pass holds for days, such as 365, or until a day of the year, such as 01-31.");
    match text.trim().split_once('-') {
        None => text.trim().parse().map(Renewal::Days).map_err(|_| bad()),
        Some((month, day)) => {
            Ok(Renewal::Yearly(month.parse().map_err(|_| bad())?, day.parse().map_err(|_| bad())?))
        }
    }
}

fn rule_line(app: &App, row: RuleRow, title: String, shipped: u32) -> RuleLine {
    let rule = row.rule;
    let people = Role::ALL.iter().copied().filter(|r| *r != Role::Service);
    let (holds, renewal) = renewal_words(rule.renewal);
    let changed = row.changed_at.zip(row.changed_by);
    RuleLine {
        title,
        version: rule.version,
        shipped,
        roles: rule.roles.iter().map(words::role).collect::<Vec<_>>().join(", "),
        held: people.map(|r| (r, rule.roles.contains(&r))).collect(),
        acts: GATED.iter().map(|a| (a.as_str(), words::right(a.as_str()), rule.acts.contains(a))).collect(),
        act_words: rule.acts.iter().map(|a| words::right(a.as_str())).collect::<Vec<_>>().join(", "),
        due: rule.due_days,
        grace: rule.grace_days,
        holds,
        renewal,
        attempts: rule.attempts_a_day,
        policy: rule.policy.map(|p| p.policy).unwrap_or_default(),
        changed: changed
            .map(|(at, by)| format!("{}, {}", words::when(&at), words::actor(app, &by)))
            .unwrap_or_default(),
        id: rule.course,
    }
}

async fn rules(
    who: May<{ Act::SeeTraining as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let courses = callvault_program::training::courses()?;
    let (rows, policies) =
        app.run(|vault| Ok::<_, Error>((vault.training_rules()?, vault.policies()?))).await?;
    let known = |id: &str| courses.iter().find(|c| c.id == id);
    let rules = rows
        .into_iter()
        .filter_map(|row| {
            let course = known(&row.rule.course)?;
            Some(rule_line(&app, row, course.title.clone(), course.version))
        })
        .collect();
    let frame = Frame::of(&app, &who, "/training", q.done.as_deref());
    let may = right::of(who.roles()).contains(&Act::ManageTraining);
    Ok(render(&RulesPage { frame, rules, policies, may }))
}

#[derive(Deserialize)]
struct RuleForm {
    course: String,
    version: u32,
    #[serde(default)]
    role: Vec<Role>,
    #[serde(default)]
    act: Vec<String>,
    due_days: u32,
    grace_days: u32,
    renewal: String,
    attempts: u32,
    #[serde(default)]
    policy: String,
}

/// Changes a rule; the API changes it the same way.
pub(crate) async fn change(app: &App, who: &Who, rule: NewRule) -> Outcome<()> {
    let course = desk::course(&rule.course)?.ok_or_else(Problem::absent)?;
    if rule.version > course.version {
        return Err(Problem::bad("No course of this version is installed; nobody could pass it."));
    }
    let by = who.may(app, Act::ManageTraining, Target::Program, None).await?;
    app.run(move |vault| vault.set_training_rule(&by, &rule)).await
}

/// Acts from their codes.
pub(crate) fn acts(codes: &[String]) -> Outcome<std::collections::BTreeSet<Act>> {
    let one = |code: &String| Act::parse(code).filter(|a| GATED.contains(a));
    codes
        .iter()
        .map(|c| one(c).ok_or_else(|| Problem::bad("This act cannot be bound to a course.")))
        .collect()
}

async fn set(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Form(f): Form<RuleForm>,
) -> Outcome<Response> {
    let rule = NewRule {
        course: f.course,
        version: f.version,
        roles: f.role.into_iter().collect(),
        acts: acts(&f.act)?,
        due_days: f.due_days,
        grace_days: f.grace_days,
        renewal: renewal(&f.renewal)?,
        attempts_a_day: f.attempts,
        policy: Some(f.policy.trim().to_owned()).filter(|p| !p.is_empty()),
    };
    back(change(&app, &who, rule).await, "/training/rules", "saved")
}

#[derive(Deserialize)]
struct Publish {
    policy: String,
    text: String,
}

async fn publish(
    who: Right<{ Act::ManageTraining as u8 }>,
    State(app): State<App>,
    Form(f): Form<Publish>,
) -> Outcome<Response> {
    let outcome = match who.may(&app, Act::ManageTraining, Target::Program, None).await {
        Ok(by) => {
            let text = f.text.replace("\r\n", "\n");
            app.run(move |vault| vault.publish_policy(&by, f.policy.trim(), &text)).await
        }
        Err(problem) => Err(problem),
    };
    back(outcome, "/training/rules", "published")
}

/// The evidence; taking it out is an entry in the ledger. The API takes it out the same way.
pub(crate) async fn evidence(app: &App, who: &Who, form: &'static str) -> Outcome<Vec<desk::Evidence>> {
    let by = who.may(app, Act::ExportEvidence, Target::Program, None).await?;
    app.run(move |vault| {
        let rows = desk::evidence(vault)?;
        vault.log_training_export(&by, rows.len(), form)?;
        Ok::<_, callvault_program::Error>(rows)
    })
    .await
}

/// A file to keep.
pub(crate) fn file(name: &str, kind: &'static str, body: String) -> Response {
    let mut response = body.into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

async fn csv(who: Right<{ Act::ExportEvidence as u8 }>, State(app): State<App>) -> Outcome<Response> {
    match evidence(&app, &who, "csv").await {
        Ok(rows) => Ok(file("training.csv", "text/csv; charset=utf-8", desk::csv(&rows))),
        Err(problem) => step_up(problem, "/training"),
    }
}

async fn json(who: Right<{ Act::ExportEvidence as u8 }>, State(app): State<App>) -> Outcome<Response> {
    match evidence(&app, &who, "json").await {
        Ok(rows) => {
            let text = serde_json::to_string_pretty(&rows).map_err(|e| Problem::internal(&e))?;
            Ok(file("training.json", "application/json", text))
        }
        Err(problem) => step_up(problem, "/training"),
    }
}
