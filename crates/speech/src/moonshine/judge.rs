//! What speaks against the words of one piece. Better one doubt too many: a doubtful piece is muted, a trusted one is
//! read.

use callvault_model::Word;

use super::language;
use super::text::{Decoded, Stop};
use super::tokens::Tokens;
use crate::heard::Doubt;
use crate::segmenter::Piece;

/// Telephone speech was never measured below -0.58.
const LEAST_LOG_PROB: f32 = -0.6;
/// Below this a text needs other signs of a voice.
const UNSURE: f32 = -0.3;

/// Captions of films and videos that this kind of model invents over music and noise.
const INVENTED: [&str; 8] = [
    "thank you for watching",
    "thanks for watching",
    "please subscribe",
    "subscribe to",
    "transcript emily beynon",
    "subtitles by",
    "captions by",
    "captioned by",
];

/// Everything that speaks against a piece, times aside.
pub(crate) fn doubts(decoded: &Decoded, words: &[Word], piece: &Piece, tokens: &Tokens) -> Vec<Doubt> {
    let mut out = Vec::new();
    match decoded.stop {
        Stop::Repetition => out.push(Doubt::Repetition),
        Stop::Cap => out.push(Doubt::TokenCap),
        Stop::End => {}
    }
    if decoded.mean_log_prob().is_some_and(|p| p < LEAST_LOG_PROB) {
        out.push(Doubt::LowConfidence);
    }
    if !words.iter().any(|w| w.text.chars().any(char::is_alphanumeric)) {
        out.push(Doubt::NoWords);
    }
    if decoded.tokens.iter().any(|t| tokens.is_special(*t))
        || is_noise_text(words)
        || is_no_voice(&piece.rms, decoded.mean_log_prob())
    {
        out.push(Doubt::NotSpeech);
    }
    if language::is_foreign(words, decoded.mean_log_prob()) {
        out.push(Doubt::OtherLanguage);
    }
    out
}

/// Notes, pictograms and the captions of films.
fn is_noise_text(words: &[Word]) -> bool {
    let text = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ").to_lowercase();
    let mark = |c: char| matches!(u32::from(c), 0x2669..=0x266F | 0xA9 | 0x2600..=0x27BF | 0x1F000..=0x1FAFF);
    let plain: String = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
    text.chars().any(mark) || INVENTED.iter().any(|i| plain.contains(i))
}

/// Half a second.
const WINDOW: usize = 31;
/// Loudness is averaged over so many frames, longer than the beat of two ringing tones.
const SMOOTH: usize = 4;
/// Speech swings more than 9 dB between loud and quiet within most half seconds; tones and chords less than 7.
const LEAST_SWING_DB: f32 = 6.0;
/// Up to here an unsure text is not believed either.
const DOUBTFUL_SWING_DB: f32 = 8.0;
/// Loudest 64 ms of the faintest telephone voice: -55 dBFS.
const FAINTEST_RMS: f32 = 0.0018;

/// Loudness in dB, smoothed, from the first to the last moment within 20 dB of the loudest.
fn levels(rms: &[f32]) -> Vec<f32> {
    let smooth = |w: &[f32]| 10.0 * (w.iter().map(|r| r * r).sum::<f32>() / SMOOTH as f32).max(1e-10).log10();
    let all: Vec<f32> = rms.windows(SMOOTH).map(smooth).collect();
    let loud = all.iter().copied().fold(f32::MIN, f32::max) - 20.0;
    let first = all.iter().position(|l| *l > loud).unwrap_or(0);
    let last = all.iter().rposition(|l| *l > loud).unwrap_or(0);
    all.get(first..=last).unwrap_or_default().to_vec()
}

/// Decibels between the quiet and the loud tenth of a typical half second that is loud at all (line noise in a pause is
/// even, too); `None` for shorter pieces.
fn swing_db(levels: &[f32]) -> Option<f32> {
    let loud = levels.iter().copied().fold(f32::MIN, f32::max) - 15.0;
    let tenths = |window: &[f32]| {
        let mut w = window.to_vec();
        w.sort_by(f32::total_cmp);
        let at = |tenth: usize| w.get(w.len().saturating_sub(1) * tenth / 10).copied().unwrap_or(0.0);
        at(9) - at(1)
    };
    let voiced = |w: &&[f32]| w.iter().any(|l| *l > loud);
    let mut swings: Vec<f32> =
        levels.windows(WINDOW).step_by(WINDOW / 2).filter(voiced).map(tenths).collect();
    swings.sort_by(f32::total_cmp);
    swings.get(swings.len().saturating_sub(1) / 2).copied()
}

/// Whether the sound is too even (tone, chord, machine) or too faint to be a voice on a telephone.
fn is_no_voice(rms: &[f32], mean_log_prob: Option<f32>) -> bool {
    let levels = levels(rms);
    let peak = levels.iter().copied().fold(f32::MIN, f32::max);
    let least = if mean_log_prob.is_some_and(|p| p < UNSURE) { DOUBTFUL_SWING_DB } else { LEAST_SWING_DB };
    peak < 20.0 * FAINTEST_RMS.log10() || swing_db(&levels).is_some_and(|s| s < least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::Attention;
    use callvault_model::Interval;

    fn decoded(stop: Stop, log_prob: f32) -> Decoded {
        let attention = Attention { heads: 0, frames: 0, rows: vec![] };
        Decoded { tokens: vec![9], log_probs: vec![log_prob], attention, stop }
    }

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(|t| Word { text: t.into(), start_ms: 0, end_ms: 1, confidence: 1.0 }).collect()
    }

    /// Two seconds of syllables: 0.15 s loud, 0.1 s quiet.
    fn syllables(loud: f32) -> Piece {
        let rms = (0..125).map(|i| if i % 15 < 9 { loud } else { loud / 30.0 }).collect();
        Piece { span: Interval::new(0, 2000), samples: vec![], voiced_ms: 2000, rms }
    }

    fn judge(stop: Stop, log_prob: f32, text: &str, piece: &Piece) -> Vec<Doubt> {
        doubts(&decoded(stop, log_prob), &words(text), piece, &Tokens::load().unwrap())
    }

    #[test]
    fn clear_speech_has_no_doubt() {
        assert_eq!(judge(Stop::End, -0.2, "My card number is 5425-2334-3010-9903.", &syllables(0.1)), []);
        assert_eq!(judge(Stop::End, -0.2, "one one one one nine eight zero", &syllables(0.1)), []);
    }

    #[test]
    fn each_sign_of_trouble_is_its_own_doubt() {
        let good = syllables(0.1);
        assert_eq!(judge(Stop::Repetition, -0.2, "yes yes", &good), [Doubt::Repetition]);
        assert_eq!(judge(Stop::Cap, -0.2, "yes yes", &good), [Doubt::TokenCap]);
        assert_eq!(judge(Stop::End, -0.7, "yes yes", &good), [Doubt::LowConfidence]);
        assert_eq!(judge(Stop::End, -0.2, "...", &good), [Doubt::NoWords]);
        for text in ["\u{266A}\u{266A}", "Thank you for watching!", "© transcript Emily Beynon"] {
            assert!(judge(Stop::End, -0.2, text, &good).contains(&Doubt::NotSpeech), "{text}");
        }
    }

    #[test]
    fn even_or_faint_sound_is_no_speech() {
        let tone = Piece { rms: (0..125).map(|i| 0.1 + 0.02 * (i % 3) as f32).collect(), ..syllables(0.1) };
        assert_eq!(judge(Stop::End, -0.2, "You.", &tone), [Doubt::NotSpeech]);
        assert_eq!(judge(Stop::End, -0.2, "You.", &syllables(0.0008)), [Doubt::NotSpeech]);
        assert_eq!(judge(Stop::End, -0.2, "You.", &syllables(0.01)), []);
        // Syllables, then a long pause of line noise.
        let mut rms = syllables(0.1).rms;
        rms.splice(60..60, std::iter::repeat_n(0.012, 100));
        assert_eq!(judge(Stop::End, -0.2, "Hello there", &Piece { rms, ..syllables(0.1) }), []);
        // A word too short to be compared is judged by its loudness alone.
        let short = Piece { rms: vec![0.05; 20], ..syllables(0.1) };
        assert_eq!(judge(Stop::End, -0.2, "Yes.", &short), []);
    }
}
