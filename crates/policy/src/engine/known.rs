//! Answers given before. A decision is a function of its facts alone, so the same facts are asked about once.

use crate::{Decision, Facts};
use cedar_policy::PolicySet;
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};

/// Answers kept at most; a few hundred people asking for the same few acts need less.
const MOST: usize = 4_096;

/// Answers by facts.
pub(super) struct Known {
    /// Every whole number that a policy names; `None` where a policy also reckons with one.
    numbers: Option<Vec<u64>>,
    answers: RwLock<HashMap<Facts, Decision>>,
}

impl Known {
    /// For these policies.
    pub(super) fn of(policies: &PolicySet) -> Self {
        let mut numbers = BTreeSet::new();
        let plain = policies.policies().all(|p| p.to_json().is_ok_and(|json| read(&json, &mut numbers)));
        let numbers = plain.then(|| numbers.into_iter().collect());
        Self { numbers, answers: RwLock::default() }
    }

    /// What was answered to the same facts, or what is answered now.
    pub(super) fn or(&self, facts: &Facts, answer: impl FnOnce() -> Decision) -> Decision {
        let Some(key) = self.key(facts) else { return answer() };
        if let Some(known) = self.answers.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let new = answer();
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(key, new.clone());
        new
    }

    /// The facts with the age of the factor told as its place among the numbers of the policies: a policy that only compares
    /// cannot tell two ages apart between which, and at which, no number of its own lies.
    fn key(&self, facts: &Facts) -> Option<Facts> {
        let numbers = self.numbers.as_deref()?;
        let age = facts.actor.factor_age_s;
        let below = numbers.partition_point(|n| *n < age);
        let at = numbers.get(below) == Some(&age);
        let mut key = facts.clone();
        key.actor.factor_age_s = (below as u64).saturating_mul(2).saturating_add(u64::from(at));
        Some(key)
    }
}

/// Collects the whole numbers of a policy; false when it does more with them than compare.
fn read(json: &Value, numbers: &mut BTreeSet<u64>) -> bool {
    match json {
        Value::Number(n) => {
            // A negative number lies below every age.
            numbers.extend(n.as_u64());
            n.is_i64() || n.is_u64()
        }
        Value::Array(all) => all.iter().all(|v| read(v, numbers)),
        Value::Object(all) => {
            all.iter().all(|(name, v)| !matches!(name.as_str(), "+" | "-" | "*" | "neg") && read(v, numbers))
        }
        _ => true,
    }
}
