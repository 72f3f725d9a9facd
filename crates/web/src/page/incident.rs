//! `/incidents/{id}`: one incident as its lead works on it and an auditor reads it.

use super::{
    done,
    frame::{Done, Frame},
    incident_words::{happened, rendering},
    incidents::{AlertLine, alert_line, phase},
    render,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    responding,
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
use callvault_model::id::{AccountId, IncidentId, NoticeId};
use callvault_policy::Act;
use callvault_program::incident::{
    clocks::{self, Countdown, Standing},
    notice,
};
use callvault_store::{
    Actor, EntryRow,
    incident::{
        Change, EvidenceRow, IncidentRow, NoteRow, Phase, Scope, TaskRow, Word, cases::EVENTS,
        freeze::FrozenRow,
    },
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/incidents/{id}", Some(Act::SeeIncidents)),
    ("GET", "/incidents/{id}/scope", Some(Act::SeeIncidents)),
    ("POST", "/incidents/{id}/scope", Some(Act::ManageIncidents)),
    ("POST", "/incidents/{id}/change", Some(Act::ManageIncidents)),
    ("POST", "/incidents/{id}/laws", Some(Act::ManageIncidents)),
    ("POST", "/incidents/{id}/notes", Some(Act::ManageIncidents)),
    ("POST", "/incidents/{id}/evidence", Some(Act::ManageIncidents)),
    ("POST", "/incidents/{id}/freeze", Some(Act::FreezePeople)),
    ("POST", "/incidents/{id}/thaw", Some(Act::FreezePeople)),
    ("POST", "/incidents/{id}/notices", Some(Act::ManageIncidents)),
    ("GET", "/incidents/notices/{id}", Some(Act::SeeIncidents)),
    ("POST", "/incidents/notices/{id}", Some(Act::ManageIncidents)),
    ("POST", "/incidents/notices/{id}/sent", Some(Act::ManageIncidents)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/incidents/{id}", get(show))
        .route("/incidents/{id}/scope", get(scope).post(compute))
        .route("/incidents/{id}/change", post(change))
        .route("/incidents/{id}/laws", post(laws))
        .route("/incidents/{id}/notes", post(note))
        .route("/incidents/{id}/evidence", post(evidence))
        .route("/incidents/{id}/freeze", post(freeze))
        .route("/incidents/{id}/thaw", post(thaw))
        .route("/incidents/{id}/notices", post(draft))
        .route("/incidents/notices/{id}", get(letter).post(save))
        .route("/incidents/notices/{id}/sent", post(sent))
}

/// Clocks shown before the rest is folded away.
const FIRST: usize = 8;
/// People and readings listed on the page of the scope; the pack has all of them.
const LISTED: usize = 500;

struct ClockLine {
    clock: String,
    law: String,
    to: String,
    due: String,
    left: String,
    badge: &'static str,
    state: &'static str,
    start: String,
    people: String,
    basis: String,
    trust: String,
    notice: Option<NoticeId>,
}

fn clock_line(c: Countdown, notices: &BTreeMap<String, NoticeId>) -> ClockLine {
    let (badge, state) = match c.standing {
        Standing::Met => ("good", "met"),
        Standing::Overdue => ("bad", "overdue"),
        Standing::Soon => ("bad", "soon"),
        Standing::Running => ("", "running"),
        Standing::Target => ("warn", "no fixed number"),
        Standing::NotStarted => ("", "not started"),
    };
    let start = c.start.replace('_', " ");
    ClockLine {
        notice: notices.get(&c.clock).copied(),
        law: c.jurisdiction,
        to: format!("{}: {}", c.duty.replace('_', " "), c.recipients.join(", ")),
        due: c
            .due
            .as_deref()
            .map_or_else(String::new, |d| if d.len() > 10 { words::when(d) } else { d.to_owned() }),
        left: c.left,
        badge,
        state,
        start: if c.stand_in { format!("{start} (an earlier event stands in)") } else { start },
        people: match (c.people, c.uncounted) {
            (Some(n), _) => words::number(n),
            (None, true) => "nobody counted".into(),
            (None, false) => String::new(),
        },
        basis: c.cite,
        trust: format!(
            "{}; read {}; confidence {}{}",
            if c.source.is_empty() { "no source named" } else { &c.source },
            c.read,
            c.confidence,
            if c.unreviewed { "; reviewed by nobody" } else { "" }
        ),
        clock: c.clock,
    }
}

struct Class {
    name: String,
    clear: u64,
    covered: u64,
}

struct Frozen {
    account: AccountId,
    name: String,
    since: String,
    by: String,
    thawed: String,
}

struct Suspect {
    account: AccountId,
    name: String,
}

struct Task {
    position: u64,
    title: String,
    who: String,
    done: String,
}

struct NoticeLine {
    id: NoticeId,
    to: String,
    clock: String,
    state: (&'static str, &'static str),
    when: String,
}

struct Moment {
    at: String,
    who: String,
    what: String,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct Page {
    frame: Frame,
    i: IncidentRow,
    phase: (&'static str, &'static str),
    opened: String,
    may: bool,
    may_freeze: bool,
    first: Option<(String, String, &'static str)>,
    clocks: Vec<ClockLine>,
    later: Vec<ClockLine>,
    classes: Vec<Class>,
    asked: String,
    from: String,
    suspects: Vec<Suspect>,
    frozen: Vec<Frozen>,
    tasks: Vec<(&'static str, Vec<Task>)>,
    open_tasks: usize,
    notices: Vec<NoticeLine>,
    alerts: Vec<AlertLine>,
    events: Vec<(&'static str, String, String)>,
    laws: Vec<(String, bool)>,
    accounts: Vec<(String, String, bool)>,
    phases: Vec<(&'static str, bool)>,
    notes: Vec<Moment>,
    evidence: Vec<EvidenceRow>,
    timeline: Vec<Moment>,
    disclaimer: &'static str,
}

/// Everything the page reads, in one piece.
struct Parts {
    tasks: Vec<TaskRow>,
    frozen: Vec<FrozenRow>,
    alerts: Vec<callvault_store::incident::AlertRow>,
    notes: Vec<NoteRow>,
    evidence: Vec<EvidenceRow>,
    timeline: Vec<EntryRow>,
    accounts: Vec<callvault_store::accounts::AccountRow>,
}

async fn parts(app: &App, id: IncidentId) -> Outcome<Parts> {
    app.run(move |vault| {
        Ok::<_, callvault_store::Error>(Parts {
            tasks: vault.incident_tasks(id)?,
            frozen: vault.frozen(id)?,
            alerts: vault.alerts_of(id)?,
            notes: vault.incident_notes(id)?,
            evidence: vault.incident_evidence(id)?,
            timeline: vault.timeline(id)?,
            accounts: vault.accounts()?,
        })
    })
    .await
}

async fn show(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let opened = responding::opened(&app, id).await?;
    let p = parts(&app, id).await?;
    let i = opened.incident;
    let drafted: BTreeMap<String, NoticeId> =
        opened.notices.iter().map(|n| (n.clock.clone(), n.id)).collect();
    let first = opened.clocks.iter().find(|c| c.ends.is_some() && c.standing != Standing::Met).map(|c| {
        let grade = match c.standing {
            Standing::Overdue | Standing::Soon => "bad",
            _ => "",
        };
        (c.left.clone(), format!("{} {}", c.jurisdiction, c.duty.replace('_', " ")), grade)
    });
    let mut clocks: Vec<_> = opened.clocks.into_iter().map(|c| clock_line(c, &drafted)).collect();
    let later = clocks.split_off(clocks.len().min(FIRST));
    let holding = |account: AccountId| p.frozen.iter().any(|f| f.account == account && f.thawed_at.is_none());
    let suspects = i.query.iter().flat_map(|q| &q.actors).filter_map(|a| Actor::parse(a)?.account());
    let page = Page {
        frame: Frame::of(&app, &who, "/incidents", q.done.as_deref()),
        phase: phase(i.phase),
        opened: format!("{} UTC by {}", words::when(&i.opened_at), words::actor(&app, &i.opened_by)),
        may: who.could(&app, Act::ManageIncidents) && i.phase != Phase::Closed,
        may_freeze: who.could(&app, Act::FreezePeople) && i.phase != Phase::Closed,
        first,
        clocks,
        later,
        classes: classes(&i),
        asked: asked(&app, &i),
        from: i.query.as_ref().map_or_else(String::new, |q| local(q.from)),
        suspects: suspects
            .filter(|a| !holding(*a))
            .map(|account| Suspect {
                account,
                name: words::actor(&app, &Actor::Account(account).to_string()),
            })
            .collect(),
        frozen: p.frozen.iter().map(|f| frozen_line(&app, f)).collect(),
        open_tasks: p.tasks.iter().filter(|t| t.done_at.is_none()).count(),
        tasks: tasks(&app, p.tasks),
        notices: opened.notices.iter().map(notice_line).collect(),
        alerts: p.alerts.into_iter().map(|a| alert_line(&app, a)).collect(),
        events: events(&i),
        laws: chosen(&i)?,
        accounts: accounts(&i, &p.accounts),
        phases: Phase::ALL.into_iter().map(|p| (p.as_str(), p == i.phase)).collect(),
        notes: p.notes.into_iter().rev().map(|n| moment(&app, &n.at, &n.by, n.text)).collect(),
        evidence: p.evidence,
        timeline: p.timeline.iter().rev().map(|e| moment(&app, &e.at, &e.actor, happened(e))).collect(),
        disclaimer: callvault_law::DISCLAIMER,
        i,
    };
    Ok(render(&page))
}

fn classes(i: &IncidentRow) -> Vec<Class> {
    let Some(scope) = &i.scope else { return Vec::new() };
    let mut all: BTreeMap<&String, Class> = BTreeMap::new();
    let class = |code: &String| Class { name: notice::name_of(code), clear: 0, covered: 0 };
    for (code, n) in &scope.clear {
        all.entry(code).or_insert_with(|| class(code)).clear = *n;
    }
    for (code, n) in &scope.covered {
        all.entry(code).or_insert_with(|| class(code)).covered = *n;
    }
    let mut out: Vec<Class> = all.into_values().collect();
    out.sort_by_key(|c| std::cmp::Reverse((c.clear, c.covered)));
    out
}

fn asked(app: &App, i: &IncidentRow) -> String {
    let Some(q) = &i.query else { return String::new() };
    let names: Vec<String> = q.actors.iter().map(|a| words::actor(app, a)).collect();
    let who = if names.is_empty() { "everybody".to_owned() } else { names.join(", ") };
    let sessions = match q.sessions.len() {
        0 => String::new(),
        1 => " in one session".into(),
        n => format!(" in {n} sessions"),
    };
    format!("{who}{sessions}, {} to {} UTC", words::when(&q.from.to_string()), words::when(&q.to.to_string()))
}

/// As an input of a day and a time wants it.
fn local(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

fn frozen_line(app: &App, f: &FrozenRow) -> Frozen {
    Frozen {
        account: f.account,
        name: words::actor(app, &Actor::Account(f.account).to_string()),
        since: words::when(&f.at),
        by: words::actor(app, &f.by),
        thawed: match (&f.thawed_at, &f.thawed_by) {
            (Some(at), Some(by)) => {
                format!("let in again {} UTC by {}", words::when(at), words::actor(app, by))
            }
            _ => String::new(),
        },
    }
}

fn tasks(app: &App, rows: Vec<TaskRow>) -> Vec<(&'static str, Vec<Task>)> {
    let mut out: Vec<(&'static str, Vec<Task>)> =
        Phase::ALL.iter().map(|p| (p.as_str(), Vec::new())).collect();
    for t in rows {
        let done = match (&t.done_at, &t.done_by) {
            (Some(at), Some(by)) => format!("{} UTC, {}", words::when(at), words::actor(app, by)),
            _ => String::new(),
        };
        if let Some((_, list)) = out.iter_mut().find(|(p, _)| *p == t.phase) {
            list.push(Task { position: t.position, title: t.title, who: t.role, done });
        }
    }
    out.retain(|(_, list)| !list.is_empty());
    out
}

fn notice_line(n: &callvault_store::incident::NoticeRow) -> NoticeLine {
    let sent = n.sent_at.as_deref();
    NoticeLine {
        id: n.id,
        to: n.recipient.clone(),
        clock: n.clock.clone(),
        state: if sent.is_some() { ("sent", "good") } else { ("draft", "warn") },
        when: words::when(sent.unwrap_or(&n.drafted_at)),
    }
}

fn events(i: &IncidentRow) -> Vec<(&'static str, String, String)> {
    EVENTS
        .into_iter()
        .map(|name| {
            let at = i.events.get(name);
            (name, name.replace('_', " "), at.map_or_else(String::new, |t| local(*t)))
        })
        .collect()
}

fn chosen(i: &IncidentRow) -> Outcome<Vec<(String, bool)>> {
    let all = clocks::jurisdictions(responding::packs()?);
    Ok(all.into_iter().map(|law| (law.clone(), i.laws.contains(&law))).collect())
}

fn accounts(i: &IncidentRow, rows: &[callvault_store::accounts::AccountRow]) -> Vec<(String, String, bool)> {
    let named = |a: &callvault_store::accounts::AccountRow| {
        if a.service { Actor::Service(a.id).to_string() } else { Actor::Account(a.id).to_string() }
    };
    let asked = |actor: &String| i.query.as_ref().is_some_and(|q| q.actors.contains(actor));
    rows.iter()
        .map(|a| (named(a), a.name.clone()))
        .map(|(actor, name)| (actor.clone(), name, asked(&actor)))
        .collect()
}

fn moment(app: &App, at: &str, by: &str, what: String) -> Moment {
    Moment { at: words::when(at), who: words::actor(app, by), what }
}

struct PersonLine {
    id: String,
    short: String,
    clear: String,
    covered: String,
    how: String,
    first: String,
    last: String,
    entries: usize,
    seq: u64,
    erased: bool,
}

#[derive(Template)]
#[template(path = "incident_scope.html")]
struct ScopePage {
    frame: Frame,
    id: IncidentId,
    title: String,
    asked: String,
    scope: std::sync::Arc<Scope>,
    people: Vec<PersonLine>,
    more: usize,
    may_export: bool,
    links: bool,
}

async fn scope(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let i = app.run(move |vault| vault.incident(id)).await?;
    let Some(scope) = app.scopes.of(&app, id, false).await? else { return Err(Problem::absent()) };
    let join = |all: &std::collections::BTreeSet<Word>| {
        all.iter().map(|c| notice::name_of(c)).collect::<Vec<_>>().join(", ")
    };
    let people: Vec<PersonLine> = scope
        .people
        .iter()
        .take(LISTED)
        .map(|p| PersonLine {
            id: p.subject.to_string(),
            short: p.subject.to_string().chars().take(13).collect(),
            clear: join(&p.clear),
            covered: join(&p.covered),
            how: p.renderings.iter().map(|r| rendering(r)).collect::<Vec<_>>().join(", "),
            first: words::when(&p.first.to_string()),
            last: words::when(&p.last.to_string()),
            entries: p.entries.len(),
            seq: p.entries.first().copied().unwrap_or(0),
            erased: p.erased,
        })
        .collect();
    let page = ScopePage {
        frame: Frame::of(&app, &who, "/incidents", q.done.as_deref()),
        id,
        asked: asked(&app, &i),
        title: i.title,
        more: scope.people.len().saturating_sub(people.len()),
        people,
        scope,
        may_export: who.could(&app, Act::ExportEvidence),
        links: who.could(&app, Act::ListSubjects),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    actor: Vec<String>,
    #[serde(default)]
    session: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

async fn compute(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Ask>,
) -> Outcome<Response> {
    let query = responding::query(&app.vault, f.actor, &f.session, &f.from, &f.to)?;
    responding::scope(&app, &who, id, query).await?;
    back(id, "scope-computed")
}

fn back(id: IncidentId, code: &str) -> Outcome<Response> {
    Ok(done(&format!("/incidents/{id}"), code))
}

/// One change, whichever form sent it.
#[derive(Deserialize)]
struct ChangeForm {
    what: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

async fn change(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<ChangeForm>,
) -> Outcome<Response> {
    let bad = || Problem::bad("This change is not known, or its value cannot be read.");
    let change = match f.what.as_str() {
        "phase" => Change::Phase(responding::phase(&f.value)?),
        "severity" => Change::Severity(f.value),
        "event" if f.value.trim().is_empty() => Change::Event(f.name, None),
        "event" => Change::Event(f.name, Some(responding::time(&f.value)?)),
        "count" if f.value.trim().is_empty() => Change::Count(f.name, None),
        "count" => Change::Count(f.name, Some(f.value.trim().parse().map_err(|_| bad())?)),
        "task" => Change::Task(f.name.parse().map_err(|_| bad())?, f.value == "done"),
        "role" => Change::Role(f.name, f.value.parse().map_err(|_| bad())?),
        _ => return Err(bad()),
    };
    responding::change(&app, &who, id, change).await?;
    back(id, "saved")
}

#[derive(Deserialize)]
struct Laws {
    #[serde(default)]
    law: Vec<String>,
}

async fn laws(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Laws>,
) -> Outcome<Response> {
    responding::change(&app, &who, id, Change::Laws(f.law)).await?;
    back(id, "saved")
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn note(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Text>,
) -> Outcome<Response> {
    responding::note(&app, &who, id, f.text).await?;
    back(id, "noted")
}

#[derive(Deserialize)]
struct Piece {
    name: String,
    sha256: String,
    #[serde(default)]
    bytes: u64,
}

async fn evidence(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Piece>,
) -> Outcome<Response> {
    responding::evidence(&app, &who, id, f.name, &f.sha256, f.bytes).await?;
    back(id, "saved")
}

#[derive(Deserialize)]
struct Whom {
    account: AccountId,
}

async fn held(app: &App, who: &Who, id: IncidentId, account: AccountId, stop: bool) -> Outcome<Response> {
    responding::freeze(app, who, id, account, stop).await?;
    back(id, if stop { "frozen" } else { "thawed" })
}

async fn freeze(
    who: May<{ Act::FreezePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Whom>,
) -> Outcome<Response> {
    held(&app, &who, id, f.account, true).await
}

async fn thaw(
    who: May<{ Act::FreezePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Whom>,
) -> Outcome<Response> {
    held(&app, &who, id, f.account, false).await
}

#[derive(Deserialize)]
struct Clock {
    clock: String,
}

async fn draft(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<IncidentId>,
    Form(f): Form<Clock>,
) -> Outcome<Response> {
    let notice = responding::draft(&app, &who, id, f.clock).await?;
    Ok(done(&format!("/incidents/notices/{notice}"), "notice-drafted"))
}

#[derive(Template)]
#[template(path = "incident_notice.html")]
struct NoticePage {
    frame: Frame,
    n: callvault_store::incident::NoticeRow,
    title: String,
    drafted: String,
    sent: String,
    may: bool,
    disclaimer: &'static str,
}

async fn letter(
    who: May<{ Act::SeeIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<NoticeId>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (n, i) = app
        .run(move |vault| {
            let n = vault.notice(id)?;
            let i = vault.incident(n.incident)?;
            Ok::<_, callvault_store::Error>((n, i))
        })
        .await?;
    let page = NoticePage {
        frame: Frame::of(&app, &who, "/incidents", q.done.as_deref()),
        title: i.title,
        drafted: format!("{} UTC by {}", words::when(&n.drafted_at), words::actor(&app, &n.drafted_by)),
        sent: match (&n.sent_at, &n.sent_by) {
            (Some(at), Some(by)) => {
                format!("{} UTC, recorded by {}", words::when(at), words::actor(&app, by))
            }
            _ => String::new(),
        },
        may: who.could(&app, Act::ManageIncidents),
        disclaimer: callvault_law::DISCLAIMER,
        n,
    };
    Ok(render(&page))
}

async fn save(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<NoticeId>,
    Form(f): Form<Text>,
) -> Outcome<Response> {
    responding::save(&app, &who, id, f.text).await?;
    Ok(done(&format!("/incidents/notices/{id}"), "saved"))
}

#[derive(Deserialize)]
struct Nothing {}

async fn sent(
    who: May<{ Act::ManageIncidents as u8 }>,
    State(app): State<App>,
    Path(id): Path<NoticeId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let incident = responding::sent(&app, &who, id).await?;
    back(incident, "notice-sent")
}
