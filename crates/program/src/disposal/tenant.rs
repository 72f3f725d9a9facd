//! Ending a tenant: its vault is asked what may not go, its root key is destroyed, that is proven, its files are taken away,
//! and a certificate says so in the words of NIST SP 800-88 Rev. 2.

use super::Level;
use crate::{
    Error, dial,
    request::{
        erase::{Agreement, answered},
        plan,
        receipt::Remains,
    },
    signed::{self, Signed, Unproven},
};
use callvault_ledger::Kind;
use callvault_model::id::DecisionId;
use callvault_store::{
    Actor, Refused, Vault,
    tenants::{EndTenant, Ended, Gone, TenantName, TenantState},
    two_person::Shared,
};
use serde::{Deserialize, Serialize};
use std::fs;

/// Names the form of the certificate.
pub const FORMAT: &str = "callvault-tenant-disposal/1";
/// What the terms mean.
pub const STANDARD: &str = "Terms in the words of NIST SP 800-88 Rev. 2. Cryptographic erase: what was encrypted before it was first written is unreadable, for its key was destroyed. Clear: the blocks of a file were overwritten in place. Purge and Destroy are not claimed of any medium";

/// What a certificate says; its hash stands in the ledger of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`FORMAT`].
    pub format: String,
    /// Its id.
    pub id: String,
    /// What it comes to.
    pub title: String,
    /// The vault of the host, which signed.
    pub vault: String,
    /// The vault of the tenant.
    pub tenant: String,
    /// The tenant's name.
    pub name: String,
    /// RFC 3339.
    pub issued_at: String,
    /// What was done.
    pub method: String,
    /// Eight public bytes that named the destroyed root key, hexadecimal.
    pub key_fingerprint: String,
    /// The shred epoch that the key was wrapped in.
    pub key_epoch: String,
    /// When no live copy of the key was left.
    pub live_erased_at: String,
    /// When the last backup loses the key it would need, where that is known.
    pub irrecoverable_at: Option<String>,
    /// How that was verified.
    pub verification: Vec<String>,
    /// What is claimed of the files that held ids and times in clear and were overwritten.
    pub files_level: Level,
    /// Why no more is claimed.
    pub limits: Vec<String>,
    /// What the terms mean.
    pub standard: String,
    /// What remains, why, and until when.
    pub remains: Vec<Remains>,
    /// The verifier key of the tenant's own ledger and certificates.
    pub tenant_vkey: String,
    /// The last signed checkpoint of the tenant's ledger: an export of it can be held against this.
    pub last_checkpoint: Option<String>,
    /// Who ordered it.
    pub ordered_by: String,
    /// Who agreed, or why nobody had to.
    pub approval: String,
    /// Why, masked by the detector.
    pub reason: String,
}

/// The certificate of a tenant that ended.
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
        vec![("tenant_vault", &self.tenant)]
    }
}

/// Whether a second person agreed to end a tenant, where one is needed.
pub fn agreement(vault: &Vault, name: &TenantName) -> Result<Agreement, Error> {
    // What is destroyed already needs nobody's leave to be proven and certified.
    let destroyed = matches!(vault.tenant_named(name)?.state, TenantState::Ending | TenantState::Ended);
    if destroyed || !vault.ending_takes_two()? {
        return Ok(Agreement::NotNeeded);
    }
    answered(vault, Shared::EndTenant, ("tenant", name.as_str()))
}

/// The terms on which a second person agrees.
pub fn terms(name: &TenantName) -> serde_json::Value {
    serde_json::json!({ "tenant": name.as_str() })
}

/// Ends a tenant and certifies it, or goes on where a kill stopped that; of one that ended it gives the certificate.
/// `reason` has passed the detector.
pub fn end(
    vault: &Vault,
    actor: &Actor,
    name: &TenantName,
    agreed: Option<DecisionId>,
    reason: &str,
) -> Result<Certificate, Error> {
    let row = vault.tenant_named(name)?;
    if let Some(id) = row.certificate {
        let all = vault.tenant_certificates()?;
        let mut all = all.iter().filter_map(|body| Certificate::parse(body.as_bytes()).ok());
        return all
            .find(|c| c.statement.id == id.to_string())
            .ok_or(Error::Shipped("form of the certificate"));
    }
    let asked = match row.state {
        TenantState::Live => Some(vault.open_tenant(name)?),
        TenantState::Unfinished if !vault.never_made(name)? => Some(vault.open_tenant(name)?),
        _ => None,
    };
    if let Some(tenant) = &asked
        && let Some(why) = plan::whole(tenant, &*dial::packs(tenant)?)?
    {
        let until = why.until.unwrap_or_else(|| "a day that no row of law dates".into());
        let refused = Refused::TenantMinimum { rule: why.rule, cite: why.cite, until };
        return Err(callvault_store::Error::from(refused).into());
    }
    let ended = vault.end_tenant(actor, EndTenant { name, vault: asked, agreed, reason })?;
    let gone = vault.prove_ended(name, &ended)?;
    let statement = state(vault, &ended, &gone)?;
    let signed = Unproven::sign(vault, statement)?;
    let hash = signed.hash.clone();
    Certificate::kept(&vault.certify_tenant(&ended, &hash, |proof| signed.body(proof))?)
}

/// Proves and certifies what a kill left between key and certificate; how many tenants.
pub fn go_on(vault: &Vault, actor: &Actor) -> Result<usize, Error> {
    let mut done = 0usize;
    for tenant in vault.tenants()?.into_iter().filter(|t| t.state == TenantState::Ending) {
        end(vault, actor, &tenant.name.parse()?, None, "")?;
        done = done.saturating_add(1);
    }
    Ok(done)
}

fn state(vault: &Vault, ended: &Ended, gone: &Gone) -> Result<Statement, Error> {
    let meta = fs::metadata(vault.dir()).map_err(Error::file(vault.dir()))?;
    let (files_level, limits) = super::judge(&super::ground(vault.dir(), &meta));
    let t = &ended.tenant;
    Ok(Statement {
        format: FORMAT.into(),
        id: ended.certificate.to_string(),
        title: format!("Tenant {} ended: everything in its vault is unreadable", t.name),
        vault: vault.id().to_string(),
        tenant: t.id.to_string(),
        name: t.name.clone(),
        issued_at: vault.clock().now().to_string(),
        method: "cryptographic erase (NIST SP 800-88 Rev. 2): everything people said, wrote or are called was encrypted \
                 before it was first written, and the one key above all its keys was destroyed. Then the files were taken \
                 away: the database, which holds ids and times in clear, and what lay beside it overwritten once and \
                 unlinked, sealed files unlinked."
            .into(),
        key_fingerprint: t.key_fingerprint.clone(),
        key_epoch: ended.epoch.to_string(),
        live_erased_at: t.ended_at.clone().unwrap_or_default(),
        irrecoverable_at: None,
        verification: checks(gone),
        files_level,
        limits,
        standard: STANDARD.into(),
        remains: remains(ended),
        tenant_vkey: t.vkey.clone(),
        last_checkpoint: ended.last_checkpoint.clone(),
        ordered_by: t.ended_by.clone().unwrap_or_default(),
        approval: ended.agreed_by.clone().map_or_else(
            || "nobody else could agree: one person works in the host at most".to_owned(),
            |who| format!("agreed to by {who}"),
        ),
        reason: ended.reason.clone(),
    })
}

fn checks(gone: &Gone) -> Vec<String> {
    vec![
        "opening the tenant's vault through the host was refused: its key is destroyed".into(),
        if gone.scanned_files == 0 {
            "the row of the wrapped key is NULL in the host's database".into()
        } else {
            "write-ahead log of the host's database emptied (wal_checkpoint TRUNCATE, no reader in the way)".into()
        },
        match gone.scanned_bytes {
            Some(bytes) => format!(
                "the leading bytes of the wrapped key were looked for in {bytes} bytes of {} database files of the host and \
                 not found",
                gone.scanned_files
            ),
            None if gone.scanned_files == 0 => "no byte scan: the rows of the host are on a database server, whose files, logs and \
                     replicas keep the wrapped key until the key of its shred epoch is destroyed"
                .into(),
            None => "no byte scan: this was interrupted after the wrapped key had left its row, so its bytes were no longer \
                     known; the write-ahead log was emptied afterwards"
                .into(),
        },
        format!(
            "{} epoch keys and lists beside the host's key file overwritten and unlinked, none is left",
            gone.keys_overwritten
        ),
        format!(
            "{} files overwritten and unlinked, {} sealed files unlinked; the tenant's directory is gone",
            gone.files_overwritten, gone.files_unlinked
        ),
    ]
}

fn remains(ended: &Ended) -> Vec<Remains> {
    let line = |what: String, why: &str, until: &str| Remains { what, why: why.into(), until: until.into() };
    vec![
        line(
            "backups of the host made before, and their copies".into(),
            "they hold the wrapped key; a restore destroys it again before anybody can read it",
            &format!(
                "the key of shred epoch {} is destroyed, which the host's ledger will say; 30 days after it was retired, or at \
                 `callvault keys roll --destroy-retired`",
                ended.epoch
            ),
        ),
        line(
            "backups of the tenant and copies of its sealed files, wherever they lie".into(),
            "ciphertext under the destroyed key; ids, times and lengths in such a backup stand under the key of backups, which \
             was overwritten where it lay beside the host's key file",
            "somebody destroys them, and every copy of that key of backups",
        ),
        line(
            "entries in the host's ledger, name, dates and fingerprint of the tenant".into(),
            "proof of what was done; they hold nothing of a conversation",
            "the host's vault ends",
        ),
        line(
            "source files, telephone, mail and chat systems, exports and what was handed over".into(),
            "beyond this vault's knowledge",
            "not known",
        ),
    ]
}

#[cfg(test)]
mod tests;
