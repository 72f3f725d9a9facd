//! What a check found.

use super::Check;
use serde::{Deserialize, Serialize};

/// Evidence lines kept of one check.
const MOST_LINES: usize = 24;

/// How a check ended. `Unknown` counts as not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not hold.
    Fail,
    /// Nobody can tell; the evidence says what is missing.
    Unknown,
    /// It holds.
    Pass,
    /// There is nothing to judge.
    NotApplicable,
}

impl Status {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// Status and evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// Ids, counts, paths; the first line sums up.
    pub evidence: Vec<String>,
}

impl Verdict {
    /// It holds, because.
    pub fn pass(why: impl Into<String>) -> Self {
        Self { status: Status::Pass, evidence: vec![why.into()] }
    }

    /// There is nothing to judge, because.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self { status: Status::NotApplicable, evidence: vec![why.into()] }
    }

    /// Nobody can tell, because this is missing.
    pub fn unknown(missing: impl Into<String>) -> Self {
        Self { status: Status::Unknown, evidence: vec![missing.into()] }
    }

    /// Fails with these problems; holds, for the reason given, when there are none.
    pub fn of(problems: Vec<String>, holds: impl Into<String>) -> Self {
        if problems.is_empty() {
            return Self::pass(holds);
        }
        let more = problems.len().saturating_sub(MOST_LINES);
        let mut evidence: Vec<String> = problems.into_iter().take(MOST_LINES).collect();
        if more > 0 {
            evidence.push(format!("and {more} more"));
        }
        Self { status: Status::Fail, evidence }
    }
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check.
    #[serde(flatten)]
    pub check: Check,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub evidence: Vec<String>,
    /// A waiver that is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// A failed check that somebody accepted for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Until when.
    pub until: jiff::civil::Date,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Finding {
    /// Fails, and nobody accepted that.
    pub fn fails(&self) -> bool {
        self.status == Status::Fail && self.waived.is_none()
    }
}
