//! `callvault law`: what the law engine answers, why, and on what rows.

mod ask;
mod book;
mod preview;
mod vault;

use super::{Done, Shared, Usage};
use anyhow::Context;
use callvault_law::{Overlay, PackFile, Packs, Signed};
use callvault_model::{Clock, SystemClock};
use clap::Subcommand;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// Answers legal questions from dated, cited rules: may this call be made, when is this answer due
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    from: From,
    #[command(subcommand)]
    what: What,
}

/// Which rules.
#[derive(clap::Args)]
struct From {
    /// Takes packs without a signature, to try them out
    #[arg(long, global = true)]
    allow_unsigned: bool,
    /// A file that switches rows off (reviewed_only, off); only unreviewed rows can be
    #[arg(long, global = true, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// Ignores rows of low confidence or from memory that no counsel signed off
    #[arg(long, global = true)]
    reviewed_only: bool,
}

#[derive(Subcommand)]
enum What {
    Eval(ask::EvalArgs),
    Explain(ask::ExplainArgs),
    Test(ask::TestArgs),
    Preview(preview::Args),
    Diff(book::DiffArgs),
    Stale(book::StaleArgs),
    Sign(book::SignArgs),
    Check(vault::CheckArgs),
    Replay(vault::ReplayArgs),
    Record(vault::RecordArgs),
    Switch(vault::SwitchArgs),
    Holidays(vault::HolidaysArgs),
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    match &args.what {
        What::Eval(a) => ask::eval(&load(shared, &args.from)?, a),
        What::Explain(a) => ask::explain(shared, &load(shared, &args.from)?, a),
        What::Test(a) => ask::test(shared, &load(shared, &args.from)?, a),
        What::Preview(a) => preview::run(shared, &load(shared, &args.from)?, a),
        What::Diff(a) => book::diff(shared, &args.from, a),
        What::Stale(a) => book::stale(shared, &load(shared, &args.from)?, a),
        What::Sign(a) => book::sign(a),
        What::Replay(a) => vault::replay(shared, &args.from, a),
        What::Check(_) | What::Record(_) | What::Switch(_) | What::Holidays(_) => {
            take(shared)?;
            match &args.what {
                What::Check(a) => vault::check(shared, a),
                What::Record(a) => vault::write_record(shared, a),
                What::Switch(a) => vault::switch(shared, a),
                What::Holidays(a) => vault::holidays(shared, a),
                _ => Ok(Done::Ok),
            }
        }
    }
}

/// Largest pack file, overlay or case file.
const MAX_FILE: u64 = 64 << 20;

/// A text file of sane size, or standard input for `-`.
fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let taken = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(MAX_FILE).read_to_string(&mut text)
    };
    let taken = taken.with_context(|| path.display().to_string())?;
    anyhow::ensure!((taken as u64) < MAX_FILE, "{} is larger than 64 MiB; split it", path.display());
    Ok(text)
}

fn overlay(from: &From) -> anyhow::Result<Overlay> {
    let mut overlay = match &from.overlay {
        Some(path) => Overlay::parse(&read(path)?)?,
        None => Overlay::default(),
    };
    overlay.reviewed_only |= from.reviewed_only;
    Ok(overlay)
}

/// The packs that the arguments name.
fn load(shared: &Shared, from: &From) -> anyhow::Result<Packs> {
    let overlay = overlay(from)?;
    Ok(match own(shared, from.allow_unsigned)? {
        None => Packs::embedded(overlay)?,
        Some((files, signed)) => Packs::from_files(&files, signed.as_ref(), overlay)?,
    })
}

/// The files that replace the packs in the program, and their signature.
fn own(shared: &Shared, unsigned: bool) -> anyhow::Result<Option<(Vec<PackFile>, Option<Signed>)>> {
    let Some(dir) = &shared.packs else {
        if shared.packs_key.is_some() || unsigned {
            return Err(Usage("--packs-key and --allow-unsigned go with --packs".to_owned()).into());
        }
        return Ok(None);
    };
    let signed = match &shared.packs_key {
        Some(key) => Some(Signed { key: hex_file(key)?, signature: hex_file(&dir.join("packs.sig"))? }),
        None if unsigned => None,
        None => {
            let why = "packs from elsewhere decide about people: give --packs-key FILE, or to `law eval` and its like --allow-unsigned to try them";
            return Err(Usage(why.to_owned()).into());
        }
    };
    Ok(Some((files(dir)?, signed)))
}

/// What decides about people of a vault goes by the site's own packs, if it has any, and only by signed ones.
pub fn take(shared: &Shared) -> anyhow::Result<()> {
    if let Some((files, Some(signed))) = own(shared, false)? {
        callvault_program::dial::use_packs(files, signed)?;
    }
    Ok(())
}

/// The pack files of a directory.
fn files(dir: &Path) -> anyhow::Result<Vec<PackFile>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|n| n.ends_with(".toml")) else {
            continue;
        };
        out.push(PackFile { name: name.to_owned(), text: read(&path)? });
    }
    anyhow::ensure!(!out.is_empty(), "{} has no *.toml; name a directory with law packs", dir.display());
    Ok(out)
}

/// So many bytes in hexadecimal.
fn hex_file<const N: usize>(path: &Path) -> anyhow::Result<[u8; N]> {
    let text = read(path)?;
    let text = text.trim();
    let wrong = || format!("{} does not hold {N} bytes in hexadecimal", path.display());
    anyhow::ensure!(text.is_ascii() && text.len() == 2 * N, wrong());
    let mut out = [0; N];
    for (i, byte) in out.iter_mut().enumerate() {
        let pair = text.get(2 * i..2 * i + 2).with_context(wrong)?;
        *byte = u8::from_str_radix(pair, 16).ok().with_context(wrong)?;
    }
    Ok(out)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut s, b| {
        // Writing to a string cannot fail.
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn now() -> jiff::Timestamp {
    SystemClock.now()
}
