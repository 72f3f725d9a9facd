//! What of whom: the readings of a scope, person by person.

use super::{PersonTouched, Touched, words::Words};
use crate::Error;
use crate::db::{Connection, OptionalExtension, params};
use callvault_model::id::SubjectId;
use std::collections::{BTreeSet, HashMap, HashSet};

/// One person, and which lists of types were counted for them already.
struct Counted {
    person: PersonTouched,
    lists: HashSet<(bool, u32)>,
}

impl Counted {
    fn new(subject: SubjectId, first: &Touched) -> Self {
        let person = PersonTouched {
            subject,
            clear: BTreeSet::new(),
            covered: BTreeSet::new(),
            renderings: BTreeSet::new(),
            first: first.at,
            last: first.at,
            entries: Vec::new(),
            erased: false,
        };
        Self { person, lists: HashSet::new() }
    }

    fn count(&mut self, e: &Touched) {
        let person = &mut self.person;
        for (clear, list, into) in
            [(true, &e.clear, &mut person.clear), (false, &e.covered, &mut person.covered)]
        {
            // Most readings show the same types again.
            if self.lists.insert((clear, Words::id(list))) {
                into.extend(list.iter().cloned());
            }
        }
        if !person.renderings.contains(&e.rendering) {
            person.renderings.insert(e.rendering.clone());
        }
        person.last = e.at;
        person.entries.push(e.seq);
    }
}

/// Everybody whom these readings touch, in the order of their ids.
pub(super) fn touched(db: &Connection, entries: &[Touched]) -> Result<Vec<PersonTouched>, Error> {
    let mut all: HashMap<SubjectId, Counted> = HashMap::new();
    for e in entries {
        for subject in e.people.iter() {
            all.entry(*subject).or_insert_with(|| Counted::new(*subject, e)).count(e);
        }
    }
    let mut out: Vec<PersonTouched> = all.into_values().map(|c| c.person).collect();
    out.sort_unstable_by_key(|p| p.subject);
    let mut statement = db.prepare_cached("SELECT erased_at IS NOT NULL FROM subject WHERE id = ?1")?;
    for person in &mut out {
        // What was seen in clear once is not covered.
        person.covered = person.covered.difference(&person.clear).cloned().collect();
        let erased = statement.query_row(params![person.subject.as_bytes()], |r| r.get(0));
        person.erased = erased.optional()?.unwrap_or(true);
    }
    Ok(out)
}
