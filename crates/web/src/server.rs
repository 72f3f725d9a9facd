//! The accept loop: one TLS socket, bounded in connections and time, stopped gracefully.

use crate::{Config, Error, announced::Announced, owed, tls, unread};
use axum::{Router, extract::ConnectInfo};
use http_body_util::BodyExt;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;

/// A handshake that takes longer is not a browser.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A head that drips in longer is an attack on our patience.
const HEAD: Duration = Duration::from_secs(10);
/// A connection without a request for so long is ended, however well it answers pings: its place is wanted.
const IDLE: Duration = Duration::from_secs(30);
/// How long requests under way may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Connections one address may hold, as a share of all: a single client never takes the house.
const SHARE: usize = 4;

/// A socket that is bound and not yet served.
pub struct Bound {
    listener: TcpListener,
    tls: tls::Tls,
    connections: usize,
}

impl Bound {
    /// Binds the socket and loads the certificate.
    pub async fn new(config: &Config, data: &Path) -> Result<Self, Error> {
        let tls = tls::load(config, data)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| Error::Listen { address: config.listen.to_string(), source })?;
        Ok(Self { listener, tls, connections: config.max_connections })
    }

    /// Where it listens; the port is the system's choice when 0 was asked for.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(|e| Error::Tls(e.to_string()))
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &str {
        &self.tls.fingerprint
    }

    /// Nobody vouches for the certificate but its fingerprint.
    pub fn self_signed(&self) -> bool {
        self.tls.self_signed
    }

    /// Serves until `stop` resolves; then requests under way may end. The socket stays bound: who comes meanwhile waits for
    /// the next call.
    pub async fn serve(&self, router: Router, stop: impl Future<Output = ()>) {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.tls.config));
        let (limit, peers) =
            (Arc::new(Semaphore::new(self.connections)), Peers::new(self.connections / SHARE));
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&limit).acquire_owned() => slot,
                () = &mut stop => break,
            };
            let Ok(slot) = slot else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Out of descriptors, most likely: waiting lets connections end.
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(peer) = peers.enter(from.ip()) else { continue };
            let watcher = graceful.watcher();
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                connection(acceptor, stream, from, router, watcher).await;
                drop((slot, peer));
            });
        }
        if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were still under way after ten seconds and were cut");
        }
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Small answers should not wait for each other.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let stream = Announced(stream);
    let busy = Arc::new(Busy::default());
    let counted = Arc::clone(&busy);
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        let (guard, router) = (counted.begin(), router.clone());
        async move {
            let (request, rest) = unread::watch(request);
            let mut response = owed::answer(router, request).await;
            if let Some(rest) = rest {
                rest.settle(&mut response).await;
            }
            // The request is over when its body was sent or given up.
            Ok::<_, std::convert::Infallible>(response.map(|body| {
                body.map_err(move |e| {
                    let _under_way = &guard;
                    e
                })
            }))
        }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 * 1024);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(Duration::from_secs(10));
    let serving = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::select! {
        served = watcher.watch(serving.into_owned()) => {
            if let Err(e) = served {
                tracing::debug!(error = %e, "a connection ended early");
            }
        }
        () = busy.idle() => tracing::debug!("a connection without requests was ended"),
    }
}

/// Requests under way on one connection, and since when there are none.
struct Busy(Mutex<(usize, Instant)>);

impl Default for Busy {
    fn default() -> Self {
        Self(Mutex::new((0, Instant::now())))
    }
}

impl Busy {
    fn state(&self) -> MutexGuard<'_, (usize, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>) -> UnderWay {
        self.state().0 += 1;
        UnderWay(Arc::clone(self))
    }

    /// Resolves when there was no request for [`IDLE`].
    async fn idle(&self) {
        loop {
            let rest = match *self.state() {
                (0, since) => IDLE.saturating_sub(since.elapsed()),
                _ => IDLE,
            };
            if rest.is_zero() {
                return;
            }
            tokio::time::sleep(rest).await;
        }
    }
}

/// One request under way.
struct UnderWay(Arc<Busy>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        *state = (state.0.saturating_sub(1), Instant::now());
    }
}

/// Counts connections by address.
#[derive(Clone)]
struct Peers {
    most: usize,
    held: Arc<Mutex<std::collections::HashMap<IpAddr, usize>>>,
}

impl Peers {
    fn new(most: usize) -> Self {
        Self { most: most.max(2), held: Arc::default() }
    }

    fn enter(&self, from: IpAddr) -> Option<Peer> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(from).or_insert(0);
        if *count >= self.most && !from.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Peer { peers: self.clone(), from })
    }
}

/// One connection of an address.
struct Peer {
    peers: Peers,
    from: IpAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut held = self.peers.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.from) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.from);
            }
        }
    }
}
