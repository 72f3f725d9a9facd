//! Carrying a correction out: the missed value leaves the text of every turn in which it can be read, and the recording.

use crate::{Error, scratch::Scratch, voice};
use callvault_detect::search;
use callvault_model::{IntervalSet, id::CorrectionId};
use callvault_speech::decode::{Limits, Recording};
use callvault_store::{
    Actor, SealedBlob, Vault,
    corrections::{Corrected, CorrectionPlan},
};

/// Silence on both sides of what a person marked.
const PAD_MS: u64 = 300;
/// Shorter values stand in every text by chance.
const SEARCHABLE: usize = 3;

/// Accepts a correction that another person asked for. What was missed is covered and muted, on every channel; what was
/// wrong comes back into the text, and the recording stays as silent as it was.
pub fn accept(vault: &Vault, limits: &Limits, actor: &Actor, id: CorrectionId) -> Result<Corrected, Error> {
    let plan = vault.correction_plan(id)?;
    if plan.row.kind == "wrong" {
        return Ok(vault.accept_wrong(actor, id)?);
    }
    // Asked for before the work, so that nobody waits for a recording in vain; the command asks again.
    if plan.row.requested_by == actor.to_string() {
        return Err(callvault_store::Error::from(callvault_store::Refused::OwnRequest).into());
    }
    let repeats = repeats(&plan);
    let mut muted = if plan.has_audio { Some(mute(vault, limits, &plan, &repeats)?) } else { None };
    Ok(vault.accept_missed(actor, id, &repeats, muted.as_mut())?)
}

/// Other turns in which the value can still be read, in digits, words or spelling.
fn repeats(plan: &CorrectionPlan) -> Vec<usize> {
    let Some(value) = plan.value.as_deref() else { return Vec::new() };
    if value.chars().filter(|c| c.is_alphanumeric()).count() < SEARCHABLE {
        return Vec::new();
    }
    let at = usize::try_from(plan.row.turn).unwrap_or(usize::MAX);
    plan.turns
        .iter()
        .enumerate()
        .filter(|(i, t)| *i != at && search::value_recoverable(&t.text, value))
        .map(|(i, _)| i)
        .collect()
}

/// The muted recording, muted further and read back. Silence on every channel, for a voice leaks.
fn mute(
    vault: &Vault,
    limits: &Limits,
    plan: &CorrectionPlan,
    repeats: &[usize],
) -> Result<SealedBlob, Error> {
    let id = plan.row.conversation;
    let open = || Ok(Recording::open(Box::new(vault.redacted_audio(id)?), Some("muted.wav"), limits)?);
    let mut silent = IntervalSet::new();
    if let Some(span) = plan.span {
        silent.insert(span.padded(PAD_MS));
    }
    for turn in repeats.iter().filter_map(|i| plan.turns.get(*i)) {
        silent.insert(callvault_model::Interval::new(turn.start_ms, turn.end_ms).padded(PAD_MS));
    }
    let channels = usize::from(open()?.info().channels);
    let scratch = Scratch::new(vault.blobs(), vault.tenant(), limits);
    voice::write_muted(&open, &vec![silent; channels], &scratch)
}

#[cfg(test)]
mod tests;
