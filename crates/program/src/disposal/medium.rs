//! The certificate of a drive or a stack of paper: what it was, who held it, how it ended, who saw that.

use crate::{
    Error,
    signed::{self, Signed, Unproven},
};
use callvault_ledger::Kind;
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

/// The certificate of a drive or a stack of paper.
pub type Certificate = Signed<Statement>;

impl signed::Statement for Statement {
    const FORMAT: &'static str = FORMAT;
    const KIND: Kind = Kind::CertificateIssued;

    fn format(&self) -> &str {
        &self.format
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn about(&self) -> Vec<(&'static str, &str)> {
        vec![("medium", &self.medium)]
    }
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

/// Issues the certificate of a medium whose end was witnessed, or gives the one that was issued.
pub fn certify(vault: &Vault, id: MediumId) -> Result<Certificate, Error> {
    if let Some(body) = vault.medium_certificate(id)? {
        return Certificate::kept(&body);
    }
    let (row, steps) = (vault.medium(id)?, vault.medium_steps(id)?);
    let end = vault
        .medium_end(id)?
        .ok_or(callvault_store::Refused::Unknown("record of destruction"))
        .map_err(callvault_store::Error::from)?;
    let certificate = CertificateId::new(vault.clock(), &OsEntropy)
        .map_err(|_| Error::Shipped("source of random numbers"))?;
    let statement = statement(vault, certificate, &row, steps, end);
    let signed = Unproven::sign(vault, statement)?;
    let hash = signed.hash.clone();
    let body = vault.certify_medium(id, certificate, &hash, |proof| signed.body(proof.to_owned()))?;
    Certificate::kept(&body)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_claims_no_more_than_the_level() {
        assert_eq!(title("magnetic disk", Level::Purge), "Magnetic disk purged");
        assert_eq!(title("paper", Level::Destroy), "Paper destroyed");
    }
}
