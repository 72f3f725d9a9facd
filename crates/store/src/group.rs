//! Group commit: readers that wait at the same time share one transaction, one checkpoint and one flush to the disk.

use crate::db::{Connection, Transaction};
use crate::{
    Error, Vault,
    ledger::{self, Ready},
};
use callvault_ledger::Draft;
use callvault_model::id::EpochId;
use callvault_seal::Keyring;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
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
/// When nobody came for so long, the crowd has gone: those who were told last are answered meanwhile, and ask again after that.
const PAUSE: Duration = Duration::from_millis(1);

/// Where readers wait for each other.
#[derive(Default)]
pub(crate) struct Group(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Turn>>,
    /// Somebody commits; whoever comes now only waits.
    led: bool,
    /// Sizes of the last two batches: together everybody, where as many wait as are being answered.
    sizes: [usize; 2],
}

/// Sees to it that somebody drops the [`Lead`], and does not block.
pub type Commit = Arc<dyn Fn(Lead) + Send + Sync>;

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

/// Somebody who waits, and his entry: he asked for its memory and gives it back, for the threads that answer would wait for
/// one that gives back theirs. Each is woken for itself alone.
struct Turn {
    entry: Ready,
    /// Where somebody without a thread has to lead.
    elsewhere: Option<(Arc<Vault>, Commit)>,
    news: Mutex<News>,
    told: Condvar,
}

#[derive(Default)]
struct News {
    told: Option<Told>,
    waker: Option<Waker>,
}

enum Told {
    /// To commit the next batch, which begins with the own entry.
    Lead,
    Done(Result<Arc<Stood>, Error>),
}

impl Turn {
    fn new(entry: Ready, elsewhere: Option<(Arc<Vault>, Commit)>) -> Arc<Self> {
        Arc::new(Self { entry, elsewhere, news: Mutex::default(), told: Condvar::new() })
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, what: Told) {
        let waker = {
            let mut news = self.news();
            news.told = Some(what);
            news.waker.take()
        };
        match waker {
            Some(waker) => waker.wake(),
            None => self.told.notify_one(),
        }
    }

    fn wait(&self) -> Told {
        let mut news = self.news();
        loop {
            if let Some(what) = news.told.take() {
                return what;
            }
            news = self.told.wait(news).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sees to it that somebody leads; called when no lock is held.
    fn lead(&self) {
        match &self.elsewhere {
            None => self.tell(Told::Lead),
            Some((vault, commit)) => commit(Lead(Arc::clone(vault))),
        }
    }
}

/// An entry that is on its way to the disk. Whoever gives this up is not told, and the entry is written.
pub(crate) struct Soon(Arc<Turn>);

impl Future for Soon {
    type Output = Result<Arc<Stood>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut news = self.0.news();
        match news.told.take() {
            Some(Told::Done(outcome)) => Poll::Ready(outcome),
            // Only a thread is told to lead.
            Some(Told::Lead) | None => {
                news.waker = Some(cx.waker().clone());
                Poll::Pending
            }
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
        let mut came = begun;
        while waiting < half && begun.elapsed() < GATHER && came.elapsed() < PAUSE {
            thread::sleep(LOOK);
            let now = self.state().waiting.len();
            if now != waiting {
                (waiting, came) = (now, Instant::now());
            }
        }
    }

    /// Adds an entry to those that wait, and finds somebody to commit them if nobody does.
    fn enter(&self, turn: &Arc<Turn>) {
        let led = {
            let mut state = self.state();
            state.waiting.push_back(Arc::clone(turn));
            std::mem::replace(&mut state.led, true)
        };
        if !led {
            turn.lead();
        }
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
        let next = {
            let mut state = self.group.state();
            let next = state.waiting.front().map(Arc::clone);
            state.led = next.is_some();
            next
        };
        // The next batch is on its way while this one is told.
        if let Some(next) = next {
            next.lead();
        }
        let lost = || Err(Error::Ledger("the entry was not written; nothing was shown. Try again".into()));
        let mut outcomes = self.outcomes.drain(..);
        let stood = Arc::new(Stood::default());
        for waiter in self.waiters.drain(..) {
            let outcome = outcomes.next().unwrap_or_else(lost);
            waiter.tell(Told::Done(outcome.map(|()| Arc::clone(&stood))));
        }
    }
}

impl Vault {
    /// Makes one entry durable, together with those of everybody who waits at this moment.
    pub(crate) fn log_together(&self, draft: &Draft) -> Result<(), Error> {
        let turn = Turn::new(Ready::of(draft)?, None);
        self.group.enter(&turn);
        loop {
            match turn.wait() {
                Told::Lead => self.lead(),
                Told::Done(outcome) => return outcome.map(drop),
            }
        }
    }

    /// The same for whoever has no thread to wait with. The entry is on its way when this returns.
    pub(crate) fn log_soon(self: &Arc<Self>, entry: Ready, commit: &Commit) -> Soon {
        let turn = Turn::new(entry, Some((Arc::clone(self), Arc::clone(commit))));
        self.group.enter(&turn);
        Soon(turn)
    }

    fn lead(&self) {
        let mut batch = Batch { group: &self.group, waiters: Vec::new(), outcomes: Vec::new() };
        self.group.gather();
        // First the database, then the batch: whoever came while it was busy is in it. It is free before anybody is told.
        let mut db = self.db_for_entries();
        {
            let mut state = self.group.state();
            let many = state.waiting.len().min(MAX_BATCH);
            let [last, _] = state.sizes;
            state.sizes = [many, last];
            batch.waiters.extend(state.waiting.drain(..many));
        }
        let entries = || batch.waiters.iter().map(|turn| &turn.entry);
        batch.outcomes = match self.write(&mut db, entries()) {
            Ok(()) => entries().map(|_| Ok(())).collect(),
            // One bad entry must not refuse the others: each for itself.
            Err(_) => entries().map(|e| self.write(&mut db, [e])).collect(),
        };
    }

    fn write<'a>(
        &self,
        db: &mut Connection,
        entries: impl IntoIterator<Item = &'a Ready>,
    ) -> Result<(), Error> {
        let tx = Transaction::new(db)?;
        let lines = ledger::append_unindexed(&tx, entries, &self.signer)?;
        let brought = self.unindexed.bring(&tx, lines)?;
        tx.commit()?;
        brought.committed();
        Ok(())
    }
}
