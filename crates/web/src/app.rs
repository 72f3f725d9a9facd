//! What every handler shares: the vault, the settings, the ceremonies under way, the counters.

use crate::{
    Config, ceremony::Ceremonies, kept::Kept, listen::Listens, metrics::Metrics, problem::Problem,
    strangers::Strangers, wave::Drawings,
};
use crate::{reading, scopes::Scopes, soundness::Soundness};
use callvault_detect::Custom;
use callvault_policy::factor::passkey::Passkeys;
use callvault_store::{Vault, group::Commit};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Passwords looked at at a time; each takes 19 MiB and a core for a while, and anyone may send one.
const PASSWORDS: usize = 4;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// Where the installation keeps what the vault does not know of itself; the audit asks for it.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The key file.
    pub key_file: Option<std::path::PathBuf>,
    /// Recognisers and lists of the site's own.
    pub recognisers: Option<Arc<Custom>>,
}

/// The inside of [`App`].
pub struct Shared {
    /// The one vault of this process.
    pub vault: Arc<Vault>,
    /// As configured.
    pub config: Config,
    /// Counted since the start.
    pub metrics: Metrics,
    /// Passkey ceremonies and enrolments that wait for their second step.
    pub ceremonies: Ceremonies,
    /// Who failed to come in, by network.
    pub(crate) strangers: Strangers,
    /// Room for passwords that are looked at.
    passwords: Semaphore,
    /// Forms that wait for a fresh factor.
    pub(crate) kept: Kept,
    /// Passkeys of this origin; `None` where the origin is a bare address, which cannot have any.
    passkeys: Option<Arc<Passkeys>>,
    /// Recordings that are being heard.
    pub(crate) listens: Listens,
    /// Outlines of recordings that were opened lately.
    pub(crate) drawings: Drawings,
    /// What the audit asks for.
    pub(crate) place: Place,
    /// One audit or import at a time.
    pub(crate) auditing: tokio::sync::Mutex<()>,
    /// The last verdict on the ledger.
    pub(crate) soundness: Soundness,
    /// The scope of an incident that was read last.
    pub(crate) scopes: Scopes,
    /// Commits the entries of readings.
    pub(crate) clerk: Commit,
}

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// Over an open vault.
    pub fn new(vault: Arc<Vault>, config: Config) -> Self {
        Self::at(vault, config, Place::default())
    }

    /// The same with what the audit asks for.
    pub fn at(vault: Arc<Vault>, config: Config, place: Place) -> Self {
        let passkeys = Passkeys::new(&config.origin).ok().map(Arc::new);
        Self(Arc::new(Shared {
            vault,
            config,
            passkeys,
            strangers: Strangers::default(),
            passwords: Semaphore::new(PASSWORDS),
            metrics: Metrics::default(),
            ceremonies: Ceremonies::default(),
            kept: Kept::default(),
            listens: Listens::default(),
            drawings: Drawings::default(),
            place,
            auditing: tokio::sync::Mutex::default(),
            soundness: Soundness::default(),
            scopes: Scopes::default(),
            clerk: reading::clerk(),
        }))
    }

    /// The passkeys of this server.
    pub fn passkeys(&self) -> Result<Arc<Passkeys>, Problem> {
        self.0.passkeys.clone().ok_or_else(|| {
            Problem::conflict("passkey_address", "Passkeys need a host name in the server's origin, such as https://localhost:8443; a bare address cannot have them.")
        })
    }

    /// Runs what looks at a password, a few at a time.
    pub async fn run_password<T: Send + 'static, E>(
        &self,
        act: impl FnOnce(&Vault) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        E: Send + 'static,
        Problem: From<E>,
    {
        let _room = self.passwords.acquire().await.map_err(|e| Problem::internal(&e))?;
        self.run(act).await
    }

    /// Runs what touches the disk outside the threads that answer requests.
    pub async fn run<T: Send + 'static, E>(
        &self,
        act: impl FnOnce(&Vault) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        E: Send + 'static,
        Problem: From<E>,
    {
        let vault = Arc::clone(&self.vault);
        match tokio::task::spawn_blocking(move || act(&vault)).await {
            Ok(done) => done.map_err(Problem::from),
            Err(e) => Err(Problem::internal(&e)),
        }
    }
}
