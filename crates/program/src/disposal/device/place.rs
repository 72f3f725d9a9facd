//! What a path is: a drive, a disk image, or something that must not be overwritten.

use super::super::{Ground, ground, physical};
use crate::Error;
use rustix::fs::{FileType, OFlags, major, minor};
use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A drive or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block device.
    Device,
    /// A plain file that holds a disk.
    Image,
}

impl Kind {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Image => "image",
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it is.
    pub kind: Kind,
    /// Where it is, links followed for devices.
    pub real: PathBuf,
    /// The kernel's name, or the file's.
    pub name: String,
    /// Serial number, if it has one.
    pub serial: Option<String>,
    /// Maker's model, if the drive tells.
    pub model: String,
    /// Size.
    pub bytes: u64,
    /// Flash, as far as the kernel tells.
    pub flash: Option<bool>,
    /// Where an image lies.
    pub ground: Option<Ground>,
    /// What has to be typed in.
    wanted: String,
    device: u64,
    inode: u64,
}

fn kept(path: &Path, why: &'static str) -> Error {
    Error::Kept { path: path.to_owned(), why }
}

/// The text of a small file of the kernel.
fn told(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text: String = String::from_utf8_lossy(bytes.get(..256).unwrap_or(&bytes)).into_owned();
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control()).to_owned();
    (!text.is_empty()).then_some(text)
}

impl Place {
    /// Looks at a path; only a whole block device or a plain file is taken.
    pub fn find(path: &Path) -> Result<Self, Error> {
        let link = fs::symlink_metadata(path).map_err(Error::file(path))?;
        let real = fs::canonicalize(path).map_err(Error::file(path))?;
        let meta = fs::metadata(&real).map_err(Error::file(path))?;
        if meta.file_type().is_block_device() {
            return Self::device(path, real, &meta);
        }
        if !link.is_file() {
            return Err(kept(
                path,
                "it is neither a block device nor a plain file; links are followed to devices only",
            ));
        }
        if meta.len() == 0 {
            return Err(kept(path, "it is empty"));
        }
        let name = real.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let ground = Ground { other_links: meta.nlink().saturating_sub(1), ..ground(&real, &meta) };
        Ok(Self {
            kind: Kind::Image,
            wanted: format!("{name}:{}", meta.len()),
            name,
            serial: None,
            model: String::new(),
            bytes: meta.len(),
            flash: ground.flash,
            ground: Some(ground),
            device: meta.dev(),
            inode: meta.ino(),
            real,
        })
    }

    fn device(path: &Path, real: PathBuf, meta: &fs::Metadata) -> Result<Self, Error> {
        let sys = sysfs(meta.rdev())
            .ok_or_else(|| kept(path, "the kernel tells nothing of this device under /sys"))?;
        if sys.join("partition").exists() {
            return Err(kept(path, "it is a partition; name the whole drive"));
        }
        if told(&sys.join("ro")).as_deref() != Some("0") {
            return Err(kept(path, "it cannot be written to"));
        }
        let name = sys.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let size = File::open(&real).and_then(|mut f| f.seek(SeekFrom::End(0)));
        let bytes = size.map_err(Error::file(path))?;
        if bytes == 0 {
            return Err(kept(path, "it has no medium, or no size"));
        }
        let serial = ["serial", "device/serial"].iter().find_map(|p| told(&sys.join(p)));
        let serial = serial.or_else(|| page_80(&sys)).or_else(|| udev(meta.rdev()));
        let flash = told(&sys.join("queue/rotational")).map(|r| r == "0").filter(|_| physical(&sys));
        Ok(Self {
            kind: Kind::Device,
            wanted: serial.clone().unwrap_or_else(|| format!("{name}:{bytes}")),
            name,
            serial,
            model: told(&sys.join("device/model")).unwrap_or_default(),
            bytes,
            flash,
            ground: None,
            device: meta.rdev(),
            inode: meta.ino(),
            real,
        })
    }

    /// What has to be typed in.
    pub fn wanted(&self) -> &str {
        &self.wanted
    }

    /// Refuses what is mounted, swapped to, held by another device (LVM, RAID, encryption), used as a loop device's file,
    /// or holds one of `ours`.
    pub fn refuse_in_use(&self, ours: &[&Path]) -> Result<(), Error> {
        let refuse = |why| Err(kept(&self.real, why));
        let mounts =
            fs::read_to_string("/proc/self/mountinfo").map_err(Error::file("/proc/self/mountinfo"))?;
        let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
        let swapped =
            |path: &Path| swaps.lines().filter_map(|l| l.split(' ').next()).any(|s| same(path, Path::new(s)));
        match self.kind {
            Kind::Image => {
                let real = |p: &Path| fs::canonicalize(p).ok();
                if ours.iter().filter_map(|p| real(p)).any(|dir| self.real.starts_with(dir)) {
                    return refuse("it belongs to the vault");
                }
                if swapped(&self.real) {
                    return refuse("the system swaps to it; `swapoff` first");
                }
                if backs_a_loop(&self.real) {
                    return refuse("a loop device uses it; unmount it and detach it (`losetup -d`) first");
                }
            }
            Kind::Device => {
                let Some(sys) = sysfs(self.device) else { return refuse("it vanished") };
                let parts = numbers(&sys);
                if held(&sys) {
                    return refuse(
                        "another device is built on it (LVM, RAID, encryption); take that apart first",
                    );
                }
                if mounts.lines().any(|line| mounted(line, &parts)) {
                    return refuse(
                        "it, or a partition of it, is mounted; unmount it first. The disk the system runs from is never overwritten",
                    );
                }
                if parts.iter().any(|(_, node)| swapped(node)) {
                    return refuse("the system swaps to it; `swapoff` first");
                }
                let on = |p: &&Path| {
                    fs::metadata(p).is_ok_and(|m| parts.iter().any(|(n, _)| *n == number(m.dev())))
                };
                if ours.iter().chain(&[Path::new("/")]).any(on) {
                    return refuse("the system or the vault lies on it");
                }
            }
        }
        Ok(())
    }

    /// Opens it for writing. Of a device the kernel gives it to us alone, or refuses while anybody mounted or claimed it.
    pub fn open(&self) -> Result<File, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if self.kind == Kind::Device {
            options.custom_flags(i32::try_from(OFlags::EXCL.bits()).unwrap_or(0));
        }
        let file = options.open(&self.real).map_err(|e| match e.raw_os_error() {
            Some(code) if code == rustix::io::Errno::BUSY.raw_os_error() => kept(
                &self.real,
                "the kernel says that it is in use; unmount it, or take apart what is built on it",
            ),
            _ => Error::file(&self.real)(e),
        })?;
        let meta = file.metadata().map_err(Error::file(&self.real))?;
        let same = match self.kind {
            Kind::Device => {
                FileType::from_raw_mode(meta.mode()) == FileType::BlockDevice && meta.rdev() == self.device
            }
            Kind::Image => (meta.dev(), meta.ino(), meta.len()) == (self.device, self.inode, self.bytes),
        };
        if same { Ok(file) } else { Err(kept(&self.real, "it was exchanged while it was looked at")) }
    }
}

fn number(device: u64) -> String {
    format!("{}:{}", major(device), minor(device))
}

fn sysfs(device: u64) -> Option<PathBuf> {
    fs::canonicalize(Path::new("/sys/dev/block").join(number(device))).ok()
}

/// A drive and its partitions: number, and the node in /dev.
fn numbers(sys: &Path) -> Vec<(String, PathBuf)> {
    let node = |dir: &Path| Path::new("/dev").join(dir.file_name().unwrap_or_default());
    let mut out: Vec<_> = told(&sys.join("dev")).map(|n| (n, node(sys))).into_iter().collect();
    for part in fs::read_dir(sys).into_iter().flatten().flatten().map(|e| e.path()) {
        if part.join("partition").exists() {
            out.extend(told(&part.join("dev")).map(|n| (n, node(&part))));
        }
    }
    out
}

/// Whether a device is built on this one or on a partition of it.
fn held(sys: &Path) -> bool {
    let some = |dir: &Path| fs::read_dir(dir.join("holders")).is_ok_and(|mut d| d.next().is_some());
    let parts = fs::read_dir(sys).into_iter().flatten().flatten().map(|e| e.path());
    some(sys) || parts.filter(|p| p.join("partition").exists()).any(|p| some(&p))
}

/// Whether a line of mountinfo (proc(5)) speaks of one of these devices: by number, or by the node that was mounted, for
/// file systems with numbers of their own.
fn mounted(line: &str, parts: &[(String, PathBuf)]) -> bool {
    let by_number = line.split(' ').nth(2).is_some_and(|n| parts.iter().any(|(number, _)| number == n));
    let source = line.split_once(" - ").and_then(|(_, rest)| rest.split(' ').nth(1));
    by_number
        || source
            .is_some_and(|s| s.starts_with('/') && parts.iter().any(|(_, node)| same(node, Path::new(s))))
}

/// The same device or the same file.
fn same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(x), Ok(y)) if x.file_type().is_block_device() && y.file_type().is_block_device() => {
            x.rdev() == y.rdev()
        }
        (Ok(x), Ok(y)) => (x.dev(), x.ino()) == (y.dev(), y.ino()),
        _ => false,
    }
}

fn backs_a_loop(image: &Path) -> bool {
    let all = fs::read_dir("/sys/block").into_iter().flatten().flatten().map(|e| e.path());
    all.filter_map(|d| told(&d.join("loop/backing_file"))).any(|file| same(image, Path::new(&file)))
}

/// The serial number of a SCSI or SATA drive (vital product data, page 80h; its text begins at byte 4).
fn page_80(sys: &Path) -> Option<String> {
    let page = fs::read(sys.join("device/vpd_pg80")).ok()?;
    let text = String::from_utf8_lossy(page.get(4..)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The serial number that udev found.
fn udev(device: u64) -> Option<String> {
    let text = fs::read_to_string(Path::new("/run/udev/data").join(format!("b{}", number(device)))).ok()?;
    let serial = text.lines().find_map(|l| l.strip_prefix("E:ID_SERIAL_SHORT="))?.trim();
    (!serial.is_empty()).then(|| serial.to_owned())
}
