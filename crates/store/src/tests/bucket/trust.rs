//! Whom a vault trusts that keeps its sealed files in a bucket, and what it does with servers that behave badly.

use super::{Bucket, receive, server};
use crate::tests::server::certificate;
use crate::{Error, FileServer, Told, blob, testing::world_with};
use callvault_model::{Id, id::ObjectId};
use callvault_seal::OsEntropy;
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn a_place_says_whom_to_trust() {
    let new = |place: &str, endpoint: &str, ca: Option<&str>| {
        FileServer::new(place, Some(endpoint), "eu-central-1", "/x".into(), ca.map(PathBuf::from))
            .map(drop)
            .map_err(|e| e.to_string())
    };
    for (place, endpoint, ca, why) in [
        ("s3://vaults/a", "http://s3.example", None, "prove who it is"),
        ("s3://vaults/a", "http://10.0.0.5:9000", None, "prove who it is"),
        ("s3://vaults/a", "http://localhost:9000", Some("/etc/ca.pem"), "prove who it is"),
        ("s3://vaults/a", "https://user:secret@s3.example", None, "credentials"),
        ("s3://vaults/a", "https://s3.example/path", None, "a port"),
        ("s3://vaults/a", "https://s3.example/?x=1", None, "a port"),
        ("s3://vaults/a", "ftp://s3.example", None, "https://"),
        ("s3://vaults/a", "s3.example", None, "https://"),
        ("s3://vaults", "https://s3.example", None, "prefix"),
        ("s3://vaults/", "https://s3.example", None, "prefix"),
        ("s3://vaults/../x", "https://s3.example", None, "prefix"),
        ("s3://vaults/a//b", "https://s3.example", None, "prefix"),
        ("s3://Vaults/a", "https://s3.example", None, "bucket"),
        ("s3://a..b/a", "https://s3.example", None, "bucket"),
        ("vaults/a", "https://s3.example", None, "s3://"),
    ] {
        let refused = new(place, endpoint, ca).unwrap_err();
        assert!(refused.contains(why), "{place} {endpoint}: {refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }
    assert!(new("s3://vaults/centre/a", "https://s3.example:9000", Some("/etc/ca.pem")).is_ok());
    assert!(new("s3://vaults/a", "http://127.0.0.1:9000", None).is_ok());
    assert!(new("s3://vaults/a", "http://[::1]:9000/", None).is_ok());
}

#[test]
fn the_policy_of_the_guide_is_enough_and_credentials_are_looked_at() {
    let Some(bucket) = Bucket::start() else { return };
    let guide = include_str!("../../../../../docs/guide/files.md");
    let policy = guide.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy = policy.replace("BUCKET", Bucket::NAME).replace("PREFIX", "centre");
    let dir = tempfile::tempdir().unwrap();
    let at = |prefix: &str, name: &str, id: &str, secret: &str| {
        let file = server::secret(dir.path(), name, id, secret);
        let place = format!("s3://{}/{prefix}", Bucket::NAME);
        FileServer::new(&place, Some(&bucket.endpoint()), "us-east-1", file, None).unwrap()
    };
    // Listing is left out below: this server reckons another signature where a prefix is listed.
    let right = at("centre", "right", "AKIATEST", "amber kettle");
    let w = world_with(None, Some(right.clone()));
    let (id, secret) = bucket.user(&policy);
    at("centre", "right", &id, &secret);
    let w = w.reopen();
    let call = w.call(1);
    let big = receive(&w, &vec![3; 17_000_000], 2).unwrap();
    let mut all = Vec::new();
    w.vault.original(big).unwrap().read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 17_000_000);
    let keeps = w.vault.shred_original(call, "test").unwrap().keeps.unwrap();
    assert_eq!((keeps.versions, keeps.locks, keeps.copies), (Told::No, Told::No, Told::No));
    let stranger: ObjectId = Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
    assert_eq!(w.vault.shelf.len(stranger).unwrap(), None);
    for (files, what) in [
        (at("centre", "wrong", &id, "iron lantern iron lantern iron lantern"), "another secret"),
        (at("centre", "nobody", "AKIANOBODYNOBODY", &secret), "another id"),
    ] {
        fs::write(w.vault.dir().join("files.json"), serde_json::to_vec(&files).unwrap()).unwrap();
        let shelf = blob::Shelf::of(w.vault.dir(), Some(w.vault.id())).unwrap();
        let told = shelf.len(stranger).unwrap_err().to_string();
        assert!(told.contains("refuses these credentials"), "{what}: {told}");
        assert!(!told.contains("lantern") && !told.contains(&secret), "{told}");
        let keeps = shelf.bucket().unwrap().keeps();
        assert_eq!(
            (keeps.versions, keeps.locks, keeps.copies),
            (Told::Unknown, Told::Unknown, Told::Unknown)
        );
    }
    right.write(w.vault.dir()).unwrap();
    let named = fs::read_to_string(w.vault.dir().join("files.json")).unwrap();
    assert!(!named.contains(&secret), "{named}");
    // A file of credentials that others may read is not used.
    let loose = dir.path().join("right");
    fs::set_permissions(&loose, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert!(matches!(blob::Shelf::of(w.vault.dir(), None), Err(Error::Seal(_))));
}

#[test]
fn a_server_that_is_not_there_sends_elsewhere_or_floods_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |port: u16| {
        let file = server::secret(dir.path(), "credentials", "AKIATEST", "amber kettle");
        let endpoint = format!("http://127.0.0.1:{port}");
        let place = FileServer::new("s3://vaults/a", Some(&endpoint), "us-east-1", file, None).unwrap();
        place.write(dir.path()).unwrap();
        blob::Shelf::of(dir.path(), None).unwrap()
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let id: ObjectId = Id::new(&callvault_model::SystemClock, &OsEntropy).unwrap();
    let told = at(port).len(id).unwrap_err().to_string();
    assert!(told.contains("cannot be reached"), "{told}");
    // Somebody's own answer to everything.
    let serve = |answer: &'static [u8], body: u64| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let _ = stream.read(&mut [0u8; 4096]);
                let _ = stream.write_all(answer);
                let _ = std::io::copy(&mut std::io::repeat(b'x').take(body), &mut stream);
            }
        });
        at(port)
    };
    let elsewhere = serve(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        0,
    );
    let told = elsewhere.len(id).unwrap_err().to_string();
    assert!(told.contains("no redirect is followed"), "{told}");
    let flood =
        serve(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", 99_999_999);
    let told = flood.all().unwrap_err().to_string();
    assert!(told.contains("more, or other, than it may"), "{told}");
}

#[test]
fn over_tls_the_server_proves_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, key) = certificate(dir.path(), "server");
    let (stranger, _) = certificate(dir.path(), "stranger");
    let text = |p: &Path| p.to_str().unwrap().to_owned();
    let Some(bucket) = Bucket::start_with(&["-c", &text(&ca), "-k", &text(&key)]) else { return };
    let made = Command::new(server::python())
        .args(["-c", "import ssl,sys,http.client as h\nc=h.HTTPSConnection('127.0.0.1',int(sys.argv[1]),context=ssl._create_unverified_context())\nc.request('PUT','/vaults')\nassert c.getresponse().status==200"])
        .arg(bucket.port().to_string())
        .status()
        .unwrap();
    assert!(made.success(), "a bucket over TLS");
    let at = |ca: Option<&Path>| {
        let endpoint = format!("https://127.0.0.1:{}", bucket.port());
        let ca = ca.map(Path::to_owned);
        FileServer::new("s3://vaults/a", Some(&endpoint), "us-east-1", bucket.credentials(), ca).unwrap()
    };
    for (files, what) in
        [(at(Some(&stranger)), "a stranger's authority"), (at(None), "whom this machine trusts")]
    {
        let told = blob::Bucket::open(files, None).unwrap().list().unwrap_err().to_string();
        assert!(told.contains("its certificate"), "{what}: {told}");
    }
    let w = world_with(None, Some(at(Some(&ca))));
    let call = w.call(1);
    assert!(w.vault.original(call).is_ok());
    assert!(w.vault.shred_original(call, "test").unwrap().blob_removed);
}
