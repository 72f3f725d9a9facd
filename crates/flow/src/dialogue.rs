//! From what was heard on each channel to turns of a conversation, in the order in which they were said.

use callvault_model::{Turn, Word};
use callvault_speech::{Doubt, Heard};

/// A pause this long inside one channel starts a new phrase, so that an answer can stand between two questions.
const PHRASE_GAP_MS: u64 = 700;

/// Doubts under which no word of a segment may be shown or searched as if it had been said.
fn words_worthless(doubts: &[Doubt]) -> bool {
    doubts.iter().any(|d| matches!(d, Doubt::NotSpeech | Doubt::OtherLanguage))
}

/// The turns of a conversation; the index of a party is the index of its channel.
pub fn turns(heard: &[Heard]) -> Vec<Turn> {
    let mut phrases: Vec<(usize, Vec<Word>)> = Vec::new();
    for (party, channel) in heard.iter().enumerate() {
        for segment in channel.segments.iter().filter(|s| !words_worthless(&s.doubts)) {
            let mut phrase: Vec<Word> = Vec::new();
            for word in &segment.words {
                if phrase.last().is_some_and(|last| word.start_ms > last.end_ms + PHRASE_GAP_MS) {
                    phrases.push((party, std::mem::take(&mut phrase)));
                }
                phrase.push(word.clone());
            }
            if !phrase.is_empty() {
                phrases.push((party, phrase));
            }
        }
    }
    phrases.sort_by_key(|(party, words)| (words.first().map_or(0, |w| w.start_ms), *party));
    let mut joined: Vec<(usize, Vec<Word>)> = Vec::new();
    for (party, words) in phrases {
        match joined.last_mut() {
            Some((last, into)) if *last == party => into.extend(words),
            _ => joined.push((party, words)),
        }
    }
    joined.into_iter().map(|(party, words)| Turn::spoken(party, words)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::{Interval, IntervalSet};
    use callvault_speech::Segment;

    fn heard(words: &[(&str, u64, u64)], doubts: Vec<Doubt>) -> Heard {
        let words: Vec<Word> = words
            .iter()
            .map(|&(t, s, e)| Word { text: t.into(), start_ms: s, end_ms: e, confidence: 0.9 })
            .collect();
        let span = Interval::new(words[0].start_ms, words[words.len() - 1].end_ms);
        Heard {
            segments: vec![Segment { span, words, doubts, mean_log_prob: None }],
            voiced: IntervalSet::new(),
            loud_not_voiced: IntervalSet::new(),
        }
    }

    #[test]
    fn an_answer_stands_between_the_two_halves_of_the_other_channel() {
        let agent = heard(&[("card", 0, 300), ("number?", 300, 600), ("thanks", 5000, 5300)], vec![]);
        let customer = heard(&[("four", 1000, 1200), ("two", 1200, 1400)], vec![]);
        let got: Vec<_> = turns(&[customer, agent]).into_iter().map(|t| (t.party, t.text)).collect();
        assert_eq!(got, [(1, "card number?".into()), (0, "four two".into()), (1, "thanks".into())]);
    }

    #[test]
    fn words_of_music_are_not_shown() {
        assert!(turns(&[heard(&[("♪", 0, 10)], vec![Doubt::NotSpeech])]).is_empty());
    }
}
