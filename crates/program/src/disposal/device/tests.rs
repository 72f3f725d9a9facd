use super::*;
use callvault_model::{Id, SystemClock};
use callvault_seal::OsEntropy;
use callvault_store::{
    NewVault,
    medium::{Encrypted, Holds, MediumKind, NewMedium},
};
use std::{fs, sync::Arc};

const CANARY: &[u8] = b"account 000-555-0142 of somebody";

fn vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = (dir.path().join("data"), dir.path().join("v.key"));
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let new = NewVault {
        dir: &data,
        key_file: &key,
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let vault = Vault::init(&new, id, Arc::new(SystemClock), "local-operator").unwrap().vault;
    (dir, vault)
}

fn planted(path: &Path, bytes: usize) -> usize {
    let disk: Vec<u8> = CANARY.iter().copied().cycle().take(bytes).collect();
    fs::write(path, disk).unwrap();
    found(path)
}

fn found(path: &Path) -> usize {
    let disk = fs::read(path).unwrap();
    disk.chunks(CANARY.len()).filter(|c| *c == CANARY).count()
}

fn order<'a>(path: &'a Path, serial: &'a str) -> Order<'a> {
    Order { path, shown: "disk.img", serial, reason: "retired", by: "local-operator" }
}

fn run(vault: &Vault, path: &Path, serial: &str) -> Result<Certificate, Error> {
    dispose(vault, &Actor::LocalOperator, &order(path, serial), &mut |_, _, _| {})
}

#[test]
fn an_image_is_overwritten_read_back_and_certified() {
    let (dir, vault) = vault();
    let path = dir.path().join("disk.img");
    // Not a whole number of blocks.
    let bytes = (3 << 20) + 517;
    assert!(planted(&path, bytes) > 90_000);
    let mut steps = Vec::new();
    let serial = format!("disk.img:{bytes}");
    let made = dispose(&vault, &Actor::LocalOperator, &order(&path, &serial), &mut |phase, done, total| {
        steps.push((phase, done));
        assert_eq!(total, bytes as u64);
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), vec![0u8; bytes], "0 of the planted blocks are left");
    assert_eq!(steps.last(), Some(&(Phase::ReadingBack, bytes as u64)));
    let s = &made.statement;
    assert_eq!((s.read_back, s.runs, s.kind.as_str()), (bytes as u64, 1, "image"));
    assert!(matches!(s.level, Level::ClearFile | Level::None), "an image is no drive: {:?}", s.level);
    made.verify(Some(vault.vkey())).unwrap();
    assert!(made.verify(Some("another+00000000+key")).unwrap_err() == crate::signed::Invalid::Key);
    for change in [
        |s: &mut Statement| s.level = Level::Clear,
        |s: &mut Statement| s.serial.push('1'),
        |s: &mut Statement| s.limits.clear(),
        |s: &mut Statement| s.bytes += 1,
    ] {
        let mut other = made.clone();
        change(&mut other.statement);
        assert!(other.verify(None).is_err());
    }
    let kept = vault.device_certificates().unwrap();
    assert_eq!(kept.iter().map(|b| Certificate::parse(b.as_bytes()).unwrap()).collect::<Vec<_>>(), [made]);
}

#[test]
fn an_overwrite_that_was_broken_off_goes_on_and_reads_everything_back() {
    let (dir, vault) = vault();
    let path = dir.path().join("disk.img");
    let bytes = 130 << 20;
    planted(&path, bytes);
    let serial = format!("disk.img:{bytes}");
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = dispose(&vault, &Actor::LocalOperator, &order(&path, &serial), &mut |_, done, _| {
            assert!(done < 100 << 20, "the power fails");
        });
    }));
    assert!(broken.is_err());
    assert!(found(&path) > 0 && vault.device_certificates().unwrap().is_empty());
    let mut first = None;
    let made = dispose(&vault, &Actor::LocalOperator, &order(&path, &serial), &mut |_, done, _| {
        first.get_or_insert(done);
    })
    .unwrap();
    assert_eq!(first, Some(65 << 20), "it goes on after the last flush");
    assert_eq!((made.statement.runs, made.statement.read_back), (2, bytes as u64));
    assert_eq!(found(&path), 0);
    made.verify(None).unwrap();
}

#[test]
fn old_bytes_that_come_back_end_it_without_a_certificate() {
    let (dir, vault) = vault();
    let path = dir.path().join("disk.img");
    let bytes = 2 << 20;
    planted(&path, bytes);
    let serial = format!("disk.img:{bytes}");
    let mut spoiled = false;
    // Somebody writes to it between the last flush and the reading back.
    let failed = dispose(&vault, &Actor::LocalOperator, &order(&path, &serial), &mut |phase, done, total| {
        if phase == Phase::Overwriting && done == total && !spoiled {
            let mut disk = fs::read(&path).unwrap();
            disk[1_500_000] = 7;
            fs::write(&path, disk).unwrap();
            spoiled = true;
        }
    });
    assert!(failed.unwrap_err().to_string().contains("byte 1500000 is not zero"));
    assert!(vault.device_certificates().unwrap().is_empty());
    let mut first = None;
    let made = dispose(&vault, &Actor::LocalOperator, &order(&path, &serial), &mut |_, done, _| {
        first.get_or_insert(done);
    })
    .unwrap();
    assert_eq!(first, Some(1 << 20), "what was done before does not count");
    made.verify(None).unwrap();
}

#[test]
fn the_wrong_name_a_link_a_folder_and_the_vaults_own_files_are_refused_untouched() {
    let (dir, vault) = vault();
    let path = dir.path().join("disk.img");
    planted(&path, 1 << 20);
    let link = dir.path().join("link.img");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let inside = vault.dir().join("vault.db");
    let size = fs::metadata(&inside).unwrap().len();
    for (path, serial) in [
        (&path, "disk.img:1048577".to_owned()),
        (&path, "disk.img".to_owned()),
        (&path, String::new()),
        (&link, "disk.img:1048576".to_owned()),
        (&inside, format!("vault.db:{size}")),
        (&dir.path().to_owned(), "x:0".to_owned()),
        (&Path::new("/dev/null").to_owned(), "null:0".to_owned()),
    ] {
        let refused = run(&vault, path, &serial);
        assert!(matches!(refused, Err(Error::Kept { .. })), "{}: {refused:?}", path.display());
    }
    assert_eq!(found(&path), (1 << 20) / CANARY.len());
    assert!(vault.device_certificates().unwrap().is_empty());
}

#[test]
fn a_drive_of_the_register_gets_its_end_there_and_waits_for_a_witness() {
    let (dir, vault) = vault();
    let path = dir.path().join("disk.img");
    planted(&path, 1 << 20);
    let new = NewMedium {
        kind: MediumKind::Hdd,
        label: "disk.img:1048576".into(),
        holds: Holds::Originals,
        encrypted: Encrypted::No,
        place: "rack 2".into(),
    };
    let id = vault.enter_medium(&Actor::LocalOperator, &new).unwrap();
    let made = run(&vault, &path, "disk.img:1048576").unwrap();
    assert_eq!(made.statement.medium, Some(id.to_string()));
    let end = vault.medium_end(id).unwrap().unwrap();
    assert!(end.tool.contains(&made.statement.id) && end.witnessed_by.is_none());
    assert_eq!(vault.medium(id).unwrap().state, MediumState::Unwitnessed);
}
