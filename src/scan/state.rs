//! What a scan remembers between runs: one line of counts a file, under a salted hash of its name, size and date.
//! It holds no name and no value, and lies in the user's cache home, never in the scanned folder.

use super::{read::Counts, walk::Entry};
use anyhow::Context as _;
use callvault_model::Entropy;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Counts of another detector or another way of counting are not taken over.
const VERSION: &str = "callvault.scan.v1";
/// A state file larger than this is not ours.
const MAX_STATE: u64 = 512 << 20;

#[derive(Serialize, Deserialize)]
struct Line {
    k: String,
    r: Counts,
}

/// The memory of one folder's scans.
pub struct State {
    salt: [u8; 32],
    known: HashMap<String, Counts>,
    file: Option<File>,
}

impl State {
    /// Opens the memory for `root` below `cache`, which is made if absent. `fresh` forgets what is there.
    pub fn open(cache: &Path, root: &Path, fresh: bool, entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let folder = cache.join("callvault/scan");
        let what = || {
            format!(
                "{} cannot be used to remember the scan; set XDG_CACHE_HOME to a private folder",
                folder.display()
            )
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(what)?;
        let salt = salt(&folder, entropy).with_context(what)?;
        let path = folder.join(format!("{}.jsonl", hash(&salt, &[b"folder", root.as_os_str().as_bytes()])));
        let known = if fresh { HashMap::new() } else { load(&path).with_context(what)? };
        let mut options = OpenOptions::new();
        options.create(true).read(true).mode(0o600);
        let options = if fresh { options.write(true).truncate(true) } else { options.append(true) };
        let mut file = options.open(&path).with_context(what)?;
        // A kill may have left half a line; what follows must not be glued to it.
        if !fresh && file.metadata().with_context(what)?.len() > 0 {
            file.write_all(b"\n").with_context(what)?;
        }
        Ok(Self { salt, known, file: Some(file) })
    }

    /// A memory that lasts as long as the run.
    pub fn none(entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let mut salt = [0u8; 32];
        entropy.fill(&mut salt)?;
        Ok(Self { salt, known: HashMap::new(), file: None })
    }

    /// The number under which a report shows a file; it can be found again on this machine only.
    pub fn id(&self, relative: &Path) -> String {
        hash(&self.salt, &[b"id", relative.as_os_str().as_bytes()]).chars().take(8).collect()
    }

    /// What is known of the file as it is now, read by `engine`.
    pub fn get(&self, entry: &Entry, engine: &str) -> Option<&Counts> {
        self.known.get(&self.key(entry, engine))
    }

    /// Remembers a result; it is on its way to the disk when this returns.
    pub fn put(&mut self, entry: &Entry, engine: &str, counts: &Counts) -> anyhow::Result<()> {
        let line = Line { k: self.key(entry, engine), r: counts.clone() };
        if let Some(file) = &mut self.file {
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            file.write_all(text.as_bytes())
                .context("the progress of the scan cannot be written; is the disk of the cache full?")?;
        }
        self.known.insert(line.k, line.r);
        Ok(())
    }

    fn key(&self, entry: &Entry, engine: &str) -> String {
        let stamp = format!("{}.{}.{}", entry.size, entry.mtime.0, entry.mtime.1);
        let name = entry.relative.as_os_str().as_bytes();
        hash(&self.salt, &[b"file", name, stamp.as_bytes(), engine.as_bytes()])
    }
}

/// Where states are kept: `XDG_CACHE_HOME`, else `.cache` in the home folder.
pub fn cache_home() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|h| h.join(".cache")))
}

/// Reads the user's salt, or makes it. Without it nobody can test whether a name was scanned.
fn salt(folder: &Path, entropy: &dyn Entropy) -> anyhow::Result<[u8; 32]> {
    let path = folder.join("salt");
    let mut fresh = [0u8; 32];
    entropy.fill(&mut fresh)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            file.write_all(&fresh)?;
            file.sync_all()?;
            Ok(fresh)
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mut bytes = Vec::new();
            File::open(&path)?.take(64).read_to_end(&mut bytes)?;
            <[u8; 32]>::try_from(bytes.as_slice())
                .map_err(|_| anyhow::anyhow!("{} is damaged; delete it to begin anew", path.display()))
        }
        Err(e) => Err(e.into()),
    }
}

/// The remembered results; a torn or foreign line is skipped, its file is heard again.
fn load(path: &Path) -> anyhow::Result<HashMap<String, Counts>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(e) => return Err(e.into()),
    };
    let mut out = HashMap::new();
    let mut reader = BufReader::new(file.take(MAX_STATE));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Ok(Line { k, r }) = serde_json::from_slice(&line) {
            out.insert(k, r);
        }
        line.clear();
    }
    Ok(out)
}

fn hash(salt: &[u8; 32], parts: &[&[u8]]) -> String {
    let mut bytes = VERSION.as_bytes().to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    callvault_seal::commitment(salt, &bytes).iter().take(16).map(|b| format!("{b:02x}")).collect()
}
