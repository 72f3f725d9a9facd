//! Where a key lies in a service, as one line without a secret in it:
//!
//! `transit:address=https://bao.example.org:8200;mount=transit;key=callvault?ca-file=/etc/bao/ca.pem&token-file=/run/token`
//!
//! `awskms:region=eu-central-1;key=arn:aws:kms:…?credentials-file=/run/secrets/aws`

use crate::{
    SealError,
    parts::{Parts, encoded},
};
use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Longer than any place.
const MAX: usize = 1536;
const MAX_NAME: usize = 128;
/// Where Debian, and most others, keep the authorities that the web trusts.
const WEB_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A key in a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// OpenBao or HashiCorp Vault.
    Transit(Transit),
    /// AWS Key Management Service.
    AwsKms(AwsKms),
}

/// A key of the transit engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transit {
    /// The server.
    pub address: Address,
    /// Where the engine is mounted.
    pub mount: String,
    /// The name of the key.
    pub key: String,
    /// The namespace of the engine and of who logs in.
    pub namespace: Option<String>,
    /// How to log in.
    pub login: Login,
    /// Who vouches for the server; needed for HTTPS.
    pub ca_file: Option<PathBuf>,
}

/// How to log in to OpenBao or Vault. Each path is of a private file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// With a token, as an agent beside us keeps it.
    Token(PathBuf),
    /// As a role.
    AppRole {
        /// Where the method is mounted, below `auth/`.
        mount: String,
        /// The id of the role.
        role_id: PathBuf,
        /// Its secret id.
        secret_id: PathBuf,
    },
}

/// A key of AWS KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsKms {
    /// The region.
    pub region: String,
    /// The key's id or ARN; no alias, which can be moved to another key.
    pub key: String,
    /// Another address than the region's own, as of a VPC endpoint.
    pub endpoint: Option<Address>,
    /// The private file with the access key.
    pub credentials: PathBuf,
    /// Who vouches for the service, if not the web's authorities.
    pub ca_file: Option<PathBuf>,
}

/// `https://host:port`; plain HTTP only to this machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    https: bool,
    /// Host and, unless it is the usual one, port.
    authority: String,
}

impl Place {
    /// The stable name of the kind of service.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transit(_) => "transit",
            Self::AwsKms(_) => "aws-kms",
        }
    }

    /// Whether a line of a key file is meant to be a place.
    pub(crate) fn begins(line: &str) -> bool {
        line.starts_with(Transit::SCHEME) || line.starts_with(AwsKms::SCHEME)
    }

    /// The private files with what opens it.
    pub fn secret_files(&self) -> Vec<&Path> {
        match self {
            Self::Transit(t) => match &t.login {
                Login::Token(path) => vec![path],
                Login::AppRole { role_id, secret_id, .. } => vec![role_id, secret_id],
            },
            Self::AwsKms(k) => vec![&k.credentials],
        }
    }

    /// The host that is asked.
    pub fn host(&self) -> String {
        match self {
            Self::Transit(t) => t.address.authority.clone(),
            Self::AwsKms(k) => k.address().authority,
        }
    }

    /// What tells the key from all others of the service.
    pub(crate) fn key_of_service(&self) -> String {
        match self {
            Self::Transit(t) => {
                let namespace = t.namespace.as_deref().unwrap_or_default();
                format!("transit\0{namespace}\0{}\0{}", t.mount, t.key)
            }
            Self::AwsKms(k) => format!("aws-kms\0{}\0{}", k.region, k.key),
        }
    }
}

impl Transit {
    const SCHEME: &str = "transit:";

    fn read(rest: &str) -> Result<Self, &'static str> {
        let mut parts = Parts::read(
            rest,
            &["address", "mount", "key", "namespace"],
            &["ca-file", "token-file", "approle", "role-id-file", "secret-id-file"],
            |name| match name {
                "token" | "secret-id" => {
                    "a secret must not stand in it; name a private file with token-file= or secret-id-file="
                }
                _ => {
                    "only address, mount, key and namespace, and behind `?` ca-file, token-file, approle, role-id-file and \
                     secret-id-file are understood"
                }
            },
        )?;
        let address: Address = parts.take("address").ok_or("address= is missing")?.parse()?;
        let ca_file = parts.take("ca-file").map(absolute).transpose()?;
        if address.https && ca_file.is_none() {
            return Err("ca-file=, the authority that vouches for the server, is missing");
        }
        let files = ["token-file", "role-id-file", "secret-id-file"].map(|name| parts.take(name));
        let login = match (files, parts.take("approle")) {
            ([Some(token), None, None], None) => Login::Token(absolute(token)?),
            ([None, Some(role_id), Some(secret_id)], mount) => Login::AppRole {
                mount: mount.map_or_else(|| Ok("approle".to_owned()), path)?,
                role_id: absolute(role_id)?,
                secret_id: absolute(secret_id)?,
            },
            _ => return Err("give either token-file= alone, or role-id-file= with secret-id-file="),
        };
        Ok(Self {
            address,
            mount: parts.take("mount").map_or_else(|| Ok("transit".to_owned()), path)?,
            key: parts
                .take("key")
                .filter(|k| word(k))
                .ok_or("key=, the name of the key, is missing or no name")?,
            namespace: parts.take("namespace").map(path).transpose()?,
            login,
            ca_file,
        })
    }
}

impl AwsKms {
    const SCHEME: &str = "awskms:";

    fn read(rest: &str) -> Result<Self, &'static str> {
        let known = ["region", "key", "endpoint"];
        let mut parts = Parts::read(
            rest,
            &known,
            &["credentials-file", "ca-file"],
            |_| "only region, key and endpoint, and behind `?` credentials-file and ca-file are understood",
        )?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let region = parts.take("region").filter(|r| (3..=32).contains(&r.len()) && r.chars().all(plain));
        let region = region.ok_or("region= is missing or no region")?;
        let key = parts.take("key").ok_or("key=, the id or ARN of the key, is missing")?;
        if !kms_key(&key, &region) {
            return Err(
                "key= is not the id or ARN of a key in this region; an alias is none, for it can be moved to another key",
            );
        }
        Ok(Self {
            region,
            key,
            endpoint: parts.take("endpoint").map(|e| e.parse()).transpose()?,
            credentials: absolute(parts.take("credentials-file").ok_or("credentials-file= is missing")?)?,
            ca_file: parts.take("ca-file").map(absolute).transpose()?,
        })
    }

    /// Where it is asked.
    pub fn address(&self) -> Address {
        let ending = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || Address { https: true, authority: format!("kms.{}.{ending}", self.region) };
        self.endpoint.clone().unwrap_or_else(usual)
    }

    /// Who vouches for it.
    pub fn authorities(&self) -> &Path {
        self.ca_file.as_deref().unwrap_or(Path::new(WEB_ROOTS))
    }

    /// Whether an ARN in an answer is that of this key.
    pub fn is(&self, arn: &str) -> bool {
        arn == self.key || arn.rsplit_once(":key/").is_some_and(|(_, id)| id == self.key)
    }
}

/// `ID` or `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
fn kms_key(key: &str, region: &str) -> bool {
    let id = |id: &str| {
        let body = id.strip_prefix("mrk-").unwrap_or(id);
        matches!(body.len(), 32 | 36)
            && body.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f' | '-'))
    };
    let parts: Vec<&str> = key.split(':').collect();
    match parts.as_slice() {
        [one] => id(one),
        ["arn", partition, "kms", there, account, name] => {
            word(partition)
                && *there == region
                && account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && name.strip_prefix("key/").is_some_and(id)
        }
        _ => false,
    }
}

fn word(text: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(sound) && !text.starts_with('.')
}

/// Names with `/` between them.
fn path(text: String) -> Result<String, &'static str> {
    if text.len() <= MAX_NAME && text.split('/').all(word) {
        Ok(text)
    } else {
        Err("a mount or namespace is made of names with `/` between them")
    }
}

fn absolute(text: String) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text.strip_prefix("file:").unwrap_or(&text));
    if path.is_absolute() { Ok(path) } else { Err("the files in it are absolute paths") }
}

impl Address {
    /// Whether it speaks TLS.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Host and, unless it is the usual one, port: what stands in the header `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let bad = "an address is https://HOST or https://HOST:PORT, without a path";
        let (scheme, rest) = text.split_once("://").ok_or(bad)?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(bad),
        };
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|p| *p > 0).ok_or(bad)?)),
            None => (rest, None),
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let ip = bare.map_or_else(
            || host.parse().ok().filter(IpAddr::is_ipv4),
            |v6| v6.parse().ok().filter(IpAddr::is_ipv6),
        );
        let name = |h: &str| {
            let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
            (1..=253).contains(&h.len()) && h.chars().all(sound) && !h.starts_with(['-', '.'])
        };
        if ip.is_none() && !name(host) {
            return Err(bad);
        }
        if !https && host != "localhost" && !ip.is_some_and(|ip: IpAddr| ip.is_loopback()) {
            return Err("plain http:// is for this machine itself; write https://");
        }
        let usual = if https { 443 } else { 80 };
        Ok(Self {
            https,
            authority: match port.filter(|p| *p != usual) {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }
}

impl FromStr for Place {
    type Err = SealError;

    fn from_str(line: &str) -> Result<Self, SealError> {
        let bad = |why| SealError::ServiceUri { why };
        if line.len() > MAX {
            return Err(bad("it is longer than 1,536 bytes"));
        }
        if let Some(rest) = line.strip_prefix(Transit::SCHEME) {
            return Transit::read(rest).map(Self::Transit).map_err(bad);
        }
        let rest = line.strip_prefix(AwsKms::SCHEME);
        let rest = rest.ok_or(bad("it begins neither with `transit:` nor with `awskms:`"))?;
        AwsKms::read(rest).map(Self::AwsKms).map_err(bad)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = |path: &Path| encoded(&path.to_string_lossy());
        let mut query: Vec<String> = Vec::new();
        let ca = match self {
            Self::Transit(t) => {
                write!(
                    f,
                    "{}address={};mount={};key={}",
                    Transit::SCHEME,
                    encoded(&t.address.to_string()),
                    t.mount,
                    t.key
                )?;
                if let Some(namespace) = &t.namespace {
                    write!(f, ";namespace={namespace}")?;
                }
                match &t.login {
                    Login::Token(path) => query.push(format!("token-file={}", file(path))),
                    Login::AppRole { mount, role_id, secret_id } => query.extend([
                        format!("approle={mount}"),
                        format!("role-id-file={}", file(role_id)),
                        format!("secret-id-file={}", file(secret_id)),
                    ]),
                }
                &t.ca_file
            }
            Self::AwsKms(k) => {
                write!(f, "{}region={};key={}", AwsKms::SCHEME, k.region, encoded(&k.key))?;
                if let Some(endpoint) = &k.endpoint {
                    write!(f, ";endpoint={}", encoded(&endpoint.to_string()))?;
                }
                query.push(format!("credentials-file={}", file(&k.credentials)));
                &k.ca_file
            }
        };
        query.extend(ca.as_deref().map(|path| format!("ca-file={}", file(path))));
        write!(f, "?{}", query.join("&"))
    }
}

#[cfg(test)]
mod tests;
