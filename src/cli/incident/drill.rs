//! `callvault incident drill`: from the attack to the drafts of notices on a copy of the vault.

use super::packs;
use crate::{cli::Shared, out};
use anyhow::Context;
use callvault_model::{Clock, Id, SystemClock, id::IncidentId};
use callvault_program::incident::{clocks, live::Live, notice, playbook, rules::Rules};
use callvault_seal::OsEntropy;
use callvault_store::{
    Actor, NewVault, Vault,
    incident::{AlertRow, Change, ScopeQuery},
};
use jiff::SignedDuration;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

/// A drill on a copy; the vault itself is only read, and may be served meanwhile
#[derive(clap::Args)]
pub struct Args {
    /// A new directory for the copy; its key file lies beside it
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// How many customers the invented agent reads
    #[arg(long, default_value_t = 136)]
    people: u16,
    /// Days of the ledger that are copied
    #[arg(long, default_value_t = 30)]
    days: u16,
    /// Laws whose clocks run beside those of the places found
    #[arg(long, value_delimiter = ',')]
    laws: Vec<String>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<crate::cli::Done> {
    anyhow::ensure!(
        (1..=5_000).contains(&args.people) && (1..=366).contains(&args.days),
        crate::cli::Usage("--people is 1 to 5000, --days 1 to 366".into())
    );
    anyhow::ensure!(
        Vault::peek(&shared.data)?.is_some(),
        "{}: there is no vault to copy; `callvault init` makes one",
        shared.data.display()
    );
    let (data, key) = (args.into.join("data"), args.into.join("drill.key"));
    let new = NewVault {
        dir: &data,
        key_file: &key,
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let id = Id::new(clock.as_ref(), &OsEntropy)?;
    let vault = Vault::copy_for_drill(&shared.data, &new, id, clock, args.days)
        .with_context(|| format!("the copy in {} cannot be made", args.into.display()))?;
    let mut live = Live::start(&vault, Rules::shipped()?)?;
    live.round(&vault)?;
    let began = vault.clock().now();
    let agent = vault.drill_mass_read(usize::from(args.people), SignedDuration::from_secs(20))?;
    live.round(&vault)?;
    let actor = Actor::Account(agent).to_string();
    let alerts: Vec<AlertRow> = vault.alerts(None)?.into_iter().filter(|a| a.found.actor == actor).collect();
    anyhow::ensure!(
        !alerts.is_empty(),
        "nothing was found: {} readings are below every rule; give more --people",
        args.people
    );
    let incident = respond(&vault, args, &actor, &alerts)?;
    vault.freeze(&Actor::LocalOperator, incident, agent)?;
    report(shared, args, &vault, incident, &alerts, began)
}

/// What a lead does: open, scope, laws, drafts.
fn respond(vault: &Vault, args: &Args, actor: &str, alerts: &[AlertRow]) -> anyhow::Result<IncidentId> {
    let (me, packs) = (Actor::LocalOperator, packs()?);
    let ids: Vec<_> = alerts.iter().map(|a| a.id).collect();
    let rule = alerts.last().map(|a| a.found.rule.clone()).unwrap_or_default();
    let book = playbook::for_rule(&rule)?;
    let id = vault.open_incident(
        &me,
        "DRILL: one account read many people",
        "high",
        &book.id,
        &book.tasks()?,
        &ids,
    )?;
    let now = vault.clock().now();
    let from = now.checked_sub(SignedDuration::from_hours(24))?;
    let query = ScopeQuery { actors: vec![actor.to_owned()], sessions: Vec::new(), from, to: now };
    vault.set_scope(&me, id, &query, &|number| clocks::places(&packs, number))?;
    let mut laws = args.laws.clone();
    if let Some(scope) = &vault.incident(id)?.scope {
        laws.extend(clocks::suggested(&packs, scope));
    }
    if laws.is_empty() {
        // A copy holds no telephone numbers, so no place is known; two common laws let the drill go on.
        laws = vec!["EU".into(), "US-CA".into()];
    }
    vault.change_incident(&me, id, &Change::Laws(laws))?;
    let incident = vault.incident(id)?;
    for clock in clocks::countdowns(&packs, &incident, &[], now) {
        let (_, body) = notice::draft(&incident, &clock, &[], true)?;
        vault.draft_notice(&me, id, &clock.clock, &clock.recipients.join(", "), &body)?;
    }
    Ok(id)
}

fn report(
    shared: &Shared,
    args: &Args,
    vault: &Vault,
    id: IncidentId,
    alerts: &[AlertRow],
    began: jiff::Timestamp,
) -> anyhow::Result<crate::cli::Done> {
    let (incident, notices) = (vault.incident(id)?, vault.notices(id)?);
    let people = incident.scope.as_ref().map_or(0, |s| s.people);
    let all = clocks::countdowns(&packs()?, &incident, &notices, vault.clock().now());
    let seconds = vault.clock().now().duration_since(began).as_secs();
    let rules: Vec<_> = alerts.iter().map(|a| a.found.rule.clone()).collect();
    if shared.json {
        out::json(&json!({
            "drill": true, "incident": id, "alerts": rules, "planted": args.people, "people": people,
            "clocks": all.len(), "notices": notices.len(), "seconds": seconds,
        }))?;
        return Ok(crate::cli::Done::Ok);
    }
    out::line("DRILL. Nothing of this happened; the vault was only read.");
    out::line(&format!("alerts: {}", rules.join(", ")));
    out::line(&format!("scope: {people} of {} planted people", args.people));
    for c in all.iter().take(8) {
        out::line(&format!("clock: {} {} ({})", c.clock, c.left, c.cite));
    }
    out::line(&format!(
        "{} notices drafted, the account frozen, {seconds} s from attack to drafts",
        notices.len()
    ));
    out::line(&format!(
        "look at it: callvault serve --data {} --key-file {}",
        args.into.join("data").display(),
        args.into.join("drill.key").display()
    ));
    Ok(crate::cli::Done::Ok)
}
