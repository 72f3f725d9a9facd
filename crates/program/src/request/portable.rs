//! What a person may carry away (GDPR Art. 20): what they gave themselves, where consent or a contract is the basis.
//!
//! A copy under Art. 15 says more: what staff said, who was shown it, how long it is kept. None of that was provided by
//! the person. Whether a channel's basis allows it, the rows of the law answer; a basis that nobody set does not.

use super::{
    Row,
    copy::{Copy, Talk},
};
use crate::{Error, dial};
use callvault_law::{DISCLAIMER, Facts, Outcome, Source, evaluate};
use callvault_store::Vault;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was asked of the law, and what it left out.
#[derive(Debug, Clone, Serialize)]
pub struct Portable {
    /// Channels whose conversations are not in the copy.
    pub left_out: Vec<NotPortable>,
    /// The rows that the answers rest on.
    pub rows: Vec<Row>,
    /// That none of it is legal advice.
    pub disclaimer: &'static str,
}

/// A channel whose conversations stay.
#[derive(Debug, Clone, Serialize)]
pub struct NotPortable {
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// Code of its lawful basis; empty: nobody set one.
    pub basis: String,
    /// How many conversations.
    pub conversations: usize,
    /// Code of the reason, such as `art20.1.a`.
    pub reason: String,
    /// Where that is written.
    pub cite: Vec<String>,
}

/// Leaves in a copy what is portable.
pub(super) fn narrow(vault: &Vault, copy: &mut Copy) -> Result<(), Error> {
    let packs = dial::packs(vault)?;
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    copy.conversations.iter().for_each(|t| *held.entry(t.channel.clone()).or_default() += 1);
    let mut out = Portable { left_out: Vec::new(), rows: Vec::new(), disclaimer: DISCLAIMER };
    let processing = vault.processing()?;
    for (channel, conversations) in held {
        let basis =
            processing.iter().find(|p| p.channel == channel).map(|p| p.basis.clone()).unwrap_or_default();
        let said = Some(&basis).filter(|b| !b.is_empty());
        let facts =
            Facts::new(serde_json::json!({"action": "portability", "basis": said, "automated": true}))?;
        let answer = evaluate(&packs, "gdpr", "portability", &facts, vault.clock().now())?;
        let mut note = |s: &Source| {
            let row = Row::from(s);
            if !out.rows.contains(&row) {
                out.rows.push(row);
            }
        };
        answer.reasons.iter().for_each(|r| note(&r.source));
        if answer.outcome == Outcome::Allow {
            continue;
        }
        let reason = answer.reasons.first().map(|r| r.code.clone()).unwrap_or_default();
        out.left_out.push(NotPortable { channel, basis, conversations, reason, cite: answer.citations });
    }
    copy.conversations.retain(|t| !out.left_out.iter().any(|l| l.channel == t.channel));
    copy.conversations.iter_mut().for_each(own);
    (copy.recipients, copy.retention) = (Vec::new(), Vec::new());
    copy.left_out = copy.conversations.iter().flat_map(|t| &t.values).filter(|v| v.value.is_none()).count();
    copy.portable = Some(out);
    Ok(())
}

/// Only what the person said or wrote.
fn own(talk: &mut Talk) {
    let parties = &talk.parties;
    talk.dialog.retain(|d| parties.get(d.party).is_some_and(|p| p.you));
    let turns: Vec<u64> = talk.dialog.iter().map(|d| d.turn).collect();
    talk.values.retain(|v| turns.contains(&v.turn));
    talk.copies.clear();
}

/// What a reader has to know of it.
pub(super) fn notes(of: &Portable) -> Vec<String> {
    let mut out = vec![
        "This copy holds what you gave us yourself, where we process it on your consent or for a contract with you (GDPR Art. 20). Ask for access to get everything that is held.".to_owned(),
    ];
    out.extend(of.left_out.iter().map(|l| {
        let basis = if l.basis.is_empty() {
            "no lawful basis is written down for it"
        } else {
            &l.basis.replace('_', " ")
        };
        format!(
            "{} conversations by {} are not in it: {basis} ({}).",
            l.conversations,
            l.channel,
            l.cite.first().map_or("GDPR Art. 20(1)", String::as_str)
        )
    }));
    out
}
