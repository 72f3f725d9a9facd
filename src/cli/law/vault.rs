//! `callvault law check|replay|record|switch|holidays`: the law over what a vault knows.

use super::{Done, From, Shared, Usage, load, own, read};
use crate::{out, wire};
use anyhow::Context;
use callvault_law::{DISCLAIMER, Outcome, Packs};
use callvault_model::id::LawCheckId;
use callvault_program::{
    dial::{self, Question},
    record::{Record, record},
    request::holidays::{self, HOLIDAY_LAWS, Holidays},
};
use callvault_store::{Actor, requests::Coded};
use serde_json::{Map, json};
use std::{io::Read, path::PathBuf};

const ME: Actor = Actor::LocalOperator;

/// May one number be called or texted, by the law and by what the vault knows of it; exit 1 when not
#[derive(clap::Args)]
pub struct CheckArgs {
    /// A file with the number, or - for standard input; an argument would stay in the shell's history
    number: PathBuf,
    /// A JSON file with the facts that are known
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// A text message, not a call
    #[arg(long)]
    text: bool,
}

/// Computes a filed answer again; exit 1 when it is not the same
#[derive(clap::Args)]
pub struct ReplayArgs {
    /// Its id
    id: String,
}

/// The record of processing activities (GDPR Art. 30), from the configuration as it is now; exit 1 when fields are missing
#[derive(clap::Args)]
pub struct RecordArgs {
    /// Writes a page for people into this file
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
}

/// Switches an unreviewed row off, or on again; where one that is off would have decided, the answer is the careful one
#[derive(clap::Args)]
pub struct SwitchArgs {
    /// Id of the row, or all-unreviewed
    row: String,
    /// off or on
    #[arg(value_parser = ["off", "on"])]
    to: String,
}

/// Shows or sets the public holidays of the office, which move the last days of requests
#[derive(clap::Args)]
pub struct HolidaysArgs {
    /// eu, uk or us_ca; nothing lists what is set
    law: Option<String>,
    /// A file with dates such as 2026-12-25, one a line, in place of those before; - is standard input
    #[arg(value_name = "FILE")]
    dates: Option<PathBuf>,
}

pub(super) fn holidays(shared: &Shared, args: &HolidaysArgs) -> anyhow::Result<Done> {
    let wanted = args.dates.as_deref().map(read).transpose()?;
    let vault = wire::open(shared)?;
    if let (Some(law), Some(text)) = (&args.law, &wanted) {
        let dates: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        holidays::set(&vault, &ME, law, &dates)?;
    }
    let all = Holidays::of(&vault)?;
    let days = |law| all.days(law).iter().map(ToString::to_string).collect::<Vec<_>>();
    if shared.json {
        let all: serde_json::Map<_, _> =
            HOLIDAY_LAWS.into_iter().map(|l| (l.as_str().to_owned(), json!(days(l)))).collect();
        out::json(&all)?;
    } else {
        for law in HOLIDAY_LAWS {
            out::line(&format!("{}: {}", law.as_str(), or_missing(&days(law).join(", "))));
        }
    }
    Ok(Done::Ok)
}

pub(super) fn check(shared: &Shared, args: &CheckArgs) -> anyhow::Result<Done> {
    let mut number = String::new();
    if args.number.as_os_str() == "-" {
        std::io::stdin().lock().take(100).read_to_string(&mut number)?;
    } else {
        number = read(&args.number)?;
    }
    let facts = match &args.facts {
        Some(file) => {
            serde_json::from_str(&read(file)?).ok().context("--facts is no JSON object of facts")?
        }
        None => Map::new(),
    };
    let vault = wire::open(shared)?;
    let now = vault.clock().now();
    let question = Question { text: args.text, number: number.trim().to_owned(), facts };
    let a = dial::check(&vault, &ME, &question, now)?;
    let d = &a.decision;
    if shared.json {
        out::json(&json!({
            "id": a.id, "decision": d.decision, "outcome": d.outcome, "because": d.reasons, "citations": d.citations,
            "next_allowed": a.next, "missing_facts": d.missing_facts, "obligations": d.obligations, "shadow": d.shadow,
            "opted_out": a.opted_out, "suppressed": a.suppressed, "consent": a.consent.as_ref().map(|c| c.id), "pack_hash": d.pack_hash,
            "facts_hash": a.facts_hash, "disclaimer": DISCLAIMER,
        }))?;
    } else {
        out::line(&format!("{} (filed as {})", d.decision.replace('_', " "), a.id));
        for r in &d.reasons {
            let s = &r.source;
            let cite: Vec<&str> = s.cite.iter().map(|c| c.reference.as_str()).collect();
            let mark = if s.unreviewed { ", UNREVIEWED" } else { "" };
            let unknown = if r.unknown { " (not known)" } else { "" };
            out::line(&format!("  {}{unknown}: {}", r.code, s.title));
            out::line(&format!(
                "    {} (read {}, confidence {}{mark})",
                cite.join("; "),
                s.read,
                s.confidence
            ));
        }
        if d.reasons.is_empty() {
            out::line(&format!("  no rule objects; asked were those of {}", d.citations.join("; ")));
        }
        if let Some(next) = a.next {
            out::line(&format!("  allowed from {next}"));
        }
        if !d.missing_facts.is_empty() {
            out::line(&format!("  not known: {}", d.missing_facts.join(", ")));
        }
        out::line(DISCLAIMER);
    }
    Ok(if d.outcome < Outcome::Review { Done::Ok } else { Done::Finding })
}

pub(super) fn replay(shared: &Shared, from: &From, args: &ReplayArgs) -> anyhow::Result<Done> {
    let id: LawCheckId =
        args.id.parse().map_err(|e| Usage(format!("{e}; the check printed it, and the ledger has it")))?;
    // An edition is read before the vault is opened, so that a wrong directory costs nothing.
    load(shared, from)?;
    let edition = own(shared, from.allow_unsigned)?;
    let vault = wire::open(shared)?;
    let of = |overlay| match &edition {
        None => dial::edition(overlay),
        Some((files, signed)) => Packs::from_files(files, signed.as_ref(), overlay),
    };
    let r = dial::replay(&vault, &ME, id, &of)?;
    if shared.json {
        out::json(&json!({
            "id": r.filed.id, "decided_at": r.filed.decided_at, "then": r.filed.decision, "now": r.decision.decision,
            "same": r.same, "same_rules": r.same_packs, "same_facts": r.same_facts, "because": r.decision.reasons,
            "disclaimer": DISCLAIMER,
        }))?;
    } else {
        let verdict = match (r.same, r.same_packs, r.same_facts) {
            (true, ..) => "the same answer",
            (_, false, _) => {
                "not comparable: the rules are of another edition; give those of that day with --packs"
            }
            (_, _, false) => "the facts do not have the hash that was filed",
            _ => "ANOTHER answer from the same rules and facts",
        };
        out::line(&format!("then {}, now {}: {verdict}", r.filed.decision, r.decision.decision));
        for reason in &r.decision.reasons {
            out::line(&format!("  {}: {}", reason.code, reason.source.title));
        }
        out::line(DISCLAIMER);
    }
    Ok(if r.same { Done::Ok } else { Done::Finding })
}

pub(super) fn write_record(shared: &Shared, args: &RecordArgs) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let made = record(&vault, vault.clock().now())?;
    if let Some(path) = &args.html {
        std::fs::write(path, html(&made)).with_context(|| path.display().to_string())?;
        out::say(&format!("written to {}", path.display()));
    }
    if shared.json {
        out::json(&serde_json::to_value(&made)?)?;
    } else if args.html.is_none() {
        tell(&made);
    }
    Ok(if made.decision == "complete" { Done::Ok } else { Done::Finding })
}

fn or_missing(text: &str) -> &str {
    if text.trim().is_empty() { "(not set)" } else { text }
}

fn tell(r: &Record) {
    out::line(&format!("Record of processing activities, GDPR Art. 30(1), made {}", r.made_at));
    out::line(&format!(
        "controller: {}; {}",
        or_missing(&r.controller.name),
        or_missing(&r.controller.contact)
    ));
    for a in &r.activities {
        out::line(&format!("\n{}: {} conversations", a.channel, a.conversations));
        out::line(&format!("  purposes: {}", or_missing(&a.purposes.join(", "))));
        out::line(&format!("  basis: {} {}", or_missing(&a.basis), a.condition));
        out::line(&format!("  kept of what a source tells: {}", a.collected.join(", ")));
        let data: Vec<String> = a.data.iter().map(|(t, n)| format!("{t} {n}")).collect();
        out::line(&format!("  found and masked: {}", data.join(", ")));
        if let Some(s) = &a.special {
            out::line(&format!("  special categories: {} ({})", s.decision, s.citations.join("; ")));
        }
        a.retention.iter().for_each(|(class, time)| out::line(&format!("  kept, {class}: {time}")));
    }
    let inside: Vec<String> = r.recipients_inside.iter().map(|(role, n)| format!("{role} {n}")).collect();
    out::line(&format!("\nrecipients inside: {}", inside.join(", ")));
    out::line(&format!("recipients outside: {}", or_missing(&r.recipients_outside.join("; "))));
    out::line(&format!("third countries: {}", or_missing(&r.transfers.join("; "))));
    r.security.iter().for_each(|s| out::line(&format!("security: {s}")));
    let missing =
        if r.missing.is_empty() { String::new() } else { format!("; missing: {}", r.missing.join(", ")) };
    out::line(&format!("\n{}{missing}", r.decision));
    out::line(DISCLAIMER);
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn html(r: &Record) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Record of processing</title>\
         <style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         dt{color:#555}dd{margin:0 0 .5rem}</style><h1>Record of processing activities</h1>",
    );
    let mut row = |name: &str, value: &str| {
        out.push_str(&format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(or_missing(value))));
    };
    row("Made", &r.made_at);
    row("Controller", &r.controller.name);
    row("Contact", &r.controller.contact);
    row("Data protection officer", &r.controller.officer);
    for a in &r.activities {
        row("Channel", &format!("{}, {} conversations", a.channel, a.conversations));
        row("Purposes", &a.purposes.join(", "));
        row("Basis", &a.basis);
        row("People", &a.subjects.join(", "));
        row("Kept of what a source tells", &a.collected.join(", "));
        row("Found and masked", &a.data.keys().cloned().collect::<Vec<_>>().join(", "));
        let kept: Vec<String> = a.retention.iter().map(|(c, t)| format!("{c}: {t}")).collect();
        row("Kept for", &kept.join("; "));
    }
    let inside: Vec<String> = r.recipients_inside.iter().map(|(role, n)| format!("{role} ({n})")).collect();
    row("Recipients inside", &inside.join(", "));
    row("Recipients outside", &r.recipients_outside.join("; "));
    row("Third countries", &r.transfers.join("; "));
    row("Security", &r.security.join("; "));
    row("Judged", &format!("{} {}: {}", r.decision, r.missing.join(", "), r.citations.join("; ")));
    out.push_str(&format!("<p>An {}.</p></html>\n", escaped(r.disclaimer)));
    out
}

pub(super) fn switch(shared: &Shared, args: &SwitchArgs) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    dial::switch(&vault, &ME, &args.row, args.to == "off")?;
    let packs = dial::packs(&vault)?;
    let now = packs.overlay();
    if shared.json {
        out::json(&json!({"reviewed_only": now.reviewed_only, "off": now.off}))?;
    } else if now.reviewed_only {
        out::line("every unreviewed row is off");
    } else {
        out::line(&format!("off: {}", or_missing(&now.off.join(", "))));
    }
    Ok(Done::Ok)
}
