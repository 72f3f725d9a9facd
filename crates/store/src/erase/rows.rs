//! The rows that an erasure reads and takes away.

use super::{Party, ScopeRow, Talk, Work, known::Known};
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

/// The person's words, `values` and name of one conversation; the party's key goes with the last of them.
pub(super) fn erase_party(
    c: &mut Command<'_>,
    work: &mut Work<'_>,
    talk: &Talk,
    party: &Party,
    goes: &impl Fn(Class) -> bool,
    values: bool,
) -> Result<(), Error> {
    // What a party said stands in one conversation; asked by that, nothing else of the vault is read.
    let (p, id) = (party.id.as_bytes(), talk.id.as_bytes());
    // What types of things somebody said, and when, is theirs as well.
    if goes(Class::Transcript) && goes(Class::Tokens) {
        c.run("DELETE FROM finding WHERE conversation = ?1 AND party = ?2", params![id, p])?;
    }
    let before = work.gone.needles.len();
    if values {
        work.gone.needles.extend(talk.tokens_of(party.id).map(|(_, _, sealed)| needle(sealed.clone())));
    }
    if work.gone.needles.len() > before {
        c.run(
            "UPDATE finding SET token = NULL WHERE conversation = ?1 AND EXISTS
               (SELECT 1 FROM token k WHERE k.id = finding.token AND k.conversation = ?1 AND k.party = ?2)",
            params![id, p],
        )?;
        c.run("DELETE FROM token WHERE conversation = ?1 AND party = ?2", params![id, p])?;
    }
    let before = work.gone.needles.len();
    if goes(Class::Transcript) {
        work.gone.needles.extend(talk.turns_of(party.id).map(|turn| needle(turn.sealed.clone())));
    }
    if work.gone.needles.len() > before {
        c.run("DELETE FROM turn WHERE conversation = ?1 AND party = ?2", params![id, p])?;
    }
    // Where a minimum keeps the fact of the call, the key stays with the number that it belongs to.
    if !goes(Class::Metadata) {
        return Ok(());
    }
    if let Some(name) = &party.name {
        work.gone.needles.push(needle(name.clone()));
        c.run("UPDATE party SET sealed_name = NULL WHERE id = ?1", params![p])?;
    }
    let Some(wrapped) = &party.wrapped else { return Ok(()) };
    let idle = c.run(
        "UPDATE party SET wrapped_key = NULL WHERE id = ?1 AND wrapped_key IS NOT NULL AND sealed_name IS NULL
         AND (SELECT state FROM conversation k WHERE k.id = party.conversation) IN ('recorded', 'disposed', 'discarded')
         AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.conversation = party.conversation AND t.party = party.id)
         AND NOT EXISTS (SELECT 1 FROM token k WHERE k.conversation = party.conversation AND k.party = party.id)",
        params![p],
    )?;
    if idle > 0 {
        work.gone.needles.push(needle(wrapped.clone()));
        work.keys += 1;
    }
    Ok(())
}

/// File names and paths hold names and numbers.
pub(super) fn forget_source(
    c: &mut Command<'_>,
    work: &mut Work<'_>,
    talk: &Talk,
    row: &ScopeRow,
) -> Result<(), Error> {
    let id = row.conversation;
    work.sources_remain += u64::from(row.source_remains);
    work.gone.needles.push(needle(talk.source.clone()));
    c.run(
        "UPDATE conversation SET sealed_source = x'', started_at = CASE WHEN ?2 THEN started_at END WHERE id = ?1",
        // When it was is another person's as well, if one took part.
        params![id.as_bytes(), row.shared],
    )?;
    if !talk.copies.is_empty() {
        work.gone.needles.extend(talk.copies.iter().map(|copy| needle(copy.detail.clone())));
        c.run(
            "UPDATE copy SET sealed_detail = x'', dispose = 0 WHERE conversation = ?1",
            params![id.as_bytes()],
        )?;
    }
    Ok(())
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
pub(super) fn take(c: &Command<'_>, work: &mut Work<'_>, sql: &str, with: impl Params) -> Result<u64, Error> {
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
