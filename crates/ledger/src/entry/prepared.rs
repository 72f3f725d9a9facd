//! A draft that is written already but for its place.

use super::{Draft, FORMAT, Line, MAX_ENTRY, Value, check, round, stamp};
use crate::{Hash, LedgerError, tree::leaf_hash};
use callvault_model::id::{ConversationId, SubjectId, TenantId};
use jiff::Timestamp;
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap, io::Write};

/// Hash of the entry before, its own number, and what stands between.
const PLACE: usize = 100;
/// Most entries are shorter up to there.
const USUAL: usize = 768;

/// A draft in canonical form but for its number and the hash of the entry before, which are known only to whoever holds the
/// end of the ledger; nobody else waits for the rest of the writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    at: Timestamp,
    /// Up to the hash.
    head: Vec<u8>,
    /// From behind the number.
    rest: Vec<u8>,
}

/// The fields before the place, in canonical order.
#[derive(Serialize)]
struct Head<'a> {
    actor: &'a str,
    at: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    body: &'a BTreeMap<Cow<'static, str>, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
    kind: &'a str,
}

/// Those behind it.
#[derive(Serialize)]
struct Rest {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    v: u8,
}

impl Prepared {
    /// Writes a draft, or refuses it.
    pub fn of(draft: &Draft) -> Result<Self, LedgerError> {
        let Draft { kind, actor, tenant, conversation, subject, body, .. } = draft;
        check(kind.as_str(), actor, body).map_err(LedgerError::Draft)?;
        let at = round(draft.at)?;
        let head = Head { actor, at: &stamp(at), body, conversation: *conversation, kind: kind.as_str() };
        let rest = Rest { subject: *subject, tenant: *tenant, v: FORMAT };
        let unwritten = |_| LedgerError::Draft("it cannot be written as JSON");
        let (mut written, mut rest) =
            (Vec::with_capacity(USUAL), serde_json::to_vec(&rest).map_err(unwritten)?);
        serde_json::to_writer(&mut written, &head).map_err(unwritten)?;
        // The two objects are halves of one.
        written.pop();
        written.extend_from_slice(b",\"prev\":\"");
        if let Some(brace) = rest.first_mut() {
            *brace = b',';
        }
        Ok(Self { at, head: written, rest })
    }

    /// Its time, as it is kept.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The entry at its place.
    pub(crate) fn line(&self, seq: u64, prev: Hash) -> Result<Line, LedgerError> {
        let mut bytes = Vec::with_capacity(self.head.len() + PLACE + self.rest.len());
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(&prev.hex());
        write!(bytes, "\",\"seq\":{seq}").map_err(|_| LedgerError::Draft("it cannot be written"))?;
        bytes.extend_from_slice(&self.rest);
        if bytes.len() > MAX_ENTRY {
            return Err(LedgerError::Draft(super::TOO_LONG));
        }
        Ok(Line { leaf: leaf_hash(&bytes), bytes })
    }
}
