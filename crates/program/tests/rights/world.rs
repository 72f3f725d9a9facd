//! People, conversations and what was said in them; every word and value belongs to exactly one of them.

use callvault_law::{Overlay, Packs};
use callvault_model::{
    Channel, Clock, EntityType, Id, Role, SystemClock,
    id::{ConversationId, SubjectId, SubjectRequestId},
};
use callvault_program::request::{self, Decisions, Sink};
use callvault_seal::OsEntropy;
use callvault_speech::decode::Limits;
use callvault_store::{
    Actor, Error, NewConversation, NewParty, NewVault, ProvenText, Recorded, RecordedAudio, RecordedFinding,
    RecordedTurn, SealedBlob, Vault,
    requests::{Arrived, IdentityCheck, NewRequest, RequestKind, RequestLaw},
};
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

pub const BY: Actor = Actor::LocalOperator;
pub const LETTERS: [&str; 8] =
    ["Adelina", "Bertrand", "Clementina", "Dragomir", "Eulalia", "Ferdinand", "Gwendolyn", "Hieronymus"];

/// The machine's clock, moved on by as much as a test wants.
pub struct Moving(AtomicI64);

impl Clock for Moving {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub struct World {
    /// Kept so that the folder stays.
    _dir: tempfile::TempDir,
    pub vault: Vault,
    pub packs: Packs,
    clock: Arc<Moving>,
    made: u8,
}

/// One turn: who says what, with the values that are hidden in it. `{}` in the text stands for the next label.
pub struct Line {
    pub party: usize,
    pub text: String,
    pub values: Vec<(EntityType, String)>,
}

pub fn line(party: usize, text: impl Into<String>, values: &[(EntityType, &str)]) -> Line {
    let values = values.iter().map(|(e, v)| (*e, (*v).to_owned())).collect();
    Line { party, text: text.into(), values }
}

pub fn phone(n: usize) -> String {
    format!("+1 202 555 01{n:02}")
}

/// Nine digits that nobody else has.
pub fn account(n: usize) -> String {
    format!("{}", 700_400_100 + n * 1_371)
}

pub fn name(n: usize) -> String {
    format!(
        "{} Testworth{}",
        LETTERS[n % 8],
        ["one", "two", "three", "four", "five", "six", "seven", "eight"][n % 8]
    )
}

pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let new = NewVault {
        dir: &dir.path().join("data"),
        key_file: &dir.path().join("keys/v.key"),
        protection: callvault_store::Protection::None,
        shares: (2, 3),
        server: None,
        files: None,
    };
    let id = Id::new(&SystemClock, &OsEntropy).unwrap();
    let clock = Arc::new(Moving(AtomicI64::new(0)));
    let shared: Arc<dyn Clock> = clock.clone();
    let vault = Vault::init(&new, id, shared, "local-operator").unwrap().vault;
    World { _dir: dir, vault, packs: Packs::embedded(Overlay::default()).unwrap(), clock, made: 0 }
}

/// A tone of its own on each channel, 8 kHz.
pub fn wav(channels: u16, ms: u32) -> Vec<u8> {
    let (frames, bytes) = (ms * 8, u32::from(channels) * 2);
    let mut out = Vec::new();
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + frames * bytes).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&8_000u32.to_le_bytes());
    out.extend_from_slice(&(8_000 * bytes).to_le_bytes());
    out.extend_from_slice(&u16::try_from(bytes).unwrap().to_le_bytes());
    out.extend_from_slice(b"\x10\0data");
    out.extend_from_slice(&(frames * bytes).to_le_bytes());
    let mut noise = 7u32;
    for _ in 0..frames {
        for _ in 0..channels {
            // Noise without likeness between the channels, so that none is an echo of another.
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let level = i16::try_from((noise >> 18) & 0x1fff).unwrap() - 4_096;
            out.extend_from_slice(&(level | 1).to_le_bytes());
        }
    }
    out
}

impl World {
    /// Time goes on.
    pub fn days_later(&self, days: i64) {
        self.clock.0.fetch_add(days * 86_400, Ordering::SeqCst);
    }

    pub fn seal(&self, bytes: Vec<u8>) -> SealedBlob {
        let fill = move |w: &mut dyn std::io::Write| w.write_all(&bytes).map_err(|_| Error::Corrupt("test"));
        let mut blob = SealedBlob::write(&self.vault.blobs(), self.vault.tenant(), &OsEntropy, fill).unwrap();
        blob.keep();
        blob
    }

    /// A conversation that was recorded; voice has a channel for each party unless `mono`.
    pub fn talk(
        &mut self,
        channel: Channel,
        parties: Vec<NewParty>,
        lines: &[Line],
        mono: bool,
    ) -> ConversationId {
        self.made += 1;
        let voice = channel == Channel::Voice;
        let channels = if mono { 1 } else { u16::try_from(parties.len()).unwrap() };
        let ms = u32::try_from(lines.len()).unwrap() * 1_000 + 1_000;
        let sound = if voice { wav(channels, ms) } else { vec![self.made; 100] };
        let original = self.seal(sound.clone());
        let mut digest = [0u8; 32];
        digest[0] = self.made;
        let new = NewConversation {
            channel,
            started_at: Some("2026-03-01T10:00:00Z".into()),
            duration_ms: if voice { u64::from(ms) } else { 0 },
            parties,
            content_sha256: digest,
            source_name: format!("file-{}.bin", self.made),
            original: &original,
            copies: Vec::new(),
        };
        let id = self.vault.receive(&new).unwrap().unwrap();
        let muted = voice.then(|| self.seal(sound));
        let (mut turns, mut findings) = (Vec::new(), Vec::new());
        for (at, l) in lines.iter().enumerate() {
            let start = at as u64 * 1_000;
            let mut text = l.text.clone();
            for (entity, value) in &l.values {
                text = text.replacen("{}", &format!("[{entity}]"), 1);
                findings.push(RecordedFinding {
                    turn: at,
                    entity: *entity,
                    start_ms: start + 400,
                    end_ms: start + 600,
                    score: 1.0,
                    recognizer: "test".into(),
                    value: u32::try_from(findings.len()).unwrap(),
                    text: Some(value.clone()),
                });
            }
            turns.push(RecordedTurn { party: l.party, start_ms: start, end_ms: start + 900, text });
        }
        let done = Recorded {
            turns,
            findings,
            audio: muted.as_ref().map(|m| RecordedAudio { muted: m }),
            attachments: Vec::new(),
            opt_outs: Vec::new(),
            proof: ProvenText { level: "independent", facts: "{}".into() },
        };
        self.vault.record(id, &done).unwrap();
        id
    }

    pub fn at(&self, address: &str) -> SubjectId {
        self.vault.find_by_contact(&BY, address).unwrap().expect("somebody at this address")
    }

    /// A request of a person whose identity is confirmed.
    pub fn request(&self, kind: RequestKind, subject: SubjectId) -> SubjectRequestId {
        let new = NewRequest {
            kind,
            law: RequestLaw::Eu,
            arrived: Arrived::Email,
            received_on: "2026-01-05".parse().unwrap(),
            address: None,
            subject: Some(subject),
            purposes: if kind == RequestKind::Objection {
                vec!["marketing".into(), "quality".into()]
            } else {
                vec![]
            },
            note: "wrote from the address on file".into(),
        };
        let filed = self.vault.file_request(&BY, &new).unwrap();
        self.vault.check_identity(&BY, filed.id, IdentityCheck::CallBack, true, true).unwrap();
        filed.id
    }

    /// The files of the copy that a request gets.
    pub fn copy(&self, request: SubjectRequestId) -> BTreeMap<String, Vec<u8>> {
        self.try_copy(request).unwrap()
    }

    pub fn try_copy(
        &self,
        request: SubjectRequestId,
    ) -> Result<BTreeMap<String, Vec<u8>>, callvault_program::Error> {
        let export = self.vault.export_for_request(&BY, request).unwrap();
        let decisions = Decisions::of(&self.vault, request).unwrap();
        let mut files = Files::default();
        request::write_copy(&self.vault, &export, &decisions, &Limits::default(), &mut files)?;
        Ok(files.0)
    }

    /// Every sealed file that stands there cannot be read any more.
    pub fn spoil(&self, how: Spoilt) -> Aside {
        let aside = self.vault.dir().with_extension("aside");
        fs::create_dir(&aside).unwrap();
        let mut moved = Vec::new();
        files_below(&self.vault.blobs(), &mut moved);
        for file in &moved {
            let mut bytes = fs::read(file).unwrap();
            fs::rename(file, aside.join(file.file_name().unwrap())).unwrap();
            let middle = bytes.len() / 2;
            match how {
                // Opens, and cannot be read.
                Spoilt::Away => fs::create_dir(file).unwrap(),
                Spoilt::Lost => continue,
                Spoilt::CutOff => bytes.truncate(middle),
                Spoilt::Altered => bytes[middle] ^= 1,
                Spoilt::Head => bytes[0] ^= 1,
            }
            if how != Spoilt::Away {
                fs::write(file, bytes).unwrap();
            }
        }
        Aside { moved, aside }
    }

    pub fn verify(&self) {
        let options = callvault_ledger::Options { key: None, anchors: Vec::new() };
        let found = callvault_store::ledger::verify_data(self.vault.dir(), &options).unwrap();
        assert!(found.is_ok(), "{found:?}");
    }
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    Away,
    Lost,
    CutOff,
    Altered,
    Head,
}

impl Spoilt {
    pub const ALL: [Self; 5] = [Self::Away, Self::Lost, Self::CutOff, Self::Altered, Self::Head];
}

/// Where the files are that were put away.
pub struct Aside {
    moved: Vec<PathBuf>,
    aside: PathBuf,
}

impl Aside {
    pub fn bring_back(self) {
        for file in &self.moved {
            fs::remove_dir(file).unwrap();
            fs::rename(self.aside.join(file.file_name().unwrap()), file).unwrap();
        }
    }
}

pub fn files_below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

pub fn customer(address: Option<String>, name: Option<String>) -> NewParty {
    NewParty { role: Role::Customer, address, name }
}

pub fn agent() -> NewParty {
    NewParty { role: Role::Agent, address: Some("+1 202 555 0199".into()), name: None }
}

#[derive(Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Sink for Files {
    fn put(
        &mut self,
        name: &str,
        bytes: u64,
        content: &mut dyn Read,
    ) -> Result<(), callvault_program::Error> {
        let mut all = Vec::new();
        content.read_to_end(&mut all).unwrap();
        assert_eq!(all.len() as u64, bytes, "{name}");
        self.0.insert(name.to_owned(), all);
        Ok(())
    }
}

/// All text of a copy.
pub fn words(files: &BTreeMap<String, Vec<u8>>) -> String {
    ["copy.json", "index.html"].iter().map(|f| String::from_utf8(files[*f].clone()).unwrap()).collect()
}
