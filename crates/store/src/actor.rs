//! Who acts. A ledger entry names exactly one of these, never a person's name.

use callvault_model::id::AccountId;
use std::fmt;

/// Who acts: the stable pseudonym that a ledger entry carries. Naming somebody gives no right; `gate` decides that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// The user of this machine, through the command line. Can never reveal.
    LocalOperator,
    /// A person who signed in.
    Account(AccountId),
    /// A machine with a scoped key.
    Service(AccountId),
    /// The program's own work: processing, sweeps, expiry.
    Worker,
}

impl Actor {
    /// The account behind it; the local operator and workers have none.
    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(id) | Self::Service(id) => Some(id),
            Self::LocalOperator | Self::Worker => None,
        }
    }

    /// The actor a ledger entry names; `None` for names of other programs or versions.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "local-operator" => Some(Self::LocalOperator),
            None if text == "worker" => Some(Self::Worker),
            Some(("account", id)) => id.parse().ok().map(Self::Account),
            Some(("service", id)) => id.parse().ok().map(Self::Service),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalOperator => f.write_str("local-operator"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Service(id) => write!(f, "service:{id}"),
            Self::Worker => f.write_str("worker"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_back_from_its_ledger_name() {
        let id = AccountId::from_bytes([7; 16]);
        for actor in [Actor::LocalOperator, Actor::Worker, Actor::Account(id), Actor::Service(id)] {
            assert_eq!(Actor::parse(&actor.to_string()), Some(actor));
        }
        for bad in ["", "account:", "account:dana", "root", "service", "local-operator:x"] {
            assert_eq!(Actor::parse(bad), None, "{bad}");
        }
    }
}
