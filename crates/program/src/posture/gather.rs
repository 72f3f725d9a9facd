//! Reading the facts. Every file that a stranger may have written is read up to a limit.

mod certificate;
mod host;
mod pbx;
mod place;
mod probe;
mod sip;
mod sockets;

use super::{
    Facts, Seen, Settings,
    facts::{Anchor, LedgerState, Opened, PasswordRule, Promises, RulesOfAccess, Scans, ServerCertificate},
};
use crate::Error;
use callvault_ledger::Options;
use callvault_policy::{Act, Role, factor::password, matrix::Verdict};
use callvault_store::{Vault, ledger::verify_data, posture};
use jiff::Timestamp;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
};

pub use place::Web;

/// Sealed files read again at most: a fault in 0.6 % of them is seen with 95 %.
const SAMPLE: u32 = 500;

/// What the caller knows and the data directory does not.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// The key file of this vault, if its place is known.
    pub key_file: Option<&'a Path>,
    /// The server's settings.
    pub server: Settled<'a>,
    /// The opened vault, so that sealed files are opened and not only read.
    pub vault: Option<&'a Vault>,
    /// audit.toml.
    pub settings: &'a Settings,
    /// Speech models by name: `pinned`, `changed` or `absent`.
    pub models: Seen<BTreeMap<String, String>>,
    /// What was imported.
    pub scans: Scans,
    /// Requests and incidents against their dates.
    pub promises: Seen<Promises>,
    /// Now.
    pub now: Timestamp,
}

/// Where the server's settings are.
#[derive(Debug, Clone)]
pub enum Settled<'a> {
    /// Nobody named them.
    Unnamed,
    /// In callvault.toml.
    File(&'a Path),
    /// The server itself asks.
    Running(Server),
}

/// The server's settings as far as the audit asks; other names are the server's own business.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Server {
    /// Its one socket.
    pub listen: SocketAddr,
    /// The address people type.
    pub origin: String,
    /// Its certificate, if not its own.
    pub certificate_file: Option<PathBuf>,
    /// The key of that.
    pub private_key_file: Option<PathBuf>,
    /// Folders it watches.
    pub drop_folders: Vec<PathBuf>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            origin: "https://localhost:8443".into(),
            certificate_file: None,
            private_key_file: None,
            drop_folders: Vec::new(),
        }
    }
}

/// Sealed files, wherever they stand.
fn sealed(data: &Path, files: &[posture::SealedFile]) -> Result<super::facts::Sealed, String> {
    let all = posture::SealedFiles::of(data).map_err(|e| e.to_string())?;
    place::sealed(files, |file| all.bytes(file).map_err(|e| e.to_string()))
}

/// Reads everything.
pub fn gather(input: &Input<'_>) -> Result<Facts, Error> {
    let p = posture::ask(input.data, input.now, SAMPLE)?;
    let server = server(input)?;
    let (listeners, certificate) = match &server {
        None => {
            let none = "no server was set up here (no --config, no certificate of its own)";
            (Seen::Absent(none.into()), Seen::Absent(none.into()))
        }
        Some(server) => {
            (probe::ask(server.listen, host_of(&server.origin)), certificate_of(server, input.data))
        }
    };
    let listen = server.as_ref().map(|s| s.listen.port());
    Ok(Facts {
        at: input.now,
        tree: Seen::from(place::tree(input.data)),
        key: key(input),
        sealed: p.sealed.and_then(|files| sealed(input.data, &files)).into(),
        strays: Seen::from(place::strays(input.data)),
        folders: folders(input, server.as_ref()),
        schema: Seen::Known(p.schema),
        disposal: p.disposal.into(),
        tokens: p.tokens.into(),
        states: p.states.into(),
        rules: p.rules.into(),
        overdue: p.overdue.into(),
        originals: p.originals.into(),
        holds: p.holds.into(),
        accounts: p.accounts.into(),
        sessions: p.sessions.into(),
        api_keys: p.api_keys.into(),
        grants: p.grants.into(),
        census: p.ledger.into(),
        ledger: ledger(input.data),
        anchors: anchors(input),
        listeners,
        certificate,
        open_ports: sockets::open(input.settings, listen),
        pbx: pbx::look(input.settings, &Web::of(input.settings)),
        host: Seen::Known(host::look(input.settings, input.data)),
        models: input.models.clone(),
        scans: Seen::Known(input.scans.clone()),
        training: p.training.into(),
        media: p.media.into(),
        rules_of_access: Seen::Known(rules_of_access()),
        passwords: Seen::Known(PasswordRule { least: password::MIN_CHARS, known: password::known() }),
        opened: opened(input),
        promises: input.promises.clone(),
        canaries: p.canaries.into(),
        tenants: p.tenants.into(),
        evidence: input
            .settings
            .evidence
            .iter()
            .map(|(id, e)| (id.clone(), (e.clone(), e.file.as_ref().is_none_or(|f| f.is_file()))))
            .collect(),
    })
}

/// Sealed files opened with their own keys, where the vault is open.
fn opened(input: &Input<'_>) -> Seen<Opened> {
    let Some(vault) = input.vault else {
        return Seen::Unknown("this run has no key; audit in the console or with --open".into());
    };
    match (vault.try_open(SAMPLE), vault.tenants_that_do_not_open()) {
        (Ok((tried, failed)), Ok(tenants)) => Seen::Known(Opened { tried, failed, tenants }),
        (Err(e), _) | (_, Err(e)) => Seen::Unknown(e.to_string()),
    }
}

/// The policies this program decides by, asked what they never may allow.
fn rules_of_access() -> RulesOfAccess {
    let mut out = RulesOfAccess::default();
    match callvault_policy::fingerprint() {
        Ok(fingerprint) => out.fingerprint = fingerprint,
        Err(e) => out.broken = Some(e.to_string()),
    }
    let content = [Act::ReadMasked, Act::PlayMuted, Act::ReadSubject, Act::RequestReveal, Act::Reveal];
    for cell in callvault_policy::matrix() {
        let never = match cell.role {
            Role::Admin | Role::Auditor => content.contains(&cell.act),
            Role::Service => content.contains(&cell.act) && cell.act != Act::ReadMasked,
            _ => false,
        };
        let without_purpose = content.contains(&cell.act)
            && matches!(&cell.verdict, Verdict::Yes(needs) if !needs.contains(&"purpose"));
        if (never && cell.verdict != Verdict::No) || without_purpose {
            out.leaks.push(format!("{} may {} in a way nobody should", cell.role, cell.act));
        }
    }
    out
}

/// The server's settings; its defaults when it was started without any, nothing when it never was.
fn server(input: &Input<'_>) -> Result<Option<Server>, Error> {
    let path = match &input.server {
        Settled::Running(server) => return Ok(Some(server.clone())),
        Settled::File(path) => *path,
        Settled::Unnamed => {
            let started = input.data.join("tls/certificate.pem").is_file();
            return Ok(started.then(Server::default));
        }
    };
    let text = read_text(path, 1 << 20).map_err(Error::file(path))?;
    let bad = |e: toml::de::Error| Error::Content { path: path.to_owned(), what: e.message().to_owned() };
    toml::from_str(&text).map(Some).map_err(bad)
}

fn host_of(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(rest, |(host, _)| host)
}

fn certificate_of(server: &Server, data: &Path) -> Seen<ServerCertificate> {
    let own = |name: &str| data.join("tls").join(name);
    let path = server.certificate_file.clone().unwrap_or_else(|| own("certificate.pem"));
    let private = server.private_key_file.clone().unwrap_or_else(|| own("key.pem"));
    match certificate::read(&path, host_of(&server.origin)) {
        Ok(mut found) => {
            found.private = place::node(&private).ok();
            Seen::Known(found)
        }
        Err(why) => Seen::Unknown(why),
    }
}

fn key(input: &Input<'_>) -> Seen<super::facts::KeyPlace> {
    match input.key_file {
        None => Seen::Unknown("the place of the key file is not known; name it with --key-file".into()),
        Some(path) => place::key(path, input.data).into(),
    }
}

fn folders(input: &Input<'_>, server: Option<&Server>) -> Seen<Vec<super::facts::Folder>> {
    let web = Web::of(input.settings);
    let named = server.iter().flat_map(|s| s.drop_folders.iter()).chain(&input.settings.source_folders);
    Seen::Known(named.map(|path| place::folder(path, &web)).collect())
}

fn ledger(data: &Path) -> Seen<LedgerState> {
    match verify_data(data, &Options::default()) {
        Ok(Ok(v)) => Seen::Known(LedgerState {
            size: v.size,
            broken: None,
            went_back: v.clock_went_back.map_or(0, |(times, _)| times),
        }),
        Ok(Err(broken)) => {
            Seen::Known(LedgerState { size: 0, broken: Some(broken.to_string()), went_back: 0 })
        }
        Err(e) => Seen::Unknown(e.to_string()),
    }
}

/// Checkpoints kept elsewhere: signed by this ledger, and no other history.
fn anchors(input: &Input<'_>) -> Seen<Vec<Anchor>> {
    Seen::Known(input.settings.anchors.iter().map(|path| anchor(path, input)).collect())
}

fn anchor(path: &Path, input: &Input<'_>) -> Anchor {
    let mut out = Anchor { path: path.display().to_string(), age_days: i64::MAX, ..Anchor::default() };
    let note = match read_text(path, 64 << 10) {
        Ok(note) => note,
        Err(e) => {
            out.problem = Some(e.to_string());
            return out;
        }
    };
    let written = fs::metadata(path).and_then(|m| m.modified()).ok();
    let written = written.and_then(|t| Timestamp::try_from(t).ok());
    out.age_days = written.map_or(i64::MAX, |t| input.now.duration_since(t).as_hours() / 24);
    out.same_file_system = place::same_file_system(path, input.data);
    let options = Options { key: None, anchors: vec![note] };
    match verify_data(input.data, &options) {
        Ok(Ok(_)) => {}
        Ok(Err(broken)) => out.problem = Some(broken.to_string()),
        Err(e) => out.problem = Some(e.to_string()),
    }
    out
}

/// A text file up to `limit` bytes; longer ones are refused.
pub(super) fn read_text(path: &Path, limit: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other("it is larger than such a file may be"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
