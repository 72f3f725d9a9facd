//! One conversation as an erasure reads it: each table once.

use super::{CLASSES, ScopeRow, rows::SealedToken};
use crate::db::{Connection, params};
use crate::{Error, holds::Held, keys::id_of, retention::Class};
use callvault_model::id::{ConversationId, ObjectId, PartyId, SubjectId};

pub(super) struct Party {
    pub(super) id: PartyId,
    pub(super) role: String,
    pub(super) subject: SubjectId,
    pub(super) ours: bool,
    pub(super) wrapped: Option<Vec<u8>>,
    pub(super) name: Option<Vec<u8>>,
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
    state: String,
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

/// Who takes part, in order; `ours` are the parties of this person.
fn parties(db: &Connection, id: ConversationId, subject: SubjectId) -> Result<Vec<Party>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT id, role, subject, wrapped_key, sealed_name FROM party WHERE conversation = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let of: SubjectId = id_of(&r.get::<_, Vec<u8>>(2)?)?;
        out.push(Party {
            id: id_of(&r.get::<_, Vec<u8>>(0)?)?,
            role: r.get(1)?,
            subject: of,
            ours: of == subject,
            wrapped: r.get(3)?,
            name: r.get(4)?,
        });
    }
    Ok(out)
}

fn objects(db: &Connection, id: ConversationId) -> Result<Vec<Object>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT id, kind, wrapped_key FROM object WHERE conversation = ?1 AND wrapped_key IS NOT NULL",
    )?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(Object { id: id_of(&r.get::<_, Vec<u8>>(0)?)?, kind: r.get(1)?, wrapped: r.get(2)? });
    }
    Ok(out)
}

fn tokens(db: &Connection, id: ConversationId) -> Result<Vec<Token>, Error> {
    let mut statement =
        db.prepare_cached("SELECT party, id, entity, sealed_value FROM token WHERE conversation = ?1")?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let token = (r.get(1)?, r.get(2)?, r.get(3)?);
        out.push(Token { party: id_of(&r.get::<_, Vec<u8>>(0)?)?, token });
    }
    Ok(out)
}

fn turns(db: &Connection, id: ConversationId) -> Result<Vec<Turn>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT party, position, sealed_text FROM turn WHERE conversation = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(Turn { party: id_of(&r.get::<_, Vec<u8>>(0)?)?, position: r.get(1)?, sealed: r.get(2)? });
    }
    Ok(out)
}

fn copies(db: &Connection, id: ConversationId) -> Result<Vec<Copy>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT sealed_detail, place = 'source file' AND state = 'remains' FROM copy WHERE conversation = ?1",
    )?;
    let rows = statement
        .query_map(params![id.as_bytes()], |r| Ok(Copy { detail: r.get(0)?, source_remains: r.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Talk {
    pub(super) fn read(db: &Connection, id: ConversationId, subject: SubjectId) -> Result<Self, Error> {
        let mut statement = db.prepare_cached(
            "SELECT channel, state, received_at, started_at, sealed_source,
               EXISTS (SELECT 1 FROM must_keep m WHERE m.conversation = c.id)
             FROM conversation c WHERE id = ?1",
        )?;
        let mut talk = statement.query_row(params![id.as_bytes()], |r| {
            Ok(Self {
                id,
                channel: r.get(0)?,
                state: r.get(1)?,
                received_at: r.get(2)?,
                started_at: r.get(3)?,
                source: r.get(4)?,
                must_keep: r.get(5)?,
                parties: Vec::new(),
                objects: Vec::new(),
                tokens: Vec::new(),
                turns: Vec::new(),
                copies: Vec::new(),
            })
        })?;
        talk.parties = parties(db, id, subject)?;
        talk.objects = objects(db, id)?;
        talk.tokens = tokens(db, id)?;
        talk.turns = turns(db, id)?;
        talk.copies = copies(db, id)?;
        Ok(talk)
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
            Class::Transcript => ours().map(|p| self.turns_of(p.id).count()).sum(),
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
