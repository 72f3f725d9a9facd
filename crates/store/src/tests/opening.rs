//! Readings from memory: never without their entry, never after something changed, and no key longer than a minute.

use crate::{
    Actor, Error,
    gate::Target,
    group::Commit,
    opening::{Entered, Opening},
    testing::{World, world},
};
use callvault_ledger::Kind;
use callvault_policy::{Act, Purpose, Role};
use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

const WHY: Option<Purpose> = Some(Purpose::Service);

/// As the server does it: whoever has to commit does it on another thread.
fn enter(opening: Opening) -> Result<Entered, Error> {
    let commit: Commit = Arc::new(|lead| drop(std::thread::spawn(move || drop(lead))));
    wait(opening.enter(&commit))
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(what: impl Future<Output = T>) -> T {
    let (waker, mut what) = (Arc::new(Unpark(std::thread::current())).into(), pin!(what));
    loop {
        if let Poll::Ready(out) = what.as_mut().poll(&mut Context::from_waker(&waker)) {
            return out;
        }
        std::thread::park();
    }
}

fn read(w: &World) -> (callvault_model::id::ConversationId, crate::Session) {
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none(), "nothing was looked up yet");
    let opened = enter(w.vault.opening(&agent, id, WHY).unwrap()).unwrap().words().unwrap();
    assert_eq!(opened.turns[0].text, "I am [PERSON], card [CARD]");
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_some());
    (id, agent)
}

#[test]
fn a_second_reading_comes_from_memory_with_an_entry_of_its_own() {
    let w = world();
    let (id, agent) = read(&w);
    let before = w.vault.ledger_size().unwrap();
    for n in 1..5 {
        let entered = enter(w.vault.opening_at_hand(&agent, id, WHY).unwrap()).unwrap();
        assert_eq!(w.vault.ledger_size().unwrap(), before + n, "before the words");
        assert!(entered.at_hand());
        let opened = entered.words().unwrap();
        let again = w.vault.masked_unlogged(id).unwrap();
        let text = |turns: &[crate::MaskedTurn]| serde_json::to_value(turns).unwrap();
        assert_eq!(text(&opened.turns), text(&again.turns));
        assert_eq!(serde_json::to_value(opened.row()).unwrap(), serde_json::to_value(&again.row).unwrap());
        assert_eq!(opened.proof_facts(), again.proof_facts.as_ref());
        assert_eq!(opened.findings().len(), again.findings_list.len());
    }
    let entries = w.entries("access.permitted");
    assert_eq!(entries.len(), 5);
    let without_place = |e: &String| {
        let mut e: serde_json::Value = serde_json::from_str(e).unwrap();
        for field in ["seq", "prev", "at"] {
            e.as_object_mut().unwrap().remove(field);
        }
        e
    };
    assert!(entries.iter().all(|e| without_place(e) == without_place(&entries[0])));
    w.verify();
}

#[test]
fn whatever_is_written_is_seen_by_the_next_reading() {
    let w = world();
    let (id, agent) = read(&w);
    let others = w.call(2);
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none(), "something came in");
    enter(w.vault.opening(&agent, others, WHY).unwrap()).unwrap().words().unwrap();
    enter(w.vault.opening(&agent, id, WHY).unwrap()).unwrap().words().unwrap();
    assert!(w.vault.opening_at_hand(&agent, others, WHY).is_some());
    w.vault.end_sessions_of(&Actor::LocalOperator, agent.account()).unwrap();
    for id in [id, others] {
        assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none());
        assert!(
            matches!(w.vault.opening(&agent, id, WHY), Err(Error::Denied(d)) if d.code == "session_over")
        );
    }
    // Not even a command is needed.
    let agent = w.signed_in("lee", &[Role::Agent]);
    enter(w.vault.opening(&agent, id, WHY).unwrap()).unwrap().words().unwrap();
    w.vault.db().execute("UPDATE conversation SET state = 'quarantined'", []).unwrap();
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none());
    assert!(matches!(w.vault.opening(&agent, id, WHY), Err(Error::Denied(d)) if d.code == "not_finished"));
}

#[test]
fn a_key_destroyed_while_the_entry_is_written_opens_nothing() {
    let w = world();
    let (id, agent) = read(&w);
    let entered = enter(w.vault.opening_at_hand(&agent, id, WHY).unwrap()).unwrap();
    w.vault.db().execute("UPDATE subject SET wrapped_key = NULL, erased_at = 'now'", []).unwrap();
    assert!(!entered.at_hand());
    assert!(matches!(entered.words(), Err(Error::KeyDestroyed(_))));
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none());
}

#[test]
fn a_key_file_of_an_epoch_that_is_gone_opens_nothing_from_memory() {
    let w = world();
    let (id, agent) = read(&w);
    let entered = enter(w.vault.opening_at_hand(&agent, id, WHY).unwrap()).unwrap();
    w.vault.keyring.destroy(w.vault.epoch()).unwrap();
    assert!(entered.words().is_err());
}

#[test]
fn time_alone_ends_a_reading_from_memory() {
    let w = world();
    let (id, agent) = read(&w);
    w.forward(59);
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_some());
    w.forward(1);
    assert!(w.vault.opening_at_hand(&agent, id, WHY).is_none(), "the keys are a minute old");
    assert!(w.vault.seen.holds_a_key());
    w.vault.forget_old_keys();
    assert!(!w.vault.seen.holds_a_key());
    // The facts outlive them, the session does not outlive its quarter of an hour.
    let target = Target::Conversation(id);
    assert!(w.vault.could(&agent, Act::ReadMasked, &target, WHY).unwrap());
    enter(w.vault.opening(&agent, id, WHY).unwrap()).unwrap().words().unwrap();
    w.forward(15 * 60);
    w.vault.opening_at_hand(&agent, id, WHY).map(|_| ()).ok_or(()).unwrap_err();
    assert!(matches!(w.vault.opening(&agent, id, WHY), Err(Error::Denied(d)) if d.code == "session_over"));
}

#[test]
fn without_room_for_its_entry_nothing_is_entered() {
    let w = world();
    let (id, agent) = read(&w);
    w.break_ledger(true);
    assert!(enter(w.vault.opening_at_hand(&agent, id, WHY).unwrap()).is_err());
    w.break_ledger(false);
    assert!(enter(w.vault.opening_at_hand(&agent, id, WHY).unwrap()).is_ok());
    assert_eq!(w.entries("access.permitted").len(), 2);
    w.verify();
}

/// Threads that wait and callers that do not share batches, and none is left without an answer.
#[test]
fn who_waits_and_who_is_called_lead_each_other() {
    let w = world();
    let (id, agent) = read(&w);
    std::thread::scope(|s| {
        for n in 0..16 {
            let (w, agent) = (&w, &agent);
            s.spawn(move || {
                for _ in 0..20 {
                    if n % 2 == 0 {
                        enter(w.vault.opening(agent, id, WHY).unwrap()).unwrap().words().unwrap();
                    } else {
                        let at = w.vault.clock().now();
                        let draft = callvault_ledger::Draft::new(at, Kind::AccessPermitted, "worker");
                        w.vault.log_together(&draft).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(w.entries("access.permitted").len(), 1 + 16 * 20);
    w.verify();
}

/// A server that stops takes no more work: whoever should commit does it where he stands.
#[test]
fn a_leader_that_is_dropped_has_led() {
    let w = world();
    let (id, agent) = read(&w);
    let opening = w.vault.opening(&agent, id, WHY).unwrap();
    let commit: Commit = Arc::new(drop);
    assert!(wait(opening.enter(&commit)).is_ok());
}

#[test]
fn every_entry_is_proven_though_the_lowest_nodes_of_the_tree_are_not_stored() {
    let w = world();
    for _ in 0..40 {
        w.vault.note_export(&Actor::LocalOperator, "ledger").unwrap();
    }
    let low = "SELECT COUNT(*) FROM ledger_node WHERE level < 4";
    let stored: i64 = w.vault.db().query_row(low, [], |r| r.get(0)).unwrap();
    assert_eq!(stored, 0);
    let key: callvault_ledger::VerifierKey = w.vault.vkey().parse().unwrap();
    let proven = |seq: u64| {
        let proof: callvault_ledger::Proof = w.vault.ledger_proof(seq).unwrap().parse().unwrap();
        proof.verify(&key).map(|(entry, _)| entry.seq)
    };
    for seq in 0..w.vault.ledger_size().unwrap() {
        assert_eq!(proven(seq).unwrap(), seq);
    }
    // They come from the leaves as they stand: one that was changed proves nothing any more, neither does its neighbour.
    w.vault
        .db()
        .execute(
            "UPDATE ledger_entry SET leaf = (SELECT leaf FROM ledger_entry WHERE seq = 1) WHERE seq = 8",
            [],
        )
        .unwrap();
    assert!(proven(9).is_err() && proven(10).is_err());
    w.vault.db().execute("DELETE FROM ledger_entry WHERE seq = 8", []).unwrap();
    assert!(w.vault.ledger_proof(9).is_err());
}

#[test]
fn who_read_a_person_is_found_by_both_indices() {
    let w = world();
    let db = w.vault.db();
    // A server plans by how many rows there are.
    if !db.is_file() {
        return;
    }
    let mut plan = db
        .prepare(
            "EXPLAIN QUERY PLAN SELECT e.body FROM ledger_access a JOIN ledger_entry e ON e.seq = a.seq
             WHERE a.subject = ?1 OR a.conversation IN (SELECT conversation FROM party WHERE subject = ?1)
             ORDER BY a.seq DESC LIMIT ?2",
        )
        .unwrap();
    let of: (&[u8], i64) = (&[0; 16], 1);
    let steps: Vec<String> = plan.query_map(of, |r| r.get(3)).unwrap().map(Result::unwrap).collect();
    let steps = steps.join("\n");
    for index in ["ledger_access_subject (subject=?)", "ledger_access_conversation (conversation=?)"] {
        assert!(steps.contains(index), "{steps}");
    }
}

#[test]
fn a_vault_of_the_seventh_schema_keeps_its_nodes_and_is_brought_forward() {
    let w = world();
    let World { dir, clock, vault } = w;
    let db = vault.db();
    if !db.is_file() {
        return;
    }
    db.execute_batch(
        "DROP INDEX ledger_access_subject; CREATE INDEX ledger_access_subject ON ledger_access(subject);
         INSERT INTO ledger_node (level, position, hash) SELECT 0, seq, leaf FROM ledger_entry;
         PRAGMA user_version = 7;",
    )
    .unwrap();
    drop(db);
    drop(vault);
    let (data, key) = (dir.path().join("data"), dir.path().join("keys/v.key"));
    let vault = crate::Vault::open(&data, &key, None, clock.clone(), "worker").unwrap();
    let sql = "SELECT sql FROM sqlite_schema WHERE name = 'ledger_access_subject'";
    let made: String = vault.db().query_row(sql, [], |r| r.get(0)).unwrap();
    assert!(made.ends_with("WHERE subject IS NOT NULL"), "{made}");
    vault.note_export(&Actor::LocalOperator, "ledger").unwrap();
    World { dir, clock, vault: vault.into() }.verify();
}
