//! The report for a terminal.

use super::{Finding, Status, report::Report};

/// The report as plain text; passed checks are one line, everything else says why and what to do.
pub fn text(report: &Report) -> String {
    let c = &report.counts;
    let mut out = format!(
        "audit of vault {} on {}\n{} passed, {} failed, {} accepted for a while, {} unknown, {} not applicable\n",
        report.vault, report.at, c.pass, c.fail, c.waived, c.unknown, c.not_applicable
    );
    if let Some(t) = &report.trend {
        out.push_str(&format!("since {}: mended {}; new {}\n", t.since, list(&t.mended), list(&t.new)));
    }
    for (title, findings) in report.by_area() {
        out.push_str(&format!("\n{title}\n"));
        for finding in findings {
            one(report, finding, &mut out);
        }
    }
    if report.findings.iter().any(undocumented) {
        out.push_str(DOCUMENTS);
    }
    out
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() { "nothing".into() } else { ids.join(", ") }
}

/// How documents are registered.
const DOCUMENTS: &str = "
What no machine can judge is vouched for by a document. In audit/audit.toml of the data directory:
  [evidence.R01]
  date = \"2026-11-24\"
  by = \"security officer\"
  file = \"/srv/papers/incident-plan.pdf\"   # optional; must be there when named
";

/// A check that waits for a document.
fn undocumented(finding: &Finding) -> bool {
    finding.status == Status::Unknown && finding.check.evidence_days.is_some()
}

/// The mark in front of a line.
fn mark(finding: &Finding) -> &'static str {
    match (finding.status, &finding.waived) {
        (Status::Pass, _) => "ok     ",
        (Status::Fail, Some(_)) => "ACCEPT ",
        (Status::Fail, None) => "FAIL   ",
        (Status::Unknown, _) => "unknown",
        (Status::NotApplicable, _) => "n/a    ",
    }
}

fn one(report: &Report, finding: &Finding, out: &mut String) {
    let check = &finding.check;
    let graded = match finding.status {
        Status::Fail => format!(" ({})", check.severity.as_str()),
        _ if undocumented(finding) => " (document wanted)".to_owned(),
        _ => String::new(),
    };
    out.push_str(&format!("  {} {} {}{graded}\n", mark(finding), check.id, check.title));
    if undocumented(finding) {
        return;
    }
    if matches!(finding.status, Status::Fail | Status::Unknown) {
        for line in &finding.evidence {
            out.push_str(&format!("              {line}\n"));
        }
    }
    if finding.status != Status::Fail {
        return;
    }
    if let Some(since) = report.failing_since(&check.id) {
        out.push_str(&format!("              fails since {since}\n"));
    }
    match &finding.waived {
        Some(w) => {
            out.push_str(&format!("              accepted until {} by {}: {}\n", w.until, w.by, w.reason))
        }
        None => out.push_str(&format!("            → {}\n", check.remediation)),
    }
}
