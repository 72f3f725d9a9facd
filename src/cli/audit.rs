//! `callvault audit`: the posture of this installation, with evidence. Exit 1 when a check fails.

use super::{Done, Shared};
use crate::{out, wire};
use anyhow::Context;
use callvault_law::{Overlay, Packs};
use callvault_model::{Clock, SystemClock};
use callvault_program::{
    posture::{self, Settled, desk},
    promises,
    register::{self, Register},
    request::holidays::Holidays,
};
use callvault_speech::models;
use std::path::PathBuf;

/// Checks how this installation is set up and what it did, with evidence and remedies
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Option<Act>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The server's settings, as `callvault serve --config` reads them
    #[arg(long, value_name = "FILE.toml", env = "CALLVAULT_CONFIG")]
    config: Option<PathBuf>,
    /// The auditor's own settings: folders, documents, waivers (default: audit/audit.toml in the data directory)
    #[arg(long, value_name = "FILE.toml")]
    settings: Option<PathBuf>,
    /// Writes the report into this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Opens the vault with its key, so that sealed files are opened and not only read; not while a server runs on it
    #[arg(long)]
    open: bool,
    /// Leaves no trace: the run does not enter the history
    #[arg(long)]
    no_history: bool,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Takes the report of a scanner into the findings register: SARIF, nmap XML or Trivy JSON
    Import {
        /// The reports
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Lists the findings register
    Register,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Oscal,
    Sarif,
    Html,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = callvault_store::Vault::peek(&shared.data)?
        .ok_or_else(|| callvault_store::Error::Absent(shared.data.clone()))?;
    let now = SystemClock.now();
    match &args.act {
        Some(Act::Import { files }) => return import(shared, files, now),
        Some(Act::Register) => return list(shared, now),
        None => {}
    }
    let key_file = wire::written_key(shared, &vault).ok();
    let open = args.open.then(|| wire::open(shared)).transpose()?;
    let holidays = open.as_ref().map(Holidays::of).transpose()?.unwrap_or_default();
    let report = desk::run(&desk::Order {
        data: &shared.data,
        id: vault,
        vault: open.as_ref(),
        key_file: key_file.as_deref(),
        server: args.config.as_deref().map_or(Settled::Unnamed, Settled::File),
        settings: args.settings.as_deref(),
        models: models::states().map_err(|e| e.to_string()).into(),
        promises: promises::of(&shared.data, &Packs::embedded(Overlay::default())?, &holidays, now),
        now,
    })?;
    if !args.no_history
        && let Err(e) = desk::keep(&shared.data, &report)
    {
        out::say(&format!("this run does not enter the history: {e}"));
    }
    let text = match if shared.json { Format::Json } else { args.format } {
        Format::Text => posture::text::text(&report),
        Format::Json => serde_json::to_string_pretty(&report)?,
        Format::Oscal => serde_json::to_string_pretty(&posture::oscal::oscal(&report))?,
        Format::Sarif => serde_json::to_string_pretty(&posture::sarif::sarif(&report))?,
        Format::Html => crate::report::audit::audit_report(&report)?,
    };
    match &args.out {
        Some(path) => std::fs::write(path, text).with_context(|| path.display().to_string())?,
        None => out::line(text.trim_end()),
    }
    Ok(if report.fails() { Done::Finding } else { Done::Ok })
}

fn import(shared: &Shared, files: &[PathBuf], now: jiff::Timestamp) -> anyhow::Result<Done> {
    let mut register = Register::load(&shared.data)?;
    let mut done = Vec::new();
    for file in files {
        done.push(register.take(&register::read(file)?, now));
    }
    register.save(&shared.data)?;
    if shared.json {
        out::json(&done)?;
        return Ok(Done::Ok);
    }
    for (file, i) in files.iter().zip(&done) {
        out::line(&format!(
            "{}: {} told of {}; {} new, {} back, {} gone",
            file.display(),
            i.tool,
            i.told,
            i.new,
            i.back,
            i.gone
        ));
    }
    Ok(Done::Ok)
}

fn list(shared: &Shared, now: jiff::Timestamp) -> anyhow::Result<Done> {
    let register = Register::load(&shared.data)?;
    if shared.json {
        out::json(&register)?;
        return Ok(Done::Ok);
    }
    for e in register.open() {
        let late = if e.due_at < now { "LATE " } else { "" };
        let day: String = e.due_at.to_string().chars().take(10).collect();
        out::line(&format!(
            "{} {late}{:?} until {day} ({}): {} on {}: {}",
            e.id, e.grade, e.owner, e.rule, e.asset, e.title
        ));
    }
    out::line(&format!("{} open, {} overdue", register.open().count(), register.overdue(now).count()));
    Ok(Done::Ok)
}
