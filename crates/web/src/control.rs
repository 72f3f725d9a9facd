//! The way in for the operator of this machine: a UNIX socket in a private folder below the data. What opens the vault comes
//! through here and never over the network. Only the owner of the data, and root, are listened to (`SO_PEERCRED`).
//!
//! One order a connection: `callvault-control 1 VERB`, a line feed, then for `unseal` and `share` what opens the vault,
//! up to the end of the stream. One answer: a JSON object ([`Reply`]) and the end.

use crate::Error;
use callvault_model::Secret;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

const DIR: &str = "control";
const SOCKET: &str = "socket";
const LOCK: &str = "lock";
const GREETING: &str = "callvault-control 1 ";
/// Longer than any passphrase or share.
const MAX_ORDER: u64 = 4096;
const MAX_REPLY: u64 = 16 << 10;
/// An order is there at once, or it is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest address of a UNIX socket on all systems, with its end.
const MAX_PATH: usize = 103;

/// What the operator wants.
#[derive(Debug)]
pub enum Order {
    /// How things stand.
    Status,
    /// Open the vault with the passphrase of its key file, or the PIN of its module.
    Unseal(Secret<String>),
    /// Open the vault with the service that its key file names; nothing is given.
    Ask,
    /// One more recovery share.
    Share(Secret<String>),
    /// Forget the shares that were given.
    Forget,
    /// Forget all keys and wait to be opened again.
    Seal,
}

impl Order {
    fn verb(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unseal(_) => "unseal",
            Self::Ask => "ask",
            Self::Share(_) => "share",
            Self::Forget => "forget",
            Self::Seal => "seal",
        }
    }

    fn parse(text: Secret<String>) -> Option<Self> {
        let (verb, rest) = text.expose().strip_prefix(GREETING)?.split_once('\n')?;
        let secret = || Secret::new(rest.to_owned());
        match (verb, rest.is_empty()) {
            ("status", true) => Some(Self::Status),
            ("forget", true) => Some(Self::Forget),
            ("seal", true) => Some(Self::Seal),
            ("ask", true) => Some(Self::Ask),
            ("unseal", false) => Some(Self::Unseal(secret())),
            ("share", false) => Some(Self::Share(secret())),
            _ => None,
        }
    }
}

/// Whether the vault is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody can read anything.
    Sealed,
    /// It serves.
    Open,
    /// It ends what is under way and forgets its keys.
    Sealing,
}

/// What is asked for at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// The passphrase of the key file.
    Passphrase,
    /// The PIN of the security module.
    Pin,
    /// Nothing: a service is asked with what lies in its private files.
    Service,
    /// Recovery shares alone: no key file is there.
    Shares,
    /// Nothing is asked: it is open.
    Nothing,
}

/// The answer to an order. Nothing secret is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// How things stand now.
    pub state: State,
    /// What opens it.
    pub opens: Opens,
    /// Recovery shares that are here.
    pub shares_given: usize,
    /// How many are needed; 0 before the first tells.
    pub shares_needed: usize,
    /// Why the order was not followed: a stable code.
    pub refused: Option<String>,
    /// The same in words, with what to do.
    pub why: Option<String>,
}

impl Reply {
    /// How things stand.
    pub fn new(state: State, opens: Opens) -> Self {
        Self { state, opens, shares_given: 0, shares_needed: 0, refused: None, why: None }
    }

    /// The order was not followed.
    #[must_use]
    pub fn refuse(self, code: &str, why: impl Into<String>) -> Self {
        Self { refused: Some(code.into()), why: Some(why.into()), ..self }
    }
}

/// The socket, held by the one server of this data directory.
#[derive(Debug)]
pub struct Desk {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
    _lock: File,
}

/// An order that waits for its answer.
#[derive(Debug)]
pub struct Asked {
    /// What is wanted.
    pub order: Order,
    stream: UnixStream,
}

impl Desk {
    /// Opens the socket; the one a killed server left behind is replaced. Needs the runtime.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let dir = data.join(DIR);
        if !dir.is_dir() {
            DirBuilder::new().mode(0o700).create(&dir).map_err(Error::file(&dir))?;
        }
        let owner = private(&dir)?;
        let lock = dir.join(LOCK);
        let held = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(Error::file(&lock))?;
        held.try_lock().map_err(|_| Error::Served(data.to_owned()))?;
        let path = short(&dir)?;
        unlink(&path)?;
        let listener = UnixListener::bind(&path).map_err(Error::file(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(Error::file(&path))?;
        Ok(Self { listener, path, owner, _lock: held })
    }

    /// The next order of somebody who may give one; what comes from others, or in another form, is cut.
    pub async fn next(&self) -> Asked {
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(e) => {
                    tracing::warn!(error = %e, "an order could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            match stream.peer_cred().map(|peer| peer.uid()) {
                Ok(uid) if uid == self.owner || uid == 0 => {}
                _ => {
                    tracing::warn!("another user of this machine tried to give an order");
                    continue;
                }
            }
            match tokio::time::timeout(PATIENCE, read(stream)).await {
                Ok(Some(asked)) => return asked,
                _ => tracing::warn!("what came over the control socket was no order"),
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Nobody is left to tell; the next server replaces it.
        let _ = unlink(&self.path);
    }
}

impl Asked {
    /// Answers; one who does not wait for the answer misses it.
    pub async fn reply(mut self, reply: &Reply) {
        let Ok(mut line) = serde_json::to_vec(reply) else { return };
        line.push(b'\n');
        let sent = async {
            self.stream.write_all(&line).await?;
            self.stream.shutdown().await
        };
        if !matches!(tokio::time::timeout(PATIENCE, sent).await, Ok(Ok(()))) {
            tracing::debug!("nobody waited for an answer");
        }
    }
}

async fn read(mut stream: UnixStream) -> Option<Asked> {
    let mut text = String::with_capacity(usize::try_from(MAX_ORDER).ok()?);
    let read = (&mut stream).take(MAX_ORDER + 1).read_to_string(&mut text).await;
    let text = Secret::new(text);
    let order = read.ok().filter(|n| *n as u64 <= MAX_ORDER).and_then(|_| Order::parse(text))?;
    Some(Asked { order, stream })
}

/// Gives an order to the server of this data directory; `None` when none is there. Nothing is said to a socket that is not
/// served by the owner of the data.
pub async fn give(data: &Path, order: &Order) -> Result<Option<Reply>, Error> {
    let dir = data.join(DIR);
    if !dir.is_dir() {
        return Ok(None);
    }
    let owner = private(&dir)?;
    let path = short(&dir)?;
    let mut stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(e) => return Err(Error::file(&path)(e)),
    };
    let peer = stream.peer_cred().map_err(Error::file(&path))?;
    if peer.uid() != owner && peer.uid() != 0 {
        return Err(Error::Stranger(path));
    }
    let talk = async {
        stream.write_all(format!("{GREETING}{}\n", order.verb()).as_bytes()).await?;
        if let Order::Unseal(secret) | Order::Share(secret) = order {
            stream.write_all(secret.expose().as_bytes()).await?;
        }
        stream.shutdown().await?;
        let mut line = Vec::new();
        stream.take(MAX_REPLY).read_to_end(&mut line).await?;
        Ok::<_, io::Error>(line)
    };
    match talk.await {
        Ok(line) => Ok(serde_json::from_slice(&line).ok()),
        // It ended meanwhile.
        Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => Ok(None),
        Err(e) => Err(Error::file(&path)(e)),
    }
}

/// The owner of a folder that nobody else may enter.
fn private(dir: &Path) -> Result<u32, Error> {
    let meta = dir.symlink_metadata().map_err(Error::file(dir))?;
    let data = dir.parent().unwrap_or(dir);
    let owner = fs::metadata(data).map_err(Error::file(data))?.uid();
    if meta.is_dir() && meta.mode() & 0o077 == 0 && meta.uid() == owner {
        Ok(owner)
    } else {
        Err(Error::Control(dir.to_owned()))
    }
}

fn short(dir: &Path) -> Result<PathBuf, Error> {
    let path = dir.join(SOCKET);
    if path.as_os_str().len() > MAX_PATH { Err(Error::LongPath(path)) } else { Ok(path) }
}

#[expect(clippy::disallowed_methods, reason = "a socket holds nothing")]
fn unlink(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::file(path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(data: &Path, bytes: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(data.join("control/socket")).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = Vec::new();
        // A cut connection is an answer, too.
        let _ = stream.read_to_end(&mut back).await;
        back
    }

    #[tokio::test]
    async fn an_order_arrives_whole_and_what_is_none_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        assert!(give(data, &Order::Status).await.unwrap().is_none());
        let desk = Desk::open(data).unwrap();
        let mode = |path: &str| data.join(path).symlink_metadata().unwrap().mode() & 0o777;
        assert_eq!((mode("control"), mode("control/socket")), (0o700, 0o600));
        // A second server of the same data is refused, and takes nothing away.
        assert!(matches!(Desk::open(data), Err(Error::Served(_))));
        let server = tokio::spawn(async move {
            let asked = desk.next().await;
            let Order::Unseal(secret) = &asked.order else { panic!("{:?}", asked.order) };
            assert_eq!(secret.expose(), "violet harbour");
            assert!(!format!("{asked:?}").contains("harbour"));
            asked.reply(&Reply::new(State::Sealed, Opens::Pin).refuse("wrong", "no")).await;
        });
        let long = [b"callvault-control 1 unseal\n".as_slice(), &[b'a'; 5000]].concat();
        for none in [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\n\r\n",
            b"callvault-control 1 unseal\n",
            b"callvault-control 1 status\nmore",
            b"callvault-control 1 unseal\n\xff\xff",
            b"callvault-control 2 status\n",
            &long,
        ] {
            assert_eq!(said(data, none).await, b"");
        }
        let reply = give(data, &Order::Unseal(Secret::new("violet harbour".into()))).await.unwrap().unwrap();
        assert_eq!(
            (reply.state, reply.opens, reply.refused.as_deref()),
            (State::Sealed, Opens::Pin, Some("wrong"))
        );
        server.await.unwrap();
        assert!(!data.join("control/socket").exists());
    }

    #[tokio::test]
    async fn a_folder_that_others_may_enter_is_no_way_in() {
        let dir = tempfile::tempdir().unwrap();
        drop(Desk::open(dir.path()).unwrap());
        fs::set_permissions(dir.path().join("control"), Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(Desk::open(dir.path()), Err(Error::Control(_))));
        assert!(matches!(give(dir.path(), &Order::Status).await, Err(Error::Control(_))));
    }
}
