//! Group commit: readers that wait at the same time share one transaction, one checkpoint and one flush to the disk.

use crate::db::{Connection, Transaction};
use crate::{Error, Vault, ledger};
use callvault_ledger::Draft;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Entries that share one transaction at most; so nobody waits for an endless queue.
const MAX_BATCH: usize = 256;

/// Where readers wait for each other.
#[derive(Default)]
pub(crate) struct Group(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<(Draft, Arc<Turn>)>,
    /// Somebody commits; whoever comes now only waits.
    led: bool,
}

/// What one waiter is told; each is woken for itself alone.
#[derive(Default)]
struct Turn {
    told: Mutex<Option<Told>>,
    news: Condvar,
}

enum Told {
    /// To commit the next batch, which begins with the own entry.
    Lead,
    Done(Result<(), Error>),
}

impl Turn {
    fn tell(&self, what: Told) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
        self.news.notify_one();
    }

    fn wait(&self) -> Told {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(what) = told.take() {
                return what;
            }
            told = self.news.wait(told).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batch one thread commits for all; whatever happens to that thread, every waiter gets an answer and one of those
/// who came meanwhile leads on.
struct Batch<'a> {
    group: &'a Group,
    waiters: Vec<Arc<Turn>>,
    outcomes: Vec<Result<(), Error>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let lost = || Err(Error::Ledger("the entry was not written; nothing was shown. Try again".into()));
        let mut outcomes = self.outcomes.drain(..);
        for waiter in self.waiters.drain(..) {
            waiter.tell(Told::Done(outcomes.next().unwrap_or_else(lost)));
        }
        let mut state = self.group.state();
        match state.waiting.front() {
            Some((_, next)) => next.tell(Told::Lead),
            None => state.led = false,
        }
    }
}

impl Vault {
    /// Makes one entry durable, together with those of everybody who waits at this moment.
    pub(crate) fn log_together(&self, draft: Draft) -> Result<(), Error> {
        let turn = Arc::new(Turn::default());
        {
            let mut state = self.group.state();
            state.waiting.push_back((draft, Arc::clone(&turn)));
            if !std::mem::replace(&mut state.led, true) {
                turn.tell(Told::Lead);
            }
        }
        loop {
            match turn.wait() {
                Told::Lead => self.lead(),
                Told::Done(outcome) => return outcome,
            }
        }
    }

    fn lead(&self) {
        let mut batch = Batch { group: &self.group, waiters: Vec::new(), outcomes: Vec::new() };
        // First the database, then the batch: whoever came while it was busy is in it. It is free before anybody is told.
        let mut db = self.db();
        let mut drafts = Vec::new();
        {
            let mut state = self.group.state();
            let many = state.waiting.len().min(MAX_BATCH);
            for (draft, waiter) in state.waiting.drain(..many) {
                drafts.push(draft);
                batch.waiters.push(waiter);
            }
        }
        batch.outcomes = match self.write(&mut db, &drafts) {
            Ok(()) => drafts.iter().map(|_| Ok(())).collect(),
            // One bad entry must not refuse the others: each for itself.
            Err(_) => drafts.iter().map(|d| self.write(&mut db, std::slice::from_ref(d))).collect(),
        };
    }

    fn write(&self, db: &mut Connection, drafts: &[Draft]) -> Result<(), Error> {
        let tx = Transaction::new(db)?;
        ledger::append(&tx, drafts, &self.signer)?;
        Ok(tx.commit()?)
    }
}
