//! What the operator of a vault does by hand: another recogniser, a lost key file, a measurement that releases disposal.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
#[path = "operator/hsm.rs"]
mod hsm;

#[cfg(test)]
#[path = "operator/services.rs"]
mod services;

#[cfg(test)]
#[path = "operator/shares.rs"]
mod shares;

#[cfg(test)]
#[path = "operator/database.rs"]
mod database;

#[cfg(test)]
#[path = "operator/files.rs"]
mod files;

#[cfg(test)]
mod tests {
    use crate::support::{
        audio::{self, Wav},
        calls::{self, Scene},
        home::{Home, Ran, files, remove},
    };
    use serde_json::{Value, json};
    use std::{
        fs,
        os::unix::fs::PermissionsExt,
        path::{Path, PathBuf},
        time::{Duration, Instant},
    };

    fn private(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A call, the words of it per channel as files, and the scripted engine as the model that is installed.
    struct Theirs {
        home: Home,
        call: PathBuf,
        card: (usize, u64, u64),
    }

    impl Theirs {
        fn new() -> Self {
            let mut home = Home::with_vault();
            let made = calls::made(8000, 2, [0, 1], 0.3);
            let call = home.path("work/call.wav");
            fs::write(&call, audio::pcm16(8000, &made.channels)).unwrap();
            let script = home.path("work/script.json");
            fs::write(&script, made.script.to_string()).unwrap();
            home.engine(Some(&script));
            for (channel, lines) in made.script["channels"].as_array().unwrap().iter().enumerate() {
                let words: Vec<Value> = lines.as_array().unwrap().iter().flat_map(spread).collect();
                let said = json!({"engine": "theirs", "channels": [{"words": words}]});
                fs::write(home.path(format!("work/words-{channel}.json")), said.to_string()).unwrap();
            }
            Self { home, call, card: made.card }
        }

        /// Settings whose command runs `script` with channel and pass as its arguments.
        fn settings(&self, script: &str, more: &str) -> PathBuf {
            let file = self.home.path("work/engine.toml");
            let text = format!(
                "name = \"whisper-test\"\ncommand = [\"/bin/sh\", \"-c\", '''{script}''', \"engine\", \"{{channel}}\", \"{{pass}}\"]\n{more}\n"
            );
            private(&file, &text, 0o600);
            file
        }

        fn answers(&self) -> String {
            format!("cat >/dev/null; cat {}/words-$1.json", self.home.path("work").display())
        }

        fn redact(&self, settings: &Path) -> Ran {
            let (call, settings) = (self.call.to_str().unwrap(), settings.to_str().unwrap());
            self.home.run(["redact", "--json", "--engine", settings, call])
        }
    }

    /// The words of a line, evenly over its time.
    fn spread(line: &Value) -> Vec<Value> {
        let (start, end) = (line["start_ms"].as_u64().unwrap(), line["end_ms"].as_u64().unwrap());
        let words: Vec<&str> = line["text"].as_str().unwrap().split(' ').collect();
        let each = (end - start) / words.len() as u64;
        let at = |i: usize| start + each * i as u64;
        words
            .iter()
            .enumerate()
            .map(|(i, w)| json!({"text": w, "start_ms": at(i), "end_ms": at(i) + each, "confidence": 0.9}))
            .collect()
    }

    #[test]
    fn another_recogniser_hears_first_and_the_installed_one_proves_it() {
        let t = Theirs::new();
        let settings = t.settings(&t.answers(), "word_times = \"aligned\"");
        let said = t.redact(&settings).ok();
        assert_eq!(said.json()["proof"], "independent");
        let wav = Wav::read(&fs::read(t.home.path("work/call.redacted.wav")).unwrap());
        let (channel, start, end) = t.card;
        assert_eq!(wav.silence(channel, start, end), 1.0);
        let found: Value =
            serde_json::from_slice(&fs::read(t.home.path("work/call.findings.json")).unwrap()).unwrap();
        assert_eq!(found["proof_facts"]["heard_by"], "external:whisper-test");
        assert_eq!(found["proof_facts"]["not_heard_again_by"], "scripted");
        // The same through the vault, chosen by the environment.
        let mut home = t.home;
        home.set("CALLVAULT_ENGINE", &settings);
        home.run(["ingest", t.call.to_str().unwrap()]).ok();
        assert_eq!(home.rows()[0]["state"], "recorded");
        assert_eq!(home.rows()[0]["proof"], "independent");
    }

    #[test]
    fn one_engine_for_both_hearings_claims_no_more_than_that() {
        let t = Theirs::new();
        // The second time it hears what was left.
        let rest = json!({"engine": "theirs", "channels": [{"words": spread(
            &json!({"start_ms": 2600, "end_ms": 3300, "text": "my card"}))}]});
        fs::write(t.home.path("work/rest.json"), rest.to_string()).unwrap();
        let work = t.home.path("work");
        let script = format!(
            "cat >/dev/null; if [ $2 = again ] && [ $1 = 0 ]; then cat {0}/rest.json; else cat {0}/words-$1.json; fi",
            work.display()
        );
        let said = t.redact(&t.settings(&script, "hears = \"both\"\nword_times = \"aligned\"")).ok();
        assert_eq!(said.json()["proof"], "same-engine");
        let wav = Wav::read(&fs::read(t.home.path("work/call.redacted.wav")).unwrap());
        assert_eq!(wav.silence(t.card.0, t.card.1, t.card.2), 1.0);
        // What it says it hears elsewhere the second time is muted, too.
        let elsewhere = json!({"engine": "theirs", "channels": [{"words": spread(
            &json!({"start_ms": 9500, "end_ms": 11500, "text": "card four two four two four two four two"}))}]});
        fs::write(t.home.path("work/rest.json"), elsewhere.to_string()).unwrap();
        let script = script.replace("$1 = 0", "$1 = 1");
        t.redact(&t.settings(&script, "hears = \"both\"\nword_times = \"aligned\"")).ok();
        let wav = Wav::read(&fs::read(t.home.path("work/call.redacted.wav")).unwrap());
        assert_eq!(wav.silence(1, 9800, 11_400), 1.0);
    }

    #[test]
    fn a_recogniser_that_hangs_or_prints_rubbish_gets_nothing_through() {
        let t = Theirs::new();
        let started = Instant::now();
        for script in ["sleep 100", "echo 4242424242424242", "cat >/dev/null; exit 3", "yes"] {
            let said = t.redact(&t.settings(script, "timeout_s = 1"));
            assert!(matches!(said.code, Some(1 | 3)), "{script}: {said:?}");
            assert!(said.err.contains("whisper-test") && !said.err.contains("4242"), "{}", said.err);
            assert!(!t.home.path("work/call.redacted.wav").exists(), "{script}");
        }
        assert!(started.elapsed() < Duration::from_secs(120));
        let settings = t.settings("exit 3", "");
        t.home.run(["ingest", "--engine", settings.to_str().unwrap(), t.call.to_str().unwrap()]).expect(1);
        assert_eq!(t.home.rows()[0]["state"], "quarantined");
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_before_anything_is_heard() {
        let t = Theirs::new();
        let file = t.home.path("work/engine.toml");
        let head = "name = \"x\"\ncommand = [\"/bin/sh\"]\n";
        let cases: [(&str, u32, &str); 9] = [
            ("name = \"x\"\ncommand = []", 0o600, "is empty"),
            ("name = \"x\"\ncommand = [\"sh\"]", 0o600, "whole path"),
            ("name = \"x\"\ncommand = [\"/nowhere/at/all\"]", 0o600, "/nowhere/at/all"),
            ("name = \"a b\"\ncommand = [\"/bin/sh\"]", 0o600, "`name`"),
            (&format!("{head}timeout_s = 0"), 0o600, "timeout_s"),
            (&format!("{head}word_times = \"none\""), 0o600, "word_times"),
            (&format!("{head}hears = \"never\""), 0o600, "engine.md"),
            (&format!("{head}shell = true"), 0o600, "engine.md"),
            (head, 0o666, "written by others"),
        ];
        for (text, mode, says) in cases {
            private(&file, text, mode);
            let said = t.redact(&file).expect(3);
            assert!(said.err.contains("engine.toml") && said.err.contains(says), "{text}: {}", said.err);
        }
        let mut home = t.home;
        home.engine(None);
        private(&file, &format!("{head}hears = \"again\""), 0o600);
        let said =
            home.run(["redact", "--engine", file.to_str().unwrap(), t.call.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("models pull"), "{}", said.err);
    }

    #[test]
    fn a_lost_key_file_comes_back_from_two_shares_and_from_nothing_less() {
        let home = Home::new();
        let made = home.run(["init", "--json"]).ok().json();
        let shares: Vec<String> = made["recovery_shares"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap().to_owned())
            .collect();
        let key = home.key_file();
        let before = fs::read_to_string(&key).unwrap();
        remove(&key);
        assert_eq!(home.run(["show"]).code, Some(3));

        let secret = before.lines().find_map(|l| l.strip_prefix("root ")).unwrap().to_owned();
        let quiet = |said: &Ran| {
            assert!(!said.all().contains(&secret), "the key was printed");
            assert!(shares.iter().all(|s| !said.all().contains(s.as_str())), "a share was printed");
        };
        let other = Home::new();
        let foreign =
            other.run(["init", "--json"]).ok().json()["recovery_shares"][1].as_str().unwrap().to_owned();
        for typed in
            [String::new(), shares[0].clone(), format!("{}\n{foreign}", shares[0]), "abcd\nefgh".into()]
        {
            let said = home.feed(["keys", "recover"], typed.as_bytes()).expect(3);
            assert!(said.err.contains("share"), "{}", said.err);
            quiet(&said);
            assert!(!key.exists());
        }

        let said =
            home.feed(["keys", "recover"], format!("{}\n\n{}\n", shares[2], shares[0]).as_bytes()).ok();
        quiet(&said);
        assert_eq!(fs::read_to_string(&key).unwrap(), before);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        home.run(["show"]).ok();
        home.run(["verify"]).ok();
        // What is there is not overwritten, and a copy elsewhere lacks the epoch keys and says so.
        let list = home.path("work/shares.txt");
        private(&list, &shares.join("\n"), 0o600);
        let again = home.run(["keys", "recover", "--shares", list.to_str().unwrap()]).expect(3);
        quiet(&again);
        let copy = home.path("config/copy.key");
        let args = [
            "keys",
            "recover",
            "--json",
            "--shares",
            list.to_str().unwrap(),
            "--out",
            copy.to_str().unwrap(),
        ];
        let said = home.run(args).expect(1);
        quiet(&said);
        assert_eq!(said.json()["epochs_missing"], 1);
        private(&list, &shares.join("\n"), 0o644);
        assert!(
            home.run(["keys", "recover", "--shares", list.to_str().unwrap()])
                .expect(3)
                .err
                .contains("shares.txt")
        );
        assert!(files(&home.path("tmp")).is_empty());
    }

    #[test]
    fn a_measurement_that_was_edited_or_made_elsewhere_releases_nothing() {
        let mut home = Home::with_vault();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], true);
        home.engine(Some(&scene.script));
        let truth = scene.truth_file.to_str().unwrap().to_owned();
        let report = home.run(["measure", "--json", &truth]).json();
        let file = home.path("work/report.json");
        let enable = |home: &Home, text: &str| {
            fs::write(&file, text).unwrap();
            home.run(["disposal", "enable", "--measured", file.to_str().unwrap()])
        };
        let mut edited = report.clone();
        edited["planted_released"] = json!(400);
        let mut unsigned = report.clone();
        unsigned.as_object_mut().unwrap().remove("signed");
        for bad in [&edited, &unsigned] {
            let said = enable(&home, &bad.to_string()).expect(3);
            assert!(said.err.contains("report.json") && said.err.contains("measure --json"), "{}", said.err);
        }
        // A report of another vault, and one that was made where there is none.
        let mut other = Home::with_vault();
        other.engine(Some(&scene.script));
        let foreign = other.run(["measure", "--json", &truth]).out;
        enable(&home, &foreign).expect(3);
        let mut nowhere = Home::new();
        nowhere.engine(Some(&scene.script));
        let plain = nowhere.run(["measure", "--json", &truth]);
        assert!(plain.err.contains("not signed"), "{}", plain.err);
        enable(&home, &plain.out).expect(3);
        assert_eq!(home.run(["disposal", "status", "--json"]).ok().json()["mode"], "observe");
        enable(&home, &report.to_string()).ok();
        assert_eq!(home.run(["disposal", "status", "--json"]).ok().json()["mode"], "dispose");
    }
}
