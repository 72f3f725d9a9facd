//! What one command knows of those it erases: read once for all of them, for nobody else writes meanwhile.

use super::{
    EraseOrder, Party, Talk, ahead::Ahead, doomed::Doomed, people, rows::conversations, words::Contact,
};
use crate::db::{Connection, params};
use crate::{Error, Vault, holds::Held};
use callvault_model::{
    Secret,
    id::{ConversationId, SubjectId},
};
use callvault_seal::{Aad, Key256, open};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of people kept open at a time; the agents of a crowd are few.
const KEYS: usize = 256;

pub(super) struct Known<'a> {
    pub(super) vault: &'a Vault,
    pub(super) held: Held,
    /// Who can sign in.
    pub(super) people: i64,
    /// Of [`BESIDE`], those with no row at all.
    empty: BTreeSet<&'static str>,
    keys: BTreeMap<SubjectId, Key256>,
    ahead: Ahead,
    pub(super) doomed: Doomed,
}

/// Tables beside the conversations that an erasure asks; most centres have nothing in some of them.
const BESIDE: [&str; 10] = [
    "access_grant",
    "attachment",
    "consent",
    "correction",
    "erasure_rest",
    "hold",
    "opt_out",
    "reveal_request",
    "subject_link",
    "subject_request",
];

impl<'a> Known<'a> {
    pub(super) fn new(vault: &'a Vault, db: &Connection) -> Result<Self, Error> {
        let mut empty = BTreeSet::new();
        for table in BESIDE {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            if !db.prepare_cached(&any)?.query_row([], |r| r.get::<_, bool>(0))? {
                empty.insert(table);
            }
        }
        Ok(Self {
            vault,
            held: Held::read(db)?,
            people: people(db)?,
            empty,
            keys: BTreeMap::new(),
            ahead: Ahead::default(),
            doomed: Doomed::default(),
        })
    }

    /// Reads what the first of these people have, for all of them at once; how many they are.
    pub(super) fn look_ahead(&mut self, db: &Connection, orders: &[EraseOrder<'_>]) -> Result<usize, Error> {
        let (ahead, people) = Ahead::read(db, orders)?;
        self.ahead = ahead;
        Ok(people)
    }

    /// A person's conversations, oldest first.
    pub(super) fn talks(&mut self, db: &Connection, of: SubjectId) -> Result<Vec<ConversationId>, Error> {
        self.ahead.talks.remove(&of).map_or_else(|| conversations(db, of), Ok)
    }

    /// One conversation; of who has only one it was read ahead.
    pub(super) fn talk(&mut self, db: &Connection, id: ConversationId, of: SubjectId) -> Result<Talk, Error> {
        self.ahead.only.remove(&id).map_or_else(|| Talk::read(db, id, of), Ok)
    }

    /// What opens a person's key; absent once it is destroyed.
    pub(super) fn wrapped(&self, db: &Connection, of: SubjectId) -> Result<Option<Vec<u8>>, Error> {
        if let Some((wrapped, ..)) = self.ahead.people.get(&of) {
            return Ok(wrapped.clone());
        }
        let sql = "SELECT wrapped_key FROM subject WHERE id = ?1";
        Ok(db.prepare_cached(sql)?.query_row(params![of.as_bytes()], |r| r.get(0))?)
    }

    /// Whether a table has no row, so that nobody needs to be looked for in it.
    pub(super) fn nothing_in(&self, table: &str) -> bool {
        self.empty.contains(table)
    }

    /// A table of these has a row now.
    pub(super) fn wrote(&mut self, table: &str) {
        self.empty.remove(table);
    }

    /// The key of a person, opened when first asked for.
    fn key(&mut self, db: &Connection, id: SubjectId) -> Result<&Key256, Error> {
        if !self.keys.contains_key(&id) {
            if self.keys.len() >= KEYS {
                self.keys.clear();
            }
            let key = match self.ahead.people.get(&id) {
                Some(row) => self.vault.open_subject_key(id, row.clone())?.0,
                None => self.vault.subject_key(db, id)?,
            };
            self.keys.insert(id, key);
        }
        self.keys.get(&id).ok_or(Error::Corrupt("a party without its subject"))
    }

    /// Nothing opens under the key of somebody who is erased.
    pub(super) fn forget(&mut self, id: SubjectId) {
        self.keys.remove(&id);
    }

    /// The key of a party.
    pub(super) fn party_key(&mut self, db: &Connection, party: &Party) -> Result<(Key256, SubjectId), Error> {
        let wrapped = party.wrapped.as_deref().ok_or_else(|| Error::KeyDestroyed(String::new()))?;
        let vault = self.vault;
        let outer = self.key(db, party.subject)?;
        Ok((vault.unwrap_party_key(party.id, party.subject, outer, wrapped)?, party.subject))
    }

    /// Numbers and addresses of a record.
    pub(super) fn contacts(&mut self, db: &Connection, of: SubjectId) -> Result<Vec<Contact>, Error> {
        let rows = self.ahead.contacts.remove(&of).map_or_else(|| contact_rows(db, of), Ok)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let vault = self.vault;
        vault.open_contacts(of, self.key(db, of)?, rows)
    }

    /// What was kept of the person's words in one conversation, and the name under which they took part.
    pub(super) fn said(
        &mut self,
        db: &Connection,
        talk: &Talk,
        into: &mut Vec<(String, Secret<String>)>,
    ) -> Result<(), Error> {
        let vault = self.vault;
        for party in talk.parties.iter().filter(|p| p.ours) {
            let Ok((key, holder)) = self.party_key(db, party) else { continue };
            for (token, entity, sealed) in talk.tokens_of(party.id) {
                let aad = vault.aad(Some(holder), "token", token.as_bytes(), entity);
                into.push((entity.clone(), text(&key, &aad, sealed)?));
            }
            if let Some(sealed) = &party.name {
                let aad = vault.aad(Some(holder), "party", party.id.as_bytes(), "name");
                into.push(("PERSON".to_owned(), text(&key, &aad, sealed)?));
            }
        }
        Ok(())
    }
}

fn text(key: &Key256, aad: &Aad<'_>, sealed: &[u8]) -> Result<Secret<String>, Error> {
    let value = open(key, aad, sealed)?;
    Ok(Secret::new(String::from_utf8_lossy(value.expose()).into_owned()))
}

/// A contact as it is stored: field, blind index, sealed value.
pub(super) type SealedContact = (String, Vec<u8>, Vec<u8>);

pub(super) fn contact_rows(db: &Connection, of: SubjectId) -> Result<Vec<SealedContact>, Error> {
    let mut statement =
        db.prepare_cached("SELECT field, blind_index, sealed_value FROM contact WHERE subject = ?1")?;
    let rows = statement.query_map(params![of.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
