//! The certificate of a drive or a stack of paper: what it was, who held it, how it ended, who saw that.

use crate::Error;
use callvault_model::id::{CertificateId, MediumId};
use callvault_seal::OsEntropy;
use callvault_store::{
    Vault,
    medium::{Code, EndRow, Level, MediumRow, StepRow},
};
use serde::{Deserialize, Serialize};

/// Names the form of the certificate.
pub const FORMAT: &str = "callvault-medium-certificate/1";
/// What the level means and whose words these are.
pub const STANDARD: &str = "Levels in the words of NIST SP 800-88 Rev. 2; technique and verification as recorded and witnessed by the people named";

/// One link of the chain of custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// RFC 3339.
    pub at: String,
    /// Who, as the ledger names them.
    pub by: String,
    /// What was done.
    pub what: String,
    /// Place, holder or note.
    pub text: String,
}

/// The signed statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its own id.
    pub id: String,
    /// Says no more than the level reaches.
    pub title: String,
    /// The vault that issued it.
    pub vault: String,
    /// RFC 3339.
    pub issued_at: String,
    /// The medium's id in the register.
    pub medium: String,
    /// What it is.
    pub kind: String,
    /// Serial number or label.
    pub label: String,
    /// What it may have held.
    pub holds: String,
    /// Whether it was encrypted before it was first written.
    pub encrypted: String,
    /// `clear`, `purge` or `destroy`.
    pub level: String,
    /// By which means.
    pub technique: String,
    /// How verified.
    pub verification: String,
    /// Tool and version, or the firm.
    pub tool: String,
    /// On which day.
    pub done_on: String,
    /// Who recorded it, as the ledger names them.
    pub recorded_by: String,
    /// Who witnessed it, as the ledger names them.
    pub witnessed_by: String,
    /// RFC 3339.
    pub witnessed_at: String,
    /// What the level means.
    pub standard: String,
    /// The chain of custody, oldest first.
    pub custody: Vec<Link>,
}

/// The statement with its signature and its place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What is said.
    pub statement: Statement,
    /// Signed note (C2SP, Ed25519) that names the statement by its hash.
    pub signature: String,
    /// The vault's verifier key.
    pub vkey: String,
    /// The ledger entry of this certificate with its inclusion proof and a signed checkpoint.
    pub ledger_proof: String,
}

fn title(kind: &str, level: Level) -> String {
    let done = match level {
        Level::Clear => "cleared",
        Level::Purge => "purged",
        Level::Destroy => "destroyed",
    };
    let mut chars = kind.chars();
    let kind: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    format!("{kind} {done}")
}

fn canonical(statement: &Statement) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(statement).map_err(|_| Error::Shipped("form of the certificate"))
}

/// Issues the certificate of a medium whose end was witnessed, or gives the one that was issued.
pub fn certify(vault: &Vault, id: MediumId) -> Result<Certificate, Error> {
    if let Some(body) = vault.medium_certificate(id)? {
        return parse(body.as_bytes()).map_err(|_| Error::Shipped("certificate of this medium"));
    }
    let (row, steps) = (vault.medium(id)?, vault.medium_steps(id)?);
    let end = vault
        .medium_end(id)?
        .ok_or(callvault_store::Refused::Unknown("record of destruction"))
        .map_err(callvault_store::Error::from)?;
    let certificate = CertificateId::new(vault.clock(), &OsEntropy)
        .map_err(|_| Error::Shipped("source of random numbers"))?;
    let statement = statement(vault, certificate, &row, steps, end);
    let (hash, signed) = super::sealed_by(FORMAT, &statement.id, &canonical(&statement)?);
    let signature = vault.sign_note(&signed)?;
    let body = vault.certify_medium(id, certificate, &hash, |proof| {
        let whole = Certificate {
            statement,
            signature,
            vkey: vault.vkey().to_owned(),
            ledger_proof: proof.to_owned(),
        };
        serde_json::to_string_pretty(&whole).map_err(|_| callvault_store::Error::Corrupt("a certificate"))
    })?;
    parse(body.as_bytes()).map_err(|_| Error::Shipped("certificate of this medium"))
}

fn statement(
    vault: &Vault,
    certificate: CertificateId,
    row: &MediumRow,
    steps: Vec<StepRow>,
    end: EndRow,
) -> Statement {
    Statement {
        format: FORMAT.into(),
        id: certificate.to_string(),
        title: title(row.kind.words(), end.level),
        vault: vault.id().to_string(),
        issued_at: vault.clock().now().to_string(),
        medium: row.id.to_string(),
        kind: row.kind.words().into(),
        label: row.label.clone(),
        holds: row.holds.words().into(),
        encrypted: row.encrypted.words().into(),
        level: end.level.as_str().into(),
        technique: end.technique.words().into(),
        verification: end.verification.words().into(),
        tool: end.tool,
        done_on: end.done_on,
        recorded_by: end.recorded_by,
        witnessed_by: end.witnessed_by.unwrap_or_default(),
        witnessed_at: end.witnessed_at.unwrap_or_default(),
        standard: STANDARD.into(),
        custody: steps.into_iter().map(|s| Link { at: s.at, by: s.by, what: s.what, text: s.text }).collect(),
    }
}

/// Reads a certificate.
pub fn parse(bytes: &[u8]) -> Result<Certificate, String> {
    if bytes.len() > 1 << 20 {
        return Err("larger than 1 MiB".into());
    }
    serde_json::from_slice(bytes).map_err(|e| e.to_string())
}

/// Verifies a certificate offline; the error says what does not hold. `pinned` is the vault's verifier key if the reader
/// has it from elsewhere.
pub fn verify(certificate: &Certificate, pinned: Option<&str>) -> Result<(), String> {
    let s = &certificate.statement;
    if s.format != FORMAT {
        return Err("this is no certificate of a medium".into());
    }
    let bytes = canonical(s).map_err(|e| e.to_string())?;
    let (hash, signed) = super::sealed_by(FORMAT, &s.id, &bytes);
    let parts = super::Parts {
        signature: &certificate.signature,
        vkey: &certificate.vkey,
        ledger_proof: &certificate.ledger_proof,
    };
    let about =
        [("certificate", s.id.as_str()), ("medium", s.medium.as_str()), ("statement_sha256", hash.as_str())];
    super::holds(&parts, &signed, callvault_ledger::Kind::CertificateIssued, &about, pinned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_claims_no_more_than_the_level() {
        assert_eq!(title("magnetic disk", Level::Purge), "Magnetic disk purged");
        assert_eq!(title("paper", Level::Destroy), "Paper destroyed");
    }
}
