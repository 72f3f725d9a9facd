//! `/incidents`: what the detections found, and the incidents that came of it.

use super::{
    done,
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    responding,
    session::{Form, May},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::id::{AlertId, IncidentId};
use callvault_policy::Act;
use callvault_program::incident::{playbook, rules::Rules};
use callvault_store::{
    EntryRow,
    incident::{AlertRow, AlertState, Phase},
};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/incidents", Some(Act::SeeIncidents)),
    ("POST", "/incidents", Some(Act::ManageIncidents)),
    ("GET", "/incidents/alerts/{id}", Some(Act::SeeIncidents)),
    ("POST", "/incidents/alerts/{id}/dismiss", Some(Act::ManageIncidents)),
    ("POST", "/incidents/alerts/{id}/raise", Some(Act::ManageIncidents)),
    ("GET", "/incidents/rules", Some(Act::SeeIncidents)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/incidents", get(show).post(open))
        .route("/incidents/rules", get(rules))
        .route("/incidents/alerts/{id}", get(alert))
        .route("/incidents/alerts/{id}/dismiss", post(dismiss))
        .route("/incidents/alerts/{id}/raise", post(raise))
}

/// Alerts listed on the page; the API lists more.
const LISTED: usize = 50;
/// Entries of an alert shown.
const ENTRIES: usize = 60;

pub(super) struct AlertLine {
    pub id: AlertId,
    pub title: String,
    pub grade: &'static str,
    pub name: &'static str,
    pub who: String,
    pub at: String,
    pub why: String,
    pub state: &'static str,
    pub state_grade: &'static str,
}

/// A grade, as its badge.
pub(super) fn grade(code: &str) -> (&'static str, &'static str) {
    match code {
        "critical" => ("bad", "critical"),
        "high" => ("bad", "high"),
        _ => ("warn", "medium"),
    }
}

/// A phase, as people read it, and the class of its badge.
pub(super) fn phase(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Analysis => ("analysis", "bad"),
        Phase::Containment => ("containment", "bad"),
        Phase::Notification => ("notification", "warn"),
        Phase::Recovery => ("recovery", "warn"),
        Phase::Review => ("review", "good"),
        Phase::Closed => ("closed", ""),
    }
}

pub(super) fn alert_line(app: &App, a: AlertRow) -> AlertLine {
    let (state, state_grade) = match a.state {
        AlertState::Open => ("open", "warn"),
        AlertState::Dismissed => ("dismissed", ""),
        AlertState::Incident => ("in an incident", "bad"),
    };
    let (badge, name) = grade(&a.found.grade);
    AlertLine {
        id: a.id,
        title: a.found.title,
        grade: badge,
        name,
        who: words::actor(app, &a.found.actor),
        at: words::when(&a.found.at.to_string()),
        why: a.found.why,
        state,
        state_grade,
    }
}

struct Line {
    id: IncidentId,
    title: String,
    phase: (&'static str, &'static str),
    severity: String,
    opened: String,
    people: String,
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct Page {
    frame: Frame,
    may: bool,
    open: Vec<AlertLine>,
    decided: Vec<AlertLine>,
    more: usize,
    lines: Vec<Line>,
    books: Vec<(String, String)>,
}

async fn show(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (alerts, incidents) =
        app.run(|vault| Ok::<_, callvault_store::Error>((vault.alerts(None)?, vault.incidents()?))).await?;
    let (open, decided): (Vec<_>, Vec<_>) = alerts.into_iter().partition(|a| a.state == AlertState::Open);
    let more = open.len().saturating_sub(LISTED);
    let lines = incidents.into_iter().map(|i| Line {
        id: i.id,
        phase: phase(i.phase),
        opened: words::when(&i.opened_at),
        people: i.scope.map_or_else(|| "not computed".into(), |s| words::number(s.people)),
        title: i.title,
        severity: i.severity,
    });
    let page = Page {
        frame: Frame::of(&app, &who, "/incidents", q.done.as_deref()),
        may: who.could(&app, Act::ManageIncidents),
        open: open.into_iter().take(LISTED).map(|a| alert_line(&app, a)).collect(),
        decided: decided.into_iter().take(LISTED).map(|a| alert_line(&app, a)).collect(),
        more,
        lines: lines.collect(),
        books: books()?,
    };
    Ok(render(&page))
}

fn books() -> Outcome<Vec<(String, String)>> {
    Ok(playbook::all()?.into_iter().map(|p| (p.id, p.title)).collect())
}

#[derive(Deserialize)]
struct Open {
    title: String,
    severity: String,
    playbook: String,
}

async fn open(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Form(f): Form<Open>,
) -> Outcome<Response> {
    let id = responding::open(&app, &who, f.title, f.severity, f.playbook, Vec::new()).await?;
    Ok(done(&format!("/incidents/{id}"), "incident-opened"))
}

struct EntryLine {
    seq: u64,
    at: String,
    kind: String,
    conversation: Option<String>,
    subject: Option<String>,
    what: String,
}

fn entry_line(e: EntryRow) -> EntryLine {
    let plain = |name: &str| e.facts.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let what = [plain("rendering"), plain("purpose"), plain("entity"), plain("why")];
    EntryLine {
        seq: e.seq,
        at: words::when(&e.at),
        what: what.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", "),
        kind: e.kind,
        conversation: e.conversation,
        subject: e.subject,
    }
}

#[derive(Template)]
#[template(path = "alert.html")]
struct AlertPage {
    frame: Frame,
    a: AlertLine,
    look: String,
    raised: String,
    entries: Vec<EntryLine>,
    kept: usize,
    may: bool,
    open: bool,
    decided: String,
    reason: String,
    incident: Option<IncidentId>,
    incidents: Vec<(IncidentId, String)>,
    book: String,
}

async fn alert(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<AlertId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (row, entries, incidents) = app
        .run(move |vault| {
            let row = vault.alert(id)?;
            let last = row.found.entries.len().saturating_sub(ENTRIES);
            let entries = vault.entries_at(row.found.entries.get(last..).unwrap_or_default())?;
            Ok::<_, callvault_store::Error>((row, entries, vault.incidents()?))
        })
        .await?;
    let rules = app.config.watch_rules.as_deref().map_or_else(Rules::shipped, Rules::with_site)?;
    let look =
        rules.rules.iter().find(|r| r.id == row.found.rule).map(|r| r.look.clone()).unwrap_or_default();
    let decided = match (&row.decided_by, &row.decided_at) {
        (Some(by), Some(at)) => format!("{}, {} UTC", words::actor(&app, by), words::when(at)),
        _ => String::new(),
    };
    let page = AlertPage {
        frame: Frame::of(&app, &who, "/incidents", q.done.as_deref()),
        look,
        raised: words::when(&row.raised_at),
        entries: entries.into_iter().rev().map(entry_line).collect(),
        kept: row.found.entries.len(),
        may: who.could(&app, Act::ManageIncidents),
        open: row.state == AlertState::Open,
        decided,
        reason: row.reason.clone().unwrap_or_default(),
        incident: row.incident,
        incidents: incidents
            .into_iter()
            .filter(|i| i.phase != Phase::Closed)
            .map(|i| (i.id, i.title))
            .collect(),
        book: playbook::for_rule(&row.found.rule)?.title,
        a: alert_line(&app, row),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Why {
    reason: String,
}

async fn dismiss(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<AlertId>,
    Form(f): Form<Why>,
) -> Outcome<Response> {
    responding::dismiss(&app, &who, id, f.reason).await?;
    Ok(done("/incidents", "alert-dismissed"))
}

#[derive(Deserialize)]
struct Raise {
    /// An incident that is open already; empty opens a new one.
    #[serde(default)]
    incident: String,
    #[serde(default)]
    title: String,
}

async fn raise(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<AlertId>,
    Form(f): Form<Raise>,
) -> Outcome<Response> {
    let alert = app.run(move |vault| vault.alert(id)).await?;
    if !f.incident.is_empty() {
        let to: IncidentId = f.incident.parse().map_err(|_| Problem::absent())?;
        responding::attach(&app, &who, to, id).await?;
        return Ok(done(&format!("/incidents/{to}"), "saved"));
    }
    let title = if f.title.trim().is_empty() { alert.found.title.clone() } else { f.title };
    let severity = if alert.found.grade == "medium" { "medium" } else { "high" };
    let book = playbook::for_rule(&alert.found.rule)?.id;
    let made = responding::open(&app, &who, title, severity.into(), book, vec![id]).await?;
    Ok(done(&format!("/incidents/{made}"), "incident-opened"))
}

struct RuleLine {
    id: String,
    title: String,
    grade: (&'static str, &'static str),
    from: usize,
    window: String,
    look: String,
}

#[derive(Template)]
#[template(path = "watch_rules.html")]
struct RulesPage {
    frame: Frame,
    rules: Vec<RuleLine>,
    off: usize,
    loosened: usize,
    zone: String,
    night: (i8, i8),
}

async fn rules(who: May<{ Act::SeeIncidents as u8 }>, State(app): State<App>) -> Outcome<Response> {
    let rules = app.config.watch_rules.as_deref().map_or_else(Rules::shipped, Rules::with_site)?;
    let line = |r: &callvault_program::incident::rules::Rule| RuleLine {
        id: r.id.clone(),
        title: r.title.clone(),
        grade: grade(&r.grade),
        from: r.threshold,
        window: words::span(u32::try_from(r.window_minutes).unwrap_or(u32::MAX)),
        look: r.look.clone(),
    };
    let page = RulesPage {
        frame: Frame::of(&app, &who, "/incidents", None),
        rules: rules.rules.iter().map(line).collect(),
        off: rules.off,
        loosened: rules.loosened,
        zone: rules.zone.iana_name().unwrap_or("UTC").to_owned(),
        night: rules.night,
    };
    Ok(render(&page))
}
