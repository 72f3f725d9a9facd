//! The Safe Harbor method, field by field: what may stay, what is made coarser, what goes.

use crate::{
    case::Case,
    dates,
    decide::{Draft, Source},
};
use jiff::civil::Date;
use serde_json::Value;

const REMOVED: &str = "[removed]";
const OVER_89: &str = "[over-89: no year]";
const VOICE: &str = "[not de-identifiable: biometric voice print]";

/// The value as it may leave; of a field that no table knows, nothing.
pub(super) fn field(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let name = case.facts.text("field").unwrap_or("").to_ascii_lowercase();
    let kind = case
        .packs
        .table("hipaa.fields")
        .and_then(|t| t.row.rows.iter().find(|(_, names)| names.contains(&name)))
        .map_or("remove", |(kind, _)| kind.as_str());
    let Some(value) = case.facts.get("value") else {
        case.miss("value");
        draft.set("output", REMOVED);
        return draft.because("safe_harbor.value_unknown", "transformed", true, own.clone());
    };
    let output = match kind {
        "keep" => value.clone(),
        "age" => age(value),
        "birth" => birth(value, case.day),
        "date" => year(value).map_or(REMOVED.into(), |y| y.to_string().into()),
        "zip" => zip(case, value).into(),
        "biometric" => VOICE.into(),
        _ => REMOVED.into(),
    };
    if &output != value {
        draft.because(&format!("safe_harbor.{kind}"), "transformed", false, own.clone());
    }
    draft.set("output", output);
}

/// Ages over 89 become one class.
fn age(value: &Value) -> Value {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    match number {
        Some(n) if (0.0..90.0).contains(&n) => value.clone(),
        Some(n) if n >= 90.0 => "90+".into(),
        _ => REMOVED.into(),
    }
}

/// The year of a date, or of a text that begins with one.
fn year(value: &Value) -> Option<i16> {
    if let Some(n) = value.as_i64() {
        return i16::try_from(n).ok().filter(|y| (1000..=9999).contains(y));
    }
    let text = value.as_str()?.trim();
    if let Some(date) = dates::date(text) {
        return Some(date.year());
    }
    let head = text.get(..4)?;
    let alone = text.len() == 4 || text.get(4..5) == Some("-");
    head.parse().ok().filter(|y| alone && (1000..=9999).contains(y))
}

/// The year of birth, unless it tells that somebody is older than 89.
fn birth(value: &Value, today: Date) -> Value {
    let Some(year) = year(value) else { return REMOVED.into() };
    let full = value.as_str().and_then(|t| dates::date(t.trim()));
    // A year alone may mean its first day.
    let born = full.or_else(|| Date::new(year, 1, 1).ok());
    let ninety = born.and_then(|b| dates::shift(b, 90, dates::Unit::Years, &[]));
    match ninety {
        Some(day) if today >= day => OVER_89.into(),
        Some(_) if born.is_some_and(|b| b <= today) => year.to_string().into(),
        _ => REMOVED.into(),
    }
}

/// The first three digits, unless too few people live there.
fn zip(case: &Case<'_>, value: &Value) -> String {
    let text = match value {
        Value::Number(n) => n.as_u64().map(|n| format!("{n:05}")),
        Value::String(s) => Some(s.trim().to_owned()),
        _ => None,
    };
    let Some(text) = text else { return REMOVED.to_owned() };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let form = text.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ');
    let Some(prefix) = digits.get(..3).filter(|_| form && [3, 5, 9].contains(&digits.len())) else {
        return REMOVED.to_owned();
    };
    let listed = |table: &str| case.packs.table(table).is_some_and(|t| t.row.has(prefix));
    if listed("zip3.few_people") || listed("zip3.unassigned") { "000".to_owned() } else { prefix.to_owned() }
}
