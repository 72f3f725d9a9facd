//! `callvault backup`, `callvault backup verify`, `callvault restore`.

use super::{Done, Shared};
use crate::{out, wire};
use anyhow::Context;
use callvault_model::{Secret, SystemClock};
use callvault_seal::{BackupKey, OsEntropy};
use callvault_store::{
    Actor, Unlock,
    backup::{self, RestoreInto, Restored},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Writes an encrypted backup of the vault; `backup verify` tries one for real
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The backup to write; must not exist
    #[arg(required = true, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The key of backups; made when it is absent. Keep it apart from the backups
    #[arg(long, env = "CALLVAULT_BACKUP_KEY_FILE", value_name = "FILE", hide_env_values = true)]
    backup_key: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Restores a backup into a scratch directory beside it, opens every key, reads every file, takes it away again
    Verify {
        /// The backup
        file: PathBuf,
        /// The key of backups
        #[arg(long, env = "CALLVAULT_BACKUP_KEY_FILE", value_name = "FILE", hide_env_values = true)]
        backup_key: Option<PathBuf>,
    },
}

/// Brings a backup back into a new data directory, and erases again what was erased since it was made
#[derive(clap::Args)]
pub struct RestoreArgs {
    /// The backup; it goes into the directory that --data names, which must not exist
    file: PathBuf,
    /// The key of backups
    #[arg(long, env = "CALLVAULT_BACKUP_KEY_FILE", value_name = "FILE", hide_env_values = true)]
    backup_key: Option<PathBuf>,
}

/// Beside the vault's key unless named: both are kept, and neither lies with the data.
fn key_place(named: Option<&Path>, vault_key: &Path) -> PathBuf {
    named.map_or_else(|| vault_key.with_extension("backup-key"), Path::to_owned)
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if let Some(What::Verify { file, backup_key }) = &args.what {
        return verify(shared, file, backup_key.as_deref());
    }
    let to = args.to.as_deref().context("name the backup to write")?;
    let vault = wire::open(shared)?;
    let place = key_place(args.backup_key.as_deref(), &wire::key_path(shared, &vault.id().to_string())?);
    let made = !place.exists();
    let key =
        if made { BackupKey::create(&place, &shared.data, &OsEntropy)? } else { BackupKey::open(&place)? };
    let done = vault.backup(&Actor::LocalOperator, to, &key)?;
    if shared.json {
        out::json(&done)?;
        return Ok(Done::Ok);
    }
    out::line(&format!(
        "{}: {} entries, {} sealed files, {} bytes",
        to.display(),
        done.manifest.entries,
        done.manifest.blobs,
        done.bytes
    ));
    if made {
        out::line(&format!(
            "made the key of backups, {}: copy it, the vault's key file and the epochs beside it to a place apart from the backups",
            place.display()
        ));
    }
    if done.tenants_left_out > 0 {
        out::line(&format!(
            "the data of {} tenant(s) are not in it, only the keys that open them: back each of them up with --tenant NAME",
            done.tenants_left_out
        ));
    }
    out::line("try it: callvault backup verify FILE");
    Ok(Done::Ok)
}

/// The vault's key file for a backup: the one named, or that of the vault in --data.
fn vault_key(shared: &Shared) -> anyhow::Result<PathBuf> {
    if let Some(named) = &shared.key_file {
        return Ok(named.clone());
    }
    let vault = callvault_store::Vault::peek(&shared.data)?
        .context("no vault in --data says which key file belongs to the backup; name it with --key-file")?;
    wire::key_path(shared, &vault)
}

/// The same for a tenant, whose root key its host gives; and what opens it.
fn unlock<'a>(
    shared: &Shared,
    passphrase: Option<&'a Secret<String>>,
) -> anyhow::Result<(PathBuf, Unlock<'a>)> {
    Ok(match wire::lodging(shared)? {
        Some(tenant) => (tenant.key_file.clone(), tenant.unlock()),
        None => (vault_key(shared)?, Unlock::File(passphrase)),
    })
}

fn verify(shared: &Shared, file: &Path, named: Option<&Path>) -> anyhow::Result<Done> {
    let passphrase = wire::passphrase(shared)?;
    let (vault_key, unlock) = unlock(shared, passphrase.as_ref())?;
    let key = BackupKey::open(&key_place(named, &vault_key))?;
    let done = backup::verify(file, &key, &vault_key, unlock, Arc::new(SystemClock))?;
    let told = report(shared, &done, &format!("{} can be restored", file.display()))?;
    note(shared, &done);
    Ok(told)
}

/// The rehearsal enters the ledger of the vault that the backup was made of, where the audit finds it. The trial holds all
/// the same where that vault is elsewhere or open.
fn note(shared: &Shared, done: &Restored) {
    let noted = match callvault_store::Vault::peek(&shared.data) {
        Ok(Some(id)) if id == done.manifest.vault => {
            wire::open(shared).and_then(|vault| Ok(vault.note_rehearsal(&Actor::LocalOperator, done)?))
        }
        Ok(_) => Err(anyhow::anyhow!("--data does not hold the vault it was made of")),
        Err(e) => Err(e.into()),
    };
    if let Err(why) = noted {
        out::say(&format!("this rehearsal is not in the ledger, so the audit does not know of it: {why:#}"));
    }
}

/// `callvault restore`.
pub fn restore(shared: &Shared, args: &RestoreArgs) -> anyhow::Result<Done> {
    let passphrase = wire::passphrase(shared)?;
    let (vault_key, unlock) = unlock(shared, passphrase.as_ref())?;
    let key = BackupKey::open(&key_place(args.backup_key.as_deref(), &vault_key))?;
    let into = RestoreInto { dir: &shared.data, key_file: &vault_key, unlock };
    let done = backup::restore(&args.file, &key, into, Arc::new(SystemClock), &Actor::LocalOperator)?;
    report(shared, &done, &format!("restored into {}", shared.data.display()))?;
    if !shared.json {
        out::line(
            "everybody is signed out and rights for a while are taken back; accounts are as they were at the time of the backup: review them",
        );
        out::line("next: callvault keys roll, so that nothing new is sealed in the backup's epoch");
    }
    Ok(Done::Ok)
}

fn report(shared: &Shared, done: &Restored, headline: &str) -> anyhow::Result<Done> {
    if shared.json {
        out::json(done)?;
        return Ok(Done::Ok);
    }
    out::line(headline);
    out::line(&format!("taken at       {}", done.manifest.taken_at));
    out::line(&format!("ledger         {} entries, verified", done.manifest.entries));
    out::line(&format!("erased again   {} things that were erased since", done.erased_again));
    out::line(&format!(
        "opened         {} keys, {} sealed files read to their end ({} bytes)",
        done.keys, done.files, done.bytes
    ));
    Ok(Done::Ok)
}
