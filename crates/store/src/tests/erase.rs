//! People erased: several at once or none, and what somebody repeated of them in another conversation.

use crate::{
    Actor, Error, NewConversation, NewParty, ProvenText, Recorded, RecordedFinding, RecordedTurn, Refused,
    SealedBlob, Unlock, Vault,
    backup::{self, RestoreInto},
    db::Value,
    erase::{ERASED_LABEL, EraseOrder, Erased, ErasedLine, KeptWhy},
    retention::Class,
    testing::{CARD, World, world},
};
use callvault_model::{
    Channel, EntityType, Role as Part,
    id::{CertificateId, ConversationId, SubjectId},
};
use callvault_seal::{BackupKey, OsEntropy};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const BY: Actor = Actor::LocalOperator;
const DANA: &str = "+1 202 555 0142";
const OTHER: &str = "+1 202 555 0143";

/// A recorded chat of a customer (0) with an agent (1); `value` is a card number that the first turn said.
fn chat(
    w: &World,
    number: u8,
    customer: &str,
    turns: &[(usize, &str)],
    value: Option<&str>,
) -> ConversationId {
    talk(w, number, &[customer], turns, value)
}

/// The same of several customers; the agent is the last of them all.
fn talk(
    w: &World,
    number: u8,
    customers: &[&str],
    turns: &[(usize, &str)],
    value: Option<&str>,
) -> ConversationId {
    // Ids of one moment are in no order.
    w.forward(1);
    let fill = |out: &mut dyn std::io::Write| -> Result<(), Error> {
        out.write_all(&[number; 100]).unwrap();
        Ok(())
    };
    let mut original = SealedBlob::write(&w.vault.blobs(), w.vault.tenant(), &OsEntropy, fill).unwrap();
    original.keep();
    let party = |role, address: &str| NewParty { role, address: Some(address.into()), name: None };
    let mut parties: Vec<NewParty> = customers.iter().map(|who| party(Part::Customer, who)).collect();
    parties.push(party(Part::Agent, "+1 202 555 0199"));
    let new = NewConversation {
        channel: Channel::Chat,
        started_at: None,
        duration_ms: 0,
        parties,
        content_sha256: [number; 32],
        source_name: "chat.json".into(),
        original: &original,
        copies: Vec::new(),
    };
    let id = w.vault.receive(&new).unwrap().unwrap();
    let finding = |turn, value, text: &str| RecordedFinding {
        turn,
        entity: EntityType::CreditCard,
        start_ms: 0,
        end_ms: 0,
        score: 1.0,
        recognizer: "test".into(),
        value,
        text: Some(text.into()),
    };
    let mut findings: Vec<RecordedFinding> = value.map(|text| finding(0, 1, text)).into_iter().collect();
    if value.is_some() && turns.len() > 1 {
        // One value in two pieces, the second of them in somebody else's turn, and one that is all theirs.
        findings.extend([finding(0, 2, "4000"), finding(1, 2, "0566"), finding(1, 3, "4111 1111 1111 1111")]);
    }
    let turn = |(party, text): &(usize, &str)| RecordedTurn {
        party: *party,
        start_ms: 0,
        end_ms: 0,
        text: (*text).to_owned(),
    };
    let done = Recorded {
        turns: turns.iter().map(turn).collect(),
        findings,
        audio: None,
        attachments: Vec::new(),
        opt_outs: Vec::new(),
        proof: ProvenText { level: "independent", facts: "{}".into() },
    };
    w.vault.record(id, &done).unwrap();
    id
}

fn person(w: &World, phone: &str) -> SubjectId {
    w.vault.find_by_contact(&BY, phone).unwrap().unwrap()
}

fn says(text: &str, _: &str, value: &str) -> bool {
    text.contains(value)
}

fn nobody(_: &str, _: &str) -> KeptWhy {
    unreachable!("no consent is on file")
}

fn order(subject: SubjectId, continues: Option<CertificateId>) -> EraseOrder<'static> {
    EraseOrder {
        subject,
        request: None,
        continues,
        agreed: None,
        keep: BTreeMap::new(),
        muted: BTreeMap::new(),
        says: &says,
        suppress: false,
        consent_kept: &nobody,
    }
}

#[test]
fn what_was_said_in_one_talk_and_repeated_in_another_goes_from_both() {
    let w = world();
    let first = chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD));
    let repeated = format!("is {CARD} still right?");
    let second = chat(&w, 2, DANA, &[(0, "hello again"), (1, &repeated), (1, "thank you")], None);
    let elsewhere = chat(&w, 3, OTHER, &[(0, "hello"), (1, "thank you")], None);
    let erased = w.vault.erase_subject(&BY, &mut order(person(&w, DANA), None)).unwrap();
    assert!(erased.complete);
    assert_eq!(erased.read_backs, 1);
    assert!(w.vault.masked(first).unwrap().turns.is_empty());
    let left: Vec<String> = w.vault.masked(second).unwrap().turns.into_iter().map(|t| t.text).collect();
    assert_eq!(left, [ERASED_LABEL, "thank you"]);
    assert_eq!(w.vault.masked(elsewhere).unwrap().turns.len(), 2);
    w.verify();
}

#[test]
fn several_people_are_erased_in_one_command_or_none_is() {
    let w = world();
    let talks = [
        chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD)),
        chat(&w, 2, OTHER, &[(0, "mine is [CREDIT_CARD]")], Some(CARD)),
    ];
    let [dana, other] = [person(&w, DANA), person(&w, OTHER)];
    // The second order goes on with an erasure that nobody knows.
    let unknown = CertificateId::new(w.vault.clock(), &OsEntropy).unwrap();
    let refused = w.vault.erase_rows(&BY, &mut [order(dana, None), order(other, Some(unknown))]);
    assert!(matches!(refused.err(), Some(Error::Refused(Refused::Unknown(_)))));
    assert!(talks.iter().all(|id| w.vault.masked(*id).unwrap().turns.len() == 1), "nobody was erased");
    assert!(w.entries("subject.erased").is_empty() && w.vault.erasure_receipts(None).unwrap().is_empty());
    let both =
        w.vault.erase_rows(&BY, &mut [order(dana, None), order(other, None)]).unwrap().prove().unwrap();
    assert_eq!(both.iter().map(|e| e.subject).collect::<Vec<_>>(), [dana, other]);
    assert!(both.iter().all(|e| e.complete && e.keys > 0));
    assert!(talks.iter().all(|id| w.vault.masked(*id).unwrap().turns.is_empty()));
    assert_eq!(w.entries("subject.erased").len(), 2);
    assert_eq!(w.sealed_files(), 0, "their sealed files are gone");
    w.verify();
    let w = w.reopen();
    w.verify();
}

/// Every row but those of the ledger, ids and sealed values as their length: what two vaults with the same history share.
fn shape(vault: &Vault) -> BTreeMap<String, Vec<String>> {
    let db = vault.db();
    let mut out = BTreeMap::new();
    for table in db.tables().unwrap() {
        if table.starts_with("ledger_") || ["meta", "schema_version"].contains(&table.as_str()) {
            continue;
        }
        let mut columns = db.columns(&table).unwrap();
        columns.retain(|column| column != "seq");
        let mut statement = db.prepare(&format!("SELECT {} FROM {table}", columns.join(", "))).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns.len()).map(|n| match row.get::<_, Value>(n).unwrap() {
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
                Value::Text(text) if text.len() >= 16 => format!("{} letters", text.len()),
                other => format!("{other:?}"),
            });
            all.push(values.collect::<Vec<_>>().join(" "));
        }
        all.sort();
        out.insert(table, all);
    }
    out
}

/// As many people as are read together, and some more: callers, a household, somebody who called twice, one who is on a
/// list that keeps them, one of whom only a part goes.
fn town(w: &World) -> Vec<EraseOrder<'static>> {
    let phone = |n: u8| format!("+1 202 555 {:04}", 100 + u32::from(n));
    let mut orders = Vec::new();
    for n in 0..68 {
        let repeated = format!("so it is {CARD}");
        let said: [(usize, &str); 2] = [(0, "my card is [CREDIT_CARD]"), (1, &repeated)];
        let id = chat(w, n, &phone(n), if n % 3 == 0 { &said } else { &said[..1] }, Some(CARD));
        let mut order = order(person(w, &phone(n)), None);
        let why = KeptWhy { code: "minimum".into(), rule: "r".into(), cite: "c".into(), until: None };
        match n {
            10 => w.vault.mark_must_keep(&BY, id, "a reason").unwrap(),
            11 => order.keep.extend([((id, Class::Metadata), why)]),
            12 => order.keep.extend([((id, Class::Tokens), why.clone()), ((id, Class::Transcript), why)]),
            _ => {}
        }
        orders.push(order);
    }
    chat(w, 100, &phone(3), &[(0, "it is me again"), (1, &format!("with {CARD}?"))], None);
    let home = [(0, "my card is [CREDIT_CARD]"), (1, "mine is [CREDIT_CARD] as well"), (2, "thank you")];
    talk(w, 101, &[&phone(4), &phone(5)], &home, Some(CARD));
    // Somebody is named twice.
    orders.push(order(orders[3].subject, None));
    orders
}

#[test]
fn people_erased_together_lose_what_they_lose_one_by_one() {
    let (one_by_one, together) = (world(), world());
    let mut orders = town(&together);
    let all = together.vault.erase_rows(&BY, &mut orders).unwrap().prove().unwrap();
    let each = |order: &mut EraseOrder<'static>| one_by_one.vault.erase_subject(&BY, order).unwrap();
    let one: Vec<Erased> = town(&one_by_one).iter_mut().map(each).collect();
    let told = |all: &[Erased]| {
        let line = |l: &ErasedLine| (l.class, l.count, l.kept.clone());
        let told = |e: &Erased| {
            let lines: Vec<_> = e.lines.iter().map(line).collect();
            (lines, e.read_backs, e.contacts, e.keys, e.sources_remain, e.complete, e.records.len())
        };
        all.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(told(&all), told(&one));
    assert_eq!(all.iter().filter(|e| !e.complete).count(), 3);
    let (a, b) = (shape(&together.vault), shape(&one_by_one.vault));
    for (table, rows) in &a {
        assert_eq!(rows, &b[table], "{table}");
    }
    assert_eq!(a.len(), b.len());
    for kind in ["subject.erased", "conversation.recorded"] {
        assert_eq!(together.entries(kind).len(), one_by_one.entries(kind).len());
    }
    together.verify();
    one_by_one.verify();
}

/// A backup of this moment.
struct Kept {
    key: BackupKey,
    path: PathBuf,
}

impl Kept {
    fn new(w: &World) -> Self {
        let key = BackupKey::create(&w.dir.path().join("away/b.key"), w.vault.dir(), &OsEntropy).unwrap();
        let path = w.dir.path().join("one.backup");
        w.vault.backup(&BY, &path, &key).unwrap();
        Self { key, path }
    }

    /// The world goes on with what was restored of it.
    fn restored(&self, w: World) -> World {
        let (dir, key_file) = (w.dir.path().join("new"), w.dir.path().join("keys/v.key"));
        let to = RestoreInto { dir: &dir, key_file: &key_file, unlock: Unlock::File(None) };
        backup::restore(&self.path, &self.key, to, w.clock.clone(), &BY).unwrap();
        w.reopen_at("new")
    }
}

#[test]
fn what_a_crowd_lost_is_lost_again_when_an_older_backup_is_restored() {
    let w = world();
    let mut orders = town(&w);
    // Records that were one when the backup was made, and two when they were erased; and the other way round.
    let [apart, from, into] = [orders[20].subject, orders[21].subject, orders[22].subject];
    let second = chat(&w, 110, "+1 202 555 0120", &[(0, "my card is [CREDIT_CARD]")], Some(CARD));
    let kept = Kept::new(&w);
    let new = w.vault.split_subject(&BY, apart, &[second], "another caller").unwrap().1;
    w.vault.merge_subjects(&BY, from, into, "the same caller").unwrap();
    orders.retain(|order| order.subject != from);
    orders.push(order(new, None));
    w.vault.erase_rows(&BY, &mut orders).unwrap().prove().unwrap();
    // Whatever is alive there is alive here.
    let alive = |vault: &Vault, sql: &str| -> BTreeSet<String> {
        let db = vault.db();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| Ok(format!("{:?}", r.get::<_, Value>(0)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let asked = [
        "SELECT id FROM token",
        "SELECT token FROM finding WHERE token IS NOT NULL",
        "SELECT id FROM party WHERE wrapped_key IS NOT NULL",
        "SELECT id FROM subject WHERE wrapped_key IS NOT NULL",
        "SELECT id FROM object WHERE wrapped_key IS NOT NULL",
        "SELECT blind_index FROM contact",
        "SELECT id FROM conversation WHERE length(sealed_source) > 0",
        "SELECT CAST(t.sealed_text AS BLOB) FROM turn t JOIN party p ON p.id = t.party WHERE p.wrapped_key IS NOT NULL",
    ];
    let here: Vec<BTreeSet<String>> = asked.iter().map(|sql| alive(&w.vault, sql)).collect();
    let w = kept.restored(w);
    for (sql, here) in asked.iter().zip(here) {
        let there = alive(&w.vault, sql);
        assert!(there.is_subset(&here), "{sql}: {:?}", there.difference(&here));
        assert!(sql.contains("turn") || there == here, "{sql}: {:?}", here.difference(&there));
    }
    w.verify();
}

#[test]
fn words_erased_after_somebody_elses_in_the_same_talk_do_not_come_back_with_a_backup_from_between() {
    let w = world();
    let said = [(0, "my card is [CREDIT_CARD]"), (1, "mine is [CREDIT_CARD] as well"), (2, "thank you")];
    let id = talk(&w, 1, &[DANA, OTHER], &said, Some(CARD));
    let [dana, other] = [person(&w, DANA), person(&w, OTHER)];
    w.vault.erase_subject(&BY, &mut order(dana, None)).unwrap();
    let kept = Kept::new(&w);
    let mut partly = order(other, None);
    let why = KeptWhy { code: "minimum".into(), rule: "r".into(), cite: "c".into(), until: None };
    partly.keep.insert((id, Class::Metadata), why);
    assert!(!w.vault.erase_subject(&BY, &mut partly).unwrap().complete);
    let left = |w: &World| w.vault.masked(id).unwrap().turns.into_iter().map(|t| t.text).collect::<Vec<_>>();
    assert_eq!(left(&w), ["thank you"]);
    let w = kept.restored(w);
    assert_eq!(left(&w), ["thank you"]);
    w.verify();
}

#[test]
fn a_transcript_that_waits_for_its_work_goes_with_the_person() {
    let w = world();
    let id = w.call(1);
    w.vault.db().execute("UPDATE conversation SET state = 'quarantined', proof = NULL", []).unwrap();
    w.vault.release_with_transcript(&BY, id, b"I am Dana Whitfield").unwrap();
    assert!(w.vault.imported_transcript(id).unwrap().is_some());
    let erased = w.vault.erase_subject(&BY, &mut order(person(&w, DANA), None)).unwrap();
    assert!(erased.complete);
    assert!(w.vault.imported_transcript(id).unwrap().is_none(), "its key is destroyed");
    assert_eq!(w.sealed_files(), 0);
}

/// A statement that changes several rows sets pages aside; a file of them would hold what was deleted.
#[test]
fn no_page_is_set_aside_on_the_disk() {
    let w = world();
    for db in [&*w.vault.db(), &*w.vault.reads()] {
        if db.is_file() {
            let store: i64 = db.query_row("PRAGMA temp_store", [], |r| r.get(0)).unwrap();
            assert_eq!(store, 2, "in memory");
        }
    }
}

#[test]
fn a_backup_from_before_a_split_keeps_the_words_of_who_was_told_apart() {
    let w = world();
    let first = chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD));
    let second = chat(&w, 2, DANA, &[(0, "mine is [CREDIT_CARD]")], Some(CARD));
    let one = person(&w, DANA);
    let kept = Kept::new(&w);
    w.vault.split_subject(&BY, one, &[second], "another caller").unwrap();
    w.vault.erase_rows(&BY, &mut [order(one, None)]).unwrap().prove().unwrap();
    let w = kept.restored(w);
    assert!(!w.vault.masked_unlogged(second).unwrap().turns.is_empty());
    let said: i64 = w
        .vault
        .db()
        .query_row(
            "SELECT COUNT(*) FROM turn t JOIN party p ON p.id = t.party WHERE t.conversation = ?1 AND p.role = 'customer'",
            crate::db::params![first.as_bytes()],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(said, 0, "who was erased stays erased");
    w.verify();
}

#[test]
fn files_of_an_interrupted_erasure_go_before_its_receipt_is_made() {
    let w = world();
    let id = chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD));
    let files = |w: &World| std::fs::read_dir(w.vault.blobs()).unwrap().count();
    let before = files(&w);
    // Killed before anybody looked: the receipt waits, the sealed original is still there.
    drop(w.vault.erase_rows(&BY, &mut [order(person(&w, DANA), None)]).unwrap());
    let waiting = w.vault.erasures_without_receipt().unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(w.vault.original(id).is_err());
    w.vault.take_erased_files_away(&waiting).unwrap();
    if w.vault.bucket_keeps().is_none() {
        assert_eq!(files(&w), before - 1);
    }
}
