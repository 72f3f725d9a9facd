//! What callvault sealed opens without callvault: `tools/open_vault.py`, written from `docs/guide/format.md` over Python's
//! `cryptography`, opens every value, recording, wrapped key and certificate of a vault, and nothing that was altered.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        calls::{self, Scene},
        home::{Home, copy_tree, files},
    };
    use serde_json::Value;
    use std::{collections::BTreeSet, fs, io::Write, path::Path, process::Command};

    const CRYPTOGRAPHY: &str = "python3 with the package cryptography";

    struct Opened {
        code: Option<i32>,
        out: String,
        err: String,
    }

    fn python(args: &[&str]) -> Opened {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/open_vault.py");
        let mut command = Command::new("python3");
        let ran = command.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Opened { code: ran.status.code(), out: text(&ran.stdout), err: text(&ran.stderr) }
    }

    fn able() -> bool {
        let has = Command::new("python3").args(["-c", "import cryptography"]).output();
        let able = has.is_ok_and(|ran| ran.status.success());
        if !able {
            writeln!(std::io::stderr(), "skipped: there is no {CRYPTOGRAPHY}").unwrap();
        }
        able
    }

    fn vault(home: &Home, values: bool) -> Opened {
        let (data, key) = (home.data().to_str().unwrap(), home.key_file());
        let mut args = vec!["--data", data, "--key-file", key.to_str().unwrap()];
        args.extend(values.then_some("--values"));
        python(&args)
    }

    fn taken_in() -> (Home, Scene) {
        let mut home = Home::with_vault();
        let scene = Scene::build(&home.path("work"), &[calls::CARD, calls::SSN], true);
        home.engine(Some(&scene.script));
        home.run(["ingest"].into_iter().map(str::to_owned).chain(scene.folders()));
        (home, scene)
    }

    fn digest(bytes: &[u8]) -> String {
        callvault_seal::sha256(bytes).iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn every_value_and_recording_of_a_vault_opens_in_python_and_is_the_right_one() {
        if !able() {
            return;
        }
        let (mut home, scene) = taken_in();
        let opened = vault(&home, true);
        assert_eq!(opened.code, Some(0), "{}", opened.err);
        let found: Value = serde_json::from_str(&opened.out).unwrap();
        let conversations = found["conversations"].as_array().unwrap();
        assert_eq!(conversations.len(), scene.conversations().len());
        let each = |field: &str| -> Vec<Value> {
            conversations.iter().flat_map(|c| c[field].as_array().unwrap().clone()).collect()
        };
        let originals: BTreeSet<String> = each("objects")
            .iter()
            .filter(|o| o["kind"] == "original")
            .map(|o| o["sha256"].as_str().unwrap().to_owned())
            .collect();
        let sources: BTreeSet<String> =
            scene.sources().iter().map(|s| digest(&fs::read(s).unwrap())).collect();
        assert_eq!(originals, sources, "the originals are the files that went in");
        assert!(each("objects").iter().any(|o| o["kind"] == "redacted"), "muted recordings opened, too");
        let values: BTreeSet<String> = each("tokens")
            .iter()
            .map(|t| t["value"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect())
            .collect();
        let cards: Vec<String> = scene
            .conversations()
            .iter()
            .flat_map(|c| c["planted"].as_array().unwrap())
            .filter(|p| p["type"] == "CREDIT_CARD")
            .map(|p| p["value"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect())
            .collect();
        assert!(cards.iter().any(|card| values.contains(card)), "a card number behind its token");
        for conversation in conversations.iter().filter(|c| !c["turns"].as_array().unwrap().is_empty()) {
            let shown = home.run(["show", "--json", conversation["id"].as_str().unwrap()]).ok().json();
            let ours: Vec<&Value> = shown["turns"].as_array().unwrap().iter().map(|t| &t["text"]).collect();
            let theirs: Vec<&Value> = conversation["turns"].as_array().unwrap().iter().collect();
            assert_eq!(theirs, ours, "the masked words");
        }
        assert!(found["contacts"].as_u64().unwrap() > 0);
        let plain = vault(&home, false).out;
        assert!(!plain.contains("\"value\""), "without --values no covered value is printed");

        // The other implementation refuses what was altered; else it would prove nothing.
        for sealed in files(&home.data().join("blobs")) {
            let whole = fs::read(&sealed).unwrap();
            let mut spoiled = whole.clone();
            let middle = spoiled.len() / 2;
            spoiled[middle] ^= 1;
            fs::write(&sealed, &spoiled).unwrap();
            let refused = vault(&home, false);
            assert_eq!(refused.code, Some(1), "{}", refused.out);
            fs::write(&sealed, &whole).unwrap();
        }
        let whole = home.data().to_owned();
        for (n, swap) in [
            "UPDATE turn SET sealed_text = (SELECT sealed_text FROM turn t WHERE t.rowid <> turn.rowid LIMIT 1) WHERE rowid = (SELECT MAX(rowid) FROM turn)",
            "UPDATE subject SET wrapped_key = (SELECT wrapped_key FROM subject s WHERE s.id <> subject.id LIMIT 1)",
            "UPDATE contact SET sealed_value = (SELECT sealed_value FROM contact c WHERE c.rowid <> contact.rowid LIMIT 1)",
        ]
        .into_iter()
        .enumerate()
        {
            let copy = home.path(format!("copy{n}"));
            copy_tree(&whole, &copy);
            let db = rusqlite::Connection::open(copy.join("vault.db")).unwrap();
            assert!(db.execute(swap, []).unwrap() > 0);
            drop(db);
            home.set_data(copy);
            let refused = vault(&home, false);
            assert_eq!(refused.code, Some(1), "{swap}: {}", refused.out);
        }
    }

    #[test]
    fn a_certificate_holds_in_python_and_an_altered_one_does_not() {
        if !able() {
            return;
        }
        let (home, scene) = taken_in();
        let measured = home.path("measured.json");
        fs::write(&measured, home.run(["measure", "--json", scene.truth_file.to_str().unwrap()]).out)
            .unwrap();
        home.run(["disposal", "enable", "--measured", measured.to_str().unwrap(), "--cooling-days", "0"])
            .ok();
        home.run(["resume"]);
        let dir = home.path("certificates");
        home.run(["certificate", "export", dir.to_str().unwrap()]).ok();
        let all = files(&dir);
        assert!(!all.is_empty());
        for file in &all {
            let name = file.to_str().unwrap();
            let opened = python(&["--certificate", name]);
            assert_eq!(opened.code, Some(0), "{}", opened.err);
            let whole: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            for (part, was, is) in [
                ("title", whole["statement"]["title"].as_str().unwrap(), "Everything destroyed"),
                ("signature", "\u{2014} ", "\u{2014}\u{2014} "),
            ] {
                let text = fs::read_to_string(file).unwrap();
                let spoiled = home.path("work").join("spoiled.json");
                fs::write(&spoiled, text.replacen(was, is, 1)).unwrap();
                assert_ne!(fs::read_to_string(&spoiled).unwrap(), text, "{part}");
                let refused = python(&["--certificate", spoiled.to_str().unwrap()]);
                assert_ne!(refused.code, Some(0), "{part}: {}", refused.out);
            }
        }
        // What was destroyed is destroyed for everybody who has all the keys.
        let opened = vault(&home, false);
        assert_eq!(opened.code, Some(0), "{}", opened.err);
        let found: Value = serde_json::from_str(&opened.out).unwrap();
        let gone = found["conversations"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|c| c["objects"].as_array().unwrap())
            .filter(|o| o["key"] == "destroyed")
            .count();
        assert_eq!(gone, all.len());
    }
}
