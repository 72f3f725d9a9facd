//! What was erased, noted beside the key file and so outside data and data backups: restoring an old backup erases it
//! again. One line each, bound to the line before by a keyed hash: `number kind id mac`, all but the number hexadecimal
//! or a short code, none of it personal.

use crate::{Key256, Root, SealError, files::sync_parent, keyfile::private_dir, text::hex};
use aws_lc_rs::hmac;
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

const MAC: usize = 16;
/// Longest line: a number, a code, 64 bytes of id, a mac.
const MAX_LINE: usize = 256;
const MAX_KIND: usize = 32;
const MAX_ID: usize = 64;

/// One erased thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Counts from 1, in the order of erasure.
    pub number: u64,
    /// What kind of thing, a code of the store.
    pub kind: String,
    /// Its id.
    pub id: Vec<u8>,
}

/// The file of erasures of one vault.
#[derive(Debug)]
pub struct Erasures {
    path: PathBuf,
    key: Key256,
    last: u64,
    mac: [u8; MAC],
    /// Where the next line goes; what stands behind it was torn by a kill.
    end: u64,
}

impl Erasures {
    /// The file beside a key file: `<vault>.key` has `<vault>.erased`. A line that a kill tore off is dropped; one that
    /// was changed is an error.
    pub fn beside(key_file: &Path, root: &Root) -> Result<Self, SealError> {
        let mut log = Self {
            path: key_file.with_extension("erased"),
            key: crate::derive(&root.key, "erasures")?,
            last: 0,
            mac: [0; MAC],
            end: 0,
        };
        log.read(|_| Ok(()))?;
        Ok(log)
    }

    /// The number of the last erasure; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Those after `number`, in order.
    pub fn after(&mut self, number: u64) -> Result<Vec<Erasure>, SealError> {
        let mut out = Vec::new();
        self.read(|e| {
            if e.number > number {
                out.push(e);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Adds erasures; durable before this returns. Numbers go on from [`Erasures::last`].
    pub fn append(&mut self, more: &[(String, Vec<u8>)]) -> Result<(), SealError> {
        if more.is_empty() {
            return Ok(());
        }
        if let Some(dir) = self.path.parent().filter(|d| !d.as_os_str().is_empty()) {
            private_dir(dir)?;
        }
        let mut body = String::new();
        let (mut last, mut mac) = (self.last, self.mac);
        for (kind, id) in more {
            if kind.is_empty() || kind.len() > MAX_KIND || id.len() > MAX_ID {
                return Err(self.bad("an erasure that does not fit"));
            }
            last = last.saturating_add(1);
            let line = format!("{last} {kind} {}", hex(id));
            mac = self.chain(&mac, &line);
            body.push_str(&format!("{line} {}\n", hex(&mac)));
        }
        let end = self.end;
        let stood = self.path.exists();
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)
            .and_then(|mut f| {
                f.set_len(end)?;
                f.seek(SeekFrom::Start(end))?;
                f.write_all(body.as_bytes())?;
                f.sync_all()
            });
        written.map_err(SealError::io("cannot write", &self.path))?;
        if !stood {
            sync_parent(&self.path)?;
        }
        (self.last, self.mac, self.end) = (last, mac, end.saturating_add(body.len() as u64));
        Ok(())
    }

    /// Walks the whole file, checking each line.
    fn read(&mut self, mut each: impl FnMut(Erasure) -> Result<(), SealError>) -> Result<(), SealError> {
        (self.last, self.mac, self.end) = (0, [0; MAC], 0);
        let file = match File::open(&self.path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.map_err(SealError::io("cannot open", &self.path))?,
        };
        let mut file = BufReader::new(file);
        loop {
            let mut line = Vec::new();
            file.by_ref()
                .take(MAX_LINE as u64)
                .read_until(b'\n', &mut line)
                .map_err(SealError::io("cannot read", &self.path))?;
            let Some(text) = line.strip_suffix(b"\n") else {
                // No end of line: nothing more, or a line that a kill tore off.
                let torn = line.len() < MAX_LINE;
                return if torn { Ok(()) } else { Err(self.bad("a line too long")) };
            };
            let text = std::str::from_utf8(text).map_err(|_| self.bad("not text"))?;
            let (erasure, mac) = self.parse(text)?;
            self.last = erasure.number;
            self.mac = mac;
            self.end = self.end.saturating_add(line.len() as u64);
            each(erasure)?;
        }
    }

    fn parse(&self, text: &str) -> Result<(Erasure, [u8; MAC]), SealError> {
        let (line, mac) = text.rsplit_once(' ').ok_or_else(|| self.bad("a line without its mac"))?;
        let expected = self.chain(&self.mac, line);
        if hex(&expected) != mac {
            return Err(self.bad("a line was changed, removed or put in"));
        }
        let mut words = line.split(' ');
        let number = words.next().and_then(|n| n.parse().ok()).filter(|n| *n == self.last.saturating_add(1));
        let (kind, id) = (words.next(), words.next().and_then(unhex));
        match (number, kind, id, words.next()) {
            (Some(number), Some(kind), Some(id), None) => {
                Ok((Erasure { number, kind: kind.to_owned(), id }, expected))
            }
            _ => Err(self.bad("a line")),
        }
    }

    fn chain(&self, before: &[u8; MAC], line: &str) -> [u8; MAC] {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.key.expose()));
        mac.update(b"callvault.erasure.v1\0");
        mac.update(before);
        mac.update(line.as_bytes());
        let mut out = [0u8; MAC];
        out.iter_mut().zip(mac.sign().as_ref()).for_each(|(o, m)| *o = *m);
        out
    }

    fn bad(&self, why: &'static str) -> SealError {
        SealError::Format { path: self.path.clone(), what: "list of erasures", why }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > MAX_ID * 2 {
        return None;
    }
    (0..text.len() / 2).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;
    use callvault_model::{Id, SystemClock};
    use std::fs;

    fn root() -> Root {
        Root { vault: Id::new(&SystemClock, &OsEntropy).unwrap(), key: Key256::random(&OsEntropy).unwrap() }
    }

    fn one(kind: &str, id: u8) -> (String, Vec<u8>) {
        (kind.to_owned(), vec![id; 16])
    }

    #[test]
    fn erasures_are_read_back_in_order_and_a_torn_line_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (root, key) = (root(), dir.path().join("keys/v.key"));
        let mut log = Erasures::beside(&key, &root).unwrap();
        assert_eq!(log.last(), 0);
        log.append(&[one("object", 1), one("party", 2)]).unwrap();
        log.append(&[one("token", 3)]).unwrap();
        let mut again = Erasures::beside(&key, &root).unwrap();
        assert_eq!(again.last(), 3);
        assert_eq!(again.after(1).unwrap().len(), 2);
        assert_eq!(again.after(2).unwrap(), [Erasure { number: 3, kind: "token".into(), id: vec![3; 16] }]);
        let whole = fs::read(log.path()).unwrap();
        fs::write(log.path(), &whole[..whole.len() - 5]).unwrap();
        let mut torn = Erasures::beside(&key, &root).unwrap();
        assert_eq!(torn.last(), 2);
        torn.append(&[one("token", 3)]).unwrap();
        assert_eq!(fs::read(log.path()).unwrap(), whole);
    }

    #[test]
    fn a_changed_removed_or_foreign_line_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (mine, key) = (root(), dir.path().join("v.key"));
        let mut log = Erasures::beside(&key, &mine).unwrap();
        log.append(&[one("object", 1), one("object", 2), one("object", 3)]).unwrap();
        let whole = fs::read_to_string(log.path()).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let swapped = format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]);
        let removed = format!("{}\n{}\n", lines[0], lines[2]);
        for bad in [whole.replace("object", "party"), swapped, removed, "x\n".repeat(3), "y".repeat(300)] {
            fs::write(log.path(), bad).unwrap();
            assert!(matches!(Erasures::beside(&key, &mine), Err(SealError::Format { .. })));
        }
        fs::write(log.path(), &whole).unwrap();
        assert!(matches!(Erasures::beside(&key, &root()), Err(SealError::Format { .. })));
        assert_eq!(Erasures::beside(&key, &mine).unwrap().last(), 3);
    }
}
