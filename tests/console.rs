//! The console in a real browser: runs the stories of `tests/console` with Node against the built binary.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod support;

#[cfg(test)]
mod tests {
    use crate::support::{calls, forms::Needles};
    use std::{
        fs,
        io::Write,
        path::Path,
        process::{Command, Stdio},
    };

    fn say(what: &str) {
        // Nobody to tell when standard error is closed.
        let _ = writeln!(std::io::stderr(), "{what}");
    }

    /// Says aloud what cannot be had here, so that nobody takes a skip for a pass.
    fn skipped(why: &str) {
        say(&format!("skipped: {why}"));
    }

    fn runs(program: &str) -> bool {
        let version =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
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
        let said = tempfile::tempdir().unwrap();
        let done = Command::new("node")
            .args(["--test", "--test-reporter=spec", file])
            .current_dir(&dir)
            .env("CALLVAULT", env!("CARGO_BIN_EXE_callvault"))
            .env("CALLVAULT_DEMO_ARGS", "--offline")
            .env("CALLVAULT_SAID", said.path())
            .status();
        assert!(done.is_ok_and(|s| s.success()), "the stories of {file} failed; their report stands above");
        search(said.path(), file);
    }

    /// What each kind certainly holds, so that a search of the wrong place or of nothing is no pass.
    const HELD: [(&str, &str); 3] = [
        ("log", "first administrator"),
        ("refusals", "content-security-policy"),
        ("metrics", "callvault_http_requests_total"),
    ];

    /// No planted value, in any of its written forms, is in what the servers of these stories logged, refused with and counted.
    fn search(said: &Path, file: &str) {
        let mut needles = Needles::default();
        calls::truth()["conversations"].as_array().unwrap().iter().for_each(|c| needles.planted(c));
        for line in fs::read_to_string(said.join("planted")).unwrap().lines() {
            needles.value(line);
        }
        HELD.iter().for_each(|(_, control)| needles.text(control, control));
        let needles = needles.long();
        let search = needles.search();
        let mut searched = 0;
        for (kind, control) in HELD {
            let mut text = fs::read(said.join(kind)).unwrap_or_else(|e| panic!("{file} kept no {kind}: {e}"));
            searched += text.len();
            assert_eq!(search.find(&text), [control].into(), "in the {kind} of {file}");
            // The same search finds a value in the middle of it, as it is and as a log would write it.
            for form in [
                "5425233430109903",
                "5425 2334 3010 9903",
                "NTQyNTIzMzQzMDEwOTkwMw",
                "35343235323333343330313039393033",
            ] {
                let middle = text.len() / 2;
                text.splice(middle..middle, form.bytes());
                assert_eq!(search.find(&text), [control, "5425233430109903"].into(), "{form}");
                text.drain(middle..middle + form.len());
            }
        }
        say(&format!("{searched} bytes of {file} searched for {} forms", needles.len()));
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
}
