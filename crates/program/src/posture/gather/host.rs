//! The machine: memory that reaches the disk, rights, time, and the volume of the data.

use super::read_text;
use crate::posture::{Settings, facts::Host};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

const MAX_FILE: u64 = 1 << 20;
const MOST_PROCESSES: usize = 20_000;
/// Marks of time services that have synchronised or run.
const TIME_MARKS: &[(&str, &str)] = &[
    ("/run/systemd/timesync/synchronized", "systemd-timesyncd"),
    ("/run/chrony/chronyd.pid", "chronyd"),
    ("/run/chronyd.pid", "chronyd"),
    ("/run/ntpd.pid", "ntpd"),
    ("/run/openntpd.pid", "openntpd"),
];
const TIME_PROCESSES: &[&str] = &["chronyd", "systemd-timesyn", "ntpd", "openntpd"];

/// Looks at the machine through its own files.
pub fn look(settings: &Settings, data: &Path) -> Host {
    let status = read_text(Path::new("/proc/self/status"), MAX_FILE).unwrap_or_default();
    let field = |name: &str| {
        status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).map(|v| v.trim().to_owned())
    };
    let (free_percent, encrypted_volume) = (free(data), encrypted(settings, data));
    Host {
        swaps: swaps(settings),
        core_limit: core_limit(),
        umask: field("Umask").and_then(|u| u32::from_str_radix(&u, 8).ok()),
        uid: field("Uid").and_then(|u| u.split_whitespace().nth(1)?.parse().ok()),
        no_new_privileges: field("NoNewPrivs").map(|v| v == "1"),
        time_service: time_service(settings),
        free_percent,
        encrypted_volume,
    }
}

fn core_limit() -> Option<u64> {
    let limits = read_text(Path::new("/proc/self/limits"), MAX_FILE).unwrap_or_default();
    let line = limits.lines().find_map(|l| l.strip_prefix("Max core file size"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn swaps(settings: &Settings) -> Vec<(String, Option<bool>)> {
    let table = read_text(&settings.host("/proc/swaps"), MAX_FILE).unwrap_or_default();
    table
        .lines()
        .skip(1)
        .filter_map(|l| {
            let mut words = l.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .map(|(name, kind)| {
            let device =
                Path::new(&name).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let encrypted = match kind.as_str() {
                // Compressed memory never reaches a disk.
                _ if device.starts_with("zram") => Some(true),
                "file" => None,
                _ => Some(crypt(&settings.host("/sys/block").join(device), 0)),
            };
            (name, encrypted)
        })
        .collect()
}

/// Whether a block device is dm-crypt, or rests on devices that all are.
fn crypt(device: &Path, depth: usize) -> bool {
    let uuid = read_text(&device.join("dm/uuid"), 4096).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    let below: Vec<PathBuf> = fs::read_dir(device.join("slaves"))
        .into_iter()
        .flatten()
        .flatten()
        .take(64)
        .map(|e| e.path())
        .collect();
    depth < 8 && !below.is_empty() && below.iter().all(|b| crypt(b, depth.saturating_add(1)))
}

/// Whether the volume under `data` is encrypted; `None` where no block device can be seen (overlay, network, memory).
fn encrypted(settings: &Settings, data: &Path) -> Option<bool> {
    let dev = fs::metadata(data).ok()?.dev();
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    let device = settings.host("/sys/dev/block").join(format!("{major}:{minor}"));
    (major != 0 && device.exists()).then(|| crypt(&device, 0))
}

fn free(data: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(data).ok()?;
    volume.f_bavail.saturating_mul(100).checked_div(volume.f_blocks)
}

fn time_service(settings: &Settings) -> Option<String> {
    if let Some((_, name)) = TIME_MARKS.iter().find(|(mark, _)| settings.host(mark).exists()) {
        return Some((*name).to_owned());
    }
    let processes = fs::read_dir(settings.host("/proc")).ok()?;
    processes
        .flatten()
        .take(MOST_PROCESSES)
        .filter(|e| e.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|e| read_text(&e.path().join("comm"), 64).ok())
        .find(|comm| TIME_PROCESSES.contains(&comm.trim()))
        .map(|comm| comm.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_host_is_read_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let settings = Settings { host_root: Some(root.path().to_owned()), ..Settings::default() };
        assert!(swaps(&settings).is_empty());
        assert_eq!(time_service(&settings), None);
        put(
            "proc/swaps",
            "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n/dev/dm-1 partition 1 0 -3\n/swapfile file 1 0 -4\n/dev/zram0 partition 1 0 5\n",
        );
        put("sys/block/dm-1/dm/uuid", "LVM-abc\n");
        put("sys/block/dm-1/slaves/dm-0/dm/uuid", "CRYPT-LUKS2-abc\n");
        put("sys/block/sda2/size", "1\n");
        assert_eq!(
            swaps(&settings).into_iter().map(|s| s.1).collect::<Vec<_>>(),
            [Some(false), Some(true), None, Some(true)]
        );
        put("proc/812/comm", "chronyd\n");
        assert_eq!(time_service(&settings).as_deref(), Some("chronyd"));
        put("run/systemd/timesync/synchronized", "");
        assert_eq!(time_service(&settings).as_deref(), Some("systemd-timesyncd"));
    }
}
