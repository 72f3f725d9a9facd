//! Kill -9 at seeded random moments: whatever the moment, work goes on where it stopped, nothing is lost, nothing is done
//! twice, and nothing that must be unreadable lies about. 8 kills; with `CALLVAULT_DEEP=1`, 50.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        calls::{self, Scene},
        forms::Needles,
        home::{Home, files},
        seeded::Seeded,
    };
    use callvault_model::SystemClock;
    use callvault_store::{State, Vault};
    use serde_json::Value;
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        io::Read,
        process::Stdio,
        sync::Arc,
        thread,
        time::{Duration, Instant},
    };

    const STEMS: [&str; 4] = [calls::CARD, calls::SSN, calls::KEYED, calls::SPANISH];

    /// What is known of each conversation afterwards; ids and times differ from run to run.
    type Fates = Vec<(String, u64, String, String, u64)>;

    fn fates(home: &Home) -> Fates {
        let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
        let mut all: Fates = home
            .rows()
            .iter()
            .map(|r| {
                (
                    text(&r["channel"]),
                    r["duration_ms"].as_u64().unwrap(),
                    text(&r["state"]),
                    text(&r["proof"]),
                    r["findings"].as_u64().unwrap(),
                )
            })
            .collect();
        all.sort();
        all
    }

    /// A vault that may dispose at once, on a measurement of its own.
    fn vault(scene_of: &Home, scene: &Scene) -> Home {
        let mut home = Home::with_vault();
        home.engine(Some(&scene_of.path("work/script.json")));
        let file = home.path("measured.json");
        fs::write(&file, home.run(["measure", "--json", scene.truth_file.to_str().unwrap()]).out).unwrap();
        home.run(["disposal", "enable", "--measured", file.to_str().unwrap(), "--cooling-days", "0"]).ok();
        assert!(scene.script.is_file());
        home
    }

    fn ingest(scene: &Scene) -> Vec<String> {
        ["ingest", "--json"].into_iter().map(str::to_owned).chain(scene.folders()).collect()
    }

    /// Starts a command and kills it after `after`; says whether it was still at work.
    fn kill_after(home: &Home, args: &[String], after: Duration) -> bool {
        let mut child = home.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while started.elapsed() < after {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            thread::sleep(Duration::from_micros(200));
        }
        // SIGKILL: no handler, no destructor, no flush.
        child.kill().unwrap();
        let status = child.wait().unwrap();
        status.code().is_none()
    }

    /// In which states a killed run left its conversations; read without opening the vault, which would tidy up.
    fn states_left(home: &Home) -> BTreeSet<String> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(home.data().join("vault.db"), flags).unwrap();
        let mut statement = db.prepare("SELECT DISTINCT state FROM conversation").unwrap();
        let rows = statement.query_map([], |r| r.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn rows_of_blobs(home: &Home) -> usize {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(home.data().join("vault.db"), flags).unwrap();
        let count = "SELECT COUNT(*) FROM object WHERE key_destroyed_at IS NULL";
        db.query_row(count, [], |r| r.get::<_, i64>(0)).unwrap() as usize
    }

    /// What a person would do after a crash: take the folder in again, and let it go on with what was left.
    fn finish(home: &Home, scene: &Scene) {
        for args in [ingest(scene), vec!["resume".to_owned()]] {
            let said = home.run(&args);
            assert!(matches!(said.code, Some(0 | 1)), "{args:?}: {said:?}");
        }
    }

    fn needles(scene: &Scene) -> Needles {
        let mut needles = Needles::default();
        for conversation in scene.conversations() {
            needles.planted(conversation);
            for turn in conversation["turns"].as_array().into_iter().flatten() {
                needles.phrases(turn["text"].as_str().unwrap());
            }
        }
        for source in scene.sources() {
            let bytes = fs::read(&source).unwrap();
            if source.extension().is_some_and(|e| e == "wav") {
                needles.sound(&bytes, true, "sound of the original");
            } else {
                needles.phrases(&String::from_utf8(bytes).unwrap());
            }
        }
        needles
    }

    /// The whole examination of a vault after its crashes.
    fn examine(home: &Home, scene: &Scene, wanted: &Fates, needles: &Needles) {
        assert_eq!(&fates(home), wanted);
        home.run(["verify"]).ok();
        certificates_hold(home, wanted.iter().filter(|f| f.2 == "disposed").count());
        originals_are_accounted_for(home, scene);
        no_orphans(home);
        let (found, searched) = needles.search().find_below(home.data());
        assert!(searched > 100_000, "only {searched} bytes were searched");
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(files(&home.path("tmp")), Vec::<std::path::PathBuf>::new());
    }

    fn certificates_hold(home: &Home, wanted: usize) {
        let dir = home.path("certificates");
        home.run(["certificate", "export", dir.to_str().unwrap()]).ok();
        let all = files(&dir);
        assert_eq!(all.len(), wanted);
        let mut about = BTreeSet::new();
        for file in &all {
            home.run([
                "certificate",
                "verify",
                "--ledger",
                home.data().to_str().unwrap(),
                file.to_str().unwrap(),
            ])
            .ok();
            let c: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            about.insert(c["statement"]["conversation"].as_str().unwrap().to_owned());
        }
        assert_eq!(about.len(), wanted, "two certificates speak of one conversation");
    }

    /// Each original is sealed and opens to the very bytes of its source, or its key is gone and certified.
    fn originals_are_accounted_for(home: &Home, scene: &Scene) {
        let mut sources: BTreeMap<Vec<u8>, bool> =
            scene.sources().iter().map(|s| (fs::read(s).unwrap(), false)).collect();
        let vault = Vault::open(home.data(), &home.key_file(), None, Arc::new(SystemClock), "test").unwrap();
        let certified: BTreeSet<_> = vault.certificates().unwrap().into_iter().map(|(id, _)| id).collect();
        let mut gone = 0;
        for row in vault.conversations().unwrap() {
            match vault.original(row.id) {
                Ok(mut sealed) => {
                    let mut bytes = Vec::new();
                    sealed.read_to_end(&mut bytes).unwrap();
                    let seen =
                        sources.get_mut(&bytes).expect("an original opens to something else than its source");
                    assert!(!std::mem::replace(seen, true), "one source was taken in twice");
                    assert!(row.state != State::Disposed && !certified.contains(&row.id));
                }
                Err(callvault_store::Error::KeyDestroyed(_)) => {
                    assert!(row.state == State::Disposed && certified.contains(&row.id), "{row:?}");
                    gone += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        let sealed = sources.values().filter(|seen| **seen).count();
        assert_eq!(sealed + gone, sources.len(), "an original is lost");
    }

    fn no_orphans(home: &Home) {
        let db = rusqlite::Connection::open(home.data().join("vault.db")).unwrap();
        let mut statement = db.prepare("SELECT id FROM object WHERE key_destroyed_at IS NULL").unwrap();
        let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0)).unwrap();
        let known: BTreeSet<String> =
            rows.map(|r| r.unwrap().iter().map(|b| format!("{b:02x}")).collect()).collect();
        let there: BTreeSet<String> = files(&home.data().join("blobs"))
            .iter()
            .map(|p| {
                p.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .strip_suffix(".sealed")
                    .expect("an unknown file")
                    .replace('-', "")
            })
            .collect();
        assert_eq!(there, known, "sealed files and rows do not agree");
    }

    #[test]
    fn killed_at_any_moment_it_goes_on_and_leaves_nothing_behind() {
        let wanted_kills = if std::env::var_os("CALLVAULT_DEEP").is_some_and(|v| v == "1") { 50 } else { 8 };
        let mut stage = Home::with_vault();
        let scene = Scene::build(&stage.path("work"), &STEMS, true);
        stage.engine(Some(&scene.script));
        let needles = needles(&scene);
        assert!(needles.len() > 5_000);

        let calm = vault(&stage, &scene);
        let started = Instant::now();
        calm.run(ingest(&scene)).expect(1);
        let whole = started.elapsed();
        let wanted = fates(&calm);
        examine(&calm, &scene, &wanted, &needles);

        let mut seeded = Seeded(20_260_302);
        let (mut kills, mut rounds) = (0, 0);
        let mut left: BTreeMap<String, u32> = BTreeMap::new();
        let mut unsealed = 0;
        while kills < wanted_kills {
            rounds += 1;
            let home = vault(&stage, &scene);
            // Six starts are enough to get to the end; each is killed somewhere on its way.
            for start in 0..6 {
                let args = if start % 3 == 2 { vec!["resume".to_owned()] } else { ingest(&scene) };
                let after = whole.mul_f64(seeded.share() * 0.8);
                if kills < wanted_kills && kill_after(&home, &args, after) {
                    kills += 1;
                    // The ledger is whole at every moment, not only at the end.
                    home.run(["verify"]).ok();
                    states_left(&home).into_iter().for_each(|state| *left.entry(state).or_default() += 1);
                    unsealed += usize::from(files(&home.data().join("blobs")).len() > rows_of_blobs(&home));
                }
            }
            finish(&home, &scene);
            examine(&home, &scene, &wanted, &needles);
        }
        assert!(left.contains_key("received"), "no kill hit a conversation at work: {left:?}");
        eprintln!("conversations were left {left:?}; half-written sealed files {unsealed} times");
        eprintln!(
            "{kills} kills in {rounds} vaults; one calm run takes {:.2} s; {} conversations, {} needles, each found 0 times",
            whole.as_secs_f64(),
            wanted.len(),
            needles.len()
        );
    }

    /// The needles do find what is there: a search that cannot fail proves nothing.
    #[test]
    fn the_search_finds_every_form() {
        use base64::Engine as _;
        let home = Home::new();
        let scene = Scene::build(&home.path("work"), &[calls::CARD], false);
        let needles = needles(&scene);
        let search = needles.search();
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let card = "5425233430109903";
        let hex: String = card.bytes().map(|b| format!("{b:02x}")).collect();
        let wide: Vec<u8> = card.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for hidden in [
            card.as_bytes().to_vec(),
            b"5425 2334 3010 9903".to_vec(),
            b"5 4 2 5 2 3 3 4 3 0 1 0 9 9 0 3".to_vec(),
            b"five four two five two three three four three zero one zero nine nine zero three".to_vec(),
            base64(card).into_bytes(),
            base64(&format!("x{card}y")).into_bytes(),
            base64(&format!("xy{card}")).into_bytes(),
            hex.into_bytes(),
            wide,
        ] {
            let mut around = vec![0xA5; 1000];
            around.extend(&hidden);
            around.extend([0x5A; 1000]);
            assert!(search.find(&around).contains(card), "{}", String::from_utf8_lossy(&hidden));
        }
        assert!(!search.find(b"... I want to pay my bill ...").is_empty());
        // A short number in base64 counts where it stands alone, and not as a piece of a hash.
        let mut zip = Needles::default();
        zip.value("97701");
        for (said, found) in [
            ("97701", true),
            ("lives in Bend 97701, Oregon", true),
            ("{\"zip\":\"97701\"}", true),
            ("b31b997701606f3c2411d6076a8d3e6c", false),
        ] {
            for shift in ["", "/", "::"] {
                let hidden = base64(&format!("{shift}{said}"));
                assert_eq!(!zip.search().find(hidden.as_bytes()).is_empty(), found, "{shift}{said}");
            }
        }
        let sound = fs::read(scene.sources().remove(0)).unwrap();
        assert!(search.find(&sound[90_000..92_000]).contains("sound of the original"));
        let decoded: Vec<u8> = sound[90_001..92_001]
            .iter()
            .flat_map(|b| crate::support::audio::ulaw(*b).to_le_bytes())
            .collect();
        assert!(search.find(&decoded).contains("sound of the original"));
    }
}
