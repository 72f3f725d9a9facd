use crate::{
    Actor, Target,
    gate::{PlayMuted, ReadMasked, ReadSubject},
    testing::{CARD, NAME, code, world},
};
use callvault_policy::{Act, Purpose, Role};
use std::io::Read;

#[test]
fn masked_text_needs_a_purpose_and_its_entry_names_who_why_and_by_which_policy() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    let target = Target::Conversation(id);
    assert_eq!(code(w.vault.permit::<ReadMasked>(&agent, target.clone(), None, None)), "needs_purpose");
    let permit = w.vault.permit::<ReadMasked>(&agent, target, Some(Purpose::Service), None).unwrap();
    assert!(w.entries("access.permitted").is_empty(), "asking shows nothing");
    let text = w.vault.read_masked(permit).unwrap();
    assert_eq!(text.turns[0].text, "I am [PERSON], card [CARD]");
    let entry = w.entries("access.permitted").pop().unwrap();
    for part in [
        &agent.actor().to_string(),
        &id.to_string(),
        "\"purpose\":\"service\"",
        "\"act\":\"read_masked\"",
        "\"rendering\":\"masked\"",
        "agent.read",
    ] {
        assert!(entry.contains(part), "{part} in {entry}");
    }
    assert_eq!(w.entries("access.denied").len(), 1);
    w.verify();
}

#[test]
fn a_permit_is_worth_nothing_after_thirty_seconds_or_when_the_clock_went_back() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    let permit = || {
        w.vault.permit::<ReadMasked>(&agent, Target::Conversation(id), Some(Purpose::Service), None).unwrap()
    };
    let (in_time, late) = (permit(), permit());
    w.forward(30);
    assert!(w.vault.read_masked(in_time).is_ok());
    w.forward(1);
    assert_eq!(code(w.vault.read_masked(late)), "permit_expired");
    let early = permit();
    w.forward(-3600);
    assert_eq!(code(w.vault.read_masked(early)), "permit_expired");
}

#[test]
fn a_permit_dies_when_its_holder_is_suspended_or_loses_the_role() {
    let w = world();
    let (id, boss) = (w.call(1), w.person("boss", &[Role::Admin]));
    let agent = w.signed_in("dana", &[Role::Agent]);
    let permit = || {
        w.vault.permit::<ReadMasked>(&agent, Target::Conversation(id), Some(Purpose::Service), None).unwrap()
    };
    let (one, two) = (permit(), permit());
    w.vault.set_roles(&Actor::Account(boss.id), agent.account(), &[Role::Auditor].into()).unwrap();
    assert_eq!(code(w.vault.read_masked(one)), "auditor_no_content");
    w.vault.suspend(&Actor::Account(boss.id), agent.account()).unwrap();
    assert_eq!(code(w.vault.read_masked(two)), "session_over");
}

#[test]
fn nobody_reads_what_is_not_there_or_not_finished() {
    let w = world();
    let agent = w.signed_in("dana", &[Role::Agent]);
    let ghost = Target::Conversation(callvault_model::Id::from_bytes([9; 16]));
    assert_eq!(code(w.vault.permit::<ReadMasked>(&agent, ghost, Some(Purpose::Service), None)), "not_found");
    let id = w.call(1);
    w.vault
        .db()
        .execute("UPDATE conversation SET state = 'quarantined' WHERE id = ?1", [id.as_bytes()])
        .unwrap();
    let target = Target::Conversation(id);
    assert_eq!(
        code(w.vault.permit::<ReadMasked>(&agent, target, Some(Purpose::Service), None)),
        "not_finished"
    );
}

#[test]
fn a_supervisor_hears_the_muted_recording_and_it_stops_when_he_is_suspended() {
    let w = world();
    let (id, boss) = (w.call(1), w.person("boss", &[Role::Admin]));
    let chief = w.signed_in("chief", &[Role::Supervisor]);
    let permit =
        w.vault.permit::<PlayMuted>(&chief, Target::Conversation(id), Some(Purpose::Quality), None).unwrap();
    let mut audio = w.vault.muted_audio(permit).unwrap();
    assert_eq!(audio.plain_len(), 100_000);
    let mut part = [1u8; 1_000];
    audio.read_exact(&mut part).unwrap();
    assert_eq!(part, [0u8; 1_000], "the muted one, not the original");
    w.vault.suspend(&Actor::Account(boss.id), chief.account()).unwrap();
    let stopped = audio.read(&mut part).unwrap_err();
    assert_eq!(stopped.kind(), std::io::ErrorKind::PermissionDenied);
}

#[test]
fn an_agent_does_not_hear_and_administrators_and_auditors_see_no_content() {
    let w = world();
    let id = w.call(1);
    let target = || Target::Conversation(id);
    let agent = w.signed_in("dana", &[Role::Agent]);
    assert_eq!(code(w.vault.permit::<PlayMuted>(&agent, target(), Some(Purpose::Service), None)), "role");
    for (login, roles, why) in [
        ("boss", vec![Role::Admin, Role::Supervisor], "admin_no_content"),
        ("auditor", vec![Role::Auditor, Role::PrivacyOfficer], "auditor_no_content"),
    ] {
        let who = w.signed_in(login, &roles);
        assert_eq!(code(w.vault.permit::<ReadMasked>(&who, target(), Some(Purpose::Dispute), None)), why);
        assert_eq!(code(w.vault.permit::<PlayMuted>(&who, target(), Some(Purpose::Dispute), None)), why);
    }
}

#[test]
fn a_persons_page_shows_who_read_what_refusals_included() {
    let w = world();
    let (id, other) = (w.call(1), w.call(2));
    let agent = w.signed_in("dana", &[Role::Agent]);
    let officer = w.signed_in("officer", &[Role::PrivacyOfficer]);
    for c in [id, other] {
        let permit = w
            .vault
            .permit::<ReadMasked>(&agent, Target::Conversation(c), Some(Purpose::Service), None)
            .unwrap();
        w.vault.read_masked(permit).unwrap();
    }
    w.vault.permit::<PlayMuted>(&agent, Target::Conversation(id), Some(Purpose::Service), None).unwrap_err();
    let subject = w.vault.subjects().unwrap().into_iter().find(|s| s.role == "customer").unwrap().id;
    assert_eq!(
        code(w.vault.permit::<ReadSubject>(&agent, Target::Subject(subject), Some(Purpose::Service), None)),
        "role"
    );
    let permit = w
        .vault
        .permit::<ReadSubject>(&officer, Target::Subject(subject), Some(Purpose::SubjectRequest), None)
        .unwrap();
    let view = w.vault.subject(permit).unwrap();
    assert_eq!(view.conversations.len(), 2);
    let seen: Vec<(&str, Option<&str>)> =
        view.readers.iter().map(|r| (r.kind.as_str(), r.act.as_deref())).collect();
    assert_eq!(
        seen,
        [
            ("access.permitted", Some("read_subject")),
            ("access.denied", Some("read_subject")),
            ("access.denied", Some("play_muted")),
            ("access.permitted", Some("read_masked")),
            ("access.permitted", Some("read_masked")),
        ]
    );
    assert_eq!(view.readers[3].actor, agent.actor().to_string());
    assert_eq!(w.vault.who_read_conversation(other).unwrap().len(), 1);
}

#[test]
fn a_button_can_be_asked_about_without_leaving_a_trace() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    let before = w.ledger().len();
    let target = Target::Conversation(id);
    assert!(w.vault.could(&agent, Act::ReadMasked, &target, Some(Purpose::Service)).unwrap());
    assert!(!w.vault.could(&agent, Act::PlayMuted, &target, Some(Purpose::Service)).unwrap());
    assert_eq!(w.ledger().len(), before);
}

#[test]
fn thirty_two_readers_at_once_are_all_in_the_ledger_and_it_verifies() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    std::thread::scope(|s| {
        for _ in 0..32 {
            s.spawn(|| {
                for _ in 0..5 {
                    let permit = w
                        .vault
                        .permit::<ReadMasked>(&agent, Target::Conversation(id), Some(Purpose::Service), None)
                        .unwrap();
                    w.vault.read_masked(permit).unwrap();
                }
            });
        }
    });
    assert_eq!(w.entries("access.permitted").len(), 160);
    let notes: i64 =
        w.vault.db().query_row("SELECT COUNT(*) FROM ledger_checkpoint", [], |r| r.get(0)).unwrap();
    assert!(usize::try_from(notes).unwrap() < w.ledger().len(), "nobody shared a transaction");
    w.verify();
    let w = w.reopen();
    assert_eq!(w.entries("access.permitted").len(), 160, "durable");
}

#[test]
fn an_entry_that_cannot_be_written_shows_nothing_and_does_not_stop_the_others() {
    let w = world();
    let draft = |actor: &str| {
        callvault_ledger::Draft::new(w.vault.clock().now(), callvault_ledger::Kind::AccessPermitted, actor)
    };
    assert!(w.vault.log_together(&draft("")).is_err());
    w.refuse_entries_of("unlucky");
    std::thread::scope(|s| {
        let refused = s.spawn(|| w.vault.log_together(&draft("unlucky")));
        let good: Vec<_> = (0..8).map(|_| s.spawn(|| w.vault.log_together(&draft("worker")))).collect();
        assert!(refused.join().unwrap().is_err());
        assert!(good.into_iter().all(|g| g.join().unwrap().is_ok()));
    });
    assert_eq!(w.entries("access.permitted").len(), 8);
    w.verify();
}

/// Many readers at once; how many got words.
fn read_at_once(
    w: &crate::testing::World,
    agent: &crate::Session,
    id: callvault_model::id::ConversationId,
    readers: usize,
) -> usize {
    let got = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|s| {
        for _ in 0..readers {
            s.spawn(|| {
                let (vault, target) = (&w.vault, Target::Conversation(id));
                let permit = vault.permit::<ReadMasked>(agent, target, Some(Purpose::Service), None).unwrap();
                if vault.read_masked(permit).is_ok() {
                    got.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    got.into_inner()
}

#[test]
fn readers_at_once_get_words_only_for_entries_that_could_be_kept() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    assert_eq!(read_at_once(&w, &agent, id, 48), 48);
    assert_eq!(w.entries("access.permitted").len(), 48, "one entry for each");
    // The last thing a transaction of the ledger writes fails.
    w.break_ledger(true);
    let before = w.vault.ledger_size().unwrap();
    assert_eq!(read_at_once(&w, &agent, id, 48), 0, "words without an entry");
    assert_eq!(w.vault.ledger_size().unwrap(), before);
    w.break_ledger(false);
    assert_eq!(read_at_once(&w, &agent, id, 48), 48, "it works again");
    assert_eq!(w.entries("access.permitted").len(), 96);
    w.verify();
}

#[test]
fn a_full_disk_lets_nobody_read_beyond_what_the_ledger_could_keep() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    let pages: i64 = w.vault.db().query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    w.vault.db().execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    let (mut read, mut refused) = (0, 0);
    while refused == 0 && read < 5_000 {
        let got = read_at_once(&w, &agent, id, 16);
        (read, refused) = (read + got, refused + 16 - got);
    }
    assert!(refused > 0, "the disk never filled");
    assert_eq!(w.entries("access.permitted").len(), read, "as many entries as readings");
    let w = w.reopen();
    assert_eq!(w.entries("access.permitted").len(), read);
    w.verify();
}

#[test]
fn a_reader_sees_a_suspension_as_soon_as_it_returned_and_readers_cannot_write() {
    let w = world();
    let (id, boss) = (w.call(1), w.person("boss", &[Role::Admin]));
    let agent = w.signed_in("dana", &[Role::Agent]);
    assert!(w.vault.reads().execute("DELETE FROM session", []).is_err());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    let (vault, target) = (&w.vault, Target::Conversation(id));
                    if let Ok(permit) =
                        vault.permit::<ReadMasked>(&agent, target, Some(Purpose::Service), None)
                    {
                        let _ = vault.read_masked(permit);
                    }
                }
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        w.vault.suspend(&Actor::Account(boss.id), agent.account()).unwrap();
        let after =
            w.vault.permit::<ReadMasked>(&agent, Target::Conversation(id), Some(Purpose::Service), None);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(after.is_err(), "read after the suspension returned");
    });
    w.verify();
}

#[test]
fn ledger_and_errors_hold_no_value_no_name_no_password() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana.login", &[Role::Agent]));
    let reason = "because of Whitfield";
    w.vault
        .permit::<ReadMasked>(&agent, Target::Conversation(id), Some(Purpose::Service), Some(reason))
        .unwrap();
    w.vault
        .permit::<PlayMuted>(&agent, Target::Conversation(id), Some(Purpose::Service), Some(reason))
        .unwrap_err();
    let all = w.ledger().join("\n");
    for planted in [
        CARD,
        NAME,
        "Whitfield",
        "dana.login",
        "Test Person",
        crate::testing::PASSWORD,
        "555 0142",
        "2025550142",
    ] {
        assert!(!all.contains(planted), "{planted}");
    }
    for planted in [CARD, NAME, "dana.login", "Test Person", crate::testing::PASSWORD] {
        assert!(!w.holds(planted.as_bytes()), "{planted} in the database");
    }
    assert!(w.holds(b"vault.created"), "the search finds what is there");
}
