//! The index of readings: which entries of the ledger are about which conversation, person and reader. Derived; it proves
//! nothing, and can be made anew from the entries.
//!
//! A command indexes its entries with itself. Readings that are committed together would write a page for every
//! conversation and reader they name, more than their entries take; theirs wait here and are indexed many at a time, at the
//! latest when somebody asks the index. In the database stands from which entry on some may be missing, written with the
//! first of them: after a kill the next opening reads those entries again.

use crate::db::{Connection, OptionalExtension, Transaction, params};
use crate::{Error, Vault, conversation::as_i64, ledger};
use callvault_ledger::{Draft, Entry, Kind, Value};
use callvault_model::id::{ConversationId, IncidentId, SubjectId};
use jiff::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Readings that wait for the index at most: so long is the commit that brings them in, and the reading after a kill.
const MOST: usize = 2_048;
/// Entries older than this one stand in the index.
const MARK: &str = "access_unindexed_from";

/// The line of one entry.
pub(crate) struct Access {
    seq: u64,
    of: Reading,
}

/// What stands in it of a reading.
#[derive(Clone)]
struct Reading {
    conversation: Option<ConversationId>,
    subject: Option<SubjectId>,
    actor: String,
    at: Timestamp,
}

/// How an entry that is not written yet will be found.
pub(crate) struct Found {
    access: Option<Reading>,
    incident: Option<IncidentId>,
}

impl Found {
    /// `at`: its time, as it is kept.
    pub(crate) fn of(draft: &Draft, at: Timestamp) -> Self {
        let Draft { conversation, subject, .. } = *draft;
        let reading = || Reading { conversation, subject, actor: draft.actor.clone(), at };
        Self {
            access: is_access(draft.kind.as_str()).then(reading),
            incident: incident(draft.body.get("incident")),
        }
    }

    /// Indexes the entry but for its line in the index of readings, which is returned.
    pub(crate) fn index(&self, tx: &Connection, seq: u64) -> Result<Option<Access>, Error> {
        index_incident(tx, seq, self.incident)?;
        Ok(self.access.clone().map(|of| Access { seq, of }))
    }
}

fn incident(fact: Option<&Value>) -> Option<IncidentId> {
    match fact {
        Some(Value::Text(id)) => id.parse().ok(),
        _ => None,
    }
}

fn is_access(kind: &str) -> bool {
    kind.starts_with("access.") || kind == Kind::LedgerExported.as_str()
}

/// Writes lines into the index.
pub(crate) fn put<'a>(tx: &Connection, lines: impl IntoIterator<Item = &'a Access>) -> Result<(), Error> {
    let mut put = tx.prepare_cached(
        "INSERT INTO ledger_access (seq, conversation, subject, actor, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    for Access { seq, of } in lines {
        put.execute(params![
            as_i64(*seq),
            of.conversation.as_ref().map(|id| id.as_bytes()),
            of.subject.as_ref().map(|id| id.as_bytes()),
            of.actor,
            of.at.as_millisecond()
        ])?;
    }
    Ok(())
}

/// Entries of an incident are found by it.
fn index_incident(tx: &Connection, seq: u64, incident: Option<IncidentId>) -> Result<(), Error> {
    if let Some(id) = incident {
        tx.prepare_cached(
            "INSERT INTO ledger_incident (incident, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![id.as_bytes(), as_i64(seq)])?;
    }
    Ok(())
}

fn index_entry(tx: &Connection, entry: Entry) -> Result<(), Error> {
    index_incident(tx, entry.seq, incident(entry.body.get("incident")))?;
    let Entry { seq, conversation, subject, actor, at, kind, .. } = entry;
    let of = Reading { conversation, subject, actor, at };
    let line = is_access(&kind).then_some(Access { seq, of });
    put(tx, &line)
}

/// Indexes what an older version or a killed process left; whole or not at all.
pub(crate) fn index_rest(db: &mut Connection) -> Result<(), Error> {
    let tx = Transaction::new(db)?;
    let all: bool =
        tx.query_row("SELECT NOT EXISTS (SELECT 1 FROM meta WHERE key = 'access_indexed')", [], |r| {
            r.get(0)
        })?;
    let mark: Option<String> =
        tx.query_row("SELECT value FROM meta WHERE key = ?1", [MARK], |r| r.get(0)).optional()?;
    let from = match (all, mark) {
        (true, _) => 0,
        (false, None) => return Ok(()),
        // What cannot be read costs time, no line.
        (false, Some(from)) => from.parse().unwrap_or(0),
    };
    for row in ledger::rows(&tx, from) {
        let (body, _) = row?;
        // One that cannot be read is for `verify` and the watch to report; it must not keep the vault shut.
        match Entry::parse(&body) {
            Ok(entry) => index_entry(&tx, entry)?,
            Err(e) => tracing::error!(error = %e, "an entry of the ledger cannot be read and is not indexed"),
        }
    }
    if all {
        tx.execute("INSERT INTO meta (key, value) VALUES ('access_indexed', 'yes')", [])?;
    }
    unmark(&tx)?;
    Ok(tx.commit()?)
}

/// The entries about readings that this moment of the database does not index yet.
pub(crate) fn unindexed(db: &Connection) -> Result<Vec<Entry>, Error> {
    let mark: Option<String> =
        db.query_row("SELECT value FROM meta WHERE key = ?1", [MARK], |r| r.get(0)).optional()?;
    let Some(mark) = mark else { return Ok(Vec::new()) };
    let entries = ledger::rows(db, mark.parse().unwrap_or(0)).map(|row| Ok(Entry::parse(&row?.0)?));
    entries.filter(|e| e.as_ref().map_or(true, |e: &Entry| is_access(&e.kind))).collect()
}

fn unmark(tx: &Connection) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([MARK])?;
    Ok(())
}

/// Lines of committed entries that wait for the index. Changed only by whoever holds the connection that writes.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<State>);

#[derive(Default)]
struct State {
    lines: Vec<Access>,
    /// The database says that they wait, as far as is known.
    marked: bool,
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings in lines whose entries are written in this transaction: they wait, or all that wait are written with it.
    pub(crate) fn bring(&self, tx: &Connection, new: Vec<Access>) -> Result<Brought<'_>, Error> {
        let mut state = self.state();
        let marked = std::mem::take(&mut state.marked);
        let full = state.lines.len() + new.len() > MOST;
        if full {
            put(tx, state.lines.iter().chain(&new))?;
            unmark(tx)?;
        } else if !marked && let Some(first) = state.lines.iter().chain(&new).next() {
            tx.prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![MARK, first.seq.to_string()])?;
        }
        Ok(Brought { state, new, full })
    }
}

/// What was brought in with a transaction. Dropped before that is committed, what waited before goes on waiting, and is
/// marked again with the next: nobody knows what became of the mark.
pub(crate) struct Brought<'a> {
    state: MutexGuard<'a, State>,
    new: Vec<Access>,
    full: bool,
}

impl Brought<'_> {
    /// The transaction is committed.
    pub(crate) fn committed(self) {
        let Self { mut state, new, full } = self;
        if full {
            state.lines.clear();
        } else {
            state.lines.extend(new);
            state.marked = !state.lines.is_empty();
        }
    }
}

impl Vault {
    /// Sees to it that every entry that is committed stands in the index; for whoever asks it.
    pub(crate) fn index_readings(&self) -> Result<(), Error> {
        if self.unindexed.state().lines.is_empty() {
            return Ok(());
        }
        let mut db = self.db_for_entries();
        let mut state = self.unindexed.state();
        let tx = Transaction::new(&mut db)?;
        state.marked = false;
        put(&tx, &state.lines)?;
        unmark(&tx)?;
        tx.commit()?;
        state.lines.clear();
        Ok(())
    }
}
