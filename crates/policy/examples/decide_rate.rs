//! How many decisions one thread makes in a second: `cargo run --release -p callvault-policy --example decide_rate`.

use callvault_model::id::AccountId;
use callvault_policy::{Act, ActorFacts, Facts, Purpose, ResourceFacts, Role, decide, fingerprint};
use std::{
    io::{Write, stdout},
    sync::Arc,
    time::Instant,
};

const TIMES: u32 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    fingerprint()?;
    writeln!(stdout(), "load and validate: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3)?;
    for (what, role) in [("allowed", Role::Qa), ("refused", Role::DisposalOfficer)] {
        let facts = Facts {
            actor: ActorFacts {
                id: AccountId::from_bytes([1; 16]),
                roles: Arc::new([role].into()),
                aal: 2,
                factor_age_s: 10,
                scopes: None,
            },
            act: Act::PlayMuted,
            resource: ResourceFacts::conversation("recorded"),
            purpose: Some(Purpose::Quality),
            has_reason: false,
            grant: None,
            needs_course: false,
            now_hour: 12,
        };
        let begun = Instant::now();
        let allowed = (0..TIMES).filter(|_| decide(&facts).allowed()).count();
        let rate = f64::from(TIMES) / begun.elapsed().as_secs_f64();
        writeln!(stdout(), "{what}: {rate:.0} decisions/s ({allowed} of {TIMES} allowed)")?;
    }
    Ok(())
}
