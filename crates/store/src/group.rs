//! Group commit: readers that wait at the same time share one transaction, one checkpoint and one flush to the disk.

use crate::db::{Connection, Transaction};
use crate::{Error, Vault, ledger};
use callvault_ledger::Draft;
use callvault_model::id::EpochId;
use callvault_seal::Keyring;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Entries that share one transaction at most; so nobody waits for an endless queue.
const MAX_BATCH: usize = 1_024;
/// After two batches of fewer than so many on average the next one begins at once: those who read alone wait for the disk, for
/// nobody else.
const CROWD: usize = 8;
/// How long a batch waits for more of a crowd, as long as they keep coming: a commit costs the same for many as for few.
const GATHER: Duration = Duration::from_millis(8);
/// How often it looks whether they do.
const LOOK: Duration = Duration::from_micros(200);

/// Where readers wait for each other.
#[derive(Default)]
pub(crate) struct Group(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<(Draft, Waiter)>,
    /// Somebody commits; whoever comes now only waits.
    led: bool,
    /// Sizes of the last two batches: together everybody, where as many wait as are being answered.
    sizes: [usize; 2],
}

/// Who waits: a thread that sleeps meanwhile, or whoever has none.
enum Waiter {
    Thread(Arc<Turn>),
    Task(Task),
}

/// Sees to it that somebody drops the [`Lead`], and does not block.
pub type Commit = Arc<dyn Fn(Lead) + Send + Sync>;

/// Somebody who is told by a call.
pub(crate) struct Task {
    pub vault: Arc<Vault>,
    pub commit: Commit,
    pub done: Box<dyn FnOnce(Result<Arc<Stood>, Error>) + Send>,
}

/// The epochs whose key file was there after some entries were committed; looked for once for all of them.
#[derive(Default)]
pub(crate) struct Stood(Mutex<Vec<EpochId>>);

impl Stood {
    /// Whether the key of an epoch is still there.
    pub(crate) fn stands(&self, keyring: &Keyring, epoch: EpochId) -> Result<(), Error> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(&epoch) {
            keyring.stands(epoch)?;
            seen.push(epoch);
        }
        Ok(())
    }
}

/// The duty to commit the next batch. It is done where this is dropped, whatever becomes of whoever held it, and blocks.
pub struct Lead(pub(crate) Arc<Vault>);

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.lead();
    }
}

/// What one waiting thread is told; each is woken for itself alone.
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

impl Waiter {
    fn done(self, outcome: Result<(), Error>, stood: &Arc<Stood>) {
        match self {
            Self::Thread(turn) => turn.tell(Told::Done(outcome)),
            Self::Task(task) => (task.done)(outcome.map(|()| Arc::clone(stood))),
        }
    }
}

/// Who leads next; told when no lock is held.
enum Next {
    Thread(Arc<Turn>),
    Task(Arc<Vault>, Commit),
}

impl Next {
    fn of(waiter: &Waiter) -> Self {
        match waiter {
            Waiter::Thread(turn) => Self::Thread(Arc::clone(turn)),
            Waiter::Task(task) => Self::Task(Arc::clone(&task.vault), Arc::clone(&task.commit)),
        }
    }

    fn tell(self) {
        match self {
            Self::Thread(turn) => turn.tell(Told::Lead),
            Self::Task(vault, commit) => commit(Lead(vault)),
        }
    }
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while more of a crowd come, until half of it is here: one half is answered while the other is written.
    fn gather(&self) {
        let (half, mut waiting) = {
            let state = self.state();
            (state.sizes.iter().sum::<usize>() / 2, state.waiting.len())
        };
        if half < CROWD {
            return;
        }
        let begun = Instant::now();
        while waiting < half && begun.elapsed() < GATHER {
            thread::sleep(LOOK);
            let now = self.state().waiting.len();
            if now == waiting {
                return;
            }
            waiting = now;
        }
    }

    /// Adds an entry to those that wait, and finds somebody to commit them if nobody does.
    fn enter(&self, draft: Draft, waiter: Waiter) {
        let next = {
            let mut state = self.state();
            let next = (!std::mem::replace(&mut state.led, true)).then(|| Next::of(&waiter));
            state.waiting.push_back((draft, waiter));
            next
        };
        if let Some(next) = next {
            next.tell();
        }
    }
}

/// The batch one thread commits for all; whatever happens to that thread, every waiter gets an answer and one of those
/// who came meanwhile leads on.
struct Batch<'a> {
    group: &'a Group,
    waiters: Vec<Waiter>,
    outcomes: Vec<Result<(), Error>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let next = {
            let mut state = self.group.state();
            let next = state.waiting.front().map(|(_, waiter)| Next::of(waiter));
            state.led = next.is_some();
            next
        };
        // The next batch is on its way while this one is told.
        if let Some(next) = next {
            next.tell();
        }
        let lost = || Err(Error::Ledger("the entry was not written; nothing was shown. Try again".into()));
        let mut outcomes = self.outcomes.drain(..);
        let stood = Arc::new(Stood::default());
        for waiter in self.waiters.drain(..) {
            waiter.done(outcomes.next().unwrap_or_else(lost), &stood);
        }
    }
}

impl Vault {
    /// Makes one entry durable, together with those of everybody who waits at this moment.
    pub(crate) fn log_together(&self, draft: Draft) -> Result<(), Error> {
        let turn = Arc::new(Turn::default());
        self.group.enter(draft, Waiter::Thread(Arc::clone(&turn)));
        loop {
            match turn.wait() {
                Told::Lead => self.lead(),
                Told::Done(outcome) => return outcome,
            }
        }
    }

    /// The same for whoever has no thread to wait with.
    pub(crate) fn log_soon(&self, draft: Draft, task: Task) {
        self.group.enter(draft, Waiter::Task(task));
    }

    fn lead(&self) {
        let mut batch = Batch { group: &self.group, waiters: Vec::new(), outcomes: Vec::new() };
        self.group.gather();
        // First the database, then the batch: whoever came while it was busy is in it. It is free before anybody is told.
        let mut db = self.db_for_entries();
        let mut drafts = Vec::new();
        {
            let mut state = self.group.state();
            let many = state.waiting.len().min(MAX_BATCH);
            let [last, _] = state.sizes;
            state.sizes = [many, last];
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
        let lines = ledger::append_unindexed(&tx, drafts, &self.signer)?;
        let brought = self.unindexed.bring(&tx, lines)?;
        tx.commit()?;
        brought.committed();
        Ok(())
    }
}
