//! One entry: canonical JSON, stored and hashed byte for byte.
//!
//! Canonical means: the fields below in alphabetical order, no white space, integers only, the escapes of
//! `serde_json`. A reader writes what it read again and compares; so duplicate keys, other orders, other
//! escapes and unknown fields are all refused.

mod prepared;

pub use prepared::Prepared;

use crate::{Hash, Kind, LedgerError, kind::is_code, tree::leaf_hash};
use callvault_model::id::{ConversationId, SubjectId, TenantId};
use jiff::{Timestamp, Unit};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The longest entry.
pub const MAX_ENTRY: usize = 16 << 10;
const MAX_FACTS: usize = 64;
const MAX_NAME: usize = 48;
const MAX_TEXT: usize = 1024;
const FORMAT: u8 = 1;
const TOO_LONG: &str = "it is longer than 16 KiB or has more than 64 facts";

/// A fact that is no personal data: a count, a code, an id, or a salted commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A code, an id, a hash in hexadecimal.
    Text(String),
}

/// By hand: what serde makes of an untagged enum builds an error for every form that a value is not.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, or true or false")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Flag(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        i64::try_from(v).map(Value::Number).map_err(|_| E::custom("a number too large"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Flag(v)
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Number(v)
    }
}
impl From<u64> for Value {
    fn from(v: u64) -> Self {
        Self::Number(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<usize> for Value {
    fn from(v: usize) -> Self {
        Self::Number(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Value {
    fn from(v: u32) -> Self {
        Self::Number(i64::from(v))
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}
impl From<Hash> for Value {
    fn from(v: Hash) -> Self {
        Self::Text(v.to_string())
    }
}
impl From<[u8; 32]> for Value {
    fn from(v: [u8; 32]) -> Self {
        Hash(v).into()
    }
}

/// What is to be recorded, before it has its place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When it happened; kept to the millisecond.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// Who did it: a stable pseudonym, as `local-operator`, `worker`, or a user's id. Never a name.
    pub actor: String,
    /// In which tenant.
    pub tenant: Option<TenantId>,
    /// To which conversation.
    pub conversation: Option<ConversationId>,
    /// To which person.
    pub subject: Option<SubjectId>,
    /// Facts that are no personal data, and commitments.
    pub body: BTreeMap<Cow<'static, str>, Value>,
}

impl Draft {
    /// A draft without ids and facts.
    pub fn new(at: Timestamp, kind: Kind, actor: impl Into<String>) -> Self {
        Self {
            at,
            kind,
            actor: actor.into(),
            tenant: None,
            conversation: None,
            subject: None,
            body: BTreeMap::new(),
        }
    }

    /// Names the tenant.
    #[must_use]
    pub fn tenant(mut self, id: TenantId) -> Self {
        self.tenant = Some(id);
        self
    }

    /// Names the conversation.
    #[must_use]
    pub fn conversation(mut self, id: ConversationId) -> Self {
        self.conversation = Some(id);
        self
    }

    /// Names the person.
    #[must_use]
    pub fn subject(mut self, id: SubjectId) -> Self {
        self.subject = Some(id);
        self
    }

    /// Adds a fact; a second fact of the same name replaces the first.
    #[must_use]
    pub fn fact(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.body.insert(name.into(), value.into());
        self
    }

    /// Gives the draft its place in the ledger.
    pub fn place(self, seq: u64, prev: Hash) -> Result<Entry, LedgerError> {
        let prepared = Prepared::of(&self)?;
        let (at, Line { bytes, leaf }) = (prepared.at(), prepared.line(seq, prev)?);
        let Self { kind, actor, tenant, conversation, subject, body, .. } = self;
        let kind = kind.as_str().to_owned();
        Ok(Entry { bytes, leaf, seq, prev, at, kind, actor, tenant, conversation, subject, body })
    }
}

/// An entry as it is stored.
pub(crate) struct Line {
    pub bytes: Vec<u8>,
    pub leaf: Hash,
}

/// What is read, with the fields in canonical order; written again only to compare.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    actor: String,
    at: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    body: BTreeMap<Cow<'static, str>, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
    kind: String,
    prev: String,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    v: u8,
}

/// The limits, but for those of length, time and hash.
fn check(kind: &str, actor: &str, body: &BTreeMap<Cow<'static, str>, Value>) -> Result<(), &'static str> {
    if body.len() > MAX_FACTS {
        return Err(TOO_LONG);
    }
    if !is_code(kind) {
        return Err("its kind is not a code");
    }
    let plain = |c: char| c.is_ascii_graphic();
    if actor.is_empty() || actor.len() > MAX_NAME || !actor.chars().all(plain) {
        return Err("the actor is not a short identifier");
    }
    for (name, value) in body {
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(sound) {
            return Err("the name of a fact is not a short identifier");
        }
        if matches!(value, Value::Text(t) if t.len() > MAX_TEXT || t.chars().any(char::is_control)) {
            return Err("the text of a fact is too long or has control characters");
        }
    }
    Ok(())
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Vec<u8>,
    leaf: Hash,
    /// Its number, from zero.
    pub seq: u64,
    /// The leaf hash of the entry before; zeros for the first.
    pub prev: Hash,
    /// When it happened.
    pub at: Timestamp,
    /// What happened; one of [`Kind`], or a code of a newer version.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// In which tenant.
    pub tenant: Option<TenantId>,
    /// To which conversation.
    pub conversation: Option<ConversationId>,
    /// To which person.
    pub subject: Option<SubjectId>,
    /// The facts.
    pub body: BTreeMap<Cow<'static, str>, Value>,
}

impl Entry {
    /// Reads stored bytes; refuses every form but the canonical one.
    pub fn parse(bytes: &[u8]) -> Result<Self, LedgerError> {
        if bytes.len() > MAX_ENTRY {
            return Err(LedgerError::Entry("it is longer than 16 KiB"));
        }
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|_| LedgerError::Entry("a field is missing, unknown, doubled or of a wrong form"))?;
        let again =
            serde_json::to_vec(&wire).map_err(|_| LedgerError::Entry("it cannot be written again"))?;
        if again != bytes {
            return Err(LedgerError::Entry("it is not in canonical form"));
        }
        Self::from_wire(wire, again)
    }

    fn from_wire(wire: Wire, bytes: Vec<u8>) -> Result<Self, LedgerError> {
        let bad = LedgerError::Entry;
        if wire.v != FORMAT {
            return Err(bad("its version is not known"));
        }
        check(&wire.kind, &wire.actor, &wire.body).map_err(bad)?;
        let at: Timestamp = wire.at.parse().map_err(|_| bad("its time is not a time"))?;
        if stamp(round(at)?) != wire.at {
            return Err(bad("its time is not in canonical form"));
        }
        let prev = Hash::from_hex(&wire.prev).ok_or(bad("the hash of the entry before is not a hash"))?;
        let Wire { actor, body, conversation, kind, seq, subject, tenant, .. } = wire;
        Ok(Self {
            leaf: leaf_hash(&bytes),
            bytes,
            seq,
            prev,
            at,
            kind,
            actor,
            tenant,
            conversation,
            subject,
            body,
        })
    }

    /// The bytes to store, and to hash.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the bytes as a leaf of the tree.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }
}

fn round(at: Timestamp) -> Result<Timestamp, LedgerError> {
    at.round(Unit::Millisecond).map_err(|_| LedgerError::Draft("its time is out of range"))
}

/// RFC 3339 in UTC with exactly three decimals.
fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests;
