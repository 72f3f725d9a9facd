//! Asks a listener by handshake which versions of TLS and which weak suites it agrees to. Hellos are made by hand and no
//! key is ever agreed: a library would refuse to speak what has to be looked for.

use crate::posture::{Seen, facts::Listener};
use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(3);
const MOST_BYTES: usize = 16 << 10;

/// Versions by their number on the wire.
const VERSIONS: &[(u16, &str)] = &[
    (0x0300, "SSL 3.0"),
    (0x0301, "TLS 1.0"),
    (0x0302, "TLS 1.1"),
    (0x0303, "TLS 1.2"),
    (0x0304, "TLS 1.3"),
];
/// Suites every sound TLS 1.2 server has at least one of, and what old servers had.
const SOUND: &[u16] =
    &[0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0x009c, 0x002f, 0xc013, 0xc009, 0x000a];
const SOUND_13: &[u16] = &[0x1301, 0x1302, 0x1303];
/// Without forward secrecy or without authenticated encryption.
const WEAK: &[(u16, &str)] = &[
    (0x0001, "NULL-MD5"),
    (0x0002, "NULL-SHA"),
    (0x0004, "RC4-MD5"),
    (0x0005, "RC4-SHA"),
    (0x0009, "DES-CBC-SHA"),
    (0x000a, "3DES-CBC-SHA"),
    (0x002f, "RSA-AES128-CBC-SHA"),
    (0x0035, "RSA-AES256-CBC-SHA"),
    (0x003c, "RSA-AES128-CBC-SHA256"),
    (0x003d, "RSA-AES256-CBC-SHA256"),
    (0x009c, "RSA-AES128-GCM"),
    (0x009d, "RSA-AES256-GCM"),
    (0xc009, "ECDHE-ECDSA-AES128-CBC-SHA"),
    (0xc00a, "ECDHE-ECDSA-AES256-CBC-SHA"),
    (0xc011, "ECDHE-RC4-SHA"),
    (0xc012, "ECDHE-3DES-CBC-SHA"),
    (0xc013, "ECDHE-RSA-AES128-CBC-SHA"),
    (0xc014, "ECDHE-RSA-AES256-CBC-SHA"),
];

/// What a listener answered to a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It goes on, with this version and suite.
    Agreed(u16, u16),
    /// It refuses.
    Refused,
    /// It answers in plain HTTP.
    Http,
}

/// Asks the listener at `bound`; a wildcard address is asked on the loopback.
pub fn ask(bound: SocketAddr, host: &str) -> Seen<Vec<Listener>> {
    let reach = match bound.ip() {
        IpAddr::V4(a) if a.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(a) if a.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    let at = SocketAddr::new(reach, bound.port());
    if let Err(e) = TcpStream::connect_timeout(&at, PATIENCE) {
        return Seen::Unknown(format!("nothing answers at {at} ({e}); start the server and audit again"));
    }
    let mut out =
        Listener { address: bound.to_string(), loopback: bound.ip().is_loopback(), ..Listener::default() };
    for (version, name) in VERSIONS {
        match hello(at, host, *version, if *version == 0x0304 { SOUND_13 } else { SOUND }) {
            Answer::Agreed(agreed, _) if agreed == *version => out.versions.push((*name).to_owned()),
            Answer::Http => out.plain = true,
            _ => {}
        }
    }
    if out.versions.is_empty() {
        out.plain |= speaks_http(at);
    }
    out.weak = weak(at, host);
    Seen::Known(vec![out])
}

/// The weak suites it agrees to: what it picks is taken off the offer until it refuses the rest.
fn weak(at: SocketAddr, host: &str) -> Vec<String> {
    let mut offer: Vec<u16> = WEAK.iter().map(|(code, _)| *code).collect();
    let mut out = Vec::new();
    while !offer.is_empty() {
        let Answer::Agreed(_, suite) = hello(at, host, 0x0303, &offer) else { break };
        let before = offer.len();
        offer.retain(|code| *code != suite);
        if offer.len() == before {
            break;
        }
        out.extend(WEAK.iter().find(|(code, _)| *code == suite).map(|(_, name)| (*name).to_owned()));
    }
    out
}

fn hello(at: SocketAddr, host: &str, version: u16, suites: &[u16]) -> Answer {
    exchange(at, &client_hello(host, version, suites)).map_or(Answer::Refused, |bytes| understand(&bytes))
}

fn speaks_http(at: SocketAddr) -> bool {
    exchange(at, b"GET / HTTP/1.0\r\n\r\n").is_some_and(|bytes| bytes.starts_with(b"HTTP/"))
}

/// Sends, and reads the beginning of the answer.
fn exchange(at: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(message).ok()?;
    let (mut out, mut block) = (Vec::new(), [0u8; 2048]);
    while out.len() < MOST_BYTES {
        match stream.read(&mut block) {
            Ok(n) if n > 0 => out.extend_from_slice(block.get(..n).unwrap_or_default()),
            _ => break,
        }
        if out.starts_with(b"HTTP/") || first_record(&out).is_some() {
            break;
        }
    }
    Some(out)
}

/// The first whole record as (type, body).
fn first_record(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let length = usize::from(u16::from_be_bytes([*bytes.get(3)?, *bytes.get(4)?]));
    Some((*bytes.first()?, bytes.get(5..length.checked_add(5)?)?))
}

fn understand(bytes: &[u8]) -> Answer {
    if bytes.starts_with(b"HTTP/") {
        return Answer::Http;
    }
    match first_record(bytes) {
        Some((22, body)) => server_hello(body).map_or(Answer::Refused, |(v, s)| Answer::Agreed(v, s)),
        _ => Answer::Refused,
    }
}

/// Version and suite of a ServerHello; a request to try again names both, too (RFC 8446, 4.1.4).
fn server_hello(body: &[u8]) -> Option<(u16, u16)> {
    let pair = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at.checked_add(1)?)?]));
    if *body.first()? != 2 {
        return None;
    }
    let legacy = pair(4)?;
    let session = usize::from(*body.get(38)?);
    let suite = pair(session.checked_add(39)?)?;
    let mut at = session.checked_add(44)?;
    while let (Some(kind), Some(length)) = (pair(at), pair(at.checked_add(2)?)) {
        if kind == 43 {
            return Some((pair(at.checked_add(4)?)?, suite));
        }
        at = at.checked_add(4)?.checked_add(usize::from(length))?;
    }
    Some((legacy, suite))
}

fn client_hello(host: &str, version: u16, suites: &[u16]) -> Vec<u8> {
    let modern = version == 0x0304;
    let mut body = vec![3, if modern { 3 } else { version.to_be_bytes()[1] }];
    // Nothing secret follows from it: no key is agreed.
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend(sized(&suites.iter().flat_map(|s| s.to_be_bytes()).collect::<Vec<_>>()));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(sized(&content));
    };
    if host.parse::<IpAddr>().is_err() && !host.is_empty() && host.len() < 254 {
        let name: Vec<u8> = [vec![0], sized(host.as_bytes())].concat();
        add(0, sized(&name));
    }
    add(10, sized(&[0, 29, 0, 23, 0, 24]));
    add(11, vec![1, 0]);
    add(13, sized(&[4, 3, 5, 3, 8, 4, 8, 5, 8, 6, 8, 7, 4, 1, 5, 1, 6, 1, 2, 1, 2, 3]));
    if modern {
        add(43, vec![2, 3, 4]);
        // No share of a key: a server that speaks 1.3 asks for one, and that is the answer.
        add(51, vec![0, 0]);
    }
    if version > 0x0300 {
        body.extend(sized(&extensions));
    }
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let mut message = vec![1];
    message.extend(length.iter().skip(1));
    message.extend(body);
    let mut record = vec![22, 3, if version == 0x0300 { 0 } else { 1 }];
    record.extend(sized(&message));
    record
}

/// Content behind its length in two bytes.
fn sized(content: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, thread};

    /// A listener that agrees to these versions and suites, or speaks HTTP when there are none.
    fn scripted(versions: &'static [u8], suites: &'static [u16]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0u8; 4096];
                let n = stream.read(&mut head).unwrap_or(0);
                if n == 0 {
                    continue;
                }
                let _ = stream.write_all(&answer(&head[..n], versions, suites));
            }
        });
        at
    }

    fn answer(hello: &[u8], versions: &[u8], suites: &[u16]) -> Vec<u8> {
        if versions.is_empty() {
            return b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
        }
        let refused = vec![21, 3, 1, 0, 2, 2, 40];
        if hello.first() != Some(&22) {
            return refused;
        }
        let minor = hello[10];
        let count = usize::from(u16::from_be_bytes([hello[44], hello[45]])) / 2;
        let offered: Vec<u16> =
            (0..count).map(|i| u16::from_be_bytes([hello[46 + 2 * i], hello[47 + 2 * i]])).collect();
        let modern = offered.contains(&0x1301);
        let Some(suite) = suites.iter().find(|s| offered.contains(s)) else { return refused };
        if !versions.contains(&if modern { 4 } else { minor }) {
            return refused;
        }
        let mut body = vec![3, if modern { 3 } else { minor }];
        body.extend([7; 32]);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        if modern {
            body.extend(sized(&[0, 43, 0, 2, 3, 4]));
        }
        let mut message = vec![2, 0, 0, body.len() as u8];
        message.extend(body);
        let mut record = vec![22, 3, 3];
        record.extend(sized(&message));
        record
    }

    fn seen(at: SocketAddr) -> Listener {
        let Seen::Known(mut all) = ask(at, "localhost") else { panic!("nothing answers") };
        all.remove(0)
    }

    #[test]
    fn a_sound_listener_agrees_to_new_versions_only() {
        let l = seen(scripted(&[3, 4], &[0x1301, 0xc02f]));
        assert_eq!(
            (l.versions, l.weak, l.plain, l.loopback),
            (vec!["TLS 1.2".into(), "TLS 1.3".into()], vec![], false, true)
        );
    }

    #[test]
    fn a_weak_listener_is_told_by_version_and_suite() {
        let l = seen(scripted(&[0, 1, 2, 3], &[0xc013, 0x000a, 0x0005]));
        assert_eq!(l.versions, ["SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2"]);
        assert_eq!(l.weak, ["ECDHE-RSA-AES128-CBC-SHA", "3DES-CBC-SHA", "RC4-SHA"]);
    }

    #[test]
    fn plain_http_is_known_and_silence_is_no_answer() {
        let l = seen(scripted(&[], &[]));
        assert!(l.plain && l.versions.is_empty());
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(ask(closed, "localhost"), Seen::Unknown(_)));
    }

    #[test]
    fn any_bytes_are_survived() {
        for n in 0..200usize {
            let bytes: Vec<u8> = (0..n).map(|i| (i * 31 + n) as u8).collect();
            let _ = understand(&bytes);
            let mut record = vec![22, 3, 3];
            record.extend(sized(&bytes));
            let _ = understand(&record);
        }
    }
}
