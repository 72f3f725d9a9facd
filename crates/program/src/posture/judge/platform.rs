//! Program and machine.

use super::{Judge, some};
use crate::posture::{Facts, Verdict};

pub const CHECKS: &[(&str, Judge)] = &[
    ("V02", scans),
    ("V06", ports),
    ("V07", models),
    ("V08", rights),
    ("V09", volume),
    ("V11", secrets),
    ("V13", schema),
];

const SCAN_DAYS: i64 = 90;
const FREE_PERCENT: u64 = 20;

fn scans(f: &Facts) -> Result<Verdict, Verdict> {
    let s = f.scans.get()?;
    let Some((tool, days)) = s.newest.iter().min_by_key(|(_, days)| **days) else {
        return Ok(Verdict::unknown(
            "no scan was imported; `callvault audit import FILE` takes SARIF, nmap XML and Trivy JSON",
        ));
    };
    let mut problems = Vec::new();
    if *days > SCAN_DAYS {
        problems.push(format!("the newest scan ({tool}) is {days} days old; {SCAN_DAYS} is the most"));
    }
    problems.extend(some(&s.overdue, "critical or high findings are past their date"));
    Ok(Verdict::of(
        problems,
        format!("{} open finding(s), none grave overdue; newest scan ({tool}) {days} day(s) old", s.open),
    ))
}

fn ports(f: &Facts) -> Result<Verdict, Verdict> {
    let ports = f.open_ports.get()?;
    let problems: Vec<String> = ports
        .iter()
        .filter(|p| p.allowed.is_none())
        .map(|p| format!("{}:{} is open and not listed", p.address, p.port))
        .collect();
    Ok(Verdict::of(problems, format!("{} port(s) open to the network, all listed", ports.len())))
}

fn models(f: &Facts) -> Result<Verdict, Verdict> {
    let models = f.models.get()?;
    if models.values().all(|state| state == "absent") {
        return Ok(Verdict::not_applicable("no speech model is installed"));
    }
    let problems = models
        .iter()
        .filter(|(_, s)| *s == "changed")
        .map(|(m, _)| format!("files of {m} are not the pinned ones"))
        .collect();
    Ok(Verdict::of(problems, "every file has its pinned SHA-256"))
}

fn rights(f: &Facts) -> Result<Verdict, Verdict> {
    let h = f.host.get()?;
    let mut problems = Vec::new();
    match h.uid {
        Some(0) => problems.push("it runs as root".to_owned()),
        Some(_) => {}
        None => return Ok(Verdict::unknown("the account it runs as could not be read")),
    }
    if h.no_new_privileges == Some(false) {
        problems.push("it may gain new rights (NoNewPrivileges is off)".into());
    }
    if let Some(umask) = h.umask.filter(|u| u & 0o007 != 0o007) {
        problems.push(format!("new files are readable by other accounts (umask {umask:03o})"));
    }
    Ok(Verdict::of(problems, "an account of its own, no new rights, private files"))
}

fn volume(f: &Facts) -> Result<Verdict, Verdict> {
    let h = f.host.get()?;
    let mut problems = Vec::new();
    if let Some(free) = h.free_percent.filter(|p| *p < FREE_PERCENT) {
        problems.push(format!("{free} % of the data volume is free; {FREE_PERCENT} % is the least"));
    }
    match h.encrypted_volume {
        Some(true) => {}
        Some(false) => problems.push("the data volume is not encrypted".into()),
        None if problems.is_empty() => {
            return Ok(Verdict::unknown("nobody can tell from here whether the data volume is encrypted"));
        }
        None => {}
    }
    Ok(Verdict::of(problems, format!("encrypted, {} % free", h.free_percent.unwrap_or(0))))
}

fn secrets(f: &Facts) -> Result<Verdict, Verdict> {
    let p = f.pbx.get()?;
    let problems = p
        .shipped_secrets
        .iter()
        .map(|place| format!("{place} has a secret that its maker shipped, or none"))
        .collect();
    if p.secrets == 0 {
        return Ok(Verdict::not_applicable("no secret of a telephone system was found"));
    }
    Ok(Verdict::of(problems, format!("{} secret(s) compared with those that makers ship", p.secrets)))
}

fn schema(f: &Facts) -> Result<Verdict, Verdict> {
    let (found, known) = *f.schema.get()?;
    let problems = if found == known {
        vec![]
    } else {
        vec![format!("the database has schema {found}, this program knows {known}")]
    };
    Ok(Verdict::of(problems, format!("schema {found}")))
}
