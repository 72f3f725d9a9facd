use super::{call::*, page, scan::scan_report};
use crate::scan::{
    exposure::{Certainty, Exposure, Sign},
    sample::Share,
    summary::*,
};
use callvault_model::EntityType;

const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";

/// A scan with something in every part of the page.
fn full() -> Summary {
    let types = |of: &[(EntityType, u64)]| {
        of.iter().map(|(e, n)| (*e, TypeCount { values: *n, files: *n })).collect()
    };
    let share = |with| Share::new(with, 200, 15_000);
    Summary {
        folder: HOSTILE.into(),
        scanned_at: "2026-04-01T08:00:00Z".into(),
        files: 15_005,
        recordings: 15_000,
        chats: 3,
        emails: 2,
        other_files: 1,
        links_skipped: 2,
        hours: 1_234.5,
        hours_estimated: true,
        engine: Some(HOSTILE.into()),
        recordings_heard: 200,
        recordings_chosen: 200,
        sampled: true,
        seed: 1,
        findings_by_type: types(&[
            (EntityType::CreditCard, 40),
            (EntityType::Cvv, 9),
            (EntityType::Condition, 3),
            (EntityType::Person, 200),
        ]),
        names_by_type: types(&[(EntityType::PhoneNumber, 12_000)]),
        files_with_values_in_names: 12_000,
        sidecars_with_callers: 5,
        security_codes: 9,
        files_with_security_codes: 9,
        files_with_card_data: 24,
        files_with_values: 150,
        interval: Intervals { card_data: share(24), security_codes: share(9), values: share(150) },
        other_language: 3,
        cut_off: 1,
        doubtful_hours: 0.3,
        unreadable: (0..60)
            .map(|i| UnreadableFile { id: format!("{i:08x}"), file: HOSTILE.into(), why: HOSTILE.into() })
            .collect(),
        unreadable_total: 60,
        world_readable: 15_000,
        web_exposed: true,
        exposure: Exposure {
            world_readable: 15_000,
            reachable_by_all: true,
            web_signs: vec![Sign { certainty: Certainty::Configured, what: HOSTILE.into() }],
            ..Exposure::default()
        },
        bytes: 90_000_000_000,
        bytes_saved: 89_000_000_000,
        storage: Storage {
            bytes: 90_000_000_000,
            bytes_kept: 1_000_000_000,
            bytes_muted: 70_000_000_000,
            bytes_saved: 89_000_000_000,
        },
        oldest: Some("2019-01-03".into()),
        newest: Some("2026-03-31".into()),
        months: (0..90u64)
            .map(|i| Month {
                month: format!("{}-{:02}", 2019 + i / 12, i % 12 + 1),
                files: i * 7,
                heard: 5,
                with_card_data: 1,
                with_values: 4,
            })
            .collect(),
        worst: vec![Worst {
            id: "0badcafe".into(),
            file: HOSTILE.into(),
            folder: HOSTILE.into(),
            day: None,
            values: 12,
            security_codes: 2,
            cards: 3,
            by_type: [(EntityType::CreditCard, 3)].into(),
        }],
        resumed: 0,
        seconds: 10.0,
    }
}

/// What a page of ours may never contain, whatever strangers named their files.
fn assert_inert(html: &str, scripts: usize) {
    assert_eq!(html.matches("<script").count(), scripts);
    assert!(!html.contains("<img") && !html.contains(" style=") && !html.contains("javascript:"));
    for outside in ["http://", "https://", "url(//", "@import", "<link", "<iframe", "<object"] {
        assert!(!html.contains(outside), "{outside}");
    }
    // No attribute that runs: an event handler stands inside a tag.
    let tags = html.split('<').skip(1).filter_map(|t| t.split_once('>')).map(|(tag, _)| tag);
    assert!(
        tags.into_iter().all(|t| !t.contains(" on")
            || t.starts_with("meta")
            || t.starts_with("style")
            || t.starts_with("!")),
        "a handler"
    );
    assert!(html.contains("Content-Security-Policy") && html.contains("default-src &#39;none&#39;"));
}

fn between<'a>(html: &'a str, from: &str, to: &str) -> &'a str {
    let rest = html.split_once(from).unwrap().1;
    rest.split_once(to).unwrap().0
}

#[test]
fn hostile_names_are_text_on_the_page() {
    let html = scan_report(&full()).unwrap();
    assert_inert(&html, 0);
    assert!(html.contains("&#60;script&#62;alert(1)"));
    assert!(html.contains("PCI DSS 4.0.1") && html.contains("12 %") && html.contains("15\u{202f}000"));
    assert_eq!(html.matches("<title>20").count(), 60, "the chart shows the newest months");
}

#[test]
fn the_policy_allows_exactly_the_style_and_script_of_the_page() {
    let html = scan_report(&full()).unwrap();
    let style = between(&html, "<style>", "</style>");
    assert!(html.replace("&#39;", "'").contains(&page::hash_source(style)));
    let html = call_report(&call()).unwrap();
    let script = between(&html, "<script>", "</script>");
    assert!(script.len() > 500);
    assert!(html.replace("&#39;", "'").contains(&format!("script-src {}", page::hash_source(script))));
    assert!(!page::CSS.contains("</") && !page::CSS.contains("@import"));
}

#[test]
fn a_scan_page_is_made_for_every_kind_of_folder() {
    let empty = Summary {
        files: 0,
        recordings: 0,
        chats: 0,
        emails: 0,
        findings_by_type: Default::default(),
        ..full()
    };
    assert!(scan_report(&empty).unwrap().contains("No recordings"));
    let deaf = Summary { engine: None, findings_by_type: Default::default(), security_codes: 0, ..full() };
    let html = scan_report(&deaf).unwrap();
    assert!(html.contains("models pull") && html.contains("not heard yet"));
    let clean = Summary {
        sampled: false,
        security_codes: 0,
        files_with_card_data: 0,
        files_with_values: 0,
        findings_by_type: Default::default(),
        months: Vec::new(),
        ..full()
    };
    assert!(scan_report(&clean).unwrap().contains("Nothing personal was found"));
    let whole = Summary { sampled: false, ..full() };
    assert!(scan_report(&whole).unwrap().contains("9 card security codes"));
}

fn call() -> CallReport {
    let text = |role: &str, from, to, text: &str| CallTurn {
        role: role.into(),
        start_ms: from,
        end_ms: to,
        text: text.into(),
    };
    CallReport {
        title: HOSTILE.into(),
        channel: "voice".into(),
        duration_ms: 10_000,
        roles: vec!["customer".into(), "agent".into()],
        turns: vec![
            text("agent", 0, 2_000, "card number please, [HOSTILE] [ [CREDIT_CARD"),
            text(
                "customer",
                2_500,
                6_000,
                &format!("it is [CREDIT_CARD ****1111], code [CVV] [UNVERIFIED] {HOSTILE}"),
            ),
        ],
        findings: vec![CallFinding {
            entity: EntityType::CreditCard,
            channel: 0,
            start_ms: 2_600,
            end_ms: 5_000,
            recognizer: HOSTILE.into(),
        }],
        muted: vec![vec![(2_300, 5_300), (9_900, 99_999)], vec![]],
        peaks: vec![vec![(-50, 50); 400], vec![(-5, 90); 400]],
        audio_wav: Some(b"RIFF0000WAVE".to_vec()),
        proof: "Not heard again by moonshine-tiny-en.".into(),
        certificate: Some(CertificateLines {
            title: "Recording destroyed".into(),
            method: "Cryptographic erase".into(),
            copies: vec![CopyRow { place: "vault".into(), state: "destroyed".into(), note: HOSTILE.into() }],
        }),
        ledger_size: 7,
    }
}

#[test]
fn a_call_page_escapes_everything_and_shows_labels_as_chips() {
    let html = call_report(&call()).unwrap();
    assert_inert(&html.replace(between(&html, "<script>", "</script>"), ""), 1);
    assert!(html.contains(">card number ••••1111</mark>") && html.contains(">card security code</mark>"));
    assert!(html.contains(">not verified</mark>") && html.contains("[HOSTILE] [ [CREDIT_CARD"));
    assert_eq!(html.matches("class=\"mute\"").count(), 2);
    assert!(html.contains("data:audio/wav;base64,UklGRjAwMDBXQVZF") && html.contains("media-src data:"));
    assert!(html.contains("Recording destroyed") && html.contains("7 entries"));
}

#[test]
fn without_sound_there_is_no_script_and_no_player() {
    for sound in [None, Some(vec![0; MAX_SOUND + 1])] {
        let html = call_report(&CallReport { audio_wav: sound, ..call() }).unwrap();
        assert_inert(&html, 0);
        assert!(!html.contains("<audio") && !html.contains("media-src") && html.contains("class=\"wave\""));
    }
    let chat = CallReport {
        channel: "chat".into(),
        peaks: vec![],
        muted: vec![],
        audio_wav: None,
        certificate: None,
        ..call()
    };
    let html = call_report(&chat).unwrap();
    assert!(
        html.contains("No certificate exists")
            && !html.contains("class=\"wave\"")
            && !html.contains("data-from")
    );
}

#[test]
fn months_without_files_are_drawn_as_gaps() {
    let month = |m: &str| Month { month: m.into(), files: 3, heard: 3, with_card_data: 1, with_values: 2 };
    let html = scan_report(&Summary { months: vec![month("2025-11"), month("2026-02")], ..full() }).unwrap();
    assert!(html.contains("<title>2025-12: 0 conversations") && html.contains("<title>2026-01: 0"));
    let far = Summary { months: vec![month("0001-01"), month("9999-12")], ..full() };
    assert!(scan_report(&far).unwrap().len() < 200_000);
}
