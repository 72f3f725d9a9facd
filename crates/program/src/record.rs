//! The record of processing activities (GDPR Art. 30), made from the configuration as it is now. What nobody set is
//! shown as missing; nothing is invented.

use crate::{Error, dial};
use callvault_law::{DISCLAIMER, Facts, evaluate};
use callvault_model::Channel;
use callvault_policy::{Act, Role, rights};
use callvault_store::{
    Class, Vault,
    processing::{BASES, CONDITIONS, Controller, PURPOSES},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Types of findings that are special categories of Art. 9, and how the law's rows name them.
const SPECIAL: [(&str, &str); 8] = [
    ("CONDITION", "health"),
    ("MEDICATION", "health"),
    ("PROCEDURE", "health"),
    ("BLOOD_TYPE", "health"),
    ("NRP", "ethnic_origin"),
    ("RELIGION", "religion"),
    ("SEXUALITY", "sexual_orientation"),
    ("UNION_MEMBERSHIP", "trade_union"),
];

/// Special categories found on a channel, and whether a condition carries them.
#[derive(Debug, Clone, Serialize)]
pub struct Special {
    /// Types of findings.
    pub found: Vec<String>,
    /// `allow` or `deny`, by the rows of Art. 9.
    pub decision: String,
    /// Their citations.
    pub citations: Vec<String>,
}

/// Processing on one channel.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// Conversations held.
    pub conversations: u64,
    /// What for.
    pub purposes: Vec<String>,
    /// On which basis of Art. 6.
    pub basis: String,
    /// Under which condition of Art. 9.
    pub condition: String,
    /// Whose data.
    pub subjects: Vec<String>,
    /// What a source tells and is kept.
    pub collected: Vec<String>,
    /// What was found in conversations, by type, with counts.
    pub data: BTreeMap<String, u64>,
    /// Special categories among it.
    pub special: Option<Special>,
    /// Classes and how long each is kept.
    pub retention: BTreeMap<String, String>,
}

/// The record.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// Who answers.
    pub controller: Controller,
    /// One a channel.
    pub activities: Vec<Activity>,
    /// Roles that can read content, with how many people hold each; services with keys.
    pub recipients_inside: BTreeMap<String, u64>,
    /// Recipients outside.
    pub recipients_outside: Vec<String>,
    /// Third countries with safeguards; empty where none.
    pub transfers: Vec<String>,
    /// What protects the data, as it is set now.
    pub security: Vec<String>,
    /// `complete` or `incomplete`, by the rows of Art. 30.
    pub decision: String,
    /// Fields of Art. 30(1) that nobody filled.
    pub missing: Vec<String>,
    /// Citations of those rows, with the day on which their source was read and how sure it is.
    pub citations: Vec<String>,
    /// Hash of the packs.
    pub pack_hash: String,
    /// What every page of law says.
    pub disclaimer: &'static str,
}

fn named(code: &str, list: &[(&str, &str)]) -> String {
    list.iter().find(|(c, _)| *c == code && !c.is_empty()).map_or(String::new(), |(_, n)| (*n).to_owned())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

/// Makes the record.
///
/// # Errors
/// The vault or the packs cannot be read.
pub fn record(vault: &Vault, now: Timestamp) -> Result<Record, Error> {
    let packs = dial::packs(vault)?;
    let controller = vault.controller()?;
    let activities = activities(vault, &packs, now)?;
    let fields = filled(&controller, &activities);
    let facts = Facts::new(json!({"role": "controller", "fields": fields}))?;
    let judged = evaluate(&packs, "gdpr", "validate_ropa", &facts, now)?;
    let missing = judged.fields.get("missing").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Record {
        made_at: now.to_string(),
        recipients_inside: inside(vault)?,
        recipients_outside: lines(&controller.recipients),
        transfers: lines(&controller.transfers),
        security: security(vault)?,
        decision: judged.decision,
        missing: missing.iter().filter_map(|m| m.as_str().map(str::to_owned)).collect(),
        citations: judged.citations,
        pack_hash: judged.pack_hash,
        disclaimer: DISCLAIMER,
        controller,
        activities,
    })
}

/// The fields of Art. 30(1) that say something. A channel without conversations needs no purpose yet.
fn filled(controller: &Controller, activities: &[Activity]) -> Vec<&'static str> {
    let used = || activities.iter().filter(|a| a.conversations > 0);
    let mut out = vec!["categories_of_subjects", "categories_of_data", "retention", "security", "recipients"];
    if !controller.name.trim().is_empty() && !controller.contact.trim().is_empty() {
        out.push("controller_contact");
    }
    if activities.iter().any(|a| !a.purposes.is_empty()) && used().all(|a| !a.purposes.is_empty()) {
        out.push("purposes");
    }
    out
}

fn activities(vault: &Vault, packs: &callvault_law::Packs, now: Timestamp) -> Result<Vec<Activity>, Error> {
    let (collection, retention) = (vault.collection_policy()?, vault.retention_rules()?);
    let mut out = Vec::new();
    for set in vault.processing()? {
        let Some(channel) = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms]
            .into_iter()
            .find(|c| c.as_str() == set.channel)
        else {
            continue;
        };
        let (conversations, found) = vault.found_on(channel)?;
        let data: BTreeMap<String, u64> = found.into_iter().collect();
        let keeps = collection.iter().filter(|r| r.channel == channel && r.keep);
        let times = retention.iter().filter(|r| r.channel == channel);
        out.push(Activity {
            conversations,
            purposes: set.purposes.iter().map(|p| named(p, &PURPOSES)).collect(),
            basis: named(&set.basis, &BASES),
            condition: named(&set.condition, &CONDITIONS),
            subjects: vec!["customers and other callers".to_owned(), "staff who talk with them".to_owned()],
            collected: keeps.map(|r| r.field.as_str().to_owned()).collect(),
            special: special(packs, &data, &set.basis, &set.condition, now)?,
            retention: times.map(|r| (r.class.as_str().to_owned(), time(r.class, r.days))).collect(),
            channel: set.channel,
            data,
        });
    }
    Ok(out)
}

fn time(class: Class, days: Option<u32>) -> String {
    match days {
        Some(0) if class == Class::Audio => {
            "until its redaction is proven and the cooling delay is over".to_owned()
        }
        Some(days) => format!("{days} days after it was recorded"),
        None => "without end, until somebody sets one".to_owned(),
    }
}

fn special(
    packs: &callvault_law::Packs,
    data: &BTreeMap<String, u64>,
    basis: &str,
    condition: &str,
    now: Timestamp,
) -> Result<Option<Special>, Error> {
    let found: Vec<(&str, &str)> = SPECIAL.into_iter().filter(|(t, _)| data.contains_key(*t)).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let (mut decision, mut citations) = ("allow".to_owned(), BTreeSet::new());
    for kind in found.iter().map(|(_, k)| *k).collect::<BTreeSet<_>>() {
        let art9 = if condition.is_empty() { Value::Null } else { condition.into() };
        let art6 = if basis.is_empty() { Value::Null } else { basis.into() };
        let facts = Facts::new(json!({"data": kind, "art6": art6, "art9": art9}))?;
        let judged = evaluate(packs, "gdpr", "process_special_category", &facts, now)?;
        citations.extend(judged.citations);
        if judged.decision != "allow" {
            decision = judged.decision;
        }
    }
    let found = found.iter().map(|(t, _)| (*t).to_owned()).collect();
    Ok(Some(Special { found, decision, citations: citations.into_iter().collect() }))
}

/// Roles whose holders can read content, and services with live keys.
fn inside(vault: &Vault) -> Result<BTreeMap<String, u64>, Error> {
    let mut out = BTreeMap::new();
    for account in vault.accounts()? {
        for role in &account.roles {
            let can = rights(&BTreeSet::from([*role]));
            if *role == Role::Service || can.contains(&Act::ReadMasked) || can.contains(&Act::ReadSubject) {
                *out.entry(role.as_str().to_owned()).or_default() += 1;
            }
        }
    }
    Ok(out)
}

fn security(vault: &Vault) -> Result<Vec<String>, Error> {
    let keys = vault.keys_status()?;
    let people = vault.accounts()?;
    let strong = people.iter().filter(|a| !a.service && (a.passkeys > 0 || a.password)).count();
    let overview = vault.overview()?;
    let disposal = match vault.disposal()? {
        Some(d) => format!(
            "originals are destroyed {} days after their redaction is proven, each with a certificate",
            d.cooling_days
        ),
        None => "the vault observes: originals lie sealed and nothing is destroyed yet".to_owned(),
    };
    Ok(vec![
        format!(
            "AES-256-GCM with a key per person and per recording ({} and {} live keys) under tenant key version {}",
            keys.subject_keys, keys.object_keys, keys.tenant_key_version
        ),
        "pseudonymisation: values are masked in text and muted in audio; originals are tokens under the person's key"
            .to_owned(),
        format!("access by role and purpose, two factors for {strong} people; card data is revealed to two people only"),
        format!("a ledger that shows every change and every reading ({} entries), verified offline", overview.ledger),
        disposal,
    ])
}
