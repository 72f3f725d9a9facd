//! The index of readings is whole whenever somebody asks it, whatever was killed or failed before.

use crate::{
    Session, access_index,
    gate::{ReadMasked, Target},
    testing::{World, world},
};
use callvault_ledger::{Draft, Entry, Kind};
use callvault_model::id::ConversationId;
use callvault_policy::{Purpose, Role};
use std::collections::BTreeSet;

fn read(w: &World, id: ConversationId, agent: &Session) {
    let why = Some(Purpose::Service);
    let permit = w.vault.permit::<ReadMasked>(agent, Target::Conversation(id), why, None).unwrap();
    w.vault.read_masked(permit).unwrap();
}

fn numbers(w: &World, sql: &str) -> BTreeSet<i64> {
    let db = w.vault.db();
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

fn indexed(w: &World) -> BTreeSet<i64> {
    numbers(w, "SELECT seq FROM ledger_access")
}

/// Entries about readings, by the ledger itself.
fn readings(w: &World) -> BTreeSet<i64> {
    let entries = w.ledger();
    let parsed = entries.iter().map(|e| Entry::parse(e.as_bytes()).unwrap());
    let about = parsed.filter(|e| e.kind.starts_with("access.") || e.kind == "ledger.exported");
    about.map(|e| e.seq.cast_signed()).collect()
}

fn waits(w: &World) -> bool {
    !numbers(w, "SELECT 1 FROM meta WHERE key = 'access_unindexed_from'").is_empty()
}

#[test]
fn readings_wait_for_the_index_and_stand_in_it_when_it_is_asked() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    for n in 1..4 {
        read(&w, id, &agent);
        assert!(waits(&w) && indexed(&w) != readings(&w), "each reading alone would write pages of its own");
        assert_eq!(access_index::unindexed(&w.vault.db()).unwrap().len(), 1);
        assert_eq!(w.vault.who_read_conversation(id).unwrap().len(), n);
        assert!(!waits(&w));
        assert_eq!(indexed(&w), readings(&w));
    }
    read(&w, id, &agent);
    // A command indexes what it writes itself, and leaves the others waiting.
    w.vault.note_export(&crate::Actor::LocalOperator, "ledger").unwrap();
    assert_eq!(indexed(&w).len() + 1, readings(&w).len());
    assert!(indexed(&w).contains(readings(&w).last().unwrap()));
    w.vault.seq_at(w.vault.clock().now()).unwrap();
    assert_eq!(indexed(&w), readings(&w));
    w.verify();
}

#[test]
fn what_a_killed_process_left_is_indexed_when_the_vault_is_opened() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    (0..3).for_each(|_| read(&w, id, &agent));
    // Nothing is written when a vault is dropped: it is as if the process had been killed.
    let w = w.reopen();
    assert!(!waits(&w));
    assert_eq!(indexed(&w), readings(&w));
    assert_eq!(w.vault.who_read_conversation(id).unwrap().len(), 3);
}

#[test]
fn a_transaction_that_failed_takes_no_line_and_no_mark_with_it() {
    let w = world();
    let (id, agent) = (w.call(1), w.signed_in("dana", &[Role::Agent]));
    let entry = || Draft::new(w.vault.clock().now(), Kind::AccessPermitted, "worker").conversation(id);
    for before in [0, 1] {
        (0..before).for_each(|_| read(&w, id, &agent));
        w.break_ledger(true);
        assert!(w.vault.log_together(&entry()).is_err());
        w.break_ledger(false);
        // Its number goes to an entry that is about nobody's reading.
        w.vault
            .command("view", |c| {
                c.log(Kind::OperatorActed, None, None, &[]);
                Ok(())
            })
            .unwrap();
        read(&w, id, &agent);
        assert!(waits(&w));
        let expected = readings(&w);
        w.vault.index_readings().unwrap();
        assert_eq!(indexed(&w), expected);
    }
    read(&w, id, &agent);
    w.break_ledger(true);
    assert!(w.vault.log_together(&entry()).is_err());
    w.break_ledger(false);
    read(&w, id, &agent);
    let w = w.reopen();
    assert_eq!(indexed(&w), readings(&w));
}

#[test]
fn many_readings_are_indexed_together_before_there_are_too_many() {
    let w = world();
    let id = w.call(1);
    std::thread::scope(|s| {
        for _ in 0..32 {
            s.spawn(|| {
                for _ in 0..70 {
                    let at = w.vault.clock().now();
                    let entry = Draft::new(at, Kind::AccessPermitted, "worker").conversation(id);
                    w.vault.log_together(&entry).unwrap();
                }
            });
        }
    });
    let (known, all) = (indexed(&w), readings(&w));
    assert!(known.len() > 1_900 && known.len() < all.len(), "{} of {}", known.len(), all.len());
    let waiting = access_index::unindexed(&w.vault.db()).unwrap();
    let waiting: BTreeSet<i64> = waiting.iter().map(|e| e.seq.cast_signed()).collect();
    assert_eq!(known.union(&waiting).copied().collect::<BTreeSet<_>>(), all);
    let w = w.reopen();
    assert_eq!(indexed(&w), all);
    w.verify();
}
