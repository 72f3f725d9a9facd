//! The rows that an erasure reads and takes away.

use super::{Party, ScopeRow, Talk, Work, doomed::Doomed, known::Known};
use crate::db::{Connection, OptionalExtension, Params, params};
use crate::{Command, Error, Vault, contacts, keys::id_of, retention::Class, sweep::needle};
use callvault_model::id::{ConversationId, PartyId, SubjectId};
use std::collections::BTreeSet;

/// Conversations of a person, oldest first.
pub(super) fn conversations(db: &Connection, subject: SubjectId) -> Result<Vec<ConversationId>, Error> {
    let mut statement = db.prepare_cached("SELECT conversation FROM party WHERE subject = ?1")?;
    let rows = statement.query_map(params![subject.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
    let ids = rows.map(|r| id_of(&r?)).collect::<Result<BTreeSet<_>, Error>>()?;
    Ok(ids.into_iter().collect())
}

/// The person's words, `values` and name of one conversation; the party's key goes with the last of them. Whether the
/// party has a key afterwards.
pub(super) fn erase_party(
    doomed: &mut Doomed,
    work: &mut Work<'_>,
    talk: &Talk,
    party: &Party,
    goes: &impl Fn(Class) -> bool,
    values: bool,
) -> bool {
    let had = (talk.tokens_of(party.id).count(), talk.turns_of(party.id).count());
    // What types of things somebody said, and when, is theirs as well.
    if goes(Class::Transcript) && goes(Class::Tokens) {
        doomed.findings(talk.id, party.id);
    }
    if values {
        work.gone.needles.extend(talk.tokens_of(party.id).map(|(_, _, sealed)| needle(sealed.clone())));
        doomed.values(talk.id, party.id, had.0);
    }
    if goes(Class::Transcript) {
        work.gone.needles.extend(talk.turns_of(party.id).map(|turn| needle(turn.sealed.clone())));
        doomed.turns(talk.id, party.id, had.1);
    }
    // Where a minimum keeps the fact of the call, the key stays with the number that it belongs to.
    if !goes(Class::Metadata) {
        return party.wrapped.is_some();
    }
    if let Some(name) = &party.name {
        work.gone.needles.push(needle(name.clone()));
    }
    let said = (!goes(Class::Tokens) && had.0 > 0) || (!goes(Class::Transcript) && had.1 > 0);
    // The key of what is being shredded or still waits for its work stays; without its original nothing waits.
    let idle = match talk.state.as_str() {
        "recorded" | "disposed" | "discarded" => true,
        "shredding" => false,
        _ => goes(Class::Audio),
    };
    match &party.wrapped {
        Some(wrapped) if idle && !said => {
            work.gone.needles.push(needle(wrapped.clone()));
            work.keys += 1;
            doomed.key(party.id);
            false
        }
        wrapped => {
            if party.name.is_some() {
                doomed.name(party.id);
            }
            wrapped.is_some()
        }
    }
}

/// File names and paths hold names and numbers.
pub(super) fn forget_source(doomed: &mut Doomed, work: &mut Work<'_>, talk: &Talk, row: &ScopeRow) {
    work.sources_remain += u64::from(row.source_remains);
    work.gone.needles.push(needle(talk.source.clone()));
    if !talk.copies.is_empty() {
        work.gone.needles.extend(talk.copies.iter().map(|copy| needle(copy.detail.clone())));
        doomed.copies(talk.id);
    }
}

/// What people typed about a conversation.
pub(super) fn forget_talk(
    c: &mut Command<'_>,
    known: &Known<'_>,
    work: &mut Work<'_>,
    id: ConversationId,
) -> Result<(), Error> {
    for (table, field) in [("correction", "sealed_note"), ("reveal_request", "sealed_reason")] {
        if known.nothing_in(table) {
            continue;
        }
        let had =
            take(c, work, &format!("SELECT {field} FROM {table} WHERE conversation = ?1"), [id.as_bytes()])?;
        if had > 0 {
            c.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), params![id.as_bytes()])?;
        }
    }
    Ok(())
}

/// Notes the leading bytes of what is about to go; returns how many rows.
fn take(c: &Command<'_>, work: &mut Work<'_>, sql: &str, with: impl Params) -> Result<u64, Error> {
    let mut statement = c.tx.prepare_cached(sql)?;
    let rows = statement.query_map(with, |r| r.get::<_, Vec<u8>>(0))?;
    let mut n = 0;
    for row in rows {
        work.gone.needles.push(needle(row?));
        n += 1;
    }
    Ok(n)
}

pub(super) type SealedToken = (String, String, Vec<u8>);

pub(crate) fn tokens_of(
    db: &Connection,
    id: ConversationId,
    party: PartyId,
) -> Result<Vec<SealedToken>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT id, entity, sealed_value FROM token WHERE conversation = ?1 AND party = ?2 ORDER BY id",
    )?;
    let rows = statement
        .query_map(params![id.as_bytes(), party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn drop_token(c: &Command<'_>, id: ConversationId, token: &str) -> Result<(), Error> {
    c.run(
        "UPDATE finding SET token = NULL WHERE conversation = ?1 AND token = ?2",
        params![id.as_bytes(), token],
    )?;
    c.run("DELETE FROM token WHERE id = ?1", params![token])?;
    Ok(())
}

/// Whether an address leads to somebody else than these records.
pub(crate) fn leads_elsewhere(
    vault: &Vault,
    db: &Connection,
    text: &str,
    records: &[SubjectId],
) -> Result<bool, Error> {
    let Some(contact) = contacts::contact(text) else { return Ok(false) };
    let index = vault.index(contact.field, &contact.value)?;
    let found: Option<Vec<u8>> = db
        .query_row(
            "SELECT subject FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3",
            params![vault.tenant.as_bytes(), contact.field, index],
            |r| r.get(0),
        )
        .optional()?;
    Ok(match found {
        Some(id) => !records.contains(&id_of(&id)?),
        None => false,
    })
}
