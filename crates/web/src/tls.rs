//! The certificate and the TLS settings of the one socket.

use crate::{Config, Error};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the socket needs, and what a person compares in the browser.
pub struct Tls {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
    /// Nobody vouches for the certificate but this fingerprint.
    pub self_signed: bool,
}

/// Loads the given certificate, or the self-signed one, which is made on first start below the data directory.
pub fn load(config: &Config, data: &Path) -> Result<Tls, Error> {
    let self_signed = config.certificate_file.is_none();
    let (certificate, key) = match (&config.certificate_file, &config.private_key_file) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => own(config, data)?,
    };
    let refuse = |path: &Path, what: String| Error::Certificate { path: path.to_owned(), what };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .map_err(|e| refuse(&certificate, e.to_string()))?;
    let first = chain.first().ok_or_else(|| refuse(&certificate, "it holds no certificate".into()))?;
    let fingerprint = fingerprint(first);
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|e| refuse(&key, e.to_string()))?;
    let mut tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| refuse(&certificate, e.to_string()))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(tls), fingerprint, self_signed })
}

/// SHA-256 in the form `AB:CD:…`.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hash = Sha256::digest(certificate.as_ref());
    hash.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":")
}

/// The self-signed certificate and its key, made once; the key is readable by this user alone.
fn own(config: &Config, data: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let dir = data.join("tls");
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    if certificate.is_file() && key.is_file() {
        return Ok((certificate, key));
    }
    fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
    let mut names = vec![config.host().to_owned(), "localhost".into(), config.listen.ip().to_string()];
    names.sort();
    names.dedup();
    let made = rcgen::generate_simple_self_signed(names).map_err(|e| Error::Tls(e.to_string()))?;
    write(&key, 0o600, made.signing_key.serialize_pem().as_bytes())?;
    write(&certificate, 0o644, made.cert.pem().as_bytes())?;
    Ok((certificate, key))
}

fn write(path: &Path, mode: u32, content: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)
        .map_err(Error::file(path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_start_makes_a_certificate_that_the_second_start_uses() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(&Config::default(), dir.path()).unwrap();
        let again = load(&Config::default(), dir.path()).unwrap();
        assert_eq!(first.fingerprint, again.fingerprint);
        assert!(first.self_signed);
        assert_eq!(first.fingerprint.len(), 95);
        let mode = fs::metadata(dir.path().join("tls/key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_certificate_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pem");
        fs::write(&path, "nonsense").unwrap();
        let config = Config {
            certificate_file: Some(path.clone()),
            private_key_file: Some(path),
            ..Config::default()
        };
        assert!(load(&config, dir.path()).err().unwrap().to_string().contains("x.pem"));
    }
}
