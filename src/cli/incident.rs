//! `callvault incident …`: alerts, incidents, scope, clocks, notices, canaries and drills on the command line.

mod canary;
mod drill;
mod show;

use super::{Done, Shared, dispose::masked};
use crate::{out, wire};
use anyhow::Context;
use callvault_law::{Overlay, Packs};
use callvault_model::id::{AlertId, IncidentId};
use callvault_program::incident::{clocks, live::Live, notice, playbook, rules::Rules};
use callvault_store::{
    Actor, Vault,
    incident::{AlertState, Change, ScopeQuery},
};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Alerts, incidents with their scope and clocks, notices, canaries, drills
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Looks at everything new in the ledger and lists the alerts; exit 1 while some are open
    Alerts {
        /// What this site changes of the detections
        #[arg(long, value_name = "FILE.toml")]
        rules: Option<PathBuf>,
        /// Decided ones, too
        #[arg(long)]
        all: bool,
    },
    /// Dismisses an alert
    Dismiss {
        /// Its id
        id: String,
        /// Why it is nothing; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Opens an incident, from alerts or by hand
    Open {
        /// What it is called; masked by the detector before it is kept
        #[arg(long)]
        title: String,
        /// high, medium or low
        #[arg(long, default_value = "high")]
        severity: String,
        /// inside-reading, stolen-account, machine, export or general
        #[arg(long, default_value = "general")]
        playbook: String,
        /// Alerts it comes from
        #[arg(long = "alert", value_name = "ID")]
        alerts: Vec<String>,
    },
    /// The incidents, or one of them
    Show {
        /// Its id; without one all are listed
        id: Option<String>,
    },
    /// Sets phase, a named time, laws or a number of people
    Set(Set),
    /// Computes whom and what an incident touches
    Scope(Scope),
    /// Who must be told by when
    Clocks {
        /// Its id
        id: String,
    },
    /// Drafts the notice of one clock, or prints it
    Notice {
        /// The incident's id
        id: String,
        /// The clock, as `us-ca.regulator`; `clocks` lists them
        clock: String,
    },
    /// Freezes a person at once
    Freeze {
        /// The incident's id
        id: String,
        /// Their login
        login: String,
        /// Lets them in again
        #[arg(long)]
        undo: bool,
    },
    /// Invented customers that nobody has a reason to touch
    Canary(canary::Args),
    /// A drill on a copy: attack, alert, scope, clocks, freeze, notices; the vault is only read
    Drill(drill::Args),
}

/// What to set; each that is given is one change.
#[derive(clap::Args)]
struct Set {
    /// Its id
    id: String,
    /// analysis, containment, notification, recovery, review or closed
    #[arg(long)]
    phase: Option<String>,
    /// NAME=TIME, as aware=2026-11-27T21:00:00Z
    #[arg(long = "event", value_name = "NAME=TIME")]
    events: Vec<String>,
    /// All laws whose clocks run, with commas
    #[arg(long, value_delimiter = ',')]
    laws: Vec<String>,
    /// LAW=PEOPLE, as somebody counted them
    #[arg(long = "count", value_name = "LAW=PEOPLE")]
    counts: Vec<String>,
}

/// What a scope asks.
#[derive(clap::Args)]
struct Scope {
    /// The incident's id
    id: String,
    /// As the ledger names them, `account:…`; none means everybody
    #[arg(long = "actor", value_name = "ACTOR")]
    actors: Vec<String>,
    /// Only these sessions
    #[arg(long = "session", value_name = "MARK")]
    sessions: Vec<String>,
    /// RFC 3339
    #[arg(long)]
    from: Option<Timestamp>,
    /// RFC 3339; now where absent
    #[arg(long)]
    to: Option<Timestamp>,
    /// Writes scope and a proof for each reading into this new directory
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    if let What::Drill(a) = &args.what {
        return drill::run(shared, a);
    }
    let vault = wire::open(shared)?;
    let me = Actor::LocalOperator;
    match &args.what {
        What::Alerts { rules, all } => return alerts(shared, &vault, rules.as_deref(), *all),
        What::Dismiss { id, reason } => {
            vault.dismiss_alert(
                &me,
                id.parse().context("see `callvault incident alerts`")?,
                &masked(reason)?,
            )?;
        }
        What::Open { title, severity, playbook, alerts } => {
            let book = playbook::named(playbook)?
                .ok_or_else(|| super::Usage(format!("{playbook:?} is no playbook; see --help")))?;
            let alerts = alerts.iter().map(|a| a.parse::<AlertId>()).collect::<Result<Vec<_>, _>>()?;
            let id =
                vault.open_incident(&me, &masked(title)?, severity, &book.id, &book.tasks()?, &alerts)?;
            told(shared, &id)?;
        }
        What::Show { id: None } => show::list(shared, &vault)?,
        What::Show { id: Some(id) } => show::one(shared, &vault, incident(id)?)?,
        What::Set(set) => changes(&vault, set)?,
        What::Scope(scope) => compute(shared, &vault, scope)?,
        What::Clocks { id } => show::clocks(shared, &vault, incident(id)?)?,
        What::Notice { id, clock } => draft(shared, &vault, incident(id)?, clock)?,
        What::Freeze { id, login, undo } => {
            let account = vault.account_by_login(login)?.id;
            let id = incident(id)?;
            if *undo { vault.thaw(&me, id, account)? } else { vault.freeze(&me, id, account)? }
        }
        What::Canary(a) => canary::run(shared, &vault, a)?,
        What::Drill(_) => {}
    }
    Ok(Done::Ok)
}

fn incident(id: &str) -> anyhow::Result<IncidentId> {
    id.parse().context("see `callvault incident show`")
}

fn told(shared: &Shared, id: &impl std::fmt::Display) -> anyhow::Result<()> {
    if shared.json {
        return out::json(&serde_json::json!({ "id": id.to_string() }));
    }
    out::line(&id.to_string());
    Ok(())
}

/// The rules of law that ship.
fn packs() -> anyhow::Result<Packs> {
    Ok(callvault_program::dial::edition(Overlay::default())?)
}

fn alerts(
    shared: &Shared,
    vault: &Vault,
    rules: Option<&std::path::Path>,
    all: bool,
) -> anyhow::Result<Done> {
    let rules = rules.map_or_else(Rules::shipped, Rules::with_site)?;
    Live::start(vault, rules)?.round(vault)?;
    let rows = vault.alerts(if all { None } else { Some(AlertState::Open) })?;
    let open = rows.iter().any(|a| a.state == AlertState::Open);
    if shared.json {
        out::json(&rows)?;
    } else if rows.is_empty() {
        out::line("nothing is open; every entry of the ledger was looked at");
    } else {
        for a in &rows {
            let f = &a.found;
            out::line(&format!("{}  {:<9} {:<9} {}  {}", a.id, f.grade, a.state.as_str(), f.at, f.title));
            out::line(&format!("    {}: {} (entry {})", f.actor, f.why, f.seq));
        }
    }
    Ok(if open { Done::Finding } else { Done::Ok })
}

fn pair<'a>(text: &'a str, of: &str) -> anyhow::Result<(&'a str, &'a str)> {
    Ok(text.split_once('=').ok_or_else(|| super::Usage(format!("{text:?} is not {of}")))?)
}

fn changes(vault: &Vault, set: &Set) -> anyhow::Result<()> {
    let (me, id) = (Actor::LocalOperator, incident(&set.id)?);
    let mut all = Vec::new();
    for event in &set.events {
        let (name, at) = pair(event, "NAME=TIME")?;
        all.push(Change::Event(
            name.into(),
            Some(at.parse().context("a time is written 2026-11-27T21:00:00Z")?),
        ));
    }
    for count in &set.counts {
        let (law, n) = pair(count, "LAW=PEOPLE")?;
        all.push(Change::Count(law.into(), Some(n.parse().context("people are a whole number")?)));
    }
    if !set.laws.is_empty() {
        all.push(Change::Laws(set.laws.clone()));
    }
    if let Some(name) = &set.phase {
        let phase = callvault_store::incident::Phase::parse(name)
            .ok_or_else(|| super::Usage(format!("{name:?} is no phase; see --help")))?;
        all.push(Change::Phase(phase));
    }
    anyhow::ensure!(!all.is_empty(), super::Usage("nothing to set; see --help".into()));
    for change in &all {
        vault.change_incident(&me, id, change)?;
    }
    Ok(())
}

/// Computes, keeps, and lets the clocks of the places run that were found.
fn compute(shared: &Shared, vault: &Vault, asked: &Scope) -> anyhow::Result<()> {
    let (me, id, packs) = (Actor::LocalOperator, incident(&asked.id)?, packs()?);
    let to = asked.to.unwrap_or_else(|| vault.clock().now());
    let from = asked.from.unwrap_or(to.checked_sub(SignedDuration::from_hours(24))?);
    let query = ScopeQuery { actors: asked.actors.clone(), sessions: asked.sessions.clone(), from, to };
    let scope = vault.set_scope(&me, id, &query, &|number| clocks::places(&packs, number))?;
    let row = vault.incident(id)?;
    if let Some(found) = &row.scope {
        let mut laws = row.laws.clone();
        laws.extend(clocks::suggested(&packs, found));
        vault.change_incident(&me, id, &Change::Laws(laws))?;
    }
    if let Some(dir) = &asked.pack {
        show::pack(vault, &scope, dir)?;
    }
    if shared.json {
        return out::json(&scope);
    }
    show::scope(&scope);
    Ok(())
}

fn draft(shared: &Shared, vault: &Vault, id: IncidentId, clock: &str) -> anyhow::Result<()> {
    let (incident, notices) = (vault.incident(id)?, vault.notices(id)?);
    let all = clocks::countdowns(&packs()?, &incident, &notices, vault.clock().now());
    let found = all.into_iter().find(|c| c.clock == clock).ok_or_else(|| {
        super::Usage(format!("the clock {clock:?} does not run; see `callvault incident clocks`"))
    })?;
    let there = notices.into_iter().find(|n| n.clock == clock);
    let body = match there {
        Some(n) => n.body,
        None => {
            let (_, body) = notice::draft(&incident, &found, &vault.frozen(id)?, vault.is_drill()?)?;
            let to = found.recipients.join(", ");
            vault.draft_notice(&Actor::LocalOperator, id, clock, &to, &body)?;
            body
        }
    };
    if shared.json {
        return out::json(&serde_json::json!({ "clock": clock, "body": body }));
    }
    out::line(&body);
    Ok(())
}
