//! The report of a posture audit: what a privacy officer shows to an auditor.

use super::page;
use askama::Template;
use callvault_program::posture::{Check, Finding, Report, Severity, Status};

/// Runs that the chart shows, the newest.
const RUNS: usize = 60;
/// Height of the columns, and width of one.
const HEIGHT: f64 = 76.0;
const WIDTH: f64 = 14.0;

struct Failure {
    id: String,
    title: String,
    evidence: Vec<String>,
    remediation: String,
    since: String,
    controls: String,
}

struct Group {
    title: &'static str,
    note: &'static str,
    alarm: bool,
    findings: Vec<Failure>,
}

struct Row {
    id: String,
    title: String,
    why: String,
    class: &'static str,
    result: &'static str,
    controls: String,
}

struct Area {
    title: &'static str,
    note: String,
    rows: Vec<Row>,
}

struct Column {
    day: String,
    fail: usize,
    unknown: usize,
    x: String,
    w: String,
    fail_y: String,
    fail_h: String,
    unknown_y: String,
    unknown_h: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    r: &'a Report,
    policy: String,
    css: &'static str,
    day: String,
    headline: String,
    lead: String,
    tiles: Vec<(&'static str, usize, &'static str)>,
    failures: Vec<Group>,
    accepted: Vec<(String, String, String, String)>,
    missing: Vec<(String, String, String)>,
    columns: Vec<Column>,
    chart_width: String,
    areas: Vec<Area>,
}

/// The page as one self-contained HTML file.
pub fn audit_report(report: &Report) -> anyhow::Result<String> {
    let c = report.counts;
    let columns = columns(report);
    let page = AuditPage {
        r: report,
        policy: page::policy(None, false),
        css: page::CSS,
        day: day(report.at),
        headline: headline(report),
        lead: lead(report),
        tiles: vec![
            ("Passed", c.pass, "with evidence"),
            ("Failed", c.fail, "to be mended"),
            ("Accepted", c.waived, "fail, until a date"),
            ("Unknown", c.unknown, "counted as not passed"),
            ("Not applicable", c.not_applicable, "nothing to judge"),
        ],
        failures: groups(report),
        accepted: report.findings.iter().filter_map(accepted).collect(),
        missing: report
            .findings
            .iter()
            .filter(|f| f.status == Status::Unknown)
            .map(|f| (f.check.id.clone(), f.check.title.clone(), f.evidence.join("; ")))
            .collect(),
        chart_width: format!("{:.0}", columns.len() as f64 * WIDTH),
        columns,
        areas: report.by_area().map(|(title, findings)| area(title, &findings)).collect(),
    };
    Ok(page.render()?)
}

fn day(at: jiff::Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn headline(report: &Report) -> String {
    let c = report.counts;
    match (c.fail, c.unknown) {
        (0, 0) => "Every check that applies passes".into(),
        (0, n) => format!("No check fails; {n} could not be judged"),
        (1, _) => "1 check fails".into(),
        (n, _) => format!("{n} checks fail"),
    }
}

fn lead(report: &Report) -> String {
    let c = report.counts;
    let judged = c.pass.saturating_add(c.fail).saturating_add(c.waived).saturating_add(c.unknown);
    let mut out = format!("{} of {judged} checks that apply pass.", c.pass);
    if let Some(t) = &report.trend {
        let list = |ids: &[String]| if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
        out.push_str(&format!(" Since {}: mended {}; new {}.", day(t.since), list(&t.mended), list(&t.new)));
    }
    out
}

fn groups(report: &Report) -> Vec<Group> {
    [
        (Severity::Critical, "Critical", "somebody may be looking at data now", true),
        (Severity::High, "High", "one step away from it", false),
        (Severity::Medium, "Medium", "a second line is missing", false),
    ]
    .into_iter()
    .map(|(severity, title, note, alarm)| Group {
        title,
        note,
        alarm,
        findings: report
            .findings
            .iter()
            .filter(|f| f.fails() && f.check.severity == severity)
            .map(|f| Failure {
                id: f.check.id.clone(),
                title: f.check.title.clone(),
                evidence: f.evidence.clone(),
                remediation: f.check.remediation.clone(),
                since: report.failing_since(&f.check.id).map(day).unwrap_or_default(),
                controls: controls(&f.check),
            })
            .collect(),
    })
    .filter(|group| !group.findings.is_empty())
    .collect()
}

fn accepted(f: &Finding) -> Option<(String, String, String, String)> {
    let w = f.waived.as_ref()?;
    Some((format!("{} {}", f.check.id, f.check.title), w.until.to_string(), w.by.clone(), w.reason.clone()))
}

fn controls(check: &Check) -> String {
    [("HIPAA", &check.hipaa), ("PCI DSS", &check.pci), ("GDPR", &check.gdpr), ("NIST", &check.nist)]
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(name, ids)| format!("{name} {}", ids.join(", ")))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn area(title: &'static str, findings: &[&Finding]) -> Area {
    let passed = findings.iter().filter(|f| f.status == Status::Pass).count();
    let rows = findings
        .iter()
        .map(|f| {
            let (class, result) = match (f.status, &f.waived) {
                (Status::Pass, _) => ("destroyed", "passes"),
                (Status::Fail, Some(_)) => ("remains", "accepted"),
                (Status::Fail, None) => ("hot", "fails"),
                (Status::Unknown, _) => ("remains", "unknown"),
                (Status::NotApplicable, _) => ("unknown", "not applicable"),
            };
            // What fails is told in full above.
            let why = if f.fails() { String::new() } else { f.evidence.join("; ") };
            let (id, title) = (f.check.id.clone(), f.check.title.clone());
            Row { id, title, why, class, result, controls: controls(&f.check) }
        })
        .collect();
    Area { title, note: format!("{passed} of {} pass", findings.len()), rows }
}

fn columns(report: &Report) -> Vec<Column> {
    let now = report.run();
    let runs: Vec<_> = report.history.iter().chain([&now]).collect();
    let shown = runs.get(runs.len().saturating_sub(RUNS)..).unwrap_or_default();
    let most =
        shown.iter().map(|r| r.counts.fail.saturating_add(r.counts.unknown)).max().unwrap_or(0).max(1) as f64;
    let high = |n: usize| n as f64 / most * HEIGHT;
    shown
        .iter()
        .enumerate()
        .map(|(i, run)| {
            let (fail, unknown) = (high(run.counts.fail), high(run.counts.unknown));
            Column {
                day: day(run.at),
                fail: run.counts.fail,
                unknown: run.counts.unknown,
                x: format!("{:.1}", i as f64 * WIDTH + 1.0),
                w: format!("{:.1}", WIDTH - 2.0),
                fail_y: format!("{:.1}", 80.0 - fail),
                fail_h: format!("{fail:.1}"),
                unknown_y: format!("{:.1}", 80.0 - fail - unknown),
                unknown_h: format!("{unknown:.1}"),
            }
        })
        .collect()
}
