//! Sign-in and enrolment take two steps; what the first step promised waits here, in memory, for a few minutes.

use callvault_policy::factor::{
    passkey::{Authentication, Registration},
    totp::TotpSecret,
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How long the second step may take.
const MINUTES: i64 = 5;
/// Most ceremonies at a time; beyond that the oldest is forgotten, so that strangers cannot fill the memory.
const MOST: usize = 2_000;

/// A ceremony's server side, bound to the browser by a random handle.
#[derive(Default)]
pub struct Ceremonies(Mutex<HashMap<String, (Timestamp, Step)>>);

/// What waits for its second step.
pub enum Step {
    /// A passkey is being registered.
    Register(Box<Registration>),
    /// A passkey is being asked to sign.
    Authenticate(Box<Authentication>),
    /// A one-time code secret was shown and is to be confirmed.
    Totp(TotpSecret),
}

impl Ceremonies {
    /// Keeps a step under a handle.
    pub fn put(&self, handle: String, step: Step, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now - jiff::SignedDuration::from_mins(MINUTES);
        all.retain(|_, (at, _)| *at >= oldest);
        if all.len() >= MOST
            && let Some(first) = all.iter().min_by_key(|(_, (at, _))| *at).map(|(k, _)| k.clone())
        {
            all.remove(&first);
        }
        all.insert(handle, (now, step));
    }

    /// Takes a step out; it works once.
    pub fn take(&self, handle: &str, now: Timestamp) -> Option<Step> {
        let (at, step) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(handle)?;
        (now.duration_since(at) <= jiff::SignedDuration::from_mins(MINUTES)).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn totp(byte: u8) -> Step {
        Step::Totp(TotpSecret::from_bytes(&[byte; 20]).unwrap())
    }

    #[test]
    fn a_step_works_once_and_not_for_long() {
        let all = Ceremonies::default();
        let step = || totp(1);
        all.put("a".into(), step(), at(0));
        assert!(all.take("a", at(10)).is_some());
        assert!(all.take("a", at(10)).is_none());
        all.put("b".into(), step(), at(0));
        assert!(all.take("b", at(301)).is_none());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let all = Ceremonies::default();
        for i in 0..(MOST + 10) {
            all.put(i.to_string(), totp(2), at(i as i64 / 100));
        }
        assert!(all.0.lock().unwrap().len() <= MOST);
    }
}
