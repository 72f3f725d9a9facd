//! Seeing ONE hidden value: asked for with purpose and reason, agreed to by a second person where it must be, shown once.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Denied, Error, Session, Target, Vault, denied,
    gate::{Permit, RequestReveal, Reveal, token_facts},
    keys::id_of,
    times,
};
use callvault_ledger::{Kind, Value};
use callvault_model::{
    EntityType, Secret,
    id::{AccountId, ConversationId, PartyId, RevealId},
};
use callvault_policy::{Act, Reason};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// A shown value is taken off the screen after so long.
pub const SHOWN: SignedDuration = SignedDuration::from_secs(30);
/// A request waits so long for a second person.
const WAIT: SignedDuration = SignedDuration::from_hours(24);
/// An agreed request is good for so long.
const USE: SignedDuration = SignedDuration::from_mins(60);
/// Requests one account may have open.
const MAX_OPEN: i64 = 20;

/// One hidden value, shown.
#[derive(Debug)]
pub struct Revealed {
    /// The value.
    pub value: Secret<String>,
    /// What it is.
    pub entity: EntityType,
    /// When it must be off the screen.
    pub hide_at: Timestamp,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevealState {
    /// Waits for a second person.
    Pending,
    /// Can be shown, once.
    Approved,
    /// A second person said no.
    Refused,
    /// Was shown.
    Used,
    /// Nobody decided or used it in time.
    Expired,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct RevealRow {
    /// Its id.
    pub id: RevealId,
    /// Who asked.
    pub account: AccountId,
    /// Which value, by the name of its token.
    pub token: String,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// What the value is.
    pub entity: Option<String>,
    /// What for.
    pub purpose: String,
    /// Why, in words.
    pub reason: String,
    /// A second person has to agree.
    pub needs_second: bool,
    /// Where it stands now.
    pub state: RevealState,
    /// When it was asked for.
    pub requested_at: String,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When it is over.
    pub expires_at: String,
    /// When it was shown.
    pub used_at: Option<String>,
}

/// What the gate has to know of a request.
pub(crate) struct RequestFacts {
    pub account: AccountId,
    pub token: String,
    pub needs_second: bool,
    pub approved_by: Option<AccountId>,
}

/// The facts of a request.
pub(crate) fn facts(db: &Connection, id: RevealId) -> Result<RequestFacts, Error> {
    let row: Option<(Vec<u8>, String, bool, String, Option<Vec<u8>>)> = db
        .query_row(
            "SELECT account, token, needs_second, state, decided_by FROM reveal_request WHERE id = ?1",
            params![id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
        )
        .optional()?;
    let (account, token, needs_second, state, decided_by) = row.ok_or_else(denied::unknown)?;
    // Only an agreement counts: who refused has not approved.
    let approved_by = match (decided_by, state.as_str()) {
        (Some(by), "approved" | "used") => Some(id_of(&by)?),
        _ => None,
    };
    Ok(RequestFacts { account: id_of(&account)?, token, needs_second, approved_by })
}

impl Vault {
    /// Files a request. Its id; it waits for a second person where policy wants one, else it can be shown at once.
    pub fn request_reveal(&self, permit: Permit<RequestReveal>) -> Result<RevealId, Error> {
        let (question, answer, reason) = self.redeem(permit)?;
        let Target::Token(token) = &question.target else { return Err(denied::unknown()) };
        let (Some(purpose), Some(reason)) = (question.purpose, reason) else {
            return Err(Denied::of_reason(Reason::NeedsReason).into());
        };
        let (conversation, entity) = token_facts(&self.db(), token)?;
        let id = RevealId::new(self.clock.as_ref(), &self.entropy)?;
        let needs_second = entity.is_payment() || self.wants_second(&question, token)?;
        let (state, wait) = if needs_second { ("pending", WAIT) } else { ("approved", USE) };
        let sealed = self.seal_own("reveal_request", id.as_bytes(), "reason", &reason)?;
        self.command_as(&question.who.actor(), "request reveal", |c| {
            let open: i64 = c.tx.query_row(
                "SELECT COUNT(*) FROM reveal_request WHERE account = ?1 AND state IN ('pending', 'approved') AND expires_at > ?2",
                params![question.who.account.as_bytes(), c.now],
                |r| r.get(0),
            )?;
            if open >= MAX_OPEN {
                return Err(denied::too_many());
            }
            c.tx.execute(
                "INSERT INTO reveal_request (id, account, token, conversation, purpose, sealed_reason, needs_second, state, requested_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    id.as_bytes(), question.who.account.as_bytes(), token, conversation.as_bytes(), purpose.as_str(),
                    sealed, needs_second, state, c.now, times::after(self.clock.now(), wait).to_string()
                ],
            )?;
            let facts: [(&str, Value); 6] = [
                ("reveal", id.to_string().into()),
                ("token", token.as_str().into()),
                ("entity", entity.as_str().into()),
                ("purpose", purpose.as_str().into()),
                ("needs_second", needs_second.into()),
                ("policies", answer.policies.join(" ").into()),
            ];
            c.log(Kind::RevealRequested, Some(conversation), None, &facts);
            Ok(())
        })?;
        Ok(id)
    }

    /// Whether policy would refuse this person for want of a second one.
    fn wants_second(&self, question: &crate::gate::Question, token: &str) -> Result<bool, Error> {
        let (conversation, entity) = token_facts(&self.db(), token)?;
        let state = self.conversation(conversation)?.state.as_str();
        let mut resource = callvault_policy::ResourceFacts::token(state, entity);
        resource.requested_by = Some(question.who.account);
        let decision = self.decide_on(question, Act::Reveal, resource);
        Ok(decision.reasons().iter().any(|r| r.reason == Reason::NeedsSecondPerson))
    }

    /// A second person agrees or refuses.
    pub fn decide_reveal(&self, who: &Session, id: RevealId, agree: bool) -> Result<(), Error> {
        self.authorise(who, Act::ApproveReveal, Target::Reveal(id), None)?;
        self.command_as(&who.actor(), "decide reveal", |c| {
            let (state, expires, account, conversation): (String, String, Vec<u8>, Vec<u8>) = c.tx.query_row(
                "SELECT state, expires_at, account, conversation FROM reveal_request WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
            )?;
            if state != "pending" {
                return Err(denied::not_pending());
            }
            if self.clock.now() >= times::parse(&expires)? {
                return Err(denied::request_over());
            }
            if account == who.account.as_bytes() {
                return Err(Denied::of_reason(Reason::OwnRequest).into());
            }
            let state = if agree { "approved" } else { "refused" };
            c.tx.execute(
                "UPDATE reveal_request SET state = ?2, decided_by = ?3, decided_at = ?4, expires_at = ?5 WHERE id = ?1",
                params![
                    id.as_bytes(), state, who.account.as_bytes(), c.now,
                    times::after(self.clock.now(), USE).to_string()
                ],
            )?;
            c.log(
                Kind::RevealDecided,
                Some(id_of(&conversation)?),
                None,
                &[("reveal", id.to_string().into()), ("decision", state.into())],
            );
            Ok(())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Shows the value of a request, once: used up, written into the ledger and durable before it returns.
    pub fn reveal(&self, permit: Permit<Reveal>) -> Result<Revealed, Error> {
        let (question, answer, _) = self.redeem(permit)?;
        let Target::Reveal(id) = question.target else { return Err(denied::unknown()) };
        let draft = self.reading(Kind::AccessRevealed, &question, &answer, "value");
        self.command_as(&question.who.actor(), "reveal", |c| {
            let (state, expires, token, decided, purpose): (String, String, String, Option<Vec<u8>>, String) =
                c.tx.query_row(
                    "SELECT state, expires_at, token, decided_by, purpose FROM reveal_request WHERE id = ?1",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
                )?;
            match state.as_str() {
                "approved" => {}
                "used" => return Err(denied::used()),
                "refused" => return Err(denied::refused_before()),
                _ => return Err(Denied::of_reason(Reason::NeedsSecondPerson).into()),
            }
            if self.clock.now() >= times::parse(&expires)? {
                return Err(denied::request_over());
            }
            let (value, entity) = self.open_token(&c.tx, &token)?;
            c.tx.execute(
                "UPDATE reveal_request SET state = 'used', used_at = ?2 WHERE id = ?1",
                params![id.as_bytes(), c.now],
            )?;
            let mut draft =
                draft.fact("token", token).fact("entity", entity.as_str()).fact("purpose", purpose);
            if let Some(by) = decided {
                draft =
                    draft.fact("approved_by", id_of::<callvault_model::id::AccountKind>(&by)?.to_string());
            }
            c.push(draft);
            Ok(Revealed { value, entity, hide_at: times::after(self.clock.now(), SHOWN) })
        })
    }

    /// Opens one token. Only [`Vault::reveal`] calls it for people.
    fn open_token(&self, db: &Connection, token: &str) -> Result<(Secret<String>, EntityType), Error> {
        let row: Option<(Vec<u8>, String, Vec<u8>)> = db
            .query_row("SELECT party, entity, sealed_value FROM token WHERE id = ?1", params![token], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })
            .optional()?;
        let (party, entity, sealed) = row.ok_or_else(denied::destroyed)?;
        let party: PartyId = id_of(&party)?;
        let (key, subject) = self.party_key(db, party)?;
        let aad = self.aad(Some(subject), "token", token.as_bytes(), &entity);
        let plain = callvault_seal::open(&key, &aad, &sealed)?;
        let text =
            std::str::from_utf8(plain.expose()).map_err(|_| Error::Corrupt("a value that is not UTF-8"))?;
        let value = Secret::new(text.to_owned());
        Ok((value, entity.parse().map_err(|_| Error::Corrupt("an unknown entity type"))?))
    }

    /// Requests, newest first; those of one account where one is named.
    pub fn reveal_requests(&self, of: Option<AccountId>) -> Result<Vec<RevealRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT r.id, r.account, r.token, r.conversation, t.entity, r.purpose, r.sealed_reason, r.needs_second, r.state,
                        r.requested_at, r.decided_by, r.expires_at, r.used_at
                 FROM reveal_request r LEFT JOIN token t ON t.id = r.token
                 WHERE r.account = ?1 OR ?1 IS NULL ORDER BY r.id DESC LIMIT 1000",
            )?;
            let rows = statement.query_map(params![of.map(|id| id.as_bytes().to_vec())], |r| {
                Ok((
                    (
                        r.get::<_, Vec<u8>>(0)?,
                        r.get::<_, Vec<u8>>(1)?,
                        r.get::<_, String>(2)?,
                        r.get::<_, Vec<u8>>(3)?,
                    ),
                    (
                        r.get::<_, Option<String>>(4)?,
                        r.get::<_, String>(5)?,
                        r.get::<_, Vec<u8>>(6)?,
                        r.get::<_, bool>(7)?,
                    ),
                    (r.get::<_, String>(8)?, r.get::<_, String>(9)?, r.get::<_, Option<Vec<u8>>>(10)?),
                    (r.get::<_, String>(11)?, r.get::<_, Option<String>>(12)?),
                ))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        let now = self.clock.now();
        rows.into_iter()
            .map(
                |(
                    (id, account, token, conversation),
                    (entity, purpose, sealed, needs_second),
                    rest,
                    last,
                )| {
                    let ((state, requested_at, decided_by), (expires_at, used_at)) = (rest, last);
                    let over = now >= times::parse(&expires_at)?;
                    Ok(RevealRow {
                        reason: self.open_own("reveal_request", &id, "reason", &sealed)?,
                        id: id_of(&id)?,
                        account: id_of(&account)?,
                        token,
                        conversation: id_of(&conversation)?,
                        entity,
                        purpose,
                        needs_second,
                        state: state_now(&state, over)?,
                        requested_at,
                        decided_by: decided_by.as_deref().map(id_of).transpose()?,
                        expires_at,
                        used_at,
                    })
                },
            )
            .collect()
    }
}

fn state_now(state: &str, over: bool) -> Result<RevealState, Error> {
    Ok(match (state, over) {
        ("pending" | "approved", true) => RevealState::Expired,
        ("pending", false) => RevealState::Pending,
        ("approved", false) => RevealState::Approved,
        ("refused", _) => RevealState::Refused,
        ("used", _) => RevealState::Used,
        _ => return Err(Error::Corrupt("an unknown state of a request")),
    })
}
