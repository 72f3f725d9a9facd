use super::*;
use crate::{Draft, Kind, MemoryNodes, Tail, note::tests::signer};

fn ledger(n: usize) -> (Vec<Entry>, MemoryNodes, String, VerifierKey) {
    let s = signer("callvault.test/ledger", 5);
    let (mut tail, mut nodes, mut entries) = (Tail::new(s.name.clone()), MemoryNodes::default(), Vec::new());
    for i in 0..n {
        let at = jiff::Timestamp::from_second(1_800_000_000 + i as i64).unwrap();
        let a = tail.append(Draft::new(at, Kind::CertificateIssued, "worker").fact("n", i)).unwrap();
        nodes.extend(&a.nodes);
        entries.push(a.entry);
    }
    let note = tail.checkpoint().sign(&s).unwrap();
    (entries, nodes, note, VerifierKey::of(&s).unwrap())
}

#[test]
fn proofs_of_every_entry_verify_as_text_and_only_with_the_right_key() {
    for n in [1, 2, 5, 16, 33] {
        let (entries, nodes, note, key) = ledger(n);
        for e in &entries {
            let text = Proof::new(e.bytes(), &nodes, n as u64, &note).unwrap().to_text();
            let proof: Proof = text.parse().unwrap();
            let (entry, checkpoint) = proof.verify(&key).unwrap();
            assert_eq!((entry, checkpoint.size), (e, n as u64));
            assert_eq!(proof.to_text(), text);
            let other = VerifierKey::of(&signer("callvault.test/ledger", 6)).unwrap();
            assert!(proof.verify(&other).is_err());
        }
    }
}

#[test]
fn every_changed_line_of_a_proof_is_refused() {
    let (entries, nodes, note, key) = ledger(21);
    let good = Proof::new(entries[9].bytes(), &nodes, 21, &note).unwrap().to_text();
    let foreign = Proof::new(entries[10].bytes(), &nodes, 21, &note).unwrap().to_text();
    let refused = |t: &str| t.parse::<Proof>().map_or(true, |p| p.verify(&key).is_err());
    assert!(!refused(&good));
    let lines: Vec<&str> = good.lines().collect();
    let other: Vec<&str> = foreign.lines().collect();
    for i in 0..lines.len() {
        let without: Vec<&str> = lines.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, l)| *l).collect();
        assert!(refused(&(without.join("\n") + "\n")), "without line {i}");
        if lines[i] != other[i] {
            let mut mixed = lines.clone();
            mixed[i] = other[i];
            assert!(refused(&(mixed.join("\n") + "\n")), "line {i} of another proof");
        }
    }
    for (from, to) in
        [("index 9", "index 09"), ("index 9", "index 8"), ("proof@v1", "proof@v2"), ("extra ", "extra x")]
    {
        assert!(refused(&good.replacen(from, to, 1)));
    }
    for (i, c) in good.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
        let swap = if c == 'A' { 'B' } else { 'A' };
        let bad: String = good.char_indices().map(|(j, d)| if i == j { swap } else { d }).collect();
        assert!(refused(&bad), "character {i}");
    }
}
