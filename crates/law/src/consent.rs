//! Consent, its withdrawal, and the business relationship: what excuses a call, and what forbids it.

use crate::{case::Case, dates, pack::Relationship, tri::Tri};
use jiff::civil::Date;
use serde_json::Value;

/// Why a consent is not good, as the end of a reason's code.
pub(crate) type Flaw = &'static str;

fn field<'a>(consent: &'a Value, name: &str) -> Option<&'a Value> {
    consent.get(name).filter(|v| !v.is_null())
}

fn day(consent: &Value, name: &str) -> Option<Date> {
    field(consent, name)?.as_str().and_then(dates::date)
}

/// Whether a consent record was given by `today` and not withdrawn since.
fn alive(consent: &Value, (earliest, today): (Date, Date)) -> (Tri, Flaw) {
    if let Some(revoked) = field(consent, "revoked") {
        // A withdrawal whose date cannot be read is one all the same; one that lies ahead is not yet.
        let when = revoked.as_str().and_then(dates::date);
        if when.is_none_or(|w| w <= today) {
            return (Tri::No, "_revoked");
        }
    }
    let Some(given) = day(consent, "given") else { return (Tri::Unknown, "_incomplete") };
    if given > earliest {
        return (Tri::No, "_incomplete");
    }
    // A record that does not say whether it was withdrawn proves nothing.
    if consent.get("revoked").is_none() { (Tri::Unknown, "_incomplete") } else { (Tri::Yes, "") }
}

/// The consent is for the number that is called, when both are known.
fn same_number(case: &Case<'_>, consent: &Value, demanded: bool) -> Tri {
    let digits = |text: &str| -> String {
        let all: String = text.chars().filter(char::is_ascii_digit).collect();
        if all.len() == 11 { all.strip_prefix('1').unwrap_or(&all).to_owned() } else { all }
    };
    match (field(consent, "phone").and_then(Value::as_str), case.facts.text("called")) {
        (Some(phone), Some(called)) => (digits(phone) == digits(called)).into(),
        (None, _) if demanded => Tri::No,
        _ if demanded => Tri::Unknown,
        _ => Tri::Yes,
    }
}

fn names_seller(case: &Case<'_>, consent: &Value, demanded: bool) -> Tri {
    let listed = field(consent, "sellers_listed").and_then(Value::as_array);
    let named = field(consent, "seller").and_then(Value::as_str);
    match case.facts.text("seller") {
        None if demanded => Tri::Unknown,
        Some(seller) if named.is_some() || listed.is_some() => {
            let in_list = listed.is_some_and(|l| l.iter().any(|v| v.as_str() == Some(seller)));
            (in_list || named == Some(seller)).into()
        }
        Some(_) if demanded => Tri::No,
        _ => Tri::Yes,
    }
}

/// The case's consent at a level: `express`; `signed`, which lifts the national registry (64.1200(c)(2)(ii)); or
/// `written`, with everything that 47 CFR 64.1200(f)(9) wants of marketing by machines.
pub(crate) fn consent(case: &Case<'_>, level: &str) -> (Tri, Flaw) {
    let single = match case.facts.raw("consent") {
        None => {
            case.miss("consent");
            (Tri::Unknown, "_missing")
        }
        Some(Value::Object(_)) => one(case, level),
        Some(_) => (Tri::No, "_missing"),
    };
    if level != "express" || single.0 == Tri::Yes {
        return single;
    }
    let topics = by_topic(case);
    if topics.0 == Tri::No && single.1 != "_missing" { single } else { (single.0.or(topics.0), topics.1) }
}

fn one(case: &Case<'_>, level: &str) -> (Tri, Flaw) {
    let Some(consent) = case.facts.get("consent") else { return (Tri::No, "_missing") };
    let Some(today) = case.span("at") else {
        case.miss("at");
        return (Tri::Unknown, "_missing");
    };
    let (alive, flaw) = alive(consent, today);
    if alive == Tri::No {
        return (Tri::No, flaw);
    }
    let signed = level != "express";
    let mut parts = alive.and(same_number(case, consent, signed)).and(names_seller(case, consent, signed));
    if signed {
        let kind = field(consent, "kind").and_then(Value::as_str);
        let by = field(consent, "signature").and_then(Value::as_str).is_some_and(|s| !s.trim().is_empty());
        parts = parts.and((kind == Some("prior_express_written")).into()).and(by.into());
    }
    if level == "written" {
        let told = |name: &str| field(consent, name).and_then(Value::as_bool) == Some(true);
        parts = parts.and(told("disclosure_autodialer").into()).and(told("disclosure_not_condition").into());
    }
    (parts, if parts == Tri::Yes { "" } else { "_incomplete" })
}

/// Consent by topic: good when the topic of this call was agreed to and not withdrawn.
fn by_topic(case: &Case<'_>) -> (Tri, Flaw) {
    let Some(list) = case.facts.list("consents") else { return (Tri::No, "_missing") };
    let (Some(topic), Some(today)) = (case.facts.text("topic"), case.span("at")) else {
        case.miss("topic");
        return (Tri::Unknown, "_missing");
    };
    let mine = list.iter().filter(|c| field(c, "topic").and_then(Value::as_str) == Some(topic));
    mine.map(|c| alive(c, today)).max_by_key(|(t, _)| *t).unwrap_or((Tri::No, "_missing"))
}

/// Whether a withdrawal is on file: of the `consent`, of this call's `topic`, or of `any` topic.
pub(crate) fn revoked(case: &Case<'_>, scope: &str) -> Tri {
    let (earliest, today) = case.span("at").unwrap_or((case.day, case.day));
    let withdrawn = |c: &Value| {
        let Some(when) = field(c, "revoked") else { return false };
        let when = when.as_str().and_then(dates::date);
        // A later consent to the same topic starts afresh.
        let renewed =
            day(c, "given").zip(when).is_some_and(|(given, when)| given > when && given <= earliest);
        when.is_none_or(|w| w <= today) && !renewed
    };
    if scope == "consent" {
        return case.facts.get("consent").is_some_and(withdrawn).into();
    }
    let topic = case.facts.text("topic");
    let list = case.facts.list("consents").unwrap_or_default();
    let hit = list.iter().filter(|c| withdrawn(c)).any(|c| {
        let of = field(c, "topic").and_then(Value::as_str);
        // A withdrawal without a topic covers all of them.
        scope == "any" || of.is_none() || topic.is_none() || of == topic
    });
    hit.into()
}

/// An established business relationship: null or false none, true valid, an object computed.
pub(crate) fn relationship(case: &Case<'_>, months: &Relationship) -> (Tri, Flaw) {
    let found = match case.facts.raw("ebr") {
        None => {
            case.miss("ebr");
            return (Tri::Unknown, "");
        }
        Some(Value::Bool(yes)) => return ((*yes).into(), ""),
        Some(Value::Object(_)) => case,
        Some(_) => return (Tri::No, ""),
    };
    let Some((earliest, today)) = found.span("at") else { return (Tri::Unknown, "") };
    let recent = |fact: &str, months: i32| {
        let since = found.facts.date(fact)?;
        let until = dates::shift(since, months, dates::Unit::Months, &[])?;
        Some(since <= earliest && today <= until)
    };
    if recent("ebr.last_transaction", months.transaction_months) == Some(true) {
        return (Tri::Yes, "_transaction");
    }
    (recent("ebr.last_inquiry", months.inquiry_months).unwrap_or(false).into(), "_inquiry")
}

/// A declared emergency in `state` that covers the called party on the day of the call.
pub(crate) fn emergency(case: &Case<'_>, state: &str) -> Tri {
    let Some(list) = case.facts.list("emergencies") else {
        case.miss("emergencies");
        return Tri::Unknown;
    };
    let Some(local) = &case.local else { return Tri::Unknown };
    let covers = |e: &Value| {
        if field(e, "state").and_then(Value::as_str).is_some_and(|s| s != state) {
            return false;
        }
        let elsewhere = field(e, "county").and_then(Value::as_str).zip(case.facts.text("known_county"));
        if elsewhere.is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b)) {
            return false;
        }
        let from = day(e, "from_").or_else(|| day(e, "from"));
        let to = day(e, "to");
        local.iter().map(|l| l.date()).any(|d| from.is_none_or(|f| f <= d) && to.is_none_or(|t| d <= t))
    };
    list.iter().any(covers).into()
}
