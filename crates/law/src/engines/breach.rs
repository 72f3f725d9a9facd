//! Whom to tell of a breach, and when: one row per jurisdiction and duty.

use crate::{
    case::Case,
    clock::{self, Last, Period},
    decide::{Draft, Due},
    pack::{Clock, Of, Outcome},
};
use std::sync::Arc;

/// When an incident's named events were, and how many people it touches.
pub(crate) trait Incident {
    /// The text of an event's time.
    fn event(&self, name: &str) -> Option<&str>;
    /// A count: `residents`, `individuals`, `max_in_one_state`.
    fn count(&self, of: &str) -> Option<u64>;
}

impl Incident for Case<'_> {
    fn event(&self, name: &str) -> Option<&str> {
        self.facts.text(name)
    }

    fn count(&self, of: &str) -> Option<u64> {
        self.facts.count(of)
    }
}

/// The facts that can stand for a clock's start, best first. An earlier event than the right one only makes the
/// clock run out earlier; a later one never stands in for an earlier one.
fn stand_ins(start: &str) -> &'static [&'static str] {
    match start {
        "discovery" => &["discovered"],
        "awareness" => &["aware", "discovered"],
        "determination" => &["determined", "discovered"],
        "confirmation" => &["confirmed", "determined", "discovered"],
        "notice_to_individuals" => &["individuals_notified"],
        "suspicion" => &["suspected", "discovered"],
        "materiality" => &["materiality_determined", "determined", "discovered"],
        "high_risk" => &["high_risk_determined", "aware", "discovered"],
        "classification" => &["classified", "aware", "discovered"],
        _ => &[],
    }
}

/// The start of a clock, and whether another event had to stand in.
pub(crate) fn start<'i>(clock: &Clock, incident: &'i dyn Incident) -> Option<(&'i str, bool)> {
    if clock.start == "year_end" {
        return incident.event("discovered").map(|d| (d, false));
    }
    let mut names = stand_ins(&clock.start).iter();
    let own = names.next()?;
    if let Some(text) = incident.event(own) {
        return Some((text, false));
    }
    names.find_map(|n| incident.event(n)).map(|text| (text, true))
}

/// A clock counted for an incident; `None` when its start is unknown or the law names no number.
pub(crate) fn count(clock: &Clock, incident: &dyn Incident) -> Option<Period> {
    let (text, _) = start(clock, incident)?;
    let amount = clock.amount?;
    if clock.start == "year_end" {
        let year = crate::dates::date(text)?.last_of_year().to_string();
        return clock::period(clock, &year, amount, &[]);
    }
    clock::period(clock, text, amount, &[])
}

/// `None`: nobody counted. A duty without a threshold always binds.
pub(crate) fn due_for(clock: &Clock, incident: &dyn Incident) -> Option<bool> {
    match &clock.threshold {
        None => Some(true),
        Some(t) => clock::reaches(t, incident.count(&t.of)),
    }
}

/// The breach clocks of a jurisdiction; clocks of requests run from receipt and are no matter of breaches.
fn rows<'a>(case: &'a Case<'_>, jurisdiction: &str) -> Vec<&'a Arc<Of<Clock>>> {
    let wanted = |c: &&Arc<Of<Clock>>| {
        c.row.jurisdiction.eq_ignore_ascii_case(jurisdiction)
            && c.row.start != "receipt"
            && case.binds(&c.row)
    };
    case.packs.clocks().filter(wanted).collect()
}

/// Individuals and regulator of one state.
pub(super) fn state_clock(case: &Case<'_>, draft: &mut Draft<'_>) {
    let jurisdiction = case.facts.text("jurisdiction").unwrap_or("");
    let rows = rows(case, jurisdiction);
    for field in ["individuals_by", "regulator", "regulator_by"] {
        draft.set(field, serde_json::Value::Null);
    }
    if draft.outcome(draft.word()) == Outcome::Allow {
        return;
    }
    if rows.is_empty() {
        case.miss("jurisdiction");
    }
    let mut individuals = None;
    if let Some(of) = rows.iter().find(|c| c.row.duty == "individuals") {
        individuals = note(case, of, draft);
        if let Some(p) = individuals {
            draft.set("individuals_by", p.due.text());
        }
        draft.set("text", of.row.text.clone());
    }
    let mut told: Vec<&str> = Vec::new();
    let mut by: Option<Last> = None;
    for of in rows.iter().filter(|c| c.row.duty == "regulator") {
        if due_for(&of.row, case) == Some(false) {
            continue;
        }
        if let Some(t) = of.row.threshold.as_ref().filter(|t| case.facts.count(&t.of).is_none()) {
            case.miss(&t.of);
        }
        let own = note(case, of, draft).map(|p| p.due);
        let after = of.row.not_later_than.as_ref().and(concurrent(case, individuals));
        let ends = [own, after].into_iter().flatten().min_by_key(|l| l.instant());
        by = [by, ends].into_iter().flatten().min_by_key(|l| l.instant());
        told.extend(of.row.recipients.iter().map(String::as_str));
    }
    if !told.is_empty() {
        draft.set("regulator", serde_json::json!(told));
        draft.set("regulator_by", by.map_or(serde_json::Value::Null, |l| l.text().into()));
    }
    for of in rows.iter().filter(|c| !["individuals", "regulator"].contains(&c.row.duty.as_str())) {
        if due_for(&of.row, case) != Some(false) {
            note(case, of, draft);
        }
    }
}

/// The day on which individuals were told, or the last on which they must be.
fn concurrent(case: &Case<'_>, individuals: Option<Period>) -> Option<Last> {
    case.facts.date("individuals_notified").map(Last::Day).or(individuals.map(|p| p.due))
}

/// Counts a clock and lists it; a missing start is remembered.
fn note(case: &Case<'_>, of: &Of<Clock>, draft: &mut Draft<'_>) -> Option<Period> {
    let counted = count(&of.row, case);
    if counted.is_none() && of.row.amount.is_some() {
        for fact in stand_ins(&of.row.start).iter().take(1) {
            case.miss(fact);
        }
    }
    draft.clocks.push(clock::due(of, counted));
    counted
}

/// Clocks that a name stands for: a clock's id, its jurisdiction, or a law.
fn named<'a>(case: &'a Case<'_>, name: &str) -> Vec<&'a Arc<Of<Clock>>> {
    let own = case.packs.clocks().filter(|c| c.row.id.eq_ignore_ascii_case(name) && case.binds(&c.row));
    let own: Vec<_> = own.collect();
    if own.is_empty() { rows(case, name) } else { own }
}

/// The clock that runs out first.
pub(super) fn earliest(case: &Case<'_>, draft: &mut Draft<'_>) {
    let mut first: Option<(String, Last)> = None;
    for name in case.facts.list("clocks").into_iter().flatten().filter_map(|v| v.as_str()) {
        let rows = named(case, name);
        if rows.is_empty() {
            case.miss(&format!("clocks.{name}"));
        }
        for of in rows {
            if of.row.start == "year_end" || due_for(&of.row, case) == Some(false) {
                continue;
            }
            let Some(period) = note(case, of, draft) else { continue };
            let sooner = first.as_ref().is_none_or(|(_, l)| period.due.instant() < l.instant());
            if sooner {
                first = Some((name.to_owned(), period.due));
            }
        }
    }
    draft.clocks.sort_by_key(|d: &Due| {
        let end = d.due.as_deref().and_then(crate::dates::instant);
        (end.is_none(), end)
    });
    let (name, due) = first.map_or((None, None), |(n, l)| (Some(n), Some(l.text())));
    draft.set("first", name);
    draft.set("due", due);
}
