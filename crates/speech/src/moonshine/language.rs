//! Whether the words are English at all. For another language the model writes something English-like of which it is
//! not sure: Spanish, French, German, Italian and Portuguese speech scored -0.65 to -1.7 per token or looped, English
//! telephone speech never below -0.58. Number strings are left out, because the model is unsure of them in English too.

use callvault_model::Word;

use crate::heard::{Doubt, Segment};

/// So unsure of so many words the model is in no English.
const FOREIGN_LOG_PROB: f32 = -0.85;
/// Words besides numbers that a judgement needs.
const ENOUGH_WORDS: usize = 4;
/// Share of words that are Spanish function words or carry letters English has not.
const FOREIGN_SHARE: f32 = 0.3;

/// Words that are frequent in Spanish and none in English.
const SPANISH: [&str; 48] = [
    "que", "de", "el", "la", "los", "las", "un", "una", "y", "en", "por", "para", "con", "mi", "su", "es",
    "está", "esta", "estoy", "pero", "como", "cómo", "muy", "gracias", "hola", "señor", "señora", "buenos",
    "buenas", "días", "dias", "tardes", "sí", "porque", "quiero", "necesito", "tengo", "puede", "usted",
    "número", "numero", "tarjeta", "muchas", "favor", "uno", "dos", "tres", "cuatro",
];

/// Judges one piece.
pub(crate) fn is_foreign(words: &[Word], mean_log_prob: Option<f32>) -> bool {
    let plain = plain(words);
    if plain.len() < ENOUGH_WORDS {
        return false;
    }
    let foreign =
        |w: &&String| SPANISH.contains(&w.as_str()) || w.chars().any(|c| !c.is_ascii() && c.is_alphabetic());
    let share = plain.iter().filter(foreign).count() as f32 / plain.len() as f32;
    share >= FOREIGN_SHARE || mean_log_prob.is_some_and(|p| p < FOREIGN_LOG_PROB)
}

/// Judges a whole channel: when most of what was said could not be followed, that is another language rather than a
/// bad moment, and the unsure pieces are called so.
pub(crate) fn judge_channel(segments: &mut [Segment]) {
    let spoken = |s: &&Segment| !s.doubts.iter().any(|d| matches!(d, Doubt::NotSpeech | Doubt::NoWords));
    let unsure = |s: &Segment| {
        let lost = |d: &Doubt| {
            matches!(d, Doubt::LowConfidence | Doubt::Repetition | Doubt::TokenCap | Doubt::OtherLanguage)
        };
        s.doubts.iter().any(lost)
    };
    let all: u64 = segments.iter().filter(spoken).map(|s| s.span.len_ms()).sum();
    let lost: u64 = segments.iter().filter(spoken).filter(|s| unsure(s)).map(|s| s.span.len_ms()).sum();
    let words: usize = segments.iter().filter(spoken).filter(|s| unsure(s)).map(|s| distinct(&s.words)).sum();
    if lost.saturating_mul(10) < all.saturating_mul(6) || words < ENOUGH_WORDS.saturating_mul(2) {
        return;
    }
    for segment in segments.iter_mut().filter(|s| spoken(&&**s)) {
        if unsure(segment) && !segment.doubts.contains(&Doubt::OtherLanguage) {
            segment.doubts.push(Doubt::OtherLanguage);
        }
    }
}

fn distinct(words: &[Word]) -> usize {
    let mut plain = plain(words);
    plain.sort();
    plain.dedup();
    plain.len()
}

/// Words besides numbers, without punctuation.
fn plain(words: &[Word]) -> Vec<String> {
    let bare = |w: &Word| w.text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    words.iter().map(bare).filter(|w| !w.is_empty() && !is_number(w)).collect()
}

fn is_number(word: &str) -> bool {
    const NUMBERS: [&str; 32] = [
        "zero",
        "oh",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "sixty",
        "seventy",
        "eighty",
        "ninety",
        "hundred",
        "thousand",
        "double",
    ];
    word.chars().any(|c| c.is_ascii_digit()) || NUMBERS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::Interval;

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(|t| Word { text: t.into(), start_ms: 0, end_ms: 1, confidence: 1.0 }).collect()
    }

    fn segment(text: &str, doubts: &[Doubt]) -> Segment {
        Segment {
            span: Interval::new(0, 5000),
            words: words(text),
            doubts: doubts.to_vec(),
            mean_log_prob: None,
        }
    }

    #[test]
    fn spanish_words_and_very_unsure_words_are_foreign() {
        assert!(is_foreign(&words("Buenos días en que puedo ayudarle"), Some(-0.3)));
        assert!(is_foreign(&words("We are in the sky but not in the wind."), Some(-1.25)));
        assert!(!is_foreign(&words("My name is Rosa and I live at La Mesa"), Some(-0.4)));
        assert!(!is_foreign(&words("one one nine oh seven seven three"), Some(-1.4)));
        assert!(!is_foreign(&words("5425-2334-3010-9903 07/28 417"), Some(-1.4)));
        assert!(!is_foreign(&words("See, bless you."), Some(-1.4)));
    }

    #[test]
    fn a_channel_that_is_mostly_lost_is_another_language() {
        let lost = [Doubt::LowConfidence];
        let mut all = [
            segment("Hello, my name is Roles and I want this", &lost),
            segment("the Kartarbatsal, the novelty of science", &[Doubt::Repetition]),
            segment("Thank you.", &[]),
        ];
        judge_channel(&mut all);
        assert!(
            all[0].doubts.contains(&Doubt::OtherLanguage) && all[1].doubts.contains(&Doubt::OtherLanguage)
        );
        assert!(all[2].doubts.is_empty());
    }

    #[test]
    fn one_bad_moment_numbers_and_music_are_not() {
        let mut one = [
            segment("I would like to know my balance today please", &[]),
            segment("it is the same as the same as the same", &[Doubt::Repetition]),
        ];
        judge_channel(&mut one);
        assert_eq!(one[1].doubts, [Doubt::Repetition]);
        let mut digits = [segment("one one nine oh seven seven three four two", &[Doubt::LowConfidence])];
        judge_channel(&mut digits);
        assert_eq!(digits[0].doubts, [Doubt::LowConfidence]);
        let mut music =
            [segment("the world is full of love and the world", &[Doubt::LowConfidence, Doubt::NotSpeech])];
        judge_channel(&mut music);
        assert_eq!(music[0].doubts.len(), 2);
    }
}
