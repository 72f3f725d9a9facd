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
    if decoded.tokens.iter().any(|t| tokens.is_special(*t)) || is_noise_text(words) || is_steady(&piece.rms) {
        out.push(Doubt::NotSpeech);
    }
    if language::looks_foreign(words) {
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

/// Seconds over which loudness is compared.
const SECOND: usize = 62;
/// Speech swings more than this between loud and quiet within most seconds; held chords and tones do not.
const LEAST_SWING_DB: f32 = 6.0;

/// Whether the loudness hardly moves, as in a tone, a chord or machine noise.
pub(crate) fn is_steady(rms: &[f32]) -> bool {
    let mut swings: Vec<f32> = rms.chunks_exact(SECOND).map(swing_db).collect();
    if swings.is_empty() {
        return false;
    }
    swings.sort_by(f32::total_cmp);
    swings.get(swings.len() / 2).is_some_and(|middle| *middle < LEAST_SWING_DB)
}

/// Decibels between the quiet tenth and the loud tenth.
pub(crate) fn swing_db(rms: &[f32]) -> f32 {
    let mut level: Vec<f32> = rms.iter().map(|r| 20.0 * r.max(1e-5).log10()).collect();
    level.sort_by(f32::total_cmp);
    let at = |share: usize| level.get(level.len().saturating_sub(1) * share / 10).copied().unwrap_or(0.0);
    at(9) - at(1)
}
