//! Half-open stretches of a recording's time line, in milliseconds, and sets of them.

use serde::{Deserialize, Serialize};

/// `[start_ms, end_ms)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// First millisecond inside.
    pub start_ms: u64,
    /// First millisecond after.
    pub end_ms: u64,
}

impl Interval {
    /// The stretch between two times; an end before the start makes it empty.
    pub fn new(start_ms: u64, end_ms: u64) -> Self {
        Self { start_ms, end_ms: end_ms.max(start_ms) }
    }

    /// Length in milliseconds.
    pub fn len_ms(&self) -> u64 {
        self.end_ms.saturating_sub(self.start_ms)
    }

    /// Whether the two share at least one millisecond.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start_ms < other.end_ms && other.start_ms < self.end_ms
    }

    /// The same stretch, wider by so much before and after.
    pub fn padded_by(&self, before_ms: u64, after_ms: u64) -> Self {
        Self {
            start_ms: self.start_ms.saturating_sub(before_ms),
            end_ms: self.end_ms.saturating_add(after_ms),
        }
    }

    /// The same stretch, wider by `pad_ms` on both sides.
    pub fn padded(&self, pad_ms: u64) -> Self {
        self.padded_by(pad_ms, pad_ms)
    }
}

/// Disjoint, sorted, non-touching stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntervalSet(Vec<Interval>);

impl IntervalSet {
    /// No time at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stretches, in order.
    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    /// Whether no time is covered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Covered milliseconds.
    pub fn total_ms(&self) -> u64 {
        self.0.iter().map(Interval::len_ms).sum()
    }

    /// Adds a stretch, joining it with those it meets.
    pub fn insert(&mut self, new: Interval) {
        if new.len_ms() == 0 {
            return;
        }
        let from = self.0.partition_point(|i| i.end_ms < new.start_ms);
        let to = self.0.partition_point(|i| i.start_ms <= new.end_ms);
        let mut joined = new;
        for i in self.0.drain(from..to.max(from)) {
            joined = Interval::new(joined.start_ms.min(i.start_ms), joined.end_ms.max(i.end_ms));
        }
        self.0.insert(from, joined);
    }

    /// Time in either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        other.0.iter().for_each(|i| out.insert(*i));
        out
    }

    /// Time in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut out, mut a, mut b) = (Vec::new(), self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            if x.overlaps(y) {
                out.push(Interval::new(x.start_ms.max(y.start_ms), x.end_ms.min(y.end_ms)));
            }
            if x.end_ms < y.end_ms {
                a.next();
            } else {
                b.next();
            }
        }
        Self(out)
    }

    /// Time in this set and not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for i in &self.0 {
            let mut from = i.start_ms;
            for o in other.0.iter().filter(|o| o.overlaps(i)) {
                if o.start_ms > from {
                    out.push(Interval::new(from, o.start_ms));
                }
                from = from.max(o.end_ms);
            }
            if from < i.end_ms {
                out.push(Interval::new(from, i.end_ms));
            }
        }
        Self(out)
    }

    /// Milliseconds of `what` that this set covers.
    pub fn covered_ms(&self, what: Interval) -> u64 {
        let mut one = Self::new();
        one.insert(what);
        self.intersection(&one).total_ms()
    }
}

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<T: IntoIterator<Item = Interval>>(iter: T) -> Self {
        let mut out = Self::new();
        iter.into_iter().for_each(|i| out.insert(i));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(of: &[(u64, u64)]) -> IntervalSet {
        of.iter().map(|&(a, b)| Interval::new(a, b)).collect()
    }

    fn bits(s: &IntervalSet) -> Vec<bool> {
        (0..120).map(|t| s.as_slice().iter().any(|i| i.start_ms <= t && t < i.end_ms)).collect()
    }

    proptest! {
        #[test]
        fn set_algebra_agrees_with_a_bit_per_millisecond(
            a in prop::collection::vec((0u64..100, 0u64..20), 0..8),
            b in prop::collection::vec((0u64..100, 0u64..20), 0..8),
        ) {
            let of = |v: &[(u64, u64)]| v.iter().map(|&(s, l)| Interval::new(s, s + l)).collect::<IntervalSet>();
            let (x, y) = (of(&a), of(&b));
            let zip = |f: fn(bool, bool) -> bool| bits(&x).iter().zip(bits(&y)).map(|(p, q)| f(*p, q)).collect::<Vec<_>>();
            prop_assert_eq!(bits(&x.union(&y)), zip(|p, q| p || q));
            prop_assert_eq!(bits(&x.intersection(&y)), zip(|p, q| p && q));
            prop_assert_eq!(bits(&x.difference(&y)), zip(|p, q| p && !q));
            prop_assert!(x.union(&y).as_slice().windows(2).all(|w| w[0].end_ms < w[1].start_ms));
        }
    }

    #[test]
    fn touching_stretches_join() {
        assert_eq!(set(&[(0, 5), (5, 9), (20, 30)]).as_slice().len(), 2);
        assert_eq!(set(&[(0, 10)]).covered_ms(Interval::new(5, 20)), 5);
    }
}
