//! A real PostgreSQL server of a test's own, below a temporary directory, reached by its UNIX socket and stopped when it is
//! dropped.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Debian's unprivileged user; PostgreSQL refuses to run as root.
pub const NOBODY: u32 = 65_534;

/// A server of its own.
pub struct Server {
    child: Child,
    /// Part of the socket's name.
    port: String,
    pub dir: tempfile::TempDir,
}

impl Server {
    /// `None`, said aloud, where PostgreSQL is not installed.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            let _ = writeln!(std::io::stderr(), "skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        if root() {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = dir.path().join("data");
        let made = unprivileged(&programs.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "callvault", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
        let mut start = unprivileged(&programs.join("postgres"));
        start.arg("-D").arg(&data).arg("-k").arg(dir.path());
        for setting in
            ["listen_addresses=", "max_connections=300", "shared_buffers=32MB"].iter().chain(settings)
        {
            start.args(["-c", setting]);
        }
        let child = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let port = settings.iter().find_map(|s| s.strip_prefix("port=")).unwrap_or("5432").to_owned();
        let server = Self { child, port, dir };
        let there = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            server.query("SELECT 1").is_some()
        });
        assert!(there, "the server did not start");
        Some(server)
    }

    /// By its socket.
    pub fn url(&self) -> String {
        format!(
            "postgres://callvault@{}:{}/postgres",
            self.dir.path().display().to_string().replace('/', "%2F"),
            self.port
        )
    }

    /// What `psql` prints.
    pub fn query(&self, sql: &str) -> Option<String> {
        let out =
            Command::new("psql").args(["-XAtqc", sql, &self.url()]).stderr(Stdio::null()).output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // The quick way to stop: it tells its own processes.
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.child.wait();
    }
}

pub fn root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Where Debian keeps the newest installed version.
fn programs() -> Option<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|e| e.path().join("bin"))
        .filter(|p| p.join("initdb").exists() && p.join("postgres").exists())
        .collect();
    all.sort();
    all.pop()
}

fn unprivileged(program: &Path) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).current_dir("/");
    command
}
