//! Blind index (exact search without the value) and salted commitments (what the ledger may hold).

use crate::{Key256, digest::Sha256, primitive::hmac};

/// The searchable stand-in of a normalised value: HMAC-SHA-256 cut to 128 bits. Equal values in one
/// field of one tenant are equal, so use it only where equality may be seen.
pub fn blind_index(key: &Key256, field: &str, normalised: &str) -> [u8; 16] {
    let len = (field.len() as u64).to_be_bytes();
    let parts: [&[u8]; 4] = [b"callvault.index.v1\0", &len, field.as_bytes(), normalised.as_bytes()];
    let mac = hmac(key.expose(), &parts);
    let mut out = [0u8; 16];
    out.iter_mut().zip(&mac).for_each(|(o, m)| *o = *m);
    out
}

/// Commits to bytes; without the salt nobody can test a guess, and destroying the salt erases the value.
pub fn commitment(salt: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"callvault.commit.v1\0");
    hash.update(salt);
    hash.update(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_depends_on_key_field_and_value_without_boundary_shift() {
        let (a, b) = (Key256::from_bytes(&mut [1; 32]), Key256::from_bytes(&mut [2; 32]));
        let i = blind_index(&a, "phone", "+15550100");
        assert_eq!(i, blind_index(&a, "phone", "+15550100"));
        assert_ne!(i, blind_index(&b, "phone", "+15550100"));
        assert_ne!(i, blind_index(&a, "phone", "+15550101"));
        assert_ne!(blind_index(&a, "ab", "c"), blind_index(&a, "a", "bc"));
    }

    #[test]
    fn commitment_depends_on_salt_and_bytes() {
        assert_ne!(commitment(&[0; 32], b"x"), commitment(&[1; 32], b"x"));
        assert_ne!(commitment(&[0; 32], b"x"), commitment(&[0; 32], b"y"));
    }
}
