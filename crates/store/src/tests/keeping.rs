use crate::{
    Actor, Class, Error, HoldTarget, Refused, State,
    collection::Field,
    settings::Measured,
    sweep::SweptLine,
    testing::{World, world},
};
use callvault_model::{Channel, id::ConversationId};
use callvault_policy::Role;
use jiff::SignedDuration;

const BY: Actor = Actor::LocalOperator;
const DAY: i64 = 86_400;

/// A vault that destroys, with no cooling delay.
fn disposing() -> World {
    let w = world();
    w.vault.enable_disposal(&BY, None, Measured::new(100, 100), 0).unwrap();
    w
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::Refused(r) => r.code(),
        other => panic!("no refusal: {other}"),
    }
}

fn has_audio(w: &World, id: ConversationId) -> bool {
    match w.vault.redacted_audio(id) {
        Ok(_) => true,
        Err(Error::KeyDestroyed(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

fn blobs(w: &World) -> usize {
    w.sealed_files()
}

fn count(w: &World, sql: &str) -> i64 {
    w.vault.db().query_row(sql, [], |r| r.get(0)).unwrap()
}

fn days(w: &World, n: i64) {
    w.forward(n * DAY);
}

fn review(w: &World) -> jiff::Timestamp {
    w.vault.clock().now().checked_add(SignedDuration::from_hours(24 * 30)).unwrap()
}

#[test]
fn observe_mode_destroys_nothing_and_says_what_it_would() {
    let w = world();
    let id = w.call(1);
    days(&w, 400);
    let preview = w.vault.retention_preview(None).unwrap();
    assert!(preview.observing && preview.total == 2, "{preview:?}");
    let swept = w.vault.retention_sweep(&BY).unwrap();
    assert!(swept.observing && swept.lines.is_empty());
    assert!(has_audio(&w, id) && blobs(&w) == 2);
    assert_eq!(refused(w.vault.discard_quarantined(&BY, id, crate::Discard::Unwanted)), "observe_mode");
}

#[test]
fn the_preview_is_what_the_sweep_destroys_and_holds_and_marks_are_left_out() {
    let w = disposing();
    let calls: Vec<_> = (1..=5).map(|n| w.call(n)).collect();
    days(&w, 29);
    let line = || {
        let preview = w.vault.retention_preview(None).unwrap();
        preview.lines.into_iter().find(|l| l.rule.class == Class::RedactedAudio).unwrap()
    };
    assert_eq!(line().due, 0, "not before its day");
    days(&w, 2);
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(calls[0]), "case 7", review(&w)).unwrap();
    w.vault.mark_must_keep(&BY, calls[1], "sales verification").unwrap();
    let line = line();
    assert_eq!((line.due, line.held, line.must_keep), (3, 1, 1));
    let swept = w.vault.retention_sweep(&BY).unwrap();
    let expected = SweptLine { class: Class::RedactedAudio, channel: Channel::Voice, destroyed: line.due };
    assert_eq!(swept.lines, [expected]);
    assert!(swept.scanned_bytes > 0);
    assert_eq!(
        calls.iter().map(|c| has_audio(&w, *c)).collect::<Vec<_>>(),
        [true, true, false, false, false]
    );
    assert_eq!(blobs(&w), 7, "five originals and two muted ones");
    assert_eq!(w.entries("retention.applied").len(), 3);
    assert!(w.vault.retention_sweep(&BY).unwrap().lines.is_empty(), "again: nothing");
    w.vault.release_hold(&BY, hold).unwrap();
    assert_eq!(refused(w.vault.release_hold(&BY, hold)), "closed");
    w.vault.unmark_must_keep(&BY, calls[1]).unwrap();
    assert_eq!(w.vault.retention_sweep(&BY).unwrap().lines[0].destroyed, 2);
    w.verify();
}

#[test]
fn a_hold_on_a_person_holds_every_conversation_and_blocks_disposal_too() {
    let w = disposing();
    let id = w.call(1);
    let subject = w.vault.find_by_contact(&BY, "2025550142").unwrap().unwrap();
    let hold = w.vault.place_hold(&BY, HoldTarget::Subject(subject), "case 8", review(&w)).unwrap();
    let later = w.call(2);
    for id in [id, later] {
        assert!(matches!(w.vault.kept_back(id).unwrap(), Some(Refused::Held(_))));
        assert_eq!(refused(w.vault.shred_original(id, "test")), "held");
        assert!(w.vault.original(id).is_ok());
    }
    assert!(w.vault.originals_due().unwrap().is_empty());
    days(&w, 40);
    assert!(w.vault.retention_sweep(&BY).unwrap().lines.is_empty());
    let row = &w.vault.holds(false).unwrap()[0];
    assert!(row.overdue && row.matter == "case 8" && row.target == HoldTarget::Subject(subject));
    w.vault.release_hold(&BY, hold).unwrap();
    assert_eq!(w.vault.originals_due().unwrap().len(), 2);
    w.vault.shred_original(id, "test").unwrap();
    let everything = w.vault.place_hold(&BY, HoldTarget::Vault, "audit", review(&w)).unwrap();
    assert_eq!(refused(w.vault.shred_original(later, "test")), "held");
    // What was begun before may be finished.
    w.vault.shred_original(id, "resume").unwrap();
    assert!(!w.ledger().iter().any(|e| e.contains("case 8")), "the matter is not in the ledger");
    w.vault.release_hold(&BY, everything).unwrap();
}

#[test]
fn bad_holds_are_refused() {
    let w = world();
    let id = w.call(1);
    let at = |days: i64| w.vault.clock().now().checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    let place = |t, m: &str, d| w.vault.place_hold(&BY, t, m, at(d));
    assert_eq!(refused(place(HoldTarget::Conversation(id), "  ", 3)), "invalid");
    assert_eq!(refused(place(HoldTarget::Conversation(id), &"x".repeat(2001), 3)), "invalid");
    assert_eq!(refused(place(HoldTarget::Conversation(id), "x", -1)), "invalid");
    assert_eq!(refused(place(HoldTarget::Conversation(id), "x", 1_000)), "invalid");
    let nobody = ConversationId::from_bytes([9; 16]);
    assert_eq!(refused(place(HoldTarget::Conversation(nobody), "x", 3)), "unknown");
    assert_eq!(refused(w.vault.mark_must_keep(&BY, nobody, "x")), "unknown");
    assert_eq!(refused(w.vault.unmark_must_keep(&BY, id)), "unknown");
    assert!(w.vault.holds(true).unwrap().is_empty());
}

#[test]
fn transcript_tokens_and_names_go_by_their_own_rules_and_the_party_key_last() {
    let w = disposing();
    let id = w.call(1);
    for (class, n) in [(Class::Transcript, 10), (Class::Tokens, 20), (Class::Metadata, 5)] {
        w.vault.set_retention(&BY, class, Channel::Voice, Some(n)).unwrap();
    }
    let keys = || count(&w, "SELECT COUNT(*) FROM party WHERE wrapped_key IS NOT NULL");
    let sealed: Vec<Vec<u8>> = {
        let db = w.vault.db();
        let mut statement = db.prepare("SELECT sealed_value FROM token").unwrap();
        statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
    };
    days(&w, 6);
    w.vault.retention_sweep(&BY).unwrap();
    assert_eq!(w.vault.source_name(id).unwrap(), "");
    // The agent said nothing: there is nothing left for that key to open.
    assert_eq!((keys(), w.vault.masked(id).unwrap().turns.len()), (1, 1));
    days(&w, 5);
    w.vault.retention_sweep(&BY).unwrap();
    assert_eq!((keys(), w.vault.masked(id).unwrap().turns.len()), (1, 0));
    days(&w, 10);
    w.vault.retention_sweep(&BY).unwrap();
    assert_eq!((keys(), count(&w, "SELECT COUNT(*) FROM token")), (0, 0));
    assert_eq!(sealed.len(), 2);
    assert!(!sealed.iter().any(|s| w.holds(&s[..33])));
    assert_eq!(w.vault.masked(id).unwrap().findings_list.len(), 2, "what was found stays as evidence");
    assert_eq!(w.vault.conversation(id).unwrap().state, State::Recorded);
    w.verify();
}

#[test]
fn a_sweep_that_was_killed_is_finished_by_the_next_start_and_run() {
    let w = disposing();
    let calls = [w.call(1), w.call(2)];
    days(&w, 31);
    // Killed after the first command and before the file was taken away.
    w.vault
        .db()
        .execute(
            "UPDATE object SET wrapped_key = NULL, key_destroyed_at = '2026-12-25T10:00:00Z'
             WHERE kind = 'redacted' AND conversation = ?1",
            crate::db::params![calls[0].as_bytes()],
        )
        .unwrap();
    assert_eq!(blobs(&w), 4);
    let w = w.reopen();
    // A bucket is listed by the run alone.
    assert_eq!(blobs(&w), if w.vault.shelf.bucket().is_some() { 4 } else { 3 });
    assert_eq!(w.vault.retention_sweep(&BY).unwrap().lines[0].destroyed, 1);
    assert_eq!(blobs(&w), 2);
    assert_eq!(
        count(&w, "SELECT COUNT(*) FROM object WHERE kind = 'redacted' AND blob_removed_at IS NULL"),
        0
    );
    w.verify();
}

#[test]
fn a_clock_set_back_destroys_nothing_early() {
    let w = disposing();
    w.call(1);
    days(&w, -2_000);
    let past = w.call(2);
    assert_eq!(w.vault.retention_preview(None).unwrap().lines.iter().map(|l| l.due).max(), Some(1));
    // The clock is right again: what came while it was wrong is a day old, not two thousand.
    days(&w, 2_001);
    assert!(w.vault.retention_sweep(&BY).unwrap().lines.is_empty());
    assert!(has_audio(&w, past));
    days(&w, 30);
    assert_eq!(w.vault.retention_sweep(&BY).unwrap().lines[0].destroyed, 2);
}

#[test]
fn rules_are_set_within_limits_and_a_proposal_shows_what_it_would_do() {
    let w = disposing();
    w.call(1);
    days(&w, 3);
    let set = |class, channel, days| w.vault.set_retention(&BY, class, channel, days);
    assert_eq!(refused(set(Class::RedactedAudio, Channel::Chat, Some(1))), "invalid");
    assert_eq!(refused(set(Class::Audio, Channel::Voice, Some(40_000))), "invalid");
    let due = |proposed| w.vault.retention_preview(proposed).unwrap().total;
    let transcript = |days| Some((Class::Transcript, Channel::Voice, days));
    assert_eq!((due(None), due(transcript(Some(2))), due(transcript(Some(4)))), (1, 2, 1));
    assert_eq!(due(Some((Class::Audio, Channel::Voice, None))), 0, "kept originals are not due");
    set(Class::Transcript, Channel::Voice, Some(2)).unwrap();
    assert_eq!(due(None), 2);
    let entry = w.entries("retention.changed").pop().unwrap();
    assert!(entry.contains("\"before\":\"keep\"") && entry.contains("\"days\":2"), "{entry}");
}

#[test]
fn originals_wait_for_the_cooling_delay_and_for_proof() {
    let w = world();
    w.vault.enable_disposal(&BY, None, Measured::new(100, 100), 7).unwrap();
    let id = w.call(1);
    w.vault.db().execute("UPDATE conversation SET proof = 'none' WHERE id <> ?1", [id.as_bytes()]).unwrap();
    days(&w, 6);
    assert!(w.vault.originals_due().unwrap().is_empty());
    days(&w, 1);
    assert_eq!(w.vault.originals_due().unwrap(), [id]);
    w.vault.db().execute("UPDATE conversation SET proof = 'none'", []).unwrap();
    assert!(w.vault.originals_due().unwrap().is_empty());
}

#[test]
fn two_people_release_observe_mode_where_there_are_two() {
    let w = world();
    let enable = |a: &Actor, b: Option<&Actor>| w.vault.enable_disposal(a, b, Measured::new(100, 99), 7);
    let a = Actor::Account(w.person("anna", &[Role::Admin]).id);
    enable(&BY, None).unwrap();
    w.vault.disable_disposal(&BY).unwrap();
    let b = Actor::Account(w.person("ben", &[Role::DisposalOfficer]).id);
    for (asked, agreed) in [(BY, None), (a, None), (a, Some(&a)), (BY, Some(&b)), (a, Some(&BY))] {
        assert_eq!(refused(enable(&asked, agreed)), "needs_second_person");
        assert!(w.vault.disposal().unwrap().is_none());
    }
    let terms = enable(&a, Some(&b)).unwrap();
    assert_eq!(terms.enabled_by, [a.to_string(), b.to_string()]);
    assert_eq!(refused(w.vault.enable_disposal(&a, Some(&b), Measured::new(1, 1), 4_000)), "invalid");
}

#[test]
fn a_vault_of_the_previous_schema_is_brought_forward() {
    let w = world();
    let id = w.call(1);
    let path = w.vault.dir().join("vault.db");
    // The first schema sealed names by a key derived from the tenant's.
    let names = callvault_seal::derive(&w.vault.tenant_keys().current, "names").unwrap();
    let aad = w.vault.aad(None, "conversation", id.as_bytes(), "source");
    let source = callvault_seal::seal(&names, &aad, b"call.wav", &w.vault.entropy).unwrap();
    w.vault.db().execute("UPDATE conversation SET sealed_source = ?1", [source]).unwrap();
    let World { dir, clock, vault } = w;
    drop(vault);
    {
        let db = crate::db::Connection::at(&path).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let first = [
            "meta",
            "tenant",
            "subject",
            "contact",
            "conversation",
            "party",
            "object",
            "turn",
            "finding",
            "token",
            "copy",
            "certificate",
            "ledger_entry",
            "ledger_node",
            "ledger_checkpoint",
        ];
        let names: Vec<(String, String)> = db
            .prepare("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
            .unwrap()
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for (_, name) in names.iter().filter(|(k, n)| k == "table" && !first.contains(&n.as_str())) {
            db.execute_batch(&format!("DROP TABLE {name}")).unwrap();
        }
        let on_first = |(k, n): &&(String, String)| k == "trigger" && n.starts_with("erased_");
        for (_, name) in names.iter().filter(on_first) {
            db.execute_batch(&format!("DROP TRIGGER IF EXISTS {name}")).unwrap();
        }
        for index in ["conversation_by_time", "party_of_subject", "contact_of_subject", "object_dead"] {
            db.execute_batch(&format!("DROP INDEX {index}")).unwrap();
        }
        db.set_version(1).unwrap();
    }
    let open = || {
        let (data, key) = (dir.path().join("data"), dir.path().join("keys/v.key"));
        crate::Vault::open(&data, &key, None, clock.clone(), "worker")
    };
    let vault = open().unwrap();
    vault.roll_epoch(&BY).unwrap();
    vault.destroy_retired_epochs(&BY, jiff::SignedDuration::ZERO).unwrap();
    assert_eq!(vault.masked(id).unwrap().turns.len(), 1);
    assert_eq!(vault.source_name(id).unwrap(), "call.wav");
    vault.mark_must_keep(&BY, id, "a reason").unwrap();
    assert_eq!(vault.retention_rules().unwrap().len(), 21);
    drop(vault);
    assert_eq!(open().unwrap().must_keep().unwrap().len(), 1, "opened twice");
    crate::db::Connection::at(&path).unwrap().set_version(99).unwrap();
    assert!(matches!(open(), Err(Error::Schema { found: 99, .. })));
}

#[test]
fn a_vault_of_the_third_schema_is_brought_forward() {
    let w = world();
    let wrong = crate::corrections::NewCorrection::Wrong { finding: 0 };
    let asked = w.vault.request_correction(&Actor::Worker, w.call(1), &wrong, "a product").unwrap();
    w.vault.accept_wrong(&BY, asked).unwrap();
    let World { dir, clock, vault } = w;
    vault
        .db()
        .execute_batch(
            "DROP INDEX contact_of_subject; DROP INDEX object_dead; DROP INDEX subject_link_from;
             DROP INDEX subject_link_into; DROP INDEX grant_of_target; DROP INDEX reveal_of_conversation;
             DROP INDEX attachment_of_conversation; DROP TRIGGER erased_consent; DROP INDEX opt_out_in; DROP TABLE device_disposal; DROP TABLE erasure_rest; DROP TABLE tenant_vault;
             ALTER TABLE consent DROP COLUMN keep_until; ALTER TABLE correction DROP COLUMN token;
             ALTER TABLE correction DROP COLUMN now_start; ALTER TABLE correction DROP COLUMN now_end;
             ALTER TABLE correction DROP COLUMN outcome; ALTER TABLE correction DROP COLUMN tried_at;
             PRAGMA user_version = 3;",
        )
        .unwrap();
    drop(vault);
    let (data, key) = (dir.path().join("data"), dir.path().join("keys/v.key"));
    let vault = crate::Vault::open(&data, &key, None, clock.clone(), "worker").unwrap();
    assert!(vault.unfinished_erasures(None, 9).unwrap().is_empty());
    assert_eq!(vault.destroy_old_consents(&BY).unwrap(), 0);
    assert_eq!(vault.begin_device(&BY, "a drive", "image", 4096, None).unwrap().runs, 1);
    // Decided before places were kept: nobody guesses where, and nobody reads the words.
    let tried = vault.try_corrections(&BY, false, &mut |_| unreachable!("nothing to judge")).unwrap();
    assert_eq!(tried[0].outcome, crate::regression::Outcome::Changed);
}

#[test]
fn what_the_policy_drops_is_never_stored_and_is_counted() {
    let w = world();
    let set = |field, keep| w.vault.set_collection(&BY, Channel::Voice, field, keep);
    for field in [Field::CallerId, Field::FileName] {
        set(field, false).unwrap();
    }
    assert_eq!(refused(set(Field::Notes, true)), "invalid");
    assert_eq!(refused(set(Field::SubjectLine, true)), "invalid");
    let id = w.call(1);
    assert_eq!(w.vault.source_name(id).unwrap(), "");
    assert_eq!(count(&w, "SELECT COUNT(*) FROM contact"), 0);
    assert!(w.vault.find_by_contact(&BY, "2025550142").unwrap().is_none());
    let policy = w.vault.collection_policy().unwrap();
    let dropped = |f| policy.iter().find(|r| r.field == f && r.channel == Channel::Voice).unwrap().dropped;
    assert_eq!((dropped(Field::CallerId), dropped(Field::FileName), dropped(Field::Name)), (2, 1, 0));
    assert_eq!(w.entries("collection.changed").len(), 2);
}

#[test]
fn quarantine_is_left_by_release_or_by_destruction() {
    let w = disposing();
    let id = w.call(1);
    assert!(matches!(w.vault.release_quarantined(&BY, id, "again"), Err(Error::State { .. })));
    w.vault.db().execute("UPDATE conversation SET state = 'quarantined', proof = NULL", []).unwrap();
    w.vault.release_quarantined(&BY, id, "again").unwrap();
    assert_eq!(w.vault.conversation(id).unwrap().state, State::Received);
    w.vault.quarantine(id, "no-speech", "again").unwrap();
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(id), "x", review(&w)).unwrap();
    assert_eq!(refused(w.vault.discard_quarantined(&BY, id, crate::Discard::Unwanted)), "held");
    w.vault.release_hold(&BY, hold).unwrap();
    w.vault.discard_quarantined(&BY, id, crate::Discard::Unwanted).unwrap();
    assert!(matches!(w.vault.original(id), Err(Error::KeyDestroyed(_))));
    assert_eq!(w.vault.conversation(id).unwrap().state, State::Discarded);
    assert!(w.vault.discard_quarantined(&BY, id, crate::Discard::Unwanted).is_err());
    w.verify();
}
