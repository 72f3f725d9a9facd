//! Passwords: Argon2id, at least twelve characters, no common ones, nothing of the person's own name in them.

use super::FactorError;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash,
};
use callvault_model::{Entropy, Secret};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use unicode_normalization::UnicodeNormalization;

/// The least number of characters.
pub const MIN_CHARS: usize = 12;
/// The largest; a longer one would only cost time.
pub const MAX_CHARS: usize = 128;
/// 19 MiB, two passes, one lane: the least that OWASP's Password Storage Cheat Sheet names for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;
const OUTPUT: usize = 32;
/// Fewer different characters than this are a pattern, not a password.
const MIN_DIFFERENT: usize = 5;
/// One word or sequence a line, in small letters, digits and signs folded away as `fold` does.
const COMMON: &str = include_str!("common-passwords.txt");
/// What a hash is compared with when there is no account, so that the answer takes as long. Of no password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FsbHZhdWx0IG5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// One hash at a time: sign-ins of strangers must not take all memory.
static ONE: Mutex<()> = Mutex::new(());

/// Why a new password is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short.
    #[error("the password is shorter than 12 characters and could be guessed. Use four or more words")]
    Short,
    /// Too long.
    #[error("the password is longer than 128 characters. Use a shorter one")]
    Long,
    /// It is common, or a common word with decoration, or a pattern.
    #[error(
        "the password is a common one or a simple pattern, which is tried first. Use four or more unrelated words"
    )]
    Common,
    /// It holds the login or the name.
    #[error(
        "the password holds the login or the name, which everybody knows. Use words that have nothing to do with you"
    )]
    Personal,
}

impl Weak {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Short => "password_short",
            Self::Long => "password_long",
            Self::Common => "password_common",
            Self::Personal => "password_personal",
        }
    }
}

/// Known passwords that are refused.
pub fn known() -> usize {
    COMMON.lines().filter(|l| !l.trim().is_empty()).count()
}

/// Checks a new password against the rules, for the account of this login and name.
pub fn check(password: &Secret<String>, login: &str, name: &str) -> Result<(), Weak> {
    let text: Secret<String> = Secret::new(password.expose().nfkc().take(MAX_CHARS + 1).collect());
    let chars = text.expose().chars().count();
    if chars < MIN_CHARS {
        return Err(Weak::Short);
    }
    if chars > MAX_CHARS {
        return Err(Weak::Long);
    }
    if is_personal(text.expose(), login, name) {
        return Err(Weak::Personal);
    }
    if is_common(text.expose()) { Err(Weak::Common) } else { Ok(()) }
}

/// Checks a new password and makes the text to keep of it (PHC: algorithm, parameters, salt, hash).
pub fn make(
    password: &Secret<String>,
    login: &str,
    name: &str,
    entropy: &dyn Entropy,
) -> Result<String, FactorError> {
    check(password, login, name)?;
    let mut salt = [0u8; SALT];
    entropy.fill(&mut salt)?;
    let text = normal(password);
    let hasher = hasher()?;
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match hasher.hash_password_with_salt(text.expose().as_bytes(), &salt) {
        Ok(hash) => Ok(hash.to_string()),
        Err(_) => Err(FactorError::Memory),
    }
}

/// Whether the password is the one of this hash. Without a hash (no such account, no password) the same work is done
/// and the answer is no, so that the time tells nothing.
pub fn verify(password: &Secret<String>, stored: Option<&str>) -> Result<bool, FactorError> {
    let hash = PasswordHash::new(stored.unwrap_or(NOBODY)).map_err(|_| FactorError::StoredHash)?;
    if !is_ours(&hash) {
        return Err(FactorError::StoredHash);
    }
    let text = normal(password);
    let hasher = hasher()?;
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match hasher.verify_password(text.expose().as_bytes(), &hash) {
        Ok(()) => Ok(stored.is_some()),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(FactorError::Memory),
    }
}

/// Exactly the parameters written here: a weaker hash was not made by us, a costlier one would be a way to exhaust us.
fn is_ours(hash: &PasswordHash) -> bool {
    let number = |name: &str| hash.params.get_decimal(name);
    hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(19)
        && (number("m"), number("t"), number("p")) == (Some(MEMORY_KIB), Some(PASSES), Some(LANES))
        && hash.salt.is_some_and(|s| s.len() == SALT)
        && hash.hash.is_some_and(|h| h.len() == OUTPUT)
}

fn hasher() -> Result<Argon2<'static>, FactorError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT)).map_err(|_| FactorError::StoredHash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The same password typed on another keyboard is the same bytes. More than the limit cannot be right, and is not read.
fn normal(password: &Secret<String>) -> Secret<String> {
    Secret::new(password.expose().nfkc().take(MAX_CHARS + 1).collect())
}

fn is_personal(password: &str, login: &str, name: &str) -> bool {
    let small = password.to_lowercase();
    let logins = login.split('@').take(1).chain([login]).filter(|part| part.chars().count() >= 3);
    let names = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 4);
    logins.chain(names).any(|part| small.contains(&part.nfkc().collect::<String>().to_lowercase()))
}

fn is_common(password: &str) -> bool {
    let small = password.to_lowercase();
    let different: BTreeSet<char> = small.chars().collect();
    if different.len() < MIN_DIFFERENT || is_sequence(&small) {
        return true;
    }
    // What is left when digits, signs and the usual replacements are undone; then whether it is common words only.
    let folded = fold(&small);
    let plain: String = small.chars().filter(|c| c.is_alphabetic()).collect();
    let common: BTreeSet<&str> = COMMON.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    [folded, plain].iter().any(|text| made_of(text, &common))
}

fn fold(small: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    };
    // Digits at the ends are years and counters, inside they stand for letters.
    let inner = small.trim_matches(|c: char| !c.is_alphabetic());
    inner.chars().map(letter).filter(|c| c.is_alphabetic()).collect()
}

/// Whether the text is at most two common words, or one repeated. Longer phrases of common words are good passwords.
fn made_of(text: &str, common: &BTreeSet<&str>) -> bool {
    if text.is_empty() || common.contains(text) {
        return true;
    }
    let at = |n: usize| text.split_at_checked(n);
    (1..text.len())
        .filter_map(at)
        .any(|(a, b)| common.contains(a) && (common.contains(b) || b.replace(a, "").is_empty()))
}

/// Whether nearly every character follows or repeats the one before it, in the alphabet or on the keyboard.
fn is_sequence(small: &str) -> bool {
    const ROWS: [&str; 4] = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"];
    let neighbours = |a: char, b: char| {
        u32::from(a).abs_diff(u32::from(b)) <= 1
            || ROWS.iter().any(|row| match (row.find(a), row.find(b)) {
                (Some(x), Some(y)) => x.abs_diff(y) <= 1,
                _ => false,
            })
    };
    let pairs = small.chars().zip(small.chars().skip(1));
    let (steps, all) =
        pairs.fold((0usize, 0usize), |(n, all), (a, b)| (n + usize::from(neighbours(a, b)), all + 1));
    steps * 4 >= all * 3
}

#[cfg(test)]
mod tests;
