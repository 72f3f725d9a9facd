//! Out of quarantine: to be worked on again, or destroyed by a person's decision.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Refused, SealedBlob, State, Vault, holds::kept_back, sweep::kill_keys};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, ObjectId};
use std::io::Read;

/// The kind of object that a transcript made elsewhere is, until it was worked on.
pub(crate) const TRANSCRIPT: &str = "transcript";

/// Why somebody destroys what lies in quarantine. The list is closed: the ledger holds codes, never words of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// Nobody speaks or writes in it: a test, a fax, music.
    NoConversation,
    /// It is here in another form.
    Duplicate,
    /// Nobody can ever make it readable.
    Unreadable,
    /// It should not have been taken in.
    Unwanted,
}

impl Discard {
    /// Every reason, in the order of forms.
    pub const ALL: [Self; 4] = [Self::NoConversation, Self::Duplicate, Self::Unreadable, Self::Unwanted];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoConversation => "no-conversation",
            Self::Duplicate => "duplicate",
            Self::Unreadable => "unreadable",
            Self::Unwanted => "unwanted",
        }
    }

    /// The reason of this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == code)
    }
}

impl Vault {
    /// Command *release*: the conversation may be worked on again.
    pub fn release_quarantined(&self, actor: &Actor, id: ConversationId, how: &str) -> Result<(), Error> {
        self.command_as(actor, "release", |c| {
            waiting(&c.tx, id)?;
            c.tx.execute(
                "UPDATE conversation SET state = 'received', reason = NULL WHERE id = ?1",
                params![id.as_bytes()],
            )?;
            c.log(Kind::ConversationReleased, Some(id), None, &[("how", how.into())]);
            Ok(())
        })
    }

    /// Command *release with a transcript* that was made elsewhere: it rests sealed under its own key until the conversation
    /// was worked on with it, and is destroyed then.
    pub fn release_with_transcript(
        &self,
        actor: &Actor,
        id: ConversationId,
        transcript: &[u8],
    ) -> Result<(), Error> {
        let blobs = self.blobs();
        let mut blob = SealedBlob::write(&blobs, self.tenant, &self.entropy, |out| {
            out.write_all(transcript).map_err(Error::file(&blobs))
        })?;
        self.lay(&blob)?;
        let mut needles = Vec::new();
        self.command_as(actor, "release", |c| {
            waiting(&c.tx, id)?;
            kill_keys(c, id, TRANSCRIPT, &mut needles)?;
            let wrapped = self.wrap_object_key(c, blob.id(), blob.key())?;
            self.insert_object(c, id, TRANSCRIPT, &blob, &wrapped, &crate::hex(&blob.key().id()?))?;
            c.tx.execute(
                "UPDATE conversation SET state = 'received', reason = NULL WHERE id = ?1",
                params![id.as_bytes()],
            )?;
            c.log(
                Kind::ConversationReleased,
                Some(id),
                None,
                &[("how", "transcript".into()), ("sealed_sha256", blob.sealed_sha256().into())],
            );
            Ok(())
        })?;
        blob.keep();
        blob.recorded();
        self.prove_gone(&needles)?;
        self.remove_dead_blobs()
    }

    /// The transcript that was imported for a conversation and not worked on yet.
    pub fn imported_transcript(&self, id: ConversationId) -> Result<Option<Vec<u8>>, Error> {
        let there: bool = self.db().query_row(
            "SELECT EXISTS (SELECT 1 FROM object WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL)",
            params![id.as_bytes(), TRANSCRIPT],
            |r| r.get(0),
        )?;
        if !there {
            return Ok(None);
        }
        let mut out = Vec::new();
        let mut reader = self.object(id, TRANSCRIPT)?;
        reader.read_to_end(&mut out).map_err(Error::file(self.blobs()))?;
        Ok(Some(out))
    }

    /// Command *discard*: nothing of it is kept; its original's key is destroyed. No certificate, for nothing was proven.
    pub fn discard_quarantined(&self, actor: &Actor, id: ConversationId, why: Discard) -> Result<(), Error> {
        if self.disposal()?.is_none() {
            return Err(Refused::ObserveMode.into());
        }
        let mut needles = Vec::new();
        let object = self.command_as(actor, "discard", |c| {
            waiting(&c.tx, id)?;
            if let Some(refused) = kept_back(&c.tx, id)? {
                return Err(refused.into());
            }
            let object: Vec<u8> = c.tx.query_row(
                "SELECT id FROM object WHERE conversation = ?1 AND kind = 'original'",
                params![id.as_bytes()],
                |r| r.get(0),
            )?;
            kill_keys(c, id, "original", &mut needles)?;
            c.tx.execute(
                "UPDATE conversation SET state = 'discarded' WHERE id = ?1",
                params![id.as_bytes()],
            )?;
            c.log(
                Kind::ConversationDisposed,
                Some(id),
                None,
                &[("what", "discarded".into()), ("why", why.as_str().into())],
            );
            crate::keys::id_of(&object)
        })?;
        let object: ObjectId = object;
        self.prove_gone(&needles)?;
        self.remove_blobs(&[object])
    }
}

/// Refuses what does not wait for a person.
fn waiting(db: &Connection, id: ConversationId) -> Result<(), Error> {
    let state: Option<String> = db
        .query_row("SELECT state FROM conversation WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    let state = State::parse(&state.ok_or_else(|| Error::NoConversation(id.to_string()))?)?;
    if matches!(state, State::Quarantined | State::AwaitingTranscript) {
        return Ok(());
    }
    Err(Error::State {
        id: id.to_string(),
        state: state.as_str().into(),
        needed: "only what waits in quarantine or for a transcript can be released".into(),
    })
}
