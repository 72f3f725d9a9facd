//! `callvault resume`: goes on with whatever a kill, a full disk or a missing model left unfinished, and destroys
//! the originals whose cooling delay has ended.

use super::{Done, Shared, detect};
use crate::{out, wire};
use callvault_flow::{
    dispose::{self, SourceFile},
    walk::{self, Outcome},
};
use callvault_program::{disposal::tenant, request::erase};
use callvault_speech::decode::Limits;
use callvault_store::Actor;
use serde_json::json;

/// Goes on with what was left unfinished, and disposes of originals that are due
#[derive(clap::Args)]
pub struct Args {
    /// What is redacted: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let engines = wire::engines(shared)?;
    let cancel = wire::cancel_on_ctrl_c()?;
    let tried = walk::resume(&vault, &wire::tools(&detector, &engines, &cancel), &Limits::default())?;
    let (mut outcomes, mut failed) = (Vec::new(), 0);
    for (id, outcome) in tried {
        match outcome {
            Ok(outcome) => outcomes.push(outcome),
            Err(e) => {
                failed += 1;
                out::say(&format!("{id}: {e}"));
            }
        }
    }
    let disposed = dispose::sweep(&vault, "retention of originals", SourceFile::Keep)?;
    let packs = callvault_program::dial::packs(&vault)?;
    let erasures = erase::go_on(&vault, &packs, &Limits::default(), &Actor::LocalOperator)?.len();
    let tenants = tenant::go_on(&vault, &Actor::LocalOperator)?;
    let count = |f: fn(&Outcome) -> bool| outcomes.iter().filter(|o| f(o)).count();
    let recorded = count(|o| matches!(o, Outcome::Recorded(_)));
    let waiting = count(|o| matches!(o, Outcome::AwaitingTranscript(_)));
    let quarantined = count(|o| matches!(o, Outcome::Quarantined(..)));
    if shared.json {
        out::json(&json!({
            "finished": recorded, "awaiting_transcript": waiting, "quarantined": quarantined,
            "disposed": disposed, "erasures_continued": erasures, "tenants_ended": tenants, "failed": failed,
        }))?;
    } else {
        out::line(&format!(
            "finished {recorded}, awaiting a transcript {waiting}, in quarantine {quarantined}, originals destroyed {disposed}"
        ));
        if tenants > 0 {
            out::line(&format!("{tenants} tenant(s) whose end was interrupted are ended and certified"));
        }
        if erasures > 0 {
            out::line(&format!(
                "{erasures} erasure(s) went on, because what kept a part of them is over; see their receipts"
            ));
        }
    }
    anyhow::ensure!(failed == 0, "{failed} conversation(s) could not go on; the reasons stand above");
    Ok(if waiting + quarantined > 0 { Done::Finding } else { Done::Ok })
}
