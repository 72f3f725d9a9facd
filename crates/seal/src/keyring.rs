//! Shred-epoch keys: one private file each in a directory beside the key file, outside data and data backups.
//! Destroying one makes everything sealed under it unreadable, in old backups too.

use crate::{
    Key256, Root, SealError,
    envelope::{Format, open_key, seal_as},
    files::{self, Shredded},
    keyfile::{private_dir, read_private, write_new},
    text,
};
use callvault_model::{
    Clock, Entropy,
    id::{EpochId, Id, VaultId},
};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

const MAGIC: &str = "callvault-epoch-v1";
const EXTENSION: &str = "epoch";
const MAX_FILE: u64 = 1024;
const MAX_EPOCHS: usize = 10_000;

/// One shred epoch.
#[derive(Debug)]
pub struct Epoch {
    /// Its id, ordered by the time of creation.
    pub id: EpochId,
    /// Its key.
    pub key: Key256,
}

/// The directory of epoch keys of one vault.
#[derive(Debug)]
pub struct Keyring {
    dir: PathBuf,
    vault: VaultId,
    kek: Key256,
}

impl Keyring {
    /// The keyring beside a key file: `<vault>.key` has `<vault>.epochs/`.
    pub fn beside(key_file: &Path, root: &Root) -> Result<Self, SealError> {
        let dir = key_file.with_extension("epochs");
        private_dir(&dir)?;
        Ok(Self { dir, vault: root.vault, kek: crate::derive(&root.key, "epochs")? })
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new epoch, durable before this returns.
    pub fn create(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Epoch, SealError> {
        let epoch = Epoch { id: Id::new(clock, entropy)?, key: Key256::random(entropy)? };
        let wrapped = seal_as(Format::Key, &self.kek, &self.context(epoch.id), epoch.key.expose(), entropy)?;
        let body = format!("{MAGIC}\nvault {}\nwrapped {}\n", self.vault, text::base64(&wrapped));
        write_new(&self.path(epoch.id), &body)?;
        Ok(epoch)
    }

    /// The key of an epoch; [`SealError::EpochGone`] when it was destroyed.
    pub fn open(&self, id: EpochId) -> Result<Epoch, SealError> {
        let path = self.path(id);
        let bad = |why| SealError::Format { path: path.clone(), what: "epoch key", why };
        let body = match read_private(&path, MAX_FILE) {
            Err(SealError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(SealError::EpochGone { epoch: id.to_string() });
            }
            other => other?,
        };
        let mut lines = body.lines();
        if lines.next() != Some(MAGIC) {
            return Err(bad("first line"));
        }
        if lines.next() != Some(format!("vault {}", self.vault).as_str()) {
            return Err(bad("vault"));
        }
        let wrapped = lines.next().and_then(|l| l.strip_prefix("wrapped ")).and_then(text::unbase64);
        let wrapped = wrapped.filter(|_| lines.next().is_none()).ok_or(bad("wrapped"))?;
        let key = open_key(&self.kek, &self.context(id), &wrapped).map_err(|_| bad("its seal"))?;
        Ok(Epoch { id, key })
    }

    /// Whether the key file of an epoch still stands, for whoever keeps what follows from it.
    pub fn stands(&self, id: EpochId) -> Result<(), SealError> {
        match self.path(id).symlink_metadata() {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(SealError::EpochGone { epoch: id.to_string() }),
            Err(e) => Err(SealError::io("cannot examine", &self.path(id))(e)),
        }
    }

    /// The epochs that still have a key file, oldest first.
    pub fn list(&self) -> Result<Vec<EpochId>, SealError> {
        let mut out = Vec::new();
        for entry in
            fs::read_dir(&self.dir).map_err(SealError::io("cannot list", &self.dir))?.take(MAX_EPOCHS)
        {
            let path = entry.map_err(SealError::io("cannot list", &self.dir))?.path();
            let named = path.extension().is_some_and(|e| e == EXTENSION);
            if let Some(id) = path.file_stem().and_then(|s| s.to_str()).filter(|_| named) {
                out.extend(id.parse::<EpochId>().ok());
            }
        }
        out.sort_unstable();
        Ok(out)
    }

    /// Destroys an epoch's key: overwritten, flushed, unlinked, the directory flushed. A damaged file too.
    /// Whoever calls this has read back zero rows that are still wrapped under it.
    pub fn destroy(&self, id: EpochId) -> Result<Shredded, SealError> {
        match files::shred_file(&self.path(id)) {
            Err(SealError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Err(SealError::EpochGone { epoch: id.to_string() })
            }
            other => other,
        }
    }

    fn path(&self, id: EpochId) -> PathBuf {
        self.dir.join(format!("{id}.{EXTENSION}"))
    }

    fn context(&self, id: EpochId) -> Vec<u8> {
        [b"callvault.epoch.v1\0".as_slice(), self.vault.as_bytes(), id.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;
    use callvault_model::SystemClock;
    use std::os::unix::fs::PermissionsExt;

    fn root() -> Root {
        let vault = Id::new(&SystemClock, &OsEntropy).unwrap();
        Root { vault, key: Key256::random(&OsEntropy).unwrap() }
    }

    #[test]
    fn epochs_are_created_listed_opened_and_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let root = root();
        let ring = Keyring::beside(&dir.path().join("v.key"), &root).unwrap();
        let (a, b) =
            (ring.create(&SystemClock, &OsEntropy).unwrap(), ring.create(&SystemClock, &OsEntropy).unwrap());
        let mut ids = vec![a.id, b.id];
        ids.sort_unstable();
        assert_eq!(ring.list().unwrap(), ids);
        assert_eq!(ring.open(a.id).unwrap().key.expose(), a.key.expose());
        assert_eq!(ring.dir(), dir.path().join("v.epochs"));
        let mode = fs::metadata(ring.path(a.id)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert!(ring.destroy(a.id).unwrap().bytes > 50);
        assert!(matches!(ring.open(a.id), Err(SealError::EpochGone { .. })));
        assert!(matches!(ring.destroy(a.id), Err(SealError::EpochGone { .. })));
        assert_eq!(ring.list().unwrap(), [b.id]);
    }

    #[test]
    fn a_foreign_root_a_swapped_file_and_a_torn_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (mine, other) = (root(), root());
        let ring = Keyring::beside(&dir.path().join("v.key"), &mine).unwrap();
        let (a, b) =
            (ring.create(&SystemClock, &OsEntropy).unwrap(), ring.create(&SystemClock, &OsEntropy).unwrap());
        let foreign = Root { vault: mine.vault, key: Key256::random(&OsEntropy).unwrap() };
        for stranger in [&other, &foreign] {
            let ring = Keyring::beside(&dir.path().join("v.key"), stranger).unwrap();
            assert!(matches!(ring.open(a.id), Err(SealError::Format { .. })));
        }
        fs::copy(ring.path(a.id), ring.path(b.id)).unwrap();
        assert!(matches!(ring.open(b.id), Err(SealError::Format { .. })));
        fs::write(ring.path(a.id), vec![0u8; 40]).unwrap();
        assert!(matches!(ring.open(a.id), Err(SealError::Format { .. })));
        assert_eq!(ring.destroy(a.id).unwrap().bytes, 40, "a torn file can still be destroyed");
    }
}
