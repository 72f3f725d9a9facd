//! `callvault law preview`: a campaign before it starts. How many numbers may be called, and why the others may not.

use super::{Done, Shared, Usage, read};
use crate::out;
use anyhow::Context;
use callvault_law::{Counts, DISCLAIMER, Packs, Preview};
use serde_json::{Map, json};
use std::{collections::BTreeMap, path::PathBuf};

/// Counts who of a list may be called or texted, and why the others may not; nobody is named
#[derive(clap::Args)]
pub struct Args {
    /// A CSV file with a header of fact names, or JSON lines of facts; a column "called" gives states and zones
    file: PathBuf,
    /// A JSON file with facts that all rows share
    #[arg(long, value_name = "FILE")]
    common: Option<PathBuf>,
    /// The instant of the calls (default: each row's "at", or now)
    #[arg(long, value_name = "INSTANT")]
    at: Option<jiff::Timestamp>,
    /// Texts, not calls
    #[arg(long)]
    text: bool,
}

pub(super) fn run(shared: &Shared, packs: &Packs, args: &Args) -> anyhow::Result<Done> {
    let text = read(&args.file)?;
    let common = match &args.common {
        Some(file) => {
            serde_json::from_str(&read(file)?).ok().context("--common is no JSON object of facts")?
        }
        None => Map::new(),
    };
    let mut preview = Preview::new(packs, common, args.at, super::now(), args.text);
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    if args.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))
        && let Some((_, header)) = lines.next()
    {
        preview.header(header)?;
    }
    for (i, line) in lines {
        preview.row(line, &|_| {}).with_context(|| format!("{} line {}", args.file.display(), i + 1))?;
    }
    let counts = preview.counts();
    if counts.rows == 0 {
        return Err(Usage(format!("{} has no rows", args.file.display())).into());
    }
    report(shared, packs, &counts)?;
    Ok(Done::Ok)
}

fn report(shared: &Shared, packs: &Packs, counts: &Counts) -> anyhow::Result<()> {
    if shared.json {
        let mut all = serde_json::to_value(counts)?;
        if let Some(map) = all.as_object_mut() {
            map.insert("pack_hash".to_owned(), json!(packs.hash()));
            map.insert("disclaimer".to_owned(), json!(DISCLAIMER));
        }
        return out::json(&all);
    }
    let by_count = |map: &BTreeMap<String, u64>| {
        let mut list: Vec<(String, u64)> = map.iter().map(|(k, n)| (k.clone(), *n)).collect();
        list.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        list
    };
    out::line(&format!("{} rows", counts.rows));
    by_count(&counts.decisions).iter().for_each(|(word, n)| out::line(&format!("{n:>9}  {word}")));
    out::line("why (a row may have several reasons)");
    for r in &counts.reasons {
        let mark = if r.unreviewed { " UNREVIEWED" } else { "" };
        out::line(&format!("{:>9}  {}{mark}  {}", r.count, r.reason, r.citation));
    }
    by_count(&counts.shadow).iter().for_each(|(what, n)| out::line(&format!("{n:>9}  {what}")));
    by_count(&counts.missing_facts)
        .iter()
        .for_each(|(fact, n)| out::line(&format!("{n:>9}  not known: {fact}")));
    out::line(DISCLAIMER);
    Ok(())
}
