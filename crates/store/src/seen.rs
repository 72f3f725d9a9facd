//! What readings looked up and may use again while nothing was written since: facts of the gate, and conversations as
//! they lie in the database. Every use of the connection that writes empties it before it returns to whoever called, so
//! an answer from here is the answer the database would give. Words stand here only sealed; keys of parties are wiped when
//! they leave, after a minute at the latest.

use crate::db::Connection;
use crate::{
    FindingDetail, FindingRow,
    gate::{Asked, Loaded},
    read::ConversationRow,
};
use callvault_model::id::{ConversationId, EpochId, SubjectId};
use callvault_seal::{Key256, RecordKey};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Questions remembered at most.
const FACTS: usize = 4_096;
/// Conversations remembered at most, and the bytes they may take together.
const TEXTS: usize = 1_024;
const BYTES: usize = 32 << 20;
/// What the key of one turn takes beside it: an expanded cipher and where it belongs.
const OWN_KEY: usize = 1_024;
/// What a finding takes in what its caller makes of it, and all the rest there.
const MADE: usize = 256;
const MADE_ONCE: usize = 2_048;
/// A key stays no longer than this after it was opened, used or not.
const KEYS: SignedDuration = SignedDuration::from_secs(60);

/// How many uses of the writing connection there were before something was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// What was read since the last change.
#[derive(Default)]
pub(crate) struct Seen {
    changes: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    facts: HashMap<Asked, Facts>,
    texts: HashMap<ConversationId, Text>,
    /// Oldest first.
    order: VecDeque<ConversationId>,
    bytes: usize,
}

struct Facts {
    mark: Mark,
    /// Read at this time, and true until that one as far as time alone goes.
    at: Timestamp,
    until: Option<Timestamp>,
    loaded: Loaded,
}

struct Text {
    mark: Mark,
    at: Timestamp,
    sealed: Arc<SealedText>,
}

/// A conversation as it lies in the database, with the keys of its parties.
pub(crate) struct SealedText {
    pub beside: Arc<Beside>,
    /// Types that are covered, as the ledger names them.
    pub covered: String,
    pub turns: Vec<SealedTurn>,
    pub parties: Vec<Opener>,
}

/// What is shown beside the words; whoever shows it holds no key.
#[derive(Debug)]
pub(crate) struct Beside {
    pub row: ConversationRow,
    pub proof_facts: Option<serde_json::Value>,
    pub findings: Vec<FindingRow>,
    pub details: Vec<FindingDetail>,
    /// What the caller made of it.
    pub made: OnceLock<Vec<u8>>,
}

/// One turn.
pub(crate) struct SealedTurn {
    pub position: usize,
    /// Place in `parties`.
    pub party: usize,
    pub role: String,
    pub start_ms: u64,
    pub end_ms: u64,
    pub sealed: Vec<u8>,
    /// Its own key, from the first time it is opened on; it leaves with that of its party.
    pub own: OnceLock<RecordKey>,
}

/// What opens the turns of one party.
pub(crate) struct Opener {
    pub key: Key256,
    pub subject: SubjectId,
    /// The epoch the person's key lives in.
    pub epoch: EpochId,
}

impl SealedText {
    fn bytes(&self) -> usize {
        let turns: usize =
            self.turns.iter().map(|t| t.sealed.len() + size_of::<SealedTurn>() + OWN_KEY).sum();
        let one = size_of::<FindingRow>() + size_of::<FindingDetail>() + 256 + MADE;
        turns + self.beside.findings.len() * one + 1_024 + MADE_ONCE
    }
}

impl Seen {
    /// Asked for before something is read, so that what changes meanwhile makes what was read stale.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.changes.load(Ordering::SeqCst))
    }

    /// Nothing that was read before counts any more, and it is gone.
    pub(crate) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        let old = std::mem::take(&mut *self.state());
        // Wiped when no lock is held.
        drop(old);
    }

    /// Keys that were opened more than a minute ago leave.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        let mut state = self.state();
        while let Some(id) = state.order.front().copied() {
            if state.texts.get(&id).is_some_and(|t| young(t.at, now)) {
                break;
            }
            state.drop_text(id);
        }
    }

    #[cfg(test)]
    pub(crate) fn holds_a_key(&self) -> bool {
        !self.state().texts.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn facts(&self, asked: &Asked, now: Timestamp) -> Option<Loaded> {
        let mark = self.mark();
        let state = self.state();
        let known = state.facts.get(asked).filter(|f| f.mark == mark)?;
        let holds = now >= known.at && known.until.is_none_or(|until| now < until);
        holds.then(|| known.loaded.clone())
    }

    /// `until`: the time at which the answer could become another one though nothing is written.
    pub(crate) fn keep_facts(
        &self,
        mark: Mark,
        at: Timestamp,
        until: Option<Timestamp>,
        asked: Asked,
        loaded: Loaded,
    ) {
        let mut state = self.state();
        if self.mark() != mark {
            return;
        }
        if state.facts.len() >= FACTS {
            state.facts.clear();
        }
        state.facts.insert(asked, Facts { mark, at, until, loaded });
    }

    pub(crate) fn text(&self, id: ConversationId, now: Timestamp) -> Option<Arc<SealedText>> {
        let mark = self.mark();
        let state = self.state();
        let known = state.texts.get(&id).filter(|t| t.mark == mark && young(t.at, now))?;
        Some(Arc::clone(&known.sealed))
    }

    pub(crate) fn keep_text(&self, mark: Mark, at: Timestamp, id: ConversationId, sealed: Arc<SealedText>) {
        let mut state = self.state();
        let bytes = sealed.bytes();
        if self.mark() != mark || bytes > BYTES / 4 {
            return;
        }
        state.drop_text(id);
        while state.texts.len() >= TEXTS || state.bytes + bytes > BYTES {
            let Some(oldest) = state.order.front().copied() else { break };
            state.drop_text(oldest);
        }
        state.bytes += bytes;
        state.order.push_back(id);
        state.texts.insert(id, Text { mark, at, sealed });
    }
}

impl State {
    fn drop_text(&mut self, id: ConversationId) {
        let Some(old) = self.texts.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(old.sealed.bytes());
        // Almost always the oldest.
        if self.order.front() == Some(&id) {
            self.order.pop_front();
        } else {
            self.order.retain(|other| *other != id);
        }
    }
}

/// A clock that went back makes nothing young.
fn young(at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    age >= SignedDuration::ZERO && age < KEYS
}

/// The connection that writes. Whatever was done with it: what was read before counts no more once it is given back.
pub(crate) struct Writing<'a> {
    db: MutexGuard<'a, Connection>,
    seen: &'a Seen,
}

impl<'a> Writing<'a> {
    pub(crate) fn new(db: MutexGuard<'a, Connection>, seen: &'a Seen) -> Self {
        Self { db, seen }
    }
}

impl Deref for Writing<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.db
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.db
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.seen.forget();
    }
}
