use super::*;
use callvault_ledger::{Draft, Hash, Kind};
use callvault_model::{Id, id::SubjectId};
use jiff::SignedDuration;
use std::collections::BTreeSet;

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
    alerts: Vec<NewAlert>,
}

impl Story {
    fn new() -> Self {
        Self::under(Rules::shipped().unwrap())
    }

    fn under(rules: Rules) -> Self {
        let canaries =
            Canaries { people: [id(999_999)].into(), conversations: [Id::from_bytes([9; 16])].into() };
        Self { watch: Watch::new(rules, canaries), seq: 0, alerts: Vec::new() }
    }

    fn entry(&mut self, minutes: i64, kind: Kind, actor: &str, person: Option<u32>, facts: &[(&str, &str)]) {
        let start: Timestamp = START.parse().unwrap();
        let mut draft = Draft::new(start + SignedDuration::from_mins(minutes), kind, actor);
        if is_read(kind.as_str()) {
            draft = draft.fact("policies", "agent.read").fact("act", "read_masked");
        }
        for (name, value) in facts {
            if value.is_empty() {
                draft.body.remove(*name);
            } else {
                draft = draft.fact((*name).to_owned(), *value);
            }
        }
        let entry = draft.place(self.seq, Hash::ZERO).unwrap();
        self.seq += 1;
        let people = person.map(id).into_iter().collect();
        let group = if actor.starts_with("account:") { "agent".into() } else { String::new() };
        self.alerts.extend(self.watch.see(&Observed { entry, people, group }));
    }

    fn read(&mut self, minutes: i64, actor: &str, person: u32, facts: &[(&str, &str)]) {
        self.entry(minutes, Kind::AccessPermitted, actor, Some(person), facts);
    }

    fn reads(&mut self, from: i64, actor: &str, people: std::ops::Range<u32>, every: i64) {
        for (n, person) in people.enumerate() {
            self.read(from + n as i64 * every, actor, person, &[]);
        }
    }

    fn reveal(&mut self, minutes: i64, actor: &str, n: u32, facts: &[(&str, &str)]) {
        let name = format!("r{n}");
        let mut all = vec![("reveal", name.as_str()), ("act", "reveal")];
        all.extend(facts);
        self.entry(minutes, Kind::RevealRequested, actor, None, &[("reveal", &name)]);
        self.entry(minutes, Kind::AccessRevealed, actor, Some(n), &all);
    }

    fn told(&self) -> BTreeSet<&str> {
        self.alerts.iter().map(|a| a.rule.as_str()).collect()
    }
}

/// A story, told so that it sets a rule off or so that it stays just below.
type Tell = fn(&mut Story, bool);

const A: &str = "account:a";

fn stories() -> Vec<(&'static str, Tell)> {
    vec![
        ("mass-read", |s, on| s.reads(0, A, 0..if on { 60 } else { 59 }, 0)),
        ("many-in-a-day", |s, on| s.reads(0, A, 0..if on { 120 } else { 119 }, 6)),
        ("unrelated", |s, on| {
            for n in 0..15u32 {
                s.read(i64::from(n), A, n, &[("purpose", "service")]);
            }
            if !on {
                s.entry(60, Kind::ConversationReceived, "worker", Some(14), &[]);
            }
            s.entry(200, Kind::SessionEnded, "account:b", None, &[]);
        }),
        ("many-disputes", |s, on| {
            for n in 0..if on { 30 } else { 29 } {
                s.read(i64::from(n) * 10, A, n, &[("purpose", "dispute")]);
            }
        }),
        ("reveals", |s, on| (0..if on { 20 } else { 19 }).for_each(|n| s.reveal(i64::from(n), A, n, &[]))),
        ("card-reveals", |s, on| {
            let entity = if on { "CREDIT_CARD" } else { "PERSON" };
            (0..4).for_each(|n| s.reveal(i64::from(n) * 60, A, n, &[("entity", entity)]));
        }),
        ("denied", |s, on| {
            (0..if on { 10 } else { 9 }).for_each(|_| s.entry(0, Kind::AccessDenied, A, Some(1), &[]));
        }),
        ("searches", |s, on| {
            (0..if on { 30 } else { 29 }).for_each(|_| {
                s.entry(
                    0,
                    Kind::AccessPermitted,
                    A,
                    None,
                    &[("rendering", "search"), ("act", "list_conversations")],
                );
            });
        }),
        ("failed-factor", |s, on| {
            (0..if on { 5 } else { 4 })
                .for_each(|n| s.entry(n, Kind::SignInFailed, "worker", None, &[("account", "a")]));
        }),
        ("spray", |s, on| {
            (0..if on { 20 } else { 19 }).for_each(|n| {
                let account = n.to_string();
                s.entry(n / 5, Kind::SignInFailed, "worker", None, &[("account", &account)]);
            });
        }),
        ("failed-then-in", |s, on| {
            (0..if on { 4 } else { 3 })
                .for_each(|n| s.entry(n, Kind::SignInFailed, "worker", None, &[("account", "a")]));
            s.read(9, A, 1, &[]);
        }),
        ("new-factor-then-read", |s, on| {
            s.entry(0, Kind::FactorChanged, A, None, &[("account", "a")]);
            s.reveal(if on { 1_400 } else { 1_500 }, A, 1, &[]);
        }),
        ("role-then-read", |s, on| {
            let who = if on { "a" } else { "b" };
            s.entry(0, Kind::AccountChanged, "account:admin", None, &[("account", who), ("change", "roles")]);
            s.reveal(30, A, 1, &[]);
        }),
        ("two-places", |s, on| {
            for n in 0..3 {
                let session = if on { n.to_string() } else { (n % 2).to_string() };
                s.read(n, A, 1, &[("session", &session)]);
            }
        }),
        // 9 h at the start of the story: 14 h later it is 23 h, 12 h later 21 h.
        ("after-hours", |s, on| s.reads(if on { 14 * 60 } else { 12 * 60 }, A, 0..5, 1)),
        ("export", |s, on| {
            if on {
                s.entry(0, Kind::LedgerExported, A, None, &[]);
            }
        }),
        ("no-permit", |s, on| s.read(0, A, 1, &[("policies", if on { "" } else { "agent.read" })])),
        ("no-request", |s, on| {
            if !on {
                s.entry(0, Kind::RevealRequested, A, None, &[("reveal", "r")]);
            }
            s.entry(5, Kind::AccessRevealed, A, Some(1), &[("reveal", "r"), ("act", "reveal")]);
        }),
        ("key-work", |s, on| {
            let kind = if on { Kind::KeyRotated } else { Kind::KeyRewrapped };
            s.entry(0, kind, A, None, &[]);
        }),
        ("clock", |s, on| {
            if on {
                s.entry(0, Kind::ClockStepped, "vault", None, &[]);
            }
        }),
        ("control-weakened", |s, on| {
            let first = if on { "false" } else { "true" };
            s.entry(0, Kind::WatchChanged, "worker", None, &[("first", first)]);
            s.entry(0, if on { Kind::RetentionChanged } else { Kind::HoldPlaced }, A, None, &[]);
        }),
        ("hold-then-destroy", |s, on| {
            s.entry(0, Kind::HoldReleased, A, None, &[]);
            s.entry(if on { 60 } else { 1_441 }, Kind::AudioShredded, "worker", None, &[]);
        }),
        ("canary", |s, on| s.read(0, A, if on { 999_999 } else { 1 }, &[])),
        ("slow-drip", |s, on| {
            (0..if on { 5 } else { 4 }).for_each(|day: u32| {
                s.reads(i64::from(day) * 1_440, A, day * 1000..day * 1000 + 90, 4);
            });
        }),
        ("unlike-peers", |s, on| {
            (0..6u32).for_each(|peer| {
                s.reads(0, &format!("account:p{peer}"), peer * 100..peer * 100 + if on { 15 } else { 16 }, 1);
            });
            s.reads(20, A, 5_000..5_061, 7);
        }),
        ("ledger", |s, on| {
            if on {
                let at = START.parse().unwrap();
                s.alerts.extend(s.watch.broken(0, "it does not follow the entry before it", at));
                s.seq = 1;
            }
        }),
    ]
}

#[test]
fn each_rule_fires_on_its_story_and_not_below() {
    let stories = stories();
    for (rule, tell) in &stories {
        for on in [true, false] {
            let mut story = Story::new();
            tell(&mut story, on);
            assert_eq!(story.told().contains(rule), on, "{rule}: {:?}", story.told());
            if on {
                let first = story.alerts.iter().find(|a| a.rule == *rule).unwrap();
                assert!(
                    first.seq < story.seq && !first.title.is_empty() && first.why.ends_with('.'),
                    "{first:?}"
                );
                assert!(
                    !first.entries.is_empty() && first.entries.len() <= 200.max(first.count),
                    "{first:?}"
                );
            }
        }
    }
    let told: BTreeSet<&str> = stories.iter().map(|(r, _)| *r).collect();
    assert!(
        Rules::shipped().unwrap().rules.iter().all(|r| told.contains(r.id.as_str())),
        "a rule without a story"
    );
    assert!(told.len() >= 24);
}

#[test]
fn an_alert_is_told_once_a_window_and_names_its_entries() {
    let mut story = Story::new();
    story.reads(0, A, 0..100, 0);
    let told: Vec<_> = story.alerts.iter().filter(|a| a.rule == "mass-read").cloned().collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].entries, (0..60).collect::<Vec<u64>>());
    assert_eq!(told[0].why, "60 different people within an hour; the rule begins at 60.");
    story.reads(70, A, 200..270, 0);
    assert_eq!(story.alerts.iter().filter(|a| a.rule == "mass-read").count(), 2);
}

#[test]
fn where_calls_come_in_at_night_the_rule_of_unrelated_readings_is_silent() {
    let mut story = Story::new();
    for n in 0..20u32 {
        for agent in 0..10u32 {
            story.read(
                i64::from(n) * 20,
                &format!("account:{agent}"),
                agent * 100 + n,
                &[("purpose", "service")],
            );
        }
    }
    // Readings of the first hours are decided while nothing is known of the centre; then the rule knows that it is blind.
    story.entry(700, Kind::SessionEnded, "account:b", None, &[]);
    let of: Vec<_> = story.alerts.iter().filter(|a| a.rule == "unrelated").collect();
    assert!(of.is_empty(), "{of:?}");
}

#[test]
fn a_night_shift_is_no_alert_and_a_night_visit_is() {
    let mut story = Story::new();
    let day = 1_440;
    for d in 0..10 {
        for n in 0..8u32 {
            for agent in 0..4u32 {
                let at = d * day + 14 * 60 + i64::from(n) * 10;
                story.read(at, &format!("account:night{agent}"), agent * 100 + n, &[]);
            }
        }
        story.reads((d + 1) * day, "account:day", 5_000..5_010, 10);
    }
    assert!(!story.told().contains("after-hours"), "{:?}", story.alerts);
    story.reads(10 * day + 14 * 60 + 5, "account:day", 6_000..6_005, 2);
    let of: Vec<_> = story.alerts.iter().filter(|a| a.rule == "after-hours").collect();
    assert_eq!((of.len(), of[0].actor.as_str()), (1, "account:day"));
}

#[test]
fn the_same_entries_after_a_restart_give_the_same_alerts() {
    let mut whole = Story::new();
    whole.reads(0, A, 0..40, 1);
    whole.reads(40, A, 40..80, 0);
    let mut first = Story::new();
    first.reads(0, A, 0..40, 1);
    let mut second = Story::new();
    second.reads(0, A, 0..40, 1);
    second.watch.forget_told();
    second.alerts.clear();
    second.reads(40, A, 40..80, 0);
    first.alerts.extend(second.alerts);
    assert_eq!(first.alerts, whole.alerts);
}

#[test]
fn memory_is_bounded_whoever_comes() {
    let mut story = Story::new();
    for n in 0..30_000u32 {
        story.read(0, &format!("account:{n}"), 1, &[]);
    }
    assert!(story.watch.remembered() <= MAX_ACTORS + 2, "{}", story.watch.remembered());
    let mut story = Story::new();
    story.reads(0, A, 0..20_000, 0);
    assert_eq!(story.told().into_iter().filter(|r| *r == "mass-read").count(), 1);
}

#[test]
fn a_site_changes_thresholds_and_nothing_makes_no_sense() {
    let rules = Rules::of("time_zone = \"Europe/Berlin\"\nnight = [21, 7]\n[change.mass-read]\nthreshold = 10\n[change.export]\noff = true\n[change.denied]\nthreshold = 50").unwrap();
    assert_eq!((rules.off, rules.loosened), (1, 1));
    assert_ne!(rules.hash(), Rules::shipped().unwrap().hash());
    let mut story = Story::under(rules);
    story.reads(0, A, 0..10, 0);
    story.entry(0, Kind::LedgerExported, A, None, &[]);
    assert_eq!(story.told(), ["mass-read"].into());
    for (text, why) in [
        ("nigth = [1, 2]", "nigth"),
        ("time_zone = \"Mars/Olympus\"", "not known"),
        ("night = [25, 2]", "0 to 23"),
        ("[change.mass-raed]\nthreshold = 2", "no such rule"),
        ("[change.mass-read]\nthreshold = 0", "threshold"),
        ("[change.mass-read]\nwindow_minutes = 1000000", "window"),
        ("[change.mass-read]\ngrade = \"awful\"", "grade"),
        (
            "[[rule]]\nid = \"mass-read\"\ntitle = \"x\"\ngrade = \"high\"\nlook = \"\"\nkinds = [\"access.denied\"]\nmeasure = \"entries\"\nwindow_minutes = 5\nthreshold = 3",
            "twice",
        ),
        (
            "[[rule]]\nid = \"own\"\ntitle = \"x\"\ngrade = \"high\"\nlook = \"\"\nkinds = [\"no code\"]\nmeasure = \"entries\"\nwindow_minutes = 5\nthreshold = 3",
            "code",
        ),
        (
            "[[rule]]\nid = \"own\"\ntitle = \"x\"\ngrade = \"high\"\nlook = \"\"\nkinds = [\"access.denied\"]\nmeasure = \"facts\"\nwindow_minutes = 5\nthreshold = 3",
            "fact",
        ),
    ] {
        let said = Rules::of(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}
