//! Connections that only read, beside the one that writes: a reader never waits for another's flush to the disk. In WAL
//! mode each sees what was durably committed before it began, so what one request wrote the next one sees.
//!
//! Not for the inside of a command: its rows are not committed yet, and only its own connection sees them.

use crate::{Error, vault::DATABASE};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Reading is work for the processor, so more than a few would only wait for each other elsewhere.
const CONNECTIONS: usize = 8;
/// KiB of pages one connection keeps.
const PAGES: i64 = 1_024;
/// Statements one connection keeps prepared.
const STATEMENTS: usize = 128;

/// A few connections, each for one thread at a time.
pub(crate) struct Readers {
    all: [Mutex<Connection>; CONNECTIONS],
    next: AtomicUsize,
}

impl Readers {
    /// Opens them on a database that is in WAL mode already.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let mut open = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            open.push(Mutex::new(connection(dir)?));
        }
        let all = open.try_into().map_err(|_| Error::Corrupt("a number of connections"))?;
        Ok(Self { all, next: AtomicUsize::new(0) })
    }

    /// A free connection, or one in turn.
    pub(crate) fn get(&self) -> MutexGuard<'_, Connection> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let (before, from) = self.all.split_at(first);
        for one in from.iter().chain(before) {
            match one.try_lock() {
                Ok(free) => return free,
                // A panic elsewhere leaves nothing behind: what it read is not changed by reading.
                Err(TryLockError::Poisoned(free)) => return free.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let one = from.first().unwrap_or(&self.all[0]);
        one.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(dir: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(dir.join(DATABASE), flags)?;
    db.pragma_update(None, "query_only", true)?;
    db.pragma_update(None, "cache_size", -PAGES)?;
    patient(&db)?;
    Ok(db)
}

/// What every connection has in common: it waits for others, and a plan once made is used again.
pub(crate) fn patient(db: &Connection) -> Result<(), Error> {
    db.busy_timeout(std::time::Duration::from_secs(30))?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it a statement is compiled anew whenever a value it was planned with changes; a third of a reading's time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
