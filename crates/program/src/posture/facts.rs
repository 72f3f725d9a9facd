//! Everything the checks judge. Plain data, so that a test can make any situation and a report can keep it.

use callvault_store::{
    Disposal,
    posture::{
        Account, ApiKey, Canaries, Grant, Hold, Ids, LedgerCensus, Media, Originals, Rule, SessionRow,
        Tenant, Training,
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Verdict, settings::Evidence};

/// A fact, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// As it is.
    Known(T),
    /// There is no such thing here.
    Absent(String),
    /// It could not be read.
    Unknown(String),
}

impl<T> Seen<T> {
    /// The fact, or the verdict that its absence leads to.
    pub fn get(&self) -> Result<&T, Verdict> {
        match self {
            Self::Known(fact) => Ok(fact),
            Self::Absent(why) => Err(Verdict::not_applicable(why.as_str())),
            Self::Unknown(why) => Err(Verdict::unknown(why.as_str())),
        }
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self::Unknown("nobody looked".into())
    }
}

impl<T> From<Result<T, String>> for Seen<T> {
    fn from(part: Result<T, String>) -> Self {
        part.map_or_else(Self::Unknown, Self::Known)
    }
}

/// One file or folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Where.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
}

/// The data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The directory itself.
    pub root: Node,
    /// What group or others may use inside it.
    pub loose: Vec<Node>,
    /// What belongs to another account than the directory.
    pub foreign: Ids,
    /// Files and folders looked at.
    pub looked_at: u64,
}

/// The key file and what lies beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlace {
    /// The key file.
    pub file: Node,
    /// Epoch keys and folders that group or others may use.
    pub loose: Vec<Node>,
    /// Key file and data lie on one file system.
    pub same_file_system: bool,
    /// A passphrase protects it.
    pub passphrase: bool,
    /// Only a security module opens it.
    #[serde(default)]
    pub hsm: bool,
    /// Only a service opens it.
    #[serde(default)]
    pub service: Option<KeyedBy>,
}

/// A service that opens the key file, and what is shown to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedBy {
    /// Its kind.
    pub name: String,
    /// Who is asked.
    pub host: String,
    /// Files with tokens or access keys; what is not there is not among them.
    pub files: Vec<Node>,
    /// One of them lies on the file system of the data.
    pub same_file_system: bool,
}

/// Sealed files that were read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// How many.
    pub looked_at: u64,
    /// Not there.
    pub missing: Ids,
    /// Other bytes than recorded.
    pub changed: Ids,
    /// Bytes of a sound file or a text: not sealed at all.
    pub plain: Ids,
}

/// Files in the data directory that the vault did not make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strays {
    /// How many.
    pub files: u64,
    /// Those with a card number in them.
    pub cards: Ids,
}

/// A folder with conversations in clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Where.
    pub path: String,
    /// Its permission bits; `None` when it is not there.
    pub mode: Option<u32>,
    /// Every folder above lets all accounts through.
    pub reachable: bool,
    /// Files in it that all accounts may read.
    pub readable_files: u64,
    /// Files in it.
    pub files: u64,
    /// It lies where a web server serves from.
    pub web_root: bool,
}

/// What verification of the ledger said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerState {
    /// Entries verified.
    pub size: u64,
    /// The first broken entry and what is wrong.
    pub broken: Option<String>,
    /// How often the time ran backwards.
    pub went_back: u64,
}

/// A checkpoint kept elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Where.
    pub path: String,
    /// Why it cannot be used or contradicts the ledger.
    pub problem: Option<String>,
    /// Days since it was written.
    pub age_days: i64,
    /// It lies on the file system of the data.
    pub same_file_system: bool,
}

/// One socket that was asked what it speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Address and port.
    pub address: String,
    /// Only this machine reaches it.
    pub loopback: bool,
    /// Answers plain HTTP.
    pub plain: bool,
    /// Versions of TLS it agreed to.
    pub versions: Vec<String>,
    /// Weak cipher suites it agreed to.
    pub weak: Vec<String>,
}

/// A server certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCertificate {
    /// Where.
    pub path: String,
    /// callvault made it itself.
    pub self_signed: bool,
    /// Until when, seconds of Unix time.
    pub not_after: i64,
    /// From when, seconds of Unix time.
    pub not_before: i64,
    /// Names it is for.
    pub names: Vec<String>,
    /// The host that people type.
    pub wanted: String,
    /// Such as `RSA 2048` or `EC 256`.
    pub key: String,
    /// The key is large enough.
    pub strong: bool,
    /// Its private key's file.
    pub private: Option<Node>,
}

/// A port that is open to the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenPort {
    /// Number.
    pub port: u16,
    /// Address it is bound to.
    pub address: String,
    /// Why it may be open, from the settings.
    pub allowed: Option<String>,
}

/// The telephone system on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pbx {
    /// `Asterisk`, `FreePBX`, `FreeSWITCH`.
    pub kinds: Vec<String>,
    /// Where it records to.
    pub recordings: Vec<Folder>,
    /// Remote-control sockets that are switched on.
    pub controls: Vec<Control>,
    /// SIP transports.
    pub transports: Vec<Transport>,
    /// Phones and trunks whose sound is not encrypted, of all.
    pub plain_media: (u64, u64),
    /// Files whose secret is one that a maker shipped.
    pub shipped_secrets: Vec<String>,
    /// Secrets that were compared.
    pub secrets: u64,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
}

/// A remote-control socket of a telephone system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Its file.
    pub file: String,
    /// The address it binds.
    pub bind: String,
    /// Only this machine reaches it.
    pub loopback: bool,
}

/// A way SIP comes in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// TLS or WSS.
    pub encrypted: bool,
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Swap devices and whether each is encrypted, if that can be told.
    pub swaps: Vec<(String, Option<bool>)>,
    /// Largest core dump in bytes; `None` is without limit.
    pub core_limit: Option<u64>,
    /// Bits that new files do not get.
    pub umask: Option<u32>,
    /// Who callvault runs as.
    pub uid: Option<u32>,
    /// It can gain no new rights.
    pub no_new_privileges: Option<bool>,
    /// The time service that is at work.
    pub time_service: Option<String>,
    /// Free space on the data volume in percent.
    pub free_percent: Option<u64>,
    /// Whether the data volume is encrypted, if that can be told.
    pub encrypted_volume: Option<bool>,
}

/// What was imported from scanners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scans {
    /// Newest import by tool, days ago.
    pub newest: BTreeMap<String, i64>,
    /// Open critical and high findings past their date.
    pub overdue: Ids,
    /// Open findings in all.
    pub open: u64,
}

/// The policies that this program decides by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesOfAccess {
    /// SHA-256 of schema and policies.
    pub fingerprint: String,
    /// Why they cannot be used.
    pub broken: Option<String>,
    /// What a role may do although it never must.
    pub leaks: Vec<String>,
}

/// Requests of people against their dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Not closed.
    pub open: u64,
    /// Unanswered after their last day.
    pub overdue: Ids,
}

/// Legal clocks of the incidents that are not closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalClocks {
    /// Incidents that are not closed.
    pub incidents: u64,
    /// Clocks that run, or ran.
    pub counted: u64,
    /// Ran out without a notice.
    pub over: Ids,
    /// Less than twelve hours are left, and nobody drafted a notice.
    pub undrafted: Ids,
}

/// What has a date by law.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    /// To people who asked.
    pub requests: Requests,
    /// To whom an incident has to be told.
    pub clocks: LegalClocks,
}

/// What passwords have to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRule {
    /// Shortest that is taken beside a second factor.
    pub least: usize,
    /// Known passwords that are refused.
    pub known: usize,
}

/// Sealed files that were opened with the vault's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// How many.
    pub tried: u64,
    /// Those that do not open.
    pub failed: Ids,
    /// Tenants whose key does not open.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// Everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field's type says what it is; checks.toml says what it is for")]
pub struct Facts {
    pub at: Timestamp,
    pub tree: Seen<Tree>,
    pub key: Seen<KeyPlace>,
    pub sealed: Seen<Sealed>,
    pub strays: Seen<Strays>,
    pub folders: Seen<Vec<Folder>>,
    pub schema: Seen<(i64, i64)>,
    pub disposal: Seen<Option<Disposal>>,
    pub tokens: Seen<BTreeMap<String, u64>>,
    pub states: Seen<BTreeMap<String, (u64, String)>>,
    pub rules: Seen<Vec<Rule>>,
    pub overdue: Seen<BTreeMap<String, Ids>>,
    pub originals: Seen<Originals>,
    pub holds: Seen<Vec<Hold>>,
    pub accounts: Seen<Vec<Account>>,
    pub sessions: Seen<Vec<SessionRow>>,
    pub api_keys: Seen<Vec<ApiKey>>,
    pub grants: Seen<Vec<Grant>>,
    pub census: Seen<LedgerCensus>,
    pub ledger: Seen<LedgerState>,
    pub anchors: Seen<Vec<Anchor>>,
    pub listeners: Seen<Vec<Listener>>,
    pub certificate: Seen<ServerCertificate>,
    pub open_ports: Seen<Vec<OpenPort>>,
    pub pbx: Seen<Pbx>,
    pub host: Seen<Host>,
    pub models: Seen<BTreeMap<String, String>>,
    pub scans: Seen<Scans>,
    pub training: Seen<Training>,
    pub media: Seen<Media>,
    pub rules_of_access: Seen<RulesOfAccess>,
    pub passwords: Seen<PasswordRule>,
    pub opened: Seen<Opened>,
    pub promises: Seen<Promises>,
    pub canaries: Seen<Canaries>,
    pub tenants: Seen<Vec<Tenant>>,
    /// Registered documents, and whether a named file is there.
    pub evidence: BTreeMap<String, (Evidence, bool)>,
}

impl Facts {
    /// Days from an RFC 3339 time until now; unreadable times are taken for very old.
    pub fn days_since(&self, at: &str) -> i64 {
        at.parse::<Timestamp>().map_or(i64::MAX, |t| self.at.duration_since(t).as_hours() / 24)
    }
}
