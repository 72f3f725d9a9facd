//! Transcripts that somebody else made and that do not fit.

use crate::recordings::{Case, call};
use crate::support::audio;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn with_transcript(transcript: &Value) -> (Case, PathBuf) {
    let made = call();
    let mut case = Case::new("call.wav", &audio::pcm16(8000, &made.channels), &made.script);
    case.home.engine(None);
    let file = case.home.path("work/words.txt");
    fs::write(&file, transcript.to_string()).unwrap();
    (case, file)
}

fn refused_transcript(transcript: &Value, reason: &str) {
    let (case, words) = with_transcript(transcript);
    let args = |verb| {
        [verb, "--transcript", words.to_str().unwrap(), case.file.to_str().unwrap()].map(str::to_owned)
    };
    let said = case.home.run(args("redact"));
    assert!(
        matches!(said.code, Some(1 | 3)) && said.err.contains("call.wav") && said.err.contains(reason),
        "{said:?}"
    );
    assert!(!said.all().contains("four two"), "the error quotes the transcript: {}", said.err);
    assert!(!case.redacted().exists());
    let said = case.home.run(args("ingest"));
    assert!(matches!(said.code, Some(1 | 3)), "{said:?}");
    assert!(case.home.rows().iter().all(|r| r["state"] == "quarantined"), "{:?}", case.home.rows());
}

fn words(list: &[(&str, Value, Value)]) -> Value {
    let words: Vec<Value> =
        list.iter().map(|(t, s, e)| json!({"text": t, "start_ms": s, "end_ms": e})).collect();
    json!({"engine": "test", "channels": [{"words": words}, {"words": []}]})
}

#[test]
fn a_transcript_longer_than_the_audio() {
    refused_transcript(
        &words(&[("hello", json!(100), json!(400)), ("four two", json!(11_900), json!(14_000))]),
        "beyond the recording's end",
    );
    let vtt = "WEBVTT\n\n00:00:01.000 --> 00:20:02.000\nfour two four two\n";
    let (case, file) = with_transcript(&json!({}));
    fs::write(&file, vtt).unwrap();
    let said = case
        .home
        .run(["redact", "--transcript", file.to_str().unwrap(), case.file.to_str().unwrap()])
        .expect(3);
    assert!(said.err.contains("call.wav") && said.err.contains("beyond the recording's end"), "{}", said.err);
}

#[test]
fn overlapping_and_unsorted_word_times() {
    let made = call();
    let mut list: Vec<Value> = Vec::new();
    for (i, word) in
        "my card number is four two four two four two four two four two four two four two four two"
            .split(' ')
            .enumerate()
    {
        let start = 2600 + 310 * i as u64;
        // Each word reaches into the next.
        list.push(json!({"text": word, "start_ms": start, "end_ms": start + 450}));
    }
    list.reverse();
    let (case, file) =
        with_transcript(&json!({"engine": "test", "channels": [{"words": list}, {"words": []}]}));
    let said =
        case.home.run(["redact", "--transcript", file.to_str().unwrap(), case.file.to_str().unwrap()]).ok();
    assert!(said.err.contains("proof none"), "{}", said.err);
    // From the first digit to the last, as the transcript has them.
    case.silent((made.card.0, 2600 + 310 * 4, 2600 + 310 * 19 + 450), Some((8000, 96_000, 2)));
}

#[test]
fn crowded_word_times() {
    let list: Vec<(&str, Value, Value)> =
        (0..40).map(|i| ("four", json!(3000 + i), json!(3010 + i))).collect();
    refused_transcript(&words(&list), "nobody says");
}

#[test]
fn out_of_range_spans() {
    refused_transcript(&words(&[("four two", json!(-500), json!(700))]), "before the start");
    refused_transcript(&words(&[("four two", json!(9000), json!(300))]), "ends before it starts");
    refused_transcript(&words(&[("four two", json!(1e300), json!(1e301))]), "beyond any recording");
    let channel_five =
        json!({"engine": "t", "turns": [{"channel": 5, "start_ms": 1, "end_ms": 900, "text": "four two"}]});
    refused_transcript(&channel_five, "belongs to another one");
    refused_transcript(&json!({"engine": "t", "channels": [{"words": []}]}), "no words");
    refused_transcript(&json!({"engine": "t", "channels": "four two"}), "transcript");
}
