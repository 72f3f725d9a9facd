//! `callvault measure --corrections`: what people had to correct in this vault, tried again on today's detector.

use super::{
    super::{Done, Shared, detect},
    Args,
};
use crate::{out, wire};
use callvault_flow::regress;
use callvault_store::{
    Actor,
    regression::{Outcome, Tried},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::atomic::AtomicBool};

/// What is printed. It releases nothing: corrections are what somebody noticed, not a sample.
#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    profile: &'a str,
    corrections: usize,
    tried: usize,
    right: usize,
    still_missed: usize,
    still_redacted: usize,
    /// Right at an earlier run and wrong now; these are among the two above.
    lost: usize,
    /// Why the others were not tried: code → how many.
    not_tried: BTreeMap<&'static str, usize>,
    /// Per type: tried, and right.
    by_type: BTreeMap<&'a str, (usize, usize)>,
    cases: &'a [Tried],
}

impl<'a> Report<'a> {
    fn new(profile: &'a str, cases: &'a [Tried]) -> Self {
        let count = |of: &dyn Fn(&Tried) -> bool| cases.iter().filter(|t| of(t)).count();
        let wrong = |t: &Tried| matches!(t.outcome, Outcome::Wrong | Outcome::Lost);
        let (mut by_type, mut not_tried) = (BTreeMap::new(), BTreeMap::new());
        for t in cases {
            if t.outcome.tried() {
                let slot: &mut (usize, usize) = by_type.entry(t.entity.as_str()).or_default();
                slot.0 += 1;
                slot.1 += usize::from(t.outcome == Outcome::Right);
            } else {
                *not_tried.entry(t.outcome.as_str()).or_default() += 1;
            }
        }
        Self {
            kind: "corrections",
            profile,
            corrections: cases.len(),
            tried: count(&|t| t.outcome.tried()),
            right: count(&|t| t.outcome == Outcome::Right),
            still_missed: count(&|t| wrong(t) && t.kind == "missed"),
            still_redacted: count(&|t| wrong(t) && t.kind == "wrong"),
            lost: count(&|t| t.outcome == Outcome::Lost),
            not_tried,
            by_type,
            cases,
        }
    }
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let vault = wire::open(shared)?;
    let (engines, cancel) = (wire::Engines::none(), AtomicBool::new(false));
    let tools = wire::tools(&detector, &engines, &cancel);
    let cases = regress::run(&vault, &Actor::LocalOperator, &tools, args.settle)?;
    let report = Report::new(&args.profile, &cases);
    if shared.json {
        out::json(&report)?;
    } else {
        print(&report);
    }
    Ok(if report.lost == 0 || args.settle { Done::Ok } else { Done::Finding })
}

fn print(r: &Report<'_>) {
    out::line(&format!(
        "{} accepted corrections, {} tried: {} right by themselves, {} still missed, {} still redacted",
        r.corrections, r.tried, r.right, r.still_missed, r.still_redacted
    ));
    for (entity, (tried, right)) in &r.by_type {
        out::line(&format!("  {entity:<16} {right:>4} of {tried:<4}"));
    }
    for (code, n) in &r.not_tried {
        let why = match *code {
            "not-kept" => "the words were never kept, or are destroyed",
            "changed" => "the text was changed since, or no place was kept",
            _ => "the use of the conversation is restricted",
        };
        out::line(&format!("  not tried: {n}, {why}"));
    }
    for t in r.cases.iter().filter(|t| t.outcome != Outcome::Right && t.outcome.tried()) {
        let what = if t.kind == "missed" { "still missed" } else { "still redacted" };
        let place = t.chars.map(|(a, b)| format!(", characters {a} to {b}")).unwrap_or_default();
        let labels = match t.labels_left {
            0 => String::new(),
            n => format!(" (read with {n} labels in place of words)"),
        };
        let lost = if t.outcome == Outcome::Lost { "lost, " } else { "" };
        out::line(&format!(
            "  {lost}{what}: {} in turn {}{place} of {}{labels}",
            t.entity, t.turn, t.conversation
        ));
    }
    if r.lost > 0 {
        out::line(&format!("{} were right at an earlier run", r.lost));
    }
}
