//! Puts a conversation together from masked turns and tokens. What is not certain stays a label.

use super::{Kept, Outcome, Place, Retold};
use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Error, Vault,
    conversation::{State, turn_place},
    corrections::{RECOGNIZER, bytes_at},
    keys::id_of,
};
use callvault_model::{
    EntityType, Role, Secret, Turn,
    id::{ConversationId, PartyId},
};
use callvault_seal::open;
use std::collections::BTreeMap;

/// A conversation put together, and what became of each correction on the way.
pub(super) struct Told {
    pub told: Retold,
    pub fates: Vec<Option<Outcome>>,
    pub labels_left: u64,
}

/// A finding, as far as its words may come back.
struct Found {
    turn: u64,
    entity: EntityType,
    recognizer: String,
    token: Option<String>,
}

/// Puts a conversation together. `None` where some of it is gone: what is left is not the conversation that was corrected. The
/// fate of a correction is `None` where it has its place in the telling.
pub(super) fn retell(
    vault: &Vault,
    db: &Connection,
    id: ConversationId,
    of: &[Kept],
) -> Result<Option<Told>, Error> {
    let (channel, state): (String, String) =
        db.query_row("SELECT channel, state FROM conversation WHERE id = ?1", params![id.as_bytes()], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
    let Some((roles, masked)) = masked(vault, db, id)?
        .filter(|_| matches!(State::parse(&state), Ok(State::Recorded | State::Shredding | State::Disposed)))
    else {
        return Ok(None);
    };
    let found = found(db, id)?;
    let mut told = Retold { voice: channel == "voice", roles, turns: Vec::new(), places: Vec::new() };
    let (mut fates, mut labels_left) = (Vec::with_capacity(of.len()), 0u64);
    for (position, turn) in masked.into_iter().enumerate() {
        let here: Vec<&Kept> = of.iter().filter(|k| k.turn == position as u64).collect();
        let of_turn: Vec<&Found> = found.iter().filter(|f| f.turn == position as u64).collect();
        let mut puts = Vec::new();
        let mut own = Vec::new();
        for k in &here {
            let put = own_place(vault, db, id, &turn.text, k)?;
            own.push(put.as_ref().err().copied());
            puts.extend(put.ok());
        }
        let left = others(vault, db, id, (&turn.text, &of_turn), &mut puts, &here)?;
        labels_left = labels_left.saturating_add(left);
        let text = splice_all(&turn.text, &mut puts, position, &mut told.places);
        fates.extend(own);
        told.turns.push(Turn { text, ..turn });
    }
    // Corrections of turns that are no longer there.
    fates.extend(of.iter().skip(fates.len()).map(|_| Some(Outcome::Changed)));
    Ok(Some(Told { told, fates, labels_left }))
}

/// Parts and masked turns in order; `None` where a turn or the key of a party is gone.
fn masked(
    vault: &Vault,
    db: &Connection,
    id: ConversationId,
) -> Result<Option<(Vec<Role>, Vec<Turn>)>, Error> {
    let mut parties = BTreeMap::new();
    let mut roles = Vec::new();
    let mut statement = db.prepare_cached(
        "SELECT id, role, wrapped_key IS NOT NULL FROM party WHERE conversation = ?1 ORDER BY position",
    )?;
    let rows = statement.query_map(params![id.as_bytes()], |r| {
        Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?, r.get::<_, bool>(2)?))
    })?;
    for (index, row) in rows.enumerate() {
        let (party, role, has_key) = row?;
        if !has_key {
            return Ok(None);
        }
        let party: PartyId = id_of(&party)?;
        parties.insert(*party.as_bytes(), (index, vault.party_key(db, party)?));
        roles.push(role_of(&role));
    }
    let mut statement = db.prepare_cached(
        "SELECT position, party, start_ms, end_ms, sealed_text FROM turn WHERE conversation = ?1 ORDER BY position",
    )?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut turns = Vec::new();
    while let Some(r) = rows.next()? {
        let (position, party): (i64, Vec<u8>) = (r.get(0)?, r.get(1)?);
        if position.unsigned_abs() != turns.len() as u64 {
            return Ok(None);
        }
        let key: [u8; 16] = party.try_into().map_err(|_| Error::Corrupt("a party's id"))?;
        let (index, (key, subject)) = parties.get(&key).ok_or(Error::Corrupt("a turn without a party"))?;
        let place = turn_place(id, turns.len());
        let aad = vault.aad(Some(*subject), "turn", &place, "text");
        let text = open(key, &aad, &r.get::<_, Vec<u8>>(4)?)?;
        let text = String::from_utf8(text.expose().clone())
            .map_err(|_| Error::Corrupt("a turn that is not UTF-8"))?;
        let ms = |i: usize| r.get::<_, i64>(i).map(i64::unsigned_abs);
        turns.push(Turn { party: *index, start_ms: ms(2)?, end_ms: ms(3)?, text, words: Vec::new() });
    }
    Ok((!turns.is_empty()).then_some((roles, turns)))
}

fn role_of(name: &str) -> Role {
    [Role::Agent, Role::Customer, Role::System]
        .into_iter()
        .find(|r| r.as_str() == name)
        .unwrap_or(Role::Unknown)
}

fn found(db: &Connection, id: ConversationId) -> Result<Vec<Found>, Error> {
    let mut statement = db.prepare_cached(
        "SELECT turn, entity, recognizer, token FROM finding WHERE conversation = ?1 ORDER BY position",
    )?;
    let rows = statement
        .query_map(params![id.as_bytes()], |r| {
            Ok((r.get::<_, i64>(0)?.unsigned_abs(), r.get::<_, String>(1)?, r.get(2)?, r.get(3)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(turn, entity, recognizer, token)| {
            let entity = entity.parse().map_err(|_| Error::Corrupt("an unknown type"))?;
            Ok(Found { turn, entity, recognizer, token })
        })
        .collect()
}

/// Words that come into a turn.
struct Put {
    start: usize,
    end: usize,
    /// `None` leaves what stands there: the words of a wrong finding are back already.
    words: Option<Secret<String>>,
    /// The correction that it is, where it is one: missed or not, and its type.
    place: Option<(bool, EntityType)>,
}

/// Where a correction stands, with its words; or why it cannot be tried.
fn own_place(
    vault: &Vault,
    db: &Connection,
    id: ConversationId,
    text: &str,
    k: &Kept,
) -> Result<Result<Put, Outcome>, Error> {
    let range = k.chars.and_then(|(a, b)| bytes_at(text, a, b));
    let Some((start, end)) = range else { return Ok(Err(Outcome::Changed)) };
    let there = text.get(start..end).unwrap_or("");
    let place = Some((k.missed, k.entity));
    if !k.missed {
        let sound = !there.contains(['[', ']']) && there.chars().any(char::is_alphanumeric);
        return Ok(if sound { Ok(Put { start, end, words: None, place }) } else { Err(Outcome::Changed) });
    }
    if there != format!("[{}]", k.entity) {
        return Ok(Err(Outcome::Changed));
    }
    let words = match &k.token {
        Some(token) => words_of(vault, db, id, token)?,
        None => None,
    };
    Ok(match words {
        Some(words) => Ok(Put { start, end, words: Some(words), place }),
        None => Err(Outcome::NotKept),
    })
}

/// Puts back what stands behind the other labels, where that is certain; returns how many stay. Of payment data only what a
/// correction is about is opened.
fn others(
    vault: &Vault,
    db: &Connection,
    id: ConversationId,
    (text, found): (&str, &[&Found]),
    puts: &mut Vec<Put>,
    here: &[&Kept],
) -> Result<u64, Error> {
    let mut by_type: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    let mut left = 0u64;
    for (start, name) in labels(text) {
        if puts.iter().all(|p| p.start != start) {
            by_type.entry(name).or_default().push((start, start + name.len() + 2));
        }
    }
    for (name, places) in by_type {
        // Findings that a correction added have their own places.
        let own = |f: &&&Found| f.token.is_some() && here.iter().any(|k| k.token == f.token);
        let of: Vec<&&Found> = found.iter().filter(|f| f.entity.as_str() == name && !own(f)).collect();
        let certain = of.len() == places.len()
            && of.iter().all(|f| f.recognizer != "repeat" && f.recognizer != RECOGNIZER);
        for (i, (start, end)) in places.into_iter().enumerate() {
            let f = of.get(i).filter(|f| certain && !f.entity.is_payment());
            let token =
                f.filter(|f| !f.entity.is_sensitive_authentication_data()).and_then(|f| f.token.as_deref());
            let words = token.map(|t| words_of(vault, db, id, t)).transpose()?.flatten();
            left = left.saturating_add(u64::from(words.is_none()));
            puts.extend(words.map(|w| Put { start, end, words: Some(w), place: None }));
        }
    }
    Ok(left)
}

/// Labels of a masked text: first byte and name.
fn labels(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('[').filter_map(|(at, _)| {
        let inside = text.get(at + 1..)?;
        let name = inside.get(..inside.find(']')?)?;
        let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        (!name.is_empty() && name.bytes().all(upper)).then_some((at, name))
    })
}

/// The words of a token that stands for one finding and no more.
fn words_of(
    vault: &Vault,
    db: &Connection,
    id: ConversationId,
    token: &str,
) -> Result<Option<Secret<String>>, Error> {
    let row: Option<(Vec<u8>, String, Vec<u8>)> = db
        .prepare_cached(
            "SELECT t.party, t.entity, t.sealed_value FROM token t JOIN party p ON p.id = t.party
             WHERE t.id = ?1 AND t.conversation = ?2 AND p.wrapped_key IS NOT NULL
               AND (SELECT COUNT(*) FROM finding f WHERE f.conversation = t.conversation AND f.token = t.id) = 1",
        )?
        .query_row(params![token, id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((party, entity, sealed)) = row else { return Ok(None) };
    let (key, subject) = vault.party_key(db, id_of(&party)?)?;
    let words = open(&key, &vault.aad(Some(subject), "token", token.as_bytes(), &entity), &sealed)?;
    let words =
        std::str::from_utf8(words.expose()).map_err(|_| Error::Corrupt("a value that is not UTF-8"))?;
    Ok(Some(Secret::new(words.to_owned())))
}

/// The turn with everything put back; adds the places of its corrections, in the order of `puts` as they came.
fn splice_all(text: &str, puts: &mut [Put], turn: usize, places: &mut Vec<Place>) -> String {
    let mut order: Vec<usize> = (0..puts.len()).collect();
    order.sort_by_key(|i| puts.get(*i).map_or(0, |p| p.start));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let mut spans = vec![(0usize, 0usize); puts.len()];
    for i in order {
        let Some(put) = puts.get(i) else { continue };
        out.push_str(text.get(at..put.start).unwrap_or(""));
        let start = out.len();
        match &put.words {
            Some(words) => out.push_str(words.expose()),
            None => out.push_str(text.get(put.start..put.end).unwrap_or("")),
        }
        if let Some(span) = spans.get_mut(i) {
            *span = (start, out.len());
        }
        at = put.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    for (put, (start, end)) in puts.iter().zip(spans) {
        if let Some((missed, entity)) = put.place {
            places.push(Place { missed, turn, start, end, entity });
        }
    }
    out
}
