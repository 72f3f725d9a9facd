//! What the rules answer: the policies that allowed, or every reason that did not.

use std::{fmt, sync::Arc};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allow {
        /// Ids of the policies that allowed it, sorted; they go into the ledger.
        policies: Arc<[String]>,
        /// What has to be kept to while doing it.
        obligations: Arc<[Obligation]>,
    },
    /// It may not.
    Deny {
        /// Why, the most basic reason first. Never empty.
        reasons: Vec<Denial>,
    },
}

impl Decision {
    /// Whether it may be done.
    pub fn allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The reasons of a refusal; none when it is allowed.
    pub fn reasons(&self) -> &[Denial] {
        match self {
            Self::Allow { .. } => &[],
            Self::Deny { reasons } => reasons,
        }
    }
}

/// What has to be kept to while doing what was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obligation {
    /// Only the text in which findings are masked may be shown.
    Masked,
    /// Only the recording in which findings are muted may be heard.
    Muted,
    /// The value is shown once, for 30 seconds.
    ShowOnce,
    /// The ledger entry says that it was read between 22 and 6 o'clock.
    MarkNight,
}

impl Obligation {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Muted => "muted",
            Self::ShowOnce => "show_once",
            Self::MarkNight => "mark_night",
        }
    }
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Which rule was not met.
    pub reason: Reason,
    /// The policy that refused; `None` when no policy allowed.
    pub policy: Option<String>,
}

impl Denial {
    /// The stable code, as the ledger and the API name it.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.sentence())
    }
}

/// A rule that was not met. The order is the order in which people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The rules cannot be used.
    Broken,
    /// The act does not exist for this kind of thing.
    WrongResource,
    /// Administrators never read content.
    AdminNoContent,
    /// Auditors never read content.
    AuditorNoContent,
    /// A service may not do what only people do.
    PersonOnly,
    /// The key is not for this.
    Scope,
    /// No role of the account allows it.
    Role,
    /// A role allows it, for another purpose.
    OtherPurpose,
    /// Two factors were not shown.
    Aal,
    /// Nobody acts on his own account.
    OwnAccount,
    /// Nobody approves his own request.
    OwnRequest,
    /// There is no request to approve.
    NoRequest,
    /// Somebody else asked for the value, or nobody.
    NotRequester,
    /// The conversation is not redacted to the end.
    NotFinished,
    /// The conversation is not in quarantine.
    NotQuarantined,
    /// A course that this needs was not passed, or its pass ran out.
    NeedsCourse,
    /// The person restricted the use of their data, or objected to this purpose.
    Restricted,
    /// A second person has to agree first.
    NeedsSecondPerson,
    /// A purpose is missing.
    NeedsPurpose,
    /// A reason in words is missing.
    NeedsReason,
    /// The last factor is too old.
    NeedsStepUp,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Broken,
        Self::WrongResource,
        Self::AdminNoContent,
        Self::AuditorNoContent,
        Self::PersonOnly,
        Self::Scope,
        Self::Role,
        Self::OtherPurpose,
        Self::Aal,
        Self::OwnAccount,
        Self::OwnRequest,
        Self::NoRequest,
        Self::NotRequester,
        Self::NotFinished,
        Self::NotQuarantined,
        Self::NeedsCourse,
        Self::Restricted,
        Self::NeedsSecondPerson,
        Self::NeedsPurpose,
        Self::NeedsReason,
        Self::NeedsStepUp,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Broken => "policy_broken",
            Self::WrongResource => "wrong_resource",
            Self::AdminNoContent => "admin_no_content",
            Self::AuditorNoContent => "auditor_no_content",
            Self::PersonOnly => "person_only",
            Self::Scope => "scope",
            Self::Role => "role",
            Self::OtherPurpose => "other_purpose",
            Self::Aal => "aal",
            Self::OwnAccount => "own_account",
            Self::OwnRequest => "own_request",
            Self::NoRequest => "no_request",
            Self::NotRequester => "not_requester",
            Self::NotFinished => "not_finished",
            Self::NotQuarantined => "not_quarantined",
            Self::NeedsCourse => "needs_course",
            Self::Restricted => "restricted",
            Self::NeedsSecondPerson => "needs_second_person",
            Self::NeedsPurpose => "needs_purpose",
            Self::NeedsReason => "needs_reason",
            Self::NeedsStepUp => "needs_step_up",
        }
    }

    /// The reason of this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.code() == code)
    }

    /// What is missing, why, and what helps.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Broken => {
                "The rules of access cannot be used, so nothing is allowed. Ask whoever runs the program to install it again."
            }
            Self::WrongResource => {
                "This cannot be done to this kind of thing. Report it: a page or a program asked the wrong question."
            }
            Self::AdminNoContent => {
                "Administrators see no content, whatever their other roles. Use an account without the role admin."
            }
            Self::AuditorNoContent => {
                "Auditors see evidence and no content, whatever their other roles. Use an account without the role auditor."
            }
            Self::PersonOnly => "Only people do this, not services. Sign in with an account of your own.",
            Self::Scope => "This key is not for this. Ask an administrator for a key with this scope.",
            Self::Role => {
                "None of your roles allows this. Ask for the right for a while, or ask an administrator for a role."
            }
            Self::OtherPurpose => {
                "Your roles allow this for other purposes only. Choose the purpose you really have, or ask a colleague whose work it is."
            }
            Self::Aal => {
                "One factor was shown and two are needed. Set up a passkey or an authenticator app, and sign in with it."
            }
            Self::OwnAccount => "Nobody changes or reviews an account of his own. Ask another administrator.",
            Self::OwnRequest => {
                "Nobody decides what he asked for himself or what is for himself. Ask another person who may decide."
            }
            Self::NoRequest => {
                "Nobody asked for this, so there is nothing to decide. Open the request again."
            }
            Self::NotRequester => {
                "A hidden value is shown only to the person who asked for it. Ask for it with your purpose and reason."
            }
            Self::NotFinished => {
                "This conversation is not redacted to the end, so nobody can read it. Wait, or look in quarantine."
            }
            Self::NotQuarantined => {
                "This conversation is not in quarantine, so it cannot be released. Load the page again."
            }
            Self::NeedsCourse => {
                "A course that this needs is not passed, or the pass ran out. Open My courses; it opens again the moment you pass."
            }
            Self::Restricted => {
                "Somebody in it had the use of their data restricted, or objected to this purpose, so it is kept and not used. Ask the privacy officer, who sees the request."
            }
            Self::NeedsSecondPerson => {
                "A second person has to agree first. Ask somebody of compliance or the privacy officer to decide your request."
            }
            Self::NeedsPurpose => {
                "A purpose is missing, and every reading has one. Choose why you need this."
            }
            Self::NeedsReason => "A reason in words is missing. Say what you need this for.",
            Self::NeedsStepUp => {
                "You last proved who you are more than 15 minutes ago. Confirm with your passkey or code, then try again."
            }
        }
    }

    /// Whether the asker can cure it himself; useless to say where no role allows the act at all.
    pub(crate) fn is_circumstance(self) -> bool {
        matches!(
            self,
            Self::NeedsCourse
                | Self::NeedsSecondPerson
                | Self::NeedsPurpose
                | Self::NeedsReason
                | Self::NeedsStepUp
                | Self::NotRequester
                | Self::NoRequest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_code_and_says_what_helps() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.code()), Some(*reason));
            assert!(reason.sentence().matches(['.', '?']).count() >= 2, "{reason:?} says no cure");
        }
        assert!(Reason::ALL.is_sorted(), "told in the order of the list");
    }
}
