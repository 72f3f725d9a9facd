//! C2SP signed notes with Ed25519 (<https://c2sp.org/signed-note>).

use crate::LedgerError;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

const MAX_NOTE: usize = 64 << 10;
const MAX_SIGNATURES: usize = 32;
const ED25519: u8 = 1;

/// Signs notes under a name. The key itself lives elsewhere.
pub trait Signer {
    /// The name in the signature line.
    fn name(&self) -> &str;
    /// The Ed25519 public key.
    fn public(&self) -> [u8; 32];
    /// The Ed25519 signature of the text.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], LedgerError>;
}

/// A signer made of its parts.
pub struct FnSigner<F> {
    /// The name in the signature line.
    pub name: String,
    /// The Ed25519 public key.
    pub public: [u8; 32],
    /// Signs; `None` when the key refuses.
    pub sign: F,
}

impl<F: Fn(&[u8]) -> Option<[u8; 64]>> Signer for FnSigner<F> {
    fn name(&self) -> &str {
        &self.name
    }
    fn public(&self) -> [u8; 32] {
        self.public
    }
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], LedgerError> {
        (self.sign)(text).ok_or(LedgerError::Sign)
    }
}

/// A key that verifies notes: `name+hash+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The verifier key of a public key under a name.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, LedgerError> {
        let sound = !name.is_empty() && name.len() <= 255 && name.chars().all(name_char);
        let key = VerifyingKey::from_bytes(&public).ok().filter(|k| sound && !k.is_weak());
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &public),
            key: key.ok_or(LedgerError::VerifierKey)?,
        })
    }

    /// The verifier key of a signer.
    pub fn of(signer: &dyn Signer) -> Result<Self, LedgerError> {
        Self::new(signer.name(), signer.public())
    }

    /// The name it verifies.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;
    fn from_str(s: &str) -> Result<Self, LedgerError> {
        let bad = LedgerError::VerifierKey;
        let mut parts = s.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad);
        };
        let key = STANDARD.decode(key).ok().and_then(|k| <[u8; 33]>::try_from(k).ok());
        let Some([ED25519, public @ ..]) = key else { return Err(bad) };
        let made = Self::new(name, public)?;
        if format!("{:08x}", made.id) == id { Ok(made) } else { Err(bad) }
    }
}

fn name_char(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && c != '+'
}

fn key_id(name: &str, public: &[u8; 32]) -> u32 {
    let hash =
        Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(public).finalize();
    hash.iter().take(4).fold(0, |id, b| (id << 8) | u32::from(*b))
}

/// Appends a blank line and one signature line to a text that ends in a newline.
pub fn sign(text: &str, signer: &dyn Signer) -> Result<String, LedgerError> {
    check_text(text)?;
    // Refuses a name or key that nobody could verify.
    let key = VerifierKey::of(signer)?;
    let signature = signer.sign(text.as_bytes())?;
    let line = STANDARD.encode([key.id.to_be_bytes().as_slice(), &signature].concat());
    Ok(format!("{text}\n\u{2014} {} {line}\n", key.name))
}

/// The text of a note that the key has signed. Signatures of unknown keys are ignored; a bad signature of the
/// known key refuses the note.
pub fn open<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str, LedgerError> {
    if note.len() > MAX_NOTE {
        return Err(LedgerError::Note("it is longer than 64 KiB"));
    }
    let blank =
        note.rfind("\n\n").ok_or(LedgerError::Note("the blank line before the signatures is missing"))?;
    let (text, signatures) = note.split_at(blank.saturating_add(1));
    check_text(text)?;
    let lines = signatures.strip_prefix('\n').and_then(|s| s.strip_suffix('\n'));
    let lines = lines.ok_or(LedgerError::Note("the last line is not ended"))?;
    if lines.split('\n').count() > MAX_SIGNATURES {
        return Err(LedgerError::Note("it has more than 32 signatures"));
    }
    let mut good = false;
    for line in lines.split('\n') {
        let (name, id, signature) =
            signature_line(line).ok_or(LedgerError::Note("a signature line is malformed"))?;
        if name != key.name || id != key.id {
            continue;
        }
        let refused = || LedgerError::Signature(key.name.clone());
        let signature = Signature::from_slice(&signature).map_err(|_| refused())?;
        key.key.verify_strict(text.as_bytes(), &signature).map_err(|_| refused())?;
        good = true;
    }
    if good { Ok(text) } else { Err(LedgerError::Signature(key.name.clone())) }
}

fn signature_line(line: &str) -> Option<(&str, u32, Vec<u8>)> {
    let (name, rest) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = STANDARD.decode(rest).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let sound = !name.is_empty() && name.chars().all(name_char) && !signature.is_empty();
    sound.then(|| (name, u32::from_be_bytes(*id), signature.to_vec()))
}

fn check_text(text: &str) -> Result<(), LedgerError> {
    if !text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(LedgerError::Note("the text is not ended or has control characters"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
