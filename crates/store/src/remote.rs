//! What the servers have in common that may keep a part of a vault: a small file in the data directory that names one, whom
//! to trust, and threads that serve sockets.

use callvault_seal::files;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, OpenOptions},
    future::Future,
    io::{ErrorKind, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, OnceLock, mpsc},
};
use tokio::runtime::{Builder, Runtime};

/// Longest file that names a server.
const MAX: u64 = 64 << 10;

/// Whether a host is this machine.
pub(crate) fn here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// TLS to a server whose certificate comes from an authority in this file (PEM), and from no other.
pub(crate) fn tls(ca: &Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|e| e.to_string())? {
        roots.add(certificate.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// What a file says; `None` when there is no such file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    match fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
        Ok(meta) if meta.len() > MAX => return Err("it is too long for what it should say".into()),
        Ok(_) => {}
    }
    let text = fs::read(path).map_err(|e| e.to_string())?;
    Ok(Some(serde_json::from_slice(&text).map_err(|e| e.to_string())?))
}

/// Writes such a file, whole or not at all.
pub(crate) fn write(dir: &Path, name: &str, what: &impl Serialize) -> Result<(), crate::Error> {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    let text = serde_json::to_vec_pretty(what).map_err(|_| crate::Error::Corrupt("a setting"))?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, &path))
        .map_err(crate::Error::file(&path))?;
    Ok(files::sync_parent(&path)?)
}

/// Takes such a file away, if it is there.
pub(crate) fn forget(dir: &Path, name: &str) -> Result<(), crate::Error> {
    let path = dir.join(name);
    if path.symlink_metadata().is_ok() {
        files::unlink(&path, "it names a server and holds no secret")?;
    }
    Ok(())
}

/// Threads that serve sockets, so that whoever asks may, but need not, be inside a runtime of their own.
pub(crate) struct Threads {
    name: &'static str,
    count: usize,
    made: OnceLock<Option<Runtime>>,
}

impl Threads {
    pub(crate) const fn new(name: &'static str, count: usize) -> Self {
        Self { name, count, made: OnceLock::new() }
    }

    /// The runtime; `None` when no thread can be made.
    pub(crate) fn runtime(&self) -> Option<&Runtime> {
        let make = || {
            Builder::new_multi_thread()
                .worker_threads(self.count)
                .thread_name(self.name)
                .enable_all()
                .build()
                .ok()
        };
        self.made.get_or_init(make).as_ref()
    }

    /// Does the work there and waits for it; `None` when there is no thread that could.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = mpsc::channel();
        self.runtime()?.spawn(async move {
            // Nobody listens any more only where the thread that asked is gone.
            let _ = tell.send(work.await);
        });
        told.recv().ok()
    }
}
