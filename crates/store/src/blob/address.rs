//! The bucket that keeps the sealed files of a vault, as a file in the data directory names it.

use crate::{Error, Refused, remote};
use callvault_model::Secret;
use http::Uri;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file that names a bucket.
pub(crate) const NAMED: &str = "files.json";
/// The file that names a bucket which sealed files are on their way to; where it stands, some may be there already.
pub(crate) const GOING: &str = "files-going.json";
/// The file that names a bucket whose objects are to be taken away: the sealed files moved back into the directory.
pub(crate) const LEFT: &str = "files-left.json";
/// Longest file of credentials.
const MAX_CREDENTIALS: u64 = 16 << 10;

/// A place in a bucket of an S3 server. It holds no secret: the credentials stand in a private file of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileServer {
    endpoint: String,
    region: String,
    bucket: String,
    prefix: String,
    credentials_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ca_file: Option<PathBuf>,
}

/// What a request is signed with.
pub(crate) struct Credentials {
    pub id: String,
    pub secret: Secret<String>,
    pub token: Option<Secret<String>>,
}

impl FileServer {
    /// A place by its name, `s3://bucket/prefix`, and the address of its server, `https://host:port`; without one, Amazon's
    /// of that region. Over a network the connection is TLS; the server's certificate must come from an authority in
    /// `ca_file` (PEM), or, where none is named, from one that this machine trusts.
    pub fn new(
        place: &str,
        endpoint: Option<&str>,
        region: &str,
        credentials_file: PathBuf,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let bad = |why: &'static str| Error::from(Refused::invalid("this place of sealed files", why));
        let (bucket, prefix) = place
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(|| bad("write s3://bucket/prefix, with a prefix that this vault has for itself"))?;
        let endpoint = endpoint.map_or_else(|| format!("https://s3.{region}.amazonaws.com"), str::to_owned);
        let server = Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            credentials_file,
            ca_file,
        };
        server.check().map_err(bad)?;
        Ok(server)
    }

    /// Whether it makes sense; `true` where the server is this machine and speaks without TLS.
    pub(crate) fn check(&self) -> Result<bool, &'static str> {
        let uri: Uri = self
            .endpoint
            .parse()
            .map_err(|_| "the endpoint is an address such as https://s3.example:9000")?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if host.is_empty() || uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err("the endpoint is a scheme, a host and a port, such as https://s3.example:9000");
        }
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err("credentials do not belong into an address; put them into a private file");
        }
        let plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") if remote::here(host) && self.ca_file.is_none() => true,
            Some("http") => {
                return Err(
                    "over a network the server must prove who it is: the endpoint begins with https://",
                );
            }
            _ => return Err("the endpoint begins with https://"),
        };
        if self.region.is_empty() || self.region.len() > 40 || !self.region.chars().all(sound) {
            return Err("the region is a name such as eu-central-1");
        }
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !(3..=63).contains(&self.bucket.len())
            || !self.bucket.chars().all(|c| sound(c) || c == '.')
            || !self.bucket.starts_with(ends)
            || !self.bucket.ends_with(ends)
            || self.bucket.contains("..")
        {
            return Err("the name of a bucket has 3 to 63 lower-case letters, digits, dots and hyphens");
        }
        let part = |p: &str| {
            !p.is_empty()
                && !p.starts_with('.')
                && p.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if self.prefix.len() > 200 || !self.prefix.split('/').all(part) {
            return Err(
                "the prefix has letters, digits, `-`, `_` and `.`, parts divided by `/`, 200 at most; a vault has one for itself",
            );
        }
        Ok(plain)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    pub(crate) fn bad(&self, why: impl Into<String>) -> Error {
        Error::Bucket { place: self.to_string(), why: why.into() }
    }

    /// What requests are signed with: the file has the form that other programs for S3 use, too.
    pub(crate) fn credentials(&self) -> Result<Credentials, Error> {
        let text = callvault_seal::read_private_file(&self.credentials_file, MAX_CREDENTIALS)?;
        let value = |wanted: &str| {
            let mut lines = text.expose().lines().filter_map(|line| line.split_once('='));
            let found =
                lines.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim().to_owned());
            found.filter(|v| (1..=4096).contains(&v.len()) && v.bytes().all(|b| b.is_ascii_graphic()))
        };
        match (value("aws_access_key_id"), value("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Ok(Credentials {
                id,
                secret: Secret::new(secret),
                token: value("aws_session_token").map(Secret::new),
            }),
            _ => Err(self.bad(format!(
                "{} does not say `aws_access_key_id = …` and `aws_secret_access_key = …`, a line each",
                self.credentials_file.display()
            ))),
        }
    }

    /// What a file in the data directory names.
    pub(crate) fn named(dir: &Path, name: &str) -> Result<Option<Self>, Error> {
        let path = dir.join(name);
        let server: Option<Self> =
            remote::read(&path).map_err(|why| Error::Bucket { place: path.display().to_string(), why })?;
        if let Some(server) = &server {
            server.check().map_err(|why| server.bad(why))?;
        }
        Ok(server)
    }

    /// Writes the file that names it: from then on the vault's sealed files are there.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), Error> {
        remote::write(dir, NAMED, self)
    }
}

impl std::fmt::Display for FileServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{} at {}", self.bucket, self.prefix, self.endpoint)
    }
}
