//! Files and folders: whose they are, who else may use them, what lies there that should not.

use crate::posture::{
    Settings,
    facts::{Folder, KeyPlace, KeyedBy, Node, Sealed, Strays, Tree},
};
use callvault_seal::Protected;
use callvault_store::posture::{SealedFile, has_card};
use std::{
    fs::{self, File, Metadata},
    io::{Read, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const MOST_NODES: usize = 200_000;
const MOST_DEPTH: usize = 12;
const MOST_LOOSE: usize = 20;
/// Of each stray file so much is searched.
const SEARCHED: u64 = 4 << 20;
const MOST_STRAYS: u64 = 500;
const WEB_ROOTS: &[&str] = &["/var/www", "/srv/http", "/srv/www", "/usr/share/nginx", "/usr/local/www"];

/// Folders that web servers serve by custom, as seen from here.
#[derive(Debug, Clone)]
pub struct Web(Vec<PathBuf>);

impl Web {
    /// Below the host's root.
    pub fn of(settings: &Settings) -> Self {
        Self(WEB_ROOTS.iter().map(|root| settings.host(root)).collect())
    }

    fn serves(&self, path: &Path) -> bool {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.0.iter().any(|root| path.starts_with(root))
    }
}

/// One file or folder, links not followed.
pub fn node(path: &Path) -> std::io::Result<Node> {
    Ok(of(path, &fs::symlink_metadata(path)?))
}

fn of(path: &Path, meta: &Metadata) -> Node {
    Node { path: path.display().to_string(), mode: meta.mode() & 0o7777, uid: meta.uid() }
}

/// Everything below `dir`, links not followed, up to a limit.
fn walk(dir: &Path, depth: usize, out: &mut Vec<(PathBuf, Metadata)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if out.len() >= MOST_NODES {
            return;
        }
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        let is_dir = meta.is_dir();
        out.push((path.clone(), meta));
        if is_dir && depth < MOST_DEPTH {
            walk(&path, depth.saturating_add(1), out);
        }
    }
}

/// The data directory.
pub fn tree(data: &Path) -> Result<Tree, String> {
    let meta = fs::metadata(data).map_err(|e| format!("{}: {e}", data.display()))?;
    let mut out = Tree { root: of(data, &meta), ..Tree::default() };
    let mut all = Vec::new();
    walk(data, 0, &mut all);
    out.looked_at = all.len() as u64;
    for (path, inside) in &all {
        if inside.uid() != meta.uid() {
            out.foreign.push(path.display().to_string());
        }
        if inside.mode() & 0o077 != 0 && !inside.is_symlink() && out.loose.len() < MOST_LOOSE {
            out.loose.push(of(path, inside));
        }
    }
    Ok(out)
}

/// The key file, its epochs, and whether they share the fate of the data's disk.
pub fn key(path: &Path, data: &Path) -> Result<KeyPlace, String> {
    let say = |e: std::io::Error| format!("{}: {e}; name the key file with --key-file", path.display());
    let meta = fs::metadata(path).map_err(say)?;
    let epochs = path.with_extension("epochs");
    let mut inside = Vec::new();
    walk(&epochs, 0, &mut inside);
    inside.extend(fs::metadata(&epochs).ok().map(|m| (epochs, m)));
    let loose = inside
        .iter()
        .filter(|(_, m)| m.mode() & 0o077 != 0)
        .take(MOST_LOOSE)
        .map(|(p, m)| of(p, m))
        .collect();
    // A file that others may read is not opened; its bits fail the check by themselves.
    let protected = callvault_seal::keyfile::protected(path).unwrap_or(Protected::No);
    Ok(KeyPlace {
        file: of(path, &meta),
        loose,
        same_file_system: same_file_system(path, data),
        passphrase: protected == Protected::Passphrase,
        hsm: protected == Protected::Hsm,
        service: match &protected {
            Protected::Service(place) => Some(keyed_by(place, data)),
            _ => None,
        },
    })
}

fn keyed_by(place: &callvault_seal::service::Place, data: &Path) -> KeyedBy {
    let there = place.secret_files();
    let there = there.iter().filter_map(|path| Some((*path, fs::metadata(path).ok()?)));
    let there: Vec<(&Path, Metadata)> = there.collect();
    KeyedBy {
        name: place.name().to_owned(),
        host: place.host(),
        files: there.iter().map(|(path, meta)| of(path, meta)).collect(),
        same_file_system: there.iter().any(|(path, _)| same_file_system(path, data)),
    }
}

/// Whether two paths lie on one file system; what cannot be examined is taken to.
pub fn same_file_system(one: &Path, other: &Path) -> bool {
    let device = |p: &Path| fs::metadata(p).map(|m| m.dev()).ok();
    match (device(one), device(other)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// Reads sealed files again; `open` gives the bytes of one, or nothing when it is not there.
pub fn sealed<R: Read + Seek>(
    files: &[SealedFile],
    open: impl Fn(&SealedFile) -> Result<Option<R>, String>,
) -> Result<Sealed, String> {
    let mut out = Sealed::default();
    for file in files {
        let Some(mut opened) = open(file)? else {
            out.missing.push(file.id.clone());
            continue;
        };
        out.looked_at = out.looked_at.saturating_add(1);
        let mut head = [0u8; 64];
        let n = opened.read(&mut head).unwrap_or(0);
        if readable(head.get(..n).unwrap_or_default()) {
            out.plain.push(file.id.clone());
        }
        let hash = opened.rewind().and_then(|()| callvault_seal::sha256_reader(opened));
        if !hash.is_ok_and(|(sha256, _)| callvault_store::hex(&sha256) == file.sha256) {
            out.changed.push(file.id.clone());
        }
    }
    Ok(out)
}

/// The beginning of a sound file or of a text.
fn readable(head: &[u8]) -> bool {
    let sound: &[&[u8]] = &[b"RIFF", b"OggS", b"fLaC", b"ID3", b".snd", b"#!AMR"];
    let text = head.len() >= 16
        && std::str::from_utf8(head)
            .is_ok_and(|t| !t.contains(|c: char| c.is_control() && !c.is_whitespace()));
    sound.iter().any(|magic| head.starts_with(magic)) || text
}

/// Files that the vault did not make, and whether a card number stands in one.
pub fn strays(data: &Path) -> Result<Strays, String> {
    fs::read_dir(data).map_err(|e| format!("{}: {e}", data.display()))?;
    let mut all = Vec::new();
    walk(data, 0, &mut all);
    let mut out = Strays::default();
    for (path, meta) in all.iter().filter(|(_, m)| m.is_file()) {
        let Ok(inside) = path.strip_prefix(data) else { continue };
        if ours(inside) || out.files >= MOST_STRAYS {
            continue;
        }
        out.files = out.files.saturating_add(1);
        if meta.len() > 0 && holds_card(path) {
            out.cards.push(inside.display().to_string());
        }
    }
    Ok(out)
}

fn ours(inside: &Path) -> bool {
    // Below the name of a tenant the same lies once more.
    let mut parts = inside.iter();
    if parts.next().is_some_and(|p| p == callvault_store::tenants::DIR) && parts.next().is_some() {
        return ours(parts.as_path());
    }
    let name = inside.to_string_lossy();
    let sealed = inside.extension().is_some_and(|e| e == "sealed");
    name.starts_with("vault.db")
        || name == "database.json"
        || name == "database-left.json"
        || matches!(&*name, "files.json" | "files-going.json" | "files-left.json" | "files-coming")
        || inside.extension().is_some_and(|e| e == "uploading")
        || name == "lock"
        || sealed
        || name.starts_with("audit/")
        || name.starts_with("tls/")
}

fn holds_card(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|f| f.take(SEARCHED).read_to_end(&mut bytes));
    // What is not text is compressed or sealed; digits in it are chance.
    let text = read.is_ok() && !bytes.iter().take(4096).any(|b| *b == 0);
    text && has_card(&String::from_utf8_lossy(&bytes))
}

/// A folder with conversations in clear.
pub fn folder(path: &Path, web: &Web) -> Folder {
    let mut out = Folder { path: path.display().to_string(), ..Folder::default() };
    let Ok(meta) = fs::metadata(path) else { return out };
    out.mode = Some(meta.mode() & 0o7777);
    out.reachable = path
        .ancestors()
        .skip(1)
        .all(|a| a.as_os_str().is_empty() || fs::metadata(a).is_ok_and(|m| m.mode() & 0o001 != 0));
    let mut all = Vec::new();
    walk(path, 6, &mut all);
    let files = all.iter().filter(|(_, m)| m.is_file());
    out.files = files.clone().count() as u64;
    out.readable_files = files.filter(|(_, m)| m.mode() & 0o004 != 0).count() as u64;
    out.web_root = web.serves(path);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn strays_with_cards_are_found_and_our_own_files_are_not_searched() {
        let dir = tempfile::tempdir().unwrap();
        let at = |n: &str| dir.path().join(n);
        fs::create_dir(at("blobs")).unwrap();
        for (name, text) in [
            ("vault.db", "4242 4242 4242 4242"),
            ("blobs/a.sealed", "4242 4242 4242 4242"),
            ("export.csv", "dana,4242-4242-4242-4242"),
            ("notes.txt", "order 1234567890123456"),
            ("x.bin", "\0 4242424242424242"),
        ] {
            fs::write(at(name), text).unwrap();
        }
        let found = strays(dir.path()).unwrap();
        assert_eq!((found.files, found.cards.first), (3, vec!["export.csv".to_owned()]));
    }

    #[test]
    fn a_folder_tells_who_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o755);
        let calls = dir.path().join("calls");
        fs::create_dir(&calls).unwrap();
        fs::write(calls.join("a.wav"), b"RIFF").unwrap();
        mode(&calls.join("a.wav"), 0o644);
        mode(&calls, 0o755);
        let web = Web(vec![dir.path().to_owned()]);
        let seen = folder(&calls, &web);
        assert_eq!((seen.mode, seen.files, seen.readable_files, seen.web_root), (Some(0o755), 1, 1, true));
        mode(dir.path(), 0o700);
        assert!(!folder(&calls, &web).reachable);
        assert_eq!(folder(&dir.path().join("none"), &web).mode, None);
    }

    #[test]
    fn sealed_files_that_changed_or_never_were_sealed_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8], sha: Option<&[u8]>| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            let sha256 = callvault_store::hex(&callvault_seal::sha256(sha.unwrap_or(bytes)));
            SealedFile { id: name.into(), sha256 }
        };
        let good = file("good", &[0, 1, 2, 255, 254], None);
        let changed = file("changed", &[0, 1, 2, 255], Some(&[0, 9]));
        let plain = file("plain", b"RIFF....WAVEfmt ", None);
        let gone = SealedFile { id: "gone".into(), sha256: String::new() };
        let open = |file: &SealedFile| Ok(File::open(dir.path().join(&file.id)).ok());
        let seen = sealed(&[good, changed, plain, gone], open).unwrap();
        assert_eq!(seen.looked_at, 3);
        assert_eq!(
            (seen.missing.first, seen.changed.first, seen.plain.first),
            (vec!["gone".to_owned()], vec!["changed".to_owned()], vec!["plain".to_owned()])
        );
    }
}
