//! Typed identifiers: UUID version 7 (RFC 9562), so that rows inserted together lie together.

use crate::clock::{Clock, Entropy, EntropyError};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};
use uuid::Uuid;

/// What kind of thing an [`Id`] names; two kinds never mix.
pub trait Kind: 'static {
    /// The noun shown in errors.
    const NOUN: &'static str;
}

/// An identifier of one kind of thing.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<K: Kind>(Uuid, #[serde(skip)] PhantomData<fn() -> K>);

impl<K: Kind> Id<K> {
    /// A new identifier, ordered by the clock's time.
    pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut random = [0u8; 10];
        entropy.fill(&mut random)?;
        let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
        Ok(Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(), PhantomData))
    }

    /// The identifier with exactly this value.
    pub const fn from_uuid(value: Uuid) -> Self {
        Self(value, PhantomData)
    }

    /// The identifier with these sixteen bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }

    /// The sixteen bytes, as they enter associated data.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a {noun} id; expected the form 0190a5c2-7e3f-7000-8000-000000000000")]
pub struct ParseIdError {
    noun: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(s).map(Self::from_uuid).map_err(|_| ParseIdError { noun: K::NOUN })
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Id<K> {}
impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K: Kind> Eq for Id<K> {}
impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K: Kind> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::NOUN, self.0)
    }
}

macro_rules! kinds {
    ($($kind:ident $alias:ident $noun:literal),+ $(,)?) => {$(
        #[doc = concat!("Marks ids of a ", $noun, ".")]
        pub enum $kind {}
        impl Kind for $kind { const NOUN: &'static str = $noun; }
        #[doc = concat!("Names one ", $noun, ".")]
        pub type $alias = Id<$kind>;
    )+};
}

kinds! {
    TenantKind TenantId "tenant",
    SubjectKind SubjectId "subject",
    ConversationKind ConversationId "conversation",
    PartyKind PartyId "party",
    ObjectKind ObjectId "object",
    TokenKind TokenId "token",
    CertificateKind CertificateId "certificate",
    EpochKind EpochId "shred epoch",
    VaultKind VaultId "vault",
    AccountKind AccountId "account",
    ApiKeyKind ApiKeyId "key of a service",
    GrantKind GrantId "grant",
    RevealKind RevealId "reveal request",
    DecisionKind DecisionId "request for a second person",
    HoldKind HoldId "hold",
    UploadKind UploadId "upload",
    AttachmentKind AttachmentId "attachment",
    CorrectionKind CorrectionId "correction",
    LinkKind LinkId "subject link",
    AttemptKind AttemptId "attempt at a course",
    WaiverKind WaiverId "waiver",
    MediumKind MediumId "medium",
    AlertKind AlertId "alert",
    IncidentKind IncidentId "incident",
    NoticeKind NoticeId "notice",
    SubjectRequestKind SubjectRequestId "subject request",
    PackageKind PackageId "package",
    ConsentKind ConsentId "consent",
    OptOutKind OptOutId "withdrawal",
    LawCheckKind LawCheckId "legal check",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    struct Ones;
    impl Entropy for Ones {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.fill(1);
            Ok(())
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones_and_round_trip() {
        let at = |s| FixedClock(jiff::Timestamp::from_second(s).unwrap());
        let a: SubjectId = Id::new(&at(1_000), &Ones).unwrap();
        let b: SubjectId = Id::new(&at(2_000), &Ones).unwrap();
        assert!(a < b);
        assert_eq!(a.to_string().parse::<SubjectId>().unwrap(), a);
        assert!("nonsense".parse::<SubjectId>().unwrap_err().to_string().contains("subject id"));
    }
}
