//! The real server under siege: killed under load, crowded, and asked everything that its document allows and forbids. The people
//! of `tools/siege` are written in Python, so that another HTTP and TLS library than ours speaks with it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// Says aloud what cannot be had here, so that nobody takes a skip for a pass.
fn skipped(why: &str) {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn cache() -> Option<PathBuf> {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
}

/// What a script answers that cannot run here.
const SKIPPED: i32 = 4;

/// One siege at a time: the server is to be pressed by its own crowd and not by the others'.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs one script of `tools/siege`; its own report goes where the test's goes.
fn siege(script: &str, args: &[&str]) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|s| s.success()) {
        return skipped("the siege needs python3");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/siege").join(script);
    let done = Command::new("python3")
        .arg(file)
        .args(args)
        .env("CALLVAULT", env!("CARGO_BIN_EXE_callvault"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .status();
    let code = done.ok().and_then(|s| s.code());
    if code == Some(SKIPPED) {
        return skipped("the script said why above");
    }
    assert_eq!(code, Some(0), "{script} found something; its report stands above");
}

#[test]
fn killed_under_load_it_keeps_what_it_told_and_leaves_nothing_half_done() {
    siege("test_kills.py", &[]);
    siege("kills.py", &["--kills", "6"]);
}

/// A sample; `just deep` takes every point.
#[test]
fn killed_before_any_step_that_reaches_the_disk_each_command_can_be_finished() {
    siege("points.py", &["--sample", "4"]);
}

#[test]
fn no_word_and_no_key_of_what_is_done_or_erased_stays_in_its_memory() {
    if !cfg!(target_os = "linux") {
        return skipped("the memory of a process is read through /proc");
    }
    siege("memory.py", &[]);
}

#[test]
fn a_server_that_starts_closed_tells_nothing_until_it_is_opened_and_forgets_its_keys_when_told() {
    if !cfg!(target_os = "linux") {
        return skipped("who listens on what, and the memory of a process, are read through /proc");
    }
    siege("sealed.py", &[]);
}

#[test]
fn crowds_and_those_who_hold_on_for_nothing_keep_nobody_out() {
    siege("load.py", &[]);
}

#[test]
fn no_role_gets_an_answer_that_the_document_does_not_know() {
    let installed = cache().is_some_and(|c| {
        std::fs::read_dir(c.join("callvault")).is_ok_and(|mut all| {
            all.any(|e| e.is_ok_and(|e| e.file_name().to_string_lossy().starts_with("schemathesis-")))
        })
    });
    if !installed {
        return skipped(
            "schemathesis is not here; tools/siege/schema.py --install, which tools/test runs, brings it",
        );
    }
    siege("schema.py", &[]);
}
