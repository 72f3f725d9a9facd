//! The driver for a bucket of an S3 server. Every answer has a bound in size and time, none leads elsewhere, and what a
//! server writes in an error is not repeated.

use super::{
    address::FileServer,
    keeps::{Keeps, Told},
    ranges::WINDOW,
};
use crate::{
    Error,
    remote::{self, Threads},
};
use async_trait::async_trait;
use bytes::Bytes;
use callvault_model::id::{ObjectId, VaultId};
use callvault_seal::files;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Limited};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential},
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
    multipart::MultipartStore,
    path::Path as Key,
};
use std::{
    fs::{File, OpenOptions},
    future::Future,
    io::{Read, Write},
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Bytes that are sent at once; a longer file goes in parts of this size.
const PART: u64 = 8 << 20;
/// Bytes of an answer at most: more than a window, and more than a page of a list.
const MAX_ANSWER: usize = 4 << 20;
/// Longest note of an upload in parts.
const MAX_NOTE: u64 = 4 << 10;
/// Under which name the prefix says whose it is; no sealed file has such a name.
const OWNER: &str = "callvault-vault";
/// Ending of the note of an upload in parts, beside the sealed file it sends.
pub(crate) const UPLOADING: &str = "uploading";

static SOCKETS: Threads = Threads::new("files", 2);

/// A place in a bucket.
pub struct Bucket {
    store: Arc<AmazonS3>,
    client: HttpClient,
    credential: Arc<AwsCredential>,
    server: FileServer,
    owner: Option<VaultId>,
    owned: AtomicBool,
}

impl Bucket {
    /// Reads the credentials and makes the client; nothing is asked yet.
    pub(crate) fn open(server: FileServer, owner: Option<VaultId>) -> Result<Self, Error> {
        let plain = server.check().map_err(|why| server.bad(why))?;
        let given = server.credentials()?;
        let client = HttpClient::new(Bounded(client(&server, plain)?));
        let credential = Arc::new(AwsCredential {
            key_id: given.id.clone(),
            secret_key: given.secret.expose().clone(),
            token: given.token.as_ref().map(|t| t.expose().clone()),
        });
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(server.endpoint())
            .with_region(server.region())
            .with_bucket_name(server.bucket())
            .with_access_key_id(given.id)
            .with_secret_access_key(given.secret.expose())
            .with_virtual_hosted_style_request(false)
            .with_disable_bulk_delete(true)
            .with_allow_http(plain)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(2),
                    base: 2.0,
                },
                max_retries: 3,
                retry_timeout: Duration::from_secs(30),
            })
            .with_http_connector(Made(client.clone()));
        if let Some(token) = &given.token {
            builder = builder.with_token(token.expose());
        }
        let store = builder.build().map_err(|e| server.bad(why(&e)))?;
        Ok(Self { store: Arc::new(store), client, credential, server, owner, owned: AtomicBool::new(false) })
    }

    pub(crate) fn server(&self) -> &FileServer {
        &self.server
    }

    /// Asks, and waits for the answer.
    fn ask<T: Send + 'static, F>(&self, what: impl FnOnce(Arc<AmazonS3>) -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, object_store::Error>> + Send + 'static,
    {
        #[cfg(test)]
        if faults::now() {
            return Err(Failed::NoThread);
        }
        SOCKETS.wait(what(Arc::clone(&self.store))).ok_or(Failed::NoThread)?.map_err(Failed::Store)
    }

    fn bad(&self, failed: &Failed) -> Error {
        self.server.bad(match failed {
            Failed::NoThread => "no thread can be made to ask for it".to_owned(),
            Failed::Store(e) => why(e),
        })
    }

    fn key(&self, id: ObjectId) -> Key {
        Key::from(format!("{}/{id}.sealed", self.server.prefix()))
    }

    /// Makes the prefix this vault's, or finds that it is. One that is another's, or holds sealed files and does not say
    /// whose, is refused: what no row of ours knows would be taken away there.
    pub(crate) fn claim(&self, vault: VaultId) -> Result<(), Error> {
        let other = || {
            self.server.bad("sealed files of another vault lie below this prefix; name one that this vault has for itself")
        };
        let said = match self.whose()? {
            Some(said) => said,
            None if !self.list()?.is_empty() => return Err(other()),
            None => {
                let (key, text) = (self.owner_key(), vault.to_string());
                let put = self.ask(|store| async move {
                    store.put_opts(&key, PutPayload::from(text.into_bytes()), PutMode::Create.into()).await
                });
                match put {
                    // Somebody else was quicker, or the first try arrived and its answer did not.
                    Ok(_)
                    | Err(Failed::Store(
                        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. },
                    )) => {}
                    Err(e) => return Err(self.bad(&e)),
                }
                self.whose()?.unwrap_or_default()
            }
        };
        if said == vault.to_string() { Ok(()) } else { Err(other()) }
    }

    fn owner_key(&self) -> Key {
        Key::from(format!("{}/{OWNER}", self.server.prefix()))
    }

    fn whose(&self) -> Result<Option<String>, Error> {
        let key = self.owner_key();
        let found = self.ask(|store| async move {
            let options = GetOptions { range: Some(GetRange::Bounded(0..64)), ..GetOptions::default() };
            store.get_opts(&key, options).await?.bytes().await
        });
        match found {
            Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            Err(Failed::Store(object_store::Error::NotFound { .. })) => Ok(None),
            Err(e) => Err(self.bad(&e)),
        }
    }

    /// Whether it says so still.
    pub(crate) fn is_owned(&self) -> Result<bool, Error> {
        Ok(self.owner.is_some() && self.whose()? == self.owner.map(|id| id.to_string()))
    }

    /// Before the first change: the prefix is this vault's.
    fn ready(&self) -> Result<(), Error> {
        if self.owned.load(Ordering::Acquire) {
            return Ok(());
        }
        if !self.is_owned()? {
            return Err(self.server.bad(
                "this prefix does not say that it is this vault's, so nothing is written or deleted there; name the right one in files.json",
            ));
        }
        self.owned.store(true, Ordering::Release);
        Ok(())
    }

    /// Sends a sealed file, and looks whether it arrived whole.
    pub(crate) fn put(&self, id: ObjectId, path: &Path) -> Result<(), Error> {
        self.ready()?;
        let mut file = File::open(path).map_err(Error::file(path))?;
        let len = file.metadata().map_err(Error::file(path))?.len();
        if len > PART {
            self.put_parts(id, path, &mut file)?;
        } else {
            let (key, bytes) = (self.key(id), block(&mut file, path)?);
            self.ask(|store| async move { store.put(&key, PutPayload::from(bytes)).await })
                .map_err(|e| self.bad(&e))?;
        }
        match self.len(id)? {
            Some(there) if there == len => Ok(()),
            _ => Err(self
                .server
                .bad(format!("the file {id} did not arrive whole; nothing of it was recorded"))),
        }
    }

    /// In parts, each in memory only while it is sent. A note beside the file names the upload, so that what a kill leaves of
    /// it on the server is found and taken away.
    fn put_parts(&self, id: ObjectId, path: &Path, file: &mut File) -> Result<(), Error> {
        let key = self.key(id);
        let to = key.clone();
        let upload =
            self.ask(|store| async move { store.create_multipart(&to).await }).map_err(|e| self.bad(&e))?;
        let note = path.with_extension(UPLOADING);
        write_note(&note, &upload)?;
        let sent = self.send_parts(&key, &upload, path, file);
        if sent.is_err()
            && let Err(e) = self.abort(id, &upload)
        {
            tracing::warn!(error = %e, "parts of a sealed file stay on the server; they are taken away when the vault is opened again");
            return sent;
        }
        files::unlink(&note, "the upload it names is over")?;
        sent
    }

    fn send_parts(&self, key: &Key, upload: &str, path: &Path, file: &mut File) -> Result<(), Error> {
        let mut parts = Vec::new();
        loop {
            let bytes = block(file, path)?;
            if bytes.is_empty() {
                break;
            }
            let (key, upload, n) = (key.clone(), upload.to_owned(), parts.len());
            let part = self
                .ask(|store| async move { store.put_part(&key, &upload, n, PutPayload::from(bytes)).await })
                .map_err(|e| self.bad(&e))?;
            parts.push(part);
        }
        let (key, upload) = (key.clone(), upload.to_owned());
        self.ask(|store| async move { store.complete_multipart(&key, &upload, parts).await })
            .map_err(|e| self.bad(&e))?;
        Ok(())
    }

    fn abort(&self, id: ObjectId, upload: &str) -> Result<(), Error> {
        let (key, upload) = (self.key(id), upload.to_owned());
        match self.ask(|store| async move { store.abort_multipart(&key, &upload).await }) {
            Ok(()) | Err(Failed::Store(object_store::Error::NotFound { .. })) => Ok(()),
            Err(e) => Err(self.bad(&e)),
        }
    }

    /// Takes away what a kill left of an upload in parts, and then the note that names it.
    pub(crate) fn clear_upload(&self, id: ObjectId, note: &Path) -> Result<(), Error> {
        self.ready()?;
        let mut upload = String::new();
        let file = File::open(note).map_err(Error::file(note))?;
        file.take(MAX_NOTE).read_to_string(&mut upload).map_err(Error::file(note))?;
        if !upload.is_empty() {
            self.abort(id, &upload)?;
        }
        Ok(files::unlink(note, "the upload it names is over")?)
    }

    /// Length of a sealed file; `None` when it is not there.
    pub(crate) fn len(&self, id: ObjectId) -> Result<Option<u64>, Error> {
        let key = self.key(id);
        match self.ask(|store| async move { store.head(&key).await }) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Failed::Store(object_store::Error::NotFound { .. })) => Ok(None),
            Err(e) => Err(self.bad(&e)),
        }
    }

    /// Its length and its first bytes.
    pub(super) fn first(&self, id: ObjectId, most: u64) -> Result<(u64, Bytes), Error> {
        let key = self.key(id);
        let (len, bytes) = self
            .ask(|store| async move {
                let options = GetOptions { range: Some(GetRange::Bounded(0..most)), ..GetOptions::default() };
                let got = store.get_opts(&key, options).await?;
                Ok((got.meta.size, got.bytes().await?))
            })
            .map_err(|e| self.of(id, &e))?;
        if bytes.len() as u64 != len.min(most) {
            return Err(self.server.bad(format!("the file {id} came shorter than the server says it is")));
        }
        Ok((len, bytes))
    }

    /// Some of its bytes.
    pub(super) fn range(&self, id: ObjectId, range: Range<u64>) -> Result<Bytes, Error> {
        debug_assert!(range.end.saturating_sub(range.start) <= WINDOW);
        let key = self.key(id);
        self.ask(|store| async move { store.get_range(&key, range).await }).map_err(|e| self.of(id, &e))
    }

    /// What went wrong with one file.
    fn of(&self, id: ObjectId, failed: &Failed) -> Error {
        match failed {
            Failed::Store(object_store::Error::NotFound { .. }) => self.server.bad(format!(
                "the file {id} is not there; if nobody deleted it, this is the wrong bucket or prefix"
            )),
            other => self.bad(other),
        }
    }

    /// Deletes sealed files and looks for them again.
    pub(crate) fn remove(&self, dead: &[ObjectId]) -> Result<(), Error> {
        if dead.is_empty() {
            return Ok(());
        }
        self.ready()?;
        for id in dead {
            let key = self.key(*id);
            match self.ask(|store| async move { store.delete(&key).await }) {
                Ok(()) | Err(Failed::Store(object_store::Error::NotFound { .. })) => {}
                Err(e) => return Err(self.bad(&e)),
            }
            if self.len(*id)?.is_some() {
                return Err(self.server.bad(format!(
                    "the file {id} was deleted and is still there; its key is destroyed. Look whether the bucket locks objects, then run `callvault resume`"
                )));
            }
        }
        // Something in front of the server may say of everything that it is not there.
        if !self.is_owned()? {
            return Err(self.server.bad(
                "it does not know the prefix as this vault's any more, so its word that files are gone counts for nothing; look what answers at this address, then run `callvault resume`",
            ));
        }
        Ok(())
    }

    /// The sealed files below the prefix, with the second in which each was written. What is named otherwise is not ours.
    pub(crate) fn list(&self) -> Result<Vec<(ObjectId, i64)>, Error> {
        let prefix = Key::from(self.server.prefix());
        let ours = prefix.clone();
        self.ask(|store| async move {
            let named = |key: &Key| -> Option<ObjectId> {
                let mut below = key.prefix_match(&ours)?;
                let first = below.next()?;
                let name: &str = first.as_ref();
                let id: ObjectId = name.strip_suffix(".sealed")?.parse().ok()?;
                // Another spelling of an id is another name.
                (below.next().is_none() && format!("{id}.sealed") == name).then_some(id)
            };
            let all = store.list(Some(&prefix)).try_filter_map(|meta| {
                let found = named(&meta.location).map(|id| (id, meta.last_modified.timestamp()));
                std::future::ready(Ok(found))
            });
            all.try_collect().await
        })
        .map_err(|e| self.bad(&e))
    }

    /// Takes away the name under which the prefix is this vault's.
    pub(crate) fn give_up(&self) -> Result<(), Error> {
        self.ready()?;
        let key = self.owner_key();
        self.owned.store(false, Ordering::Release);
        self.ask(|store| async move { store.delete(&key).await }).map_err(|e| self.bad(&e))
    }

    /// Asks what may keep the bytes of a deleted file.
    pub(crate) fn keeps(&self) -> Keeps {
        Keeps {
            place: self.server.to_string(),
            versions: match self.setting("versioning") {
                Some((200, text)) if text.contains("Status") => Told::Yes,
                Some((200, text)) if text.contains("Versioning") => Told::No,
                _ => Told::Unknown,
            },
            locks: match self.setting("object-lock") {
                Some((200, text)) if text.contains("<ObjectLockEnabled>Enabled<") => Told::Yes,
                Some((404, text)) if text.contains("ObjectLockConfigurationNotFound") => Told::No,
                _ => Told::Unknown,
            },
            copies: match self.setting("replication") {
                Some((200, text)) if text.contains("<Rule>") => Told::Yes,
                Some((404, text)) if text.contains("ReplicationConfigurationNotFound") => Told::No,
                _ => Told::Unknown,
            },
        }
    }

    /// One setting of the bucket, as (status, answer).
    fn setting(&self, name: &str) -> Option<(u16, String)> {
        let uri = format!("{}/{}?{name}=", self.server.endpoint(), self.server.bucket());
        let mut request: HttpRequest =
            http::Request::builder().uri(uri).body(HttpRequestBody::empty()).ok()?;
        AwsAuthorizer::new(&self.credential, "s3", self.server.region())
            .try_authorize(&mut request, None)
            .ok()?;
        let client = self.client.clone();
        SOCKETS.wait(async move {
            let (parts, body) = client.execute(request).await.ok()?.into_parts();
            let text = body.collect().await.ok()?.to_bytes();
            Some((parts.status.as_u16(), String::from_utf8_lossy(&text).into_owned()))
        })?
    }
}

/// Up to one part of a file.
fn block(file: &mut File, path: &Path) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    file.take(PART).read_to_end(&mut out).map_err(Error::file(path))?;
    Ok(out)
}

fn write_note(path: &Path, upload: &str) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(upload.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(Error::file(path))?;
    Ok(files::sync_parent(path)?)
}

/// The client for one server: it trusts whom the place names, follows nothing and waits for nobody without end.
fn client(server: &FileServer, plain: bool) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
        .timeout(Duration::from_secs(300));
    builder = match server.ca_file() {
        Some(ca) => {
            let tls = remote::tls(ca).map_err(|why| server.bad(format!("{}: {why}", ca.display())))?;
            builder.tls_backend_preconfigured(tls).https_only(true)
        }
        None if plain => builder.tls_certs_only([]),
        None => builder.https_only(true),
    };
    builder.build().map_err(|_| server.bad("its TLS cannot be set up"))
}

/// What went wrong with a request.
enum Failed {
    NoThread,
    Store(object_store::Error),
}

/// Hands out the client that was made.
#[derive(Debug)]
struct Made(HttpClient);

impl HttpConnector for Made {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// A client whose answers are bounded, and whose refusals are told apart.
#[derive(Debug)]
struct Bounded(reqwest::Client);

/// An answer that no further try makes better.
#[derive(Debug, thiserror::Error)]
#[error("answered with status {0}")]
struct Answer(u16);

#[async_trait]
impl HttpService for Bounded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = self.0.call(request).await?.into_parts();
        let status = parts.status;
        if status.is_redirection() || matches!(status.as_u16(), 401 | 403) {
            return Err(HttpError::new(HttpErrorKind::Unknown, Answer(status.as_u16())));
        }
        let bounded = Limited::new(body, MAX_ANSWER).map_err(|e| {
            e.downcast::<HttpError>().map_or_else(|e| HttpError::new_boxed(HttpErrorKind::Decode, e), |e| *e)
        });
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(bounded)))
    }
}

/// Why a request failed and what to do, in our words: a server's own may hold anything.
fn why(e: &object_store::Error) -> String {
    if let object_store::Error::NotFound { .. } = e {
        return "there is no such bucket; make it, or name the right one".into();
    }
    let first: &(dyn std::error::Error + 'static) = e;
    let causes = || std::iter::successors(Some(first), |cause| cause.source());
    match causes().find_map(|c| c.downcast_ref::<Answer>()) {
        Some(Answer(401 | 403)) => {
            return "the server refuses these credentials or this act; look at the file of credentials, the clock of this machine and the policy in docs/guide/files.md".into();
        }
        Some(_) => {
            return "the server sends us elsewhere, and no redirect is followed; name the endpoint and the region of the bucket itself".into();
        }
        None => {}
    }
    match causes().find_map(|c| c.downcast_ref::<HttpError>()).map(HttpError::kind) {
        None => "the server refused, or failed; look at its log, then run it again",
        Some(HttpErrorKind::Timeout) => "the server did not answer in time; try again when it does",
        Some(HttpErrorKind::Decode) => "the server answered with more, or other, than it may",
        Some(_) => {
            "the server cannot be reached, or its certificate does not come from the authority that was named; look at endpoint, network and certificate, then run it again"
        }
    }
    .into()
}

/// Lets the requests of a thread fail from one of them on, as if the process had been killed before it.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;

    thread_local!(static LEFT: Cell<Option<u32>> = const { Cell::new(None) });

    /// After so many more requests; `None` lets all pass.
    pub(crate) fn after(requests: Option<u32>) {
        LEFT.set(requests);
    }

    pub(super) fn now() -> bool {
        match LEFT.get() {
            None => false,
            Some(0) => true,
            Some(n) => {
                LEFT.set(Some(n - 1));
                false
            }
        }
    }
}
