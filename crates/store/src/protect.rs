//! The key file under another protection, and new recovery shares. The root key stays what it is: a copy of an older key
//! file, and older shares, go on opening the vault.

use crate::{
    Actor, Command, Error, Refused, Vault,
    erase::people,
    two_person::{self, DecisionState, Shared},
};
use callvault_ledger::Kind;
use callvault_model::{Secret, id::DecisionId};
use callvault_seal::{Protection, shares};
use serde_json::{Value, json};
use std::path::Path;

/// Whether a second person agreed to a change of what opens the root key, where one is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// One person works here.
    NotNeeded,
    /// Somebody agreed; it can be used once.
    Given(DecisionId),
    /// Somebody was asked.
    Waits(DecisionId),
    /// Nobody was asked, or the answer was no.
    Missing,
}

/// The terms of another protection, as a second person sees them.
pub fn protection_terms(protection: Protection<'_>) -> Value {
    match protection {
        // Somebody else's key of the same kind would open the vault for somebody else.
        Protection::Service(service) => {
            json!({"protection": protection.name(), "place": service.place().to_string()})
        }
        _ => json!({"protection": protection.name()}),
    }
}

/// The terms of new shares.
pub fn share_terms((needed, made): (u8, u8)) -> Value {
    json!({"needed": needed, "made": made})
}

impl Vault {
    /// Where the second person's answer to exactly these terms stands.
    pub fn key_agreement(&self, terms: &Value) -> Result<Agreement, Error> {
        if people(&self.reads())? <= 1 {
            return Ok(Agreement::NotNeeded);
        }
        let asked = self.decisions()?;
        let mut asked = asked.iter().filter(|d| d.what == Shared::ChangeKeys && d.facts == *terms);
        let open = asked.find(|d| matches!(d.state, DecisionState::Approved | DecisionState::Pending));
        Ok(open.map_or(Agreement::Missing, |d| match d.state {
            DecisionState::Approved => Agreement::Given(d.id),
            _ => Agreement::Waits(d.id),
        }))
    }

    /// Uses up the agreement, where one is needed; who agreed, as a fact for the ledger.
    fn second_keeper(
        &self,
        c: &mut Command<'_>,
        agreed: Option<DecisionId>,
        terms: &Value,
    ) -> Result<Option<(&'static str, callvault_ledger::Value)>, Error> {
        let Some(id) = agreed else {
            return if people(&c.tx)? > 1 { Err(Refused::KeysTakeTwo.into()) } else { Ok(None) };
        };
        let agreed = two_person::use_up(c, id, Shared::ChangeKeys, self.clock.now())?;
        if agreed.facts == *terms {
            Ok(Some(("second", Actor::Account(agreed.approved_by).to_string().into())))
        } else {
            Err(Refused::invalid("the agreement is about another change of the key", "ask anew").into())
        }
    }

    /// Protects the key file in another way: a new one is written and read back, the ledger says what is done, the new
    /// one takes the place of the old, whose bytes are overwritten once. `agreed` is the second person's answer.
    pub fn protect(
        &self,
        key_file: &Path,
        protection: Protection<'_>,
        agreed: Option<DecisionId>,
        by: &Actor,
    ) -> Result<(), Error> {
        self.refuse_guest()?;
        let draft = self.root.draft(key_file, self.dir(), protection, &self.entropy)?;
        self.command_as(by, "protect key", |c| {
            let second = self.second_keeper(c, agreed, &protection_terms(protection))?;
            let mut facts = vec![("by", protection.name().into())];
            facts.extend(second);
            c.log(Kind::KeyProtected, None, None, &facts);
            Ok(())
        })?;
        Ok(draft.put()?)
    }

    /// The ledger says that a waiting server was opened, and by what: `passphrase`, `hsm`, `transit`, `aws-kms` or `shares`.
    pub fn unsealed(&self, by: &'static str, actor: &Actor) -> Result<(), Error> {
        self.command_as(actor, "unseal", |c| {
            c.log(Kind::VaultOpened, None, None, &[("by", by.into())]);
            Ok(())
        })
    }

    /// The ledger says that a server is about to forget its keys.
    pub fn sealing(&self, actor: &Actor) -> Result<(), Error> {
        self.command_as(actor, "seal", |c| {
            c.log(Kind::VaultSealed, None, None, &[]);
            Ok(())
        })
    }

    /// New recovery shares of the root key, as (needed, made). The ledger says that they were made before they exist.
    pub fn new_shares(
        &self,
        (k, n): (u8, u8),
        agreed: Option<DecisionId>,
        by: &Actor,
    ) -> Result<Vec<Secret<String>>, Error> {
        self.refuse_guest()?;
        let made = shares::split(&self.root.key, k, n, &self.entropy)?;
        self.command_as(by, "new shares", |c| {
            let second = self.second_keeper(c, agreed, &share_terms((k, n)))?;
            let mut facts = vec![("needed", u64::from(k).into()), ("made", u64::from(n).into())];
            facts.extend(second);
            c.log(Kind::KeySharesMade, None, None, &facts);
            Ok(())
        })?;
        Ok(made)
    }
}
