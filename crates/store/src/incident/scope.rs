//! Whom and what an incident touches, computed from the ledger: by actor, session and time; which people, which types
//! of data in clear and which only covered, in which form; each with the entry that proves it.

use super::cases::{json, living, log};
use crate::{Actor, Error, Refused, Vault, keys::id_of};
use callvault_ledger::{Entry, Kind, Value};
use callvault_model::id::{ConversationId, IncidentId, SubjectId};
use callvault_seal::sha256;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value as Sql};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// RFC 3339.
    pub at: String,
    /// Who, as the ledger names them.
    pub actor: String,
    /// In which session; entries of older versions have none.
    pub session: Option<String>,
    /// `masked`, `muted`, `value`, `subject`, `search`.
    pub rendering: String,
    /// What for, as it was said.
    pub purpose: Option<String>,
    /// Which conversation.
    pub conversation: Option<ConversationId>,
    /// Whose data it was.
    pub people: Vec<SubjectId>,
    /// Types that could be read or heard in clear.
    pub clear: Vec<String>,
    /// Types that were there, covered.
    pub covered: Vec<String>,
}

/// One person, and what of them was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonTouched {
    /// Who.
    pub subject: SubjectId,
    /// Types in clear.
    pub clear: BTreeSet<String>,
    /// Types covered every time.
    pub covered: BTreeSet<String>,
    /// Forms.
    pub renderings: BTreeSet<String>,
    /// First and last time, RFC 3339.
    pub first: String,
    /// See `first`.
    pub last: String,
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
        let db = self.db();
        let mut finder = Finder::new(&db)?;
        let mut out = Scope {
            query: query.clone(),
            ledger_size: crate::ledger::size(&db)?,
            entries: Vec::new(),
            people: Vec::new(),
            refused: Vec::new(),
            exports: Vec::new(),
            unresolved: Vec::new(),
            canaries: Vec::new(),
            digest: String::new(),
        };
        let (sql, with) = select(query);
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(with))?;
        while let Some(row) = rows.next()? {
            let body: Vec<u8> = row.get(0)?;
            let entry = Entry::parse(&body)?;
            if row.get::<_, [u8; 32]>(1)? != entry.leaf().0 {
                return Err(Error::Ledger(format!(
                    "entry {} is not what was written; verify the ledger before computing a scope",
                    entry.seq
                )));
            }
            let session = text(&entry, "session");
            let wanted = |s: &String| query.sessions.contains(s);
            if !query.sessions.is_empty() && !session.as_ref().is_some_and(wanted) {
                continue;
            }
            match entry.kind.as_str() {
                "access.denied" => out.refused.push(entry.seq),
                "ledger.exported" => out.exports.push(entry.seq),
                _ => finder.touch(entry, session, &canaries, &mut out)?,
            }
        }
        out.people = people(&db, &out.entries)?;
        let whole = json(&out)?;
        out.digest = crate::hex(&sha256(whole.as_bytes()));
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
        let db = self.db();
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

/// The rows of the index that can matter, and no others.
fn select(query: &ScopeQuery) -> (String, Vec<Sql>) {
    let mut with: Vec<Sql> = vec![query.from.as_millisecond().into(), query.to.as_millisecond().into()];
    let mut actors = String::new();
    if !query.actors.is_empty() {
        let marks: Vec<String> = (0..query.actors.len()).map(|n| format!("?{}", n + 3)).collect();
        actors = format!(" AND a.actor IN ({})", marks.join(", "));
        with.extend(query.actors.iter().map(|a| Sql::Text(a.clone())));
    }
    let sql = format!(
        "SELECT e.body, e.leaf FROM ledger_access a JOIN ledger_entry e ON e.seq = a.seq
         WHERE a.at BETWEEN ?1 AND ?2{actors} ORDER BY a.seq"
    );
    (sql, with)
}

fn text(entry: &Entry, name: &str) -> Option<String> {
    match entry.body.get(name) {
        Some(Value::Text(t)) => Some(t.clone()),
        _ => None,
    }
}

/// Finds the people behind ids, each once.
struct Finder<'a> {
    db: &'a Connection,
    /// Merged record → the one it became.
    merged: HashMap<SubjectId, SubjectId>,
    conversations: HashMap<ConversationId, Vec<SubjectId>>,
}

impl<'a> Finder<'a> {
    fn new(db: &'a Connection) -> Result<Self, Error> {
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
        Ok(Self { db, merged, conversations: HashMap::new() })
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

    fn in_conversation(&mut self, id: ConversationId) -> Result<Vec<SubjectId>, Error> {
        if let Some(known) = self.conversations.get(&id) {
            return Ok(known.clone());
        }
        let mut people: Vec<SubjectId> =
            super::feed::people_in(self.db, id)?.into_iter().map(|s| self.now(s)).collect();
        people.sort_unstable();
        people.dedup();
        self.conversations.insert(id, people.clone());
        Ok(people)
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

    fn touch(
        &mut self,
        entry: Entry,
        session: Option<String>,
        canaries: &super::canary::Canaries,
        out: &mut Scope,
    ) -> Result<(), Error> {
        let words = |name: &str| -> Vec<String> {
            text(&entry, name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        let rendering = text(&entry, "rendering").unwrap_or_else(|| "masked".into());
        let clear = match rendering.as_str() {
            "value" => words("entity"),
            "muted" => vec!["VOICE".to_owned()],
            _ => Vec::new(),
        };
        let covered = words("covered");
        let token = text(&entry, "token").map(|t| self.of_token(&t)).transpose()?.flatten();
        let people = match (token, entry.subject, entry.conversation) {
            (Some(person), ..) => vec![person],
            (None, Some(person), _) => vec![self.now(person)],
            (None, None, Some(conversation)) => self.in_conversation(conversation)?,
            (None, None, None) => Vec::new(),
        };
        let invented = |p: &SubjectId| canaries.people.contains(p);
        if entry.conversation.is_some_and(|c| canaries.conversations.contains(&c))
            || people.iter().any(invented)
        {
            out.canaries.push(entry.seq);
            return Ok(());
        }
        if people.is_empty() {
            // A search that found nobody shows nobody.
            if entry.conversation.is_some() {
                out.unresolved.push(entry.seq);
            }
            return Ok(());
        }
        out.entries.push(Touched {
            seq: entry.seq,
            at: entry.at.to_string(),
            session,
            rendering,
            purpose: text(&entry, "purpose"),
            conversation: entry.conversation,
            people,
            clear,
            covered,
            actor: entry.actor,
        });
        Ok(())
    }
}

fn people(db: &Connection, entries: &[Touched]) -> Result<Vec<PersonTouched>, Error> {
    let mut all: BTreeMap<SubjectId, PersonTouched> = BTreeMap::new();
    for e in entries {
        for subject in &e.people {
            let person = all.entry(*subject).or_insert_with(|| PersonTouched {
                subject: *subject,
                clear: BTreeSet::new(),
                covered: BTreeSet::new(),
                renderings: BTreeSet::new(),
                first: e.at.clone(),
                last: e.at.clone(),
                entries: Vec::new(),
                erased: false,
            });
            person.clear.extend(e.clear.iter().cloned());
            person.covered.extend(e.covered.iter().cloned());
            person.renderings.insert(e.rendering.clone());
            person.last.clone_from(&e.at);
            person.entries.push(e.seq);
        }
    }
    let mut statement = db.prepare_cached("SELECT erased_at IS NOT NULL FROM subject WHERE id = ?1")?;
    let mut out = Vec::with_capacity(all.len());
    for mut person in all.into_values() {
        // What was seen in clear once is not covered.
        person.covered = person.covered.difference(&person.clear).cloned().collect();
        person.erased =
            statement.query_row(params![person.subject.as_bytes()], |r| r.get(0)).optional()?.unwrap_or(true);
        out.push(person);
    }
    Ok(out)
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
            *out.clear.entry(name.clone()).or_insert(0) += 1;
        }
        for name in &person.covered {
            *out.covered.entry(name.clone()).or_insert(0) += 1;
        }
    }
    for e in &scope.entries {
        *out.renderings.entry(e.rendering.clone()).or_insert(0) += 1;
    }
    out
}
