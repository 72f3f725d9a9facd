//! `callvault unseal` and `callvault seal`: opens a waiting server, makes a running one forget its keys. Both speak to it over a
//! socket in the data directory, never over the network.

use super::{Done, Shared, Usage};
use crate::out;
use anyhow::Context;
use callvault_model::Secret;
use callvault_seal::read_passphrase;
use callvault_web::control::{self, Opens, Order, Reply, State};
use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Opens the vault of a server that waits sealed: with the passphrase or PIN of its key file, asked for at the terminal or read
/// from --passphrase-file, with one recovery share after another,
/// or, where a service holds what opens the key file, by asking that
#[derive(clap::Args)]
#[group(multiple = false)]
pub struct Args {
    /// Gives one recovery share, asked for at the terminal; only the count so far is shown
    #[arg(long)]
    share: bool,
    /// The same from a private file (0600)
    #[arg(long, value_name = "FILE")]
    share_file: Option<PathBuf>,
    /// Makes the server forget the shares it was given
    #[arg(long)]
    forget: bool,
    /// Only says how things stand
    #[arg(long)]
    status: bool,
}

/// Makes a running server forget its keys and wait sealed. Ends when it does
#[derive(clap::Args)]
pub struct SealArgs {}

/// Requests under way have ten seconds, the worker ends its step, the rest is quick.
const PATIENCE: Duration = Duration::from_secs(180);

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let status = asked(shared, &Order::Status)?;
    let order = match args {
        _ if args.status || status.state != State::Sealed => return told(shared, &status),
        Args { forget: true, .. } => Order::Forget,
        Args { share_file: Some(file), .. } => Order::Share(read_passphrase(file)?),
        Args { share: true, .. } => Order::Share(typed("recovery share: ")?),
        _ => match (&shared.passphrase_file, status.opens) {
            (_, Opens::Shares) => anyhow::bail!(
                "the key file is not there; each holder gives a recovery share with `callvault unseal --share`"
            ),
            (_, Opens::Service) => Order::Ask,
            (Some(file), _) => Order::Unseal(read_passphrase(file)?),
            (None, Opens::Pin) => Order::Unseal(typed("PIN of the security module: ")?),
            (None, _) => Order::Unseal(typed("passphrase of the key file: ")?),
        },
    };
    told(shared, &asked(shared, &order)?)
}

pub fn seal(shared: &Shared, _: &SealArgs) -> anyhow::Result<Done> {
    let mut reply = asked(shared, &Order::Seal)?;
    let begun = Instant::now();
    while reply.refused.is_none() && reply.state != State::Sealed {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "it was told to seal itself and has not done so; look at its log"
        );
        thread::sleep(Duration::from_millis(100));
        // It does not answer while it starts again.
        if let Some(now) = give(shared, &Order::Status)? {
            reply = now;
        }
    }
    told(shared, &reply)
}

fn give(shared: &Shared, order: &Order) -> anyhow::Result<Option<Reply>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot speak to the server")?;
    Ok(runtime.block_on(control::give(&shared.data, order))?)
}

fn asked(shared: &Shared, order: &Order) -> anyhow::Result<Reply> {
    give(shared, order)?.with_context(|| {
        format!("no server serves {}; start one with `callvault serve --sealed`", shared.data.display())
    })
}

/// One line from the terminal that does not appear on it.
fn typed(prompt: &str) -> anyhow::Result<Secret<String>> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() {
        let how =
            "there is no terminal to ask at; name a private file with --passphrase-file or --share-file";
        return Err(Usage(how.to_owned()).into());
    }
    terminal.write_str(prompt)?;
    let line = Secret::new(terminal.read_secure_line().context("nothing was typed")?);
    anyhow::ensure!(!line.expose().is_empty(), "nothing was typed");
    Ok(line)
}

fn told(shared: &Shared, reply: &Reply) -> anyhow::Result<Done> {
    if shared.json {
        out::json(reply)?;
    } else if reply.refused.is_none() {
        out::line(&match (reply.state, reply.shares_given) {
            (State::Open, _) => "the vault is open".to_owned(),
            (State::Sealing, _) => "the vault is being sealed".to_owned(),
            (State::Sealed, 0) => "the vault is sealed".to_owned(),
            (State::Sealed, given) => {
                format!("the vault is sealed; {given} of {} shares given", reply.shares_needed)
            }
        });
    }
    if let Some(why) = &reply.why {
        out::say(&format!("refused: {why}"));
    }
    Ok(if reply.refused.is_none() { Done::Ok } else { Done::Finding })
}
