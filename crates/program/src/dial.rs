//! May this number be called? The law's rules over what the caller says and what the vault knows: wishes to hear no more
//! and consents. Every answer is filed with its packs and a salted hash of its facts, and can be computed again.

mod list;
#[cfg(test)]
mod tests;

pub use list::{Listed, Listing, MAX_ROWS};

use crate::Error;
use callvault_law::{Decision, Facts, Overlay, PackFile, Packs, Signed, evaluate, next_allowed, places_of};
use callvault_model::id::LawCheckId;
use callvault_store::{
    Actor, Vault,
    consent::{ConsentRow, ContactIndex},
    law::{LawCheck, LawCheckRow},
    suppression::SuppressionRow,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The setting that holds which rows are off.
const OVERLAY: &str = "overlay";

/// The packs with the rows that the site switched off, read again whenever that changes.
static BOOK: Mutex<Option<(String, Arc<Packs>)>> = Mutex::new(None);

/// Packs of the site's own, signed, which replace those in the program for as long as it runs.
static OWN: OnceLock<(Vec<PackFile>, Signed)> = OnceLock::new();

/// Takes packs of the site's own in place of those in the program. Called once, before anything is asked.
///
/// # Errors
/// The signature does not fit, or an entry makes no sense; or rules were taken before.
pub fn use_packs(files: Vec<PackFile>, signed: Signed) -> Result<(), Error> {
    Packs::from_files(&files, Some(&signed), Overlay::default())?;
    OWN.set((files, signed)).map_err(|_| Error::Shipped("order in which rules of law are taken"))
}

/// The rules that this process goes by, with some rows off: the site's own, or those in the program.
///
/// # Errors
/// The overlay switches off what it may not.
pub fn edition(overlay: Overlay) -> Result<Packs, callvault_law::Error> {
    match OWN.get() {
        Some((files, signed)) => Packs::from_files(files, Some(signed), overlay),
        None => Packs::embedded(overlay),
    }
}

/// The rules as this site uses them.
///
/// # Errors
/// The setting or the packs are damaged.
pub fn packs(vault: &Vault) -> Result<Arc<Packs>, Error> {
    let setting = vault.law_setting(OVERLAY)?.unwrap_or_default();
    let mut book = BOOK.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((text, packs)) = book.as_ref()
        && *text == setting
    {
        return Ok(Arc::clone(packs));
    }
    let overlay = if setting.is_empty() {
        Overlay::default()
    } else {
        serde_json::from_str(&setting).map_err(|_| Error::Shipped("setting of the law's rows"))?
    };
    let packs = Arc::new(edition(overlay)?);
    *book = Some((setting, Arc::clone(&packs)));
    Ok(packs)
}

/// Switches one unreviewed row off or on, or all of them.
///
/// # Errors
/// The row does not exist, or binds everybody.
pub fn switch(vault: &Vault, actor: &Actor, row: &str, off: bool) -> Result<(), Error> {
    let mut overlay = packs(vault)?.overlay().clone();
    if row == ALL_UNREVIEWED {
        overlay.reviewed_only = off;
    } else {
        overlay.off.retain(|r| r != row);
        if off {
            overlay.off.push(row.to_owned());
        }
    }
    overlay.off.sort();
    // Refuses what cannot be switched off, before it is set.
    edition(overlay.clone())?;
    let text = serde_json::to_string(&overlay).map_err(|_| Error::Shipped("setting of the law's rows"))?;
    vault.set_law_rows(actor, &text, &format!("{row} {}", if off { "off" } else { "on" }))?;
    Ok(())
}

/// Stands for every unreviewed row.
pub const ALL_UNREVIEWED: &str = "all-unreviewed";

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// A text message, not a call.
    pub text: bool,
    /// The number.
    pub number: String,
    /// What the caller knows, by the names of the law's facts.
    pub facts: Map<String, Value>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// Under which the answer is filed.
    pub id: LawCheckId,
    /// Salted hash of the facts, as the ledger has it.
    pub facts_hash: String,
    /// The answer.
    pub decision: Decision,
    /// When the call would be allowed, where only the time stands against it.
    pub next: Option<Timestamp>,
    /// The number wishes to hear no more.
    pub opted_out: bool,
    /// The number stands on the do-not-contact list, which outlives the person it led to.
    pub suppressed: Option<SuppressionRow>,
    /// The consent that was used.
    pub consent: Option<ConsentRow>,
}

/// What the law calls the purpose, as consents name it.
fn purpose(of: &str) -> &'static str {
    match of {
        "hipaa_health_care" => "health",
        "informational" => "service",
        _ => "marketing",
    }
}

/// The consent in the words of the law's facts. The number stands as its pseudonym on both sides.
fn consent_fact(c: &ConsentRow, number: &str, today: &str) -> Value {
    let ended = c.withdrawn_at.as_ref().and_then(|t| t.get(..10)).map(str::to_owned);
    let over = c.expires.clone().filter(|e| e.as_str() < today);
    json!({
        "kind": c.kind, "given": c.given, "revoked": ended.or(over), "phone": number,
        "signature": Some(&c.detail.signature).filter(|s| !s.is_empty()),
        "seller": Some(&c.detail.seller).filter(|s| !s.is_empty()),
        "disclosure_autodialer": c.detail.disclosure_autodialer,
        "disclosure_not_condition": c.detail.disclosure_not_condition,
    })
}

/// Puts the pseudonym of a number where the facts name the number, and what the vault knows beside it. `refused`: since
/// when it is not to be called, by a wish on file or by the list that outlives an erasure.
fn known(
    vault: &Vault,
    of: &ContactIndex,
    refused: Option<&str>,
    consent: Option<&ConsentRow>,
    facts: &mut Map<String, Value>,
    at: Timestamp,
) -> Result<(), Error> {
    let number = of.pseudonym();
    facts.insert("called".to_owned(), number.clone().into());
    if let Some(Value::Object(given)) = facts.get_mut("consent")
        && let Some(phone) = given.get("phone").and_then(Value::as_str).map(str::to_owned)
    {
        let same = vault.contact_index(&phone)?.map(|i| i.pseudonym());
        given.insert("phone".to_owned(), same.unwrap_or_else(|| "another number".to_owned()).into());
    }
    if !facts.contains_key("consent") {
        let today = jiff::tz::Offset::UTC.to_datetime(at).date().to_string();
        facts.insert("consent".to_owned(), consent.map_or(Value::Null, |c| consent_fact(c, &number, &today)));
    }
    // Whoever says that the number is on a list of theirs is believed; that it is on none, the vault decides.
    let said = facts.get("internal_dnc").and_then(Value::as_bool) == Some(true);
    facts.insert("internal_dnc".to_owned(), (said || refused.is_some()).into());
    if let Some(since) = refused.and_then(|t| t.get(..10)) {
        facts.insert("internal_dnc_requested".to_owned(), since.into());
    }
    Ok(())
}

/// Adds the states and zones that a number's area code reaches.
fn place(packs: &Packs, number: &str, facts: &mut Map<String, Value>) {
    let places = places_of(packs, number);
    for (name, found) in [("candidate_states", places.states), ("candidate_zones", places.zones)] {
        let entry = facts.entry(name).or_insert_with(|| json!([]));
        if !entry.is_array() {
            *entry = json!([]);
        }
        if let Value::Array(list) = entry {
            list.extend(found.into_iter().map(Value::String));
        }
    }
}

fn action(text: bool) -> &'static str {
    if text { "outbound_text" } else { "outbound_call" }
}

/// Answers and files the answer.
///
/// # Errors
/// The number is none, or the facts are beyond the limits.
pub fn check(vault: &Vault, actor: &Actor, question: &Question, now: Timestamp) -> Result<Answer, Error> {
    let packs = packs(vault)?;
    let of = vault.contact_index(&question.number)?.filter(|i| i.field == "phone").ok_or(Error::Number)?;
    let mut facts = question.facts.clone();
    let at = facts.get("at").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok()).unwrap_or(now);
    facts.insert("at".to_owned(), at.to_string().into());
    place(&packs, &question.number, &mut facts);
    let wanted = facts.get("purpose").and_then(Value::as_str).map_or("marketing", purpose);
    let day = jiff::tz::Offset::UTC.to_datetime(at).date();
    let channel = if question.text { "sms" } else { "voice" };
    let consent = vault.consent_for(&of, channel, wanted, day)?;
    let opted_out = vault.opted_out(&of)?;
    let suppressed = vault.suppression(&question.number)?;
    let refused = [opted_out.as_deref(), suppressed.as_ref().map(|s| s.since.as_str())];
    known(vault, &of, refused.into_iter().flatten().min(), consent.as_ref(), &mut facts, at)?;
    let facts = Facts::new(Value::Object(facts))?;
    let action = action(question.text);
    let decision = evaluate(&packs, "tcpa", action, &facts, at)?;
    let next = next_allowed(&packs, action, &facts, &decision)?;
    let filed = LawCheck {
        engine: "tcpa".to_owned(),
        action: action.to_owned(),
        as_of: at.to_string(),
        decision: decision.decision.clone(),
        reasons: decision.reasons.iter().map(|r| r.code.clone()).collect(),
        pack_hash: decision.pack_hash.clone(),
        facts: json!({"facts": facts.to_json(), "overlay": packs.overlay()}).to_string(),
    };
    let (id, facts_hash) = vault.record_law_check(actor, &filed, |salt| facts.commitment(salt))?;
    Ok(Answer { id, facts_hash, decision, next, opted_out: opted_out.is_some(), suppressed, consent })
}

/// An answer computed again.
#[derive(Debug)]
pub struct Replay {
    /// As it was filed.
    pub filed: LawCheckRow,
    /// The answer now.
    pub decision: Decision,
    /// The same word, from the same packs and the facts whose hash the ledger has.
    pub same: bool,
    /// The packs are those of then.
    pub same_packs: bool,
    /// The facts have the hash that was filed.
    pub same_facts: bool,
}

/// Computes a filed answer again, with the packs that `edition` gives for the rows that were off then.
///
/// # Errors
/// There is no such answer, or its facts are damaged.
pub fn replay(
    vault: &Vault,
    actor: &Actor,
    id: LawCheckId,
    edition: &dyn Fn(Overlay) -> Result<Packs, callvault_law::Error>,
) -> Result<Replay, Error> {
    let (filed, text, salt) = vault.law_check(id)?;
    let damaged = || Error::Shipped("record of a legal check");
    let mut payload: Value = serde_json::from_str(&text).map_err(|_| damaged())?;
    let overlay = payload.get("overlay").cloned().ok_or_else(damaged)?;
    let packs = edition(serde_json::from_value(overlay).map_err(|_| damaged())?)?;
    let facts = Facts::new(payload.get_mut("facts").map(Value::take).ok_or_else(damaged)?)?;
    let as_of = filed.as_of.parse().map_err(|_| damaged())?;
    let decision = evaluate(&packs, &filed.engine, &filed.action, &facts, as_of)?;
    let same_packs = decision.pack_hash == filed.pack_hash;
    let same_facts = facts.commitment(&salt) == filed.facts_hash;
    let same = same_packs && same_facts && decision.decision == filed.decision;
    vault.record_law_replay(actor, id, same)?;
    Ok(Replay { filed, decision, same, same_packs, same_facts })
}
