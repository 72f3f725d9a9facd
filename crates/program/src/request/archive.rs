//! Where a copy goes: a new private folder that the operator names, or one tar stream for a download.

use super::{audio, copy::Copy, html};
use crate::Error;
use callvault_speech::decode::Limits;
use callvault_store::Vault;
use std::{
    fs::{DirBuilder, File},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Takes the files of a copy one by one.
pub trait Sink {
    /// One file of `bytes` bytes.
    fn put(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> Result<(), Error>;
}

/// A folder made for this copy and for its owner alone.
pub struct Folder(PathBuf);

impl Folder {
    /// Refuses a folder that is there already: a copy is not mixed with anything.
    pub fn new(path: &Path) -> Result<Self, Error> {
        DirBuilder::new().mode(0o700).create(path).map_err(Error::file(path))?;
        Ok(Self(path.to_owned()))
    }
}

impl Sink for Folder {
    fn put(&mut self, name: &str, _: u64, content: &mut dyn Read) -> Result<(), Error> {
        let path = self.0.join(name);
        if let Some(dir) = path.parent().filter(|d| !d.is_dir()) {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::file(dir))?;
        }
        let mut file: File = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file(&path))?;
        std::io::copy(content, &mut file).and_then(|_| file.sync_all()).map_err(Error::file(&path))
    }
}

/// A tar stream (POSIX ustar).
pub struct TarSink<W: Write>(tar::Builder<W>);

impl<W: Write> TarSink<W> {
    /// Into a writer.
    pub fn new(out: W) -> Self {
        Self(tar::Builder::new(out))
    }

    /// Writes the end.
    pub fn finish(self) -> Result<W, Error> {
        self.0.into_inner().map_err(Error::file("copy.tar"))
    }
}

impl<W: Write> Sink for TarSink<W> {
    fn put(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> Result<(), Error> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(0);
        self.0.append_data(&mut header, name, content).map_err(Error::file(name))
    }
}

/// Writes a copy: recordings first, then the page and the data that name them. Returns how many recordings there are.
pub(super) fn write(
    vault: &Vault,
    copy: &mut Copy,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<usize, Error> {
    let (mut recordings, mut unheard) = (0, 0);
    for talk in &mut copy.conversations {
        let Some(sound) = talk.sound.take() else { continue };
        let Some(blob) = audio::own_voice(vault, talk.uuid, sound, limits)? else {
            unheard += 1;
            continue;
        };
        let name = format!("audio/{}.wav", talk.uuid);
        sink.put(&name, blob.plain_bytes(), &mut blob.reader()?)?;
        talk.recording = Some(name);
        recordings += 1;
    }
    if unheard > 0 {
        copy.notes.push(format!("{unheard} recordings cannot be read by this program; ask us for them."));
    }
    let json = serde_json::to_vec_pretty(copy).map_err(|_| Error::Shipped("form of the copy"))?;
    sink.put("copy.json", json.len() as u64, &mut json.as_slice())?;
    let page = html::page(copy);
    sink.put("index.html", page.len() as u64, &mut page.as_bytes())?;
    Ok(recordings)
}
