//! A vault's sealed files go to a bucket, or back into its data directory. Rows, keys and the list of erasures stay where
//! they are.
//!
//! As with the rows, one small file says where they are (`files.json`), so there is one moment at which they move. Each file
//! was read back at its new place before it, and compared with the hash in its row. Killed before it, the next call finds what
//! is there already; killed after it, what was left behind is taken away when the vault is opened next. From the first file
//! that is sent to a bucket on a second small file (`files-going.json`) names it, so that what is destroyed before the move has
//! ended is destroyed there, too.

use crate::{
    Actor, Error, FileServer, Keeps, Refused, Vault,
    blob::{self, Bucket, GOING, LEFT, NAMED, Shelf},
    keys::id_of,
    orphans::COMING,
    remote,
};
use callvault_ledger::Kind;
use callvault_model::{Clock, Secret, id::ObjectId};
use callvault_seal::{files, sha256_reader};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

/// Ending of a file that is being fetched.
pub(crate) const FETCHED: &str = "fetched";

const MEANWHILE: Error = Error::Corrupt("the place of sealed files changed meanwhile");

/// What was done.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FilesMoved {
    /// `bucket` or `directory`.
    pub to: &'static str,
    /// Files at the new place; each was read back there.
    pub files: u64,
    /// Those of them that an earlier, interrupted call had moved.
    pub moved_before: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Vault {
    /// The bucket that keeps them, and what the server says of what it keeps of deleted files; `None` where they are in the
    /// directory.
    pub fn files_kept(dir: &Path) -> Result<Option<Keeps>, Error> {
        Ok(Shelf::of(dir, None)?.bucket().map(|bucket| bucket.keeps()))
    }

    /// The bucket to which a move of them was broken off, in words.
    pub fn files_going(dir: &Path) -> Result<Option<String>, Error> {
        Ok(going(dir)?.map(|server| server.to_string()))
    }

    /// What the bucket of an open vault keeps of deleted files, asked of the server anew; also one that holds copies only, of a
    /// move that has not ended.
    pub fn bucket_keeps(&self) -> Option<Keeps> {
        match self.copied_to() {
            Ok(copies) => self.shelf.bucket().or(copies.as_ref()).map(|bucket| bucket.keeps()),
            // Its name or its credentials cannot be read.
            Err(_) => Some(Keeps::untold("the bucket of a move that has not ended")),
        }
    }

    /// The bucket that may hold copies of files that are in the directory: what is destroyed here is destroyed there, too.
    pub(crate) fn copied_to(&self) -> Result<Option<Arc<Bucket>>, Error> {
        if self.shelf.bucket().is_some() {
            return Ok(None);
        }
        let server =
            going(self.dir())?.map_or_else(|| FileServer::named(self.dir(), LEFT), |to| Ok(Some(to)))?;
        server.map(|server| Ok(Arc::new(Bucket::open(server, Some(self.id))?))).transpose()
    }

    /// The sealed files whose key lives, with the hash each was recorded with.
    fn living_files(&self) -> Result<Vec<(ObjectId, String)>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare("SELECT id, sealed_sha256 FROM object WHERE key_destroyed_at IS NULL ORDER BY id")?;
        let rows = statement.query_map([], |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (id, sha256) = row?;
            Ok((id_of(&id)?, sha256))
        })
        .collect()
    }

    fn log_move(&self, by: &Actor, to: &'static str) -> Result<(), Error> {
        self.command_as(by, "move files", |c| {
            c.log(Kind::FilesMoved, None, None, &[("to", to.into())]);
            Ok(())
        })
    }
}

/// The bucket that a move out of a directory was going to when it was broken off.
fn going(dir: &Path) -> Result<Option<FileServer>, Error> {
    let arrived = dir.join(NAMED).symlink_metadata().is_ok();
    Ok(FileServer::named(dir, GOING)?.filter(|_| !arrived))
}

/// Command *move files*: the sealed files go to the bucket `to`, or back into the directory, which takes back a move to a bucket
/// that was broken off. Nothing else may work on the vault meanwhile.
pub fn move_files(
    dir: &Path,
    key_file: &Path,
    passphrase: Option<&Secret<String>>,
    clock: Arc<dyn Clock>,
    by: &Actor,
    to: Option<&FileServer>,
) -> Result<FilesMoved, Error> {
    let refuse = |why: &'static str| Err(Refused::invalid("this place of sealed files", why).into());
    let going = going(dir)?;
    match (FileServer::named(dir, NAMED)?, to) {
        (None, None) if going.is_none() => {
            return refuse("the vault's sealed files are in its data directory already");
        }
        (None, Some(to)) if going.as_ref().is_some_and(|going| going != to) => {
            return refuse(
                "a move to another bucket was broken off; go on with it, or take it back with `callvault files move --to-directory`",
            );
        }
        (Some(from), Some(to)) if from == *to => {
            return refuse("the vault's sealed files are there already");
        }
        (Some(_), Some(_)) => {
            return refuse(
                "they go from one bucket to another by way of the data directory; move them back first",
            );
        }
        _ => {}
    }
    // Opened with its keys: only a whole vault is moved, and its ledger says so.
    let vault = Vault::open(dir, key_file, passphrase, clock, &by.to_string())?;
    if vault.shelf.bucket().is_none() && dir.join(LEFT).symlink_metadata().is_ok() {
        return refuse(
            "what an earlier move left in a bucket is still there; see that it can be reached, then try again",
        );
    }
    match (vault.shelf.bucket().cloned(), to) {
        (None, Some(to)) => out(&vault, by, to),
        (Some(from), None) => back(&vault, by, &from),
        (None, None) => going.map_or(Err(MEANWHILE), |server| take_back(&vault, &server)),
        _ => Err(MEANWHILE),
    }
}

fn out(vault: &Vault, by: &Actor, to: &FileServer) -> Result<FilesMoved, Error> {
    let bucket = Arc::new(Bucket::open(to.clone(), Some(vault.id))?);
    bucket.claim(vault.id)?;
    remote::write(vault.dir(), GOING, to)?;
    let there = Shelf::Bucket(Arc::clone(&bucket));
    let mut moved = FilesMoved { to: "bucket", ..FilesMoved::default() };
    let all = vault.living_files()?;
    for (id, sha256) in &all {
        let path = blob::place(&vault.blobs(), *id);
        let file = File::open(&path).map_err(Error::file(&path))?;
        let (here, len) = sha256_reader(file).map_err(Error::file(&path))?;
        if crate::hex(&here) != *sha256 {
            return Err(changed(*id));
        }
        // What an earlier call brought there is read, too.
        let known = bucket.len(*id)? == Some(len) && same(&there, *id, sha256)?;
        if !known {
            bucket.put(*id, &path)?;
            if !same(&there, *id, sha256)? {
                return Err(bucket.server().bad(format!("the file {id} arrived changed; nothing was moved")));
            }
        }
        count(&mut moved, len, known);
    }
    vault.log_move(by, "bucket")?;
    to.write(vault.dir())?;
    remote::forget(vault.dir(), GOING)?;
    let left: Vec<_> = all.iter().map(|(id, _)| *id).collect();
    Shelf::Directory(vault.blobs()).remove(&left, "the bucket has it")?;
    Ok(moved)
}

fn back(vault: &Vault, by: &Actor, from: &Arc<Bucket>) -> Result<FilesMoved, Error> {
    remote::write(vault.dir(), COMING, &())?;
    let mut moved = FilesMoved { to: "directory", ..FilesMoved::default() };
    for (id, sha256) in vault.living_files()? {
        let path = blob::place(&vault.blobs(), id);
        let known = match File::open(&path) {
            Ok(file) => crate::hex(&sha256_reader(file).map_err(Error::file(&path))?.0) == sha256,
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(Error::file(&path)(e)),
        };
        if !known {
            fetch(&vault.shelf, id, &path, &sha256)?;
        }
        let len = path.metadata().map_err(Error::file(&path))?.len();
        count(&mut moved, len, known);
    }
    vault.log_move(by, "directory")?;
    remote::write(vault.dir(), LEFT, from.server())?;
    remote::forget(vault.dir(), NAMED)?;
    remote::forget(vault.dir(), COMING)?;
    clear_left(vault)?;
    Ok(moved)
}

/// What a broken-off move brought to a bucket is deleted there; every file is still in the directory.
fn take_back(vault: &Vault, going: &FileServer) -> Result<FilesMoved, Error> {
    remote::write(vault.dir(), LEFT, going)?;
    clear_left(vault)?;
    Ok(FilesMoved { to: "directory", ..FilesMoved::default() })
}

fn count(moved: &mut FilesMoved, len: u64, known: bool) {
    moved.files = moved.files.saturating_add(1);
    moved.moved_before = moved.moved_before.saturating_add(u64::from(known));
    moved.bytes = moved.bytes.saturating_add(len);
}

fn changed(id: ObjectId) -> Error {
    Refused::invalid(
        format!("a move of the sealed file {id}"),
        "it does not have the bytes it was recorded with. Nothing was moved; restore it from a backup",
    )
    .into()
}

/// Whether a file has the bytes it was recorded with.
fn same(shelf: &Shelf, id: ObjectId, sha256: &str) -> Result<bool, Error> {
    let (found, _) = sha256_reader(shelf.sealed(id)?.1).map_err(Error::file(id.to_string()))?;
    Ok(crate::hex(&found) == sha256)
}

/// Brings one file into the directory; it has its name only when it is whole.
fn fetch(from: &Shelf, id: ObjectId, path: &Path, sha256: &str) -> Result<(), Error> {
    let new = path.with_extension(FETCHED);
    let (_, mut sealed) = from.sealed(id)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(Error::file(&new))?;
    io::copy(&mut sealed, &mut file)
        .and_then(|_| file.flush().and_then(|()| file.sync_all()))
        .map_err(Error::file(&new))?;
    let written = File::open(&new).and_then(sha256_reader).map_err(Error::file(&new))?.0;
    if crate::hex(&written) != sha256 {
        files::unlink(&new, "it is not the file that was asked for")?;
        return Err(changed(id));
    }
    fs::rename(&new, path).map_err(Error::file(path))?;
    Ok(files::sync_parent(path)?)
}

/// Takes away what a move back left in the bucket. A file that lives, and is not in the directory as it is there, stops it.
pub(crate) fn clear_left(vault: &Vault) -> Result<(), Error> {
    let left =
        FileServer::named(vault.dir(), LEFT)?.filter(|_| vault.dir().join(NAMED).symlink_metadata().is_err());
    // The move arrived, or is taken back: a kill left the note behind, which names the same bucket.
    if left.is_some() || vault.shelf.bucket().is_some() {
        remote::forget(vault.dir(), GOING)?;
    }
    let Some(server) = left else { return Ok(()) };
    let bucket = Bucket::open(server, Some(vault.id))?;
    let here = Shelf::Directory(vault.blobs());
    let there: BTreeSet<ObjectId> = bucket.list()?.into_iter().map(|(id, _)| id).collect();
    let living = vault.living_files()?;
    for (id, sha256) in living.iter().filter(|(id, _)| there.contains(id)) {
        if here.len(*id)?.is_none() || !same(&here, *id, sha256)? {
            return Err(changed(*id));
        }
    }
    if !there.is_empty() || bucket.is_owned()? {
        bucket.remove(&there.into_iter().collect::<Vec<_>>())?;
        bucket.give_up()?;
    }
    remote::forget(vault.dir(), LEFT)
}
