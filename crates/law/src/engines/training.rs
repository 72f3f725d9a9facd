//! Training: what opens a door, and what a course's statements mean.

use crate::{
    case::Case,
    dates::{self, Unit},
    decide::{Draft, Source},
};
use jiff::civil::Date;

/// The day of the question: the case's own, or the day that decides.
fn today(case: &Case<'_>) -> Date {
    case.facts.date("today").unwrap_or(case.day)
}

/// Closed from the day on which the certificate expires.
pub(super) fn gate(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let days = case.facts.count("validity_days").and_then(|d| i32::try_from(d).ok());
    let passed = case.need_date("passed");
    if days.is_none() {
        case.miss("validity_days");
    }
    let expires = passed
        .zip(days.filter(|d| *d <= dates::MAX_AMOUNT))
        .and_then(|(p, d)| dates::shift(p, d, Unit::CalendarDays, &[]));
    draft.set("expires", expires.map(|d| d.to_string()));
    match expires {
        None => draft.because("training.unknown", "deny", true, own.clone()),
        Some(day) if today(case) >= day => draft.because("training.expired", "deny", false, own.clone()),
        Some(_) if passed > Some(today(case)) => {
            draft.because("training.in_future", "deny", false, own.clone());
        }
        Some(_) => {}
    }
}

/// Whether an assignable unit is satisfied; a score that contradicts its verb is no statement at all.
pub(super) fn cmi5(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let verbs: Vec<&str> =
        case.facts.list("verbs").into_iter().flatten().filter_map(|v| v.as_str()).collect();
    let did = |verb: &str| verbs.iter().any(|v| v.eq_ignore_ascii_case(verb));
    let score = case.facts.number("scaled").zip(case.facts.number("masteryScore"));
    let wrong = score.is_some_and(|(s, m)| (did("passed") && s < m) || (did("failed") && s >= m));
    if wrong {
        draft.set("satisfied", false);
        return draft.because("cmi5.mastery_score", "reject_statement", false, own.clone());
    }
    let passed = did("passed");
    let completed = did("completed");
    let reached = match case.facts.text("moveOn") {
        Some("Passed") => passed,
        Some("Completed") => completed,
        Some("CompletedAndPassed") => passed && completed,
        Some("CompletedOrPassed") => passed || completed,
        Some("NotApplicable") => true,
        // The specification's default.
        None => true,
        Some(_) => {
            case.miss("moveOn");
            false
        }
    };
    let satisfied = reached || did("waived");
    if did("waived") {
        draft.because("cmi5.waived", "satisfied", false, own.clone());
    } else if !satisfied {
        draft.because("cmi5.move_on", "not_satisfied", false, own.clone());
    }
    draft.set("satisfied", satisfied);
}

/// Whether a course is due again: each January, each year's first of a month, or so long after the last time.
pub(super) fn recert(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(last) = case.facts.date("last") else {
        return draft.because("recert.never", "assign", false, own.clone());
    };
    let now = today(case);
    let months = ["january", "february", "march", "april", "may", "june", "july", "august", "september"];
    let months = months.into_iter().chain(["october", "november", "december"]);
    let anchor = case.facts.text("anchor").unwrap_or("");
    let fixed = anchor.strip_prefix("calendar_").and_then(|m| {
        let month = i8::try_from(months.clone().position(|name| name == m)? + 1).ok()?;
        let this = Date::new(now.year(), month, 1).ok()?;
        if this <= now { Some(this) } else { Date::new(now.year() - 1, month, 1).ok() }
    });
    let rolling = ["rolling", ""].contains(&anchor).then(|| {
        let days = case.facts.count("validity_days").and_then(|d| i32::try_from(d).ok());
        dates::shift(last, days.unwrap_or(365).min(dates::MAX_AMOUNT), Unit::CalendarDays, &[])
    });
    match (fixed, rolling.flatten()) {
        (Some(since), _) if last < since => draft.because("recert.anchor", "assign", false, own.clone()),
        (_, Some(until)) if now >= until => draft.because("recert.expired", "assign", false, own.clone()),
        (None, None) => {
            case.miss("anchor");
            draft.because("recert.unknown", "assign", true, own.clone());
        }
        _ => {}
    }
}

/// A new round: the old result stays on file unless the case says that it goes.
pub(super) fn reassign(case: &Case<'_>, draft: &mut Draft<'_>) {
    let keep = case.facts.truth("keep_history") != Some(false);
    draft.set("previous_completion", if keep { "kept" } else { "removed" });
    draft.set("current", "not_started");
}
