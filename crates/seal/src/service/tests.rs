use super::*;
use crate::{OsEntropy, Protection, Root, SealError, envelope};
use callvault_model::{SystemClock, id::Id};
use std::{fs, path::PathBuf};

/// A service in the memory of the test: its key seals, bound to the vault.
#[derive(Debug, Clone)]
struct Kept {
    place: Place,
    key: std::sync::Arc<Key256>,
    /// What it gives back instead of what was sealed.
    lies: bool,
}

impl KeyService for Kept {
    fn place(&self) -> &Place {
        &self.place
    }
    fn seal(&self, vault: VaultId, key: &Key256) -> Result<String, Fault> {
        let sealed = envelope::seal_as(Format::Key, &self.key, vault.as_bytes(), key.expose(), &OsEntropy);
        Ok(crate::text::base64(&sealed.unwrap()))
    }
    fn open(&self, vault: VaultId, sealed: &str) -> Result<Key256, Fault> {
        let sealed = crate::text::unbase64(sealed).ok_or(Fault::Refused)?;
        let key = envelope::open_key(&self.key, vault.as_bytes(), &sealed).map_err(|_| Fault::Refused)?;
        Ok(if self.lies { Key256::random(&OsEntropy).unwrap() } else { key })
    }
}

impl KeyServices for Kept {
    fn at(&self, place: &Place) -> Result<Box<dyn KeyService>, Fault> {
        Ok(Box::new(Self { place: place.clone(), ..self.clone() }))
    }
}

struct Site {
    dir: tempfile::TempDir,
    service: Kept,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        let place = "transit:address=http://127.0.0.1:8200;mount=transit;key=k?token-file=/run/token"
            .parse()
            .unwrap();
        let key = Key256::random(&OsEntropy).unwrap().into();
        Self { dir, service: Kept { place, key, lies: false } }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn make(&self, name: &str) -> Root {
        let vault = Id::new(&SystemClock, &OsEntropy).unwrap();
        let protection = Protection::Service(&self.service);
        Root::create(&self.path(name), &self.path("data"), vault, protection, &OsEntropy).unwrap()
    }
    fn open(&self, services: &dyn KeyServices) -> Result<Root, SealError> {
        Root::open(&self.path("v.key"), &self.path("data"), None, services)
    }
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

#[test]
fn a_key_file_that_a_service_seals_opens_with_it_and_the_service_never_has_the_root_key() {
    let site = Site::new();
    let made = site.make("v.key");
    let text = site.text("v.key");
    assert!(text.contains("\ntransit:address=") && !text.contains("\nroot "), "{text}");
    assert_eq!(site.open(&site.service).unwrap().key.expose(), made.key.expose());
    let sealed = text.lines().find_map(|l| l.strip_prefix("sealed ")).unwrap();
    assert_ne!(site.service.open(made.vault, sealed).unwrap().expose(), made.key.expose());
    let protected = crate::keyfile::protected(&site.path("v.key")).unwrap();
    assert_eq!(protected.name(), "transit");
    let e = site.open(&NoServices).unwrap_err().to_string();
    assert!(e.contains("transit at 127.0.0.1:8200") && e.contains("this build"), "{e}");
}

#[test]
fn parts_of_other_key_files_and_other_keys_open_nothing() {
    let site = Site::new();
    site.make("v.key");
    site.make("other.key");
    let (text, other) = (site.text("v.key"), site.text("other.key"));
    let line = |text: &str, name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    let swap = |name: &str| text.replace(&line(&text, name), &line(&other, name));
    let both = swap("sealed ").replace(&line(&text, "wrapped "), &line(&other, "wrapped "));
    for bent in [
        swap("sealed "),
        swap("wrapped "),
        both,
        swap("vault "),
        swap("id "),
        // The same service, another name of a key: what is wrapped here is bound to it, whatever the service does.
        text.replace("key=k?", "key=l?"),
        text.replace("mount=transit", "mount=other"),
    ] {
        assert_ne!(bent, text);
        fs::write(site.path("v.key"), &bent).unwrap();
        let e = site.open(&site.service).unwrap_err();
        assert!(
            matches!(
                e,
                SealError::Open | SealError::Format { .. } | SealError::Service { fault: Fault::Refused, .. }
            ),
            "{e}"
        );
    }
    for bent in [
        text.replace("sealed ", "sealed"),
        text.replace("wrapped ", "wrapped !"),
        text.replace("wrapped ", "warped "),
        text.replace(&format!("\n{}", line(&text, "wrapped ")), ""),
        format!("{text}more\n"),
    ] {
        fs::write(site.path("v.key"), &bent).unwrap();
        assert!(matches!(site.open(&site.service).unwrap_err(), SealError::Format { .. }), "{bent}");
    }
    fs::write(site.path("v.key"), &text).unwrap();
    let stranger = Kept { key: Key256::random(&OsEntropy).unwrap().into(), ..site.service.clone() };
    assert!(matches!(site.open(&stranger), Err(SealError::Service { fault: Fault::Refused, .. })));
    // A service that answers with another key of the right length.
    let liar = Kept { lies: true, ..site.service.clone() };
    assert!(matches!(site.open(&liar), Err(SealError::Open)));
    assert!(site.open(&site.service).is_ok());
}

#[test]
fn a_service_that_does_not_give_back_what_it_sealed_never_protects_a_vault() {
    let site = Site::new();
    let liar = Kept { lies: true, ..site.service.clone() };
    let vault = Id::new(&SystemClock, &OsEntropy).unwrap();
    let (key, data) = (site.path("v.key"), site.path("data"));
    assert!(Root::create(&key, &data, vault, Protection::Service(&liar), &OsEntropy).is_err());
    assert!(!key.exists());
    let root = site.make("v.key");
    let before = site.text("v.key");
    assert!(root.draft(&key, &data, Protection::Service(&liar), &OsEntropy).is_err());
    assert_eq!(site.text("v.key"), before);
    assert!(!site.path("v.key.next").exists());
    // From the service to nothing and back.
    root.draft(&key, &data, Protection::None, &OsEntropy).unwrap().put().unwrap();
    assert!(site.open(&NoServices).is_ok());
    root.draft(&key, &data, Protection::Service(&site.service), &OsEntropy).unwrap().put().unwrap();
    assert_eq!(site.open(&site.service).unwrap().key.expose(), root.key.expose());
}
