//! From the index of readings to entries, and from entries to the people they are about.

use super::{Scope, ScopeQuery, Touched, text, words::Known};
use crate::db::{Connection, OptionalExtension, Value as Sql, params};
use crate::{Error, access_index, keys::id_of};
use callvault_ledger::Entry;
use callvault_model::id::{ConversationId, SubjectId};
use std::{collections::HashMap, sync::Arc};

/// Entries read at a time.
const PIECE: usize = 1_024;
/// Where at least one of so many entries is wanted, walking over all of them is quicker than asking for each.
const SPARSE: u64 = 4;

/// The entries that can matter, in order. Answered from the index, and from the few entries that it may not hold yet.
pub(super) fn numbers(db: &Connection, query: &ScopeQuery) -> Result<Vec<u64>, Error> {
    let mut with: Vec<Sql> = vec![query.from.as_millisecond().into(), query.to.as_millisecond().into()];
    let mut actors = String::new();
    if !query.actors.is_empty() {
        let marks: Vec<String> = (0..query.actors.len()).map(|n| format!("?{}", n + 3)).collect();
        actors = format!(" AND actor IN ({})", marks.join(", "));
        with.extend(query.actors.iter().map(|a| Sql::Text(a.clone())));
    }
    let mut statement =
        db.prepare_cached(&format!("SELECT seq FROM ledger_access WHERE at BETWEEN ?1 AND ?2{actors}"))?;
    let rows = statement.query_map(with, |r| r.get::<_, i64>(0))?;
    let mut out = rows.map(|r| r.map(i64::unsigned_abs)).collect::<Result<Vec<_>, _>>()?;
    let asked = |e: &Entry| {
        let at = e.at.as_millisecond();
        (query.from.as_millisecond()..=query.to.as_millisecond()).contains(&at)
            && (query.actors.is_empty() || query.actors.contains(&e.actor))
    };
    out.extend(access_index::unindexed(db)?.iter().filter(|e| asked(e)).map(|e| e.seq));
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// Reads the entries of these numbers, each compared with the hash that was stored beside it.
pub(in crate::incident) fn each(
    db: &Connection,
    numbers: &[u64],
    mut take: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut range = db.prepare_cached(
        "SELECT seq, body, leaf FROM ledger_entry WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    )?;
    let mut one = |first: u64, last: u64, wanted: &[u64]| {
        let mut wanted = wanted.iter().copied().peekable();
        let mut rows = range.query(params![first.cast_signed(), last.cast_signed()])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.unsigned_abs();
            if wanted.next_if_eq(&seq).is_some() {
                take(read(seq, row.get_ref(1)?.as_blob().ok(), &row.get(2)?)?)?;
            }
        }
        match wanted.next() {
            None => Ok(()),
            Some(seq) => Err(Error::Ledger(format!(
                "entry {seq} is missing; verify the ledger before computing a scope"
            ))),
        }
    };
    for piece in numbers.chunks(PIECE) {
        let (Some(&first), Some(&last)) = (piece.first(), piece.last()) else { continue };
        if last - first < SPARSE * piece.len() as u64 {
            one(first, last, piece)?;
        } else {
            piece.iter().try_for_each(|&seq| one(seq, seq, &[seq]))?;
        }
    }
    Ok(())
}

fn read(seq: u64, body: Option<&[u8]>, leaf: &[u8; 32]) -> Result<Entry, Error> {
    let body = body.ok_or(Error::Corrupt("an entry of the ledger"))?;
    let entry = Entry::parse(body)?;
    if entry.seq != seq || entry.leaf().0 != *leaf {
        return Err(Error::Ledger(format!(
            "entry {seq} is not what was written; verify the ledger before computing a scope"
        )));
    }
    Ok(entry)
}

/// Finds the people behind ids, each once.
pub(super) struct Finder<'a> {
    db: &'a Connection,
    canaries: crate::incident::canary::Canaries,
    /// Merged record → the one it became.
    merged: HashMap<SubjectId, SubjectId>,
    known: Known,
    /// What most readings say by themselves of whose they were.
    nobody: Arc<[SubjectId]>,
}

impl<'a> Finder<'a> {
    pub fn new(db: &'a Connection, canaries: crate::incident::canary::Canaries) -> Result<Self, Error> {
        let mut statement = db.prepare_cached(
            "SELECT from_subject, into_subject FROM subject_link WHERE kind = 'merge' AND undone_at IS NULL",
        )?;
        let rows = statement
            .query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let mut merged = HashMap::new();
        for (from, into) in rows {
            merged.insert(id_of(&from)?, id_of(&into)?);
        }
        Ok(Self { db, canaries, merged, known: Known::default(), nobody: [].into() })
    }

    fn now(&self, mut id: SubjectId) -> SubjectId {
        // A chain of merges is short; a ring cannot be made, and would end here.
        for _ in 0..64 {
            match self.merged.get(&id) {
                Some(into) => id = *into,
                None => break,
            }
        }
        id
    }

    /// Looks up who took part, in the order of the ids: neighbours in the table are read once.
    fn conversations(&self, wanted: &[Touched]) -> Result<HashMap<ConversationId, Arc<[SubjectId]>>, Error> {
        let mut ids: Vec<ConversationId> =
            wanted.iter().filter(|e| e.people.is_empty()).filter_map(|e| e.conversation).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut out = HashMap::with_capacity(ids.len());
        for id in ids {
            let found = crate::incident::feed::people_in(self.db, id)?;
            let mut people: Vec<SubjectId> = found.into_iter().map(|s| self.now(s)).collect();
            people.sort_unstable();
            people.dedup();
            out.insert(id, people.into());
        }
        Ok(out)
    }

    /// Who said the value behind a token.
    fn of_token(&self, token: &str) -> Result<Option<SubjectId>, Error> {
        let found: Option<Vec<u8>> = self
            .db
            .prepare_cached("SELECT p.subject FROM token t JOIN party p ON p.id = t.party WHERE t.id = ?1")?
            .query_row(params![token], |r| r.get(0))
            .optional()?;
        Ok(found.map(|id| id_of(&id)).transpose()?.map(|id| self.now(id)))
    }

    /// Whose data a reading was of, where the entry says it.
    fn whose(&self, entry: &Entry) -> Result<Arc<[SubjectId]>, Error> {
        let token = text(entry, "token").map(|t| self.of_token(t)).transpose()?.flatten();
        Ok(match (token, entry.subject) {
            (Some(person), _) => [person].into(),
            (None, Some(person)) => [self.now(person)].into(),
            (None, None) => self.nobody.clone(),
        })
    }

    /// Adds a reading to the scope; `settle` sorts out whose it was.
    pub fn touch(&mut self, entry: &Entry, out: &mut Scope) -> Result<(), Error> {
        let people = self.whose(entry)?;
        let known = &mut self.known;
        let rendering = text(entry, "rendering").unwrap_or("masked");
        let clear = match rendering {
            "value" => text(entry, "entity").unwrap_or_default(),
            "muted" => "VOICE",
            _ => "",
        };
        out.entries.push(Touched {
            seq: entry.seq,
            at: entry.at,
            actor: known.word(&entry.actor),
            session: text(entry, "session").map(|s| known.word(s)),
            rendering: known.word(rendering),
            purpose: text(entry, "purpose").map(|p| known.word(p)),
            conversation: entry.conversation,
            people,
            clear: known.list(clear),
            covered: known.list(text(entry, "covered").unwrap_or_default()),
        });
        Ok(())
    }

    /// Finds the people of the conversations, and takes out what is nobody's.
    pub fn settle(self, out: &mut Scope) -> Result<(), Error> {
        let conversations = self.conversations(&out.entries)?;
        let Scope { entries, canaries, unresolved, .. } = out;
        entries.retain_mut(|e| {
            if let (true, Some(people)) =
                (e.people.is_empty(), e.conversation.and_then(|c| conversations.get(&c)))
            {
                e.people = people.clone();
            }
            let invented = e.conversation.is_some_and(|c| self.canaries.conversations.contains(&c))
                || e.people.iter().any(|p| self.canaries.people.contains(p));
            if invented {
                canaries.push(e.seq);
            } else if e.people.is_empty() && e.conversation.is_some() {
                unresolved.push(e.seq);
            }
            // A search that found nobody shows nobody.
            !invented && !e.people.is_empty()
        });
        Ok(())
    }
}
