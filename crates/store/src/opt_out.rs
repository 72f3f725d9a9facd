//! Wishes to hear no more: those that conversations held, and those that somebody entered. The site's own do-not-call
//! list. A wish stands from the moment it is known; one that is in doubt stands until a person has read it.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, Command, Error, Refused, Vault,
    consent::{self, ContactIndex},
    holds::check_reason,
    keys::id_of,
};
use callvault_ledger::Kind;
use callvault_model::id::{ConversationId, OptOutId, PartyId};
use serde::Serialize;
use std::collections::HashSet;

/// Most wishes that one page lists.
const MAX_LIST: u32 = 200;

/// A wish that was found in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Index of the turn.
    pub turn: usize,
    /// Index of the party whose wish it is.
    pub party: usize,
    /// `keyword`, `phrase` or `doubtful`.
    pub how: &'static str,
    /// The row of law that knew it.
    pub rule: String,
    /// False: a person must read it.
    pub certain: bool,
}

/// A wish on file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct OptOutRow {
    /// Its id.
    pub id: OptOutId,
    /// `phone` or `email`; empty where no number is known.
    pub field: String,
    /// The channel on which it came; `manual` for an entry by hand.
    pub channel: String,
    /// `keyword`, `phrase`, `doubtful` or `entered`.
    pub how: String,
    /// `stands`, `in_doubt`, `dismissed` or `lifted`.
    pub state: String,
    /// Where it was said.
    pub conversation: Option<ConversationId>,
    /// In which turn.
    pub turn: Option<u64>,
    /// The row of law that knew it.
    pub rule: String,
    /// RFC 3339.
    pub raised_at: String,
    /// An actor.
    pub raised_by: String,
    /// RFC 3339.
    pub decided_at: Option<String>,
    /// An actor.
    pub decided_by: Option<String>,
    /// Why it was entered, dismissed or lifted; masked.
    pub reason: String,
}

/// What a person decides about a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In doubt: it is one.
    Confirm,
    /// In doubt: it is none.
    Dismiss,
    /// The person agreed again, or it was somebody else's number.
    Lift,
}

struct Raw {
    id: Vec<u8>,
    conversation: Option<Vec<u8>>,
    reason: Option<Vec<u8>>,
    row: OptOutRow,
}

/// What one wish needs to become a row.
struct New<'a> {
    of: Option<(&'a str, &'a [u8])>,
    channel: &'a str,
    how: &'a str,
    certain: bool,
    place: Option<(ConversationId, usize)>,
    rule: &'a str,
    reason: Option<&'a str>,
}

/// Whether this conversation raised the same wish before.
fn filed(db: &Connection, id: ConversationId, new: &New<'_>) -> Result<bool, Error> {
    let found = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM opt_out WHERE conversation = ?1 AND field = ?2 AND blind_index IS NOT DISTINCT FROM ?3
           AND how = ?4 AND rule = ?5)",
        params![id.as_bytes(), new.of.map_or("", |(f, _)| f), new.of.map(|(_, i)| i), new.how, new.rule],
        |r| r.get(0),
    )?;
    Ok(found)
}

impl Vault {
    /// Files the wishes that a conversation held, in the command that records it or sends it to quarantine. What was filed
    /// when it lay there is not filed again when it comes out: a person may have decided about it since.
    pub(crate) fn raise_heard(
        &self,
        c: &mut Command<'_>,
        id: ConversationId,
        parties: &[PartyId],
        heard: &[Heard],
    ) -> Result<(), Error> {
        if heard.is_empty() {
            return Ok(());
        }
        let channel: String =
            c.tx.query_row("SELECT channel FROM conversation WHERE id = ?1", params![id.as_bytes()], |r| {
                r.get(0)
            })?;
        for wish in heard {
            let party = parties.get(wish.party).or(parties.first());
            let Some(party) = party else { continue };
            let role: String =
                c.tx.query_row("SELECT role FROM party WHERE id = ?1", params![party.as_bytes()], |r| {
                    r.get(0)
                })?;
            if role == "agent" || role == "system" {
                continue;
            }
            let contacts: Vec<(String, Vec<u8>)> = {
                let mut statement = c.tx.prepare_cached(
                    "SELECT k.field, k.blind_index FROM contact k JOIN party p ON p.subject = k.subject WHERE p.id = ?1",
                )?;
                let rows = statement.query_map(params![party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            let mut new = New {
                of: None,
                channel: &channel,
                how: wish.how,
                certain: wish.certain,
                place: Some((id, wish.turn)),
                rule: &wish.rule,
                reason: None,
            };
            // Without a number nobody could be kept from calling; it is listed all the same, for a person to see.
            if contacts.is_empty() && !filed(&c.tx, id, &new)? {
                self.raise(c, &new)?;
            }
            for (field, index) in &contacts {
                new.of = Some((field, index));
                if !filed(&c.tx, id, &new)? {
                    self.raise(c, &new)?;
                }
            }
        }
        Ok(())
    }

    fn raise(&self, c: &mut Command<'_>, new: &New<'_>) -> Result<OptOutId, Error> {
        let id = OptOutId::new(self.clock.as_ref(), &self.entropy)?;
        let state = if new.certain { "stands" } else { "in_doubt" };
        let reason = new.reason.map(|r| self.seal_own("opt_out", id.as_bytes(), "reason", r)).transpose()?;
        let by = c.actor().to_owned();
        c.tx.execute(
            "INSERT INTO opt_out (id, tenant, field, blind_index, channel, how, state, conversation, turn, rule, raised_at,
             raised_by, sealed_reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                id.as_bytes(),
                self.tenant.as_bytes(),
                new.of.map_or("", |(f, _)| f),
                new.of.map(|(_, i)| i),
                new.channel,
                new.how,
                state,
                new.place.as_ref().map(|(c, _)| c.as_bytes()),
                new.place.map(|(_, t)| i64::try_from(t).unwrap_or(i64::MAX)),
                new.rule,
                c.now,
                by,
                reason
            ],
        )?;
        c.log(
            Kind::OptOutRaised,
            new.place.map(|(c, _)| c),
            None,
            &[
                ("opt_out", id.to_string().into()),
                ("channel", new.channel.into()),
                ("how", new.how.into()),
                ("state", state.into()),
                ("rule", new.rule.into()),
                ("number_known", new.of.is_some().into()),
            ],
        );
        if let (true, Some((field, index))) = (new.certain, new.of) {
            consent::end_all(c, field, index, &format!("opt_out:{id}"))?;
        }
        Ok(id)
    }

    /// Command *enter opt-out*: a wish that reached the site otherwise. `reason` has passed the detector.
    pub fn enter_opt_out(&self, actor: &Actor, contact: &str, reason: &str) -> Result<OptOutId, Error> {
        check_reason(reason, "the reason")?;
        let of = self.contact_index(contact)?.ok_or_else(|| {
            Refused::invalid("this is neither a telephone number nor an e-mail address", "correct it")
        })?;
        self.command_as(actor, "enter opt-out", |c| {
            let new = New {
                of: Some((of.field, &of.index)),
                channel: "manual",
                how: "entered",
                certain: true,
                place: None,
                rule: "us.tel.dnc.internal",
                reason: Some(reason),
            };
            self.raise(c, &new)
        })
    }

    /// Command *decide opt-out*. `reason` has passed the detector.
    pub fn decide_opt_out(
        &self,
        actor: &Actor,
        id: OptOutId,
        verdict: Verdict,
        reason: &str,
    ) -> Result<(), Error> {
        check_reason(reason, "the reason")?;
        let sealed = self.seal_own("opt_out", id.as_bytes(), "reason", reason)?;
        self.command_as(actor, "decide opt-out", |c| {
            let row: Option<(String, String, Option<Vec<u8>>)> =
                c.tx.query_row(
                    "SELECT state, field, blind_index FROM opt_out WHERE id = ?1",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
                )
                .optional()?;
            let (state, field, index) = row.ok_or(Refused::Unknown("withdrawal"))?;
            let after = match (state.as_str(), verdict) {
                ("in_doubt", Verdict::Confirm) => "stands",
                ("in_doubt", Verdict::Dismiss) => "dismissed",
                ("stands", Verdict::Lift) => "lifted",
                _ => return Err(Refused::Closed("withdrawal").into()),
            };
            c.tx.execute(
                "UPDATE opt_out SET state = ?2, decided_at = ?3, decided_by = ?4, sealed_reason = ?5 WHERE id = ?1",
                params![id.as_bytes(), after, c.now, actor.to_string(), sealed],
            )?;
            c.log(
                Kind::OptOutDecided,
                None,
                None,
                &[("opt_out", id.to_string().into()), ("state", after.into()), ("before", state.as_str().into())],
            );
            if let (Verdict::Confirm, Some(index)) = (verdict, index) {
                consent::end_all(c, &field, &index, &format!("opt_out:{id}"))?;
            }
            Ok(())
        })
    }

    /// Whether a number is not to be called: a wish that stands, or one in doubt. With the day of the oldest.
    pub fn opted_out(&self, of: &ContactIndex) -> Result<Option<String>, Error> {
        let found: Option<String> = self.db().query_row(
            "SELECT MIN(raised_at) FROM opt_out WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3
             AND state IN ('stands', 'in_doubt')",
            params![self.tenant.as_bytes(), of.field, of.index],
            |r| r.get(0),
        )?;
        Ok(found)
    }

    /// Every number that is not to be called, as fingerprints; for judging a list.
    pub fn all_opted_out(&self) -> Result<HashSet<[u8; 16]>, Error> {
        let db = self.db();
        let mut statement = db.prepare(
            "SELECT blind_index FROM opt_out WHERE tenant = ?1 AND field = 'phone' AND blind_index IS NOT NULL
             AND state IN ('stands', 'in_doubt')",
        )?;
        let rows = statement.query_map(params![self.tenant.as_bytes()], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| r?.try_into().map_err(|_| Error::Corrupt("a fingerprint that is not 16 bytes")))
            .collect()
    }

    /// The wishes, newest first; those that wait for a person before all others.
    pub fn opt_outs(&self) -> Result<Vec<OptOutRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, field, channel, how, state, conversation, turn, rule, raised_at, raised_by, decided_at,
                 decided_by, sealed_reason FROM opt_out WHERE tenant = ?1 ORDER BY state <> 'in_doubt', id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![self.tenant.as_bytes(), MAX_LIST], |r| {
                Ok(Raw {
                    id: r.get(0)?,
                    conversation: r.get(5)?,
                    reason: r.get(12)?,
                    row: OptOutRow {
                        id: OptOutId::from_bytes([0; 16]),
                        field: r.get(1)?,
                        channel: r.get(2)?,
                        how: r.get(3)?,
                        state: r.get(4)?,
                        conversation: None,
                        turn: r.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
                        rule: r.get(7)?,
                        raised_at: r.get(8)?,
                        raised_by: r.get(9)?,
                        decided_at: r.get(10)?,
                        decided_by: r.get(11)?,
                        reason: String::new(),
                    },
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        let open = |raw: Raw| -> Result<OptOutRow, Error> {
            let id: OptOutId = id_of(&raw.id)?;
            let reason =
                raw.reason.map(|s| self.open_own("opt_out", id.as_bytes(), "reason", &s)).transpose()?;
            Ok(OptOutRow {
                id,
                conversation: raw.conversation.as_deref().map(id_of).transpose()?,
                reason: reason.unwrap_or_default(),
                ..raw.row
            })
        };
        rows.into_iter().map(open).collect()
    }
}
