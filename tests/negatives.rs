//! The negative list: each bad input or bad circumstance ends in a clear error or in quarantine, with the file's name in
//! the message, and never in a "success" that leaves a planted value in the sound.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod recordings {
    use crate::support::{
        audio::{self, Wav},
        calls::{self, CARD_DIGITS, Made},
        home::{Home, Ran},
    };
    use serde_json::{Value, json};
    use std::{fs, path::PathBuf};

    /// A home in which `bytes` lie as `name` and the engine hears `script`.
    struct Case {
        home: Home,
        file: PathBuf,
        name: String,
    }

    impl Case {
        fn new(name: &str, bytes: &[u8], script: &Value) -> Self {
            let mut home = Home::with_vault();
            let (file, words) = (home.path("work").join(name), home.path("script.json"));
            fs::write(&file, bytes).unwrap();
            fs::write(&words, script.to_string()).unwrap();
            home.engine(Some(&words));
            Self { home, file, name: name.to_owned() }
        }

        fn redacted(&self) -> PathBuf {
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

        fn silent(&self, (channel, start, end): (usize, u64, u64), shape: Option<(u32, usize, usize)>) {
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

    fn call() -> Made {
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
        Case::new("header-only.wav", &no_samples, &call().script).refused(&["no samples", "nothing was recorded", "no voice"]);
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
        assert!(!out.windows(16).any(|w| w == CARD_DIGITS.as_bytes()), "a comment chunk was copied into the redacted file");
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
        Case::new("clipped.wav", &audio::pcm16(8000, &made.channels), &made.script).muted(made.card, (8000, 96_000, 2));
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
        let music: Vec<f64> = [chord(&[262.0, 330.0, 392.0]), chord(&[349.0, 440.0, 523.0]), chord(&[392.0, 494.0, 587.0])].concat();
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
        let found: Value = serde_json::from_slice(&fs::read(case.file.with_extension("findings.json")).unwrap()).unwrap();
        assert!(found["findings"].as_array().unwrap().iter().any(|f| f["type"] == "CREDIT_CARD"), "{found}");
    }

    #[test]
    fn text_renamed_wav() {
        Case::new("notes.wav", b"Meeting notes: her card is 4242 4242 4242 4242.\n", &call().script).refused(&["cannot decode"]);
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
        let args = |verb| [verb, "--transcript", words.to_str().unwrap(), case.file.to_str().unwrap()].map(str::to_owned);
        let said = case.home.run(args("redact"));
        assert!(matches!(said.code, Some(1 | 3)) && said.err.contains("call.wav") && said.err.contains(reason), "{said:?}");
        assert!(!said.all().contains("four two"), "the error quotes the transcript: {}", said.err);
        assert!(!case.redacted().exists());
        let said = case.home.run(args("ingest"));
        assert!(matches!(said.code, Some(1 | 3)), "{said:?}");
        assert!(case.home.rows().iter().all(|r| r["state"] == "quarantined"), "{:?}", case.home.rows());
    }

    fn words(list: &[(&str, Value, Value)]) -> Value {
        let words: Vec<Value> = list.iter().map(|(t, s, e)| json!({"text": t, "start_ms": s, "end_ms": e})).collect();
        json!({"engine": "test", "channels": [{"words": words}, {"words": []}]})
    }

    #[test]
    fn a_transcript_longer_than_the_audio() {
        refused_transcript(&words(&[("hello", json!(100), json!(400)), ("four two", json!(11_900), json!(14_000))]), "beyond the recording's end");
        let vtt = "WEBVTT\n\n00:00:01.000 --> 00:20:02.000\nfour two four two\n";
        let (case, file) = with_transcript(&json!({}));
        fs::write(&file, vtt).unwrap();
        let said = case.home.run(["redact", "--transcript", file.to_str().unwrap(), case.file.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("call.wav") && said.err.contains("beyond the recording's end"), "{}", said.err);
    }

    #[test]
    fn overlapping_and_unsorted_word_times() {
        let made = call();
        let mut list: Vec<Value> = Vec::new();
        for (i, word) in "my card number is four two four two four two four two four two four two four two four two".split(' ').enumerate() {
            let start = 2600 + 310 * i as u64;
            // Each word reaches into the next.
            list.push(json!({"text": word, "start_ms": start, "end_ms": start + 450}));
        }
        list.reverse();
        let (case, file) = with_transcript(&json!({"engine": "test", "channels": [{"words": list}, {"words": []}]}));
        let said = case.home.run(["redact", "--transcript", file.to_str().unwrap(), case.file.to_str().unwrap()]).ok();
        assert!(said.err.contains("proof none"), "{}", said.err);
        // From the first digit to the last, as the transcript has them.
        case.silent((made.card.0, 2600 + 310 * 4, 2600 + 310 * 19 + 450), Some((8000, 96_000, 2)));
    }

    #[test]
    fn crowded_word_times() {
        let list: Vec<(&str, Value, Value)> = (0..40).map(|i| ("four", json!(3000 + i), json!(3010 + i))).collect();
        refused_transcript(&words(&list), "nobody says");
    }

    #[test]
    fn out_of_range_spans() {
        refused_transcript(&words(&[("four two", json!(-500), json!(700))]), "before the start");
        refused_transcript(&words(&[("four two", json!(9000), json!(300))]), "ends before it starts");
        refused_transcript(&words(&[("four two", json!(1e300), json!(1e301))]), "beyond any recording");
        let channel_five = json!({"engine": "t", "turns": [{"channel": 5, "start_ms": 1, "end_ms": 900, "text": "four two"}]});
        refused_transcript(&channel_five, "belongs to another one");
        refused_transcript(&json!({"engine": "t", "channels": [{"words": []}]}), "no words");
        refused_transcript(&json!({"engine": "t", "channels": "four two"}), "transcript");
    }

    /// Real speech of another language; only with the real model.
    #[test]
    fn spanish() {
        let Some(models) = super::machine::installed_models() else {
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
}

#[cfg(test)]
mod machine {
    use crate::support::{
        audio::{self, Wav},
        calls::{self, Scene},
        home::{Home, files},
    };
    use callvault_detect::{Detector, Profile};
    use callvault_flow::{QuarantineCode, source, tools::Tools, walk::{self, Outcome}};
    use callvault_ledger::Options;
    use callvault_model::{Clock, Id, SystemClock, TimeQuality, clock::FixedClock};
    use callvault_seal::OsEntropy;
    use callvault_speech::{
        decode::Limits,
        external::{External, Recipe},
    };
    use callvault_store::{NewVault, Vault, ledger, settings::Measured};
    use std::{
        fs,
        path::PathBuf,
        process::Command,
        sync::{Arc, atomic::AtomicBool},
        time::Duration,
    };

    /// The models of the user who runs the tests, if both are there.
    pub fn installed_models() -> Option<PathBuf> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = var("CALLVAULT_MODELS")
            .or_else(|| var("XDG_DATA_HOME").map(|d| d.join("callvault/models")))
            .or_else(|| var("HOME").map(|d| d.join(".local/share/callvault/models")))?;
        root.join("moonshine-base-en/encoder_model.onnx").is_file().then_some(root)
    }

    fn am_root() -> bool {
        Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"))
    }

    fn works(program: &str, args: &[&str]) -> bool {
        Command::new(program).args(args).output().is_ok_and(|o| o.status.success())
    }

    #[test]
    fn an_unreadable_file() {
        let mut home = Home::with_vault();
        let file = home.path("work/locked.wav");
        fs::copy(calls::wav(calls::CARD), &file).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        if am_root() {
            // Permission bits do not bind root: the same as nobody, with a copy of the binary that nobody can reach.
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
            if !works("setpriv", &[&nobody[..], &["true"]].concat()) {
                eprintln!("skipped: root here, and no setpriv to become somebody else");
                return;
            }
            let binary = home.path("callvault");
            fs::copy(env!("CARGO_BIN_EXE_callvault"), &binary).unwrap();
            assert!(works("chown", &["-R", "65534:65534", home.path("").to_str().unwrap()]));
            assert!(works("chown", &["0:0", file.to_str().unwrap()]));
            home.through(&[&["setpriv"], &nobody[..]].concat(), binary);
        }
        home.engine(Some(&calls::transcript(calls::CARD)));
        for verb in ["redact", "ingest"] {
            let said = home.run([verb, file.to_str().unwrap()]).expect(3);
            assert!(said.err.contains("locked.wav") && said.err.contains("ermission denied"), "{}", said.err);
        }
        assert!(home.rows().is_empty() && !home.path("work/locked.redacted.wav").exists());
        assert_eq!(files(&home.data().join("blobs")).len(), 0, "half a sealed file stays behind");
    }

    #[test]
    fn a_file_that_is_not_there() {
        let home = Home::with_vault();
        for verb in ["redact", "ingest"] {
            let said = home.run([verb, "gone.wav"]).expect(3);
            assert!(said.err.contains("gone.wav"), "{}", said.err);
        }
    }

    /// A small file system of its own, unmounted at the end.
    struct Small(PathBuf);

    impl Small {
        fn mount(at: PathBuf, size: &str) -> Option<Self> {
            fs::create_dir_all(&at).unwrap();
            let option = format!("size={size}");
            works("mount", &["-t", "tmpfs", "-o", &option, "tmpfs", at.to_str().unwrap()]).then_some(Self(at))
        }
    }

    impl Drop for Small {
        fn drop(&mut self) {
            works("umount", &[self.0.to_str().unwrap()]);
        }
    }

    #[test]
    fn a_full_disk() {
        let mut home = Home::new();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], false);
        home.engine(Some(&scene.script));
        let Some(small) = Small::mount(home.path("small"), "6m") else {
            eprintln!("skipped: no right to mount a small file system here; see a_file_size_limit");
            return;
        };
        home.set_data(small.0.join("data"));
        home.run(["init"]).ok();
        let filler = small.0.join("filler");
        let mut failed_at = std::collections::BTreeSet::new();
        // Less and less room: it fails in sealing, in muting, in the database.
        for left_kb in [1300u64, 1100, 900, 700, 500, 400, 200, 60] {
            // The vault is opened in full room and closed again, then the room is taken.
            let free = free_kb(&small.0);
            fs::write(&filler, vec![1u8; (free.saturating_sub(left_kb) * 1024) as usize]).unwrap();
            let said = home.run(["ingest", &scene.folders()[0]]);
            if said.code != Some(0) {
                assert_eq!(said.code, Some(3), "{said:?}");
                assert!(said.err.contains(calls::CARD), "the file is not named: {}", said.err);
                assert!(said.err.contains("space") || said.err.contains("full"), "the cause is not named: {}", said.err);
                failed_at.insert(left_kb);
            }
            fs::remove_file(&filler).unwrap();
            home.run(["verify"]).ok();
            assert!(home.rows().iter().all(|r| r["state"] == "received" || r["state"] == "recorded"), "{:?}", home.rows());
        }
        assert!(failed_at.len() >= 4, "there was room enough: {failed_at:?}");
        // With room again the rest is done, and nothing was lost or done twice.
        home.run(["resume"]).ok();
        home.run(["ingest", &scene.folders()[0]]).ok();
        let rows = home.rows();
        assert_eq!((rows.len(), rows[0]["state"].as_str()), (1, Some("recorded")));
        home.run(["verify"]).ok();
        assert_eq!(files(&home.data().join("blobs")).len(), 2);
        eprintln!("failed with {failed_at:?} kB left");
    }

    fn free_kb(at: &std::path::Path) -> u64 {
        let out = Command::new("df").args(["-k", "--output=avail", at.to_str().unwrap()]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().lines().last().unwrap().trim().parse().unwrap()
    }

    #[test]
    fn a_file_size_limit() {
        // What a full disk does where nothing may be mounted: writes fail half-way.
        let mut home = Home::with_vault();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], false);
        home.engine(Some(&scene.script));
        let script = home.path("limited");
        let mut failed = 0;
        for blocks in [16, 100, 300, 420, 600] {
            fs::write(&script, format!("#!/bin/bash\ntrap '' XFSZ\nulimit -f {blocks}\nexec \"$@\"\n")).unwrap();
            home.through(&["bash", script.to_str().unwrap()], env!("CARGO_BIN_EXE_callvault").into());
            let said = home.run(["redact", "--out", home.path("out").to_str().unwrap(), calls::wav(calls::CARD).to_str().unwrap()]);
            if said.code != Some(0) {
                assert_eq!(said.code, Some(3), "{said:?}");
                assert!(said.err.contains(calls::CARD), "the file is not named: {}", said.err);
                let left = files(&home.path("out"));
                assert!(left.iter().all(|f| f.extension().is_none_or(|e| e != "wav")), "half a recording was left: {left:?}");
            }
            let said = home.run(["ingest", &scene.folders()[0]]);
            if said.code != Some(0) {
                failed += 1;
                assert_eq!(said.code, Some(3), "{said:?}");
                assert!(said.err.contains(calls::CARD) || said.err.contains("vault's database"), "{}", said.err);
            }
        }
        assert!(failed > 0, "no limit was ever reached");
        home.through(&[], env!("CARGO_BIN_EXE_callvault").into());
        home.run(["resume"]).ok();
        home.run(["ingest", &scene.folders()[0]]).ok();
        assert_eq!(home.rows().iter().map(|r| r["state"].as_str().unwrap()).collect::<Vec<_>>(), ["recorded"]);
        home.run(["verify"]).ok();
    }

    #[test]
    fn the_clock_set_back() {
        let home = Home::new();
        let key = home.path("config/clock.key");
        let at = |text: &str| -> Arc<dyn Clock> { Arc::new(FixedClock(text.parse().unwrap())) };
        let id = Id::new(&SystemClock, &OsEntropy).unwrap();
        let new = NewVault { dir: home.data(), key_file: &key, passphrase: None, shares: (2, 3) };
        drop(Vault::init(&new, id, at("2026-06-01T12:00:00Z"), "test").unwrap());
        let open = |clock| Vault::open(home.data(), &key, None, clock, "test").unwrap();
        open(at("2026-06-01T12:00:05Z")).enable_disposal(Measured::new(100, 100), 7).unwrap();
        let before = ledger::verify_data(home.data(), &Options::default()).unwrap().unwrap();
        assert_eq!(before.clock_went_back, None);
        open(at("2026-05-01T12:00:00Z")).disable_disposal().unwrap();

        let after = ledger::verify_data(home.data(), &Options::default()).unwrap().unwrap();
        assert!(after.clock_went_back.is_some_and(|(times, _)| times >= 1), "{after:?}");
        let said = home.run(["verify"]).ok();
        assert!(said.out.contains("warning: the clock went back"), "{}", said.out);
        let export = home.path("export");
        open(at("2026-06-02T00:00:00Z")).export_ledger(&export).unwrap();
        let entries = fs::read_to_string(export.join("entries.jsonl")).unwrap();
        let stepped = entries.lines().find(|l| l.contains("clock.stepped")).expect("no entry says that the clock was set back");
        let month_ms = 31 * 24 * 3_600_000u64 + 5_000;
        assert!(stepped.contains(&month_ms.to_string()), "{stepped}");
    }

    /// Sizes of the pinned files, so that the store takes them for installed until it reads them.
    const SIZES: [(&str, &str, u64); 4] = [
        ("moonshine-base-en", "encoder_model.onnx", 20_513_063),
        ("moonshine-base-en", "decoder_model_merged.onnx", 42_498_870),
        ("moonshine-tiny-en", "encoder_model.onnx", 7_937_661),
        ("moonshine-tiny-en", "decoder_model_merged.onnx", 20_243_286),
    ];

    #[test]
    fn a_corrupted_model() {
        let mut home = Home::with_vault();
        let models = home.path("models");
        for (model, name, bytes) in SIZES {
            fs::create_dir_all(models.join(model)).unwrap();
            fs::File::create(models.join(model).join(name)).unwrap().set_len(bytes).unwrap();
        }
        home.set("CALLVAULT_MODELS", &models);
        let listed = home.run(["models", "list", "--json"]).ok().json();
        assert!(listed.as_array().unwrap().iter().all(|m| m["installed"] == true), "{listed}");
        let call = home.path("work/a.wav");
        fs::copy(calls::wav(calls::CARD), &call).unwrap();
        for args in [&["models", "verify"][..], &["ingest", call.to_str().unwrap()], &["redact", call.to_str().unwrap()]] {
            let said = home.run(args).expect(3);
            for part in ["encoder_model.onnx", "SHA-256", "callvault models pull"] {
                assert!(said.err.contains(part), "{part} is missing: {}", said.err);
            }
        }
        assert!(home.rows().is_empty() && !home.path("work/a.redacted.wav").exists());

        // Half a model is damaged, not absent: nobody works with it.
        fs::remove_file(models.join("moonshine-base-en/encoder_model.onnx")).unwrap();
        fs::remove_dir_all(models.join("moonshine-tiny-en")).unwrap();
        let said = home.run(["redact", call.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("encoder_model.onnx") && said.err.contains("models pull"), "{}", said.err);
    }

    #[test]
    fn a_missing_model() {
        let home = Home::with_vault();
        let call = home.path("work/a.wav");
        fs::copy(calls::wav(calls::CARD), &call).unwrap();
        let said = home.run(["redact", call.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("a.wav") && said.err.contains("callvault models pull"), "{}", said.err);
        assert!(!home.path("work/a.redacted.wav").exists());
        home.run(["ingest", call.to_str().unwrap()]).expect(1);
        assert_eq!(home.rows()[0]["state"], "awaiting-transcript");
        home.run(["models", "verify"]).expect(3);
        home.run(["models", "list"]).expect(1);
    }

    /// Takes a call in with a stranger's engine; gives what became of it and how long it took.
    fn with_external(script: &str, timeout: Duration) -> (Home, Outcome) {
        let home = Home::new();
        let key = home.path("config/x.key");
        let new = NewVault { dir: home.data(), key_file: &key, passphrase: None, shares: (2, 3) };
        let id = Id::new(&SystemClock, &OsEntropy).unwrap();
        let vault = Vault::init(&new, id, Arc::new(SystemClock), "test").unwrap().vault;
        let call = home.path("work/call.wav");
        fs::copy(calls::wav(calls::CARD), &call).unwrap();
        let engine = External::new(Recipe {
            name: "theirs".into(),
            command: ["sh", "-c", script].map(String::from).to_vec(),
            time_quality: TimeQuality::Aligned,
            timeout,
        })
        .unwrap();
        let detector = Detector::new(Profile::Default).unwrap();
        let cancel = AtomicBool::new(false);
        let tools = Tools { detector: &detector, first: Some(&engine), again: Some(&engine), cancel: &cancel };
        let source = source::find(&call).unwrap().remove(0);
        let outcome = walk::ingest(&vault, &tools, &source, &Limits::default()).unwrap();
        drop(vault);
        (home, outcome)
    }

    #[test]
    fn an_external_engine_that_hangs_or_prints_rubbish() {
        let started = std::time::Instant::now();
        for script in ["sleep 100", "cat >/dev/null; echo '{\"half\": '", "echo 5425233430109903", "yes", "exit 7", "kill -9 $$"] {
            let (home, outcome) = with_external(script, Duration::from_millis(700));
            let Outcome::Quarantined(id, why) = outcome else { panic!("{script}: {outcome:?}") };
            assert_eq!(why.code, QuarantineCode::EngineFailed, "{script}");
            assert!(why.reason.contains("theirs") && !why.reason.contains("5425"), "{script}: {}", why.reason);
            assert_eq!(files(&home.data().join("blobs")).len(), 1, "only the sealed original is there");
            let _ = id;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "a hanging engine was waited for");
    }

    #[test]
    fn an_external_engine_that_invents_words_where_nobody_speaks() {
        // Words in the right form, at times where the recording is silent: the voice without words is what counts.
        let words = r#"{"engine":"x","channels":[{"words":[{"text":"hello","start_ms":10,"end_ms":90}]}]}"#;
        let (home, outcome) = with_external(&format!("cat >/dev/null; echo '{words}'"), Duration::from_secs(20));
        assert!(matches!(outcome, Outcome::Quarantined(..)), "{outcome:?}");
        assert_eq!(files(&home.data().join("blobs")).len(), 1);
    }

    #[test]
    fn nothing_of_the_recording_is_left_in_the_temporary_folder() {
        let mut home = Home::new();
        let made = calls::made(8000, 2, [0, 1], 0.3);
        let (file, words) = (home.path("work/a.wav"), home.path("script.json"));
        fs::write(&file, audio::pcm16(8000, &made.channels)).unwrap();
        fs::write(&words, made.script.to_string()).unwrap();
        home.engine(Some(&words));
        home.run(["redact", file.to_str().unwrap()]).ok();
        assert!(files(&home.path("tmp")).is_empty(), "{:?}", files(&home.path("tmp")));
        assert_eq!(Wav::read(&fs::read(home.path("work/a.redacted.wav")).unwrap()).silence(0, 3800, 9000), 1.0);
    }
}
