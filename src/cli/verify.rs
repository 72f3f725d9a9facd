//! `callvault verify [PATH]`: a ledger export or a data directory, without any secret.

use super::{Done, Shared};
use crate::out;
use anyhow::Context;
use callvault_ledger::{Broken, Options, Verified, verify_export};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Verifies a ledger: every entry, every signed checkpoint
#[derive(clap::Args)]
pub struct Args {
    /// A ledger export or a data directory (default: --data)
    path: Option<PathBuf>,
    /// The verifier key you were given when the vault was made; without it the one beside the data is believed
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// A signed checkpoint kept elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Writes the ledger of --data as an export into this new folder first, and verifies that
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if let Some(into) = &args.export {
        crate::wire::open(shared)?.export_ledger(into)?;
    }
    let path = args.export.as_deref().or(args.path.as_deref()).unwrap_or(&shared.data);
    let mut options = Options { key: None, anchors: Vec::new() };
    if let Some(key) = &args.vkey {
        options.key = Some(key.parse().map_err(|e| super::Usage(format!("--vkey: {e}")))?);
    }
    for file in &args.checkpoint {
        options.anchors.push(std::fs::read_to_string(file).with_context(|| file.display().to_string())?);
    }
    report(shared, path, check(path, &options)?)
}

/// Verifies what lies at `path`, whichever of the two it is.
pub fn check(path: &Path, options: &Options) -> anyhow::Result<Result<Verified, Broken>> {
    if callvault_store::Vault::stands(path)? {
        return Ok(callvault_store::ledger::verify_data(path, options)?);
    }
    anyhow::ensure!(path.is_dir(), "{} is neither a ledger export nor a data directory", path.display());
    Ok(verify_export(path, options))
}

fn report(shared: &Shared, path: &Path, found: Result<Verified, Broken>) -> anyhow::Result<Done> {
    match found {
        Ok(v) => {
            if shared.json {
                out::json(&json!({
                    "ok": true, "origin": v.origin, "size": v.size, "root": v.root.to_string(),
                    "checkpoints": v.checkpoints, "key_given": v.key_given,
                    "clock_went_back": v.clock_went_back.map(|(times, _)| times),
                }))?;
            } else {
                out::line(&format!(
                    "ok: {} entries, {} signed checkpoints, root {}",
                    v.size, v.checkpoints, v.root
                ));
                if !v.key_given {
                    out::line(
                        "the key lay beside the ledger; compare it with the one you were given, or pass --vkey",
                    );
                }
                if let Some((times, first)) = v.clock_went_back {
                    out::line(&format!(
                        "warning: the clock went back {times} time(s), first at entry {first}"
                    ));
                }
            }
            Ok(Done::Ok)
        }
        Err(broken) => {
            if shared.json {
                out::json(&json!({"ok": false, "seq": broken.seq, "why": broken.why.to_string()}))?;
            } else {
                let at = broken.seq.map_or("the ledger".to_owned(), |s| format!("entry {s}"));
                out::line(&format!("BROKEN at {at} of {}: {}", path.display(), broken.why));
            }
            Ok(Done::Finding)
        }
    }
}
