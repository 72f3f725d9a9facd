//! The findings register: what scanners of others found, with an owner and a due date.
//!
//! A report of another program is a stranger's file: size, depth, number and length are limited, no entity of XML is
//! expanded, nothing outside the file is read.

mod nmap;
mod sarif;
mod trivy;

use crate::Error;
use callvault_seal::sha256;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Largest report.
const MAX_BYTES: u64 = 32 << 20;
/// Findings taken from one report, and kept in all.
const MOST: usize = 20_000;
const MOST_KEPT: usize = 100_000;
/// Longest text kept of one field.
const MAX_TEXT: usize = 400;
/// Deepest nesting of JSON (serde_json's own limit is 128) and of XML.
const MAX_DEPTH: usize = 64;

/// How grave a scanner calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// To be mended within 7 days.
    Critical,
    /// Within 30.
    High,
    /// Within 90.
    Medium,
    /// Within 180.
    Low,
}

impl Grade {
    /// Days until it has to be mended.
    pub fn days(self) -> i64 {
        match self {
            Self::Critical => 7,
            Self::High => 30,
            Self::Medium => 90,
            Self::Low => 180,
        }
    }

    /// From a CVSS score.
    fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// One finding as a scanner tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The scanner's rule, a CVE, or a port.
    pub rule: String,
    /// What it concerns: a file, a package, an address.
    pub asset: String,
    /// In words.
    pub title: String,
    /// How grave.
    pub grade: Grade,
}

/// One report as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Which scanner.
    pub tool: String,
    /// What it found.
    pub findings: Vec<Told>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// To be mended.
    Open,
    /// The newest report of its scanner tells nothing of it any more.
    Gone,
}

/// One entry of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Stable: the same finding of the same asset has the same id in every report.
    pub id: String,
    /// Which scanners tell of it.
    pub tools: Vec<String>,
    /// The scanner's rule.
    pub rule: String,
    /// What it concerns.
    pub asset: String,
    /// In words.
    pub title: String,
    /// How grave.
    pub grade: Grade,
    /// Who mends it: a role, not a name.
    pub owner: String,
    /// First told.
    pub first_at: Timestamp,
    /// Last told.
    pub last_at: Timestamp,
    /// Until when it has to be mended.
    pub due_at: Timestamp,
    /// Where it stands.
    pub state: State,
}

/// The register.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// When each scanner's newest report came in.
    pub imports: BTreeMap<String, Timestamp>,
    /// The findings.
    pub entries: Vec<Entry>,
}

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Which scanner.
    pub tool: String,
    /// Findings in the report.
    pub told: usize,
    /// New entries.
    pub new: usize,
    /// Entries of this scanner that the report does not tell of any more.
    pub gone: usize,
    /// Entries that came back.
    pub back: usize,
}

/// Reads a report of another program; its form is told from its content.
pub fn read(path: &Path) -> Result<Scan, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(Error::file(path))?;
    understand(&bytes).map_err(|what| Error::Import {
        path: path.to_owned(),
        what,
        wanted: "SARIF 2.1.0, nmap XML (-oX) or Trivy JSON, up to 32 MiB",
    })
}

/// Understands the bytes of a report.
pub fn understand(bytes: &[u8]) -> Result<Scan, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is larger than 32 MiB".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let told = if text.starts_with('<') {
        nmap::parse(text)?
    } else {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| format!("it is no JSON: {e}"))?;
        if depth(&value, MAX_DEPTH).is_none() {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        if value.get("runs").is_some() {
            sarif::parse(&value)?
        } else if value.get("SchemaVersion").is_some() || value.get("Results").is_some() {
            trivy::parse(&value)?
        } else {
            return Err("it is JSON of another kind".into());
        }
    };
    if told.findings.len() > MOST {
        return Err(format!("it tells of more than {MOST} findings"));
    }
    Ok(told)
}

/// `None` when a value is nested deeper than allowed.
fn depth(value: &serde_json::Value, left: usize) -> Option<()> {
    let left = left.checked_sub(1)?;
    match value {
        serde_json::Value::Array(all) => all.iter().try_for_each(|v| depth(v, left)),
        serde_json::Value::Object(all) => all.values().try_for_each(|v| depth(v, left)),
        _ => Some(()),
    }
}

/// A text of a stranger: one line, no control characters, not too long.
fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Register {
    /// The register of a data directory.
    pub fn load(data: &Path) -> Result<Self, Error> {
        let path = place(data);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        serde_json::from_str(&text).map_err(|e| Error::Content { path: path.clone(), what: e.to_string() })
    }

    /// Writes the register; only its owner may read it.
    pub fn save(&self, data: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|_| Error::Shipped("form of the register"))?;
        crate::private::write(&place(data), text.as_bytes())
    }

    /// Takes a report in: same rule and asset are one entry, whoever tells of it.
    pub fn take(&mut self, told: &Scan, now: Timestamp) -> Imported {
        let mut out =
            Imported { tool: told.tool.clone(), told: told.findings.len(), new: 0, gone: 0, back: 0 };
        let mut places: BTreeMap<String, usize> =
            self.entries.iter().enumerate().map(|(i, e)| (e.id.clone(), i)).collect();
        let mut seen = std::collections::BTreeSet::new();
        for finding in &told.findings {
            let id = id(finding);
            seen.insert(id.clone());
            let kept = self.entries.len();
            match places.get(&id).and_then(|i| self.entries.get_mut(*i)) {
                Some(entry) => {
                    if entry.state == State::Gone {
                        entry.state = State::Open;
                        entry.due_at = due(now, finding.grade);
                        out.back = out.back.saturating_add(1);
                    }
                    entry.last_at = now;
                    entry.grade = entry.grade.min(finding.grade);
                    if !entry.tools.contains(&told.tool) {
                        entry.tools.push(told.tool.clone());
                    }
                }
                None if kept < MOST_KEPT => {
                    places.insert(id.clone(), kept);
                    self.entries.push(entry(id, finding, &told.tool, now));
                    out.new = out.new.saturating_add(1);
                }
                None => {}
            }
        }
        for entry in &mut self.entries {
            let only_this = entry.tools == [told.tool.clone()];
            if only_this && entry.state == State::Open && !seen.contains(&entry.id) {
                entry.state = State::Gone;
                out.gone = out.gone.saturating_add(1);
            }
        }
        self.imports.insert(told.tool.clone(), now);
        out
    }

    /// Gives an open finding another owner and date; a later date than its grade allows needs the caller's right, not ours.
    pub fn assign(&mut self, id: &str, owner: &str, due: Timestamp) -> Result<(), &'static str> {
        let owner = clean(owner);
        if !(2..=80).contains(&owner.chars().count()) {
            return Err("an owner has 2 to 80 characters");
        }
        let entry = self.entries.iter_mut().find(|e| e.id == id).ok_or("there is no such finding")?;
        entry.owner = owner;
        entry.due_at = due;
        Ok(())
    }

    /// Days since each scanner's newest report.
    pub fn newest(&self, now: Timestamp) -> BTreeMap<String, i64> {
        self.imports
            .iter()
            .map(|(tool, at)| (tool.clone(), now.duration_since(*at).as_hours() / 24))
            .collect()
    }

    /// Open entries.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.state == State::Open)
    }

    /// Open critical and high entries past their date.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.open().filter(move |e| e.grade <= Grade::High && e.due_at < now)
    }
}

fn place(data: &Path) -> PathBuf {
    data.join("audit").join("register.json")
}

fn id(finding: &Told) -> String {
    let hash = sha256(format!("{}\u{0}{}", finding.rule, finding.asset).as_bytes());
    callvault_store::hex(hash.get(..8).unwrap_or_default())
}

fn due(now: Timestamp, grade: Grade) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * grade.days())).unwrap_or(now)
}

fn entry(id: String, finding: &Told, tool: &str, now: Timestamp) -> Entry {
    Entry {
        id,
        tools: vec![tool.to_owned()],
        rule: finding.rule.clone(),
        asset: finding.asset.clone(),
        title: finding.title.clone(),
        grade: finding.grade,
        owner: "security officer".into(),
        first_at: now,
        last_at: now,
        due_at: due(now, finding.grade),
        state: State::Open,
    }
}

#[cfg(test)]
mod tests;
