//! `callvault keys …`: which keys there are, without any of them, a new tenant key, a new shred epoch, and a lost key
//! file made again.

use super::{Done, Shared};
use crate::{out, wire};
use anyhow::Context;
use callvault_model::{Secret, id::DecisionId};
use callvault_seal::{Protected, read_passphrase, read_private_file, shares};
use callvault_store::{
    Actor, Vault,
    epoch::HORIZON,
    hsm,
    protect::{Agreement, protection_terms, share_terms},
    recover::Recovered,
    service,
    two_person::Shared as Two,
};
use jiff::SignedDuration;
use serde::Serialize;
use std::{
    io::{IsTerminal, Read, stdin},
    path::{Path, PathBuf},
};

/// Shows the state of the keys; rotates the tenant key, rolls the shred epoch, makes a lost key file again
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Versions, epochs, counts
    Status,
    /// Makes a new tenant key, wraps everything again under it, destroys the old one
    Rotate,
    /// Begins a new shred epoch and wraps everything that lives again in it. A retired epoch's key is destroyed 30 days
    /// later: from then on no backup of its time can bring an erased person back, and none of them can be restored
    Roll {
        /// Destroys the keys of all retired epochs now: every backup made before this moment becomes unreadable
        #[arg(long)]
        destroy_retired: bool,
    },
    /// Puts the key file under another protection. The root key stays the same: copies of the old file still open
    Protect(Box<Protect>),
    /// Prints new recovery shares. The key stays the same: the old shares still rebuild it
    Shares {
        /// How many rebuild the key
        #[arg(long, default_value_t = 2)]
        needed: u8,
        /// How many are made
        #[arg(long, default_value_t = 3)]
        made: u8,
        /// Writes each to a private file of its own in this folder, for its holder, instead of printing it
        #[arg(long, value_name = "DIR")]
        shares_to: Option<PathBuf>,
    },
    /// Writes a new key file from recovery shares; they are read from standard input, one a line
    Recover {
        /// A private file (0600) with the shares, one a line, instead of standard input
        #[arg(long, value_name = "FILE")]
        shares: Option<PathBuf>,
        /// Where the new key file goes (default: the place of the lost one); never overwrites
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// How the key file is protected from now on.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Protect {
    /// By the key in a security module (PKCS #11, RFC 7512), made there if it is missing; docs/guide/keys.md describes it
    #[arg(long, value_name = "PKCS11-URI")]
    hsm: Option<hsm::Place>,
    /// By the key in OpenBao, HashiCorp Vault (transit:…) or AWS KMS (awskms:…); it must be there. docs/guide/keys.md
    /// describes it
    #[arg(long, value_name = "URI", conflicts_with_all = ["hsm", "new_passphrase_file"])]
    key_service: Option<service::Place>,
    /// By the passphrase in this private file; with --hsm, the file holds the PIN
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// By nothing but its mode: whoever reads the file has the key
    #[arg(long, conflicts_with_all = ["hsm", "key_service", "new_passphrase_file"])]
    plain: bool,
}

/// What rolling did.
#[derive(Serialize)]
struct RollReport {
    #[serde(flatten)]
    rolled: callvault_store::epoch::Rolled,
    /// Epochs whose keys were destroyed.
    destroyed: Vec<String>,
}

/// The keys, and what protects the key file above them.
#[derive(Serialize)]
struct Standing<'a, T> {
    #[serde(flatten)]
    status: &'a T,
    protection: &'static str,
    /// Where the key of its service is; nothing secret is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_service: Option<String>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if matches!(args.what, What::Recover { .. } | What::Protect(_) | What::Shares { .. }) {
        shared.on_host("this")?;
    }
    if let What::Recover { shares, out } = &args.what {
        return recover(shared, shares.as_deref(), out.as_deref());
    }
    let vault = wire::open(shared)?;
    if matches!(args.what, What::Rotate) {
        let done = vault.rotate_tenant_key(&Actor::LocalOperator)?;
        if shared.json {
            out::json(&done)?;
        } else {
            let how = if done.resumed { "finished an interrupted rotation" } else { "rotated" };
            out::line(&format!("{how}: version {}, {} keys wrapped again", done.version, done.rewrapped));
        }
        return Ok(Done::Ok);
    }
    match &args.what {
        What::Roll { destroy_retired } => return roll(shared, &vault, *destroy_retired),
        What::Protect(how) => return protect(shared, &vault, how),
        What::Shares { needed, made, shares_to } => {
            return new_shares(shared, &vault, (*needed, *made), shares_to.as_deref());
        }
        _ => {}
    }
    let s = vault.keys_status()?;
    let protected = wire::protected(shared, &vault.id().to_string())?;
    let place = match &protected {
        Protected::Service(place) => Some(place.to_string()),
        _ => None,
    };
    if shared.json {
        out::json(&Standing { status: &s, protection: protected.name(), key_service: place })?;
        return Ok(Done::Ok);
    }
    out::line(&format!("protection     {}", place.as_deref().unwrap_or(protected.name())));
    out::line(&format!(
        "tenant key     version {}, {}, since {}",
        s.tenant_key_version, s.fingerprint, s.created_at
    ));
    if let Some(old) = s.retiring {
        out::line(&format!(
            "rotation       version {old} still wraps {} keys; `callvault keys rotate` goes on",
            s.remaining
        ));
    }
    out::line(&format!("destroyed      {} version(s)", s.destroyed));
    for epoch in vault.epochs()? {
        let until = match (&epoch.retired_at, &epoch.destroyed_at) {
            (_, Some(at)) => format!("key destroyed {at}"),
            (Some(at), None) => format!("retired {at}; its key is kept 30 days for backups"),
            (None, None) => format!("since {}", epoch.created_at),
        };
        out::line(&format!("shred epoch    {}, {until}", epoch.id));
    }
    out::line(&format!("subject keys   {}", s.subject_keys));
    out::line(&format!("object keys    {}", s.object_keys));
    Ok(Done::Ok)
}

fn roll(shared: &Shared, vault: &Vault, destroy_retired: bool) -> anyhow::Result<Done> {
    let rolled = vault.roll_epoch(&Actor::LocalOperator)?;
    // One process works on a vault, and this one does nothing else: no text is on its way between seal and row.
    let horizon = if destroy_retired { SignedDuration::ZERO } else { HORIZON };
    let destroyed = vault.destroy_retired_epochs(&Actor::LocalOperator, horizon)?;
    let report = RollReport { rolled, destroyed: destroyed.iter().map(ToString::to_string).collect() };
    if shared.json {
        out::json(&report)?;
        return Ok(Done::Ok);
    }
    let r = &report.rolled;
    let how = if r.resumed { "finished an interrupted roll" } else { "rolled" };
    out::line(&format!(
        "{how}: epoch {}, {} keys wrapped and {} texts sealed again",
        r.epoch, r.rewrapped, r.resealed
    ));
    for epoch in &report.destroyed {
        out::line(&format!("destroyed the key of epoch {epoch}; backups made in it cannot be read any more"));
    }
    Ok(Done::Ok)
}

fn protect(shared: &Shared, vault: &Vault, how: &Protect) -> anyhow::Result<Done> {
    let key_file = wire::key_path(shared, &vault.id().to_string())?;
    let passphrase = how.new_passphrase_file.as_deref().map(read_passphrase).transpose()?;
    let service = wire::key_service(how.key_service.as_ref())?;
    let protection = wire::protection(how.hsm.as_ref(), service.as_deref(), passphrase.as_ref());
    let Some(agreed) = second(vault, &protection_terms(protection))? else { return Ok(Done::Finding) };
    vault.protect(&key_file, protection, agreed, &Actor::LocalOperator)?;
    let by = protection.name();
    if shared.json {
        out::json(&serde_json::json!({"key_file": key_file, "protection": by}))?;
        return Ok(Done::Ok);
    }
    out::line(&format!("key file       {}", key_file.display()));
    out::line(&format!("protection     {by}"));
    out::line(
        "The root key is the same: copies and backups of the old file still open the vault. Destroy them.",
    );
    Ok(Done::Ok)
}

/// The second person's agreement where one is needed; `None` when it is still to come, and was asked for.
fn second(vault: &Vault, terms: &serde_json::Value) -> anyhow::Result<Option<Option<DecisionId>>> {
    let how = "somebody else has to agree under Requests in the console";
    match vault.key_agreement(terms)? {
        Agreement::NotNeeded => return Ok(Some(None)),
        Agreement::Given(id) => return Ok(Some(Some(id))),
        Agreement::Waits(id) => out::say(&format!("waits: {how} ({id})")),
        Agreement::Missing => {
            let id = vault.request_second_locally(Two::ChangeKeys, terms)?;
            out::say(&format!("asked: what opens the root key takes two; {how} ({id}), then run this again"));
        }
    }
    Ok(None)
}

/// How shares reach their holders: printed once, or each in a file of its own.
pub struct Holders(Option<shares::Files>);

/// Shares on their way.
pub enum Handed<'a> {
    /// To be printed.
    Shown(&'a [Secret<String>]),
    /// Written here.
    Written(Vec<PathBuf>),
}

impl Holders {
    /// Looks at the folder before there is a share to lose.
    pub fn ready(shared: &Shared, to: Option<&Path>, made: u8) -> anyhow::Result<Self> {
        Ok(Self(to.map(|dir| shares::Files::at(dir, &shared.data, made)).transpose()?))
    }

    pub fn hand_over(self, made: &[Secret<String>]) -> anyhow::Result<Handed<'_>> {
        let Some(files) = self.0 else { return Ok(Handed::Shown(made)) };
        let written = files.write(made).context(
            "not every share could be written; make new ones with `callvault keys shares` once this is cured",
        )?;
        Ok(Handed::Written(written))
    }
}

impl Handed<'_> {
    pub fn into_json(self, said: &mut serde_json::Value) {
        let (name, value) = match self {
            Self::Shown(made) => {
                let made: Vec<&str> = made.iter().map(|s| s.expose().as_str()).collect();
                ("recovery_shares", serde_json::json!(made))
            }
            Self::Written(files) => ("share_files", serde_json::json!(files)),
        };
        if let Some(said) = said.as_object_mut() {
            said.insert(name.into(), value);
        }
    }

    pub fn print(self, needed: u8) {
        match self {
            Self::Shown(made) => {
                out::line(&format!(
                    "Recovery shares. Any {needed} rebuild the key. They are shown once and kept nowhere:"
                ));
                made.iter().for_each(|share| out::line(&format!("  {}", share.expose())));
            }
            Self::Written(files) => {
                out::line(&format!(
                    "Recovery shares. Any {needed} rebuild the key. Each holder takes one file away, and it is removed here:"
                ));
                files.iter().for_each(|file| out::line(&format!("  {}", file.display())));
            }
        }
    }
}

fn new_shares(shared: &Shared, vault: &Vault, count: (u8, u8), to: Option<&Path>) -> anyhow::Result<Done> {
    let holders = Holders::ready(shared, to, count.1)?;
    let Some(agreed) = second(vault, &share_terms(count))? else { return Ok(Done::Finding) };
    let made = vault.new_shares(count, agreed, &Actor::LocalOperator)?;
    let handed = holders.hand_over(&made)?;
    if shared.json {
        let mut said = serde_json::json!({"needed": count.0});
        handed.into_json(&mut said);
        out::json(&said)?;
        return Ok(Done::Ok);
    }
    handed.print(count.0);
    out::line("\nShares made before still rebuild the same key, but not together with these.");
    Ok(Done::Ok)
}

/// More than any set of shares has.
const MAX_SHARES_BYTES: u64 = 64 << 10;

fn recover(shared: &Shared, file: Option<&Path>, to: Option<&Path>) -> anyhow::Result<Done> {
    let shares = match file {
        Some(path) => read_private_file(path, MAX_SHARES_BYTES)?,
        None => typed()?,
    };
    let shares: Vec<Secret<String>> = shares
        .expose()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| Secret::new(line.to_owned()))
        .collect();
    let (done, key_file) = wire::recover(shared, &shares, to)?;
    report(shared, &done, &key_file)?;
    Ok(if done.epochs_missing == 0 { Done::Ok } else { Done::Finding })
}

/// Shares from standard input; a command line would show them to every user of the machine.
fn typed() -> anyhow::Result<Secret<String>> {
    if stdin().is_terminal() {
        out::say("type the recovery shares, one a line, then Ctrl-D; they can be read on this screen");
    }
    let mut text = String::new();
    let read = stdin().take(MAX_SHARES_BYTES + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    let n = read.context("the shares could not be read; give them as text, one a line")?;
    anyhow::ensure!(
        n as u64 <= MAX_SHARES_BYTES,
        "this is too long for recovery shares; give them one a line"
    );
    Ok(text)
}

fn report(shared: &Shared, done: &Recovered, key_file: &Path) -> anyhow::Result<()> {
    if shared.json {
        return out::json(&serde_json::json!({
            "vault": done.vault, "key_file": key_file, "epochs": done.epochs, "epochs_missing": done.epochs_missing,
        }));
    }
    out::line(&format!("vault          {}", done.vault));
    out::line(&format!("key file       {}", key_file.display()));
    if done.epochs_missing == 0 {
        out::line("It opens this vault; the ledger says that the key was recovered.");
    } else {
        out::say(&format!(
            "the key is right, but {} of {} epoch key(s) do not lie in {}; what is sealed under them cannot be opened. \
             Put the folder back from where the old key file lay, or from its backup",
            done.epochs_missing,
            done.epochs,
            key_file.with_extension("epochs").display()
        ));
    }
    Ok(())
}
