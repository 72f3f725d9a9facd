//! `callvault certificate list|export|verify`.

use super::{Done, Shared, verify};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::certificate;
use callvault_ledger::Options;
use callvault_program::{
    disposal::{device, tenant},
    request::receipt,
};
use callvault_seal::files;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Certificates of destruction: list them, export them, verify one offline
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Lists the certificates of the vault
    List,
    /// Writes every certificate as a file into a folder
    Export {
        /// The folder
        dir: PathBuf,
    },
    /// Verifies certificate files offline
    Verify {
        /// The certificates
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The vault's verifier key; without it the key inside the certificate is believed
        #[arg(long, value_name = "KEY")]
        vkey: Option<String>,
        /// A ledger export or data directory that must hold the certificate's entry, too
        #[arg(long, value_name = "PATH")]
        ledger: Option<PathBuf>,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    match &args.act {
        Act::List => list(shared),
        Act::Export { dir } => {
            let n = export(&wire::open(shared)?, dir)?;
            out::line(&format!("{n} certificates in {}", dir.display()));
            Ok(Done::Ok)
        }
        Act::Verify { files, vkey, ledger } => {
            let mut done = Done::Ok;
            for file in files {
                if check(shared, file, vkey.as_deref(), ledger.as_deref())? == Done::Finding {
                    done = Done::Finding;
                }
            }
            Ok(done)
        }
    }
}

fn list(shared: &Shared) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    for body in vault.device_certificates()? {
        let made = device::parse(body.as_bytes()).map_err(anyhow::Error::msg)?;
        let s = &made.statement;
        if shared.json {
            out::line(&serde_json::to_string(&made)?);
        } else {
            let level = s.level.as_str();
            out::line(&format!(
                "{}  {} {}  {}  overwritten, level {level}",
                s.id, s.kind, s.name, s.issued_at
            ));
        }
    }
    for body in vault.tenant_certificates()? {
        let made = tenant::parse(body.as_bytes()).map_err(anyhow::Error::msg)?;
        if shared.json {
            out::line(&serde_json::to_string(&made)?);
        } else {
            let s = &made.statement;
            out::line(&format!("{}  tenant {}  {}  {}", s.id, s.tenant, s.issued_at, s.title));
        }
    }
    for (conversation, body) in vault.certificates()? {
        let c = certificate::parse(body.as_bytes())?;
        if shared.json {
            out::line(&body);
        } else {
            out::line(&format!(
                "{}  {}  {}  {}",
                c.statement.id, conversation, c.statement.issued_at, c.statement.title
            ));
        }
    }
    Ok(Done::Ok)
}

/// Writes all certificates as `<id>.json`; returns how many.
pub fn export(vault: &callvault_store::Vault, dir: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let all = vault.certificates()?;
    for (_, body) in &all {
        let c = certificate::parse(body.as_bytes())?;
        written(&dir.join(format!("{}.json", c.statement.id)), &serde_json::to_string_pretty(&c)?)?;
    }
    let drives = vault.device_certificates()?;
    for body in &drives {
        let made = device::parse(body.as_bytes()).map_err(anyhow::Error::msg)?;
        written(&dir.join(format!("{}.json", made.statement.id)), body)?;
    }
    let tenants = vault.tenant_certificates()?;
    for body in &tenants {
        let made = tenant::parse(body.as_bytes()).map_err(anyhow::Error::msg)?;
        written(&dir.join(format!("{}.json", made.statement.id)), body)?;
    }
    Ok(all.len().saturating_add(drives.len()).saturating_add(tenants.len()))
}

/// Writes a file that appears whole or not at all.
fn written(path: &Path, body: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, body).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())?;
    Ok(files::sync_parent(path)?)
}

fn check(shared: &Shared, file: &Path, vkey: Option<&str>, ledger: Option<&Path>) -> anyhow::Result<Done> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    if let Ok(receipt) = receipt::parse(&bytes) {
        return check_receipt(shared, file, &receipt, vkey, ledger);
    }
    if let Ok(made) = device::parse(&bytes) {
        return check_device(shared, file, &made, vkey, ledger);
    }
    if let Ok(made) = tenant::parse(&bytes) {
        return check_tenant(shared, file, &made, vkey, ledger);
    }
    let checked = certificate::parse(&bytes).and_then(|c| certificate::verify(&c, vkey).map(|()| c));
    let certificate = match checked {
        Ok(c) => c,
        Err(why) => return refuse(shared, &format!("{}: {why}", file.display())),
    };
    if let Some(broken) = contradicts(ledger, &certificate.ledger_proof, &certificate.vkey)? {
        return refuse(shared, &format!("{} does not fit the ledger: {broken}", file.display()));
    }
    let s = &certificate.statement;
    if shared.json {
        out::json(
            &json!({"ok": true, "id": s.id, "title": s.title, "conversation": s.conversation, "key_given": vkey.is_some()}),
        )?;
    } else {
        out::line(&format!(
            "ok: {} ({}), conversation {}, issued {}",
            s.title, s.id, s.conversation, s.issued_at
        ));
        out::line(&format!("    {}", s.proof_in_words));
        for copy in &s.copies {
            out::line(&format!("    {:<14} {:<10} {}", copy.place, copy.state.as_str(), copy.note));
        }
        if vkey.is_none() {
            out::line("    checked against the key inside the certificate; pass --vkey to check whose it is");
        }
    }
    Ok(Done::Ok)
}

/// The certificate of an overwritten drive.
fn check_device(
    shared: &Shared,
    file: &Path,
    made: &device::Certificate,
    vkey: Option<&str>,
    ledger: Option<&Path>,
) -> anyhow::Result<Done> {
    if let Err(why) = device::verify(made, vkey) {
        return refuse(shared, &format!("{}: {why}", file.display()));
    }
    if let Some(broken) = contradicts(ledger, &made.ledger_proof, &made.vkey)? {
        return refuse(shared, &format!("{} does not fit the ledger: {broken}", file.display()));
    }
    let s = &made.statement;
    if shared.json {
        out::json(
            &json!({"ok": true, "id": s.id, "level": s.level, "serial": s.serial, "key_given": vkey.is_some()}),
        )?;
        return Ok(Done::Ok);
    }
    out::line(&format!("ok: {} {} ({}), {} bytes, issued {}", s.kind, s.name, s.id, s.bytes, s.issued_at));
    out::line(&format!("    level {}; {}", s.level.as_str(), s.verification));
    for limit in &s.limits {
        out::line(&format!("    {limit}"));
    }
    Ok(Done::Ok)
}

/// The certificate of a tenant that ended.
fn check_tenant(
    shared: &Shared,
    file: &Path,
    made: &tenant::Certificate,
    vkey: Option<&str>,
    ledger: Option<&Path>,
) -> anyhow::Result<Done> {
    if let Err(why) = tenant::verify(made, vkey) {
        return refuse(shared, &format!("{}: {why}", file.display()));
    }
    if let Some(broken) = contradicts(ledger, &made.ledger_proof, &made.vkey)? {
        return refuse(shared, &format!("{} does not fit the ledger: {broken}", file.display()));
    }
    let s = &made.statement;
    if shared.json {
        out::json(
            &json!({"ok": true, "id": s.id, "title": s.title, "tenant": s.tenant, "key_given": vkey.is_some()}),
        )?;
        return Ok(Done::Ok);
    }
    out::line(&format!("ok: {} ({}), issued {}", s.title, s.id, s.issued_at));
    s.verification.iter().for_each(|line| out::line(&format!("    {line}")));
    for r in &s.remains {
        out::line(&format!("    remains: {} ({}), until {}", r.what, r.why, r.until));
    }
    Ok(Done::Ok)
}

/// Why a ledger, if one was given, does not fit the checkpoint that a certificate carries.
fn contradicts(ledger: Option<&Path>, proof: &str, vkey: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = ledger else { return Ok(None) };
    // The certificate carries a signed checkpoint; a ledger that contradicts it was rewritten.
    let anchor = proof.split_once("\n\n").map(|(_, note)| note.to_owned());
    let options = Options { key: Some(vkey.parse()?), anchors: anchor.into_iter().collect() };
    Ok(verify::check(path, &options)?.err().map(|broken| broken.why.to_string()))
}

/// The receipt of a person's erasure.
fn check_receipt(
    shared: &Shared,
    file: &Path,
    receipt: &receipt::Receipt,
    vkey: Option<&str>,
    ledger: Option<&Path>,
) -> anyhow::Result<Done> {
    if let Err(why) = receipt::verify(receipt, vkey) {
        return refuse(shared, &format!("{}: {why}", file.display()));
    }
    if let Some(broken) = contradicts(ledger, &receipt.ledger_proof, &receipt.vkey)? {
        return refuse(shared, &format!("{} does not fit the ledger: {broken}", file.display()));
    }
    let s = &receipt.statement;
    if shared.json {
        out::json(
            &json!({"ok": true, "id": s.id, "title": s.title, "subject": s.subject, "key_given": vkey.is_some()}),
        )?;
        return Ok(Done::Ok);
    }
    out::line(&format!("ok: {} ({}), subject {}, issued {}", s.title, s.id, s.subject, s.issued_at));
    for r in &s.remains {
        out::line(&format!("    remains: {} ({}), until {}", r.what, r.why, r.until));
    }
    Ok(Done::Ok)
}

fn refuse(shared: &Shared, why: &str) -> anyhow::Result<Done> {
    if shared.json {
        out::json(&json!({"ok": false, "why": why}))?;
    } else {
        out::line(&format!("NOT VALID: {why}"));
    }
    Ok(Done::Finding)
}
