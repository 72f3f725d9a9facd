use super::*;
use crate::{Draft, Kind, Tail, Why, note::tests::signer};
use jiff::Timestamp;

struct Made {
    dir: tempfile::TempDir,
    key: VerifierKey,
    notes: Vec<String>,
}

fn made(n: usize) -> Made {
    let s = signer("callvault.test/ledger", 4);
    let dir = tempfile::tempdir().unwrap();
    let mut tail = Tail::new(s.name.clone());
    let mut w = ExportWriter::create(dir.path()).unwrap();
    let mut notes = Vec::new();
    for i in 0..n {
        let at = Timestamp::from_second(1_800_000_000 + i as i64).unwrap();
        let a = tail.append(Draft::new(at, Kind::AccessPermitted, "worker").fact("n", i)).unwrap();
        w.entry(a.entry.bytes(), &a.nodes[0].hash).unwrap();
        notes.push(tail.checkpoint().sign(&s).unwrap());
    }
    let newest = tail.checkpoint().sign(&s).unwrap();
    let history = notes.len().saturating_sub(1);
    let key = VerifierKey::of(&s).unwrap();
    w.finish(&newest, &notes[..history], &key).unwrap();
    Made { dir, key, notes }
}

impl Made {
    fn check(&self) -> Result<Verified, Broken> {
        verify_export(self.dir.path(), &Options::default())
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

#[test]
fn exports_of_any_size_verify() {
    for n in [0, 1, 2, 50] {
        let m = made(n);
        let v = m.check().unwrap();
        assert_eq!((v.size, v.checkpoints, v.key_given), (n as u64, n.max(1), false));
        let pinned = Options { key: Some(m.key.clone()), anchors: m.notes.clone() };
        assert!(verify_export(m.dir.path(), &pinned).unwrap().key_given);
        assert!(ExportWriter::create(m.dir.path()).is_err(), "an export is never overwritten");
    }
}

#[test]
fn damage_to_each_file_is_red() {
    let m = made(20);
    let spoil = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let good = fs::read(m.path(name)).unwrap();
        let mut bad = good.clone();
        change(&mut bad);
        assert_ne!(good, bad, "{name}");
        fs::write(m.path(name), &bad).unwrap();
        let result = m.check();
        fs::write(m.path(name), &good).unwrap();
        result.expect_err(name)
    };
    for name in [ENTRIES, CHECKPOINT, HISTORY, VKEY, LEAVES] {
        spoil(name, &|b| b[40] ^= 1);
        spoil(name, &|b| b.truncate(b.len() / 2));
    }
    // The history is optional: an empty one proves less, and the count of checkpoints says so.
    for name in [ENTRIES, CHECKPOINT, VKEY, LEAVES] {
        spoil(name, &|b| b.clear());
    }
    for name in [ENTRIES, CHECKPOINT, VKEY] {
        fs::rename(m.path(name), m.path("away")).unwrap();
        assert!(matches!(m.check().unwrap_err().why, Why::Unreadable(_)), "{name} missing");
        fs::rename(m.path("away"), m.path(name)).unwrap();
    }
    let e = spoil(ENTRIES, &|b| b.extend_from_slice(b"{}\n"));
    assert_eq!((e.seq, e.why), (Some(20), Why::Uncovered));
    let e = spoil(ENTRIES, &|b| b.insert(0, b'\n'));
    assert_eq!(e.seq, Some(0));
    let e = spoil(ENTRIES, &|b| b.splice(0..0, vec![b'a'; 100_000]).for_each(drop));
    assert_eq!(e.seq, Some(0), "a line without end takes no memory");
    assert!(m.check().is_ok());
}

#[test]
fn a_forged_export_passes_only_until_the_key_is_given() {
    let (m, forged) = (made(5), made(5));
    let s = signer("callvault.test/ledger", 77);
    let note = fs::read_to_string(m.path(CHECKPOINT)).unwrap();
    let text = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    fs::write(forged.path(CHECKPOINT), crate::note::sign(&text, &s).unwrap()).unwrap();
    fs::write(forged.path(VKEY), VerifierKey::of(&s).unwrap().to_string()).unwrap();
    fs::rename(forged.path(HISTORY), forged.path("away")).unwrap();
    assert!(!forged.check().unwrap().key_given);
    let pinned = Options { key: Some(m.key.clone()), anchors: vec![] };
    assert!(matches!(verify_export(forged.dir.path(), &pinned).unwrap_err().why, Why::Checkpoint(_)));
}
