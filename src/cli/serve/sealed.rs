//! A server whose vault is closed: it waits for what opens it, and goes back there when it is told to forget its keys.

use crate::{
    cli::Shared,
    out,
    wire::{self, LOCAL_OPERATOR},
};
use callvault_model::{Secret, SystemClock};
use callvault_seal::{Key256, Protected, SealError, keyfile, shares::Gathering};
use callvault_store::{Actor, Error, Vault};
use callvault_web::{
    Bound,
    control::{Desk, Opens, Order, Reply, State},
    sealed,
};
use serde_json::json;
use std::{
    env,
    io::ErrorKind,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

/// The longest that a wrong passphrase makes the next one wait.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Shares that nobody completes are forgotten.
const SHARES_KEPT: Duration = Duration::from_secs(30 * 60);

const UNPROTECTED: &str = "nothing protects the key file, so whoever can read it opens the vault, sealed or not; \
protect it first with `callvault keys protect`";

const OTHER_WAY: &str =
    "what opens the key file is another since it was asked for; run `callvault unseal` again";

/// Where the operator speaks to a server that starts closed, while it is closed and afterwards.
pub struct Counter {
    desk: Desk,
    place: KeyPlace,
}

/// Where the vault and its key file lie.
#[derive(Clone)]
struct KeyPlace {
    data: PathBuf,
    key_file: PathBuf,
}

impl KeyPlace {
    /// What opens it now; the reason where sealing protects nothing.
    fn opens(&self) -> Result<Opens, String> {
        match keyfile::protected(&self.key_file) {
            Ok(Protected::Passphrase) => Ok(Opens::Passphrase),
            Ok(Protected::Hsm) => Ok(Opens::Pin),
            Ok(Protected::Service(_)) => Ok(Opens::Service),
            Ok(Protected::No) => Err(UNPROTECTED.to_owned()),
            Err(SealError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(Opens::Shares),
            Err(e) => Err(e.to_string()),
        }
    }

    async fn open(&self, with: With) -> Result<Vault, Error> {
        let place = self.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let (dir, key, clock) = (&place.data, &place.key_file, Arc::new(SystemClock));
            let (vault, by) = match with {
                With::Secret(secret, by) => {
                    (Vault::open(dir, key, Some(&secret), clock, LOCAL_OPERATOR)?, by)
                }
                With::Service => {
                    let by = keyfile::protected(key)?.name();
                    (Vault::open(dir, key, None, clock, LOCAL_OPERATOR)?, by)
                }
                With::Shares(root) => (Vault::open_rebuilt(dir, key, root, clock, LOCAL_OPERATOR)?, "shares"),
            };
            vault.unsealed(by, &Actor::LocalOperator)?;
            Ok(vault)
        });
        opening.await.unwrap_or(Err(Error::Corrupt("what was read while opening it")))
    }
}

enum With {
    Secret(Secret<String>, &'static str),
    Service,
    Shares(Key256),
}

/// What was tried so far.
#[derive(Default)]
struct Tries {
    shares: Gathering,
    last_share: Option<Instant>,
    wrong: u32,
    not_before: Option<Instant>,
}

impl Tries {
    fn reply(&self, state: State, opens: Opens) -> Reply {
        let (shares_given, shares_needed) = (self.shares.given(), self.shares.needed());
        Reply { shares_given, shares_needed, ..Reply::new(state, opens) }
    }

    fn forget(&mut self) {
        (self.shares, self.last_share) = (Gathering::default(), None);
    }

    /// Seconds until the next try.
    fn wait(&self) -> Option<u64> {
        let rest = self.not_before?.checked_duration_since(Instant::now())?;
        Some(rest.as_secs().saturating_add(1))
    }

    fn was_wrong(&mut self) {
        let wait = Duration::from_secs(1u64 << self.wrong.min(6)).min(MAX_WAIT);
        self.wrong = self.wrong.saturating_add(1);
        self.not_before = Instant::now().checked_add(wait);
    }
}

/// Says that it waits, on the same line a started server speaks on.
pub fn greet(shared: &Shared, origin: &str, bound: &Bound) -> anyhow::Result<()> {
    use std::io::Write;
    let address = bound.address()?.to_string();
    if shared.json {
        out::json(&json!({
            "address": address, "origin": origin, "certificate_sha256": bound.fingerprint(), "sealed": true,
        }))?;
    } else {
        out::line(&format!(
            "callvault is sealed at {origin} (socket {address}); `callvault unseal` opens it"
        ));
    }
    Ok(std::io::stdout().flush()?)
}

impl Counter {
    /// Refuses where being sealed would mean nothing. Needs the runtime.
    pub fn open(shared: &Shared) -> anyhow::Result<Self> {
        let id = Vault::peek(&shared.data)?.ok_or_else(|| Error::Absent(shared.data.clone()))?;
        let place = KeyPlace { data: shared.data.clone(), key_file: wire::key_path(shared, &id)? };
        place.opens().map_err(anyhow::Error::msg)?;
        Ok(Self { desk: Desk::open(&shared.data)?, place })
    }

    /// Serves nothing but health until somebody opens the vault; `None` when it is to stop.
    pub async fn wait(&self, bound: &Bound) -> Option<Vault> {
        let (done, opened) = tokio::sync::oneshot::channel::<()>();
        let asking = async {
            let vault = tokio::select! {
                vault = opened_by_somebody(&self.place, &self.desk) => Some(vault),
                () = super::stopped() => None,
            };
            // The other side waits for this or for its end, which says the same.
            let _ = done.send(());
            vault
        };
        let serving = bound.serve(sealed::router(), async {
            let _ = opened.await;
        });
        tokio::join!(asking, serving).0
    }
}

async fn opened_by_somebody(place: &KeyPlace, desk: &Desk) -> Vault {
    let mut tries = Tries::default();
    loop {
        let mut asked = desk.next().await;
        let order = std::mem::replace(&mut asked.order, Order::Status);
        if tries.last_share.is_some_and(|at| at.elapsed() > SHARES_KEPT) {
            tries.forget();
        }
        let (reply, vault) = match place.opens() {
            Ok(opens) => follow(place, &mut tries, order, opens).await,
            Err(why) => (tries.reply(State::Sealed, Opens::Shares).refuse("unprotected", why), None),
        };
        if let Some(code) = &reply.refused {
            tracing::warn!(code, "an order was refused; the vault stays sealed");
        }
        asked.reply(&reply).await;
        if let Some(vault) = vault {
            tracing::info!("the vault was opened");
            return vault;
        }
    }
}

async fn follow(place: &KeyPlace, tries: &mut Tries, order: Order, opens: Opens) -> (Reply, Option<Vault>) {
    let refuse =
        |tries: &Tries, code, why: String| (tries.reply(State::Sealed, opens).refuse(code, why), None);
    let given = match order {
        Order::Status => return (tries.reply(State::Sealed, opens), None),
        Order::Forget => {
            tries.forget();
            return (tries.reply(State::Sealed, opens), None);
        }
        Order::Seal => return refuse(tries, "already_sealed", "it is sealed already".into()),
        Order::Unseal(_) | Order::Ask | Order::Share(_) if tries.wait().is_some() => {
            let wait = tries.wait().unwrap_or_default();
            return refuse(tries, "too_soon", format!("after a wrong one it waits: try again in {wait} s"));
        }
        Order::Unseal(_) | Order::Ask if opens == Opens::Shares => {
            let why = format!("{} is not there; give recovery shares", place.key_file.display());
            return refuse(tries, "no_key_file", why);
        }
        Order::Ask if opens == Opens::Service => With::Service,
        Order::Ask => return refuse(tries, "other_way", OTHER_WAY.into()),
        Order::Unseal(_) if opens == Opens::Service => return refuse(tries, "other_way", OTHER_WAY.into()),
        Order::Unseal(secret) => With::Secret(secret, if opens == Opens::Pin { "hsm" } else { "passphrase" }),
        Order::Share(share) => match tries.shares.add(share.expose()) {
            Ok(None) => {
                tries.last_share = Some(Instant::now());
                return (tries.reply(State::Sealed, opens), None);
            }
            Ok(Some(key)) => With::Shares(key),
            Err(e) => {
                tries.was_wrong();
                return refuse(tries, "share", e.to_string());
            }
        },
    };
    tries.forget();
    match place.open(given).await {
        Ok(vault) => (Reply::new(State::Open, Opens::Nothing), Some(vault)),
        Err(e) => {
            tries.was_wrong();
            let wrong = matches!(e, Error::Seal(SealError::WrongPassphrase { .. } | SealError::WrongPin));
            refuse(tries, if wrong { "wrong" } else { "cannot_open" }, e.to_string())
        }
    }
}

/// Resolves when the operator wants the keys forgotten; until then it says how things stand.
pub async fn wanted(counter: Option<&Counter>) {
    let Some(Counter { desk, place }) = counter else { return std::future::pending().await };
    loop {
        let asked = desk.next().await;
        let open = Reply::new(State::Open, Opens::Nothing);
        let reply = match asked.order {
            Order::Status => open,
            Order::Seal => match place.opens() {
                Ok(opens) => Reply::new(State::Sealing, opens),
                Err(why) => open.refuse("unprotected", why),
            },
            Order::Unseal(_) | Order::Ask | Order::Share(_) | Order::Forget => {
                open.refuse("not_sealed", "it is open already")
            }
        };
        let seal = reply.state == State::Sealing;
        asked.reply(&reply).await;
        if seal {
            return;
        }
    }
}

/// Writes down that the keys are forgotten. What cannot be written keeps nobody from forgetting them.
pub fn record(vault: &Vault) {
    if let Err(e) = vault.sealing(&Actor::LocalOperator) {
        tracing::error!(error = %e, "the ledger does not know that the vault was sealed");
    }
}

/// Becomes a new, sealed server in the same process: the system gives the program fresh memory, so no key of the old one is
/// left in it. Returns only when that fails.
pub fn again(address: SocketAddr, origin: &str) -> anyhow::Error {
    // Replaced meanwhile by an upgrade, it is still there under this name.
    let itself = env::current_exe().ok().filter(|p| p.exists()).unwrap_or_else(|| "/proc/self/exe".into());
    let failed = Command::new(itself)
        .args(env::args_os().skip(1))
        .args(["--sealed", "--listen", &address.to_string(), "--origin", origin])
        .exec();
    anyhow::Error::new(failed)
        .context("the keys are forgotten with this process, and it could not start again")
}
