//! Attachments of messages: what nobody can search lies sealed and in quarantine, with its reason, apart from the text.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Command, Error, Refused, SealedBlob, Vault, conversation::as_i64, hex, holds::kept_back,
    keys::id_of, sweep::needle,
};
use callvault_ledger::Kind;
use callvault_model::id::{AttachmentId, ConversationId};
use serde::Serialize;

/// An attachment ready to be kept.
pub struct RecordedAttachment<'a> {
    /// Sealed below the vault's blob directory.
    pub blob: &'a SealedBlob,
    /// As the message called it, checked to be a media type.
    pub media_type: String,
    /// Why it lies in quarantine; contains nothing of it.
    pub reason: String,
}

/// One attachment.
#[derive(Debug, Clone, Serialize)]
pub struct AttachmentRow {
    /// Its id.
    pub id: AttachmentId,
    /// Whose.
    pub conversation: ConversationId,
    /// As the message called it.
    pub media_type: String,
    /// Length.
    pub bytes: u64,
    /// `quarantined` or `discarded`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    pub at: String,
}

impl Vault {
    /// The attachments of one conversation, or of all.
    pub fn attachments(&self, of: Option<ConversationId>) -> Result<Vec<AttachmentRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare(
            "SELECT id, conversation, media_type, bytes, state, reason, at FROM attachment
             WHERE conversation = ?1 OR ?1 IS NULL ORDER BY rowid DESC LIMIT 5000",
        )?;
        let rows = statement
            .query_map(params![of.map(|c| *c.as_bytes())], |r| {
                Ok((
                    (r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?),
                    (r.get(2)?, r.get::<_, i64>(3)?, r.get(4)?, r.get(5)?, r.get(6)?),
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|((id, conversation), (media_type, bytes, state, reason, at))| {
                Ok(AttachmentRow {
                    id: id_of(&id)?,
                    conversation: id_of(&conversation)?,
                    media_type,
                    bytes: bytes.unsigned_abs(),
                    state,
                    reason,
                    at,
                })
            })
            .collect()
    }

    /// Command *discard attachment*: its key is destroyed.
    pub fn discard_attachment(&self, actor: &Actor, id: AttachmentId) -> Result<(), Error> {
        if self.disposal()?.is_none() {
            return Err(Refused::ObserveMode.into());
        }
        let mut needles = Vec::new();
        self.command_as(actor, "discard attachment", |c| {
            let row: Option<(Vec<u8>, Option<Vec<u8>>)> = c
                .one(
                    "SELECT conversation, object FROM attachment WHERE id = ?1 AND state = 'quarantined'",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?)),
                )
                .optional()?;
            let (conversation, object) = row.ok_or(Refused::Unknown("attachment"))?;
            let conversation: ConversationId = id_of(&conversation)?;
            if let Some(refused) = kept_back(&c.tx, conversation)? {
                return Err(refused.into());
            }
            let key: Option<Vec<u8>> =
                c.one("SELECT wrapped_key FROM object WHERE id = ?1", params![object], |r| r.get(0))?;
            needles.extend(key.map(needle));
            c.run(
                "UPDATE object SET wrapped_key = NULL, key_destroyed_at = ?2 WHERE id = ?1",
                params![object, c.now],
            )?;
            c.run("UPDATE attachment SET state = 'discarded' WHERE id = ?1", params![id.as_bytes()])?;
            let facts = [("attachment", id.to_string().into()), ("what", "attachment".into())];
            c.log(Kind::ConversationDisposed, Some(conversation), None, &facts);
            Ok(())
        })?;
        self.prove_gone(&needles)?;
        self.remove_dead_blobs()
    }

    /// The rows of attachments, inside the command that records their message.
    pub(crate) fn insert_attachments(
        &self,
        c: &mut Command<'_>,
        conversation: ConversationId,
        attachments: &[RecordedAttachment<'_>],
    ) -> Result<(), Error> {
        for a in attachments {
            let id = AttachmentId::new(self.clock.as_ref(), &self.entropy)?;
            let wrapped = self.wrap_object_key(c, a.blob.id(), a.blob.key())?;
            let fingerprint = hex(&a.blob.key().id()?);
            self.insert_object(c, conversation, "attachment", a.blob, &wrapped, &fingerprint)?;
            c.run(
                "INSERT INTO attachment (id, conversation, object, media_type, bytes, state, reason, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'quarantined', ?6, ?7)",
                params![
                    id.as_bytes(),
                    conversation.as_bytes(),
                    a.blob.id().as_bytes(),
                    a.media_type,
                    as_i64(a.blob.plain_bytes()),
                    a.reason,
                    c.now
                ],
            )?;
        }
        Ok(())
    }
}
