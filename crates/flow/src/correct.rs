//! Carrying a correction out: the missed value leaves the text of every turn in which it can be read, at once; the
//! recording is withheld until it is muted further and heard again.

use crate::{
    Error,
    hear::{self, Hearing},
    plan, prove,
    scratch::Scratch,
    tools::Tools,
    voice,
};
use callvault_detect::search;
use callvault_model::{EntityType, Finding, Interval, IntervalSet, id::CorrectionId};
use callvault_speech::decode::{Limits, Recording};
use callvault_store::{
    Actor, Vault,
    corrections::{Corrected, CorrectionPlan},
    remute::Remute,
};

/// Silence on both sides of what a person marked.
const PAD_MS: u64 = 300;
/// Shorter values stand in every text by chance.
const SEARCHABLE: usize = 3;

/// Accepts a correction that another person asked for. What was missed is covered in the text, and its recording withheld
/// for [`mute_further`]; what was wrong comes back into the text, and the recording stays as silent as it was.
pub fn accept(vault: &Vault, actor: &Actor, id: CorrectionId) -> Result<Corrected, Error> {
    let plan = vault.correction_plan(id)?;
    if plan.row.kind == "wrong" {
        return Ok(vault.accept_wrong(actor, id)?);
    }
    let repeats = repeats(&plan);
    Ok(vault.accept_missed(actor, id, &repeats)?)
}

/// Other turns in which the value can still be read, in digits, words or spelling.
fn repeats(plan: &CorrectionPlan) -> Vec<usize> {
    let Some(value) = plan.value.as_deref().filter(|v| searchable(v)) else { return Vec::new() };
    let at = usize::try_from(plan.row.turn).unwrap_or(usize::MAX);
    plan.turns
        .iter()
        .enumerate()
        .filter(|(i, t)| *i != at && search::value_recoverable(&t.text, value))
        .map(|(i, _)| i)
        .collect()
}

fn searchable(value: &str) -> bool {
    value.chars().filter(|c| c.is_alphanumeric()).count() >= SEARCHABLE
}

/// What became of a recording after a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Muted {
    /// It is muted further; so often it was heard again.
    Done(u32),
    /// Something could still be heard after the last round; it stays withheld.
    StillHeard,
    /// It was destroyed meanwhile.
    Gone,
}

/// Mutes a withheld recording further, reads it back, and has it heard again: whatever comes up is muted wider, as in the
/// proof. Silence on every channel, for a voice leaks.
pub fn mute_further(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
    id: CorrectionId,
) -> Result<Muted, Error> {
    let job = vault.remute(id)?;
    if !vault.has_muted_audio(job.conversation)? {
        vault.remute_dropped(id)?;
        return Ok(Muted::Gone);
    }
    let open = || {
        let sealed = vault.redacted_audio(job.conversation)?;
        Ok(Recording::open(Box::new(sealed), Some("muted.wav"), limits)?)
    };
    let channels = usize::from(open()?.info().channels);
    let scratch = Scratch::new(vault.blobs(), vault.tenant(), limits);
    let mut silent: IntervalSet = job.spans.iter().map(|s| s.padded(PAD_MS)).collect();
    let engine = tools.again.or(tools.first);
    for round in 1..=prove::MAX_ROUNDS {
        let mut muted = voice::write_muted(&open, &vec![silent.clone(); channels], &scratch)?;
        let Some(engine) = engine else {
            vault.remuted(id, &mut muted, None)?;
            return Ok(Muted::Done(0));
        };
        let again = Hearing::listen(&mut scratch.recording(&muted)?, engine, true, tools)?;
        let heard = still_heard(&job, &again, channels, tools)?.difference(&silent);
        let left: Vec<_> = heard.as_slice().iter().filter(|s| s.len_ms() > prove::RAGGED_MS).collect();
        if left.is_empty() {
            vault.remuted(id, &mut muted, Some((&again.engine, round)))?;
            return Ok(Muted::Done(round));
        }
        for span in left {
            silent.insert(span.padded(PAD_MS + 100 * u64::from(round)));
        }
    }
    vault.remute_failed(id, prove::MAX_ROUNDS)?;
    Ok(Muted::StillHeard)
}

/// What the hearing after a correction brought up: the value itself, what the detector finds, digits near payment, tones.
fn still_heard(
    job: &Remute,
    again: &Hearing,
    channels: usize,
    tools: &Tools<'_>,
) -> Result<IntervalSet, Error> {
    let roles = hear::default_roles(channels);
    let mut found = voice::run_detector(&again.turns, &roles, tools);
    found.retain(|f| !guessed(f));
    let mut out = IntervalSet::new();
    for set in plan::of_findings(&again.turns, &found, again.quality, channels)? {
        out = out.union(&set);
    }
    if let Some(value) = job.value.as_deref().filter(|v| searchable(v)) {
        let turns = again.turns.iter().filter(|t| search::value_recoverable(&t.text, value));
        for word in turns.flat_map(|t| &t.words) {
            out.insert(Interval::new(word.start_ms, word.end_ms));
        }
    }
    for (_, span) in prove::digits_near_payment(&again.turns, &roles, false) {
        out.insert(span);
    }
    again.tones.iter().flat_map(|tones| hear::tone_intervals(tones)).for_each(|tone| out.insert(tone));
    Ok(out)
}

/// A name guessed from capitals and grammar is how an engine writes talk; the proof weighed it against the first hearing,
/// which is not kept.
fn guessed(f: &Finding) -> bool {
    matches!(f.recognizer.as_str(), "tagger" | "name")
        && matches!(f.entity, EntityType::Person | EntityType::Location | EntityType::Organization)
}

#[cfg(test)]
pub(crate) mod tests;
