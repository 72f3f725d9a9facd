//! What a reading costs beside the health page: `cargo bench -p callvault-web [-- SECONDS]`. Both are asked over the
//! same kind of TLS connections by the same client, in turns, at several numbers of connections at a time. A reading is
//! answered only after its ledger entry is on the disk, so one connection alone reads as fast as the disk flushes.
//! Ends with a count: as many new entries as readings that were answered, or the measurement is void.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench is a command of developers"
)]

#[expect(dead_code, reason = "the tests of the server use more of it")]
#[path = "../tests/server/world.rs"]
mod world;

use callvault_policy::Role;
use callvault_web::{Bound, Config};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    fs::File,
    io::Write,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Connections at a time.
const WIDTHS: [usize; 4] = [1, 8, 64, 256];

/// One keep-alive connection of a browser.
struct Client {
    stream: TlsStream<TcpStream>,
    seen: Vec<u8>,
}

impl Client {
    async fn new(to: SocketAddr, tls: &TlsConnector) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Self { stream: tls.connect(name, stream).await.unwrap(), seen: Vec::new() }
    }

    /// Sends one request and reads the whole answer, which must be a 200.
    async fn ask(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.unwrap();
        self.seen.clear();
        let mut chunk = [0u8; 16 * 1024];
        loop {
            let n = self.stream.read(&mut chunk).await.unwrap();
            assert!(n > 0, "the server ended the connection");
            self.seen.extend_from_slice(&chunk[..n]);
            if let Some(whole) = whole(&self.seen)
                && self.seen.len() >= whole
            {
                assert!(self.seen.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.seen));
                return;
            }
        }
    }
}

/// Length of the answer, once its head is there.
fn whole(seen: &[u8]) -> Option<usize> {
    let end = seen.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&seen[..end]).unwrap();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
    let length: usize = length.unwrap_or_else(|| panic!("an answer without a length")).parse().unwrap();
    Some(end + length)
}

fn connector(data: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data.join("tls/certificate.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Answers a second over `width` connections.
async fn rate(
    to: SocketAddr,
    tls: &TlsConnector,
    request: &Arc<Vec<u8>>,
    width: usize,
    time: Duration,
    all: &Arc<AtomicU64>,
) -> f64 {
    let (stop, count, measuring) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for _ in 0..width {
        let mut client = Client::new(to, tls).await;
        let (stop, count, measuring) = (Arc::clone(&stop), Arc::clone(&count), Arc::clone(&measuring));
        let (request, all) = (Arc::clone(request), Arc::clone(all));
        tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client.ask(&request).await;
                all.fetch_add(1, Ordering::Relaxed);
                if measuring.load(Ordering::Relaxed) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
    }
    tokio::time::sleep(time / 8).await;
    measuring.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    tokio::time::sleep(time).await;
    let (n, took) = (count.load(Ordering::Relaxed), begun.elapsed());
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    n as f64 / took.as_secs_f64()
}

/// How long this disk takes to keep 4 KiB, in milliseconds.
fn flush(dir: &Path) -> f64 {
    let mut file = File::create(dir.join("flush")).unwrap();
    let begun = Instant::now();
    for _ in 0..100 {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    begun.elapsed().as_secs_f64() * 10.0
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(4);
    let time = Duration::from_secs(seconds);
    let w = world::world();
    let id = w.call(1);
    let reader = w.browser("reader", &[Role::Qa]);
    let cookie = format!("Host: localhost\r\nCookie: __Host-callvault={}\r\n\r\n", reader.token);
    let health = Arc::new(format!("GET /health HTTP/1.1\r\n{cookie}").into_bytes());
    let reading = format!("GET /api/v1/conversations/{id}?purpose=quality HTTP/1.1\r\n{cookie}");
    let reading = Arc::new(reading.into_bytes());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let data = w.vault.dir().to_owned();
        println!("one flush of this disk: {:.2} ms", flush(&data));
        let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
        let bound = Bound::new(&config, &data).await.unwrap();
        let (to, tls) = (bound.address().unwrap(), connector(&data));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = w.router.clone();
        let server = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            bound.serve(router, stopped).await;
        });
        let (read, healthy) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let before = w.vault.ledger_size().unwrap();
        for width in WIDTHS {
            let h = rate(to, &tls, &health, width, time, &healthy).await;
            let r = rate(to, &tls, &reading, width, time, &read).await;
            println!(
                "{width:>3} connections: health {h:.0}/s, reading with its entry {r:.0}/s, ratio {:.3}",
                r / h
            );
        }
        let entries = w.vault.ledger_size().unwrap() - before;
        let answered = read.load(Ordering::Relaxed);
        assert_eq!(entries, answered, "an entry for each reading");
        println!("{answered} readings, {entries} new entries");
        drop(stop);
        server.await.unwrap();
    });
}
