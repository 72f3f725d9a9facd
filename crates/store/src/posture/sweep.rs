//! One pass over the ledger: which kinds there are, when last, how often the clock stepped, and whether anything in it
//! looks like a personal value.

use super::Ids;
use crate::db::Connection;
use crate::{Error, ledger};
use callvault_ledger::{Entry, Kind, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shapes of personal values that may never stand in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// Entries with a card number (13 to 19 digits whose check digit is right).
    pub cards: Ids,
    /// Entries with an e-mail address.
    pub mails: Ids,
    /// Entries with a telephone or social-security number.
    pub numbers: Ids,
}

/// What stands in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerCensus {
    /// Entries read.
    pub entries: u64,
    /// By kind: how many, and when last.
    pub kinds: BTreeMap<String, (u64, String)>,
    /// When the first entry was made.
    pub first_at: String,
    /// When the last was.
    pub last_at: String,
    /// Entries that the clock went back before.
    pub clock_steps: Ids,
    /// Entries that cannot be read.
    pub unreadable: Ids,
    /// Entries that look as if they held a personal value.
    pub personal: Personal,
    /// When each shred epoch was made that still is.
    pub epochs: BTreeMap<String, String>,
    /// Certificates that the ledger knows.
    pub certificates: u64,
}

pub(super) fn census(db: &Connection) -> Result<LedgerCensus, Error> {
    let mut out = LedgerCensus::default();
    for row in ledger::rows(db, 0) {
        let (body, _) = row?;
        let seq = out.entries.to_string();
        out.entries = out.entries.saturating_add(1);
        match Entry::parse(&body) {
            Ok(entry) => one(&mut out, &entry, &seq),
            Err(_) => out.unreadable.push(seq),
        }
    }
    Ok(out)
}

fn one(out: &mut LedgerCensus, entry: &Entry, seq: &str) {
    let at = entry.at.to_string();
    if out.first_at.is_empty() {
        out.first_at.clone_from(&at);
    }
    let kind = out.kinds.entry(entry.kind.clone()).or_insert((0, String::new()));
    kind.0 = kind.0.saturating_add(1);
    kind.1.clone_from(&at);
    if entry.kind == Kind::ClockStepped.as_str() {
        out.clock_steps.push(seq);
    }
    if entry.kind == Kind::CertificateIssued.as_str() && !entry.body.contains_key("tenant_vault") {
        out.certificates = out.certificates.saturating_add(1);
    }
    if let Some(Value::Text(epoch)) = entry.body.get("epoch") {
        if entry.kind == Kind::KeyEpochCreated.as_str() {
            out.epochs.insert(epoch.clone(), at.clone());
        } else if entry.kind == Kind::KeyEpochDestroyed.as_str() {
            out.epochs.remove(epoch);
        }
    }
    let texts = entry.body.values().filter_map(|v| match v {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    for text in texts.chain([entry.actor.as_str()]) {
        sweep(&mut out.personal, text, seq);
    }
    out.last_at = at;
}

fn sweep(into: &mut Personal, text: &str, seq: &str) {
    if is_machine_made(text) {
        return;
    }
    if mail(text) {
        into.mails.push(seq);
    }
    if has_card(text) {
        into.cards.push(seq);
    } else if number(text) {
        into.numbers.push(seq);
    }
}

/// Hashes, ids, times and codes, which hold digits by their nature.
fn is_machine_made(text: &str) -> bool {
    let hex = text.len() >= 16
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    let id = |t: &str| t.len() == 36 && t.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    hex || id(text)
        || text.split_once(':').is_some_and(|(_, rest)| id(rest))
        || text.parse::<jiff::Timestamp>().is_ok()
}

fn mail(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || ",;<>()".contains(c)).any(|word| {
        word.split_once('@')
            .is_some_and(|(who, host)| !who.is_empty() && host.contains('.') && !host.starts_with('.'))
    })
}

/// Runs of digits, with single spaces, dots or dashes inside.
fn runs(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_ascii_digit() || " -.".contains(c)))
        .map(|run| run.chars().filter(char::is_ascii_digit).collect::<String>())
        .filter(|digits| digits.len() >= 9)
}

/// Whether a text holds 13 to 19 digits of a card network whose check digit is right.
pub fn has_card(text: &str) -> bool {
    runs(text).any(|digits| {
        (13..=19).contains(&digits.len())
            && matches!(digits.as_bytes().first(), Some(b'2'..=b'6'))
            && digits.bytes().any(|b| Some(&b) != digits.as_bytes().first())
            && luhn(&digits)
    })
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = u32::from(b.saturating_sub(b'0'));
            if i % 2 == 0 {
                d
            } else if d > 4 {
                d.saturating_mul(2).saturating_sub(9)
            } else {
                d.saturating_mul(2)
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Telephone and social-security numbers as people write them: grouped.
fn number(text: &str) -> bool {
    let grouped = text.contains(['-', ' ', '+', '(']);
    grouped && runs(text).any(|digits| (9..=15).contains(&digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swept(text: &str) -> (u64, u64, u64) {
        let mut out = Personal::default();
        sweep(&mut out, text, "1");
        (out.cards.count, out.mails.count, out.numbers.count)
    }

    #[test]
    fn personal_values_are_seen_and_codes_are_not() {
        assert_eq!(swept("4242 4242 4242 4242"), (1, 0, 0));
        assert_eq!(swept("card 4242424242424242 of"), (1, 0, 0));
        assert_eq!(swept("4242 4242 4242 4243").0, 0, "a wrong check digit is no card");
        assert_eq!(swept("dana@example.com"), (0, 1, 0));
        assert_eq!(swept("call +1 202 555 0147"), (0, 0, 1));
        assert_eq!(swept("078-05-1120"), (0, 0, 1));
        for clean in [
            "0190a5c2-7e3f-7000-8000-000000000000",
            "account:0190a5c2-7e3f-7000-8000-000000000000",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "2026-11-24T02:14:56.123Z",
            "observe",
            "source file",
            "moonshine-base-en",
        ] {
            assert_eq!(swept(clean), (0, 0, 0), "{clean}");
        }
    }
}
