//! Moves of sealed files there and back, and a backup of what stands in a bucket.

use super::{BY, Bucket, key_of, object, open, place};
use crate::{
    Error, FileServer, Unlock, Vault,
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
    for name in ["files.json", "files-going.json", "files-left.json", "files-coming"] {
        assert!(!data.join(name).exists(), "{name}");
    }
    let w = World { vault: Arc::new(open(&data, &key, &clock)), dir, clock };
    assert_eq!(w.sealed_files(), 3);
    assert!(w.entries("vault.files_moved").len() >= 2);
    w.verify();
}

/// What a broken-off move brought to a bucket is no copy that a certificate does not know of.
#[test]
fn what_is_destroyed_after_a_broken_off_move_is_destroyed_in_the_bucket_too() {
    let Some(bucket) = Bucket::start() else { return };
    let place = place(&bucket);
    let w = world();
    let (a, b) = (w.call(1), w.call(2));
    let objects = [object(&w, a, "original"), object(&w, b, "original")];
    let there = |n: usize| bucket.ask("GET", &key_of(&place, objects[n]), "").0 == 200;
    let World { dir, clock, vault } = w;
    let (data, key) = (vault.dir().to_owned(), dir.path().join("keys/v.key"));
    drop(vault);
    let moving = |to: Option<&FileServer>| move_files(&data, &key, None, clock.clone(), &BY, to);
    let mut requests = 0;
    while !there(0) {
        requests += 1;
        faults::after(Some(requests));
        let done = moving(Some(&place));
        faults::after(None);
        assert!(done.is_err() && !data.join("files.json").exists(), "it arrives before the move ends");
    }
    assert!(Vault::files_going(&data).unwrap().unwrap().contains("s3://"));
    let mut elsewhere = serde_json::to_value(&place).unwrap();
    elsewhere["prefix"] = "elsewhere".into();
    let elsewhere: FileServer = serde_json::from_value(elsewhere).unwrap();
    assert!(moving(Some(&elsewhere)).unwrap_err().to_string().contains("broken off"));
    let vault = open(&data, &key, &clock);
    faults::after(Some(0));
    assert!(
        vault.shred_original(a, "test").is_err(),
        "nobody says that it is gone while the bucket does not answer"
    );
    faults::after(None);
    assert!(there(0));
    let shredded = vault.shred_original(a, "test").unwrap();
    assert!(shredded.blob_removed && shredded.keeps.is_some() && !there(0));
    drop(vault);
    assert_eq!(moving(None).unwrap().to, "directory");
    assert!(bucket.keys().is_empty(), "{:?}", bucket.keys());
    assert_eq!(Vault::files_going(&data).unwrap(), None);
    let vault = open(&data, &key, &clock);
    assert!(vault.original(b).is_ok() && vault.bucket_keeps().is_none());
    drop(vault);
    // A move back whose bucket cannot be reached at the end: the vault opens, and a disposal waits for the bucket.
    moving(Some(&place)).unwrap();
    let mut requests = 0;
    while data.join("files.json").exists() {
        requests += 1;
        faults::after(Some(requests));
        let _ = moving(None);
        faults::after(None);
    }
    assert!(data.join("files-left.json").exists() && there(1));
    faults::after(Some(0));
    let vault = open(&data, &key, &clock);
    assert!(vault.original(b).is_ok());
    assert!(vault.shred_original(b, "test").is_err());
    drop(vault);
    assert!(moving(Some(&elsewhere)).unwrap_err().to_string().contains("earlier move"));
    faults::after(None);
    let vault = open(&data, &key, &clock);
    assert!(!data.join("files-left.json").exists() && !there(1));
    assert!(vault.shred_original(b, "test").unwrap().blob_removed);
    drop(vault);
    // Killed while it is taken back: the next opening does the rest.
    let (going, left) = (data.join("files-going.json"), data.join("files-left.json"));
    let mut requests = 0;
    while !going.exists() {
        requests += 1;
        faults::after(Some(requests));
        assert!(moving(Some(&place)).is_err());
    }
    faults::after(Some(0));
    assert!(moving(None).is_err());
    faults::after(None);
    assert!(!going.exists() && left.exists());
    fs::copy(&left, &going).unwrap();
    drop(open(&data, &key, &clock));
    assert!(!going.exists() && !left.exists() && bucket.keys().is_empty());
    // The other way to end one that was broken off: it goes on.
    let mut requests = 0;
    while !data.join("files-going.json").exists() {
        requests += 1;
        faults::after(Some(requests));
        assert!(moving(Some(&place)).is_err());
        faults::after(None);
    }
    moving(Some(&place)).unwrap();
    assert!(data.join("files.json").exists() && !data.join("files-going.json").exists());
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
