//! Erasures outlive backups: what the database notes by its triggers is copied beside the key file after each command,
//! and a restored backup erases it again before anybody can read it.

use crate::db::{Connection, params};
use crate::{Command, Error, Vault, shred::empty_wal, sweep::needle};
use callvault_model::id::ConversationId;
use callvault_seal::{Erasure, Erasures};
use std::sync::{MutexGuard, PoisonError};

/// What a data directory may lack of the erasures noted beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing: an old copy is not opened.
    Refuse,
    /// This is a restore, which erases them again.
    Restore,
}

/// The number of the last erasure the database knows.
fn last(db: &Connection) -> Result<u64, Error> {
    let n: i64 = db.query_row("SELECT COALESCE(MAX(seq), 0) FROM erasure", [], |r| r.get(0))?;
    Ok(n.unsigned_abs())
}

/// Refuses a data directory in which something lives that was erased since.
pub(crate) fn check(db: &Connection, noted: &Erasures, behind: Behind) -> Result<(), Error> {
    if behind == Behind::Refuse && noted.last() > last(db)? {
        return Err(Error::OlderThanErasures);
    }
    Ok(())
}

/// Erasures with a higher number than this.
fn since(db: &Connection, number: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut statement = db.prepare_cached("SELECT kind, id FROM erasure WHERE seq > ?1 ORDER BY seq")?;
    let after = i64::try_from(number).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Vault {
    fn erasures(&self) -> MutexGuard<'_, Erasures> {
        self.erasures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies what was erased since the last time beside the key file. Its failure is the command's: nobody may be told
    /// that something is gone for good while an old backup could bring it back unnoticed.
    pub(crate) fn note_erasures(&self, db: &Connection) -> Result<(), Error> {
        let mut noted = self.erasures();
        let new = since(db, noted.last())?;
        Ok(noted.append(&new)?)
    }

    /// The same while the write-ahead log is emptied: what was committed is on the disk already, and each of the two only
    /// waits for it. What each wait is for stands in ADR 0020.
    pub(crate) fn settle(&self, db: &Connection) -> Result<(), Error> {
        let mut guard = self.erasures();
        let noted: &mut Erasures = &mut guard;
        let new = since(db, noted.last())?;
        let (emptied, written) = std::thread::scope(|s| {
            let writing = s.spawn(move || noted.append(&new));
            (empty_wal(db), writing.join())
        });
        written.unwrap_or(Err(callvault_seal::SealError::Cipher))?;
        emptied
    }

    /// Erases again what was erased after this copy was made; how many, and the beginnings of the bytes that must be
    /// gone afterwards.
    pub(crate) fn erase_again(&self, c: &mut Command<'_>) -> Result<(u64, Vec<Vec<u8>>), Error> {
        let known = last(&c.tx)?;
        let missing = self.erasures().after(known)?;
        let mut needles = Vec::new();
        for erasure in &missing {
            again(c, erasure, &mut needles)?;
        }
        // The triggers noted it under numbers of their own; the list beside the key file has it under the right ones.
        c.run("DELETE FROM erasure WHERE seq > ?1", [i64::try_from(known).unwrap_or(i64::MAX)])?;
        for erasure in &missing {
            let number = i64::try_from(erasure.number).unwrap_or(i64::MAX);
            c.run(
                "INSERT INTO erasure (seq, kind, id) VALUES (?1, ?2, ?3)",
                params![number, erasure.kind, erasure.id],
            )?;
        }
        Ok((missing.len() as u64, needles))
    }
}

/// Notes that words of a conversation were written over; a restored backup has none of its turns.
pub(crate) fn note_overwritten(c: &Command<'_>, conversation: ConversationId) -> Result<(), Error> {
    c.run(
        "INSERT INTO erasure (seq, kind, id) VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM erasure), 'turns', ?1)",
        params![conversation.as_bytes()],
    )?;
    Ok(())
}

/// What stands under an id in one column, for the search afterwards.
fn collect(c: &Command<'_>, sql: &str, id: &[u8], needles: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    let mut statement = c.tx.prepare_cached(sql)?;
    let rows = statement.query_map(params![id], |r| r.get::<_, Option<Vec<u8>>>(0))?;
    for row in rows {
        needles.extend(row?.map(needle));
    }
    Ok(())
}

fn again(c: &mut Command<'_>, erasure: &Erasure, needles: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    let id = erasure.id.as_slice();
    let run = |sql: &str| c.run(sql, params![id]);
    match erasure.kind.as_str() {
        "object" => {
            collect(c, "SELECT wrapped_key FROM object WHERE id = ?1", id, needles)?;
            c.tx.execute(
                "UPDATE object SET wrapped_key = NULL, key_destroyed_at = COALESCE(key_destroyed_at, ?2) WHERE id = ?1",
                params![id, c.now],
            )?;
            // Without its original a conversation is on the way to its certificate, or was thrown away unproven.
            run("UPDATE conversation SET state = CASE WHEN state IN ('recorded', 'shredding') THEN 'shredding'
                   WHEN state = 'disposed' THEN state ELSE 'discarded' END
                 WHERE id = (SELECT conversation FROM object WHERE id = ?1 AND kind = 'original')")?;
        }
        "party" => {
            collect(c, "SELECT wrapped_key FROM party WHERE id = ?1", id, needles)?;
            // What a party said stands in one conversation; a piece of its value may be somebody else's finding.
            let of = "conversation = (SELECT conversation FROM party WHERE id = ?1)";
            run(&format!(
                "UPDATE finding SET token = NULL WHERE {of}
                   AND (party = ?1 OR token IN (SELECT id FROM token WHERE {of} AND party = ?1))"
            ))?;
            run(&format!("DELETE FROM token WHERE {of} AND party = ?1"))?;
            run(&format!("DELETE FROM turn WHERE {of} AND party = ?1"))?;
            run("UPDATE party SET wrapped_key = NULL, sealed_name = NULL WHERE id = ?1")?;
        }
        "name" => {
            run("UPDATE party SET sealed_name = NULL WHERE id = ?1")?;
        }
        "subject" => {
            // The person's own parties were erased before; what lives here is somebody's who was told apart later.
            let others: bool = c.one(
                "SELECT EXISTS (SELECT 1 FROM party WHERE subject = ?1 AND wrapped_key IS NOT NULL)",
                params![id],
                |r| r.get(0),
            )?;
            if others {
                return Ok(());
            }
            collect(c, "SELECT wrapped_key FROM subject WHERE id = ?1", id, needles)?;
            c.tx.execute(
                "UPDATE subject SET wrapped_key = NULL, erased_at = COALESCE(erased_at, ?2) WHERE id = ?1",
                params![id, c.now],
            )?;
            run("DELETE FROM contact WHERE subject = ?1")?;
        }
        "source" => {
            run("UPDATE conversation SET sealed_source = x'', started_at = NULL WHERE id = ?1")?;
        }
        "copies" => {
            run("UPDATE copy SET sealed_detail = x'' WHERE conversation = ?1")?;
        }
        "token" => {
            let id = std::str::from_utf8(id).map_err(|_| Error::Corrupt("the name of a token"))?;
            c.tx.execute("UPDATE finding SET token = NULL WHERE token = ?1", params![id])?;
            c.tx.execute("DELETE FROM token WHERE id = ?1", params![id])?;
        }
        // Of a party in a conversation, or of all of it.
        "turns" => match id.split_at_checked(16) {
            Some((talk, [])) => {
                c.run("DELETE FROM turn WHERE conversation = ?1", params![talk])?;
            }
            Some((talk, party)) => {
                c.run("DELETE FROM turn WHERE conversation = ?1 AND party = ?2", params![talk, party])?;
            }
            None => return Err(Error::Corrupt("the conversation of erased turns")),
        },
        "contact" => {
            run("DELETE FROM contact WHERE blind_index = ?1")?;
        }
        "consent" => {
            collect(c, "SELECT sealed_detail FROM consent WHERE id = ?1", id, needles)?;
            collect(c, "SELECT sealed_proof FROM consent WHERE id = ?1", id, needles)?;
            run("DELETE FROM consent WHERE id = ?1")?;
        }
        "certificate" => {
            run("DELETE FROM certificate WHERE conversation = ?1")?;
        }
        "tenant" => {
            collect(c, "SELECT wrapped_key FROM tenant_vault WHERE id = ?1", id, needles)?;
            c.tx.execute(
                "UPDATE tenant_vault SET wrapped_key = NULL, ended_at = COALESCE(ended_at, ?2),
                   ended_by = COALESCE(ended_by, ?3) WHERE id = ?1",
                params![id, c.now, c.actor()],
            )?;
        }
        "part" => {
            run("DELETE FROM upload_part WHERE object = ?1")?;
        }
        _ => {
            return Err(Error::Corrupt("an erasure of a kind this program does not know; use the newer one"));
        }
    }
    Ok(())
}
