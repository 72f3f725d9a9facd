//! A statement, its signature and its place in the ledger: the form of the certificates of files, drives and tenants, and of
//! the receipt of an erasure. What a reader verifies offline is the same for all of them.

use crate::Error;
use callvault_ledger::{Kind, Proof, VerifierKey, note};
use callvault_seal::sha256;
use callvault_store::Vault;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Something that is certified.
pub trait Statement: Serialize + DeserializeOwned {
    /// Names the form; a statement says it itself.
    const FORMAT: &'static str;
    /// A file with one is never larger, in bytes.
    const MAX_BYTES: usize = 1 << 20;
    /// The ledger's entry about it.
    const KIND: Kind;

    /// The form it names.
    fn format(&self) -> &str;
    /// Its id.
    fn id(&self) -> &str;
    /// What the ledger's entry says beside its id and hash.
    fn about(&self) -> Vec<(&'static str, &str)>;
    /// Whom the entry is about.
    fn subject(&self) -> Option<&str> {
        None
    }
}

/// What is read, kept and handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<S> {
    /// What is certified.
    pub statement: S,
    /// Signed note over the statement (C2SP signed-note, Ed25519).
    pub signature: String,
    /// The key of the vault to verify it with.
    pub vkey: String,
    /// Proves, offline, that the ledger has the statement's hash.
    pub ledger_proof: String,
}

/// Why one does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not one of its form.
    #[error("it is not of the form {form}: {why}")]
    Format {
        /// The form that was expected.
        form: &'static str,
        /// What is in the way.
        why: String,
    },
    /// Signature.
    #[error("the signature does not belong to this statement; it was altered, or signed by another key")]
    Signature,
    /// Ledger.
    #[error("the ledger proof does not hold: {0}")]
    Ledger(String),
    /// Another entry.
    #[error("the ledger entry speaks of something else")]
    Entry,
    /// Another key.
    #[error("it was issued under another key than the one given")]
    Key,
}

/// The hash of a statement, and the text that is signed for it.
fn sealed<S: Statement>(statement: &S) -> Result<(String, String), serde_json::Error> {
    let hash = callvault_store::hex(&sha256(&serde_json::to_vec(statement)?));
    let text = format!("{}\n{}\n{hash}\n", S::FORMAT, statement.id());
    Ok((hash, text))
}

/// Signed, and not in the ledger yet.
pub struct Unproven<S> {
    statement: S,
    signature: String,
    vkey: String,
    /// SHA-256 of the statement, hexadecimal: what the ledger is told.
    pub hash: String,
}

impl<S: Statement> Unproven<S> {
    /// Signs a statement with the key of the vault.
    pub fn sign(vault: &Vault, statement: S) -> Result<Self, Error> {
        let (hash, text) = sealed(&statement).map_err(|_| Error::Shipped("form of the certificate"))?;
        Ok(Self { signature: vault.sign_note(&text)?, vkey: vault.vkey().to_owned(), hash, statement })
    }

    /// With the proof that the ledger has its hash.
    pub fn proven(self, ledger_proof: String) -> Signed<S> {
        Signed { statement: self.statement, signature: self.signature, vkey: self.vkey, ledger_proof }
    }

    /// The same as it is kept, for the command that writes both down.
    pub fn body(self, ledger_proof: String) -> Result<String, callvault_store::Error> {
        serde_json::to_string_pretty(&self.proven(ledger_proof))
            .map_err(|_| callvault_store::Error::Corrupt("a certificate"))
    }
}

impl<S: Statement> Signed<S> {
    /// Reads one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let bad = |why| Invalid::Format { form: S::FORMAT, why };
        if bytes.len() > S::MAX_BYTES {
            return Err(bad(format!("larger than {} MiB", S::MAX_BYTES >> 20)));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if read.statement.format() == S::FORMAT {
            Ok(read)
        } else {
            Err(bad(format!("it says {:?}", read.statement.format())))
        }
    }

    /// Reads what the vault itself kept.
    pub(crate) fn kept(body: &str) -> Result<Self, Error> {
        Self::parse(body.as_bytes()).map_err(|_| Error::Shipped("form of the certificate"))
    }

    /// Verifies it offline: the key, the signature, the proof, and that the entry speaks of this statement. `pinned` is the
    /// vault's verifier key if the reader has it from elsewhere.
    pub fn verify(&self, pinned: Option<&str>) -> Result<(), Invalid> {
        let s = &self.statement;
        let bad = |why| Invalid::Format { form: S::FORMAT, why };
        if pinned.is_some_and(|key| key.trim() != self.vkey) {
            return Err(Invalid::Key);
        }
        let vkey: VerifierKey = self.vkey.parse().map_err(|e| bad(format!("its verifier key: {e}")))?;
        let (hash, text) = sealed(s).map_err(|e| bad(e.to_string()))?;
        if note::open(&self.signature, &vkey).ok() != Some(text.as_str()) {
            return Err(Invalid::Signature);
        }
        let proof: Proof = self.ledger_proof.parse().map_err(|e| Invalid::Ledger(format!("{e}")))?;
        let (entry, _) = proof.verify(&vkey).map_err(|e| Invalid::Ledger(e.to_string()))?;
        let says = |(name, value): (&str, &str)| entry.body.get(name) == Some(&value.into());
        let about = entry.kind == S::KIND.as_str()
            && says(("certificate", s.id()))
            && says(("statement_sha256", &hash))
            && s.about().into_iter().all(says)
            && s.subject().is_none_or(|whom| entry.subject.is_some_and(|e| e.to_string() == whom));
        if about { Ok(()) } else { Err(Invalid::Entry) }
    }
}
