//! The leak meter on recordings without labels, through the real program: synthetic spoken secrets in copies of them.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{
        calls,
        home::{Home, files},
    };
    use callvault_speech::{
        models::{Model, ModelStore, State},
        say,
    };
    use serde_json::{Value, json};
    use std::{
        fs,
        path::{Path, PathBuf},
        process::Command,
    };

    fn skipped(why: &str) {
        eprintln!("skipped: {why}");
    }

    /// Two calls in a folder, and what their bytes are.
    fn folder(home: &Home) -> (PathBuf, Vec<Vec<u8>>) {
        let dir = home.path("work/calls");
        fs::create_dir_all(&dir).unwrap();
        for (n, stem) in [calls::CARD, calls::SSN].into_iter().enumerate() {
            fs::copy(calls::wav(stem), dir.join(format!("{n}.wav"))).unwrap();
        }
        let bytes = files(&dir).iter().map(|f| fs::read(f).unwrap()).collect();
        (dir, bytes)
    }

    fn nothing_left(home: &Home, dir: &Path, before: &[Vec<u8>]) {
        let now: Vec<Vec<u8>> = files(dir).iter().map(|f| fs::read(f).unwrap()).collect();
        assert!(now == before, "the recordings stay as they are");
        assert_eq!(files(&home.path("tmp")), Vec::<PathBuf>::new(), "copies are removed");
        assert!(!home.data().exists(), "no vault of the user is touched");
    }

    #[test]
    fn an_engine_that_hears_nothing_of_it_leaves_every_planted_value_audible() {
        if say::installed().is_err() {
            return skipped("espeak-ng is not installed");
        }
        let mut home = Home::new();
        let (dir, before) = folder(&home);
        let place = dir.to_str().unwrap();
        let none = home.run(["measure", place]).expect(3);
        assert!(none.err.contains("callvault models pull"), "{}", none.err);
        // It hears one word, at the beginning of each call.
        let script = home.path("work/script.json");
        let word = json!([{"start_ms": 0, "end_ms": 20_000, "text": "hello there how are you today"}]);
        fs::write(&script, json!({"channels": [word, word]}).to_string()).unwrap();
        home.engine(Some(&script));
        let report = home.run(["measure", "--json", "--seed", "4", place]).expect(1).json();
        let of = |name: &str| report[name].as_u64().unwrap();
        assert_eq!((&report["kind"], of("recordings")), (&json!("planted recordings"), 2), "{report}");
        let misses = report["misses"].as_array().unwrap();
        assert!(of("values") >= 2, "{report}");
        assert_eq!((of("covered"), misses.len() as u64), (0, of("values")), "{report}");
        assert!(misses.iter().all(|m| m["how"].as_str().unwrap().starts_with("audible ")), "{report}");
        assert_eq!(report["recall_at_least"], 0.0);
        let counted: u64 =
            report["by_form"].as_object().unwrap().values().map(|v| v[0].as_u64().unwrap()).sum();
        assert_eq!(counted, of("values"));
        // The same seed plants the same, another something else.
        let again = |seed: &str| home.run(["measure", "--json", "--seed", seed, place]).expect(1).json();
        assert_eq!(again("4"), report);
        assert_ne!(again("5")["misses"], report["misses"]);
        let said = home.run(["measure", "--plant", "1", place]).expect(1);
        assert!(said.out.contains("upper bound, which `disposal enable` does not take"), "{}", said.out);
        nothing_left(&home, &dir, &before);
        // It releases nothing.
        home.run(["init"]).ok();
        let file = home.path("work/report.json");
        fs::write(&file, report.to_string()).unwrap();
        let refused = home.run(["disposal", "enable", "--measured", file.to_str().unwrap()]).expect(3);
        assert!(refused.err.contains("not signed"), "{}", refused.err);
    }

    #[test]
    fn what_is_missing_or_mixed_is_said() {
        let mut home = Home::new();
        let (dir, before) = folder(&home);
        let place = dir.to_str().unwrap().to_owned();
        let script = home.path("work/script.json");
        fs::write(&script, json!({"channels": [[], []]}).to_string()).unwrap();
        home.engine(Some(&script));
        home.run(["measure", "--recognisers", "x.toml", &place]).expect(3);
        let mut bare = home.command(["measure", &place]);
        let ran = bare.env("PATH", home.path("work")).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(3), "{said}");
        assert!(said.contains("apt install espeak-ng"), "{said}");
        nothing_left(&home, &dir, &before);
        fs::write(dir.join("a.txt"), "agent: hello").unwrap();
        let mixed = home.run(["measure", &place]).expect(2);
        assert!(mixed.err.contains("measure them apart"), "{}", mixed.err);
    }

    #[test]
    fn the_models_hear_what_is_planted_and_it_is_muted() {
        let store = ModelStore::locate().ok().filter(|s| s.state(Model::Base) == State::Installed);
        let Some(store) = store else { return skipped("speech model absent (callvault models pull)") };
        if say::installed().is_err() {
            return skipped("espeak-ng is not installed");
        }
        let mut home = Home::new();
        let (dir, before) = folder(&home);
        home.set("CALLVAULT_MODELS", store.root());
        let ran = home.run(["measure", "--json", "--profile", "all", dir.to_str().unwrap()]);
        assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.err);
        let report: Value = ran.json();
        let of = |name: &str| report[name].as_u64().unwrap();
        assert!(of("values") > 0 || of("quarantined") > 0, "{report}");
        assert_eq!(of("values") - of("covered"), report["misses"].as_array().unwrap().len() as u64);
        // Half of what is planted is a bound that only a broken way falls below.
        assert!(of("covered") * 2 >= of("values"), "{report}");
        nothing_left(&home, &dir, &before);
    }

    #[test]
    fn an_interrupt_leaves_no_copy_behind() {
        if say::installed().is_err() {
            return skipped("espeak-ng is not installed");
        }
        let mut home = Home::new();
        let (dir, before) = folder(&home);
        for n in 2..40 {
            fs::copy(dir.join("0.wav"), dir.join(format!("{n}.wav"))).unwrap();
        }
        let script = home.path("work/script.json");
        fs::write(&script, json!({"channels": [[], []]}).to_string()).unwrap();
        home.engine(Some(&script));
        let child = home.command(["measure", dir.to_str().unwrap()]).spawn().unwrap();
        let started = std::time::Instant::now();
        while !files(&home.path("tmp")).iter().any(|f| f.extension().is_some_and(|e| e == "wav")) {
            assert!(started.elapsed().as_secs() < 60, "no copy was made");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        let ran = child.wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(3), "{}", String::from_utf8_lossy(&ran.stderr));
        for n in 2..40 {
            crate::support::home::remove(dir.join(format!("{n}.wav")));
        }
        nothing_left(&home, &dir, &before);
    }
}
