//! `callvault certificate list|export|verify`.

use super::{Done, Shared, verify};
use crate::{out, wire};
use anyhow::Context;
use callvault_flow::certificate;
use callvault_ledger::Options;
use callvault_program::{
    disposal::{self, device, medium, tenant},
    request::receipt::{self, Receipt},
    signed::{Signed, Statement},
};
use callvault_seal::files;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Said where nobody gave the key.
const UNPINNED: &str = "    checked against the key inside the certificate; pass --vkey to check whose it is";

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
    listed::<device::Statement>(shared, &vault.device_certificates()?)?;
    listed::<medium::Statement>(shared, &media(&vault)?)?;
    listed::<tenant::Statement>(shared, &vault.tenant_certificates()?)?;
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

fn listed<S: Told>(shared: &Shared, bodies: &[String]) -> anyhow::Result<()> {
    for body in bodies {
        let made = Signed::<S>::parse(body.as_bytes())?;
        out::line(&if shared.json { serde_json::to_string(&made)? } else { made.statement.lines().0 });
    }
    Ok(())
}

/// The certificates of drives and paper in the register.
fn media(vault: &callvault_store::Vault) -> anyhow::Result<Vec<String>> {
    let all = vault.media()?.into_iter().map(|m| Ok(vault.medium_certificate(m.id)?));
    Ok(all.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Writes all certificates as `<id>.json`; returns how many.
pub fn export(vault: &callvault_store::Vault, dir: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let all = vault.certificates()?;
    for (_, body) in &all {
        let c = certificate::parse(body.as_bytes())?;
        written(&dir.join(format!("{}.json", c.statement.id)), &serde_json::to_string_pretty(&c)?)?;
    }
    let more = [
        exported::<device::Statement>(dir, &vault.device_certificates()?)?,
        exported::<medium::Statement>(dir, &media(vault)?)?,
        exported::<tenant::Statement>(dir, &vault.tenant_certificates()?)?,
    ];
    Ok(more.into_iter().fold(all.len(), usize::saturating_add))
}

fn exported<S: Told>(dir: &Path, bodies: &[String]) -> anyhow::Result<usize> {
    for body in bodies {
        written(&dir.join(format!("{}.json", Signed::<S>::parse(body.as_bytes())?.statement.id())), body)?;
    }
    Ok(bodies.len())
}

/// Writes a file that appears whole or not at all.
fn written(path: &Path, body: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, body).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())?;
    Ok(files::sync_parent(path)?)
}

/// What a certificate is held against.
struct Against<'a> {
    shared: &'a Shared,
    file: &'a Path,
    vkey: Option<&'a str>,
    ledger: Option<&'a Path>,
}

fn check(shared: &Shared, file: &Path, vkey: Option<&str>, ledger: Option<&Path>) -> anyhow::Result<Done> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let against = Against { shared, file, vkey, ledger };
    if let Ok(made) = Receipt::parse(&bytes) {
        return against.holds(&made);
    }
    if let Ok(made) = device::Certificate::parse(&bytes) {
        return against.holds(&made);
    }
    if let Ok(made) = tenant::Certificate::parse(&bytes) {
        return against.holds(&made);
    }
    if let Ok(made) = disposal::Certificate::parse(&bytes) {
        return against.holds(&made);
    }
    if let Ok(made) = medium::Certificate::parse(&bytes) {
        return against.holds(&made);
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
            out::line(UNPINNED);
        }
    }
    Ok(Done::Ok)
}

/// What is told of a statement that holds.
trait Told: Statement {
    /// What it is about, as names and values, for a program.
    fn facts(&self) -> Vec<(&'static str, &str)>;
    /// What it is in one line, and what follows.
    fn lines(&self) -> (String, Vec<String>);
}

impl Told for disposal::Statement {
    fn facts(&self) -> Vec<(&'static str, &str)> {
        vec![("level", self.level.as_str()), ("file", &self.file)]
    }

    fn lines(&self) -> (String, Vec<String>) {
        let first =
            format!("file {} ({}), {} bytes, issued {}", self.file, self.id, self.bytes, self.issued_at);
        let level = format!("level {}; {}", self.level.as_str(), self.verification);
        (first, [level].into_iter().chain(self.limits.iter().cloned()).collect())
    }
}

impl Told for device::Statement {
    fn facts(&self) -> Vec<(&'static str, &str)> {
        vec![("level", self.level.as_str()), ("serial", &self.serial)]
    }

    fn lines(&self) -> (String, Vec<String>) {
        let (kind, name) = (&self.kind, &self.name);
        let first = format!("{kind} {name} ({}), {} bytes, issued {}", self.id, self.bytes, self.issued_at);
        let level = format!("level {}; {}", self.level.as_str(), self.verification);
        (first, [level].into_iter().chain(self.limits.iter().cloned()).collect())
    }
}

impl Told for medium::Statement {
    fn facts(&self) -> Vec<(&'static str, &str)> {
        vec![("title", &self.title), ("level", &self.level), ("label", &self.label)]
    }

    fn lines(&self) -> (String, Vec<String>) {
        let first = format!("{} {} ({}), issued {}", self.title, self.label, self.id, self.issued_at);
        let how = format!("level {}; {}, {}; {}", self.level, self.technique, self.verification, self.tool);
        let who = format!("recorded by {}, witnessed by {}", self.recorded_by, self.witnessed_by);
        (first, vec![how, who])
    }
}

impl Told for tenant::Statement {
    fn facts(&self) -> Vec<(&'static str, &str)> {
        vec![("title", &self.title), ("tenant", &self.tenant)]
    }

    fn lines(&self) -> (String, Vec<String>) {
        let first = format!("{} ({}), issued {}", self.title, self.id, self.issued_at);
        (first, self.verification.iter().cloned().chain(self.remains.iter().map(remains)).collect())
    }
}

impl Told for receipt::Statement {
    fn facts(&self) -> Vec<(&'static str, &str)> {
        vec![("title", &self.title), ("subject", &self.subject)]
    }

    fn lines(&self) -> (String, Vec<String>) {
        let first =
            format!("{} ({}), subject {}, issued {}", self.title, self.id, self.subject, self.issued_at);
        (first, self.verification.iter().cloned().chain(self.remains.iter().map(remains)).collect())
    }
}

fn remains(r: &receipt::Remains) -> String {
    format!("remains: {} ({}), until {}", r.what, r.why, r.until)
}

impl Against<'_> {
    /// Whether a certificate holds; says so.
    fn holds<S: Told>(&self, made: &Signed<S>) -> anyhow::Result<Done> {
        if let Err(why) = made.verify(self.vkey) {
            return refuse(self.shared, &format!("{}: {why}", self.file.display()));
        }
        if let Some(broken) = contradicts(self.ledger, &made.ledger_proof, &made.vkey)? {
            return refuse(
                self.shared,
                &format!("{} does not fit the ledger: {broken}", self.file.display()),
            );
        }
        let s = &made.statement;
        if self.shared.json {
            let mut told = json!({"ok": true, "id": s.id(), "key_given": self.vkey.is_some()});
            for (name, value) in s.facts() {
                if let Some(told) = told.as_object_mut() {
                    told.insert(name.to_owned(), value.into());
                }
            }
            out::json(&told)?;
            return Ok(Done::Ok);
        }
        let (first, more) = s.lines();
        out::line(&format!("ok: {first}"));
        more.iter().for_each(|line| out::line(&format!("    {line}")));
        if self.vkey.is_none() {
            out::line(UNPINNED);
        }
        Ok(Done::Ok)
    }
}

/// Why a ledger, if one was given, does not fit the checkpoint that a certificate carries.
fn contradicts(ledger: Option<&Path>, proof: &str, vkey: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = ledger else { return Ok(None) };
    // The certificate carries a signed checkpoint; a ledger that contradicts it was rewritten.
    let anchor = proof.split_once("\n\n").map(|(_, note)| note.to_owned());
    let options = Options { key: Some(vkey.parse()?), anchors: anchor.into_iter().collect() };
    Ok(verify::check(path, &options)?.err().map(|broken| broken.why.to_string()))
}

fn refuse(shared: &Shared, why: &str) -> anyhow::Result<Done> {
    if shared.json {
        out::json(&json!({"ok": false, "why": why}))?;
    } else {
        out::line(&format!("NOT VALID: {why}"));
    }
    Ok(Done::Finding)
}
