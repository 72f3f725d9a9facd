use super::*;
use callvault_flow::{hear::Hearing, source};
use callvault_model::{EntityType, Interval, IntervalSet, TimeQuality, Word, clock::FixedClock};
use callvault_seal::{OsEntropy, sha256};
use callvault_speech::{Heard, Segment, decode::Recording};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo")
}

/// A folder of recordings as a telephone system leaves it: the demo's calls, chats and e-mails, without the answers.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for part in ["calls", "chats", "emails"] {
        fs::create_dir(dir.path().join(part)).unwrap();
        for file in fs::read_dir(demo().join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.path().join(part).join(file.file_name())).unwrap();
        }
    }
    dir
}

/// Hears a demo call by reading its shipped transcript.
fn shipped(path: &Path, recording: &mut Recording) -> Result<Hearing, callvault_flow::Error> {
    let name = path.with_extension("json").file_name().unwrap().to_owned();
    let script: serde_json::Value =
        serde_json::from_slice(&fs::read(demo().join("transcripts").join(name)).unwrap()).unwrap();
    let heard = script["channels"].as_array().unwrap().iter().map(channel).collect();
    let tones = callvault_speech::dtmf::tones(recording)?;
    Ok(Hearing::assemble("shipped".into(), TimeQuality::Aligned, heard, tones))
}

fn channel(of: &serde_json::Value) -> Heard {
    let words: Vec<Word> = serde_json::from_value(of["words"].clone()).unwrap();
    let span = Interval::new(0, words.last().map_or(0, |w| w.end_ms));
    let voiced: IntervalSet = words.iter().map(|w| Interval::new(w.start_ms, w.end_ms)).collect();
    let segments = vec![Segment { span, words, doubts: Vec::new(), mean_log_prob: None }];
    Heard { segments, voiced, ..Heard::default() }
}

struct Bench {
    detector: Detector,
    cancel: AtomicBool,
    clock: FixedClock,
    cache: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let clock = FixedClock("2026-04-01T08:00:00Z".parse().unwrap());
        Self {
            detector: Detector::new(callvault_detect::Profile::Default).unwrap(),
            cancel: AtomicBool::new(false),
            clock,
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn options<'a>(&'a self, dir: &'a Path) -> Options<'a> {
        Options { dir, sample: None, seed: 1, fresh: false, cache: Some(self.cache.path()) }
    }

    fn tools<'a>(&'a self, hear: Option<&'a Hear<'a>>, progress: &'a dyn Fn(u64, u64)) -> Tools<'a> {
        Tools {
            detector: &self.detector,
            hear: hear.map(|h| ("shipped", h)),
            clock: &self.clock,
            entropy: &OsEntropy,
            cancel: &self.cancel,
            progress,
        }
    }

    fn scan(&self, dir: &Path) -> Summary {
        scan(&self.options(dir), &self.tools(Some(&shipped), &|_, _| {})).unwrap()
    }
}

/// Everything about a tree that a read must not change.
fn fingerprint(dir: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, u64, [u8; 32])> {
    let mut out = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(path) = todo.pop() {
        let m = fs::symlink_metadata(&path).unwrap();
        let hash = if m.is_file() { sha256(&fs::read(&path).unwrap()) } else { [0; 32] };
        if m.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        out.insert(path, (m.mode(), m.mtime(), m.mtime_nsec(), m.ino(), hash));
    }
    out
}

/// The values planted in the demo, as they would be read.
pub fn planted() -> Vec<(String, String)> {
    let truth: serde_json::Value =
        serde_json::from_slice(&fs::read(demo().join("truth.json")).unwrap()).unwrap();
    let mut out = Vec::new();
    for conversation in truth["conversations"].as_array().unwrap() {
        for list in ["planted", "planted_elsewhere"] {
            for p in conversation[list].as_array().into_iter().flatten() {
                out.push((p["type"].as_str().unwrap().to_owned(), p["value"].as_str().unwrap().to_owned()));
            }
        }
    }
    assert!(out.len() > 30);
    out
}

#[test]
fn the_demo_folder_is_counted_and_nothing_in_it_changes() {
    let (dir, bench) = (folder(), Bench::new());
    let before = fingerprint(dir.path());
    let s = bench.scan(dir.path());
    assert_eq!(before, fingerprint(dir.path()));
    assert_eq!((s.recordings, s.chats, s.emails, s.recordings_heard), (13, 3, 2, 13));
    assert_eq!(s.unreadable_total, 0, "{:?}", s.unreadable);
    assert!(!s.sampled && s.hours > 0.07 && s.hours < 0.1, "{}", s.hours);
    // Planted in the demo: see its truth. Spoken forms are found by the detector, so a few may be missed.
    let n = |e: EntityType| s.findings_by_type.get(&e).map_or(0, |c| c.values);
    assert!(
        n(EntityType::CreditCard) >= 5 && n(EntityType::PhoneNumber) >= 2 && n(EntityType::UsSsn) >= 1,
        "{:?}",
        s.findings_by_type
    );
    assert!(s.security_codes >= 3 && s.files_with_security_codes >= 3 && s.files_with_card_data >= 5);
    assert!(s.files_with_values_in_names >= 9, "{:?}", s.names_by_type);
    assert_eq!(s.sidecars_with_callers, 13);
    assert!(s.bytes_saved > 0 && s.bytes_saved < s.bytes);
    assert_eq!(s.interval.card_data.low, s.interval.card_data.high);
}

#[test]
fn neither_json_nor_screen_nor_report_nor_memory_holds_a_planted_value() {
    let (dir, bench) = (folder(), Bench::new());
    let s = bench.scan(dir.path());
    let memory: String = fs::read_dir(bench.cache.path().join("callvault/scan"))
        .unwrap()
        .map(|f| String::from_utf8_lossy(&fs::read(f.unwrap().path()).unwrap()).into_owned())
        .collect();
    let all = [
        serde_json::to_string(&s).unwrap(),
        screen::lines(&s).join("\n"),
        memory,
        crate::report::scan::scan_report(&s).unwrap(),
    ];
    let names: Vec<String> = source::find(dir.path())
        .unwrap()
        .iter()
        .map(|f| f.path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() == 18 && all[2].len() > 500);
    for text in &all {
        for (kind, value) in planted().iter().filter(|(_, v)| v.len() >= 5) {
            assert!(!text.to_lowercase().contains(&value.to_lowercase()), "{kind}");
        }
    }
    for name in names {
        assert!(!all[2].contains(&name));
    }
}

#[test]
fn a_second_scan_hears_nothing_again_and_a_changed_file_is_heard() {
    let (dir, bench) = (folder(), Bench::new());
    let heard = Cell::new(0u32);
    let hear = |path: &Path, r: &mut Recording| {
        heard.set(heard.get() + 1);
        shipped(path, r)
    };
    let run = |options: &Options<'_>| scan(options, &bench.tools(Some(&hear), &|_, _| {})).unwrap();
    let first = run(&bench.options(dir.path()));
    assert_eq!((heard.get(), first.resumed), (13, 0));
    let second = run(&bench.options(dir.path()));
    assert_eq!((heard.get(), second.resumed), (13, 18));
    assert_eq!(second.findings_by_type, first.findings_by_type);
    let one = dir.path().join("calls/rec-1772790311.4402.wav");
    fs::File::open(&one)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000))
        .unwrap();
    assert_eq!((run(&bench.options(dir.path())).resumed, heard.get()), (17, 14));
    run(&Options { fresh: true, ..bench.options(dir.path()) });
    assert_eq!(heard.get(), 27);
}

#[test]
fn a_stopped_scan_goes_on_where_it_was_even_after_a_torn_line() {
    let (dir, bench) = (folder(), Bench::new());
    let stop = |done: u64, _: u64| bench.cancel.store(done >= 9, Ordering::Relaxed);
    let error = scan(&bench.options(dir.path()), &bench.tools(Some(&shipped), &stop)).unwrap_err();
    assert!(error.to_string().contains("after 9 of 18"), "{error}");
    bench.cancel.store(false, Ordering::Relaxed);
    let state = fs::read_dir(bench.cache.path().join("callvault/scan")).unwrap().map(|f| f.unwrap().path());
    let state = state.into_iter().find(|p| p.extension().is_some()).unwrap();
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o600);
    let whole = fs::read(&state).unwrap();
    fs::write(&state, &whole[..whole.len() - 20]).unwrap();
    let again = bench.scan(dir.path());
    assert_eq!(again.resumed, 8);
    assert_eq!(bench.scan(dir.path()).resumed, 18, "the torn line swallowed nothing that came after it");
}

#[test]
fn a_sample_is_said_to_be_one_and_its_interval_holds_the_whole() {
    let (dir, bench) = (folder(), Bench::new());
    let whole = bench.scan(dir.path());
    let part = scan(
        &Options { sample: Some(5), ..bench.options(dir.path()) },
        &bench.tools(Some(&shipped), &|_, _| {}),
    )
    .unwrap();
    assert!(part.sampled && part.recordings_heard == 5 && part.recordings == 13 && part.hours_estimated);
    let i = part.interval.card_data;
    assert!(
        i.low < i.high
            && i.low <= whole.interval.card_data.share()
            && whole.interval.card_data.share() <= i.high,
        "{i:?}"
    );
    assert!((part.hours / whole.hours - 1.0).abs() < 0.2);
    assert!(screen::lines(&part).iter().any(|l| l.contains("random sample")));
}

#[test]
fn without_a_model_names_permissions_and_sizes_are_still_told() {
    let (dir, bench) = (folder(), Bench::new());
    let s = scan(&bench.options(dir.path()), &bench.tools(None, &|_, _| {})).unwrap();
    assert!(s.deaf() && s.recordings_heard == 0 && s.hours > 0.07 && s.files_with_values_in_names >= 9);
    assert!(screen::lines(&s).iter().any(|l| l.contains("models pull")));
    // Nothing that was not heard is remembered as heard.
    assert_eq!(bench.scan(dir.path()).recordings_heard, 13);
}

#[test]
fn damaged_files_are_listed_with_their_reason_and_links_are_not_followed() {
    let (dir, bench) = (folder(), Bench::new());
    let outside = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("calls/rec-1772790311.4402.wav"), outside.path().join("x.wav")).unwrap();
    symlink(outside.path(), dir.path().join("linked")).unwrap();
    symlink(outside.path().join("x.wav"), dir.path().join("linked.wav")).unwrap();
    symlink(dir.path(), dir.path().join("loop")).unwrap();
    fs::write(dir.path().join("empty.wav"), b"").unwrap();
    fs::write(dir.path().join("dana-whitfield.mp3"), b"this is no sound").unwrap();
    fs::write(dir.path().join("broken.json"), b"{\"channel\":\"chat\",\"turns\":[{}],\"parties\":[]}")
        .unwrap();
    let cut = fs::read(dir.path().join("calls/rec-1772790311.4402.wav")).unwrap();
    fs::write(dir.path().join("rec-1772790311.4402.wav"), &cut[..cut.len() / 2]).unwrap();
    let s = bench.scan(dir.path());
    assert_eq!(
        (s.links_skipped, s.recordings, s.cut_off, s.unreadable_total),
        (3, 16, 1, 3),
        "{:?}",
        s.unreadable
    );
    assert!(
        s.unreadable.iter().all(|u| !u.why.is_empty() && !u.why.contains("dana") && !u.file.contains("dana"))
    );
    let id = &s.unreadable.iter().find(|u| u.file.ends_with(".mp3")).unwrap().id;
    let found = locate(&bench.options(dir.path()), &bench.tools(None, &|_, _| {}), id).unwrap().unwrap();
    assert!(found.ends_with("dana-whitfield.mp3"));
    assert_eq!(locate(&bench.options(dir.path()), &bench.tools(None, &|_, _| {}), "00000000").unwrap(), None);
}

#[test]
fn permissions_and_signs_of_web_servers_are_seen() {
    let (dir, bench) = (folder(), Bench::new());
    let chmod = |p: &Path, mode| fs::set_permissions(p, fs::Permissions::from_mode(mode)).unwrap();
    let listing = || walk::list(&dir.path().canonicalize().unwrap(), &bench.cancel).unwrap();
    for file in listing().entries {
        chmod(&file.path, 0o600);
    }
    let root = dir.path().canonicalize().unwrap();
    let look = |configs: &[PathBuf]| exposure::Exposure::with_configurations(&root, &listing(), configs);
    let quiet = look(&[]);
    assert!(quiet.world_readable == 0 && quiet.group_readable == 0 && !quiet.web_exposed(), "{quiet:?}");
    chmod(&root.join("calls/rec-1772790311.4402.wav"), 0o646);
    let open = look(&[]);
    assert_eq!((open.world_readable, open.group_readable), (1, 1));
    assert!(open.world_writable == quiet.world_writable + 1);

    let etc = tempfile::tempdir().unwrap();
    fs::write(
        etc.path().join("site.conf"),
        format!("server {{\n  location /x {{\n    alias {}/;\n  }}\n}}\n", root.display()),
    )
    .unwrap();
    assert!(look(&[etc.path().into()]).web_exposed());
    fs::write(etc.path().join("site.conf"), format!("Alias /rec \"{}\"\n", root.join("calls").display()))
        .unwrap();
    assert!(look(&[etc.path().into()]).web_exposed());
    fs::write(etc.path().join("site.conf"), "root /var/www/other;\n# root /;\nroot relative;\n").unwrap();
    assert!(!look(&[etc.path().into()]).web_exposed());

    fs::write(root.join("calls/.htaccess"), b"").unwrap();
    assert!(look(&[]).web_exposed());
}

#[test]
fn a_folder_in_a_web_root_is_called_exposed_and_a_neighbour_only_possible() {
    let (dir, bench) = (tempfile::tempdir().unwrap(), Bench::new());
    let look = |path: &Path| {
        fs::create_dir_all(path).unwrap();
        let path = path.canonicalize().unwrap();
        exposure::Exposure::with_configurations(&path, &walk::list(&path, &bench.cancel).unwrap(), &[])
    };
    assert!(look(&dir.path().join("srv/htdocs/rec/2026")).web_exposed());
    fs::create_dir_all(dir.path().join("pbx/public_html")).unwrap();
    let beside = look(&dir.path().join("pbx/rec"));
    assert!(!beside.web_exposed() && beside.web_signs[0].certainty == exposure::Certainty::Possible);
}

#[test]
fn memory_is_never_put_into_the_folder_that_is_only_read() {
    let (dir, bench) = (folder(), Bench::new());
    let before = fingerprint(dir.path());
    let inside = dir.path().join("home/.cache");
    let options = Options { cache: Some(&inside), ..bench.options(dir.path()) };
    scan(&options, &bench.tools(Some(&shipped), &|_, _| {})).unwrap();
    assert_eq!(before, fingerprint(dir.path()));
    assert!(lies_in(&dir.path().join("a/b/report.html"), &dir.path().canonicalize().unwrap()));
    assert!(!lies_in(&bench.cache.path().join("report.html"), &dir.path().canonicalize().unwrap()));
}

#[test]
fn an_engine_that_breaks_ends_the_scan_with_its_error_and_keeps_what_was_heard() {
    let (dir, bench) = (folder(), Bench::new());
    let calls = RefCell::new(0);
    let hear = |path: &Path, r: &mut Recording| {
        *calls.borrow_mut() += 1;
        if *calls.borrow() > 4 {
            return Err(callvault_flow::Error::Speech(callvault_speech::Error::Engine("it hangs".into())));
        }
        shipped(path, r)
    };
    let error = scan(&bench.options(dir.path()), &bench.tools(Some(&hear), &|_, _| {})).unwrap_err();
    assert!(format!("{error:#}").contains("it hangs"));
    assert_eq!(bench.scan(dir.path()).resumed, 5 + 4);
}

#[test]
fn what_is_no_folder_is_a_usage_error_and_an_empty_one_is_fine() {
    let (dir, bench) = (tempfile::tempdir().unwrap(), Bench::new());
    let file = dir.path().join("a.txt");
    fs::write(&file, b"x").unwrap();
    let run = |dir: &Path| scan(&bench.options(dir), &bench.tools(None, &|_, _| {}));
    assert!(run(&file).unwrap_err().is::<crate::cli::Usage>());
    assert!(run(&dir.path().join("none")).unwrap_err().to_string().contains("not there"));
    let s = run(dir.path()).unwrap();
    assert_eq!((s.files, s.other_files, s.bytes_saved), (0, 1, 0));
    assert!(!screen::lines(&s).is_empty());
}
