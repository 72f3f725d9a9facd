//! The predicates: each tests one fact and answers yes, no or unknown.

use crate::{
    case::Case,
    consent::{self, Flaw},
    dates,
    pack::{Condition, Scalar},
    tri::Tri,
    zone::Window,
};
use serde_json::Value;

/// Holds a condition? With the end of a reason's code where the predicate has something to add.
pub(crate) fn holds(case: &Case<'_>, c: &Condition) -> (Tri, Flaw) {
    if let Some(list) = &c.all {
        let all = list.iter().fold(Tri::Yes, |t, c| t.and(holds(case, c).0));
        return (signed(c, all), "");
    }
    let (found, flaw) = special(case, c).unwrap_or_else(|| (plain(case, c), ""));
    (signed(c, found), flaw)
}

fn signed(c: &Condition, found: Tri) -> Tri {
    if c.negate { found.not() } else { found }
}

/// Predicates that know the law's own notions.
fn special(case: &Case<'_>, c: &Condition) -> Option<(Tri, Flaw)> {
    if let Some(level) = &c.consent {
        return Some(consent::consent(case, level));
    }
    if let Some(months) = &c.relationship {
        return Some(consent::relationship(case, months));
    }
    if let Some(scope) = &c.revoked {
        return Some((consent::revoked(case, scope), ""));
    }
    if let Some(state) = &c.emergency {
        return Some((consent::emergency(case, state), ""));
    }
    if let Some(state) = &c.holiday {
        return Some((case.holiday(state).into(), ""));
    }
    c.local_time.as_ref().map(|days| local_time(case, days, c.zone.as_deref()))
}

/// Inside the window of the day in every candidate zone, or in the only one that the law names.
fn local_time(case: &Case<'_>, days: &[String], zone: Option<&str>) -> (Tri, Flaw) {
    let fixed =
        zone.and_then(|name| case.packs.zone(name)).zip(case.at).map(|(z, at)| vec![z.to_datetime(at)]);
    let Some(local) = fixed.as_ref().or(case.local.as_ref()) else {
        case.miss(if case.at.is_none() { "at" } else { "candidate_zones" });
        return (Tri::Unknown, "");
    };
    let mut flaw = "";
    let mut open = Tri::Yes;
    for at in local {
        let day = usize::try_from(at.date().weekday().to_monday_zero_offset()).unwrap_or(0);
        match days.get(day).and_then(|d| Window::parse(d).ok()) {
            Some(Window::Closed) => (open, flaw) = (Tri::No, "closed"),
            Some(window) if window.holds(*at) => {}
            Some(_) => open = Tri::No,
            None => open = open.and(Tri::Unknown),
        }
    }
    (open, flaw)
}

fn plain(case: &Case<'_>, c: &Condition) -> Tri {
    let Some(path) = c.fact.as_deref() else { return Tri::Unknown };
    let raw = case.facts.raw(path);
    if let Some(wanted) = c.present {
        return Tri::from(empty(raw.unwrap_or(&Value::Null)) != wanted);
    }
    if let Some(wanted) = c.none {
        return match raw {
            Some(value) => (empty(value) == wanted).into(),
            None => unknown(case, path, c.absent),
        };
    }
    let Some(value) = raw.filter(|v| !v.is_null()) else { return unknown(case, path, c.absent) };
    match compare(case, c, path, value) {
        Tri::Unknown => {
            case.miss(path);
            Tri::Unknown
        }
        known => known,
    }
}

fn unknown(case: &Case<'_>, path: &str, absent: Option<bool>) -> Tri {
    if absent.is_none() {
        case.miss(path);
    }
    absent.into()
}

/// Null, false, or nothing in it.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) => false,
    }
}

fn compare(case: &Case<'_>, c: &Condition, path: &str, value: &Value) -> Tri {
    if let Some(wanted) = &c.is {
        return equal(value, wanted);
    }
    if let Some(wanted) = &c.one_of {
        return wanted.iter().fold(Tri::No, |t, w| t.or(equal(value, w)));
    }
    if let Some(table) = &c.listed {
        return listed(case, table, value);
    }
    for (bound, test) in [
        (&c.at_least, (|a, b| a >= b) as fn(f64, f64) -> bool),
        (&c.at_most, |a, b| a <= b),
        (&c.above, |a, b| a > b),
        (&c.below, |a, b| a < b),
    ] {
        let Some(bound) = bound else { continue };
        let bound = match bound {
            Scalar::Number(n) => Some(*n),
            Scalar::Text(fact) => case.facts.number(fact),
            Scalar::Truth(_) => None,
        };
        return value.as_f64().zip(bound).map(|(a, b)| test(a, b)).into();
    }
    if let Some(share) = &c.share_at_most {
        let whole = case.facts.number(&share.of);
        // Multiplied, not divided: 3 % of 1,000 is exactly 30.
        return value.as_f64().zip(whole).map(|(part, whole)| part * 100.0 <= share.percent * whole).into();
    }
    if let Some(within) = &c.within {
        let end = case
            .facts
            .date(path)
            .and_then(|d| Some((d, dates::shift(d, within.amount, within.unit, &[])?)))
            .zip(case.span(&within.to));
        if end.is_none() {
            case.miss(&within.to);
        }
        return end.map(|((from, until), (early, late))| from <= early && late <= until).into();
    }
    if let Some(other) = &c.same_as {
        return value.as_str().zip(case.facts.text(other)).map(|(a, b)| a == b).into();
    }
    if let (Some(wanted), Value::Array(items)) = (c.current, value) {
        let over = |item: &Value| {
            let until = item.get("until").and_then(Value::as_str).and_then(dates::date);
            until.is_some_and(|u| u < case.day)
        };
        return Tri::from(items.iter().any(|i| !over(i)) == wanted);
    }
    if let Some(later) = &c.not_after {
        return case.facts.date(path).zip(case.reference(later)).map(|(a, b)| a <= b).into();
    }
    Tri::Unknown
}

/// Equality within one type; another type is no answer to the question.
fn equal(value: &Value, wanted: &Scalar) -> Tri {
    match (value, wanted) {
        (Value::Bool(a), Scalar::Truth(b)) => (a == b).into(),
        (Value::String(a), Scalar::Text(b)) => a.eq_ignore_ascii_case(b).into(),
        (Value::Number(a), Scalar::Number(b)) => a.as_f64().map(|a| a == *b).into(),
        _ => Tri::Unknown,
    }
}

fn listed(case: &Case<'_>, table: &str, value: &Value) -> Tri {
    let Some(table) = case.packs.table(table) else { return Tri::Unknown };
    match value {
        Value::String(word) => table.row.has(word).into(),
        // An item that is no text, such as a party whose place is unknown, is in no table.
        Value::Array(items) if !items.is_empty() => {
            items.iter().all(|i| i.as_str().is_some_and(|w| table.row.has(w))).into()
        }
        _ => Tri::Unknown,
    }
}
