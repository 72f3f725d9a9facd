//! How many pre-dial decisions a core makes in a second: `cargo bench -p callvault-law`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement stops at the first surprise, and its tables are above"
)]

use callvault_law::{Facts, Outbound, Overlay, Packs, evaluate, predial};
use serde_json::{Value, json};
use std::{hint::black_box, io::Write, time::Instant};

const STATES: &[(&str, &[&str], &str)] = &[
    ("OH", &["America/New_York"], "+12165550123"),
    ("FL", &["America/New_York", "America/Chicago"], "+18505550123"),
    ("OR", &["America/Los_Angeles", "America/Boise"], "+15415550123"),
    ("TX", &["America/Chicago", "America/Denver"], "+19155550123"),
    ("LA", &["America/Chicago"], "+15045550123"),
    ("NY", &["America/New_York"], "+12125550123"),
];

fn facts(i: usize) -> Value {
    let (state, zones, _) = STATES[i % STATES.len()];
    json!({
        "purpose": "telemarketing", "mode": if i.is_multiple_of(3) { "prerecorded" } else { "live" },
        "at": format!("2026-06-{:02}T{:02}:{:02}:00Z", 1 + i % 28, i % 24, i % 60), "candidate_states": [state],
        "candidate_zones": zones, "national_dnc": i.is_multiple_of(5), "internal_dnc": false, "line": "wireless", "dialer": "manual",
        "registry_version_date": "2026-06-01", "ebr": {"last_transaction": "2025-12-01"}, "attempts_last_24h": i % 5,
        "same_subject": true, "holidays_local": [], "emergencies": [], "b2b": false, "has_optout_mechanism": true,
        "called": "+12125550123", "seller": "Acme", "rnd": {"response": "no", "queried": "2026-06-08", "consent_date": null},
        "consent": {"kind": "prior_express_written", "given": "2026-01-05", "revoked": null, "signature": "e-sign",
                    "phone": "+12125550123", "seller": "Acme", "disclosure_autodialer": true, "disclosure_not_condition": true},
    })
}

fn say(text: &str) {
    // Nobody to tell when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn rate(name: &str, count: usize, mut one: impl FnMut(usize)) {
    (0..count / 10).for_each(&mut one);
    let start = Instant::now();
    (0..count).for_each(&mut one);
    let seconds = start.elapsed().as_secs_f64();
    say(&format!(
        "{name}: {:.0} decisions/s on one core ({count} in {seconds:.2} s)",
        count as f64 / seconds
    ));
}

fn main() {
    let packs = Packs::embedded(Overlay::default()).expect("the embedded packs are good");
    let as_of = "2026-06-10T17:00:00Z".parse().expect("an instant");
    let prepared: Vec<Facts> = (0..1_000).map(|i| Facts::new(facts(i)).expect("facts")).collect();
    rate("evaluate", 100_000, |i| {
        black_box(evaluate(&packs, "tcpa", "outbound_call", &prepared[i % 1_000], as_of).expect("an answer"));
    });
    let lines: Vec<String> = (0..1_000).map(|i| facts(i).to_string()).collect();
    rate("from JSON to JSON", 100_000, |i| {
        let facts = Facts::new(serde_json::from_str(&lines[i % 1_000]).expect("JSON")).expect("facts");
        let answer = evaluate(&packs, "tcpa", "outbound_call", &facts, as_of).expect("an answer");
        black_box(serde_json::to_string(&answer).expect("JSON"));
    });
    rate("typed predial", 100_000, |i| {
        let outbound = Outbound {
            purpose: Some("telemarketing".into()),
            mode: Some("live".into()),
            at: Some(as_of),
            called: Some(STATES[i % STATES.len()].2.into()),
            line: Some("wireless".into()),
            dialer: Some("manual".into()),
            ..Outbound::default()
        };
        black_box(predial(&packs, &outbound, as_of).expect("an answer"));
    });
}
