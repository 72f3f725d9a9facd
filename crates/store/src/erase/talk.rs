//! Conversations as an erasure reads them: each table once.

use super::{
    CLASSES, ScopeRow,
    listed::{self, Raw},
    rows::SealedToken,
};
use crate::db::{Connection, Row};
use crate::{Error, holds::Held, keys::id_of, quarantine::TRANSCRIPT, retention::Class};
use callvault_model::{
    Id,
    id::{ConversationId, Kind, ObjectId, PartyId, SubjectId},
};
use std::collections::BTreeMap;

pub(super) struct Party {
    pub(super) id: PartyId,
    pub(super) role: String,
    pub(super) subject: SubjectId,
    pub(super) ours: bool,
    pub(super) wrapped: Option<Vec<u8>>,
    pub(super) name: Option<Vec<u8>>,
    position: i64,
}

/// A sealed file whose key still stands.
pub(super) struct Object {
    pub(super) id: ObjectId,
    pub(super) kind: String,
    pub(super) wrapped: Vec<u8>,
}

pub(super) struct Token {
    pub(super) party: PartyId,
    pub(super) token: SealedToken,
}

pub(super) struct Turn {
    pub(super) party: PartyId,
    pub(super) position: i64,
    pub(super) sealed: Vec<u8>,
}

pub(super) struct Copy {
    pub(super) detail: Vec<u8>,
    source_remains: bool,
}

pub(super) struct Talk {
    pub(super) id: ConversationId,
    channel: String,
    pub(super) state: String,
    received_at: String,
    started_at: Option<String>,
    must_keep: bool,
    pub(super) source: Vec<u8>,
    pub(super) parties: Vec<Party>,
    pub(super) objects: Vec<Object>,
    pub(super) tokens: Vec<Token>,
    pub(super) turns: Vec<Turn>,
    pub(super) copies: Vec<Copy>,
}

/// Different conversations, by their ids.
pub(super) type Talks = BTreeMap<ConversationId, Talk>;

/// Reads rows of one table for conversations, each with its conversation in the first column.
fn each(
    db: &Connection,
    sql: &str,
    ids: &[Raw],
    talks: &mut Talks,
    mut put: impl FnMut(&mut Talk, &Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    listed::read(db, sql, ids, |r| {
        put(talks.get_mut(&id(r, 0)?).ok_or(Error::Corrupt("a row of another conversation"))?, r)
    })
    .map(drop)
}

/// The id in a column.
pub(super) fn id<K: Kind>(r: &Row<'_>, column: usize) -> Result<Id<K>, Error> {
    let bytes = r.get_ref(column)?.as_blob().map_err(|_| Error::Corrupt("an id that is no bytes"))?;
    id_of(bytes)
}

impl Talk {
    pub(super) fn read(db: &Connection, id: ConversationId, subject: SubjectId) -> Result<Self, Error> {
        let mut one = Self::read_all(db, &[(id, subject)])?;
        one.remove(&id).ok_or(Error::Corrupt("a party without its conversation"))
    }

    /// Different conversations, each as one of its people sees it, table by table.
    pub(super) fn read_all(db: &Connection, of: &[(ConversationId, SubjectId)]) -> Result<Talks, Error> {
        let ids: Vec<Raw> = of.iter().map(|(id, _)| *id.as_bytes()).collect();
        let whose: BTreeMap<ConversationId, SubjectId> = of.iter().copied().collect();
        let sql = "SELECT id, channel, state, received_at, started_at, sealed_source,
               EXISTS (SELECT 1 FROM must_keep m WHERE m.conversation = c.id)
             FROM conversation c WHERE id IN ()";
        let talks = listed::read(db, sql, &ids, |r| {
            let talk = Self {
                id: id(r, 0)?,
                channel: r.get(1)?,
                state: r.get(2)?,
                received_at: r.get(3)?,
                started_at: r.get(4)?,
                source: r.get(5)?,
                must_keep: r.get(6)?,
                parties: Vec::new(),
                objects: Vec::new(),
                tokens: Vec::new(),
                turns: Vec::new(),
                copies: Vec::new(),
            };
            Ok((talk.id, talk))
        })?;
        let mut talks: Talks = talks.into_iter().collect();
        let sql = "SELECT conversation, id, role, subject, wrapped_key, sealed_name, position
             FROM party WHERE conversation IN ()";
        each(db, sql, &ids, &mut talks, |talk, r| {
            let subject = id(r, 3)?;
            talk.parties.push(Party {
                id: id(r, 1)?,
                role: r.get(2)?,
                subject,
                ours: whose.get(&talk.id) == Some(&subject),
                wrapped: r.get(4)?,
                name: r.get(5)?,
                position: r.get(6)?,
            });
            Ok(())
        })?;
        let sql = "SELECT conversation, id, kind, wrapped_key FROM object
             WHERE conversation IN () AND wrapped_key IS NOT NULL";
        each(db, sql, &ids, &mut talks, |talk, r| {
            talk.objects.push(Object { id: id(r, 1)?, kind: r.get(2)?, wrapped: r.get(3)? });
            Ok(())
        })?;
        let sql = "SELECT conversation, party, id, entity, sealed_value FROM token WHERE conversation IN ()";
        each(db, sql, &ids, &mut talks, |talk, r| {
            talk.tokens.push(Token { party: id(r, 1)?, token: (r.get(2)?, r.get(3)?, r.get(4)?) });
            Ok(())
        })?;
        let sql = "SELECT conversation, party, position, sealed_text FROM turn WHERE conversation IN ()";
        each(db, sql, &ids, &mut talks, |talk, r| {
            talk.turns.push(Turn { party: id(r, 1)?, position: r.get(2)?, sealed: r.get(3)? });
            Ok(())
        })?;
        let sql = "SELECT conversation, sealed_detail, place = 'source file' AND state = 'remains'
             FROM copy WHERE conversation IN ()";
        each(db, sql, &ids, &mut talks, |talk, r| {
            talk.copies.push(Copy { detail: r.get(1)?, source_remains: r.get(2)? });
            Ok(())
        })?;
        for talk in talks.values_mut() {
            talk.parties.sort_by_key(|p| p.position);
            talk.turns.sort_by_key(|t| t.position);
        }
        Ok(talks)
    }

    /// Nobody else was there to speak about than the person and agents.
    pub(super) fn alone(&self) -> bool {
        self.parties.iter().all(|p| p.ours == (p.role != "agent"))
    }

    pub(super) fn tokens_of(&self, party: PartyId) -> impl Iterator<Item = &SealedToken> {
        self.tokens.iter().filter(move |t| t.party == party).map(|t| &t.token)
    }

    pub(super) fn turns_of(&self, party: PartyId) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(move |t| t.party == party)
    }

    /// How many there are of a class of what is the person's.
    fn count(&self, class: Class) -> usize {
        let objects = |kinds: &[&str]| self.objects.iter().filter(|o| kinds.contains(&&*o.kind)).count();
        let ours = || self.parties.iter().filter(|p| p.ours);
        match class {
            Class::Audio => objects(&["original", "attachment"]),
            Class::RedactedAudio => objects(&["redacted"]),
            // One that was given with a recording and not worked on yet cannot be told apart.
            Class::Transcript => {
                objects(&[TRANSCRIPT]) + ours().map(|p| self.turns_of(p.id).count()).sum::<usize>()
            }
            Class::Tokens => ours().map(|p| self.tokens_of(p.id).count()).sum(),
            Class::Metadata => {
                usize::from(!self.source.is_empty())
                    + usize::from(self.started_at.is_some())
                    + ours().filter(|p| p.name.is_some()).count()
                    + self.copies.iter().filter(|c| !c.detail.is_empty()).count()
            }
            Class::Evidence => 0,
        }
    }

    /// What it holds of the person.
    pub(super) fn scope(&self, held: &Held) -> ScopeRow {
        let places = self.parties.iter().enumerate().filter(|(_, p)| p.ours).map(|(i, _)| i).collect();
        let classes = CLASSES.into_iter().map(|class| (class, self.count(class) as u64));
        ScopeRow {
            conversation: self.id,
            channel: self.channel.clone(),
            state: self.state.clone(),
            received_at: self.received_at.clone(),
            started_at: self.started_at.clone(),
            places,
            parties: self.parties.len(),
            shared: self.parties.iter().any(|p| !p.ours && p.role != "agent"),
            classes: classes.filter(|(_, n)| *n > 0).collect(),
            held: held.covers(self.id, self.parties.iter().map(|p| p.subject)),
            must_keep: self.must_keep,
            source_remains: self.copies.iter().any(|c| c.source_remains),
        }
    }
}
