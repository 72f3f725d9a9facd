//! The end of a tenant: one command destroys the wrap of its root key, however much lies in its vault; then that is
//! proven, its epochs, erasures and files are taken away, and the certificate waits for all of it. Killed anywhere, the
//! next call goes on.

use super::{ROOT, Stored, TABLE, TenantName, TenantRow, TenantState, known, place};
use crate::{
    Actor, Command, Error, Refused, Vault,
    db::{Connection, OptionalExtension, params},
    erase::people,
    keys::id_of,
    ledger::newest,
    settings::disposal_in,
    shred::contains_any,
    sweep::needle,
    two_person::{self, Shared},
    vault::{key_files, place_of},
};
use callvault_ledger::Kind;
use callvault_model::{
    Channel,
    id::{CertificateId, DecisionId, EpochId},
};
use callvault_seal::files;
use std::path::PathBuf;

/// What lies beside the key file under a tenant's id, besides its epochs.
const BESIDE: [&str; 2] = ["erased", "backup-key"];

/// What is wanted.
#[derive(Debug)]
pub struct EndTenant<'a> {
    /// Which.
    pub name: &'a TenantName,
    /// Its vault, opened and asked; it is held until its key is destroyed, so that nobody opens it meanwhile. Absent where
    /// none was ever finished.
    pub vault: Option<Vault>,
    /// The agreement of a second person, where one is needed.
    pub agreed: Option<DecisionId>,
    /// Why, masked by the detector.
    pub reason: &'a str,
}

/// A tenant whose key is destroyed.
#[derive(Debug)]
pub struct Ended {
    /// The tenant.
    pub tenant: TenantRow,
    /// The id of the certificate it ends with.
    pub certificate: CertificateId,
    /// The shred epoch the key was wrapped in: host backups lose the key when this epoch's key is destroyed.
    pub epoch: EpochId,
    /// Who agreed, where that was needed.
    pub agreed_by: Option<String>,
    /// Why.
    pub reason: String,
    /// The last signed checkpoint of its ledger.
    pub last_checkpoint: Option<String>,
    /// The beginning of the wrap, to look for; unknown when a kill came between.
    needle: Option<Vec<u8>>,
}

/// What was looked at and taken away after the key was destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Bytes of the host's database files searched for the wrap; `None` when after an interruption it was no longer known.
    pub scanned_bytes: Option<u64>,
    /// Database files of the host; none where its rows are on a server.
    pub scanned_files: usize,
    /// Epoch keys and lists beside the key file, overwritten.
    pub keys_overwritten: u64,
    /// Files of its vault that were overwritten: the database and what lay beside it.
    pub files_overwritten: u64,
    /// Sealed files of its vault that were unlinked.
    pub files_unlinked: u64,
}

impl Vault {
    /// What in this vault forbids to destroy all of it.
    fn kept_whole(&self) -> Result<Option<Refused>, Error> {
        let db = self.db();
        let count = |sql: &str| -> Result<u64, Error> {
            Ok(db.query_row(sql, [], |r| r.get::<_, i64>(0))?.unsigned_abs())
        };
        let holds = count("SELECT COUNT(*) FROM hold WHERE released_at IS NULL")?;
        let marked = count("SELECT COUNT(*) FROM must_keep")?;
        let restricted = count("SELECT COUNT(*) FROM restriction WHERE lifted_at IS NULL AND purpose = ''")?;
        Ok((holds > 0 || marked > 0 || restricted > 0).then_some(Refused::TenantKeeps {
            holds,
            marked,
            restricted,
        }))
    }

    /// When the newest conversation of a channel came in, RFC 3339.
    pub fn newest_received(&self, channel: Channel) -> Result<Option<String>, Error> {
        let sql = "SELECT MAX(received_at) FROM conversation WHERE channel = ?1";
        Ok(self.db().query_row(sql, params![channel.as_str()], |r| r.get(0))?)
    }

    /// Whether ending a tenant takes two people in this host.
    pub fn ending_takes_two(&self) -> Result<bool, Error> {
        Ok(people(&self.db())? > 1)
    }

    /// Command *end tenant*: the wrap of its root key leaves the database. Its time does not grow with the tenant's vault.
    /// Of a tenant whose key is destroyed already it gives what is known.
    pub fn end_tenant(&self, by: &Actor, order: EndTenant<'_>) -> Result<Ended, Error> {
        self.refuse_guest()?;
        let stored = known(&self.db(), order.name)?;
        if stored.row.state == TenantState::Ended {
            return Err(Refused::Closed("tenant").into());
        }
        let needle = match &stored.wrapped {
            None => None,
            Some(_) => Some(self.destroy_root(by, &stored, &order)?),
        };
        // Held until here: nobody opened it between the questions and the act.
        drop(order.vault);
        self.empty_wal()?;
        self.ended(order.name, needle)
    }

    /// Whether no vault was ever finished in the place of a tenant, so that nothing can lie in it.
    pub fn never_made(&self, name: &TenantName) -> Result<bool, Error> {
        let dir = place(self.dir(), name);
        Ok(!place_of(&dir)?.exists() || Self::begun(&dir)?.is_some())
    }

    /// The beginning of the wrap that was destroyed.
    fn destroy_root(&self, by: &Actor, stored: &Stored, order: &EndTenant<'_>) -> Result<Vec<u8>, Error> {
        let id = stored.row.id;
        crate::holds::check_reason(order.reason, "the reason")?;
        let checkpoint = match &order.vault {
            Some(vault) if vault.id() != id || !vault.guest => return Err(Error::WrongKey),
            Some(vault) => {
                if let Some(refused) = vault.kept_whole()? {
                    return Err(refused.into());
                }
                Some(newest(&vault.db())?)
            }
            None if stored.row.state == TenantState::Unfinished && self.never_made(order.name)? => None,
            None => {
                return Err(Refused::invalid(
                    "the tenant's vault was not asked for holds",
                    "let it be opened first; where it is lost, restore its backup",
                )
                .into());
            }
        };
        let certificate = CertificateId::new(self.clock.as_ref(), &self.entropy)?;
        self.command_as(by, "end tenant", |c| {
            if disposal_in(&c.tx)?.is_none() {
                return Err(Refused::ObserveMode.into());
            }
            let agreed_by = self.tenant_agreed(c, order)?;
            // Read here: a roll may have wrapped it anew meanwhile.
            let wrapped: Option<Vec<u8>> = c.one(
                "SELECT wrapped_key FROM tenant_vault WHERE id = ?1",
                params![id.as_bytes()],
                |r| r.get(0),
            )?;
            let wrapped = wrapped.ok_or(Refused::Closed("tenant"))?;
            c.run(
                "UPDATE tenant_vault SET wrapped_key = NULL, ended_at = ?2, ended_by = ?3, agreed_by = ?4, sealed_end = ?5,
                   last_checkpoint = ?6, certificate = ?7 WHERE id = ?1",
                params![
                    id.as_bytes(),
                    c.now,
                    c.actor(),
                    agreed_by,
                    self.seal_own(TABLE, id.as_bytes(), "end", order.reason)?,
                    checkpoint.as_ref().map(|(_, note)| note.as_str()),
                    certificate.as_bytes()
                ],
            )?;
            c.log(
                Kind::TenantEnded,
                None,
                None,
                &[
                    ("tenant_vault", id.to_string().into()),
                    ("key", stored.row.key_fingerprint.as_str().into()),
                    ("entries", checkpoint.as_ref().map_or(0, |(size, _)| *size).into()),
                    ("certificate", certificate.to_string().into()),
                ],
            );
            Ok(needle(wrapped))
        })
    }

    /// Uses up the agreement, where one is needed.
    fn tenant_agreed(&self, c: &mut Command<'_>, order: &EndTenant<'_>) -> Result<Option<String>, Error> {
        let Some(id) = order.agreed else {
            if people(&c.tx)? > 1 {
                return Err(Refused::NeedsAgreement.into());
            }
            return Ok(None);
        };
        let agreed = two_person::use_up(c, id, Shared::EndTenant, self.clock.now())?;
        if agreed.facts.get("tenant").and_then(serde_json::Value::as_str) != Some(order.name.as_str()) {
            return Err(Refused::invalid("the agreement is about another tenant", "ask anew").into());
        }
        Ok(Some(Actor::Account(agreed.approved_by).to_string()))
    }

    fn ended(&self, name: &TenantName, needle: Option<Vec<u8>>) -> Result<Ended, Error> {
        let stored = known(&self.db(), name)?;
        let id = stored.row.id;
        type Rest = (Option<Vec<u8>>, Option<String>, Option<Vec<u8>>, Option<String>);
        let (certificate, agreed_by, sealed, last_checkpoint): Rest = self.db().query_row(
            "SELECT certificate, agreed_by, sealed_end, last_checkpoint FROM tenant_vault WHERE id = ?1",
            params![id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )?;
        // A restored host that ended it again knows no certificate of it.
        let certificate = match certificate {
            Some(id) => id_of(&id)?,
            None => CertificateId::new(self.clock.as_ref(), &self.entropy)?,
        };
        let reason = sealed.map(|s| self.open_own(TABLE, id.as_bytes(), "end", &s)).transpose()?;
        Ok(Ended {
            tenant: stored.row,
            certificate,
            epoch: stored.epoch,
            agreed_by,
            reason: reason
                .unwrap_or_else(|| "ended before; the host was restored from a backup since".into()),
            last_checkpoint,
            needle,
        })
    }

    /// The negative proof, and everything taken away that only the destroyed key opened. Repeating it is harmless.
    pub fn prove_ended(&self, name: &TenantName, ended: &Ended) -> Result<Gone, Error> {
        match self.open_tenant(name) {
            Err(Error::TenantEnded { .. }) => {}
            Err(other) => return Err(other),
            Ok(_) => return Err(Error::Residue(self.dir().to_owned())),
        }
        let files = key_files(self.dir());
        let mut scanned_bytes = None;
        let searched = ended.needle.as_ref().filter(|_| !files.is_empty());
        if let Some(needle) = searched {
            let mut total = 0u64;
            for path in &files {
                if contains_any(path, std::slice::from_ref(needle))? {
                    return Err(Error::Residue(path.clone()));
                }
                total = total.saturating_add(std::fs::metadata(path).map_err(Error::file(path))?.len());
            }
            scanned_bytes = Some(total);
        }
        let beside = self.keys_of_tenant(ended.tenant.id);
        let mut keys = files::shred_tree(&beside.with_extension("epochs"), &|_| false)?.overwritten;
        for end in BESIDE {
            let path = beside.with_extension(end);
            if path.symlink_metadata().is_ok() {
                files::shred_file(&path)?;
                keys = keys.saturating_add(1);
            }
        }
        // Ids and times stand clear in the database; what is sealed was encrypted before it was first written.
        let sealed = |path: &std::path::Path| path.extension().is_some_and(|e| e == "sealed");
        let felled = files::shred_tree(&place(self.dir(), name), &sealed)?;
        Ok(Gone {
            scanned_bytes,
            scanned_files: files.len(),
            keys_overwritten: keys,
            files_overwritten: felled.overwritten,
            files_unlinked: felled.unlinked,
        })
    }

    /// Where the vault of a tenant lay.
    pub fn tenant_place(&self, name: &TenantName) -> PathBuf {
        place(self.dir(), name)
    }

    /// Command *certify tenant*: the commitment enters the ledger first; `finish` gets the proof of that entry and makes
    /// the whole certificate.
    pub fn certify_tenant(
        &self,
        ended: &Ended,
        statement_sha256: &str,
        finish: impl FnOnce(String) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let id = ended.tenant.id;
        if alive(&self.db(), id.as_bytes())? {
            return Err(Refused::invalid("no certificate of a tenant that lives", "end it first").into());
        }
        let seq = self.command("announce certificate", |c| {
            c.log(
                Kind::CertificateIssued,
                None,
                None,
                &[
                    ("certificate", ended.certificate.to_string().into()),
                    ("tenant_vault", id.to_string().into()),
                    ("statement_sha256", statement_sha256.into()),
                ],
            );
            crate::ledger::size(&c.tx)
        })?;
        let body = finish(self.ledger_proof(seq)?)?;
        self.command("certify tenant", |c| {
            c.run(
                "UPDATE tenant_vault SET certificate = ?2, issued_at = ?3, body = ?4 WHERE id = ?1 AND body IS NULL",
                params![id.as_bytes(), ended.certificate.as_bytes(), c.now, body],
            )
        })?;
        Ok(body)
    }

    /// The certificates of all tenants that ended, oldest first.
    pub fn tenant_certificates(&self) -> Result<Vec<String>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT body FROM tenant_vault WHERE body IS NOT NULL ORDER BY certificate")?;
        let rows = statement.query_map([], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Whether a wrap stands in the row.
fn alive(db: &Connection, id: &[u8]) -> Result<bool, Error> {
    let found: Option<bool> = db
        .query_row("SELECT wrapped_key IS NOT NULL FROM tenant_vault WHERE id = ?1", params![id], |r| {
            r.get(0)
        })
        .optional()?;
    found.ok_or_else(|| Refused::Unknown(ROOT).into())
}
