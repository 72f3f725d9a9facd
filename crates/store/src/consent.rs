//! Consent, with what proves it, and its end. A consent is found by the keyed fingerprint of a number or address; the
//! number itself is not kept.

use crate::db::{OptionalExtension, Row, params};
use crate::{Actor, Command, Error, Refused, Vault, contacts::contact, hex, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{ConsentId, ConversationId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Largest record that proves a consent.
pub const MAX_PROOF: usize = 1 << 20;
/// Longest text of a detail.
const MAX_TEXT: usize = 500;
/// Most consents that one page lists.
const MAX_LIST: u32 = 200;

/// Words of the table's columns.
const CHANNELS: [&str; 5] = ["any", "voice", "sms", "email", "chat"];
const PURPOSES: [&str; 5] = ["marketing", "service", "recording", "health", "research"];
const KINDS: [&str; 2] = ["prior_express", "prior_express_written"];

/// What a consent says beside its columns. Sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detail {
    /// The seller it names.
    pub seller: String,
    /// Where it was given: a form, a call, paper.
    pub source: String,
    /// What it was signed with; empty when it was not.
    pub signature: String,
    /// It said that calls may be autodialled or prerecorded.
    pub disclosure_autodialer: Option<bool>,
    /// It said that it is no condition of a purchase.
    pub disclosure_not_condition: Option<bool>,
}

/// What proves a consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A place in a conversation.
    Conversation {
        /// Which.
        id: ConversationId,
        /// Milliseconds from its beginning.
        from_ms: u64,
        /// Milliseconds from its beginning.
        to_ms: u64,
    },
    /// A record: a form, a scan, a log. Sealed.
    Record(Vec<u8>),
}

/// A consent as it is recorded.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// Number or address of the person; only its fingerprint is kept.
    pub contact: String,
    /// `any`, `voice`, `sms`, `email` or `chat`.
    pub channel: String,
    /// `marketing`, `service`, `recording`, `health` or `research`.
    pub purpose: String,
    /// `prior_express` or `prior_express_written`.
    pub kind: String,
    /// The rest.
    pub detail: Detail,
    /// What proves it.
    pub proof: Proof,
    /// The day it was given.
    pub given: Date,
    /// The last day it holds.
    pub expires: Option<Date>,
}

/// A consent on file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ConsentRow {
    /// Its id.
    pub id: ConsentId,
    /// `phone` or `email`.
    pub field: String,
    /// See [`NewConsent::channel`].
    pub channel: String,
    /// See [`NewConsent::purpose`].
    pub purpose: String,
    /// See [`NewConsent::kind`].
    pub kind: String,
    /// What it says.
    pub detail: Detail,
    /// The conversation that proves it.
    pub conversation: Option<ConversationId>,
    /// Where in it, in milliseconds.
    pub from_ms: Option<u64>,
    /// Where in it, in milliseconds.
    pub to_ms: Option<u64>,
    /// SHA-256 of the record that proves it.
    pub proof_sha256: Option<String>,
    /// The day it was given.
    pub given: String,
    /// The last day it holds.
    pub expires: Option<String>,
    /// RFC 3339.
    pub recorded_at: String,
    /// Who recorded it: an actor.
    pub recorded_by: String,
    /// RFC 3339; absent while it stands.
    pub withdrawn_at: Option<String>,
    /// An actor, or how it came.
    pub withdrawn_by: Option<String>,
}

/// A number or address, as its keyed fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContactIndex {
    /// `phone` or `email`.
    pub field: &'static str,
    /// The fingerprint.
    pub index: [u8; 16],
}

impl ContactIndex {
    /// Stands for the number where facts have to name one.
    pub fn pseudonym(&self) -> String {
        format!("{}:{}", self.field, hex(&self.index))
    }
}

fn one_of(word: &str, list: &[&str], what: &'static str) -> Result<(), Refused> {
    if list.contains(&word) {
        return Ok(());
    }
    Err(Refused::invalid(format!("{what} is none of {}", list.join(", ")), "choose one of them"))
}

impl NewConsent {
    fn check(&self, today: Date) -> Result<(), Refused> {
        one_of(&self.channel, &CHANNELS, "the channel")?;
        one_of(&self.purpose, &PURPOSES, "the purpose")?;
        one_of(&self.kind, &KINDS, "the kind")?;
        let texts = [&self.detail.seller, &self.detail.source, &self.detail.signature];
        if texts.iter().any(|t| t.chars().count() > MAX_TEXT) {
            return Err(Refused::invalid("a text of more than 500 characters", "shorten it"));
        }
        if self.given > today {
            return Err(Refused::invalid("a consent of the future", "give the day on which it was given"));
        }
        if self.expires.is_some_and(|e| e < self.given) {
            return Err(Refused::invalid("it ends before it was given", "correct one of the days"));
        }
        match &self.proof {
            Proof::Record(bytes) if bytes.is_empty() || bytes.len() > MAX_PROOF => {
                Err(Refused::invalid("the record that proves it", "give a file of 1 byte to 1 MiB"))
            }
            Proof::Conversation { from_ms, to_ms, .. } if to_ms < from_ms => {
                Err(Refused::invalid("the place ends before it begins", "correct the times"))
            }
            _ => Ok(()),
        }
    }
}

impl Vault {
    /// The fingerprint of a number or address; `None` for what is neither.
    pub fn contact_index(&self, address: &str) -> Result<Option<ContactIndex>, Error> {
        let Some(c) = contact(address) else { return Ok(None) };
        Ok(Some(ContactIndex { field: c.field, index: self.index(c.field, &c.value)? }))
    }

    fn must_index(&self, address: &str) -> Result<ContactIndex, Error> {
        self.contact_index(address)?.ok_or_else(|| {
            Refused::invalid(
                "this is neither a telephone number nor an e-mail address",
                "write the number with 7 to 15 digits, or the address",
            )
            .into()
        })
    }

    /// Command *record consent*.
    pub fn record_consent(&self, actor: &Actor, new: &NewConsent) -> Result<ConsentId, Error> {
        new.check(jiff::tz::Offset::UTC.to_datetime(self.clock.now()).date())?;
        let of = self.must_index(&new.contact)?;
        let id = ConsentId::new(self.clock.as_ref(), &self.entropy)?;
        let detail = serde_json::to_string(&new.detail).map_err(|_| Error::Corrupt("a consent"))?;
        let detail = self.seal_own("consent", id.as_bytes(), "detail", &detail)?;
        let (conversation, from, to, sha, sealed) = match &new.proof {
            Proof::Conversation { id, from_ms, to_ms } => {
                (Some(*id), i64::try_from(*from_ms).ok(), i64::try_from(*to_ms).ok(), None, None)
            }
            Proof::Record(bytes) => {
                let sealed = self.seal_bytes("consent", id.as_bytes(), "proof", bytes)?;
                (None, None, None, Some(hex(&Sha256::digest(bytes))), Some(sealed))
            }
        };
        self.command_as(actor, "record consent", |c| {
            if let Some(conversation) = conversation {
                let known: bool = c.one(
                    "SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ?1 AND state IN ('recorded', 'shredding', 'disposed'))",
                    params![conversation.as_bytes()],
                    |r| r.get(0),
                )?;
                if !known {
                    return Err(Refused::Unknown("recorded conversation").into());
                }
            }
            c.run(
                "INSERT INTO consent (id, tenant, field, blind_index, channel, purpose, kind, sealed_detail,
                 proof_conversation, proof_from_ms, proof_to_ms, proof_sha256, sealed_proof, given_on, expires_on,
                 recorded_at, recorded_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
                params![
                    id.as_bytes(),
                    self.tenant.as_bytes(),
                    of.field,
                    of.index,
                    new.channel,
                    new.purpose,
                    new.kind,
                    detail,
                    conversation.as_ref().map(|c| c.as_bytes()),
                    from,
                    to,
                    sha,
                    sealed,
                    new.given.to_string(),
                    new.expires.map(|d| d.to_string()),
                    c.now,
                    actor.to_string()
                ],
            )?;
            c.log(
                Kind::ConsentRecorded,
                conversation,
                None,
                &[
                    ("consent", id.to_string().into()),
                    ("channel", new.channel.as_str().into()),
                    ("purpose", new.purpose.as_str().into()),
                    ("kind", new.kind.as_str().into()),
                    ("proof", if conversation.is_some() { "conversation" } else { "record" }.into()),
                ],
            );
            Ok(id)
        })
    }

    /// Command *withdraw consent*: as easy as giving it, and for good.
    pub fn withdraw_consent(&self, actor: &Actor, id: ConsentId) -> Result<(), Error> {
        self.command_as(actor, "withdraw consent", |c| {
            let row: Option<Option<String>> = c
                .one("SELECT withdrawn_at FROM consent WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
                .optional()?;
            match row {
                None => Err(Refused::Unknown("consent").into()),
                Some(Some(_)) => Err(Refused::Closed("consent").into()),
                Some(None) => {
                    let by = c.actor().to_owned();
                    end(c, id, &by)
                }
            }
        })
    }

    /// The consents, newest first; of one number or address if given.
    pub fn consents(&self, of: Option<&ContactIndex>) -> Result<Vec<ConsentRow>, Error> {
        let rows = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, field, channel, purpose, kind, sealed_detail, proof_conversation, proof_from_ms, proof_to_ms,
                 proof_sha256, given_on, expires_on, recorded_at, recorded_by, withdrawn_at, withdrawn_by FROM consent
                 WHERE tenant = ?1 AND ((field = ?2 AND blind_index = ?3) OR ?2 IS NULL) ORDER BY id DESC LIMIT ?4",
            )?;
            let (field, index) = (of.map(|o| o.field), of.map(|o| o.index));
            let rows = statement.query_map(params![self.tenant.as_bytes(), field, index, MAX_LIST], raw)?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter().map(|r| self.consent_row(r)).collect()
    }

    /// The consent that a call or text may rest on: of the number, standing, not over on `day`, for the channel and the
    /// purpose; written before spoken, newer before older.
    pub fn consent_for(
        &self,
        of: &ContactIndex,
        channel: &str,
        purpose: &str,
        day: Date,
    ) -> Result<Option<ConsentRow>, Error> {
        let mut all = self.consents(Some(of))?;
        let day = day.to_string();
        all.retain(|c| (c.channel == "any" || c.channel == channel) && c.purpose == purpose);
        let stands =
            |c: &ConsentRow| c.withdrawn_at.is_none() && c.expires.as_ref().is_none_or(|e| *e >= day);
        all.sort_by_key(|c| (!stands(c), c.kind != "prior_express_written"));
        Ok(all.into_iter().next())
    }

    /// The record that proves a consent, for whoever manages them.
    pub fn consent_proof(&self, id: ConsentId) -> Result<Option<Vec<u8>>, Error> {
        let sealed: Option<Option<Vec<u8>>> = self
            .db()
            .query_row("SELECT sealed_proof FROM consent WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
            .optional()?;
        let sealed = sealed.ok_or(Refused::Unknown("consent"))?;
        sealed
            .map(|s| Ok(self.open_bytes("consent", id.as_bytes(), "proof", &s)?.expose().clone()))
            .transpose()
    }

    fn consent_row(&self, raw: Raw) -> Result<ConsentRow, Error> {
        let id: ConsentId = id_of(&raw.id)?;
        let detail = self.open_own("consent", id.as_bytes(), "detail", &raw.detail)?;
        Ok(ConsentRow {
            id,
            detail: serde_json::from_str(&detail).map_err(|_| Error::Corrupt("a consent"))?,
            conversation: raw.conversation.as_deref().map(id_of).transpose()?,
            ..raw.row
        })
    }
}

/// Marks a consent as withdrawn, with its entry.
fn end(c: &mut Command<'_>, id: ConsentId, by: &str) -> Result<(), Error> {
    c.run(
        "UPDATE consent SET withdrawn_at = ?2, withdrawn_by = ?3 WHERE id = ?1",
        params![id.as_bytes(), c.now, by],
    )?;
    c.log(Kind::ConsentWithdrawn, None, None, &[("consent", id.to_string().into())]);
    Ok(())
}

/// Ends every standing consent of a number: a wish to hear no more covers them all.
pub(crate) fn end_all(c: &mut Command<'_>, field: &str, index: &[u8], by: &str) -> Result<u64, Error> {
    let ids: Vec<Vec<u8>> = {
        let mut statement = c.tx.prepare_cached(
            "SELECT id FROM consent WHERE tenant IN (SELECT id FROM tenant) AND field = ?1 AND blind_index = ?2
             AND withdrawn_at IS NULL",
        )?;
        let rows = statement.query_map(params![field, index], |r| r.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for id in &ids {
        end(c, id_of(id)?, by)?;
    }
    Ok(ids.len() as u64)
}

struct Raw {
    id: Vec<u8>,
    detail: Vec<u8>,
    conversation: Option<Vec<u8>>,
    row: ConsentRow,
}

fn raw(r: &Row<'_>) -> crate::db::Result<Raw> {
    let ms = |i: usize| -> crate::db::Result<Option<u64>> {
        Ok(r.get::<_, Option<i64>>(i)?.map(i64::unsigned_abs))
    };
    Ok(Raw {
        id: r.get(0)?,
        detail: r.get(5)?,
        conversation: r.get(6)?,
        row: ConsentRow {
            id: ConsentId::from_bytes([0; 16]),
            field: r.get(1)?,
            channel: r.get(2)?,
            purpose: r.get(3)?,
            kind: r.get(4)?,
            detail: Detail::default(),
            conversation: None,
            from_ms: ms(7)?,
            to_ms: ms(8)?,
            proof_sha256: r.get(9)?,
            given: r.get(10)?,
            expires: r.get(11)?,
            recorded_at: r.get(12)?,
            recorded_by: r.get(13)?,
            withdrawn_at: r.get(14)?,
            withdrawn_by: r.get(15)?,
        },
    })
}
