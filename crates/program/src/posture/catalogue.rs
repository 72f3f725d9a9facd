//! The checks: what each asks, whose requirement it serves, and how to mend what it finds. Data, not code.

use crate::Error;
use serde::{Deserialize, Serialize};

const TEXT: &str = include_str!("../../data/checks.toml");

/// How much harm a failed check allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody may be looking at data now.
    Critical,
    /// One step away from it.
    High,
    /// A second line is missing.
    Medium,
}

impl Severity {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Stable id, such as `E07`.
    pub id: String,
    /// Its group.
    pub area: String,
    /// How grave.
    pub severity: Severity,
    /// What holds when it passes.
    pub title: String,
    /// How to mend it, in plain words.
    pub remediation: String,
    /// Paragraphs of 45 CFR.
    pub hipaa: Vec<String>,
    /// Requirements of PCI DSS 4.0.1.
    pub pci: Vec<String>,
    /// Articles of the GDPR.
    pub gdpr: Vec<String>,
    /// Controls of NIST SP 800-53 r5.
    pub nist: Vec<String>,
    /// Not read from the machine: a registered document that is valid for so many days.
    pub evidence_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    check: Vec<Check>,
}

/// Every check, in the order of reports.
pub fn catalogue() -> Result<Vec<Check>, Error> {
    let parsed: Catalogue = toml::from_str(TEXT).map_err(|_| Error::Shipped("list of checks"))?;
    Ok(parsed.check)
}

/// The areas in the order of reports, with their names for people.
pub const AREAS: &[(&str, &str)] = &[
    ("transport", "On the wire"),
    ("keys", "Keys and files at rest"),
    ("data", "Data kept, covered, destroyed"),
    ("access", "Who comes in"),
    ("ledger", "Ledger and clock"),
    ("platform", "Program and machine"),
    ("readiness", "Ready for the bad day"),
    ("telephone", "The telephone system beside us"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_areas_known_and_controls_named() {
        let all = catalogue().unwrap();
        let ids: BTreeSet<&str> = all.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        for check in &all {
            assert!(AREAS.iter().any(|(a, _)| *a == check.area), "{}", check.id);
            assert!(
                !check.nist.is_empty() && !check.hipaa.is_empty() && !check.gdpr.is_empty(),
                "{}",
                check.id
            );
            assert!(check.remediation.ends_with('.') && check.title.len() > 20, "{}", check.id);
        }
    }
}
