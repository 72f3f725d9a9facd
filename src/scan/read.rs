//! One file, from bytes to counts. The words exist only inside [`read`]; what it returns holds no value.

use super::walk::Entry;
use callvault_detect::{Detector, Utterance};
use callvault_flow::{
    hear::{self, Hearing},
    plan,
    source::{Metadata, chat::Chat, email::Email, read_text},
};
use callvault_model::{Channel, EntityType, Finding, Role, Turn};
use callvault_speech::{
    Error as SpeechError,
    decode::{Limits, Recording, Truncation},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Hears one recording; chosen by the caller, so that tests need no model.
pub type Hear<'a> = dyn Fn(&Path, &mut Recording) -> Result<Hearing, callvault_flow::Error> + 'a;

/// A share of speech in another language from here on means that the recording was not understood.
const OTHER_LANGUAGE: f64 = 0.4;

/// What is known of one file. Numbers only: this is what the state file keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Whether its words were read.
    pub heard: bool,
    /// Values by type; a value said in pieces counts once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<EntityType, u64>,
    /// Length of a recording.
    #[serde(default)]
    pub duration_ms: u64,
    /// Bytes of its text.
    #[serde(default)]
    pub text_bytes: u64,
    /// Bytes of a muted copy (16-bit PCM of the same rate, channels and length).
    #[serde(default)]
    pub muted_bytes: u64,
    /// The speech, or most of it, is not in the language of the engine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_language: bool,
    /// Its end is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_off: bool,
    /// Milliseconds of speech whose words the engine doubts.
    #[serde(default)]
    pub doubtful_ms: u64,
}

impl Counts {
    /// All values.
    pub fn total(&self) -> u64 {
        self.values.values().sum()
    }

    /// Security codes, PINs and track data.
    pub fn security_codes(&self) -> u64 {
        self.values.iter().filter(|(e, _)| e.is_sensitive_authentication_data()).map(|(_, n)| n).sum()
    }

    /// Whether a card number or its authentication data is in it.
    pub fn has_card_data(&self) -> bool {
        self.values.contains_key(&EntityType::CreditCard) || self.security_codes() > 0
    }
}

/// How reading a file ended.
pub enum Outcome {
    /// Counted.
    Counted(Counts),
    /// It cannot be read, for a reason that lies in the file.
    Unreadable(String),
}

/// Reads one file. `Err` only when going on makes no sense: stopped, or the engine itself is broken.
pub fn read(entry: &Entry, detector: &Detector, hear: Option<&Hear<'_>>) -> anyhow::Result<Outcome> {
    let outcome = match entry.channel {
        Channel::Voice => voice(entry, detector, hear),
        Channel::Chat | Channel::Sms | Channel::Email => text(entry, detector),
    };
    match outcome {
        Ok(counts) => Ok(Outcome::Counted(counts)),
        Err(Stop::File(why)) => Ok(Outcome::Unreadable(why)),
        Err(Stop::All(error)) => Err(error),
    }
}

enum Stop {
    File(String),
    All(anyhow::Error),
}

impl From<callvault_flow::Error> for Stop {
    fn from(error: callvault_flow::Error) -> Self {
        match error {
            callvault_flow::Error::Speech(e) => e.into(),
            other => Self::File(other.to_string()),
        }
    }
}

impl From<SpeechError> for Stop {
    fn from(error: SpeechError) -> Self {
        match error {
            SpeechError::Cancelled | SpeechError::Model(_) | SpeechError::Engine(_) => Self::All(
                anyhow::Error::new(error).context("the scan stopped; what was heard so far is kept"),
            ),
            SpeechError::Io(e) => Self::File(super::walk::plain(&e)),
            other => Self::File(other.to_string()),
        }
    }
}

/// A recording, with its missing end accepted: what is there is there to be found.
fn open(entry: &Entry) -> Result<(Recording, bool), Stop> {
    let attempt = |truncation| {
        let file = entry.open().map_err(|e| Stop::File(super::walk::plain(&e)))?;
        let limits = Limits { truncation, ..Limits::default() };
        // Only the ending helps to recognise the format; the name could come back in an error.
        let hint = entry.path.extension().and_then(|e| e.to_str()).map(|e| format!("x.{e}"));
        Ok::<_, Stop>(Recording::open(Box::new(file), hint.as_deref(), &limits))
    };
    match attempt(Truncation::Refuse)? {
        Ok(recording) => Ok((recording, false)),
        Err(SpeechError::Truncated { .. }) => Ok((attempt(Truncation::Accept)??, true)),
        Err(e) => Err(e.into()),
    }
}

fn voice(entry: &Entry, detector: &Detector, hear: Option<&Hear<'_>>) -> Result<Counts, Stop> {
    let (mut recording, cut_off) = open(entry)?;
    let info = recording.info().clone();
    let channels = usize::from(info.channels);
    let mut counts = Counts {
        duration_ms: info.duration_ms(),
        muted_bytes: info
            .frames
            .saturating_mul(u64::from(info.channels))
            .saturating_mul(2)
            .saturating_add(44),
        cut_off,
        ..Counts::default()
    };
    let Some(hear) = hear else { return Ok(counts) };
    let hearing = hear(&entry.path, &mut recording)?;
    let findings = detect(detector, &hearing.turns, &roles(entry, channels));
    counts.heard = true;
    counts.values = by_type(&findings);
    counts.text_bytes = text_bytes(&hearing.turns);
    counts.other_language = hearing.heard.iter().any(|h| {
        !h.segments.is_empty() && plan::other_language_share(std::slice::from_ref(h)) > OTHER_LANGUAGE
    });
    counts.doubtful_ms = hearing
        .heard
        .iter()
        .flat_map(|h| &h.segments)
        .filter(|s| plan::is_doubtful(s))
        .map(|s| s.span.len_ms())
        .sum();
    Ok(counts)
}

/// From the sidecar where there is one that fits, else by the custom of telephone systems.
fn roles(entry: &Entry, channels: usize) -> Vec<Role> {
    let sidecar = entry.path.with_extension("json");
    let known: Vec<Role> =
        Metadata::read(&sidecar).map(|m| m.parties.iter().map(|p| p.role).collect()).unwrap_or_default();
    if known.len() == channels { known } else { hear::default_roles(channels) }
}

fn text(entry: &Entry, detector: &Detector) -> Result<Counts, Stop> {
    // The name must not come back in an error.
    let bytes = read_text(&entry.path)
        .map_err(|_| Stop::File("it cannot be read, or is larger than 16 MiB".into()))?;
    let (roles, turns) = if entry.channel == Channel::Email {
        let mail = Email::parse(&bytes, "this e-mail")?;
        (mail.parties.iter().map(|p| p.role).collect::<Vec<_>>(), mail.turns)
    } else {
        let chat = Chat::parse(&bytes, "this chat")?;
        (chat.parties.iter().map(|p| p.role).collect(), chat.turns())
    };
    let findings = detect(detector, &turns, &roles);
    let values = by_type(&findings);
    Ok(Counts { heard: true, values, text_bytes: text_bytes(&turns), ..Counts::default() })
}

fn detect(detector: &Detector, turns: &[Turn], roles: &[Role]) -> Vec<Finding> {
    let utterances: Vec<Utterance<'_>> = turns
        .iter()
        .map(|t| Utterance { role: roles.get(t.party).copied().unwrap_or(Role::Unknown), text: &t.text })
        .collect();
    detector.detect(&utterances)
}

fn by_type(findings: &[Finding]) -> BTreeMap<EntityType, u64> {
    let distinct: BTreeSet<(EntityType, u32)> = findings.iter().map(|f| (f.entity, f.value)).collect();
    let mut out = BTreeMap::new();
    for (entity, _) in distinct {
        let n: &mut u64 = out.entry(entity).or_default();
        *n = n.saturating_add(1);
    }
    out
}

fn text_bytes(turns: &[Turn]) -> u64 {
    turns.iter().map(|t| t.text.len() as u64).sum()
}

/// How many sidecars of these recordings name a caller's number or name in clear.
pub fn sidecars_with_callers(entries: &[Entry]) -> u64 {
    let names_somebody = |e: &&Entry| {
        e.channel == Channel::Voice
            && Metadata::read(&e.path.with_extension("json"))
                .is_ok_and(|m| m.parties.iter().any(|p| p.address.is_some() || p.name.is_some()))
    };
    entries.iter().filter(names_somebody).count() as u64
}
