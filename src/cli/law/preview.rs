//! `callvault law preview`: a campaign before it starts. How many numbers may be called, and why the others may not.

use super::{Done, Shared, Usage, read};
use crate::out;
use anyhow::Context;
use callvault_law::{DISCLAIMER, Facts, Packs, evaluate, places_of};
use serde_json::{Map, Value, json};
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

#[derive(Default)]
struct Counts {
    rows: u64,
    decisions: BTreeMap<String, u64>,
    reasons: BTreeMap<String, (u64, String, bool)>,
    shadow: BTreeMap<String, u64>,
    missing: BTreeMap<String, u64>,
}

pub(super) fn run(shared: &Shared, packs: &Packs, args: &Args) -> anyhow::Result<Done> {
    let text = read(&args.file)?;
    let common = match &args.common {
        Some(file) => {
            serde_json::from_str(&read(file)?).ok().context("--common is no JSON object of facts")?
        }
        None => Map::new(),
    };
    let is_csv = args.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let mut counts = Counts::default();
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    let header = if is_csv { lines.next().map(|(_, l)| fields(l)) } else { None };
    let now = args.at.unwrap_or_else(super::now);
    for (i, line) in lines {
        let row = match &header {
            Some(names) => from_csv(names, line),
            None => serde_json::from_str(line).ok().context("no JSON object"),
        };
        let row = row.with_context(|| format!("{} line {}", args.file.display(), i + 1))?;
        let (facts, as_of) = facts(packs, &common, row, args.at, now)?;
        let action = if args.text { "outbound_text" } else { "outbound_call" };
        counts.add(&evaluate(packs, "tcpa", action, &facts, as_of)?);
    }
    if counts.rows == 0 {
        return Err(Usage(format!("{} has no rows", args.file.display())).into());
    }
    counts.report(shared, packs)?;
    Ok(Done::Ok)
}

/// The facts of a row over the common ones, with the states and zones of its number.
fn facts(
    packs: &Packs,
    common: &Map<String, Value>,
    row: Map<String, Value>,
    at: Option<jiff::Timestamp>,
    now: jiff::Timestamp,
) -> anyhow::Result<(Facts, jiff::Timestamp)> {
    let mut all = common.clone();
    let row = match row.get("input") {
        Some(Value::Object(input)) => input.clone(),
        _ => row,
    };
    all.extend(row);
    if let Some(at) = at {
        all.insert("at".to_owned(), at.to_string().into());
    }
    let at = all.entry("at").or_insert_with(|| now.to_string().into());
    let as_of = at.as_str().and_then(|t| t.parse().ok()).unwrap_or(now);
    let places = all.get("called").and_then(Value::as_str).map(|n| places_of(packs, n));
    if let Some(places) = places.filter(|p| !p.zones.is_empty()) {
        for (name, found) in [("candidate_states", places.states), ("candidate_zones", places.zones)] {
            if let Value::Array(list) = all.entry(name).or_insert_with(|| json!([])) {
                list.extend(found.into_iter().map(Value::String));
            }
        }
    }
    Ok((Facts::new(Value::Object(all))?, as_of))
}

/// Fields of a CSV line; quotes may hold commas and doubled quotes, not line breaks.
fn fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                out.last_mut().into_iter().for_each(|f| f.push('"'));
            }
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            '\u{feff}' => {}
            c => out.last_mut().into_iter().for_each(|f| f.push(c)),
        }
    }
    out.iter().map(|f| f.trim().to_owned()).collect()
}

/// A row by the names of the header; dots make objects, semicolons lists, an empty cell says nothing.
fn from_csv(names: &[String], line: &str) -> anyhow::Result<Map<String, Value>> {
    let cells = fields(line);
    anyhow::ensure!(cells.len() == names.len(), "{} cells, and the header has {}", cells.len(), names.len());
    let mut out = Map::new();
    for (name, cell) in names.iter().zip(cells).filter(|(_, c)| !c.is_empty()) {
        let value = typed(name, &cell);
        match name.split_once('.') {
            Some((object, field)) => {
                if let Value::Object(map) = out.entry(object).or_insert_with(|| json!({})) {
                    map.insert(field.to_owned(), value);
                }
            }
            None => drop(out.insert(name.clone(), value)),
        }
    }
    Ok(out)
}

/// Telephone numbers and area codes stay text, whatever they look like.
fn typed(name: &str, cell: &str) -> Value {
    const LISTS: &[&str] =
        &["candidate_states", "candidate_zones", "holidays_local", "emergencies", "sellers_listed"];
    let last = name.rsplit('.').next().unwrap_or(name);
    if LISTS.contains(&last) {
        return cell.split(';').map(str::trim).filter(|c| !c.is_empty()).map(Value::from).collect();
    }
    match cell {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        _ if ["called", "phone", "called_npa"].contains(&last) => cell.into(),
        _ => cell.parse::<u64>().map_or_else(|_| cell.into(), Value::from),
    }
}

impl Counts {
    fn add(&mut self, d: &callvault_law::Decision) {
        self.rows += 1;
        *self.decisions.entry(d.decision.clone()).or_default() += 1;
        for r in &d.reasons {
            let cite = r.source.cite.first().map(|c| c.reference.clone()).unwrap_or_default();
            self.reasons.entry(r.code.clone()).or_insert((0, cite, r.source.unreviewed)).0 += 1;
        }
        for s in &d.shadow {
            let from = s.from.map_or_else(|| "undated".to_owned(), |f| f.to_string());
            *self.shadow.entry(format!("would {} from {from}: {}", s.would, s.code)).or_default() += 1;
        }
        for fact in &d.missing_facts {
            *self.missing.entry(fact.clone()).or_default() += 1;
        }
    }

    fn report(&self, shared: &Shared, packs: &Packs) -> anyhow::Result<()> {
        let by_count = |map: &BTreeMap<String, u64>| {
            let mut list: Vec<(String, u64)> = map.iter().map(|(k, n)| (k.clone(), *n)).collect();
            list.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            list
        };
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, (n, ..))| std::cmp::Reverse(*n));
        if shared.json {
            let reasons: Vec<Value> = reasons
                .iter()
                .map(|(code, (n, cite, low))| json!({"reason": code, "count": n, "citation": cite, "unreviewed": low}))
                .collect();
            return out::json(&json!({
                "rows": self.rows, "decisions": self.decisions, "reasons": reasons, "shadow": self.shadow,
                "missing_facts": self.missing, "pack_hash": packs.hash(), "disclaimer": DISCLAIMER,
            }));
        }
        out::line(&format!("{} rows", self.rows));
        by_count(&self.decisions).iter().for_each(|(word, n)| out::line(&format!("{n:>9}  {word}")));
        out::line("why (a row may have several reasons)");
        for (code, (n, cite, low)) in reasons {
            let mark = if *low { " UNREVIEWED" } else { "" };
            out::line(&format!("{n:>9}  {code}{mark}  {cite}"));
        }
        by_count(&self.shadow).iter().for_each(|(what, n)| out::line(&format!("{n:>9}  {what}")));
        by_count(&self.missing).iter().for_each(|(fact, n)| out::line(&format!("{n:>9}  not known: {fact}")));
        out::line(DISCLAIMER);
        Ok(())
    }
}
