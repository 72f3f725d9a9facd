//! One person under two records, or two under one: a human merges and splits. Keys are wrapped and rows sealed again for
//! the other person, in one command; everything can be undone.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, Command, Error, Refused, Vault, conversation::turn_place, holds::check_reason, keys::id_of, sweep,
};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, LinkId, PartyId, SubjectId};
use callvault_seal::{Key256, open, seal};
use serde::{Deserialize, Serialize};

/// One command stays short enough for others to wait for it.
const MAX_PARTIES: usize = 5_000;

/// A record that leads on to another by a merge that stands; `s` is the subject.
pub(crate) const NOT_MERGED: &str = "NOT EXISTS (SELECT 1 FROM subject_link l WHERE l.from_subject = s.id
    AND l.kind = 'merge' AND l.undone_at IS NULL)";

/// What was moved, so that it can be moved back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Moved {
    parties: Vec<PartyId>,
    /// Field and blind index, hexadecimal.
    contacts: Vec<(String, String)>,
}

/// One merge or split.
#[derive(Debug, Clone, Serialize)]
pub struct LinkRow {
    /// Its id.
    pub id: LinkId,
    /// `merge` or `split`.
    pub kind: String,
    /// Whose conversations were moved.
    pub from: SubjectId,
    /// To whom.
    pub into: SubjectId,
    /// How many.
    pub parties: usize,
    /// Why, masked.
    pub reason: String,
    /// Who.
    pub done_by: String,
    /// RFC 3339.
    pub done_at: String,
    /// RFC 3339, if it was undone.
    pub undone_at: Option<String>,
    /// By whom.
    pub undone_by: Option<String>,
    /// Why, masked.
    pub undo_reason: Option<String>,
}

/// What a merge or split would move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkPreview {
    /// Conversations that would belong to the other record.
    pub conversations: u64,
    /// Of these, still with a key: their words are sealed anew for the other record.
    pub sealed_anew: u64,
    /// Hidden values that go with them.
    pub values: u64,
    /// Numbers and addresses that would lead to the other record.
    pub contacts: u64,
}

impl Vault {
    /// Command *merge*: everything of `from` belongs to `into` from now on, what comes later under its numbers too.
    /// `reason` has passed the detector.
    pub fn merge_subjects(
        &self,
        actor: &Actor,
        from: SubjectId,
        into: SubjectId,
        reason: &str,
    ) -> Result<LinkId, Error> {
        check_reason(reason, "the reason")?;
        let id = LinkId::new(self.clock.as_ref(), &self.entropy)?;
        let mut needles = Vec::new();
        self.command_as(actor, "merge", |c| {
            one_role(&living(&c.tx, from)?, &living(&c.tx, into)?, from == into)?;
            let moved = Moved {
                parties: parties_of(&c.tx, from, None)?,
                contacts: self.move_contacts(c, from, into, None)?,
            };
            self.move_parties(c, &moved.parties, from, into, &mut needles)?;
            provisional(&c.tx, into)?;
            self.insert_link(c, id, "merge", (from, into), &moved, reason)?;
            let facts = [
                ("link", id.to_string().into()),
                ("from", from.to_string().into()),
                ("parties", moved.parties.len().into()),
            ];
            c.log(Kind::SubjectMerged, None, Some(into), &facts);
            Ok(())
        })?;
        self.prove_gone(&needles)?;
        Ok(id)
    }

    /// Command *split*: the person's part in these conversations belongs to a new record. Numbers stay with the old one.
    pub fn split_subject(
        &self,
        actor: &Actor,
        subject: SubjectId,
        conversations: &[ConversationId],
        reason: &str,
    ) -> Result<(LinkId, SubjectId), Error> {
        check_reason(reason, "the reason")?;
        let id = LinkId::new(self.clock.as_ref(), &self.entropy)?;
        let fresh = SubjectId::new(self.clock.as_ref(), &self.entropy)?;
        let mut needles = Vec::new();
        self.command_as(actor, "split", |c| {
            let role = living(&c.tx, subject)?;
            let moved = Moved { parties: parties_in(&c.tx, subject, conversations)?, contacts: Vec::new() };
            let (_, wrapped) = self.new_subject_key(c, fresh)?;
            c.tx.execute(
                "INSERT INTO subject (id, tenant, role, provisional, epoch, wrapped_key, created_at)
                 VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)",
                params![
                    fresh.as_bytes(),
                    self.tenant.as_bytes(),
                    role,
                    self.epoch().as_bytes(),
                    wrapped,
                    c.now
                ],
            )?;
            self.move_parties(c, &moved.parties, subject, fresh, &mut needles)?;
            self.insert_link(c, id, "split", (subject, fresh), &moved, reason)?;
            let facts = [
                ("link", id.to_string().into()),
                ("into", fresh.to_string().into()),
                ("parties", moved.parties.len().into()),
            ];
            c.log(Kind::SubjectSplit, None, Some(subject), &facts);
            Ok(())
        })?;
        self.prove_gone(&needles)?;
        Ok((id, fresh))
    }

    /// What a merge of `from` into another record would move, or a split of these conversations. Nothing is changed, and
    /// what a merge or split would refuse is refused here, too.
    pub fn link_preview(
        &self,
        from: SubjectId,
        into: Option<SubjectId>,
        only: &[ConversationId],
    ) -> Result<LinkPreview, Error> {
        let db = self.db();
        let role = living(&db, from)?;
        if let Some(into) = into {
            one_role(&role, &living(&db, into)?, from == into)?;
        }
        let parties = match into {
            Some(_) => parties_of(&db, from, None)?,
            None => parties_in(&db, from, only)?,
        };
        let mut out =
            LinkPreview { conversations: parties.len() as u64, sealed_anew: 0, values: 0, contacts: 0 };
        for party in parties {
            let (living, values): (bool, i64) = db
                .prepare_cached(
                    "SELECT wrapped_key IS NOT NULL, (SELECT COUNT(*) FROM token t WHERE t.party = p.id)
                     FROM party p WHERE id = ?1",
                )?
                .query_row(params![party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?;
            out.sealed_anew += u64::from(living);
            out.values += values.unsigned_abs();
        }
        if into.is_some() {
            let n: i64 = db.query_row(
                "SELECT COUNT(*) FROM contact WHERE subject = ?1",
                params![from.as_bytes()],
                |r| r.get(0),
            )?;
            out.contacts = n.unsigned_abs();
        }
        Ok(out)
    }

    /// Command *undo link*: what was moved and is still there goes back. `reason` has passed the detector.
    pub fn undo_link(&self, actor: &Actor, id: LinkId, reason: &str) -> Result<(), Error> {
        check_reason(reason, "the reason")?;
        let why = self.seal_own("subject_link", id.as_bytes(), "undo reason", reason)?;
        let mut needles = Vec::new();
        self.command_as(actor, "undo link", |c| {
            let row: Option<(String, Vec<u8>, Vec<u8>, String, Option<String>)> =
                c.tx.query_row(
                    "SELECT kind, from_subject, into_subject, parties, undone_at FROM subject_link WHERE id = ?1",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
                )
                .optional()?;
            let (kind, from, into, moved, undone) = row.ok_or(Refused::Unknown("link"))?;
            if undone.is_some() {
                return Err(Refused::Closed("link").into());
            }
            let (from, into): (SubjectId, SubjectId) = (id_of(&from)?, id_of(&into)?);
            // What went on to a third record has to come back from there first.
            living(&c.tx, into)?;
            let moved: Moved = serde_json::from_str(&moved).map_err(|_| Error::Corrupt("a link"))?;
            let there: Vec<PartyId> = parties_of(&c.tx, into, None)?
                .into_iter()
                .filter(|p| moved.parties.contains(p))
                .collect();
            self.move_parties(c, &there, into, from, &mut needles)?;
            self.move_contacts(c, into, from, Some(&moved.contacts))?;
            provisional(&c.tx, from)?;
            provisional(&c.tx, into)?;
            c.tx.execute(
                "UPDATE subject_link SET undone_at = ?2, undone_by = ?3, sealed_undo_reason = ?4 WHERE id = ?1",
                params![id.as_bytes(), c.now, actor.to_string(), why],
            )?;
            let kind = if kind == "merge" { Kind::SubjectSplit } else { Kind::SubjectMerged };
            let facts = [
                ("undo", id.to_string().into()),
                ("back_to", from.to_string().into()),
                ("parties", there.len().into()),
            ];
            c.log(kind, None, Some(into), &facts);
            Ok(())
        })?;
        self.prove_gone(&needles)?;
        Ok(())
    }

    /// Merges and splits, of one person or of all, newest first.
    pub fn subject_links(&self, of: Option<SubjectId>) -> Result<Vec<LinkRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, kind, from_subject, into_subject, parties, sealed_reason, done_by, done_at, undone_at,
                   undone_by, sealed_undo_reason
                 FROM subject_link WHERE from_subject = ?1 OR into_subject = ?1 OR ?1 IS NULL ORDER BY rowid DESC LIMIT 1000",
            )?;
            let rows = statement.query_map(params![of.as_ref().map(|s| s.as_bytes())], |r| {
                Ok((
                    (r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?),
                    (r.get::<_, Vec<u8>>(2)?, r.get::<_, Vec<u8>>(3)?, r.get::<_, String>(4)?),
                    (r.get::<_, Vec<u8>>(5)?, r.get(6)?, r.get(7)?),
                    (r.get(8)?, r.get(9)?, r.get::<_, Option<Vec<u8>>>(10)?),
                ))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter()
            .map(
                |(
                    (id, kind),
                    (from, into, moved),
                    (reason, done_by, done_at),
                    (undone_at, undone_by, why),
                )| {
                    let moved: Moved = serde_json::from_str(&moved).map_err(|_| Error::Corrupt("a link"))?;
                    Ok(LinkRow {
                        reason: self.open_own("subject_link", &id, "reason", &reason)?,
                        id: id_of(&id)?,
                        kind,
                        from: id_of(&from)?,
                        into: id_of(&into)?,
                        parties: moved.parties.len(),
                        done_by,
                        done_at,
                        undone_at,
                        undone_by,
                        undo_reason: why
                            .map(|why| self.open_own("subject_link", &id, "undo reason", &why))
                            .transpose()?,
                    })
                },
            )
            .collect()
    }

    fn insert_link(
        &self,
        c: &mut Command<'_>,
        id: LinkId,
        kind: &str,
        (from, into): (SubjectId, SubjectId),
        moved: &Moved,
        reason: &str,
    ) -> Result<(), Error> {
        let sealed = self.seal_own("subject_link", id.as_bytes(), "reason", reason)?;
        let list = serde_json::to_string(moved).map_err(|_| Error::Corrupt("a link"))?;
        c.tx.execute(
            "INSERT INTO subject_link (id, kind, from_subject, into_subject, parties, sealed_reason, done_by, done_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![id.as_bytes(), kind, from.as_bytes(), into.as_bytes(), list, sealed, c.actor(), c.now],
        )?;
        Ok(())
    }

    fn move_parties(
        &self,
        c: &mut Command<'_>,
        parties: &[PartyId],
        from: SubjectId,
        into: SubjectId,
        needles: &mut Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        if parties.len() > MAX_PARTIES {
            return Err(Refused::invalid(
                "more than 5000 conversations at once",
                "split some of them off first",
            )
            .into());
        }
        for party in parties {
            self.move_party(c, *party, (from, into), needles)?;
        }
        Ok(())
    }

    /// The party's key stays; its wrap and everything it seals name the other person.
    fn move_party(
        &self,
        c: &mut Command<'_>,
        party: PartyId,
        (from, into): (SubjectId, SubjectId),
        needles: &mut Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        let (wrapped, name): (Option<Vec<u8>>, Option<Vec<u8>>) = c.tx.query_row(
            "SELECT wrapped_key, sealed_name FROM party WHERE id = ?1",
            params![party.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let Some(old) = wrapped else {
            c.tx.execute(
                "UPDATE party SET subject = ?2 WHERE id = ?1",
                params![party.as_bytes(), into.as_bytes()],
            )?;
            return Ok(());
        };
        let (key, _) = self.party_key(&c.tx, party)?;
        let again = |object: &str, id: &[u8], field: &str, sealed: &[u8]| -> Result<Vec<u8>, Error> {
            let text = open(&key, &self.aad(Some(from), object, id, field), sealed)?;
            Ok(seal(&key, &self.aad(Some(into), object, id, field), text.expose(), &self.entropy)?)
        };
        let name = name.map(|n| again("party", party.as_bytes(), "name", &n)).transpose()?;
        let wrapped = self.wrap_party_key(party, into, &self.subject_key(&c.tx, into)?, &key)?;
        needles.push(sweep::needle(old));
        c.tx.execute(
            "UPDATE party SET subject = ?2, wrapped_key = ?3, sealed_name = ?4 WHERE id = ?1",
            params![party.as_bytes(), into.as_bytes(), wrapped, name],
        )?;
        let turns: Vec<(Vec<u8>, i64, Vec<u8>)> = {
            let sql = "SELECT conversation, position, sealed_text FROM turn WHERE party = ?1
                 AND conversation = (SELECT conversation FROM party WHERE id = ?1)";
            let mut statement = c.tx.prepare_cached(sql)?;
            let rows =
                statement.query_map(params![party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (conversation, position, sealed) in turns {
            let at = usize::try_from(position).map_err(|_| Error::Corrupt("a turn's place"))?;
            let sealed = again("turn", &turn_place(id_of(&conversation)?, at), "text", &sealed)?;
            c.tx.execute(
                "UPDATE turn SET sealed_text = ?3 WHERE conversation = ?1 AND position = ?2",
                params![conversation, position, sealed],
            )?;
        }
        let tokens: Vec<(String, String, Vec<u8>)> = {
            let sql = "SELECT id, entity, sealed_value FROM token WHERE party = ?1
                 AND conversation = (SELECT conversation FROM party WHERE id = ?1)";
            let mut statement = c.tx.prepare_cached(sql)?;
            let rows =
                statement.query_map(params![party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (token, entity, sealed) in tokens {
            let sealed = again("token", token.as_bytes(), &entity, &sealed)?;
            c.tx.execute("UPDATE token SET sealed_value = ?2 WHERE id = ?1", params![token, sealed])?;
        }
        Ok(())
    }

    /// Numbers and addresses lead to the other person; all of them, or those listed.
    fn move_contacts(
        &self,
        c: &mut Command<'_>,
        from: SubjectId,
        into: SubjectId,
        only: Option<&[(String, String)]>,
    ) -> Result<Vec<(String, String)>, Error> {
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> = {
            let mut statement = c
                .tx
                .prepare_cached("SELECT field, blind_index, sealed_value FROM contact WHERE subject = ?1")?;
            let rows =
                statement.query_map(params![from.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut moved = Vec::new();
        let mut keys: Option<(Key256, Key256)> = None;
        for (field, index, sealed) in rows {
            let name = (field.clone(), crate::hex(&index));
            if only.is_some_and(|o| !o.contains(&name)) {
                continue;
            }
            let (old, new) = match &keys {
                Some(keys) => keys,
                None => keys.insert((self.subject_key(&c.tx, from)?, self.subject_key(&c.tx, into)?)),
            };
            let value = open(old, &self.aad(Some(from), "contact", &index, &field), &sealed)?;
            let aad = self.aad(Some(into), "contact", &index, &field);
            let sealed = seal(new, &aad, value.expose(), &self.entropy)?;
            c.tx.execute(
                "UPDATE contact SET subject = ?4, sealed_value = ?5 WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3",
                params![self.tenant.as_bytes(), field, index, into.as_bytes(), sealed],
            )?;
            moved.push(name);
        }
        Ok(moved)
    }
}

/// The role of a record that is neither erased nor merged into another.
fn living(db: &Connection, id: SubjectId) -> Result<String, Error> {
    let sql = format!("SELECT role, wrapped_key IS NOT NULL, {NOT_MERGED} FROM subject s WHERE id = ?1");
    let row: Option<(String, bool, bool)> =
        db.query_row(&sql, params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional()?;
    match row.ok_or(Refused::Unknown("subject"))? {
        (_, false, _) => Err(Error::KeyDestroyed("an earlier day, with the person's erasure".into())),
        (_, _, false) => Err(Refused::invalid(
            "this record was merged into another",
            "act on that one, or undo the merge first",
        )
        .into()),
        (role, true, true) => Ok(role),
    }
}

/// Refuses two records that cannot be one person.
fn one_role(a: &str, b: &str, same: bool) -> Result<(), Error> {
    if same {
        return Err(Refused::invalid("a record cannot be merged with itself", "name two records").into());
    }
    if a != b && a != "unknown" && b != "unknown" {
        return Err(Refused::invalid(
            "an agent and a customer cannot be one record",
            "check the two records; a wrong role is corrected at the source",
        )
        .into());
    }
    Ok(())
}

/// The person's part in each of these conversations.
fn parties_in(
    db: &Connection,
    subject: SubjectId,
    conversations: &[ConversationId],
) -> Result<Vec<PartyId>, Error> {
    if conversations.is_empty() || conversations.len() > MAX_PARTIES {
        return Err(Refused::invalid(
            format!("{} conversations", conversations.len()),
            "name between 1 and 5000 conversations of this person",
        )
        .into());
    }
    let mut out = Vec::new();
    for conversation in conversations {
        let found = parties_of(db, subject, Some(*conversation))?;
        if found.is_empty() {
            return Err(Refused::Unknown("conversation of this person").into());
        }
        out.extend(found);
    }
    Ok(out)
}

/// Whoever has an address would be recognised again.
fn provisional(db: &Connection, id: SubjectId) -> Result<(), Error> {
    db.execute(
        "UPDATE subject SET provisional = CASE WHEN EXISTS (SELECT 1 FROM contact WHERE subject = ?1) THEN 0 ELSE 1 END WHERE id = ?1",
        params![id.as_bytes()],
    )?;
    Ok(())
}

fn parties_of(
    db: &Connection,
    subject: SubjectId,
    conversation: Option<ConversationId>,
) -> Result<Vec<PartyId>, Error> {
    let mut statement =
        db.prepare_cached("SELECT id FROM party WHERE subject = ?1 AND (conversation = ?2 OR ?2 IS NULL)")?;
    let rows = statement
        .query_map(params![subject.as_bytes(), conversation.as_ref().map(|c| c.as_bytes())], |r| {
            r.get::<_, Vec<u8>>(0)
        })?;
    rows.map(|r| id_of(&r?)).collect()
}
