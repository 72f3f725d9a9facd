//! Running the audit and keeping what it told: the console and the command line call these.

use super::{
    Input, Report, Seen, Server, Settings, Settled, catalogue,
    facts::{Promises, Scans},
    gather, judge,
    report::{folder, history, remember},
    settings::{Waiver, today},
};
use crate::{Error, register::Register};
use callvault_store::Vault;
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const MAX_LAST: u64 = 16 << 20;
const MAX_WAIVERS: usize = 200;

/// One run.
#[derive(Debug)]
pub struct Order<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// The vault's id.
    pub id: String,
    /// The opened vault, where there is one.
    pub vault: Option<&'a Vault>,
    /// The key file, if its place is known.
    pub key_file: Option<&'a Path>,
    /// The server's settings.
    pub server: Settled<'a>,
    /// The auditor's settings; without a name those in the data directory.
    pub settings: Option<&'a Path>,
    /// Speech models by name: `pinned`, `changed` or `absent`.
    pub models: Seen<BTreeMap<String, String>>,
    /// Requests and incidents against their dates, as [`crate::promises::of`] reads them.
    pub promises: Seen<Promises>,
    /// Now.
    pub now: Timestamp,
}

/// Runs the audit. Nothing is kept.
pub fn run(order: &Order<'_>) -> Result<Report, Error> {
    let settings = settings(order)?;
    let facts = gather(&Input {
        data: order.data,
        key_file: order.key_file,
        server: order.server.clone(),
        vault: order.vault,
        settings: &settings,
        models: order.models.clone(),
        promises: order.promises.clone(),
        scans: scans(order.data, order.now)?,
        now: order.now,
    })?;
    let findings = judge(&facts, &settings)?;
    Ok(Report::new(order.id.clone(), order.now, findings, history(order.data)?))
}

/// Keeps a run: in the history, and whole as the last one.
pub fn keep(data: &Path, report: &Report) -> Result<(), Error> {
    remember(data, report)?;
    let text = serde_json::to_string(report).map_err(|_| Error::Shipped("form of the report"))?;
    crate::private::write(&folder(data).join("last.json"), text.as_bytes())
}

/// The last run that was kept.
pub fn last(data: &Path) -> Result<Option<Report>, Error> {
    let path = folder(data).join("last.json");
    if !path.is_file() {
        return Ok(None);
    }
    let text = super::gather::read_text(&path, MAX_LAST).map_err(Error::file(&path))?;
    let report = serde_json::from_str(&text).map_err(|e| Error::Content {
        path: path.clone(),
        what: format!("line {}: {e}; run the audit again", e.line()),
    })?;
    Ok(Some(report))
}

/// The settings named, else those in the data directory, else none; and the waivers given in the console.
fn settings(order: &Order<'_>) -> Result<Settings, Error> {
    let usual = folder(order.data).join("audit.toml");
    let path = order.settings.or_else(|| usual.is_file().then_some(usual.as_path()));
    let checks = catalogue()?;
    let known: Vec<&str> = checks.iter().map(|c| c.id.as_str()).collect();
    let mut settings = match path {
        Some(path) => Settings::read(path, &known, order.now)?,
        None => Settings::default(),
    };
    settings.waiver.extend(waivers(order.data)?);
    Ok(settings)
}

/// What the register knows of scans.
fn scans(data: &Path, now: Timestamp) -> Result<Scans, Error> {
    let register = Register::load(data)?;
    let mut out = Scans { newest: register.newest(now), ..Scans::default() };
    register.overdue(now).for_each(|e| out.overdue.push(format!("{} on {}", e.rule, e.asset)));
    out.open = register.open().count() as u64;
    Ok(out)
}

fn place(data: &Path) -> PathBuf {
    folder(data).join("waivers.json")
}

/// Failed checks that somebody accepted in the console.
pub fn waivers(data: &Path) -> Result<Vec<Waiver>, Error> {
    let path = place(data);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = super::gather::read_text(&path, 1 << 20).map_err(Error::file(&path))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::Content { path: path.clone(), what: format!("line {}: {e}", e.line()) })
}

/// Accepts a failed check until a day, with an owner and a reason. The newest waiver of a check counts.
pub fn waive(data: &Path, waiver: Waiver, now: Timestamp) -> Result<(), Error> {
    let bad = |what: &str| Err(Error::Content { path: place(data), what: what.to_owned() });
    if !catalogue()?.iter().any(|c| c.id == waiver.check) {
        return bad("there is no such check");
    }
    let days = (waiver.until - today(now)).get_days();
    if !(0..=super::settings::MAX_WAIVER_DAYS).contains(&days) {
        return bad("a waiver ends in the future and within 400 days");
    }
    let reason = waiver.reason.trim().chars().count();
    if !(10..=400).contains(&reason) || !(2..=80).contains(&waiver.by.trim().chars().count()) {
        return bad("a waiver has an owner and a reason of 10 to 400 letters");
    }
    let mut all = waivers(data)?;
    all.retain(|w| w.check != waiver.check);
    if all.len() >= MAX_WAIVERS {
        return bad("there are as many waivers as there may be");
    }
    all.push(waiver);
    write(data, &all)
}

/// Takes a waiver back.
pub fn unwaive(data: &Path, check: &str) -> Result<bool, Error> {
    let mut all = waivers(data)?;
    let before = all.len();
    all.retain(|w| w.check != check);
    write(data, &all)?;
    Ok(all.len() != before)
}

fn write(data: &Path, all: &[Waiver]) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(all).map_err(|_| Error::Shipped("form of the waivers"))?;
    crate::private::write(&place(data), text.as_bytes())
}

/// The running server as the audit asks of it.
pub fn running(
    listen: std::net::SocketAddr,
    origin: &str,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    drop_folders: Vec<PathBuf>,
) -> Settled<'static> {
    Settled::Running(Server {
        listen,
        origin: origin.to_owned(),
        certificate_file: certificate,
        private_key_file: key,
        drop_folders,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Date;

    #[test]
    fn a_waiver_of_the_console_has_an_end_an_owner_and_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let waiver = |check: &str, until: &str, reason: &str| Waiver {
            check: check.into(),
            until: until.parse::<Date>().unwrap(),
            by: "security officer".into(),
            reason: reason.into(),
        };
        waive(dir.path(), waiver("E07", "2026-12-01", "moved to the new host"), now).unwrap();
        waive(dir.path(), waiver("E07", "2026-12-31", "moved to the new host later"), now).unwrap();
        assert_eq!(waivers(dir.path()).unwrap().len(), 1, "the newest counts");
        for bad in [
            waiver("X99", "2026-12-01", "moved to the new host"),
            waiver("E07", "2026-11-01", "moved to the new host"),
            waiver("E07", "2029-01-01", "moved to the new host"),
            waiver("E07", "2026-12-01", "no"),
        ] {
            assert!(waive(dir.path(), bad, now).is_err());
        }
        assert!(unwaive(dir.path(), "E07").unwrap() && !unwaive(dir.path(), "E07").unwrap());
    }
}
