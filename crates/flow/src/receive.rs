//! Source → Received: the file is sealed as it is read; its plaintext touches no disk of ours.

use crate::{
    Error, hear,
    source::{self, Metadata, Source, chat::Chat, email::Email, sms},
    text,
    tools::Tools,
};
use callvault_model::{Channel, Role, id::ConversationId};
use callvault_seal::{OsEntropy, Sha256};
use callvault_speech::decode::{Limits, Recording};
use callvault_store::{
    ConversationRow, CopyState, NewConversation, NewCopy, NewParty, SealedBlob, Vault, collection::Field,
    uploads,
};
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
    /// A person brought the transcript, after the conversation lay in quarantine.
    pub decided: bool,
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
        let transcript = vault.imported_transcript(row.id)?;
        Ok(Self { conversation: row.id, channel, roles, decided: transcript.is_some(), transcript })
    }
}

fn role(name: &str) -> Role {
    [Role::Agent, Role::Customer, Role::System]
        .into_iter()
        .find(|r| r.as_str() == name)
        .unwrap_or(Role::Unknown)
}

/// What arrives, from wherever it is read.
pub struct Incoming<'a> {
    /// How it was held.
    pub channel: Channel,
    /// The name of the file, as the source told it.
    pub name: &'a str,
    /// What the source knew beside it.
    pub metadata: &'a Metadata,
    /// A transcript that belongs to a recording.
    pub transcript: Option<Vec<u8>>,
    /// Copies elsewhere.
    pub copies: Vec<NewCopy>,
    /// The recording or message itself.
    pub content: &'a mut dyn Read,
}

/// Seals a file into the vault; `Err` names the conversation that already holds the same bytes.
pub fn receive(
    vault: &Vault,
    tools: &Tools<'_>,
    source: &Source,
    limits: &Limits,
) -> Result<Result<Received, ConversationId>, Error> {
    let name = source.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let transcript = source.transcript.as_ref().map(|p| source::read_text(p)).transpose()?;
    let mut thread;
    let mut file;
    let content: &mut dyn Read = if let Some(n) = source.thread {
        let threads = sms::threads(&source::read_text(&source.path)?, &name)?;
        thread = std::io::Cursor::new(threads.into_iter().nth(n).ok_or_else(|| Error::Source {
            what: format!("{} changed while it was read", source.path.display()),
            cure: "wait until it is written to the end",
        })?);
        &mut thread
    } else {
        file = File::open(&source.path).map_err(Error::file(&source.path))?;
        &mut file
    };
    let incoming = Incoming {
        channel: source.channel,
        name: &name,
        metadata: &source.metadata,
        transcript,
        copies: copies(source),
        content,
    };
    receive_from(vault, tools, incoming, limits)
}

/// The same from any reader.
pub fn receive_from(
    vault: &Vault,
    tools: &Tools<'_>,
    incoming: Incoming<'_>,
    limits: &Limits,
) -> Result<Result<Received, ConversationId>, Error> {
    let channel = incoming.channel;
    let (original, sha256) = seal_content(vault, channel, &mut *incoming.content)?;
    let (parties, started_at, duration_ms) = describe(&incoming, &original, limits)?;
    let roles = parties.iter().map(|p| p.role).collect();
    let new = NewConversation {
        channel,
        started_at,
        duration_ms,
        parties,
        content_sha256: sha256,
        source_name: text::mask_name(tools.detector, incoming.name),
        original: &original,
        copies: incoming.copies,
    };
    match vault.receive(&new)? {
        Ok(conversation) => {
            let mut original = original;
            original.keep();
            for (field, there) in [
                (Field::Notes, incoming.metadata.notes.is_some()),
                (Field::Cdr, incoming.metadata.cdr.is_some()),
            ] {
                if there {
                    vault.count_dropped(channel, field, 1)?;
                }
            }
            Ok(Ok(Received { conversation, channel, roles, transcript: incoming.transcript, decided: false }))
        }
        Err(known) => Ok(Err(known)),
    }
}

/// Streams what arrives into a sealed blob, and hashes what went in.
fn seal_content(
    vault: &Vault,
    channel: Channel,
    content: &mut dyn Read,
) -> Result<(SealedBlob, [u8; 32]), Error> {
    let most = if channel == Channel::Voice { uploads::MAX_VOICE } else { source::MAX_TEXT_BYTES };
    let mut hash = Sha256::new();
    let mut total = 0u64;
    let blob = SealedBlob::scratch(&vault.blobs(), vault.tenant(), &OsEntropy, |out| {
        let mut block = vec![0u8; 1 << 16];
        loop {
            let n = content.read(&mut block).map_err(Error::file("the source"))?;
            if n == 0 {
                return Ok::<(), Error>(());
            }
            total += n as u64;
            if total > most {
                return Err(Error::Source {
                    what: format!("more than {} MiB", most >> 20),
                    cure: "split it, or send the attachment apart",
                });
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
fn describe(incoming: &Incoming<'_>, original: &SealedBlob, limits: &Limits) -> Result<Described, Error> {
    let metadata = incoming.metadata;
    let started = metadata.started_at.map(|t| t.to_string());
    let text = || -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        original.reader()?.read_to_end(&mut bytes).map_err(Error::file("the sealed original"))?;
        Ok(bytes)
    };
    match incoming.channel {
        Channel::Voice => {
            let info = Recording::open(Box::new(original.reader()?), Some(incoming.name), limits)
                .map(|r| r.info().clone());
            let channels = info.as_ref().map_or(1, |i| usize::from(i.channels));
            let duration = info.as_ref().map_or(0, callvault_speech::Info::duration_ms);
            Ok((voice_parties(metadata, channels), started, duration))
        }
        Channel::Email => {
            let parties = Email::parse(&text()?, "this e-mail")
                .map_or_else(|_| vec![nobody()], |e| parties(&e.parties));
            Ok((parties, started, 0))
        }
        Channel::Chat | Channel::Sms => {
            let chat = Chat::parse(&text()?, "this chat");
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
    let path = source.rests_at.as_ref().unwrap_or(&source.path);
    let file = NewCopy {
        place: "source file",
        detail: std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        state: CopyState::Remains,
        // An export holds other people's conversations, too.
        dispose: source.dispose && source.thread.is_none(),
    };
    [vec![file], far_copies()].into_iter().flatten().collect()
}

/// Copies that nobody can see from here.
pub fn far_copies() -> Vec<NewCopy> {
    vec![
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
