//! Whoever changes the ledger or a certificate is found out, offline, and the first broken entry is named.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        calls::{self, Scene},
        home::{Home, Ran, copy_tree, files, remove},
        seeded::Seeded,
    };
    use serde_json::Value;
    use std::{
        fs,
        path::{Path, PathBuf},
        sync::OnceLock,
    };

    /// A vault with certificates, its exported ledger and its key; made once, every trial works on a copy.
    struct Finished {
        home: Home,
        export: PathBuf,
        certificates: Vec<PathBuf>,
        vkey: String,
    }

    fn finished() -> &'static Finished {
        static ONCE: OnceLock<Finished> = OnceLock::new();
        ONCE.get_or_init(make)
    }

    fn make() -> Finished {
        let mut home = Home::new();
        let vkey = home.run(["init", "--json"]).ok().json()["vkey"].as_str().unwrap().to_owned();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], true);
        home.engine(Some(&scene.script));
        let measured = home.path("measured.json");
        fs::write(&measured, home.run(["measure", "--json", scene.truth_file.to_str().unwrap()]).out)
            .unwrap();
        home.run(["disposal", "enable", "--measured", measured.to_str().unwrap(), "--cooling-days", "0"])
            .ok();
        home.run(["ingest".to_owned()].into_iter().chain(scene.folders())).ok();
        let (export, certificates) = (home.path("export"), home.path("certificates"));
        home.run(["verify", "--export", export.to_str().unwrap()]).ok();
        home.run(["certificate", "export", certificates.to_str().unwrap()]).ok();
        let certificates = files(&certificates);
        assert!(certificates.len() >= 4);
        Finished { home, export, certificates, vkey }
    }

    fn lines(dir: &Path) -> Vec<String> {
        fs::read_to_string(dir.join("entries.jsonl")).unwrap().lines().map(str::to_owned).collect()
    }

    fn write_lines(dir: &Path, lines: &[String]) {
        let text: String = lines.iter().flat_map(|l| [l.as_str(), "\n"]).collect();
        fs::write(dir.join("entries.jsonl"), text).unwrap();
    }

    /// `verify --json` says no with exit 1; returns the entry it names.
    fn broken(said: Ran) -> Option<u64> {
        let said = said.expect(1);
        let json = said.json();
        assert_eq!(json["ok"], false, "{json}");
        assert!(json["why"].as_str().is_some_and(|w| !w.is_empty()));
        json["seq"].as_u64()
    }

    fn verify(dir: &Path) -> Ran {
        finished().home.run(["verify", "--json", dir.to_str().unwrap()])
    }

    /// A byte that changes the meaning of a line: inside a string or a number.
    fn flip(text: &str, seeded: &mut Seeded) -> String {
        let mut bytes = text.as_bytes().to_vec();
        loop {
            let at = seeded.below(bytes.len());
            if bytes[at].is_ascii_alphanumeric() {
                bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
                return String::from_utf8(bytes).unwrap();
            }
        }
    }

    #[test]
    fn an_export_that_was_changed() {
        let whole = lines(&finished().export);
        let n = whole.len();
        assert!(n >= 20, "{n} entries");
        verify(&finished().export).ok();
        let mut seeded = Seeded(41);
        for trial in 0..40 {
            let mut changed = whole.clone();
            let at = seeded.below(n);
            let wanted = match trial % 5 {
                0 => {
                    changed[at] = flip(&changed[at], &mut seeded);
                    at
                }
                1 => {
                    changed.remove(at);
                    at
                }
                2 => {
                    let other = (at + 1 + seeded.below(n - 1)) % n;
                    changed.swap(at, other);
                    at.min(other)
                }
                3 => {
                    let copy = changed[seeded.below(n)].clone();
                    changed.insert(at, copy);
                    // A copy of the entry itself before itself shows at the second of the two.
                    if changed[at] == changed[at + 1] { at + 1 } else { at }
                }
                _ => {
                    changed.truncate(at);
                    at
                }
            };
            let place = finished().home.path(format!("export-{trial}"));
            copy_tree(&finished().export, &place);
            write_lines(&place, &changed);
            assert_eq!(broken(verify(&place)), Some(wanted as u64), "trial {trial} at {at} of {n}");
            fs::remove_dir_all(place).unwrap();
        }
    }

    #[test]
    fn the_files_beside_an_export() {
        let mut seeded = Seeded(42);
        for (name, trials) in [("checkpoint", 8), ("leaves", 8), ("vkey", 4), ("checkpoints", 8)] {
            for trial in 0..trials {
                let place = finished().home.path(format!("beside-{name}-{trial}"));
                copy_tree(&finished().export, &place);
                let mut bytes = fs::read(place.join(name)).unwrap();
                let at = loop {
                    let at = seeded.below(bytes.len());
                    if name == "leaves" || bytes[at].is_ascii_alphanumeric() {
                        break at;
                    }
                };
                bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
                fs::write(place.join(name), bytes).unwrap();
                let said = verify(&place);
                assert_eq!(said.code, Some(1), "{name} byte {at}: {said:?}");
                fs::remove_dir_all(place).unwrap();
            }
        }
        for name in ["checkpoint", "entries.jsonl", "vkey"] {
            let place = finished().home.path(format!("without-{name}"));
            copy_tree(&finished().export, &place);
            remove(place.join(name));
            assert_eq!(verify(&place).code, Some(1), "{name}");
            fs::write(place.join(name), "").unwrap();
            assert_eq!(verify(&place).code, Some(1), "{name} empty");
        }
    }

    #[test]
    fn the_database_that_was_changed() {
        let mut seeded = Seeded(43);
        let n = lines(&finished().export).len();
        for trial in 0..30 {
            let place = finished().home.path(format!("db-{trial}"));
            copy_tree(finished().home.data(), &place);
            let db = rusqlite::Connection::open(place.join("vault.db")).unwrap();
            let at = seeded.below(n);
            let body: Vec<u8> = db
                .query_row("SELECT body FROM ledger_entry WHERE seq = ?1", [at as i64], |r| r.get(0))
                .unwrap();
            let wanted = match trial % 5 {
                0 => {
                    let changed = flip(&String::from_utf8(body).unwrap(), &mut seeded).into_bytes();
                    db.execute("UPDATE ledger_entry SET body = ?2 WHERE seq = ?1", (at as i64, changed))
                        .unwrap();
                    at
                }
                1 => {
                    db.execute("DELETE FROM ledger_entry WHERE seq = ?1", [at as i64]).unwrap();
                    at
                }
                2 => {
                    let other = (at + 1 + seeded.below(n - 1)) % n;
                    let to = |from: i64, to: i64| {
                        db.execute("UPDATE ledger_entry SET seq = ?2 WHERE seq = ?1", (from, to)).unwrap()
                    };
                    to(at as i64, -7);
                    to(other as i64, at as i64);
                    to(-7, other as i64);
                    at.min(other)
                }
                3 => {
                    db.execute("INSERT INTO ledger_entry (seq, body, leaf) SELECT ?2, body, leaf FROM ledger_entry WHERE seq = ?1", (at as i64, n as i64)).unwrap();
                    n
                }
                _ => {
                    db.execute("DELETE FROM ledger_entry WHERE seq >= ?1", [at as i64]).unwrap();
                    at
                }
            };
            drop(db);
            assert_eq!(broken(verify(&place)), Some(wanted as u64), "trial {trial} at {at} of {n}");
            // The program itself does not go on with such a vault when its end was changed.
            if trial % 5 >= 3 {
                let key = finished().home.key_file();
                let said = finished().home.run([
                    "show",
                    "--data",
                    place.to_str().unwrap(),
                    "--key-file",
                    key.to_str().unwrap(),
                ]);
                assert_eq!(said.code, Some(3), "trial {trial}: {said:?}");
            }
            fs::remove_dir_all(place).unwrap();
        }
    }

    #[test]
    fn an_old_state_put_back_contradicts_a_checkpoint_kept_elsewhere() {
        let mut home = Home::with_vault();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], false);
        let old = home.path("old");
        copy_tree(home.data(), &old);
        home.engine(Some(&scene.script));
        home.run(["ingest", &scene.folders()[0]]).ok();
        let export = home.path("export");
        home.run(["verify", "--export", export.to_str().unwrap()]).ok();
        let kept = export.join("checkpoint");
        home.run(["verify", old.to_str().unwrap()]).ok();
        let said =
            home.run(["verify", "--json", "--checkpoint", kept.to_str().unwrap(), old.to_str().unwrap()]);
        broken(said);
    }

    #[test]
    fn the_ledger_of_another_vault() {
        let other = Home::with_vault();
        let export = other.path("export");
        other.run(["verify", "--export", export.to_str().unwrap()]).ok();
        let export = export.to_str().unwrap();
        let said = other.run(["verify", "--json", export]).ok().json();
        assert_eq!(said["key_given"], false, "who gave no key is told so");
        broken(other.run(["verify", "--json", "--vkey", &finished().vkey, export]));
        let own = finished().export.to_str().unwrap();
        assert_eq!(
            other.run(["verify", "--json", "--vkey", &finished().vkey, own]).ok().json()["key_given"],
            true
        );
        other.run(["verify", "--vkey", "nonsense", own]).expect(2);
        other.run(["verify", other.path("work").to_str().unwrap()]).expect(1);
        other.run(["verify", other.path("nowhere").to_str().unwrap()]).expect(3);
    }

    fn check(file: &Path, more: &[&str]) -> Ran {
        let args = ["certificate", "verify", file.to_str().unwrap()].into_iter().chain(more.iter().copied());
        finished().home.run(args)
    }

    #[test]
    fn a_certificate_that_was_changed() {
        let good = &finished().certificates[0];
        check(good, &["--vkey", &finished().vkey]).ok();
        let text = fs::read_to_string(good).unwrap();
        let place = finished().home.path("bad.json");
        for (from, to) in [
            ("\"remains\"", "\"destroyed\""),
            ("copies remain elsewhere", "and no copy is left"),
            ("single-person vault", "two-person vault"),
            ("cryptographic erase", "physical destruction"),
            ("\"same-engine\"", "\"independent\""),
            ("\"independent\"", "\"same-engine\""),
            ("\"chat\"", "\"voice\""),
            ("not found in", "now found in"),
            ("\"rounds\": 1", "\"rounds\": 2"),
        ] {
            let changed = text.replace(from, to);
            if changed != text {
                fs::write(&place, changed).unwrap();
                let said = check(&place, &[]).expect(1);
                assert!(said.out.contains("NOT VALID"), "{from} → {to}: {}", said.out);
            }
        }
        let mut seeded = Seeded(44);
        for trial in 0..60 {
            let changed = flip(&text, &mut seeded);
            fs::write(&place, &changed).unwrap();
            let said = check(&place, &[]);
            assert_eq!(said.code, Some(1), "trial {trial}: {}", difference(&text, &changed));
        }
        for cut in [0, 1, text.len() / 2, text.len() - 2] {
            fs::write(&place, &text[..cut]).unwrap();
            check(&place, &[]).expect(1);
        }
    }

    fn difference(a: &str, b: &str) -> String {
        let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap();
        String::from_utf8_lossy(&b.as_bytes()[at.saturating_sub(40)..(at + 20).min(b.len())]).into_owned()
    }

    #[test]
    fn parts_of_two_certificates() {
        let read = |i: usize| -> Value {
            serde_json::from_slice(&fs::read(&finished().certificates[i]).unwrap()).unwrap()
        };
        for part in ["statement", "signature", "ledger_proof"] {
            let (mut mixed, other) = (read(0), read(1));
            mixed[part] = other[part].clone();
            let place = finished().home.path(format!("mixed-{part}.json"));
            fs::write(&place, mixed.to_string()).unwrap();
            check(&place, &[]).expect(1);
        }
    }

    #[test]
    fn the_certificate_of_another_vault() {
        let other = make();
        let theirs = &other.certificates[0];
        check(theirs, &[]).ok();
        let said = check(theirs, &["--vkey", &finished().vkey]).expect(1);
        assert!(said.out.contains("another key"), "{}", said.out);
        check(theirs, &["--ledger", finished().home.data().to_str().unwrap()]).expect(1);
        check(theirs, &["--ledger", other.export.to_str().unwrap()]).ok();
        check(
            &finished().certificates[0],
            &["--ledger", finished().export.to_str().unwrap(), "--vkey", &finished().vkey],
        )
        .ok();
    }
}
