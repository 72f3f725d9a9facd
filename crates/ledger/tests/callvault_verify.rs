//! The standalone verifier as a stranger runs it.

use callvault_ledger::{
    Draft, EntriesWriter, ExportWriter, FnSigner, Kind, MemoryNodes, Proof, Tail, VerifierKey,
};
use ed25519_dalek::{Signer, SigningKey};
use std::{ffi::OsStr, fs, process::Command};

#[test]
fn the_binary_says_ok_broken_or_usage() {
    let run = |args: &[&OsStr]| {
        let out = Command::new(env!("CARGO_BIN_EXE_callvault-verify")).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap(), text)
    };
    let key = SigningKey::from_bytes(&[4; 32]);
    let signer = FnSigner {
        name: "callvault.test/ledger".to_owned(),
        public: key.verifying_key().to_bytes(),
        sign: |text: &[u8]| Some(key.sign(text).to_bytes()),
    };
    let top = tempfile::tempdir().unwrap();
    let (dir, kept, proof) =
        (top.path().join("export"), top.path().join("kept"), top.path().join("p.tlog-proof"));
    let (mut tail, mut nodes) = (Tail::new(signer.name.clone()), MemoryNodes::default());
    let mut export = ExportWriter::create(&dir).unwrap();
    let (mut last, mut all) = (Vec::new(), Vec::new());
    for i in 0..12i64 {
        let at = jiff::Timestamp::from_second(1_800_000_000 + i).unwrap();
        let a = tail.append(Draft::new(at, Kind::AccessPermitted, "worker").fact("n", i)).unwrap();
        export.entry(a.entry.bytes(), &a.nodes[0].hash).unwrap();
        nodes.extend(&a.nodes);
        last = a.entry.bytes().to_vec();
        all.push(a.entry);
        if i == 6 {
            fs::write(&kept, tail.checkpoint().sign(&signer).unwrap()).unwrap();
        }
    }
    let note = tail.checkpoint().sign(&signer).unwrap();
    let vkey = VerifierKey::of(&signer).unwrap();
    export.finish(&note, &[], &vkey).unwrap();
    fs::write(&proof, Proof::new(&last, &nodes, 12, &note).unwrap().to_text()).unwrap();

    let some = top.path().join("entries.proof");
    let mut several = EntriesWriter::new(&nodes, 12, &note, Vec::new()).unwrap();
    all.iter().filter(|e| e.seq % 3 == 1).for_each(|e| several.entry(e).unwrap());
    let several = String::from_utf8(several.finish().unwrap()).unwrap();
    fs::write(&some, &several).unwrap();

    let vkey = vkey.to_string();
    let (dir, kept, proof): (&OsStr, &OsStr, &OsStr) = (dir.as_ref(), kept.as_ref(), proof.as_ref());
    let (flag, vkey, anchor): (&OsStr, &OsStr, &OsStr) =
        ("--vkey".as_ref(), vkey.as_ref(), "--checkpoint".as_ref());

    let (code, text) = run(&[dir]);
    assert!(
        code == 0 && text.contains("ok: 12 entries") && text.contains("compare it with --vkey"),
        "{text}"
    );
    let (code, text) = run(&[dir, flag, vkey, anchor, kept]);
    assert!(code == 0 && text.contains("2 signed checkpoint(s)") && !text.contains("warning"), "{text}");
    let (code, text) = run(&[proof, flag, vkey]);
    assert!(code == 0 && text.contains("ok: entry 11 (access.permitted"), "{text}");
    let (code, text) = run(&[some.as_ref(), flag, vkey]);
    assert!(
        code == 0 && text.contains("ok: 4 entries, 1 to 10, are in callvault.test/ledger at size 12"),
        "{text}"
    );
    fs::write(&some, several.replace("\"n\":7", "\"n\":8")).unwrap();
    let (code, text) = run(&[some.as_ref(), flag, vkey]);
    assert!(code == 1 && text.starts_with("BROKEN:"), "{text}");
    for wrong in [
        &[][..],
        &[proof],
        &["--what".as_ref()],
        &[dir, dir],
        &[dir, flag],
        &[dir, flag, "nonsense".as_ref()],
        &[dir, anchor, "no-such-file".as_ref()],
        &["no-such-directory".as_ref()],
    ] {
        assert_eq!(run(wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(run(&["--help".as_ref()]).0, 0);

    let entries = std::path::Path::new(dir).join("entries.jsonl");
    let good = fs::read_to_string(&entries).unwrap();
    fs::write(&entries, good.replace("\"n\":7", "\"n\":8")).unwrap();
    let (code, text) = run(&[dir]);
    assert!(code == 1 && text.contains("first broken entry: 7"), "{text}");
    let other = fs::read_to_string(proof).unwrap().replacen("index 11", "index 10", 1);
    fs::write(proof, other).unwrap();
    let (code, text) = run(&[proof, flag, vkey]);
    assert!(code == 1 && text.contains("BROKEN"), "{text}");
}
