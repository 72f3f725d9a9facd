//! What stands on somebody's desk: what waits for them, what they asked for, which rights hold.

use crate::{correcting, words};
use callvault_model::id::{AccountId, ConversationId, GrantId};
use callvault_policy::Act;
use callvault_store::{
    Actor, Error, Vault,
    corrections::CorrectionRow,
    grants::{GrantRow, GrantState},
    reveal::{RevealRow, RevealState},
    two_person::{DecisionRow, DecisionState, Shared},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a right or request is about, as a link or in words.
pub(super) struct On {
    pub href: String,
    pub text: &'static str,
}

/// Something that waits for this person's answer.
pub(super) struct Item {
    pub action: String,
    pub title: String,
    pub by: String,
    pub at: String,
    pub at_raw: String,
    pub until: String,
    pub purpose: &'static str,
    pub why: String,
    pub on: Option<On>,
    pub yes: &'static str,
}

/// Something this person asked for.
pub(super) struct Mine {
    pub title: String,
    pub state: &'static str,
    pub grade: &'static str,
    pub at: String,
    pub at_raw: String,
    pub until: String,
    pub purpose: &'static str,
    pub on: Option<On>,
    pub next: Option<On>,
}

/// A right that holds now.
pub(super) struct Held {
    pub id: GrantId,
    pub by: String,
    pub what: &'static str,
    pub on: On,
    pub purpose: &'static str,
    pub why: String,
    pub until: String,
}

/// Everything the page is made from, read in one go.
pub(crate) struct Desk {
    pub grants: Vec<GrantRow>,
    pub reveals: Vec<RevealRow>,
    pub decisions: Vec<DecisionRow>,
    pub corrections: Vec<CorrectionRow>,
    names: BTreeMap<AccountId, String>,
}

impl Desk {
    /// Reads it all.
    pub fn read(vault: &Vault) -> Result<Self, Error> {
        Ok(Self {
            grants: vault.grants(None)?,
            reveals: vault.reveal_requests(None)?,
            decisions: vault.decisions()?,
            corrections: vault.corrections(None, false)?,
            names: vault.accounts()?.into_iter().map(|a| (a.id, a.name)).collect(),
        })
    }

    fn name(&self, id: AccountId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("account {id}"))
    }

    fn actor(&self, actor: &str) -> String {
        match Actor::parse(actor) {
            Some(Actor::Account(id) | Actor::Service(id)) => self.name(id),
            _ => actor.to_owned(),
        }
    }

    /// Whether this request waits for the person with these rights.
    pub fn grant_waits(row: &GrantRow, me: AccountId, may: &BTreeSet<Act>) -> bool {
        row.state == GrantState::Requested && row.account != me && may.contains(&Act::ApproveGrant)
    }

    /// The same for a hidden value.
    pub fn reveal_waits(row: &RevealRow, me: AccountId, may: &BTreeSet<Act>) -> bool {
        row.state == RevealState::Pending && row.account != me && may.contains(&Act::ApproveReveal)
    }

    /// The same for what needs two people.
    pub fn decision_waits(row: &DecisionRow, me: AccountId, may: &BTreeSet<Act>) -> bool {
        row.state == DecisionState::Pending && row.requested_by != me && may.contains(&row.what.acts().1)
    }
}

fn on_grant(row: &GrantRow) -> On {
    match (row.target_kind.as_str(), &row.target) {
        ("conversation", Some(id)) => On { href: format!("/conversations/{id}"), text: "one conversation" },
        ("subject", Some(id)) => On { href: format!("/subjects/{id}"), text: "one person's conversations" },
        _ => On { href: String::new(), text: "all conversations" },
    }
}

fn purpose(code: &str) -> &'static str {
    code.parse().map_or("", words::purpose)
}

fn value_title(r: &RevealRow) -> String {
    format!("See a hidden value: {}", words::of_name(r.entity.as_deref().unwrap_or_default(), 1))
}

fn on_conversation(id: ConversationId) -> On {
    On { href: format!("/conversations/{id}"), text: "the conversation" }
}

/// Whom an erasure is about.
fn on_person(facts: &serde_json::Value) -> Option<On> {
    let id: callvault_model::id::SubjectId = facts.get("subject")?.as_str()?.parse().ok()?;
    Some(On { href: format!("/subjects/{id}"), text: "the person" })
}

/// What two people are asked for, in words.
fn shared(what: Shared, facts: &serde_json::Value) -> String {
    let what = match what.as_str() {
        "enable_disposal" => "Leave observe mode: destroy what is due from then on",
        "erase_subject" => "Erase a person for good",
        "end_tenant" => "End a tenant: everything in its vault becomes unreadable",
        "change_keys" => "Change what opens the root key",
        _ => "Go back to observe mode",
    };
    match facts.get("tenant").and_then(|t| t.as_str()) {
        Some(name) => format!("{what} ({name})"),
        None => what.to_owned(),
    }
}

fn terms(facts: &serde_json::Value) -> String {
    let n = |name: &str| facts.get(name).and_then(serde_json::Value::as_u64).map(words::number);
    match (n("planted"), n("covered"), n("cooling_days")) {
        (Some(planted), Some(covered), Some(days)) => format!(
            "Measured on labelled conversations: {covered} of {planted} planted values covered. Originals are destroyed \
             {days} days after proof."
        ),
        _ => key_terms(facts).unwrap_or_default(),
    }
}

/// What the operator of the machine wants to do with the root key.
fn key_terms(facts: &serde_json::Value) -> Option<String> {
    let n = |name: &str| facts.get(name).and_then(serde_json::Value::as_u64).map(words::number);
    if let (Some(needed), Some(made)) = (n("needed"), n("made")) {
        return Some(format!("New recovery shares: {made}, of which any {needed} rebuild the key."));
    }
    Some(match facts.get("protection")?.as_str()? {
        "none" => "The key file opens for whoever can read it.".to_owned(),
        "passphrase" => "The key file opens with a passphrase.".to_owned(),
        "transit" | "aws-kms" => {
            format!("The key file opens with a key in a service: {}", facts.get("place")?.as_str()?)
        }
        _ => "The key file opens with a security module.".to_owned(),
    })
}

/// What waits for this person, the oldest first.
pub(super) fn waiting(desk: &Desk, me: AccountId, may: &BTreeSet<Act>) -> Vec<Item> {
    let grants = desk.grants.iter().filter(|r| Desk::grant_waits(r, me, may)).map(|r| Item {
        action: format!("/requests/grants/{}", r.id),
        title: format!("{}, for {}", words::right(&r.act), words::span(r.minutes)),
        by: desk.name(r.account),
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: String::new(),
        purpose: purpose(&r.purpose),
        why: r.reason.clone(),
        on: Some(on_grant(r)),
        yes: "Give the right",
    });
    let reveals = desk.reveals.iter().filter(|r| Desk::reveal_waits(r, me, may)).map(|r| Item {
        action: format!("/requests/reveals/{}", r.id),
        title: value_title(r),
        by: desk.name(r.account),
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: words::when(&r.expires_at),
        purpose: purpose(&r.purpose),
        why: r.reason.clone(),
        on: Some(on_conversation(r.conversation)),
        yes: "Agree",
    });
    let decisions = desk.decisions.iter().filter(|r| Desk::decision_waits(r, me, may)).map(|r| Item {
        action: format!("/requests/decisions/{}", r.id),
        title: shared(r.what, &r.facts),
        by: desk.name(r.requested_by),
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: words::when(&r.expires_at),
        purpose: "",
        why: terms(&r.facts),
        on: on_person(&r.facts),
        yes: "Agree; it holds at once",
    });
    let own = Actor::Account(me).to_string();
    let corrections = desk.corrections.iter().filter(|r| correcting::waits(r, &own, may)).map(|r| Item {
        action: format!("/corrections/{}", r.id),
        title: correction_title(r),
        by: desk.actor(&r.requested_by),
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: String::new(),
        purpose: "",
        why: r.note.clone(),
        on: Some(On { href: format!("/corrections/{}", r.id), text: "see it in its place" }),
        yes: "Accept",
    });
    let mut items: Vec<_> = reveals.chain(decisions).chain(grants).chain(corrections).collect();
    items.sort_by(|a, b| a.at_raw.cmp(&b.at_raw));
    items
}

fn my_grant(r: &GrantRow) -> Mine {
    let (state, grade) = match r.state {
        GrantState::Requested => ("waits", "warn"),
        GrantState::Active => ("holds", "good"),
        GrantState::Refused => ("refused", "bad"),
        GrantState::Ended => ("over", ""),
        GrantState::Revoked => ("taken away", "bad"),
    };
    Mine {
        title: format!("{}, for {}", words::right(&r.act), words::span(r.minutes)),
        state,
        grade,
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: r.ends_at.as_deref().map(words::when).unwrap_or_default(),
        purpose: purpose(&r.purpose),
        on: Some(on_grant(r)),
        next: None,
    }
}

fn my_reveal(r: &RevealRow) -> Mine {
    let (state, grade, next) = match r.state {
        RevealState::Pending => ("waits", "warn", "Open"),
        RevealState::Approved => ("agreed", "good", "See it, once"),
        RevealState::Refused => ("refused", "bad", "Open"),
        RevealState::Used => ("was shown", "", "Open"),
        RevealState::Expired => ("over", "", "Open"),
    };
    Mine {
        title: value_title(r),
        state,
        grade,
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: words::when(&r.expires_at),
        purpose: purpose(&r.purpose),
        on: Some(on_conversation(r.conversation)),
        next: Some(On { href: format!("/reveals/{}", r.id), text: next }),
    }
}

fn my_decision(r: &DecisionRow) -> Mine {
    let (state, grade) = match r.state {
        DecisionState::Pending => ("waits", "warn"),
        DecisionState::Approved => ("agreed", "good"),
        DecisionState::Refused => ("refused", "bad"),
        DecisionState::Used => ("done", "good"),
        DecisionState::Expired => ("over", ""),
    };
    Mine {
        title: shared(r.what, &r.facts),
        state,
        grade,
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: words::when(&r.expires_at),
        purpose: "",
        on: None,
        next: None,
    }
}

fn correction_title(r: &CorrectionRow) -> String {
    let what = words::of_name(&r.entity, 1);
    if r.kind == "missed" {
        format!("Hide what was missed: {what}")
    } else {
        format!("Bring back what is no {what}")
    }
}

fn my_correction(r: &CorrectionRow) -> Mine {
    let (state, grade) = match r.state.as_str() {
        "requested" => ("waits", "warn"),
        "accepted" => ("accepted", "good"),
        _ => ("refused", "bad"),
    };
    Mine {
        title: correction_title(r),
        state,
        grade,
        at: words::when(&r.requested_at),
        at_raw: r.requested_at.clone(),
        until: String::new(),
        purpose: "",
        on: Some(on_conversation(r.conversation)),
        next: Some(On { href: format!("/corrections/{}", r.id), text: "Open" }),
    }
}

/// What this person asked for, newest first.
pub(super) fn mine(desk: &Desk, me: AccountId) -> Vec<Mine> {
    let grants = desk.grants.iter().filter(|r| r.account == me).map(my_grant);
    let reveals = desk.reveals.iter().filter(|r| r.account == me).map(my_reveal);
    let decisions = desk.decisions.iter().filter(|r| r.requested_by == me).map(my_decision);
    let own = Actor::Account(me).to_string();
    let corrections = desk.corrections.iter().filter(|r| r.requested_by == own).map(my_correction);
    let mut items: Vec<_> = grants.chain(reveals).chain(decisions).chain(corrections).collect();
    items.sort_by(|a, b| b.at_raw.cmp(&a.at_raw));
    items
}

/// The rights that hold now.
pub(super) fn held(desk: &Desk) -> Vec<Held> {
    let active = desk.grants.iter().filter(|r| r.state == GrantState::Active);
    active
        .map(|r| Held {
            id: r.id,
            by: desk.name(r.account),
            what: words::right(&r.act),
            on: on_grant(r),
            purpose: purpose(&r.purpose),
            why: r.reason.clone(),
            until: r.ends_at.as_deref().map(words::when).unwrap_or_default(),
        })
        .collect()
}
