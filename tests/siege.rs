//! The real server under siege by crowds. The people of `tools/siege` are written in Python, so that another HTTP and TLS library
//! than ours speaks with it. Kills under load and the document's own questions are `tools/deep --only server-kills` and `api`.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Says aloud what cannot be had here, so that nobody takes a skip for a pass.
fn skipped(why: &str) {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Runs one script of `tools/siege`; its own report goes where the test's goes.
fn siege(script: &str, args: &[&str]) {
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
    assert!(done.is_ok_and(|s| s.success()), "{script} found something; its report stands above");
}

#[test]
fn the_judge_of_the_kills_sees_each_broken_promise() {
    siege("test_kills.py", &[]);
}

#[test]
fn crowds_and_those_who_hold_on_for_nothing_keep_nobody_out() {
    siege("load.py", &[]);
}
