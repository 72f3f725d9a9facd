//! `/posture`: the audit of this installation with its evidence, what was accepted and until when, and the register of what
//! scanners found.

use super::{
    done,
    frame::{Done, Frame},
    render,
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
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    response::Response,
    routing::{get, post},
};
use callvault_policy::Act;
use callvault_program::{
    posture::{Finding, Report, Severity, Status, desk, oscal, report::Run, sarif, settings::Waiver},
    promises,
    register::{self, Entry, Grade, Imported, Register, State as Stand},
    request::holidays::Holidays,
};
use callvault_speech::models;
use callvault_store::{Actor, gate::Target, posture::Audited};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/posture", Some(Act::SeePosture)),
    ("POST", "/posture/runs", Some(Act::ManagePosture)),
    ("GET", "/posture/report.json", Some(Act::SeePosture)),
    ("GET", "/posture/report.sarif", Some(Act::SeePosture)),
    ("GET", "/posture/report.oscal", Some(Act::SeePosture)),
    ("POST", "/posture/checks/{check}/waiver", Some(Act::AcceptFailure)),
    ("POST", "/posture/checks/{check}/waiver/end", Some(Act::AcceptFailure)),
    ("GET", "/posture/findings", Some(Act::SeePosture)),
    ("POST", "/posture/findings", Some(Act::ManagePosture)),
    ("POST", "/posture/findings/{finding}", Some(Act::ManagePosture)),
];

/// Largest report of a scanner; the importer refuses more.
pub(crate) const MOST_BYTES: usize = 32 << 20;
/// Findings shown at once.
const SHOWN: usize = 500;
/// Runs in the little chart.
const RUNS: usize = 40;

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/posture", get(show))
        .route("/posture/runs", post(run))
        .route("/posture/report.json", get(json))
        .route("/posture/report.sarif", get(as_sarif))
        .route("/posture/report.oscal", get(as_oscal))
        .route("/posture/checks/{check}/waiver", post(accept))
        .route("/posture/checks/{check}/waiver/end", post(unaccept))
        .route("/posture/findings", get(findings).post(import))
        .route("/posture/findings/{finding}", post(assign))
        .layer(DefaultBodyLimit::max(MOST_BYTES + (64 << 10)))
}

struct Line {
    id: String,
    title: String,
    status: &'static str,
    grade: &'static str,
    severity: &'static str,
    evidence: Vec<String>,
    remediation: String,
    controls: String,
    since: String,
    waived: Option<(String, String, String)>,
    fails: bool,
    document: bool,
}

struct Area {
    title: &'static str,
    good: usize,
    lines: Vec<Line>,
}

struct Column {
    x: usize,
    fail_y: f64,
    fail_h: f64,
    unknown_y: f64,
    unknown_h: f64,
    title: String,
}

#[derive(Template)]
#[template(path = "posture.html")]
struct Page {
    frame: Frame,
    report: Option<Report>,
    at: String,
    areas: Vec<Area>,
    chart: Vec<Column>,
    mended: String,
    new: String,
    open: bool,
    may: bool,
    may_accept: bool,
    today: String,
}

fn line(report: &Report, f: &Finding) -> Line {
    let (status, grade) = match (f.status, &f.waived) {
        (Status::Fail, Some(_)) => ("accepted for a while", "warn"),
        (Status::Fail, None) => ("fails", "bad"),
        (Status::Unknown, _) => ("nobody can tell", "warn"),
        (Status::Pass, _) => ("holds", "good"),
        (Status::NotApplicable, _) => ("nothing to judge", ""),
    };
    let controls = [
        ("HIPAA", &f.check.hipaa),
        ("PCI DSS", &f.check.pci),
        ("GDPR", &f.check.gdpr),
        ("NIST", &f.check.nist),
    ];
    Line {
        id: f.check.id.clone(),
        title: f.check.title.clone(),
        status,
        grade,
        severity: match f.check.severity {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
        },
        evidence: f.evidence.clone(),
        remediation: f.check.remediation.clone(),
        controls: controls
            .iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(name, ids)| format!("{name} {}", ids.join(", ")))
            .collect::<Vec<_>>()
            .join(" · "),
        since: report
            .failing_since(&f.check.id)
            .filter(|_| f.status == Status::Fail)
            .map(|t| words::when(&t.to_string()))
            .unwrap_or_default(),
        waived: f.waived.as_ref().map(|w| (w.until.to_string(), w.by.clone(), w.reason.clone())),
        fails: f.status == Status::Fail,
        document: f.check.evidence_days.is_some(),
    }
}

/// Failing checks first within each area, then what nobody can tell.
fn areas(report: &Report) -> Vec<Area> {
    report
        .by_area()
        .map(|(title, mut findings)| {
            findings.sort_by_key(|f| (f.status, f.waived.is_some(), f.check.severity));
            let good = findings.iter().filter(|f| f.status == Status::Pass).count();
            Area { title, good, lines: findings.into_iter().map(|f| line(report, f)).collect() }
        })
        .collect()
}

/// Columns of failed and unknown checks, the newest right; 60 units high.
fn chart(report: &Report) -> Vec<Column> {
    let now = report.run();
    let mut runs: Vec<&Run> = report.history.iter().collect();
    runs.push(&now);
    let runs: Vec<&Run> = runs.into_iter().rev().take(RUNS).rev().collect();
    let bad = |r: &Run| r.counts.fail + r.counts.waived + r.counts.unknown;
    let most = runs.iter().map(|r| bad(r)).max().unwrap_or(0).max(1) as f64;
    let height = |n: usize| 60.0 * n as f64 / most;
    runs.iter()
        .enumerate()
        .map(|(i, r)| {
            let (fail, unknown) = (height(r.counts.fail + r.counts.waived), height(r.counts.unknown));
            Column {
                x: i * 16,
                fail_y: 60.0 - fail,
                fail_h: fail,
                unknown_y: 60.0 - fail - unknown,
                unknown_h: unknown,
                title: format!(
                    "{}: {} fail, {} nobody can tell",
                    words::when(&r.at.to_string()),
                    r.counts.fail + r.counts.waived,
                    r.counts.unknown
                ),
            }
        })
        .collect()
}

#[derive(Deserialize)]
struct Look {
    done: Option<String>,
    #[serde(default)]
    open: bool,
}

async fn show(
    who: May<{ Act::SeePosture as u8 }>,
    State(app): State<App>,
    Query(q): Query<Look>,
) -> Outcome<Response> {
    let report = last(&app).await?;
    let page = Page {
        frame: Frame::of(&app, &who, "/posture", q.done.as_deref()),
        at: report.as_ref().map(|r| words::when(&r.at.to_string())).unwrap_or_default(),
        areas: report.as_ref().map(areas).unwrap_or_default(),
        chart: report.as_ref().map(chart).unwrap_or_default(),
        mended: trend(report.as_ref(), |t| &t.mended),
        new: trend(report.as_ref(), |t| &t.new),
        report,
        open: q.open,
        may: right::of(who.roles()).contains(&Act::ManagePosture),
        may_accept: right::of(who.roles()).contains(&Act::AcceptFailure),
        today: app.vault.clock().now().strftime("%Y-%m-%d").to_string(),
    };
    Ok(render(&page))
}

fn trend(
    report: Option<&Report>,
    which: fn(&callvault_program::posture::report::Trend) -> &Vec<String>,
) -> String {
    report.and_then(|r| r.trend.as_ref()).map(|t| which(t).join(", ")).unwrap_or_default()
}

/// The last run that was kept.
pub(crate) async fn last(app: &App) -> Outcome<Option<Report>> {
    let dir = app.vault.dir().to_owned();
    app.run(move |_| desk::last(&dir)).await
}

/// Runs the audit with the vault open, keeps it, and says so in the ledger. The API runs it the same way.
pub(crate) async fn audit(app: &App, who: &Who) -> Outcome<Report> {
    let by = who.may(app, Act::ManagePosture, Target::Program, None).await?;
    let busy = || Problem::conflict("auditing", "An audit or import is under way; look again in a minute.");
    let _one = app.auditing.try_lock().map_err(|_| busy())?;
    let (config, place) = (app.config.clone(), app.place.clone());
    let packs = crate::responding::packs()?;
    app.run(move |vault| {
        let models = models::states().map_err(|e| e.to_string()).into();
        let report = desk::run(&desk::Order {
            data: vault.dir(),
            id: vault.id().to_string(),
            vault: Some(vault),
            key_file: place.key_file.as_deref(),
            server: desk::running(
                config.listen,
                &config.origin,
                config.certificate_file.clone(),
                config.private_key_file.clone(),
                config.drop_folders.clone(),
            ),
            settings: None,
            models,
            promises: promises::of(vault.dir(), packs, &Holidays::of(vault)?, vault.clock().now()),
            now: vault.clock().now(),
        })?;
        desk::keep(vault.dir(), &report)?;
        let c = report.counts;
        vault.log_audit(&by, Audited::Run { fail: c.fail, unknown: c.unknown, pass: c.pass })?;
        Ok::<_, callvault_program::Error>(report)
    })
    .await
}

#[derive(Deserialize)]
struct Nothing {}

async fn run(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    audit(&app, &who).await?;
    Ok(done("/posture", "audited"))
}

async fn whole(app: &App) -> Outcome<Report> {
    last(app).await?.ok_or_else(Problem::absent)
}

fn written(name: &str, kind: &'static str, value: &impl serde::Serialize) -> Outcome<Response> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Problem::internal(&e))?;
    Ok(super::training::file(name, kind, text))
}

async fn json(_: May<{ Act::SeePosture as u8 }>, State(app): State<App>) -> Outcome<Response> {
    written("audit.json", "application/json", &whole(&app).await?)
}

async fn as_sarif(_: May<{ Act::SeePosture as u8 }>, State(app): State<App>) -> Outcome<Response> {
    written("audit.sarif", "application/sarif+json", &sarif::sarif(&whole(&app).await?))
}

async fn as_oscal(_: May<{ Act::SeePosture as u8 }>, State(app): State<App>) -> Outcome<Response> {
    written("audit-oscal.json", "application/json", &oscal::oscal(&whole(&app).await?))
}

#[derive(Deserialize)]
struct Accept {
    until: String,
    owner: String,
    reason: String,
}

fn day(text: &str) -> Outcome<Date> {
    text.trim().parse().map_err(|_| Problem::bad("The day is written 2027-03-01."))
}

async fn by(app: &App, who: &Who) -> Outcome<Actor> {
    who.may(app, Act::ManagePosture, Target::Program, None).await
}

async fn accept(
    who: Right<{ Act::AcceptFailure as u8 }>,
    State(app): State<App>,
    Path(check): Path<String>,
    Form(f): Form<Accept>,
) -> Outcome<Response> {
    let until = day(&f.until)?;
    let (owner, why) = (reason::masked(f.owner).await?, reason::masked(f.reason).await?);
    let by = who.may(&app, Act::AcceptFailure, Target::Program, None).await?;
    let _one = app.auditing.lock().await;
    app.run(move |vault| {
        let waiver = Waiver { check: check.clone(), until, by: owner, reason: why };
        desk::waive(vault.dir(), waiver, vault.clock().now())?;
        vault.log_audit(&by, Audited::Accepted { check: &check, until: Some(&until.to_string()) })?;
        Ok::<_, callvault_program::Error>(())
    })
    .await?;
    Ok(done("/posture", "accepted"))
}

async fn unaccept(
    who: Right<{ Act::AcceptFailure as u8 }>,
    State(app): State<App>,
    Path(check): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    let by = who.may(&app, Act::AcceptFailure, Target::Program, None).await?;
    let _one = app.auditing.lock().await;
    app.run(move |vault| {
        if desk::unwaive(vault.dir(), &check)? {
            vault.log_audit(&by, Audited::Accepted { check: &check, until: None })?;
        }
        Ok::<_, callvault_program::Error>(())
    })
    .await?;
    Ok(done("/posture", "saved"))
}

struct Found {
    id: String,
    rule: String,
    asset: String,
    title: String,
    grade: &'static str,
    class: &'static str,
    owner: String,
    due: String,
    late: bool,
    tools: String,
}

fn found(e: &Entry, now: Timestamp) -> Found {
    let (grade, class) = match e.grade {
        Grade::Critical => ("critical", "bad"),
        Grade::High => ("high", "bad"),
        Grade::Medium => ("medium", "warn"),
        Grade::Low => ("low", ""),
    };
    Found {
        id: e.id.clone(),
        rule: e.rule.clone(),
        asset: e.asset.clone(),
        title: e.title.clone(),
        grade,
        class,
        owner: e.owner.clone(),
        due: e.due_at.strftime("%Y-%m-%d").to_string(),
        late: e.due_at < now,
        tools: e.tools.join(", "),
    }
}

#[derive(Template)]
#[template(path = "findings.html")]
struct FindingsPage {
    frame: Frame,
    found: Vec<Found>,
    more: usize,
    late: usize,
    gone: usize,
    imports: Vec<(String, String)>,
    imported: Option<Imported>,
    may: bool,
}

/// The register, as it lies there.
pub(crate) async fn register_of(app: &App) -> Outcome<Register> {
    let dir = app.vault.dir().to_owned();
    app.run(move |_| Register::load(&dir)).await
}

async fn list(app: &App, who: &Who, said: Option<&str>, imported: Option<Imported>) -> Outcome<Response> {
    let register = register_of(app).await?;
    let now = app.vault.clock().now();
    let mut open: Vec<&Entry> = register.open().collect();
    open.sort_by_key(|e| (e.due_at, e.grade));
    let page = FindingsPage {
        frame: Frame::of(app, who, "/posture", said),
        found: open.iter().take(SHOWN).map(|e| found(e, now)).collect(),
        more: open.len().saturating_sub(SHOWN),
        late: open.iter().filter(|e| e.due_at < now).count(),
        gone: register.entries.iter().filter(|e| e.state == Stand::Gone).count(),
        imports: register.imports.iter().map(|(t, at)| (t.clone(), words::when(&at.to_string()))).collect(),
        imported,
        may: right::of(who.roles()).contains(&Act::ManagePosture),
    };
    Ok(render(&page))
}

async fn findings(
    who: May<{ Act::SeePosture as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    list(&app, &who, q.done.as_deref(), None).await
}

/// Takes a scanner's report in; the API takes it in the same way.
pub(crate) async fn take(app: &App, who: &Who, bytes: Vec<u8>) -> Outcome<Imported> {
    let by = by(app, who).await?;
    let _one = app.auditing.lock().await;
    app.run(move |vault| {
        let scan = register::understand(&bytes).map_err(|why| {
            Problem::bad(format!("This report is not taken in: {why}. Nothing of it was kept; export it again as SARIF 2.1.0, nmap XML (-oX) or Trivy JSON, up to 32 MiB."))
        })?;
        let mut register = Register::load(vault.dir())?;
        let imported = register.take(&scan, vault.clock().now());
        register.save(vault.dir())?;
        let told = Audited::Imported { tool: &imported.tool, told: imported.told, new: imported.new };
        vault.log_audit(&by, told)?;
        Ok::<_, Problem>(imported)
    })
    .await
}

async fn import(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
    request: Request,
) -> Outcome<Response> {
    let bytes = file_of(&who, request).await?;
    let imported = take(&app, &who, bytes).await?;
    list(&app, &who, None, Some(imported)).await
}

/// The one file of the form, after the form is known to be ours.
async fn file_of(who: &Who, request: Request) -> Outcome<Vec<u8>> {
    let malformed =
        || Problem::bad("The form is incomplete or malformed; reload the page and choose the file again.");
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let mut proven = false;
    while let Some(mut field) = form.next_field().await.map_err(|_| malformed())? {
        let name = field.name().unwrap_or_default().to_owned();
        let most = if name == "csrf" { 200 } else { MOST_BYTES };
        let mut bytes = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|_| malformed())? {
            if bytes.len() + piece.len() > most {
                return Err(Problem::bad("This report is larger than 32 MiB; nothing of it was kept."));
            }
            bytes.extend_from_slice(&piece);
        }
        match name.as_str() {
            "csrf" => {
                who.proves(&String::from_utf8(bytes).map_err(|_| malformed())?)?;
                proven = true;
            }
            "file" if proven && !bytes.is_empty() => return Ok(bytes),
            "file" if proven => return Err(Problem::bad("Choose a file first.")),
            _ => return Err(malformed()),
        }
    }
    Err(malformed())
}

#[derive(Deserialize)]
struct Assign {
    owner: String,
    due: String,
}

/// Gives a finding an owner and a date; the API gives it the same way.
pub(crate) async fn give(app: &App, who: &Who, id: String, owner: String, due: &str) -> Outcome<()> {
    let end = TimeZone::UTC.to_timestamp(day(due)?.at(23, 59, 59, 0));
    let end = end.map_err(|_| Problem::bad("The day is written 2027-03-01."))?;
    let owner = reason::masked(owner).await?;
    let by = by(app, who).await?;
    let _one = app.auditing.lock().await;
    app.run(move |vault| {
        let mut register = Register::load(vault.dir())?;
        register.assign(&id, &owner, end).map_err(|why| Problem::bad(format!("Not saved: {why}.")))?;
        register.save(vault.dir())?;
        vault.log_audit(&by, Audited::Assigned { finding: &id, due: &end.to_string() })?;
        Ok::<_, Problem>(())
    })
    .await
}

async fn assign(
    who: Right<{ Act::ManagePosture as u8 }>,
    State(app): State<App>,
    Path(id): Path<String>,
    Form(f): Form<Assign>,
) -> Outcome<Response> {
    give(&app, &who, id, f.owner, &f.due).await?;
    Ok(done("/posture/findings", "saved"))
}
