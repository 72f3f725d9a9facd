use super::*;
use crate::{lines, token::Doc};
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

#[test]
fn every_recogniser_has_a_fixture_and_keeps_to_it() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/detect");
    let mut wrong = Vec::new();
    for recognizer in ALL {
        let path = dir.join(format!("{}.toml", recognizer.name));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{} has no fixture: {e}", recognizer.name));
        let fixture: Fixture = toml::from_str(&text).unwrap();
        assert!(
            !fixture.positive.is_empty() && !fixture.negative.is_empty(),
            "{} needs positives and near misses",
            recognizer.name
        );
        for p in fixture.positive {
            let got = found(recognizer, &p.text);
            let missing: Vec<_> = p.finds.iter().filter(|f| !got.contains(f)).collect();
            if !missing.is_empty() {
                wrong.push(format!("{}: in {:?} missing {missing:?}, got {got:?}", recognizer.name, p.text));
            }
        }
        for n in fixture.negative {
            let got = found(recognizer, &n.text);
            if !got.is_empty() {
                wrong.push(format!("{}: in {:?} found {got:?}", recognizer.name, n.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_unique_and_patterns_compile() {
    let mut names: Vec<_> = ALL.iter().map(|r| r.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
    assert_eq!(check(), Ok(()));
}
