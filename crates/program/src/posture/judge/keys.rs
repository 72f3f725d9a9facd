//! Keys and files at rest.

use super::{Judge, bits, some};
use crate::posture::{Facts, Seen, Verdict};

pub const CHECKS: &[(&str, Judge)] = &[
    ("E01", sealed),
    ("E02", key_file),
    ("E03", cryptoperiod),
    ("E05", backup),
    ("E06", memory),
    ("E07", data_directory),
    ("E08", tenants),
];

/// The longest life of a shred epoch and of the tenant key, in days.
const EPOCH_DAYS: i64 = 35;
const TENANT_DAYS: i64 = 365;

fn sealed(f: &Facts) -> Result<Verdict, Verdict> {
    let s = f.sealed.get()?;
    let shared = f.originals.get()?;
    if s.looked_at == 0 && s.missing.count == 0 {
        return Ok(Verdict::not_applicable("there is no sealed file yet"));
    }
    let opened = match &f.opened {
        Seen::Known(o) => Some(o),
        _ => None,
    };
    let problems = [
        opened.and_then(|o| some(&o.failed, "sealed files do not open with their own key")),
        some(&s.missing, "sealed files are not there"),
        some(&s.changed, "sealed files have other bytes than were recorded"),
        some(&s.plain, "files in the place of sealed ones are not encrypted"),
        some(&shared.shared_keys, "objects share a key"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!(
            "{} sealed files read again: bytes as recorded, no readable header, one key each{}",
            s.looked_at,
            opened.map_or_else(
                || "; not opened, for this run has no key".to_owned(),
                |o| format!("; {} opened with their own key", o.tried)
            )
        ),
    ))
}

fn key_file(f: &Facts) -> Result<Verdict, Verdict> {
    let k = f.key.get()?;
    let mut problems = Vec::new();
    if k.file.mode & 0o077 != 0 {
        problems.push(bits(&k.file));
    }
    problems.extend(k.loose.iter().map(bits));
    let service = k.service.as_ref();
    let open = service.into_iter().flat_map(|s| &s.files).filter(|f| f.mode & 0o077 != 0);
    problems.extend(open.map(bits));
    // A copy of the disk holds no security module and no service, but perhaps what a service lets in.
    if let Some(service) = service.filter(|s| k.same_file_system && s.same_file_system) {
        problems.push(format!(
            "{} and what {} accepts lie on the file system of the data: a copy of the disk opens it until that is withdrawn",
            k.file.path, service.host
        ));
    } else if k.same_file_system && !k.hsm && service.is_none() {
        let cover = if k.passphrase {
            "a passphrase protects it, a copy of the disk still holds both"
        } else {
            "and no passphrase protects it"
        };
        problems.push(format!("{} lies on the file system of the data, {cover}", k.file.path));
    }
    let kept = match (service, k.hsm, k.passphrase) {
        (Some(service), ..) => format!("opened only by {} at {}", service.name, service.host),
        (_, true, _) => "opened only by a security module".to_owned(),
        (_, _, true) => "on a file system of its own, protected by a passphrase".to_owned(),
        (_, _, false) => "on a file system of its own, without a passphrase".to_owned(),
    };
    Ok(Verdict::of(problems, format!("{}: private, {kept}", k.file.path)))
}

fn cryptoperiod(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.census.get()?;
    let mut problems = Vec::new();
    let newest = c.epochs.values().map(|at| f.days_since(at)).min();
    match newest {
        None => problems.push("the ledger knows no shred epoch".to_owned()),
        Some(days) if days > EPOCH_DAYS => {
            problems.push(format!("the newest shred epoch is {days} days old; {EPOCH_DAYS} is the most"));
        }
        Some(_) => {}
    }
    let tenant = c.kinds.get("key.rotated").or_else(|| c.kinds.get("vault.created"));
    match tenant.map(|(_, at)| f.days_since(at)) {
        None => problems.push("the ledger does not tell how old the tenant key is".to_owned()),
        Some(days) if days > TENANT_DAYS => {
            problems.push(format!("the tenant key is {days} days old; {TENANT_DAYS} is the most"));
        }
        Some(_) => {}
    }
    Ok(Verdict::of(
        problems,
        format!("{} shred epoch(s), the newest {} day(s) old", c.epochs.len(), newest.unwrap_or(0)),
    ))
}

fn backup(f: &Facts) -> Result<Verdict, Verdict> {
    let c = f.census.get()?;
    Ok(match c.kinds.get("vault.backup_written") {
        None => Verdict::of(vec!["the ledger knows no backup".into()], ""),
        Some((n, at)) => {
            let days = f.days_since(at);
            let late = (days >= 1).then(|| format!("the newest backup is {days} day(s) old"));
            Verdict::of(late.into_iter().collect(), format!("{n} backups, the newest less than a day old"))
        }
    })
}

fn memory(f: &Facts) -> Result<Verdict, Verdict> {
    let h = f.host.get()?;
    let mut problems = Vec::new();
    for (device, encrypted) in &h.swaps {
        match encrypted {
            Some(true) => {}
            Some(false) => problems.push(format!("swap on {device} is not encrypted")),
            None => problems.push(format!("nobody can tell whether swap on {device} is encrypted")),
        }
    }
    match h.core_limit {
        Some(0) => {}
        Some(bytes) => problems.push(format!("a crash may write {bytes} bytes of memory to disk")),
        None => problems.push("a crash may write the whole memory to disk (core limit: unlimited)".into()),
    }
    Ok(Verdict::of(problems, format!("{} swap device(s), core dumps off", h.swaps.len())))
}

fn data_directory(f: &Facts) -> Result<Verdict, Verdict> {
    let t = f.tree.get()?;
    let mut problems = Vec::new();
    // Behind a closed door a loose file harms nobody; it is named once the door is open.
    if t.root.mode & 0o077 != 0 {
        problems.push(bits(&t.root));
        problems.extend(t.loose.iter().map(bits));
    }
    problems.extend(some(&t.foreign, "files belong to another account than the directory"));
    Ok(Verdict::of(
        problems,
        format!("{} shuts other accounts out of its {} files and folders", t.root.path, t.looked_at),
    ))
}

fn tenants(f: &Facts) -> Result<Verdict, Verdict> {
    let all = f.tenants.get()?;
    if all.is_empty() {
        return Ok(Verdict::not_applicable("there is no tenant"));
    }
    let mut problems = Vec::new();
    for t in all {
        let name = &t.name;
        match t.state.as_str() {
            "live" if !t.its_own => {
                problems.push(format!("the directory of tenant {name} does not hold its vault"))
            }
            "unfinished" => problems.push(format!("the making of tenant {name} was not finished")),
            "ending" => problems.push(format!("tenant {name} is ended and has no certificate yet")),
            "ended" if t.there => problems.push(format!("files of the ended tenant {name} are still there")),
            _ => {}
        }
    }
    let mut tried = "; their keys were not tried, for this run has no key";
    if let Seen::Known(opened) = &f.opened {
        problems.extend(opened.tenants.iter().map(|name| format!("the key of tenant {name} does not open")));
        tried = "; every key opens";
    }
    let named = |state: &str| {
        let of: Vec<&str> = all.iter().filter(|t| t.state == state).map(|t| t.name.as_str()).collect();
        if of.is_empty() { "none".to_owned() } else { of.join(", ") }
    };
    Ok(Verdict::of(problems, format!("live: {}{tried}; ended: {}", named("live"), named("ended"))))
}
