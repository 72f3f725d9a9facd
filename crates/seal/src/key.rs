//! A 256-bit key and how keys come from keys.

use crate::{
    SealError,
    primitive::{expand, extract_and_expand},
};
use aws_lc_rs::hkdf::HKDF_SHA256;
use callvault_model::Entropy;
use std::{fmt, sync::OnceLock};
use zeroize::{Zeroize, Zeroizing};

/// A 256-bit key: not copied, not printed, not serialised, wiped when dropped.
pub struct Key256 {
    /// On the heap, so that moving the key leaves no copy behind.
    bytes: Box<Zeroizing<[u8; 32]>>,
    /// Eight public bytes that name the key; computed when first asked for.
    id: OnceLock<[u8; 8]>,
}

impl Key256 {
    /// A new random key.
    pub fn random(entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut key = Self::blank();
        entropy.fill(key.bytes.as_mut_slice())?;
        Ok(key)
    }

    /// Takes key bytes in and wipes the caller's copy.
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Self {
        let mut key = Self::blank();
        key.bytes.copy_from_slice(bytes);
        bytes.zeroize();
        key
    }

    fn blank() -> Self {
        Self { bytes: Box::new(Zeroizing::new([0; 32])), id: OnceLock::new() }
    }

    /// The key's bytes. Every call of this outside `seal` is a place to review.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Eight bytes that name the key and tell nothing of it.
    pub fn id(&self) -> Result<[u8; 8], SealError> {
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        let mut id = [0u8; 8];
        expand(HKDF_SHA256, &self.bytes, &[b"callvault.key-id.v1"], &mut id)?;
        Ok(*self.id.get_or_init(|| id))
    }
}

impl fmt::Debug for Key256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

/// A key of its own for one use, named by `label`; different labels give unrelated keys.
pub fn derive(key: &Key256, label: &str) -> Result<Key256, SealError> {
    let mut out = Key256::blank();
    expand(HKDF_SHA256, &key.bytes, &[b"callvault.derive.v1\0", label.as_bytes()], out.bytes.as_mut_slice())?;
    Ok(out)
}

/// The key-encryption key of a tenant in a shred epoch. Both keys are needed; losing either loses it.
pub fn kek(tenant: &Key256, epoch: &Key256, purpose: &str) -> Result<Key256, SealError> {
    let mut out = Key256::blank();
    let info: [&[u8]; 2] = [b"callvault.kek.v1\0", purpose.as_bytes()];
    extract_and_expand(tenant.expose(), epoch.expose(), &info, out.bytes.as_mut_slice())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;

    #[test]
    fn hkdf_expand_gives_the_rfc_5869_answer() {
        // RFC 5869 test case 1: PRK, info f0..f9, 42 bytes.
        let prk = [
            0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf, 0x0d, 0xdc, 0x3f, 0x0d, 0xc4, 0x7b, 0xba, 0x63,
            0x90, 0xb6, 0xc7, 0x3b, 0xb5, 0x0f, 0x9c, 0x31, 0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5,
        ];
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let mut okm = [0u8; 42];
        expand(HKDF_SHA256, &prk, &[&info], &mut okm).unwrap();
        assert_eq!(okm[..8], [0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a]);
        assert_eq!(okm[38..], [0x87, 0x18, 0x58, 0x65]);
    }

    #[test]
    fn a_kek_needs_both_keys_and_the_purpose() {
        let (t, e) = (Key256::random(&OsEntropy).unwrap(), Key256::random(&OsEntropy).unwrap());
        let same = |a: &Key256, b: &Key256| a.expose() == b.expose();
        let k = kek(&t, &e, "subject").unwrap();
        assert!(same(&k, &kek(&t, &e, "subject").unwrap()));
        assert!(!same(&k, &kek(&e, &t, "subject").unwrap()));
        assert!(!same(&k, &kek(&t, &e, "audio").unwrap()));
        assert!(!same(&k, &kek(&t, &Key256::random(&OsEntropy).unwrap(), "subject").unwrap()));
        assert!(!same(&derive(&t, "a").unwrap(), &derive(&t, "b").unwrap()));
    }

    #[test]
    fn debug_shows_nothing_and_taking_bytes_in_wipes_them() {
        let mut raw = [7u8; 32];
        let k = Key256::from_bytes(&mut raw);
        assert_eq!(raw, [0; 32]);
        assert_eq!(format!("{k:?}"), "[sealed]");
        assert_eq!(k.id().unwrap(), k.id().unwrap());
    }
}
