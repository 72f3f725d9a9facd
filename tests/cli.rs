//! The command line as others rely on it: exit codes, JSON shapes, names and lengths of what is written.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        audio::Wav,
        calls::{self, Scene},
        home::{Home, Ran, files, remove},
    };
    use serde_json::{Value, json};
    use std::{collections::BTreeSet, fs};

    fn detect(args: &[&str], input: &str) -> Ran {
        let args = ["detect"].into_iter().chain(args.iter().copied());
        Home::new().feed(args, input.as_bytes())
    }

    fn lines(ran: &Ran) -> Vec<Value> {
        ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// The text of a span by code points.
    fn cut(text: &str, span: &Value) -> String {
        let at = |name: &str| span[name].as_u64().unwrap() as usize;
        text.chars().skip(at("start")).take(at("end") - at("start")).collect()
    }

    #[test]
    fn detect_keeps_order_and_counts_code_points() {
        let texts = [
            "My card is 4242 4242 4242 4242.",
            "😀😀 é ñ 日本 — my card is 4242 4242 4242 4242 👍🏽, thanks",
            "e\u{301}e\u{301} — mail jos\u{e9}.garc\u{ed}a@example.com or dana@example.com",
            "nothing here",
            "",
        ];
        let input: String = texts
            .iter()
            .enumerate()
            .map(|(i, t)| json!({"id": format!("n{i}"), "text": t}).to_string() + "\n")
            .collect();
        let ran = detect(&[], &input).ok();
        let answers = lines(&ran);
        assert_eq!(answers.len(), texts.len());
        for (i, (answer, text)) in answers.iter().zip(texts).enumerate() {
            assert_eq!(answer["id"], format!("n{i}"));
            assert_eq!(keys(answer), ["id", "spans"].map(str::to_owned).into());
            for span in answer["spans"].as_array().unwrap() {
                assert_eq!(keys(span), ["end", "score", "start", "type"].map(str::to_owned).into());
                assert!((0.0..=1.0).contains(&span["score"].as_f64().unwrap()));
                assert!(!cut(text, span).is_empty());
            }
        }
        for answer in &answers[..2] {
            let card =
                answer["spans"].as_array().unwrap().iter().find(|s| s["type"] == "CREDIT_CARD").unwrap();
            let text = texts[if answer["id"] == "n0" { 0 } else { 1 }];
            assert_eq!(cut(text, card), "4242 4242 4242 4242");
        }
        let mail: Vec<String> = answers[2]["spans"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|s| s["type"] == "EMAIL_ADDRESS")
            .map(|s| cut(texts[2], s))
            .collect();
        assert!(mail.contains(&"dana@example.com".to_owned()), "{mail:?}");
        assert_eq!(answers[3]["spans"], json!([]));
    }

    fn keys(value: &Value) -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn detect_answers_with_the_id_it_was_given() {
        let ran = detect(&[], "{\"text\":\"a\",\"id\":7}\n\n  \n{\"id\":{\"a\":[1]},\"text\":\"b\",\"more\":1}\n{\"id\":null,\"text\":\"c\"}").ok();
        let ids: Vec<Value> = lines(&ran).into_iter().map(|l| l["id"].clone()).collect();
        assert_eq!(ids, [json!(7), json!({"a": [1]}), json!(null)]);
    }

    #[test]
    fn detect_profiles_and_types() {
        let order = "{\"id\":1,\"text\":\"your order number is INV-20931, thank you\"}\n";
        let types = |profile: &str| -> Vec<Value> {
            let ran = detect(&["--profile", profile], order).ok();
            lines(&ran)[0]["spans"].as_array().unwrap().iter().map(|s| s["type"].clone()).collect()
        };
        assert!(types("default").is_empty(), "the default profile keeps order numbers");
        assert!(types("all").contains(&json!("REFERENCE_ID")), "{:?}", types("all"));
        for profile in ["pci", "hipaa", "gdpr"] {
            types(profile);
        }
        for args in [&["--profile", "strict"][..], &["--profile", ""], &["--frobnicate"]] {
            let ran = detect(args, order).expect(2);
            assert!(ran.out.is_empty() && !ran.err.is_empty());
        }
        assert!(detect(&["--profile", "strict"], "").err.contains("default, pci, hipaa, gdpr, all"));
        let listed = detect(&["--types"], "").ok();
        let listed: BTreeSet<&str> = listed.out.lines().collect();
        for name in [
            "PERSON",
            "ADDRESS",
            "CREDIT_CARD",
            "CVV",
            "EXPIRY",
            "US_SSN",
            "CONDITION",
            "MEMBER_ID",
            "REFERENCE_ID",
            "TITLE",
            "ORGANIZATION",
        ] {
            assert!(listed.contains(name), "{name}");
        }
        assert_eq!(listed.len(), 46, "the closed list of types");
        let explained = detect(&["--explain"], "{\"id\":1,\"text\":\"card 4242 4242 4242 4242\"}").ok();
        let span = &lines(&explained)[0]["spans"][0];
        assert!(
            span["recognizer"].is_string()
                && span["reason"].is_string()
                && !span.to_string().contains("4242"),
            "{span}"
        );
    }

    #[test]
    fn detect_refuses_malformed_lines_without_quoting_them() {
        for bad in [
            "4242 4242 4242 4242",
            "{\"id\":1,\"text\":4242424242424242}",
            "{\"id\":1,\"text\":\"4242 4242 4242 4242\"",
            "[1]",
            "{\"text\":\"4242\"}\u{0}",
        ] {
            let input =
                format!("{{\"id\":1,\"text\":\"fine\"}}\n{bad}\n{{\"id\":3,\"text\":\"call 555-0142\"}}\n");
            let ran = detect(&[], &input).expect(3);
            assert!(ran.err.contains("1 of 3 lines"), "{}", ran.err);
            assert!(!ran.all().contains("4242"), "the error quotes the line: {}", ran.err);
            let answers = lines(&ran);
            assert_eq!(answers.len(), 3, "every line is answered in its place");
            assert_eq!((&answers[1]["line"], answers[1].get("spans")), (&json!(2), None));
            assert!(answers[1]["error"].as_str().unwrap().len() > 10);
            assert_eq!(answers[2]["spans"].as_array().unwrap().len(), 1, "what comes after is read");
        }
        let mut binary = b"{\"id\":1,\"text\":\"".to_vec();
        binary.extend([0xFF, 0xFE, b'"', b'}', b'\n']);
        Home::new().feed(["detect"], &binary).expect(3);
        let deep = format!("{{\"id\":{}1{},\"text\":\"a\"}}", "[".repeat(50_000), "]".repeat(50_000));
        detect(&[], &deep).expect(3);
    }

    #[test]
    fn measure_plants_into_texts_and_scores_labelled_ones() {
        let home = Home::new();
        let folder = home.path("texts");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.txt"), "agent: how can i help\ncaller: my internet is slow\n").unwrap();
        fs::write(folder.join("b.jsonl"), "{\"id\":1,\"text\":\"where is my order\\nthanks\"}\n{\"id\":2}\n")
            .unwrap();
        let planted =
            home.run(["measure", "--json", "--profile", "all", "--plant", "9", folder.to_str().unwrap()]);
        assert!(planted.err.contains("b.jsonl:2"), "{}", planted.err);
        let report = planted.expect(1).json();
        assert_eq!(
            (&report["kind"], &report["documents"], &report["unread"]),
            (&json!("planted texts"), &json!(2), &json!(1))
        );
        let of = |name: &str| report[name].as_f64().unwrap();
        assert!(
            of("values") >= 5.0
                && of("recall_at_least") < of("recall") + 1e-9
                && of("recall") <= of("recall_at_most")
        );

        let labelled = home.path("labelled.jsonl");
        let row = |text: &str, start: usize, end: usize, entity: &str| {
            json!({"id": text.len(), "text": text, "spans": [{"start": start, "end": end, "type": entity}]})
                .to_string()
        };
        let (found, missed) = (
            row("é card 4242 4242 4242 4242", 7, 26, "CREDIT_CARD"),
            row("the frobnicator", 4, 15, "DEVICE_ID"),
        );
        fs::write(&labelled, format!("{found}\n{missed}\n")).unwrap();
        let report = home.run(["measure", "--json", labelled.to_str().unwrap()]).expect(1).json();
        assert_eq!((&report["values"], &report["covered"]), (&json!(2), &json!(1)));
        assert_eq!(report["misses"][0]["type"], "DEVICE_ID");
        fs::write(&labelled, format!("{found}\n")).unwrap();
        let said = home.run(["measure", labelled.to_str().unwrap()]).ok();
        assert!(said.out.contains("covered 1 of 1"), "{}", said.out);
        fs::write(&labelled, row("short", 2, 99, "PERSON")).unwrap();
        home.run(["measure", labelled.to_str().unwrap()]).expect(3);
    }

    #[test]
    fn detect_survives_a_reader_that_has_read_enough() {
        let home = Home::new();
        let input: String = (0..20_000)
            .map(|i| format!("{{\"id\":{i},\"text\":\"my card is 4242 4242 4242 4242\"}}\n"))
            .collect();
        let file = home.path("in.jsonl");
        fs::write(&file, input).unwrap();
        let mut child = home.command(["detect"]).stdin(fs::File::open(file).unwrap()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn redact_names_and_lengths() {
        let mut home = Home::new();
        home.engine(Some(&calls::transcript(calls::CARD)));
        let source = home.path("work/a.b.wav");
        fs::copy(calls::wav(calls::CARD), &source).unwrap();
        let before = fs::read(&source).unwrap();
        let said = home.run(["redact", "--json", source.to_str().unwrap()]).ok();
        assert_eq!(said.json(), json!({"file": source, "proof": "independent"}));
        let made: Vec<String> = files(&home.path("work"))
            .iter()
            .map(|f| f.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(made, ["a.b.findings.json", "a.b.redacted.txt", "a.b.redacted.wav", "a.b.wav"]);
        assert_eq!(fs::read(&source).unwrap(), before, "the source is not touched");

        let (original, muted) =
            (Wav::read(&before), Wav::read(&fs::read(home.path("work/a.b.redacted.wav")).unwrap()));
        assert_eq!(
            (muted.rate, muted.channels.len(), muted.frames()),
            (original.rate, original.channels.len(), original.frames())
        );
        let found: Value =
            serde_json::from_slice(&fs::read(home.path("work/a.b.findings.json")).unwrap()).unwrap();
        assert_eq!(found["proof"], "independent");
        let types: BTreeSet<&str> =
            found["findings"].as_array().unwrap().iter().map(|f| f["type"].as_str().unwrap()).collect();
        assert!(["CREDIT_CARD", "CVV", "EXPIRY", "PERSON"].iter().all(|t| types.contains(t)), "{types:?}");
        for finding in found["findings"].as_array().unwrap() {
            let wanted = ["channel", "end_ms", "recognizer", "score", "start_ms", "type"].map(str::to_owned);
            assert_eq!(keys(finding), wanted.into());
            let (start, end) = (finding["start_ms"].as_u64().unwrap(), finding["end_ms"].as_u64().unwrap());
            assert_eq!(
                muted.silence(finding["channel"].as_u64().unwrap() as usize, start, end),
                1.0,
                "{finding}"
            );
        }
        // Other speech is still there, sample for sample.
        let untouched = |channel: usize, from: usize, to: usize| {
            original.channels[channel][from..to] == muted.channels[channel][from..to]
        };
        assert!(untouched(1, 8 * 8200, 8 * 9900), "the agent's question was altered");

        use std::os::unix::fs::PermissionsExt;
        for name in ["a.b.redacted.wav", "a.b.redacted.txt", "a.b.findings.json"] {
            let mode = fs::metadata(home.path("work").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name} is readable by others");
        }
    }

    #[test]
    fn redact_into_a_folder_many_files_and_exit_codes() {
        let mut home = Home::new();
        let scene = Scene::build(&home.path("work"), &[calls::CARD, calls::SSN, calls::SPANISH], false);
        home.engine(Some(&scene.script));
        let sources = scene.sources();
        let out = home.path("out/deep");
        let args = |which: &[usize]| -> Vec<String> {
            let mut all = vec!["redact".to_owned(), "--out".into(), out.display().to_string()];
            all.extend(which.iter().map(|i| sources[*i].display().to_string()));
            all
        };
        home.run(args(&[0, 1])).ok();
        let wavs = || files(&out).iter().filter(|f| f.to_string_lossy().ends_with(".redacted.wav")).count();
        assert_eq!((wavs(), files(&out).len()), (2, 6));
        let said = home.run(args(&[0, 2])).expect(1);
        assert!(
            said.err.contains(calls::SPANISH) && said.err.contains("quarantined (other-language)"),
            "{}",
            said.err
        );
        assert_eq!(wavs(), 2);
        fs::write(home.path("work/bad.wav"), "x").unwrap();
        let mut three = args(&[2, 0]);
        three.push(home.path("work/bad.wav").display().to_string());
        let said = home.run(three).expect(3);
        assert!(said.err.contains("bad.wav") && said.err.contains("1 of 3"), "{}", said.err);

        home.run(["redact"]).expect(2);
        let twice =
            ["redact", "--transcript", "t.json", sources[0].to_str().unwrap(), sources[1].to_str().unwrap()];
        home.run(twice).expect(2);
        let strict = ["redact", "--profile", "strict", sources[0].to_str().unwrap()];
        home.run(strict).expect(2);
    }

    #[test]
    fn an_earlier_result_is_not_taken_for_a_later_one() {
        // The first run releases the call; the second, with other words, quarantines it: its old WAV must not stay as if it held.
        let mut home = Home::new();
        let source = home.path("work/a.wav");
        fs::copy(calls::wav(calls::CARD), &source).unwrap();
        home.engine(Some(&calls::transcript(calls::CARD)));
        home.run(["redact", source.to_str().unwrap()]).ok();
        let empty = home.path("none.json");
        fs::write(&empty, json!({"channels": [[], []]}).to_string()).unwrap();
        home.engine(Some(&empty));
        home.run(["redact", source.to_str().unwrap()]).expect(1);
        assert!(
            !home.path("work/a.redacted.wav").exists(),
            "quarantined, and an old a.redacted.wav lies there as if it were the answer"
        );
    }

    #[test]
    fn exit_codes_of_usage_and_failure() {
        let home = Home::new();
        for args in [
            &[][..],
            &["frobnicate"],
            &["ingest"],
            &["show", "--no-such"],
            &["dispose"],
            &["dispose", "conversation", "x"],
        ] {
            let said = home.run(args);
            assert_eq!(said.code, Some(2), "{args:?}: {said:?}");
        }
        for args in [&["--help"][..], &["--version"], &["ingest", "--help"], &["help", "redact"]] {
            home.run(args).ok();
        }
        // No vault: what, why, cure.
        for args in [&["show"][..], &["subjects"], &["ingest", "x.wav"], &["resume"], &["verify"]] {
            let said = home.run(args);
            assert_eq!(said.code, Some(3), "{args:?}: {said:?}");
        }
        assert!(home.run(["show"]).err.contains("callvault init"));
        home.run(["init"]).ok();
        let said = home.run(["init"]).expect(3);
        assert!(said.err.contains("already holds a vault"), "{}", said.err);
        home.run(["show", "nonsense"]).expect(3);
        let said = home.run(["show", "01890a5d-ac96-774b-bcce-b302099a8057"]).expect(3);
        assert!(said.err.contains("no conversation"), "{}", said.err);
        home.run(["ingest", home.path("work").to_str().unwrap()]).ok();
    }

    #[test]
    fn a_second_process_is_told_to_wait() {
        let home = Home::with_vault();
        let lock = fs::File::open(home.data().join("lock")).unwrap();
        lock.try_lock().unwrap();
        let said = home.run(["show"]).expect(3);
        assert!(said.err.contains("another callvault process"), "{}", said.err);
        drop(lock);
        home.run(["show"]).ok();
    }

    #[test]
    fn the_wrong_key_opens_nothing() {
        let (one, other) = (Home::with_vault(), Home::with_vault());
        let key = other.key_file();
        let said = one.run(["show", "--key-file", key.to_str().unwrap()]).expect(3);
        assert!(said.err.contains("another vault"), "{}", said.err);
        remove(one.key_file());
        let said = one.run(["show"]).expect(3);
        assert!(said.err.contains(".key"), "{}", said.err);
        // Verifying needs no secret.
        one.run(["verify"]).ok();
        let inside = other.path("inside");
        let key = inside.join("x.key");
        let args = ["init", "--data", inside.to_str().unwrap(), "--key-file", key.to_str().unwrap()];
        assert_eq!(other.run(args).code, Some(3), "a key inside the data directory");
        assert!(!key.exists());
    }

    #[test]
    fn json_shapes() {
        let mut home = Home::new();
        let made = home.run(["init", "--json"]).ok().json();
        assert_eq!(
            keys(&made),
            ["data", "key_file", "mode", "recovery_shares", "vault", "vkey"].map(str::to_owned).into()
        );
        let scene = Scene::build(&home.path("work"), &[calls::CARD], true);
        home.engine(Some(&scene.script));
        let report =
            home.run(["ingest".to_owned(), "--json".into()].into_iter().chain(scene.folders())).ok().json();
        assert_eq!(keys(&report), ["conversations", "failed"].map(str::to_owned).into());
        for row in report["conversations"].as_array().unwrap() {
            assert_eq!(keys(row), ["certificate", "id", "reason", "state"].map(str::to_owned).into());
        }
        let row = home.rows().remove(0);
        for name in [
            "id",
            "channel",
            "state",
            "received_at",
            "started_at",
            "duration_ms",
            "proof",
            "reason",
            "findings",
        ] {
            assert!(row.get(name).is_some(), "{name}: {row}");
        }
        let one = home.run(["show", "--json", row["id"].as_str().unwrap()]).ok().json();
        assert!(one["turns"][0].get("role").is_some() && one["findings_list"].is_array(), "{one}");
        assert!(home.run(["subjects", "--json"]).ok().json()[0]["id"].is_string());
        let verified = home.run(["verify", "--json"]).ok().json();
        for name in ["ok", "origin", "size", "root", "checkpoints", "key_given"] {
            assert!(verified.get(name).is_some(), "{name}");
        }
        let models = home.run(["models", "list", "--json"]).expect(1).json();
        assert!(
            models.as_array().unwrap().iter().all(|m| m["installed"] == false && m["model"].is_string()),
            "{models}"
        );
        let measured = home.run(["measure", "--json", scene.truth_file.to_str().unwrap()]);
        let measured = measured.json();
        for name in [
            "conversations",
            "planted",
            "planted_released",
            "covered",
            "recall_at_least",
            "false_mute_share",
            "by_type",
            "recovered",
        ] {
            assert!(measured.get(name).is_some(), "{name}");
        }
        let scanned = home.run(["scan", "--json", &scene.folders()[0]]).ok().json();
        assert!(scanned.is_object());
    }
}
