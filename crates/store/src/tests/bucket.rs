//! The same vault with its sealed files in a bucket of a real S3 server, started for the test on loopback: the whole suite
//! of this crate once more, and what only a server can do to us.

use crate::{
    Actor, Error, FileServer, NewConversation, SealedBlob, Told, Vault,
    blob::{self, faults},
    posture,
    testing::{CARD, FILES, Moving, NAME, SERVER, World, world_with},
};
use callvault_model::{
    Channel, Id,
    id::{ConversationId, ObjectId},
};
use callvault_seal::OsEntropy;
use server::Bucket;
use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

mod moves;
#[path = "../../../../tests/support/s3.rs"]
mod server;
mod trust;

const BY: Actor = Actor::LocalOperator;

/// A prefix there that nobody else uses.
fn place(bucket: &Bucket) -> FileServer {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("s3://{}/v{}", Bucket::NAME, MADE.fetch_add(1, Ordering::Relaxed));
    FileServer::new(&name, Some(&bucket.endpoint()), "us-east-1", bucket.credentials(), None).unwrap()
}

fn key_of(place: &FileServer, id: ObjectId) -> String {
    format!("/{}/{}/{id}.sealed", place.bucket(), place.prefix())
}

fn object(w: &World, id: ConversationId, kind: &str) -> ObjectId {
    let raw: Vec<u8> = w
        .vault
        .db()
        .query_row(
            "SELECT id FROM object WHERE conversation = ?1 AND kind = ?2",
            crate::db::params![id.as_bytes(), kind],
            |r| r.get(0),
        )
        .unwrap();
    crate::keys::id_of(&raw).unwrap()
}

fn here(w: &World) -> usize {
    blob::list(&w.vault.blobs()).unwrap().len()
}

fn open(data: &Path, key: &Path, clock: &Arc<Moving>) -> Vault {
    Vault::open(data, key, None, clock.clone(), "worker").unwrap()
}

/// The number of a message whose sender does not live to tidy up.
const KILLED: u8 = 255;

/// Seals these bytes and receives them as a message.
fn receive(w: &World, bytes: &[u8], number: u8) -> Result<ConversationId, Error> {
    let mut original = SealedBlob::scratch(&w.vault.blobs(), w.vault.tenant(), &OsEntropy, |out| {
        out.write_all(bytes).map_err(Error::file("x"))
    })?;
    let new = NewConversation {
        channel: Channel::Chat,
        started_at: None,
        duration_ms: 0,
        parties: Vec::new(),
        content_sha256: [number; 32],
        source_name: "a.json".into(),
        original: &original,
        copies: Vec::new(),
    };
    let got = w.vault.receive(&new).map(|r| r.unwrap_or_else(|known| known));
    match &got {
        Ok(_) => original.keep(),
        // As a kill would: nothing of it is tidied up.
        Err(_) if number == KILLED => std::mem::forget(original),
        Err(_) => {}
    }
    got
}

/// Tests that are about the directory of sealed files itself.
const OF_THE_DIRECTORY: &[&str] = &[
    "sealed::tests::",
    "tests::epochs::an_old_copy_brings_nobody_back_once_its_epoch_is_destroyed",
    "tests::server::",
    "tests::bucket::",
];

#[test]
fn every_test_of_the_store_passes_with_sealed_files_in_a_bucket() {
    let Some(bucket) = Bucket::start() else { return };
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.env(FILES, format!("{} {}", bucket.endpoint(), bucket.credentials().display()));
    run.env_remove(SERVER).args(["--test-threads", "2"]);
    for skipped in OF_THE_DIRECTORY {
        run.args(["--skip", skipped]);
    }
    let out = run.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let told: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("test result") || l.contains("FAILED") || l.contains("panicked"))
        .collect();
    println!("in a bucket: {}", told.join("\n"));
    assert!(
        out.status.success(),
        "{}\n{}",
        told.join("\n"),
        text.split("failures:").nth(1).unwrap_or_default()
    );
    let passed = text.split("test result: ok. ").nth(1).and_then(|t| t.split(' ').next()).unwrap();
    assert!(passed.parse::<u32>().unwrap() > 100, "{passed}");
    assert!(!bucket.keys().is_empty(), "it was used");
}

#[test]
fn nothing_readable_is_in_the_bucket_and_a_shredded_file_is_gone_from_it() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world_with(None, Some(place.clone()));
    let call = w.call(1);
    let (original, muted) = (object(&w, call, "original"), object(&w, call, "redacted"));
    assert_eq!(here(&w), 0, "no copy stays in the data directory");
    assert_eq!(bucket.keys().len(), 3, "two files and whose they are");
    let keys: Vec<_> = {
        let db = w.vault.db();
        let mut statement = db.prepare("SELECT id, epoch, wrapped_key FROM object").unwrap();
        let rows = statement
            .query_map([], |r| {
                Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, Vec<u8>>(2)?))
            })
            .unwrap();
        let id = |raw: &[u8]| crate::keys::id_of(raw).unwrap();
        rows.map(Result::unwrap)
            .map(|(o, e, k)| w.vault.unwrap_object_key(id(&o), crate::keys::id_of(&e).unwrap(), &k).unwrap())
            .collect()
    };
    let holds = |needle: &[u8]| bucket.everything().iter().any(|b| memchr::memmem::find(b, needle).is_some());
    for planted in [CARD.as_bytes(), NAME.as_bytes(), &[1u8; 64], &[0u8; 64]] {
        assert!(!holds(planted), "{planted:?}");
    }
    assert!(!keys.iter().any(|key| holds(key.expose())), "a key in clear");
    assert!(holds(w.vault.id().to_string().as_bytes()), "the search finds what is there");
    let shredded = w.vault.shred_original(call, "test").unwrap();
    assert!(shredded.blob_removed);
    let keeps = shredded.keeps.unwrap();
    assert_eq!((keeps.versions, keeps.locks, keeps.copies), (Told::No, Told::No, Told::No));
    assert_eq!(keeps.in_words(), None);
    assert_eq!(bucket.ask("GET", &key_of(&place, original), "").0, 404);
    assert_eq!(bucket.ask("GET", &key_of(&place, muted), "").0, 200);
    assert_eq!(bucket.everything().len(), 2);
    let found = posture::ask(w.vault.dir(), w.vault.clock().now(), 10).unwrap();
    assert_eq!(found.originals.unwrap().undead_file.count, 0);
    w.verify();
}

#[test]
fn old_versions_that_the_bucket_keeps_are_named() {
    let Some(bucket) = Bucket::start() else { return };
    bucket.keep_versions();
    let w = world_with(None, Some(place(&bucket)));
    let call = w.call(1);
    let kept = bucket.everything().len();
    let keeps = w.vault.shred_original(call, "test").unwrap().keeps.unwrap();
    assert_eq!((keeps.versions, keeps.locks), (Told::Yes, Told::No));
    assert_eq!(keeps.in_words().as_deref(), Some("it has versioning"));
    assert_eq!(bucket.everything().len(), kept, "and so it is: the old version is there");
    let told = posture::ask(w.vault.dir(), w.vault.clock().now(), 10).unwrap().originals.unwrap();
    assert!(told.kept_by.unwrap().ends_with("it has versioning"));
    assert_eq!(told.undead_file.count, 0);
}

#[test]
fn large_files_go_in_parts_and_are_read_piece_by_piece() {
    let Some(bucket) = Bucket::start() else { return };
    let w = world_with(None, Some(place(&bucket)));
    let content: Vec<u8> = (0..20_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let id = receive(&w, &content, 1).unwrap();
    assert_eq!(here(&w), 0);
    assert!(fs::read_dir(w.vault.blobs()).unwrap().next().is_none(), "the note of the upload is gone, too");
    let mut reader = w.vault.original(id).unwrap();
    assert_eq!(reader.plain_len(), content.len() as u64);
    let opened = reader.chunks_opened();
    for at in [0usize, 19_999_990, 5_000_000, 16_383, 16_384, 5_000_000, 12_345_678] {
        let before = reader.chunks_opened();
        reader.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut got = [0u8; 10];
        reader.read_exact(&mut got).unwrap();
        assert_eq!(got, content[at..at + 10]);
        assert!(reader.chunks_opened() - before <= 2);
    }
    assert!(opened <= 2);
    let mut all = Vec::new();
    reader.rewind().unwrap();
    reader.read_to_end(&mut all).unwrap();
    assert!(all == content);
}

#[test]
fn truncated_swapped_and_missing_files_do_not_open() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world_with(None, Some(place.clone()));
    let (a, b) = (receive(&w, &[7; 100_000], 1).unwrap(), receive(&w, &[8; 100_000], 2).unwrap());
    let (path_a, path_b) =
        (key_of(&place, object(&w, a, "original")), key_of(&place, object(&w, b, "original")));
    let (good_a, good_b) = (bucket.get(&path_a), bucket.get(&path_b));
    let opens = |id| {
        let mut out = Vec::new();
        w.vault.original(id).and_then(|mut r| r.read_to_end(&mut out).map_err(Error::file("x")).map(drop))
    };
    opens(a).unwrap();
    let mut flipped = good_a.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bad in [&good_b, &good_a[..good_a.len() - 1].to_vec(), &good_a[..40].to_vec(), &Vec::new(), &flipped]
    {
        bucket.put(&path_a, bad);
        assert!(opens(a).is_err(), "{} bytes", bad.len());
    }
    bucket.put(&path_a, &good_a);
    opens(a).unwrap();
    assert_eq!(bucket.ask("DELETE", &path_a, "").0, 204);
    let told = opens(a).unwrap_err().to_string();
    assert!(told.contains("is not there"), "{told}");
    opens(b).unwrap();
}

#[test]
fn what_is_not_ours_below_the_prefix_is_left_alone() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world_with(None, Some(place.clone()));
    w.call(1);
    let base = format!("/{}/{}", place.bucket(), place.prefix());
    let stranger: ObjectId = Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
    let others = [
        format!("{base}/notes.txt"),
        format!("{base}/{stranger}"),
        format!("{base}/deeper/{stranger}.sealed"),
        format!("{base}/{}.sealed", stranger.to_string().to_uppercase()),
        format!("{base}x/{stranger}.sealed"),
    ];
    for name in &others {
        bucket.put(name, b"theirs");
    }
    // Well named, and nobody's: somebody may just be writing it.
    let fresh = format!("{base}/{stranger}.sealed");
    bucket.put(&fresh, b"half");
    w.vault.sweep_bucket().unwrap();
    let w = w.reopen();
    w.vault.sweep_bucket().unwrap();
    assert_eq!(bucket.ask("GET", &fresh, "").0, 200, "not before a day is over");
    w.forward(3 * 366 * 86_400);
    w.vault.sweep_bucket().unwrap();
    assert_eq!(bucket.ask("GET", &fresh, "").0, 404);
    for name in &others {
        assert_eq!(bucket.ask("GET", name, "").0, 200, "{name}");
    }
    assert_eq!(w.sealed_files(), 2);
    // Another vault is not let into the prefix, nor one that finds files there and nobody's name.
    let new = |dir: &str, files: &FileServer| {
        let (data, key) = (w.dir.path().join(dir), w.dir.path().join(format!("keys/{dir}.key")));
        let new = crate::NewVault {
            dir: &data,
            key_file: &key,
            protection: callvault_seal::Protection::None,
            shares: (2, 3),
            server: None,
            files: Some(files),
        };
        let id = Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
        Vault::init(&new, id, w.clock.clone(), "x").map(drop)
    };
    assert!(new("second", &place).unwrap_err().to_string().contains("another vault"));
    bucket.ask("DELETE", &format!("{base}/callvault-vault"), "");
    assert!(new("third", &place).unwrap_err().to_string().contains("another vault"));
    let w = w.reopen();
    let refused = receive(&w, b"x", 9).unwrap_err().to_string();
    assert!(refused.contains("does not say that it is this vault's"), "{refused}");
}

#[test]
fn a_write_that_is_killed_anywhere_leaves_a_file_or_nothing() {
    let Some(bucket) = Bucket::start() else { return };
    // In one piece, and in parts.
    for (bytes, least) in [(50_000usize, 2), (17_000_000, 6)] {
        let mut w = world_with(None, Some(place(&bucket)));
        let content = vec![9u8; bytes];
        let mut done = None;
        for n in 0.. {
            faults::after(Some(n));
            // Killed, or left alone by a server that is gone.
            let got = receive(&w, &content, if n % 2 == 0 { KILLED } else { 1 });
            faults::after(None);
            w = w.reopen();
            if n % 2 == 1 && got.is_err() {
                // Who failed took the copy away at once; what arrived nevertheless goes when no row has known it for a day.
                w.forward(3 * 366 * 86_400);
                w.vault.sweep_bucket().unwrap();
            }
            let rows: i64 = w.vault.db().query_row("SELECT COUNT(*) FROM object", [], |r| r.get(0)).unwrap();
            assert_eq!(w.vault.shelf.all().unwrap().len() as i64, rows, "after {n} requests");
            assert_eq!(fs::read_dir(w.vault.blobs()).unwrap().count(), 0, "after {n} requests");
            assert!(!bucket.ask("GET", &format!("/{}?uploads", Bucket::NAME), "").1.contains("<UploadId>"));
            if let Ok(id) = got {
                done = Some((n, id));
                break;
            }
            assert_eq!(rows, 0);
        }
        let (n, id) = done.unwrap();
        assert!(n >= least, "{n} places to die");
        let mut back = Vec::new();
        w.vault.original(id).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == content);
        w.verify();
    }
}

#[test]
fn a_shred_that_cannot_reach_the_bucket_stays_pending_and_the_key_is_dead_anyway() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world_with(None, Some(place.clone()));
    let call = w.call(1);
    let path = key_of(&place, object(&w, call, "original"));
    faults::after(Some(0));
    let told = w.vault.shred_original(call, "test").unwrap_err();
    faults::after(None);
    assert!(matches!(told, Error::Bucket { .. }), "{told}");
    assert!(matches!(w.vault.original(call), Err(Error::KeyDestroyed(_))));
    assert_eq!(w.vault.conversation(call).unwrap().state, crate::State::Shredding);
    assert_eq!(bucket.ask("GET", &path, "").0, 200);
    let w = w.reopen();
    let shredded = w.vault.shred_original(call, "resume").unwrap();
    assert!(shredded.blob_removed);
    assert_eq!(bucket.ask("GET", &path, "").0, 404);
}
