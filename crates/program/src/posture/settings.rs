//! `audit.toml`: what the machine cannot tell of itself. All of it is optional.

use crate::Error;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

/// Longest file.
const MAX_BYTES: u64 = 1 << 20;
/// The longest time that a failed check may be accepted for.
pub(super) const MAX_WAIVER_DAYS: i32 = 400;

/// The auditor's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the files of the host are seen, for a container that has them mounted; else `/`.
    pub host_root: Option<PathBuf>,
    /// Folders that conversations come from, beside the drop folders of callvault.toml.
    pub source_folders: Vec<PathBuf>,
    /// Signed checkpoints of the ledger that are kept elsewhere.
    pub anchors: Vec<PathBuf>,
    /// Ports that may be open to the network, each with the reason.
    pub allowed_ports: BTreeMap<String, String>,
    /// Documents for checks that no machine can judge.
    pub evidence: BTreeMap<String, Evidence>,
    /// Failed checks that somebody accepted for a while.
    pub waiver: Vec<Waiver>,
}

/// One registered document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Of which day.
    pub date: Date,
    /// Who vouches for it: a role, not a name.
    pub by: String,
    /// The document; must be there when named.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// One accepted failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Which check.
    pub check: String,
    /// The last day on which it holds.
    pub until: Date,
    /// Who accepted it: a role, not a name.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Settings {
    /// Reads a file; `known` are the ids of checks.
    pub fn read(path: &Path, known: &[&str], now: Timestamp) -> Result<Self, Error> {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|f| f.take(MAX_BYTES).read_to_string(&mut text))
            .map_err(Error::file(path))?;
        Self::parse(&text, known, now).map_err(|what| Error::Content { path: path.to_owned(), what })
    }

    /// Parses and checks the text.
    pub fn parse(text: &str, known: &[&str], now: Timestamp) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        for id in settings.evidence.keys().chain(settings.waiver.iter().map(|w| &w.check)) {
            if !known.contains(&id.as_str()) {
                return Err(format!("there is no check {id}"));
            }
        }
        if let Some(port) = settings.allowed_ports.keys().find(|p| p.parse::<u16>().is_err()) {
            return Err(format!("allowed_ports: {port} is no port"));
        }
        let today = today(now);
        for waiver in &settings.waiver {
            if waiver.reason.trim().len() < 10 || waiver.by.trim().is_empty() {
                return Err(format!(
                    "the waiver of {} needs a reason of ten letters or more, and by",
                    waiver.check
                ));
            }
            let days = (waiver.until - today).get_days();
            if days > MAX_WAIVER_DAYS {
                return Err(format!(
                    "the waiver of {} ends in {days} days; {MAX_WAIVER_DAYS} is the most",
                    waiver.check
                ));
            }
        }
        Ok(settings)
    }

    /// The waiver of a check that is in force.
    pub fn waiver(&self, check: &str, now: Timestamp) -> Option<&Waiver> {
        self.waiver.iter().rev().find(|w| w.check == check && w.until >= today(now))
    }

    /// A path of the host as it is seen from here.
    pub fn host(&self, path: &str) -> PathBuf {
        match &self.host_root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }
}

/// The day in UTC.
pub fn today(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, &["A04", "R01"], "2026-11-24T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_waiver_has_an_end_a_reason_and_a_check_that_exists() {
        let good = "[[waiver]]\ncheck='A04'\nuntil='2026-12-31'\nby='security officer'\nreason='three seasonal workers'\n";
        let settings = parse(good).unwrap();
        let at = |t: &str| settings.waiver("A04", t.parse().unwrap()).is_some();
        assert!(at("2026-12-31T23:59:00Z") && !at("2027-01-01T00:00:00Z"));
        for (bad, why) in [
            (good.replace("A04", "A99"), "no check A99"),
            (good.replace("2026-12-31", "2029-12-31"), "400 is the most"),
            (good.replace("three seasonal workers", "ok"), "ten letters"),
            ("colour = 'red'".to_owned(), "colour"),
            ("[allowed_ports]\nssh = 'x'".to_owned(), "no port"),
        ] {
            assert!(parse(&bad).unwrap_err().contains(why), "{bad}");
        }
    }
}
