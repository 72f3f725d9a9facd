//! Answers of the law engine, kept so that they can be computed again, and what the site set about the rows of law.
//! This crate knows no law: facts are sealed JSON, answers are words.

use crate::db::{OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault};
use callvault_ledger::{Kind, Value};
use callvault_model::{Entropy, id::LawCheckId};
use serde::{Deserialize, Serialize};

/// Largest set of facts.
const MAX_FACTS: usize = 256 << 10;
/// Largest setting.
const MAX_SETTING: usize = 64 << 10;

/// An answer as it is kept. `facts` name no number in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawCheck {
    /// Engine and action that answered.
    pub engine: String,
    /// See `engine`.
    pub action: String,
    /// The instant that decided which rows bound, RFC 3339.
    pub as_of: String,
    /// The engine's word.
    pub decision: String,
    /// Codes of all reasons.
    pub reasons: Vec<String>,
    /// Hash of the packs.
    pub pack_hash: String,
    /// Facts and switched-off rows, as JSON.
    pub facts: String,
}

/// An answer on file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct LawCheckRow {
    /// Its id.
    pub id: LawCheckId,
    /// See [`LawCheck`].
    pub engine: String,
    /// See [`LawCheck`].
    pub action: String,
    /// See [`LawCheck`].
    pub as_of: String,
    /// See [`LawCheck`].
    pub decision: String,
    /// See [`LawCheck`].
    pub pack_hash: String,
    /// Salted hash of the facts, as the ledger has it.
    pub facts_hash: String,
    /// RFC 3339.
    pub decided_at: String,
    /// An actor.
    pub decided_by: String,
}

/// Facts with the salt of their hash.
#[derive(Serialize, Deserialize)]
struct Payload {
    salt: [u8; 32],
    facts: String,
}

impl Vault {
    /// Command *law decided*. `commit` makes the salted hash of the facts; the salt is random and sealed with them, so
    /// that nobody who holds the ledger can try numbers. Returns the id and the hash.
    pub fn record_law_check(
        &self,
        actor: &Actor,
        check: &LawCheck,
        commit: impl FnOnce(&[u8; 32]) -> String,
    ) -> Result<(LawCheckId, String), Error> {
        if check.facts.len() > MAX_FACTS {
            return Err(Refused::invalid("facts of more than 256 KiB", "ask with fewer facts").into());
        }
        let id = LawCheckId::new(self.clock.as_ref(), &self.entropy)?;
        let mut salt = [0; 32];
        self.entropy.fill(&mut salt)?;
        let hash = commit(&salt);
        let payload = Payload { salt, facts: check.facts.clone() };
        let payload =
            serde_json::to_string(&payload).map_err(|_| Error::Corrupt("facts of a legal check"))?;
        let sealed = self.seal_own("law_check", id.as_bytes(), "facts", &payload)?;
        self.command_as(actor, "law decided", |c| {
            c.tx.execute(
                "INSERT INTO law_check (id, tenant, engine, action, as_of, decision, pack_hash, facts_hash, sealed_facts,
                 decided_at, decided_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    id.as_bytes(),
                    self.tenant.as_bytes(),
                    check.engine,
                    check.action,
                    check.as_of,
                    check.decision,
                    check.pack_hash,
                    hash,
                    sealed,
                    c.now,
                    actor.to_string()
                ],
            )?;
            c.log(
                Kind::LawDecided,
                None,
                None,
                &[
                    ("check", id.to_string().into()),
                    ("engine", check.engine.as_str().into()),
                    ("action", check.action.as_str().into()),
                    ("as_of", check.as_of.as_str().into()),
                    ("decision", check.decision.as_str().into()),
                    ("reasons", check.reasons.join(" ").into()),
                    ("pack_hash", check.pack_hash.as_str().into()),
                    ("facts_hash", hash.as_str().into()),
                ],
            );
            Ok((id, hash))
        })
    }

    /// Command *law decided* for a list: its counts, the packs, and a keyed hash over all rows. No row is kept.
    pub fn record_law_preview(
        &self,
        actor: &Actor,
        rows: u64,
        counts: &[(String, u64)],
        pack_hash: &str,
        facts_hash: &str,
    ) -> Result<(), Error> {
        self.command_as(actor, "law decided", |c| {
            let words: Vec<String> = counts.iter().take(16).map(|(w, n)| format!("{w}={n}")).collect();
            let facts: [(&str, Value); 6] = [
                ("engine", "tcpa".into()),
                ("action", "preview".into()),
                ("rows", rows.into()),
                ("decisions", words.join(" ").into()),
                ("pack_hash", pack_hash.into()),
                ("facts_hash", facts_hash.into()),
            ];
            c.log(Kind::LawDecided, None, None, &facts);
            Ok(())
        })
    }

    /// A key for hashes of lists that nobody outside this vault can make.
    pub fn law_list_key(&self) -> Result<[u8; 16], Error> {
        self.index("law_list", "key")
    }

    /// An answer with the facts that it was made of, and the salt of their hash.
    pub fn law_check(&self, id: LawCheckId) -> Result<(LawCheckRow, String, [u8; 32]), Error> {
        let found: Option<(LawCheckRow, Vec<u8>)> = self
            .db()
            .query_row(
                "SELECT engine, action, as_of, decision, pack_hash, facts_hash, decided_at, decided_by, sealed_facts
                 FROM law_check WHERE id = ?1 AND tenant = ?2",
                params![id.as_bytes(), self.tenant.as_bytes()],
                |r| {
                    let row = LawCheckRow {
                        id,
                        engine: r.get(0)?,
                        action: r.get(1)?,
                        as_of: r.get(2)?,
                        decision: r.get(3)?,
                        pack_hash: r.get(4)?,
                        facts_hash: r.get(5)?,
                        decided_at: r.get(6)?,
                        decided_by: r.get(7)?,
                    };
                    Ok((row, r.get(8)?))
                },
            )
            .optional()?;
        let (row, sealed) = found.ok_or(Refused::Unknown("legal check"))?;
        let text = self.open_own("law_check", id.as_bytes(), "facts", &sealed)?;
        let payload: Payload =
            serde_json::from_str(&text).map_err(|_| Error::Corrupt("facts of a legal check"))?;
        Ok((row, payload.facts, payload.salt))
    }

    /// Notes that an answer was computed again, and whether it was the same.
    pub fn record_law_replay(&self, actor: &Actor, id: LawCheckId, same: bool) -> Result<(), Error> {
        self.command_as(actor, "law replayed", |c| {
            let facts = [("check", id.to_string().into()), ("same", same.into())];
            c.log(Kind::LawReplayed, None, None, &facts);
            Ok(())
        })
    }

    /// A setting of the rooms of law; JSON by its owner.
    pub fn law_setting(&self, key: &str) -> Result<Option<String>, Error> {
        let sealed: Option<Vec<u8>> = self
            .db()
            .query_row("SELECT sealed_value FROM law_setting WHERE key = ?1", params![key], |r| r.get(0))
            .optional()?;
        sealed.map(|s| self.open_own("law_setting", key.as_bytes(), "value", &s)).transpose()
    }

    /// Command *set law rows*: which unreviewed rows are off. `change` says what, by ids of rows.
    pub fn set_law_rows(&self, actor: &Actor, overlay: &str, change: &str) -> Result<(), Error> {
        self.put_law_setting(actor, "overlay", overlay, Kind::LawRowsChanged, &[("change", change.into())])
    }

    /// Command *set law*: another setting of the site about the rows. `change` says what, without content.
    pub fn set_law(&self, actor: &Actor, key: &str, value: &str, change: &str) -> Result<(), Error> {
        self.put_law_setting(actor, key, value, Kind::LawRowsChanged, &[("change", change.into())])
    }

    pub(crate) fn put_law_setting(
        &self,
        actor: &Actor,
        key: &str,
        value: &str,
        kind: Kind,
        facts: &[(&'static str, Value)],
    ) -> Result<(), Error> {
        if value.len() > MAX_SETTING {
            return Err(Refused::invalid("a setting of more than 64 KiB", "shorten it").into());
        }
        let sealed = self.seal_own("law_setting", key.as_bytes(), "value", value)?;
        self.command_as(actor, "set law", |c| {
            c.tx.execute(
                "INSERT INTO law_setting (key, sealed_value, changed_at, changed_by) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO UPDATE SET sealed_value = excluded.sealed_value, changed_at = excluded.changed_at,
                 changed_by = excluded.changed_by",
                params![key, sealed, c.now, actor.to_string()],
            )?;
            c.log(kind, None, None, facts);
            Ok(())
        })
    }
}
