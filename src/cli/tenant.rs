//! `callvault tenant add|list|end`: companies whose data never meet, each in a vault of its own.

use super::{Done, Shared, dispose::masked};
use crate::{out, wire};
use callvault_program::{disposal::tenant, request::erase::Agreement};
use callvault_store::{
    Actor, Error, Refused,
    tenants::{TenantName, TenantState},
    two_person::Shared as Two,
};
use serde_json::json;

/// Companies whose data never meet: each is a vault of its own, opened with --tenant NAME
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Adds a tenant: a new vault below the data directory, whose key stands wrapped in this one
    Add {
        /// 1 to 40 of a-z, 0-9 and -; never used again
        name: String,
        /// Why; masked by the detector before it is kept
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// The tenants there are and were
    List,
    /// Destroys the key of a tenant, which makes everything in its vault unreadable, takes its files away and certifies it
    End {
        /// Its name
        name: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    shared.on_host("this")?;
    match &args.what {
        What::Add { name, reason } => add(shared, name, reason),
        What::List => list(shared),
        What::End { name, reason } => end(shared, name, reason),
    }
}

fn named(name: &str) -> anyhow::Result<TenantName> {
    name.parse().map_err(|e: Error| super::Usage(e.to_string()).into())
}

fn add(shared: &Shared, name: &str, reason: &str) -> anyhow::Result<Done> {
    let name = named(name)?;
    let host = wire::open(shared)?;
    let made = host.add_tenant(&Actor::LocalOperator, &name, &masked(reason)?)?;
    if shared.json {
        out::json(&json!({
            "tenant": name, "vault": made.id().to_string(), "data": made.dir(), "vkey": made.vkey(), "mode": "observe",
        }))?;
        return Ok(Done::Ok);
    }
    out::line(&format!("tenant         {name}"));
    out::line(&format!("vault          {}", made.id()));
    out::line(&format!("data           {}", made.dir().display()));
    out::line(&format!("verifier key   {}", made.vkey()));
    out::line("mode           observe: it redacts, seals and reports, and destroys nothing");
    out::line("Its key stands wrapped in this vault and nowhere else: back both up, each by itself.");
    out::line(&format!("next: callvault --tenant {name} ingest FOLDER"));
    Ok(Done::Ok)
}

fn list(shared: &Shared) -> anyhow::Result<Done> {
    let all = wire::open(shared)?.tenants()?;
    if shared.json {
        out::json(&all)?;
        return Ok(Done::Ok);
    }
    for t in &all {
        let (state, at) = match (t.state, &t.ended_at) {
            (TenantState::Live, _) => ("live since", &t.added_at),
            (TenantState::Unfinished, _) => {
                ("not finished (`callvault tenant add` goes on), begun", &t.added_at)
            }
            (TenantState::Ending, at) => (
                "ended, not certified yet (`callvault tenant end` goes on),",
                at.as_ref().unwrap_or(&t.added_at),
            ),
            (TenantState::Ended, at) => ("ended", at.as_ref().unwrap_or(&t.added_at)),
        };
        let certificate = t.certificate.map(|c| format!("; certificate {c}")).unwrap_or_default();
        out::line(&format!("{:<24} {} {state} {at}{certificate}", t.name, t.id));
    }
    if all.is_empty() {
        out::line("no tenant; `callvault tenant add NAME` adds one");
    }
    Ok(Done::Ok)
}

/// `callvault tenant end` and `callvault dispose tenant`.
pub fn end(shared: &Shared, name: &str, reason: &str) -> anyhow::Result<Done> {
    shared.on_host("ending a tenant")?;
    let name = named(name)?;
    let vault = wire::open(shared)?;
    let agreed = match tenant::agreement(&vault, &name)? {
        Agreement::NotNeeded => None,
        Agreement::Given(id) => Some(id),
        Agreement::Waits(id) => {
            out::say(&format!("waits: somebody has to agree under Requests in the console ({id})"));
            return Ok(Done::Finding);
        }
        Agreement::Missing => {
            let id = vault.request_second_locally(Two::EndTenant, &tenant::terms(&name))?;
            out::say(&format!(
                "asked: ending a tenant takes two; somebody has to agree under Requests in the console ({id}), then run this again"
            ));
            return Ok(Done::Finding);
        }
    };
    let made = match tenant::end(&vault, &Actor::LocalOperator, &name, agreed, &masked(reason)?) {
        Ok(made) => made,
        Err(e) => return kept(e),
    };
    if shared.json {
        out::json(&made)?;
        return Ok(Done::Ok);
    }
    let s = &made.statement;
    out::line(&format!("{}; certificate {}", s.title, s.id));
    for r in &s.remains {
        out::line(&format!("  remains: {} ({}), until {}", r.what, r.why, r.until));
    }
    Ok(Done::Ok)
}

/// What keeps a tenant is an answer and no failure.
fn kept(e: callvault_program::Error) -> anyhow::Result<Done> {
    match &e {
        callvault_program::Error::Store(Error::Refused(
            refused @ (Refused::ObserveMode | Refused::TenantKeeps { .. } | Refused::TenantMinimum { .. }),
        )) => {
            out::say(&format!("kept: {refused}"));
            Ok(Done::Finding)
        }
        _ => Err(e.into()),
    }
}
