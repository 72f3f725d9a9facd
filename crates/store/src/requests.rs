//! Requests of the people concerned: who asked for what, how identity was checked, what was decided, and when it was
//! answered. Each step is a command; the ledger holds ids, codes and dates, and what people typed lies sealed.

mod work;

use crate::db::{Connection, OptionalExtension, params};
use crate::{Error, Refused, Vault, keys::id_of};
use callvault_model::id::{ConversationId, SubjectId, SubjectRequestId};
use serde::Serialize;

pub use work::{Filed, ItemDecision, NewRequest};
pub(crate) use work::{changed, confirmed, forget_notes, step};

/// Codes of a closed list, with their words; the list is in the order of forms.
pub trait Coded: Copy + PartialEq + 'static {
    /// Each one with its stable code and what it is in words.
    const LIST: &'static [(Self, &'static str, &'static str)];

    /// The stable code.
    fn as_str(self) -> &'static str {
        Self::LIST.iter().find(|(c, ..)| *c == self).map_or("", |(_, code, _)| code)
    }

    /// In words.
    fn what(self) -> &'static str {
        Self::LIST.iter().find(|(c, ..)| *c == self).map_or("", |(.., what)| what)
    }

    /// The one of this code.
    fn parse(code: &str) -> Option<Self> {
        Self::LIST.iter().find(|(_, c, _)| *c == code).map(|(one, ..)| *one)
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum RequestKind {
    /// Access: a copy of everything held.
    #[serde(rename = "access")]
    Access,
    /// Portability: a copy that a program can read.
    #[serde(rename = "portability")]
    Portability,
    /// Erasure.
    #[serde(rename = "erasure")]
    Erasure,
    /// Rectification: something is wrong.
    #[serde(rename = "rectification")]
    Rectification,
    /// Restriction: keep it, do not use it.
    #[serde(rename = "restriction")]
    Restriction,
    /// Objection to a purpose, or to marketing.
    #[serde(rename = "objection")]
    Objection,
    /// California: do not sell or share.
    #[serde(rename = "opt_out")]
    OptOut,
    /// California: limit the use of sensitive information.
    #[serde(rename = "limit")]
    Limit,
}

impl Coded for RequestKind {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Access, "access", "Access: a copy of everything held"),
        (Self::Portability, "portability", "Portability: a copy that a program can read"),
        (Self::Erasure, "erasure", "Erasure"),
        (Self::Rectification, "rectification", "Rectification: something is wrong"),
        (Self::Restriction, "restriction", "Restriction: keep it, do not use it"),
        (Self::Objection, "objection", "Objection to a purpose, or to marketing"),
        (Self::OptOut, "opt_out", "California: do not sell or share"),
        (Self::Limit, "limit", "California: limit the use of sensitive information"),
    ];
}

/// Under which law the clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum RequestLaw {
    /// GDPR.
    #[serde(rename = "eu")]
    Eu,
    /// UK GDPR.
    #[serde(rename = "uk")]
    Uk,
    /// California (CCPA).
    #[serde(rename = "us_ca")]
    California,
    /// HIPAA right of access.
    #[serde(rename = "us_hipaa")]
    Hipaa,
    /// None of these.
    #[serde(rename = "other")]
    Other,
}

impl Coded for RequestLaw {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Eu, "eu", "GDPR"),
        (Self::Uk, "uk", "UK GDPR"),
        (Self::California, "us_ca", "California (CCPA)"),
        (Self::Hipaa, "us_hipaa", "HIPAA right of access"),
        (Self::Other, "other", "none of these"),
    ];
}

/// How the request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Arrived {
    /// By e-mail.
    #[serde(rename = "email")]
    Email,
    /// By telephone.
    #[serde(rename = "voice")]
    Voice,
    /// By chat.
    #[serde(rename = "chat")]
    Chat,
    /// By text message.
    #[serde(rename = "sms")]
    Sms,
    /// By letter.
    #[serde(rename = "letter")]
    Letter,
    /// On a web page.
    #[serde(rename = "portal")]
    Portal,
    /// In person.
    #[serde(rename = "in_person")]
    InPerson,
}

impl Coded for Arrived {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Email, "email", "by e-mail"),
        (Self::Voice, "voice", "by telephone"),
        (Self::Chat, "chat", "by chat"),
        (Self::Sms, "sms", "by text message"),
        (Self::Letter, "letter", "by letter"),
        (Self::Portal, "portal", "on a web page"),
        (Self::InPerson, "in_person", "in person"),
    ];
}

/// How far identity is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Identity {
    /// Not checked yet.
    #[serde(rename = "open")]
    Open,
    /// Asked for.
    #[serde(rename = "asked")]
    Asked,
    /// Confirmed.
    #[serde(rename = "confirmed")]
    Confirmed,
    /// Could not be confirmed.
    #[serde(rename = "failed")]
    Failed,
}

impl Coded for Identity {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Open, "open", "not checked yet"),
        (Self::Asked, "asked", "asked for"),
        (Self::Confirmed, "confirmed", "confirmed"),
        (Self::Failed, "failed", "could not be confirmed"),
    ];
}

/// A check of identity: what was done, never the value that was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum IdentityCheck {
    /// Called back on the number on file.
    #[serde(rename = "call_back")]
    CallBack,
    /// A code sent to the address on file was returned.
    #[serde(rename = "code_sent")]
    CodeSent,
    /// The person was signed in to their account.
    #[serde(rename = "signed_in")]
    SignedIn,
    /// The person knew what only they and we know.
    #[serde(rename = "knowledge")]
    Knowledge,
    /// A document was seen, and not copied.
    #[serde(rename = "document")]
    Document,
    /// An agent's written mandate was seen.
    #[serde(rename = "mandate")]
    Mandate,
    /// The request came from the address on file.
    #[serde(rename = "from_address")]
    Writing,
}

impl Coded for IdentityCheck {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::CallBack, "call_back", "called back on the number on file"),
        (Self::CodeSent, "code_sent", "a code sent to the address on file was returned"),
        (Self::SignedIn, "signed_in", "the person was signed in to their account"),
        (Self::Knowledge, "knowledge", "the person knew what only they and we know"),
        (Self::Document, "document", "a document was seen, and not copied"),
        (Self::Mandate, "mandate", "an agent's written mandate was seen"),
        (Self::Writing, "from_address", "the request came from the address on file"),
    ];
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum RequestState {
    /// Open.
    #[serde(rename = "open")]
    Open,
    /// Answered.
    #[serde(rename = "answered")]
    Answered,
    /// Closed.
    #[serde(rename = "closed")]
    Closed,
}

impl Coded for RequestState {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Open, "open", "open"),
        (Self::Answered, "answered", "answered"),
        (Self::Closed, "closed", "closed"),
    ];
}

/// How it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Answer {
    /// Granted in full.
    #[serde(rename = "granted")]
    Granted,
    /// Granted in part, with reasons for the rest.
    #[serde(rename = "partly")]
    Partly,
    /// Refused, with reasons and the way to complain.
    #[serde(rename = "refused")]
    Refused,
    /// Nothing is held of this person.
    #[serde(rename = "not_found")]
    NotFound,
    /// The person could not be identified.
    #[serde(rename = "not_identified")]
    NotIdentified,
    /// Withdrawn by the person.
    #[serde(rename = "withdrawn")]
    Withdrawn,
}

impl Coded for Answer {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Granted, "granted", "granted in full"),
        (Self::Partly, "partly", "granted in part, with reasons for the rest"),
        (Self::Refused, "refused", "refused, with reasons and the way to complain"),
        (Self::NotFound, "not_found", "nothing is held of this person"),
        (Self::NotIdentified, "not_identified", "the person could not be identified"),
        (Self::Withdrawn, "withdrawn", "withdrawn by the person"),
    ];
}

/// Why an item is kept back, erased not, or shown not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Exemption {
    /// Needed for a legal claim (GDPR Art. 17(3)(e)).
    #[serde(rename = "legal_claim")]
    LegalClaim,
    /// A law demands it (GDPR Art. 17(3)(b)).
    #[serde(rename = "legal_obligation")]
    LegalObligation,
    /// Freedom of expression (GDPR Art. 17(3)(a)).
    #[serde(rename = "expression")]
    Expression,
    /// Still needed for the purpose it was collected for (GDPR Art. 17(1)(a); Cal. Civ. Code 1798.105(d)).
    #[serde(rename = "still_necessary")]
    StillNecessary,
    /// It is another person's (GDPR Art. 15(4)).
    #[serde(rename = "other_person")]
    OtherPerson,
}

impl Coded for Exemption {
    const LIST: &'static [(Self, &'static str, &'static str)] = &[
        (Self::LegalClaim, "legal_claim", "needed for a legal claim (GDPR Art. 17(3)(e))"),
        (Self::LegalObligation, "legal_obligation", "a law demands it (GDPR Art. 17(3)(b))"),
        (Self::Expression, "expression", "freedom of expression (GDPR Art. 17(3)(a))"),
        (
            Self::StillNecessary,
            "still_necessary",
            "still needed for the purpose it was collected for (GDPR Art. 17(1)(a); Cal. Civ. Code 1798.105(d))",
        ),
        (Self::OtherPerson, "other_person", "it is another person's (GDPR Art. 15(4))"),
    ];
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRow {
    /// Its id.
    pub id: SubjectRequestId,
    /// What is asked for.
    pub kind: RequestKind,
    /// Under which law.
    pub law: RequestLaw,
    /// How it arrived.
    pub arrived: Arrived,
    /// The day it arrived, not the day somebody noticed.
    pub received_on: String,
    /// When it was written down, RFC 3339.
    pub recorded_at: String,
    /// By whom, as the ledger names them.
    pub recorded_by: String,
    /// Whom it is about, once that is known.
    pub subject: Option<SubjectId>,
    /// How far identity is known.
    pub identity: Identity,
    /// The day identity was asked for.
    pub identity_asked_on: Option<String>,
    /// The day identity was confirmed.
    pub identity_on: Option<String>,
    /// The day the person was told of an extension.
    pub extended_on: Option<String>,
    /// Why it was extended, masked.
    pub extension_reason: String,
    /// Purposes objected to; `marketing` is the do-not-contact list.
    pub purposes: Vec<String>,
    /// Where it stands.
    pub state: RequestState,
    /// How it was answered.
    pub outcome: Option<Answer>,
    /// The day of the answer.
    pub answered_on: Option<String>,
    /// RFC 3339.
    pub closed_at: Option<String>,
    /// What was noted, masked; gone with the person.
    pub note: String,
}

/// One step of a request.
#[derive(Debug, Clone, Serialize)]
pub struct StepRow {
    /// What was done: a code.
    pub what: String,
    /// More of it: a code or number.
    pub detail: String,
    /// Who, as the ledger names them.
    pub by: String,
    /// RFC 3339.
    pub at: String,
}

/// What was decided about one part of one conversation.
#[derive(Debug, Clone, Serialize)]
pub struct ItemRow {
    /// Which conversation.
    pub conversation: ConversationId,
    /// A class of retention, or the name of a token.
    pub part: String,
    /// `keep`, `disclose` or `withhold`.
    pub decision: String,
    /// Why, a code of [`Exemption`]; empty for `disclose`.
    pub exemption: String,
    /// Who decided, as the ledger names them.
    pub by: String,
    /// RFC 3339.
    pub at: String,
}

const ROW: &str = "SELECT id, kind, law, arrived, received_on, recorded_at, recorded_by, subject, identity,
    identity_asked_on, identity_on, extended_on, sealed_extension, purposes, state, outcome, answered_on, closed_at,
    sealed_note FROM subject_request";

struct Raw {
    id: Vec<u8>,
    codes: [String; 5],
    received_on: String,
    recorded: (String, String),
    subject: Option<Vec<u8>>,
    asked_on: Option<String>,
    identity_on: Option<String>,
    extended_on: Option<String>,
    sealed_extension: Vec<u8>,
    purposes: String,
    outcome: Option<String>,
    answered_on: Option<String>,
    closed_at: Option<String>,
    sealed_note: Vec<u8>,
}

fn raw(r: &crate::db::Row<'_>) -> crate::db::Result<Raw> {
    Ok(Raw {
        id: r.get(0)?,
        codes: [r.get(1)?, r.get(2)?, r.get(3)?, r.get(8)?, r.get(14)?],
        received_on: r.get(4)?,
        recorded: (r.get(5)?, r.get(6)?),
        subject: r.get(7)?,
        asked_on: r.get(9)?,
        identity_on: r.get(10)?,
        extended_on: r.get(11)?,
        sealed_extension: r.get(12)?,
        purposes: r.get(13)?,
        outcome: r.get(15)?,
        answered_on: r.get(16)?,
        closed_at: r.get(17)?,
        sealed_note: r.get(18)?,
    })
}

/// Opens the sealed words of a row: its field, its id, and what stands there.
type Words<'a> = &'a dyn Fn(&str, &[u8], &[u8]) -> Result<String, Error>;

fn request_of(raw: Raw, words: Words<'_>) -> Result<RequestRow, Error> {
    let bad = || Error::Corrupt("an unknown code of a request");
    let [kind, law, arrived, identity, state] = &raw.codes;
    let text = |field: &str, sealed: &[u8]| match sealed {
        [] => Ok(String::new()),
        _ => words(field, &raw.id, sealed),
    };
    Ok(RequestRow {
        extension_reason: text("extension", &raw.sealed_extension)?,
        note: text("note", &raw.sealed_note)?,
        id: id_of(&raw.id)?,
        kind: RequestKind::parse(kind).ok_or_else(bad)?,
        law: RequestLaw::parse(law).ok_or_else(bad)?,
        arrived: Arrived::parse(arrived).ok_or_else(bad)?,
        received_on: raw.received_on,
        recorded_at: raw.recorded.0,
        recorded_by: raw.recorded.1,
        subject: raw.subject.as_deref().map(id_of).transpose()?,
        identity: Identity::parse(identity).ok_or_else(bad)?,
        identity_asked_on: raw.asked_on,
        identity_on: raw.identity_on,
        extended_on: raw.extended_on,
        purposes: raw.purposes.split_whitespace().map(str::to_owned).collect(),
        state: RequestState::parse(state).ok_or_else(bad)?,
        outcome: raw.outcome.as_deref().map(|o| Answer::parse(o).ok_or_else(bad)).transpose()?,
        answered_on: raw.answered_on,
        closed_at: raw.closed_at,
    })
}

/// Requests that are not closed, without what people wrote: for whoever has no key.
pub(crate) fn open_without_words(db: &Connection) -> Result<Vec<RequestRow>, Error> {
    let mut statement = db.prepare(&format!("{ROW} WHERE state <> 'closed' ORDER BY id"))?;
    let rows = statement.query_map([], raw)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|r| request_of(r, &|_, _, _| Ok(String::new()))).collect()
}

impl Vault {
    fn request_row(&self, raw: Raw) -> Result<RequestRow, Error> {
        request_of(raw, &|field, id, sealed| self.open_own("subject_request", id, field, sealed))
    }

    /// Requests, newest first; with the closed ones if wanted.
    pub fn subject_requests(&self, with_closed: bool) -> Result<Vec<RequestRow>, Error> {
        let rows = {
            let db = self.db();
            let sql = format!("{ROW} WHERE ?1 OR state <> 'closed' ORDER BY id DESC LIMIT 5000");
            let mut statement = db.prepare_cached(&sql)?;
            statement.query_map(params![with_closed], raw)?.collect::<Result<Vec<_>, _>>()?
        };
        rows.into_iter().map(|r| self.request_row(r)).collect()
    }

    /// One request.
    pub fn subject_request(&self, id: SubjectRequestId) -> Result<RequestRow, Error> {
        let found = {
            let db = self.db();
            let mut statement = db.prepare_cached(&format!("{ROW} WHERE id = ?1"))?;
            statement.query_row(params![id.as_bytes()], raw).optional()?
        };
        self.request_row(found.ok_or(Refused::Unknown("subject request"))?)
    }

    /// What was done for a request, in order.
    pub fn request_steps(&self, id: SubjectRequestId) -> Result<Vec<StepRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT what, detail, done_by, at FROM request_step WHERE request = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map(params![id.as_bytes()], |r| {
            Ok(StepRow { what: r.get(0)?, detail: r.get(1)?, by: r.get(2)?, at: r.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was decided item by item.
    pub fn request_items(&self, id: SubjectRequestId) -> Result<Vec<ItemRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT conversation, part, decision, exemption, decided_by, at FROM request_item
             WHERE request = ?1 ORDER BY conversation, part",
        )?;
        let rows = statement
            .query_map(params![id.as_bytes()], |r| {
                Ok((r.get::<_, Vec<u8>>(0)?, (r.get(1)?, r.get(2)?, r.get(3)?), (r.get(4)?, r.get(5)?)))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|(conversation, (part, decision, exemption), (by, at))| {
                Ok(ItemRow { conversation: id_of(&conversation)?, part, decision, exemption, by, at })
            })
            .collect()
    }

    /// The record into which this one was merged, step by step; itself where it was not.
    pub fn living_record(&self, id: SubjectId) -> Result<SubjectId, Error> {
        let db = self.db();
        let alone: Option<bool> = db
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM subject_link WHERE from_subject = ?1) FROM subject WHERE id = ?1",
            )?
            .query_row(params![id.as_bytes()], |r| r.get(0))
            .optional()?;
        if alone == Some(true) {
            return Ok(id);
        }
        let head: Option<Vec<u8>> = db
            .prepare_cached(
                "WITH RECURSIVE chain(id, n) AS (SELECT CAST(?1 AS BLOB), 0 UNION
                   SELECT l.into_subject, n + 1 FROM subject_link l JOIN chain c ON l.from_subject = c.id
                   WHERE l.kind = 'merge' AND l.undone_at IS NULL AND n < 1000)
                 SELECT c.id FROM chain c JOIN subject s ON s.id = c.id ORDER BY n DESC LIMIT 1",
            )?
            .query_row(params![id.as_bytes().as_slice()], |r| r.get(0))
            .optional()?;
        id_of(&head.ok_or(Refused::Unknown("subject"))?)
    }

    /// The record and every record that was merged into it.
    pub(crate) fn records_of(db: &crate::db::Connection, id: SubjectId) -> Result<Vec<SubjectId>, Error> {
        // Nearly nobody's records were merged, and this is asked of everybody.
        let merged: bool = db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM subject_link WHERE into_subject = ?1)")?
            .query_row(params![id.as_bytes()], |r| r.get(0))?;
        if !merged {
            return Ok(vec![id]);
        }
        let mut statement = db.prepare_cached(
            "WITH RECURSIVE chain(id) AS (SELECT CAST(?1 AS BLOB) UNION
               SELECT l.from_subject FROM subject_link l JOIN chain c ON l.into_subject = c.id
               WHERE l.kind = 'merge' AND l.undone_at IS NULL)
             SELECT id FROM chain",
        )?;
        let rows = statement.query_map(params![id.as_bytes().as_slice()], |r| r.get::<_, Vec<u8>>(0))?;
        rows.map(|r| id_of(&r?)).collect()
    }
}
