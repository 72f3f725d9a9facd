//! `callvault serve`: console and API on one TLS socket, with the worker inside; closed at first with `--sealed`.

mod sealed;

use super::{Done, Shared, detect};
use crate::{out, wire};
use anyhow::Context;
use callvault_program::incident::rules::Rules;
use callvault_store::Vault;
use callvault_web::{
    Bound, Config,
    app::{App, Place},
    routes, watching, worker,
};
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// Serves the console and the API over TLS, and works on what comes in
#[derive(clap::Args)]
pub struct Args {
    /// The server's settings; docs/guide/serve.md lists them
    #[arg(long, value_name = "FILE.toml", env = "CALLVAULT_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS:PORT", env = "CALLVAULT_LISTEN", overrides_with = "listen")]
    listen: Option<SocketAddr>,
    /// The address people type, such as `https://calls.example.org`
    #[arg(long, value_name = "URL", env = "CALLVAULT_ORIGIN", overrides_with = "origin")]
    origin: Option<String>,
    /// Starts closed: answers that it lives and nothing else, until `callvault unseal` opens it
    #[arg(long, overrides_with = "sealed")]
    sealed: bool,
}

/// How long what is under way may take before the keys are forgotten; requests have had their own time by then.
const GRACE: Duration = Duration::from_secs(10);

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if args.sealed {
        shared.on_host("a sealed start")?;
    }
    let mut config = settings(args)?;
    detect::profile(&config.profile)?;
    let rules = config.watch_rules.as_deref().map_or_else(Rules::shipped, Rules::with_site)?;
    let mut open = if args.sealed { None } else { Some(wire::open(shared)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Uploads that trickle in hold one each while they last; passwords have a bound of their own.
        .max_blocking_threads(128)
        .build()
        .context("the server's threads cannot be started")?;
    // Only a server that starts closed has a second way in: what starts open answers on one socket.
    let desk = args.sealed.then(|| runtime.block_on(async { sealed::Counter::open(shared) })).transpose()?;
    let mut bound = runtime.block_on(Bound::new(&config, &shared.data))?;
    if config.listen.port() == 0 && args.origin.is_none() {
        config.origin = format!("https://localhost:{}", bound.address()?.port());
    }
    if let Some(desk) = &desk {
        sealed::greet(shared, &config.origin, &bound)?;
        open = runtime.block_on(desk.wait(&bound));
    }
    let Some(vault) = open else { return Ok(Done::Ok) };
    let origin = config.origin.clone();
    let seal = work(shared, &runtime, &mut bound, (config, rules), vault, desk.as_ref())?;
    // Connections that are still open hold the vault.
    runtime.shutdown_timeout(GRACE);
    if seal { Err(sealed::again(bound.address()?, &origin)) } else { Ok(Done::Ok) }
}

fn settings(args: &Args) -> anyhow::Result<Config> {
    let mut config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if let Some(listen) = args.listen {
        config.listen = listen;
        config.origin = format!("https://localhost:{}", listen.port());
    }
    if let Some(origin) = &args.origin {
        config.origin.clone_from(origin);
    }
    config.check().map_err(super::Usage)?;
    Ok(config)
}

/// Serves an open vault; true when its keys are to be forgotten.
fn work(
    shared: &Shared,
    runtime: &Runtime,
    bound: &mut Bound,
    (config, rules): (Config, Rules),
    vault: Vault,
    desk: Option<&sealed::Counter>,
) -> anyhow::Result<bool> {
    let profile = detect::profile(&config.profile)?;
    let vault = Arc::new(vault);
    let own = shared.recognisers.as_deref().map(wire::recognisers).transpose()?;
    let key_file = wire::written_key(shared, &vault.id().to_string()).ok();
    let app = App::at(Arc::clone(&vault), config, Place { key_file, recognisers: own.clone() });
    greet(shared, &app, bound)?;
    let chosen = shared.clone();
    let worker = worker::Worker::start(
        app.clone(),
        Box::new(move || {
            let mut detector = wire::detector(profile, None)?;
            if let Some(own) = &own {
                detector = detector.with_custom(Arc::clone(own));
            }
            let (first, again) = wire::engines(&chosen)?.into_parts();
            Ok(worker::Kit { detector, first, again })
        }),
    )
    .context("the worker cannot be started")?;
    let watcher = watching::Watcher::start(app.clone(), rules).context("the watch cannot be started")?;
    let mut seal = false;
    runtime.block_on(bound.serve(routes::router(&app), async {
        tokio::select! { () = stopped() => {}, () = sealed::wanted(desk) => seal = true }
    }));
    worker.stop();
    watcher.stop();
    if seal {
        sealed::record(&vault);
    }
    Ok(seal)
}

/// Where to go, what to compare, and how the first administrator gets in.
fn greet(shared: &Shared, app: &App, bound: &mut Bound) -> anyhow::Result<()> {
    use std::io::Write;
    let origin = &app.config.origin;
    let invite = app.vault.first_admin_invite()?.map(|token| format!("{origin}/enrol/{}", token.expose()));
    if shared.json {
        out::json(&json!({
            "address": bound.address()?.to_string(), "origin": origin, "certificate_sha256": bound.fingerprint(),
            "first_administrator": invite,
        }))?;
    } else {
        out::line(&format!("callvault serves {origin} (socket {})", bound.address()?));
        if bound.self_signed() {
            out::line(&format!(
                "The certificate is self-signed; compare its SHA-256 in the browser before you go on:\n  {}",
                bound.fingerprint()
            ));
        }
        if let Some(link) = invite {
            out::line(&format!(
                "Nobody can sign in yet. The first administrator opens this link, once, within 24 hours:\n  {link}"
            ));
        }
    }
    Ok(std::io::stdout().flush()?)
}

/// Resolves on the first SIGINT or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    tracing::info!("stopping; requests under way may end");
}
