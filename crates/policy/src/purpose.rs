//! Why somebody wants to read. The list is closed, so that a count by purpose means something.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why something is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Serving the customer in an open matter.
    Service,
    /// Judging and improving the quality of conversations.
    Quality,
    /// Settling a complaint or dispute.
    Dispute,
    /// Answering a person who asserts a right (access, erasure, …).
    SubjectRequest,
    /// An order of a court or authority, or a legal claim.
    Legal,
    /// Finding or handling fraud or a security incident.
    Security,
    /// Checking the checks: audit and supervision of this program.
    Audit,
}

impl Purpose {
    /// Every purpose, in the order in which forms offer them.
    pub const ALL: &'static [Self] = &[
        Self::Service,
        Self::Quality,
        Self::Dispute,
        Self::SubjectRequest,
        Self::Legal,
        Self::Security,
        Self::Audit,
    ];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Quality => "quality",
            Self::Dispute => "dispute",
            Self::SubjectRequest => "subject_request",
            Self::Legal => "legal",
            Self::Security => "security",
            Self::Audit => "audit",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not a purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no purpose; purposes are service, quality, dispute, subject_request, legal, security and audit"
)]
pub struct ParsePurposeError;

impl FromStr for Purpose {
    type Err = ParsePurposeError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|p| p.as_str() == s).ok_or(ParsePurposeError)
    }
}
