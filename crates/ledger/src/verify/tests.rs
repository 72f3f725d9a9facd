//! The attack table: every way to damage a ledger of 200 entries must be red and name the first bad entry.

use super::*;
use crate::{Draft, Kind, Tail, note::tests::signer};

const SIZE: usize = 200;
const EVERY: usize = 25;

struct Ledger {
    lines: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    /// Signed after every 25 entries, the newest last.
    notes: Vec<String>,
    key: VerifierKey,
}

fn ledger(seed: u8, n: usize) -> Ledger {
    let s = signer("callvault.test/ledger", seed);
    let mut l = Ledger { lines: vec![], leaves: vec![], notes: vec![], key: VerifierKey::of(&s).unwrap() };
    let mut tail = Tail::new(s.name.clone());
    for i in 0..n {
        let at = Timestamp::from_millisecond(1_800_000_000_000 + i as i64 * 777).unwrap();
        let kind = Kind::ALL[i % Kind::ALL.len()];
        let subject = format!("0190a5c2-7e3f-7000-8000-{:012x}", i % 9).parse().unwrap();
        let draft = Draft::new(at, kind, "worker").subject(subject).fact("n", i).fact("hash", [i as u8; 32]);
        let a = tail.append(draft).unwrap();
        assert_eq!(a.clock_went_back_ms, 0);
        l.lines.push(a.entry.bytes().to_vec());
        l.leaves.push(a.nodes[0].hash);
        if (i + 1) % EVERY == 0 || i + 1 == n {
            l.notes.push(tail.checkpoint().sign(&s).unwrap());
        }
    }
    l
}

impl Ledger {
    fn check(&self, lines: &[Vec<u8>], leaves: Option<&[Hash]>) -> Result<Verified, Broken> {
        let (newest, history) = self.notes.split_last().unwrap();
        self.check_with(lines, leaves, newest, history)
    }

    fn known(&self) -> Known {
        let (newest, history) = self.notes.split_last().unwrap();
        Known::open(newest, history, &self.key).unwrap()
    }

    fn check_with<'a>(
        &self,
        lines: &'a [Vec<u8>],
        leaves: Option<&'a [Hash]>,
        newest: &str,
        others: &[String],
    ) -> Result<Verified, Broken> {
        walk(&Known::open(newest, others, &self.key)?, lines, leaves)
    }
}

fn walk<'a>(known: &Known, lines: &'a [Vec<u8>], leaves: Option<&'a [Hash]>) -> Result<Verified, Broken> {
    let list = leaves.unwrap_or_default();
    let again = || -> Result<Stream<'a, Hash>, String> { Ok(Box::new(list.iter().copied().map(Ok))) };
    let again: Option<&dyn Fn() -> Result<Stream<'a, Hash>, String>> = leaves.map(|_| &again as _);
    verify_stream(Box::new(lines.iter().cloned().map(Ok)), again, known, true)
}

/// SplitMix64: the trials are the same on every machine.
struct Dice(u64);
impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Damages the lines; gives the first entry that is now wrong and what was done.
fn damage(dice: &mut Dice, lines: &mut Vec<Vec<u8>>, other: &Ledger) -> (usize, &'static str) {
    let i = dice.below(lines.len());
    match dice.below(10) {
        0 => {
            let at = dice.below(lines[i].len());
            lines[i][at] ^= 1 << dice.below(8);
            (i, "one bit")
        }
        1 => {
            let text = String::from_utf8(lines[i].clone()).unwrap();
            lines[i] = text.replace(&format!("\"n\":{i}"), &format!("\"n\":{}", i + 1)).into_bytes();
            (i, "one column, still canonical")
        }
        2 => {
            lines.remove(i);
            (i, "deleted")
        }
        3 => {
            let j = dice.below(lines.len());
            let j = if i == j { (i + 1) % lines.len() } else { j };
            lines.swap(i, j);
            (i.min(j), "swapped")
        }
        4 => {
            let line = lines[dice.below(lines.len())].clone();
            let at = i;
            if lines[at] == line {
                lines.insert(at, line);
                // A second copy of the same entry: the first stays right.
                return (at + 1, "repeated");
            }
            lines.insert(at, line);
            (at, "inserted a copy")
        }
        5 => {
            // Back-dated: right number, right chain, canonical.
            let prev = if i == 0 { Hash::ZERO } else { leaf_hash(&lines[i - 1]) };
            let forged = Draft::new(Timestamp::UNIX_EPOCH, Kind::DisposalApproved, "worker");
            lines.insert(i, forged.place(i as u64, prev).unwrap().bytes().to_vec());
            (i, "inserted a forged entry")
        }
        6 => {
            lines.truncate(i);
            (i, "cut off")
        }
        7 => {
            // The whole rest written anew with right numbers and chain.
            let mut prev = if i == 0 { Hash::ZERO } else { leaf_hash(&lines[i - 1]) };
            for (j, line) in lines.iter_mut().enumerate().skip(i) {
                let e = Entry::parse(line).unwrap();
                let forged = Draft::new(e.at, Kind::OperatorActed, "nobody").place(j as u64, prev).unwrap();
                prev = forged.leaf();
                *line = forged.bytes().to_vec();
            }
            (i, "rewritten from here")
        }
        8 => {
            lines[i] = other.lines[i].clone();
            (i, "an entry of another ledger")
        }
        _ => {
            // Canonicalisation tricks that keep the meaning.
            let text = String::from_utf8(lines[i].clone()).unwrap();
            let tricks = [
                text.replace("\"v\":1}", "\"v\":1,\"v\":1}"),
                text.replace("\"seq\":", "\"seq\": "),
                text.replace("worker", "w\\u006frker"),
                text.replace("\"actor\":\"worker\",", "").replace("{", "{\"actor\":\"worker\",") + " ",
            ];
            lines[i] = tricks[dice.below(tricks.len())].clone().into_bytes();
            (i, "another writing")
        }
    }
}

fn other_ledger() -> Ledger {
    let mut other = ledger(9, 1);
    let mut tail = Tail::new("else");
    other.lines = (0..SIZE)
        .map(|i| {
            let at = Timestamp::from_millisecond(1_700_000_000_000 + i as i64).unwrap();
            tail.append(Draft::new(at, Kind::AccessDenied, "worker")).unwrap().entry.bytes().to_vec()
        })
        .collect();
    other
}

#[test]
fn a_whole_ledger_is_green_with_and_without_the_list() {
    let l = ledger(1, SIZE);
    for leaves in [None, Some(&l.leaves[..])] {
        let v = l.check(&l.lines, leaves).unwrap();
        assert_eq!((v.size, v.checkpoints, v.clock_went_back), (200, 8, None));
        assert!(v.first.unwrap() < v.last.unwrap());
    }
    for n in [1, 2, 3, 24, 25, 26, 64] {
        let l = ledger(1, n);
        assert_eq!(l.check(&l.lines, Some(&l.leaves)).unwrap().size, n as u64);
        assert_eq!(l.check(&l.lines, None).unwrap().size, n as u64);
    }
}

#[test]
fn ten_thousand_random_attacks_are_red_and_name_the_first_bad_entry() {
    let (l, other) = (ledger(1, SIZE), other_ledger());
    let (known, mut dice) = (l.known(), Dice(20_261_123));
    let mut kinds = std::collections::BTreeMap::<&str, u32>::new();
    for trial in 0..10_000 {
        let mut lines = l.lines.clone();
        let (first, what) = damage(&mut dice, &mut lines, &other);
        let broken = walk(&known, &lines, Some(&l.leaves)).expect_err(what);
        assert_eq!(broken.seq, Some(first as u64), "trial {trial}: {what}: {broken}");
        *kinds.entry(what).or_default() += 1;
    }
    assert!(kinds.len() >= 10 && kinds.values().all(|n| *n > 3), "{kinds:?}");
}

#[test]
fn without_the_list_every_attack_is_red_and_the_name_is_never_late() {
    let (l, other) = (ledger(1, SIZE), other_ledger());
    let (known, mut dice) = (l.known(), Dice(7));
    let mut exact = 0;
    for trial in 0..3_000 {
        let mut lines = l.lines.clone();
        let (first, what) = damage(&mut dice, &mut lines, &other);
        let broken = walk(&known, &lines, None).expect_err(what);
        let seq = broken.seq.unwrap();
        // The chain points at the place, or at the last signed root before it.
        assert!(seq <= first as u64 + 1, "trial {trial}: {what} at {first}: {broken}");
        assert!(
            seq + EVERY as u64 > first as u64 || first >= SIZE,
            "trial {trial}: {what} at {first}: {broken}"
        );
        exact += u32::from(seq == first as u64);
    }
    assert!(exact > 2_000, "{exact}");
}

#[test]
fn a_list_that_was_changed_too_gives_no_cover() {
    let l = ledger(1, SIZE);
    for i in [0usize, 24, 25, 26, 100, 198, 199] {
        let mut lines = l.lines.clone();
        let text = String::from_utf8(lines[i].clone()).unwrap();
        lines[i] = text.replace(&format!("\"n\":{i}"), "\"n\":999").into_bytes();
        let mut leaves = l.leaves.clone();
        leaves[i] = leaf_hash(&lines[i]);
        let broken = l.check(&lines, Some(&leaves)).unwrap_err();
        let first = broken.seq.unwrap();
        assert!(first <= i as u64 && first + EVERY as u64 > i as u64, "{i}: {broken}");
        // Only the list: the entries still prove themselves, the list is named.
        let broken = l.check(&l.lines, Some(&leaves)).unwrap_err();
        assert!(broken.seq.is_some(), "{broken}");
        if i < 175 {
            assert_eq!(broken.seq, Some(i as u64), "{broken}");
        }
    }
    let longer = [l.leaves.clone(), vec![Hash::ZERO]].concat();
    assert_eq!(l.check(&l.lines, Some(&longer)).unwrap_err().why, Why::Leaves);
    assert!(l.check(&l.lines, Some(&l.leaves[..150])).is_err());
}

#[test]
fn an_older_state_put_back_shows_against_any_later_checkpoint() {
    let l = ledger(1, SIZE);
    let later = &l.notes[7];
    for k in 0..7usize {
        let size = (k + 1) * EVERY;
        let old = &l.lines[..size];
        assert!(l.check_with(old, Some(&l.leaves[..size]), &l.notes[k], &l.notes[..k]).is_ok());
        for leaves in [None, Some(&l.leaves[..size])] {
            let broken = l.check_with(old, leaves, &l.notes[k], std::slice::from_ref(later)).unwrap_err();
            assert_eq!((broken.seq, &broken.why), (Some(size as u64), &Why::Truncated { signed: 200 }));
        }
        // All entries are there but the checkpoint is old.
        let broken = l.check_with(&l.lines, None, &l.notes[k], std::slice::from_ref(later)).unwrap_err();
        assert_eq!((broken.seq, &broken.why), (Some(size as u64), &Why::Rollback { signed: 200 }));
        // Entries beyond the only checkpoint.
        let broken = l.check_with(&l.lines, Some(&l.leaves), &l.notes[k], &[]).unwrap_err();
        assert_eq!((broken.seq, &broken.why), (Some(size as u64), &Why::Uncovered));
    }
}

#[test]
fn a_history_rewritten_with_the_real_key_contradicts_a_kept_checkpoint() {
    let (l, mut fake) = (ledger(1, SIZE), ledger(1, 0));
    let s = signer("callvault.test/ledger", 1);
    let mut tail = Tail::new(s.name.clone());
    for i in 0..SIZE {
        let at = Timestamp::from_second(1_800_000_000 + i as i64).unwrap();
        let a = tail.append(Draft::new(at, Kind::AccessDenied, "worker")).unwrap();
        fake.lines.push(a.entry.bytes().to_vec());
        fake.leaves.push(a.nodes[0].hash);
    }
    let note = tail.checkpoint().sign(&s).unwrap();
    assert!(
        l.check_with(&fake.lines, Some(&fake.leaves), &note, &[]).is_ok(),
        "the forgery is sound by itself"
    );
    let broken = l.check_with(&fake.lines, Some(&fake.leaves), &note, &l.notes[7..]).unwrap_err();
    assert_eq!(broken.why, Why::Fork { size: 200 });
    let broken = l.check_with(&fake.lines, Some(&fake.leaves), &note, &l.notes[2..3]).unwrap_err();
    assert_eq!(broken.why, Why::Root { before: 75 });
}

#[test]
fn a_checkpoint_of_a_stranger_is_refused_and_an_unreadable_row_is_an_error() {
    let (l, stranger) = (ledger(1, 30), ledger(2, 30));
    assert!(matches!(
        l.check_with(&l.lines, None, &stranger.notes[1], &[]).unwrap_err().why,
        Why::Checkpoint(_)
    ));
    let known = Known::open(&l.notes[1], &[], &l.key).unwrap();
    let torn = l.lines.iter().cloned().map(Ok).take(5).chain([Err("bad sector".to_owned())]);
    let broken = verify_stream(Box::new(torn), None, &known, true).unwrap_err();
    assert!(broken.to_string().contains("bad sector"));
}

#[test]
fn time_that_ran_backwards_is_a_warning_and_not_a_break() {
    let s = signer("callvault.test/ledger", 1);
    let mut tail = Tail::new(s.name.clone());
    let mut lines = Vec::new();
    for (i, second) in [100, 200, 150, 300, 299].into_iter().enumerate() {
        let at = Timestamp::from_second(second).unwrap();
        let a = tail.append(Draft::new(at, Kind::VaultOpened, "worker")).unwrap();
        assert_eq!(a.clock_went_back_ms, [0, 0, 50_000, 0, 1_000][i]);
        lines.push(a.entry.bytes().to_vec());
    }
    let key = VerifierKey::of(&s).unwrap();
    let known = Known::open(&tail.checkpoint().sign(&s).unwrap(), &[], &key).unwrap();
    let v = verify_stream(Box::new(lines.into_iter().map(Ok)), None, &known, true).unwrap();
    assert_eq!(v.clock_went_back, Some((2, 2)));
}

#[test]
fn the_tail_reloads_from_what_was_stored_and_refuses_a_tree_that_does_not_fit() {
    let (mut tail, mut nodes, mut last) = (Tail::new("o"), crate::MemoryNodes::default(), None);
    for i in 0..37u64 {
        let loaded = Tail::load("o", i, &nodes, last.as_deref()).unwrap();
        assert_eq!(loaded, tail);
        let a = tail.append(Draft::new(Timestamp::from_second(9).unwrap(), Kind::VaultOpened, "w")).unwrap();
        nodes.extend(&a.nodes);
        last = Some(a.entry.bytes().to_vec());
    }
    assert!(Tail::load("o", 36, &nodes, last.as_deref()).is_err());
    assert!(Tail::load("o", 37, &nodes, None).is_err());
    assert!(Tail::load("o", 38, &nodes, last.as_deref()).is_err());
    let spoiled = String::from_utf8(last.unwrap()).unwrap().replace("\"w\"", "\"x\"");
    assert!(Tail::load("o", 37, &nodes, Some(spoiled.as_bytes())).is_err());
}
