//! What the next people of a crowd have, read table by table for all of them.

use super::{
    EraseOrder, Talk,
    known::SealedContact,
    listed::{self, GROUP, Raw},
    talk::{Talks, id},
};
use crate::db::Connection;
use crate::{Error, keys::SubjectRow};
use callvault_model::id::{ConversationId, SubjectId};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Ahead {
    pub(super) people: BTreeMap<SubjectId, SubjectRow>,
    pub(super) contacts: BTreeMap<SubjectId, Vec<SealedContact>>,
    /// Conversations of each, oldest first.
    pub(super) talks: BTreeMap<SubjectId, Vec<ConversationId>>,
    /// Most people called once; of the others one conversation at a time is in memory.
    pub(super) only: Talks,
}

impl Ahead {
    /// Reads it for the first of these orders; for how many of them. They are different people without a conversation in
    /// common, so that none of it changes before its turn.
    pub(super) fn read(db: &Connection, orders: &[EraseOrder<'_>]) -> Result<(Self, usize), Error> {
        let mut all: Vec<SubjectId> = orders.iter().take(GROUP).map(|order| order.subject).collect();
        let mut sets: BTreeMap<SubjectId, BTreeSet<ConversationId>> = BTreeMap::new();
        let sql = "SELECT subject, conversation FROM party WHERE subject IN ()";
        for (of, talk) in listed::read(db, sql, &raw(&all), |r| Ok((id(r, 0)?, id(r, 1)?)))? {
            sets.entry(of).or_default().insert(talk);
        }
        let (mut seen, mut shared) = (BTreeSet::new(), BTreeSet::new());
        let apart = |of: &SubjectId| {
            let fresh = seen.insert(*of);
            sets.get(of).is_none_or(|talks| talks.iter().all(|talk| shared.insert(*talk))) && fresh
        };
        let together = all.iter().map(apart).take_while(|apart| *apart).count();
        all.truncate(together);
        let mut out = Self::default();
        for of in &all {
            let talks = sets.remove(of).unwrap_or_default().into_iter().collect();
            out.talks.insert(*of, talks);
            out.contacts.insert(*of, Vec::new());
        }
        let once = |(of, talks): (&SubjectId, &Vec<ConversationId>)| match talks.as_slice() {
            [only] => Some((*only, *of)),
            _ => None,
        };
        let once: Vec<_> = out.talks.iter().filter_map(once).collect();
        out.only = Talk::read_all(db, &once)?;
        let sql = "SELECT subject, field, blind_index, sealed_value FROM contact WHERE subject IN ()";
        for (of, contact) in
            listed::read(db, sql, &raw(&all), |r| Ok((id(r, 0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))?
        {
            out.contacts.entry(of).or_default().push(contact);
        }
        let sql = "SELECT id, wrapped_key, epoch, erased_at FROM subject WHERE id IN ()";
        let people =
            listed::read(db, sql, &raw(&all), |r| Ok((id(r, 0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))?;
        out.people = people.into_iter().collect();
        Ok((out, together))
    }
}

fn raw(ids: &[SubjectId]) -> Vec<Raw> {
    ids.iter().map(|id| *id.as_bytes()).collect()
}
