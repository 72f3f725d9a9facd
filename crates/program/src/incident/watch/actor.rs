//! What is remembered of one actor.

use super::window::Window;
use std::collections::{BTreeMap, HashMap, HashSet};

/// People of one day that are told apart; more are more than enough.
const MOST_A_DAY: usize = 5_000;
/// Days of a week.
const WEEK: i64 = 7;
/// Days of which hours are remembered.
const HABIT: i64 = 28;

/// One actor.
#[derive(Debug, Default)]
pub(super) struct Actor {
    pub group: String,
    pub last: i64,
    /// Rule → when it was told last; told again once a window.
    pub told: HashMap<usize, i64>,
    windows: HashMap<usize, Window>,
    befores: HashMap<usize, Window>,
    /// Rule → day → different people read.
    days: HashMap<usize, BTreeMap<i64, HashSet<u128>>>,
    /// Day → hours at which something was read, a bit each.
    hours: BTreeMap<i64, u32>,
}

impl Actor {
    pub fn window(&mut self, rule: usize) -> &mut Window {
        self.windows.entry(rule).or_default()
    }

    pub fn before(&mut self, rule: usize) -> &mut Window {
        self.befores.entry(rule).or_default()
    }

    pub fn read_on(&mut self, rule: usize, day: i64, people: &[u128]) {
        let days = self.days.entry(rule).or_default();
        let today = days.entry(day).or_default();
        for person in people {
            if today.len() < MOST_A_DAY {
                today.insert(*person);
            }
        }
        days.retain(|d, _| *d > day.saturating_sub(WEEK));
    }

    pub fn people_on(&self, rule: usize, day: i64) -> usize {
        self.days.get(&rule).and_then(|d| d.get(&day)).map_or(0, HashSet::len)
    }

    pub fn busy_days(&self, rule: usize, day: i64, least: usize) -> usize {
        let Some(days) = self.days.get(&rule) else { return 0 };
        days.range(day.saturating_sub(WEEK - 1)..=day).filter(|(_, p)| p.len() >= least).count()
    }

    /// People on the busiest day of the week.
    pub fn busiest(&self, rule: usize, day: i64) -> Option<usize> {
        self.days.get(&rule)?.range(day.saturating_sub(WEEK)..=day).map(|(_, p)| p.len()).max()
    }

    pub fn work(&mut self, day: i64, hour: u32) {
        let bit = 1u32.checked_shl(hour).unwrap_or(0);
        *self.hours.entry(day).or_insert(0) |= bit;
        self.hours.retain(|d, _| *d > day.saturating_sub(HABIT));
    }

    /// Whether something was read at this hour, or the one beside it, on an earlier day.
    pub fn worked_at(&self, day: i64, hour: u32) -> bool {
        let near = [hour.checked_add(23), Some(hour), hour.checked_add(1)];
        let bits = near.iter().flatten().fold(0u32, |all, h| all | 1u32.checked_shl(h % 24).unwrap_or(0));
        self.hours.range(..day).any(|(_, mask)| mask & bits != 0)
    }
}
