//! A machine that fails: disk, clock, permissions, models, engines.

use crate::support::{
    audio::{self, Wav},
    calls::{self, Scene},
    home::{Home, files, remove},
};
use callvault_detect::{Detector, Profile};
use callvault_flow::{
    QuarantineCode, source,
    tools::Tools,
    walk::{self, Outcome},
};
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
    for left_kb in [900u64, 700, 500, 400, 300, 200, 120, 60] {
        // The vault is opened in full room and closed again, then the room is taken.
        let free = free_kb(&small.0);
        fs::write(&filler, vec![1u8; (free.saturating_sub(left_kb) * 1024) as usize]).unwrap();
        let said = home.run(["ingest", &scene.folders()[0]]);
        if said.code != Some(0) {
            assert_eq!(said.code, Some(3), "{said:?}");
            assert!(said.err.contains(calls::CARD), "the file is not named: {}", said.err);
            assert!(
                said.err.contains("space") || said.err.contains("full"),
                "the cause is not named: {}",
                said.err
            );
            failed_at.insert(left_kb);
        }
        remove(&filler);
        home.run(["verify"]).ok();
        assert!(
            home.rows().iter().all(|r| r["state"] == "received" || r["state"] == "recorded"),
            "{:?}",
            home.rows()
        );
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
        let said = home.run([
            "redact",
            "--out",
            home.path("out").to_str().unwrap(),
            calls::wav(calls::CARD).to_str().unwrap(),
        ]);
        if said.code != Some(0) {
            assert_eq!(said.code, Some(3), "{said:?}");
            assert!(said.err.contains(calls::CARD), "the file is not named: {}", said.err);
            let left = files(&home.path("out"));
            assert!(
                left.iter().all(|f| f.extension().is_none_or(|e| e != "wav")),
                "half a recording was left: {left:?}"
            );
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
    let new = NewVault {
        dir: home.data(),
        key_file: &key,
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    drop(Vault::init(&new, id, at("2026-06-01T12:00:00Z"), "test").unwrap());
    let open = |clock| Vault::open(home.data(), &key, None, clock, "test").unwrap();
    open(at("2026-06-01T12:00:05Z"))
        .enable_disposal(&callvault_store::Actor::LocalOperator, None, Measured::new(100, 100), 7)
        .unwrap();
    let before = ledger::verify_data(home.data(), &Options::default()).unwrap().unwrap();
    assert_eq!(before.clock_went_back, None);
    open(at("2026-05-01T12:00:00Z")).disable_disposal(&callvault_store::Actor::LocalOperator).unwrap();

    let after = ledger::verify_data(home.data(), &Options::default()).unwrap().unwrap();
    assert!(after.clock_went_back.is_some_and(|(times, _)| times >= 1), "{after:?}");
    let said = home.run(["verify"]).ok();
    assert!(said.out.contains("warning: the clock went back"), "{}", said.out);
    let export = home.path("export");
    open(at("2026-06-02T00:00:00Z")).export_ledger(&export).unwrap();
    let entries = fs::read_to_string(export.join("entries.jsonl")).unwrap();
    let stepped = entries
        .lines()
        .find(|l| l.contains("clock.stepped"))
        .expect("no entry says that the clock was set back");
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
    for args in
        [&["models", "verify"][..], &["ingest", call.to_str().unwrap()], &["redact", call.to_str().unwrap()]]
    {
        let said = home.run(args).expect(3);
        for part in ["encoder_model.onnx", "SHA-256", "callvault models pull"] {
            assert!(said.err.contains(part), "{part} is missing: {}", said.err);
        }
    }
    assert!(home.rows().is_empty() && !home.path("work/a.redacted.wav").exists());

    // Half a model is damaged, not absent: nobody works with it.
    remove(models.join("moonshine-base-en/encoder_model.onnx"));
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
    let new = NewVault {
        dir: home.data(),
        key_file: &key,
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
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
    for script in [
        "sleep 100",
        "cat >/dev/null; echo '{\"half\": '",
        "echo 5425233430109903",
        "yes",
        "exit 7",
        "kill -9 $$",
    ] {
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
