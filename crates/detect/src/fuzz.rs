//! Fuzz targets over the saved corpus and a fixed sequence of mutations: the normaliser, the reader of spoken numbers and
//! a site's own recognisers, each by itself.

#[path = "../tests/mutate/mod.rs"]
mod mutate;

use crate::{
    Custom, Detector, Profile, Reading, Utterance, context::Context, lines, normal::Normal, spoken,
    token::Doc,
};
use callvault_model::Role;
use mutate::{Sequence, corpus, mutate};
use std::collections::HashSet;

/// Mutations of every text; the sequence is the same in every run.
const MUTATIONS: usize = 60;

fn each(seed: u64, mut check: impl FnMut(&str)) {
    let (corpus, mut sequence) = (corpus(), Sequence(seed));
    for text in &corpus {
        check(text);
        for _ in 0..MUTATIONS {
            check(&mutate(text, &corpus, &mut sequence));
        }
    }
}

/// Every range of the normalised text leads to one of the source, and they stand in the same order.
#[test]
fn the_normaliser_always_knows_the_way_back() {
    each(0x51_7CC1, |source| {
        let normal = Normal::new(source);
        let mut last = (0, 0);
        for (at, c) in normal.text.char_indices() {
            let (start, end) = normal.source(at, at + c.len_utf8());
            assert!(source.get(start..end).is_some_and(|s| !s.is_empty()), "{source:?} {at} {start}..{end}");
            assert!(start >= last.0 && end >= last.1, "{source:?} {at} {start}..{end} after {last:?}");
            last = (start, end);
        }
        let (again, all) = (Normal::new(&normal.text), normal.text.len());
        assert_eq!(again.text, normal.text, "{source:?}");
        assert!(all == 0 || normal.source(0, all).1 <= source.len());
    });
}

/// Numbers are digits, stand in their turn and in order, and every chain is made of numbers that are there, once.
#[test]
fn the_reader_of_spoken_numbers_stays_in_its_turns() {
    each(0x2545_F491, |text| {
        let (turns, _) = lines(text);
        let doc = Doc::new(&turns);
        let segments = spoken::segments(&doc);
        let mut end = 0;
        for s in segments.iter() {
            let atoms = segments.atoms(s);
            let turn = &doc.turns[s.turn];
            assert!(s.first >= end.max(turn.first) && s.first < s.end && s.end <= turn.end, "{text:?} {s:?}");
            end = s.end;
            assert!(!s.digits.is_empty() && s.digits.bytes().all(|b| b.is_ascii_digit()), "{text:?} {s:?}");
            assert!(s.digits.len() <= 160, "{text:?} {s:?}");
            assert_eq!(*s.digits, *atoms.iter().map(|a| &*a.digits).collect::<String>());
            assert!(atoms.windows(2).all(|w| w[0].end <= w[1].first), "{text:?} {s:?}");
            assert!(atoms.iter().all(|a| s.first <= a.first && a.first < a.end && a.end <= s.end));
        }
        let chains = spoken::chains(&doc, &segments);
        let all: Vec<usize> = chains.iter().flatten().copied().collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), segments.len(), "{text:?} {chains:?}");
        assert_eq!(all.len(), segments.len(), "{text:?} {chains:?}");
    });
}

/// Reading by form finds the same whether or not the lists of names and places are asked.
#[test]
fn reading_by_form_needs_no_lists() {
    let detector = Detector::new(Profile::All).unwrap().with_reading(Reading::Forms);
    each(0x68_E31D, |text| {
        let (turns, _) = lines(text);
        let listed = Doc::new(&turns);
        assert_eq!(detector.detect(&turns), detector.find(&Context::new(&listed)), "{text:?}");
    });
}

/// Any file is taken or refused with a reason that says what to do; what is taken finds nothing out of bounds.
#[test]
fn own_recognisers_of_any_kind_are_taken_or_refused() {
    let patterns = include_str!("../../../fixtures/detect/patterns.txt");
    let patterns: Vec<String> = patterns.lines().filter(|l| !l.is_empty()).map(str::to_owned).collect();
    let file = |p: &str| {
        format!(
            "[[recognizer]]\nname = \"x\"\ntype = \"ACCOUNT_ID\"\npattern = '''{p}'''\nmatch = [\"aaaaab 11111-22 x1y2 zz\"]\n\
             no_match = [\"~\"]\n[[list]]\nname = \"y\"\ntype = \"PERSON\"\nuse = \"find\"\nentries = [\"zz top\"]\n"
        )
    };
    let detector = Detector::new(Profile::All).unwrap().with_reading(Reading::Forms);
    let (texts, mut sequence) = (corpus(), Sequence(0x9E37_79B9));
    let (mut taken, mut refused) = (0, 0);
    for k in 0..600 {
        let pattern = &patterns[sequence.below(patterns.len())];
        // Half of them change the pattern, half the file around it.
        let source = if k % 2 == 0 {
            file(&mutate(pattern, &patterns, &mut sequence))
        } else {
            mutate(&file(pattern), &patterns, &mut sequence)
        };
        match Custom::parse(&source) {
            Ok(custom) => {
                taken += 1;
                let text = texts[sequence.below(texts.len())].repeat(20);
                let own = detector.clone().with_custom(custom);
                let mut last = 0;
                for s in own.detect(&[Utterance { role: Role::Unknown, text: &text }]) {
                    assert!(s.start >= last && s.start < s.end && s.end <= text.len(), "{source}");
                    assert!(text.get(s.start..s.end).is_some(), "{source}");
                    last = s.end;
                }
            }
            Err(e) => {
                refused += 1;
                assert!(e.to_string().contains("cannot be used"), "{e}\n{source}");
            }
        }
    }
    assert!(taken >= 20 && refused >= 20, "{taken} taken, {refused} refused");
}
