//! After a missed value was accepted its recording is withheld: nobody plays it until the worker has muted it further and
//! had it heard again. What can still be heard after that stays withheld, with the reason in sight.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Command, Error, Refused, SealedBlob, Vault, holds::kept_back, keys::id_of, sweep::kill_keys};
use callvault_ledger::Kind;
use callvault_model::{
    Interval,
    id::{ConversationId, CorrectionId},
};
use serde::{Deserialize, Serialize};

/// Looked at in one round of the worker.
const MAX_ROUND: i64 = 100;

/// A recording that has to be muted further.
pub struct Remute {
    /// The correction that asks for it.
    pub correction: CorrectionId,
    /// Whose recording.
    pub conversation: ConversationId,
    /// Where the value is heard, on whichever channel.
    pub spans: Vec<Interval>,
    /// The words that must not be heard again.
    pub value: Option<String>,
}

/// Why a recording cannot be played although its key lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// The worker has still to mute it.
    Waiting,
    /// The value could still be heard after the last round.
    Failed,
}

/// What the muting of recordings after corrections rests on; stands with the proof of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remuted {
    /// Corrections that were carried out in the recording.
    pub times: u32,
    /// The engine that listened after the last of them; `None` where none is installed.
    pub not_heard_again_by: Option<String>,
    /// How often it listened.
    pub rounds: u32,
}

impl Vault {
    /// Withholds a recording, in the transaction that covers the text.
    pub(crate) fn withhold(
        &self,
        c: &mut Command<'_>,
        correction: CorrectionId,
        conversation: ConversationId,
        spans: &[Interval],
    ) -> Result<(), Error> {
        let spans: Vec<(u64, u64)> = spans.iter().map(|s| (s.start_ms, s.end_ms)).collect();
        let spans = serde_json::to_string(&spans).map_err(|_| Error::Corrupt("a place in a recording"))?;
        c.tx.execute(
            "INSERT INTO remute (correction, conversation, spans, asked_at) VALUES (?1, ?2, ?3, ?4)",
            params![correction.as_bytes(), conversation.as_bytes(), spans, c.now],
        )?;
        Ok(())
    }

    /// Whether a recording is withheld, and how.
    pub fn withheld(&self, conversation: ConversationId) -> Result<Option<Withheld>, Error> {
        withheld(&self.reads(), conversation)
    }

    /// What waits to be muted further, the oldest first.
    pub fn remutes(&self) -> Result<Vec<CorrectionId>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(
            "SELECT correction FROM remute WHERE done_at IS NULL AND failed IS NULL ORDER BY asked_at LIMIT ?1",
        )?;
        let rows = statement.query_map([MAX_ROUND], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| id_of(&r?)).collect()
    }

    /// One of them, with the words that must not be heard again; for the work of this program.
    pub fn remute(&self, correction: CorrectionId) -> Result<Remute, Error> {
        let row: Option<(Vec<u8>, String)> = self
            .reads()
            .query_row(
                "SELECT conversation, spans FROM remute WHERE correction = ?1 AND done_at IS NULL AND failed IS NULL",
                params![correction.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        let (conversation, spans) = row.ok_or(Refused::Closed("correction"))?;
        let spans: Vec<(u64, u64)> =
            serde_json::from_str(&spans).map_err(|_| Error::Corrupt("a place in a recording"))?;
        Ok(Remute {
            correction,
            conversation: id_of(&conversation)?,
            spans: spans.into_iter().map(|(a, b)| Interval::new(a, b)).collect(),
            value: self.words_of(correction)?,
        })
    }

    /// Command *remute*: the recording that was muted further takes the place of the old one, whose key dies; it can be
    /// played again unless another correction still waits. `heard` names who listened again, and how often.
    pub fn remuted(
        &self,
        correction: CorrectionId,
        muted: &mut SealedBlob,
        heard: Option<(&str, u32)>,
    ) -> Result<(), Error> {
        let conversation = self.remute(correction)?.conversation;
        self.lay(muted)?;
        let mut needles = Vec::new();
        self.command("remute", |c| {
            close(c, correction, "done_at")?;
            if let Some(refused) = kept_back(&c.tx, conversation)? {
                return Err(refused.into());
            }
            kill_keys(c, conversation, "redacted", &mut needles)?;
            c.tx.execute(
                "UPDATE object SET kind = 'replaced' WHERE conversation = ?1 AND kind = 'redacted'",
                params![conversation.as_bytes()],
            )?;
            let wrapped = self.wrap_object_key(c, muted.id(), muted.key())?;
            self.insert_object(
                c,
                conversation,
                "redacted",
                muted,
                &wrapped,
                &crate::hex(&muted.key().id()?),
            )?;
            self.forget_words(c, correction, &mut needles)?;
            add_to_proof(&c.tx, conversation, heard)?;
            let facts = [
                ("correction", correction.to_string().into()),
                ("outcome", "muted".into()),
                ("rounds", heard.map_or(0, |h| h.1).into()),
            ];
            c.log(Kind::AudioRemuted, Some(conversation), None, &facts);
            Ok(())
        })?;
        muted.keep();
        muted.recorded();
        self.live.bump();
        self.prove_gone(&needles)?;
        self.remove_dead_blobs()
    }

    /// Command *remute failed*: the value can still be heard, so the recording stays withheld for good.
    pub fn remute_failed(&self, correction: CorrectionId, rounds: u32) -> Result<(), Error> {
        self.end_remute(correction, "failed", "still-heard", rounds)
    }

    /// Command *remute dropped*: the muted recording was destroyed meanwhile; there is nothing left to mute.
    pub fn remute_dropped(&self, correction: CorrectionId) -> Result<(), Error> {
        self.end_remute(correction, "done_at", "destroyed", 0)
    }

    fn end_remute(
        &self,
        correction: CorrectionId,
        column: &str,
        outcome: &'static str,
        rounds: u32,
    ) -> Result<(), Error> {
        let conversation = self.remute(correction)?.conversation;
        let mut needles = Vec::new();
        self.command("end remute", |c| {
            close(c, correction, column)?;
            self.forget_words(c, correction, &mut needles)?;
            let facts = [
                ("correction", correction.to_string().into()),
                ("outcome", outcome.into()),
                ("rounds", rounds.into()),
            ];
            c.log(Kind::AudioRemuted, Some(conversation), None, &facts);
            Ok(())
        })?;
        self.prove_gone(&needles).map(drop)
    }
}

/// Whether a recording is withheld, and how; one that failed outweighs one that waits.
pub(crate) fn withheld(db: &Connection, conversation: ConversationId) -> Result<Option<Withheld>, Error> {
    let failed: Option<bool> = db.query_row(
        "SELECT MAX(CASE WHEN failed IS NULL THEN 0 ELSE 1 END) FROM remute WHERE conversation = ?1 AND done_at IS NULL",
        params![conversation.as_bytes()],
        |r| r.get(0),
    )?;
    Ok(failed.map(|failed| if failed { Withheld::Failed } else { Withheld::Waiting }))
}

/// Closes one that waits; `column` is one of our own names.
fn close(c: &mut Command<'_>, correction: CorrectionId, column: &str) -> Result<(), Error> {
    let changed = c.tx.execute(
        &format!(
            "UPDATE remute SET {column} = ?2 WHERE correction = ?1 AND done_at IS NULL AND failed IS NULL"
        ),
        params![correction.as_bytes(), c.now],
    )?;
    if changed == 1 { Ok(()) } else { Err(Refused::Closed("correction").into()) }
}

/// The proof tells what was done to the recording after it.
fn add_to_proof(
    db: &Connection,
    conversation: ConversationId,
    heard: Option<(&str, u32)>,
) -> Result<(), Error> {
    let facts: Option<String> = db.query_row(
        "SELECT proof_facts FROM conversation WHERE id = ?1",
        params![conversation.as_bytes()],
        |r| r.get(0),
    )?;
    let Some(facts) = facts else { return Ok(()) };
    let corrupt = |_| Error::Corrupt("a proof");
    let mut facts: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&facts).map_err(corrupt)?;
    let before: Option<Remuted> = facts.get("remuted").and_then(|v| serde_json::from_value(v.clone()).ok());
    let now = Remuted {
        times: before.map_or(1, |b| b.times.saturating_add(1)),
        not_heard_again_by: heard.map(|h| h.0.to_owned()),
        rounds: heard.map_or(0, |h| h.1),
    };
    facts.insert("remuted".into(), serde_json::to_value(now).map_err(corrupt)?);
    db.execute(
        "UPDATE conversation SET proof_facts = ?2 WHERE id = ?1",
        params![conversation.as_bytes(), serde_json::to_string(&facts).map_err(corrupt)?],
    )?;
    Ok(())
}
