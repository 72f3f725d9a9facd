//! The roles an account may hold. They are few, fixed, and named as call centres name them.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

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

/// Two roles that one account must not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one account cannot be both {one} and {other}: {why}. Give one of the roles to another person")]
pub struct Conflict {
    /// The first role.
    pub one: Role,
    /// The second role.
    pub other: Role,
    why: &'static str,
}

/// Who checks does not do, who runs the program does not decide about content, and who sets what is destroyed does not
/// destroy it. A service holds no other role at all.
const CONFLICTS: &[(Role, &[Role], &str)] = &[
    (
        Role::Auditor,
        &[
            Role::Agent,
            Role::Supervisor,
            Role::Qa,
            Role::Compliance,
            Role::PrivacyOfficer,
            Role::IncidentLead,
            Role::DisposalOfficer,
            Role::Admin,
        ],
        "who checks must not check his own work",
    ),
    (
        Role::Admin,
        &[Role::Compliance, Role::PrivacyOfficer, Role::DisposalOfficer],
        "who gives roles must not decide about content and its destruction",
    ),
    (Role::DisposalOfficer, &[Role::Compliance], "who says how long things are kept must not destroy them"),
];

impl Role {
    /// Whether one account may hold all of these; asked whenever roles are set.
    pub fn compatible(roles: &BTreeSet<Self>) -> Result<(), Conflict> {
        let service = roles.iter().find(|r| **r != Self::Service).filter(|_| roles.contains(&Self::Service));
        if let Some(other) = service {
            let why = "a service is a machine with a key, not a person";
            return Err(Conflict { one: Self::Service, other: *other, why });
        }
        for (one, others, why) in CONFLICTS.iter().filter(|(one, ..)| roles.contains(one)) {
            if let Some(other) = others.iter().find(|o| roles.contains(o)) {
                return Err(Conflict { one: *one, other: *other, why });
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_that_must_be_apart_are_refused_together() {
        let pair = |a, b| Role::compatible(&BTreeSet::from([a, b]));
        for (a, b) in [
            (Role::Auditor, Role::Admin),
            (Role::Agent, Role::Auditor),
            (Role::Admin, Role::PrivacyOfficer),
            (Role::Compliance, Role::DisposalOfficer),
            (Role::Service, Role::Agent),
            (Role::Admin, Role::Service),
        ] {
            let error = pair(a, b).unwrap_err().to_string();
            assert!(error.contains(a.as_str()) && error.contains(b.as_str()), "{error}");
        }
        for (a, b) in [
            (Role::Agent, Role::Supervisor),
            (Role::Admin, Role::IncidentLead),
            (Role::Compliance, Role::PrivacyOfficer),
            (Role::Service, Role::Service),
        ] {
            assert_eq!(pair(a, b), Ok(()));
        }
        assert_eq!(Role::compatible(&BTreeSet::new()), Ok(()));
    }

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>(), Ok(*role));
        }
        let error = "owner".parse::<Role>().unwrap_err().to_string();
        assert!(Role::ALL.iter().all(|r| error.contains(r.as_str())), "{error}");
    }
}
