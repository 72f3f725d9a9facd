//! Group commit: readers that wait at the same time share one transaction, one checkpoint and one flush to the disk.

use crate::{Error, Vault, ledger};
use callvault_ledger::Draft;
use rusqlite::{Transaction, TransactionBehavior};
use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Entries that share one transaction at most; so nobody waits for an endless queue.
const MAX_BATCH: usize = 256;

/// Where readers wait for each other.
#[derive(Default)]
pub(crate) struct Group {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: Vec<(u64, Draft)>,
    committing: bool,
    outcomes: HashMap<u64, Result<(), Error>>,
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batch one thread commits for all; whatever happens to that thread, every waiter gets an answer.
struct Batch<'a> {
    group: &'a Group,
    drafts: Vec<(u64, Draft)>,
    outcomes: Vec<(u64, Result<(), Error>)>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut state = self.group.state();
        for (ticket, outcome) in self.outcomes.drain(..) {
            state.outcomes.insert(ticket, outcome);
        }
        for (ticket, _) in self.drafts.drain(..) {
            state.outcomes.entry(ticket).or_insert_with(|| {
                Err(Error::Ledger("the entry was not written; nothing was shown. Try again".into()))
            });
        }
        state.committing = false;
        drop(state);
        self.group.done.notify_all();
    }
}

impl Vault {
    /// Makes one entry durable, together with those of everybody who waits at this moment.
    pub(crate) fn log_together(&self, draft: Draft) -> Result<(), Error> {
        let group = &self.group;
        let mut state = group.state();
        let ticket = state.next;
        state.next = state.next.wrapping_add(1);
        state.waiting.push((ticket, draft));
        loop {
            if let Some(outcome) = state.outcomes.remove(&ticket) {
                return outcome;
            }
            if state.committing {
                state = group.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.committing = true;
            let many = state.waiting.len().min(MAX_BATCH);
            let drafts: Vec<_> = state.waiting.drain(..many).collect();
            drop(state);
            self.commit(Batch { group, drafts, outcomes: Vec::new() });
            state = group.state();
        }
    }

    fn commit(&self, mut batch: Batch<'_>) {
        let drafts: Vec<Draft> = batch.drafts.iter().map(|(_, d)| d.clone()).collect();
        if self.write(&drafts).is_ok() {
            batch.outcomes = batch.drafts.drain(..).map(|(ticket, _)| (ticket, Ok(()))).collect();
            return;
        }
        // One bad entry must not refuse the others: each for itself.
        let each = batch.drafts.drain(..).map(|(ticket, d)| (ticket, self.write(std::slice::from_ref(&d))));
        batch.outcomes = each.collect();
    }

    fn write(&self, drafts: &[Draft]) -> Result<(), Error> {
        let mut db = self.db();
        let tx = Transaction::new(&mut db, TransactionBehavior::Immediate)?;
        ledger::append(&tx, drafts, &self.signer)?;
        Ok(tx.commit()?)
    }
}
