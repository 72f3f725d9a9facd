//! The sweep: destroys what the retention rules say, in small commands that each stand alone, then proves it.

use crate::db::params;
use crate::{
    Actor, Command, Error, Vault,
    blob::Shelf,
    keys::id_of,
    retention::{Class, RetentionRule, due, rules},
};
use callvault_ledger::Kind;
use callvault_model::{
    Channel,
    id::{ConversationId, ObjectId},
};
use serde::Serialize;

/// Conversations in one command: a kill loses no more than the work on these.
const BATCH: i64 = 100;
/// Leading bytes of a wrapped key or sealed row; they tell it from every other.
pub(crate) const NEEDLE: usize = 48;

/// What one rule destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweptLine {
    /// What.
    pub class: Class,
    /// Where.
    pub channel: Channel,
    /// Conversations acted on.
    pub destroyed: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Swept {
    /// The vault observes: nothing was destroyed.
    pub observing: bool,
    /// One line a rule that acted.
    pub lines: Vec<SweptLine>,
    /// Bytes of database files searched for what was destroyed.
    pub scanned_bytes: u64,
}

impl Vault {
    /// Carries the rules out for everything but originals, which go through proof and certificate. Repeating it, also
    /// after a kill, is harmless.
    pub fn retention_sweep(&self, actor: &Actor) -> Result<Swept, Error> {
        let swept = self.sweep_rules(actor)?;
        self.sweep_bucket()?;
        Ok(swept)
    }

    fn sweep_rules(&self, actor: &Actor) -> Result<Swept, Error> {
        self.remove_dead_blobs()?;
        if self.disposal()?.is_none() {
            return Ok(Swept { observing: true, ..Swept::default() });
        }
        let mut out = Swept::default();
        let mut needles = Vec::new();
        let rules: Vec<_> = rules(&self.db())?.into_iter().filter(|r| r.class != Class::Audio).collect();
        for rule in rules {
            let mut destroyed = 0;
            loop {
                let n = self.sweep_batch(actor, &rule, &mut needles)?;
                destroyed += n;
                if n < BATCH.unsigned_abs() {
                    break;
                }
            }
            if destroyed > 0 {
                out.lines.push(SweptLine { class: rule.class, channel: rule.channel, destroyed });
            }
        }
        if !out.lines.is_empty() {
            out.scanned_bytes = self.prove_gone(&needles)?;
            self.remove_dead_blobs()?;
        }
        Ok(out)
    }

    /// One command: what is due is read inside it, so that no hold slips between list and act.
    fn sweep_batch(
        &self,
        actor: &Actor,
        rule: &RetentionRule,
        needles: &mut Vec<Vec<u8>>,
    ) -> Result<u64, Error> {
        self.command_as(actor, "retention", |c| {
            let batch = due(&c.tx, rule, self.clock.now(), BATCH)?;
            let mut n = 0;
            for item in batch.iter().filter(|d| d.free()) {
                destroy(c, rule.class, item.id, needles)?;
                c.log(
                    Kind::RetentionApplied,
                    Some(item.id),
                    None,
                    &[
                        ("class", rule.class.as_str().into()),
                        ("channel", rule.channel.as_str().into()),
                        ("days", rule.days.unwrap_or_default().into()),
                        ("since", item.since.as_str().into()),
                    ],
                );
                n += 1;
            }
            Ok(n)
        })
    }

    /// Empties the write-ahead log and looks for the destroyed bytes in the database.
    pub(crate) fn prove_gone(&self, needles: &[Vec<u8>]) -> Result<u64, Error> {
        self.empty_wal()?;
        Ok(self.search(needles)?.bytes)
    }

    /// Takes these sealed files away, as far as they are still there.
    pub(crate) fn remove_blobs(&self, dead: &[ObjectId]) -> Result<(), Error> {
        self.shelf.remove(dead, "its only key is destroyed")?;
        if self.shelf.bucket().is_some() {
            // The copy that one of them was sent from may still lie here, after a kill.
            return Shelf::Directory(self.blobs()).remove(dead, "its only key is destroyed");
        }
        self.copied_to()?.map_or(Ok(()), |bucket| bucket.remove(dead))
    }

    /// Takes sealed files away whose key is gone; originals are left to their own certified way.
    pub(crate) fn remove_dead_blobs(&self) -> Result<(), Error> {
        let dead: Vec<ObjectId> = {
            let db = self.db();
            let mut statement = db.prepare(
                "SELECT id FROM object WHERE wrapped_key IS NULL AND blob_removed_at IS NULL AND kind <> 'original'",
            )?;
            let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
            rows.map(|r| id_of(&r?)).collect::<Result<_, Error>>()?
        };
        if dead.is_empty() {
            return Ok(());
        }
        self.remove_blobs(&dead)?;
        self.command("blobs removed", |c| {
            for id in &dead {
                c.run("UPDATE object SET blob_removed_at = ?2 WHERE id = ?1", params![id.as_bytes(), c.now])?;
            }
            Ok(())
        })
    }
}

/// Destroys one class of one conversation; what has to be gone afterwards is added to `needles`.
fn destroy(
    c: &mut Command<'_>,
    class: Class,
    id: ConversationId,
    needles: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let conversation = params![id.as_bytes()];
    match class {
        // Originals go through `shred_original`, never here.
        Class::Audio => return Err(Error::Corrupt("an original in the sweep")),
        Class::RedactedAudio => kill_keys(c, id, "redacted", needles)?,
        Class::Transcript => {
            collect(c, "SELECT sealed_text FROM turn WHERE conversation = ?1", id, needles)?;
            // Party by party: each is noted once, not each change of speaker.
            let parties: Vec<Vec<u8>> = {
                let mut statement = c.tx.prepare_cached("SELECT id FROM party WHERE conversation = ?1")?;
                statement.query_map(params![id.as_bytes()], |r| r.get(0))?.collect::<Result<_, _>>()?
            };
            for party in parties {
                let of = params![id.as_bytes(), party];
                c.run("DELETE FROM turn WHERE conversation = ?1 AND party = ?2", of)?;
            }
        }
        Class::Tokens => {
            collect(c, "SELECT sealed_value FROM token WHERE conversation = ?1", id, needles)?;
            c.run("UPDATE finding SET token = NULL WHERE conversation = ?1", conversation)?;
            c.run("DELETE FROM token WHERE conversation = ?1", conversation)?;
        }
        Class::Metadata => {
            collect(c, "SELECT sealed_source FROM conversation WHERE id = ?1", id, needles)?;
            let names = "SELECT sealed_name FROM party WHERE conversation = ?1 AND sealed_name IS NOT NULL";
            collect(c, names, id, needles)?;
            c.run(
                "UPDATE conversation SET sealed_source = x'', started_at = NULL WHERE id = ?1",
                conversation,
            )?;
            c.run("UPDATE party SET sealed_name = NULL WHERE conversation = ?1", conversation)?;
            // A source that is still to be destroyed must be found.
            c.run(
                "UPDATE copy SET sealed_detail = x'' WHERE conversation = ?1 AND NOT (dispose = 1 AND state = 'remains')",
                conversation,
            )?;
        }
        Class::Evidence => {
            c.run("DELETE FROM certificate WHERE conversation = ?1", conversation)?;
            c.run("UPDATE conversation SET proof_facts = NULL WHERE id = ?1", conversation)?;
        }
    }
    kill_idle_party_keys(c, id, needles)
}

/// Destroys the keys of a conversation's objects of one kind.
pub(crate) fn kill_keys(
    c: &mut Command<'_>,
    id: ConversationId,
    kind: &str,
    needles: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let sql =
        "SELECT wrapped_key FROM object WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL";
    let keys: Vec<Vec<u8>> = {
        let mut statement = c.tx.prepare_cached(sql)?;
        let rows = statement.query_map(params![id.as_bytes(), kind], |r| r.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    needles.extend(keys.into_iter().map(needle));
    c.run(
        "UPDATE object SET wrapped_key = NULL, key_destroyed_at = ?3
         WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL",
        params![id.as_bytes(), kind, c.now],
    )?;
    Ok(())
}

/// A party's key dies with the last thing it opens.
fn kill_idle_party_keys(
    c: &mut Command<'_>,
    id: ConversationId,
    needles: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let idle = "conversation = ?1 AND sealed_name IS NULL AND wrapped_key IS NOT NULL
        AND (SELECT state FROM conversation WHERE id = ?1) IN ('recorded', 'disposed')
        AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.party = party.id AND t.conversation = ?1)
        AND NOT EXISTS (SELECT 1 FROM token k WHERE k.party = party.id AND k.conversation = ?1)";
    collect(c, &format!("SELECT wrapped_key FROM party WHERE {idle}"), id, needles)?;
    c.run(&format!("UPDATE party SET wrapped_key = NULL WHERE {idle}"), params![id.as_bytes()])?;
    Ok(())
}

fn collect(
    c: &mut Command<'_>,
    sql: &str,
    id: ConversationId,
    needles: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let mut statement = c.tx.prepare_cached(sql)?;
    let rows = statement.query_map(params![id.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
    for row in rows {
        needles.push(needle(row?));
    }
    Ok(())
}

pub(crate) fn needle(mut sealed: Vec<u8>) -> Vec<u8> {
    sealed.truncate(NEEDLE);
    sealed
}
