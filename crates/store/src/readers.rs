//! Connections that only read, beside the one that writes: a reader never waits for another's flush to the disk. In WAL
//! mode each sees what was durably committed before it began, so what one request wrote the next one sees.
//!
//! Not for the inside of a command: its rows are not committed yet, and only its own connection sees them.

use crate::{
    Error,
    db::{Connection, Place},
};
use std::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicUsize, Ordering},
};

/// Reading is work for the processor, so more than a few would only wait for each other elsewhere.
const CONNECTIONS: usize = 8;

/// A few connections, each for one thread at a time.
pub(crate) struct Readers {
    all: [Mutex<Connection>; CONNECTIONS],
    next: AtomicUsize,
}

impl Readers {
    /// Opens them on a database that is set up already.
    pub(crate) fn open(place: &Place) -> Result<Self, Error> {
        let mut open = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            open.push(Mutex::new(place.reader()?));
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
