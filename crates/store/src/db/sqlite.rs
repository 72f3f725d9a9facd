//! What only the embedded database can be asked: its log, its files, how it is set up.

use super::{Connection, Result};
use rusqlite::{OpenFlags, config::DbConfig};
use std::{path::Path, time::Duration};

/// KiB of pages the connection that writes keeps. A long command changes many; those that do not fit are written to the
/// log and read back before it ends.
const WRITER_PAGES: i64 = 16 << 10;
/// The same while a command changes the rows of hundreds of people.
const LONG_PAGES: i64 = 64 << 10;
/// KiB of pages a connection that reads keeps.
const READER_PAGES: i64 = 1_024;
/// Statements a connection keeps prepared.
const STATEMENTS: usize = 128;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// To write; made if it is not there. Deletion must overwrite, and a commit must be on the disk.
    Write,
    /// To read, beside the one that writes.
    Read,
    /// To look into a file, as it is.
    Look,
    /// The same, and what a kill left of a change is rolled back.
    Mend,
}

pub(super) fn open(path: &Path, how: Open) -> Result<rusqlite::Connection> {
    let db = match how {
        Open::Write => rusqlite::Connection::open(path)?,
        Open::Read => rusqlite::Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?,
        Open::Look => rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        Open::Mend => rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
    };
    // What a statement sets aside to undo itself holds pages as they were: in a file, deleted rows would stand on the disk
    // outside the vault, where nobody looks for them.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    if how == Open::Read {
        db.pragma_update(None, "query_only", true)?;
        db.pragma_update(None, "cache_size", -READER_PAGES)?;
        patient(&db)?;
    }
    Ok(db)
}

/// Sets the connection that writes up. Whether it overwrites what it deletes is for the caller to refuse.
pub(super) fn prepare(db: &rusqlite::Connection) -> Result<bool> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "secure_delete", true)?;
    let secure: i64 = db.pragma_query_value(None, "secure_delete", |r| r.get(0))?;
    db.pragma_update(None, "cache_size", -WRITER_PAGES)?;
    patient(db)?;
    Ok(secure == 1)
}

/// What every connection has in common: it waits for others, and a plan once made is used again.
fn patient(db: &rusqlite::Connection) -> Result<()> {
    db.busy_timeout(Duration::from_secs(30))?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it a statement is compiled anew whenever a value it was planned with changes; a third of a reading's time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

impl Connection {
    /// Empties the write-ahead log, in which deleted bytes may still stand; whether nobody kept it from that. A server's
    /// log is not ours to empty.
    pub(crate) fn empty_log(&self) -> Result<bool> {
        match self {
            Self::Sqlite(db) => {
                let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
                Ok(busy == 0)
            }
            Self::Server(_) => Ok(true),
        }
    }

    /// Keeps more pages in memory while a long command runs, and lets them go after it.
    pub(crate) fn make_room(&self, long: bool) -> Result<()> {
        let Self::Sqlite(db) = self else { return Ok(()) };
        Ok(db.pragma_update(None, "cache_size", -if long { LONG_PAGES } else { WRITER_PAGES })?)
    }

    /// A file database of its own, as it is. What moves from page to page leaves nothing behind: a restored backup is
    /// searched for what was erased.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let db = open(path, Open::Write)?;
        db.pragma_update(None, "secure_delete", true)?;
        Ok(Self::Sqlite(db))
    }

    /// A database in memory, for a look at the schema.
    pub(crate) fn scratch() -> Result<Self> {
        Ok(Self::Sqlite(rusqlite::Connection::open_in_memory()?))
    }

    /// Copies a file database into an empty file, of one moment.
    pub(crate) fn copy_file(&self, into: &Path) -> Result<()> {
        self.execute("VACUUM INTO ?1", rusqlite::params![into.to_string_lossy()]).map(drop)
    }

    /// A file database that is only looked at.
    pub(crate) fn look(path: &Path) -> Result<Self> {
        Ok(Self::Sqlite(open(path, Open::Look)?))
    }
}

impl From<rusqlite::Connection> for Connection {
    fn from(db: rusqlite::Connection) -> Self {
        Self::Sqlite(db)
    }
}
