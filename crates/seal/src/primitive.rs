//! AES-256-GCM, HKDF and HMAC, named once: whatever seals goes through here, and so do the published test vectors.

use crate::SealError;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};
use zeroize::Zeroize;

/// Bytes of a GCM tag.
pub(crate) const TAG: usize = 16;

/// An AES-256-GCM key. Who calls it sees to it that a nonce serves once.
pub(crate) struct Gcm(LessSafeKey);

impl Gcm {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, SealError> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?)))
    }

    /// Encrypts what stands in the buffer behind `start` and appends the tag; what cannot be encrypted is wiped.
    pub(crate) fn seal_from(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = buffer.get_mut(start..).ok_or(SealError::Cipher)?;
        // The tag is appended apart, so that a buffer without room for it grows after the plaintext is gone.
        let Ok(tag) = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), plain) else {
            buffer.zeroize();
            return Err(SealError::Cipher);
        };
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Decrypts the buffer in place and drops the tag.
    pub(crate) fn open(&self, nonce: [u8; 12], aad: &[u8], buffer: &mut Vec<u8>) -> Result<(), SealError> {
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buffer);
        let len = opened.map_err(|_| SealError::Open)?.len();
        buffer.truncate(len);
        Ok(())
    }

    /// Encrypts into another buffer, which holds ciphertext and tag afterwards and nothing else.
    pub(crate) fn seal_apart(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plain: &[u8],
        sealed: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        // What is left of the chunk before is overwritten; zeroing it first would cost a pass.
        sealed.resize(plain.len().saturating_add(TAG), 0);
        let (body, tag) = sealed.split_at_mut_checked(plain.len()).ok_or(SealError::Cipher)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        Ok(self.0.seal_out_of_place_scatter(nonce, Aad::from(aad), plain, body, &[], tag)?)
    }

    /// Decrypts ciphertext and tag into another buffer, which is as long as the plaintext. What does not open leaves zeros.
    pub(crate) fn open_apart(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &[u8],
        plain: &mut [u8],
    ) -> Result<(), SealError> {
        let (body, tag) = sealed.split_last_chunk::<TAG>().ok_or(SealError::Open)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        if self.0.open_separate_gather(nonce, Aad::from(aad), body, tag, plain).is_err() {
            plain.zeroize();
            return Err(SealError::Open);
        }
        Ok(())
    }
}

/// Asks HKDF for a given number of bytes.
struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand (RFC 5869): the key must be uniform, as every [`crate::Key256`] is.
pub(crate) fn expand(
    algorithm: hkdf::Algorithm,
    key: &[u8; 32],
    info: &[&[u8]],
    out: &mut [u8],
) -> Result<(), SealError> {
    let prk = hkdf::Prk::new_less_safe(algorithm, key);
    prk.expand(info, Len(out.len()))?.fill(out)?;
    Ok(())
}

/// HKDF-SHA-256, both steps.
pub(crate) fn extract_and_expand(
    salt: &[u8],
    input: &[u8],
    info: &[&[u8]],
    out: &mut [u8],
) -> Result<(), SealError> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    prk.expand(info, Len(out.len()))?.fill(out)?;
    Ok(())
}

/// HMAC-SHA-256 over the parts, one after the other.
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| mac.update(part));
    let mut out = [0u8; 32];
    out.iter_mut().zip(mac.sign().as_ref()).for_each(|(o, m)| *o = *m);
    out
}
