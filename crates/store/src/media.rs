//! Destruction of what lies outside the vault, announced in its ledger.

use crate::{Error, Vault};
use callvault_ledger::Kind;
use callvault_model::id::CertificateId;

impl Vault {
    /// Announces the certificate of a destroyed file or medium; gives the text that proves the entry offline.
    /// `medium` and `level` are codes.
    pub fn announce_media(
        &self,
        certificate: CertificateId,
        statement_sha256: &str,
        medium: &'static str,
        level: &'static str,
    ) -> Result<String, Error> {
        let seq = self.command("announce media", |c| {
            c.log(
                Kind::SourceDisposed,
                None,
                None,
                &[
                    ("certificate", certificate.to_string().into()),
                    ("statement_sha256", statement_sha256.into()),
                    ("medium", medium.into()),
                    ("level", level.into()),
                ],
            );
            crate::ledger::size(&c.tx)
        })?;
        self.ledger_proof(seq)
    }
}
