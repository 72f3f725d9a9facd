//! `callvault show [ID]`: the list, or one conversation as the local operator may see it: masked.

use super::{Done, Shared};
use crate::{out, report, wire};
use anyhow::Context;
use callvault_model::id::ConversationId;
use std::path::{Path, PathBuf};

/// Lists conversations, or shows one as you may see it
#[derive(clap::Args)]
pub struct Args {
    /// The conversation; without it, all are listed
    id: Option<String>,
    /// Writes the conversation's page with player and masked transcript into this file
    #[arg(long, value_name = "FILE.html", requires = "id")]
    report: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    match &args.id {
        None => list(shared, &vault),
        Some(id) => {
            let id = id.parse().context("see `callvault show` for the list")?;
            match &args.report {
                Some(file) => page(&vault, id, file),
                None => one(shared, &vault, id),
            }
        }
    }
}

fn page(vault: &callvault_store::Vault, id: ConversationId, file: &Path) -> anyhow::Result<Done> {
    std::fs::write(file, report::vault::page(vault, id)?).with_context(|| file.display().to_string())?;
    Ok(Done::Ok)
}

fn list(shared: &Shared, vault: &callvault_store::Vault) -> anyhow::Result<Done> {
    let rows = vault.conversations()?;
    if shared.json {
        out::json(&rows)?;
        return Ok(Done::Ok);
    }
    out::line(
        "conversation                          channel  state                proof         findings  length",
    );
    for r in rows {
        out::line(&format!(
            "{:<37} {:<8} {:<20} {:<13} {:>8}  {:>6}{}",
            r.id.to_string(),
            r.channel,
            r.state.as_str(),
            r.proof.as_deref().unwrap_or("-"),
            r.findings,
            out::clock(r.duration_ms),
            r.reason.map(|w| format!("\n    {w}")).unwrap_or_default()
        ));
    }
    Ok(Done::Ok)
}

fn one(shared: &Shared, vault: &callvault_store::Vault, id: ConversationId) -> anyhow::Result<Done> {
    let c = vault.masked(id)?;
    if shared.json {
        out::json(&c)?;
        return Ok(Done::Ok);
    }
    out::line(&format!(
        "{}  {}  {}  proof {}",
        c.row.id,
        c.row.channel,
        c.row.state.as_str(),
        c.row.proof.as_deref().unwrap_or("-")
    ));
    for t in &c.turns {
        out::line(&format!("{:>6}  {:<9} {}", out::clock(t.start_ms), t.role, t.text));
    }
    out::line("");
    for f in &c.findings_list {
        let kept = f.token.as_deref().unwrap_or("never kept");
        out::line(&format!("{:>6}  {:<16} {:<16} {kept}", out::clock(f.start_ms), f.entity, f.recognizer));
    }
    Ok(Done::Ok)
}
