//! Lists what lies below a folder. Opens nothing for writing, follows no link.

use callvault_flow::source;
use callvault_model::Channel;
use jiff::Timestamp;
use std::{
    fs::{self, File, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Folders deeper than this are a loop or an attack.
const MAX_DEPTH: usize = 32;
/// More entries than this do not fit a report; the operator names a folder further down.
const MAX_ENTRIES: usize = 1_000_000;

/// A conversation's file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it can be opened.
    pub path: PathBuf,
    /// Below the scanned folder.
    pub relative: PathBuf,
    /// What it holds, by its name.
    pub channel: Channel,
    /// Bytes.
    pub size: u64,
    /// Seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
    /// Permission bits.
    pub mode: u32,
}

impl Entry {
    /// When it was last written, as its folder says.
    pub fn written(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.mtime.0).ok()
    }

    /// Opens it for reading and makes sure that it is still the file that was listed.
    pub fn open(&self) -> std::io::Result<File> {
        let listed = fs::symlink_metadata(&self.path)?;
        if !listed.is_file() {
            return Err(std::io::Error::other("it is no plain file any more"));
        }
        let file = File::open(&self.path)?;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (listed.dev(), listed.ino()) {
            return Err(std::io::Error::other("it was replaced while it was opened"));
        }
        Ok(file)
    }
}

/// What cannot be read, and why.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Below the scanned folder.
    pub relative: PathBuf,
    /// In words that hold nothing of the content.
    pub why: String,
}

/// Everything the walk saw.
#[derive(Debug, Default)]
pub struct Listing {
    /// Conversations, sorted by path.
    pub entries: Vec<Entry>,
    /// Files of other kinds.
    pub others: u64,
    /// Sidecar files of recordings.
    pub sidecars: u64,
    /// Links that were not followed.
    pub links: u64,
    /// Folders and files that could not be opened.
    pub unreadable: Vec<Unreadable>,
    /// Folders, with their permission bits.
    pub folders: Vec<(PathBuf, u32)>,
    /// Files that only web servers need, below the scanned folder.
    pub web_marks: Vec<PathBuf>,
}

/// Names that say that a folder is served.
pub const WEB_MARKS: &[&str] = &[".htaccess", "index.html", "index.htm", "index.php"];

/// Lists `dir`.
pub fn list(dir: &Path, cancel: &AtomicBool) -> anyhow::Result<Listing> {
    let mut walk = Walk { root: dir, out: Listing::default(), seen: 0, cancel };
    let kind = fs::symlink_metadata(dir).map_err(|e| {
        anyhow::anyhow!(
            "{} cannot be read ({}); name a folder that this account may list",
            dir.display(),
            plain(&e)
        )
    })?;
    let kind = if kind.is_symlink() { fs::metadata(dir)? } else { kind };
    if !kind.is_dir() {
        return Err(crate::cli::Usage(format!(
            "{} is no folder; scan takes a folder of recordings",
            dir.display()
        ))
        .into());
    }
    walk.folder(dir, &kind, 0)?;
    let mut out = walk.out;
    out.entries.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(out)
}

struct Walk<'a> {
    root: &'a Path,
    out: Listing,
    seen: usize,
    cancel: &'a AtomicBool,
}

impl Walk<'_> {
    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).unwrap_or(path).to_owned()
    }

    fn unreadable(&mut self, path: &Path, why: impl Into<String>) {
        let relative = self.relative(path);
        self.out.unreadable.push(Unreadable { relative, why: why.into() });
    }

    fn folder(&mut self, dir: &Path, meta: &Metadata, depth: usize) -> anyhow::Result<()> {
        self.out.folders.push((self.relative(dir), meta.mode()));
        if depth >= MAX_DEPTH {
            self.unreadable(dir, format!("it lies more than {MAX_DEPTH} folders deep"));
            return Ok(());
        }
        let listed = match fs::read_dir(dir) {
            Ok(listed) => listed,
            Err(e) if depth == 0 => anyhow::bail!("{} cannot be listed: {}", dir.display(), plain(&e)),
            Err(e) => {
                self.unreadable(dir, plain(&e));
                return Ok(());
            }
        };
        for entry in listed {
            anyhow::ensure!(!self.cancel.load(Ordering::Relaxed), "stopped, as asked; nothing was changed");
            self.seen = self.seen.saturating_add(1);
            anyhow::ensure!(
                self.seen <= MAX_ENTRIES,
                "{} holds more than {MAX_ENTRIES} files; name a folder further down",
                self.root.display()
            );
            match entry {
                Ok(entry) => self.entry(&entry.path(), depth)?,
                Err(e) => self.unreadable(dir, plain(&e)),
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, depth: usize) -> anyhow::Result<()> {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(e) => {
                self.unreadable(path, plain(&e));
                return Ok(());
            }
        };
        if meta.is_symlink() {
            self.out.links = self.out.links.saturating_add(1);
        } else if meta.is_dir() {
            self.folder(path, &meta, depth.saturating_add(1))?;
        } else if meta.is_file() {
            self.file(path, &meta);
        } else if source::channel_of(path).is_some() {
            self.unreadable(path, "it is no plain file (a pipe, socket or device)");
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, meta: &Metadata) {
        if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| WEB_MARKS.contains(&n)) {
            self.out.web_marks.push(self.relative(path));
        }
        let Some(channel) = source::channel_of(path).or_else(|| self.json(path)) else {
            self.out.others = self.out.others.saturating_add(1);
            return;
        };
        let entry = Entry {
            path: path.to_owned(),
            relative: self.relative(path),
            channel,
            size: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            mode: meta.mode() & 0o7777,
        };
        match entry.open() {
            Ok(_) => {}
            Err(e) => self.unreadable(path, plain(&e)),
        }
        self.out.entries.push(entry);
    }

    /// JSON beside a recording is its sidecar; other JSON may be a chat.
    fn json(&mut self, path: &Path) -> Option<Channel> {
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            return None;
        }
        let beside = ["wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "gsm", "eml"];
        if beside.iter().any(|e| fs::symlink_metadata(path.with_extension(e)).is_ok()) {
            self.out.sidecars = self.out.sidecars.saturating_add(1);
            return None;
        }
        source::chat::peek(path).ok().flatten()
    }
}

/// An error of the operating system in words, without the path.
pub fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "this account may not read it".into(),
        std::io::ErrorKind::NotFound => "it is not there".into(),
        _ => error.to_string(),
    }
}
