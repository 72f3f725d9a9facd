//! `callvault resume`: goes on with whatever a kill, a full disk or a missing model left unfinished.

use super::{Done, Shared, detect};
use crate::{out, wire};
use callvault_flow::walk::{self, Outcome};
use callvault_speech::decode::Limits;
use serde_json::json;

/// Goes on with conversations that were left unfinished
#[derive(clap::Args)]
pub struct Args {
    /// What is redacted: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let detector = wire::detector(detect::profile(&args.profile)?)?;
    let engines = wire::engines()?;
    let cancel = wire::cancel_on_ctrl_c()?;
    let outcomes = walk::resume(&vault, &wire::tools(&detector, &engines, &cancel), &Limits::default())?;
    let count = |f: fn(&Outcome) -> bool| outcomes.iter().filter(|o| f(o)).count();
    let recorded = count(|o| matches!(o, Outcome::Recorded(_)));
    let waiting = count(|o| matches!(o, Outcome::AwaitingTranscript(_)));
    let quarantined = count(|o| matches!(o, Outcome::Quarantined(..)));
    if shared.json {
        out::json(&json!({"finished": recorded, "awaiting_transcript": waiting, "quarantined": quarantined}))?;
    } else {
        out::line(&format!("finished {recorded}, awaiting a transcript {waiting}, in quarantine {quarantined}"));
    }
    Ok(if waiting + quarantined > 0 { Done::Finding } else { Done::Ok })
}
