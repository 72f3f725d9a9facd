//! Whole drives that are overwritten: how far that came, so that it goes on after a crash, and the certificate at its end.

use crate::db::{OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault, keys::id_of};
use callvault_ledger::Kind;
use callvault_model::id::{CertificateId, MediumId};

const TABLE: &str = "device_disposal";
const FIELD: &str = "device";
/// Overwrites that were begun and not finished.
const MAX_OPEN: i64 = 1_000;

/// An overwrite that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceJob {
    /// Its id, and that of the certificate it ends with.
    pub id: CertificateId,
    /// Bytes of the device, from its start, that were overwritten and flushed.
    pub written: u64,
    /// How often it was begun or gone on with, this time included.
    pub runs: u32,
    /// The drive in the register.
    pub medium: Option<MediumId>,
    /// RFC 3339.
    pub started_at: String,
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Vault {
    /// Command *begin device*: a new overwrite, or the unfinished one of the same device and size. `device` names it; it is
    /// kept sealed, and no more than the size and a code enter the ledger.
    pub fn begin_device(
        &self,
        by: &Actor,
        device: &str,
        kind: &'static str,
        bytes: u64,
        medium: Option<MediumId>,
    ) -> Result<DeviceJob, Error> {
        let open = self.unfinished_device(device, bytes)?;
        let id = match open {
            Some(id) => id,
            None => CertificateId::new(self.clock.as_ref(), &self.entropy)?,
        };
        self.command_as(by, "begin device", |c| {
            let many: i64 =
                c.tx.query_row("SELECT COUNT(*) FROM device_disposal WHERE body IS NULL", [], |r| r.get(0))?;
            if many >= MAX_OPEN {
                return Err(Refused::invalid("a thousand unfinished overwrites", "finish some of them").into());
            }
            c.tx.execute(
                "INSERT INTO device_disposal (id, sealed_device, bytes, written, runs, medium, started_at, started_by)
                 VALUES (?1, ?2, ?3, 0, 1, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET runs = runs + 1",
                params![
                    id.as_bytes(),
                    self.seal_own(TABLE, id.as_bytes(), FIELD, device)?,
                    signed(bytes),
                    medium.map(|m| m.as_bytes().to_vec()),
                    c.now,
                    c.actor()
                ],
            )?;
            let job = c.tx.query_row(
                "SELECT written, runs, medium, started_at FROM device_disposal WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get::<_, i64>(0)?, r.get(1)?, r.get::<_, Option<Vec<u8>>>(2)?, r.get(3)?)),
            )?;
            let (written, runs, medium, started_at) = job;
            let medium = medium.as_deref().map(id_of).transpose()?;
            c.log(
                Kind::DisposalRequested,
                None,
                None,
                &[
                    ("certificate", id.to_string().into()),
                    ("medium", kind.into()),
                    ("bytes", bytes.to_string().into()),
                    ("run", u64::from(runs).to_string().into()),
                ],
            );
            Ok(DeviceJob { id, written: written.unsigned_abs(), runs, medium, started_at })
        })
    }

    fn unfinished_device(&self, device: &str, bytes: u64) -> Result<Option<CertificateId>, Error> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = {
            let db = self.db();
            let mut statement = db.prepare_cached(
                "SELECT id, sealed_device FROM device_disposal WHERE body IS NULL AND bytes = ?1 ORDER BY id",
            )?;
            let rows = statement.query_map(params![signed(bytes)], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (id, sealed) in rows {
            if self.open_own(TABLE, &id, FIELD, &sealed)? == device {
                return Ok(Some(id_of(&id)?));
            }
        }
        Ok(None)
    }

    /// Command *device written*: so far it was overwritten and flushed. Zero when reading back found old bytes.
    pub fn device_written(&self, id: CertificateId, written: u64) -> Result<(), Error> {
        self.command("device written", |c| {
            let changed = c.tx.execute(
                "UPDATE device_disposal SET written = ?2 WHERE id = ?1 AND body IS NULL",
                params![id.as_bytes(), signed(written)],
            )?;
            if changed == 1 { Ok(()) } else { Err(Refused::Closed("overwrite").into()) }
        })
    }

    /// Command *certify device*: the commitment enters the ledger first; `finish` gets the proof of that entry and makes
    /// the whole certificate. Whoever calls this has read every block back.
    pub fn certify_device(
        &self,
        id: CertificateId,
        statement_sha256: &str,
        kind: &'static str,
        level: &'static str,
        finish: impl FnOnce(String) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let done: Option<Option<i64>> = self
            .db()
            .query_row(
                "SELECT CASE WHEN body IS NULL AND written = bytes THEN 1 END FROM device_disposal WHERE id = ?1",
                params![id.as_bytes()],
                |r| r.get(0),
            )
            .optional()?;
        if done.flatten().is_none() {
            return Err(Refused::invalid(
                "no certificate of an unfinished overwrite",
                "let it come to its end",
            )
            .into());
        }
        let body = finish(self.announce_media(id, statement_sha256, kind, level)?)?;
        self.command("certify device", |c| {
            c.tx.execute(
                "UPDATE device_disposal SET finished_at = ?2, body = ?3 WHERE id = ?1",
                params![id.as_bytes(), c.now, body],
            )?;
            Ok(())
        })?;
        Ok(body)
    }

    /// The certificates of all drives that were overwritten, oldest first.
    pub fn device_certificates(&self) -> Result<Vec<String>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT body FROM device_disposal WHERE body IS NOT NULL ORDER BY id")?;
        let rows = statement.query_map([], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
