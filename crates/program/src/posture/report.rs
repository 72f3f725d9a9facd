//! All findings of one run, what changed since the last, and the history beside the data.

use super::{Finding, Status, catalogue::AREAS};
use crate::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Names the form of the JSON report.
pub const FORMAT: &str = "callvault-audit-1";
/// Runs remembered.
const MOST_RUNS: usize = 400;
const MAX_HISTORY: u64 = 8 << 20;

/// How many ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Hold.
    pub pass: usize,
    /// Do not hold.
    pub fail: usize,
    /// Do not hold, and somebody accepted that for a while.
    pub waived: usize,
    /// Nobody can tell; counted as not passed.
    pub unknown: usize,
    /// There is nothing to judge.
    pub not_applicable: usize,
}

/// One run as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When.
    pub at: Timestamp,
    /// How many ended how.
    pub counts: Counts,
    /// Ids of failed checks, accepted ones included.
    pub failed: BTreeSet<String>,
}

/// What changed since the run before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// When that was.
    pub since: Timestamp,
    /// How many ended how then.
    pub before: Counts,
    /// Failed then, and no more.
    pub mended: Vec<String>,
    /// Fail now, and did not then.
    pub new: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Names the form.
    pub format: String,
    /// The version of this program.
    pub version: String,
    /// Whose.
    pub vault: String,
    /// When.
    pub at: Timestamp,
    /// How many ended how.
    pub counts: Counts,
    /// Every check, in the order of the catalogue.
    pub findings: Vec<Finding>,
    /// What changed since the run before.
    pub trend: Option<Trend>,
    /// Runs before this one, oldest first.
    pub history: Vec<Run>,
}

impl Report {
    /// From the findings of one run and the runs before it.
    pub fn new(vault: String, at: Timestamp, findings: Vec<Finding>, history: Vec<Run>) -> Self {
        let mut report = Self {
            format: FORMAT.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            vault,
            at,
            counts: count(&findings),
            findings,
            trend: None,
            history,
        };
        let now = report.run();
        report.trend = report.history.last().map(|last| Trend {
            since: last.at,
            before: last.counts,
            mended: last.failed.difference(&now.failed).cloned().collect(),
            new: now.failed.difference(&last.failed).cloned().collect(),
        });
        report
    }

    /// Whether a check fails that nobody accepted.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(Finding::fails)
    }

    /// This run as the history keeps it.
    pub fn run(&self) -> Run {
        let failed = self.findings.iter().filter(|f| f.status == Status::Fail);
        Run { at: self.at, counts: self.counts, failed: failed.map(|f| f.check.id.clone()).collect() }
    }

    /// Since when a check fails without a break, if it failed before.
    pub fn failing_since(&self, id: &str) -> Option<Timestamp> {
        self.history.iter().rev().take_while(|run| run.failed.contains(id)).last().map(|run| run.at)
    }

    /// The findings by area, in the order of reports.
    pub fn by_area(&self) -> impl Iterator<Item = (&'static str, Vec<&Finding>)> {
        AREAS
            .iter()
            .map(|(area, title)| (*title, self.findings.iter().filter(|f| f.check.area == *area).collect()))
    }
}

fn count(findings: &[Finding]) -> Counts {
    let mut out = Counts::default();
    for finding in findings {
        let place = match (finding.status, &finding.waived) {
            (Status::Fail, Some(_)) => &mut out.waived,
            (Status::Fail, None) => &mut out.fail,
            (Status::Pass, _) => &mut out.pass,
            (Status::Unknown, _) => &mut out.unknown,
            (Status::NotApplicable, _) => &mut out.not_applicable,
        };
        *place = place.saturating_add(1);
    }
    out
}

/// The folder of the auditor's own files in a data directory.
pub fn folder(data: &Path) -> PathBuf {
    data.join("audit")
}

/// The runs so far; none where there is no history.
pub fn history(data: &Path) -> Result<Vec<Run>, Error> {
    let path = folder(data).join("history.json");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = super::gather::read_text(&path, MAX_HISTORY).map_err(Error::file(&path))?;
    serde_json::from_str(&text).map_err(|e| Error::Content {
        path: path.clone(),
        what: format!("line {}: {e}; move the file away to begin a new history", e.line()),
    })
}

/// Adds a run to the history.
pub fn remember(data: &Path, report: &Report) -> Result<(), Error> {
    let mut runs = report.history.clone();
    runs.push(report.run());
    let first = runs.len().saturating_sub(MOST_RUNS);
    runs.drain(..first);
    let text = serde_json::to_string(&runs).map_err(|_| Error::Shipped("form of the history"))?;
    crate::private::write(&folder(data).join("history.json"), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posture::{Facts, Settings, judge};
    use std::fs;

    #[test]
    fn a_second_run_tells_what_changed() {
        let dir = tempfile::tempdir().unwrap();
        let facts = Facts::default();
        let findings = judge(&facts, &Settings::default()).unwrap();
        let mut worse = findings.clone();
        worse[0].status = Status::Fail;
        worse[1].status = Status::Fail;
        let (a, b) = (worse[0].check.id.clone(), worse[1].check.id.clone());
        let at = |t: &str| t.parse::<Timestamp>().unwrap();
        assert!(history(dir.path()).unwrap().is_empty());
        let first = Report::new("v".into(), at("2026-11-01T00:00:00Z"), worse.clone(), vec![]);
        assert!(first.fails() && first.trend.is_none());
        remember(dir.path(), &first).unwrap();
        worse[0].status = Status::Pass;
        worse[2].status = Status::Fail;
        let second = Report::new("v".into(), at("2026-11-02T00:00:00Z"), worse, history(dir.path()).unwrap());
        let trend = second.trend.clone().unwrap();
        assert_eq!((trend.mended, trend.new.len()), (vec![a], 1));
        assert_eq!(second.failing_since(&b), Some(at("2026-11-01T00:00:00Z")));
        remember(dir.path(), &second).unwrap();
        assert_eq!(history(dir.path()).unwrap().len(), 2);
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder(dir.path()).join("history.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
