//! `callvault user …`: who may come in. The user of this machine invites and stops people; he reads nothing through it.

use super::{Done, Shared, Usage};
use crate::{out, wire};
use callvault_model::Secret;
use callvault_policy::Role;
use callvault_store::{Actor, Vault, accounts::AccountRow};
use serde_json::json;
use std::collections::BTreeSet;

/// Invites, lists, suspends, restores and revokes people
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Makes an account and the link that lets its owner in; without a login, the link of the first administrator
    Invite {
        /// What the person signs in with
        login: Option<String>,
        /// The person's name; kept sealed
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// A role; may be given several times
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
    },
    /// A new link for somebody who lost the first one, or every way to sign in
    Reinvite {
        /// The login
        login: String,
    },
    /// Everybody who may come in
    List,
    /// Stops somebody at once; sessions end
    Suspend {
        /// The login
        login: String,
    },
    /// Lets somebody in again who was suspended
    Restore {
        /// The login
        login: String,
    },
    /// Ends an account for good
    Revoke {
        /// The login
        login: String,
    },
    /// Takes the lock of ten failed tries off
    Unlock {
        /// The login
        login: String,
    },
    /// Gives exactly these roles
    Roles {
        /// The login
        login: String,
        /// The roles
        #[arg(required = true)]
        roles: Vec<String>,
    },
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let (vault, by) = (wire::open(shared)?, Actor::LocalOperator);
    let id = |login: &str| -> anyhow::Result<_> { Ok(vault.account_by_login(login)?.id) };
    match &args.what {
        What::List => return list(shared, &vault),
        What::Invite { login: None, .. } => {
            let Some(link) = vault.first_admin_invite()? else {
                out::say("there is an administrator already; name a login and roles to invite somebody else");
                return Ok(Done::Finding);
            };
            return show_link(shared, "admin", &link);
        }
        What::Invite { login: Some(login), name, roles } => {
            let name = if name.is_empty() { login } else { name };
            let (_, link) = vault.invite(&by, login, name, &roles_of(roles)?)?;
            return show_link(shared, login, &link);
        }
        What::Reinvite { login } => return show_link(shared, login, &vault.reinvite(&by, id(login)?)?),
        What::Suspend { login } => vault.suspend(&by, id(login)?)?,
        What::Restore { login } => vault.restore(&by, id(login)?)?,
        What::Revoke { login } => vault.revoke(&by, id(login)?)?,
        What::Unlock { login } => vault.unlock(&by, id(login)?)?,
        What::Roles { login, roles } => vault.set_roles(&by, id(login)?, &roles_of(roles)?)?,
    }
    list(shared, &vault)
}

fn roles_of(names: &[String]) -> anyhow::Result<BTreeSet<Role>> {
    let parse = |name: &String| name.parse::<Role>().map_err(|e| Usage(format!("{name}: {e}")).into());
    names.iter().map(parse).collect()
}

/// The link is shown once, on the standard output of the person who asked for it.
fn show_link(shared: &Shared, login: &str, link: &Secret<String>) -> anyhow::Result<Done> {
    let path = format!("/enrol/{}", link.expose());
    if shared.json {
        out::json(&json!({"login": login, "path": path, "hours": 24}))?;
    } else {
        out::line(&format!("login  {login}"));
        out::line(&format!("link   https://YOUR-SERVER{path}"));
        out::say("The link works once, for 24 hours, and is kept nowhere. Give it to nobody else.");
    }
    Ok(Done::Ok)
}

fn list(shared: &Shared, vault: &Vault) -> anyhow::Result<Done> {
    let accounts = vault.accounts()?;
    if shared.json {
        out::json(&accounts)?;
        return Ok(Done::Ok);
    }
    out::line("login                    state      factors                      roles");
    for a in &accounts {
        let roles = a.roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
        out::line(&format!("{:<24} {:<10} {:<28} {roles}", a.login, a.state.as_str(), factors(a)));
    }
    Ok(Done::Ok)
}

fn factors(a: &AccountRow) -> String {
    let mut parts = Vec::new();
    if a.service {
        parts.push("keys".to_owned());
    }
    if a.password {
        parts.push("password and app".to_owned());
    }
    if a.passkeys > 0 {
        parts.push(format!("{} passkey(s)", a.passkeys));
    }
    if parts.is_empty() { "none yet".into() } else { parts.join(", ") }
}
