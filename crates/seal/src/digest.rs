//! SHA-256, whole and streaming.

use aws_lc_rs::{
    digest::{Context, Digest, SHA256, digest},
    hmac,
};
use std::io::{self, Read};
use zeroize::Zeroizing;

/// A running SHA-256.
pub struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of everything added.
    pub fn finish(self) -> [u8; 32] {
        array(&self.0.finish())
    }
}

impl io::Write for Sha256 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// HMAC-SHA-256 (RFC 2104) under a key of any length, for a protocol that asks for exactly this; keys of a vault go through
/// [`crate::derive`].
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0u8; 32]);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    out.iter_mut().zip(mac.as_ref()).for_each(|(o, m)| *o = *m);
    out
}

/// A writer that hashes what passes through it. Hashing costs more than sealing, so that only who needs it does it.
pub struct Hashed<W> {
    to: W,
    hash: Sha256,
}

impl<W> Hashed<W> {
    /// Over nothing yet.
    pub fn new(to: W) -> Self {
        Self { to, hash: Sha256::new() }
    }

    /// The inner writer, and the hash of all that it took.
    pub fn finish(self) -> (W, [u8; 32]) {
        (self.to, self.hash.finish())
    }
}

impl<W: io::Write> io::Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.to.write(bytes)?;
        self.hash.update(bytes.get(..taken).unwrap_or(bytes));
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The hash of one slice.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(&digest(&SHA256, bytes))
}

/// The hash and length of all that a reader gives.
pub fn sha256_reader(mut from: impl Read) -> io::Result<([u8; 32], u64)> {
    let mut hash = Sha256::new();
    let len = io::copy(&mut from, &mut hash)?;
    Ok((hash.finish(), len))
}

fn array(digest: &Digest) -> [u8; 32] {
    let mut out = [0u8; 32];
    out.iter_mut().zip(digest.as_ref()).for_each(|(o, d)| *o = *d);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use io::Write;

    /// Takes a few bytes at a time.
    struct Few(Vec<u8>);
    impl Write for Few {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(&bytes[..bytes.len().min(7)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_passes_through_is_hashed_once_however_it_is_taken() {
        let text = b"the quick brown fox jumps over the lazy dog";
        let mut through = Hashed::new(Few(Vec::new()));
        through.write_all(text).unwrap();
        let (to, hash) = through.finish();
        assert_eq!(to.0, text);
        assert_eq!(hash, sha256(text));
    }
}
