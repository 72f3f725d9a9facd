//! HIPAA's clocks and the state of its rules.

use crate::{
    case::Case,
    clock,
    dates::{self, Unit},
    decide::{Draft, Source},
    engines::breach,
    pack::{Force, Outcome},
};
use serde_json::Value;

/// Notices of a breach of unsecured health data.
pub(super) fn breach_clock(case: &Case<'_>, draft: &mut Draft<'_>) {
    if draft.outcome(draft.word()) == Outcome::Allow {
        return;
    }
    let of = |id: &str| case.packs.clock(id);
    if let Some(clock) = of("hipaa-individuals") {
        let counted = breach::count(&clock.row, case);
        draft.set("individuals_by", counted.map(|p| p.due.text()));
        draft.clocks.push(clock::due(clock, counted));
    }
    if let Some(clock) = of("hipaa-media") {
        // The whole is not less than any part: up to 500 in all, no state has more.
        let most = case.facts.count("max_in_one_state").or_else(|| {
            let all = case.facts.count("individuals")?;
            let threshold = clock.row.threshold.as_ref()?;
            (clock::reaches(threshold, Some(all)) == Some(false)).then_some(all)
        });
        let media = clock.row.threshold.as_ref().and_then(|t| clock::reaches(t, most));
        if media.is_none() {
            case.miss("max_in_one_state");
        }
        draft.set("media", media.map_or(Value::Null, Value::Bool));
        if media != Some(false) {
            draft.clocks.push(clock::due(clock, breach::count(&clock.row, case)));
        }
    }
    let mut hhs = None;
    for clock in ["hipaa-hhs-large", "hipaa-hhs-small"].into_iter().filter_map(of) {
        // Nobody counted: the earlier of the two dates.
        let binds = breach::due_for(&clock.row, case);
        if binds == Some(true) || (binds.is_none() && clock.row.id == "hipaa-hhs-large") {
            let counted = breach::count(&clock.row, case);
            hhs = counted.map(|p| p.due.text());
            draft.clocks.push(clock::due(clock, counted));
        }
    }
    if case.facts.count("individuals").is_none() {
        case.miss("individuals");
    }
    draft.set("hhs_by", hhs);
}

fn answer(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source, id: &str) {
    let first = clock::from_fact(case, id, "received", &mut draft.clocks);
    if first.is_none() {
        draft.because("received.unknown", "review", true, own.clone());
    }
    draft.set("due", first.map(|p| p.due.text()));
    draft.set("max_extended", clock::extended(case, id, "received").map(|p| p.due.text()));
}

/// When access must be given.
pub(super) fn access_deadline(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    answer(case, draft, own, "hipaa.access");
}

/// When an accounting must be given, and how far back it goes: six years at most.
pub(super) fn accounting_deadline(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    answer(case, draft, own, "hipaa.accounting");
    let longest = case.packs.clock("hipaa.accounting.lookback").and_then(|c| c.row.amount).unwrap_or(6);
    let asked = case.facts.count("lookback_requested_years").and_then(|y| i32::try_from(y).ok());
    let years = asked.unwrap_or(longest).min(longest);
    let from = case.facts.date("received").and_then(|d| dates::shift(d, -years, Unit::Years, &[]));
    draft.set("lookback_from", from.map(|d| d.to_string()));
}

/// Whether a rule binds, found by its id or by words of its title.
pub(super) fn rule_status(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(asked) = case.facts.text("rule") else {
        case.miss("rule");
        return draft.because("rule.unknown", "review", true, own.clone());
    };
    let plain = |t: &str| -> Vec<String> {
        let words = t.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 2);
        words.map(str::to_lowercase).collect()
    };
    let asked_words = plain(asked);
    let shared = |title: &str| {
        let title = plain(title);
        let both = title.iter().filter(|w| asked_words.contains(w)).count() * 100;
        // A short name of a long title counts by its own words, when there are enough of them.
        let asked = if asked_words.len() >= 3 { asked_words.len() } else { title.len() };
        both / title.len().min(asked).max(1)
    };
    let rows = case.packs.rules().map(|of| (&of.row.id, &of.row.title, &of.row.provenance, &of.pack));
    let best = rows
        .map(|row| (if row.0.eq_ignore_ascii_case(asked) { 200 } else { shared(row.1) }, row))
        .max_by_key(|(score, _)| *score);
    // Two thirds of a title's words: enough to know it again, too many for a chance hit.
    let Some((_, (id, title, provenance, pack))) = best.filter(|(score, _)| *score >= 66) else {
        case.miss("rule");
        return draft.because("rule.unknown", "review", true, own.clone());
    };
    let source = Source::new(id, title, provenance, pack);
    let word = if provenance.force(case.day) == Force::Binding { "in_force" } else { "not_in_force" };
    draft.because(&format!("status={}", provenance.status.as_str()), word, false, source);
}
