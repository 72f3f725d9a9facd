//! The only place that unlinks files, and how files that held keys or personal data are destroyed.

use crate::SealError;
use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What was done to a file. An overwrite in place is honest only about this one file: copies, journals,
/// snapshots and flash translation layers are beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shredded {
    /// Bytes overwritten.
    pub bytes: u64,
    /// Other names (hard links) the file had; they now lead to an empty file.
    pub other_links: u64,
}

/// Overwrites a plain file once with zeros, waits for the disk, empties it, unlinks it.
pub fn shred_file(path: &Path) -> Result<Shredded, SealError> {
    let meta = plain_file(path)?;
    let mut file = OpenOptions::new().write(true).open(path).map_err(SealError::io("cannot open", path))?;
    let opened = file.metadata().map_err(SealError::io("cannot examine", path))?;
    if (opened.dev(), opened.ino()) != (meta.dev(), meta.ino()) {
        return Err(SealError::NotAFile { path: path.to_owned() });
    }
    overwrite(&mut file, opened.len()).map_err(SealError::io("cannot overwrite", path))?;
    file.set_len(0).and_then(|()| file.sync_all()).map_err(SealError::io("cannot empty", path))?;
    drop(file);
    unlink(path, "its bytes were overwritten before")?;
    Ok(Shredded { bytes: opened.len(), other_links: opened.nlink().saturating_sub(1) })
}

/// The same, and every byte is read back before the file is emptied. The reading goes through the system's cache, so it
/// proves what the file system holds, not what the medium does.
pub fn shred_file_checked(path: &Path) -> Result<Shredded, SealError> {
    let meta = plain_file(path)?;
    let open = OpenOptions::new().read(true).write(true).open(path);
    let mut file = open.map_err(SealError::io("cannot open", path))?;
    let opened = file.metadata().map_err(SealError::io("cannot examine", path))?;
    if (opened.dev(), opened.ino()) != (meta.dev(), meta.ino()) {
        return Err(SealError::NotAFile { path: path.to_owned() });
    }
    overwrite(&mut file, opened.len()).map_err(SealError::io("cannot overwrite", path))?;
    read_back(&mut file, opened.len()).map_err(SealError::io("cannot read back", path))?;
    file.set_len(0).and_then(|()| file.sync_all()).map_err(SealError::io("cannot empty", path))?;
    drop(file);
    unlink(path, "its bytes were overwritten and read back before")?;
    Ok(Shredded { bytes: opened.len(), other_links: opened.nlink().saturating_sub(1) })
}

/// Fails unless the file is `len` zeros.
fn read_back(file: &mut File, len: u64) -> io::Result<()> {
    let mut block = vec![0u8; 64 << 10];
    file.seek(SeekFrom::Start(0))?;
    let mut seen = 0u64;
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            break;
        }
        if block.get(..n).unwrap_or_default().iter().any(|b| *b != 0) {
            return Err(io::Error::other("the old bytes are still there after overwriting"));
        }
        seen = seen.saturating_add(n as u64);
    }
    if seen == len { Ok(()) } else { Err(io::Error::other("its length changed while it was overwritten")) }
}

/// Writes zeros over the first `len` bytes and waits for the disk.
pub(crate) fn overwrite(file: &mut File, len: u64) -> io::Result<()> {
    const BLOCK: usize = 64 << 10;
    let zeros = vec![0u8; BLOCK];
    file.seek(SeekFrom::Start(0))?;
    let mut left = len;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        file.write_all(zeros.get(..n).unwrap_or(&zeros))?;
        left = left.saturating_sub(n as u64);
    }
    file.sync_data()
}

/// Unlinks a plain file without overwriting it; `why` says, for the reader of the code, why that is enough.
#[expect(clippy::disallowed_methods, reason = "this is the one place that unlinks")]
pub fn unlink(path: &Path, why: &'static str) -> Result<(), SealError> {
    debug_assert!(!why.is_empty());
    plain_file(path)?;
    fs::remove_file(path).map_err(SealError::io("cannot unlink", path))?;
    sync_parent(path)
}

/// The same for many files; the directories are flushed once, after the last.
#[expect(clippy::disallowed_methods, reason = "this is the one place that unlinks")]
pub fn unlink_all(paths: &[PathBuf], why: &'static str) -> Result<(), SealError> {
    debug_assert!(!why.is_empty());
    let mut last: Option<&PathBuf> = None;
    for path in paths {
        plain_file(path)?;
        fs::remove_file(path).map_err(SealError::io("cannot unlink", path))?;
        if let Some(before) = last.filter(|before| before.parent() != path.parent()) {
            sync_parent(before)?;
        }
        last = Some(path);
    }
    last.map_or(Ok(()), |path| sync_parent(path))
}

/// What [`shred_tree`] took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Felled {
    /// Files that were overwritten first.
    pub overwritten: u64,
    /// Files and links that were only unlinked.
    pub unlinked: u64,
}

/// Directories in each other that [`shred_tree`] goes into.
const MAX_DEPTH: u8 = 32;

/// Takes a directory away with everything in it. Files of which `unreadable` says that their only key is destroyed are
/// unlinked, all others are overwritten once before; a link is unlinked and never followed. A directory that is not there
/// is no error, so that the next call goes on where a kill stopped this one.
pub fn shred_tree(dir: &Path, unreadable: &dyn Fn(&Path) -> bool) -> Result<Felled, SealError> {
    let mut felled = Felled::default();
    match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(felled),
        Err(e) => return Err(SealError::io("cannot examine", dir)(e)),
        Ok(meta) if !meta.is_dir() => return Err(SealError::NotAFile { path: dir.to_owned() }),
        Ok(_) => fell(dir, unreadable, MAX_DEPTH, &mut felled)?,
    }
    sync_parent(dir)?;
    Ok(felled)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that unlinks")]
fn fell(
    dir: &Path,
    unreadable: &dyn Fn(&Path) -> bool,
    depth: u8,
    felled: &mut Felled,
) -> Result<(), SealError> {
    let depth = depth.checked_sub(1).ok_or_else(|| SealError::NotAFile { path: dir.to_owned() })?;
    for entry in fs::read_dir(dir).map_err(SealError::io("cannot list", dir))? {
        let entry = entry.map_err(SealError::io("cannot list", dir))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(SealError::io("cannot examine", &path))?;
        if kind.is_dir() {
            fell(&path, unreadable, depth, felled)?;
        } else if kind.is_file() && !unreadable(&path) {
            shred_file(&path)?;
            felled.overwritten = felled.overwritten.saturating_add(1);
        } else {
            fs::remove_file(&path).map_err(SealError::io("cannot unlink", &path))?;
            felled.unlinked = felled.unlinked.saturating_add(1);
        }
    }
    fs::remove_dir(dir).map_err(SealError::io("cannot take away", dir))
}

/// Gives a finished file its name in one step, durably; refuses a name that is taken.
pub(crate) fn name_new(from: &Path, to: &Path) -> Result<(), SealError> {
    let named = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can; a hard link refuses a taken name too, and leaves two names for a moment.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let linked = fs::hard_link(from, to);
            if linked.is_ok() {
                unlink(from, "the finished file has another name")?;
            }
            linked
        }
        renamed => renamed.map_err(io::Error::from),
    };
    named.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => SealError::Exists { path: to.to_owned() },
        _ => SealError::io("cannot create", to)(e),
    })?;
    sync_parent(to)
}

/// Makes the names in the file's directory durable.
pub fn sync_parent(path: &Path) -> Result<(), SealError> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|d| d.sync_all()).map_err(SealError::io("cannot make durable", dir))
}

/// What a path is, if it is a file and no link.
pub(crate) fn plain_file(path: &Path) -> Result<fs::Metadata, SealError> {
    let meta = fs::symlink_metadata(path).map_err(SealError::io("cannot examine", path))?;
    if meta.is_file() { Ok(meta) } else { Err(SealError::NotAFile { path: path.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shredded_file_is_gone_and_its_other_name_reads_empty() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, vec![9u8; 200_000]).unwrap();
        fs::hard_link(&a, &b).unwrap();
        let mut held = File::open(&a).unwrap();
        assert_eq!(shred_file(&a).unwrap(), Shredded { bytes: 200_000, other_links: 1 });
        assert!(!a.exists());
        let mut rest = Vec::new();
        held.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(fs::metadata(&b).unwrap().len(), 0);
    }

    #[test]
    fn reading_back_sees_what_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let p = dir.path().join("x");
        fs::write(&p, vec![0xaau8; 70_000]).unwrap();
        assert_eq!(shred_file_checked(&p).unwrap(), Shredded { bytes: 70_000, other_links: 0 });
        assert!(!p.exists());
        let mut left = vec![0u8; 70_000];
        left[69_999] = 1;
        fs::write(&p, &left).unwrap();
        let mut file = OpenOptions::new().read(true).write(true).open(&p).unwrap();
        assert!(read_back(&mut file, 70_000).is_err());
        assert!(read_back(&mut file, 69_999).is_err());
    }

    #[test]
    fn overwriting_reaches_every_byte() {
        let dir = tempfile::tempdir().unwrap();
        let p = dir.path().join("x");
        fs::write(&p, vec![0xaau8; 100_001]).unwrap();
        overwrite(&mut OpenOptions::new().write(true).open(&p).unwrap(), 100_001).unwrap();
        assert_eq!(fs::read(&p).unwrap(), vec![0u8; 100_001]);
    }

    #[test]
    fn a_tree_goes_whole_and_what_a_link_leads_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join("blobs/deep")).unwrap();
        let outside = dir.path().join("outside");
        fs::write(&outside, b"not ours").unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
        // Another name of the same file shows whether its bytes were overwritten.
        for (name, other) in [("vault.db", "a"), ("blobs/one.sealed", "b"), ("blobs/deep/two.sealed", "c")] {
            fs::write(tree.join(name), vec![7u8; 9_000]).unwrap();
            fs::hard_link(tree.join(name), dir.path().join(other)).unwrap();
        }
        let sealed = |path: &Path| path.extension().is_some_and(|e| e == "sealed");
        assert_eq!(shred_tree(&tree, &sealed).unwrap(), Felled { overwritten: 1, unlinked: 3 });
        assert!(!tree.exists());
        assert_eq!(fs::read(&outside).unwrap(), b"not ours");
        assert_eq!(fs::metadata(dir.path().join("a")).unwrap().len(), 0);
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), vec![7u8; 9_000]);
        assert_eq!(shred_tree(&tree, &sealed).unwrap(), Felled::default(), "gone already");
        assert!(matches!(shred_tree(&outside, &sealed), Err(SealError::NotAFile { .. })));
        let mut deep = tree.clone();
        (0..40).for_each(|_| deep.push("d"));
        fs::create_dir_all(&deep).unwrap();
        assert!(shred_tree(&tree, &sealed).is_err(), "nothing we made is nested so");
    }

    #[test]
    fn links_directories_and_missing_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (t, l) = (dir.path().join("t"), dir.path().join("l"));
        fs::write(&t, b"keep").unwrap();
        std::os::unix::fs::symlink(&t, &l).unwrap();
        assert!(matches!(shred_file(&l), Err(SealError::NotAFile { .. })));
        assert!(matches!(unlink(&l, "test"), Err(SealError::NotAFile { .. })));
        assert!(matches!(shred_file(dir.path()), Err(SealError::NotAFile { .. })));
        assert!(matches!(shred_file(&dir.path().join("none")), Err(SealError::Io { .. })));
        assert_eq!(fs::read(&t).unwrap(), b"keep");
    }
}
