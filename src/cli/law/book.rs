//! `callvault law diff`, `stale` and `sign`: the packs as a book.

use super::{Done, From, PackFile, Packs, Shared, Usage, ask, files, hex, hex_file, now, overlay, read};
use crate::out;
use anyhow::Context;
use callvault_law::{diff as compare, sign as sign_packs, stale as old};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Shows what differs between two editions of the packs
#[derive(clap::Args)]
pub struct DiffArgs {
    /// A directory with packs, or "embedded"
    before: PathBuf,
    /// A directory with packs, or "embedded"
    after: PathBuf,
    /// JSON lines of cases: which of them would be answered differently
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
}

/// Lists rows whose source was not read for long; exit 1 when there are any
#[derive(clap::Args)]
pub struct StaleArgs {
    /// In days, with or without a d
    #[arg(long, default_value = "180d", value_name = "DAYS")]
    older_than: String,
    /// The day of the question (default: today)
    #[arg(long, value_name = "DATE")]
    as_of: Option<jiff::civil::Date>,
}

/// Signs the packs of a directory: writes packs.sig into it and prints the public key
#[derive(clap::Args)]
pub struct SignArgs {
    /// The directory
    dir: PathBuf,
    /// A private file with the 32 bytes of an Ed25519 seed in hexadecimal
    #[arg(long, value_name = "FILE")]
    seed_file: PathBuf,
}

fn edition(from: &From, dir: &Path) -> anyhow::Result<Packs> {
    let files: Vec<PackFile> =
        if dir == Path::new("embedded") { Packs::embedded_files() } else { files(dir)? };
    // Reading two editions decides nothing, so no signature is asked for.
    Ok(Packs::from_files(&files, None, overlay(from)?)?)
}

pub(super) fn diff(shared: &Shared, from: &From, args: &DiffArgs) -> anyhow::Result<Done> {
    let (before, after) = (edition(from, &args.before)?, edition(from, &args.after)?);
    let changes = compare(&before, &after);
    let mut turned = Vec::new();
    if let Some(file) = &args.cases {
        for case in ask::cases(&read(file)?)? {
            let (a, b) = (case.decide(&before)?, case.decide(&after)?);
            if a.decision != b.decision || a.fields != b.fields {
                turned.push(json!({"id": case.name(), "before": a.decision, "after": b.decision}));
            }
        }
    }
    if shared.json {
        out::json(
            &json!({"before": before.hash(), "after": after.hash(), "changes": changes, "cases": turned}),
        )?;
        return Ok(Done::Ok);
    }
    for c in &changes {
        out::line(&format!("{} {} {}", c.change, c.kind, c.id));
        c.fields.iter().for_each(|(f, a, b)| out::line(&format!("    {f}: {a} -> {b}")));
    }
    turned.iter().for_each(|t| out::line(&format!("answered differently: {t}")));
    out::line(&format!("{} entries differ, {} cases are answered differently", changes.len(), turned.len()));
    Ok(Done::Ok)
}

pub(super) fn stale(shared: &Shared, packs: &Packs, args: &StaleArgs) -> anyhow::Result<Done> {
    let days = args.older_than.strip_suffix('d').unwrap_or(&args.older_than);
    let days = days.parse::<i32>().ok().filter(|d| (0..=36_500).contains(d));
    let days = days.ok_or_else(|| Usage("--older-than is a number of days, such as 180d".to_owned()))?;
    let today = args.as_of.unwrap_or_else(|| jiff::tz::Offset::UTC.to_datetime(now()).date());
    let rows = old(packs, today, days);
    if shared.json {
        out::json(&json!({"as_of": today, "older_than_days": days, "rows": rows}))?;
    } else {
        for r in &rows {
            let mark = if r.unreviewed { " UNREVIEWED" } else { "" };
            let cite = r.citations.join("; ");
            out::line(&format!(
                "{} {} {} ({}, {}){mark}: {cite}",
                r.read, r.kind, r.id, r.pack, r.confidence
            ));
        }
        out::line(&format!("{} rows were last read more than {days} days before {today}", rows.len()));
    }
    Ok(if rows.is_empty() { Done::Ok } else { Done::Finding })
}

pub(super) fn sign(args: &SignArgs) -> anyhow::Result<Done> {
    let seed: [u8; 32] = hex_file(&args.seed_file)?;
    let signed = sign_packs(&files(&args.dir)?, &seed)?;
    let path = args.dir.join("packs.sig");
    std::fs::write(&path, hex(&signed.signature)).with_context(|| path.display().to_string())?;
    out::line(&hex(&signed.key));
    Ok(Done::Ok)
}
