//! Recordings that are broken, strange or empty.

use crate::support::{
    audio::{self, Wav},
    calls::{self, CARD_DIGITS, Made},
    home::{Home, Ran},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A home in which `bytes` lie as `name` and the engine hears `script`.
pub struct Case {
    pub home: Home,
    pub file: PathBuf,
    name: String,
}

impl Case {
    pub fn new(name: &str, bytes: &[u8], script: &Value) -> Self {
        let mut home = Home::with_vault();
        let (file, words) = (home.path("work").join(name), home.path("script.json"));
        fs::write(&file, bytes).unwrap();
        fs::write(&words, script.to_string()).unwrap();
        home.engine(Some(&words));
        Self { home, file, name: name.to_owned() }
    }

    pub fn redacted(&self) -> PathBuf {
        self.file.with_extension("redacted.wav")
    }

    fn redact(&self) -> Ran {
        self.home.run(["redact", self.file.to_str().unwrap()])
    }

    /// Refused by `redact` with the file's name and one of `reasons`; `ingest` ends in quarantine or an error, and
    /// afterwards nothing can be read and the vault still works.
    fn refused(&self, reasons: &[&str]) {
        let said = self.redact();
        assert!(matches!(said.code, Some(1 | 3)), "{said:?}");
        assert!(said.err.contains(&self.name), "the file is not named: {}", said.err);
        assert!(reasons.iter().any(|r| said.err.contains(r)), "no reason: {}", said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
        for end in ["redacted.wav", "redacted.txt", "findings.json", "redacted.part"] {
            assert!(!self.file.with_extension(end).exists(), "{end} was left behind");
        }
        self.held_back();
    }

    fn held_back(&self) {
        let said = self.home.run(["ingest", "--json", self.file.to_str().unwrap()]);
        assert!(matches!(said.code, Some(1 | 3)), "{said:?}");
        for row in self.home.rows() {
            assert_eq!(row["state"], "quarantined", "{row}");
            self.home.run(["show", row["id"].as_str().unwrap()]).expect(3);
        }
        if said.code == Some(3) {
            assert!(said.err.contains(&self.name), "the file is not named: {}", said.err);
        }
        // Nothing blocks what comes after.
        self.home.run(["resume"]).ok();
        self.home.run(["verify"]).ok();
    }

    /// Either refused, or the card is exact silence in a recording of the same shape.
    fn never_leaks(&self, card: (usize, u64, u64)) {
        let said = self.redact();
        if said.code == Some(0) {
            self.silent(card, None);
        } else {
            self.refused(&[&self.name]);
        }
    }

    pub fn silent(&self, (channel, start, end): (usize, u64, u64), shape: Option<(u32, usize, usize)>) {
        let after = Wav::read(&fs::read(self.redacted()).unwrap());
        assert_eq!(after.silence(channel, start, end), 1.0, "samples of the card are left");
        if let Some(shape) = shape {
            assert_eq!((after.rate, after.frames(), after.channels.len()), shape);
        }
        let text = fs::read_to_string(self.file.with_extension("redacted.txt")).unwrap();
        assert!(!text.contains("four two") && !text.contains(CARD_DIGITS), "{text}");
    }

    /// Muted as it should be: success, silence, the same shape.
    fn muted(&self, card: (usize, u64, u64), shape: (u32, usize, usize)) {
        self.redact().ok();
        self.silent(card, Some(shape));
    }
}

pub fn call() -> Made {
    calls::made(8000, 2, [0, 1], 0.3)
}

#[test]
fn truncated() {
    let made = call();
    let whole = audio::pcm16(8000, &made.channels);
    for left in [whole.len() * 2 / 3, 1000, 50] {
        Case::new("cut.wav", &whole[..left], &made.script).refused(&["cut off", "cannot decode"]);
    }
}

#[test]
fn zero_length() {
    Case::new("empty.wav", b"", &call().script).refused(&["empty"]);
    let no_samples = audio::riff(1, 2, 8000, 16, b"");
    Case::new("header-only.wav", &no_samples, &call().script).refused(&[
        "no samples",
        "nothing was recorded",
        "no voice",
    ]);
}

#[test]
fn wrong_header_length() {
    let made = call();
    for wrong in [0u32, 1, 44, 4_000_000, 0x7FFF_FFFF] {
        let mut file = audio::pcm16(8000, &made.channels);
        file[4..8].copy_from_slice(&wrong.to_le_bytes());
        Case::new("riff-length.wav", &file, &made.script).never_leaks(made.card);
        let mut file = audio::pcm16(8000, &made.channels);
        file[40..44].copy_from_slice(&wrong.to_le_bytes());
        Case::new("data-length.wav", &file, &made.script).never_leaks(made.card);
    }
}

#[test]
fn extra_chunks() {
    let made = call();
    let plain = audio::parse(&audio::pcm16(8000, &made.channels));
    let of = |id: &[u8; 4]| plain.iter().find(|(i, _)| i == id).map(|(_, b)| b.as_slice()).unwrap();
    // A broadcast chunk and a list with an odd length before the samples, a comment with a card number behind them.
    let note = format!("ICMT caller said {CARD_DIGITS}");
    let file = audio::chunks(&[
        (b"bext", &[0u8; 602]),
        (b"LIST", b"INFOx"),
        (b"fmt ", of(b"fmt ")),
        (b"junk", &[7; 31]),
        (b"data", of(b"data")),
        (b"LIST", note.as_bytes()),
    ]);
    let case = Case::new("chunks.wav", &file, &made.script);
    case.muted(made.card, (8000, 96_000, 2));
    let out = fs::read(case.redacted()).unwrap();
    assert!(
        !out.windows(16).any(|w| w == CARD_DIGITS.as_bytes()),
        "a comment chunk was copied into the redacted file"
    );
}

#[test]
fn studio_rate_and_six_channels() {
    let made = calls::made(96_000, 6, [4, 1], 0.3);
    let case = Case::new("six.wav", &audio::pcm16(96_000, &made.channels), &made.script);
    case.muted(made.card, (96_000, 96_000 * 12, 6));
}

#[test]
fn mono_with_two_talkers() {
    let made = calls::made(8000, 2, [0, 0], 0.3);
    let mono = vec![made.channels[0].clone()];
    let script = json!({"channels": [made.script["channels"][0]]});
    Case::new("mono.wav", &audio::pcm16(8000, &mono), &script).muted(made.card, (8000, 96_000, 1));
}

#[test]
fn clipped() {
    let mut made = call();
    for sample in made.channels.iter_mut().flatten() {
        *sample = (*sample * 60.0).clamp(-1.0, 1.0);
    }
    Case::new("clipped.wav", &audio::pcm16(8000, &made.channels), &made.script)
        .muted(made.card, (8000, 96_000, 2));
}

#[test]
fn silence_only() {
    let silence = audio::pcm16(8000, &[vec![0.0; 80_000], vec![0.0; 80_000]]);
    Case::new("silence.wav", &silence, &call().script).refused(&["no voice"]);
}

#[test]
fn music_only() {
    // Three chords; the engine finds a voice without words in them, as recognisers do.
    let chord = |hertz: &[f64]| audio::tones(8000, 4000, hertz, 0.15);
    let music: Vec<f64> =
        [chord(&[262.0, 330.0, 392.0]), chord(&[349.0, 440.0, 523.0]), chord(&[392.0, 494.0, 587.0])]
            .concat();
    let file = audio::pcm16(8000, &[music]);
    let doubt = |what: &str| json!({"channels": [[{"start_ms": 0, "end_ms": 12_000, "text": "la la", "doubts": [what]}]]});
    Case::new("music.wav", &file, &json!({"channels": [[]]})).refused(&["no voice"]);
    Case::new("music.wav", &file, &doubt("not-speech")).refused(&["no trustworthy words"]);
    Case::new("music.wav", &file, &doubt("repetition")).refused(&["no trustworthy words"]);
}

#[test]
fn keypad_tones_only() {
    let mut sound = vec![0.0; 4000];
    for symbol in CARD_DIGITS.chars() {
        sound.extend(audio::tones(8000, 120, &audio::key(symbol), 0.25));
        sound.extend(vec![0.0; 800]);
    }
    sound.extend(vec![0.0; 8000]);
    let end_ms = sound.len() as u64 / 8 - 1000;
    let case = Case::new("keys.wav", &audio::pcm16(8000, &[sound.clone()]), &json!({"channels": [[]]}));
    case.muted((0, 500, end_ms), (8000, sound.len(), 1));
    let found: Value =
        serde_json::from_slice(&fs::read(case.file.with_extension("findings.json")).unwrap()).unwrap();
    assert!(found["findings"].as_array().unwrap().iter().any(|f| f["type"] == "CREDIT_CARD"), "{found}");
}

#[test]
fn text_renamed_wav() {
    Case::new("notes.wav", b"Meeting notes: her card is 4242 4242 4242 4242.\n", &call().script)
        .refused(&["cannot decode"]);
    let said = Case::new("notes.wav", b"4242 4242 4242 4242", &call().script).redact();
    assert!(!said.all().contains("4242"), "the error quotes the file: {}", said.err);
    Case::new("page.wav", b"<html><body>404</body></html>", &call().script).refused(&["cannot decode"]);
}

#[test]
fn four_gigabytes_claimed() {
    let made = call();
    for claim in [0xFFFF_FFF0u32, 0xFFFF_FFFF] {
        let mut file = audio::pcm16(8000, &made.channels);
        file[4..8].copy_from_slice(&claim.to_le_bytes());
        file[40..44].copy_from_slice(&claim.to_le_bytes());
        let case = Case::new("huge.wav", &file, &made.script);
        case.never_leaks(made.card);
    }
}

#[test]
fn a_symlink() {
    let made = call();
    let case = Case::new("real.wav", &audio::pcm16(8000, &made.channels), &made.script);
    let link = case.home.path("work/link.wav");
    std::os::unix::fs::symlink(&case.file, &link).unwrap();
    for verb in ["redact", "ingest"] {
        let said = case.home.run([verb, link.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("link.wav") && said.err.contains("symbolic link"), "{}", said.err);
    }
    assert!(case.home.rows().is_empty() && !case.home.path("work/link.redacted.wav").exists());
    // Below a folder a link is passed over: it could lead anywhere.
    let folder = case.home.path("work/folder");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.join("x.wav")).unwrap();
    case.home.run(["ingest", folder.to_str().unwrap()]).ok();
    assert!(case.home.rows().is_empty());
}

#[test]
fn a_folder_and_a_pipe_named_like_a_recording() {
    let case = Case::new("x.wav", b"", &call().script);
    let folder = case.home.path("work/folder.wav");
    fs::create_dir(&folder).unwrap();
    let said = case.home.run(["redact", folder.to_str().unwrap()]).expect(3);
    assert!(said.err.contains("folder.wav") && said.err.contains("no file"), "{}", said.err);
    let pipe = case.home.path("work/pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("skipped: no mkfifo here");
        return;
    }
    for verb in ["redact", "ingest"] {
        let said = case.home.run([verb, pipe.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("pipe.wav"), "{}", said.err);
    }
    case.home.run(["ingest", folder.to_str().unwrap()]).ok();
}

/// Real speech of another language; only with the real model.
#[test]
fn spanish() {
    let Some(models) = crate::machine::installed_models() else {
        eprintln!("skipped: speech model absent");
        return;
    };
    let mut home = Home::with_vault();
    home.set("CALLVAULT_MODELS", models);
    let file = home.path("work/es.wav");
    fs::copy(calls::wav(calls::SPANISH), &file).unwrap();
    let said = home.run(["redact", file.to_str().unwrap()]).expect(1);
    assert!(said.err.contains("es.wav") && said.err.contains("quarantined"), "{}", said.err);
    assert!(!home.path("work/es.redacted.wav").exists());
}
