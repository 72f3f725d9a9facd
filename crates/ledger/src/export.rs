//! The export: a directory that verifies offline.
//!
//! | file | content |
//! |---|---|
//! | `entries.jsonl` | one entry per line, byte for byte, in order |
//! | `leaves` | the leaf hashes as stored, 32 bytes each (what C2SP level-0 tiles hold) |
//! | `checkpoint` | the newest signed note |
//! | `checkpoints` | earlier signed notes, each followed by an empty line |
//! | `vkey` | the verifier key; compare it with the one you were given |

use crate::{
    Broken, Hash, LedgerError, Options, Verified, VerifierKey,
    entry::MAX_ENTRY,
    verify::{Known, Stream, verify_stream},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

const ENTRIES: &str = "entries.jsonl";
const LEAVES: &str = "leaves";
const CHECKPOINT: &str = "checkpoint";
const HISTORY: &str = "checkpoints";
const VKEY: &str = "vkey";
const MAX_NOTE: u64 = 64 << 10;
const MAX_HISTORY: u64 = 256 << 20;

/// Writes an export, entry by entry.
pub struct ExportWriter {
    dir: PathBuf,
    entries: BufWriter<File>,
    leaves: BufWriter<File>,
}

impl ExportWriter {
    /// Starts an export in a new or empty directory.
    pub fn create(dir: &Path) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir).map_err(LedgerError::io("cannot create", dir))?;
        let entries = BufWriter::new(create(&dir.join(ENTRIES))?);
        let leaves = BufWriter::new(create(&dir.join(LEAVES))?);
        Ok(Self { dir: dir.to_owned(), entries, leaves })
    }

    /// Adds the next entry: its stored bytes and its *stored* leaf hash, so that a changed body shows.
    pub fn entry(&mut self, bytes: &[u8], leaf: &Hash) -> Result<(), LedgerError> {
        let written = self.entries.write_all(bytes).and_then(|()| self.entries.write_all(b"\n"));
        written.map_err(LedgerError::io("cannot write", &self.dir))?;
        self.leaves.write_all(&leaf.0).map_err(LedgerError::io("cannot write", &self.dir))
    }

    /// Ends the export with the newest checkpoint, earlier ones, and the key that verifies them.
    pub fn finish(mut self, newest: &str, history: &[String], key: &VerifierKey) -> Result<(), LedgerError> {
        for file in [&mut self.entries, &mut self.leaves] {
            let flushed = file.flush().and_then(|()| file.get_ref().sync_all());
            flushed.map_err(LedgerError::io("cannot write", &self.dir))?;
        }
        let earlier: String = history.iter().flat_map(|n| [n.as_str(), "\n"]).collect();
        for (name, body) in [(HISTORY, earlier.as_str()), (VKEY, &format!("{key}\n")), (CHECKPOINT, newest)] {
            let path = self.dir.join(name);
            let mut file = create(&path)?;
            let written = file.write_all(body.as_bytes()).and_then(|()| file.sync_all());
            written.map_err(LedgerError::io("cannot write", &path))?;
        }
        Ok(())
    }
}

fn create(path: &Path) -> Result<File, LedgerError> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(LedgerError::io("cannot create", path))
}

/// Verifies an export directory.
pub fn verify_export(dir: &Path, options: &Options) -> Result<Verified, Broken> {
    let key = match &options.key {
        Some(key) => key.clone(),
        None => text(&dir.join(VKEY), MAX_NOTE)?.parse().map_err(Broken::unreadable)?,
    };
    let mut others = options.anchors.clone();
    let history = dir.join(HISTORY);
    if history.exists() {
        others.extend(notes(&text(&history, MAX_HISTORY)?)?);
    }
    let known = Known::open(&text(&dir.join(CHECKPOINT), MAX_NOTE)?, &others, &key)?;
    let entries = lines(open(&dir.join(ENTRIES))?);
    let list = dir.join(LEAVES);
    let leaves = || open(&list).map(hashes).map_err(|e| e.why.to_string());
    let leaves: Option<&dyn Fn() -> Result<Stream<'static, Hash>, String>> =
        if list.exists() { Some(&leaves) } else { None };
    verify_stream(entries, leaves, &known, options.key.is_some())
}

fn open(path: &Path) -> Result<File, Broken> {
    File::open(path).map_err(|e| Broken::unreadable(format_args!("{}: {e}", path.display())))
}

fn text(path: &Path, limit: u64) -> Result<String, Broken> {
    let fail = |e: &dyn std::fmt::Display| Broken::unreadable(format_args!("{}: {e}", path.display()));
    let mut out = String::new();
    let read = open(path)?.take(limit.saturating_add(1)).read_to_string(&mut out).map_err(|e| fail(&e))?;
    if read as u64 > limit { Err(fail(&"it is too long")) } else { Ok(out) }
}

/// Notes written one after another, an empty line after each. A checkpoint's own text has no empty line.
fn notes(text: &str) -> Result<Vec<String>, Broken> {
    let mut out = Vec::new();
    let mut parts = text.split("\n\n");
    loop {
        match (parts.next(), parts.next()) {
            (Some("") | None, None) => return Ok(out),
            (Some(body), Some(signatures)) => out.push(format!("{body}\n\n{signatures}\n")),
            _ => return Err(Broken::unreadable("the file `checkpoints` ends inside a note")),
        }
    }
}

fn lines(file: File) -> Stream<'static, Vec<u8>> {
    let mut from = BufReader::with_capacity(256 << 10, file);
    Box::new(std::iter::from_fn(move || {
        let mut line = Vec::new();
        let limit = MAX_ENTRY as u64 + 2;
        match from.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                // Without its line end the last line stays as it is; a cut line then fails as an entry.
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Some(Ok(line))
            }
            Err(e) => Some(Err(format!("{ENTRIES}: {e}"))),
        }
    }))
}

fn hashes(file: File) -> Stream<'static, Hash> {
    let mut from = BufReader::with_capacity(256 << 10, file);
    Box::new(std::iter::from_fn(move || {
        let mut hash = [0u8; 32];
        match from.fill_buf() {
            Ok([]) => None,
            Ok(_) => match from.read_exact(&mut hash) {
                Ok(()) => Some(Ok(Hash(hash))),
                // A torn end is no hash; the list then is shorter and believed less far.
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => None,
                Err(e) => Some(Err(format!("{LEAVES}: {e}"))),
            },
            Err(e) => Some(Err(format!("{LEAVES}: {e}"))),
        }
    }))
}

#[cfg(test)]
mod tests;
