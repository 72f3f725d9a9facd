use crate::{
    Actor, Error, Target, Vault,
    epoch::{EpochState, HORIZON, PERIOD},
    gate::ReadMasked,
    testing::{World, world},
};
use callvault_model::id::ConversationId;
use callvault_policy::{Purpose, Role};
use callvault_seal::SealError;
use jiff::SignedDuration;
use std::{fs, io::Read, path::Path};

const BY: Actor = Actor::LocalOperator;
const NOW: SignedDuration = SignedDuration::ZERO;

/// Everything that lives still opens: texts, recordings, names, the index.
fn all_opens(w: &World, calls: &[ConversationId]) {
    for id in calls {
        assert_eq!(w.vault.masked(*id).unwrap().turns.len(), 1);
        assert_eq!(w.vault.source_name(*id).unwrap(), "call.wav");
        for audio in [w.vault.original(*id), w.vault.redacted_audio(*id)] {
            let mut all = Vec::new();
            audio.unwrap().read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), 100_000);
        }
    }
    assert_eq!(w.vault.account_by_login("dana").unwrap().name, "Test Person");
    assert_eq!(w.vault.subjects().unwrap().len(), 2, "the index finds the same people");
}

fn states(w: &World) -> Vec<EpochState> {
    w.vault.epochs().unwrap().iter().map(|e| e.state).collect()
}

fn bytes_of(w: &World, sql: &str) -> Vec<Vec<u8>> {
    let db = w.vault.db();
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |r| r.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// Opens a copy of the data with the key file of today, as somebody would who took the list of erasures away.
fn open_copy(w: &World, copy: &Path) -> Result<Vault, Error> {
    let erased = w.dir.path().join("keys/v.erased");
    let kept = fs::read(&erased).unwrap();
    fs::rename(&erased, erased.with_extension("aside")).unwrap();
    let opened = open_plainly(w, copy);
    fs::write(&erased, kept).unwrap();
    opened
}

fn open_plainly(w: &World, copy: &Path) -> Result<Vault, Error> {
    Vault::open(copy, &w.dir.path().join("keys/v.key"), None, w.clock.clone(), "thief")
}

#[test]
fn a_roll_moves_everything_and_the_old_key_dies_after_the_horizon() {
    let w = world();
    w.person("dana", &[Role::Agent]);
    let mut calls = vec![w.call(1), w.call(2)];
    let mut old = bytes_of(&w, "SELECT wrapped_key FROM object UNION SELECT wrapped_key FROM subject");
    old.extend(bytes_of(&w, "SELECT sealed_source FROM conversation UNION SELECT sealed_name FROM account"));
    assert!(old.iter().all(|wrap| w.holds(&wrap[..33])));
    let done = w.vault.roll_epoch(&BY).unwrap();
    assert_eq!((done.resumed, done.rewrapped), (false, 2 + 4));
    assert!(done.resealed >= 5, "{done:?}");
    assert_eq!(states(&w), [EpochState::Retired, EpochState::Current]);
    assert!(!old.iter().any(|wrap| w.holds(&wrap[..33])), "an old wrap is still in the files");
    all_opens(&w, &calls);
    calls.push(w.call(3));
    assert!(w.vault.destroy_retired_epochs(&BY, HORIZON).unwrap().is_empty(), "not before the horizon");
    w.forward(HORIZON.as_secs());
    assert_eq!(w.vault.destroy_retired_epochs(&BY, HORIZON).unwrap().len(), 1);
    assert_eq!(states(&w), [EpochState::Destroyed, EpochState::Current]);
    let w = w.reopen();
    all_opens(&w, &calls);
    w.vault.rotate_tenant_key(&BY).unwrap();
    w.vault.roll_epoch(&BY).unwrap();
    w.vault.destroy_retired_epochs(&BY, NOW).unwrap();
    let w = w.reopen();
    all_opens(&w, &calls);
    assert_eq!(w.entries("key.epoch_created").len(), 3);
    assert_eq!(w.entries("key.epoch_destroyed").len(), 2);
    w.verify();
}

#[test]
fn a_roll_is_due_after_a_month_and_not_before() {
    let w = world();
    assert!(w.vault.roll_if_due(&BY).unwrap().is_none());
    w.forward(PERIOD.as_secs() - 1);
    assert!(w.vault.roll_if_due(&BY).unwrap().is_none());
    w.forward(1);
    assert!(w.vault.roll_if_due(&BY).unwrap().is_some());
    assert!(w.vault.roll_if_due(&BY).unwrap().is_none());
    w.vault.begin_roll(&BY).unwrap();
    assert!(w.vault.roll_if_due(&BY).unwrap().unwrap().resumed, "an interrupted roll is always due");
}

#[test]
fn an_old_copy_brings_nobody_back_once_its_epoch_is_destroyed() {
    let w = world();
    let call = w.call(1);
    let copy = w.dir.path().join("old-backup");
    copy_dir(w.vault.dir(), &copy);
    w.vault.shred_original(call, "test").unwrap();
    w.vault.roll_epoch(&BY).unwrap();
    assert!(matches!(open_plainly(&w, &copy), Err(Error::OlderThanErasures)));
    // The lock of the live vault is per directory: the copy opens beside it, and shows what a thief would get.
    let thief = open_copy(&w, &copy).unwrap();
    let mut all = Vec::new();
    thief.original(call).unwrap().read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 100_000, "before the old epoch is destroyed the copy still opens");
    drop(thief);
    w.vault.destroy_retired_epochs(&BY, NOW).unwrap();
    match open_copy(&w, &copy) {
        Err(Error::Seal(SealError::EpochGone { .. })) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(w.vault.original(call), Err(Error::KeyDestroyed(_))));
    assert_eq!(w.vault.masked(call).unwrap().turns.len(), 1, "what was not erased lives on");
}

#[test]
fn a_roll_killed_anywhere_loses_nothing_and_goes_on() {
    for steps in 0..7usize {
        let w = world();
        w.person("dana", &[Role::Agent]);
        let mut calls = vec![w.call(1), w.call(2)];
        w.vault.begin_roll(&BY).unwrap();
        for step in 0..steps {
            w.vault.move_some(usize::from(step >= 2), i64::MIN, 1).unwrap();
        }
        if steps == 6 {
            w.vault.seal_names_again().unwrap();
        }
        let w = w.reopen();
        assert_eq!(states(&w), [EpochState::Retiring, EpochState::Current]);
        all_opens(&w, &calls);
        calls.push(w.call(3));
        // Nothing is destroyed while anything is still wrapped in the old epoch.
        assert!(w.vault.destroy_retired_epochs(&BY, NOW).unwrap().is_empty());
        let done = w.vault.roll_epoch(&BY).unwrap();
        assert_eq!((done.resumed, done.rewrapped), (true, 6 - steps as u64));
        w.vault.destroy_retired_epochs(&BY, NOW).unwrap();
        let w = w.reopen();
        all_opens(&w, &calls);
        w.verify();
    }
}

#[test]
fn a_destruction_killed_anywhere_is_finished_and_recorded_once() {
    for kill in ["before the database knows the epoch", "closed", "file gone"] {
        let w = world();
        w.person("dana", &[Role::Agent]);
        let calls = [w.call(1)];
        if kill == "before the database knows the epoch" {
            w.vault.keyring.create(w.vault.clock(), &w.vault.entropy).unwrap();
            let w = w.reopen();
            assert_eq!(
                w.vault.keyring.list().unwrap().len(),
                2,
                "a key that no row knows may be another copy's"
            );
            all_opens(&w, &calls);
            w.vault.roll_epoch(&BY).unwrap();
            all_opens(&w, &calls);
            continue;
        }
        w.vault.roll_epoch(&BY).unwrap();
        let old = w.vault.epochs().unwrap()[0].id;
        w.vault.close_epoch(&BY, old).unwrap();
        if kill == "file gone" {
            w.vault.keyring.destroy(old).unwrap();
        }
        let w = w.reopen();
        assert_eq!(states(&w), [EpochState::Closing, EpochState::Current]);
        assert_eq!(w.entries("key.epoch_destroyed").len(), 0, "no record without the act");
        assert_eq!(w.vault.destroy_retired_epochs(&BY, HORIZON).unwrap(), [old]);
        assert_eq!(states(&w), [EpochState::Destroyed, EpochState::Current]);
        assert_eq!(w.entries("key.epoch_destroyed").len(), 1);
        all_opens(&w, &calls);
    }
}

#[test]
fn an_epoch_that_a_text_still_needs_is_not_destroyed() {
    let w = world();
    w.vault.roll_epoch(&BY).unwrap();
    let old = w.vault.epochs().unwrap()[0].id;
    let call = w.call(1);
    // As a text that was sealed before the roll and stored after it.
    let keys = w.vault.tenant_keys();
    let stale = callvault_seal::seal(
        &keys.names.first().unwrap().key,
        &w.vault.aad(None, "conversation", call.as_bytes(), "source"),
        b"call.wav",
        &w.vault.entropy,
    )
    .unwrap();
    w.vault.db().execute("UPDATE conversation SET sealed_source = ?1", [stale]).unwrap();
    assert!(matches!(w.vault.close_epoch(&BY, old), Err(Error::Refused(_))));
    assert_eq!(
        w.vault.destroy_retired_epochs(&BY, NOW).unwrap(),
        [old],
        "sealed again first, then destroyed"
    );
    assert_eq!(w.vault.source_name(call).unwrap(), "call.wav");
}

#[test]
fn people_read_and_calls_come_in_while_the_epoch_rolls() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let first = w.call(1);
    let (_, agent) = w.sign_in(&dana);
    std::thread::scope(|s| {
        let writer = s.spawn(|| (2..12u8).map(|n| w.call(n)).collect::<Vec<_>>());
        let reader = s.spawn(|| {
            for _ in 0..20 {
                let target = Target::Conversation(first);
                let permit =
                    w.vault.permit::<ReadMasked>(&agent, target, Some(Purpose::Service), None).unwrap();
                w.vault.read_masked(permit).unwrap();
            }
        });
        for _ in 0..5 {
            w.vault.roll_epoch(&BY).unwrap();
        }
        reader.join().unwrap();
        let calls = writer.join().unwrap();
        w.vault.roll_epoch(&BY).unwrap();
        w.vault.destroy_retired_epochs(&BY, NOW).unwrap();
        all_opens(&w, &calls);
    });
    let w = w.reopen();
    all_opens(&w, &[first]);
    w.verify();
}

#[test]
fn a_key_that_was_in_use_opens_nothing_more_once_the_file_of_its_epoch_is_gone() {
    let w = world();
    w.person("dana", &[Role::Agent]);
    let call = w.call(1);
    all_opens(&w, &[call]);
    let file = w.dir.path().join(format!("keys/v.epochs/{}.epoch", w.vault.epoch()));
    let aside = w.dir.path().join("aside");
    fs::rename(&file, &aside).unwrap();
    for gone in [w.vault.masked(call).map(drop), w.vault.original(call).map(drop)] {
        assert!(matches!(gone, Err(Error::Seal(SealError::EpochGone { .. }))), "{gone:?}");
    }
    fs::rename(&aside, &file).unwrap();
    all_opens(&w, &[call]);
}
