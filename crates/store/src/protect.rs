//! The key file under another protection, and new recovery shares. The root key stays what it is: a copy of an older key
//! file, and older shares, go on opening the vault.

use crate::{Actor, Error, Vault};
use callvault_ledger::Kind;
use callvault_model::Secret;
use callvault_seal::{Protection, shares};
use std::path::Path;

impl Vault {
    /// Protects the key file in another way: a new one is written and read back, the ledger says what is done, the new
    /// one takes the place of the old, whose bytes are overwritten once.
    pub fn protect(&self, key_file: &Path, protection: Protection<'_>, by: &Actor) -> Result<(), Error> {
        self.refuse_guest()?;
        let draft = self.root.draft(key_file, self.dir(), protection, &self.entropy)?;
        self.command_as(by, "protect key", |c| {
            c.log(Kind::KeyProtected, None, None, &[("by", protection.name().into())]);
            Ok(())
        })?;
        Ok(draft.put()?)
    }

    /// The ledger says that a waiting server was opened, and by what: `passphrase`, `hsm` or `shares`.
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
    pub fn new_shares(&self, (k, n): (u8, u8), by: &Actor) -> Result<Vec<Secret<String>>, Error> {
        self.refuse_guest()?;
        let made = shares::split(&self.root.key, k, n, &self.entropy)?;
        self.command_as(by, "new shares", |c| {
            c.log(
                Kind::KeySharesMade,
                None,
                None,
                &[("needed", u64::from(k).into()), ("made", u64::from(n).into())],
            );
            Ok(())
        })?;
        Ok(made)
    }
}
