//! How the server is set: one TOML file, all of it optional.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The server's settings. Unknown names are refused, so that a typing error never weakens anything silently.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port of the one TLS socket.
    pub listen: SocketAddr,
    /// The address people type, without a path: passkeys and forms are bound to it.
    pub origin: String,
    /// PEM certificate chain; without it a self-signed certificate is made on first start.
    pub certificate_file: Option<PathBuf>,
    /// PEM private key of the certificate.
    pub private_key_file: Option<PathBuf>,
    /// Folders that are watched for conversations.
    pub drop_folders: Vec<PathBuf>,
    /// Largest upload in mebibytes.
    pub max_upload_mib: u64,
    /// Most connections at a time; further ones wait.
    pub max_connections: usize,
    /// What is redacted: default, pci, hipaa, gdpr or all.
    pub profile: String,
    /// What this site changes of the detections; docs/guide/incidents.md says what may stand there.
    pub watch_rules: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            origin: "https://localhost:8443".into(),
            certificate_file: None,
            private_key_file: None,
            drop_folders: Vec::new(),
            max_upload_mib: 512,
            max_connections: 512,
            profile: "default".into(),
            watch_rules: None,
        }
    }
}

impl Config {
    /// Reads a file; every problem names the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        Self::parse(&text).map_err(|what| Error::Config { path: path.to_owned(), what })
    }

    /// Parses and checks the text of a configuration.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        config.check()?;
        Ok(config)
    }

    /// What a well-formed configuration may still get wrong.
    pub fn check(&self) -> Result<(), String> {
        let host = self.origin.strip_prefix("https://").ok_or("origin must begin with https://")?;
        if host.is_empty() || host.contains('/') || host.contains(char::is_whitespace) {
            return Err("origin must be https://HOST or https://HOST:PORT, without a path".into());
        }
        if self.certificate_file.is_some() != self.private_key_file.is_some() {
            return Err("certificate_file and private_key_file belong together; give both or neither".into());
        }
        if !(1..=4096).contains(&self.max_upload_mib) {
            return Err("max_upload_mib must be between 1 and 4096".into());
        }
        if !(8..=65_536).contains(&self.max_connections) {
            return Err("max_connections must be between 8 and 65536".into());
        }
        Ok(())
    }

    /// The host of the origin, without a port: what passkeys are bound to.
    pub fn host(&self) -> &str {
        let rest = self.origin.strip_prefix("https://").unwrap_or(&self.origin);
        rest.rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
            .map_or(rest, |(h, _)| h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_needed_and_nothing_unknown_is_taken() {
        let config = Config::parse("").unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.host(), "localhost");
        assert!(Config::parse("listn = \"0.0.0.0:1\"").unwrap_err().contains("listn"));
    }

    #[test]
    fn what_would_weaken_it_is_refused() {
        for (text, why) in [
            ("origin = \"http://calls.example\"", "https://"),
            ("origin = \"https://calls.example/app\"", "without a path"),
            ("certificate_file = \"a.pem\"", "belong together"),
            ("max_upload_mib = 0", "max_upload_mib"),
            ("max_connections = 1", "max_connections"),
        ] {
            assert!(Config::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
