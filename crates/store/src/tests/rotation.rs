use crate::{
    Actor, Target,
    gate::ReadMasked,
    testing::{World, world},
};
use callvault_model::id::ConversationId;
use callvault_policy::{Purpose, Role};
use std::io::Read;

const BY: Actor = Actor::LocalOperator;

/// Everything under the tenant key still opens: texts, recordings, names, the index.
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

fn wrapped_tenant_key(w: &World) -> Vec<u8> {
    w.vault.db().query_row("SELECT wrapped_key FROM tenant", [], |r| r.get(0)).unwrap()
}

#[test]
fn a_rotation_wraps_everything_again_and_destroys_the_old_key() {
    let w = world();
    w.person("dana", &[Role::Agent]);
    let mut calls = vec![w.call(1), w.call(2)];
    let before = w.vault.keys_status().unwrap();
    let old = wrapped_tenant_key(&w);
    assert!(w.holds(&old[..33]));
    let done = w.vault.rotate_tenant_key(&BY).unwrap();
    assert_eq!((done.version, done.resumed, done.rewrapped), (2, false, 2 + 4));
    let after = w.vault.keys_status().unwrap();
    assert_eq!((after.tenant_key_version, after.retiring, after.remaining, after.destroyed), (2, None, 0, 1));
    assert_ne!(before.fingerprint, after.fingerprint);
    assert!(!w.holds(&old[..33]), "the old wrap is still in the files");
    all_opens(&w, &calls);
    calls.push(w.call(3));
    let w = w.reopen();
    all_opens(&w, &calls);
    assert_eq!(w.vault.rotate_tenant_key(&BY).unwrap().version, 3);
    all_opens(&w, &calls);
    let w = w.reopen();
    all_opens(&w, &calls);
    assert_eq!((w.entries("key.rotated").len(), w.entries("key.rewrapped").len()), (2, 2));
    w.verify();
}

#[test]
fn a_rotation_killed_anywhere_loses_nothing_and_goes_on() {
    for steps in 0..7usize {
        let w = world();
        w.person("dana", &[Role::Agent]);
        let mut calls = vec![w.call(1), w.call(2)];
        w.vault.begin_rotation(&BY).unwrap();
        for step in 0..steps {
            w.vault.rewrap_some(usize::from(step >= 2), i64::MIN, 1).unwrap();
        }
        let w = w.reopen();
        let status = w.vault.keys_status().unwrap();
        assert_eq!((status.retiring, status.remaining), (Some(1), 6 - steps as u64));
        all_opens(&w, &calls);
        calls.push(w.call(3));
        let done = w.vault.rotate_tenant_key(&BY).unwrap();
        assert_eq!((done.version, done.resumed, done.rewrapped), (2, true, 6 - steps as u64));
        all_opens(&w, &calls);
        let w = w.reopen();
        assert_eq!(w.vault.keys_status().unwrap().retiring, None);
        all_opens(&w, &calls);
    }
}

#[test]
fn people_read_and_calls_come_in_while_the_key_rotates() {
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
            w.vault.rotate_tenant_key(&BY).unwrap();
        }
        reader.join().unwrap();
        let calls = writer.join().unwrap();
        w.vault.rotate_tenant_key(&BY).unwrap();
        all_opens(&w, &calls);
    });
    let w = w.reopen();
    all_opens(&w, &[first]);
    w.verify();
}
