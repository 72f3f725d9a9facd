//! `callvault law eval`, `explain` and `test`: cases in, answers out.

use super::{Done, Shared, read};
use crate::out;
use anyhow::Context;
use callvault_law::{DISCLAIMER, Decision, Facts, Packs, Source, evaluate};
use serde_json::{Map, Value, json};
use std::{
    io::{BufRead, Read},
    path::PathBuf,
};

/// Longest case, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// The worked cases of this version.
const CASES: &str = include_str!("../../../fixtures/law/cases.jsonl");

/// JSON lines {id, engine, as_of, input} in, answers out, one a line in the same order; exit 3 when a line is no case
#[derive(clap::Args)]
pub struct EvalArgs {
    /// Leaves out hashes, duties, clocks, shadows and sources
    #[arg(long)]
    brief: bool,
}

/// Tells people why: every reason with citation, source, date and confidence
#[derive(clap::Args)]
pub struct ExplainArgs {
    /// A file with one case, or - for standard input
    #[arg(long, value_name = "FILE")]
    case: PathBuf,
}

/// Compares answers with worked cases; exit 1 when one differs
#[derive(clap::Args)]
pub struct TestArgs {
    /// JSON lines with "expect" (default: the cases of this version)
    file: Option<PathBuf>,
    /// Lists every engine and action and ends
    #[arg(long)]
    actions: bool,
}

/// A case as it is asked.
pub(super) struct Case {
    id: Value,
    engine: String,
    action: String,
    as_of: jiff::Timestamp,
    facts: Facts,
    expect: Map<String, Value>,
}

impl Case {
    /// Reads a case. Errors never quote a value.
    pub(super) fn parse(mut value: Value) -> anyhow::Result<Self> {
        let object = value.as_object_mut().context("a case is an object with id, engine, as_of and input")?;
        let text = |object: &Map<String, Value>, name: &str| {
            let found = object.get(name).and_then(Value::as_str).map(str::to_owned);
            found.with_context(|| format!("\"{name}\" is missing or no text"))
        };
        let engine = text(object, "engine")?;
        let as_of = text(object, "as_of")?;
        let as_of = as_of.parse().ok().or_else(|| format!("{as_of}T00:00:00Z").parse().ok());
        let as_of = as_of.context("\"as_of\" is no instant; write 2026-11-23T12:00:00Z")?;
        let input = object.remove("input").context("\"input\" is missing")?;
        let action =
            input.get("action").and_then(Value::as_str).context("\"input.action\" is missing")?.to_owned();
        let expect = object.get("expect").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Self {
            id: object.remove("id").unwrap_or(Value::Null),
            engine,
            action,
            as_of,
            facts: Facts::new(input)?,
            expect,
        })
    }

    pub(super) fn decide(&self, packs: &Packs) -> anyhow::Result<Decision> {
        Ok(evaluate(packs, &self.engine, &self.action, &self.facts, self.as_of)?)
    }

    pub(super) fn name(&self) -> String {
        self.id.as_str().map_or_else(|| self.id.to_string(), str::to_owned)
    }
}

/// The answer line of a case.
fn line(id: &Value, d: &Decision, brief: bool) -> anyhow::Result<Value> {
    let mut out = d.fields.clone();
    out.insert("id".to_owned(), id.clone());
    out.insert("decision".to_owned(), d.decision.clone().into());
    out.insert("reasons".to_owned(), d.reasons.iter().map(|r| r.code.clone()).collect());
    out.insert("citations".to_owned(), json!(d.citations));
    if !brief {
        let unreviewed: Vec<&str> = sources(d).filter(|s| s.unreviewed).map(|s| s.rule.as_str()).collect();
        let rest = [
            ("outcome", serde_json::to_value(d.outcome)?),
            ("because", serde_json::to_value(&d.reasons)?),
            ("obligations", serde_json::to_value(&d.obligations)?),
            ("clocks", serde_json::to_value(&d.clocks)?),
            ("shadow", serde_json::to_value(&d.shadow)?),
            ("missing_facts", json!(d.missing_facts)),
            ("unreviewed", json!(unreviewed)),
            ("evaluated", json!(d.evaluated)),
            ("pack_hash", json!(d.pack_hash)),
            ("facts_hash", json!(d.facts_hash)),
            ("disclaimer", json!(DISCLAIMER)),
        ];
        for (name, value) in rest {
            out.entry(name).or_insert(value);
        }
    }
    Ok(Value::Object(out))
}

fn sources(d: &Decision) -> impl Iterator<Item = &Source> {
    let reasons = d.reasons.iter().map(|r| &r.source);
    reasons.chain(d.clocks.iter().map(|c| &c.source)).chain(d.obligations.iter().map(|o| &o.source))
}

pub(super) fn eval(packs: &Packs, args: &EvalArgs) -> anyhow::Result<Done> {
    let mut input = std::io::stdin().lock();
    let mut buffer = Vec::new();
    let (mut bad, mut first) = (0u64, None);
    for number in 1u64.. {
        buffer.clear();
        let read = Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut buffer)?;
        if read == 0 {
            break;
        }
        let whole = read as u64 != MAX_LINE || buffer.ends_with(b"\n");
        if !whole {
            skip_line(&mut input)?;
        }
        if buffer.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value: Option<Value> = serde_json::from_slice(&buffer).ok().filter(|_| whole);
        let id = value.as_ref().and_then(|v| v.get("id")).cloned().unwrap_or(Value::Null);
        let answer = value
            .with_context(|| if whole { "no JSON object" } else { "longer than 1 MiB" })
            .and_then(Case::parse)
            .and_then(|case| line(&case.id, &case.decide(packs)?, args.brief));
        match answer {
            Ok(answer) => out::json(&answer)?,
            Err(e) => {
                let error = format!("line {number}: {e:#}");
                out::json(&json!({"id": id, "error": error}))?;
                bad += 1;
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(first) => anyhow::bail!("{bad} lines are no case and were answered with an error; {first}"),
        None => Ok(Done::Ok),
    }
}

/// Reads to the end of an overlong line without keeping it.
fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let (used, done) = match available.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), false),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Cases of a JSON-lines text; the error names the line.
pub(super) fn cases(text: &str) -> anyhow::Result<Vec<Case>> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines
        .map(|(i, l)| {
            let value = serde_json::from_str(l).ok().context("no JSON object");
            value.and_then(Case::parse).with_context(|| format!("line {}", i + 1))
        })
        .collect()
}

pub(super) fn explain(shared: &Shared, packs: &Packs, args: &ExplainArgs) -> anyhow::Result<Done> {
    let value = serde_json::from_str(&read(&args.case)?).ok().context("the file is no JSON object")?;
    let case = Case::parse(value)?;
    let d = case.decide(packs)?;
    if shared.json {
        out::json(&line(&case.id, &d, false)?)?;
    } else {
        tell(&case, &d);
    }
    Ok(Done::Ok)
}

fn tell(case: &Case, d: &Decision) {
    out::line(&format!("{}: {} ({} {})", case.name(), d.decision, case.engine, case.action));
    for r in &d.reasons {
        let unknown = if r.unknown { ", for lack of facts" } else { "" };
        out::line(&format!("\n  {} -> {}{unknown}", r.code, r.decision));
        source(&r.source);
    }
    for (name, value) in &d.fields {
        out::line(&format!(
            "\n  {name}: {}",
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        ));
    }
    for c in &d.clocks {
        let due = c.due.as_deref().unwrap_or(&c.text);
        out::line(&format!("\n  due {due}: {} ({}) from {}", c.duty, c.jurisdiction, c.start));
        source(&c.source);
    }
    for o in &d.obligations {
        out::line(&format!("\n  duty: {}", o.duty));
        source(&o.source);
    }
    for s in &d.shadow {
        let from = s.from.map_or_else(|| "no date set".to_owned(), |f| format!("from {f}"));
        out::line(&format!("\n  {} rule, {from}: would be {} ({})", s.status, s.would, s.code));
        source(&s.source);
    }
    if !d.missing_facts.is_empty() {
        out::line(&format!("\n  not known: {}", d.missing_facts.join(", ")));
    }
    out::line(&format!("\n  citations: {}", d.citations.join("; ")));
    out::line(&format!(
        "  rules asked: {}; packs {}; facts {}",
        d.evaluated,
        short(&d.pack_hash),
        short(&d.facts_hash)
    ));
    out::line(&format!("  {DISCLAIMER}"));
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

fn source(s: &Source) {
    let unreviewed = if s.unreviewed { ", UNREVIEWED" } else { "" };
    out::line(&format!("    {} [{}, {}]", s.title, s.rule, s.pack));
    for c in &s.cite {
        let from = if c.source.is_empty() { String::new() } else { format!(" (source: {})", c.source) };
        out::line(&format!("    {}{from}", c.reference));
    }
    out::line(&format!("    read {}, confidence {}{unreviewed}", s.read, s.confidence));
    if !s.note.is_empty() {
        out::line(&format!("    note: {}", s.note));
    }
}

pub(super) fn test(shared: &Shared, packs: &Packs, args: &TestArgs) -> anyhow::Result<Done> {
    if args.actions {
        packs.actions().iter().for_each(|(engine, action)| out::line(&format!("{engine} {action}")));
        return Ok(Done::Ok);
    }
    let text = args.file.as_ref().map_or_else(|| Ok(CASES.to_owned()), |f| read(f))?;
    let mut wrong = Vec::new();
    let all = cases(&text)?;
    for case in &all {
        let d = case.decide(packs)?;
        let answer = line(&case.id, &d, true)?;
        // Codes of reasons are ours to choose; what is compared is everything else.
        for (field, wanted) in case.expect.iter().filter(|(f, _)| *f != "reasons") {
            let got = answer.get(field).unwrap_or(&Value::Null);
            if got != wanted {
                wrong.push(json!({"id": case.id, "field": field, "expected": wanted, "got": got}));
            }
        }
        if d.citations.is_empty() {
            wrong.push(json!({"id": case.id, "field": "citations", "expected": "at least one", "got": []}));
        }
    }
    if shared.json {
        out::json(&json!({"cases": all.len(), "wrong": wrong, "pack_hash": packs.hash()}))?;
    } else {
        wrong.iter().for_each(|w| out::line(&w.to_string()));
        out::line(&format!("{} cases, {} fields differ", all.len(), wrong.len()));
    }
    Ok(if wrong.is_empty() { Done::Ok } else { Done::Finding })
}
