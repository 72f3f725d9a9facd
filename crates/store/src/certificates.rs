//! Everything that was destroyed with a certificate, in one list: originals, people, drives, tenants. What has been entered
//! in the register of media has its certificate there.

use crate::db::{OptionalExtension, Row, params};
use crate::{Error, Vault, erase::PENDING, keys::id_of};
use callvault_model::id::{CertificateId, ConversationId, MediumId, SubjectId, VaultId};

/// What a certificate is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destroyed {
    /// The original of a conversation.
    Original(ConversationId),
    /// A person; the certificate is the receipt of the erasure.
    Person(SubjectId),
    /// A whole drive or disk image, and the drive's id in the register if it is in there.
    Drive(Option<MediumId>),
    /// A tenant with its whole vault.
    Tenant(VaultId),
}

/// One certificate.
#[derive(Debug, Clone)]
pub struct CertificateRow {
    /// Its id.
    pub id: CertificateId,
    /// What it is about.
    pub of: Destroyed,
    /// RFC 3339.
    pub issued_at: String,
    /// The signed certificate as JSON; absent while a receipt is being made.
    pub body: Option<String>,
}

const ALL: &str = "
SELECT id, 0 AS kind, conversation AS about, issued_at, body FROM certificate
UNION ALL SELECT id, 1, subject, issued_at, body FROM erasure_receipt
UNION ALL SELECT id, 2, medium, finished_at, body FROM device_disposal WHERE body IS NOT NULL
UNION ALL SELECT certificate, 3, id, issued_at, body FROM tenant_vault WHERE body IS NOT NULL";

type Raw = (Vec<u8>, i64, Option<Vec<u8>>, String, String);

fn raw(r: &Row<'_>) -> crate::db::Result<Raw> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
}

fn row((id, kind, about, issued_at, body): Raw) -> Result<CertificateRow, Error> {
    let of = match (kind, about) {
        (0, Some(id)) => Destroyed::Original(id_of(&id)?),
        (1, Some(id)) => Destroyed::Person(id_of(&id)?),
        (2, medium) => Destroyed::Drive(medium.as_deref().map(id_of).transpose()?),
        (3, Some(id)) => Destroyed::Tenant(id_of(&id)?),
        _ => return Err(Error::Corrupt("what a certificate is about")),
    };
    let body = Some(body).filter(|b| !b.starts_with(PENDING));
    Ok(CertificateRow { id: id_of(&id)?, of, issued_at, body })
}

impl Vault {
    /// The newest certificates, or those older than `after`; at most `limit`.
    pub fn destroyed(
        &self,
        after: Option<CertificateId>,
        limit: usize,
    ) -> Result<Vec<CertificateRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(&format!(
            "SELECT * FROM ({ALL}) AS every WHERE id < ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT ?2"
        ))?;
        let limit = crate::conversation::as_i64(limit as u64);
        let rows = statement
            .query_map(params![after.map(|a| *a.as_bytes()), limit], raw)?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(row).collect()
    }

    /// How many there are.
    pub fn destroyed_count(&self) -> Result<u64, Error> {
        let sql = "SELECT (SELECT COUNT(*) FROM certificate) + (SELECT COUNT(*) FROM erasure_receipt)
             + (SELECT COUNT(*) FROM device_disposal WHERE body IS NOT NULL)
             + (SELECT COUNT(*) FROM tenant_vault WHERE body IS NOT NULL)";
        let count: i64 = self.reads().query_row(sql, [], |r| r.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// One of them.
    pub fn destroyed_one(&self, id: CertificateId) -> Result<Option<CertificateRow>, Error> {
        let db = self.reads();
        let mut statement = db.prepare_cached(&format!("SELECT * FROM ({ALL}) WHERE id = ?1"))?;
        statement.query_row(params![id.as_bytes()], raw).optional()?.map(row).transpose()
    }
}
