use super::*;
use crate::{lines, token::Doc};
use callvault_model::EntityType;
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
