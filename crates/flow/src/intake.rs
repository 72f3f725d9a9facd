//! The other ways in: uploads in parts, a reader, and a drop folder that is looked at again and again. All of them end
//! in the same straight way as a file (`walk`).

use crate::{
    Error,
    receive::{self, Incoming},
    source::{self, Metadata, Source, sms},
    tools::Tools,
    walk::{self, Outcome},
};
use callvault_model::{
    Channel,
    id::{ConversationId, UploadId},
};
use callvault_seal::files;
use callvault_speech::decode::Limits;
use callvault_store::{Actor, CopyState, Discard, NewCopy, State, Vault, uploads::UploadRow};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What is told about an upload when it begins; rests sealed until the end.
#[derive(Serialize, Deserialize)]
struct UploadMeta {
    name: String,
    sidecar: Option<String>,
}

/// Longest name of a file.
const MAX_NAME: usize = 255;

/// Begins an upload. `sidecar` is the JSON that would lie beside a file; it is checked now, so that nobody uploads a
/// gigabyte in vain.
pub fn begin_upload(
    vault: &Vault,
    actor: &Actor,
    channel: Channel,
    length: u64,
    name: &str,
    sidecar: Option<&str>,
) -> Result<UploadRow, Error> {
    check_name(name)?;
    parse_sidecar(sidecar, channel)?;
    let meta = UploadMeta { name: name.to_owned(), sidecar: sidecar.map(str::to_owned) };
    let meta = serde_json::to_string(&meta).map_err(|_| bad_meta())?;
    Ok(vault.begin_upload(actor, channel, length, &meta)?)
}

/// Ends an upload: its content walks the straight way as far as it goes. Several outcomes come of an export of text
/// messages. Repeating it after a kill is harmless; the same bytes give the same conversation.
pub fn finish_upload(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
    actor: &Actor,
    id: UploadId,
) -> Result<Vec<Outcome>, Error> {
    let row = vault.upload(actor, id)?;
    let mut content = vault.upload_content(actor, id)?;
    let meta: UploadMeta = serde_json::from_str(&vault.upload_meta(actor, id)?).map_err(|_| bad_meta())?;
    let metadata = parse_sidecar(meta.sidecar.as_deref(), row.channel)?;
    let outcomes = take(vault, tools, limits, row.channel, &meta.name, &metadata, &mut content)?;
    if let Some(first) = outcomes.first() {
        vault.close_upload(actor, id, conversation(first))?;
    }
    Ok(outcomes)
}

/// Takes one whole conversation in from a reader; small uploads and messages that come in a request.
pub fn take(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
    channel: Channel,
    name: &str,
    metadata: &Metadata,
    content: &mut dyn Read,
) -> Result<Vec<Outcome>, Error> {
    check_name(name)?;
    if channel != Channel::Sms {
        return Ok(vec![one(vault, tools, limits, channel, name, metadata, content)?]);
    }
    let mut bytes = Vec::new();
    content.take(source::MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file("the upload"))?;
    if bytes.len() as u64 <= source::MAX_TEXT_BYTES && sms::is_export(&bytes) {
        return sms::threads(&bytes, "this export")?
            .into_iter()
            .map(|thread| one(vault, tools, limits, channel, name, metadata, &mut Cursor::new(thread)))
            .collect();
    }
    Ok(vec![one(vault, tools, limits, channel, name, metadata, &mut Cursor::new(bytes))?])
}

fn one(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
    channel: Channel,
    name: &str,
    metadata: &Metadata,
    content: &mut dyn Read,
) -> Result<Outcome, Error> {
    let mut copies = receive::far_copies();
    copies.insert(
        0,
        NewCopy {
            place: "source file",
            detail: "the file it was uploaded from, on the sender's machine".into(),
            state: CopyState::Unknown,
            dispose: false,
        },
    );
    let incoming = Incoming { channel, name, metadata, transcript: None, copies, content };
    match receive::receive_from(vault, tools, incoming, limits)? {
        Ok(received) => walk::onward(vault, tools, &received, limits),
        Err(known) => Ok(Outcome::Known(known)),
    }
}

/// The conversation an outcome speaks of.
pub fn conversation(outcome: &Outcome) -> ConversationId {
    match outcome {
        Outcome::Recorded(id)
        | Outcome::Known(id)
        | Outcome::AwaitingTranscript(id)
        | Outcome::Quarantined(id, _) => *id,
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    if plain {
        return Ok(());
    }
    Err(Error::Source {
        what: "the name of the file".into(),
        cure: "give a plain name of 1 to 255 bytes without folders",
    })
}

fn parse_sidecar(sidecar: Option<&str>, channel: Channel) -> Result<Metadata, Error> {
    let metadata =
        sidecar.map_or_else(|| Ok(Metadata::default()), |s| Metadata::parse(s.as_bytes(), "the sidecar"))?;
    if metadata.channel.is_some_and(|c| c != channel) {
        return Err(Error::Source {
            what: "the sidecar names another channel than the upload".into(),
            cure: "let both say the same, or leave it out of the sidecar",
        });
    }
    Ok(metadata)
}

fn bad_meta() -> Error {
    Error::Source { what: "the description of this upload cannot be read".into(), cure: "begin a new upload" }
}

/// What becomes of a conversation in quarantine.
pub enum Release {
    /// Work on it again, as it is.
    Again,
    /// Work on it with this transcript.
    Transcript(Vec<u8>),
    /// Destroy its original.
    Discard(Discard),
}

/// Lets a conversation out of quarantine, in the way a person chose; `None` when it was discarded.
pub fn release(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
    actor: &Actor,
    id: ConversationId,
    how: Release,
) -> Result<Option<Outcome>, Error> {
    match how {
        Release::Discard(why) => {
            vault.discard_quarantined(actor, id, why)?;
            return Ok(None);
        }
        Release::Again => vault.release_quarantined(actor, id, "again")?,
        Release::Transcript(bytes) => import_transcript(vault, actor, id, &bytes)?,
    }
    let row = vault.conversation(id)?;
    debug_assert_eq!(row.state, State::Received);
    walk::onward(vault, tools, &receive::Received::load(vault, &row)?, limits).map(Some)
}

/// Releases a recording with a transcript that was made elsewhere. It is read and checked against the recording's length
/// now, so that the person who brings it learns what is wrong with it; the worker goes on with it.
pub fn import_transcript(
    vault: &Vault,
    actor: &Actor,
    id: ConversationId,
    transcript: &[u8],
) -> Result<(), Error> {
    if transcript.len() as u64 > source::MAX_TEXT_BYTES {
        return Err(Error::Source {
            what: "a transcript of more than 16 MiB".into(),
            cure: "export it without what does not belong to it",
        });
    }
    let row = vault.conversation(id)?;
    if row.channel != Channel::Voice.as_str() {
        return Err(Error::Source {
            what: "a transcript for a conversation that is text already".into(),
            cure: "import transcripts for recordings only",
        });
    }
    let length = (row.duration_ms > 0).then_some(row.duration_ms);
    if let Err(e) = callvault_speech::import::parse(transcript, length) {
        return Err(Error::Source {
            what: format!("this transcript cannot be used: {e}"),
            cure: "bring WebVTT, the JSON of Whisper, or our own JSON, made from this very recording",
        });
    }
    Ok(vault.release_with_transcript(actor, id, transcript)?)
}

/// A folder in which other programs put recordings and messages, with a sidecar of the same name if they like.
///
/// A file is taken when two looks saw the same size and time. It moves to `working/`, is taken in, and rests in `taken/`,
/// or in `refused/` with the reason beside it. A kill or a full disk leaves it in `working/`, where the next look finds it.
pub struct DropFolder {
    root: PathBuf,
    dispose: bool,
    seen: BTreeMap<PathBuf, (u64, SystemTime)>,
}

/// One file that was taken or refused.
#[derive(Debug)]
pub struct Dropped {
    /// Where it rests now.
    pub path: PathBuf,
    /// What became of what it held.
    pub outcome: Result<Vec<Outcome>, Error>,
}

const WORKING: &str = "working";
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";
/// Files looked at in one round; the rest waits for the next.
const MAX_ROUND: usize = 10_000;

impl DropFolder {
    /// Watches `root`, which must exist. With `dispose` a file is destroyed together with its original in the vault.
    pub fn new(root: &Path, dispose: bool) -> Result<Self, Error> {
        for name in [WORKING, TAKEN, REFUSED] {
            let dir = root.join(name);
            fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        }
        Ok(Self { root: root.to_owned(), dispose, seen: BTreeMap::new() })
    }

    /// One look: takes what is complete, and first what a kill left behind.
    pub fn poll(&mut self, vault: &Vault, tools: &Tools<'_>, limits: &Limits) -> Result<Vec<Dropped>, Error> {
        let mut out = Vec::new();
        for path in files_in(&self.root.join(WORKING))? {
            if !source::is_sidecar(&path) {
                out.push(self.work(vault, tools, limits, &path)?);
            }
        }
        let found = files_in(&self.root)?;
        let mut now = BTreeMap::new();
        for path in found.iter().filter(|p| !source::is_sidecar(p)) {
            let sidecar = path.with_extension("json");
            let Ok(mark) = marks(path, &sidecar) else { continue };
            if self.seen.get(path) == Some(&mark) && !tools.cancel.load(std::sync::atomic::Ordering::Relaxed)
            {
                let moved = self.claim(path, &sidecar)?;
                out.push(self.work(vault, tools, limits, &moved)?);
            } else {
                now.insert(path.clone(), mark);
            }
        }
        self.seen = now;
        Ok(out)
    }

    /// Moves a file and its sidecar where no other program writes.
    fn claim(&self, path: &Path, sidecar: &Path) -> Result<PathBuf, Error> {
        let to = self.free_place(WORKING, path);
        if sidecar != path && sidecar.is_file() {
            let beside = to.with_extension("json");
            fs::rename(sidecar, &beside).map_err(Error::file(sidecar))?;
        }
        fs::rename(path, &to).map_err(Error::file(path))?;
        files::sync_parent(&to)?;
        Ok(to)
    }

    /// A name nobody has yet, with room for a sidecar.
    fn free_place(&self, folder: &str, path: &Path) -> PathBuf {
        let dir = self.root.join(folder);
        let name = path.file_name().unwrap_or_default();
        let (stem, end) = (
            path.file_stem().unwrap_or_default().to_string_lossy(),
            path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default(),
        );
        let free = |p: &Path| !p.exists() && !p.with_extension("json").exists();
        let first = dir.join(name);
        if free(&first) {
            return first;
        }
        (2..u32::MAX).map(|n| dir.join(format!("{stem}-{n}{end}"))).find(|p| free(p)).unwrap_or(first)
    }

    fn work(&self, vault: &Vault, tools: &Tools<'_>, limits: &Limits, path: &Path) -> Result<Dropped, Error> {
        let rest = self.free_place(TAKEN, path);
        let outcome = self.ingest(vault, tools, limits, path, &rest);
        let (place, reason) = match &outcome {
            Ok(_) => (rest, None),
            // What is wrong with the file stays wrong; it is a person's turn.
            Err(e @ Error::Source { .. }) => (self.free_place(REFUSED, path), Some(e.to_string())),
            // The next look goes on with it.
            Err(_) => return Ok(Dropped { path: path.to_owned(), outcome }),
        };
        let sidecar = path.with_extension("json");
        if sidecar != path && sidecar.is_file() {
            fs::rename(&sidecar, place.with_extension("json")).map_err(Error::file(&sidecar))?;
        }
        fs::rename(path, &place).map_err(Error::file(path))?;
        if let Some(reason) = reason {
            let note = place.with_extension("reason.txt");
            fs::write(&note, reason).map_err(Error::file(&note))?;
        }
        files::sync_parent(&place)?;
        Ok(Dropped { path: place, outcome })
    }

    fn ingest(
        &self,
        vault: &Vault,
        tools: &Tools<'_>,
        limits: &Limits,
        path: &Path,
        rest: &Path,
    ) -> Result<Vec<Outcome>, Error> {
        let sources = source::classify(path)?;
        if sources.is_empty() {
            return Err(Error::Source {
                what: "by its name this is no recording, chat, e-mail or text message".into(),
                cure: "recordings end in wav, flac, mp3, ogg, opus or gsm, e-mails in eml, chats in json, messages in json or csv",
            });
        }
        sources
            .into_iter()
            .map(|s| {
                let source = Source { dispose: self.dispose, rests_at: Some(rest.to_owned()), ..s };
                walk::ingest(vault, tools, &source, limits)
            })
            .collect()
    }
}

/// Plain files directly in a folder, in order; hidden ones and links are not ours.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::file(dir))?.take(MAX_ROUND) {
        let entry = entry.map_err(Error::file(dir))?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.file_type().is_ok_and(|t| t.is_file()) {
            out.push(entry.path());
        }
    }
    out.sort();
    Ok(out)
}

/// Size and newest time of a file and its sidecar.
fn marks(path: &Path, sidecar: &Path) -> std::io::Result<(u64, SystemTime)> {
    let a = fs::symlink_metadata(path)?;
    let (mut len, mut at) = (a.len(), a.modified()?);
    if let Ok(b) = fs::symlink_metadata(sidecar) {
        len = len.wrapping_add(b.len().rotate_left(32));
        at = at.max(b.modified()?);
    }
    Ok((len, at))
}

#[cfg(test)]
mod tests;
