//! The one place that picks backends and engines.

mod external;

use crate::cli::{Shared, Usage};
use anyhow::Context;
use callvault_detect::{Custom, Detector, Profile};
use callvault_flow::tools::Tools;
use callvault_model::{Secret, SystemClock, id::VaultId};
use callvault_seal::{KeyService, OsEntropy, Protected, default_key_path, read_passphrase};
use callvault_speech::{
    engine::{Engine, scripted::Scripted},
    models::{Model, ModelStore, State},
    moonshine::{Moonshine, default_workers},
};
use callvault_store::{
    Actor, DatabaseServer, FileServer, InitOutcome, NewVault, Protection, Vault, hsm,
    moving::{self, FilesMoved, Moved},
    recover::{Recovered, Recovery},
    service,
    tenants::{self, Lodging},
};
use external::Hears;
use std::{
    env,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// How many recovery shares there are unless told otherwise, as (needed, made).
pub const SHARES: (u8, u8) = (2, 3);

/// Who the command line is: the user of this machine. Policy knows no more of it.
pub const LOCAL_OPERATOR: &str = "local-operator";

/// Names a file with scripted words instead of a model; for harnesses that test everything but recognition.
const SCRIPTED: &str = "CALLVAULT_SCRIPTED_ENGINE";

/// The engines of this installation.
#[derive(Default)]
pub struct Engines {
    first: Option<Box<dyn Engine>>,
    again: Option<Box<dyn Engine>>,
}

impl Engines {
    /// Whether recordings can be heard at all.
    pub fn can_hear(&self) -> bool {
        self.first.is_some()
    }

    /// The first listener.
    pub fn first(&self) -> Option<&dyn Engine> {
        self.first.as_deref()
    }

    /// The first listener and the second, for a worker that keeps them.
    pub fn into_parts(self) -> (Option<Box<dyn Engine>>, Option<Box<dyn Engine>>) {
        (self.first, self.again)
    }

    /// No engines: nothing is heard and nothing is proven.
    pub fn none() -> Self {
        Self::default()
    }
}

/// The engines that `--engine` and the installed models make up.
pub fn engines(shared: &Shared) -> anyhow::Result<Engines> {
    let Some(file) = &shared.engine else { return built_in() };
    let (theirs, hears) = external::read(file)?;
    if hears == Hears::Both {
        let (again, _) = external::read(file)?;
        return Ok(Engines { first: Some(Box::new(theirs)), again: Some(Box::new(again)) });
    }
    let ours = built_in()?.first;
    match (hears, ours) {
        (Hears::Again, None) => anyhow::bail!(
            "{}: `hears = \"again\"` needs a model that hears first; run `callvault models pull`, or say `hears = \"both\"`",
            file.display()
        ),
        (Hears::Again, ours) => Ok(Engines { first: ours, again: Some(Box::new(theirs)) }),
        (_, Some(ours)) => Ok(Engines { first: Some(Box::new(theirs)), again: Some(ours) }),
        (_, None) => {
            crate::out::say(
                "no model is installed, so the same engine listens again; `callvault models pull` gives a second one",
            );
            let (again, _) = external::read(file)?;
            Ok(Engines { first: Some(Box::new(theirs)), again: Some(Box::new(again)) })
        }
    }
}

/// Base hears first, tiny listens again; with one model alone, it listens again in other pieces.
fn built_in() -> anyhow::Result<Engines> {
    if let Some(file) = env::var_os(SCRIPTED) {
        let script = std::fs::read(&file).with_context(|| format!("{}", Path::new(&file).display()))?;
        let engine = || -> anyhow::Result<Option<Box<dyn Engine>>> {
            Ok(Some(Box::new(Scripted::from_json("scripted", &script)?)))
        };
        return Ok(Engines { first: engine()?, again: engine()? });
    }
    let store = models()?;
    let load = |model| -> anyhow::Result<Option<Box<dyn Engine>>> {
        if store.state(model) == State::Absent {
            return Ok(None);
        }
        Ok(Some(Box::new(Moonshine::load(store.open(model)?, default_workers())?)))
    };
    let (base, tiny) = (load(Model::Base)?, load(Model::Tiny)?);
    Ok(match (base, tiny) {
        (Some(base), Some(tiny)) => Engines { first: Some(base), again: Some(tiny) },
        (Some(_), None) => Engines { first: load(Model::Base)?, again: load(Model::Base)? },
        (None, Some(_)) => Engines { first: load(Model::Tiny)?, again: load(Model::Tiny)? },
        (None, None) => Engines::none(),
    })
}

/// The model store of this user.
pub fn models() -> anyhow::Result<ModelStore> {
    Ok(ModelStore::locate()?)
}

/// A detector for a profile, with a site's own recognisers and lists where a file of them is named.
pub fn detector(profile: Profile, own: Option<&Path>) -> anyhow::Result<Detector> {
    let detector = Detector::new(profile)?;
    Ok(match own {
        Some(file) => detector.with_custom(recognisers(file)?),
        None => detector,
    })
}

/// Largest file of own recognisers.
const MAX_RECOGNISERS: u64 = 4 << 20;

/// A site's own recognisers and lists.
pub fn recognisers(path: &Path) -> anyhow::Result<Arc<Custom>> {
    let name = path.display();
    let file = File::open(path)
        .with_context(|| format!("cannot read {name}; give the path of a TOML file of recognisers"))?;
    let mut text = String::new();
    file.take(MAX_RECOGNISERS + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name} is no text file"))?;
    Ok(Arc::new(Custom::parse(&text).with_context(|| name.to_string())?))
}

/// The tools of one run.
pub fn tools<'a>(detector: &'a Detector, engines: &'a Engines, cancel: &'a AtomicBool) -> Tools<'a> {
    Tools { detector, first: engines.first.as_deref(), again: engines.again.as_deref(), cancel }
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
pub fn cancel_on_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(3);
        }
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(flag)
}

/// The passphrase of the key file, where one is named.
pub fn passphrase(shared: &Shared) -> anyhow::Result<Option<Secret<String>>> {
    Ok(shared.passphrase_file.as_deref().map(read_passphrase).transpose()?)
}

/// Where the key file of a vault lies; for a tenant, beside which name its epochs lie.
pub fn key_path(shared: &Shared, vault: &str) -> anyhow::Result<PathBuf> {
    if shared.host.is_some() {
        return Ok(tenants::keys_beside(&written_key(shared, vault)?, vault));
    }
    own_key_path(shared, vault)
}

/// The key file that opens a vault: its own, or that of the host of a tenant.
pub fn written_key(shared: &Shared, vault: &str) -> anyhow::Result<PathBuf> {
    let Some(host) = &shared.host else { return own_key_path(shared, vault) };
    let id = Vault::peek(&host.data)?.ok_or_else(|| callvault_store::Error::Absent(host.data.clone()))?;
    own_key_path(shared, &id)
}

fn own_key_path(shared: &Shared, vault: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = &shared.key_file {
        return Ok(path.clone());
    }
    default_key_path(env::var_os("XDG_CONFIG_HOME").as_deref(), env::var_os("HOME").as_deref(), vault)?
        .context("no home directory to keep the key file in; name one with --key-file")
}

/// The protection of a new key file: a security module or a service when one is named, else the passphrase when one is given.
pub fn protection<'a>(
    hsm: Option<&'a hsm::Place>,
    service: Option<&'a dyn KeyService>,
    secret: Option<&'a Secret<String>>,
) -> Protection<'a> {
    match (hsm, service) {
        (Some(place), _) => Protection::Hsm(place, secret),
        (None, Some(service)) => Protection::Service(service),
        (None, None) => secret.into(),
    }
}

/// The service that was named, if one was; nothing was said to it yet.
pub fn key_service(place: Option<&service::Place>) -> anyhow::Result<Option<Box<dyn KeyService>>> {
    Ok(place.map(callvault_keyservice::connect).transpose()?)
}

/// What protects the key file that opens this vault.
pub fn protected(shared: &Shared, vault: &str) -> anyhow::Result<Protected> {
    Ok(callvault_seal::keyfile::protected(&written_key(shared, vault)?)?)
}

/// Makes a vault; returns it with its recovery shares and the place of its key file.
pub fn init(
    shared: &Shared,
    (hsm, service): (Option<&hsm::Place>, Option<&service::Place>),
    shares: (u8, u8),
    server: Option<&DatabaseServer>,
    files: Option<&FileServer>,
) -> anyhow::Result<(InitOutcome, PathBuf)> {
    if service.is_some() && shared.passphrase_file.is_some() {
        let why = "a passphrase protects nothing beside --key-service; leave --passphrase-file (or CALLVAULT_PASSPHRASE_FILE) out";
        return Err(Usage(why.to_owned()).into());
    }
    let vault = Vault::begun(&shared.data)?.map_or_else(|| VaultId::new(&SystemClock, &OsEntropy), Ok)?;
    let key_file = key_path(shared, &vault.to_string())?;
    let (passphrase, service) = (passphrase(shared)?, key_service(service)?);
    let protection = protection(hsm, service.as_deref(), passphrase.as_ref());
    let new = NewVault { dir: &shared.data, key_file: &key_file, protection, shares, server, files };
    Ok((Vault::init(&new, vault, Arc::new(SystemClock), LOCAL_OPERATOR)?, key_file))
}

/// Makes a lost key file again; returns what was rebuilt and where it lies.
pub fn recover(
    shared: &Shared,
    shares: &[Secret<String>],
    to: Option<&Path>,
) -> anyhow::Result<(Recovered, PathBuf)> {
    let id = Vault::peek(&shared.data)?.ok_or_else(|| callvault_store::Error::Absent(shared.data.clone()))?;
    let key_file = to.map_or_else(|| key_path(shared, &id), |to| Ok(to.to_owned()))?;
    let passphrase = passphrase(shared)?;
    let place = Recovery { dir: &shared.data, key_file: &key_file, passphrase: passphrase.as_ref() };
    Ok((Vault::recover(&place, shares, Arc::new(SystemClock), LOCAL_OPERATOR)?, key_file))
}

/// What opens the vault of the tenant that was named, if one was.
pub fn lodging(shared: &Shared) -> anyhow::Result<Option<Lodging>> {
    let Some(host) = &shared.host else { return Ok(None) };
    let passphrase = passphrase(shared)?;
    Ok(Some(Lodging::of(&host.data, &written_key(shared, "")?, passphrase.as_ref(), &host.name)?))
}

/// Moves the rows of this vault to a server, or back into a file.
pub fn move_database(shared: &Shared, to: Option<&DatabaseServer>) -> anyhow::Result<Moved> {
    let id = Vault::peek(&shared.data)?.ok_or_else(|| callvault_store::Error::Absent(shared.data.clone()))?;
    let (key_file, passphrase) = (key_path(shared, &id)?, passphrase(shared)?);
    let (clock, by) = (Arc::new(SystemClock), Actor::LocalOperator);
    Ok(moving::move_database(&shared.data, &key_file, passphrase.as_ref(), clock, &by, to)?)
}

/// Moves the sealed files of this vault to a bucket, or back into its directory.
pub fn move_files(shared: &Shared, to: Option<&FileServer>) -> anyhow::Result<FilesMoved> {
    let id = Vault::peek(&shared.data)?.ok_or_else(|| callvault_store::Error::Absent(shared.data.clone()))?;
    let (key_file, passphrase) = (key_path(shared, &id)?, passphrase(shared)?);
    let (clock, by) = (Arc::new(SystemClock), Actor::LocalOperator);
    Ok(moving::move_files(&shared.data, &key_file, passphrase.as_ref(), clock, &by, to)?)
}

/// Opens the vault of this data directory, or of the tenant in it that was named.
pub fn open(shared: &Shared) -> anyhow::Result<Vault> {
    if let Some(lodging) = lodging(shared)? {
        return Ok(lodging.open(Arc::new(SystemClock), LOCAL_OPERATOR)?);
    }
    let id = Vault::peek(&shared.data)?.ok_or_else(|| callvault_store::Error::Absent(shared.data.clone()))?;
    let key_file = key_path(shared, &id)?;
    if !key_file.exists() && shared.data.parent().is_some_and(|up| up.ends_with(tenants::DIR)) {
        anyhow::bail!(
            "{} has no key file of its own; if it is the vault of a tenant, name its host with --data and the tenant with --tenant",
            shared.data.display()
        );
    }
    let passphrase = passphrase(shared)?;
    Ok(Vault::open(&shared.data, &key_file, passphrase.as_ref(), Arc::new(SystemClock), LOCAL_OPERATOR)?)
}
