//! The ledger as a stream for the watch: every entry once, in order, with the people it is about.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Error, Vault, conversation::as_i64, sessions};
use callvault_ledger::{Entry, Hash};
use callvault_model::id::{AccountId, ConversationId, SubjectId};
use callvault_policy::Role;
use std::collections::HashMap;

/// People of one conversation that are told at most; a conference has no more.
const MAX_PEOPLE: usize = 64;

/// One entry with what the rules look at beside it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The entry.
    pub entry: Entry,
    /// The people it is about, agents left out.
    pub people: Vec<SubjectId>,
    /// The actor's peer group: the first of the account's roles; empty where there is no account.
    pub group: String,
}

/// A place where the stored ledger is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The entry.
    pub seq: u64,
    /// What is wrong.
    pub why: &'static str,
}

/// One piece of the stream.
#[derive(Debug, Clone)]
pub struct Fed {
    /// Entries that fit the chain.
    pub seen: Vec<Observed>,
    /// Where it does not fit.
    pub broken: Vec<Broken>,
    /// Go on here.
    pub next: u64,
}

impl Vault {
    /// Entries from `next` on, at most `limit`, each checked against the one before it.
    pub fn feed(&self, next: u64, limit: usize) -> Result<Fed, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT seq, body, leaf FROM ledger_entry WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
        )?;
        let rows = statement
            .query_map(params![as_i64(next), as_i64(limit as u64)], |r| {
                Ok((r.get::<_, i64>(0)?.unsigned_abs(), r.get::<_, Vec<u8>>(1)?, r.get::<_, [u8; 32]>(2)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut before = leaf_before(&db, next)?;
        let mut out = Fed { seen: Vec::with_capacity(rows.len()), broken: Vec::new(), next };
        let mut groups = HashMap::new();
        for (seq, body, leaf) in rows {
            let mut broken = |why| out.broken.push(Broken { seq, why });
            if seq != out.next {
                broken("entries before it are missing");
                before = None;
            }
            out.next = seq.saturating_add(1);
            let Ok(entry) = Entry::parse(&body) else {
                broken("it cannot be read");
                before = Some(Hash(leaf));
                continue;
            };
            if entry.leaf().0 != leaf {
                broken("its bytes are not those whose hash was stored");
            } else if before.is_some_and(|b| b != entry.prev) || entry.seq != seq {
                broken("it does not follow the entry before it");
            }
            before = Some(Hash(leaf));
            let people = people_of(&db, &entry)?;
            let group = group_of(&db, &entry.actor, &mut groups)?;
            out.seen.push(Observed { entry, people, group });
        }
        Ok(out)
    }

    /// The first entry at or after a time, by the readings' index; for starting a watch in the middle.
    pub fn seq_at(&self, at: jiff::Timestamp) -> Result<u64, Error> {
        self.index_readings()?;
        let seq: Option<i64> = self.db().query_row(
            "SELECT MIN(seq) FROM ledger_access WHERE at >= ?1",
            params![at.as_millisecond()],
            |r| r.get(0),
        )?;
        match seq {
            Some(seq) => Ok(seq.unsigned_abs()),
            None => self.ledger_size(),
        }
    }
}

fn leaf_before(db: &Connection, next: u64) -> Result<Option<Hash>, Error> {
    if next == 0 {
        return Ok(Some(Hash::ZERO));
    }
    let leaf: Option<[u8; 32]> = db
        .query_row("SELECT leaf FROM ledger_entry WHERE seq = ?1", params![as_i64(next - 1)], |r| r.get(0))
        .optional()?;
    Ok(leaf.map(Hash))
}

fn people_of(db: &Connection, entry: &Entry) -> Result<Vec<SubjectId>, Error> {
    if !entry.kind.starts_with("access.") && entry.kind != "conversation.received" {
        return Ok(entry.subject.into_iter().collect());
    }
    match (entry.subject, entry.conversation) {
        (Some(subject), _) => Ok(vec![subject]),
        (None, Some(conversation)) => people_in(db, conversation),
        (None, None) => Ok(Vec::new()),
    }
}

/// Those who took part and do not work for the centre.
pub(super) fn people_in(db: &Connection, id: ConversationId) -> Result<Vec<SubjectId>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT subject FROM party WHERE conversation = ?1 AND role NOT IN ('agent', 'system') LIMIT ?2",
    )?;
    let rows =
        statement.query_map(params![id.as_bytes(), as_i64(MAX_PEOPLE as u64)], |r| r.get::<_, Vec<u8>>(0))?;
    rows.map(|r| crate::keys::id_of(&r?)).collect()
}

/// The first role in the order of the list: agents are compared with agents.
fn group_of(db: &Connection, actor: &str, known: &mut HashMap<String, String>) -> Result<String, Error> {
    if let Some(group) = known.get(actor) {
        return Ok(group.clone());
    }
    let account = actor.split_once(':').and_then(|(_, id)| id.parse::<AccountId>().ok());
    let group = match account {
        Some(id) => {
            let roles = sessions::roles_of(db, id)?;
            Role::ALL.iter().find(|r| roles.contains(r)).map_or(String::new(), |r| r.as_str().to_owned())
        }
        None => String::new(),
    };
    known.insert(actor.to_owned(), group.clone());
    Ok(group)
}
