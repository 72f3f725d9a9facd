//! Backups are encrypted under a key of their own, which lies apart from the vault's key and from the backups: one long
//! [`chunked`] message.

use crate::{
    Hashed, Key256, SealError, chunked,
    keyfile::{read_private, refuse_inside, write_new},
    text,
};
use callvault_model::Entropy;
use std::{
    fs::{File, OpenOptions},
    io::{BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const MAGIC: &str = "callvault-backup-key-v1";
const MAX_FILE: u64 = 1024;
const CONTEXT: &[u8] = b"callvault.backup.v1";

/// The key of backups.
#[derive(Debug)]
pub struct BackupKey(Key256);

impl BackupKey {
    /// A new key in a new private file; refuses a place inside `data` and an existing file.
    pub fn create(path: &Path, data: &Path, entropy: &dyn Entropy) -> Result<Self, SealError> {
        refuse_inside(path, data)?;
        let key = Key256::random(entropy)?;
        let encoded = Zeroizing::new(text::base64(key.expose()));
        let body = Zeroizing::new(format!("{MAGIC}\nkey {}\n", *encoded));
        write_new(path, &body)?;
        Ok(Self(key))
    }

    /// Opens a key file; refuses one that others may read.
    pub fn open(path: &Path) -> Result<Self, SealError> {
        let bad = |why| SealError::Format { path: path.to_owned(), what: "backup key file", why };
        let body = read_private(path, MAX_FILE)?;
        let mut lines = body.lines();
        if lines.next() != Some(MAGIC) {
            return Err(bad("first line"));
        }
        let key = lines.next().and_then(|l| l.strip_prefix("key ")).and_then(text::unbase64);
        let key = key.filter(|k| k.len() == 32 && lines.next().is_none()).ok_or(bad("key"))?;
        let mut raw = Zeroizing::new([0u8; 32]);
        raw.iter_mut().zip(key.iter()).for_each(|(r, k)| *r = *k);
        Ok(Self(Key256::from_bytes(&mut raw)))
    }

    /// Eight public bytes that name it, hexadecimal.
    pub fn id(&self) -> Result<String, SealError> {
        Ok(self.0.id()?.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Starts a backup; it appears under its name only when it is finished.
    pub fn writer(&self, path: &Path, entropy: &dyn Entropy) -> Result<BackupWriter, SealError> {
        if path.symlink_metadata().is_ok() {
            return Err(SealError::Exists { path: path.to_owned() });
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let file = file.map_err(SealError::io("cannot write", &part))?;
        let out = Hashed::new(BufWriter::with_capacity(1 << 16, file));
        let out = chunked::Writer::with_context(out, &self.0, CONTEXT, entropy)?;
        Ok(BackupWriter { out, part, path: path.to_owned() })
    }

    /// Opens a backup; every byte read from it is authenticated, and its end is.
    pub fn reader(&self, path: &Path) -> Result<chunked::Reader<BufReader<File>>, SealError> {
        let file = File::open(path).map_err(SealError::io("cannot open", path))?;
        chunked::Reader::with_context(chunked::buffered(file), &self.0, CONTEXT)
    }
}

/// Encrypts what is written to it. Without [`BackupWriter::finish`] there is no backup.
pub struct BackupWriter {
    out: chunked::Writer<Hashed<BufWriter<File>>>,
    part: PathBuf,
    path: PathBuf,
}

impl BackupWriter {
    /// Ends the backup: durable under its name, as (bytes, SHA-256 of the file).
    pub fn finish(self) -> Result<(u64, [u8; 32]), SealError> {
        let (out, summary) = self.out.finish().map_err(SealError::io("cannot write", &self.part))?;
        let (out, sha256) = out.finish();
        let file = out.into_inner().map_err(|e| SealError::io("cannot write", &self.part)(e.into_error()))?;
        file.sync_all().map_err(SealError::io("cannot write", &self.part))?;
        crate::files::name_new(&self.part, &self.path)?;
        Ok((summary.sealed_len, sha256))
    }
}

impl Write for BackupWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;
    use std::{fs, io::Read};

    #[test]
    fn a_backup_opens_with_its_key_only_and_appears_when_it_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let inside = BackupKey::create(&data.join("k"), &data, &OsEntropy);
        assert!(matches!(inside, Err(SealError::KeyInsideData { .. })));
        let key = BackupKey::create(&dir.path().join("b.key"), &data, &OsEntropy).unwrap();
        let again = BackupKey::create(&dir.path().join("b.key"), &data, &OsEntropy);
        assert!(matches!(again, Err(SealError::Exists { .. })));
        let place = dir.path().join("one.backup");
        let mut out = key.writer(&place, &OsEntropy).unwrap();
        out.write_all(&[7; 40_000]).unwrap();
        assert!(!place.exists());
        let (bytes, _) = out.finish().unwrap();
        assert_eq!(fs::metadata(&place).unwrap().len(), bytes);
        assert!(matches!(key.writer(&place, &OsEntropy), Err(SealError::Exists { .. })));
        let mut back = Vec::new();
        let opened = BackupKey::open(&dir.path().join("b.key")).unwrap();
        assert_eq!(opened.id().unwrap(), key.id().unwrap());
        opened.reader(&place).unwrap().read_to_end(&mut back).unwrap();
        assert_eq!(back, [7; 40_000]);
        let other = BackupKey::create(&dir.path().join("c.key"), &data, &OsEntropy).unwrap();
        assert!(matches!(other.reader(&place), Err(SealError::Open)));
        let whole = fs::read(&place).unwrap();
        fs::write(&place, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(key.reader(&place), Err(SealError::Open)), "a torn backup does not open");
    }
}
