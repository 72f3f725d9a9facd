//! A recording, from samples to a muted recording that was proven: Transcribed → Detected → Redacted → Proven.
//!
//! The first three are pure: a kill in between loses only time, and so a security code never rests anywhere
//! but inside the sealed original (ADR 0003).

use crate::{
    Error, answers,
    cover::{self, Cover},
    edges,
    error::{Quarantine, QuarantineCode},
    hear::{self, Hearing},
    plan, prove, references,
    scratch::Scratch,
    tools::Tools,
};
use callvault_detect::Utterance;
use callvault_model::{EntityType, Finding, Interval, IntervalSet, Role, Turn};
use callvault_speech::{
    audio::Info,
    decode::Recording,
    mute::{self, MutePlan},
};
use callvault_store::SealedBlob;

/// Opens the recording anew, from its first sample.
pub type Open<'a> = dyn Fn() -> Result<Recording, Error> + 'a;

/// The words are known.
pub struct Transcribed {
    /// Loudness of each channel; muted stretches end where it is quiet.
    pub envelopes: Vec<edges::Envelope>,
    /// What the recording says of itself.
    pub info: Info,
    /// What was heard, or imported.
    pub hearing: Hearing,
    /// The part each channel plays.
    pub roles: Vec<Role>,
}

/// What must not be heard is known.
pub struct Detected {
    /// The stage before.
    pub transcribed: Transcribed,
    /// Over the turns of the hearing.
    pub findings: Vec<Finding>,
    /// What is muted so far, per channel.
    pub mute: Vec<IntervalSet>,
    /// The part of `mute` that is muted only because it could not be verified.
    pub unverified: Vec<IntervalSet>,
}

/// There is a recording in which it cannot be heard, as far as the first hearing goes.
pub struct Redacted {
    /// The stage before.
    pub detected: Detected,
    /// The muted recording, sealed.
    pub muted: SealedBlob,
}

/// Somebody else listened.
pub struct Proven {
    /// The stage before, with everything the proof added.
    pub redacted: Redacted,
    /// What in the text of each turn is covered.
    pub covers: Vec<Cover>,
    /// How far it was proven, and by whom.
    pub proof: prove::Proof,
}

/// Either the stage was reached or a person has to look.
pub type Halted<T> = Result<Result<T, Quarantine>, Error>;

/// The words of a recording; `imported` replaces the first hearing, its times are checked against the recording.
pub fn hear(open: &Open<'_>, imported: Option<Hearing>, tools: &Tools<'_>) -> Result<Hearing, Error> {
    let mut recording = open()?;
    match (imported, tools.first) {
        (Some(given), _) => {
            let tones = callvault_speech::dtmf::tones(&mut recording)?;
            Ok(Hearing::assemble(given.engine, given.quality, given.heard, tones))
        }
        (None, Some(engine)) => Hearing::listen(&mut recording, engine, false, tools),
        (None, None) => Err(Error::Speech(callvault_speech::Error::no_model())),
    }
}

/// Received → Transcribed. An imported hearing in another language than English goes on only when a person `decided` so, in
/// one that the detector reads.
pub fn transcribe(open: &Open<'_>, hearing: Hearing, roles: &[Role], decided: bool) -> Halted<Transcribed> {
    let mut recording = open()?;
    let info = recording.info().clone();
    let roles = if roles.len() == usize::from(info.channels) {
        roles.to_vec()
    } else {
        hear::default_roles(usize::from(info.channels))
    };
    if is_imported(&hearing) && !ENGLISH.is_most_of(&hearing.turns) {
        let spanish = SPANISH.is_most_of(&hearing.turns);
        if !(decided && spanish) {
            return Ok(Err(Quarantine::new(
                QuarantineCode::OtherLanguage,
                if spanish {
                    "the transcript is in Spanish, which our engines do not hear, so nobody could listen again; a person has to check the transcript and import it again for this call"
                } else {
                    "the transcript is neither in English nor in Spanish, and the detector reads no other language; a person has to decide"
                },
            )));
        }
    }
    if hearing.turns.is_empty() && hearing.voiced().all(IntervalSet::is_empty) {
        return Ok(Err(Quarantine::new(
            QuarantineCode::NoSpeech,
            "no voice and no keypad tone was found in this recording; play it as a person with permission and decide",
        )));
    }
    if let Some(channel) =
        hearing.heard.iter().position(|h| plan::other_language_share(std::slice::from_ref(h)) > 0.4)
    {
        return Ok(Err(Quarantine::new(
            QuarantineCode::OtherLanguage,
            format!(
                "channel {channel} does not sound like the language of {}; import a transcript made for its language",
                hearing.engine
            ),
        )));
    }
    let envelopes = edges::Envelope::of(&mut recording)?;
    Ok(Ok(Transcribed { envelopes, info, hearing, roles }))
}

/// Transcribed → Detected.
pub fn detect(transcribed: Transcribed, tools: &Tools<'_>) -> Halted<Detected> {
    let channels = usize::from(transcribed.info.channels);
    let hearing = &transcribed.hearing;
    let findings = run_detector(&hearing.turns, &transcribed.roles, tools);
    let findings = answers::cover_answers(&hearing.turns, &transcribed.roles, findings);
    let findings = cover::close_over_repeats(&hearing.turns, findings);
    let (cards, other): (Vec<Finding>, Vec<Finding>) =
        findings.iter().cloned().partition(|f| plan::is_card(f.entity));
    let mut mute = plan::of_findings(&hearing.turns, &other, hearing.quality, channels)?;
    let mut paid = plan::of_findings(&hearing.turns, &cards, hearing.quality, channels)?;
    edges::snap(&transcribed.envelopes, &mut mute, edges::NEAR);
    edges::snap(&transcribed.envelopes, &mut paid, edges::FAR);
    for (set, paid) in mute.iter_mut().zip(&paid) {
        *set = set.union(paid);
    }
    let mut unverified = vec![IntervalSet::new(); channels];
    for (((heard, tones), mute), unverified) in
        hearing.heard.iter().zip(&hearing.tones).zip(&mut mute).zip(&mut unverified)
    {
        for (span, _) in plan::of_doubts(heard) {
            unverified.insert(span);
        }
        hear::tone_intervals(tones).for_each(|i| mute.insert(i));
        *mute = mute.union(unverified);
    }
    let voiced: u64 = hearing.voiced().map(IntervalSet::total_ms).sum();
    let doubtful: u64 = hearing.voiced().zip(&unverified).map(|(v, u)| v.intersection(u).total_ms()).sum();
    if voiced > 0 && doubtful * 2 > voiced {
        return Ok(Err(Quarantine::new(
            QuarantineCode::Unverifiable,
            format!(
                "{} % of the voiced time has no trustworthy words (music, noise or speech the engine cannot follow)",
                doubtful * 100 / voiced
            ),
        )));
    }
    Ok(Ok(Detected { transcribed, findings, mute, unverified }))
}

/// The commonest words of a spoken language; a fifth of any conversation and more.
struct Common(&'static [&'static str]);

const ENGLISH: Common = Common(&[
    "the", "i", "you", "and", "a", "is", "it", "that", "to", "my", "in", "of", "for", "what", "your", "on",
    "have", "please", "can", "with", "this", "yes", "are", "be", "was", "thank", "at", "so", "one", "two",
    "three", "four", "five", "six", "seven", "eight", "nine", "zero", "oh",
]);

const SPANISH: Common = Common(&[
    "de", "la", "que", "el", "en", "y", "a", "los", "se", "del", "las", "un", "por", "con", "no", "una",
    "su", "para", "es", "al", "lo", "como", "más", "o", "pero", "sus", "le", "ha", "me", "si", "sí", "sin",
    "sobre", "este", "ya", "mi", "muy", "gracias", "usted", "señor", "señora", "buenos", "buenas", "días",
    "tardes", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "cero",
]);

impl Common {
    /// Whether the words of each party are mostly of it; too few words are given the benefit of the doubt.
    fn is_most_of(&self, turns: &[Turn]) -> bool {
        let parties = turns.iter().map(|t| t.party).max().map_or(0, |p| p + 1);
        (0..parties).all(|party| {
            let text: Vec<String> = turns
                .iter()
                .filter(|t| t.party == party)
                .flat_map(|t| t.text.split_whitespace())
                .map(str::to_lowercase)
                .collect();
            let known = text.iter().filter(|w| {
                let word = w.trim_matches(|c: char| !c.is_alphanumeric());
                self.0.contains(&word) || word.chars().all(|c| c.is_ascii_digit())
            });
            text.len() < 12 || known.count() * 8 >= text.len()
        })
    }
}

fn is_imported(hearing: &Hearing) -> bool {
    hearing.engine.starts_with("imported:")
}

/// Whether our engines, which know English, can hear what this hearing says; what they do not hear in another language
/// shows nothing.
pub(crate) fn engines_understand(hearing: &Hearing) -> bool {
    !is_imported(hearing) || ENGLISH.is_most_of(&hearing.turns)
}

/// Runs the detector over turns with the parts their parties play.
pub fn run_detector(turns: &[Turn], roles: &[Role], tools: &Tools<'_>) -> Vec<Finding> {
    let utterances: Vec<Utterance<'_>> = turns
        .iter()
        .map(|t| Utterance { role: roles.get(t.party).copied().unwrap_or(Role::Unknown), text: &t.text })
        .collect();
    let only_talk = |f: &Finding| {
        let names = matches!(f.entity, EntityType::Person | EntityType::Location | EntityType::Organization);
        let text = turns.get(f.turn).and_then(|t| t.text.get(f.start..f.end)).unwrap_or_default();
        match f.recognizer.as_str() {
            "tagger" => names && answers::is_talk(text),
            "spelled" => answers::is_humming(text),
            _ => false,
        }
    };
    let mut found = tools.detector.detect(&utterances);
    found.retain(|f| !only_talk(f) && !references::is_reference(tools, turns, roles, f));
    found
}

/// Detected → Redacted: writes the muted recording and reads it back.
pub fn redact(open: &Open<'_>, mut detected: Detected, scratch: &Scratch<'_>) -> Result<Redacted, Error> {
    spread_to_other_channels(open, &mut detected.mute)?;
    let muted = write_muted(open, &detected.mute, scratch)?;
    Ok(Redacted { detected, muted })
}

/// Writes the recording with `mute` applied into sealed scratch and verifies what was written.
pub fn write_muted(
    open: &Open<'_>,
    mute: &[IntervalSet],
    scratch: &Scratch<'_>,
) -> Result<SealedBlob, Error> {
    let plan = MutePlan { per_channel: mute.to_vec() };
    let muted = scratch.write(|out| {
        mute::write_muted(&mut open()?, &plan, out)?;
        Ok(())
    })?;
    mute::verify_muted(&mut open()?, &mut scratch.recording(&muted)?, &plan)?;
    Ok(muted)
}

/// Where another channel carries the same voice, it is muted with it.
fn spread_to_other_channels(open: &Open<'_>, mute: &mut [IntervalSet]) -> Result<(), Error> {
    if mute.len() < 2 {
        return Ok(());
    }
    let mut recording = open()?;
    let mut additions: Vec<(usize, Interval)> = Vec::new();
    for (from, set) in mute.iter().enumerate() {
        let leaks =
            mute::voice_leaks(&mut recording, u16::try_from(from).unwrap_or(u16::MAX), set.as_slice())?;
        for (span, leak) in
            set.as_slice().iter().zip(leaks).flat_map(|(s, l)| l.into_iter().map(move |l| (s, l)))
        {
            let shifted = |ms: u64| ms.saturating_add_signed(leak.lag_ms);
            additions.push((
                usize::from(leak.channel),
                Interval::new(shifted(span.start_ms), shifted(span.end_ms)),
            ));
        }
    }
    for (channel, span) in additions {
        if let Some(set) = mute.get_mut(channel) {
            set.insert(span);
        }
    }
    Ok(())
}

/// A transcript that came with the recording, checked against its length and channels.
pub fn import(bytes: &[u8], open: &Open<'_>) -> Result<Hearing, Error> {
    let recording = open()?;
    let info = recording.info();
    let imported = callvault_speech::import::parse(bytes, Some(info.duration_ms()))?;
    let (engine, quality) = (imported.engine.clone(), imported.time_quality);
    Ok(Hearing::assemble(engine, quality, imported.onto(info.channels)?, Vec::new()))
}
