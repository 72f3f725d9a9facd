use super::*;
use crate::{Draft, Kind, MemoryNodes, Tail, note::tests::signer};
use proptest::prelude::*;

fn ledger(n: usize) -> (Vec<Entry>, MemoryNodes, String, VerifierKey) {
    let s = signer("callvault.test/ledger", 5);
    let (mut tail, mut nodes, mut entries) = (Tail::new(s.name.clone()), MemoryNodes::default(), Vec::new());
    for i in 0..n {
        let at = jiff::Timestamp::from_second(1_800_000_000 + i as i64).unwrap();
        let a = tail.append(Draft::new(at, Kind::AccessPermitted, "worker").fact("n", i)).unwrap();
        nodes.extend(&a.nodes);
        entries.push(a.entry);
    }
    let note = tail.checkpoint().sign(&s).unwrap();
    (entries, nodes, note, VerifierKey::of(&s).unwrap())
}

fn file(entries: &[Entry], nodes: &MemoryNodes, note: &str, wanted: impl Fn(u64) -> bool) -> Vec<u8> {
    let mut out = EntriesWriter::new(nodes, entries.len() as u64, note, Vec::new()).unwrap();
    for e in entries.iter().filter(|e| wanted(e.seq)) {
        out.entry(e).unwrap();
    }
    out.finish().unwrap()
}

fn read(file: &[u8], key: &VerifierKey) -> Result<Vec<u64>, LedgerError> {
    let mut seen = Vec::new();
    verify_entries(file, key, |e| seen.push(e.seq)).map(|_| seen)
}

#[test]
fn every_choice_of_entries_verifies_in_every_small_tree() {
    for n in 1..=9usize {
        let (entries, nodes, note, key) = ledger(n);
        for choice in 0u64..1 << n {
            let text = file(&entries, &nodes, &note, |seq| choice >> seq & 1 == 1);
            let wanted: Vec<u64> = (0..n as u64).filter(|seq| choice >> seq & 1 == 1).collect();
            assert_eq!(read(&text, &key).unwrap(), wanted);
            let other = VerifierKey::of(&signer("callvault.test/ledger", 6)).unwrap();
            assert!(read(&text, &other).is_err());
        }
    }
}

#[test]
fn neighbours_share_what_they_have_in_common() {
    let (entries, nodes, note, _) = ledger(1_000);
    let text = file(&entries, &nodes, &note, |seq| (100..400).contains(&seq));
    let hashes = text.split(|b| *b == b'\n').filter(|l| l.starts_with(b"hash ")).count();
    assert!(hashes < 20, "{hashes} hashes");
}

#[test]
fn what_is_not_in_order_or_not_there_is_refused() {
    let (entries, nodes, note, key) = ledger(20);
    let mut out = EntriesWriter::new(&nodes, 20, &note, Vec::new()).unwrap();
    out.entry(&entries[5]).unwrap();
    assert!(out.entry(&entries[5]).is_err() && out.entry(&entries[4]).is_err());
    let mut out = EntriesWriter::new(&nodes, 7, &note, Vec::new()).unwrap();
    assert!(out.entry(&entries[7]).is_err());
    // A tree that is smaller than the signed one, although each line is true.
    out.entry(&entries[3]).unwrap();
    assert!(read(&out.finish().unwrap(), &key).is_err());
    let good = String::from_utf8(file(&entries, &nodes, &note, |seq| seq % 3 == 1)).unwrap();
    assert!(read(good.as_bytes(), &key).is_ok());
    for level in ["64", "255", "63", "62", "1", "-1", ""] {
        let bad = good.replacen("hash 0", &format!("hash {level}"), 1);
        assert!(read(bad.as_bytes(), &key).is_err(), "level {level}");
    }
    let lines: Vec<&str> = good.lines().collect();
    for i in 0..lines.len() {
        let without: Vec<&str> = lines.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, l)| *l).collect();
        assert!(read((without.join("\n") + "\n").as_bytes(), &key).is_err(), "without line {i}");
        let mut twice = lines.clone();
        twice.insert(i, lines[i]);
        assert!(read((twice.join("\n") + "\n").as_bytes(), &key).is_err(), "line {i} twice");
    }
    assert!(read(&good.as_bytes()[..good.len() - 1], &key).is_err());
    assert!(read(format!("{good}{}\n", "x".repeat(20_000)).as_bytes(), &key).is_err());
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused(n in 2usize..60, choice in any::<u64>(), at in any::<prop::sample::Index>(), xor in 1u8..) {
        let (entries, nodes, note, key) = ledger(n);
        let mut text = file(&entries, &nodes, &note, |seq| choice >> (seq % 64) & 1 == 1);
        let at = at.index(text.len());
        text[at] ^= xor;
        // Base64 of the checkpoint is decoded strictly, so nothing can change unseen.
        prop_assert!(read(&text, &key).is_err());
    }
}
