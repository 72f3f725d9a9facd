//! Sealed files opened with their own keys: what reading their bytes alone cannot show.

use super::Ids;
use crate::db::params;
use crate::{Error, Vault, keys::id_of};
use callvault_model::id::ObjectId;
use std::io::{Read, copy, sink};

/// Bytes read of one file at most; every piece is authenticated, and the first ones bind it to its key.
const MOST_BYTES: u64 = 16 << 20;

impl Vault {
    /// Opens up to so many sealed files that still have a key, spread over all; returns how many were tried, and those
    /// that do not open. Nothing of what is in them leaves.
    pub fn try_open(&self, most: u32) -> Result<(u64, Ids), Error> {
        type Raw = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);
        let rows: Vec<Raw> = {
            let db = self.db();
            let all: i64 =
                db.query_row("SELECT COUNT(*) FROM object WHERE wrapped_key IS NOT NULL", [], |r| r.get(0))?;
            let step = all.checked_div(i64::from(most.max(1))).unwrap_or(0).max(1);
            let mut statement = db.prepare(
                "SELECT id, epoch, wrapped_key FROM (SELECT id, epoch, wrapped_key, ROW_NUMBER() OVER (ORDER BY id) AS n
                 FROM object WHERE wrapped_key IS NOT NULL) WHERE (n - 1) % ?1 = 0 LIMIT ?2",
            )?;
            let rows = statement.query_map(params![step, most], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let (mut tried, mut failed) = (0u64, Ids::default());
        for (id, epoch, wrapped) in rows {
            let Some(wrapped) = wrapped else { continue };
            let id: ObjectId = id_of(&id)?;
            tried = tried.saturating_add(1);
            let open = || -> Result<(), Error> {
                let key = self.unwrap_object_key(id, id_of(&epoch)?, &wrapped)?;
                let reader = self.shelf.open(&key, self.tenant, id)?;
                copy(&mut reader.take(MOST_BYTES), &mut sink()).map_err(Error::file(id.to_string()))?;
                Ok(())
            };
            if open().is_err() {
                failed.push(id.to_string());
            }
        }
        Ok((tried, failed))
    }
}

/// What was done with the audit, for the ledger.
#[derive(Debug, Clone, Copy)]
pub enum Audited<'a> {
    /// A run, with how many checks fail and how many nobody can tell.
    Run {
        /// Failed and not accepted.
        fail: usize,
        /// Nobody can tell.
        unknown: usize,
        /// Hold.
        pass: usize,
    },
    /// A report was taken in.
    Imported {
        /// Which scanner, as it calls itself.
        tool: &'a str,
        /// Findings in the report.
        told: usize,
        /// New ones.
        new: usize,
    },
    /// A finding got an owner and a date.
    Assigned {
        /// Its id.
        finding: &'a str,
        /// Until when, RFC 3339.
        due: &'a str,
    },
    /// A failed check was accepted until a day, or no longer.
    Accepted {
        /// Which check.
        check: &'a str,
        /// The last day; `None` takes it back.
        until: Option<&'a str>,
    },
}

impl Vault {
    /// Says in the ledger what was done with the audit.
    pub fn log_audit(&self, by: &crate::Actor, what: Audited<'_>) -> Result<(), Error> {
        use callvault_ledger::Kind;
        self.command_as(by, "audit", |c| {
            match what {
                Audited::Run { fail, unknown, pass } => {
                    let facts = [("fail", fail.into()), ("unknown", unknown.into()), ("pass", pass.into())];
                    c.log(Kind::AuditRun, None, None, &facts);
                }
                Audited::Imported { tool, told, new } => {
                    // A stranger's file names its tool: only a code of it enters the ledger.
                    let tool: String = tool
                        .chars()
                        .filter(|c| c.is_ascii_alphanumeric())
                        .take(24)
                        .collect::<String>()
                        .to_lowercase();
                    let facts = [("tool", tool.into()), ("told", told.into()), ("new", new.into())];
                    c.log(Kind::FindingsImported, None, None, &facts);
                }
                Audited::Assigned { finding, due } => {
                    let facts = [("finding", finding.into()), ("due", due.into())];
                    c.log(Kind::FindingChanged, None, None, &facts);
                }
                Audited::Accepted { check, until } => {
                    let facts = [("check", check.into()), ("until", until.unwrap_or("").into())];
                    c.log(Kind::FindingChanged, None, None, &facts);
                }
            }
            Ok(())
        })
    }
}
