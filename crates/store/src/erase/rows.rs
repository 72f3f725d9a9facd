//! The rows that an erasure reads and takes away.

use super::{CLASSES, Party, ScopeRow, Work};
use crate::db::{Connection, OptionalExtension, Params, params};
use crate::{Command, Error, Vault, contacts, holds::HELD, keys::id_of, retention::Class, sweep::needle};
use callvault_model::id::{ConversationId, ObjectId, PartyId, SubjectId};

pub(super) fn conversations(db: &Connection, subject: SubjectId) -> Result<Vec<ConversationId>, Error> {
    let mut statement = db
        .prepare_cached("SELECT DISTINCT conversation FROM party WHERE subject = ?1 ORDER BY conversation")?;
    let rows = statement.query_map(params![subject.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
    rows.map(|r| id_of(&r?)).collect()
}

pub(super) fn parties(db: &Connection, id: ConversationId, subject: SubjectId) -> Result<Vec<Party>, Error> {
    let mut statement =
        db.prepare_cached("SELECT id, role, subject FROM party WHERE conversation = ?1 ORDER BY position")?;
    let rows = statement
        .query_map(params![id.as_bytes()], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?, r.get::<_, Vec<u8>>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(id, role, of)| {
            let of: SubjectId = id_of(&of)?;
            Ok(Party { id: id_of(&id)?, role, ours: of == subject })
        })
        .collect()
}

pub(super) fn scope(db: &Connection, id: ConversationId, subject: SubjectId) -> Result<ScopeRow, Error> {
    let all = parties(db, id, subject)?;
    let places: Vec<usize> = all.iter().enumerate().filter(|(_, p)| p.ours).map(|(i, _)| i).collect();
    let shared = all.iter().any(|p| !p.ours && p.role != "agent");
    // Asked for one conversation, what is held is not listed: that would read every one where the vault is held.
    let sql = format!(
        "WITH RECURSIVE {HELD}
         SELECT c.channel, c.state, c.received_at, c.started_at, c.id IN (SELECT id FROM held),
           EXISTS (SELECT 1 FROM must_keep m WHERE m.conversation = c.id),
           (SELECT COUNT(*) FROM object o WHERE o.conversation = c.id AND o.kind IN ('original', 'attachment')
              AND o.wrapped_key IS NOT NULL),
           (SELECT COUNT(*) FROM object o WHERE o.conversation = c.id AND o.kind = 'redacted' AND o.wrapped_key IS NOT NULL),
           (SELECT COUNT(*) FROM turn t JOIN party p ON p.id = t.party WHERE t.conversation = c.id AND p.subject = ?2),
           (SELECT COUNT(*) FROM token k JOIN party p ON p.id = k.party WHERE k.conversation = c.id AND p.subject = ?2),
           (length(c.sealed_source) > 0) + (c.started_at IS NOT NULL)
             + (SELECT COUNT(*) FROM party p WHERE p.conversation = c.id AND p.subject = ?2 AND p.sealed_name IS NOT NULL)
             + (SELECT COUNT(*) FROM copy k WHERE k.conversation = c.id AND length(k.sealed_detail) > 0),
           EXISTS (SELECT 1 FROM copy k WHERE k.conversation = c.id AND k.place = 'source file' AND k.state = 'remains')
         FROM conversation c WHERE c.id = ?1"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let (mut row, counts) = statement.query_row(params![id.as_bytes(), subject.as_bytes()], |r| {
        let counts: [i64; 5] = [r.get(6)?, r.get(7)?, r.get(8)?, r.get(9)?, r.get(10)?];
        let row = ScopeRow {
            conversation: id,
            channel: r.get(0)?,
            state: r.get(1)?,
            received_at: r.get(2)?,
            started_at: r.get(3)?,
            held: r.get(4)?,
            must_keep: r.get(5)?,
            source_remains: r.get(11)?,
            places: Vec::new(),
            parties: 0,
            shared,
            classes: Vec::new(),
        };
        Ok((row, counts))
    })?;
    row.parties = all.len();
    row.places = places;
    row.classes =
        CLASSES.into_iter().zip(counts).filter(|(_, n)| *n > 0).map(|(c, n)| (c, n.unsigned_abs())).collect();
    Ok(row)
}

/// The person's words, values and name of one conversation; the party's key goes with the last of them.
pub(super) fn erase_party(
    c: &mut Command<'_>,
    work: &mut Work<'_>,
    id: ConversationId,
    party: PartyId,
    goes: &impl Fn(Class) -> bool,
) -> Result<(), Error> {
    // What a party said stands in one conversation; asked by that, nothing else of the vault is read.
    let (p, talk) = (party.as_bytes(), id.as_bytes());
    if goes(Class::Tokens) {
        take(c, work, "SELECT sealed_value FROM token WHERE conversation = ?2 AND party = ?1", (p, talk))?;
        c.run(
            "UPDATE finding SET token = NULL WHERE conversation = ?1
             AND token IN (SELECT id FROM token WHERE conversation = ?1 AND party = ?2)",
            params![talk, p],
        )?;
        c.run("DELETE FROM token WHERE conversation = ?1 AND party = ?2", params![talk, p])?;
    }
    if goes(Class::Transcript) {
        take(c, work, "SELECT sealed_text FROM turn WHERE conversation = ?2 AND party = ?1", (p, talk))?;
        c.run("DELETE FROM turn WHERE conversation = ?1 AND party = ?2", params![talk, p])?;
        // What types of things somebody said, and when, is theirs as well.
        if goes(Class::Tokens) {
            c.run("DELETE FROM finding WHERE conversation = ?1 AND party = ?2", params![talk, p])?;
        }
    }
    if goes(Class::Metadata) {
        take(c, work, "SELECT sealed_name FROM party WHERE id = ?1 AND sealed_name IS NOT NULL", [p])?;
        c.run("UPDATE party SET sealed_name = NULL WHERE id = ?1", params![p])?;
    }
    let idle = "id = ?1 AND wrapped_key IS NOT NULL AND sealed_name IS NULL
        AND (SELECT state FROM conversation k WHERE k.id = party.conversation) IN ('recorded', 'disposed', 'discarded')
        AND NOT EXISTS (SELECT 1 FROM turn t WHERE t.conversation = party.conversation AND t.party = party.id)
        AND NOT EXISTS (SELECT 1 FROM token k WHERE k.conversation = party.conversation AND k.party = party.id)";
    // Where a minimum keeps the fact of the call, the key stays with the number that it belongs to.
    if goes(Class::Metadata) {
        work.keys += take(c, work, &format!("SELECT wrapped_key FROM party WHERE {idle}"), [p])?;
        c.run(&format!("UPDATE party SET wrapped_key = NULL WHERE {idle}"), params![p])?;
    }
    Ok(())
}

/// File names and paths hold names and numbers.
pub(super) fn forget_source(c: &mut Command<'_>, work: &mut Work<'_>, row: &ScopeRow) -> Result<(), Error> {
    let id = row.conversation;
    let remains: i64 = c.one(
        "SELECT COUNT(*) FROM copy WHERE conversation = ?1 AND place = 'source file' AND state = 'remains'",
        params![id.as_bytes()],
        |r| r.get(0),
    )?;
    work.sources_remain += remains.unsigned_abs();
    take(c, work, "SELECT sealed_source FROM conversation WHERE id = ?1", [id.as_bytes()])?;
    take(c, work, "SELECT sealed_detail FROM copy WHERE conversation = ?1", [id.as_bytes()])?;
    c.run(
        "UPDATE conversation SET sealed_source = x'', started_at = CASE WHEN ?2 THEN started_at END WHERE id = ?1",
        // When it was is another person's as well, if one took part.
        params![id.as_bytes(), row.shared],
    )?;
    c.run(
        "UPDATE copy SET sealed_detail = x'', dispose = 0 WHERE conversation = ?1",
        params![id.as_bytes()],
    )?;
    Ok(())
}

/// What people typed about a conversation.
pub(super) fn forget_talk(c: &mut Command<'_>, work: &mut Work<'_>, id: ConversationId) -> Result<(), Error> {
    for (table, field) in [("correction", "sealed_note"), ("reveal_request", "sealed_reason")] {
        take(c, work, &format!("SELECT {field} FROM {table} WHERE conversation = ?1"), [id.as_bytes()])?;
        c.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), params![id.as_bytes()])?;
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

pub(super) fn object_of(db: &Connection, id: ConversationId, kind: &str) -> Result<Option<ObjectId>, Error> {
    let found: Option<Vec<u8>> = db
        .prepare_cached(
            "SELECT id FROM object WHERE conversation = ?1 AND kind = ?2 AND wrapped_key IS NOT NULL",
        )?
        .query_row(params![id.as_bytes(), kind], |r| r.get(0))
        .optional()?;
    found.as_deref().map(id_of).transpose()
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

pub(super) fn turns_of(
    db: &Connection,
    id: ConversationId,
    party: PartyId,
) -> Result<Vec<(i64, Vec<u8>)>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT position, sealed_text FROM turn WHERE conversation = ?1 AND party = ?2 ORDER BY position",
    )?;
    let rows =
        statement.query_map(params![id.as_bytes(), party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?;
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
