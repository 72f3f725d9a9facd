//! Making and opening a vault.

use crate::{
    Error,
    access_index::{self, Waiting},
    backup,
    blob::{FileServer, Shelf},
    db::{Connection, DatabaseServer, Place, params},
    epoch,
    erasure::{self, Behind},
    group::Group,
    keys::Keks,
    ledger, making, moving,
    orphans::later,
    readers::Readers,
    recover,
    rotation::TenantKeys,
    schema,
    seen::{Seen, Writing},
    sessions::Live,
};
use callvault_keyservice::Services;
use callvault_ledger::Kind;
use callvault_model::{
    Clock, Secret,
    id::{EpochId, TenantId, VaultId},
};
use callvault_seal::{Erasures, Key256, Keyring, OsEntropy, Protection, Root, SigningKey, shares};
use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// The file of the embedded database.
pub(crate) const DATABASE: &str = "vault.db";
pub(crate) const BLOBS: &str = "blobs";
/// A copy of the database while a backup is written.
pub(crate) const SNAPSHOT: &str = "vault.db-snapshot";
const LOCK: &str = "lock";

/// An open vault. One process at a time; inside it any thread.
pub struct Vault {
    dir: PathBuf,
    // Closed before the connection that writes: the last one to close empties the log, and only a writer can.
    readers: Readers,
    db: Mutex<Connection>,
    _lock: File,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: OsEntropy,
    /// Where its sealed files stand.
    pub(crate) shelf: Shelf,
    pub(crate) id: VaultId,
    pub(crate) tenant: TenantId,
    pub(crate) keys: RwLock<Arc<TenantKeys>>,
    /// Keys that wrap keys, by version of the tenant key, epoch and purpose.
    pub(crate) keks: Mutex<Keks>,
    /// What readings looked up.
    pub(crate) seen: Seen,
    pub(crate) root: Root,
    pub(crate) keyring: Keyring,
    /// The shred epoch new wraps are made in; a roll changes it under the database's lock.
    pub(crate) epoch: RwLock<EpochId>,
    pub(crate) erasures: Mutex<Erasures>,
    erasing: Mutex<()>,
    pub(crate) signer: ledger::VaultSigner,
    pub(crate) actor: String,
    pub(crate) live: Live,
    pub(crate) group: Group,
    pub(crate) unindexed: Waiting,
    /// It is a tenant's: the root key stands in the vault of the host, and no key file or share may hold it.
    pub(crate) guest: bool,
}

/// What opens the root key of a stored vault.
pub enum Unlock<'a> {
    /// Its key file, and what protects that.
    File(Option<&'a Secret<String>>),
    /// The host of a tenant gave it; no key file is read, epochs and erasures lie beside where it would be.
    Root(Root),
}

/// A vault that is being made.
pub(crate) struct Making<'a> {
    pub dir: &'a Path,
    pub key_file: &'a Path,
    pub server: Option<&'a DatabaseServer>,
    pub files: Option<&'a FileServer>,
    pub id: VaultId,
    pub clock: Arc<dyn Clock>,
    pub actor: &'a str,
    pub guest: bool,
}

/// What `init` needs.
pub struct NewVault<'a> {
    /// The data directory; must not hold a vault.
    pub dir: &'a Path,
    /// Where the key file goes; outside the data directory.
    pub key_file: &'a Path,
    /// Protects the key file, if given.
    pub protection: Protection<'a>,
    /// Recovery shares to make, as (needed, made).
    pub shares: (u8, u8),
    /// The database server that keeps its rows; the embedded database if none is named.
    pub server: Option<&'a DatabaseServer>,
    /// The bucket that keeps its sealed files; the data directory if none is named.
    pub files: Option<&'a FileServer>,
}

/// A new vault and its recovery shares, which are shown once and never stored.
pub struct InitOutcome {
    /// The open vault.
    pub vault: Vault,
    /// To be printed and locked away.
    pub shares: Vec<Secret<String>>,
}

impl std::fmt::Debug for Unlock<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File",
            Self::Root(_) => "Root",
        })
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.id, self.dir.display())
    }
}

impl Vault {
    /// Makes a vault, or goes on with one whose making was not finished ([`Vault::begun`]): directory 0700, key file 0600 outside it, first tenant, first shred epoch, first entry.
    pub fn init(
        new: &NewVault<'_>,
        vault_id: VaultId,
        clock: Arc<dyn Clock>,
        actor: &str,
    ) -> Result<InitOutcome, Error> {
        let (k, n) = new.shares;
        let making = Making {
            dir: new.dir,
            key_file: new.key_file,
            server: new.server,
            files: new.files,
            id: vault_id,
            clock,
            actor,
            guest: false,
        };
        let vault = Self::make(making, |id| making::root(new, id, &OsEntropy))?;
        Ok(InitOutcome { shares: shares::split(&vault.root.key, k, n, &vault.entropy)?, vault })
    }

    /// The same with a root key that `root` gives for the vault's id.
    pub(crate) fn make(
        new: Making<'_>,
        root: impl FnOnce(VaultId) -> Result<Root, Error>,
    ) -> Result<Self, Error> {
        making::refuse_standing(new.dir)?;
        private_dir(new.dir)?;
        private_dir(&new.dir.join(BLOBS))?;
        let lock = lock(new.dir)?;
        // Once more: somebody else may have finished one meanwhile.
        making::refuse_standing(new.dir)?;
        let vault_id = Self::begun(new.dir)?.unwrap_or(new.id);
        making::begin(new.dir, vault_id)?;
        let place = making::place(new.dir, new.server)?;
        let shelf = making::shelf(new.dir, new.files, vault_id)?;
        let entropy = OsEntropy;
        let root = root(vault_id)?;
        if root.vault != vault_id {
            return Err(Error::WrongKey);
        }
        let keyring = Keyring::beside(new.key_file, &root)?;
        let epoch = keyring.create(new.clock.as_ref(), &entropy)?;
        let erasures = Mutex::new(Erasures::beside(new.key_file, &root)?);
        let tenant = TenantId::new(new.clock.as_ref(), &entropy)?;
        let keys = Arc::new(TenantKeys::first(Key256::random(&entropy)?, epoch.id)?);
        let signer = ledger::VaultSigner::new(vault_id, SigningKey::from_root(&root.key, "ledger")?)?;
        let mut db = writer(&place)?;
        if let Place::File(path) = &place {
            restrict(path)?;
        }
        schema::create(&mut db)?;
        let vault = Self {
            dir: new.dir.to_owned(),
            readers: Readers::open(&place)?,
            db: Mutex::new(db),
            _lock: lock,
            clock: new.clock,
            entropy,
            shelf,
            id: vault_id,
            tenant,
            keys: RwLock::new(keys),
            keks: Mutex::default(),
            seen: Seen::default(),
            root,
            keyring,
            epoch: RwLock::new(epoch.id),
            erasures,
            signer,
            actor: new.actor.to_owned(),
            live: Live::default(),
            group: Group::default(),
            erasing: Mutex::default(),
            unindexed: Waiting::default(),
            guest: new.guest,
        };
        vault.command("init", |c| {
            let mut meta = c.tx.prepare("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
            meta.execute(params!["vault", vault_id.to_string()])?;
            meta.execute(params!["vkey", vault.signer.vkey()])?;
            meta.execute(params![crate::training::SINCE, &c.now])?;
            drop(meta);
            epoch::begin(&c.tx, epoch.id, &c.now)?;
            TenantKeys::create(c, &vault.root, tenant, &vault.tenant_keys(), &epoch)?;
            c.log(Kind::VaultCreated, None, None, &[("mode", "observe".into())]);
            c.log(Kind::KeyEpochCreated, None, None, &[("epoch", epoch.id.to_string().into())]);
            Ok(())
        })?;
        making::done(new.dir)?;
        Ok(vault)
    }

    /// Opens a vault with its key file; refuses when the ledger is not the one that was last signed, and when something
    /// lives in it that was erased since.
    pub fn open(
        dir: &Path,
        key_file: &Path,
        passphrase: Option<&Secret<String>>,
        clock: Arc<dyn Clock>,
        actor: &str,
    ) -> Result<Self, Error> {
        Self::open_copy(dir, key_file, Unlock::File(passphrase), clock, actor, Behind::Refuse)
    }

    /// The same with a root key that was rebuilt from recovery shares; the key file is not read and may be gone. Refuses a
    /// key that does not give the signing key this vault has used since it was made.
    pub fn open_rebuilt(
        dir: &Path,
        key_file: &Path,
        key: Key256,
        clock: Arc<dyn Clock>,
        actor: &str,
    ) -> Result<Self, Error> {
        let root = |dir: &Path| recover::known(dir, &read_only(dir)?, key);
        Self::open_root(dir, key_file, (root, false), clock, actor, Behind::Refuse)
    }

    pub(crate) fn open_copy(
        dir: &Path,
        key_file: &Path,
        unlock: Unlock<'_>,
        clock: Arc<dyn Clock>,
        actor: &str,
        behind: Behind,
    ) -> Result<Self, Error> {
        let guest = matches!(unlock, Unlock::Root(_));
        let root = |dir: &Path| match unlock {
            Unlock::File(passphrase) => Ok(Root::open(key_file, dir, passphrase, &Services::default())?),
            Unlock::Root(root) => Ok(root),
        };
        Self::open_root(dir, key_file, (root, guest), clock, actor, behind)
    }

    fn open_root(
        dir: &Path,
        key_file: &Path,
        (root, guest): (impl FnOnce(&Path) -> Result<Root, Error>, bool),
        clock: Arc<dyn Clock>,
        actor: &str,
        behind: Behind,
    ) -> Result<Self, Error> {
        let place = place_of(dir)?;
        if !place.exists() {
            return Err(Error::Absent(dir.to_owned()));
        }
        let lock = lock(dir)?;
        making::refuse(dir)?;
        making::done(dir)?;
        let root = root(dir)?;
        let mut db = writer(&place)?;
        schema::migrate(&mut db)?;
        access_index::index_rest(&mut db)?;
        crate::training::begin(&db, clock.now())?;
        let stored: String = db.query_row("SELECT value FROM meta WHERE key = 'vault'", [], |r| r.get(0))?;
        if stored != root.vault.to_string() {
            return Err(Error::WrongKey);
        }
        let erasures = Erasures::beside(key_file, &root)?;
        erasure::check(&db, &erasures, behind)?;
        backup::clear_snapshot(dir)?;
        let (keyring, now) = (Keyring::beside(key_file, &root)?, clock.now().to_string());
        let epoch = epoch::open(&mut db, &keyring, &now)?;
        let (tenant, keys) = TenantKeys::open(&mut db, &root, &keyring, &now)?;
        let keys = Arc::new(keys);
        let root_vault = root.vault;
        let signer = ledger::VaultSigner::new(root_vault, SigningKey::from_root(&root.key, "ledger")?)?;
        let vault = Self {
            dir: dir.to_owned(),
            readers: Readers::open(&place)?,
            db: Mutex::new(db),
            _lock: lock,
            clock,
            entropy: OsEntropy,
            shelf: Shelf::of(dir, Some(root_vault))?,
            id: root_vault,
            tenant,
            keys: RwLock::new(keys),
            keks: Mutex::default(),
            seen: Seen::default(),
            root,
            keyring,
            epoch: RwLock::new(epoch),
            erasures: Mutex::new(erasures),
            signer,
            actor: actor.to_owned(),
            live: Live::default(),
            group: Group::default(),
            erasing: Mutex::default(),
            unindexed: Waiting::default(),
            guest,
        };
        ledger::check_head(&vault.db(), &vault.signer)?;
        moving::clear_left(dir, vault.id)?;
        match moving::clear_left_files(&vault) {
            // What is there are copies, and what is destroyed here is destroyed there before anybody says so.
            Err(e @ Error::Bucket { .. }) => later(Err(e)),
            done => done?,
        }
        vault.sweep_orphans()?;
        // A kill between a command and its note beside the key file.
        vault.note_erasures(&vault.db())?;
        Ok(vault)
    }

    /// The vault id that belongs to a data directory, without a key; `None` where there is no vault.
    pub fn peek(dir: &Path) -> Result<Option<String>, Error> {
        if !place_of(dir)?.exists() {
            return Ok(None);
        }
        making::refuse(dir)?;
        let db = read_only(dir)?;
        schema::check(&db)?;
        Ok(Some(db.query_row("SELECT value FROM meta WHERE key = 'vault'", [], |r| r.get(0))?))
    }

    /// The one connection that writes; a panic elsewhere does not take the vault with it, transactions roll back.
    pub(crate) fn db(&self) -> Writing<'_> {
        Writing::new(self.db_for_entries(), &self.seen)
    }

    /// The same for whoever only adds entries to the ledger, which nothing that `seen` keeps depends on.
    pub(crate) fn db_for_entries(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that only reads, for everything that is no command: it does not wait while another's commit is flushed
    /// to the disk, and sees every commit that returned.
    pub(crate) fn reads(&self) -> MutexGuard<'_, Connection> {
        self.readers.get()
    }

    /// Held from an erasure to its receipt, so that nobody makes that receipt meanwhile and before it is true.
    pub fn erase_alone(&self) -> MutexGuard<'_, ()> {
        self.erasing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where files are sealed. They stay there, or go to a bucket when they are recorded.
    pub fn blobs(&self) -> PathBuf {
        self.dir.join(BLOBS)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The vault's id.
    pub fn id(&self) -> VaultId {
        self.id
    }

    /// The tenant that this process works for.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The verifier key of ledger and certificates (C2SP signed note).
    pub fn vkey(&self) -> &str {
        self.signer.vkey()
    }

    /// The clock of this vault.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}

/// A connection that cannot write, for `verify`.
pub(crate) fn read_only(dir: &Path) -> Result<Connection, Error> {
    Ok(place_of(dir)?.look()?)
}

/// Where the database of the vault in this directory is.
pub(crate) fn place_of(dir: &Path) -> Result<Place, Error> {
    Ok(Place::of(dir)?)
}

/// The connection that writes; refused where what is deleted would not be overwritten.
pub(crate) fn writer(place: &Place) -> Result<Connection, Error> {
    let (db, overwrites) = place.writer()?;
    if overwrites { Ok(db) } else { Err(Error::NoSecureDelete) }
}

/// The files in which a destroyed key could linger.
pub(crate) fn key_files(dir: &Path) -> Vec<PathBuf> {
    ["", "-wal", "-shm", "-journal", "-snapshot"]
        .iter()
        .map(|end| dir.join(format!("{DATABASE}{end}")))
        .filter(|p| p.exists())
        .collect()
}

fn private_dir(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return restrict(path);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file(path))
}

/// Takes group and others out.
fn restrict(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path).map_err(Error::file(path))?.permissions();
    permissions.set_mode(permissions.mode() & 0o700);
    fs::set_permissions(path, permissions).map_err(Error::file(path))
}

/// The lock of a data directory. Tried for half a second: where this process starts a program, the child holds a copy of
/// everything that is open until it becomes that program, a lock that was just given back included.
pub(crate) fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::file(&path))?;
    for _ in 0..10 {
        if file.try_lock().is_ok() {
            return Ok(file);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Err(Error::Locked(dir.to_owned()))
}
