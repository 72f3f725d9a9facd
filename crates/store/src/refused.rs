//! What the keeping of data refuses, each with a stable code and a sentence that says what, why and what to do.

use thiserror::Error;

/// A refusal. None carries a value, a name or a reason somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// A legal hold blocks destruction.
    #[error(
        "conversation {0} is under a legal hold; nothing of it may be destroyed until the hold is released"
    )]
    Held(String),
    /// Marked as one that must be kept.
    #[error("conversation {0} is marked as one that must be kept; take the mark off first")]
    MustKeep(String),
    /// Observe mode.
    #[error("this vault observes and destroys nothing; two people can release disposal")]
    ObserveMode,
    /// A second, different person is missing.
    #[error("leaving observe mode needs two different people in a vault with more than one; {0}")]
    SecondPerson(&'static str),
    /// Erasing somebody takes two people where there are two.
    #[error(
        "this needs a second person in a vault with more than one; ask for it, and another person agrees"
    )]
    NeedsAgreement,
    /// Another protection of the key file and new recovery shares take two people where there are two.
    #[error(
        "another protection of the key file and new recovery shares need a second person in a vault with more than one; another person agrees in the console"
    )]
    KeysTakeTwo,
    /// The use of the data is restricted, which is no leave to destroy them.
    #[error(
        "somebody in conversation {0} had the use of their data restricted; nothing of it is destroyed but at their own request"
    )]
    Restricted(String),
    /// Something in a tenant's vault may not be destroyed.
    #[error(
        "the tenant keeps what may not be destroyed: {holds} legal hold(s), {marked} conversation(s) marked as must-keep, {restricted} restricted person(s); lift them in its vault first (--tenant), or leave it"
    )]
    TenantKeeps {
        /// Holds that are not released.
        holds: u64,
        /// Marks.
        marked: u64,
        /// People whose data may only be stored.
        restricted: u64,
    },
    /// A law wants records of a tenant kept.
    #[error(
        "a statutory minimum keeps records of this tenant until {until}: {rule} ({cite}). Hand them over to whom they belong and take the minimum back in its vault (--tenant), or wait"
    )]
    TenantMinimum {
        /// The row of law.
        rule: String,
        /// Its source.
        cite: String,
        /// A day, or that it is not known.
        until: String,
    },
    /// A number or text outside its limits.
    #[error("{what}; {cure}")]
    Invalid {
        /// What is wrong.
        what: String,
        /// What to do.
        cure: &'static str,
    },
    /// Something named does not exist, or not for this actor.
    #[error("there is no {0} of this id for you; list them and take one from there")]
    Unknown(&'static str),
    /// Was decided, released or undone before.
    #[error("this {0} was closed before; nothing was changed")]
    Closed(&'static str),
    /// Nobody decides on his own request.
    #[error("you asked for this yourself; another person has to decide")]
    OwnRequest,
    /// A part does not begin where the last one ended.
    #[error("the upload has {expected} bytes; the next part must begin there")]
    Offset {
        /// Bytes that are durable.
        expected: u64,
    },
    /// A part ended early.
    #[error("the part ended after {got} of {announced} bytes; nothing of it was kept, send it again")]
    Truncated {
        /// Announced.
        announced: u64,
        /// Arrived.
        got: u64,
    },
    /// Parts are missing.
    #[error("the upload has {received} of {length} bytes; send the rest before finishing it")]
    Incomplete {
        /// Durable.
        received: u64,
        /// Announced at the start.
        length: u64,
    },
    /// The upload takes no more.
    #[error("this upload is {0}; begin a new one")]
    UploadEnded(String),
    /// More open uploads than one account may have.
    #[error("you have {0} open uploads; finish or cancel one first")]
    TooManyUploads(u64),
    /// The same key with another request.
    #[error(
        "this Idempotency-Key was used with another request; use a new key, or repeat the first request exactly"
    )]
    IdempotencyMismatch,
    /// The words of a finding are not in the vault any more, or may not come back.
    #[error("the words cannot be restored: {0}")]
    NotRestorable(&'static str),
    /// A correction was accepted and its recording is not muted further yet.
    #[error(
        "this recording is withheld after a correction{0}; its words can be read, and it plays again once it is muted further and heard again"
    )]
    Withheld(&'static str),
}

impl Refused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::MustKeep(_) => "must_keep",
            Self::ObserveMode => "observe_mode",
            Self::SecondPerson(_) => "needs_second_person",
            Self::NeedsAgreement | Self::KeysTakeTwo => "needs_second_person",
            Self::Restricted(_) => "restricted",
            Self::TenantKeeps { .. } => "tenant_keeps",
            Self::TenantMinimum { .. } => "minimum",
            Self::Invalid { .. } => "invalid",
            Self::Unknown(_) => "unknown",
            Self::Closed(_) => "closed",
            Self::OwnRequest => "own_request",
            Self::Offset { .. } => "upload_offset",
            Self::Truncated { .. } => "upload_truncated",
            Self::Incomplete { .. } => "upload_incomplete",
            Self::UploadEnded(_) => "upload_ended",
            Self::TooManyUploads(_) => "too_many_uploads",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::NotRestorable(_) => "not_restorable",
            Self::Withheld(_) => "withheld",
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, cure: &'static str) -> Self {
        Self::Invalid { what: what.into(), cure }
    }
}
