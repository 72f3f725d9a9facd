//! Rights for a while: asked for with a reason, given by another person, over at a time, taken away at once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Error, Session, Target, Vault, denied,
    gate::{Question, check_reason},
    keys::id_of,
    times,
};
use callvault_ledger::{Kind, Value};
use callvault_model::id::{AccountId, ConversationId, GrantId, SubjectId};
use callvault_policy::{Act, Purpose};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The longest right: seven days.
pub const MAX_MINUTES: u32 = 7 * 24 * 60;
/// What can be given for a while at all.
pub const GRANTABLE: [Act; 4] = [Act::ReadMasked, Act::PlayMuted, Act::ReadSubject, Act::RequestReveal];
/// A request nobody decided is over after so long.
pub const WAIT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Requests one account may have waiting.
const MAX_WAITING: i64 = 50;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct GrantWish {
    /// What to do.
    pub act: Act,
    /// On what: one conversation, one person's conversations, or [`Target::Program`] for all.
    pub target: Target,
    /// What for.
    pub purpose: Purpose,
    /// Why, in words that passed the detector; kept sealed.
    pub reason: String,
    /// For how long, counted from the approval.
    pub minutes: u32,
}

/// Where a right stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Waits for another person.
    Requested,
    /// Can be used.
    Active,
    /// Another person said no.
    Refused,
    /// Its time is over.
    Ended,
    /// Somebody took it away.
    Revoked,
}

/// One right.
#[derive(Debug, Clone, Serialize)]
pub struct GrantRow {
    /// Its id.
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// What.
    pub act: String,
    /// `conversation`, `subject` or `all`.
    pub target_kind: String,
    /// Which.
    pub target: Option<String>,
    /// What for.
    pub purpose: String,
    /// Why, in words.
    pub reason: String,
    /// Where it stands now.
    pub state: GrantState,
    /// When it was asked for.
    pub requested_at: String,
    /// For how long.
    pub minutes: u32,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<String>,
    /// When it ends by itself.
    pub ends_at: Option<String>,
    /// When it was taken away.
    pub revoked_at: Option<String>,
}

fn place(target: &Target) -> Result<(&'static str, Option<[u8; 16]>), Error> {
    match target {
        Target::Program => Ok(("all", None)),
        Target::Conversation(id) => Ok(("conversation", Some(*id.as_bytes()))),
        Target::Subject(id) => Ok(("subject", Some(*id.as_bytes()))),
        _ => Err(denied::not_grantable()),
    }
}

impl Vault {
    /// Asks for a right for a while.
    pub fn request_grant(&self, who: &Session, wish: &GrantWish) -> Result<GrantId, Error> {
        check_reason(&wish.reason)?;
        let (kind, target) = place(&wish.target)?;
        if !GRANTABLE.contains(&wish.act) {
            return Err(denied::not_grantable());
        }
        if !(1..=MAX_MINUTES).contains(&wish.minutes) {
            return Err(denied::bad_minutes());
        }
        let (question, answer) = self.ask(Question {
            who: who.clone(),
            act: Act::RequestGrant,
            target: wish.target.clone(),
            purpose: Some(wish.purpose),
            has_reason: true,
        })?;
        let id = GrantId::new(self.clock.as_ref(), &self.entropy)?;
        let sealed = self.seal_own("access_grant", id.as_bytes(), "reason", &wish.reason)?;
        self.command_as(&who.actor(), "request grant", |c| {
            let waiting: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM access_grant WHERE account = ?1 AND state = 'requested'",
                params![question.who.account.as_bytes()],
                |r| r.get(0),
            )?;
            if waiting >= MAX_WAITING {
                return Err(denied::too_many());
            }
            c.tx.execute(
                "INSERT INTO access_grant (id, account, act, target_kind, target, purpose, sealed_reason, state, requested_at, minutes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'requested', ?8, ?9)",
                params![
                    id.as_bytes(), question.who.account.as_bytes(), wish.act.as_str(), kind, target,
                    wish.purpose.as_str(), sealed, c.now, wish.minutes
                ],
            )?;
            let facts: [(&str, Value); 6] = [
                ("grant", id.to_string().into()),
                ("change", "requested".into()),
                ("act", wish.act.as_str().into()),
                ("target_kind", kind.into()),
                ("purpose", wish.purpose.as_str().into()),
                ("minutes", wish.minutes.into()),
            ];
            c.log(Kind::GrantChanged, answer.conversation, answer.subject, &facts);
            Ok(())
        })?;
        Ok(id)
    }

    /// Another person gives the right, which starts now, or refuses it.
    pub fn decide_grant(&self, who: &Session, id: GrantId, give: bool) -> Result<(), Error> {
        self.authorise(who, Act::ApproveGrant, Target::Grant(id), None)?;
        self.command_as(&who.actor(), "decide grant", |c| {
            let (state, requested, minutes, account): (String, String, u32, Vec<u8>) = c.tx.query_row(
                "SELECT state, requested_at, minutes, account FROM access_grant WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
            )?;
            if state != "requested" {
                return Err(denied::not_pending());
            }
            let now = self.clock.now();
            if now.duration_since(times::parse(&requested)?) >= WAIT {
                return Err(denied::request_over());
            }
            // Two decisions by one person would be one decision; policy said so, and the row must agree.
            if account == who.account.as_bytes() {
                return Err(crate::Denied::of_reason(callvault_policy::Reason::OwnRequest).into());
            }
            let ends = give.then(|| times::after(now, SignedDuration::from_mins(i64::from(minutes))).to_string());
            let state = if give { "active" } else { "refused" };
            c.tx.execute(
                "UPDATE access_grant SET state = ?2, decided_by = ?3, decided_at = ?4, ends_at = ?5 WHERE id = ?1",
                params![id.as_bytes(), state, who.account.as_bytes(), c.now, ends],
            )?;
            let change = if give { "given" } else { "refused" };
            c.log(
                Kind::GrantChanged,
                None,
                None,
                &[("grant", id.to_string().into()), ("change", change.into())],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Takes a right away at once: open audio stops, permits made with it are worth nothing.
    pub fn revoke_grant(&self, who: &Session, id: GrantId) -> Result<(), Error> {
        let actor = self.authorise(who, Act::RevokeGrant, Target::Grant(id), None)?;
        self.take_grant(&actor, id, Some(who.account))
    }

    /// The same by the user of this machine, who may always take away.
    pub fn revoke_grant_locally(&self, id: GrantId) -> Result<(), Error> {
        self.take_grant(&crate::Actor::LocalOperator, id, None)
    }

    fn take_grant(&self, by: &crate::Actor, id: GrantId, account: Option<AccountId>) -> Result<(), Error> {
        self.command_as(by, "revoke grant", |c| {
            let changed = c.tx.execute(
                "UPDATE access_grant SET state = 'revoked', revoked_by = ?2, revoked_at = ?3
                 WHERE id = ?1 AND state IN ('requested', 'active')",
                params![id.as_bytes(), account.map(|a| a.as_bytes().to_vec()), c.now],
            )?;
            if changed != 1 {
                let known: bool = c.tx.query_row(
                    "SELECT EXISTS (SELECT 1 FROM access_grant WHERE id = ?1)",
                    params![id.as_bytes()],
                    |r| r.get(0),
                )?;
                return Err(if known { denied::not_pending() } else { denied::unknown() });
            }
            c.log(
                Kind::GrantChanged,
                None,
                None,
                &[("grant", id.to_string().into()), ("change", "revoked".into())],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// All rights and requests, newest first; those of one account where one is named.
    pub fn grants(&self, of: Option<AccountId>) -> Result<Vec<GrantRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, account, act, target_kind, target, purpose, sealed_reason, state, requested_at, minutes,
                        decided_by, decided_at, ends_at, revoked_at
                 FROM access_grant WHERE account = ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT 1000",
            )?;
            let rows = statement.query_map(params![of.map(|id| id.as_bytes().to_vec())], Raw::read)?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter().map(|raw| self.grant_row(raw)).collect()
    }

    fn grant_row(&self, raw: Raw) -> Result<GrantRow, Error> {
        let now = self.clock.now();
        let over = match &raw.ends_at {
            Some(ends) => now >= times::parse(ends)?,
            None => now.duration_since(times::parse(&raw.requested_at)?) >= WAIT,
        };
        let state = match (raw.state.as_str(), over) {
            ("requested" | "active", true) => GrantState::Ended,
            ("requested", false) => GrantState::Requested,
            ("active", false) => GrantState::Active,
            ("refused", _) => GrantState::Refused,
            ("revoked", _) => GrantState::Revoked,
            _ => return Err(Error::Corrupt("an unknown state of a right")),
        };
        let target = raw.target.map(|t| id_of::<callvault_model::id::ConversationKind>(&t)).transpose()?;
        Ok(GrantRow {
            id: id_of(&raw.id)?,
            account: id_of(&raw.account)?,
            act: raw.act,
            target_kind: raw.target_kind,
            target: target.map(|t| t.to_string()),
            purpose: raw.purpose,
            reason: self.open_own("access_grant", &raw.id, "reason", &raw.sealed_reason)?,
            state,
            requested_at: raw.requested_at,
            minutes: raw.minutes,
            decided_by: raw.decided_by.as_deref().map(id_of).transpose()?,
            decided_at: raw.decided_at,
            ends_at: raw.ends_at,
            revoked_at: raw.revoked_at,
        })
    }
}

struct Raw {
    id: Vec<u8>,
    account: Vec<u8>,
    act: String,
    target_kind: String,
    target: Option<Vec<u8>>,
    purpose: String,
    sealed_reason: Vec<u8>,
    state: String,
    requested_at: String,
    minutes: u32,
    decided_by: Option<Vec<u8>>,
    decided_at: Option<String>,
    ends_at: Option<String>,
    revoked_at: Option<String>,
}

impl Raw {
    fn read(r: &crate::db::Row<'_>) -> crate::db::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            account: r.get(1)?,
            act: r.get(2)?,
            target_kind: r.get(3)?,
            target: r.get(4)?,
            purpose: r.get(5)?,
            sealed_reason: r.get(6)?,
            state: r.get(7)?,
            requested_at: r.get(8)?,
            minutes: r.get(9)?,
            decided_by: r.get(10)?,
            decided_at: r.get(11)?,
            ends_at: r.get(12)?,
            revoked_at: r.get(13)?,
        })
    }
}

/// Whose right it is.
pub(crate) fn holder(db: &Connection, id: GrantId) -> Result<AccountId, Error> {
    let account: Option<Vec<u8>> = db
        .query_row("SELECT account FROM access_grant WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    id_of(&account.ok_or_else(denied::unknown)?)
}

/// An active right that covers this question: the same act and purpose, on this thing.
pub(crate) fn active_for(
    db: &Connection,
    question: &Question,
    conversation: Option<ConversationId>,
    subject: Option<SubjectId>,
    now: Timestamp,
) -> Result<Option<GrantId>, Error> {
    let Some(purpose) = question.purpose.filter(|_| GRANTABLE.contains(&question.act)) else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached(
        "SELECT g.id, g.ends_at FROM access_grant g
         WHERE g.account = ?1 AND g.state = 'active' AND g.act = ?2 AND g.purpose = ?3
           AND (g.target_kind = 'all'
             OR (g.target_kind = 'conversation' AND g.target = ?4)
             OR (g.target_kind = 'subject' AND (g.target = ?5
               OR EXISTS (SELECT 1 FROM party p WHERE p.conversation = ?4 AND p.subject = g.target))))",
    )?;
    let mut rows = statement.query(params![
        question.who.account.as_bytes(),
        question.act.as_str(),
        purpose.as_str(),
        conversation.map(|c| c.as_bytes().to_vec()),
        subject.map(|s| s.as_bytes().to_vec())
    ])?;
    while let Some(row) = rows.next()? {
        let (id, ends): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
        if now < times::parse(&ends)? {
            return Ok(Some(id_of(&id)?));
        }
    }
    Ok(None)
}
