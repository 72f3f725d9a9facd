//! A vault's rows go to another database: from the file in its data directory to a schema of a server, or back. Keys, sealed
//! files and the list of erasures stay where they are.
//!
//! One small file says where the rows are (`database.json`), so there is one moment at which they move: when it is written
//! or taken away. Killed before it, the copy is made anew; killed after it, what was left behind is destroyed when the vault
//! is opened next.

mod sealed;

pub(crate) use sealed::{FETCHED, clear_left as clear_left_files};
pub use sealed::{FilesMoved, move_files};

use crate::{
    Actor, DatabaseServer, Error, Refused, Vault, copy,
    db::{self, Connection, OptionalExtension, Place},
    ledger, making, schema,
    vault::{DATABASE, lock, place_of, writer},
};
use callvault_ledger::{Kind, Options};
use callvault_model::{Clock, Secret, id::VaultId};
use callvault_seal::files;
use serde::Serialize;
use std::{fs, path::Path, sync::Arc};

/// A copy that is being made.
const COPY: &str = "vault.db.moving";

/// What was done.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    /// `file` or `server`.
    pub to: &'static str,
    /// Entries of the ledger that verified at the new place.
    pub entries: u64,
    /// Rows.
    pub rows: u64,
}

impl Vault {
    /// Whether a vault's database is in this data directory, or named by it.
    pub fn stands(dir: &Path) -> Result<bool, Error> {
        Ok(place_of(dir)?.exists())
    }

    /// The server that keeps this vault's rows, in words; `None` where they are in a file.
    pub fn server(dir: &Path) -> Result<Option<String>, Error> {
        Ok(match place_of(dir)? {
            Place::File(_) => None,
            Place::Server(server) => Some(server.to_string()),
        })
    }
}

/// Command *move*: the rows go to `to`, or back into a file. Nothing else may work on the vault meanwhile.
pub fn move_database(
    dir: &Path,
    key_file: &Path,
    passphrase: Option<&Secret<String>>,
    clock: Arc<dyn Clock>,
    by: &Actor,
    to: Option<&DatabaseServer>,
) -> Result<Moved, Error> {
    let name = if to.is_some() { "server" } else { "file" };
    let from = place_of(dir)?;
    if from.is(to) {
        return Err(Refused::invalid("this database", "the vault's rows are there already").into());
    }
    // Opened once with its keys: only a whole vault is moved, and its ledger says so before it goes.
    let vault = Vault::open(dir, key_file, passphrase, clock, &by.to_string())?;
    vault.command_as(by, "move", |c| {
        c.log(Kind::VaultMoved, None, None, &[("to", name.into())]);
        Ok(())
    })?;
    let id = vault.id();
    drop(vault);
    let lock = lock(dir)?;
    let source = from.look()?;
    let target = fresh(dir, to, &source)?;
    let rows = {
        let mut db = writer(&target)?;
        schema::create(&mut db)?;
        copy::all(&*source.moment()?, &mut db)?
    };
    let entries = compare(&source, &target.look()?)?;
    drop(source);
    match to {
        Some(server) => server.write(dir)?,
        None => {
            from.note_left(dir)?;
            let path = dir.join(DATABASE);
            fs::rename(dir.join(COPY), &path).map_err(Error::file(&path))?;
            files::sync_parent(&path)?;
            DatabaseServer::forget(dir)?;
        }
    }
    clear_left(dir, id)?;
    drop(lock);
    if let Err(broken) = ledger::verify_data(dir, &Options::default())? {
        return Err(Error::Ledger(format!("the ledger does not verify at its new place: {broken}")));
    }
    Ok(Moved { to: name, entries, rows })
}

/// The new place, empty.
fn fresh(dir: &Path, to: Option<&DatabaseServer>, source: &Connection) -> Result<Place, Error> {
    let Some(server) = to else {
        for end in ["", "-wal", "-shm", "-journal"] {
            shred(&dir.join(format!("{COPY}{end}")))?;
        }
        return Ok(Place::File(dir.join(COPY)));
    };
    let place = Place::Server(server.clone());
    if !left_by_a_move(&place.look()?, source)? {
        making::refuse_vault(&place)?;
    }
    place.clear()?;
    Ok(place)
}

/// Whether a schema holds what a killed move copied from here: this vault, with a ledger that is a beginning of ours. One
/// that went on by itself is somebody's vault.
fn left_by_a_move(there: &Connection, source: &Connection) -> Result<bool, Error> {
    if !there.has_table("meta")? || vault_in(there).optional()? != Some(vault_in(source)?) {
        return Ok(false);
    }
    let (size, note) = ledger::newest(there)?;
    Ok(ledger::size(there)? == size && ledger::checkpoint_at(source, size)? == Some(note))
}

/// Both hold the same ledger under the same head, and the same number of rows in every table.
fn compare(source: &Connection, target: &Connection) -> Result<u64, Error> {
    let count = |db: &Connection, table: &str| -> Result<i64, Error> {
        Ok(db.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |r| r.get(0))?)
    };
    for table in copy::tables()? {
        if count(source, &table)? != count(target, &table)? {
            return Err(Error::Corrupt("a table was not copied whole; nothing was moved"));
        }
    }
    if ledger::newest(source)? != ledger::newest(target)? {
        return Err(Error::LedgerMismatch);
    }
    ledger::size(target)
}

/// Destroys what a move left behind at the old place, once the vault at the new one was opened. The file of another vault is
/// left alone: somebody put it there, and nobody said that it is in the way.
pub(crate) fn clear_left(dir: &Path, vault: VaultId) -> Result<(), Error> {
    if let Place::File(_) = place_of(dir)? {
        return Place::drop_left(dir);
    }
    for name in [DATABASE, COPY] {
        let path = dir.join(name);
        if path.is_file() && another(&path, vault) {
            tracing::warn!(file = %path.display(), "another vault's file lies here, though the rows are on a server; take it away");
            continue;
        }
        for end in ["-wal", "-shm", "-journal", ""] {
            shred(&dir.join(format!("{name}{end}")))?;
        }
    }
    Ok(())
}

/// Whether a file holds a vault, and not this one. What cannot be read is a piece of a copy, or half overwritten.
fn another(path: &Path, vault: VaultId) -> bool {
    Connection::look(path).and_then(|db| vault_in(&db)).is_ok_and(|id| id != vault.to_string())
}

/// The vault that stands in a database.
fn vault_in(db: &Connection) -> Result<String, db::Error> {
    db.query_row("SELECT value FROM meta WHERE key = 'vault'", [], |r| r.get(0))
}

fn shred(path: &Path) -> Result<(), Error> {
    if path.symlink_metadata().is_ok() {
        files::shred_file(path)?;
    }
    Ok(())
}
