use std::io::Write;

use super::*;

fn store() -> (tempfile::TempDir, ModelStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = ModelStore::at(dir.path().join("models"));
    (dir, store)
}

fn package(dir: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let path = dir.join("package.tgz");
    let gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
    path
}

#[test]
fn the_place_is_the_override_then_the_data_home_then_the_home() {
    let at = |vars: &[(&str, &str)]| {
        ModelStore::locate_in(|n| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| PathBuf::from(v)))
            .map(|s| s.root().to_string_lossy().into_owned())
    };
    assert_eq!(at(&[("CALLVAULT_MODELS", "m"), ("HOME", "/h")]).unwrap(), "m");
    assert_eq!(at(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]).unwrap(), "/x/callvault/models");
    assert_eq!(
        at(&[("XDG_DATA_HOME", "relative"), ("HOME", "/h")]).unwrap(),
        "/h/.local/share/callvault/models"
    );
    assert!(at(&[("HOME", "")]).unwrap_err().to_string().contains("CALLVAULT_MODELS"));
}

#[test]
fn names_of_models_are_read_long_and_short() {
    assert_eq!("base".parse::<Model>().unwrap(), Model::Base);
    assert_eq!("moonshine-tiny-en".parse::<Model>().unwrap(), Model::Tiny);
    assert!("large".parse::<Model>().is_err());
}

#[test]
fn an_empty_store_says_how_to_fill_it() {
    let (_dir, store) = store();
    for said in [store.verify().unwrap_err().to_string(), store.open(Model::Base).err().unwrap().to_string()]
    {
        assert!(said.contains("callvault models pull"), "{said}");
    }
    assert!(store.list().iter().all(|l| l.state == State::Absent));
}

#[test]
fn a_package_with_other_files_installs_nothing() {
    let (dir, store) = store();
    let wrong_size: &[(&str, &[u8])] = &[(BASE[0].in_package, b"not a model")];
    let right_size = vec![7u8; usize::try_from(TINY[0].bytes).unwrap()];
    let wrong_digest: &[(&str, &[u8])] = &[(TINY[0].in_package, &right_size)];
    let outside: &[(&str, &[u8])] = &[("package/readme", b"x")];
    for (files, says) in
        [(wrong_size, "not the pinned"), (wrong_digest, "not the pinned"), (outside, "does not contain")]
    {
        let said = store.pull_from_file(&package(dir.path(), files), &|_| {}).unwrap_err().to_string();
        assert!(said.contains(says) && said.contains("npm pack"), "{said}");
    }
    assert!(store.list().iter().all(|l| l.state == State::Absent));
    // Nothing is left of the attempts.
    assert_eq!(std::fs::read_dir(store.root()).unwrap().count(), 0);
}

#[test]
fn what_is_no_package_is_a_clear_error() {
    let (dir, store) = store();
    let text = dir.path().join("text.tgz");
    std::fs::write(&text, "hello, I am no archive at all").unwrap();
    assert!(store.pull_from_file(&text, &|_| {}).unwrap_err().to_string().contains("no whole package"));
    let absent = store.pull_from_file(&dir.path().join("absent.tgz"), &|_| {}).unwrap_err().to_string();
    assert!(absent.contains("cannot be read"), "{absent}");
    // A package cut in the middle.
    let big = vec![7u8; usize::try_from(TINY[0].bytes).unwrap()];
    let whole = std::fs::read(package(dir.path(), &[(TINY[0].in_package, &big)])).unwrap();
    std::fs::write(&text, &whole[..whole.len() / 2]).unwrap();
    assert!(store.pull_from_file(&text, &|_| {}).is_err());
}

#[test]
fn a_link_in_place_of_a_file_is_refused() {
    let (dir, store) = store();
    let path = dir.path().join("link.tgz");
    let gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, BASE[0].in_package, "/etc/hostname").unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    assert!(store.pull_from_file(&path, &|_| {}).unwrap_err().to_string().contains("not the pinned"));
}

#[test]
fn a_damaged_file_is_named_with_its_cure() {
    let (_dir, store) = store();
    let folder = store.root().join(Model::Tiny.as_str());
    std::fs::create_dir_all(&folder).unwrap();
    for file in &TINY {
        std::fs::write(folder.join(file.name), vec![0u8; usize::try_from(file.bytes).unwrap()]).unwrap();
    }
    assert_eq!(store.state(Model::Tiny), State::Installed);
    let said = store.verify().unwrap_err().to_string();
    assert!(said.contains("encoder_model.onnx") && said.contains("callvault models pull"), "{said}");
    let mut longer = std::fs::OpenOptions::new().append(true).open(folder.join(TINY[1].name)).unwrap();
    longer.write_all(b"x").unwrap();
    assert_eq!(store.state(Model::Tiny), State::Damaged);
    assert!(store.open(Model::Tiny).is_err());
}
