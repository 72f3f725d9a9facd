//! Acts on what is kept that pages and API share: leaving observe mode by two people, and running the rules.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    session::Who,
};
use callvault_flow::dispose;
use callvault_model::id::DecisionId;
use callvault_policy::Act;
use callvault_store::{Actor, RetentionPreview, gate::Target, two_person::Shared};
use serde::Serialize;

/// Fewer measured values say nothing about how much is found.
const MIN_PLANTED: u64 = 20;
/// Ten years; more is a slip of the finger.
const MAX_COOLING_DAYS: u32 = 3_653;

/// The terms two people agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Terms {
    /// Values that were planted in released conversations.
    pub planted: u64,
    /// Of these, covered.
    pub covered: u64,
    /// Days between proof and destruction.
    pub cooling_days: u32,
}

impl Terms {
    fn new(planted: u64, covered: u64, cooling_days: u32) -> Outcome<Self> {
        if planted < MIN_PLANTED {
            return Err(Problem::bad(format!(
                "Only {planted} planted values were measured; label conversations with at least {MIN_PLANTED} before anything is destroyed."
            )));
        }
        if covered > planted || cooling_days > MAX_COOLING_DAYS {
            return Err(Problem::bad(
                "The report covers more values than it planted, or the delay is longer than ten years; measure again.",
            ));
        }
        Ok(Self { planted, covered, cooling_days })
    }

    /// From the text of a report that this vault signed.
    pub async fn of_report(app: &App, report: String, cooling_days: u32) -> Outcome<Self> {
        let measured = app.run(move |vault| vault.accept_measurement(&report)).await?;
        Self::new(measured.planted, measured.covered, cooling_days)
    }
}

/// Asks a second person to leave observe mode.
pub(crate) async fn ask(app: &App, who: &Who, terms: Terms) -> Outcome<DecisionId> {
    let session = who.session.clone();
    let facts = serde_json::to_value(terms).map_err(|e| Problem::internal(&e))?;
    app.run(move |vault| {
        if vault.disposal()?.is_some() {
            return Err(Problem::conflict(
                "disposing",
                "This vault left observe mode already; load the page again.",
            ));
        }
        Ok(vault.request_second(&session, Shared::EnableDisposal, &facts)?)
    })
    .await
}

/// A second person's answer; agreement holds at once.
pub(crate) async fn decide(app: &App, who: &Who, id: DecisionId, agree: bool) -> Outcome<()> {
    let session = who.session.clone();
    app.run(move |vault| {
        vault.decide_second(&session, id, agree)?;
        let mode = vault.decisions()?.iter().any(|d| d.id == id && d.what == Shared::EnableDisposal);
        // What else two people agree on is carried out by who asked.
        if agree && mode { vault.enable_disposal_agreed(id).map(drop) } else { Ok(()) }
    })
    .await
}

/// Back to observing: one person is enough to destroy nothing.
pub(crate) async fn observe(app: &App, who: &Who) -> Outcome<()> {
    let by = who.may(app, Act::RequestDisposalMode, Target::Program, None).await?;
    app.run(move |vault| vault.disable_disposal(&by)).await
}

/// What a run destroyed.
pub(crate) struct Run {
    /// Originals, each with its certificate.
    pub originals: u64,
    /// Conversations of which something else was destroyed, by class.
    pub lines: Vec<callvault_store::sweep::SweptLine>,
}

/// Destroys what is due, if it is as much as the person saw before.
pub(crate) async fn run(app: &App, by: Actor, expected: u64) -> Outcome<Run> {
    app.run(move |vault| {
        as_seen(&vault.retention_preview(None)?, expected)?;
        let done = dispose::retain(vault, &by)?;
        Ok::<_, Problem>(Run { originals: done.originals as u64, lines: done.swept.lines })
    })
    .await
}

fn as_seen(preview: &RetentionPreview, expected: u64) -> Result<(), Problem> {
    if preview.observing {
        return Err(Problem::kept(&callvault_store::Refused::ObserveMode));
    }
    if preview.total != expected {
        return Err(Problem::conflict(
            "preview_changed",
            "What is due changed since you looked; nothing was destroyed. Look at the preview again, then decide.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_small_and_impossible_measurements_are_refused() {
        let terms = Terms::new(40, 39, 7).unwrap();
        assert_eq!(terms, Terms { planted: 40, covered: 39, cooling_days: 7 });
        for (planted, covered, days) in [(19, 19, 7), (40, 41, 7), (40, 40, 3_654)] {
            assert!(Terms::new(planted, covered, days).is_err());
        }
    }
}
