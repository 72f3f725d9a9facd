//! Whether this vault destroys anything. A new one observes: it redacts, seals and reports.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, Refused, Vault, two_person};
use callvault_ledger::Kind;
use callvault_model::id::DecisionId;
use serde::{Deserialize, Serialize};

/// What released disposal, and on which terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disposal {
    /// When it was enabled, RFC 3339.
    pub enabled_at: String,
    /// Who enabled it. One name in a single-person vault, which every certificate states.
    pub enabled_by: Vec<String>,
    /// Days between proof and destruction.
    pub cooling_days: u32,
    /// The measurement that was accepted: planted values, covered values, lower bound of recall (95 %, Wilson).
    pub measured: Measured,
}

/// A measurement of recall on labelled conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Values that should have been covered.
    pub planted: u64,
    /// Values that were.
    pub covered: u64,
    /// Lower end of the 95 % Wilson interval of recall, 0 to 1.
    pub recall_at_least: f64,
}

impl Measured {
    /// From counts.
    pub fn new(planted: u64, covered: u64) -> Self {
        Self { planted, covered, recall_at_least: wilson_lower(planted, covered) }
    }
}

/// Lower end of the 95 % Wilson score interval (Wilson 1927).
fn wilson_lower(n: u64, hits: u64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let (n, p, z) = (n as f64, hits as f64 / n as f64, 1.959_964_f64);
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - spread) / (1.0 + z * z / n)).max(0.0)
}

const DISPOSAL: &str = "disposal";
const MAX_COOLING_DAYS: u32 = 3_653;

/// The setting inside a command or beside one.
pub(crate) fn disposal_in(db: &Connection) -> Result<Option<Disposal>, Error> {
    let text: Option<String> =
        db.query_row("SELECT value FROM meta WHERE key = ?1", params![DISPOSAL], |r| r.get(0)).optional()?;
    text.map(|t| serde_json::from_str(&t).map_err(|_| Error::Corrupt("the disposal setting"))).transpose()
}

/// Two different people, where there are two.
fn two_people(db: &Connection, asked: &Actor, agreed: Option<&Actor>) -> Result<(), Error> {
    let people: i64 =
        db.query_row("SELECT COUNT(*) FROM account WHERE kind = 'person' AND state = 'active'", [], |r| {
            r.get(0)
        })?;
    match agreed {
        Some(agreed) if agreed == asked => {
            Err(Refused::SecondPerson("one cannot agree to the own request").into())
        }
        Some(Actor::Account(_)) if matches!(asked, Actor::Account(_)) => Ok(()),
        Some(_) => Err(Refused::SecondPerson("both have to be people who signed in").into()),
        None if people <= 1 => Ok(()),
        None => Err(Refused::SecondPerson("ask for it in the console; another person agrees there").into()),
    }
}

/// Writes the terms and their entry.
fn write_disposal(
    c: &mut Command<'_>,
    requested_by: &Actor,
    approved_by: Option<&Actor>,
    measured: Measured,
    cooling_days: u32,
) -> Result<Disposal, Error> {
    if cooling_days > MAX_COOLING_DAYS {
        return Err(Refused::invalid("a cooling delay of more than ten years", "give fewer days").into());
    }
    let disposal = Disposal {
        enabled_at: c.now.clone(),
        enabled_by: [Some(requested_by), approved_by].into_iter().flatten().map(Actor::to_string).collect(),
        cooling_days,
        measured,
    };
    let text = serde_json::to_string(&disposal).map_err(|_| Error::Corrupt("the disposal setting"))?;
    c.tx.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![DISPOSAL, text],
            )?;
    c.log(
        Kind::ModeChanged,
        None,
        None,
        &[
            ("mode", "dispose".into()),
            ("cooling_days", cooling_days.into()),
            ("planted", disposal.measured.planted.into()),
            ("covered", disposal.measured.covered.into()),
            ("approvers", disposal.enabled_by.len().into()),
            ("requested_by", requested_by.to_string().into()),
            ("approved_by", approved_by.map_or_else(String::new, Actor::to_string).into()),
        ],
    );
    Ok(disposal)
}

impl Vault {
    /// `None` while the vault only observes.
    pub fn disposal(&self) -> Result<Option<Disposal>, Error> {
        disposal_in(&self.db())
    }

    /// Releases observe mode on the strength of a measurement. A vault in which more than one person is active wants two
    /// different people; the local operator alone may release a vault that nobody else works in.
    pub fn enable_disposal(
        &self,
        requested_by: &Actor,
        approved_by: Option<&Actor>,
        measured: Measured,
        cooling_days: u32,
    ) -> Result<Disposal, Error> {
        self.command_as(approved_by.unwrap_or(requested_by), "enable disposal", |c| {
            two_people(&c.tx, requested_by, approved_by)?;
            write_disposal(c, requested_by, approved_by, measured, cooling_days)
        })
    }

    /// Releases observe mode as two people agreed ([`Vault::request_second`], [`Vault::decide_second`]); an agreement is
    /// used once. Its facts are `planted`, `covered` and `cooling_days`.
    pub fn enable_disposal_agreed(&self, id: DecisionId) -> Result<Disposal, Error> {
        let agreed = self.agreement(id)?;
        self.command_as(&Actor::Account(agreed.approved_by), "enable disposal", |c| {
            let agreed = two_person::use_up(c, id, two_person::Shared::EnableDisposal, self.clock.now())?;
            let fact = |name: &str| agreed.facts.get(name).and_then(serde_json::Value::as_u64);
            let (Some(planted), Some(covered), Some(days)) =
                (fact("planted"), fact("covered"), fact("cooling_days"))
            else {
                return Err(Refused::invalid("a request without a measurement", "make a new request").into());
            };
            let days = u32::try_from(days).unwrap_or(u32::MAX);
            let (by, with) = (Actor::Account(agreed.requested_by), Actor::Account(agreed.approved_by));
            write_disposal(c, &by, Some(&with), Measured::new(planted, covered), days)
        })
    }

    /// Back to observing; nothing is destroyed from now on.
    pub fn disable_disposal(&self, actor: &Actor) -> Result<(), Error> {
        self.command_as(actor, "disable disposal", |c| {
            c.tx.execute("DELETE FROM meta WHERE key = ?1", params![DISPOSAL])?;
            c.log(Kind::ModeChanged, None, None, &[("mode", "observe".into())]);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_honest_about_small_samples() {
        assert!(Measured::new(10, 10).recall_at_least < 0.75);
        assert!(Measured::new(1000, 1000).recall_at_least > 0.99);
        assert_eq!(Measured::new(0, 0).recall_at_least, 0.0);
        assert!((Measured::new(100, 95).recall_at_least - 0.8882).abs() < 0.001);
    }
}
