//! Source → Received: the file is sealed as it is read; its plaintext touches no disk of ours.

use crate::{
    Error, hear,
    source::{self, Metadata, Source, chat::Chat, email::Email},
};
use callvault_model::{Channel, Role, id::ConversationId};
use callvault_seal::{OsEntropy, Sha256};
use callvault_speech::decode::{Limits, Recording};
use callvault_store::{ConversationRow, CopyState, NewConversation, NewCopy, NewParty, SealedBlob, Vault};
use std::{fs::File, io::Read};

/// Its original is sealed in the vault.
pub struct Received {
    /// Its id.
    pub conversation: ConversationId,
    /// How it was held.
    pub channel: Channel,
    /// The part each party plays, in order.
    pub roles: Vec<Role>,
    /// A transcript that came with it.
    pub transcript: Option<Vec<u8>>,
}

impl Received {
    /// From the vault's own row, to go on after a stop.
    pub fn load(vault: &Vault, row: &ConversationRow) -> Result<Self, Error> {
        let channel = match row.channel.as_str() {
            "chat" => Channel::Chat,
            "email" => Channel::Email,
            "sms" => Channel::Sms,
            _ => Channel::Voice,
        };
        let roles = vault.roles(row.id)?.iter().map(|r| role(r)).collect();
        Ok(Self { conversation: row.id, channel, roles, transcript: None })
    }
}

fn role(name: &str) -> Role {
    [Role::Agent, Role::Customer, Role::System]
        .into_iter()
        .find(|r| r.as_str() == name)
        .unwrap_or(Role::Unknown)
}

/// Seals a source into the vault; `Err` names the conversation that already holds the same bytes.
pub fn receive(
    vault: &Vault,
    source: &Source,
    limits: &Limits,
) -> Result<Result<Received, ConversationId>, Error> {
    let (original, sha256) = seal_file(vault, source)?;
    let (parties, started_at, duration_ms) = describe(source, &original, limits)?;
    let roles = parties.iter().map(|p| p.role).collect();
    let new = NewConversation {
        channel: source.channel,
        started_at,
        duration_ms,
        parties,
        content_sha256: sha256,
        source_name: source.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        original: &original,
        copies: copies(source),
    };
    match vault.receive(&new)? {
        Ok(conversation) => {
            let mut original = original;
            original.keep();
            let transcript = source.transcript.as_ref().map(|p| source::read_text(p)).transpose()?;
            Ok(Ok(Received { conversation, channel: source.channel, roles, transcript }))
        }
        Err(known) => Ok(Err(known)),
    }
}

/// Streams the file into a sealed blob, and hashes what went in.
fn seal_file(vault: &Vault, source: &Source) -> Result<(SealedBlob, [u8; 32]), Error> {
    let mut file = File::open(&source.path).map_err(Error::file(&source.path))?;
    let mut hash = Sha256::new();
    let blob = SealedBlob::scratch(&vault.blobs(), vault.tenant(), &OsEntropy, |out| {
        let mut block = vec![0u8; 1 << 16];
        loop {
            let n = file.read(&mut block).map_err(Error::file(&source.path))?;
            if n == 0 {
                return Ok::<(), Error>(());
            }
            let read = block.get(..n).unwrap_or_default();
            hash.update(read);
            out.write_all(read).map_err(Error::file(vault.blobs()))?;
        }
    })?;
    Ok((blob, hash.finish()))
}

type Described = (Vec<NewParty>, Option<String>, u64);

/// Who took part, when, how long: from the content and its sidecar. What cannot be read is still taken in, to be
/// quarantined with its reason rather than lost.
fn describe(source: &Source, original: &SealedBlob, limits: &Limits) -> Result<Described, Error> {
    let name = source.path.display().to_string();
    let started = source.metadata.started_at.map(|t| t.to_string());
    match source.channel {
        Channel::Voice => {
            let info =
                Recording::open(Box::new(original.reader()?), Some(&name), limits).map(|r| r.info().clone());
            let channels = info.as_ref().map_or(1, |i| usize::from(i.channels));
            let duration = info.as_ref().map_or(0, callvault_speech::Info::duration_ms);
            Ok((voice_parties(&source.metadata, channels), started, duration))
        }
        Channel::Email => {
            let parties = Email::parse(&source::read_text(&source.path)?, &name)
                .map_or_else(|_| vec![nobody()], |e| parties(&e.parties));
            Ok((parties, started, 0))
        }
        Channel::Chat | Channel::Sms => {
            let chat = Chat::parse(&source::read_text(&source.path)?, &name);
            let at = chat.as_ref().ok().and_then(|c| c.started_at).map(|t| t.to_string()).or(started);
            Ok((chat.map_or_else(|_| vec![nobody()], |c| parties(&c.parties)), at, 0))
        }
    }
}

fn nobody() -> NewParty {
    NewParty { role: Role::Unknown, address: None, name: None }
}

fn parties(from: &[source::MetadataParty]) -> Vec<NewParty> {
    from.iter().map(|p| NewParty { role: p.role, address: p.address.clone(), name: p.name.clone() }).collect()
}

/// One party a channel: the sidecar's in order, defaults for the rest.
fn voice_parties(metadata: &Metadata, channels: usize) -> Vec<NewParty> {
    let mut out = if metadata.parties.len() == channels { parties(&metadata.parties) } else { Vec::new() };
    if out.is_empty() {
        out = hear::default_roles(channels)
            .into_iter()
            .map(|role| NewParty { role, address: None, name: None })
            .collect();
        // Mono: the customer's number still leads to the person whose recording this is.
        if let (1, Some(party), Some(known)) =
            (channels, out.first_mut(), metadata.parties.iter().find(|p| p.role == Role::Customer))
        {
            party.address.clone_from(&known.address);
            party.name.clone_from(&known.name);
        }
    }
    out
}

fn copies(source: &Source) -> Vec<NewCopy> {
    vec![
        NewCopy {
            place: "source file",
            detail: std::path::absolute(&source.path)
                .unwrap_or_else(|_| source.path.clone())
                .display()
                .to_string(),
            state: CopyState::Remains,
            dispose: source.dispose,
        },
        NewCopy {
            place: "source system",
            detail: "the telephone system, mail server or chat platform it came from".into(),
            state: CopyState::Unknown,
            dispose: false,
        },
        NewCopy {
            place: "backups",
            detail: "backups of the source made before it was taken in".into(),
            state: CopyState::Unknown,
            dispose: false,
        },
    ]
}

/// Opens a conversation's sealed recording from its first sample.
pub fn reopen(vault: &Vault, id: ConversationId, limits: &Limits) -> Result<Recording, Error> {
    Ok(Recording::open(Box::new(vault.original(id)?), None, limits)?)
}
