//! Incidents, scopes and clocks as text and JSON.

use super::packs;
use crate::{cli::Shared, out};
use anyhow::Context;
use callvault_law::DISCLAIMER;
use callvault_model::id::IncidentId;
use callvault_program::incident::{clocks, notice};
use callvault_store::{
    Vault,
    incident::{MAX_PROOFS, Scope, Word},
};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

pub fn list(shared: &Shared, vault: &Vault) -> anyhow::Result<()> {
    let rows = vault.incidents()?;
    if shared.json {
        return out::json(&rows);
    }
    if rows.is_empty() {
        out::line("no incident");
    }
    for i in rows {
        let people =
            i.scope.map_or_else(|| "scope not computed".to_owned(), |s| format!("{} people", s.people));
        out::line(&format!("{}  {:<12} {:<6}  {people}  {}", i.id, i.phase.as_str(), i.severity, i.title));
    }
    Ok(())
}

pub fn one(shared: &Shared, vault: &Vault, id: IncidentId) -> anyhow::Result<()> {
    let (i, tasks, timeline) = (vault.incident(id)?, vault.incident_tasks(id)?, vault.timeline(id)?);
    if shared.json {
        return out::json(&serde_json::json!({
            "incident": i, "tasks": tasks, "notices": vault.notices(id)?, "frozen": vault.frozen(id)?,
            "notes": vault.incident_notes(id)?, "evidence": vault.incident_evidence(id)?, "timeline": timeline,
        }));
    }
    out::line(&format!("{} ({}, severity {})", i.title, i.phase.as_str(), i.severity));
    for (name, at) in &i.events {
        out::line(&format!("  {name:<22} {at}"));
    }
    for t in &tasks {
        let mark = if t.done_at.is_some() { "x" } else { " " };
        out::line(&format!("  [{mark}] {:<13} {:<14} {}", t.phase, t.role, t.title));
    }
    for e in timeline {
        out::line(&format!("  {}  {}  {}", e.at, e.kind, e.actor));
    }
    Ok(())
}

/// A scope in lines.
pub fn scope(scope: &Scope) {
    out::line(&format!(
        "{} people, {} readings, {} refused, {} of people not known any more; digest {}",
        scope.people.len(),
        scope.entries.len(),
        scope.refused.len(),
        scope.unresolved.len(),
        scope.digest
    ));
    for p in &scope.people {
        let names = |all: &std::collections::BTreeSet<Word>| {
            all.iter().map(|c| notice::name_of(c)).collect::<Vec<_>>().join(", ")
        };
        out::line(&format!(
            "{}  {} readings, {} to {}; in clear: {}; covered: {}",
            p.subject,
            p.entries.len(),
            p.first,
            p.last,
            if p.clear.is_empty() { "nothing".into() } else { names(&p.clear) },
            names(&p.covered)
        ));
    }
}

/// Scope and proofs as files that somebody else checks with `callvault-verify` and the public key.
pub fn pack(vault: &Vault, scope: &Scope, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir(dir)
        .with_context(|| format!("{}: give a directory that is not there yet", dir.display()))?;
    let path = |name: &str| dir.join(name);
    let create = |name: &str| {
        let file = File::create_new(path(name)).with_context(|| path(name).display().to_string())?;
        anyhow::Ok(BufWriter::with_capacity(256 << 10, file))
    };
    let mut file = create("scope.json")?;
    serde_json::to_writer_pretty(&mut file, scope)?;
    file.flush().with_context(|| path("scope.json").display().to_string())?;
    writeln!(create("vkey.txt")?, "{}", vault.vkey()).context("vkey.txt")?;
    if scope.entries.len() > MAX_PROOFS {
        return Ok(vault.prove_scope(scope, create("entries.proof")?)?);
    }
    for e in &scope.entries {
        let name = format!("entry-{}.tlog-proof", e.seq);
        create(&name)?.write_all(vault.ledger_proof(e.seq)?.as_bytes()).context(name)?;
    }
    Ok(())
}

pub fn clocks(shared: &Shared, vault: &Vault, id: IncidentId) -> anyhow::Result<()> {
    let all = clocks::countdowns(&packs()?, &vault.incident(id)?, &vault.notices(id)?, vault.clock().now());
    if shared.json {
        return out::json(&serde_json::json!({ "clocks": all, "disclaimer": DISCLAIMER }));
    }
    for c in &all {
        out::line(&format!(
            "{:<24} {:<13} {}  to {}; from {}; {}; confidence {}, read {}",
            c.clock,
            c.due.as_deref().unwrap_or("-"),
            c.left,
            c.recipients.join(", "),
            c.start,
            c.cite,
            c.confidence,
            c.read
        ));
    }
    out::line(DISCLAIMER);
    Ok(())
}
