//! What a group of people is about to lose. It is written down row by row while each is judged, and goes in one statement
//! for all of them; what the rows say afterwards must be what was counted.

use super::listed::{Raw, read, run, run_in};
use crate::db::Connection;
use crate::{Command, Error};
use callvault_model::id::{ConversationId, ObjectId, PartyId, SubjectId};
use std::collections::BTreeMap;

/// Rows of parties in their conversations, and how many they are.
#[derive(Default)]
struct Said {
    of: Vec<(Raw, Raw)>,
    rows: usize,
}

impl Said {
    fn push(&mut self, talk: ConversationId, party: PartyId, rows: usize) {
        if rows > 0 {
            self.of.push((*talk.as_bytes(), *party.as_bytes()));
            self.rows += rows;
        }
    }
}

/// What becomes of the row of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fate {
    /// Its original is gone; if so, whether it had been worked on.
    pub(super) original: Option<bool>,
    /// Its source is forgotten; if so, whether its time stays because it is another person's as well.
    pub(super) source: Option<bool>,
}

impl Fate {
    /// What is written into its row.
    fn sets(self) -> Option<String> {
        let state = self.original.map(|finished| {
            // What is being disposed of goes on to its certificate; what waits is worked on no more.
            if finished {
                "reason = NULL, state = CASE WHEN state = 'recorded' THEN 'disposed' ELSE state END"
            } else {
                "reason = NULL, state = 'discarded'"
            }
        });
        let source = self.source.map(|shared| {
            if shared { "sealed_source = x''" } else { "sealed_source = x'', started_at = NULL" }
        });
        let sets: Vec<&str> = state.into_iter().chain(source).collect();
        (!sets.is_empty()).then(|| sets.join(", "))
    }
}

#[derive(Default)]
pub(super) struct Doomed {
    keys: Vec<Raw>,
    names: Vec<Raw>,
    findings: Vec<(Raw, Raw)>,
    values: Said,
    all_values: Vec<Raw>,
    turns: Said,
    objects: Vec<Raw>,
    talks: BTreeMap<Fate, Vec<Raw>>,
    copies: Vec<Raw>,
    numbers: Vec<Raw>,
    many_numbers: usize,
    records: Vec<Raw>,
    whole: Vec<Raw>,
}

impl Doomed {
    /// The key of a party; its name with it.
    pub(super) fn key(&mut self, party: PartyId) {
        self.keys.push(*party.as_bytes());
    }

    pub(super) fn name(&mut self, party: PartyId) {
        self.names.push(*party.as_bytes());
    }

    pub(super) fn findings(&mut self, talk: ConversationId, party: PartyId) {
        self.findings.push((*talk.as_bytes(), *party.as_bytes()));
    }

    pub(super) fn values(&mut self, talk: ConversationId, party: PartyId, rows: usize) {
        self.values.push(talk, party, rows);
    }

    /// The values of everybody in a conversation.
    pub(super) fn all_values(&mut self, talk: ConversationId, rows: usize) {
        self.all_values.push(*talk.as_bytes());
        self.values.rows += rows;
    }

    pub(super) fn turns(&mut self, talk: ConversationId, party: PartyId, rows: usize) {
        self.turns.push(talk, party, rows);
    }

    /// The key of a sealed file.
    pub(super) fn object(&mut self, id: ObjectId) {
        self.objects.push(*id.as_bytes());
    }

    pub(super) fn talk(&mut self, id: ConversationId, fate: Fate) {
        self.talks.entry(fate).or_default().push(*id.as_bytes());
    }

    pub(super) fn copies(&mut self, of: ConversationId) {
        self.copies.push(*of.as_bytes());
    }

    /// A record with its key and its numbers.
    pub(super) fn record(&mut self, id: SubjectId, numbers: usize) {
        self.records.push(*id.as_bytes());
        if numbers > 0 {
            self.numbers.push(*id.as_bytes());
            self.many_numbers += numbers;
        }
    }

    /// Somebody of whom nothing is left but ids.
    pub(super) fn whole(&mut self, id: SubjectId) {
        self.whole.push(*id.as_bytes());
    }

    /// Takes all of it away. The keys of parties go first: the rows of one whose key is gone need no note of their own to be
    /// gone from a restored backup, too.
    pub(super) fn go(&mut self, c: &Command<'_>) -> Result<(), Error> {
        let all = std::mem::take(self);
        let keys = run(
            c,
            "UPDATE party SET wrapped_key = NULL, sealed_name = NULL WHERE id IN () AND wrapped_key IS NOT NULL",
            None,
            &all.keys,
        )?;
        run(c, "UPDATE party SET sealed_name = NULL WHERE id IN ()", None, &all.names)?;
        // What types of things somebody said, and when, is theirs as well.
        run_in(c, "DELETE FROM finding WHERE conversation IN () AND party IN ()", &all.findings)?;
        run(
            c,
            "UPDATE finding SET token = NULL WHERE conversation IN () AND token IS NOT NULL",
            None,
            &all.all_values,
        )?;
        run_in(
            c,
            "UPDATE finding SET token = NULL WHERE conversation IN () AND EXISTS
               (SELECT 1 FROM token k WHERE k.id = finding.token AND k.conversation = finding.conversation AND k.party IN ())",
            &all.values.of,
        )?;
        let values = run(c, "DELETE FROM token WHERE conversation IN ()", None, &all.all_values)?
            + run_in(c, "DELETE FROM token WHERE conversation IN () AND party IN ()", &all.values.of)?;
        let turns = run_in(c, "DELETE FROM turn WHERE conversation IN () AND party IN ()", &all.turns.of)?;
        let objects = run(
            c,
            "UPDATE object SET wrapped_key = NULL, key_destroyed_at = ?1 WHERE id IN () AND wrapped_key IS NOT NULL",
            Some(&c.now),
            &all.objects,
        )?;
        for (fate, talks) in &all.talks {
            if let Some(sets) = fate.sets() {
                run(c, &format!("UPDATE conversation SET {sets} WHERE id IN ()"), None, talks)?;
            }
        }
        run(
            c,
            "UPDATE copy SET sealed_detail = x'', dispose = 0 WHERE conversation IN ()",
            None,
            &all.copies,
        )?;
        let numbers = run(c, "DELETE FROM contact WHERE subject IN ()", None, &all.numbers)?;
        let records = run(
            c,
            "UPDATE subject SET wrapped_key = NULL, erased_at = ?1, provisional = 1 WHERE id IN ()",
            Some(&c.now),
            &all.records,
        )?;
        let left = keys_left(&c.tx, &all.whole)?;
        let counted = [
            (keys, all.keys.len()),
            (values, all.values.rows),
            (turns, all.turns.rows),
            (objects, all.objects.len()),
            (numbers, all.many_numbers),
            (records, all.records.len()),
            (left, 0),
        ];
        if counted.iter().any(|(went, should)| went != should) {
            return Err(Error::Corrupt("more or fewer rows of an erasure than were counted"));
        }
        Ok(())
    }
}

/// How many parties of these people still have a key.
fn keys_left(db: &Connection, people: &[Raw]) -> Result<usize, Error> {
    let sql = "SELECT 1 FROM party WHERE subject IN () AND wrapped_key IS NOT NULL";
    Ok(read(db, sql, people, |_| Ok(()))?.len())
}
