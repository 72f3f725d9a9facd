//! The console in a real browser: runs the stories of `tests/console` with Node against the built binary.

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

fn runs(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|s| s.success())
}

/// Runs one file of stories; its own report goes to standard error.
fn stories(file: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console");
    if !runs("node") || !runs("chromium") {
        return skipped("the browser stories need node and Debian's chromium");
    }
    if !dir.join("node_modules/playwright-core").is_dir() {
        return skipped("the browser stories need `npm ci` in tests/console; tools/test runs it");
    }
    let done = Command::new("node")
        .args(["--test", "--test-reporter=spec", file])
        .current_dir(&dir)
        .env("CALLVAULT", env!("CARGO_BIN_EXE_callvault"))
        .env("CALLVAULT_DEMO_ARGS", "--offline")
        .status();
    assert!(done.is_ok_and(|s| s.success()), "the stories of {file} failed; their report stands above");
}

#[test]
fn people_come_in_by_passkey_or_by_password_and_code_and_by_nothing_else() {
    stories("enter.test.mjs");
}

#[test]
fn every_page_is_accessible_in_light_and_dark_and_keeps_its_policy() {
    stories("pages.test.mjs");
}

#[test]
fn hostile_requests_are_refused_cleanly_on_the_one_tls_socket() {
    stories("hostile.test.mjs");
}

#[test]
fn people_hear_without_hearing_the_card_and_only_while_they_may() {
    stories("hear.test.mjs");
}

#[test]
fn one_value_is_seen_once_with_a_second_person() {
    stories("reveal.test.mjs");
}

#[test]
fn what_was_missed_is_corrected_and_two_records_become_one() {
    stories("correct.test.mjs");
}

#[test]
fn two_people_leave_observe_mode_and_rules_act_as_they_were_seen() {
    stories("keeping.test.mjs");
}

#[test]
fn training_closes_and_opens_an_audit_is_mended_and_a_drive_ends_with_its_certificate() {
    stories("practice.test.mjs");
}

#[test]
fn floods_smuggled_requests_and_markup_everywhere_harm_nobody() {
    stories("wire.test.mjs");
}

#[test]
fn a_mass_read_is_led_from_the_alert_to_the_draft_of_a_notice() {
    stories("incident.test.mjs");
}

#[test]
fn a_person_gets_a_copy_of_their_own_and_is_erased_by_two_people() {
    stories("requests.test.mjs");
}

#[test]
fn the_law_refuses_a_call_and_says_why_and_stop_is_heard() {
    stories("law.test.mjs");
}
