//! One request and its answer. HTTPS, or this machine itself; no redirect, no proxy, bounds on time, size and tries.

use base64::{Engine, engine::general_purpose::STANDARD};
use callvault_model::Secret;
use callvault_seal::{Fault, Key256, service::Address};
use serde::de::DeserializeOwned;
use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use ureq::{
    Agent, Error,
    http::{HeaderValue, Request, header::HeaderName},
    tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
};
use zeroize::Zeroizing;

/// The largest answer that is read.
pub const MAX_ANSWER: u64 = 64 << 10;
const MAX_HEADERS: usize = 16 << 10;
/// All authorities that the web trusts have 220 KB.
const MAX_AUTHORITIES: u64 = 1 << 20;
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub connect: Duration,
    /// One try, from the first byte to the last.
    pub one_try: Duration,
    /// No further try begins after this.
    pub all: Duration,
}

impl Patience {
    pub const USUAL: Self = Self {
        connect: Duration::from_secs(5),
        one_try: Duration::from_secs(10),
        all: Duration::from_secs(15),
    };
}

/// A header and its value, which may be a secret.
pub type Header<'a> = (&'static str, &'a str);

/// What a service said.
pub struct Answer {
    pub status: u16,
    pub body: Secret<Vec<u8>>,
}

/// A service that can be asked.
pub struct Http {
    agent: Agent,
    base: String,
    patience: Patience,
}

impl Http {
    /// Reads who vouches for the service; says nothing to it yet.
    pub fn to(address: &Address, authorities: Option<&Path>, patience: Patience) -> Result<Self, Fault> {
        let roots = match authorities.filter(|_| address.https()) {
            Some(path) => authorities_in(path)?,
            None => RootCerts::new_with_certs(&[]),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(address.https())
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(patience.connect))
            .timeout_global(Some(patience.one_try))
            .max_response_header_size(MAX_HEADERS)
            .max_idle_connections(1)
            .user_agent("callvault")
            .build();
        Ok(Self { agent: agent.new_agent(), base: address.to_string(), patience })
    }

    #[cfg(test)]
    pub fn asks_nobody_else(&self) -> bool {
        let config = self.agent.config();
        config.proxy().is_none() && config.https_only() && config.max_redirects() == 0
    }

    /// Sends a request, a few times where it does not arrive or `again` says of the answer that another try may help. What is
    /// asked here changes nothing in a service, so that a second time does no harm.
    pub fn send(
        &self,
        path: &str,
        headers: &[Header<'_>],
        body: Option<&[u8]>,
        again: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let mut tried = 1;
        loop {
            let answer = self.once(path, headers, body);
            let helps = match &answer {
                Ok(answer) => answer.status >= 500 && answer.status != 503 || again(answer),
                Err(fault) => matches!(fault, Fault::Unreachable(_)),
            };
            if !helps || tried >= TRIES || begun.elapsed() > self.patience.all {
                return answer;
            }
            thread::sleep(PAUSE.saturating_mul(tried));
            tried += 1;
        }
    }

    fn once(&self, path: &str, headers: &[Header<'_>], body: Option<&[u8]>) -> Result<Answer, Fault> {
        let ours = |_| Fault::Answer("the request could not be made of what the key file and its files say");
        let mut request = Request::builder()
            .method(if body.is_some() { "POST" } else { "GET" })
            .uri(format!("{}{path}", self.base))
            .body(body.unwrap_or_default())
            .map_err(|_| ours(()))?;
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| ours(()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let mut answer = match body {
            Some(_) => self.agent.run(request),
            None => self.agent.run(request.map(|_| ())),
        }
        .map_err(fault)?;
        let status = answer.status().as_u16();
        if (300..400).contains(&status) {
            return Err(Fault::Redirect);
        }
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(fault)?;
        Ok(Answer { status, body: Secret::new(body) })
    }
}

/// What goes wrong on the way; the words of a peer are not repeated.
fn fault(e: Error) -> Fault {
    match e {
        Error::Timeout(_) => Fault::Unreachable("no answer in time"),
        Error::HostNotFound => Fault::Unreachable("its name is not known"),
        Error::Rustls(_) | Error::Tls(_) | Error::Pem(_) => Fault::Tls,
        Error::Io(e) if e.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => Fault::Tls,
        Error::Io(e) => Fault::Unreachable(match e.kind() {
            ErrorKind::ConnectionRefused => "nobody listens there",
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time",
            ErrorKind::NotFound => "its name is not known",
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                "it ended the connection"
            }
            _ => "the connection failed",
        }),
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => {
            Fault::Answer("it is longer than 64 KiB")
        }
        Error::RedirectFailed | Error::TooManyRedirects => Fault::Redirect,
        Error::ConnectionFailed => Fault::Unreachable("nobody listens there"),
        Error::RequireHttpsOnly(_) | Error::BadUri(_) => Fault::Tls,
        _ => Fault::Answer("it is no HTTP"),
    }
}

/// 32 bytes in base64, and nothing else.
pub fn key_of(text: &str) -> Result<Key256, Fault> {
    let bad = Fault::Answer("it holds no key of 256 bits");
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| bad.clone())?);
    let mut raw = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| bad)?);
    Ok(Key256::from_bytes(&mut raw))
}

pub fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Fault> {
    serde_json::from_slice(answer.body.expose())
        .map_err(|_| Fault::Answer("it is not the JSON that its API describes"))
}

/// The certificates in a file that nobody but its owner may change.
fn authorities_in(path: &Path) -> Result<RootCerts, Fault> {
    let bad = |why: &str| Fault::File { path: path.to_owned(), why: why.to_owned() };
    let io = |e: std::io::Error| bad(&e.to_string());
    let file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() || meta.mode() & 0o022 != 0 {
        return Err(bad(
            "it is no plain file, or others may change who vouches for the service; run `chmod go-w` on it",
        ));
    }
    let mut text = Vec::new();
    let n = file.take(MAX_AUTHORITIES + 1).read_to_end(&mut text).map_err(io)?;
    if n as u64 > MAX_AUTHORITIES {
        return Err(bad("it is longer than 1 MiB"));
    }
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(bad("it is no file of certificates in PEM")),
        }
    }
    if found.is_empty() { Err(bad("no certificate in PEM stands in it")) } else { Ok(found.into()) }
}
