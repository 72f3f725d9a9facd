//! Whom and what an incident touches, computed from the ledger: by actor, session and time; which people, which types
//! of data in clear and which only covered, in which form; each with the entry that proves it.

pub(super) mod find;
mod people;
mod words;

pub use words::{Word, Words};

use super::cases::{json, living, log};
use crate::db::params;
use crate::{Actor, Error, Refused, Vault};
use callvault_ledger::{Entry, Kind, Value};
use callvault_model::id::{ConversationId, IncidentId, SubjectId};
use callvault_seal::Sha256;
use find::Finder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufWriter,
    sync::Arc,
};

/// Accounts and sessions one scope names.
const MAX_NAMED: usize = 200;

/// What is asked: the acts of these actors, in these sessions, between these times. No actor means everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeQuery {
    /// As the ledger names them, `account:…`; empty for everybody.
    pub actors: Vec<String>,
    /// Marks of sessions; empty for all of them.
    #[serde(default)]
    pub sessions: Vec<String>,
    /// From this time on.
    pub from: Timestamp,
    /// Until this time, which belongs to it.
    pub to: Timestamp,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The entry's number; [`Vault::ledger_proof`] proves it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as the ledger names them.
    pub actor: Word,
    /// In which session; entries of older versions have none.
    pub session: Option<Word>,
    /// `masked`, `muted`, `value`, `subject`, `search`, `regression`.
    pub rendering: Word,
    /// What for, as it was said.
    pub purpose: Option<Word>,
    /// Which conversation.
    pub conversation: Option<ConversationId>,
    /// Whose data it was.
    #[serde(serialize_with = "each")]
    pub people: Arc<[SubjectId]>,
    /// Types that could be read or heard in clear.
    pub clear: Words,
    /// Types that were there, covered.
    pub covered: Words,
}

/// One person, and what of them was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonTouched {
    /// Who.
    pub subject: SubjectId,
    /// Types in clear.
    pub clear: BTreeSet<Word>,
    /// Types covered every time.
    pub covered: BTreeSet<Word>,
    /// Forms.
    pub renderings: BTreeSet<Word>,
    /// First and last time.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// The entries, in order.
    pub entries: Vec<u64>,
    /// Their keys are destroyed by now.
    pub erased: bool,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// What was asked.
    pub query: ScopeQuery,
    /// Entries of the ledger when it was computed.
    pub ledger_size: u64,
    /// Every reading, in order.
    pub entries: Vec<Touched>,
    /// Everybody touched, in the order of their ids.
    pub people: Vec<PersonTouched>,
    /// Attempts that were refused: nobody's data was shown.
    pub refused: Vec<u64>,
    /// The ledger was taken out: ids and times, no content.
    pub exports: Vec<u64>,
    /// Readings of conversations whose people are not known any more.
    pub unresolved: Vec<u64>,
    /// Readings of invented people, who are nobody.
    pub canaries: Vec<u64>,
    /// SHA-256 over all of the above; a second person gets the same.
    pub digest: String,
}

/// The numbers of a scope, kept with the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeSummary {
    /// When it was computed, RFC 3339.
    pub computed_at: String,
    /// Entries of the ledger then.
    pub ledger_size: u64,
    /// People touched.
    pub people: u64,
    /// Readings.
    pub readings: u64,
    /// Type in clear → people.
    pub clear: BTreeMap<String, u64>,
    /// Type covered every time → people.
    pub covered: BTreeMap<String, u64>,
    /// Form → readings.
    pub renderings: BTreeMap<String, u64>,
    /// Refused attempts.
    pub refused: u64,
    /// Readings nobody can assign to a person.
    pub unresolved: u64,
    /// Exports of the ledger.
    pub exports: u64,
    /// Where the people live, as far as telephone numbers tell: place → people.
    pub places: BTreeMap<String, u64>,
    /// People of whom no place is known.
    pub elsewhere: u64,
    /// Digest of the whole answer.
    pub digest: String,
}

impl ScopeQuery {
    fn check(&self) -> Result<(), Refused> {
        if self.from > self.to {
            return Err(Refused::invalid("a time window that ends before it begins", "swap the times"));
        }
        if self.actors.len() > MAX_NAMED || self.sessions.len() > MAX_NAMED {
            return Err(Refused::invalid("more than 200 accounts or sessions", "compute several scopes"));
        }
        let named = |t: &String| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic());
        if !self.actors.iter().chain(&self.sessions).all(named) {
            return Err(Refused::invalid("the name of an actor or session", "copy it from the ledger"));
        }
        Ok(())
    }
}

impl Vault {
    /// Computes a scope. Reads no content and opens no key; the answer holds ids, types and times.
    pub fn scope(&self, query: &ScopeQuery) -> Result<Scope, Error> {
        query.check()?;
        let canaries = self.canaries()?;
        // So that few are left to be looked for beside the index.
        self.index_readings()?;
        let reader = self.reads();
        // One moment of the vault: what is written meanwhile is not in it. Nobody waits for this connection.
        let db = reader.moment()?;
        let mut finder = Finder::new(&db, canaries)?;
        let mut out = Scope {
            query: query.clone(),
            ledger_size: crate::ledger::end(&db)?,
            entries: Vec::new(),
            people: Vec::new(),
            refused: Vec::new(),
            exports: Vec::new(),
            unresolved: Vec::new(),
            canaries: Vec::new(),
            digest: String::new(),
        };
        find::each(&db, &find::numbers(&db, query)?, |entry| {
            let session = text(&entry, "session");
            let wanted = |s: &str| query.sessions.iter().any(|w| w == s);
            if !query.sessions.is_empty() && !session.is_some_and(wanted) {
                return Ok(());
            }
            match entry.kind.as_str() {
                "access.denied" => out.refused.push(entry.seq),
                "ledger.exported" => out.exports.push(entry.seq),
                _ => finder.touch(&entry, &mut out)?,
            }
            Ok(())
        })?;
        finder.settle(&mut out)?;
        out.people = people::touched(&db, &out.entries)?;
        out.digest = digest(&out)?;
        Ok(out)
    }

    /// Command *compute scope*: the numbers become part of the incident. `place` names where a telephone number is.
    pub fn set_scope(
        &self,
        by: &Actor,
        id: IncidentId,
        query: &ScopeQuery,
        place: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Scope, Error> {
        let scope = self.scope(query)?;
        let (places, elsewhere) = self.places(&scope, place)?;
        let summary = summary(&scope, self.clock.now(), places, elsewhere);
        self.command_as(by, "compute scope", |c| {
            living(&c.tx, id)?;
            c.tx.execute(
                "UPDATE incident SET query = ?2, scope = ?3 WHERE id = ?1",
                params![id.as_bytes(), json(query)?, json(&summary)?],
            )?;
            let facts: [(&str, Value); 6] = [
                ("people", summary.people.into()),
                ("readings", summary.readings.into()),
                ("actors", query.actors.len().into()),
                ("from", query.from.to_string().into()),
                ("to", query.to.to_string().into()),
                ("digest", summary.digest.as_str().into()),
            ];
            log(c, Kind::ScopeComputed, id, &facts);
            Ok(())
        })?;
        Ok(scope)
    }

    /// How many of the people live where; numbers are opened one at a time and go no further than `place`.
    fn places(
        &self,
        scope: &Scope,
        place: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<(BTreeMap<String, u64>, u64), Error> {
        let (mut places, mut elsewhere) = (BTreeMap::new(), 0u64);
        let db = self.reads();
        let mut statement = db.prepare_cached(
            "SELECT blind_index, sealed_value FROM contact WHERE subject = ?1 AND field = 'phone' LIMIT 16",
        )?;
        for person in &scope.people {
            let mut of = BTreeSet::new();
            let rows = statement
                .query_map(params![person.subject.as_bytes()], |r| {
                    Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            for (index, sealed) in rows {
                // Erased people have no key, and no place.
                let Ok(key) = self.subject_key(&db, person.subject) else { break };
                let aad = self.aad(Some(person.subject), "contact", &index, "phone");
                let plain = callvault_seal::open(&key, &aad, &sealed)?;
                if let Ok(number) = std::str::from_utf8(plain.expose()) {
                    of.extend(place(number));
                }
            }
            if of.is_empty() {
                elsewhere += 1;
            }
            for name in of {
                *places.entry(name).or_insert(0) += 1;
            }
        }
        Ok((places, elsewhere))
    }
}

fn text<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    match entry.body.get(name) {
        Some(Value::Text(t)) => Some(t),
        _ => None,
    }
}

fn each<S: serde::Serializer>(people: &[SubjectId], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(people)
}

/// SHA-256 over the JSON of a scope, which is never whole in memory: a million readings are 400 MB of it.
fn digest(scope: &Scope) -> Result<String, Error> {
    let mut out = BufWriter::with_capacity(64 << 10, Sha256::new());
    serde_json::to_writer(&mut out, scope).map_err(|_| Error::Corrupt("a scope"))?;
    let hash = out.into_inner().map_err(|_| Error::Corrupt("a scope"))?;
    Ok(crate::hex(&hash.finish()))
}

fn summary(scope: &Scope, now: Timestamp, places: BTreeMap<String, u64>, elsewhere: u64) -> ScopeSummary {
    let mut out = ScopeSummary {
        computed_at: now.to_string(),
        ledger_size: scope.ledger_size,
        people: scope.people.len() as u64,
        readings: scope.entries.len() as u64,
        clear: BTreeMap::new(),
        covered: BTreeMap::new(),
        renderings: BTreeMap::new(),
        refused: scope.refused.len() as u64,
        unresolved: scope.unresolved.len() as u64,
        exports: scope.exports.len() as u64,
        places,
        elsewhere,
        digest: scope.digest.clone(),
    };
    for person in &scope.people {
        for name in &person.clear {
            *out.clear.entry(name.to_string()).or_insert(0) += 1;
        }
        for name in &person.covered {
            *out.covered.entry(name.to_string()).or_insert(0) += 1;
        }
    }
    for e in &scope.entries {
        match out.renderings.get_mut(&*e.rendering) {
            Some(n) => *n += 1,
            None => drop(out.renderings.insert(e.rendering.to_string(), 1)),
        }
    }
    out
}
