//! Peers that answer what no service should. None may open anything, hold us up, or be repeated in an error.

use super::{TOKEN, vault, why};
use crate::{
    Services,
    http::{Http, MAX_ANSWER, Patience},
};
use callvault_seal::{Fault, Key256, KeyService, KeyServices, OsEntropy, service::Address};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Answers every request in the same way, as often as it is asked; counts them.
struct Peer {
    url: String,
    asked: Arc<AtomicUsize>,
}

fn peer(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // Lives as long as the test program.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0u8; 8192];
            let _ = stream.read(&mut request);
            answer(&mut stream);
            let _ = stream.shutdown(Shutdown::Write);
            // Read to the end, so that what was sent is not cut off by a reset.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            while stream.read(&mut request).is_ok_and(|n| n > 0) {}
        }
    });
    Peer { url, asked }
}

fn says(status: &str, headers: &str, body: impl Into<Vec<u8>>) -> Peer {
    let body = body.into();
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    peer(move |stream| {
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    })
}

/// A key in transit at this address, with a token.
fn transit(url: &str) -> (tempfile::TempDir, Box<dyn KeyService>) {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let line = format!("transit:address={url};mount=transit;key=k?token-file={}", token.display());
    let service = Services::default().at(&line.parse().unwrap()).unwrap();
    (dir, service)
}

fn opened(peer: &Peer) -> Fault {
    let (_dir, service) = transit(&peer.url);
    why(service.open(vault(), "vault:v1:AAAA"))
}

#[test]
fn no_answer_but_the_right_one_opens_anything_and_none_is_repeated() {
    let echo = format!(r#"{{"errors":["your token {TOKEN} is not welcome"],"__type":"{TOKEN}"}}"#);
    for (peer, wanted) in [
        (says("200 OK", "", "<html>welcome"), Fault::Answer("it is not the JSON that its API describes")),
        (says("200 OK", "", "{}"), Fault::Answer("it is not the JSON that its API describes")),
        (says("200 OK", "", [0xff, 0xfe]), Fault::Answer("it is not the JSON that its API describes")),
        (says("200 OK", "", "[".repeat(60_000)), Fault::Answer("it is not the JSON that its API describes")),
        // Keys of 16 and of 33 bytes, and what is no base64.
        (
            says("200 OK", "", r#"{"data":{"plaintext":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#),
            Fault::Answer("it holds no key of 256 bits"),
        ),
        (
            says("200 OK", "", r#"{"data":{"plaintext":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#),
            Fault::Answer("it holds no key of 256 bits"),
        ),
        (says("200 OK", "", r#"{"data":{"plaintext":"%%%"}}"#), Fault::Answer("it holds no key of 256 bits")),
        (says("403 Forbidden", "", echo.clone()), Fault::Denied),
        (says("400 Bad Request", "", echo.clone()), Fault::Refused),
        (says("404 Not Found", "", echo.clone()), Fault::UnknownKey),
        (says("503 Service Unavailable", "", echo.clone()), Fault::Sealed),
        (says("418 I'm a teapot", "", echo.clone()), Fault::Failed(418)),
        (peer(|stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9\r\n\r\n"))), Fault::Answer("it is no HTTP")),
    ] {
        assert_eq!(opened(&peer), wanted);
        assert_eq!(peer.asked.load(Ordering::SeqCst), 1, "{wanted}");
    }
    // What may pass is tried again, and not for ever.
    for (peer, wanted) in [
        (says("429 Too Many Requests", "", echo.clone()), Fault::Throttled),
        (says("500 Internal Server Error", "", echo.clone()), Fault::Failed(500)),
        (says("502 Bad Gateway", "", echo), Fault::Failed(502)),
        (peer(|_| {}), Fault::Unreachable("it ended the connection")),
    ] {
        assert_eq!(opened(&peer), wanted);
        assert_eq!(peer.asked.load(Ordering::SeqCst), 3, "{wanted}");
    }
}

#[test]
fn a_redirect_is_not_followed_and_a_token_goes_nowhere_else() {
    let elsewhere = says("200 OK", "", r#"{"data":{"plaintext":"AAAA"}}"#);
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let there = says(status, &format!("location: {}/v1/transit/decrypt/k\r\n", elsewhere.url), "");
        assert_eq!(opened(&there), Fault::Redirect, "{status}");
        let (_dir, service) = transit(&there.url);
        assert_eq!(
            why(service.seal(vault(), &Key256::random(&OsEntropy).unwrap())),
            Fault::Redirect,
            "{status}"
        );
    }
    assert_eq!(elsewhere.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn answers_without_end_are_cut() {
    let long = usize::try_from(MAX_ANSWER).unwrap() + 1;
    assert_eq!(opened(&says("200 OK", "", vec![b' '; long])), Fault::Answer("it is longer than 64 KiB"));
    let endless = peer(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream
            .write_all(b"1000\r\n")
            .and_then(|()| stream.write_all(&[b' '; 0x1000]))
            .and_then(|()| stream.write_all(b"\r\n"))
            .is_ok()
        {}
    });
    assert_eq!(opened(&endless), Fault::Answer("it is longer than 64 KiB"));
    let headers = peer(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x-more: and more and more and more and more\r\n").is_ok() {}
    });
    assert!(matches!(opened(&headers), Fault::Answer(_)));
}

#[test]
fn who_answers_slowly_or_never_is_left() {
    let quick = Patience {
        connect: Duration::from_millis(300),
        one_try: Duration::from_millis(600),
        all: Duration::from_millis(900),
    };
    let drip = peer(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let silent = peer(|_| thread::sleep(Duration::from_secs(5)));
    for peer in [drip, silent] {
        let address: Address = peer.url.parse().unwrap();
        let begun = Instant::now();
        let answer = Http::to(&address, None, quick).unwrap().send("/", &[], Some(b"{}"), |_| false);
        assert_eq!(why(answer), Fault::Unreachable("no answer in time"));
        // Three tries at most, each bounded; a machine under load gets ten times that.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn nobody_there_is_said_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_dir, service) = transit(&url);
    assert_eq!(why(service.open(vault(), "vault:v1:AAAA")), Fault::Unreachable("nobody listens there"));
}

#[test]
fn a_proxy_in_the_environment_is_not_asked() {
    // The environment of this process is that of all its tests: the settings of the client are looked at instead.
    let address: Address = "https://bao.example.org".parse().unwrap();
    let http = Http::to(&address, None, Patience::USUAL).unwrap();
    assert!(http.asks_nobody_else());
}
