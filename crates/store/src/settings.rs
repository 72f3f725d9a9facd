//! Whether this vault destroys anything. A new one observes: it redacts, seals and reports.

use crate::{Error, Vault};
use callvault_ledger::Kind;
use rusqlite::{OptionalExtension, params};
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

impl Vault {
    /// `None` while the vault only observes.
    pub fn disposal(&self) -> Result<Option<Disposal>, Error> {
        let text: Option<String> = self
            .db()
            .query_row("SELECT value FROM meta WHERE key = ?1", params![DISPOSAL], |r| r.get(0))
            .optional()?;
        text.map(|t| serde_json::from_str(&t).map_err(|_| Error::Corrupt("the disposal setting"))).transpose()
    }

    /// Releases observe mode on the strength of a measurement.
    pub fn enable_disposal(&self, measured: Measured, cooling_days: u32) -> Result<Disposal, Error> {
        let disposal = Disposal {
            enabled_at: self.clock.now().to_string(),
            enabled_by: vec![self.actor.clone()],
            cooling_days,
            measured,
        };
        let text = serde_json::to_string(&disposal).map_err(|_| Error::Corrupt("the disposal setting"))?;
        self.command("enable disposal", |c| {
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
                ],
            );
            Ok(())
        })?;
        Ok(disposal)
    }

    /// Back to observing; nothing is destroyed from now on.
    pub fn disable_disposal(&self) -> Result<(), Error> {
        self.command("disable disposal", |c| {
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
