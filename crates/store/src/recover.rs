//! A lost key file, made again from recovery shares.

use crate::db::Connection;
use crate::{
    Error, Vault,
    keys::id_of,
    ledger::VaultSigner,
    vault::{lock, read_only},
};
use callvault_ledger::Kind;
use callvault_model::{
    Clock, Secret,
    id::{EpochId, VaultId},
};
use callvault_seal::{Key256, Keyring, OsEntropy, Root, SealError, SigningKey, shares};
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// Where the key comes from and where it goes.
#[derive(Debug)]
pub struct Recovery<'a> {
    /// The data directory of the vault.
    pub dir: &'a Path,
    /// The new key file; must not exist and must lie outside the data directory.
    pub key_file: &'a Path,
    /// Protects the new key file, if given.
    pub passphrase: Option<&'a Secret<String>>,
}

/// What was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Recovered {
    /// The vault whose key this is.
    pub vault: String,
    /// Shred epochs that the vault's content lies under.
    pub epochs: usize,
    /// Of these, without their key file beside the new key: what lies under them cannot be opened.
    pub epochs_missing: usize,
}

impl Vault {
    /// Rebuilds the root key from shares and writes it to a new key file, after its signing key was compared with the
    /// one this vault has used since it was made. With all epoch keys in place the vault is opened and the ledger says
    /// that its key was recovered.
    pub fn recover(
        to: &Recovery<'_>,
        typed: &[Secret<String>],
        clock: Arc<dyn Clock>,
        actor: &str,
    ) -> Result<Recovered, Error> {
        Self::peek(to.dir)?.ok_or_else(|| Error::Absent(to.dir.to_owned()))?;
        let held = lock(to.dir)?;
        let db = read_only(to.dir)?;
        let typed: Vec<&str> = typed.iter().map(|s| s.expose().as_str()).collect();
        let root = known(to.dir, &db, shares::combine(&typed)?)?;
        let stored = root.vault.to_string();
        root.save(to.key_file, to.dir, to.passphrase.into(), &OsEntropy)?;
        let keyring = Keyring::beside(to.key_file, &root)?;
        let needed = epochs_in_use(&db)?;
        let missing = needed.iter().filter(|epoch| keyring.open(**epoch).is_err()).count();
        let usable = missing == 0 && !keyring.list()?.is_empty();
        drop((db, held));
        if usable {
            let vault = Self::open(to.dir, to.key_file, to.passphrase, clock, actor)?;
            vault.command("recover key", |c| {
                c.log(Kind::KeyRecovered, None, None, &[("epochs", needed.len().into())]);
                Ok(())
            })?;
        }
        let epochs_missing = if usable { 0 } else { missing.max(1) };
        Ok(Recovered { vault: stored, epochs: needed.len().max(epochs_missing), epochs_missing })
    }
}

/// A rebuilt key as the root of this vault, after its signing key was compared with the one the vault has used since it
/// was made.
pub(crate) fn known(dir: &Path, db: &Connection, key: Key256) -> Result<Root, Error> {
    let stored = Vault::peek(dir)?.ok_or_else(|| Error::Absent(dir.to_owned()))?;
    let vault: VaultId = stored.parse().map_err(|_| Error::Corrupt("the vault's id"))?;
    let signer = VaultSigner::new(vault, SigningKey::from_root(&key, "ledger")?)?;
    let known: String = db.query_row("SELECT value FROM meta WHERE key = 'vkey'", [], |r| r.get(0))?;
    if signer.vkey() != known {
        return Err(SealError::ShareSet { why: "they rebuild the key of another vault" }.into());
    }
    Ok(Root { vault, key })
}

/// The epochs under which something is still wrapped.
fn epochs_in_use(db: &Connection) -> Result<BTreeSet<EpochId>, Error> {
    let listed = db.has_table("epoch")?;
    // A vault of an older version has no list of its epochs yet.
    let mut statement = db.prepare(if listed {
        "SELECT id FROM epoch WHERE state IN ('current', 'retiring')"
    } else {
        "SELECT epoch FROM subject WHERE wrapped_key IS NOT NULL
         UNION SELECT epoch FROM object WHERE wrapped_key IS NOT NULL"
    })?;
    let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
    rows.map(|r| id_of(&r?)).collect()
}
