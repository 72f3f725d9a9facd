//! A sliding window that counts entries and different keys in constant time.

use std::collections::{HashMap, VecDeque};

/// Items remembered in one window; a rule that needs more was told long before.
const MOST: usize = 5_000;

/// One thing in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub at: i64,
    pub key: u128,
    pub seq: u64,
}

/// Items of the last while.
#[derive(Debug, Default)]
pub(super) struct Window {
    items: VecDeque<Item>,
    counts: HashMap<u128, u32>,
}

impl Window {
    pub fn push(&mut self, item: Item, span: i64) {
        self.items.push_back(item);
        *self.counts.entry(item.key).or_insert(0) += 1;
        self.expire(item.at, span);
        while self.items.len() > MOST {
            self.pop();
        }
    }

    pub fn expire(&mut self, now: i64, span: i64) {
        while self.items.front().is_some_and(|i| now.saturating_sub(i.at) > span) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(item) = self.items.pop_front() else { return };
        if let Some(n) = self.counts.get_mut(&item.key) {
            *n -= 1;
            if *n == 0 {
                self.counts.remove(&item.key);
            }
        }
    }

    /// Different keys.
    pub fn different(&self) -> usize {
        self.counts.len()
    }

    /// Items of the last while.
    pub fn within(&mut self, now: i64, span: i64) -> usize {
        self.expire(now, span);
        self.items.len()
    }

    /// Whether a key is there.
    pub fn has(&mut self, key: u128, now: i64, span: i64) -> bool {
        self.expire(now, span);
        self.counts.contains_key(&key)
    }

    /// The entry added last.
    pub fn newest(&self) -> Option<u64> {
        self.items.back().map(|i| i.seq)
    }

    /// The entries, oldest first, each once.
    pub fn entries(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.items.iter().map(|i| i.seq).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
