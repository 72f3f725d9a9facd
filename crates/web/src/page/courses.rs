//! `/courses`: one's own courses, their text, and their questions, which are drawn and graded on the server.

use super::{done, frame::Frame, render};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    session::{Form, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use callvault_model::id::AttemptId;
use callvault_program::training::{Asked, Course, Graded, Standing, State as Stand, desk};
use callvault_store::training::PolicyText;
use serde::Deserialize;
use std::collections::BTreeMap;

/// This file's pages. Everybody has courses, so every person who is signed in opens them.
pub const PAGES: super::Pages = &[
    ("GET", "/courses", None),
    ("GET", "/courses/{course}", None),
    ("POST", "/courses/{course}/attempts", None),
    ("GET", "/courses/{course}/attempts/{attempt}", None),
    ("POST", "/courses/{course}/attempts/{attempt}", None),
    ("POST", "/courses/policies/{policy}", None),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/courses", get(list))
        .route("/courses/{course}", get(read))
        .route("/courses/{course}/attempts", post(begin))
        .route("/courses/{course}/attempts/{attempt}", get(questions).post(hand_in))
        .route("/courses/policies/{policy}", post(attest))
}

/// A state in words, with the class of its badge and whether something is to be done.
pub(super) fn stands(s: &Standing) -> (String, &'static str, bool) {
    let day = |t: jiff::Timestamp| words::when(&t.to_string());
    match s.state {
        Stand::Valid { until } => (format!("passed, holds until {}", day(until)), "good", false),
        Stand::Waived { until } => (format!("excused until {}", day(until)), "", false),
        Stand::Due { by } => (format!("due by {}", day(by)), "warn", true),
        Stand::Grace { until } => (format!("late; closes {}", day(until)), "warn", true),
        Stand::Overdue { since } => (format!("overdue since {}", day(since)), "bad", true),
        Stand::Expired { since } => (format!("ran out; closed since {}", day(since)), "bad", true),
        Stand::Unattested => ("policy not confirmed".into(), "bad", true),
    }
}

/// What a course opens, in words.
pub(super) fn opens(s: &Standing) -> String {
    s.acts.iter().map(|a| words::right(a.as_str())).collect::<Vec<_>>().join(", ")
}

struct Line {
    id: String,
    title: String,
    minutes: u32,
    state: String,
    grade: &'static str,
    todo: bool,
    opens: String,
}

#[derive(Template)]
#[template(path = "courses.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    todo: usize,
    closed: bool,
}

/// Only people learn.
fn person(who: &Who) -> Outcome<()> {
    if who.session.is_person() {
        return Ok(());
    }
    Err(Problem::refused("person_only", "Only a person who signed in takes courses. Sign in to the console."))
}

async fn mine(app: &App, who: &Who) -> Outcome<Vec<desk::Mine>> {
    person(who)?;
    let account = who.account();
    app.run(move |vault| desk::mine(vault, account)).await
}

async fn list(who: Who, State(app): State<App>, Query(q): Query<super::frame::Done>) -> Outcome<Response> {
    let mine = mine(&app, &who).await?;
    let closed = mine.iter().any(|m| !m.standing.open());
    let lines: Vec<Line> = mine
        .into_iter()
        .map(|m| {
            let (state, grade, todo) = stands(&m.standing);
            let opens = opens(&m.standing);
            Line {
                id: m.course.id,
                title: m.course.title,
                minutes: m.course.minutes,
                state,
                grade,
                todo,
                opens,
            }
        })
        .collect();
    let frame = Frame::of(&app, &who, "/courses", q.done.as_deref());
    Ok(render(&ListPage { frame, todo: lines.iter().filter(|l| l.todo).count(), lines, closed }))
}

#[derive(Template)]
#[template(path = "course.html")]
struct CoursePage {
    frame: Frame,
    course: Course,
    lesson: String,
    state: String,
    grade: &'static str,
    opens: String,
    left: u32,
    policy: Option<PolicyText>,
}

async fn one(app: &App, who: &Who, id: &str) -> Outcome<desk::Mine> {
    let mine = mine(app, who).await?;
    mine.into_iter().find(|m| m.course.id == id).ok_or_else(Problem::absent)
}

async fn read(
    who: Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<super::frame::Done>,
) -> Outcome<Response> {
    let m = one(&app, &who, &id).await?;
    let policy = policy_of(&app, &who, &id).await?;
    let (state, grade, _) = stands(&m.standing);
    Ok(render(&CoursePage {
        frame: Frame::of(&app, &who, "/courses", q.done.as_deref()),
        lesson: m.course.html(),
        state,
        grade,
        opens: opens(&m.standing),
        left: m.standing.attempts_left,
        course: m.course,
        policy,
    }))
}

/// The policy that this person still has to confirm for this course.
async fn policy_of(app: &App, who: &Who, course: &str) -> Outcome<Option<PolicyText>> {
    let (course, account) = (course.to_owned(), who.account());
    app.run(move |vault| {
        let rules = vault.training_rules()?;
        let wanted = rules.into_iter().find(|r| r.rule.course == course).and_then(|r| r.rule.policy);
        let Some(wanted) = wanted else { return Ok(None) };
        if vault.attested(account, &wanted.policy, wanted.version)? {
            return Ok(None);
        }
        Ok::<_, callvault_store::Error>(vault.policies()?.into_iter().find(|p| p.policy == wanted.policy))
    })
    .await
}

#[derive(Deserialize)]
struct Nothing {}

async fn begin(
    who: Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let session = who.session.clone();
    let course = id.clone();
    let sheet =
        app.run(move |vault| desk::begin(vault, &session, &course)).await?.ok_or_else(Problem::absent)?;
    Ok(Redirect::to(&format!("/courses/{id}/attempts/{}", sheet.attempt)).into_response())
}

#[derive(Template)]
#[template(path = "course_questions.html")]
struct QuestionsPage {
    frame: Frame,
    course: Course,
    attempt: AttemptId,
    questions: Vec<Asked>,
}

async fn questions(
    who: Who,
    State(app): State<App>,
    Path((id, attempt)): Path<(String, AttemptId)>,
) -> Outcome<Response> {
    let session = who.session.clone();
    let sheet = app.run(move |vault| desk::under_way(vault, &session, attempt)).await?;
    let sheet = sheet.filter(|s| s.course.id == id).ok_or_else(Problem::absent)?;
    let frame = Frame::of(&app, &who, "/courses", None);
    Ok(render(&QuestionsPage { frame, course: sheet.course, attempt, questions: sheet.questions }))
}

#[derive(Template)]
#[template(path = "course_result.html")]
struct ResultPage {
    frame: Frame,
    course: Course,
    graded: Graded,
    left: u32,
    unattested: bool,
}

async fn hand_in(
    who: Who,
    State(app): State<App>,
    Path((id, attempt)): Path<(String, AttemptId)>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Outcome<Response> {
    let chosen = chosen(&fields);
    let session = who.session.clone();
    let (course, graded) = app
        .run(move |vault| desk::hand_in(vault, &session, attempt, &chosen))
        .await?
        .filter(|(course, _)| course.id == id)
        .ok_or_else(Problem::absent)?;
    let standing = one(&app, &who, &id).await?.standing;
    let frame = Frame::of(&app, &who, "/courses", None);
    let unattested = standing.state == Stand::Unattested;
    Ok(render(&ResultPage { frame, course, graded, left: standing.attempts_left, unattested }))
}

/// Question → place of the chosen answer.
fn chosen(fields: &BTreeMap<String, String>) -> BTreeMap<String, usize> {
    fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("q-")?.to_owned(), value.parse().ok()?)))
        .collect()
}

#[derive(Deserialize)]
struct Confirm {
    version: u32,
    course: String,
}

async fn attest(
    who: Who,
    State(app): State<App>,
    Path(policy): Path<String>,
    Form(f): Form<Confirm>,
) -> Outcome<Response> {
    person(&who)?;
    let known = desk::course(&f.course)?.ok_or_else(Problem::absent)?;
    let session = who.session.clone();
    app.run(move |vault| vault.attest(&session, &policy, f.version)).await?;
    Ok(done(&format!("/courses/{}", known.id), "attested"))
}
