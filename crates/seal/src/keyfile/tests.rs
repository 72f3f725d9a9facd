use super::*;
use crate::{NoServices, OsEntropy};
use callvault_model::{SystemClock, id::Id};
use std::os::unix::fs::{PermissionsExt, symlink};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        Self { dir }
    }
    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }
    fn key(&self) -> PathBuf {
        self.dir.path().join("config/callvault/keys/v.key")
    }
    fn create(&self, passphrase: Option<&Secret<String>>) -> Result<Root, SealError> {
        Root::create(
            &self.key(),
            &self.data(),
            Id::new(&SystemClock, &OsEntropy).unwrap(),
            passphrase.into(),
            &OsEntropy,
        )
    }
    fn open(&self, passphrase: Option<&Secret<String>>) -> Result<Root, SealError> {
        Root::open(&self.key(), &self.data(), passphrase, &NoServices)
    }
    fn mode(&self, mode: u32) {
        fs::set_permissions(self.key(), fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn words(s: &str) -> Secret<String> {
    Secret::new(s.to_owned())
}

#[test]
fn a_new_key_file_is_private_and_opens_again() {
    let p = Place::new();
    let made = p.create(None).unwrap();
    let meta = fs::metadata(p.key()).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(p.key().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let opened = p.open(None).unwrap();
    assert_eq!((opened.vault, opened.key.expose()), (made.vault, made.key.expose()));
    assert_eq!(fs::read_dir(p.key().parent().unwrap()).unwrap().count(), 1, "no draft stays behind");
    assert!(!format!("{made:?}").contains(&text::base64(made.key.expose())));
}

#[test]
fn an_existing_key_file_is_never_overwritten() {
    let p = Place::new();
    p.create(None).unwrap();
    let before = fs::read(p.key()).unwrap();
    assert!(matches!(p.create(None), Err(SealError::Exists { .. })));
    assert_eq!(fs::read(p.key()).unwrap(), before);
    assert_eq!(fs::read_dir(p.key().parent().unwrap()).unwrap().count(), 1);
    let other = Place::new();
    fs::create_dir_all(other.key().parent().unwrap()).unwrap();
    symlink(other.dir.path().join("elsewhere"), other.key()).unwrap();
    assert!(other.create(None).is_err(), "a dangling link is a taken name");
    assert!(!other.dir.path().join("elsewhere").exists());
}

#[test]
fn a_key_inside_the_data_directory_is_refused_through_links_and_dots_too() {
    let p = Place::new();
    let vault = Id::new(&SystemClock, &OsEntropy).unwrap();
    symlink(p.data(), p.dir.path().join("link")).unwrap();
    for inside in ["data/v.key", "data/sub/v.key", "link/v.key", "link/a/b/v.key", "link/../data/v.key"] {
        let e = Root::create(&p.dir.path().join(inside), &p.data(), vault, Protection::None, &OsEntropy)
            .unwrap_err();
        assert!(matches!(e, SealError::KeyInsideData { .. }), "{inside}: {e}");
    }
    // A data directory that is still to be made counts as well.
    let e = Root::create(
        &p.dir.path().join("new/keys/v.key"),
        &p.dir.path().join("new"),
        vault,
        Protection::None,
        &OsEntropy,
    );
    assert!(matches!(e, Err(SealError::KeyInsideData { .. })));
    // A neighbour whose name begins alike does not.
    assert!(
        Root::create(&p.dir.path().join("data2/v.key"), &p.data(), vault, Protection::None, &OsEntropy)
            .is_ok()
    );
    let moved = p.data().join("v.key");
    fs::rename(p.dir.path().join("data2/v.key"), &moved).unwrap();
    assert!(matches!(Root::open(&moved, &p.data(), None, &NoServices), Err(SealError::KeyInsideData { .. })));
}

#[test]
fn a_file_others_may_read_is_refused_with_the_cure() {
    let p = Place::new();
    p.create(None).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
        p.mode(mode);
        let e = p.open(None).unwrap_err();
        assert!(matches!(e, SealError::Permissions { mode: m, .. } if m == mode));
        assert!(e.to_string().contains("chmod 600"));
    }
    for mode in [0o600, 0o400] {
        p.mode(mode);
        assert!(p.open(None).is_ok());
    }
}

#[test]
fn a_passphrase_is_needed_and_the_wrong_one_is_named_as_such() {
    let p = Place::new();
    let made = p.create(Some(&words("correct horse battery staple"))).unwrap();
    let body = fs::read_to_string(p.key()).unwrap();
    assert!(!body.contains(&text::base64(made.key.expose())));
    assert!(matches!(p.open(None), Err(SealError::PassphraseNeeded { .. })));
    let e = p.open(Some(&words("correct horse battery stable"))).unwrap_err();
    assert!(matches!(e, SealError::WrongPassphrase { .. }));
    assert!(!e.to_string().contains("horse"));
    assert_eq!(p.open(Some(&words("correct horse battery staple"))).unwrap().key.expose(), made.key.expose());
    assert!(matches!(Place::new().create(Some(&words("short"))), Err(SealError::WeakPassphrase { .. })));
}

#[test]
fn damaged_foreign_and_greedy_files_are_refused() {
    let p = Place::new();
    p.create(None).unwrap();
    let good = fs::read_to_string(p.key()).unwrap();
    let mut bad: Vec<String> = vec![
        String::new(),
        "callvault-key-v2\n".into(),
        good.replace("callvault-key-v1", "callvault-key-v9"),
        good.replace("vault ", "vault x"),
        good.replace("root ", "root A"),
        good.replace("root ", "rot "),
        format!("{good}more\nand more\n"),
        "x".repeat(5000),
        // Four gibibytes of memory asked of whoever opens it.
        format!(
            "{}argon2id 4194304 3 1 AAAAAAAAAAAAAAAAAAAAAA==\nsealed AAAA\n",
            good.split("root").next().unwrap()
        ),
    ];
    bad.extend((1..good.lines().count()).map(|n| good.lines().take(n).collect::<Vec<_>>().join("\n")));
    let at = good.find("root ").unwrap() + 7;
    let flip = if &good[at..=at] == "A" { "B" } else { "A" };
    bad.push(format!("{}{flip}{}", &good[..at], &good[at + 1..]));
    for (i, body) in bad.iter().enumerate() {
        fs::write(p.key(), body).unwrap();
        let e = p.open(Some(&words("some passphrase"))).unwrap_err();
        assert!(matches!(e, SealError::Format { .. }), "{i}: {e}");
    }
    fs::write(p.key(), [0xff; 40]).unwrap();
    assert!(matches!(p.open(None), Err(SealError::Format { .. })));
    files::unlink(&p.key(), "a test").unwrap();
    assert!(matches!(p.open(None), Err(SealError::Io { .. })));
    fs::create_dir(p.key()).unwrap();
    assert!(p.open(None).is_err());
}

#[test]
fn a_key_rebuilt_from_shares_opens_the_same_vault() {
    let p = Place::new();
    let made = p.create(None).unwrap();
    let shares = crate::shares::split(&made.key, 2, 3, &OsEntropy).unwrap();
    let key = crate::shares::combine(&[shares[2].expose(), shares[0].expose()]).unwrap();
    let again = Root { vault: made.vault, key };
    let path = p.dir.path().join("again.key");
    again.save(&path, &p.data(), Protection::None, &OsEntropy).unwrap();
    assert_eq!(Root::open(&path, &p.data(), None, &NoServices).unwrap().key.expose(), made.key.expose());
}

#[test]
fn passphrase_files_are_one_private_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    let put = |body: &[u8]| {
        fs::write(&path, body).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        read_passphrase(&path)
    };
    for body in ["twelve words\n", "twelve words", "twelve words\r\n"] {
        assert_eq!(put(body.as_bytes()).unwrap().expose(), "twelve words");
    }
    assert!(matches!(put(b""), Err(SealError::WeakPassphrase { .. })));
    assert!(matches!(put(b"\n"), Err(SealError::WeakPassphrase { .. })));
    assert!(matches!(put(b"two\nlines\n"), Err(SealError::WeakPassphrase { .. })));
    assert!(matches!(put(&[b'x'; 1025]), Err(SealError::Format { .. })));
    put(b"twelve words").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(read_passphrase(&path), Err(SealError::Permissions { .. })));
}

#[test]
fn the_default_place_follows_xdg_and_refuses_escaping_names() {
    let at = |x: Option<&str>, h: Option<&str>, v| default_key_path(x.map(OsStr::new), h.map(OsStr::new), v);
    let want = |p: &str| Some(PathBuf::from(p));
    assert_eq!(at(Some("/c"), Some("/h"), "v").unwrap(), want("/c/callvault/keys/v.key"));
    assert_eq!(at(None, Some("/h"), "v").unwrap(), want("/h/.config/callvault/keys/v.key"));
    assert_eq!(at(Some(""), Some("/h"), "v").unwrap(), want("/h/.config/callvault/keys/v.key"));
    assert_eq!(at(Some("relative"), Some("/h"), "v").unwrap(), want("/h/.config/callvault/keys/v.key"));
    assert_eq!(at(None, None, "v").unwrap(), None);
    for bad in ["", "..", "a/b", ".hidden", "a b", "a\0b"] {
        assert!(matches!(at(None, Some("/h"), bad), Err(SealError::VaultName(_))), "{bad}");
    }
}

#[test]
fn a_draft_that_is_not_put_in_place_leaves_nothing_and_one_that_is_replaces_the_old_file() {
    let p = Place::new();
    let passphrase = words("violet harbour sextant");
    let root = p.create(Some(&passphrase)).unwrap();
    let before = fs::read(p.key()).unwrap();
    let alone = || fs::read_dir(p.key().parent().unwrap()).unwrap().count() == 1;
    drop(root.draft(&p.key(), &p.data(), Protection::None, &OsEntropy).unwrap());
    assert!(alone() && fs::read(p.key()).unwrap() == before);
    root.draft(&p.key(), &p.data(), Protection::None, &OsEntropy).unwrap().put().unwrap();
    assert!(alone());
    assert_eq!(p.open(None).unwrap().key.expose(), root.key.expose());
}
