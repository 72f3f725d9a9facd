//! `callvault ingest PATH…`: recordings, chats and e-mails into the vault.

use super::{Done, Shared, detect};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::{
    dispose::{self, SourceFile},
    source::{self, Source},
    walk::{self, Outcome},
};
use callvault_model::id::ConversationId;
use callvault_speech::decode::Limits;
use callvault_store::Vault;
use clap::ValueEnum;
use serde_json::json;
use std::{path::PathBuf, sync::atomic::Ordering};

/// Takes recordings, chats and e-mails in: redacts, proves, seals and records them
#[derive(clap::Args)]
pub struct Args {
    /// Files, or folders with files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// What becomes of a source file once its original was destroyed in the vault
    #[arg(long, value_enum, default_value = "keep")]
    source: SourceChoice,
    /// A transcript of the one recording that is named: WebVTT, Whisper JSON or callvault JSON
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// What is redacted: default, pci, hipaa, gdpr or all
    #[arg(long, default_value = "default")]
    profile: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum SourceChoice {
    Keep,
    Dispose,
}

impl From<SourceChoice> for SourceFile {
    fn from(choice: SourceChoice) -> Self {
        match choice {
            SourceChoice::Keep => Self::Keep,
            SourceChoice::Dispose => Self::Dispose,
        }
    }
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let detector = wire::detector(detect::profile(&args.profile)?, shared.recognisers.as_deref())?;
    let engines = wire::engines(shared)?;
    if !engines.can_hear() {
        out::say(
            "no speech model: recordings are sealed and wait; run `callvault models pull`, then `callvault resume`",
        );
    }
    let cancel = wire::cancel_on_ctrl_c()?;
    let tools = wire::tools(&detector, &engines, &cancel);
    let mut sources = Vec::new();
    for path in &args.paths {
        sources.extend(source::find(path).with_context(|| path.display().to_string())?);
    }
    if let Some(transcript) = &args.transcript {
        anyhow::ensure!(
            sources.len() == 1,
            super::Usage("--transcript belongs to exactly one recording".into())
        );
        sources.iter_mut().for_each(|s| s.transcript = Some(transcript.clone()));
    }
    let dispose = matches!(args.source, SourceChoice::Dispose);
    sources.iter_mut().for_each(|s| s.dispose = dispose);
    let bar = out::bar(sources.len() as u64, "taking in");
    let (mut rows, mut failed) = (Vec::new(), 0);
    for source in &sources {
        if cancel.load(Ordering::SeqCst) {
            out::say("stopped; what is in the vault is safe, `callvault resume` goes on");
            break;
        }
        match one(&vault, &tools, source, args.source.into()) {
            Ok(row) => rows.push(row),
            Err(e) => {
                failed += 1;
                out::say(&format!("{}: {e:#}", source.path.display()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report(shared, &rows, failed)
}

/// What became of one source.
pub struct Row {
    /// Its id in the vault.
    pub id: ConversationId,
    /// `recorded`, `quarantined`, …
    pub state: &'static str,
    /// Why it waits.
    pub reason: Option<String>,
    /// The certificate's id if the original was destroyed at once.
    pub certificate: Option<String>,
}

/// Takes one source in and, where the vault's terms allow it now, disposes of its original.
pub fn one(
    vault: &Vault,
    tools: &callvault_flow::tools::Tools<'_>,
    source: &Source,
    file: SourceFile,
) -> anyhow::Result<Row> {
    let outcome = walk::ingest(vault, tools, source, &Limits::default())?;
    let (id, state, reason) = match outcome {
        Outcome::Recorded(id) => (id, "recorded", None),
        Outcome::Known(id) => (id, "known", None),
        Outcome::AwaitingTranscript(id) => (id, "awaiting-transcript", None),
        Outcome::Quarantined(id, why) => (id, "quarantined", Some(why.reason)),
    };
    let mut certificate = None;
    if state == "recorded"
        && let Ok(done) = dispose::dispose_due(vault, id, "retention of originals", file)?
    {
        certificate = Some(done.statement.id);
    }
    Ok(Row { id, state, reason, certificate })
}

fn report(shared: &Shared, rows: &[Row], failed: usize) -> anyhow::Result<Done> {
    if shared.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|r| json!({"id": r.id.to_string(), "state": r.state, "reason": r.reason, "certificate": r.certificate}))
            .collect();
        out::json(&json!({"conversations": rows, "failed": failed}))?;
    } else {
        for r in rows {
            let more = r
                .reason
                .as_deref()
                .or(r.certificate.as_deref().map(|_| "original destroyed, certificate issued"));
            out::line(&format!("{}  {:<20} {}", r.id, r.state, more.unwrap_or("")));
        }
    }
    let waits = rows.iter().any(|r| r.state == "quarantined" || r.state == "awaiting-transcript");
    anyhow::ensure!(
        failed == 0,
        "{failed} file(s) were not taken in; the reasons stand above, the files are untouched"
    );
    Ok(if waits { Done::Finding } else { Done::Ok })
}
