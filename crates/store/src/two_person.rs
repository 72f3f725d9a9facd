//! Requests that another person has to agree to before a command may run: asked, decided, used once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, Session, Target, Vault, denied, keys::id_of, times};
use callvault_ledger::{Kind, Value};
use callvault_model::id::{AccountId, DecisionId};
use callvault_policy::{Act, Reason};
use jiff::SignedDuration;
use serde::Serialize;

/// A request waits, and an agreed one is good, for so long.
const WAIT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Facts of a request are codes and numbers, never text of people.
const MAX_FACTS: usize = 4_096;
const MAX_OPEN: i64 = 20;

/// What needs two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// Leaving observe mode.
    EnableDisposal,
    /// Erasing one person.
    EraseSubject,
    /// Ending a tenant.
    EndTenant,
    /// Another protection of the key file, or new recovery shares.
    ChangeKeys,
}

impl Shared {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EnableDisposal => "enable_disposal",
            Self::EraseSubject => "erase_subject",
            Self::EndTenant => "end_tenant",
            Self::ChangeKeys => "change_keys",
        }
    }

    fn parse(code: &str) -> Result<Self, Error> {
        [Self::EnableDisposal, Self::EraseSubject, Self::EndTenant, Self::ChangeKeys]
            .into_iter()
            .find(|s| s.as_str() == code)
            .ok_or(Error::Corrupt("an unknown request"))
    }

    /// What the asker and the second person must be allowed to do.
    pub fn acts(self) -> (Act, Act) {
        match self {
            Self::EnableDisposal | Self::EndTenant | Self::ChangeKeys => {
                (Act::RequestDisposalMode, Act::ApproveDisposalMode)
            }
            Self::EraseSubject => (Act::WorkSubjectRequests, Act::ApproveErasure),
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionState {
    /// Waits for a second person.
    Pending,
    /// A second person agreed; not carried out yet.
    Approved,
    /// A second person said no.
    Refused,
    /// Was carried out.
    Used,
    /// Its time is over.
    Expired,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionRow {
    /// Its id.
    pub id: DecisionId,
    /// What for.
    pub what: Shared,
    /// Its terms as JSON: codes and numbers.
    pub facts: serde_json::Value,
    /// Who asked.
    pub requested_by: AccountId,
    /// When.
    pub requested_at: String,
    /// Where it stands now.
    pub state: DecisionState,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<String>,
    /// When it is over.
    pub expires_at: String,
}

/// Two people agreed: who asked, who approved, on which terms.
#[derive(Debug, Clone)]
pub struct Agreed {
    /// Who asked.
    pub requested_by: AccountId,
    /// Who agreed.
    pub approved_by: AccountId,
    /// On which terms.
    pub facts: serde_json::Value,
}

/// Who asked.
pub(crate) fn requester(db: &Connection, id: DecisionId) -> Result<AccountId, Error> {
    let by: Option<Vec<u8>> = db
        .query_row("SELECT requested_by FROM two_person WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    id_of(&by.ok_or_else(denied::unknown)?)
}

impl Vault {
    /// Asks for something that needs another person. `facts` are codes and numbers.
    pub fn request_second(
        &self,
        who: &Session,
        what: Shared,
        facts: &serde_json::Value,
    ) -> Result<DecisionId, Error> {
        let actor = self.authorise(who, what.acts().0, Target::Program, None)?;
        self.file_second(&actor, who.account(), what, facts)
    }

    /// The same from this machine's command line; whoever signed in may agree.
    pub fn request_second_locally(
        &self,
        what: Shared,
        facts: &serde_json::Value,
    ) -> Result<DecisionId, Error> {
        self.file_second(&Actor::LocalOperator, AccountId::from_bytes([0; 16]), what, facts)
    }

    fn file_second(
        &self,
        actor: &Actor,
        account: AccountId,
        what: Shared,
        facts: &serde_json::Value,
    ) -> Result<DecisionId, Error> {
        let text = facts.to_string();
        if text.len() > MAX_FACTS {
            return Err(denied::too_many());
        }
        let id = DecisionId::new(self.clock.as_ref(), &self.entropy)?;
        self.command_as(actor, "request second person", |c| {
            let open: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM two_person WHERE requested_by = ?1 AND state = 'pending'",
                params![account.as_bytes()],
                |r| r.get(0),
            )?;
            if open >= MAX_OPEN {
                return Err(denied::too_many());
            }
            c.tx.execute(
                "INSERT INTO two_person (id, act, facts, requested_by, requested_at, state, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6)",
                params![
                    id.as_bytes(),
                    what.as_str(),
                    text,
                    account.as_bytes(),
                    c.now,
                    times::after(self.clock.now(), WAIT).to_string()
                ],
            )?;
            log(c, Kind::ApprovalRequested, id, what, "requested");
            Ok(())
        })?;
        Ok(id)
    }

    /// Another person agrees or refuses.
    pub fn decide_second(&self, who: &Session, id: DecisionId, agree: bool) -> Result<(), Error> {
        let what = {
            let db = self.db();
            let code: Option<String> = db
                .query_row("SELECT act FROM two_person WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
                .optional()?;
            Shared::parse(&code.ok_or_else(denied::unknown)?)?
        };
        let actor = self.authorise(who, what.acts().1, Target::Decision(id), None)?;
        self.command_as(&actor, "decide for second person", |c| {
            let (state, expires): (String, String) = c.tx.query_row(
                "SELECT state, expires_at FROM two_person WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?;
            if state != "pending" {
                return Err(denied::not_pending());
            }
            if self.clock.now() >= times::parse(&expires)? {
                return Err(denied::request_over());
            }
            if requester(&c.tx, id)? == who.account() {
                return Err(crate::Denied::of_reason(Reason::OwnRequest).into());
            }
            let state = if agree { "approved" } else { "refused" };
            c.tx.execute(
                "UPDATE two_person SET state = ?2, decided_by = ?3, decided_at = ?4 WHERE id = ?1",
                params![id.as_bytes(), state, who.account().as_bytes(), c.now],
            )?;
            log(c, Kind::ApprovalDecided, id, what, state);
            Ok(())
        })
    }

    /// Who agreed to what, as long as it is not used.
    pub(crate) fn agreement(&self, id: DecisionId) -> Result<Agreed, Error> {
        read_agreed(&self.db(), id)
    }

    /// All requests, newest first.
    pub fn decisions(&self) -> Result<Vec<DecisionRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, act, facts, requested_by, requested_at, state, decided_by, decided_at, expires_at
             FROM two_person ORDER BY id DESC LIMIT 1000",
        )?;
        let rows = statement.query_map([], |r| {
            Ok((
                (
                    r.get::<_, Vec<u8>>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, String>(2)?,
                    r.get::<_, Vec<u8>>(3)?,
                ),
                (r.get::<_, String>(4)?, r.get::<_, String>(5)?, r.get::<_, Option<Vec<u8>>>(6)?),
                (r.get::<_, Option<String>>(7)?, r.get::<_, String>(8)?),
            ))
        })?;
        let now = self.clock.now();
        rows.map(|row| {
            let ((id, what, facts, by), (requested_at, state, decided_by), (decided_at, expires_at)) = row?;
            let over = now >= times::parse(&expires_at)?;
            let state = match (state.as_str(), over) {
                ("pending" | "approved", true) => DecisionState::Expired,
                ("pending", false) => DecisionState::Pending,
                ("approved", false) => DecisionState::Approved,
                ("refused", _) => DecisionState::Refused,
                ("used", _) => DecisionState::Used,
                _ => return Err(Error::Corrupt("an unknown state of a request")),
            };
            Ok(DecisionRow {
                id: id_of(&id)?,
                what: Shared::parse(&what)?,
                facts: serde_json::from_str(&facts).map_err(|_| Error::Corrupt("facts of a request"))?,
                requested_by: id_of(&by)?,
                requested_at,
                state,
                decided_by: decided_by.as_deref().map(id_of).transpose()?,
                decided_at,
                expires_at,
            })
        })
        .collect()
    }
}

/// The two people and the terms of an agreed request.
fn read_agreed(db: &Connection, id: DecisionId) -> Result<Agreed, Error> {
    let row: Option<(String, Vec<u8>, Option<Vec<u8>>, String)> = db
        .query_row(
            "SELECT state, requested_by, decided_by, facts FROM two_person WHERE id = ?1",
            params![id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .optional()?;
    let (state, by, decided, facts) = row.ok_or_else(denied::unknown)?;
    match state.as_str() {
        "approved" => {}
        "used" => return Err(denied::used()),
        "refused" => return Err(denied::refused_before()),
        _ => return Err(crate::Denied::of_reason(Reason::NeedsSecondPerson).into()),
    }
    let approved_by = id_of(&decided.ok_or(Error::Corrupt("an approval without a person"))?)?;
    let agreed = Agreed {
        requested_by: id_of(&by)?,
        approved_by,
        facts: serde_json::from_str(&facts).map_err(|_| Error::Corrupt("facts of a request"))?,
    };
    if agreed.requested_by == agreed.approved_by {
        return Err(crate::Denied::of_reason(Reason::OwnRequest).into());
    }
    Ok(agreed)
}

/// Uses an agreed request up inside the command that carries it out.
pub(crate) fn use_up(
    c: &mut Command<'_>,
    id: DecisionId,
    what: Shared,
    now: jiff::Timestamp,
) -> Result<Agreed, Error> {
    let agreed = read_agreed(&c.tx, id)?;
    let (act, expires): (String, String) = c.tx.query_row(
        "SELECT act, expires_at FROM two_person WHERE id = ?1",
        params![id.as_bytes()],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    if act != what.as_str() {
        return Err(denied::unknown());
    }
    if now >= times::parse(&expires)? {
        return Err(denied::request_over());
    }
    c.tx.execute(
        "UPDATE two_person SET state = 'used', used_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), c.now],
    )?;
    Ok(agreed)
}

fn log(c: &mut Command<'_>, kind: Kind, id: DecisionId, what: Shared, change: &str) {
    let facts: [(&str, Value); 3] =
        [("decision", id.to_string().into()), ("what", what.as_str().into()), ("change", change.into())];
    c.log(kind, None, None, &facts);
}
