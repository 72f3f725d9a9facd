//! What holds for every text.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use callvault_detect::{Detector, Profile, Utterance, code_points, redact, search};
use callvault_model::Role;
use proptest::prelude::*;

fn detector() -> Detector {
    Detector::new(Profile::All).unwrap()
}

const PIECES: &[&str] = &[
    "my card number is",
    "four one one one",
    "4111 1111 1111 1111",
    "uh",
    "double seven",
    "at gmail dot com",
    "jo",
    "agent:",
    "caller:",
    "\n",
    "ssn",
    "219-09-9999",
    "hello this is",
    "marta",
    "[PERSON]",
    "[CREDIT_CARD ****1234]",
    "é",
    "ﬁ",
    "４１１１",
    "\u{200B}",
    "🙂",
    "street",
    "forty",
    "twenty one",
    "january ninth",
    "1984",
    "$",
    "12.50",
    "dollars",
    "my password is",
    "S as in Sam",
    "zip",
    "90210",
    "oh",
    "for",
    "to",
    "'s",
    "İ",
    "a\u{0301}",
    "@",
    "x@y.de",
    "i have diabetes",
    "mm-hm",
    "order number",
    ";",
    "[",
];

fn talk() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|p| p.join(" "))
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let spans = detector().detect_text(text);
    let mut last = 0usize;
    for s in &spans {
        prop_assert!(s.start >= last && s.start < s.end && s.end <= text.len());
        prop_assert!(text.is_char_boundary(s.start) && text.is_char_boundary(s.end));
        prop_assert!((0.0..=1.0).contains(&s.score));
        last = s.end;
    }
    let count = text.chars().count();
    for (s, (a, b)) in spans.iter().zip(code_points(text, &spans)) {
        prop_assert!(a < b && b <= count);
        let cut: String = text.chars().skip(a).take(b - a).collect();
        prop_assert_eq!(&cut, &text[s.start..s.end]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_gives_spans_in_bounds(text in "\\PC{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_talk_gives_spans_in_bounds(text in talk()) {
        check(&text)?;
    }

    #[test]
    fn redacted_talk_holds_no_covered_number_and_stays_as_it_is(text in talk()) {
        let detector = detector();
        let turns: Vec<&str> = text.split('\n').collect();
        let (clean, findings) = redact::redact_all(&detector, &turns.iter().map(|t| Utterance { role: Role::Unknown, text: t }).collect::<Vec<_>>(), &redact::Mode::Category);
        for f in &findings {
            let value = &turns[f.turn][f.start..f.end];
            let digits = search::digit_runs(value).iter().map(|r| r.digits).sum::<usize>();
            if digits >= 6 {
                prop_assert!(!clean.iter().any(|t| search::value_recoverable(t, value)), "{value:?} in {clean:?}");
            }
        }
        let again: Vec<Utterance<'_>> = clean.iter().map(|t| Utterance { role: Role::Unknown, text: t }).collect();
        let (twice, more) = redact::redact_all(&detector, &again, &redact::Mode::Category);
        prop_assert_eq!(&clean, &twice, "{:?}", more);
    }

    #[test]
    fn a_card_said_in_any_grouping_is_never_recoverable(digits in "[45][0-9]{15}", spoken in any::<bool>(), cuts in prop::collection::vec(any::<bool>(), 16)) {
        let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
        let mut said = String::new();
        for (d, cut) in digits.bytes().zip(&cuts) {
            if spoken { said.push_str(words[usize::from(d - b'0')]); said.push(' ') } else { said.push(char::from(d)); if *cut { said.push('-') } }
        }
        let text = format!("agent: what is the card number\ncaller: {said}");
        let detector = detector();
        let spans = detector.detect_text(&text);
        let mut clean = text.clone();
        for s in spans.iter().rev() {
            clean.replace_range(s.start..s.end, "[CREDIT_CARD]");
        }
        prop_assert!(search::value_recoverable(&text, &digits));
        prop_assert!(!search::value_recoverable(&clean, &digits), "{}", clean);
    }
}
