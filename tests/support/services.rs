//! A service that keeps keys, on a port of this machine and of one test: `tests/services/run.py`. It ends with its standard
//! input when this is dropped.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub struct Service {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`, or with `--tls` https.
    pub url: String,
    pub dir: tempfile::TempDir,
}

impl Service {
    /// `None`, said aloud, where what it is made of is not installed.
    pub fn start(what: &str, more: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("tests/services/run.py"));
        let file = file.into_iter().find(|path| path.exists()).unwrap();
        let started = Command::new("python3")
            .arg(file)
            .arg(what)
            .arg(dir.path())
            .args(more)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else { return skipped("python3 is not installed") };
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        answers.read_line(&mut url).unwrap();
        if url.is_empty() {
            let done = child.wait_with_output().unwrap();
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            let missing = why.contains("ModuleNotFoundError") || why.contains("FileNotFoundError");
            assert!(missing, "{why}");
            return skipped(
                "moto (`tests/services/run.py --install`) or python3-cryptography is missing; tools/test installs both",
            );
        }
        let orders = child.stdin.take();
        // What it says later would fill the pipe.
        drop(child.stderr.take());
        Some(Self { child, orders, answers, url: url.trim().to_owned(), dir })
    }

    /// Changes the service from within.
    pub fn tell(&mut self, order: &Value) -> Value {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{order}: {e}: {line}"))
    }

    /// What was asked so far, a line a request.
    pub fn requests(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("requests")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A private file in the service's own folder.
    pub fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

fn skipped(why: &str) -> Option<Service> {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
    None
}
