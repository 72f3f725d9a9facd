//! No planted value leaves by a side door: not in output, logs, errors, the data directory, the XDG homes or the temporary
//! folder. Every command runs at `CALLVAULT_LOG=trace`; values are planted in content, file names and caller ids.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        calls::{self, Scene},
        forms::Needles,
        home::{Home, Ran},
    };
    use serde_json::{Value, json};
    use std::{fs, path::PathBuf};

    /// Values that the person at the terminal typed himself as a path are echoed to him, and only there.
    fn without_paths(text: &str, scene: &Scene) -> String {
        let mut out = text.to_owned();
        let mut names: Vec<String> = scene.sources().iter().map(|s| s.display().to_string()).collect();
        names.extend(scene.sources().iter().map(|s| s.file_name().unwrap().to_string_lossy().into_owned()));
        names.extend(scene.sources().iter().map(|s| s.file_stem().unwrap().to_string_lossy().into_owned()));
        for name in names {
            out = out.replace(&name, "FILE");
        }
        out
    }

    fn planted(scene: &Scene) -> Needles {
        let mut needles = Needles::default();
        scene.conversations().iter().for_each(|c| needles.planted(c));
        needles
    }

    struct Watched {
        home: Home,
        scene: Scene,
        outputs: Vec<(String, Ran)>,
    }

    impl Watched {
        fn run(&mut self, args: &[&str]) -> Ran {
            let ran = self.home.run(args);
            assert!(ran.code.is_some(), "{args:?} died: {}", ran.err);
            assert!(!ran.err.contains("panicked"), "{}", ran.err);
            self.outputs.push((args.join(" "), ran.clone()));
            ran
        }

        fn each_show(&mut self) {
            for row in self.home.rows() {
                let id = row["id"].as_str().unwrap().to_owned();
                self.run(&["show", &id]);
                self.run(&["show", "--json", &id]);
            }
        }
    }

    fn all_commands() -> Watched {
        let mut home = Home::new();
        home.set("CALLVAULT_LOG", "trace");
        let scene =
            Scene::build(&home.path("work"), &[calls::CARD, calls::SSN, calls::KEYED, calls::SPANISH], true);
        home.engine(Some(&scene.script));
        let mut w = Watched { home, scene, outputs: Vec::new() };
        let text = |p: PathBuf| p.display().to_string();
        let folders = w.scene.folders();
        let (truth, measured) = (text(w.scene.truth_file.clone()), text(w.home.path("measured.json")));
        w.run(&["init"]);
        w.run(&["show"]);
        let said = w.run(&["measure", "--json", &truth]);
        fs::write(&measured, &said.out).unwrap();
        w.run(&["measure", &truth]);
        let paths: Vec<&str> = folders.iter().map(String::as_str).collect();
        w.run(&[&["ingest"], &paths[..]].concat());
        w.run(&[&["ingest", "--json"], &paths[..]].concat());
        w.run(&["resume"]);
        w.run(&["show", "--json"]);
        w.each_show();
        w.run(&["subjects"]);
        w.run(&["subjects", "--json"]);
        w.run(&["disposal", "enable", "--measured", &measured, "--cooling-days", "0"]);
        let rows = w.home.rows();
        for row in rows.iter().filter(|r| r["state"] == "recorded") {
            let reason = "Dana Wilson asked, card 5425 2334 3010 9903, ssn 078-05-1120";
            w.run(&["dispose", "conversation", row["id"].as_str().unwrap(), "--reason", reason]);
        }
        w.run(&["certificate", "list", "--json"]);
        let certificates = text(w.home.path("share/certificates"));
        w.run(&["certificate", "export", &certificates]);
        let export = text(w.home.path("share/export"));
        w.run(&["verify", "--export", &export]);
        w.run(&["scan", &folders[0]]);
        let report = text(w.home.path("share/report.html"));
        w.run(&["scan", "--fresh", "--json", "--report", &report, &folders[0]]);
        let (out, sources) = (text(w.home.path("redacted")), w.scene.sources());
        for source in sources {
            w.run(&["redact", "--out", &out, source.to_str().unwrap()]);
        }
        w
    }

    #[test]
    fn nothing_planted_comes_out_of_any_command_or_stays_anywhere() {
        let w = all_commands();
        let needles = planted(&w.scene);
        let search = needles.search();
        let mut found = Vec::new();
        for (command, ran) in &w.outputs {
            let verb = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
            for what in search.find(without_paths(&ran.all(), &w.scene).as_bytes()) {
                found.push(format!("{what} in the output of {verb}"));
            }
        }
        let mut searched = 0;
        for place in ["home", "config", "share", "cache", "state", "tmp", "data"] {
            let (here, bytes) = search.find_below(&w.home.path(place));
            found.extend(here.into_iter().map(|f| format!("{place}: {f}")));
            searched += bytes;
        }
        let commands = w.outputs.len();
        assert!(commands > 40 && searched > 500_000, "{commands} commands, {searched} bytes");
        assert!(
            w.outputs.iter().any(|(_, r)| r.err.contains("TRACE") || r.err.contains("DEBUG")),
            "nothing was logged at trace"
        );
        assert!(found.is_empty(), "{}", found.join("\n"));
        // The redacted copies carry the file's name, as asked; their content is clean.
        let (copies, bytes) = search.find_below(&w.home.path("redacted"));
        let inside: Vec<_> = copies.into_iter().filter(|f| !in_name(f)).collect();
        assert!(bytes > 500_000 && inside.is_empty(), "{}", inside.join("\n"));
        eprintln!("{commands} commands and {searched} bytes searched for {} forms", needles.len());
    }

    #[test]
    fn the_demo_leaves_nothing_either() {
        let mut home = Home::new();
        home.set("CALLVAULT_LOG", "trace");
        let truth = calls::truth();
        let mut needles = Needles::default();
        truth["conversations"].as_array().unwrap().iter().for_each(|c| needles.planted(c));
        let report = home.path("share/report");
        let said = home.run(["demo", "--offline", "--json", "--report", report.to_str().unwrap()]);
        let json = said.json();
        assert_eq!(
            (&json["shredded"], &json["certificates"]),
            (&json!(0), &json!(0)),
            "nothing is proven, so nothing is shredded: {json}"
        );
        let search = needles.search();
        // Which file of the bundle still held something is told by its path; nothing else of it is.
        let named = |text: String, c: &Value| text.replace(c["file"].as_str().unwrap(), "FILE");
        let told = truth["conversations"].as_array().unwrap().iter().fold(said.all(), named);
        assert_eq!(search.find(told.as_bytes()), [].into());
        for place in ["data", "config", "share", "cache", "state", "tmp", "home", "work"] {
            let (found, _) = search.find_below(&home.path(place));
            assert!(found.is_empty(), "{place}: {}", found.join("\n"));
        }
        assert!(
            crate::support::home::files(&home.path("tmp")).is_empty(),
            "the bundled conversations stay in the temporary folder"
        );
    }

    /// `WHAT in NAME`: whether the name itself holds it.
    fn in_name(found: &str) -> bool {
        let (what, name) = found.split_once(" in ").unwrap();
        name.to_lowercase().contains(&what.to_lowercase())
    }

    /// Broken input with a card number in it, for every reader there is.
    fn broken_inputs() -> Vec<(&'static str, Vec<u8>)> {
        let card = "4242 4242 4242 4242";
        let chat = |turns: &str| {
            format!("{{\"channel\":\"chat\",\"parties\":[{{\"role\":\"customer\"}}],\"turns\":{turns}}}")
                .into_bytes()
        };
        vec![
            ("a.json", chat(&format!("[{{\"party\":0,\"text\":\"my card {card}\",\"{card}\":1}}]"))),
            ("b.json", chat(&format!("[{{\"party\":\"{card}\",\"text\":\"x\"}}]"))),
            ("c.json", chat(&format!("[{{\"party\":7,\"text\":\"{card}\"}}]"))),
            ("d.chat", format!("my card is {card}").into_bytes()),
            ("e.eml", format!("{card}\r\n\r\n{card}").into_bytes()),
            ("f.wav", format!("RIFFxxxxWAVE{card}").into_bytes()),
            ("g.mp3", format!("ID3 {card} {card}").into_bytes()),
            ("h.flac", format!("fLaC{card}{card}{card}").into_bytes()),
            ("i.ogg", format!("OggS{card}{card}{card}").into_bytes()),
        ]
    }

    #[test]
    fn errors_do_not_quote_what_they_read() {
        let mut home = Home::with_vault();
        home.set("CALLVAULT_LOG", "trace");
        let leaks = |said: &Ran| said.all().replace(' ', "").contains("42424242");
        for (name, bytes) in broken_inputs() {
            let file = home.path("work").join(name);
            fs::write(&file, bytes).unwrap();
            for verb in ["redact", "ingest"] {
                let said = home.run([verb, file.to_str().unwrap()]);
                assert!(matches!(said.code, Some(1 | 3)), "{verb} {name}: {said:?}");
                assert!(!leaks(&said), "{verb} {name} quotes its input: {}", said.all());
            }
            assert!(home.rows().iter().all(|r| !r.to_string().replace(' ', "").contains("42424242")));
        }
        let call = home.path("work/call.wav");
        fs::copy(calls::wav(calls::CARD), &call).unwrap();
        for (name, text) in [
            (
                "t.json",
                r#"{"engine":"x","channels":[{"words":[{"text":"4242424242424242","start_ms":"4242424242424242","end_ms":9}]}]}"#,
            ),
            ("u.json", r#"{"4242424242424242": 1}"#),
            ("v.vtt", "WEBVTT\n\n4242424242424242 --> 00:01\n4242424242424242\n"),
            ("w.txt", "4242424242424242"),
        ] {
            let file = home.path("work").join(name);
            fs::write(&file, text).unwrap();
            for verb in ["redact", "ingest"] {
                let said = home.run([verb, "--transcript", file.to_str().unwrap(), call.to_str().unwrap()]);
                assert!(
                    matches!(said.code, Some(1 | 3)) || said.out.contains("known"),
                    "{verb} {name}: {said:?}"
                );
                assert!(!leaks(&said), "{verb} {name} quotes its input: {}", said.all());
            }
        }
        for args in [&["measure"][..], &["disposal", "enable", "--measured"], &["certificate", "verify"]] {
            let file = home.path("work/a.json");
            let said = home.run(args.iter().copied().chain([file.to_str().unwrap()]));
            assert!(matches!(said.code, Some(1 | 3)) && !leaks(&said), "{args:?}: {said:?}");
        }
    }

    #[test]
    fn a_sidecar_that_is_broken_is_not_quoted() {
        let mut home = Home::with_vault();
        home.set("CALLVAULT_LOG", "trace");
        let call = home.path("work/call.wav");
        fs::copy(calls::wav(calls::CARD), &call).unwrap();
        for sidecar in [
            json!({"parties": [{"role": "+12065550142"}]}),
            json!({"+12065550142": 1}),
            json!({"started_at": "+12065550142"}),
            Value::String("+12065550142".into()),
        ] {
            fs::write(home.path("work/call.json"), sidecar.to_string()).unwrap();
            let said = home.run(["ingest", call.to_str().unwrap()]).expect(3);
            assert!(said.err.contains("call.json") && !said.all().contains("5550142"), "{}", said.err);
        }
    }

    #[test]
    fn secrets_of_the_vault_are_shown_once_or_never() {
        let mut home = Home::new();
        home.set("CALLVAULT_LOG", "trace");
        let said = home.run(["init", "--json"]).ok().json();
        let key = fs::read(home.key_file()).unwrap();
        let shares: Vec<String> = said["recovery_shares"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(shares.len(), 3);
        let mut needles = Needles::default();
        shares.iter().for_each(|s| needles.text(s, "a recovery share"));
        // Long runs of letters and digits in the key file are its key or salt, in whatever encoding.
        let text = String::from_utf8_lossy(&key).into_owned();
        let secret = |run: &&str| run.len() >= 40 && !said.to_string().contains(*run);
        let runs: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=_-".contains(c)).filter(secret).collect();
        runs.iter().for_each(|r| needles.text(r, "key material"));
        let search = needles.search();
        for place in ["data", "share", "cache", "tmp", "home", "work"] {
            let (found, _) = search.find_below(&home.path(place));
            assert!(found.is_empty(), "{place}: {found:?}");
        }
        for args in [&["show"][..], &["verify"], &["subjects"], &["disposal", "status"]] {
            let ran = home.run(args).ok();
            assert!(search.find(ran.all().as_bytes()).is_empty(), "{args:?}");
        }
        // The key file and its folder are its owner's alone.
        use std::os::unix::fs::PermissionsExt;
        let mode = |p: &std::path::Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&home.key_file()), mode(home.data()), mode(&home.data().join("vault.db"))),
            (0o600, 0o700, 0o600)
        );
    }
}
