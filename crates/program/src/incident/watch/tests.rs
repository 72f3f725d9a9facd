use super::*;
use callvault_ledger::{Draft, Hash, Kind};
use callvault_model::Id;

const START: &str = "2026-11-02T09:00:00Z";

fn id(n: u32) -> SubjectId {
    let mut bytes = [7u8; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Id::from_bytes(bytes)
}

/// Entries in order, and what the watch says of them.
struct Story {
    watch: Watch,
    seq: u64,
    alerts: Vec<Alert>,
}

impl Story {
    fn new() -> Self {
        let site = Site { canaries: [id(999_999)].into(), ..Site::default() };
        Self { watch: Watch::new(rules().unwrap(), site), seq: 0, alerts: Vec::new() }
    }

    fn at(&mut self, minutes: i64, kind: Kind, actor: &str, person: Option<u32>, account: Option<&str>) {
        let start: Timestamp = START.parse().unwrap();
        let mut draft = Draft::new(start + SignedDuration::from_mins(minutes), kind, actor);
        if let Some(n) = person {
            draft = draft.subject(id(n));
        }
        if let Some(account) = account {
            draft = draft.fact("account", account);
        }
        let entry = draft.place(self.seq, Hash::ZERO).unwrap();
        self.seq += 1;
        self.alerts.extend(self.watch.see(&entry));
    }

    fn reads(&mut self, from: i64, actor: &str, people: std::ops::Range<u32>, every: i64) {
        for (n, person) in people.enumerate() {
            self.at(from + n as i64 * every, Kind::AccessPermitted, actor, Some(person), None);
        }
    }

    fn told(&self) -> BTreeSet<&str> {
        self.alerts.iter().map(|a| a.rule.as_str()).collect()
    }
}

/// Each rule: a story that sets it off, and one just below.
#[test]
fn each_rule_fires_on_its_story_and_not_below() {
    type Tell = fn(&mut Story, bool);
    let stories: &[(&str, Tell)] = &[
        ("mass-read", |s, on| s.reads(0, "account:a", 0..if on { 60 } else { 59 }, 0)),
        ("many-in-a-day", |s, on| s.reads(0, "account:a", 0..if on { 120 } else { 119 }, 6)),
        ("reveals", |s, on| {
            (0..if on { 20 } else { 19 })
                .for_each(|n| s.at(n, Kind::AccessRevealed, "account:a", Some(1), None))
        }),
        ("denied", |s, on| {
            (0..if on { 10 } else { 9 }).for_each(|_| s.at(0, Kind::AccessDenied, "account:a", Some(1), None))
        }),
        ("failed-factor", |s, on| {
            (0..if on { 5 } else { 4 }).for_each(|n| s.at(n, Kind::SignInFailed, "account:a", None, None))
        }),
        ("failed-then-in", |s, on| {
            (0..if on { 3 } else { 2 }).for_each(|n| s.at(n, Kind::SignInFailed, "account:a", None, None));
            s.at(9, Kind::AccessPermitted, "account:a", Some(1), None);
        }),
        ("new-factor-then-read", |s, on| {
            s.at(0, Kind::FactorChanged, "account:a", None, None);
            s.at(if on { 1_400 } else { 1_500 }, Kind::AccessRevealed, "account:a", Some(1), None);
        }),
        ("role-then-read", |s, on| {
            s.at(0, Kind::AccountChanged, "account:admin", None, Some(if on { "a" } else { "b" }));
            s.at(30, Kind::AccessRevealed, "account:a", Some(1), None);
        }),
        ("after-hours", |s, on| s.reads(if on { 14 * 60 } else { 12 * 60 }, "account:a", 0..5, 1)),
        ("export", |s, on| {
            if on {
                s.at(0, Kind::LedgerExported, "account:a", None, None)
            }
        }),
        ("clock", |s, on| {
            if on {
                s.at(0, Kind::ClockStepped, "vault", None, None)
            }
        }),
        ("control-weakened", |s, on| {
            if on {
                s.at(0, Kind::RetentionChanged, "account:a", None, None)
            }
        }),
        ("hold-then-destroy", |s, on| {
            s.at(0, Kind::HoldReleased, "account:a", None, None);
            s.at(if on { 60 } else { 1_441 }, Kind::AudioShredded, "worker", None, None);
        }),
        ("canary", |s, on| {
            s.at(0, Kind::AccessPermitted, "account:a", Some(if on { 999_999 } else { 1 }), None)
        }),
        ("slow-drip", |s, on| {
            (0..if on { 5 } else { 4 }).for_each(|day: u32| {
                s.reads(i64::from(day) * 1_440, "account:a", day * 1000..day * 1000 + 90, 4)
            });
        }),
        ("unlike-peers", |s, on| {
            (0..6u32).for_each(|peer| {
                s.reads(0, &format!("account:p{peer}"), peer * 100..peer * 100 + if on { 15 } else { 16 }, 1)
            });
            s.reads(20, "account:a", 5_000..5_061, 7);
        }),
    ];
    for (rule, tell) in stories {
        for on in [true, false] {
            let mut story = Story::new();
            tell(&mut story, on);
            assert_eq!(story.told().contains(rule), on, "{rule}: {:?}", story.told());
            if on {
                let first = story.alerts.iter().find(|a| a.rule == *rule).unwrap();
                assert!(first.seq < story.seq && !first.title.is_empty());
            }
        }
    }
    let told: BTreeSet<&str> = stories.iter().map(|(r, _)| *r).collect();
    assert!(rules().unwrap().iter().all(|r| told.contains(r.id.as_str())), "a rule without a story");
    assert!(told.len() >= 12);
}

#[test]
fn an_alert_is_told_once_a_window() {
    let mut story = Story::new();
    story.reads(0, "account:a", 0..100, 0);
    assert_eq!(story.alerts.iter().filter(|a| a.rule == "mass-read").count(), 1);
    story.reads(70, "account:a", 200..270, 0);
    assert_eq!(story.alerts.iter().filter(|a| a.rule == "mass-read").count(), 2);
}

/// Splitmix64: the same centre each time.
fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

/// Sixty agents over ten days, 25 to 59 customers each a day, and one who reads 136 a day from the sixth day on.
#[test]
fn a_quiet_centre_stays_quiet_and_the_reader_is_found_on_the_first_day() {
    let mut story = Story::new();
    let mut seed = 42;
    let mut person = 0u32;
    for day in 0..10i64 {
        let mut calls: Vec<(i64, String)> = Vec::new();
        for agent in 0..60 {
            for _ in 0..25 + chance(&mut seed, 35) {
                calls.push((day * 1_440 + chance(&mut seed, 480) as i64, format!("account:agent{agent}")));
            }
        }
        if day >= 5 {
            (0..136).for_each(|n| calls.push((day * 1_440 + n * 3, "account:reader".into())));
        }
        calls.sort();
        for (minute, agent) in calls {
            person += 1;
            story.at(minute, Kind::AccessPermitted, &agent, Some(person), None);
        }
    }
    let (reader, quiet): (Vec<&Alert>, Vec<&Alert>) =
        story.alerts.iter().partition(|a| a.actor == "account:reader");
    assert!(quiet.is_empty(), "{quiet:?}");
    let first = reader.first().expect("the reader is found");
    let day = first.at.duration_since(START.parse().unwrap()).as_hours() / 24;
    assert_eq!(day, 5, "on the first day: {first:?}");
}
