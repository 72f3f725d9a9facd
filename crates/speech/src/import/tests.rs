use super::*;
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../fixtures/transcripts/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn words(heard: &Heard) -> Vec<&str> {
    heard.segments.iter().flat_map(|s| &s.words).map(|w| w.text.as_str()).collect()
}

fn said(json: &str, duration: u64) -> String {
    parse(json.as_bytes(), Some(duration)).unwrap_err().to_string()
}

fn one_word(start: &str, end: &str) -> String {
    format!(r#"{{"engine":"e","channels":[{{"words":[{{"text":"x","start_ms":{start},"end_ms":{end}}}]}}]}}"#)
}

#[test]
fn webvtt_with_voices_goes_onto_the_channels_they_name() {
    let i = parse(&fixture("call.vtt"), Some(20_000)).unwrap();
    assert_eq!((i.engine.as_str(), i.time_quality), ("imported:webvtt", TimeQuality::Proportional));
    assert_eq!(i.speakers, ["Agent", "Customer"]);
    let channels = i.onto(2).unwrap();
    assert_eq!(words(&channels[0]).join(" "), "It is four two four two & thanks");
    assert_eq!(words(&channels[1])[..2], ["Thank", "you."]);
    let first = &channels[0].segments[0];
    assert_eq!((first.words[0].start_ms, first.words.last().unwrap().end_ms), (4000, 9500));
}

#[test]
fn speakers_that_cannot_be_placed_count_for_every_channel() {
    let text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Speaker 7>one two\n\n00:03.000 --> 00:04.000\n<v Agent>three\n";
    let all = |n| parse(text.as_bytes(), None).unwrap().onto(n).unwrap();
    assert!(all(2).iter().all(|h| words(h) == ["one", "two", "three"]));
    assert_eq!(words(&all(1)[0]), ["one", "two", "three"]);
}

#[test]
fn whisper_with_and_without_word_times() {
    let i = parse(&fixture("whisper-words.json"), Some(6_000)).unwrap();
    assert_eq!((i.engine.as_str(), i.time_quality), ("imported:whisper", TimeQuality::Aligned));
    assert_eq!(words(&i.channels[0])[..3], ["My", "card", "is"]);
    let i = parse(&fixture("whisper-segments.json"), Some(6_000)).unwrap();
    assert_eq!(i.time_quality, TimeQuality::Proportional);
    let w = &i.channels[0].segments[0].words;
    assert!(w.windows(2).all(|p| p[0].end_ms == p[1].start_ms), "{w:?}");
    assert_eq!((w[0].start_ms, w.last().unwrap().end_ms), (500, 5500));
}

#[test]
fn our_own_words_and_turns() {
    let i = parse(&fixture("own-words.json"), Some(5_000)).unwrap();
    assert_eq!((i.engine.as_str(), i.time_quality), ("imported:desk-recorder-3", TimeQuality::Aligned));
    // Unsorted in the file, in order here.
    assert_eq!(words(&i.channels[1]), ["four", "two", "seven"]);
    assert!(i.clone().onto(1).unwrap_err().to_string().contains("another one"));
    assert_eq!(i.onto(3).unwrap().len(), 3);
    let i = parse(&fixture("own-turns.json"), Some(9_000)).unwrap();
    assert_eq!((i.time_quality, i.channels.len()), (TimeQuality::Proportional, 2));
    assert_eq!(words(&i.channels[0]), ["my", "number", "is", "nine"]);
}

#[test]
fn every_shipped_transcript_is_readable() {
    let dir = format!("{}/../../fixtures/demo/transcripts", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let i =
            parse(&std::fs::read(&path).unwrap(), None).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(i.time_quality, TimeQuality::Aligned);
    }
}

#[test]
fn times_that_cannot_be_are_refused() {
    assert!(said(&one_word("-5", "100"), 1000).contains("before the start"));
    assert!(said(&one_word("500", "100"), 1000).contains("ends before"));
    assert!(said(&one_word("500", "2000"), 1000).contains("beyond the recording"));
    assert!(said(&one_word("1e300", "1e301"), 1000).contains("beyond any recording"));
    assert!(said(&one_word("NaN", "100"), 1000).contains("JSON"));
    assert!(said(&one_word("\"a\"", "100"), 1000).contains("field"));
    assert!(parse(one_word("0", "1e400").as_bytes(), None).is_err());
    // Rounding at the end is drawn back, and a word without length gets one.
    let end = |json: &str| parse(json.as_bytes(), Some(1000)).unwrap().channels[0].segments[0].span;
    assert_eq!(end(&one_word("900", "1200")), Interval::new(900, 1000));
    assert_eq!(end(&one_word("1000", "1000")), Interval::new(990, 1000));
}

#[test]
fn overlapping_words_are_put_in_order_and_a_crowd_is_refused() {
    let word = |s: u64, e: u64| format!(r#"{{"text":"w{s}","start_ms":{s},"end_ms":{e}}}"#);
    let file = |w: Vec<String>| format!(r#"{{"channels":[{{"words":[{}]}}]}}"#, w.join(","));
    let i = parse(file(vec![word(900, 1500), word(0, 1000), word(500, 950)]).as_bytes(), None).unwrap();
    assert_eq!(words(&i.channels[0]), ["w0", "w500", "w900"]);
    let crowd = file((0..40).map(|i| word(i, 5000)).collect());
    assert!(said(&crowd, 10_000).contains("nobody says"));
}

#[test]
fn what_is_no_transcript_says_so_without_quoting_it() {
    for text in [
        "",
        "hello 4111 1111",
        "{}",
        r#"{"segments": [], "turns": []}"#,
        r#"{"channels": []}"#,
        "WEBVTT",
        "{\"channels\": 4111",
    ] {
        let message = said(text, 1000);
        assert!(message.starts_with("transcript: ") && !message.contains("4111"), "{message}");
    }
    assert!(parse(&[0xff, 0xfe, 0], None).unwrap_err().to_string().contains("UTF-8"));
    assert!(parse("{\"channels\":[".repeat(50_000).as_bytes(), None).is_err());
    assert!(said("WEBVTT\n\n1:2 --> 3:4\nhi\n", 1000).contains("line 3"));
    let long = one_word("0", "900").replace("\"x\"", &format!("\"{}\"", "x".repeat(500)));
    assert!(said(&long, 1000).contains("400 bytes"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = parse(text.as_bytes(), Some(1000));
        let _ = parse(format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{text}").as_bytes(), Some(1000));
    }
}
