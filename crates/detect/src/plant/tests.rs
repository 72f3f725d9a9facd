use super::*;
use crate::Profile;

const TALK: &str = "agent: thank you for calling how can i help\ncaller: my internet is slow since monday\nagent: let me check\ncaller: thanks";

#[test]
fn what_is_planted_stands_where_it_is_said_to_and_the_rest_is_untouched() {
    let mut choices = Choices::new(7);
    let mut forms = std::collections::BTreeSet::new();
    for text in [TALK, "my bill is wrong\nplease help", "", "one line"] {
        for _ in 0..200 {
            let planted = plant(text, 3, &mut choices);
            assert!(!planted.values.is_empty());
            let mut at = 0;
            for v in &planted.values {
                assert!(v.start >= at && v.end <= planted.text.len());
                assert!(!planted.text[v.start..v.end].is_empty());
                at = v.end;
                forms.insert((v.entity.as_str(), v.form));
            }
            for line in text.lines() {
                assert!(planted.text.lines().any(|l| l == line), "{line:?} is lost in {:?}", planted.text);
            }
        }
    }
    assert!(forms.len() > 30, "{forms:?}");
}

#[test]
fn the_same_seed_plants_the_same_and_another_something_else() {
    let of = |seed| plant(TALK, 3, &mut Choices::new(seed)).text;
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn a_detector_that_looks_for_less_covers_less() {
    let run = |profile| {
        let (mut tally, mut choices) = (Tally::default(), Choices::new(3));
        let detector = Detector::new(profile).unwrap();
        for _ in 0..150 {
            measure(&detector, "talk", TALK, 3, &mut choices, &mut tally);
        }
        assert_eq!(tally.documents, 150);
        assert_eq!(tally.values - tally.covered, tally.misses.len() as u64);
        tally
    };
    let (all, pci) = (run(Profile::All), run(Profile::Pci));
    assert_eq!(all.values, pci.values);
    assert!(all.covered * 100 >= all.values * 90, "{:?}", all.misses);
    assert!(pci.covered < all.covered && pci.misses.iter().any(|m| m.entity == E::Person));
}

#[test]
fn labels_tell_false_findings_from_right_ones() {
    let text = "my name is dana fenwick and my card is 4111111111111111";
    let found = Detector::new(Profile::All).unwrap().detect_text(text);
    let mut tally = Tally::default();
    tally.labelled("a", text, &[(39, 55, E::CreditCard)], &found);
    assert_eq!((tally.values, tally.covered, tally.redactions), (1, 1, 1));
    assert!((tally.per_thousand_words() - 100.0).abs() < 0.01);
}

#[test]
fn the_interval_is_wilsons() {
    let (low, high) = interval(95, 100);
    assert!((low - 0.8882).abs() < 0.001 && (high - 0.9785).abs() < 0.001);
    assert_eq!(interval(0, 0), (0.0, 1.0));
    assert!(interval(20, 20).0 > 0.83 && interval(20, 20).1 > 0.999);
}

#[test]
fn what_is_to_be_spoken_has_no_digits_in_it_and_says_its_value() {
    let mut choices = Choices::new(5);
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..600 {
        let s = spoken(&mut choices);
        assert!(!s.said.chars().any(|c| c.is_ascii_digit()) && !s.lead.is_empty(), "{s:?}");
        // A day and a year are said in words only.
        let same = crate::search::value_recoverable(&s.said, &s.value);
        assert!(same || s.form == "with hesitation", "{s:?}");
        kinds.insert((s.entity.as_str(), s.form));
    }
    assert_eq!(kinds.len(), 6 * 3 + 4, "{kinds:?}");
}
