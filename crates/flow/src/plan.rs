//! What must not be heard: from findings and doubts to stretches of silence on each channel.

use crate::Error;
use callvault_model::{EntityType, Finding, Interval, IntervalSet, TimeQuality, Turn};
use callvault_speech::{Doubt, Heard, Segment};

/// A voiced stretch between two words that is longer than this holds speech nobody wrote down.
const WORDLESS_MS: u64 = 1_500;
/// Card numbers and codes are muted wider: a leaked digit of a card is worse than a lost word.
const CARD_PAD_MS: u64 = 150;
/// The longest hole between two words of one value that is muted with it.
const VALUE_GAP_MS: u64 = 4_000;

/// A card's number or a code: what is muted widest. An expiry date alone pays nothing.
pub fn is_card(entity: EntityType) -> bool {
    entity == EntityType::CreditCard || entity.is_sensitive_authentication_data()
}

/// The stretches that the findings cover, per channel, with padding by the quality of the word times.
pub fn of_findings(
    turns: &[Turn],
    findings: &[Finding],
    quality: TimeQuality,
    channels: usize,
) -> Result<Vec<IntervalSet>, Error> {
    let mut out = vec![IntervalSet::new(); channels];
    for finding in findings {
        let more = if is_card(finding.entity) { CARD_PAD_MS } else { 0 };
        let padded = |i: Interval| i.padded_by(quality.pad_before_ms() + more, quality.pad_after_ms() + more);
        let Some(turn) = turns.get(finding.turn) else { continue };
        let set = out.get_mut(turn.party).ok_or(Error::NoSuchChannel { channel: turn.party, channels })?;
        let mut last: Option<Interval> = None;
        for word in turn.words_in(finding.start..finding.end) {
            let here = Interval::new(word.start_ms, word.end_ms);
            let joined = match last {
                Some(l) if here.start_ms <= l.end_ms + VALUE_GAP_MS => {
                    Interval::new(l.start_ms.min(here.start_ms), l.end_ms.max(here.end_ms))
                }
                Some(l) => {
                    set.insert(padded(l));
                    here
                }
                None => here,
            };
            last = Some(joined);
        }
        if let Some(l) = last {
            set.insert(padded(l));
        }
    }
    Ok(out)
}

/// Why a stretch is muted although nothing was found in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unverified {
    /// The engine doubted its own words.
    DoubtfulWords,
    /// A voice without words.
    VoiceWithoutWords,
    /// Loud, and neither a voice nor words: ringing, noise, or a voice that was missed.
    LoudWithoutVoice,
}

/// The stretches of one channel that are voiced but not verified: doubtful segments and voice without words.
pub fn of_doubts(heard: &Heard) -> Vec<(Interval, Unverified)> {
    let mut out = Vec::new();
    let mut worded = IntervalSet::new();
    for segment in &heard.segments {
        if is_doubtful(segment) {
            out.push((segment.span, Unverified::DoubtfulWords));
            worded.insert(segment.span);
        }
        for word in &segment.words {
            worded.insert(Interval::new(word.start_ms, word.end_ms));
        }
    }
    for loud in heard.loud_not_voiced.difference(&worded).as_slice() {
        out.push((*loud, Unverified::LoudWithoutVoice));
    }
    let spoken: IntervalSet = worded
        .as_slice()
        .iter()
        .map(|i| Interval::new(i.start_ms, i.end_ms).padded(WORDLESS_MS / 2))
        .collect();
    for gap in heard.voiced.difference(&spoken).as_slice() {
        // What remains lies at least half the limit away from any word.
        out.push((gap.padded(WORDLESS_MS / 2), Unverified::VoiceWithoutWords));
    }
    out
}

/// Whether a segment must be muted whole.
pub fn is_doubtful(segment: &Segment) -> bool {
    !segment.doubts.is_empty()
}

/// The share of voiced time whose words look like another language, 0 to 1.
pub fn other_language_share(heard: &[Heard]) -> f64 {
    let (mut other, mut all) = (0u64, 0u64);
    for segment in heard.iter().flat_map(|h| &h.segments) {
        all += segment.span.len_ms();
        if segment.doubts.contains(&Doubt::OtherLanguage) {
            other += segment.span.len_ms();
        }
    }
    if all == 0 { 0.0 } else { other as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::Word;

    fn word(text: &str, start_ms: u64, end_ms: u64) -> Word {
        Word { text: text.into(), start_ms, end_ms, confidence: 0.9 }
    }

    fn finding(start: usize, end: usize) -> Finding {
        Finding {
            turn: 0,
            start,
            end,
            entity: EntityType::CreditCard,
            score: 1.0,
            recognizer: "card".into(),
            reason: String::new(),
            value: 0,
        }
    }

    #[test]
    fn a_value_is_muted_from_its_first_word_to_its_last_with_padding() {
        let turn = Turn::spoken(
            1,
            vec![word("four", 1000, 1200), word("two", 1800, 2000), word("thanks", 4000, 4300)],
        );
        let plan = of_findings(&[turn], &[finding(0, 8)], TimeQuality::Attention, 2).unwrap();
        assert!(plan[0].is_empty());
        assert_eq!(plan[1].as_slice(), [Interval::new(630, 2270)]);
    }

    #[test]
    fn a_finding_on_a_channel_that_does_not_exist_is_an_error() {
        let turn = Turn::spoken(3, vec![word("four", 1000, 1200)]);
        assert!(of_findings(&[turn], &[finding(0, 4)], TimeQuality::Attention, 1).is_err());
    }

    #[test]
    fn a_voice_without_words_is_unverified() {
        let heard = Heard {
            segments: vec![Segment {
                span: Interval::new(0, 9_000),
                words: vec![word("hello", 0, 500)],
                doubts: vec![],
                mean_log_prob: None,
            }],
            voiced: [Interval::new(0, 9_000)].into_iter().collect(),
            loud_not_voiced: IntervalSet::new(),
        };
        let found = of_doubts(&heard);
        assert_eq!(found, [(Interval::new(500, 9_750), Unverified::VoiceWithoutWords)]);
    }
}
