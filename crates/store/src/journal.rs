//! The ledger as people read it: newest entries first, by page, filtered by kind; and the counts of the overview.

use crate::db::{OptionalExtension, params};
use crate::{Error, Vault, conversation::as_i64};
use callvault_ledger::Entry;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most entries of one page.
pub const PAGE: usize = 200;

/// One entry as a line.
#[derive(Debug, Clone, Serialize)]
pub struct EntryRow {
    /// Its place, from 0.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    /// The stable code of what happened.
    pub kind: String,
    /// Who did it, as a pseudonym.
    pub actor: String,
    /// To which conversation.
    pub conversation: Option<String>,
    /// To which person.
    pub subject: Option<String>,
    /// Facts: counts, codes, ids, hashes.
    pub facts: BTreeMap<String, serde_json::Value>,
}

/// What came in and what waits.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overview {
    /// Conversations by state.
    pub by_state: BTreeMap<String, u64>,
    /// Conversations of the last seven days by channel.
    pub week_by_channel: BTreeMap<String, u64>,
    /// Findings by type.
    pub findings: BTreeMap<String, u64>,
    /// Certificates of destruction.
    pub certificates: u64,
    /// Originals whose keys still live.
    pub originals: u64,
    /// Entries in the ledger.
    pub ledger: u64,
}

impl Vault {
    /// Entries before `before` (from the newest when absent), newest first; `kind` keeps one kind or one family such as
    /// `access`.
    pub fn entries(
        &self,
        before: Option<u64>,
        kind: Option<&str>,
        limit: usize,
    ) -> Result<Vec<EntryRow>, Error> {
        let db = self.reads();
        let mut statement =
            db.prepare_cached("SELECT seq, body FROM ledger_entry WHERE seq < ?1 ORDER BY seq DESC")?;
        let mut rows = statement.query(params![before.map_or(i64::MAX, as_i64)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let body: Vec<u8> = row.get(1)?;
            let entry = line(&body)?;
            let family = entry.kind.split('.').next().unwrap_or_default();
            if kind.is_none_or(|k| k == entry.kind || k == family) {
                out.push(entry);
            }
            if out.len() >= limit.min(PAGE) {
                break;
            }
        }
        Ok(out)
    }

    /// The entries of these numbers, in order; numbers that are not there are left out.
    pub fn entries_at(&self, seqs: &[u64]) -> Result<Vec<EntryRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached("SELECT body FROM ledger_entry WHERE seq = ?1")?;
        let mut out = Vec::new();
        for seq in seqs.iter().take(PAGE) {
            let body: Option<Vec<u8>> =
                statement.query_row(params![as_i64(*seq)], |r| r.get(0)).optional()?;
            out.extend(body.map(|b| line(&b)).transpose()?);
        }
        Ok(out)
    }

    /// Counts for the first page.
    pub fn overview(&self) -> Result<Overview, Error> {
        let week = self.clock.now() - jiff::SignedDuration::from_hours(24 * 7);
        let db = self.reads();
        let counts = |sql: &str, from: Option<String>| -> Result<BTreeMap<String, u64>, Error> {
            let mut statement = db.prepare_cached(sql)?;
            let read =
                |r: &crate::db::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?.unsigned_abs()));
            let rows = match from {
                Some(from) => statement.query_map(params![from], read)?.collect::<Result<_, _>>(),
                None => statement.query_map([], read)?.collect::<Result<_, _>>(),
            };
            Ok(rows?)
        };
        let one = |sql: &str| -> Result<u64, Error> {
            Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?.unsigned_abs())
        };
        Ok(Overview {
            by_state: counts("SELECT state, COUNT(*) FROM conversation GROUP BY state", None)?,
            week_by_channel: counts(
                "SELECT channel, COUNT(*) FROM conversation WHERE received_at >= ?1 GROUP BY channel",
                Some(week.to_string()),
            )?,
            findings: counts("SELECT entity, COUNT(*) FROM finding GROUP BY entity", None)?,
            certificates: one("SELECT COUNT(*) FROM certificate")?,
            originals: one(
                "SELECT COUNT(*) FROM object WHERE kind = 'original' AND key_destroyed_at IS NULL",
            )?,
            ledger: one("SELECT COUNT(*) FROM ledger_entry")?,
        })
    }
}

pub(crate) fn line(body: &[u8]) -> Result<EntryRow, Error> {
    let entry = Entry::parse(body).map_err(|_| Error::Corrupt("a ledger entry"))?;
    let facts = entry
        .body
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), serde_json::to_value(value).ok()?)))
        .collect();
    Ok(EntryRow {
        seq: entry.seq,
        at: entry.at.to_string(),
        kind: entry.kind.to_string(),
        actor: entry.actor.clone(),
        conversation: entry.conversation.map(|id| id.to_string()),
        subject: entry.subject.map(|id| id.to_string()),
        facts,
    })
}
