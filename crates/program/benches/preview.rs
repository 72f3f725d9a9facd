//! How long a campaign's list of 100,000 numbers is judged, with and without numbers on the do-not-contact list:
//! `cargo bench -p callvault-program`.

#![expect(clippy::expect_used, clippy::panic, reason = "a measurement stops at the first surprise")]

use callvault_model::{Id, SystemClock};
use callvault_program::dial::Listing;
use callvault_seal::OsEntropy;
use callvault_store::{Actor, NewVault, Vault, suppression::Suppressed};
use serde_json::{Value, json};
use std::{fmt::Write as _, io::Write as _, sync::Arc, time::Instant};

const ROWS: u64 = 100_000;
const LISTED: u64 = 2_000;

fn number(i: u64) -> String {
    format!("+1212{:07}", 2_000_000 + i * 7)
}

fn judge(vault: &Vault, csv: &str, denied: u64) {
    let Value::Object(common) = json!({
        "purpose": "telemarketing", "mode": "live", "line": "wireless", "dialer": "manual", "national_dnc": false,
        "registry_version_date": "2026-11-20", "ebr": null, "attempts_last_24h": 0, "same_subject": true,
        "holidays_local": [], "emergencies": [], "b2b": false, "seller": "Acme", "at": "2026-11-24T17:00:00Z",
    }) else {
        panic!("an object");
    };
    let now = "2026-11-24T17:00:00Z".parse().expect("an instant");
    let start = Instant::now();
    let list = Listing::new(vault, common, false, now).expect("rules");
    let done = list.read(&Actor::LocalOperator, csv.as_bytes()).expect("a list");
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(done.counts.decisions.get("deny").copied().unwrap_or(0), denied);
    let rate = ROWS as f64 / seconds;
    // Nobody to tell when standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "{ROWS} numbers, {denied} of them on the do-not-contact list: {seconds:.2} s ({rate:.0}/s; bar 20 s)"
    );
}

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(&SystemClock, &OsEntropy).expect("an id");
    let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").expect("a vault").vault;
    let csv = (0..ROWS).fold("called\n".to_owned(), |mut csv, i| {
        let _ = writeln!(csv, "{}", number(i));
        csv
    });
    judge(&vault, &csv, 0);
    for i in 0..LISTED {
        vault
            .suppress(&Actor::LocalOperator, &number(i * (ROWS / LISTED)), Suppressed::Erasure)
            .expect("a row");
    }
    judge(&vault, &csv, LISTED);
}
