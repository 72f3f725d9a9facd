//! Sealing one record or one key.
//!
//! `format (1) | key id (8) | salt (24) | commitment (32) | AES-256-GCM ciphertext and tag`
//!
//! Each record has a key of its own: HKDF-Expand-SHA-256(key, label | format | key id | salt | context)
//! gives the record key and the commitment, so that one ciphertext opens under one key and one context
//! only (GCM alone does not promise that). The last half of the salt is the nonce.

use crate::{
    Aad, Key256, SealError,
    aad::part,
    primitive::{Gcm, TAG, expand},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hkdf::HKDF_SHA256};
use callvault_model::{Entropy, Secret};
use zeroize::{Zeroize, Zeroizing};

const KEY_ID: usize = 8;
const SALT: usize = 24;
const COMMITMENT: usize = 32;
const HEADER: usize = 1 + KEY_ID + SALT + COMMITMENT;
/// Bytes a seal adds to the plaintext.
pub const OVERHEAD: usize = HEADER + TAG;
/// The largest record; longer things are sealed in chunks.
pub const MAX_RECORD: usize = 64 << 20;

/// What the first byte says: which format, which algorithms, which use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// A record: HKDF-SHA-256, AES-256-GCM.
    Record = 1,
    /// A wrapped key: the same algorithms, a different use.
    Key = 2,
}

/// Seals one record for the place `aad` names.
pub fn seal(
    key: &Key256,
    aad: &Aad<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    seal_as(Format::Record, key, &aad.to_bytes(), plaintext, entropy)
}

/// Opens a record that was sealed for the place `aad` names.
pub fn open(key: &Key256, aad: &Aad<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
    open_as(Format::Record, key, &aad.to_bytes(), sealed)
}

/// Seals a key under another key, for one purpose at one place.
pub fn wrap_key(
    kek: &Key256,
    aad: &Aad<'_>,
    purpose: &str,
    key: &Key256,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    seal_as(Format::Key, kek, &key_context(aad, purpose), key.expose(), entropy)
}

/// Opens a key that was wrapped for this purpose at this place.
pub fn unwrap_key(kek: &Key256, aad: &Aad<'_>, purpose: &str, wrapped: &[u8]) -> Result<Key256, SealError> {
    open_key(kek, &key_context(aad, purpose), wrapped)
}

/// Moves a wrapped key to another key-encryption key or another place without changing the key itself.
pub fn rewrap_key(
    from: (&Key256, &Aad<'_>),
    to: (&Key256, &Aad<'_>),
    purpose: &str,
    wrapped: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let key = unwrap_key(from.0, from.1, purpose, wrapped)?;
    wrap_key(to.0, to.1, purpose, &key, entropy)
}

/// The eight bytes that name the key a sealed value needs; unauthenticated, only for finding the key.
pub fn key_id(sealed: &[u8]) -> Option<[u8; 8]> {
    sealed.get(1..).and_then(|rest| rest.first_chunk::<KEY_ID>()).copied()
}

fn key_context(aad: &Aad<'_>, purpose: &str) -> Vec<u8> {
    let mut context = aad.to_bytes();
    part(&mut context, purpose.as_bytes());
    context
}

pub(crate) fn open_key(key: &Key256, context: &[u8], wrapped: &[u8]) -> Result<Key256, SealError> {
    let plain = open_as(Format::Key, key, context, wrapped)?;
    let mut bytes = <[u8; 32]>::try_from(plain.expose().as_slice()).map_err(|_| SealError::Open)?;
    Ok(Key256::from_bytes(&mut bytes))
}

pub(crate) fn seal_as(
    format: Format,
    key: &Key256,
    context: &[u8],
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_RECORD {
        return Err(SealError::TooLong { len: plaintext.len(), limit: MAX_RECORD });
    }
    let mut salt = [0u8; SALT];
    entropy.fill(&mut salt)?;
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
    out.push(format as u8);
    out.extend_from_slice(&key.id()?);
    out.extend_from_slice(&salt);
    let record = Derived::new(key, &out, context)?;
    out.extend_from_slice(&record.commitment);
    let (nonce, aad, start) = (nonce(&salt)?, gcm_aad(&out, context), out.len());
    out.extend_from_slice(plaintext);
    record.gcm.seal_from(nonce, &aad, &mut out, start)?;
    Ok(out)
}

pub(crate) fn open_as(
    format: Format,
    key: &Key256,
    context: &[u8],
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>, SealError> {
    RecordKey::of_format(format, key, context, sealed)?.open(sealed)
}

/// The key of one sealed record at its place, for whoever opens it more than once. It opens nothing else, and is wiped
/// when it is dropped.
pub struct RecordKey {
    gcm: Gcm,
    nonce: [u8; 12],
    aad: Vec<u8>,
}

impl RecordKey {
    /// The key of this record, sealed for the place `aad` names.
    pub fn of(key: &Key256, aad: &Aad<'_>, sealed: &[u8]) -> Result<Self, SealError> {
        Self::of_format(Format::Record, key, &aad.to_bytes(), sealed)
    }

    fn of_format(format: Format, key: &Key256, context: &[u8], sealed: &[u8]) -> Result<Self, SealError> {
        if sealed.len() < OVERHEAD || sealed.len() - OVERHEAD > MAX_RECORD {
            return Err(SealError::Open);
        }
        let header = sealed.get(..HEADER).ok_or(SealError::Open)?;
        let (prefix, commitment) = header.split_at_checked(1 + KEY_ID + SALT).ok_or(SealError::Open)?;
        if prefix.first() != Some(&(format as u8)) || key_id(sealed) != Some(key.id()?) {
            return Err(SealError::Open);
        }
        let derived = Derived::new(key, prefix, context)?;
        verify_slices_are_equal(&derived.commitment, commitment).map_err(|_| SealError::Open)?;
        let salt = prefix.last_chunk::<SALT>().ok_or(SealError::Open)?;
        Ok(Self { gcm: derived.gcm, nonce: nonce(salt)?, aad: gcm_aad(header, context) })
    }

    /// Opens the record.
    pub fn open(&self, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let body = sealed.get(HEADER..).ok_or(SealError::Open)?;
        let mut plain = Zeroizing::new(body.to_vec());
        self.gcm.open(self.nonce, &self.aad, &mut plain)?;
        Ok(Secret::new(std::mem::take(&mut *plain)))
    }
}

struct Derived {
    gcm: Gcm,
    commitment: [u8; COMMITMENT],
}

impl Derived {
    fn new(key: &Key256, prefix: &[u8], context: &[u8]) -> Result<Self, SealError> {
        let mut okm = Zeroizing::new([0u8; 64]);
        expand(HKDF_SHA256, key.expose(), &[b"callvault.seal.v1\0", prefix, context], &mut *okm)?;
        let (key, rest) = okm.split_first_chunk::<32>().ok_or(SealError::Cipher)?;
        let gcm = Gcm::new(key)?;
        let commitment = *rest.first_chunk::<COMMITMENT>().ok_or(SealError::Cipher)?;
        okm.zeroize();
        Ok(Self { gcm, commitment })
    }
}

fn nonce(salt: &[u8; SALT]) -> Result<[u8; 12], SealError> {
    salt.last_chunk().copied().ok_or(SealError::Cipher)
}

fn gcm_aad(header: &[u8], context: &[u8]) -> Vec<u8> {
    [header, context].concat()
}

#[cfg(test)]
mod tests;
