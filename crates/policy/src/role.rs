//! The roles an account may hold. They are few, fixed, and named as call centres name them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks with customers; sees masked text of conversations.
    Agent,
    /// Leads agents; listens to muted recordings.
    Supervisor,
    /// Judges quality; listens, corrects findings.
    Qa,
    /// Answers for rules: retention, holds, second person for reveals.
    Compliance,
    /// Data protection officer: subjects, reveals, corrections, holds, observe mode.
    PrivacyOfficer,
    /// Leads incidents: ledger, freezing of people.
    IncidentLead,
    /// Destroys what is due.
    DisposalOfficer,
    /// Reads evidence, never content.
    Auditor,
    /// Runs the program: people, settings, keys; sees no content.
    Admin,
    /// A machine with a scoped, expiring key.
    Service,
}

impl Role {
    /// Every role, in the order in which pages list them.
    pub const ALL: &'static [Self] = &[
        Self::Agent,
        Self::Supervisor,
        Self::Qa,
        Self::Compliance,
        Self::PrivacyOfficer,
        Self::IncidentLead,
        Self::DisposalOfficer,
        Self::Auditor,
        Self::Admin,
        Self::Service,
    ];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Qa => "qa",
            Self::Compliance => "compliance",
            Self::PrivacyOfficer => "privacy_officer",
            Self::IncidentLead => "incident_lead",
            Self::DisposalOfficer => "disposal_officer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no role; roles are agent, supervisor, qa, compliance, privacy_officer, incident_lead, disposal_officer, auditor, admin and service"
)]
pub struct ParseRoleError;

impl FromStr for Role {
    type Err = ParseRoleError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|r| r.as_str() == s).ok_or(ParseRoleError)
    }
}
