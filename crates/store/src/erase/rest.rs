//! What an erasure could not take because a hold, a mark, a minimum or a decision kept it: written down, so that it goes
//! when the reason is over.

use super::{EraseOrder, Erased, KeptWhy};
use crate::{Command, Error, Refused, Vault};
use callvault_model::id::{CertificateId, ConversationId};
use rusqlite::{OptionalExtension, params};

/// Code of what was taken in after an erasure was ordered, and is not covered by it.
pub const LATER: &str = "later";

impl Erased {
    /// What a rule kept and this erasure still covers.
    pub fn open_lines(&self) -> impl Iterator<Item = &super::ErasedLine> {
        self.lines.iter().filter(|l| l.kept.as_ref().is_some_and(|k| k.code != LATER))
    }

    /// Whether the order covers a conversation that it left something of.
    pub fn covers(&self, conversation: ConversationId) -> bool {
        self.open_lines().any(|l| l.conversation == conversation)
    }
}

impl Vault {
    /// Erasures that a rule kept from being whole, the longest waiting first.
    pub fn unfinished_erasures(&self) -> Result<Vec<Erased>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT facts FROM erasure_rest ORDER BY receipt")?;
        let rows = statement.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        rows.iter().map(|f| read(f)).collect()
    }
}

fn read(facts: &str) -> Result<Erased, Error> {
    serde_json::from_str(facts).map_err(|_| Error::Corrupt("an erasure"))
}

/// The erasure that an order goes on with, as it was written down; not as the caller says.
pub(super) fn before(c: &Command<'_>, id: CertificateId) -> Result<Erased, Error> {
    let facts: Option<String> = c
        .tx
        .query_row("SELECT facts FROM erasure_rest WHERE receipt = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    read(&facts.ok_or(Refused::Unknown("unfinished erasure"))?)
}

/// What was taken in since stays: nobody ordered it to be erased.
pub(super) fn later(before: Option<&Erased>, conversation: ConversationId) -> Option<KeptWhy> {
    before.is_some_and(|b| !b.covers(conversation)).then(|| KeptWhy {
        code: LATER.into(),
        rule: "erasure.scope".into(),
        cite: "GDPR Art. 17(1)".into(),
        until: None,
    })
}

/// Writes down what is left of an erasure, in place of what was left before.
pub(super) fn write_down(c: &Command<'_>, order: &EraseOrder<'_>, erased: &Erased) -> Result<(), Error> {
    c.tx.execute(
        "DELETE FROM erasure_rest WHERE subject = ?1 OR receipt = ?2",
        params![erased.subject.as_bytes(), order.continues.map(|r| *r.as_bytes())],
    )?;
    if erased.open_lines().next().is_none() {
        return Ok(());
    }
    let facts = serde_json::to_string(erased).map_err(|_| Error::Corrupt("an erasure"))?;
    c.tx.execute(
        "INSERT INTO erasure_rest (subject, receipt, facts) VALUES (?1, ?2, ?3)",
        params![erased.subject.as_bytes(), erased.receipt.as_bytes(), facts],
    )?;
    Ok(())
}
