//! A vault whose making was not finished. Until the first command of a vault is durable nothing can have been sealed
//! under its keys, so what a killed `init` left is made anew under the same name; its key file, once there, is used.

use crate::{
    Error, NewVault, Refused, Vault,
    blob::{Bucket, FileServer, NAMED, Shelf},
    db::{DatabaseServer, Place},
    remote,
    vault::{DATABASE, place_of},
};
use callvault_keyservice::Services;
use callvault_model::{Entropy, id::VaultId};
use callvault_seal::{Root, SealError, files};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Stands in the data directory from before the key file is made until the vault is; holds the vault's id.
const MAKING: &str = "making";
/// Longer than any id.
const MAX: usize = 64;

/// Notes what is being made, durably.
pub(crate) fn begin(dir: &Path, vault: VaultId) -> Result<(), Error> {
    if Vault::begun(dir)? == Some(vault) {
        return Ok(());
    }
    let path = dir.join(MAKING);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(vault.to_string().as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(Error::file(&path))?;
    Ok(files::sync_parent(&path)?)
}

/// The vault stands.
pub(crate) fn done(dir: &Path) -> Result<(), Error> {
    let path = dir.join(MAKING);
    if path.symlink_metadata().is_ok() {
        files::unlink(&path, "it holds the id of a vault, which is no secret")?;
    }
    Ok(())
}

/// Refuses what was begun and not finished.
pub(crate) fn refuse(dir: &Path) -> Result<(), Error> {
    match Vault::begun(dir)? {
        None => Ok(()),
        Some(_) => Err(Error::Unfinished(dir.to_owned())),
    }
}

/// Refuses a directory with a vault, or with a database that is none of ours.
pub(crate) fn refuse_standing(dir: &Path) -> Result<(), Error> {
    let free = !place_of(dir)?.exists() || Vault::begun(dir)?.is_some();
    if free { Ok(()) } else { Err(Error::Exists(dir.to_owned())) }
}

/// Where the new database goes, empty. What a making that was not finished left there is taken away: it holds no vault,
/// which is looked at.
pub(crate) fn place(dir: &Path, server: Option<&DatabaseServer>) -> Result<Place, Error> {
    let Some(server) = server else {
        for ending in ["", "-wal", "-shm"] {
            let path = dir.join(format!("{DATABASE}{ending}"));
            if path.symlink_metadata().is_ok() {
                files::unlink(&path, "it holds no vault; the making of one was not finished")?;
            }
        }
        return place_of(dir);
    };
    let place = Place::Server(server.clone());
    refuse_vault(&place)?;
    place.clear()?;
    server.write(dir)?;
    Ok(place)
}

/// Where its sealed files go: a bucket in which the prefix is free, or is of this making.
pub(crate) fn shelf(dir: &Path, files: Option<&FileServer>, vault: VaultId) -> Result<Shelf, Error> {
    match files {
        None => remote::forget(dir, NAMED)?,
        Some(server) => {
            Bucket::open(server.clone(), Some(vault))?.claim(vault)?;
            server.write(dir)?;
        }
    }
    Shelf::of(dir, Some(vault))
}

/// The root key of the making: the one in its key file if there is one, else a new one.
pub(crate) fn root(new: &NewVault<'_>, vault: VaultId, entropy: &dyn Entropy) -> Result<Root, Error> {
    if new.key_file.symlink_metadata().is_err() {
        return Ok(Root::create(new.key_file, new.dir, vault, new.protection, entropy)?);
    }
    let root = Root::open(new.key_file, new.dir, new.protection.secret(), &Services::default())?;
    if root.vault == vault {
        Ok(root)
    } else {
        Err(SealError::Exists { path: new.key_file.to_owned() }.into())
    }
}

impl Vault {
    /// The vault whose making in this directory was begun and not finished: `init` goes on with it.
    pub fn begun(dir: &Path) -> Result<Option<VaultId>, Error> {
        let path = dir.join(MAKING);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::file(&path)(e)),
        };
        if stands(dir)? {
            return Ok(None);
        }
        let text = text.get(..text.len().min(MAX)).unwrap_or_default();
        // Killed before the name was whole: no key file was made yet either.
        Ok(std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()))
    }
}

/// Whether the first command of a vault is in its database.
fn stands(dir: &Path) -> Result<bool, Error> {
    let place = place_of(dir)?;
    if !place.exists() {
        return Ok(false);
    }
    holds_vault(&place)
}

/// Refuses a database in which a vault stands.
pub(crate) fn refuse_vault(place: &Place) -> Result<(), Error> {
    if holds_vault(place)? {
        let why = "its schema holds a vault already; name another one";
        return Err(Refused::invalid("this database", why).into());
    }
    Ok(())
}

/// Whether a vault stands in a database that is there.
fn holds_vault(place: &Place) -> Result<bool, Error> {
    let db = place.mend()?;
    Ok(db.has_table("meta")?
        && db.query_row("SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'vault')", [], |r| {
            r.get::<_, bool>(0)
        })?)
}

#[cfg(test)]
mod tests;
