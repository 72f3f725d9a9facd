//! Ed25519 (RFC 8032) for checkpoints and certificates; the key comes from the root key, so it needs no file.

use crate::{Key256, SealError, derive};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;

/// A signing key.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The signing key that `root` has for `label`; the same every time.
    pub fn from_root(root: &Key256, label: &str) -> Result<Self, SealError> {
        let seed = derive(root, &format!("ed25519/{label}"))?;
        Self::from_seed(&seed)
    }

    pub(crate) fn from_seed(seed: &Key256) -> Result<Self, SealError> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose()).map(Self).map_err(|_| SealError::Cipher)
    }

    /// The public key, for those who verify.
    pub fn public(&self) -> Result<[u8; 32], SealError> {
        <[u8; 32]>::try_from(self.0.public_key().as_ref()).map_err(|_| SealError::Cipher)
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError> {
        <[u8; 64]>::try_from(self.0.try_sign(message)?.as_ref()).map_err(|_| SealError::Cipher)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

/// Whether `signature` is that of `message` under `public`.
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_rfc_8032_answer() {
        // RFC 8032 section 7.1 test 1: the empty message.
        let mut seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
            0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = SigningKey::from_seed(&Key256::from_bytes(&mut seed)).unwrap();
        assert_eq!(key.public().unwrap()[..8], [0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7]);
        let sig = key.sign(b"").unwrap();
        assert_eq!(sig[..8], [0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72]);
        assert!(verify(&key.public().unwrap(), b"", &sig));
        assert!(!verify(&key.public().unwrap(), b"x", &sig));
    }

    #[test]
    fn the_same_root_and_label_give_the_same_key() {
        let root = Key256::from_bytes(&mut [3; 32]);
        let of = |l| SigningKey::from_root(&root, l).unwrap().public().unwrap();
        assert_eq!(of("ledger"), of("ledger"));
        assert_ne!(of("ledger"), of("certificate"));
    }
}
