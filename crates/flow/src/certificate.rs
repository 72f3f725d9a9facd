//! A certificate says what was destroyed, what remains, who verified it, and carries its own evidence.
//!
//! Terms follow NIST SP 800-88 Rev. 2: destroying the only key of data that was encrypted before it was first
//! written is a *cryptographic erase*. Nothing else is claimed.

use crate::prove::Proof;
use callvault_store::CopyState;
use serde::{Deserialize, Serialize};

/// Format name and version of [`Certificate`].
pub const FORMAT: &str = "callvault-certificate/1";

/// The signed statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its own id.
    pub id: String,
    /// "Recording destroyed" only when no copy remains and none is unknown.
    pub title: String,
    /// The vault that issued it.
    pub vault: String,
    /// What it is about.
    pub conversation: String,
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// RFC 3339.
    pub issued_at: String,
    /// How the redaction was proven before anything was destroyed.
    pub proof: Proof,
    /// The proof in a sentence.
    pub proof_in_words: String,
    /// NIST SP 800-88 Rev. 2 term.
    pub method: String,
    /// Fingerprint of the destroyed key.
    pub key_fingerprint: String,
    /// When no live copy of the key was left.
    pub live_erased_at: String,
    /// When the last backup of the wrapped key loses its epoch key, if that date is known.
    pub irrecoverable_at: Option<String>,
    /// Every check made after the key was destroyed.
    pub verification: Vec<Check>,
    /// Every copy of the original we know of.
    pub copies: Vec<CopyLine>,
    /// Who ordered it and who approved it.
    pub ordered_by: String,
    /// States a single-person vault.
    pub approval: String,
    /// The reason given, masked by the detector.
    pub reason: Option<String>,
}

/// One check and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What was done.
    pub check: String,
    /// What it showed.
    pub result: String,
}

/// One copy of the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyLine {
    /// Where: `vault`, `source file`, `source system`, `backups`.
    pub place: String,
    /// Destroyed, remains or unknown.
    pub state: CopyState,
    /// As of when.
    pub at: String,
    /// In words.
    pub note: String,
}

/// The statement with its signature and its place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What is said.
    pub statement: Statement,
    /// Signed note (C2SP, Ed25519) over [`signed_text`] of the statement.
    pub signature: String,
    /// The vault's verifier key (C2SP signed note).
    pub vkey: String,
    /// The ledger entry of this certificate, its inclusion proof and a signed checkpoint.
    pub ledger_proof: String,
}

/// The title that the copies allow.
pub fn title(channel: &str, copies: &[CopyLine]) -> String {
    let noun = if channel == "voice" { "Recording" } else { "Original message" };
    if copies.iter().all(|c| c.state == CopyState::Destroyed) {
        format!("{noun} destroyed")
    } else if copies.iter().any(|c| c.state == CopyState::Remains) {
        format!("{noun} destroyed in this vault; copies remain elsewhere")
    } else {
        format!("{noun} destroyed in this vault; whether other copies exist is not known")
    }
}

/// The proof in a sentence, in the only words we use for it.
pub fn proof_in_words(proof: &Proof) -> String {
    let first = match &proof.not_heard_again_by {
        Some(again) => format!(
            "What was covered was found {} and not heard or read again by {again} in {} {}.",
            found(&proof.heard_by),
            proof.rounds,
            if proof.rounds == 1 { "pass" } else { "passes" }
        ),
        None => format!("Found {}; nobody listened again.", found(&proof.heard_by)),
    };
    let Some(later) = &proof.remuted else { return first };
    let times = if later.times == 1 { "once".to_owned() } else { format!("{} times", later.times) };
    let heard = match &later.not_heard_again_by {
        Some(again) => format!("what was reported was not heard again by {again}"),
        None => "nobody listened after that".to_owned(),
    };
    format!("{first} Muted further {times} because a person reported a missed value; {heard}.")
}

/// Where the first words came from.
fn found(heard_by: &str) -> String {
    match heard_by.strip_prefix("imported:") {
        Some(maker) => format!("in a transcript made elsewhere ({maker})"),
        None => format!("by {heard_by}"),
    }
}

/// The text that is signed: it names the statement by its hash.
pub fn signed_text(statement: &Statement) -> String {
    format!("{FORMAT}\n{}\n{}\n", statement.id, sha256_hex(&canonical(statement)))
}

fn sha256_hex(bytes: &[u8]) -> String {
    callvault_store::hex(&callvault_seal::sha256(bytes))
}

/// Bytes that are signed and committed to: JSON with the fields in the order of [`Statement`], no white space.
pub fn canonical(statement: &Statement) -> Vec<u8> {
    serde_json::to_vec(statement).unwrap_or_default()
}

/// Why a certificate does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// Not a certificate.
    #[error("this is no callvault certificate: {0}")]
    Format(String),
    /// Signature.
    #[error("the signature does not belong to this statement; it was altered, or signed by another key")]
    Signature,
    /// Ledger proof.
    #[error("the ledger proof does not hold: {0}")]
    Ledger(String),
    /// The entry commits to something else.
    #[error("the ledger entry speaks of another certificate")]
    Entry,
    /// Key differs from the pinned one.
    #[error("the certificate was issued under another key than the one given")]
    Key,
}

/// Verifies a certificate offline. `pinned` is the vault's verifier key if the reader has it from elsewhere.
pub fn verify(certificate: &Certificate, pinned: Option<&str>) -> Result<(), Invalid> {
    if certificate.statement.format != FORMAT {
        return Err(Invalid::Format(format!("format is {:?}", certificate.statement.format)));
    }
    if pinned.is_some_and(|key| key.trim() != certificate.vkey) {
        return Err(Invalid::Key);
    }
    let bytes = canonical(&certificate.statement);
    let vkey: callvault_ledger::VerifierKey =
        certificate.vkey.parse().map_err(|e| Invalid::Format(format!("verifier key: {e}")))?;
    let signed =
        callvault_ledger::note::open(&certificate.signature, &vkey).map_err(|_| Invalid::Signature)?;
    if signed != signed_text(&certificate.statement) {
        return Err(Invalid::Signature);
    }
    let proof: callvault_ledger::Proof =
        certificate.ledger_proof.parse().map_err(|e| Invalid::Ledger(format!("{e}")))?;
    let (entry, _) = proof.verify(&vkey).map_err(|e| Invalid::Ledger(e.to_string()))?;
    let says = |name: &str, value: &str| entry.body.get(name) == Some(&value.into());
    let about =
        says("certificate", &certificate.statement.id) && says("statement_sha256", &sha256_hex(&bytes));
    let of_kind = entry.kind == callvault_ledger::Kind::CertificateIssued.as_str();
    if about
        && of_kind
        && entry.conversation.is_some_and(|c| c.to_string() == certificate.statement.conversation)
    {
        Ok(())
    } else {
        Err(Invalid::Entry)
    }
}

/// Reads a certificate file.
pub fn parse(bytes: &[u8]) -> Result<Certificate, Invalid> {
    if bytes.len() > 1 << 20 {
        return Err(Invalid::Format("larger than 1 MiB".into()));
    }
    serde_json::from_slice(bytes).map_err(|e| Invalid::Format(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(state: CopyState) -> CopyLine {
        CopyLine { place: "x".into(), state, at: String::new(), note: String::new() }
    }

    #[test]
    fn the_title_claims_no_more_than_the_copies_allow() {
        use CopyState::{Destroyed, Remains, Unknown};
        assert_eq!(title("voice", &[copy(Destroyed)]), "Recording destroyed");
        assert!(title("voice", &[copy(Destroyed), copy(Remains)]).ends_with("copies remain elsewhere"));
        assert!(title("chat", &[copy(Destroyed), copy(Unknown)]).ends_with("is not known"));
    }
}
