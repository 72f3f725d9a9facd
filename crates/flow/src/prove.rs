//! Redacted → Proven: somebody else listens to the muted recording, and what is still there is muted wider.
//!
//! The result names who listened. It never says that a recording "contains none".

use crate::{
    Error,
    cover::{self, Cover},
    edges,
    error::{Quarantine, QuarantineCode},
    hear::{self, Hearing},
    plan, references,
    scratch::Scratch,
    tools::Tools,
    voice::{self, Halted, Open, Proven, Redacted},
};
use callvault_detect::{
    asked::everyday,
    cues,
    search::{self, DigitRun},
};
use callvault_model::{EntityType, Finding, Interval, IntervalSet, ProofLevel, Role, Turn};
use callvault_speech::{Heard, engine::Engine};
use callvault_store::remute::Remuted;
use serde::{Deserialize, Serialize};

/// After this many hearings something that can still be heard is a reason for quarantine.
pub const MAX_ROUNDS: u32 = 6;
/// A stretch outside the mute plan shorter than this carries no value: it is the ragged edge of a word time.
pub(crate) const RAGGED_MS: u64 = 120;
/// Digits this close to payment talk are muted even when nothing says what they are.
const NEAR_PAYMENT_MS: u64 = 12_000;
/// A run of fewer digits is a price or a count.
const RUN_OF_DIGITS: usize = 3;

/// What the proof rests on; goes into findings files and certificates as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How strong it is.
    pub level: ProofLevel,
    /// The engine of the first pass.
    pub heard_by: String,
    /// The engine that listened again and no longer hears anything covered; `None` at level `none`.
    pub not_heard_again_by: Option<String>,
    /// How often it listened.
    pub rounds: u32,
    /// Stretches that only the second listener caught.
    pub caught: u32,
    /// Milliseconds muted on all channels.
    pub muted_ms: u64,
    /// Of these, muted only because nobody could verify them.
    pub unverified_ms: u64,
    /// What was muted later because a person reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remuted: Option<Remuted>,
}

/// What one hearing of the muted recording brought up on each channel.
#[derive(Default)]
struct Exposed {
    certain: Vec<(usize, Interval)>,
    unverified: Vec<(usize, Interval)>,
}

impl Exposed {
    /// Takes the whole piece that the engine heard at once: its edges lie in pauses, so the other pieces are cut and
    /// heard as before, and a long call comes to an end of its rounds.
    fn grow_to_pieces(&mut self, again: &Hearing) {
        for (channel, span) in self.certain.iter_mut().chain(&mut self.unverified) {
            let Some(heard) = again.heard.get(*channel) else { continue };
            let found = *span;
            for piece in heard.segments.iter().filter(|s| s.span.overlaps(&found)) {
                *span =
                    Interval::new(span.start_ms.min(piece.span.start_ms), span.end_ms.max(piece.span.end_ms));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.certain.is_empty() && self.unverified.is_empty()
    }
}

/// Redacted → Proven. Without a second engine that knows the language the level is `none`.
pub fn prove(
    open: &Open<'_>,
    mut redacted: Redacted,
    tools: &Tools<'_>,
    scratch: &Scratch<'_>,
) -> Halted<Proven> {
    let understood = voice::engines_understand(&redacted.detected.transcribed.hearing);
    let Some(engine) = tools.again.filter(|_| understood) else {
        return Ok(Ok(finish(redacted, ProofLevel::None, None, 0, 0)));
    };
    let level = level_of(&redacted.detected.transcribed.hearing.engine, engine);
    let mut caught = 0u32;
    for round in 1..=MAX_ROUNDS {
        let mut muted = scratch.recording(&redacted.muted)?;
        let again = Hearing::listen(&mut muted, engine, true, tools)?;
        let mut exposed = exposed(&redacted, &again, tools)?;
        if round > 1 {
            exposed.grow_to_pieces(&again);
        }
        if exposed.is_empty() {
            let name = Some(again.engine);
            return Ok(Ok(finish(redacted, level, name, round, caught)));
        }
        caught += u32::try_from(exposed.certain.len()).unwrap_or(u32::MAX);
        widen(open, &mut redacted, exposed, scratch, round)?;
    }
    Ok(Err(Quarantine::new(
        QuarantineCode::ProofFailed,
        format!(
            "after {MAX_ROUNDS} rounds {} still heard something that must not be there",
            engine.capabilities().name
        ),
    )))
}

fn level_of(first: &str, again: &dyn Engine) -> ProofLevel {
    let capabilities = again.capabilities();
    // Another model, or the same one listening in other pieces.
    if first != capabilities.name || capabilities.recuts {
        ProofLevel::Independent
    } else {
        ProofLevel::SameEngine
    }
}

/// Everything in `again` that is not muted and must be.
fn exposed(redacted: &Redacted, again: &Hearing, tools: &Tools<'_>) -> Result<Exposed, Error> {
    let detected = &redacted.detected;
    let channels = detected.mute.len();
    let mut out = Exposed::default();
    let mut found = voice::run_detector(&again.turns, &detected.transcribed.roles, tools);
    found.retain(|f| !only_misheard(redacted, again, f));
    let first = &detected.transcribed;
    let harmless = references::spans(tools, &first.hearing.turns, &first.roles, channels);
    let is_harmless = |channel: usize, span: Interval| {
        harmless.get(channel).is_some_and(|set| set.covered_ms(span) == span.len_ms())
    };
    found.retain(|f| {
        let turn = again.turns.get(f.turn).filter(|_| references::of_digits(f.entity));
        !turn.is_some_and(|t| {
            t.words_in(f.start..f.end).all(|w| is_harmless(t.party, Interval::new(w.start_ms, w.end_ms)))
        })
    });
    let mut certain = plan::of_findings(&again.turns, &found, again.quality, channels)?;
    for (turn, span) in recoverable_turns(redacted, again) {
        if let Some(set) = certain.get_mut(turn) {
            set.insert(span);
        }
    }
    for (channel, span) in
        digits_near_payment(&again.turns, &detected.transcribed.roles, references::kept(tools))
    {
        if let Some(set) = certain.get_mut(channel).filter(|_| !is_harmless(channel, span)) {
            set.insert(span.padded(again.quality.pad_before_ms()));
        }
    }
    for (channel, (((mut certain, heard), tones), mute)) in
        certain.into_iter().zip(&again.heard).zip(&again.tones).zip(&detected.mute).enumerate()
    {
        hear::tone_intervals(tones).for_each(|i| certain.insert(i));
        collect(&mut out.certain, channel, &certain, mute, RAGGED_MS);
        let doubts: IntervalSet = plan::of_doubts(heard)
            .into_iter()
            .filter(|(span, _)| !first_hearing_vouches(redacted, channel, *span))
            .map(|(span, _)| span)
            .collect();
        // Only voiced time counts: a doubtful segment also spans the silence that we made.
        let sounding = heard.voiced.union(&heard.loud_not_voiced);
        collect(&mut out.unverified, channel, &doubts.intersection(&sounding), mute, 700);
    }
    Ok(out)
}

fn collect(
    into: &mut Vec<(usize, Interval)>,
    channel: usize,
    what: &IntervalSet,
    mute: &IntervalSet,
    at_least: u64,
) {
    for wanted in what.as_slice() {
        let mut one = IntervalSet::new();
        one.insert(*wanted);
        if one.difference(mute).as_slice().iter().any(|left| left.len_ms() > at_least) {
            into.push((channel, *wanted));
        }
    }
}

/// Whether the first engine heard the same stretch without doubt: two engines, one of them sure, both with words.
fn first_hearing_vouches(redacted: &Redacted, channel: usize, span: Interval) -> bool {
    let Some(heard) = redacted.detected.transcribed.hearing.heard.get(channel) else { return false };
    let worded: IntervalSet = heard
        .segments
        .iter()
        .filter(|s| !plan::is_doubtful(s))
        .flat_map(|s| &s.words)
        .map(|w| Interval::new(w.start_ms, w.end_ms).padded(500))
        .collect();
    let mut wanted = IntervalSet::new();
    wanted.insert(span);
    let mute = redacted.detected.mute.get(channel).cloned().unwrap_or_default();
    let open = wanted.intersection(&heard.voiced).difference(&mute);
    open.difference(&worded).as_slice().iter().all(|left| left.len_ms() < 700)
}

/// How sure the first engine has to be of each word that speaks against a name.
const SURE: f32 = 0.5;

/// Whether a name or a place is only how the second engine wrote talk: it was guessed from capitals and grammar, and the
/// first engine heard everyday words at that time, without doubt and each of them surely.
fn only_misheard(redacted: &Redacted, again: &Hearing, finding: &Finding) -> bool {
    let guess = matches!(finding.recognizer.as_str(), "tagger" | "name")
        && matches!(finding.entity, EntityType::Person | EntityType::Location | EntityType::Organization);
    let Some(turn) = again.turns.get(finding.turn).filter(|_| guess) else { return false };
    let Some(first) = redacted.detected.transcribed.hearing.heard.get(turn.party) else { return false };
    let spoken: IntervalSet =
        turn.words_in(finding.start..finding.end).map(|w| Interval::new(w.start_ms, w.end_ms)).collect();
    let mute = redacted.detected.mute.get(turn.party).cloned().unwrap_or_default();
    is_everyday_talk(first, &spoken.difference(&mute))
}

/// Whether all this time holds words of the first hearing, none of them doubted, unsure or rare.
fn is_everyday_talk(first: &Heard, time: &IntervalSet) -> bool {
    time.as_slice().iter().all(|span| {
        let segments = || first.segments.iter().filter(|s| s.span.overlaps(span));
        let mut words = segments()
            .flat_map(|s| &s.words)
            .filter(|w| Interval::new(w.start_ms, w.end_ms).overlaps(span))
            .peekable();
        words.peek().is_some()
            && !segments().any(plan::is_doubtful)
            && words.all(|w| {
                // "I'm" and "that's" are as common as what stands before the apostrophe.
                let stem = w.text.split(['\'', '\u{2019}']).next().unwrap_or_default();
                let mut parts = stem.split(|c: char| !c.is_alphabetic()).filter(|p| !p.is_empty());
                w.confidence >= SURE && parts.all(everyday)
            })
    })
}

/// Turns of the second hearing in which a covered value can still be read, as (channel, whole turn).
fn recoverable_turns(redacted: &Redacted, again: &Hearing) -> Vec<(usize, Interval)> {
    let detected = &redacted.detected;
    let values: Vec<String> = cover::values(&detected.transcribed.hearing.turns, &detected.findings)
        .into_iter()
        .filter(|(_, entity, text)| cover::searchable(*entity, text))
        .map(|(.., text)| text)
        .collect();
    again
        .turns
        .iter()
        .filter(|turn| values.iter().any(|v| search::value_recoverable(&turn.text, v)))
        .flat_map(|turn| turn.words.iter().map(|w| (turn.party, Interval::new(w.start_ms, w.end_ms))))
        .collect()
}

/// Runs of digits close to talk about payment, wherever they stand; only what an agent calls by the name of an order or
/// a ticket is left.
pub(crate) fn digits_near_payment(turns: &[Turn], roles: &[Role], kept: bool) -> Vec<(usize, Interval)> {
    let cues: Vec<Interval> = turns
        .iter()
        .filter(|t| cues::payment_cue(&t.text))
        .map(|t| Interval::new(t.start_ms, t.end_ms).padded(NEAR_PAYMENT_MS))
        .collect();
    let mut out = Vec::new();
    for turn in turns {
        let role = roles.get(turn.party).copied().unwrap_or(Role::Unknown);
        let secret =
            |r: &DigitRun| r.digits >= RUN_OF_DIGITS && !(kept && references::named(&turn.text, role, r));
        for run in search::digit_runs(&turn.text).into_iter().filter(secret) {
            let words: Vec<Interval> =
                turn.words_in(run.range).map(|w| Interval::new(w.start_ms, w.end_ms)).collect();
            if let (Some(first), Some(last)) = (words.first(), words.last()) {
                let span = Interval::new(first.start_ms, last.end_ms);
                if cues.iter().any(|c| c.overlaps(&span)) && !is_amount(&turn.text) {
                    out.push((turn.party, span));
                }
            }
        }
    }
    out
}

fn is_amount(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["dollar", "cents", "pounds", "euro", "$", "£", "€"].iter().any(|unit| lower.contains(unit))
}

/// Mutes what was exposed, wider with each round, and writes the recording anew.
fn widen(
    open: &Open<'_>,
    redacted: &mut Redacted,
    exposed: Exposed,
    scratch: &Scratch<'_>,
    round: u32,
) -> Result<(), Error> {
    let detected = &mut redacted.detected;
    let pad = 100 * u64::from(round);
    for (channel, span) in exposed.certain {
        if let (Some(set), Some(envelope)) =
            (detected.mute.get_mut(channel), detected.transcribed.envelopes.get(channel))
        {
            let wide: IntervalSet = [span.padded(pad)].into_iter().collect();
            *set = set.union(&envelope.snap(&wide, edges::FAR));
        }
        if let Some(set) = detected.unverified.get_mut(channel) {
            // The first text knows nothing of it: its words under this time leave the text as unverified.
            set.insert(span);
        }
    }
    for (channel, span) in exposed.unverified {
        for sets in [&mut detected.mute, &mut detected.unverified] {
            if let Some(set) = sets.get_mut(channel) {
                set.insert(span.padded(pad));
            }
        }
    }
    redacted.muted = voice::write_muted(open, &redacted.detected.mute, scratch)?;
    Ok(())
}

fn finish(redacted: Redacted, level: ProofLevel, again: Option<String>, rounds: u32, caught: u32) -> Proven {
    let detected = &redacted.detected;
    let turns = &detected.transcribed.hearing.turns;
    let covers: Vec<Cover> = cover::of_muted_words(turns, &detected.unverified, &detected.findings);
    let proof = Proof {
        level,
        heard_by: detected.transcribed.hearing.engine.clone(),
        not_heard_again_by: again,
        rounds,
        caught,
        muted_ms: detected.mute.iter().map(IntervalSet::total_ms).sum(),
        unverified_ms: detected.unverified.iter().map(IntervalSet::total_ms).sum(),
        remuted: None,
    };
    Proven { covers, proof, redacted }
}

/// Reads masked text again for every covered value in every form, and runs the detector over it once more.
pub fn text_is_clean(turns: &[Turn], masked: &[String], findings: &[Finding]) -> Option<EntityType> {
    let values = cover::values(turns, findings);
    values
        .iter()
        .filter(|(_, entity, text)| cover::searchable(*entity, text))
        .find(|(_, _, value)| masked.iter().any(|text| search::value_recoverable(text, value)))
        .map(|(_, entity, _)| *entity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::Word;
    use callvault_speech::{Doubt, Segment};

    /// One word every half second.
    fn first(words: &[(&str, f32)], doubts: Vec<Doubt>) -> Heard {
        let words: Vec<Word> = (0u64..)
            .zip(words)
            .map(|(i, (text, confidence))| Word {
                text: (*text).into(),
                start_ms: i * 500,
                end_ms: i * 500 + 400,
                confidence: *confidence,
            })
            .collect();
        let span = Interval::new(0, words.len() as u64 * 500);
        let segments = vec![Segment { span, words, doubts, mean_log_prob: None }];
        Heard { segments, voiced: IntervalSet::new(), loud_not_voiced: IntervalSet::new() }
    }

    #[test]
    fn a_name_of_the_second_ear_is_talk_only_where_the_first_surely_heard_everyday_words() {
        let time: IntervalSet = [Interval::new(600, 1_300)].into_iter().collect();
        let talk = [("so", 0.9), ("I'm", 0.9), ("calling", 0.9), ("instead.", 0.9)];
        assert!(is_everyday_talk(&first(&talk, vec![]), &time));
        assert!(!is_everyday_talk(&first(&talk, vec![Doubt::LowConfidence]), &time));
        assert!(!is_everyday_talk(&first(&[("so", 0.9), ("I'm", 0.9), ("calling", 0.3)], vec![]), &time));
        assert!(!is_everyday_talk(
            &first(&[("so", 0.9), ("Collingwood", 0.9), ("called", 0.9)], vec![]),
            &time
        ));
        // Where the first heard nothing, the second is all there is.
        assert!(!is_everyday_talk(&first(&[("so", 0.9)], vec![]), &time));
    }
}
