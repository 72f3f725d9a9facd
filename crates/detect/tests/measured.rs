//! Sets of our own with their scores: `cargo test -p callvault-detect --test measured -- --nocapture` prints them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![expect(clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the scores are for people")]
#![expect(clippy::cast_precision_loss, reason = "rates for people")]

use callvault_detect::{Detector, Profile};
use callvault_model::EntityType;
use serde::Deserialize;
use std::{fs, path::PathBuf};

fn fixture(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/detect");
    fs::read_to_string(root.join(name)).unwrap()
}

#[derive(Deserialize)]
struct Row {
    text: String,
    spans: Vec<Gold>,
}

#[derive(Deserialize)]
struct Gold {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    entity: String,
}

/// Share of labelled values of which nine tenths are covered, and share of covered letters that are labelled.
fn health(name: &str) -> (f64, f64, usize) {
    let detector = Detector::new(Profile::All).unwrap();
    let (mut hit, mut all, mut right, mut covered, mut missed) = (0usize, 0usize, 0usize, 0usize, Vec::new());
    for line in fixture(name).lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        assert!(row.text.is_ascii(), "offsets are read as bytes");
        let about_health = |e: EntityType| {
            matches!(e, EntityType::Condition | EntityType::Medication | EntityType::Procedure)
        };
        let spans = detector.detect_text(&row.text);
        let inside = |at: usize, health: bool| {
            spans.iter().any(|s| s.start <= at && at < s.end && (!health || about_health(s.entity)))
        };
        let letters = |a: usize, b: usize| (a..b).filter(|k| row.text.as_bytes()[*k].is_ascii_alphanumeric());
        for gold in &row.spans {
            let (n, c) = (
                letters(gold.start, gold.end).count(),
                letters(gold.start, gold.end).filter(|k| inside(*k, false)).count(),
            );
            all += 1;
            if c * 10 >= n * 9 {
                hit += 1
            } else {
                missed.push(format!("{} {:?}", gold.entity, &row.text[gold.start..gold.end]))
            }
        }
        for k in letters(0, row.text.len()).filter(|k| inside(*k, true)) {
            covered += 1;
            right += usize::from(row.spans.iter().any(|g| g.start <= k && k < g.end));
        }
    }
    println!("{name}: {all} values, missed: {}", missed.join(", "));
    (hit as f64 / all as f64, right as f64 / covered.max(1) as f64, all)
}

#[test]
fn health_content_is_found_in_callers_words() {
    for (name, recall, precision) in [("health.jsonl", 0.90, 0.95), ("health-held-out.jsonl", 0.85, 0.90)] {
        let (r, p, n) = health(name);
        println!("{name}: covered {:.1} %, precision {:.1} %, {n} values", r * 100.0, p * 100.0);
        assert!(r >= recall && p >= precision, "{name}: covered {r:.3}, precision {p:.3}");
        assert!(n >= 150);
    }
}

#[test]
fn hard_negatives_stay_readable() {
    let detector = Detector::new(Profile::Default).unwrap();
    let text = fixture("negatives.txt");
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    let (mut wrong, mut spans, mut words) = (Vec::new(), 0usize, 0usize);
    for line in &lines {
        let talk = line.replace('|', "\n");
        let found = detector.detect_text(&talk);
        words += talk.split_whitespace().count();
        spans += found.len();
        if !found.is_empty() {
            let what: Vec<_> =
                found.iter().map(|f| format!("{} {:?}", f.entity, &talk[f.start..f.end])).collect();
            wrong.push(format!("{line}: {}", what.join(", ")));
        }
    }
    println!(
        "hard negatives: {} of {} texts with a false finding ({:.1} %), {:.2} per 1,000 words\n{}",
        wrong.len(),
        lines.len(),
        wrong.len() as f64 * 100.0 / lines.len() as f64,
        spans as f64 * 1000.0 / words as f64,
        wrong.join("\n")
    );
    assert!(lines.len() >= 150);
    assert!(wrong.len() * 100 <= lines.len() * 5, "{}", wrong.join("\n"));
}
