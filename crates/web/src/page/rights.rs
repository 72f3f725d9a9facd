//! `/subject-requests`: requests of the people concerned, each with its countdown; one page works one request.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    right::{self, Right},
    rights::{self, Arriving, Lists, Opened, Step, choices},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::id::{PackageId, SubjectRequestId};
use callvault_policy::{Act, Purpose};
use callvault_program::request::{
    Row,
    clock::RequestClock,
    copy::Copy,
    erase::Agreement,
    receipt::{Receipt, Remains},
};
use callvault_store::requests::{
    Answer, Coded, Exemption, Identity, IdentityCheck, RequestKind, RequestRow, RequestState,
};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/subject-requests", Some(Act::SeeSubjectRequests)),
    ("POST", "/subject-requests", Some(Act::WorkSubjectRequests)),
    ("GET", "/subject-requests/{id}", Some(Act::SeeSubjectRequests)),
    ("POST", "/subject-requests/{id}/steps", Some(Act::WorkSubjectRequests)),
    ("GET", "/subject-requests/{id}/copy", Some(Act::ExportSubject)),
    ("POST", "/subject-requests/{id}/packages", Some(Act::WorkSubjectRequests)),
    ("POST", "/subject-requests/{id}/packages/{package}", Some(Act::ExportSubject)),
    ("POST", "/subject-requests/{id}/second-person", Some(Act::WorkSubjectRequests)),
    ("POST", "/subject-requests/{id}/erasure", Some(Act::EraseSubject)),
    ("GET", "/subject-requests/{id}/receipt", Some(Act::SeeSubjectRequests)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/subject-requests", get(list).post(file))
        .route("/subject-requests/{id}", get(show))
        .route("/subject-requests/{id}/steps", post(step))
        .route("/subject-requests/{id}/copy", get(look))
        .route("/subject-requests/{id}/packages", post(package))
        .route("/subject-requests/{id}/packages/{package}", post(fetch))
        .route("/subject-requests/{id}/second-person", post(second))
        .route("/subject-requests/{id}/erasure", post(erase))
        .route("/subject-requests/{id}/receipt", get(receipt))
}

struct Line {
    id: SubjectRequestId,
    kind: &'static str,
    law: &'static str,
    received: String,
    identity: &'static str,
    due: String,
    left: String,
    grade: &'static str,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "rights.html")]
struct List {
    frame: Frame,
    lines: Vec<Line>,
    closed: bool,
    may: bool,
    lists: Lists,
    purposes: Vec<(&'static str, &'static str)>,
    today: String,
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    closed: bool,
    done: Option<String>,
}

/// Days left in words, with the class of their badge.
fn left(row: &RequestRow, clock: &RequestClock) -> (String, &'static str) {
    if row.state != RequestState::Open {
        let late = if clock.answered_late { ", late" } else { "" };
        let said = row.outcome.map_or("", Answer::what);
        return (format!("{said}{late}"), if clock.answered_late { "bad" } else { "good" });
    }
    if clock.paused {
        return ("waits for identity".into(), "");
    }
    match clock.days_left {
        None => ("no clock".into(), ""),
        Some(0) => ("today".into(), "bad"),
        Some(1) => ("1 day left".into(), "bad"),
        Some(n) if n < 0 => (format!("{} days late", n.unsigned_abs()), "bad"),
        Some(n) => (format!("{n} days left"), if n <= 7 { "warn" } else { "good" }),
    }
}

fn marketing_and_purposes() -> Vec<(&'static str, &'static str)> {
    let all = Purpose::ALL.iter().map(|p| (p.as_str(), words::purpose(*p)));
    [("marketing", "Marketing: calls and messages")].into_iter().chain(all).collect()
}

async fn list(
    who: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Query(q): Query<Which>,
) -> Outcome<Response> {
    let closed = q.closed;
    let rows = app
        .run(move |vault| {
            let rows = vault.subject_requests(closed)?;
            rows.into_iter()
                .map(|r| {
                    let clock = rights::clock_of(vault, &r)?;
                    Ok((r, clock))
                })
                .collect::<Outcome<Vec<_>>>()
        })
        .await?;
    let mut lines: Vec<(Option<String>, Line)> = rows
        .into_iter()
        .map(|(r, clock)| {
            let (left, grade) = left(&r, &clock);
            let line = Line {
                id: r.id,
                kind: r.kind.what(),
                law: r.law.what(),
                identity: r.identity.what(),
                due: clock.due.clone().unwrap_or_default(),
                state: r.state.what(),
                received: r.received_on,
                left,
                grade,
            };
            (clock.due.filter(|_| r.state == RequestState::Open), line)
        })
        .collect();
    // What is due first stands first; what has no last day after that.
    lines.sort_by(|(a, _), (b, _)| (a.is_none(), a).cmp(&(b.is_none(), b)));
    let page = List {
        frame: Frame::of(&app, &who, "/subject-requests", q.done.as_deref()),
        lines: lines.into_iter().map(|(_, l)| l).collect(),
        closed,
        may: right::of(who.roles()).contains(&Act::WorkSubjectRequests),
        lists: Lists::all(),
        purposes: marketing_and_purposes(),
        today: today(&app),
    };
    Ok(render(&page))
}

fn today(app: &App) -> String {
    app.vault.clock().now().strftime("%Y-%m-%d").to_string()
}

#[derive(Deserialize)]
struct Filing {
    kind: String,
    law: String,
    arrived: String,
    received_on: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    purposes: Vec<String>,
    #[serde(default)]
    note: String,
}

async fn file(
    who: May<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Form(f): Form<Filing>,
) -> Outcome<Response> {
    let new = Arriving {
        kind: f.kind,
        law: f.law,
        arrived: f.arrived,
        received_on: f.received_on,
        address: Some(callvault_model::Secret::new(f.address)),
        subject: Some(f.subject),
        purposes: f.purposes,
        note: f.note,
    };
    let filed = rights::file(&app, who.session.actor(), new).await?;
    Ok(done(&format!("/subject-requests/{}", filed.id), "request-filed"))
}

struct StepLine {
    what: String,
    by: String,
    at: String,
    at_raw: String,
}

struct ItemLine {
    part: &'static str,
    name: &'static str,
    count: u64,
    kept: String,
    by_hand: bool,
}

struct TalkLine {
    id: String,
    what: &'static str,
    at: String,
    source: bool,
    items: Vec<ItemLine>,
}

struct Ticket {
    id: PackageId,
    made: String,
    until: String,
    state: &'static str,
    ready: bool,
}

#[derive(Template)]
#[template(path = "right.html")]
struct Page {
    frame: Frame,
    id: SubjectRequestId,
    r: RequestRow,
    kind: &'static str,
    law: &'static str,
    arrived: &'static str,
    identity: &'static str,
    state: &'static str,
    outcome: &'static str,
    clock: RequestClock,
    left: (String, &'static str),
    starts: String,
    rows: Vec<Row>,
    steps: Vec<StepLine>,
    open: bool,
    confirmed: bool,
    asked: bool,
    may: bool,
    exports: bool,
    erases: bool,
    copies: bool,
    erasure: bool,
    acts: bool,
    rectifies: bool,
    checks: Vec<(&'static str, &'static str)>,
    answers: Vec<(&'static str, &'static str)>,
    exemptions: Vec<(&'static str, &'static str)>,
    talks: Vec<TalkLine>,
    goes: usize,
    stays: usize,
    agreement: &'static str,
    tickets: Vec<Ticket>,
    receipt: Option<(String, String, Vec<Remains>)>,
    today: String,
    purposes: String,
}

fn step_words(what: &str, detail: &str) -> String {
    let check = |c: &str| IdentityCheck::parse(c).map_or("", IdentityCheck::what);
    match what {
        "filed" => "written down".into(),
        "about" => "said whom it is about".into(),
        "identity_asked" => "identity asked for".into(),
        "check_passed" => format!("identity: {}", check(detail)),
        "check_failed" => format!("identity, failed: {}", check(detail)),
        "identity_confirmed" => "identity confirmed".into(),
        "extended" => format!("extended; told on {detail}"),
        "item" => format!("decided an item: {detail}"),
        "carried_out" => "carried out".into(),
        "package_made" => "made a ticket for the copy".into(),
        "package_fetched" => "fetched the copy".into(),
        "copy_made" => "wrote the copy".into(),
        "erased" => format!("erased: {detail}"),
        "rectified" => format!("corrected: {detail}"),
        "answered" => format!("answered: {}", Answer::parse(detail).map_or("", Answer::what)),
        "closed" => "closed".into(),
        other => other.replace('_', " "),
    }
}

async fn show(
    who: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let opened = rights::open(&app, id).await?;
    let frame = Frame::of(&app, &who, "/subject-requests", q.done.as_deref());
    Ok(render(&page(&app, &who, frame, opened)))
}

fn page(app: &App, who: &Who, frame: Frame, o: Opened) -> Page {
    let may = right::of(who.roles());
    let r = o.row;
    let open = r.state == RequestState::Open;
    let steps = o
        .steps
        .iter()
        .map(|s| StepLine {
            what: step_words(&s.what, &s.detail),
            by: words::actor(app, &s.by),
            at: words::when(&s.at),
            at_raw: s.at.clone(),
        })
        .collect();
    let by_hand: std::collections::BTreeSet<(String, String)> =
        o.items.iter().map(|i| (i.conversation.to_string(), i.part.clone())).collect();
    let mut rows = o.clock.rows.clone();
    let (goes, stays) = o.plan.as_ref().map_or((0, 0), |p| (p.erased, p.kept));
    let talks = o.plan.as_ref().map(|p| talks(p, &by_hand)).unwrap_or_default();
    rows.extend(o.plan.into_iter().flat_map(|p| p.rows));
    let receipt = o.receipt.as_deref().and_then(|b| Receipt::parse(b.as_bytes()).ok());
    Page {
        id: r.id,
        kind: r.kind.what(),
        law: r.law.what(),
        arrived: r.arrived.what(),
        identity: r.identity.what(),
        state: r.state.what(),
        outcome: r.outcome.map_or("", Answer::what),
        left: left(&r, &o.clock),
        starts: o.clock.start_event.replace('_', " "),
        clock: o.clock,
        rows,
        steps,
        open,
        confirmed: r.identity == Identity::Confirmed,
        asked: r.identity != Identity::Open,
        may: may.contains(&Act::WorkSubjectRequests),
        exports: may.contains(&Act::ExportSubject),
        erases: may.contains(&Act::EraseSubject),
        copies: matches!(r.kind, RequestKind::Access | RequestKind::Portability),
        erasure: r.kind == RequestKind::Erasure,
        acts: matches!(
            r.kind,
            RequestKind::Restriction | RequestKind::Objection | RequestKind::OptOut | RequestKind::Limit
        ),
        rectifies: r.kind == RequestKind::Rectification,
        checks: choices::<IdentityCheck>(),
        answers: choices::<Answer>(),
        exemptions: choices::<Exemption>(),
        talks,
        goes,
        stays,
        agreement: match o.agreement {
            Some(Agreement::Given(_)) => "given",
            Some(Agreement::Waits(_)) => "waits",
            Some(Agreement::Missing) => "missing",
            _ => "",
        },
        tickets: o
            .packages
            .iter()
            .map(|p| Ticket {
                id: p.id,
                made: words::when(&p.made_at),
                until: words::when(&p.expires_at),
                state: match (p.ready, &p.used_at) {
                    (_, Some(_)) => "fetched",
                    (true, None) => "ready, once",
                    (false, None) => "over",
                },
                ready: p.ready,
            })
            .collect(),
        receipt: receipt.map(|r| (r.statement.title, r.statement.live_erased_at, r.statement.remains)),
        today: today(app),
        purposes: r.purposes.join(", "),
        frame,
        r,
    }
}

fn talks(
    plan: &callvault_program::request::plan::ErasurePlan,
    by_hand: &std::collections::BTreeSet<(String, String)>,
) -> Vec<TalkLine> {
    plan.conversations
        .iter()
        .map(|c| TalkLine {
            id: c.scope.conversation.to_string(),
            what: words::one(&c.scope.channel),
            at: words::when(c.scope.started_at.as_deref().unwrap_or(&c.scope.received_at)),
            source: c.scope.source_remains,
            items: c
                .items
                .iter()
                .map(|i| ItemLine {
                    part: i.class.as_str(),
                    name: words::class(i.class),
                    count: i.count,
                    kept: i.kept.as_ref().map(kept).unwrap_or_default(),
                    by_hand: by_hand.contains(&(c.scope.conversation.to_string(), i.class.as_str().into())),
                })
                .collect(),
        })
        .collect()
}

fn kept(why: &callvault_store::erase::KeptWhy) -> String {
    let what = match why.code.as_str() {
        "hold" => "a legal hold",
        "must_keep" => "marked as to be kept",
        "minimum" => "a law's minimum",
        _ => "decided",
    };
    let until = why.until.as_ref().map(|u| format!(", until {u}")).unwrap_or_default();
    format!("{what}: {}{until}", why.cite)
}

/// A step as a form sends it.
#[derive(Deserialize)]
struct Stepping {
    step: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    check: String,
    #[serde(default)]
    result: String,
    #[serde(default)]
    told_on: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    conversation: String,
    #[serde(default)]
    part: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    exemption: String,
    #[serde(default)]
    wrong: String,
    #[serde(default)]
    right: String,
    #[serde(default)]
    turn: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    back: String,
}

fn read(f: Stepping) -> Outcome<Step> {
    use callvault_model::Secret;
    Ok(match f.step.as_str() {
        "about" => Step::About { subject: f.subject },
        "ask_identity" => Step::AskIdentity {},
        "check" => {
            Step::Check { check: f.check, passed: f.result != "failed", confirms: f.result == "confirms" }
        }
        "extend" => Step::Extend { told_on: f.told_on, reason: f.reason },
        "decide" => Step::Decide {
            conversation: f.conversation,
            part: f.part,
            decision: f.decision,
            exemption: f.exemption,
        },
        "carry_out" => Step::CarryOut {},
        "rectify_contact" => {
            Step::RectifyContact { wrong: Some(Secret::new(f.wrong)), right: Some(Secret::new(f.right)) }
        }
        "rectify_turn" => Step::RectifyTurn {
            conversation: f.conversation,
            turn: f.turn.trim().parse().map_err(|_| Problem::bad("A turn is a number, from 0."))?,
            text: f.text,
        },
        "answer" => Step::Answer { outcome: f.outcome },
        "close" => Step::Close {},
        _ => return Err(Problem::bad("This step is not known.")),
    })
}

async fn step(
    who: May<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Form(f): Form<Stepping>,
) -> Outcome<Response> {
    let back = if f.back == "copy" { "/copy" } else { "" };
    rights::step(&app, who.session.actor(), id, read(f)?).await?;
    Ok(done(&format!("/subject-requests/{id}{back}"), "saved"))
}

#[derive(Deserialize)]
struct Nothing {}

async fn package(
    who: Right<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    rights::ticket(&app, &who, id).await?;
    Ok(done(&format!("/subject-requests/{id}"), "ticket"))
}

async fn fetch(
    who: Right<{ Act::ExportSubject as u8 }>,
    State(app): State<App>,
    Path((id, package)): Path<(SubjectRequestId, PackageId)>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    match rights::download(&app, &who, id, package).await {
        Ok(response) => Ok(response),
        Err(problem) => step_up(problem, &format!("/subject-requests/{id}")),
    }
}

#[derive(Template)]
#[template(path = "right_copy.html")]
struct CopyPage {
    frame: Frame,
    id: SubjectRequestId,
    copy: Copy,
    may: bool,
}

async fn look(
    who: Right<{ Act::ExportSubject as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let copy = match rights::look_over(&app, &who, id).await {
        Ok(copy) => copy,
        Err(problem) => return step_up(problem, &format!("/subject-requests/{id}/copy")),
    };
    let frame = Frame::of(&app, &who, "/subject-requests", q.done.as_deref());
    let may = right::of(who.roles()).contains(&Act::WorkSubjectRequests);
    Ok(render(&CopyPage { frame, id, copy, may }))
}

impl CopyPage {
    /// Why a value is left out, in words.
    fn why(&self, code: &&'static str) -> &'static str {
        match *code {
            "other_record" => "leads to another person's record",
            "other_party" => "another party of the conversation has it",
            "spoken_of" => "the words before it speak of somebody else",
            "other_side" => "said by our side; whose it is is not certain",
            "never_kept" => "never kept",
            _ => "decided by a person",
        }
    }
}

async fn second(
    who: Right<{ Act::WorkSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    rights::ask_second(&app, &who, id).await?;
    Ok(done(&format!("/subject-requests/{id}"), "requested"))
}

#[derive(Deserialize)]
struct Erasing {
    #[serde(default)]
    suppress: Option<String>,
}

async fn erase(
    who: Right<{ Act::EraseSubject as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
    Form(f): Form<Erasing>,
) -> Outcome<Response> {
    let back = format!("/subject-requests/{id}");
    match rights::erase_person(&app, &who, id, f.suppress.is_some()).await {
        Ok(_) => Ok(done(&back, "erased")),
        Err(problem) => step_up(problem, &back),
    }
}

async fn receipt(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectRequestId>,
) -> Outcome<Response> {
    let body = rights::open(&app, id).await?.receipt.ok_or_else(Problem::absent)?;
    Ok(super::destroyed::file(body, "attachment; filename=\"receipt.json\""))
}
