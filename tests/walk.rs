//! The straight way, end to end, through the real binary: what goes in, what is shown, what is destroyed and what is not.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        audio::Wav,
        calls::{self, Scene},
        forms::Needles,
        home::{Home, files},
    };
    use serde_json::{Value, json};
    use std::{fs, path::Path};

    /// A home with a vault, a scene of calls and their words in the engine's ear.
    fn staged(stems: &[&str], with_texts: bool) -> (Home, Scene) {
        let mut home = Home::with_vault();
        let scene = Scene::build(&home.path("work"), stems, with_texts);
        home.engine(Some(&scene.script));
        (home, scene)
    }

    fn ingest(home: &Home, paths: &[String]) -> Value {
        let args = ["ingest", "--json"].into_iter().map(str::to_owned).chain(paths.iter().cloned());
        home.run(args).json()
    }

    fn states(report: &Value) -> Vec<&str> {
        report["conversations"].as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect()
    }

    /// Measures on the scene itself and releases disposal with what was measured.
    fn release(home: &Home, scene: &Scene, days: &str) -> Value {
        let report = home.run(["measure", "--json", scene.truth_file.to_str().unwrap()]);
        let file = home.path("measured.json");
        fs::write(&file, &report.out).unwrap();
        home.run(["disposal", "enable", "--measured", file.to_str().unwrap(), "--cooling-days", days]).ok();
        report.json()
    }

    fn sealed(home: &Home) -> usize {
        files(&home.data().join("blobs")).len()
    }

    #[test]
    fn from_a_folder_to_certificates() {
        let (home, scene) = staged(&[calls::CARD, calls::SSN, calls::KEYED, calls::SPANISH], true);
        let measured = release(&home, &scene, "0");
        assert!(measured["planted_released"].as_u64().unwrap() >= 20, "{measured}");
        assert_eq!(home.run(["disposal", "status", "--json"]).ok().json()["mode"], "dispose");

        let report = home
            .run(["ingest", "--json"].into_iter().map(str::to_owned).chain(scene.folders()))
            .expect(1)
            .json();
        let rows = report["conversations"].as_array().unwrap();
        assert_eq!(rows.len(), scene.conversations().len());
        let quarantined: Vec<_> = rows.iter().filter(|r| r["state"] == "quarantined").collect();
        assert_eq!(quarantined.len(), 1, "{report}");
        assert!(
            rows.iter().filter(|r| r["state"] == "recorded").all(|r| r["certificate"].is_string()),
            "{report}"
        );

        let shown = home.rows();
        assert_eq!(shown.iter().filter(|r| r["state"] == "disposed").count(), rows.len() - 1);
        certificates_hold(&home, rows.len() - 1);
        ledger_holds(&home);

        // One muted recording stays for each recorded call; of the originals only the quarantined one's.
        assert_eq!(sealed(&home), 3 + 1);
        // The same values are still where the owner left them: `--source keep` is the default.
        assert!(scene.sources().iter().all(|s| s.is_file()));
    }

    fn certificates_hold(home: &Home, wanted: usize) {
        let listed = home.run(["certificate", "list", "--json"]).ok();
        assert_eq!(listed.out.lines().count(), wanted);
        let dir = home.path("certificates");
        home.run(["certificate", "export", dir.to_str().unwrap()]).ok();
        let all = files(&dir);
        assert_eq!(all.len(), wanted);
        for file in all {
            let verified = home.run([
                "certificate",
                "verify",
                "--json",
                "--ledger",
                home.data().to_str().unwrap(),
                file.to_str().unwrap(),
            ]);
            assert_eq!(verified.ok().json()["ok"], true);
            let c: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let copies = c["statement"]["copies"].as_array().unwrap();
            let state = |place: &str| copies.iter().find(|c| c["place"] == place).unwrap()["state"].clone();
            assert_eq!(
                (state("vault"), state("source file"), state("backups")),
                (json!("destroyed"), json!("remains"), json!("unknown"))
            );
            assert!(c["statement"]["title"].as_str().unwrap().contains("copies remain elsewhere"));
        }
    }

    fn ledger_holds(home: &Home) {
        let export = home.path("ledger");
        let exported = home.run(["verify", "--json", "--export", export.to_str().unwrap()]).ok().json();
        // The export is an entry of the ledger itself.
        let of_data = home.run(["verify", "--json"]).ok().json();
        assert_eq!(
            (&of_data["ok"], &of_data["root"], &of_data["size"]),
            (&json!(true), &exported["root"], &exported["size"])
        );
    }

    #[test]
    fn what_is_shown_is_masked_and_each_look_is_in_the_ledger() {
        let (home, scene) = staged(&[calls::CARD, calls::SSN], true);
        let report = ingest(&home, &scene.folders());
        let size = |home: &Home| home.run(["verify", "--json"]).ok().json()["size"].as_u64().unwrap();
        let before = size(&home);
        let mut shown = String::new();
        for row in report["conversations"].as_array().unwrap() {
            let one = home.run(["show", row["id"].as_str().unwrap()]).ok();
            let json = home.run(["show", "--json", row["id"].as_str().unwrap()]).ok().json();
            assert!(
                !json["turns"].as_array().unwrap().is_empty() && json["proof_facts"].is_object(),
                "{json}"
            );
            shown.push_str(&one.out);
            shown.push_str(&json.to_string());
        }
        assert_eq!(size(&home), before + 2 * report["conversations"].as_array().unwrap().len() as u64);
        for label in ["[CREDIT_CARD]", "[CVV]", "[EXPIRY]", "[US_SSN]", "[PERSON]"] {
            assert!(shown.contains(label), "{label} is missing");
        }
        let mut needles = Needles::default();
        for conversation in scene.conversations() {
            for planted in conversation["planted"].as_array().unwrap() {
                if ["CREDIT_CARD", "US_SSN", "EMAIL_ADDRESS", "PHONE_NUMBER"]
                    .contains(&planted["type"].as_str().unwrap())
                {
                    needles.value(planted["value"].as_str().unwrap());
                }
            }
        }
        assert_eq!(needles.search().find(shown.as_bytes()), [].into());
        // What is no secret is still there to be read.
        assert!(shown.contains("what is the card number?"), "{shown}");
    }

    #[test]
    fn people_are_recognised_again_without_their_numbers() {
        let (home, scene) = staged(&[calls::CARD], true);
        ingest(&home, &scene.folders());
        let people = home.run(["subjects", "--json"]).ok();
        let people_json = people.json();
        assert!(people_json.as_array().unwrap().iter().all(|p| p["id"].is_string()));
        assert!(people_json.as_array().unwrap().iter().any(|p| p["provisional"] == false));
        assert!(
            !people.all().contains("555-01")
                && !people.all().contains("55501")
                && !people.all().to_lowercase().contains("dana")
        );

        // Another call from the same line leads to the same person.
        let again = home.path("work/again");
        fs::create_dir(&again).unwrap();
        let mut other = fs::read(calls::wav(calls::CARD)).unwrap();
        let last = other.len() - 1;
        other[last] ^= 1;
        fs::write(again.join("x.wav"), other).unwrap();
        fs::copy(calls::wav(calls::CARD).with_extension("json"), again.join("x.json")).unwrap();
        ingest(&home, &[again.display().to_string()]);
        let after = home.run(["subjects", "--json"]).ok().json();
        let twice =
            after.as_array().unwrap().iter().filter(|p| p["provisional"] == false && p["conversations"] == 2);
        assert_eq!(twice.count(), 1, "{after}");
    }

    #[test]
    fn the_same_file_is_taken_in_once() {
        let (home, scene) = staged(&[calls::CARD], false);
        let first = ingest(&home, &scene.folders());
        let again = ingest(&home, &scene.folders());
        assert_eq!((states(&first), states(&again)), (vec!["recorded"], vec!["known"]));
        assert_eq!(first["conversations"][0]["id"], again["conversations"][0]["id"]);
        assert_eq!((home.rows().len(), sealed(&home)), (1, 2));
    }

    #[test]
    fn observe_mode_destroys_nothing() {
        let (home, scene) = staged(&[calls::CARD], true);
        let report = ingest(&home, &scene.folders());
        assert_eq!(home.run(["disposal", "status", "--json"]).ok().json()["mode"], "observe");
        let before = sealed(&home);
        for row in report["conversations"].as_array().unwrap() {
            assert!(row["certificate"].is_null());
            let refused = home
                .run(["dispose", "conversation", row["id"].as_str().unwrap(), "--reason", "test"])
                .expect(1);
            assert!(refused.err.contains("observes and destroys nothing"), "{}", refused.err);
        }
        assert_eq!(sealed(&home), before);
        assert_eq!(home.run(["certificate", "list"]).ok().out, "");
        assert!(home.rows().iter().all(|r| r["state"] == "recorded"));
    }

    #[test]
    fn a_backup_brings_back_what_lives_and_not_what_was_destroyed_since() {
        let (mut home, scene) = staged(&[calls::CARD, calls::SSN, calls::KEYED], true);
        release(&home, &scene, "7");
        let report = ingest(&home, &scene.folders());
        let id = report["conversations"][0]["id"].as_str().unwrap().to_owned();
        let before = sealed(&home);
        let (file, key) = (home.path("one.backup"), home.path("away/backup.key"));
        let (file, key) = (file.to_str().unwrap(), key.to_str().unwrap());
        let done = home.run(["backup", "--json", file, "--backup-key", key]).ok().json();
        assert_eq!(done["blobs"], before, "{done}");
        assert!(home.run(["backup", file, "--backup-key", key]).expect(3).err.contains("exists"));
        let tried = home.run(["backup", "verify", "--json", file, "--backup-key", key]).ok().json();
        assert_eq!((&tried["files"], &tried["erased_again"]), (&json!(before), &json!(0)));
        let mut needles = Needles::default();
        scene.conversations().iter().for_each(|c| needles.planted(c));
        assert!(needles.search().find(&fs::read(file).unwrap()).is_empty());

        home.run(["disposal", "disable"]).ok();
        release(&home, &scene, "0");
        home.run(["dispose", "conversation", &id, "--reason", "test"]).ok();
        let vault_key = home.key_file();
        let old = home.data().to_owned();
        home.set_data(home.path("restored"));
        home.set("CALLVAULT_KEY_FILE", &vault_key);
        let restored = home.run(["restore", "--json", file, "--backup-key", key]).ok().json();
        assert_eq!(restored["erased_again"], 1, "the original's key: {restored}");
        assert!(home.run(["restore", file, "--backup-key", key]).expect(3).err.contains("exists"));
        ledger_holds(&home);
        let row = home.rows().into_iter().find(|r| r["id"] == id.as_str()).unwrap();
        assert_eq!(row["state"], "shredding", "its certificate is due again");
        home.run(["resume"]).ok();
        let row = home.rows().into_iter().find(|r| r["id"] == id.as_str()).unwrap();
        assert_eq!(row["state"], "disposed");

        // Rolled and destroyed: the same backup is worth nothing any more, and the vault goes on.
        let rolled = home.run(["keys", "roll", "--destroy-retired", "--json"]).ok().json();
        assert_eq!(rolled["destroyed"].as_array().unwrap().len(), 1, "{rolled}");
        let dead = home.run(["backup", "verify", file, "--backup-key", key]).expect(3);
        assert!(dead.err.contains("epoch"), "{}", dead.err);
        home.run(["show", &id]).ok();
        home.set_data(old);
        assert!(home.run(["show"]).expect(3).err.contains("epoch"), "the old directory died with its epoch");
    }

    #[test]
    fn disposal_needs_a_measurement_and_the_delay() {
        let (home, scene) = staged(&[calls::CARD, calls::SSN], true);
        home.run(["disposal", "enable"]).expect(2);
        let file = home.path("few.json");
        for bad in ["", "{}", "[]", "{\"planted\": 100, \"covered\": 100}"] {
            fs::write(&file, bad).unwrap();
            let refused = home.run(["disposal", "enable", "--measured", file.to_str().unwrap()]).expect(3);
            assert!(refused.err.contains("few.json"), "{}", refused.err);
        }
        let few = home.path("few-truth");
        fs::create_dir_all(few.join("calls")).unwrap();
        fs::copy(calls::wav(calls::CARD), few.join("calls").join(format!("{}.wav", calls::CARD))).unwrap();
        let truth = json!({"conversations": [calls::truth_of(calls::CARD)]});
        fs::write(few.join("truth.json"), truth.to_string()).unwrap();
        let measured = home.run(["measure", "--json", few.join("truth.json").to_str().unwrap()]).ok();
        fs::write(&file, &measured.out).unwrap();
        let refused = home.run(["disposal", "enable", "--measured", file.to_str().unwrap()]).expect(3);
        assert!(refused.err.contains("at least 20"), "{}", refused.err);

        release(&home, &scene, "7");
        let report = ingest(&home, &scene.folders());
        let id = report["conversations"][0]["id"].as_str().unwrap();
        assert!(
            report["conversations"].as_array().unwrap().iter().all(|r| r["certificate"].is_null()),
            "{report}"
        );
        let waits = home.run(["dispose", "conversation", id, "--reason", "test"]).expect(1);
        assert!(waits.err.contains("cooling delay"), "{}", waits.err);

        release(&home, &scene, "0");
        let done = home
            .run([
                "dispose",
                "conversation",
                id,
                "--reason",
                "asked by Dana Wilson, card 4242 4242 4242 4242",
                "--json",
            ])
            .ok()
            .json();
        assert_eq!(done["statement"]["conversation"], id);
        let reason = done["statement"]["reason"].as_str().unwrap();
        assert!(reason.contains("[CREDIT_CARD]") && !reason.contains("4242"), "{reason}");
        home.run(["disposal", "disable"]).ok();
        let next = report["conversations"][1]["id"].as_str().unwrap();
        home.run(["dispose", "conversation", next, "--reason", "test"]).expect(1);
    }

    #[test]
    fn the_source_goes_only_when_asked_and_the_certificate_says_so() {
        let (home, scene) = staged(&[calls::CARD, calls::SSN], true);
        release(&home, &scene, "0");
        let report = home.run(["ingest", "--json", "--source", "dispose", &scene.folders()[0]]).ok().json();
        assert_eq!(states(&report), ["recorded", "recorded"]);
        assert!(files(&scene.dir.join("calls")).iter().all(|f| f.extension().is_some_and(|e| e == "json")));
        let listed = home.run(["certificate", "list", "--json"]).ok();
        for line in listed.out.lines() {
            let c: Value = serde_json::from_str(line).unwrap();
            assert!(
                c["statement"]["title"].as_str().unwrap().contains("is not known"),
                "{}",
                c["statement"]["title"]
            );
        }
    }

    #[test]
    fn a_source_that_was_moved_or_replaced_is_unknown_and_never_overwritten() {
        let (home, scene) = staged(&[calls::CARD, calls::SSN], true);
        release(&home, &scene, "7");
        let source = |stem: &str| scene.dir.join("calls").join(format!("{stem}.wav"));
        let take_in = |stem: &str| {
            let report = ingest(&home, &[source(stem).display().to_string()]);
            assert_eq!(states(&report), ["recorded"]);
            report["conversations"][0]["id"].as_str().unwrap().to_owned()
        };
        let (moved, replaced) = (take_in(calls::CARD), take_in(calls::SSN));
        // One goes to another place, the other gives its name to a recording nobody took in.
        let (elsewhere, original) = (home.path("elsewhere.wav"), fs::read(source(calls::CARD)).unwrap());
        fs::rename(source(calls::CARD), &elsewhere).unwrap();
        let stranger = calls::after_silence(&fs::read(source(calls::SSN)).unwrap(), 500);
        fs::write(source(calls::SSN), &stranger).unwrap();
        let measured = home.path("measured.json");
        home.run(["disposal", "enable", "--measured", measured.to_str().unwrap(), "--cooling-days", "0"])
            .ok();

        for (id, lies_at, bytes) in [(moved, elsewhere, original), (replaced, source(calls::SSN), stranger)] {
            let args = ["dispose", "conversation", &id, "--reason", "test", "--source", "--json"];
            let certificate = home.run(args).ok().json();
            let copies = certificate["statement"]["copies"].as_array().unwrap();
            let of_file = copies.iter().find(|c| c["place"] == "source file").unwrap();
            assert_eq!(of_file["state"], "unknown", "{certificate}");
            assert!(of_file["note"].as_str().unwrap().contains("moved or changed"), "{of_file}");
            let vault = copies.iter().find(|c| c["place"] == "vault").unwrap();
            assert_eq!(vault["state"], "destroyed");
            assert!(fs::read(&lies_at).unwrap() == bytes, "{} was touched", lies_at.display());
        }
    }

    /// The scripted engine overhears `word` on the customer's channel in its first hearing.
    fn overhearing(stem: &str, from_ms: u64, to_ms: u64) -> Value {
        let channels: Vec<Vec<Value>> = calls::words(stem)
            .iter()
            .enumerate()
            .map(|(channel, words)| {
                words
                    .iter()
                    .map(|w| {
                        let mut line = calls::line(w, 0);
                        if channel == 0 && w.1 >= from_ms && w.2 <= to_ms {
                            line["missed_first"] = json!(true);
                        }
                        line
                    })
                    .collect()
            })
            .collect();
        json!({"channels": channels})
    }

    #[test]
    fn what_the_first_pass_misses_the_proof_catches() {
        let mut home = Home::with_vault();
        let truth = calls::truth_of(calls::CARD);
        let card = truth["planted"].as_array().unwrap().iter().find(|p| p["type"] == "CREDIT_CARD").unwrap();
        let (start, end) = (card["start_ms"].as_u64().unwrap(), card["end_ms"].as_u64().unwrap());
        let script = home.path("script.json");
        fs::write(&script, overhearing(calls::CARD, start, end).to_string()).unwrap();
        home.engine(Some(&script));
        let source = home.path("work/call.wav");
        fs::copy(calls::wav(calls::CARD), &source).unwrap();
        home.run(["redact", source.to_str().unwrap()]).ok();

        let found: Value =
            serde_json::from_slice(&fs::read(home.path("work/call.findings.json")).unwrap()).unwrap();
        assert!(found["proof_facts"]["caught"].as_u64().unwrap() >= 1, "{found}");
        assert!(found["proof_facts"]["rounds"].as_u64().unwrap() >= 2, "{found}");
        assert_eq!(found["proof"], "independent");
        let (before, after) = (
            Wav::read(&fs::read(&source).unwrap()),
            Wav::read(&fs::read(home.path("work/call.redacted.wav")).unwrap()),
        );
        assert!(before.silence(0, start, end) < 0.5);
        for planted in truth["planted"].as_array().unwrap() {
            let (start, end) = (planted["start_ms"].as_u64().unwrap(), planted["end_ms"].as_u64().unwrap());
            assert_eq!(after.silence(0, start, end), 1.0, "{planted}");
        }
        assert_eq!((after.rate, after.frames(), after.channels.len()), (before.rate, before.frames(), 2));

        // The same on the way into the vault.
        let report = ingest(&home, &[source.display().to_string()]);
        let shown =
            home.run(["show", "--json", report["conversations"][0]["id"].as_str().unwrap()]).ok().json();
        assert!(shown["proof_facts"]["caught"].as_u64().unwrap() >= 1, "{shown}");
    }

    #[test]
    fn what_is_heard_again_and_again_is_quarantined() {
        let mut home = Home::with_vault();
        // Keyed tones are muted by their decoded time; here a voice says a card over and over that only the proof hears.
        let made = calls::made(8000, 2, [0, 1], 0.3);
        let mut script = made.script.clone();
        let card = script["channels"][0].as_array().unwrap()[1].clone();
        // Doubted everywhere: most of the voiced time has no trustworthy words.
        for channel in script["channels"].as_array_mut().unwrap() {
            for line in channel.as_array_mut().unwrap() {
                line["doubts"] = json!(["low-confidence"]);
            }
        }
        assert!(card["text"].is_string());
        let (file, words) = (home.path("work/doubt.wav"), home.path("script.json"));
        fs::write(&file, crate::support::audio::pcm16(8000, &made.channels)).unwrap();
        fs::write(&words, script.to_string()).unwrap();
        home.engine(Some(&words));
        let report = home.run(["ingest", "--json", file.to_str().unwrap()]).expect(1).json();
        assert_eq!(states(&report), ["quarantined"]);
        assert!(
            report["conversations"][0]["reason"].as_str().unwrap().contains("no trustworthy words"),
            "{report}"
        );
        let refused = home.run(["redact", file.to_str().unwrap()]).expect(1);
        assert!(refused.err.contains("doubt.wav") && !home.path("work/doubt.redacted.wav").exists());
    }

    #[test]
    fn messages_go_the_same_way() {
        let (home, scene) = staged(&[], true);
        let extra = home.path("work/set/emails/with-attachment.eml");
        fs::write(
            &extra,
            "From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; \
             filename=card.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n",
        )
        .unwrap();
        let report = home
            .run(
                ["ingest", "--json"]
                    .into_iter()
                    .map(str::to_owned)
                    .chain(scene.folders().into_iter().skip(1)),
            )
            .ok()
            .json();
        let mut all = states(&report);
        all.sort_unstable();
        // The attachment lies in quarantine by itself; its message does not wait for it.
        assert_eq!(all, ["recorded"; 6]);
        let rows = home.rows();
        for channel in ["chat", "sms", "email"] {
            let one = rows.iter().find(|r| r["channel"] == channel && r["state"] == "recorded").unwrap();
            assert_eq!(one["proof"], "same-engine");
            let text = home.run(["show", one["id"].as_str().unwrap()]).ok().out;
            assert!(text.contains("[PERSON]"), "{text}");
        }
        for (file, label) in [
            ("chats/chat-2026-03-13-ivy-norwood.json", "[CREDIT_CARD]"),
            ("emails/2026-03-15-claim-photo.eml", "[US_SSN]"),
        ] {
            home.run([
                "redact",
                "--out",
                home.path("out").to_str().unwrap(),
                scene.dir.join(file).to_str().unwrap(),
            ])
            .ok();
            let stem = Path::new(file).file_stem().unwrap().to_str().unwrap();
            let text = fs::read_to_string(home.path(format!("out/{stem}.redacted.txt"))).unwrap();
            assert!(text.contains(label) && !text.contains("4242") && !text.contains("987-65"), "{text}");
        }
    }

    #[test]
    fn without_a_model_calls_wait_sealed_and_resume_finishes_them() {
        let (mut home, scene) = staged(&[calls::CARD, calls::SSN], false);
        home.engine(None);
        let said = home.run(["ingest", "--json", &scene.folders()[0]]).expect(1);
        assert_eq!(states(&said.json()), ["awaiting-transcript", "awaiting-transcript"]);
        assert!(said.err.contains("callvault models pull"), "{}", said.err);
        let id = home.rows()[0]["id"].as_str().unwrap().to_owned();
        let unreadable = home.run(["show", &id]).expect(3);
        assert!(unreadable.err.contains("awaiting") && unreadable.out.is_empty(), "{}", unreadable.err);
        assert_eq!(home.run(["resume", "--json"]).expect(1).json()["awaiting_transcript"], 2);

        home.engine(Some(&scene.script));
        let done = home.run(["resume", "--json"]).ok().json();
        let counts =
            ["finished", "awaiting_transcript", "quarantined"].map(|name| done[name].as_u64().unwrap());
        assert_eq!(counts, [2, 0, 0], "{done}");
        assert!(home.rows().iter().all(|r| r["state"] == "recorded" && r["proof"] == "independent"));
        home.run(["show", &id]).ok();
        home.run(["verify"]).ok();
    }

    #[test]
    fn an_imported_transcript_without_an_engine_proves_nothing_and_shreds_nothing() {
        let (mut home, scene) = staged(&[calls::CARD, calls::SSN], true);
        release(&home, &scene, "0");
        home.engine(None);
        let (call, words) = (calls::wav(calls::CARD), calls::transcript(calls::CARD));
        let report = home
            .run(["ingest", "--json", "--transcript", words.to_str().unwrap(), call.to_str().unwrap()])
            .ok()
            .json();
        assert!(report["conversations"][0]["certificate"].is_null());
        let row = &home.rows()[0];
        assert_eq!((&row["state"], &row["proof"]), (&json!("recorded"), &json!("none")));
        let kept =
            home.run(["dispose", "conversation", row["id"].as_str().unwrap(), "--reason", "test"]).expect(1);
        assert!(kept.err.contains("proof none"), "{}", kept.err);
        assert_eq!(sealed(&home), 2);
    }

    #[test]
    fn a_quarantined_call_stays_unreadable() {
        let (home, scene) = staged(&[calls::SPANISH], false);
        let report = home.run(["ingest", "--json", &scene.folders()[0]]).expect(1).json();
        let (id, reason) = (
            report["conversations"][0]["id"].as_str().unwrap(),
            report["conversations"][0]["reason"].as_str().unwrap(),
        );
        assert!(reason.contains("does not sound like the language"), "{reason}");
        for json in [&["show", id][..], &["show", "--json", id][..]] {
            let refused = home.run(json).expect(3);
            assert!(refused.out.is_empty() && refused.err.contains("quarantined"), "{}", refused.err);
            assert!(refused.err.contains("language"), "the reason is missing: {}", refused.err);
        }
        assert_eq!(home.rows()[0]["reason"], reason);
        home.run(["dispose", "conversation", id, "--reason", "test"]).expect(1);
        assert_eq!(sealed(&home), 1, "the original stays sealed, and nothing else is there");
    }
}
