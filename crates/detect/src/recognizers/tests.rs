use super::*;
use crate::{lines, token::Doc};
use callvault_model::EntityType;
use proptest::prelude::*;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    positive: Vec<Positive>,
    negative: Vec<Negative>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Positive {
    text: String,
    finds: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Negative {
    text: String,
}

fn found(recognizer: &Recognizer, text: &str) -> Vec<(String, String)> {
    let (turns, _) = lines(text);
    let doc = Doc::new(&turns);
    let ctx = Context::new(&doc);
    let mut out = Vec::new();
    (recognizer.find)(&ctx, &mut out);
    out.iter().map(|c| (c.entity.to_string(), doc.slice(c.turn, c.start, c.end).to_owned())).collect()
}

fn fixture(recognizer: &Recognizer) -> String {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/detect");
    std::fs::read_to_string(dir.join(format!("{}.toml", recognizer.name))).unwrap_or_default()
}

/// What is wrong with a recogniser by its fixture.
fn faults(recognizer: &Recognizer, fixture: &str) -> Vec<String> {
    let name = recognizer.name;
    let fixture: Fixture = match toml::from_str(fixture) {
        Ok(f) => f,
        Err(e) => return vec![format!("{name} has no fixture with positives and near misses: {e}")],
    };
    let mut wrong = Vec::new();
    for (list, empty) in
        [("positives", fixture.positive.is_empty()), ("near misses", fixture.negative.is_empty())]
    {
        if empty {
            wrong.push(format!("{name} needs {list}"));
        }
    }
    for p in fixture.positive {
        let got = found(recognizer, &p.text);
        let missing: Vec<_> = p.finds.iter().filter(|f| !got.contains(f)).collect();
        if p.finds.is_empty() || !missing.is_empty() {
            wrong.push(format!("{name}: in {:?} missing {missing:?}, got {got:?}", p.text));
        }
    }
    for n in fixture.negative {
        let got = found(recognizer, &n.text);
        if !got.is_empty() {
            wrong.push(format!("{name}: in {:?} found {got:?}", n.text));
        }
    }
    wrong
}

#[test]
fn every_recogniser_has_a_fixture_and_keeps_to_it() {
    let wrong: Vec<_> = ALL.iter().flat_map(|r| faults(r, &fixture(r))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The test before this one can fail: for every recogniser, without its file, positives or near misses, and when it
/// finds nothing or everything.
#[test]
fn a_recogniser_without_positives_or_near_misses_is_told() {
    let everything = |ctx: &Context<'_>, out: &mut Vec<Candidate>| {
        (0..ctx.doc.tokens.len())
            .for_each(|i| out.extend(ctx.over(i, i + 1, EntityType::Person, 1.0, "all", "")));
    };
    for r in ALL {
        let text = fixture(r);
        let mut table: toml::Table = text.parse().unwrap();
        for list in ["positive", "negative"] {
            let kept = table.insert(list.into(), toml::Value::Array(Vec::new())).unwrap();
            assert!(!faults(r, &table.to_string()).is_empty(), "{} without one {list}", r.name);
            table.remove(list);
            assert!(!faults(r, &table.to_string()).is_empty(), "{} without {list}", r.name);
            table.insert(list.into(), kept);
        }
        assert!(!faults(r, "").is_empty(), "{} without a fixture", r.name);
        let blind = Recognizer { name: r.name, by_form: r.by_form, find: |_, _| {} };
        assert!(!faults(&blind, &text).is_empty(), "{} finds nothing", r.name);
        let wild = Recognizer { name: r.name, by_form: r.by_form, find: everything };
        assert!(!faults(&wild, &text).is_empty(), "{} finds everything", r.name);
    }
}

#[test]
fn names_are_unique_and_patterns_compile() {
    let mut names: Vec<_> = ALL.iter().map(|r| r.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    assert_eq!(check(), Ok(()));
}

/// Texts that patterns match, to be cut and joined.
const WRITTEN: &[&str] = &[
    "https://a.example/x",
    "www.shop",
    "shop.example.com",
    "INFO.ORG",
    "10.0.0.1",
    "fe80::1:2:3",
    "00:1A:2b:3c-4d:5e",
    "(212) 555-0142",
    "212-555-0142",
    "212.555.0142",
    "2125550142 x12",
    "212 555 0142 ext. 7",
    "+44 20 7946 0958",
    ";4111111111111111=2512",
    "%B4111111111111111^DOE/J^2512",
    "sk_live_0123456789ab",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_0123456789012345678901234567890123",
    "xoxb-0123456789",
    "eyJ0123456789.0123456789a.01234",
    "219-09-9999",
    "AB 12 34 56 C",
    "SW1A 1AA",
    "K1A 0B1",
    "GB82 WEST 1234 5698 7654 32",
    "gb82-west-1234-5698",
    "12/31/1984",
    "1-2.2000",
    "31.12.84",
    "1984-12-31",
    "04 / 27",
    "5:30 pm",
    "5 p.m.",
    "11AM",
    "9\u{A0}am",
    "jo@mail.example",
    "４/２７",
    "٥:٣٠",
    "é",
    "x",
    "A",
    "7",
    ".",
    "-",
    " ",
    ":",
    "\u{212A}",
    "\u{17F}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Counting signs only ever saves work.
    #[test]
    fn no_gate_keeps_a_text_from_a_pattern_that_matches_it(
        pieces in prop::collection::vec((prop::sample::select(WRITTEN), 0usize..40, 0usize..40), 1..5),
        glue in prop::sample::select(vec!["", " ", ". "]),
    ) {
        let cut = |(p, from, to): &(&str, usize, usize)| {
            p.chars().skip(if *from < 8 { *from } else { 0 }).take(if *to < 30 { *to } else { 99 }).collect::<String>()
        };
        let text = pieces.iter().map(cut).collect::<Vec<_>>().join(glue);
        prop_assert!(!written::iban_passed_over(&text), "{:?}", text);
        for (k, p) in written::patterns().chain(date::patterns()).chain(email::patterns()).enumerate() {
            prop_assert!(!p.passes_over(&text), "pattern {} of {:?}", k, text);
        }
    }
}

#[test]
fn every_pattern_matches_one_of_the_texts_of_the_gates() {
    for (k, p) in written::patterns().chain(date::patterns()).chain(email::patterns()).enumerate() {
        assert!(WRITTEN.iter().any(|t| p.regex().is_some_and(|r| r.is_match(t))), "pattern {k}");
        assert!(!WRITTEN.iter().any(|t| p.passes_over(t)), "pattern {k}");
    }
}
