//! The straight way of a conversation: Received → Transcribed → Detected → Redacted → Proven → Sealed →
//! Recorded, and later → Disposed. Read this file and you know the product.

use crate::{
    Error, dispose,
    error::{Quarantine, QuarantineCode},
    receive::{self, Received},
    record, refusals,
    scratch::Scratch,
    source::Source,
    text,
    tools::Tools,
    voice::{self, Halted},
};
use callvault_model::{Channel, Turn, id::ConversationId};
use callvault_speech::decode::Limits;
use callvault_store::{ConversationRow, State, Vault};

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Redacted, proven, sealed.
    Recorded(ConversationId),
    /// The same bytes were taken in before.
    Known(ConversationId),
    /// No engine can hear it yet; it lies sealed.
    AwaitingTranscript(ConversationId),
    /// A person has to look.
    Quarantined(ConversationId, Quarantine),
}

/// Takes one source in and walks it as far as it goes.
pub fn ingest(vault: &Vault, tools: &Tools<'_>, source: &Source, limits: &Limits) -> Result<Outcome, Error> {
    match receive::receive(vault, tools, source, limits)? {
        Ok(received) => onward(vault, tools, &received, limits),
        Err(known) => Ok(Outcome::Known(known)),
    }
}

/// Goes on from `Received`; everything after it can be done again from the sealed original.
pub fn onward(
    vault: &Vault,
    tools: &Tools<'_>,
    received: &Received,
    limits: &Limits,
) -> Result<Outcome, Error> {
    let id = received.conversation;
    let mut said = Vec::new();
    let ended = match received.channel {
        Channel::Voice if tools.first.is_none() && received.transcript.is_none() => {
            let reason = "no speech model is installed; run `callvault models pull`, then `callvault resume`";
            vault.await_transcript(id, reason)?;
            return Ok(Outcome::AwaitingTranscript(id));
        }
        Channel::Voice => walk_voice(vault, tools, received, limits, &mut said),
        Channel::Chat | Channel::Email | Channel::Sms => walk_text(vault, tools, received, &mut said),
    };
    if matches!(&ended, Err(Error::Store(callvault_store::Error::State { .. }))) {
        // Somebody else worked on it at the same time and was first: a request and the server's worker, for one.
        let now = vault.conversation(id)?.state;
        if matches!(now, State::Recorded | State::Shredding | State::Disposed) {
            return Ok(Outcome::Recorded(id));
        }
    }
    match ended.or_else(as_quarantine)? {
        Ok(()) => Ok(Outcome::Recorded(id)),
        Err(why) => {
            let wishes = refusals::heard(received.channel, &said)?;
            vault.quarantine_with(id, why.code.as_str(), &why.reason, &wishes)?;
            Ok(Outcome::Quarantined(id, why))
        }
    }
}

/// `said`: the turns as far as they were heard, for what counts even when the rest cannot be proven.
fn walk_voice(
    vault: &Vault,
    tools: &Tools<'_>,
    received: &Received,
    limits: &Limits,
    said: &mut Vec<Turn>,
) -> Halted<()> {
    let scratch = Scratch::new(vault.blobs(), vault.tenant(), limits);
    let open = || receive::reopen(vault, received.conversation, limits);
    let imported = received.transcript.as_deref().map(|t| voice::import(t, &open)).transpose()?;
    let hearing = voice::hear(&open, imported, tools)?;
    said.clone_from(&hearing.turns);
    let transcribed = match voice::transcribe(&open, hearing, &received.roles, received.decided)? {
        Ok(done) => done,
        Err(why) => return Ok(Err(why)),
    };
    let detected = match voice::detect(transcribed, tools)? {
        Ok(done) => done,
        Err(why) => return Ok(Err(why)),
    };
    let redacted = voice::redact(&open, detected, &scratch)?;
    let proven = match crate::prove::prove(&open, redacted, tools, &scratch)? {
        Ok(done) => done,
        Err(why) => return Ok(Err(why)),
    };
    record::voice(vault, received.conversation, proven).map(Ok)
}

fn walk_text(vault: &Vault, tools: &Tools<'_>, received: &Received, said: &mut Vec<Turn>) -> Halted<()> {
    let (turns, attachments) = text::turns(vault, received)?;
    said.clone_from(&turns);
    match text::prove_text(turns, &received.roles, tools).map(|p| text::ProvenMessage { attachments, ..p }) {
        Ok(proven) => record::text(vault, received.conversation, received.channel, &proven).map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

/// What the content itself causes sends it to quarantine; what the machine causes is an error to be cured.
fn as_quarantine(error: Error) -> Halted<()> {
    use callvault_speech::Error as Speech;
    let code = match &error {
        Error::Speech(Speech::Decode(_) | Speech::Truncated { .. } | Speech::TooLarge(_)) => {
            QuarantineCode::Undecodable
        }
        Error::Speech(Speech::Mute(_)) => QuarantineCode::ProofFailed,
        Error::Speech(Speech::Engine(_) | Speech::Transcript(_)) | Error::NoSuchChannel { .. } => {
            QuarantineCode::EngineFailed
        }
        Error::Source { .. } => QuarantineCode::Undecodable,
        _ => return Err(error),
    };
    Ok(Err(Quarantine::new(code, error.to_string())))
}

/// Goes on with everything that was left unfinished by a kill, a missing model or a full disk. One conversation
/// that cannot go on does not keep the others waiting.
pub fn resume(
    vault: &Vault,
    tools: &Tools<'_>,
    limits: &Limits,
) -> Result<Vec<(ConversationId, Result<Outcome, Error>)>, Error> {
    let go_on = |row: &ConversationRow| {
        if row.state == State::Shredding {
            return dispose::finish(vault, row.id).map(|_| Outcome::Recorded(row.id));
        }
        onward(vault, tools, &Received::load(vault, row)?, limits)
    };
    let rows = vault.unfinished()?;
    Ok(rows.iter().map(|row| (row.id, go_on(row))).collect())
}
