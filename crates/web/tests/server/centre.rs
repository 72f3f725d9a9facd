//! A simulated centre: three hundred people over ninety days, with shifts, queues, holidays and the small mishaps of
//! every day, in the ordinary entries of the ledger. Seeded, so that every run is the same.

use callvault_ledger::{Draft, Hash, Kind};
use callvault_model::{Id, id::SubjectId};
use callvault_program::incident::watch::Watch;
use callvault_store::incident::{NewAlert, Observed};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// How many work there.
pub const PEOPLE: usize = 300;
/// How long.
pub const DAYS: i64 = 90;
const ZONE: &str = "America/New_York";
/// Days with a third of the crew.
const HOLIDAYS: [&str; 3] = ["2026-09-07", "2026-10-12", "2026-11-26"];

/// Splitmix64.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Somebody who works there.
struct Worker {
    name: String,
    group: &'static str,
    /// Hour of the site at which the shift begins, and its length.
    shift: (i64, i64),
    /// Conversations on an ordinary day.
    calls: u64,
    night: bool,
}

/// What happens, before it has its place.
struct Act {
    at: i64,
    kind: Kind,
    who: usize,
    person: u32,
    facts: Vec<(&'static str, String)>,
}

/// The centre and the ledger it writes.
pub struct Centre {
    chance: Chance,
    workers: Vec<Worker>,
    seq: u64,
    person: u32,
    pub entries: u64,
    zone: TimeZone,
    first: Date,
}

fn people(n: u32) -> SubjectId {
    let mut bytes = [5u8; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Id::from_bytes(bytes)
}

impl Centre {
    pub fn new(seed: u64) -> Self {
        let mut workers = Vec::new();
        for n in 0..PEOPLE {
            let (group, shift, calls) = match n {
                0..120 => ("agent", (8, 8), 34 + (n as u64 % 5) * 5),
                120..200 => ("agent", (12, 8), 30 + (n as u64 % 4) * 6),
                200..252 => ("agent", (16, 8), 28 + (n as u64 % 3) * 6),
                252..276 => ("agent", (22, 8), 14),
                276..290 => ("supervisor", (9, 8), 30),
                _ => ("qa", (9, 8), 42),
            };
            workers.push(Worker {
                name: format!("account:w{n}"),
                group,
                shift,
                calls,
                night: (252..276).contains(&n),
            });
        }
        Self {
            chance: Chance(seed),
            workers,
            seq: 0,
            person: 0,
            entries: 0,
            zone: TimeZone::get(ZONE).unwrap(),
            first: "2026-09-01".parse().unwrap(),
        }
    }

    /// The end of the last day.
    pub fn end(&self) -> Timestamp {
        let last = self.first.checked_add(jiff::Span::new().days(DAYS)).unwrap();
        self.zone.to_timestamp(last.at(0, 0, 0, 0)).unwrap()
    }

    /// One day, in order.
    fn day(&mut self, n: i64) -> Vec<Act> {
        let date = self.first.checked_add(jiff::Span::new().days(n)).unwrap();
        let midnight = self.zone.to_timestamp(date.at(0, 0, 0, 0)).unwrap().as_millisecond();
        let weekend = date.weekday().to_monday_zero_offset() >= 5;
        let holiday = HOLIDAYS.contains(&date.to_string().as_str());
        let mut acts = Vec::new();
        for who in 0..self.workers.len() {
            let off = match (holiday, weekend) {
                (true, _) => !self.chance.below(3).eq(&0),
                (_, true) => self.chance.below(10) >= 4,
                _ => self.chance.one_in(20),
            };
            if off && !self.workers[who].night {
                continue;
            }
            let (mut from, hours) = self.workers[who].shift;
            // Each week two of the day team take a night for the first time.
            if who < 120 && (who as i64) / 2 == n / 7 && n % 7 == 3 {
                from = 22;
            }
            self.shift(who, midnight + from * 3_600_000, hours, &mut acts);
        }
        self.office(n, midnight, &mut acts);
        acts.sort_by_key(|a| a.at);
        acts
    }

    fn shift(&mut self, who: usize, start: i64, hours: i64, acts: &mut Vec<Act>) {
        let (group, calls) = (self.workers[who].group, self.workers[who].calls);
        let session = format!("{:016x}", self.chance.below(u64::MAX));
        let mut push = |at, kind, person, facts: Vec<(&'static str, String)>| {
            acts.push(Act { at, kind, who, person, facts })
        };
        // A password mistyped at the start of the shift, now and then three times.
        if self.chance.one_in(20) {
            for k in 0..1 + self.chance.below(3) as i64 {
                let account = format!("w{who}");
                push(start - 120_000 + k * 20_000, Kind::SignInFailed, 0, vec![("account", account)]);
            }
        }
        push(start, Kind::SessionStarted, 0, vec![("session", session.clone())]);
        let busy = calls + self.chance.below(calls / 2 + 1) - calls / 4;
        let length = hours * 3_600_000;
        for _ in 0..busy {
            let at = start + 60_000 + self.chance.below(length as u64 - 1_200_000) as i64;
            self.person += 1;
            let person = if self.chance.one_in(12) {
                self.person.saturating_sub(self.chance.below(5_000) as u32)
            } else {
                self.person
            };
            let (purpose, rendering, act) = match group {
                "agent" if self.chance.one_in(40) => ("dispute", "masked", "read_masked"),
                "agent" => ("service", "masked", "read_masked"),
                "supervisor" => ("quality", "muted", "play_muted"),
                _ => ("quality", "masked", "read_masked"),
            };
            let reading = |rendering: &str| {
                vec![
                    ("act", act.to_owned()),
                    ("rendering", rendering.to_owned()),
                    ("purpose", purpose.to_owned()),
                    ("policies", format!("{group}.read")),
                    ("session", session.clone()),
                ]
            };
            push(at, Kind::AccessPermitted, person, reading(rendering));
            if self.chance.one_in(8) {
                push(at + 90_000, Kind::AccessPermitted, person, reading(rendering));
            }
            // The call itself comes in when it is over; three in a hundred are not recorded.
            if group == "agent" && !self.chance.one_in(33) {
                let late = 120_000 + self.chance.below(900_000) as i64;
                push(at + late, Kind::ConversationReceived, person, vec![("from", "worker".into())]);
            }
        }
        for _ in 0..self.chance.below(3) {
            let at = start + self.chance.below(length as u64) as i64;
            push(at, Kind::AccessDenied, 1, vec![("why", "role".into()), ("session", session.clone())]);
        }
        for _ in 0..self.chance.below(5) {
            let at = start + self.chance.below(length as u64) as i64;
            let facts = vec![
                ("act", "list_conversations".into()),
                ("rendering", "search".into()),
                ("session", session.clone()),
            ];
            push(at, Kind::AccessPermitted, 0, facts);
        }
        // Supervisors look at a hidden value now and then, asked for and agreed to.
        if group == "supervisor" && self.chance.one_in(2) {
            let at = start + self.chance.below(length as u64) as i64;
            let reveal = format!("{:032x}", self.chance.below(u64::MAX));
            let entity = if self.chance.one_in(2) { "CREDIT_CARD" } else { "PERSON" };
            push(at, Kind::RevealRequested, 0, vec![("reveal", reveal.clone())]);
            let facts = vec![
                ("reveal", reveal),
                ("act", "reveal".into()),
                ("entity", entity.into()),
                ("rendering", "value".into()),
                ("policies", "reveal.requested".into()),
                ("session", session.clone()),
            ];
            push(at + 600_000, Kind::AccessRevealed, 2, facts);
        }
        push(start + length, Kind::SessionEnded, 0, vec![("why", "signed_out".into())]);
    }

    /// What the office does: people come, rules change, an auditor asks.
    fn office(&mut self, n: i64, midnight: i64, acts: &mut Vec<Act>) {
        let at = midnight + 10 * 3_600_000;
        let mut push = |minutes: i64, kind, facts| {
            acts.push(Act { at: at + minutes * 60_000, kind, who: 276, person: 0, facts })
        };
        let somebody = format!("w{}", self.chance.below(276));
        push(0, Kind::RetentionApplied, vec![("class", "audio".to_owned())]);
        if n % 3 == 0 {
            push(
                10,
                Kind::FactorChanged,
                vec![("account", somebody.clone()), ("change", "totp_added".into())],
            );
        }
        if n % 7 == 2 {
            push(20, Kind::AccountChanged, vec![("account", somebody), ("change", "roles".into())]);
        }
        if n % 14 == 5 {
            push(30, Kind::LedgerExported, vec![("what", "ledger".into())]);
        }
        if n % 30 == 12 {
            push(40, Kind::RetentionChanged, vec![("class", "transcript".into())]);
        }
        if n % 30 == 20 {
            push(-30, Kind::HoldReleased, vec![("target", "conversation".into())]);
        }
        if n == 45 {
            push(50, Kind::KeyRotated, vec![("version", "2".into())]);
        }
    }

    /// The whole time, entry by entry through the watch; what it raised.
    pub fn run(&mut self, watch: &mut Watch) -> Vec<NewAlert> {
        let mut alerts = Vec::new();
        for n in 0..DAYS {
            for act in self.day(n) {
                let seen = self.entry(act);
                alerts.extend(watch.see(&seen));
            }
        }
        alerts
    }

    fn entry(&mut self, act: Act) -> Observed {
        let worker = &self.workers[act.who];
        let machine =
            matches!(act.kind, Kind::SignInFailed | Kind::ConversationReceived | Kind::RetentionApplied);
        let actor = if machine { "worker".to_owned() } else { worker.name.clone() };
        let group = if machine { String::new() } else { worker.group.to_owned() };
        let at = Timestamp::from_millisecond(act.at).unwrap();
        let mut draft = Draft::new(at, act.kind, actor);
        for (name, value) in act.facts {
            draft = draft.fact(name, value);
        }
        let entry = draft.place(self.seq, Hash::ZERO).unwrap();
        self.seq += 1;
        self.entries += 1;
        let people = if act.person > 0 { vec![people(act.person)] } else { Vec::new() };
        Observed { entry, people, group }
    }
}

/// Where an attack begins: the morning after the last day.
pub fn morning_after(centre: &Centre) -> Timestamp {
    centre.end() + SignedDuration::from_hours(9)
}
