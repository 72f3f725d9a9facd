//! Opening the vault of a tenant from outside its host: the host's database is read, its lock is not needed.

use super::{DIR, HOST, ROOT, SINCE, TenantName, aad, ended, known};
use crate::{
    Error, Refused, Unlock, Vault,
    db::params,
    erasure::{self, Behind},
    keys::id_of,
    making,
    rotation::TenantKeys,
    schema,
    vault::{place_of, read_only},
};
use callvault_keyservice::Services;
use callvault_model::{
    Clock, Secret,
    id::{TenantId, VaultId},
};
use callvault_seal::{Erasures, Keyring, Root, envelope::key_id, kek, unwrap_key};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The data directory of a tenant.
pub fn place(host: &Path, name: &TenantName) -> PathBuf {
    host.join(DIR).join(name.as_str())
}

/// Beside which name epochs and erasures of a tenant lie; no key file is ever written there.
pub fn keys_beside(host_key_file: &Path, tenant: &str) -> PathBuf {
    host_key_file.with_file_name(format!("{tenant}.key"))
}

/// Everything that opens the vault of one tenant.
pub struct Lodging {
    /// Its data directory.
    pub dir: PathBuf,
    /// Beside which its epochs and erasures lie; there is no such file.
    pub key_file: PathBuf,
    /// The id of its vault.
    pub vault: VaultId,
    pub(super) root: Root,
}

impl fmt::Debug for Lodging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.vault, self.dir.display())
    }
}

impl Lodging {
    /// Takes the root key of a tenant out of its host, which is only read and may be served by another process meanwhile.
    pub fn of(
        host: &Path,
        key_file: &Path,
        passphrase: Option<&Secret<String>>,
        name: &TenantName,
    ) -> Result<Self, Error> {
        if !place_of(host)?.exists() {
            return Err(Error::Absent(host.to_owned()));
        }
        making::refuse(host)?;
        let root = Root::open(key_file, host, passphrase, &Services::default())?;
        // Before the database, which a host that is served goes on with first.
        let noted = Erasures::beside(key_file, &root)?;
        let connection = read_only(host)?;
        if schema::check(&connection)? < SINCE {
            return Err(Refused::Unknown("tenant").into());
        }
        // One state of keys and row, while the host may rotate.
        let db = connection.moment()?;
        let id: String = db.query_row("SELECT value FROM meta WHERE key = 'vault'", [], |r| r.get(0))?;
        if id != root.vault.to_string() {
            return Err(Error::WrongKey);
        }
        erasure::check(&db, &noted, Behind::Refuse)?;
        let stored = known(&db, name)?;
        let wrapped = stored.wrapped.as_deref().ok_or_else(|| ended(&stored.row))?;
        let host_tenant: Vec<u8> =
            db.query_row("SELECT id FROM tenant WHERE name = ?1", params![HOST], |r| r.get(0))?;
        let host_tenant: TenantId = id_of(&host_tenant)?;
        let keyring = Keyring::beside(key_file, &root)?;
        let keys = TenantKeys::load(&db, &root, &keyring, host_tenant)?;
        let epoch = keyring.open(stored.epoch)?;
        let mut under = kek(&keys.current, &epoch.key, ROOT)?;
        if let Some((_, retiring)) = &keys.retiring
            && key_id(wrapped) != Some(under.id()?)
        {
            under = kek(retiring, &epoch.key, ROOT)?;
        }
        let id = stored.row.id;
        let key = unwrap_key(&under, &aad(host_tenant, &id), ROOT, wrapped)?;
        Ok(Self {
            dir: place(host, name),
            key_file: keys_beside(key_file, &id.to_string()),
            vault: id,
            root: Root { vault: id, key },
        })
    }

    /// What unlocks its vault.
    pub fn unlock(self) -> Unlock<'static> {
        Unlock::Root(self.root)
    }

    /// Opens its vault.
    pub fn open(self, clock: Arc<dyn Clock>, actor: &str) -> Result<Vault, Error> {
        Vault::open_copy(&self.dir, &self.key_file, Unlock::Root(self.root), clock, actor, Behind::Refuse)
    }
}
