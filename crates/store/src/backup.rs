//! Backup, its trial, and restore. A backup holds the database and the sealed files, encrypted once more under a key of
//! backups; it holds no key file and no epoch key, so that data and keys never lie together.

use crate::db::{Connection, params};
use crate::{
    Actor, Error, Vault, blob,
    blob::Shelf,
    copy,
    erasure::Behind,
    hex,
    keys::id_of,
    ledger::verify_data,
    vault::{BLOBS, DATABASE, SNAPSHOT, Unlock},
};
use callvault_ledger::{Kind, Options};
use callvault_model::{Clock, id::ObjectId};
use callvault_seal::{BackupKey, files};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

const FORMAT: &str = "callvault-backup/1";
const MANIFEST: &str = "manifest.json";
/// Largest manifest read from a backup.
const MAX_MANIFEST: u64 = 1 << 20;
/// Most files in a backup.
const MAX_FILES: u64 = 50_000_000;

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    /// The vault it was made of.
    pub vault: String,
    /// RFC 3339.
    pub taken_at: String,
    /// Entries in its ledger.
    pub entries: u64,
    /// Sealed files in it.
    pub blobs: u64,
    /// The shred epoch it was made in: once that epoch's key is destroyed, the backup is unreadable.
    pub epoch: String,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct BackedUp {
    /// What it says of itself.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Public bytes that name the key of backups.
    pub key: String,
    /// Tenants of this vault, whose data are not in it.
    pub tenants_left_out: u64,
}

/// What a restore found and did.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// What the backup says of itself.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Erasures of a later time that were carried out again.
    pub erased_again: u64,
    /// Keys opened.
    pub keys: u64,
    /// Sealed files read to their end.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Vault {
    /// Writes a backup to `to`, which must not exist. Work goes on meanwhile, but for the copy of the database.
    pub fn backup(&self, by: &Actor, to: &Path, key: &BackupKey) -> Result<BackedUp, Error> {
        let snapshot = self.snapshot()?;
        let db = open_snapshot(&snapshot.0)?;
        let (blobs, tenants_left_out) = (living(&db)?, crate::tenants::living(&db)?);
        let manifest = Manifest {
            format: FORMAT.into(),
            vault: self.id.to_string(),
            taken_at: self.clock.now().to_string(),
            entries: crate::ledger::size(&db)?,
            blobs: blobs.len() as u64,
            epoch: crate::epoch::current(&db)?.to_string(),
        };
        drop(db);
        let mut tar = tar::Builder::new(key.writer(to, &self.entropy)?);
        let failed = |e: io::Error| Error::File { path: to.to_owned(), source: e };
        let text = serde_json::to_vec(&manifest).map_err(|_| Error::Corrupt("a manifest"))?;
        add(&mut tar, MANIFEST, text.len() as u64, &mut text.as_slice()).map_err(failed)?;
        add_file(&mut tar, DATABASE, &snapshot.0, to)?;
        let here = Shelf::Directory(self.blobs());
        for id in blobs {
            // Parts of uploads lie here, wherever the rest stands.
            let shelf = if here.len(id)?.is_some() { &here } else { &self.shelf };
            if shelf.len(id)?.is_some() || !self.was_shredded(id)? {
                let (len, sealed) = shelf.sealed(id)?;
                add(&mut tar, &format!("{BLOBS}/{id}.sealed"), len, &mut sealed.take(len)).map_err(failed)?;
            }
        }
        let (bytes, sha256) = tar.into_inner().map_err(failed)?.finish()?;
        let done = BackedUp { manifest, bytes, sha256: hex(&sha256), key: key.id()?, tenants_left_out };
        self.command_as(by, "backup", |c| {
            c.log(
                Kind::BackupWritten,
                None,
                None,
                &[
                    ("entries", done.manifest.entries.into()),
                    ("blobs", done.manifest.blobs.into()),
                    ("epoch", done.manifest.epoch.as_str().into()),
                    ("bytes", done.bytes.into()),
                    ("sha256", done.sha256.as_str().into()),
                    ("key", done.key.as_str().into()),
                ],
            );
            Ok(())
        })?;
        Ok(done)
    }

    /// Command *note rehearsal*: a backup of this vault was restored on trial, and everything in it opened.
    pub fn note_rehearsal(&self, by: &Actor, done: &Restored) -> Result<(), Error> {
        if done.manifest.vault != self.id.to_string() {
            return Err(Error::Backup("it was made of another vault"));
        }
        self.command_as(by, "note rehearsal", |c| {
            c.log(
                Kind::RestoreRehearsed,
                None,
                None,
                &[
                    ("taken_at", done.manifest.taken_at.as_str().into()),
                    ("entries", done.manifest.entries.into()),
                    ("keys", done.keys.into()),
                    ("files", done.files.into()),
                ],
            );
            Ok(())
        })
    }

    /// A consistent copy of the database. It holds wrapped keys: it is overwritten when it is no longer needed, and what a
    /// kill leaves of it is when the vault is opened.
    fn snapshot(&self) -> Result<Snapshot, Error> {
        let path = self.dir().join(SNAPSHOT);
        clear_snapshot(self.dir())?;
        let snapshot = Snapshot(path);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&snapshot.0)
            .map_err(Error::file(&snapshot.0))?;
        // Into an empty file, so that it is private from its first byte on.
        copy::into_file(&self.db(), &snapshot.0)?;
        Ok(snapshot)
    }

    /// A sealed file may go between the copy of the database and its turn.
    fn was_shredded(&self, id: ObjectId) -> Result<bool, Error> {
        let living: bool = self.db().query_row(
            "SELECT EXISTS (SELECT 1 FROM object WHERE id = ?1 AND wrapped_key IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM upload_part WHERE object = ?1)",
            params![id.as_bytes()],
            |r| r.get(0),
        )?;
        Ok(!living)
    }

    /// Opens every key and reads every sealed file to its end.
    fn try_everything(&self, manifest: Manifest, erased_again: u64) -> Result<Restored, Error> {
        let mut out = Restored { manifest, erased_again, keys: 0, files: 0, bytes: 0 };
        let (parties, objects) = {
            let db = self.db();
            let ids = |sql: &str| -> Result<Vec<Vec<u8>>, Error> {
                let mut statement = db.prepare(sql)?;
                Ok(statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
            };
            (ids("SELECT id FROM party WHERE wrapped_key IS NOT NULL")?, living_keys(&db)?)
        };
        for party in parties {
            self.party_key(&self.db(), id_of(&party)?)?;
            out.keys = out.keys.saturating_add(1);
        }
        out.keys = out.keys.saturating_add(self.try_tenants()?);
        for (id, epoch, wrapped) in objects {
            let key = self.unwrap_object_key(id, epoch, &wrapped)?;
            let mut reader = self.shelf.open(&key, self.tenant, id)?;
            let n = io::copy(&mut reader, &mut io::sink()).map_err(Error::file(self.blobs()))?;
            out.keys = out.keys.saturating_add(1);
            out.files = out.files.saturating_add(1);
            out.bytes = out.bytes.saturating_add(n);
        }
        Ok(out)
    }
}

/// The copy of the database; overwritten and unlinked when dropped.
struct Snapshot(PathBuf);

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Err(e) = files::shred_file(&self.0) {
            tracing::warn!(error = %e, "a copy of the database stays behind; it is overwritten when the vault is opened again");
        }
    }
}

/// Overwrites what a killed backup left of its copy of the database.
pub(crate) fn clear_snapshot(dir: &Path) -> Result<(), Error> {
    for end in ["", "-journal", "-wal", "-shm"] {
        let path = dir.join(format!("{SNAPSHOT}{end}"));
        if path.exists() {
            files::shred_file(&path)?;
        }
    }
    Ok(())
}

fn open_snapshot(path: &Path) -> Result<Connection, Error> {
    Ok(Connection::look(path)?)
}

/// As (id, epoch, wrapped key).
type Living = (ObjectId, callvault_model::id::EpochId, Vec<u8>);

fn living_keys(db: &Connection) -> Result<Vec<Living>, Error> {
    let mut statement = db.prepare(
        "SELECT id, epoch, wrapped_key FROM object WHERE wrapped_key IS NOT NULL
         UNION ALL SELECT object, epoch, wrapped_key FROM upload_part",
    )?;
    let rows = statement
        .query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, Vec<u8>>(2)?)))?;
    rows.map(|row| {
        let (id, epoch, wrapped) = row?;
        Ok((id_of(&id)?, id_of(&epoch)?, wrapped))
    })
    .collect()
}

fn living(db: &Connection) -> Result<Vec<ObjectId>, Error> {
    Ok(living_keys(db)?.into_iter().map(|(id, _, _)| id).collect())
}

fn add(tar: &mut tar::Builder<impl Write>, name: &str, len: u64, from: &mut dyn Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(len);
    header.set_mode(0o600);
    header.set_mtime(0);
    tar.append_data(&mut header, name, from)
}

fn add_file(tar: &mut tar::Builder<impl Write>, name: &str, from: &Path, to: &Path) -> Result<(), Error> {
    let file = File::open(from).map_err(Error::file(from))?;
    let len = file.metadata().map_err(Error::file(from))?.len();
    add(tar, name, len, &mut file.take(len)).map_err(Error::file(to))
}

/// Where a backup is unpacked and with what it is opened.
#[derive(Debug)]
pub struct RestoreInto<'a> {
    /// The new data directory; must not exist.
    pub dir: &'a Path,
    /// The vault's key file, with its epochs and erasures beside it.
    pub key_file: &'a Path,
    /// What opens the root key.
    pub unlock: Unlock<'a>,
}

/// Restores a backup: unpacked, its ledger verified, what was erased since erased again, every key and file tried; only
/// then does it get its name. Sessions end and rights for a while are taken back, for nobody can say what changed since.
pub fn restore(
    archive: &Path,
    key: &BackupKey,
    into: RestoreInto<'_>,
    clock: Arc<dyn Clock>,
    by: &Actor,
) -> Result<Restored, Error> {
    if into.dir.symlink_metadata().is_ok() {
        return Err(Error::NotEmpty(into.dir.to_owned()));
    }
    let mut name = into.dir.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    let scratch = Scratch::new(into.dir.with_file_name(name))?;
    let manifest = unpack(archive, key, &scratch.0)?;
    let dir = into.dir;
    let done = bring_back(&scratch.0, manifest, into, clock, by)?;
    fs::rename(&scratch.0, dir).map_err(Error::file(dir))?;
    files::sync_parent(dir)?;
    Ok(done)
}

/// Really restores a backup into a scratch directory beside it and takes that away again.
pub fn verify(
    archive: &Path,
    key: &BackupKey,
    key_file: &Path,
    unlock: Unlock<'_>,
    clock: Arc<dyn Clock>,
) -> Result<Restored, Error> {
    let mut name = archive.file_name().unwrap_or_default().to_owned();
    name.push(".trial");
    let scratch = Scratch::new(archive.with_file_name(name))?;
    let manifest = unpack(archive, key, &scratch.0)?;
    let into = RestoreInto { dir: &scratch.0, key_file, unlock };
    bring_back(&scratch.0, manifest, into, clock, &Actor::LocalOperator)
}

fn bring_back(
    dir: &Path,
    manifest: Manifest,
    into: RestoreInto<'_>,
    clock: Arc<dyn Clock>,
    by: &Actor,
) -> Result<Restored, Error> {
    if let Err(broken) = verify_data(dir, &Options::default())? {
        return Err(Error::Ledger(format!("the backup's ledger does not verify: {broken}")));
    }
    let vault = Vault::open_copy(dir, into.key_file, into.unlock, clock, &by.to_string(), Behind::Restore)?;
    if vault.id.to_string() != manifest.vault || vault.ledger_size()? != manifest.entries {
        return Err(Error::Backup("what it says of itself is not what it holds"));
    }
    let (erased_again, needles) = vault.command_as(by, "restore", |c| {
        let (erased, needles) = vault.erase_again(c)?;
        let sessions = c.tx.execute(
            "UPDATE session SET ended_at = ?1, ended_why = 'restored' WHERE ended_at IS NULL",
            params![c.now],
        )?;
        c.tx.execute(
            "UPDATE access_grant SET state = 'revoked', revoked_at = ?1 WHERE state IN ('requested', 'active')",
            params![c.now],
        )?;
        c.tx.execute(
            "UPDATE reveal_request SET state = 'refused', decided_at = ?1 WHERE state IN ('pending', 'approved')",
            params![c.now],
        )?;
        c.log(
            Kind::VaultRestored,
            None,
            None,
            &[
                ("taken_at", manifest.taken_at.as_str().into()),
                ("entries", manifest.entries.into()),
                ("erased_again", erased.into()),
                ("sessions_ended", (sessions as u64).into()),
            ],
        );
        Ok((erased, needles))
    })?;
    vault.prove_gone(&needles)?;
    vault.remove_dead_blobs()?;
    vault.try_everything(manifest, erased_again)
}

/// A directory that is taken away unless it got its final name.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(Error::NotEmpty(path));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(Error::file(&path))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(e) = fs::remove_dir_all(&self.0)
        {
            tracing::warn!(error = %e, dir = %self.0.display(), "an unfinished restore stays behind; take it away");
        }
    }
}

/// Unpacks what a backup may hold and nothing else; every byte was authenticated before it is written.
fn unpack(archive: &Path, key: &BackupKey, into: &Path) -> Result<Manifest, Error> {
    let mut tar = tar::Archive::new(key.reader(archive)?);
    let bad = |e: io::Error| Error::File { path: archive.to_owned(), source: e };
    DirBuilder::new().mode(0o700).create(into.join(BLOBS)).map_err(Error::file(into))?;
    let (mut manifest, mut blobs, mut database) = (None::<Manifest>, 0u64, false);
    for (n, entry) in (0u64..).zip(tar.entries().map_err(bad)?) {
        let mut entry = entry.map_err(bad)?;
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap_or_default();
        if n > MAX_FILES || !entry.header().entry_type().is_file() {
            return Err(Error::Backup("an entry that no backup has"));
        }
        match (name.as_str(), &manifest) {
            (MANIFEST, None) => {
                let mut text = Vec::new();
                entry.by_ref().take(MAX_MANIFEST).read_to_end(&mut text).map_err(bad)?;
                let read: Manifest = serde_json::from_slice(&text)
                    .map_err(|_| Error::Backup("no manifest of a known version"))?;
                if read.format != FORMAT {
                    return Err(Error::Backup("no manifest of a known version"));
                }
                manifest = Some(read);
            }
            (DATABASE, Some(_)) if !database => {
                write(&mut entry, &into.join(DATABASE))?;
                database = true;
            }
            (other, Some(_)) => {
                let id = other.strip_prefix("blobs/").and_then(|b| b.strip_suffix(".sealed"));
                let id: ObjectId =
                    id.and_then(|id| id.parse().ok()).ok_or(Error::Backup("an entry that no backup has"))?;
                write(&mut entry, &blob::place(&into.join(BLOBS), id))?;
                blobs = blobs.saturating_add(1);
            }
            (_, None) => return Err(Error::Backup("no manifest at its beginning")),
        }
    }
    let manifest = manifest.ok_or(Error::Backup("no manifest at its beginning"))?;
    if !database || blobs > manifest.blobs {
        return Err(Error::Backup("files are missing or too many"));
    }
    Ok(manifest)
}

fn write(from: &mut dyn Read, to: &Path) -> Result<(), Error> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(Error::file(to))?;
    io::copy(from, &mut file).map_err(Error::file(to))?;
    file.sync_all().map_err(Error::file(to))
}
