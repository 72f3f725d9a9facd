//! Failed tries to come in, counted by where they come from. A login locks by itself; this keeps somebody who invents
//! logins from making the server work, and from filling its ledger.

use crate::{app::App, problem::Problem};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{StatusCode, request::Parts},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures one address may have in [`WINDOW`]; a whole office behind one address mistypes less.
const MOST: u32 = 60;
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Addresses remembered; beyond that the one that failed longest ago is forgotten.
const REMEMBERED: usize = 4_096;

/// How somebody tries to come in. Each is counted for itself, so that who guesses passwords through a shared address
/// does not shut out those who have passkeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Password and code.
    Password,
    /// Passkey.
    Passkey,
}

/// The network a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct From(IpAddr);

impl From {
    /// A subscriber has one address of version 4, and 2^64 of version 6.
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self(address),
            IpAddr::V6(six) => match six.to_ipv4_mapped() {
                Some(four) => Self(IpAddr::V4(four)),
                None => {
                    let [a, b, c, d, ..] = six.segments();
                    Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
                }
            },
        }
    }
}

impl FromRequestParts<App> for From {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        // The socket puts the address there; what has none came through no socket.
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self::of(from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(a)| a.ip())))
    }
}

/// Who failed how often.
#[derive(Default)]
pub struct Strangers(Mutex<HashMap<(Way, From), (u32, Instant)>>);

impl Strangers {
    /// Refuses who failed too often lately.
    pub fn check(&self, way: Way, from: From) -> Result<(), Problem> {
        self.check_at(way, from, Instant::now())
    }

    fn check_at(&self, way: Way, from: From, now: Instant) -> Result<(), Problem> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = all.get(&(way, from));
        if tries.is_some_and(|(n, since)| *n >= MOST && now.duration_since(*since) < WINDOW) {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-tries",
                "Too many tries",
                "Too many sign-ins from your network failed in the last minutes. Wait ten minutes, or use a passkey.",
            ));
        }
        Ok(())
    }

    /// Counts a failure.
    pub fn failed(&self, way: Way, from: From) {
        self.failed_at(way, from, Instant::now());
    }

    fn failed_at(&self, way: Way, from: From, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(&(way, from)) {
            all.retain(|_, (_, since)| now.duration_since(*since) < WINDOW);
            if all.len() >= REMEMBERED
                && let Some(oldest) = all.iter().min_by_key(|(_, (_, since))| *since).map(|(k, _)| *k)
            {
                all.remove(&oldest);
            }
        }
        let tries = all.entry((way, from)).or_insert((0, now));
        if now.duration_since(tries.1) >= WINDOW {
            *tries = (0, now);
        }
        tries.0 = tries.0.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> From {
        From::of(text.parse().unwrap())
    }

    #[test]
    fn sixty_failures_shut_one_way_of_one_network_for_ten_minutes() {
        let all = Strangers::default();
        let (begun, here) = (Instant::now(), from("198.51.100.7"));
        for n in 0..MOST {
            assert!(all.check_at(Way::Password, here, begun).is_ok(), "{n}");
            all.failed_at(Way::Password, here, begun);
        }
        let refused = all.check_at(Way::Password, here, begun).unwrap_err();
        assert_eq!((refused.status, refused.code()), (429, "too-many-tries"));
        assert!(all.check_at(Way::Passkey, here, begun).is_ok());
        assert!(all.check_at(Way::Password, from("198.51.100.8"), begun).is_ok());
        let later = begun + WINDOW;
        assert!(all.check_at(Way::Password, here, later).is_ok());
        all.failed_at(Way::Password, here, later);
        assert!(all.check_at(Way::Password, here, later).is_ok(), "counted anew");
    }

    #[test]
    fn a_network_of_version_6_is_one_stranger_and_memory_is_bounded() {
        assert_eq!(from("2001:db8:1:2:3::4"), from("2001:db8:1:2:ffff::1"));
        assert_ne!(from("2001:db8:1:2::4"), from("2001:db8:1:3::4"));
        assert_eq!(from("::ffff:198.51.100.7"), from("198.51.100.7"));
        let all = Strangers::default();
        let now = Instant::now();
        for n in 0..20_000u32 {
            all.failed_at(Way::Password, From::of(IpAddr::V4(Ipv4Addr::from(n))), now);
        }
        assert!(all.0.lock().unwrap().len() <= REMEMBERED);
    }
}
