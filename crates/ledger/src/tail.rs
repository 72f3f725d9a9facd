//! The growing end of the ledger: what one writer keeps in memory between appends.

use crate::{Checkpoint, Draft, Entry, Frontier, Hash, LedgerError, Node, Nodes, Prepared, entry::Line};
use jiff::Timestamp;

/// The end of the ledger. Whoever keeps it over transactions asks [`Tail::ends`] first: one of them may have failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    origin: String,
    frontier: Frontier,
    prev: Hash,
    last_at: Option<Timestamp>,
}

/// What one append has to store of an entry that was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its number.
    pub seq: u64,
    /// The bytes of the entry.
    pub bytes: Vec<u8>,
    /// Their hash as a leaf.
    pub leaf: Hash,
    /// As in [`Appended`].
    pub nodes: Vec<Node>,
    /// As in [`Appended`].
    pub clock_went_back_ms: u64,
}

/// What one append has to store, in the same transaction as the act itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The entry.
    pub entry: Entry,
    /// The tree nodes it completed; the first is its leaf.
    pub nodes: Vec<Node>,
    /// Milliseconds the clock went back since the entry before; more than zero is worth a `clock.stepped`.
    pub clock_went_back_ms: u64,
}

impl Tail {
    /// The end of an empty ledger. `origin` names the ledger in its checkpoints.
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), frontier: Frontier::new(), prev: Hash::ZERO, last_at: None }
    }

    /// The end of a stored ledger: its size, its nodes, and the bytes of its last entry.
    pub fn load(
        origin: impl Into<String>,
        size: u64,
        nodes: &impl Nodes,
        last: Option<&[u8]>,
    ) -> Result<Self, LedgerError> {
        let frontier = Frontier::load(size, nodes)?;
        let mut tail = Self { frontier, ..Self::new(origin) };
        match (size.checked_sub(1), last) {
            (None, None) => Ok(tail),
            (Some(index), Some(bytes)) => {
                let entry = Entry::parse(bytes)?;
                if entry.seq != index || nodes.node(0, index) != Some(entry.leaf()) {
                    return Err(LedgerError::Entry(
                        "the last entry does not fit the tree; verify before going on",
                    ));
                }
                tail.prev = entry.leaf();
                tail.last_at = Some(entry.at);
                Ok(tail)
            }
            _ => Err(LedgerError::Entry("the tree and the entries are not of the same length")),
        }
    }

    /// Whether a ledger of this size whose last entry has this leaf ends as this one does. The leaf names all before it.
    pub fn ends(&self, size: u64, leaf: Hash) -> bool {
        self.frontier.size() == size && self.prev == leaf
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Adds an entry.
    pub fn append(&mut self, draft: Draft) -> Result<Appended, LedgerError> {
        let entry = draft.place(self.frontier.size(), self.prev)?;
        let (nodes, clock_went_back_ms) = self.grow(entry.leaf(), entry.at);
        Ok(Appended { entry, nodes, clock_went_back_ms })
    }

    /// The same for whoever only stores it.
    pub fn write(&mut self, entry: &Prepared) -> Result<Written, LedgerError> {
        let seq = self.frontier.size();
        let Line { bytes, leaf } = entry.line(seq, self.prev)?;
        let (nodes, clock_went_back_ms) = self.grow(leaf, entry.at());
        Ok(Written { seq, bytes, leaf, nodes, clock_went_back_ms })
    }

    fn grow(&mut self, leaf: Hash, at: Timestamp) -> (Vec<Node>, u64) {
        let back = self.last_at.map_or(0, |l| l.as_millisecond().saturating_sub(at.as_millisecond()));
        self.prev = leaf;
        self.last_at = Some(at);
        (self.frontier.push(leaf), u64::try_from(back).unwrap_or(0))
    }

    /// The unsigned checkpoint of the ledger as it stands.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size: self.frontier.size(), root: self.frontier.root() }
    }
}
