//! The Merkle tree of RFC 6962 / RFC 9162 with SHA-256: roots, inclusion and consistency proofs.

use crate::LedgerError;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt};

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Stands before the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        let mut out = [0u8; 32];
        let mut pairs = text.as_bytes().chunks_exact(2);
        for o in &mut out {
            let [hi, lo] = pairs.next()? else { return None };
            *o = (digit(*hi)? << 4) | digit(*lo)?;
        }
        (text.len() == 64).then_some(Self(out))
    }

    /// The 64 digits. By hand: an entry holds one, and the formatter takes longer than all the rest of it.
    pub(crate) fn hex(&self) -> [u8; 64] {
        let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
        let mut out = [0; 64];
        for (to, byte) in out.chunks_exact_mut(2).zip(self.0) {
            to.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        out
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.hex()))
    }
}
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a leaf: SHA-256(0x00 | bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// The hash of an inner node: SHA-256(0x01 | left | right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of the tree without leaves.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest(b"").into())
}

/// The hash of a complete subtree: `2^level` leaves from leaf `index * 2^level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves.
    pub level: u8,
    /// Position in the level.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Where hashes of complete subtrees are kept.
pub trait Nodes {
    /// The hash of a complete subtree, if kept.
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

/// Hashes kept in memory.
#[derive(Debug, Default, Clone)]
pub struct MemoryNodes(HashMap<(u8, u64), Hash>);

impl MemoryNodes {
    /// Keeps what an append completed.
    pub fn extend(&mut self, nodes: &[Node]) {
        self.0.extend(nodes.iter().map(|n| ((n.level, n.index), n.hash)));
    }
}

impl Nodes for MemoryNodes {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.0.get(&(level, index)).copied()
    }
}

/// What appending needs to remember: the complete subtrees at the right edge, at most 64 hashes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The largest first; one for each bit set in `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// No leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of a tree whose nodes are stored.
    pub fn load(size: u64, nodes: &impl Nodes) -> Result<Self, LedgerError> {
        let mut peaks = Vec::new();
        let mut at = 0u64;
        for level in (0..64u8).rev().filter(|l| (size >> l) & 1 == 1) {
            peaks.push(stored(nodes, level, at >> level)?);
            at |= 1 << level;
        }
        Ok(Self { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; gives every node it completes, the leaf first.
    pub fn push(&mut self, leaf: Hash) -> Vec<Node> {
        let completed = self.complete(Node { level: 0, index: self.size, hash: leaf });
        self.size = self.size.saturating_add(1);
        completed
    }

    /// Adds `2^level` leaves at once by the hash of their subtree; false where no such subtree begins.
    pub fn push_subtree(&mut self, level: u8, hash: Hash) -> bool {
        let leaves = 1u64.checked_shl(level.into()).unwrap_or(0);
        let (Some(0), Some(size)) = (self.size.checked_rem(leaves), self.size.checked_add(leaves)) else {
            return false;
        };
        self.complete(Node { level, index: self.size >> level, hash });
        self.size = size;
        true
    }

    /// Joins a new node with every complete subtree at its left.
    fn complete(&mut self, mut node: Node) -> Vec<Node> {
        let mut completed = vec![node];
        while (self.size >> node.level) & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            let hash = node_hash(&left, &node.hash);
            node = Node { level: node.level.saturating_add(1), index: node.index >> 1, hash };
            completed.push(node);
        }
        self.peaks.push(node.hash);
        completed
    }

    /// The root of the tree as it stands.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

pub(crate) fn stored(nodes: &impl Nodes, level: u8, index: u64) -> Result<Hash, LedgerError> {
    nodes.node(level, index).ok_or(LedgerError::MissingNode { level, index })
}

/// The largest power of two smaller than `n` (which is at least 2).
fn split(n: u64) -> u64 {
    1 << (63 - n.saturating_sub(1).leading_zeros())
}

/// The hash of leaves `[from, from + count)`; `from` is a multiple of every power of two used inside.
fn range(nodes: &impl Nodes, from: u64, count: u64) -> Result<Hash, LedgerError> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros() as u8;
        return stored(nodes, level, from >> level);
    }
    let k = split(count);
    Ok(node_hash(&range(nodes, from, k)?, &range(nodes, from + k, count - k)?))
}

/// The root at an earlier or the present size.
pub fn root_at(nodes: &impl Nodes, size: u64) -> Result<Hash, LedgerError> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// Proof that leaf `index` is in the tree of `size` leaves: sibling hashes, lowest first.
pub fn inclusion_proof(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
    if index >= size {
        return Err(LedgerError::OutOfRange { index, size });
    }
    let (mut from, mut count, mut path) = (0u64, size, Vec::new());
    while count > 1 {
        let k = split(count);
        if index - from < k {
            path.push(range(nodes, from + k, count - k)?);
            count = k;
        } else {
            path.push(range(nodes, from, k)?);
            (from, count) = (from + k, count - k);
        }
    }
    path.reverse();
    Ok(path)
}

/// Proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
pub fn consistency_proof(nodes: &impl Nodes, old: u64, new: u64) -> Result<Vec<Hash>, LedgerError> {
    if old > new {
        return Err(LedgerError::OutOfRange { index: old, size: new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut count, mut whole, mut path) = (0u64, new, true, Vec::new());
    // RFC 6962 section 2.1.2: `whole` says that the old tree is exactly the subtree looked at.
    loop {
        if old - from == count {
            if !whole {
                path.push(range(nodes, from, count)?);
            }
            break;
        }
        let k = split(count);
        if old - from <= k {
            path.push(range(nodes, from + k, count - k)?);
            count = k;
        } else {
            path.push(range(nodes, from, k)?);
            (from, count, whole) = (from + k, count - k, false);
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether the proof leads from a leaf to the root (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnode, mut snode, mut hash) = (index, size - 1, *leaf);
    for p in proof {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(p, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, p);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && hash == *root
}

/// Whether the proof shows the old tree at the beginning of the new one (RFC 9162 section 2.1.4.2).
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let mut hashes = proof.iter();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let Some(first) = first else { return false };
    let shift = (old_size - 1).trailing_ones();
    let (mut fnode, mut snode) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for p in hashes {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            old_hash = node_hash(p, &old_hash);
            new_hash = node_hash(p, &new_hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, p);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests;
