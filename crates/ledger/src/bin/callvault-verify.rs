//! `callvault-verify PATH [--vkey KEY] [--checkpoint FILE]…`: verifies a ledger export, a proof or a file of
//! entries, offline.
//! Exit 0: whole. 1: broken. 2: wrong use.

use callvault_ledger::{Broken, Options, Proof, VerifierKey, is_entries, verify_entries, verify_export};
use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

const USAGE: &str = "usage: callvault-verify PATH [--vkey KEY] [--checkpoint FILE]...
  PATH          a ledger export (directory), a proof file, or a file of entries with their proof
  --vkey KEY    the key you were given on another way (name+hash+base64); without it the key that
                lies with an export is used, which shows damage but not a forger; proofs need it
  --checkpoint  a signed checkpoint you kept; shows rollback and rewriting; may be given again
exit: 0 whole, 1 broken, 2 wrong use";

struct Args {
    path: PathBuf,
    options: Options,
}

fn main() -> ExitCode {
    let (code, text) = match parse(std::env::args_os().skip(1)) {
        Ok(None) => (0, USAGE.to_owned()),
        Err(why) => (2, format!("{why}\n{USAGE}")),
        Ok(Some(args)) => run(&args),
    };
    let written =
        if code == 0 { writeln!(std::io::stdout(), "{text}") } else { writeln!(std::io::stderr(), "{text}") };
    // A closed pipe must not turn "broken" into anything else.
    ExitCode::from(if written.is_err() && code == 0 { 2 } else { code })
}

fn parse(mut args: impl Iterator<Item = std::ffi::OsString>) -> Result<Option<Args>, String> {
    let (mut path, mut options) = (None, Options::default());
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--vkey") => {
                let key = args.next().and_then(|k| k.into_string().ok()).ok_or("--vkey needs a key")?;
                options.key = Some(key.parse::<VerifierKey>().map_err(|e| e.to_string())?);
            }
            Some("--checkpoint") => {
                let file = args.next().ok_or("--checkpoint needs a file")?;
                options
                    .anchors
                    .push(small_text(Path::new(&file)).map_err(|e| format!("{}: {e}", file.display()))?);
            }
            Some(flag) if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
            _ if path.is_none() => path = Some(PathBuf::from(arg)),
            _ => return Err("more than one PATH".to_owned()),
        }
    }
    let path = path.ok_or("PATH is missing")?;
    match std::fs::metadata(&path) {
        Err(e) => Err(format!("{}: {e}", path.display())),
        Ok(m) if m.is_file() && options.key.is_none() => Err("a proof file needs --vkey".to_owned()),
        Ok(_) => Ok(Some(Args { path, options })),
    }
}

fn small_text(path: &Path) -> std::io::Result<String> {
    let mut out = String::new();
    File::open(path)?.take(1 << 20).read_to_string(&mut out)?;
    Ok(out)
}

fn run(args: &Args) -> (u8, String) {
    match &args.options.key {
        Some(key) if args.path.is_file() => run_proof(&args.path, key),
        _ => run_export(&args.path, &args.options),
    }
}

fn run_export(path: &Path, options: &Options) -> (u8, String) {
    match verify_export(path, options) {
        Ok(v) => {
            let mut text = format!("ok: {} entries of {}, root {}\n", v.size, v.origin, v.root);
            if let (Some(first), Some(last)) = (v.first, v.last) {
                text.push_str(&format!("from {first} to {last}\n"));
            }
            text.push_str(&format!("{} signed checkpoint(s) agree", v.checkpoints));
            if let Some((times, seq)) = v.clock_went_back {
                text.push_str(&format!(
                    "\nwarning: the time ran backwards {times} time(s), first at entry {seq}"
                ));
            }
            if !v.key_given {
                text.push_str("\nwarning: the key came from the export itself; compare it with --vkey");
            }
            (0, text)
        }
        Err(broken) => (1, broken_text(&broken)),
    }
}

fn broken_text(broken: &Broken) -> String {
    format!("BROKEN: {broken}")
}

/// Entries in one file; `None` when it is another kind of file.
fn run_entries(path: &Path, key: &VerifierKey) -> Option<(u8, String)> {
    let mut from = BufReader::with_capacity(256 << 10, File::open(path).ok()?);
    if !is_entries(&mut from).ok()? {
        return None;
    }
    let (mut count, mut span) = (0u64, None);
    let told = verify_entries(from, key, |entry| {
        count += 1;
        span = Some((span.map_or(entry.seq, |(first, _)| first), entry.seq));
    });
    Some(match told {
        Ok(checkpoint) => {
            let of = span.map_or(String::new(), |(first, last)| format!(", {first} to {last},"));
            let (origin, size) = (checkpoint.origin, checkpoint.size);
            (0, format!("ok: {count} entries{of} are in {origin} at size {size}"))
        }
        Err(why) => (1, format!("BROKEN: {why}")),
    })
}

fn run_proof(path: &Path, key: &VerifierKey) -> (u8, String) {
    if let Some(told) = run_entries(path, key) {
        return told;
    }
    let proof = small_text(path)
        .map_err(|e| e.to_string())
        .and_then(|t| t.parse::<Proof>().map_err(|e| e.to_string()));
    match proof.and_then(|p| {
        let (entry, checkpoint) = p.verify(key).map_err(|e| e.to_string())?;
        Ok(format!(
            "ok: entry {} ({}, {}) is in {} at size {}",
            entry.seq, entry.kind, entry.at, checkpoint.origin, checkpoint.size
        ))
    }) {
        Ok(text) => (0, text),
        Err(why) => (1, format!("BROKEN: {why}")),
    }
}
