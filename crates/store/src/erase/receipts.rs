//! What an erasure did is written down with it; the signed receipt follows, also after a kill.

use super::Erased;
use crate::db::params;
use crate::{Actor, Command, Error, Vault, keys::id_of, requests};
use callvault_ledger::Kind;
use callvault_model::id::{CertificateId, SubjectId};
use serde::Serialize;
use std::collections::BTreeSet;

/// A stored receipt.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptRow {
    /// Its id.
    pub id: CertificateId,
    /// Whom it is about.
    pub subject: SubjectId,
    /// RFC 3339.
    pub issued_at: String,
    /// Nothing was left but ids.
    pub complete: bool,
    /// The signed receipt as JSON; absent while it is being made.
    pub body: Option<String>,
}

impl Vault {
    /// Keeps the finished receipt of an erasure.
    pub fn keep_receipt(&self, actor: &Actor, erased: &Erased, body: &str) -> Result<(), Error> {
        self.command_as(actor, "keep receipt", |c| {
            c.run(
                "UPDATE erasure_receipt SET body = ?2 WHERE id = ?1",
                params![erased.receipt.as_bytes(), body],
            )?;
            Ok(())
        })
    }

    /// Announces a receipt; gives the text that proves the entry offline.
    pub fn announce_receipt(
        &self,
        actor: &Actor,
        erased: &Erased,
        statement_sha256: &str,
    ) -> Result<String, Error> {
        let seq = self.command_as(actor, "announce receipt", |c| {
            let facts = [
                ("certificate", erased.receipt.to_string().into()),
                ("statement_sha256", statement_sha256.into()),
            ];
            c.log(Kind::CertificateIssued, None, Some(erased.subject), &facts);
            crate::ledger::size(&c.tx)
        })?;
        self.ledger_proof(seq)
    }

    /// Receipts of a person, or all, newest first.
    pub fn erasure_receipts(&self, of: Option<SubjectId>) -> Result<Vec<ReceiptRow>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT id, subject, issued_at, complete, body FROM erasure_receipt
             WHERE subject = ?1 OR ?1 IS NULL ORDER BY id DESC LIMIT 5000",
        )?;
        let rows = statement
            .query_map(params![of.map(|s| *s.as_bytes())], |r| {
                Ok((
                    (r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?),
                    (r.get(2)?, r.get(3)?, r.get::<_, String>(4)?),
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|((id, subject), (issued_at, complete, body))| {
                let body = Some(body).filter(|b| !b.starts_with(PENDING));
                Ok(ReceiptRow { id: id_of(&id)?, subject: id_of(&subject)?, issued_at, complete, body })
            })
            .collect()
    }

    /// Takes the sealed files of these erasures away, as far as they are still there, and empties the log.
    pub fn take_erased_files_away(&self, erased: &[Erased]) -> Result<(), Error> {
        let mut originals = Vec::new();
        {
            let db = self.db();
            let mut of = db.prepare_cached(
                "SELECT id FROM object WHERE conversation = ?1 AND kind = 'original' AND key_destroyed_at IS NOT NULL",
            )?;
            let talks: BTreeSet<_> = erased.iter().flat_map(|e| &e.lines).map(|l| l.conversation).collect();
            for talk in talks {
                for id in of.query_map(params![talk.as_bytes()], |r| r.get::<_, Vec<u8>>(0))? {
                    originals.push(id_of(&id?)?);
                }
            }
        }
        self.empty_wal()?;
        self.remove_blobs(&originals)?;
        self.remove_dead_blobs()
    }

    /// Erasures whose receipt a kill prevented.
    pub fn erasures_without_receipt(&self) -> Result<Vec<Erased>, Error> {
        let db = self.db();
        let mut statement = db.prepare("SELECT body FROM erasure_receipt ORDER BY id")?;
        let rows = statement.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        rows.iter()
            .filter_map(|b| b.strip_prefix(PENDING))
            .map(|facts| serde_json::from_str(facts).map_err(|_| Error::Corrupt("an erasure")))
            .collect()
    }
}

/// In front of facts whose receipt is not made yet.
pub(crate) const PENDING: &str = "pending ";

pub(super) fn write_down(c: &mut Command<'_>, erased: &Erased) -> Result<(), Error> {
    let facts = serde_json::to_string(erased).map_err(|_| Error::Corrupt("an erasure"))?;
    c.run(
        "INSERT INTO erasure_receipt (id, subject, request, issued_at, complete, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            erased.receipt.as_bytes(),
            erased.subject.as_bytes(),
            erased.request.map(|r| *r.as_bytes()),
            c.now,
            erased.complete,
            format!("{PENDING}{facts}")
        ],
    )?;
    let count = |kept: bool| erased.lines.iter().filter(|l| l.kept.is_some() == kept).count();
    let mut facts = vec![
        ("receipt", erased.receipt.to_string().into()),
        ("keys", erased.keys.into()),
        ("erased", count(false).into()),
        ("kept", count(true).into()),
        ("read_backs", erased.read_backs.into()),
        ("contacts", erased.contacts.into()),
        ("complete", erased.complete.into()),
    ];
    facts.extend(erased.continues.map(|r| ("continues", r.to_string().into())));
    c.log(Kind::SubjectErased, None, Some(erased.subject), &facts);
    if let Some(request) = erased.request {
        let detail = if erased.complete { "complete" } else { "partly" };
        requests::changed(c, request, Some(erased.subject), "erased", detail)?;
    }
    Ok(())
}
