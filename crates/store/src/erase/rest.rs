//! What an erasure could not take because a hold, a mark, a minimum or a decision kept it: written down, so that it goes
//! when the reason is over.

use super::{EraseOrder, Erased, ErasedLine, KeptWhy, known::Known};
use crate::db::{Connection, OptionalExtension, params};
use crate::{Command, Error, Refused, Vault, holds::HELD, keys::id_of, retention::Class};
use callvault_model::id::{CertificateId, ConversationId};
use std::collections::BTreeSet;

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
    /// Erasures that a rule kept from being whole, the longest waiting first: at most `limit` after the one with receipt
    /// `after`.
    pub fn unfinished_erasures(
        &self,
        after: Option<CertificateId>,
        limit: usize,
    ) -> Result<Vec<Erased>, Error> {
        self.rest(after, limit, |_| true)
    }

    /// Those of them that may go on: the hold or mark that kept a part is lifted, or its minimum is over or no longer set.
    /// It costs one reading of what holds, however many wait.
    pub fn ripe_erasures(&self, after: Option<CertificateId>, limit: usize) -> Result<Vec<Erased>, Error> {
        let blocks = Blocks::read(&self.db(), self.today()?.to_string())?;
        self.rest(after, limit, |e| e.open_lines().any(|l| blocks.over(l)))
    }

    fn rest(
        &self,
        after: Option<CertificateId>,
        limit: usize,
        wanted: impl Fn(&Erased) -> bool,
    ) -> Result<Vec<Erased>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT facts FROM erasure_rest WHERE receipt > ?1 ORDER BY receipt")?;
        let after = after.map_or_else(Vec::new, |r| r.as_bytes().to_vec());
        let mut rows = statement.query(params![after])?;
        let mut out = Vec::new();
        while out.len() < limit
            && let Some(row) = rows.next()?
        {
            out.extend(Some(read(&row.get::<_, String>(0)?)?).filter(&wanted));
        }
        Ok(out)
    }
}

/// What keeps data back now, as far as rows tell.
struct Blocks {
    /// Conversations under a hold or a mark.
    kept: BTreeSet<ConversationId>,
    /// Classes on channels that a law wants kept.
    minimums: BTreeSet<(String, String)>,
    today: String,
}

impl Blocks {
    fn read(db: &Connection, today: String) -> Result<Self, Error> {
        let sql =
            format!("WITH RECURSIVE {HELD} SELECT id FROM held UNION SELECT conversation FROM must_keep");
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
        let kept = rows.map(|r| id_of(&r?)).collect::<Result<_, Error>>()?;
        let mut statement = db.prepare_cached("SELECT class, channel FROM minimum_rule")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(Self { kept, minimums: rows.collect::<Result<_, _>>()?, today })
    }

    /// Whether what kept a line may be over. A decision of a person is not: it is looked at again with all the others.
    fn over(&self, line: &ErasedLine) -> bool {
        let Some(why) = &line.kept else { return false };
        let of = |class: Class| (class.as_str().to_owned(), line.channel.clone());
        match why.code.as_str() {
            "hold" | "must_keep" => !self.kept.contains(&line.conversation),
            "minimum" => {
                let until = why.until.as_deref().and_then(|u| u.get(..10));
                until.is_some_and(|u| u <= self.today.as_str()) || !self.minimums.contains(&of(line.class))
            }
            _ => false,
        }
    }
}

fn read(facts: &str) -> Result<Erased, Error> {
    serde_json::from_str(facts).map_err(|_| Error::Corrupt("an erasure"))
}

/// The erasure that an order goes on with, as it was written down; not as the caller says.
pub(super) fn before(c: &Command<'_>, id: CertificateId) -> Result<Erased, Error> {
    let facts: Option<String> = c
        .one("SELECT facts FROM erasure_rest WHERE receipt = ?1", params![id.as_bytes()], |r| r.get(0))
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
pub(super) fn write_down(
    c: &Command<'_>,
    known: &mut Known<'_>,
    order: &EraseOrder<'_>,
    erased: &Erased,
) -> Result<(), Error> {
    if !known.nothing_in("erasure_rest") {
        c.run(
            "DELETE FROM erasure_rest WHERE subject = ?1 OR receipt = ?2",
            params![erased.subject.as_bytes(), order.continues.map(|r| *r.as_bytes())],
        )?;
    }
    if erased.open_lines().next().is_none() {
        return Ok(());
    }
    let facts = serde_json::to_string(erased).map_err(|_| Error::Corrupt("an erasure"))?;
    c.run(
        "INSERT INTO erasure_rest (subject, receipt, facts) VALUES (?1, ?2, ?3)",
        params![erased.subject.as_bytes(), erased.receipt.as_bytes(), facts],
    )?;
    known.wrote("erasure_rest");
    Ok(())
}
