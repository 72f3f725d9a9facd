//! A private home: nothing that lies elsewhere on the machine is seen, nothing is left behind.

use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a command did.
#[derive(Debug, Clone)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    pub fn ok(self) -> Self {
        self.expect(0)
    }

    /// Standard output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }

    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

pub struct Home {
    dir: tempfile::TempDir,
    binary: PathBuf,
    prefix: Vec<String>,
    env: Vec<(String, String)>,
    data: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "config", "share", "cache", "state", "tmp", "work"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let data = dir.path().join("data");
        Self {
            dir,
            binary: env!("CARGO_BIN_EXE_callvault").into(),
            prefix: Vec::new(),
            env: Vec::new(),
            data,
        }
    }

    /// A home with a new vault in it.
    pub fn with_vault() -> Self {
        let home = Self::new();
        home.run(["init"]).ok();
        home
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn set_data(&mut self, data: PathBuf) {
        self.data = data;
    }

    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.retain(|(n, _)| n != name);
        self.env.push((name.to_owned(), value.as_ref().to_string_lossy().into_owned()));
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.env.retain(|(n, _)| n != name);
        self
    }

    /// The words that the engine hears from now on, in a file; `None` takes the engine away.
    pub fn engine(&mut self, script: Option<&Path>) -> &mut Self {
        match script {
            Some(file) => self.set("CALLVAULT_SCRIPTED_ENGINE", file),
            None => self.unset("CALLVAULT_SCRIPTED_ENGINE"),
        }
    }

    /// Runs another copy of the binary, or through another program.
    pub fn through(&mut self, prefix: &[&str], binary: PathBuf) {
        self.prefix = prefix.iter().map(|s| (*s).to_owned()).collect();
        self.binary = binary;
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = match self.prefix.split_first() {
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        command.args(args).env_clear().current_dir(self.path("work"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("CALLVAULT_DATA", &self.data).env("CALLVAULT_MODELS", self.path("no-models"));
        for (name, dir) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "share"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("TMPDIR", "tmp"),
        ] {
            command.env(name, self.path(dir));
        }
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        self.feed(args, b"")
    }

    /// Runs with `input` on standard input.
    pub fn feed<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
        // A program that refuses early closes its end; that is its answer, not our failure.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("a command hangs: {}", err.join().unwrap());
            }
            thread::sleep(Duration::from_millis(3));
        };
        writer.join().unwrap();
        Ran { code: status.code(), out: out.join().unwrap(), err: err.join().unwrap() }
    }

    /// The rows of `show --json`.
    pub fn rows(&self) -> Vec<Value> {
        self.run(["show", "--json"]).ok().json().as_array().unwrap().clone()
    }

    /// The key file of the one vault of this home.
    pub fn key_file(&self) -> PathBuf {
        let keys = self.path("config/callvault/keys");
        let mut found = fs::read_dir(keys)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "key"));
        let one = found.next().unwrap();
        assert!(found.next().is_none(), "one vault has one key file");
        one
    }
}

fn drain(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Every file below `dir`.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return out };
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            out.extend(files(&entry.path()));
        } else {
            out.push(entry.path());
        }
    }
    out.sort();
    out
}

pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

/// Takes a file of the test's own away.
#[expect(clippy::disallowed_methods, reason = "a test removes what it made; no person is in it")]
pub fn remove(path: impl AsRef<Path>) {
    fs::remove_file(path).unwrap();
}
