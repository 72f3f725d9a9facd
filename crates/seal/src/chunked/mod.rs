//! Audio and other blobs: C2SP chunked-encryption, instance Cobblestone-256 (<https://c2sp.org/chunked-encryption>).
//!
//! `salt (24) | commitment (32) | chunks of 16 KiB, each AES-256-GCM`; the last chunk is always short, which
//! is how an end that was cut off shows. HKDF-Expand-SHA-512 of key, salt and context gives the key of the
//! message, its base nonce and the commitment; the context is the [`crate::Aad`].

mod read;
mod write;

pub use read::{Reader, buffered};
pub use write::{Summary, Writer};

use crate::{
    Key256, SealError,
    primitive::{Gcm, TAG, expand},
};
use aws_lc_rs::hkdf::HKDF_SHA512;
use std::io;
use zeroize::Zeroizing;

/// Plaintext bytes of a full chunk.
pub const CHUNK: usize = 16 << 10;
const SEALED_CHUNK: usize = CHUNK + TAG;
/// Bytes that one read of a file brings: whole chunks, so that each of them lies in one piece.
const AHEAD: usize = 4 * SEALED_CHUNK;
const SALT: usize = 24;
const COMMITMENT: usize = 32;
/// Bytes before the first chunk.
pub const HEADER: usize = SALT + COMMITMENT;
/// 2^38 chunks, the limit of the format.
const MAX_CHUNKS: u64 = 1 << 38;
const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// The keys of one message.
struct Message {
    gcm: Gcm,
    base_nonce: [u8; 12],
    commitment: [u8; COMMITMENT],
}

impl Message {
    fn new(key: &Key256, salt: &[u8; SALT], context: &[u8]) -> Result<Self, SealError> {
        let mut okm = Zeroizing::new([0u8; 76]);
        expand(HKDF_SHA512, key.expose(), &[LABEL, salt, context], &mut *okm)?;
        let (key, rest) = okm.split_first_chunk::<32>().ok_or(SealError::Cipher)?;
        let (base_nonce, rest) = rest.split_first_chunk::<12>().ok_or(SealError::Cipher)?;
        let commitment = *rest.first_chunk::<COMMITMENT>().ok_or(SealError::Cipher)?;
        Ok(Self { gcm: Gcm::new(key)?, base_nonce: *base_nonce, commitment })
    }

    fn nonce(&self, chunk: u64) -> Result<[u8; 12], SealError> {
        if chunk >= MAX_CHUNKS {
            return Err(SealError::TooLong { len: usize::MAX, limit: usize::MAX });
        }
        let mut nonce = self.base_nonce;
        nonce.iter_mut().skip(4).zip(chunk.to_be_bytes()).for_each(|(n, c)| *n ^= c);
        Ok(nonce)
    }

    fn seal(&self, chunk: u64, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), SealError> {
        self.gcm.seal_apart(self.nonce(chunk)?, &[], plain, sealed)
    }

    /// What does not open leaves zeros.
    fn open(&self, chunk: u64, sealed: &[u8], plain: &mut [u8]) -> Result<(), SealError> {
        self.gcm.open_apart(self.nonce(chunk)?, &[], sealed, plain)
    }
}

/// The plaintext length a sealed length stands for; `None` when no message has that length.
pub fn plain_len(sealed_len: u64) -> Option<u64> {
    let body = sealed_len.checked_sub(HEADER as u64)?;
    let (full, last) = (body / SEALED_CHUNK as u64, body % SEALED_CHUNK as u64);
    let last = last.checked_sub(TAG as u64)?;
    (full < MAX_CHUNKS).then(|| full.saturating_mul(CHUNK as u64).saturating_add(last))
}

/// The sealed length of a plaintext of this length.
pub fn sealed_len(plain_len: u64) -> u64 {
    let chunks = (plain_len / CHUNK as u64).saturating_add(1);
    plain_len.saturating_add(HEADER as u64).saturating_add(chunks.saturating_mul(TAG as u64))
}

fn io_error(e: SealError) -> io::Error {
    let kind = if matches!(e, SealError::Open) { io::ErrorKind::InvalidData } else { io::ErrorKind::Other };
    io::Error::new(kind, e)
}

#[cfg(test)]
mod tests;
