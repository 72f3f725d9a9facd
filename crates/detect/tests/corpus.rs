//! The saved corpus of hostile texts, and what a fixed sequence of mutations makes of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![expect(clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

mod mutate;

use callvault_detect::{Detector, Profile, Utterance, code_points, live::Live, redact, search};
use callvault_model::Role;
use mutate::{Sequence, corpus, mutate};

/// Mutations of every text; the sequence is the same in every run.
const MUTATIONS: usize = 40;

fn check(detector: &Detector, text: &str) {
    let spans = detector.detect_text(text);
    let mut last = 0;
    for s in &spans {
        assert!(s.start >= last && s.start < s.end && s.end <= text.len(), "{text:?}: {s:?}");
        assert!(text.is_char_boundary(s.start) && text.is_char_boundary(s.end), "{text:?}: {s:?}");
        last = s.end;
    }
    assert_eq!(code_points(text, &spans).len(), spans.len());
    for run in search::digit_runs(text) {
        assert!(text.get(run.range.clone()).is_some() && run.digits > 0, "{text:?}: {run:?}");
    }
    let turns = [Utterance { role: Role::Unknown, text }];
    let (once, _) = redact::redact_all(detector, &turns, &redact::Mode::Category);
    let again = [Utterance { role: Role::Unknown, text: &once[0] }];
    assert_eq!(redact::redact_all(detector, &again, &redact::Mode::Category).0, once, "{text:?}");
    let mut live = Live::new(detector.clone());
    let mut out = live.push(Role::Customer, text, &redact::Mode::Category);
    out.extend(live.finish(&redact::Mode::Category));
    let turns = text.split('\n').filter(|t| !t.is_empty()).count();
    assert_eq!(out.iter().filter(|r| !r.again).count(), turns, "{text:?}");
}

#[test]
fn hostile_texts_and_their_mutations_keep_every_promise() {
    let (corpus, mut sequence) = (corpus(), Sequence(0x9E37_79B9));
    let detector = Detector::new(Profile::All).unwrap();
    assert!(corpus.len() >= 40);
    for text in &corpus {
        check(&detector, text);
        for _ in 0..MUTATIONS {
            check(&detector, &mutate(text, &corpus, &mut sequence));
        }
    }
}

#[test]
fn values_are_the_same_in_every_writing() {
    let card = "4111111111111111";
    for text in ["４１１１ １１１１ １１１１ １１１１", "\u{FEFF}4111\u{200B}1111\u{200D}1111\u{2060}1111"]
    {
        assert!(search::value_recoverable(text, card), "{text:?}");
        let spans = Detector::new(Profile::Pci).unwrap().detect_text(text);
        assert_eq!(spans.len(), 1, "{text:?}: {spans:?}");
    }
}
