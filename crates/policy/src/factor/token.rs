//! Opaque tokens of 256 random bits. Only the hash is kept; whoever reads the database cannot use one.

use super::FactorError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use callvault_model::{Entropy, Secret};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// What a token stands for. One kind is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session of a person.
    Session,
    /// A link that lets somebody in for the first time.
    Invite,
    /// A key of a service.
    ApiKey,
    /// The value that a form repeats, so that no other site can send it.
    Form,
    /// A ceremony under way, such as a passkey being added.
    Ceremony,
}

impl Kind {
    /// What the token begins with, so that a token found in a log or a repository is recognised as one.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "cvs_",
            Self::Invite => "cvi_",
            Self::ApiKey => "cvk_",
            Self::Form => "cvf_",
            Self::Ceremony => "cvc_",
        }
    }
}

/// What is kept of a token: a lookup key, and useless without the token.
pub type TokenHash = [u8; 32];

const BYTES: usize = 32;
/// 32 bytes in base64 without padding.
const TEXT: usize = 43;

/// A new token and what to keep of it.
pub fn make(kind: Kind, entropy: &dyn Entropy) -> Result<(Secret<String>, TokenHash), FactorError> {
    let mut bytes = [0u8; BYTES];
    entropy.fill(&mut bytes)?;
    let mut text = String::with_capacity(kind.prefix().len() + TEXT);
    text.push_str(kind.prefix());
    URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
    let hashed = hash_bytes(kind, &bytes);
    bytes.zeroize();
    Ok((Secret::new(text), hashed))
}

/// The lookup key of a token that somebody presents; `None` when it has not the form of this kind.
pub fn hash(kind: Kind, presented: &str) -> Option<TokenHash> {
    let text = presented.strip_prefix(kind.prefix()).filter(|t| t.len() == TEXT)?;
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|b| b.len() == BYTES)?;
    let hashed = hash_bytes(kind, &bytes);
    bytes.zeroize();
    Some(hashed)
}

fn hash_bytes(kind: Kind, bytes: &[u8]) -> TokenHash {
    // The bytes are uniformly random, so a plain hash cannot be guessed backwards.
    let mut hash = Sha256::new();
    hash.update(b"callvault token ");
    hash.update(kind.prefix());
    hash.update(bytes);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counting, Dry};
    use super::*;

    const KINDS: [Kind; 5] = [Kind::Session, Kind::Invite, Kind::ApiKey, Kind::Form, Kind::Ceremony];

    #[test]
    fn a_token_is_found_by_its_hash_and_by_no_other_kind() {
        let entropy = Counting::default();
        for kind in KINDS {
            let (token, kept) = make(kind, &entropy).unwrap();
            assert_eq!(hash(kind, token.expose()), Some(kept));
            for other in KINDS.into_iter().filter(|k| *k != kind) {
                assert_eq!(hash(other, token.expose()), None);
                let renamed = token.expose().replacen(kind.prefix(), other.prefix(), 1);
                assert_ne!(hash(other, &renamed), Some(kept), "a {kind:?} renamed to {other:?}");
            }
        }
    }

    #[test]
    fn what_has_not_the_form_is_no_token() {
        let (token, kept) = make(Kind::Session, &Counting::default()).unwrap();
        let token = token.expose();
        for bad in [
            String::new(),
            "cvs_".to_owned(),
            format!("{token}="),
            format!(" {token}"),
            format!("{token}A"),
            token[..token.len() - 1].to_owned(),
            token.replace("cvs_", "CVS_"),
            format!("cvs_{}", "/".repeat(TEXT)),
            format!("cvs_{}", "é".repeat(TEXT)),
            "x".repeat(1 << 20),
        ] {
            assert_eq!(hash(Kind::Session, &bad), None);
        }
        // The last character holds two unused bits; a variant of it must not be a second name of the token.
        let variants = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let same = variants
            .chars()
            .filter(|c| hash(Kind::Session, &format!("{}{c}", &token[..token.len() - 1])) == Some(kept));
        assert_eq!(same.count(), 1);
    }

    #[test]
    fn tokens_differ_and_need_randomness() {
        let entropy = Counting::default();
        let (a, _) = make(Kind::Invite, &entropy).unwrap();
        let (b, _) = make(Kind::Invite, &entropy).unwrap();
        assert_ne!(a.expose(), b.expose());
        assert_eq!(make(Kind::Invite, &Dry).unwrap_err().code(), "no_entropy");
        assert_eq!(format!("{a:?}"), "[sealed]");
    }
}
