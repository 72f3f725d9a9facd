//! What a permit opens: masked text, muted audio, a person's page. The ledger entry is durable before anything returns.

use crate::db::{OptionalExtension, params};
use crate::{
    Error, MaskedConversation, Refused, SubjectRow, Vault,
    blob::BlobReader,
    denied,
    gate::{Permit, PlayMuted, Question, ReadMasked, ReadSubject, Target},
    keys::id_of,
    read::ConversationRow,
};
use callvault_ledger::{Entry, Kind, Value};
use callvault_model::id::{ConversationId, ObjectId, SubjectId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

/// How long open audio goes on at most after its right ended without anything having changed here (an end time).
const RECHECK: SignedDuration = SignedDuration::from_secs(1);
/// A fact of the ledger holds 1,024 bytes.
const MAX_COVERED: usize = 1_000;
/// Readings listed at most.
const MAX_READERS: usize = 1_000;

/// A muted recording that stops when the right to hear it does.
pub struct MutedAudio {
    vault: Arc<Vault>,
    inner: BlobReader,
    object: ObjectId,
    question: Question,
    generation: u64,
    checked: Timestamp,
    trained_until: Option<Timestamp>,
}

impl MutedAudio {
    /// Length in bytes.
    pub fn plain_len(&self) -> u64 {
        self.inner.plain_len()
    }

    /// Whether it may still be heard; asked again whenever somebody's access changed, and every second.
    pub fn check(&mut self) -> Result<(), Error> {
        let (generation, now) = (self.vault.live.generation(), self.vault.clock.now());
        let age = now.duration_since(self.checked);
        let trained = self.trained_until.is_none_or(|until| now < until);
        if generation == self.generation && trained && age < RECHECK && age >= SignedDuration::ZERO {
            return Ok(());
        }
        let (_, answer) = self.vault.ask(self.question.clone())?;
        if let Target::Conversation(id) = self.question.target {
            self.vault.playable(id, self.object)?;
        }
        (self.generation, self.checked, self.trained_until) = (generation, now, answer.trained_until);
        Ok(())
    }
}

impl Read for MutedAudio {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.check().map_err(|_| {
            io::Error::new(io::ErrorKind::PermissionDenied, "the right to hear this recording has ended")
        })?;
        self.inner.read(out)
    }
}

impl Seek for MutedAudio {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// One reading of something, from the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct ReaderRow {
    /// The entry's number.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who, as the ledger names them.
    pub actor: String,
    /// What happened: `access.permitted`, `access.revealed`, `access.denied`.
    pub kind: String,
    /// The act; entries of older versions have none.
    pub act: Option<String>,
    /// Why.
    pub purpose: Option<String>,
    /// Which conversation.
    pub conversation: Option<ConversationId>,
}

/// A person's page.
#[derive(Debug, Clone, Serialize)]
pub struct SubjectView {
    /// Who, without name or number.
    pub subject: SubjectRow,
    /// Their conversations, oldest first.
    pub conversations: Vec<ConversationRow>,
    /// Who read them, newest first.
    pub readers: Vec<ReaderRow>,
}

impl Vault {
    /// The masked text of a conversation.
    pub fn read_masked(&self, permit: Permit<ReadMasked>) -> Result<MaskedConversation, Error> {
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Conversation(id) = question.target else { return Err(denied::unknown()) };
        let (mark, text) = self.sealed_text(id)?;
        let entry = self.reading(Kind::AccessPermitted, &question, &answer, "masked");
        self.log_together(&entry.fact("covered", text.covered.as_str()))?;
        self.open_text(id, &*self.latest(id, mark, text)?)
    }

    /// The muted recording of a conversation: reading it fails within a second after the right ends.
    pub fn muted_audio(self: &Arc<Self>, permit: Permit<PlayMuted>) -> Result<MutedAudio, Error> {
        let generation = self.live.generation();
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Conversation(id) = question.target else { return Err(denied::unknown()) };
        let object = self.muted_object(id)?.ok_or_else(|| Error::KeyDestroyed("an earlier day".into()))?;
        self.playable(id, object)?;
        let inner = self.redacted_audio(id)?;
        let covered = self.covered_types(id)?;
        self.log_together(
            &self.reading(Kind::AccessPermitted, &question, &answer, "muted").fact("covered", covered),
        )?;
        let (checked, trained_until) = (self.clock.now(), answer.trained_until);
        Ok(MutedAudio {
            vault: Arc::clone(self),
            inner,
            object,
            question,
            generation,
            checked,
            trained_until,
        })
    }

    /// Refuses a recording that is withheld, or that another one has replaced since it was opened.
    fn playable(&self, id: ConversationId, object: ObjectId) -> Result<(), Error> {
        let db = self.reads();
        match crate::remute::withheld(&db, id)? {
            Some(crate::remute::Withheld::Waiting) => return Err(Refused::Withheld("").into()),
            Some(crate::remute::Withheld::Failed) => {
                return Err(Refused::Withheld(", and a missed value could still be heard in it").into());
            }
            None => {}
        }
        let current: bool = db.query_row(
            "SELECT EXISTS (SELECT 1 FROM object WHERE id = ?1 AND kind = 'redacted' AND wrapped_key IS NOT NULL)",
            params![object.as_bytes()],
            |r| r.get(0),
        )?;
        if current { Ok(()) } else { Err(Error::KeyDestroyed("an earlier day; reload the page".into())) }
    }

    /// A person's conversations and who read them.
    pub fn subject(&self, permit: Permit<ReadSubject>) -> Result<SubjectView, Error> {
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Subject(id) = question.target else { return Err(denied::unknown()) };
        self.log_together(&self.reading(Kind::AccessPermitted, &question, &answer, "subject"))?;
        let subject = self.subjects()?.into_iter().find(|s| s.id == id).ok_or_else(denied::unknown)?;
        let of = self.conversations_of(id)?;
        let conversations = of.iter().map(|c| self.conversation(*c)).collect::<Result<_, _>>()?;
        Ok(SubjectView { subject, conversations, readers: self.who_read(id)? })
    }

    /// Types that are covered in a conversation, as the ledger keeps them of a reading: a later scope does not depend on
    /// what retention left.
    pub(crate) fn covered_types(&self, id: ConversationId) -> Result<String, Error> {
        let db = self.reads();
        let mut statement =
            db.prepare_cached("SELECT DISTINCT entity FROM finding WHERE conversation = ?1 ORDER BY entity")?;
        let mut out = String::new();
        for row in statement.query_map(params![id.as_bytes()], |r| r.get::<_, String>(0))? {
            let name = row?;
            if out.len() + name.len() > MAX_COVERED {
                break;
            }
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&name);
        }
        Ok(out)
    }

    /// The conversations a person took part in.
    pub(crate) fn conversations_of(&self, id: SubjectId) -> Result<Vec<ConversationId>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(
            "SELECT DISTINCT conversation FROM party WHERE subject = ?1 ORDER BY conversation",
        )?;
        let rows = statement.query_map(params![id.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| id_of(&r?)).collect()
    }

    /// Who read what of a person, from the ledger, newest first, refusals included.
    pub fn who_read(&self, id: SubjectId) -> Result<Vec<ReaderRow>, Error> {
        self.readings(
            "SELECT e.body FROM ledger_access a JOIN ledger_entry e ON e.seq = a.seq
             WHERE a.subject = ?1 OR a.conversation IN (SELECT conversation FROM party WHERE subject = ?1)
             ORDER BY a.seq DESC LIMIT ?2",
            id.as_bytes(),
        )
    }

    /// Who read one conversation, from the ledger, newest first, refusals included.
    pub fn who_read_conversation(&self, id: ConversationId) -> Result<Vec<ReaderRow>, Error> {
        self.readings(
            "SELECT e.body FROM ledger_access a JOIN ledger_entry e ON e.seq = a.seq
             WHERE a.conversation = ?1 ORDER BY a.seq DESC LIMIT ?2",
            id.as_bytes(),
        )
    }

    fn readings(&self, sql: &str, id: &[u8; 16]) -> Result<Vec<ReaderRow>, Error> {
        self.index_readings()?;
        let db = self.reads();
        let mut statement = db.prepare_cached(sql)?;
        let limit = crate::conversation::as_i64(MAX_READERS as u64);
        let rows = statement.query_map(params![id, limit], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|row| {
            let entry = Entry::parse(&row?)?;
            let text = |name: &str| match entry.body.get(name) {
                Some(Value::Text(t)) => Some(t.clone()),
                _ => None,
            };
            Ok(ReaderRow {
                seq: entry.seq,
                at: entry.at.to_string(),
                act: text("act"),
                purpose: text("purpose"),
                actor: entry.actor,
                kind: entry.kind,
                conversation: entry.conversation,
            })
        })
        .collect()
    }

    /// Whether a conversation has a muted recording whose key still lives.
    pub fn has_muted_audio(&self, id: ConversationId) -> Result<bool, Error> {
        Ok(self.muted_object(id)?.is_some())
    }

    /// Whether the file of the original is there no more; an error where that cannot be said now.
    pub fn original_is_lost(&self, id: ConversationId) -> Result<bool, Error> {
        self.is_lost(self.living_object(id, "original")?)
    }

    /// The same of the muted recording.
    pub fn muted_is_lost(&self, id: ConversationId) -> Result<bool, Error> {
        self.is_lost(self.muted_object(id)?)
    }

    fn is_lost(&self, object: Option<ObjectId>) -> Result<bool, Error> {
        let Some(object) = object else { return Ok(true) };
        Ok(self.shelf.len(object)?.is_none() && self.shelf.bucket().map_or(Ok(true), |b| b.is_owned())?)
    }

    /// The muted recording whose key still lives.
    pub(crate) fn muted_object(&self, id: ConversationId) -> Result<Option<ObjectId>, Error> {
        self.living_object(id, "redacted")
    }

    fn living_object(&self, id: ConversationId, kind: &str) -> Result<Option<ObjectId>, Error> {
        let found: Option<Vec<u8>> = self
            .reads()
            .query_row(
                "SELECT id FROM object WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL
                 ORDER BY id DESC LIMIT 1",
                params![id.as_bytes(), kind],
                |r| r.get(0),
            )
            .optional()?;
        found.map(|id| id_of(&id)).transpose()
    }
}
