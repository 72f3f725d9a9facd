//! Where conversations come from: files of a drop folder with optional sidecar metadata.

pub mod chat;
pub mod email;
mod metadata;
pub mod sms;

pub use metadata::{Metadata, MetadataParty};

use crate::Error;
use callvault_model::Channel;
use std::path::{Path, PathBuf};

/// Text sources larger than this are refused; a chat of a day is a thousandth of it.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// One file to take in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file itself.
    pub path: PathBuf,
    /// What it holds, by its name.
    pub channel: Channel,
    /// From the sidecar, if there is one.
    pub metadata: Metadata,
    /// The file is to be destroyed once the original in the vault is.
    pub dispose: bool,
    /// A transcript that belongs to the recording, if one was named.
    pub transcript: Option<PathBuf>,
    /// Which conversation of the file, where an export holds several.
    pub thread: Option<usize>,
    /// Where the file will lie once it was taken in, if it moves.
    pub rests_at: Option<PathBuf>,
}

impl Source {
    fn new(path: &Path, channel: Channel, metadata: Metadata) -> Self {
        Self {
            path: path.to_owned(),
            channel: metadata.channel.unwrap_or(channel),
            metadata,
            dispose: false,
            transcript: None,
            thread: None,
            rests_at: None,
        }
    }
}

/// Endings that are recordings.
const RECORDINGS: &[&str] = &["wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "gsm"];

/// What a file holds by its ending; `None` is not ours.
pub fn channel_of(path: &Path) -> Option<Channel> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    if RECORDINGS.contains(&ending.as_str()) {
        return Some(Channel::Voice);
    }
    match ending.as_str() {
        "eml" => Some(Channel::Email),
        "chat" => Some(Channel::Chat),
        "sms" => Some(Channel::Sms),
        _ => None,
    }
}

/// The conversations at `path`: itself, or everything below it. Links are not followed; JSON files without a
/// recording of the same name are chats.
pub fn find(path: &Path) -> Result<Vec<Source>, Error> {
    let mut out = Vec::new();
    walk(path, 0, &mut |file, depth| {
        let found = classify(file)?;
        if found.is_empty() && depth == 0 {
            return Err(Error::Source {
                what: format!("{} is no recording, chat or e-mail by its name", file.display()),
                cure: "recordings end in wav, flac, mp3, ogg, opus or gsm, e-mails in eml, chats in json, messages in json or csv",
            });
        }
        out.extend(found);
        Ok(())
    })?;
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// Folders deeper than this are a loop or an attack.
const MAX_DEPTH: usize = 24;

fn walk(
    path: &Path,
    depth: usize,
    each: &mut dyn FnMut(&Path, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    let kind = std::fs::symlink_metadata(path).map_err(Error::file(path))?.file_type();
    if kind.is_symlink() {
        if depth == 0 {
            return Err(Error::Source {
                what: format!("{} is a symbolic link", path.display()),
                cure: "name the file it points to, so that it is clear which copy is meant",
            });
        }
        return Ok(());
    }
    if kind.is_dir() {
        if depth >= MAX_DEPTH {
            return Err(Error::Source {
                what: format!("{} lies more than {MAX_DEPTH} folders deep", path.display()),
                cure: "name a folder further down",
            });
        }
        for entry in std::fs::read_dir(path).map_err(Error::file(path))? {
            walk(&entry.map_err(Error::file(path))?.path(), depth + 1, each)?;
        }
        return Ok(());
    }
    if !kind.is_file() {
        // A pipe or a device would keep a reader waiting for ever.
        if depth == 0 {
            return Err(Error::Source {
                what: format!("{} is neither a file nor a folder", path.display()),
                cure: "name a recording, chat or e-mail file",
            });
        }
        return Ok(());
    }
    each(path, depth)
}

/// The conversations in one file: none when it is not ours, several in an export of text messages.
pub fn classify(path: &Path) -> Result<Vec<Source>, Error> {
    if let Some(channel) = channel_of(path) {
        let sidecar = path.with_extension("json");
        let metadata = if sidecar.is_file() { Metadata::read(&sidecar)? } else { Metadata::default() };
        let source = Source::new(path, channel, metadata);
        return if source.channel == Channel::Sms { threads(source) } else { Ok(vec![source]) };
    }
    let ends_in = |e: &str| path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
    if ends_in("csv") && sms::is_export(&head_of(path)?) {
        return threads(Source::new(path, Channel::Sms, Metadata::default()));
    }
    if ends_in("json") && !is_sidecar(path) {
        if let Some(channel) = chat::peek(path)? {
            return Ok(vec![Source::new(path, channel, Metadata::default())]);
        }
        if sms::is_export(&read_text(path)?) {
            return threads(Source::new(path, Channel::Sms, Metadata::default()));
        }
    }
    Ok(Vec::new())
}

/// Whether a JSON file belongs to a file of the same name.
pub fn is_sidecar(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
        && RECORDINGS.iter().chain(&["eml"]).any(|e| path.with_extension(e).is_file())
}

/// One source a thread; what is no export stays one source.
fn threads(source: Source) -> Result<Vec<Source>, Error> {
    let bytes = read_text(&source.path)?;
    if !sms::is_export(&bytes) {
        return Ok(vec![source]);
    }
    let n = sms::threads(&bytes, &source.path.display().to_string())?.len();
    Ok((0..n).map(|i| Source { thread: Some(i), ..source.clone() }).collect())
}

/// The beginning of a file.
fn head_of(path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::file(path))?;
    file.take(4096).read_to_end(&mut bytes).map_err(Error::file(path))?;
    Ok(bytes)
}

/// Reads a text source whole, within its limit.
pub fn read_text(path: &Path) -> Result<Vec<u8>, Error> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::file(path))?;
    file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file(path))?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(Error::Source {
            what: format!("{} is larger than {} MiB", path.display(), MAX_TEXT_BYTES >> 20),
            cure: "split it, or send the attachment apart",
        });
    }
    Ok(bytes)
}
