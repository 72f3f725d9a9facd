//! Drafts of notices, filled from the scope. No draft holds a name or a value of anybody; a person completes it.

use super::clocks::Countdown;
use crate::Error;
use callvault_law::DISCLAIMER;
use callvault_model::{EntityType, words};
use callvault_store::incident::{IncidentRow, ScopeSummary, freeze::FrozenRow};
use serde::Deserialize;
use std::collections::BTreeMap;

const SHIPPED: &str = include_str!("../../data/notices.toml");

/// A form of notice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// For people.
    pub title: String,
    body: String,
}

/// The forms by duty.
///
/// # Errors
/// The shipped file is broken.
pub fn forms() -> Result<BTreeMap<String, Form>, Error> {
    toml::from_str(SHIPPED).map_err(|_| Error::Shipped("list of notices"))
}

/// The form of a duty; what has none of its own is a notice to an authority.
fn form(forms: &BTreeMap<String, Form>, duty: &str) -> Result<Form, Error> {
    let name = match duty {
        "covered_entity" => "controller",
        other => other,
    };
    forms.get(name).or_else(|| forms.get("regulator")).cloned().ok_or(Error::Shipped("list of notices"))
}

/// A draft for one clock.
///
/// # Errors
/// The shipped file is broken.
pub fn draft(
    incident: &IncidentRow,
    clock: &Countdown,
    frozen: &[FrozenRow],
    drill: bool,
) -> Result<(String, String), Error> {
    let form = form(&forms()?, &clock.duty)?;
    let facts = facts(incident, clock, frozen);
    let mut body = String::new();
    if drill {
        body.push_str("DRILL: THIS NEVER HAPPENED. DO NOT SEND.\n\n");
    }
    body.push_str(&fill(&form.body, &facts)?);
    body.push_str(&format!(
        "\n--\nDrafted by callvault from the incident's scope, {DISCLAIMER}. Basis: {} ({}; read {}, confidence {}{}).\n",
        clock.cite,
        if clock.source.is_empty() { "source not named" } else { &clock.source },
        clock.read,
        clock.confidence,
        if clock.unreviewed { ", reviewed by nobody yet" } else { "" }
    ));
    Ok((form.title, body))
}

/// Puts facts into a form; a place that nothing fills is a fault of the form.
fn fill(form: &str, facts: &BTreeMap<&'static str, String>) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or(Error::Shipped("list of notices"))?;
        out.push_str(before);
        out.push_str(facts.get(name).ok_or(Error::Shipped("list of notices"))?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn facts(incident: &IncidentRow, clock: &Countdown, frozen: &[FrozenRow]) -> BTreeMap<&'static str, String> {
    let event = |name: &str| {
        incident
            .events
            .get(name)
            .map_or_else(|| "[not known yet]".into(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
    };
    let scope = incident.scope.as_ref();
    let open = |text: &str| text.to_owned();
    let (from, to) = incident.query.as_ref().map_or((open("[begin]"), open("[end]")), |q| {
        let show = |t: jiff::Timestamp| t.strftime("%Y-%m-%d %H:%M UTC").to_string();
        (show(q.from), show(q.to))
    });
    let cards = scope.and_then(|s| s.clear.get("CREDIT_CARD")).copied().unwrap_or(0);
    let residents = match (&clock.people, clock.jurisdiction.as_str()) {
        (Some(n), place) if place.starts_with("US-") => {
            format!(", of them {n} of {place} or of unknown place")
        }
        _ => String::new(),
    };
    BTreeMap::from([
        ("incident", incident.id.to_string()),
        ("opened", incident.opened_at.get(..16).unwrap_or_default().replace('T', " ")),
        ("what", what(scope)),
        ("from", from),
        ("to", to),
        ("occurred", event("occurred")),
        ("discovered", event("discovered")),
        ("aware", event("aware")),
        ("determined", event("determined")),
        ("notified", event("individuals_notified")),
        ("people", scope.map_or_else(|| open("[number]"), |s| s.people.to_string())),
        ("readings", scope.map_or_else(|| open("[number]"), |s| s.readings.to_string())),
        ("ledger", scope.map_or_else(|| open("[number]"), |s| s.ledger_size.to_string())),
        ("digest", scope.map_or_else(|| open("[digest]"), |s| s.digest.clone())),
        ("residents", residents),
        ("classes", classes(scope, true)),
        ("classes_person", classes(scope, false)),
        ("cards", cards.to_string()),
        ("who", open("[who could see it]")),
        ("measures", measures(frozen)),
        ("advice", advice(scope)),
        ("rights", rights(&clock.jurisdiction)),
        ("recipient", clock.recipients.join(", ")),
        ("cite", clock.cite.clone()),
        ("more", more(clock)),
    ])
}

fn what(scope: Option<&ScopeSummary>) -> String {
    match scope {
        Some(s) if s.clear.keys().any(|t| t != "VOICE") => {
            "somebody with an account of ours saw hidden values of customers without a reason that we know of".into()
        }
        Some(s) if s.clear.contains_key("VOICE") => {
            "somebody with an account of ours heard recordings of customers, in which values were muted, without a reason that we know of".into()
        }
        Some(_) => "somebody with an account of ours read conversations of customers, in which values were covered, without a reason that we know of".into(),
        None => "[what happened]".into(),
    }
}

/// Names of types, with how many people where that is wanted.
fn classes(scope: Option<&ScopeSummary>, counted: bool) -> String {
    let Some(scope) = scope else { return "[categories of data]".into() };
    let list = |map: &BTreeMap<String, u64>| {
        let one = |(name, n): (&String, &u64)| {
            let word = name_of(name);
            if counted { format!("{word} ({n})") } else { word }
        };
        map.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let clear = if scope.clear.is_empty() { "nothing".to_owned() } else { list(&scope.clear) };
    let covered = if scope.covered.is_empty() { "nothing".to_owned() } else { list(&scope.covered) };
    format!("in clear: {clear}; present and covered: {covered}")
}

/// A type, as people say it.
#[must_use]
pub fn name_of(code: &str) -> String {
    match code {
        "VOICE" => "the voice".into(),
        other => other
            .parse::<EntityType>()
            .map_or_else(|_| "something else".into(), |e| words::of(e, 2).to_owned()),
    }
}

fn measures(frozen: &[FrozenRow]) -> String {
    let held = frozen.iter().filter(|f| f.thawed_at.is_none()).count();
    let mut out = String::new();
    for f in frozen {
        let at = f.at.get(..16).unwrap_or_default().replace('T', " ");
        out.push_str(&format!("An account was frozen and its sessions ended on {at} UTC. "));
    }
    if held == 0 {
        out.push_str("[What was done to stop it.] ");
    }
    out.push_str("[What was done so that it does not happen again.]");
    out
}

fn advice(scope: Option<&ScopeSummary>) -> String {
    let clear = |t: &str| scope.is_some_and(|s| s.clear.contains_key(t));
    let mut out = Vec::new();
    if clear("CREDIT_CARD") || clear("ACCOUNT_ID") || clear("IBAN_CODE") {
        out.push("Watch your statements and ask your bank for a new card or account number.");
    }
    if clear("US_SSN") || clear("US_ITIN") {
        out.push("Consider a fraud alert or a credit freeze with the consumer reporting agencies.");
    }
    out.push("Be careful with callers who seem to know about your conversations with us; we never ask for passwords or codes.");
    out.join(" ")
}

fn rights(jurisdiction: &str) -> String {
    match jurisdiction {
        "EU" | "UK" => "You may complain to your data protection authority. [Name and address of the authority]".into(),
        place if place.starts_with("US-") => {
            "You may report suspected identity theft to law enforcement, the attorney general of your state and the Federal Trade Commission. [What the law of the state adds]".into()
        }
        "HIPAA" => "You may complain to the Secretary of Health and Human Services. [Address]".into(),
        _ => "[Whom the person may complain to]".into(),
    }
}

fn more(clock: &Countdown) -> String {
    if clock.note.is_empty() { String::new() } else { format!("\nNote on this law: {}\n", clock.note) }
}

#[cfg(test)]
mod tests;
