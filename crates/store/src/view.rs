//! Lists and details as pages and the API show them: filtered, by page, without a value anywhere. What belongs to a
//! conversation's content wants the masked conversation as evidence that a permit was used for it.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Error, MaskedConversation, Vault,
    blob::BlobReader,
    contacts,
    conversation::{State, as_i64},
    keys::id_of,
    links::NOT_MERGED,
    opening::Opened,
    read::{self, ConversationRow, SubjectRow},
};
use callvault_ledger::Kind;
use callvault_model::{
    Channel, EntityType, ProofLevel,
    id::{ConversationId, ObjectId, SubjectId},
};
use jiff::civil::Date;
use serde::Serialize;

/// Most rows of one page.
pub const MAX_PAGE: usize = 200;

/// Which conversations; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct ConversationFilter {
    /// How it was held.
    pub channel: Option<Channel>,
    /// Where it stands.
    pub state: Option<State>,
    /// Received on this day or later (UTC).
    pub from: Option<Date>,
    /// Received on this day or earlier (UTC).
    pub to: Option<Date>,
    /// A value of this type was found in it.
    pub entity: Option<EntityType>,
    /// Proven to this level.
    pub proof: Option<ProofLevel>,
    /// This person took part.
    pub subject: Option<SubjectId>,
}

/// One page of a list, and where the next one begins.
#[derive(Debug, Clone, Serialize)]
pub struct Page<R, C> {
    /// The rows.
    pub rows: Vec<R>,
    /// Rows after this one come next; absent on the last page.
    pub next: Option<C>,
}

impl<R, C> Page<R, C> {
    fn of(mut rows: Vec<R>, limit: usize, id: impl Fn(&R) -> C) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(id);
        Self { rows, next }
    }
}

/// A finding with why it was made; without its value.
#[derive(Debug, Clone, Serialize)]
pub struct FindingDetail {
    /// Its place among the findings of the conversation.
    pub position: u64,
    /// Index of the turn.
    pub turn: u64,
    /// Type name.
    pub entity: String,
    /// The part of who said it.
    pub role: String,
    /// Place in the recording.
    pub start_ms: u64,
    /// Place in the recording.
    pub end_ms: u64,
    /// 0 to 1.
    pub score: f64,
    /// Who found it.
    pub recognizer: String,
    /// Name of the encrypted value; absent for what may never be kept.
    pub token: Option<String>,
}

/// Somebody who took part.
#[derive(Debug, Clone, Serialize)]
pub struct PartyRow {
    /// The part played.
    pub role: String,
    /// The person.
    pub subject: SubjectId,
}

impl Vault {
    /// Conversations, newest first.
    pub fn conversations_page(
        &self,
        filter: &ConversationFilter,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Page<ConversationRow, ConversationId>, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        // Days compare as text, because times are stored as RFC 3339 in UTC.
        let day_after = filter.to.map(|d| d.tomorrow().unwrap_or(Date::MAX).to_string());
        let db = self.reads();
        let mut statement = db.prepare_cached(&format!(
            "{} WHERE c.tenant = ?1 AND (c.id < ?2 OR ?2 IS NULL) AND (c.channel = ?3 OR ?3 IS NULL)
             AND (c.state = ?4 OR ?4 IS NULL) AND (c.received_at >= ?5 OR ?5 IS NULL) AND (c.received_at < ?6 OR ?6 IS NULL)
             AND (EXISTS (SELECT 1 FROM finding f WHERE f.conversation = c.id AND f.entity = ?7) OR ?7 IS NULL)
             AND (c.proof = ?8 OR ?8 IS NULL)
             AND (EXISTS (SELECT 1 FROM party p WHERE p.conversation = c.id AND p.subject = ?9) OR ?9 IS NULL)
             ORDER BY c.id DESC LIMIT ?10",
            read::ROW
        ))?;
        let rows = statement
            .query_map(
                params![
                    self.tenant.as_bytes(),
                    after.as_ref().map(|id| id.as_bytes()),
                    filter.channel.map(Channel::as_str),
                    filter.state.map(State::as_str),
                    filter.from.map(|d| d.to_string()),
                    day_after,
                    filter.entity.map(EntityType::as_str),
                    filter.proof.map(ProofLevel::as_str),
                    filter.subject.as_ref().map(|id| id.as_bytes()),
                    as_i64(limit as u64 + 1),
                ],
                read::row,
            )?
            .collect::<Result<Vec<_>, _>>()?;
        let rows = rows.into_iter().map(read::finished).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(rows, limit, |r| r.id))
    }

    /// The person whom exactly this telephone number or e-mail address leads to. That somebody asked is in the ledger,
    /// the address is not.
    pub fn find_by_contact(&self, who: &Actor, address: &str) -> Result<Option<SubjectId>, Error> {
        let Some(contact) = contacts::contact(address) else { return Ok(None) };
        let index = self.index(contact.field, &contact.value)?;
        self.command_as(who, "find by contact", |c| {
            let found: Option<Vec<u8>> =
                c.tx.query_row(
                    "SELECT subject FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3",
                    params![self.tenant.as_bytes(), contact.field, index],
                    |r| r.get(0),
                )
                .optional()?;
            let found = found.map(|id| id_of(&id)).transpose()?;
            let facts = [("act", "list_conversations".into()), ("rendering", "search".into())];
            c.log(Kind::AccessPermitted, None, found, &facts);
            Ok(found)
        })
    }

    /// People, newest first.
    pub fn subjects_page(
        &self,
        after: Option<SubjectId>,
        limit: usize,
    ) -> Result<Page<SubjectRow, SubjectId>, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let db = self.reads();
        let mut statement = db.prepare_cached(&format!(
            "SELECT s.id, s.role, s.provisional, s.erased_at,
                (SELECT COUNT(DISTINCT p.conversation) FROM party p WHERE p.subject = s.id)
             FROM subject s WHERE s.tenant = ?1 AND (s.id < ?2 OR ?2 IS NULL) AND {NOT_MERGED}
             ORDER BY s.id DESC LIMIT ?3"
        ))?;
        let rows = statement
            .query_map(
                params![
                    self.tenant.as_bytes(),
                    after.as_ref().map(|id| id.as_bytes()),
                    as_i64(limit as u64 + 1)
                ],
                |r| {
                    let id: Vec<u8> = r.get(0)?;
                    let row = (r.get(1)?, r.get(2)?, r.get(3)?, r.get::<_, i64>(4)?);
                    Ok((id, row))
                },
            )?
            .collect::<Result<Vec<_>, _>>()?;
        let rows = rows
            .into_iter()
            .map(|(id, (role, provisional, erased_at, n))| {
                Ok(SubjectRow {
                    id: id_of(&id)?,
                    role,
                    provisional,
                    conversations: n.unsigned_abs(),
                    erased_at,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Page::of(rows, limit, |r| r.id))
    }

    /// How many telephone numbers (`phone`) and addresses (`email`) lead to a person.
    pub fn contact_kinds(&self, id: SubjectId) -> Result<Vec<(String, u64)>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(
            "SELECT field, COUNT(*) FROM contact WHERE subject = ?1 GROUP BY field ORDER BY field",
        )?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Who took part, in the order of the channels.
    pub fn party_rows(&self, id: ConversationId) -> Result<Vec<PartyRow>, Error> {
        let db = self.reads();
        let mut statement =
            db.prepare_cached("SELECT role, subject FROM party WHERE conversation = ?1 ORDER BY position")?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| Ok((r.get::<_, String>(0)?, r.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|(role, subject)| Ok(PartyRow { role, subject: id_of(&subject)? })).collect()
    }

    /// The certificate of a conversation's original, as JSON.
    pub fn certificate_of(&self, id: ConversationId) -> Result<Option<String>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached("SELECT body FROM certificate WHERE conversation = ?1")?;
        Ok(statement.query_row(params![id.as_bytes()], |r| r.get(0)).optional()?)
    }

    /// The findings of a conversation somebody was allowed to read.
    pub fn finding_details(&self, read: &MaskedConversation) -> Result<Vec<FindingDetail>, Error> {
        Ok(self.sealed_text(read.row.id)?.1.beside.details.clone())
    }

    /// The name of the muted recording of a conversation somebody was allowed to read; absent for text and once its key
    /// is gone.
    pub fn outline_of(&self, read: &Opened) -> Result<Option<ObjectId>, Error> {
        self.muted_object(read.row().id)
    }

    /// The muted recording, to draw its outline beside the text; hearing it takes [`Vault::muted_audio`].
    pub fn outline_source(&self, read: &Opened) -> Result<BlobReader, Error> {
        self.redacted_audio(read.row().id)
    }
}
