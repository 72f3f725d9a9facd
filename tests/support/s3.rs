//! A real S3 server of a test's own on loopback (moto's, which checks signatures and keeps versions), stopped when it is
//! dropped.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server of its own, with an empty bucket.
pub struct Bucket {
    child: Child,
    port: u16,
    pub dir: tempfile::TempDir,
}

impl Bucket {
    /// The name of the bucket.
    pub const NAME: &str = "vaults";

    /// `None`, said aloud, where moto is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with more arguments, such as a certificate.
    pub fn start_with(more: &[&str]) -> Option<Self> {
        let python = python();
        let there = Command::new(&python)
            .args(["-c", "import moto.server, moto.s3.models, flask"])
            .stderr(Stdio::null())
            .status();
        if !there.is_ok_and(|s| s.success()) {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: moto is not installed (tests/services/run.py --install)"
            );
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bucket = Self { child, port, dir: tempfile::tempdir().unwrap() };
        let up = (0..300).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(up, "the server did not start");
        if more.is_empty() {
            assert_eq!(bucket.ask("PUT", &format!("/{}", Self::NAME), "").0, 200);
        }
        Some(bucket)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A private file with credentials, which the server takes as long as it is not told to look at them.
    pub fn credentials(&self) -> PathBuf {
        secret(self.dir.path(), "credentials", "AKIATEST", "amber kettle")
    }

    /// One request past everybody, as (status, answer).
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let (status, bytes) = self.send(method, path, "s3", body.as_bytes());
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bytes of an object.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let (status, bytes) = self.send("GET", path, "s3", &[]);
        assert_eq!(status, 200, "{path}");
        bytes
    }

    /// Writes an object past everybody.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        assert_eq!(self.send("PUT", path, "s3", bytes).0, 200, "{path}");
    }

    /// From now on a deleted object leaves its old versions.
    pub fn keep_versions(&self) {
        let on = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>";
        assert_eq!(self.ask("PUT", &format!("/{}?versioning", Self::NAME), on).0, 200);
    }

    /// A user who may do what this policy says, as (id, secret); from then on the server looks at every signature.
    pub fn user(&self, policy: &str) -> (String, String) {
        let ask = |body: &str| {
            let (status, answer) = self.send("POST", "/", "iam", body.as_bytes());
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert_eq!(status, 200, "{answer}");
            answer
        };
        ask("Action=CreateUser&Version=2010-05-08&UserName=callvault");
        let escaped: String = policy.bytes().map(|b| format!("%{b:02X}")).collect();
        ask(&format!(
            "Action=PutUserPolicy&Version=2010-05-08&UserName=callvault&PolicyName=p&PolicyDocument={escaped}"
        ));
        let made = ask("Action=CreateAccessKey&Version=2010-05-08&UserName=callvault");
        let value = |name: &str| {
            let rest = made.split(&format!("<{name}>")).nth(1).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        assert_eq!(self.ask("POST", "/moto-api/reset-auth", "0").0, 200);
        (value("AccessKeyId"), value("SecretAccessKey"))
    }

    /// One request that only looks signed, which is enough until the server is told to look.
    fn send(&self, method: &str, path: &str, service: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let kind =
            if service == "iam" { "application/x-www-form-urlencoded" } else { "application/octet-stream" };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20261101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\
             Content-Length: {}\r\n\r\n",
            self.port,
            body.len()
        )
        .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[..head]).split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_off(head + 4))
    }

    /// The keys in the bucket.
    pub fn keys(&self) -> Vec<String> {
        names(&self.ask("GET", &format!("/{}?list-type=2&max-keys=1000", Self::NAME), "").1)
    }

    /// The bytes of everything that the server keeps: every version of every object.
    pub fn everything(&self) -> Vec<Vec<u8>> {
        let (_, list) = self.ask("GET", &format!("/{}?versions", Self::NAME), "");
        let one = |text: &str| {
            let key = names(text).into_iter().next()?;
            let version = text.split("<VersionId>").nth(1)?.split('<').next()?;
            let by = if version == "null" { String::new() } else { format!("?versionId={version}") };
            Some(self.get(&format!("/{}/{key}{by}", Self::NAME)))
        };
        list.split("<Version>").skip(1).filter_map(one).collect()
    }
}

/// A private file with credentials.
pub fn secret(dir: &Path, name: &str, id: &str, key: &str) -> PathBuf {
    let path = dir.join(name);
    let key = key.replace(' ', "/");
    fs::write(&path, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {key}\n"))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn names(list: &str) -> Vec<String> {
    list.split("<Key>").skip(1).filter_map(|k| Some(k.split('<').next()?.to_owned())).collect()
}

/// The Python that has moto: the one that `tests/services/run.py --install` made, or the machine's.
pub fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache")));
    let made = cache.and_then(|c| fs::read_dir(c.join("callvault")).ok()).into_iter().flatten().flatten();
    let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("moto-");
    let mut all = made.filter(|e| ours(&e.file_name())).map(|e| e.path().join("bin/python"));
    all.find(|p| p.exists()).unwrap_or_else(|| "python3".into())
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
