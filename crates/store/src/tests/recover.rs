use crate::{
    Error, NewVault, Vault,
    recover::{Recovered, Recovery},
};
use callvault_model::{Id, Secret, SystemClock};
use callvault_seal::{OsEntropy, SealError};
use std::{fs, path::Path, sync::Arc};

fn made(dir: &Path) -> Vec<Secret<String>> {
    let new = NewVault {
        dir: &dir.join("data"),
        key_file: &dir.join("keys/v.key"),
        protection: callvault_seal::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().shares
}

fn again(share: &Secret<String>) -> Secret<String> {
    Secret::new(share.expose().clone())
}

fn recover(dir: &Path, name: &str, shares: &[Secret<String>]) -> Result<Recovered, Error> {
    let key_file = dir.join("keys").join(name);
    let to = Recovery { dir: &dir.join("data"), key_file: &key_file, passphrase: None };
    Vault::recover(&to, shares, Arc::new(SystemClock), "local-operator")
}

#[test]
fn two_shares_make_the_lost_key_file_again_and_the_ledger_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let shares = made(dir.path());
    let before = fs::read_to_string(dir.path().join("keys/v.key")).unwrap();
    fs::rename(dir.path().join("keys/v.key"), dir.path().join("lost")).unwrap();
    let done = recover(dir.path(), "v.key", &shares[1..]).unwrap();
    assert_eq!((done.epochs, done.epochs_missing), (1, 0));
    assert_eq!(fs::read_to_string(dir.path().join("keys/v.key")).unwrap(), before);
    let options = callvault_ledger::Options { key: None, anchors: Vec::new() };
    assert!(crate::ledger::verify_data(&dir.path().join("data"), &options).unwrap().is_ok());
    let db = crate::vault::read_only(&dir.path().join("data")).unwrap();
    let last: Vec<u8> =
        db.query_row("SELECT body FROM ledger_entry ORDER BY seq DESC LIMIT 1", [], |r| r.get(0)).unwrap();
    assert!(String::from_utf8(last).unwrap().contains("\"kind\":\"key.recovered\""));
    // What is there is never overwritten.
    assert!(matches!(recover(dir.path(), "v.key", &shares), Err(Error::Seal(SealError::Exists { .. }))));
}

#[test]
fn wrong_shares_write_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (shares, foreign) = (made(dir.path()), made(other.path()));
    let refused = |shares: &[Secret<String>]| {
        let error = recover(dir.path(), "new.key", shares).unwrap_err();
        assert!(!dir.path().join("keys/new.key").exists(), "{error}");
        assert!(shares.iter().all(|s| !error.to_string().contains(s.expose().as_str())));
        matches!(error, Error::Seal(SealError::ShareSet { .. } | SealError::ShareFormat { .. }))
    };
    assert!(refused(&shares[..1]), "one share");
    assert!(refused(&[again(&shares[0]), again(&shares[0])]), "the same share twice");
    assert!(refused(&[again(&shares[0]), again(&foreign[1])]), "shares of two vaults");
    assert!(refused(&foreign), "shares of another vault");
    assert!(refused(&[again(&shares[0]), Secret::new("not-a-share".to_owned())]), "no share");
    assert!(refused(&[]), "none");
}

#[test]
fn without_its_epoch_keys_a_recovered_key_says_what_it_cannot_open() {
    let dir = tempfile::tempdir().unwrap();
    let shares = made(dir.path());
    let done = recover(dir.path(), "elsewhere.key", &shares).unwrap();
    assert_eq!((done.epochs, done.epochs_missing), (1, 1));
    assert!(dir.path().join("keys/elsewhere.key").exists());
}
