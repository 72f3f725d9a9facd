//! Verifies a whole ledger as a stream: recomputes everything and names the first broken entry.
//!
//! The anchors are signed checkpoints. A list of leaf hashes may travel along; it is believed only as far as
//! a signed root covers it, and then every entry is checked by itself, so the name of the first broken entry
//! is exact. Without such a list the chain of hashes points at the place.

use crate::{Checkpoint, Entry, Frontier, Hash, VerifierKey, tree::leaf_hash};
use jiff::Timestamp;
use std::fmt;

/// How to verify.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The key to believe; without one the key that lies with the export is used, which proves less.
    pub key: Option<VerifierKey>,
    /// Signed checkpoints that were kept elsewhere.
    pub anchors: Vec<String>,
}

/// The ledger is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Names the ledger.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Time of the first entry.
    pub first: Option<Timestamp>,
    /// Time of the last entry.
    pub last: Option<Timestamp>,
    /// How many signed checkpoints agree, the newest included.
    pub checkpoints: usize,
    /// Whether the key came from the caller and not from beside the data.
    pub key_given: bool,
    /// How often the time ran backwards, and at which entry first.
    pub clock_went_back: Option<(u64, u64)>,
}

/// The ledger is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The first broken entry; `None` when the fault is in no entry.
    pub seq: Option<u64>,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Something could not be read.
    Unreadable(String),
    /// A checkpoint does not verify.
    Checkpoint(String),
    /// Two signed checkpoints contradict each other: proof that the ledger was forked or rewritten.
    Fork {
        /// Their size.
        size: u64,
    },
    /// The bytes are no entry in canonical form.
    Malformed(String),
    /// The entry was changed.
    Edited,
    /// Another entry stands in this one's place: it was deleted or moved.
    Missing {
        /// The number found instead.
        found: u64,
    },
    /// An entry with a number that was there before: inserted or moved.
    Repeated {
        /// The number found instead.
        found: u64,
    },
    /// The entry does not name the hash of the one before.
    Chain,
    /// The entries from here on are gone although a signed checkpoint covers them.
    Truncated {
        /// The size that was signed.
        signed: u64,
    },
    /// Entries that no checkpoint covers.
    Uncovered,
    /// The newest checkpoint is older than one that was signed before.
    Rollback {
        /// The size that was signed.
        signed: u64,
    },
    /// The root does not match: some entry from here up to `before` was changed.
    Root {
        /// One past the last entry in doubt.
        before: u64,
    },
    /// The entries are whole but the list of leaf hashes beside them is not.
    Leaves,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(what) => write!(f, "it could not be read: {what}"),
            Self::Checkpoint(why) => f.write_str(why),
            Self::Fork { size } => write!(
                f,
                "two signed checkpoints of size {size} have different roots; the ledger was forked or rewritten with the real key"
            ),
            Self::Malformed(why) => write!(f, "{why}"),
            Self::Edited => f.write_str("its bytes were changed after they were recorded"),
            Self::Missing { found } => {
                write!(f, "it was deleted or moved; entry {found} stands in its place")
            }
            Self::Repeated { found } => {
                write!(f, "an entry numbered {found} stands in its place; something was inserted or moved")
            }
            Self::Chain => f.write_str("it does not name the hash of the entry before it"),
            Self::Truncated { signed } => {
                write!(f, "the end is cut off here; a signed checkpoint covers {signed} entries")
            }
            Self::Uncovered => f.write_str("it and what follows is covered by no signed checkpoint"),
            Self::Rollback { signed } => write!(
                f,
                "the newest checkpoint is older than one signed for {signed} entries; an old state was put back"
            ),
            Self::Root { before } => {
                write!(f, "it or another entry before {before} was changed; the signed root does not match")
            }
            Self::Leaves => {
                f.write_str("the entries are whole, but the list of leaf hashes beside them was changed")
            }
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "first broken entry: {seq}: {}", self.why),
            None => write!(f, "the ledger does not verify: {}", self.why),
        }
    }
}

impl std::error::Error for Broken {}

impl Broken {
    pub(crate) fn whole(why: Why) -> Self {
        Self { seq: None, why }
    }

    pub(crate) fn at(seq: u64, why: Why) -> Self {
        Self { seq: Some(seq), why }
    }

    pub(crate) fn unreadable(what: impl fmt::Display) -> Self {
        Self::whole(Why::Unreadable(what.to_string()))
    }
}

/// Checkpoints whose signatures were verified, in order of size, without contradiction.
#[derive(Debug, Clone)]
pub struct Known {
    newest: Checkpoint,
    /// Sizes ascend; the last is at least that of `newest`.
    all: Vec<Checkpoint>,
    count: usize,
}

impl Known {
    /// Verifies the newest checkpoint, earlier ones of the same ledger, and ones kept elsewhere.
    pub fn open(newest: &str, others: &[String], key: &VerifierKey) -> Result<Self, Broken> {
        let read = |note: &str| {
            Checkpoint::open(note, key).map_err(|e| Broken::whole(Why::Checkpoint(e.to_string())))
        };
        let newest = read(newest)?;
        let mut all = vec![newest.clone()];
        for note in others {
            all.push(read(note)?);
        }
        let count = all.len();
        all.sort_by_key(|c| c.size);
        let clash = all.windows(2).find_map(|w| match w {
            [a, b] if a.size == b.size && a.root != b.root => Some(a.size),
            _ => None,
        });
        if let Some(size) = clash {
            return Err(Broken::whole(Why::Fork { size }));
        }
        all.dedup_by_key(|c| c.size);
        Ok(Self { newest, all, count })
    }

    fn largest(&self) -> u64 {
        self.all.last().map_or(0, |c| c.size)
    }

    /// The root signed for exactly this size.
    fn root_of(&self, size: u64) -> Option<&Hash> {
        self.all.binary_search_by_key(&size, |c| c.size).ok().and_then(|i| self.all.get(i)).map(|c| &c.root)
    }
}

/// A stream of stored things; the error text names what could not be read.
pub type Stream<'a, T> = Box<dyn Iterator<Item = Result<T, String>> + 'a>;

/// Verifies entries against checkpoints. `leaves` is asked for its stream twice.
pub fn verify_stream<'a>(
    entries: Stream<'a, Vec<u8>>,
    leaves: Option<&dyn Fn() -> Result<Stream<'a, Hash>, String>>,
    known: &Known,
    key_given: bool,
) -> Result<Verified, Broken> {
    let (trusted, list) = match leaves {
        None => (0, None),
        Some(leaves) => (
            trusted_leaves(leaves().map_err(Broken::unreadable)?, known)?,
            Some(leaves().map_err(Broken::unreadable)?),
        ),
    };
    let mut walk = Walk::new(known, trusted, list);
    for bytes in entries {
        walk.step(&bytes.map_err(Broken::unreadable)?)?;
    }
    walk.finish(key_given)
}

/// How many leaves of the list a signed root covers.
fn trusted_leaves(leaves: Stream<'_, Hash>, known: &Known) -> Result<u64, Broken> {
    let (mut frontier, mut trusted) = (Frontier::new(), 0);
    let limit = usize::try_from(known.largest()).unwrap_or(usize::MAX);
    for leaf in leaves.take(limit) {
        frontier.push(leaf.map_err(Broken::unreadable)?);
        if known.root_of(frontier.size()).is_some_and(|r| *r == frontier.root()) {
            trusted = frontier.size();
        }
    }
    Ok(trusted)
}

struct Walk<'k, 'a> {
    known: &'k Known,
    /// Leaves of the list below this are authentic.
    trusted: u64,
    list: Option<Stream<'a, Hash>>,
    /// The first place where an unproven list differs from the entries.
    list_differs: Option<u64>,
    frontier: Frontier,
    /// The largest size whose signed root was met.
    met: u64,
    prev: Hash,
    /// The chain broke between this entry and the one before; the next entry tells which of the two is bad.
    doubt: Option<u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    back: Option<(u64, u64)>,
}

impl<'k, 'a> Walk<'k, 'a> {
    fn new(known: &'k Known, trusted: u64, list: Option<Stream<'a, Hash>>) -> Self {
        Self {
            known,
            trusted,
            list,
            list_differs: None,
            frontier: Frontier::new(),
            met: 0,
            prev: Hash::ZERO,
            doubt: None,
            first: None,
            last: None,
            back: None,
        }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let at = self.frontier.size();
        if at >= self.known.largest() {
            return match self.doubt {
                Some(doubt) => Err(Broken::at(doubt.saturating_sub(1), Why::Edited)),
                None => Err(Broken::at(at, Why::Uncovered)),
            };
        }
        let leaf = leaf_hash(bytes);
        let listed = self.listed()?;
        let parsed = Entry::parse(bytes);
        if at < self.trusted {
            if listed != Some(leaf) {
                return Err(Broken::at(at, classify(&parsed, at)));
            }
        } else if listed != Some(leaf) && self.list.is_some() && self.list_differs.is_none() {
            self.list_differs = Some(at);
        }
        let entry = match parsed {
            Ok(entry) if entry.seq == at => entry,
            other => return Err(self.blame(at, classify(&other, at))),
        };
        self.chain(at, &entry)?;
        self.time(at, entry.at);
        self.prev = leaf;
        self.frontier.push(leaf);
        self.root(at.saturating_add(1))
    }

    fn listed(&mut self) -> Result<Option<Hash>, Broken> {
        self.list.as_mut().and_then(Iterator::next).transpose().map_err(Broken::unreadable)
    }

    fn blame(&self, at: u64, why: Why) -> Broken {
        // An unresolved doubt lies before this place.
        self.doubt.map_or_else(|| Broken::at(at, why), |d| Broken::at(d.saturating_sub(1), Why::Edited))
    }

    fn chain(&mut self, at: u64, entry: &Entry) -> Result<(), Broken> {
        let follows = entry.prev == self.prev;
        if at < self.trusted || at == 0 {
            return if follows { Ok(()) } else { Err(Broken::at(at, Why::Chain)) };
        }
        match (self.doubt, follows) {
            (None, true) => Ok(()),
            (None, false) => {
                self.doubt = Some(at);
                Ok(())
            }
            // This entry follows the doubted one, so the doubted one is as it was and the one before is not.
            (Some(doubt), true) => Err(Broken::at(doubt.saturating_sub(1), Why::Edited)),
            (Some(doubt), false) => Err(Broken::at(doubt, Why::Edited)),
        }
    }

    fn time(&mut self, at: u64, now: Timestamp) {
        self.first.get_or_insert(now);
        if self.last.is_some_and(|l| now < l) {
            let (times, first) = self.back.unwrap_or((0, at));
            self.back = Some((times.saturating_add(1), first));
        }
        self.last = Some(now);
    }

    fn root(&mut self, size: u64) -> Result<(), Broken> {
        match self.known.root_of(size) {
            Some(root) if *root == self.frontier.root() => {
                self.met = size;
                Ok(())
            }
            // Doubt about the last two entries is resolved by the next step or at the end. Otherwise the chain is
            // whole under a wrong root: the last entry was changed, or all from some entry on were rewritten;
            // the earliest that no signed root covers is named.
            Some(_) if self.doubt.is_none() => {
                let from = self.met.max(self.trusted).min(size.saturating_sub(1));
                Err(Broken::at(from, Why::Root { before: size }))
            }
            _ => Ok(()),
        }
    }

    fn finish(self, key_given: bool) -> Result<Verified, Broken> {
        let size = self.frontier.size();
        if let Some(doubt) = self.doubt {
            return Err(Broken::at(doubt.saturating_sub(1), Why::Edited));
        }
        if size < self.known.largest() {
            return Err(Broken::at(size, Why::Truncated { signed: self.known.largest() }));
        }
        if self.known.newest.size < size {
            return Err(Broken::at(self.known.newest.size, Why::Rollback { signed: size }));
        }
        if self.frontier.root() != self.known.newest.root {
            // Only an empty ledger comes here: every other size was compared on the way.
            return Err(Broken::whole(Why::Root { before: size }));
        }
        let longer = self.list.is_some_and(|mut l| l.next().is_some());
        if let Some(at) = self.list_differs.or(longer.then_some(size)) {
            return Err(Broken::at(at, Why::Leaves));
        }
        Ok(Verified {
            origin: self.known.newest.origin.clone(),
            size,
            root: self.frontier.root(),
            first: self.first,
            last: self.last,
            checkpoints: self.known.count,
            key_given,
            clock_went_back: self.back,
        })
    }
}

fn classify(parsed: &Result<Entry, crate::LedgerError>, at: u64) -> Why {
    match parsed {
        Err(e) => Why::Malformed(e.to_string()),
        Ok(e) if e.seq > at => Why::Missing { found: e.seq },
        Ok(e) if e.seq < at => Why::Repeated { found: e.seq },
        Ok(_) => Why::Edited,
    }
}

#[cfg(test)]
mod tests;
