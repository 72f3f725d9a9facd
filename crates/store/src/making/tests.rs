use super::*;
use callvault_model::{Id, SystemClock};
use callvault_seal::OsEntropy;
use std::{path::PathBuf, sync::Arc};

struct Place {
    dir: PathBuf,
    key_file: PathBuf,
    _temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        Self { dir: temp.path().join("data"), key_file: temp.path().join("keys/v.key"), _temp: temp }
    }

    fn init(&self) -> Result<Vault, Error> {
        let new = NewVault {
            dir: &self.dir,
            key_file: &self.key_file,
            protection: callvault_seal::Protection::None,
            shares: (2, 3),
            server: None,
            files: None,
        };
        let id = Id::new(&SystemClock, &OsEntropy).unwrap();
        Ok(Vault::init(&new, id, Arc::new(SystemClock), "local-operator")?.vault)
    }

    fn open(&self) -> Result<Vault, Error> {
        Vault::open(&self.dir, &self.key_file, None, Arc::new(SystemClock), "worker")
    }

    /// What a kill leaves: the note, perhaps the key file, perhaps a database without its first command.
    fn half(&self, key: bool, tables: bool) -> VaultId {
        let id: VaultId = Id::new(&SystemClock, &OsEntropy).unwrap();
        fs::create_dir_all(&self.dir).unwrap();
        begin(&self.dir, id).unwrap();
        if key {
            Root::create(&self.key_file, &self.dir, id, callvault_seal::Protection::None, &OsEntropy)
                .unwrap();
        }
        let mut db = crate::vault::writer(&place_of(&self.dir).unwrap()).unwrap();
        if tables {
            crate::schema::create(&mut db).unwrap();
        }
        id
    }
}

#[test]
fn what_was_begun_is_refused_by_name_and_made_under_the_same_one() {
    for (key, tables) in [(false, false), (true, false), (true, true)] {
        let place = Place::new();
        let id = place.half(key, tables);
        assert!(matches!(place.open(), Err(Error::Unfinished(_))));
        assert!(matches!(Vault::peek(&place.dir), Err(Error::Unfinished(_))));
        let before = fs::read(&place.key_file).ok();
        let vault = place.init().unwrap();
        assert_eq!(vault.id(), id);
        drop(vault);
        assert!(
            before.is_none_or(|b| b == fs::read(&place.key_file).unwrap()),
            "a key file is never written over"
        );
        assert!(place.open().is_ok());
    }
}

#[test]
fn a_vault_that_stands_is_never_made_anew() {
    let place = Place::new();
    let id = place.init().unwrap().id();
    assert!(matches!(place.init(), Err(Error::Exists(_))));
    // Killed between its first command and the removal of the note.
    begin(&place.dir, id).unwrap();
    assert!(matches!(place.init(), Err(Error::Exists(_))));
    assert_eq!(place.open().unwrap().id(), id);
    assert_eq!(
        fs::read_dir(&place.dir).unwrap().filter(|e| e.as_ref().unwrap().file_name() == MAKING).count(),
        0
    );
}

#[test]
fn the_key_file_of_another_vault_is_left_alone() {
    let (one, other) = (Place::new(), Place::new());
    one.init().unwrap();
    fs::create_dir_all(other.key_file.parent().unwrap()).unwrap();
    fs::copy(&one.key_file, &other.key_file).unwrap();
    let kept = fs::read(&other.key_file).unwrap();
    assert!(other.init().is_err());
    assert_eq!(fs::read(&other.key_file).unwrap(), kept);
}
