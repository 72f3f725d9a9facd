use crate::{
    Actor, Error, State, Unlock, Vault,
    backup::{self, BackedUp, RestoreInto, Restored},
    testing::{World, world},
};
use callvault_model::id::ConversationId;
use callvault_policy::Role;
use callvault_seal::{BackupKey, OsEntropy, SealError, files};
use jiff::SignedDuration;
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

const BY: Actor = Actor::LocalOperator;

struct Kept {
    w: World,
    key: BackupKey,
}

impl Kept {
    fn new() -> Self {
        let w = world();
        let key = BackupKey::create(&w.dir.path().join("away/b.key"), w.vault.dir(), &OsEntropy).unwrap();
        w.person("dana", &[Role::Agent]);
        Self { w, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.w.dir.path().join(name)
    }

    fn backup(&self, name: &str) -> BackedUp {
        self.w.vault.backup(&BY, &self.path(name), &self.key).unwrap()
    }

    fn restore(&self, name: &str, to: &str) -> Result<Restored, Error> {
        let (dir, key_file) = (self.path(to), self.path("keys/v.key"));
        let into = RestoreInto { dir: &dir, key_file: &key_file, unlock: Unlock::File(None) };
        backup::restore(&self.path(name), &self.key, into, self.w.clock.clone(), &BY)
    }

    fn verify(&self, name: &str) -> Result<Restored, Error> {
        let key_file = self.path("keys/v.key");
        backup::verify(&self.path(name), &self.key, &key_file, Unlock::File(None), self.w.clock.clone())
    }

    fn open(&self, dir: &str) -> Result<Vault, Error> {
        Vault::open(&self.path(dir), &self.path("keys/v.key"), None, self.w.clock.clone(), "test")
    }

    /// The same world on the restored directory.
    fn moved_to(self, dir: &str) -> World {
        let vault = Arc::new(self.open(dir).unwrap());
        let World { dir, clock, .. } = self.w;
        World { dir, clock, vault }
    }
}

fn bytes(vault: &Vault, id: ConversationId) -> usize {
    let mut all = Vec::new();
    vault.original(id).unwrap().read_to_end(&mut all).unwrap();
    all.len()
}

fn names_in(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[test]
fn a_backup_is_tried_and_brings_everything_back() {
    let k = Kept::new();
    let calls = [k.w.call(1), k.w.call(2)];
    let (_, session) = {
        let person = k.w.person("omar", &[Role::Agent]);
        k.w.sign_in(&person)
    };
    let done = k.backup("one.backup");
    assert_eq!((done.manifest.blobs, done.bytes), (4, fs::metadata(k.path("one.backup")).unwrap().len()));
    assert!(k.w.entries("vault.backup_written")[0].contains(&done.sha256));
    assert!(!names_in(k.w.vault.dir()).iter().any(|n| n.contains("snapshot")));
    k.w.call(3);
    let before = names_in(k.w.dir.path());
    let tried = k.verify("one.backup").unwrap();
    // Two calls of two parties each, and four recordings.
    assert_eq!((tried.keys, tried.files, tried.erased_again), (4 + 4, 4, 0));
    assert_eq!(tried.bytes, 400_000);
    // A rehearsal is noted where it was rehearsed for, and nowhere else.
    k.w.vault.note_rehearsal(&Actor::LocalOperator, &tried).unwrap();
    assert!(k.w.entries("vault.restore_rehearsed")[0].contains(&tried.manifest.taken_at));
    assert!(world().vault.note_rehearsal(&Actor::LocalOperator, &tried).is_err());
    assert_eq!(names_in(k.w.dir.path()), before, "the trial leaves nothing behind");
    k.restore("one.backup", "new").unwrap();
    let w = k.moved_to("new");
    assert_eq!(w.vault.conversations().unwrap().len(), 2);
    for id in calls {
        assert_eq!(w.vault.masked(id).unwrap().turns.len(), 1);
        assert_eq!(bytes(&w.vault, id), 100_000);
        assert_eq!(w.vault.source_name(id).unwrap(), "call.wav");
    }
    assert_eq!(w.entries("vault.restored").len(), 1);
    let still: i64 = w
        .vault
        .db()
        .query_row("SELECT COUNT(*) FROM session WHERE ended_at IS NULL", [], |r| r.get(0))
        .unwrap();
    assert_eq!(still, 0, "{session:?} ended");
    w.call(4);
    w.verify();
}

#[test]
fn what_was_erased_after_a_backup_is_erased_again_when_it_is_restored() {
    let k = Kept::new();
    let (gone, stays) = (k.w.call(1), k.w.call(2));
    let done = k.backup("one.backup");
    let wrapped: Vec<u8> =
        k.w.vault
            .db()
            .query_row(
                "SELECT wrapped_key FROM object WHERE conversation = ?1 AND kind = 'original'",
                [gone.as_bytes()],
                |r| r.get(0),
            )
            .unwrap();
    k.w.vault.shred_original(gone, "test").unwrap();
    k.w.vault
        .command("test", |c| {
            let id = gone.as_bytes();
            c.tx.execute("UPDATE finding SET token = NULL WHERE conversation = ?1", [id])?;
            c.tx.execute("DELETE FROM token WHERE conversation = ?1", [id])?;
            c.tx.execute("DELETE FROM turn WHERE conversation = ?1", [id])?;
            c.tx.execute(
                "UPDATE party SET wrapped_key = NULL WHERE conversation = ?1 AND position = 0",
                [id],
            )?;
            Ok(())
        })
        .unwrap();
    assert!(matches!(k.open("data"), Err(Error::Locked(_))), "the vault is open");
    let restored = k.restore("one.backup", "new").unwrap();
    // The original, two tokens, the turns, one party.
    assert_eq!((restored.erased_again, restored.manifest.entries), (5, done.manifest.entries));
    let w = k.moved_to("new");
    assert!(matches!(w.vault.original(gone), Err(Error::KeyDestroyed(_))));
    assert_eq!(w.vault.conversation(gone).unwrap().state, State::Shredding, "its certificate is still due");
    assert!(w.vault.masked(gone).unwrap().turns.is_empty());
    assert_eq!(bytes(&w.vault, stays), 100_000);
    assert_eq!(w.vault.masked(stays).unwrap().turns.len(), 1);
    let database = fs::read(w.vault.dir().join("vault.db")).unwrap();
    assert!(!database.windows(33).any(|b| b == &wrapped[..33]), "the wrapped key came back");
    // Numbers of erasures go on where they were, so the next restore knows them all.
    w.vault.shred_original(stays, "test").unwrap();
    let w = w.reopen_at("new");
    assert!(matches!(w.vault.original(stays), Err(Error::KeyDestroyed(_))));
    w.verify();
}

#[test]
fn an_old_copy_is_not_opened_without_a_restore() {
    let k = Kept::new();
    let call = k.w.call(1);
    k.backup("one.backup");
    k.restore("one.backup", "copy").unwrap();
    assert_eq!(bytes(&k.open("copy").unwrap(), call), 100_000, "nothing was erased yet");
    k.w.vault.shred_original(call, "test").unwrap();
    assert!(matches!(k.open("copy"), Err(Error::OlderThanErasures)));
}

#[test]
fn a_backup_dies_with_its_epoch() {
    let k = Kept::new();
    k.w.call(1);
    k.backup("one.backup");
    k.w.vault.roll_epoch(&BY).unwrap();
    k.verify("one.backup").unwrap();
    k.w.vault.destroy_retired_epochs(&BY, SignedDuration::ZERO).unwrap();
    assert!(matches!(k.verify("one.backup"), Err(Error::Seal(SealError::EpochGone { .. }))));
    assert!(matches!(k.restore("one.backup", "new"), Err(Error::Seal(SealError::EpochGone { .. }))));
    assert!(!k.path("new").exists() && !k.path("new.restoring").exists());
    k.backup("two.backup");
    k.verify("two.backup").unwrap();
}

#[test]
fn a_damaged_or_foreign_backup_is_refused_and_leaves_nothing() {
    let k = Kept::new();
    k.w.call(1);
    k.backup("one.backup");
    let whole = fs::read(k.path("one.backup")).unwrap();
    let before = {
        fs::write(k.path("bad.backup"), b"").unwrap();
        names_in(k.w.dir.path())
    };
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let other = BackupKey::create(&k.path("away/other.key"), k.w.vault.dir(), &OsEntropy).unwrap();
    for bad in [Vec::new(), whole[..50].to_vec(), whole[..whole.len() - 1].to_vec(), flipped] {
        fs::write(k.path("bad.backup"), bad).unwrap();
        assert!(k.verify("bad.backup").is_err());
        assert!(k.restore("bad.backup", "new").is_err());
        assert_eq!(names_in(k.w.dir.path()), before);
    }
    let into =
        RestoreInto { dir: &k.path("new"), key_file: &k.path("keys/v.key"), unlock: Unlock::File(None) };
    let wrong = backup::restore(&k.path("one.backup"), &other, into, k.w.clock.clone(), &BY);
    assert!(matches!(wrong, Err(Error::Seal(SealError::Open))));
    fs::create_dir(k.path("new")).unwrap();
    assert!(matches!(k.restore("one.backup", "new"), Err(Error::NotEmpty(_))));
    let again = k.w.vault.backup(&BY, &k.path("one.backup"), &k.key);
    assert!(matches!(again, Err(Error::Seal(SealError::Exists { .. }))));
}

#[test]
fn entries_that_no_backup_has_are_refused() {
    use std::io::Write;
    let k = Kept::new();
    let manifest = format!(
        r#"{{"format":"callvault-backup/1","vault":"{}","taken_at":"x","entries":1,"blobs":1,"epoch":"x"}}"#,
        k.w.vault.id()
    );
    let tar = |files: &[(&str, &[u8])]| {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, body) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(body.len() as u64);
            // `set_path` would refuse what an attacker writes.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *body).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let m = manifest.as_bytes();
    let cases: Vec<Vec<u8>> = vec![
        tar(&[("../escape", b"x")]),
        tar(&[("manifest.json", m), ("../escape", b"x")]),
        tar(&[("manifest.json", m), ("blobs/../../escape.sealed", b"x")]),
        tar(&[("manifest.json", m), ("/tmp/escape", b"x")]),
        tar(&[("vault.db", b"x")]),
        tar(&[("manifest.json", b"{}")]),
        tar(&[("manifest.json", m)]),
        tar(&[("manifest.json", m), ("vault.db", b"x"), ("vault.db", b"y")]),
        b"no tar at all".to_vec(),
    ];
    for (n, body) in cases.iter().enumerate() {
        let name = format!("{n}.backup");
        let mut out = k.key.writer(&k.path(&name), &OsEntropy).unwrap();
        out.write_all(body).unwrap();
        out.finish().unwrap();
        assert!(k.restore(&name, "new").is_err(), "case {n}");
        assert!(!k.path("new").exists() && !k.path("escape").exists());
    }
}

#[test]
fn what_a_killed_backup_leaves_is_overwritten_at_the_next_start() {
    let k = Kept::new();
    k.w.call(1);
    let data = k.w.vault.dir().to_owned();
    fs::copy(data.join("vault.db"), data.join("vault.db-snapshot")).unwrap();
    let w = k.w.reopen();
    assert!(!data.join("vault.db-snapshot").exists());
    // A shred looks for its key in such a copy, too.
    let call = w.call(2);
    w.vault.db().execute("VACUUM INTO ?1", [data.join("vault.db-snapshot").to_string_lossy()]).unwrap();
    assert!(matches!(w.vault.shred_original(call, "test"), Err(Error::Residue(_))));
    files::shred_file(&data.join("vault.db-snapshot")).unwrap();
    w.vault.shred_original(call, "test").unwrap();
}
