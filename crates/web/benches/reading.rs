//! What a reading costs beside the health page: `cargo bench -p callvault-web [-- SECONDS [WIDTH|KIND...]]`. Both are asked
//! over the same TLS connections by the same client, at several numbers of connections at a time, in eight turns each: a
//! machine that is shared changes from one second to the next, and the median of the turns is told. A reading is answered
//! only after its ledger entry is on the disk, so one connection alone reads as fast as the disk flushes. Widths above 512 need `max_connections` above its default; the bench sets it.
//!
//! Two kinds of readings by sixteen people: *again*, of 32 conversations that were opened lately, while nothing else is
//! written; *busy*, of 250 conversations while twenty commands a second change something, each of which empties what the
//! vault remembers. Memory is wiped when it is freed, as in the program. The client takes its part of the same processors;
//! what both need for one answer is told beside the rates.
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
use callvault_store::{Actor, Vault};
use callvault_web::{Bound, Config};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    alloc::System,
    collections::HashMap,
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
use zeroizing_alloc::ZeroAlloc;

/// As the program has it.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Connections at a time.
const WIDTHS: [usize; 6] = [1, 8, 64, 256, 512, 1024];
/// What is asked for.
const KINDS: [&str; 3] = ["health", "again", "busy"];
/// Who reads, and what.
const READERS: usize = 16;
const CONVERSATIONS: u8 = 250;
const LATELY: usize = 32;
/// Commands a second of a busy centre.
const COMMANDS: u64 = 20;

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

/// Seconds of processor that this process has used: server and client.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

/// How often each kind has its turn.
const TURNS: u32 = 8;

/// What was measured.
#[derive(Clone, Copy)]
struct Rate {
    /// Answers a second.
    rate: f64,
    /// Microseconds of processor for one.
    cost: f64,
}

/// Asks over these connections, each by a reader of its own as far as there are, for one thing after another.
async fn rate(
    clients: &mut Vec<Client>,
    requests: &Arc<Vec<Vec<Vec<u8>>>>,
    time: Duration,
    all: &Arc<AtomicU64>,
) -> Rate {
    let (stop, count, measuring) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for (n, mut client) in clients.drain(..).enumerate() {
        let (stop, count, measuring) = (Arc::clone(&stop), Arc::clone(&count), Arc::clone(&measuring));
        let (requests, all) = (Arc::clone(requests), Arc::clone(all));
        tasks.push(tokio::spawn(async move {
            let mine = &requests[n % requests.len()];
            for request in mine.iter().cycle().skip(n) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                client.ask(request).await;
                all.fetch_add(1, Ordering::Relaxed);
                if measuring.load(Ordering::Relaxed) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            client
        }));
    }
    tokio::time::sleep(time / 8).await;
    measuring.store(true, Ordering::Relaxed);
    let (begun, before) = (Instant::now(), processor());
    tokio::time::sleep(time).await;
    let (n, took) = (count.load(Ordering::Relaxed) as f64, begun.elapsed());
    let used = processor() - before;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        clients.push(task.await.unwrap());
    }
    Rate { rate: n / took.as_secs_f64(), cost: used * 1e6 / n }
}

/// The middle of what the turns gave.
fn median(turns: &[Rate]) -> Rate {
    let middle = |of: fn(&Rate) -> f64| {
        let mut all: Vec<f64> = turns.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0
    };
    Rate { rate: middle(|r| r.rate), cost: middle(|r| r.cost) }
}

/// Writes what a centre writes meanwhile; how many entries came of it.
fn commands(vault: &Vault, stop: &AtomicBool) -> u64 {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        vault.note_export(&Actor::LocalOperator, "bench").unwrap();
        n += 1;
        std::thread::sleep(Duration::from_millis(1_000 / COMMANDS));
    }
    n
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

/// What the command line asks for; all of it where it says nothing.
struct Wanted {
    time: Duration,
    widths: Vec<usize>,
    kinds: Vec<&'static str>,
}

impl Wanted {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let mut numbers = args.iter().filter_map(|a| a.parse().ok());
        let time = Duration::from_secs(numbers.next().unwrap_or(4) as u64);
        let mut widths: Vec<usize> = numbers.collect();
        if widths.is_empty() {
            widths = WIDTHS.to_vec();
        }
        let mut kinds: Vec<_> = KINDS.into_iter().filter(|k| args.iter().any(|a| a == k)).collect();
        if kinds.is_empty() {
            kinds = KINDS.to_vec();
        }
        Self { time, widths, kinds }
    }
}

/// Requests by kind, by reader.
fn requests(w: &world::World) -> HashMap<&'static str, Arc<Vec<Vec<Vec<u8>>>>> {
    let ids: Vec<_> = (1..=CONVERSATIONS).map(|n| w.call(n)).collect();
    let get = |token: &str, path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-callvault={token}\r\n\r\n")
            .into_bytes()
    };
    let (mut health, mut again, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..READERS {
        let token = w.browser(&format!("reader{n}"), &[Role::Qa]).token;
        let read = |id| get(&token, &format!("/api/v1/conversations/{id}?purpose=quality"));
        health.push(vec![get(&token, "/health")]);
        again.push(ids.iter().take(LATELY).map(read).collect());
        busy.push(ids.iter().map(read).collect());
    }
    KINDS.into_iter().zip([health, again, busy].map(Arc::new)).collect()
}

fn main() {
    let wanted = Wanted::read();
    let w = world::world();
    let requests = requests(&w);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let data = w.vault.dir().to_owned();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            max_connections: 2 * wanted.widths.iter().max().unwrap().max(&256),
            ..Config::default()
        };
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
        let mut others = 0;
        for width in wanted.widths {
            println!("{width:>4} connections, one flush of this disk {:.2} ms", flush(&data));
            let mut clients = Vec::new();
            for _ in 0..width {
                clients.push(Client::new(to, &tls).await);
            }
            let mut turns: HashMap<&str, Vec<Rate>> = HashMap::new();
            for _ in 0..TURNS {
                for kind in &wanted.kinds {
                    let over = Arc::new(AtomicBool::new(*kind != "busy"));
                    let (vault, stop) = (Arc::clone(&w.vault), Arc::clone(&over));
                    let writer = std::thread::spawn(move || commands(&vault, &stop));
                    let all = if *kind == "health" { &healthy } else { &read };
                    let r = rate(&mut clients, &requests[kind], wanted.time / TURNS, all).await;
                    over.store(true, Ordering::Relaxed);
                    others += writer.join().unwrap();
                    turns.entry(kind).or_default().push(r);
                }
            }
            let base = turns.get("health").map_or(f64::NAN, |turns| median(turns).rate);
            for kind in &wanted.kinds {
                let Rate { rate, cost } = median(&turns[kind]);
                let ratio = rate / base;
                println!("    {kind:>6}: {rate:>6.0}/s, {cost:>4.0} us of processor, ratio {ratio:.3}");
            }
        }
        let entries = w.vault.ledger_size().unwrap() - before - others;
        let answered = read.load(Ordering::Relaxed);
        assert_eq!(entries, answered, "an entry for each reading");
        println!("{answered} readings, {entries} new entries");
        drop(stop);
        server.await.unwrap();
    });
}
