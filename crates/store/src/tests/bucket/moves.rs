//! Moves of sealed files there and back, and a backup of what stands in a bucket.

use super::{BY, Bucket, key_of, object, open, place};
use crate::{
    Error, FileServer, Unlock,
    backup::{self, RestoreInto},
    blob::faults,
    moving::move_files,
    testing::{World, world, world_with},
};
use callvault_seal::{BackupKey, OsEntropy};
use std::{fs, io::Read, sync::Arc};

#[test]
fn a_vault_moves_to_a_bucket_and_back_killed_at_every_request() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world();
    let (a, b) = (w.call(1), w.call(2));
    let World { dir, clock, vault } = w;
    let (data, key) = (vault.dir().to_owned(), dir.path().join("keys/v.key"));
    drop(vault);
    let works = || {
        let vault = open(&data, &key, &clock);
        for id in [a, b] {
            let mut all = Vec::new();
            vault.redacted_audio(id).unwrap().read_to_end(&mut all).unwrap();
            assert_eq!(all, vec![0u8; 100_000]);
        }
    };
    let go = |to: Option<&FileServer>| {
        let mut tries = 0;
        loop {
            faults::after(Some(tries));
            let done = move_files(&data, &key, None, clock.clone(), &BY, to);
            faults::after(None);
            works();
            match done {
                Ok(done) => return (tries, done),
                Err(e) => assert!(matches!(e, Error::Bucket { .. }), "{e}"),
            }
            tries += 1;
        }
    };
    let (tries, moved) = go(Some(&place));
    assert!(tries > 8, "{tries}");
    assert_eq!((moved.to, moved.files), ("bucket", 4));
    assert!(moved.moved_before > 0, "it goes on where it stopped");
    assert_eq!(fs::read_dir(data.join("blobs")).unwrap().count(), 0);
    assert_eq!(bucket.keys().len(), 5);
    let moving = |to| move_files(&data, &key, None, clock.clone(), &BY, to);
    assert!(moving(Some(&place)).is_err(), "they are there already");
    {
        let vault = open(&data, &key, &clock);
        assert!(vault.shred_original(a, "test").unwrap().blob_removed);
    }
    let go_back = || {
        let mut tries = 0;
        loop {
            faults::after(Some(tries));
            let done = move_files(&data, &key, None, clock.clone(), &BY, None);
            faults::after(None);
            match done {
                Ok(done) => return (tries, done.files, done.to),
                Err(e) => {
                    assert!(matches!(e, Error::Bucket { .. } | Error::Seal(_) | Error::File { .. }), "{e}")
                }
            }
            works();
            if !data.join("files.json").exists() {
                return (tries, 3, "directory");
            }
            tries += 1;
        }
    };
    let (tries, files, to) = go_back();
    assert!(tries >= 2, "{tries}");
    assert_eq!((files, to), (3, "directory"));
    works();
    assert!(bucket.keys().is_empty(), "nothing is left there: {:?}", bucket.keys());
    for name in ["files.json", "files-left.json", "files-coming"] {
        assert!(!data.join(name).exists(), "{name}");
    }
    let w = World { vault: Arc::new(open(&data, &key, &clock)), dir, clock };
    assert_eq!(w.sealed_files(), 3);
    assert!(w.entries("vault.files_moved").len() >= 2);
    w.verify();
}

#[test]
fn a_file_that_does_not_have_its_bytes_is_not_moved() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world();
    let call = w.call(1);
    let object = object(&w, call, "original");
    let World { dir, clock, vault } = w;
    let (data, key) = (vault.dir().to_owned(), dir.path().join("keys/v.key"));
    drop(vault);
    let path = data.join(format!("blobs/{object}.sealed"));
    let good = fs::read(&path).unwrap();
    fs::write(&path, [&good[..good.len() - 1], &[good[good.len() - 1] ^ 1]].concat()).unwrap();
    let told = move_files(&data, &key, None, clock.clone(), &BY, Some(&place)).unwrap_err().to_string();
    assert!(told.contains("Nothing was moved"), "{told}");
    assert!(!data.join("files.json").exists());
    fs::write(&path, &good).unwrap();
    move_files(&data, &key, None, clock.clone(), &BY, Some(&place)).unwrap();
    bucket.put(&key_of(&place, object), &good[1..]);
    let told = move_files(&data, &key, None, clock.clone(), &BY, None).unwrap_err().to_string();
    assert!(told.contains("Nothing was moved"), "{told}");
    assert!(data.join("files.json").exists());
    bucket.put(&key_of(&place, object), &good);
    move_files(&data, &key, None, clock, &BY, None).unwrap();
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[test]
fn a_backup_of_a_vault_in_a_bucket_restores_into_a_directory_and_erases_again() {
    let Some(bucket) = Bucket::start() else { return };
    let w = world_with(None, Some(place(&bucket)));
    let (kept, gone) = (w.call(1), w.call(2));
    let key = BackupKey::create(&w.dir.path().join("keys/backup.key"), w.vault.dir(), &OsEntropy).unwrap();
    let archive = w.dir.path().join("a.backup");
    w.vault.backup(&BY, &archive, &key).unwrap();
    w.vault.shred_original(gone, "test").unwrap();
    let into = w.dir.path().join("restored");
    let place =
        RestoreInto { dir: &into, key_file: &w.dir.path().join("keys/v.key"), unlock: Unlock::File(None) };
    let done = backup::restore(&archive, &key, place, w.clock.clone(), &BY).unwrap();
    assert_eq!((done.erased_again, done.files), (1, 3), "{done:?}");
    let before = bucket.keys();
    let w = w.reopen_at("restored");
    assert!(w.vault.shelf.bucket().is_none());
    assert_eq!(w.sealed_files(), 3);
    assert!(w.vault.original(kept).is_ok());
    assert_eq!(bucket.keys(), before, "the restored vault leaves the bucket alone");
    w.verify();
}
