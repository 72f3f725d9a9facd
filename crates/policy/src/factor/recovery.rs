//! Recovery codes: ten, each works once, for the day on which the phone is lost. Only hashes are kept.

use super::{FactorError, base32};
use callvault_model::{Entropy, Secret, id::AccountId};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// How many codes an account gets at once; new ones replace the old.
pub const COUNT: usize = 10;
/// 80 bits: too many to guess, even from the stored hash.
const BYTES: usize = 10;
const LETTERS: usize = 16;
/// Longest text looked at; people type spaces and hyphens.
const MAX_TYPED: usize = 64;

/// One code.
#[derive(Debug)]
pub struct Code {
    /// What the person writes down: `ABCD-EFGH-IJKL-MNOP`. Shown once.
    pub shown: Secret<String>,
    /// What is kept.
    pub hash: [u8; 32],
}

/// New codes for an account.
pub fn make(account: AccountId, entropy: &dyn Entropy) -> Result<Vec<Code>, FactorError> {
    (0..COUNT).map(|_| one(account, entropy)).collect()
}

fn one(account: AccountId, entropy: &dyn Entropy) -> Result<Code, FactorError> {
    let mut bytes = [0u8; BYTES];
    entropy.fill(&mut bytes)?;
    let mut letters = base32::encode(&bytes);
    let mut shown = String::with_capacity(LETTERS + 3);
    for (n, letter) in letters.chars().enumerate() {
        if n > 0 && n % 4 == 0 {
            shown.push('-');
        }
        shown.push(letter);
    }
    let hash = hash_letters(account, &letters);
    bytes.zeroize();
    letters.zeroize();
    Ok(Code { shown: Secret::new(shown), hash })
}

/// The lookup key of a code that somebody typed, in any case, with or without hyphens; `None` when it has not the form.
pub fn hash(account: AccountId, typed: &str) -> Option<[u8; 32]> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let kept = typed.chars().filter(|c| !c.is_ascii_whitespace() && *c != '-');
    // Nobody writes 0, 1 or 8 on purpose: the alphabet has none of them.
    let mut letters: String = kept
        .map(|c| match c.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            c => c,
        })
        .collect();
    let good = letters.len() == LETTERS
        && letters.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    let hashed = good.then(|| hash_letters(account, &letters));
    letters.zeroize();
    hashed
}

fn hash_letters(account: AccountId, letters: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"callvault recovery code ");
    hash.update(account.as_bytes());
    hash.update(letters);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counting, Dry};
    use super::*;
    use std::collections::BTreeSet;

    const ME: AccountId = AccountId::from_bytes([7; 16]);
    const YOU: AccountId = AccountId::from_bytes([8; 16]);

    #[test]
    fn ten_different_codes_that_are_found_however_they_are_typed() {
        let codes = make(ME, &Counting::default()).unwrap();
        assert_eq!(codes.iter().map(|c| c.hash).collect::<BTreeSet<_>>().len(), COUNT);
        for code in &codes {
            let shown = code.shown.expose();
            assert_eq!(shown.len(), 19);
            for typed in
                [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), shown.replace('-', "")]
            {
                assert_eq!(hash(ME, &typed), Some(code.hash));
            }
        }
    }

    #[test]
    fn a_code_is_nobody_elses_and_nothing_else_is_a_code() {
        let code = make(ME, &Counting::default()).unwrap().remove(0);
        let shown = code.shown.expose();
        assert_ne!(hash(YOU, shown), Some(code.hash));
        for bad in ["", "ABCD", "ABCD-EFGH-IJKL-MNO!", "ABCD-EFGH-IJKL-MNOPQ", "ÄBCD-EFGH-IJKL-MNOP"] {
            assert_eq!(hash(ME, bad), None, "{bad}");
        }
        assert_eq!(hash(ME, &"A".repeat(1 << 20)), None);
        assert_eq!(make(ME, &Dry).unwrap_err().code(), "no_entropy");
    }
}
