//! A chat, e-mail or text message, from its text to masked turns that were searched again.

use crate::{
    Error,
    cover::{self, Cover},
    error::{Quarantine, QuarantineCode},
    prove::{self, Proof},
    receive::Received,
    source::{chat::Chat, email::Email},
    tools::Tools,
    voice::{self, Halted},
};
use callvault_model::{Channel, Finding, ProofLevel, Turn};
use callvault_store::Vault;
use std::io::Read;

/// Text that was redacted and read again.
pub struct ProvenMessage {
    /// As it was written.
    pub turns: Vec<Turn>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is covered.
    pub covers: Vec<Cover>,
    /// What was proven.
    pub proof: Proof,
}

/// Detects, covers, and reads the result again; text is proven by searching, so its level is `same-engine`.
pub fn process(vault: &Vault, received: &Received, tools: &Tools<'_>) -> Halted<ProvenMessage> {
    let mut bytes = Vec::new();
    vault
        .original(received.conversation)?
        .take(crate::source::MAX_TEXT_BYTES)
        .read_to_end(&mut bytes)
        .map_err(Error::file("the sealed original"))?;
    let turns = match received.channel {
        Channel::Email => {
            let mail = Email::parse(&bytes, "this e-mail")?;
            if let Some(why) = mail.unsearchable {
                return Ok(Err(why));
            }
            mail.turns
        }
        Channel::Voice | Channel::Chat | Channel::Sms => Chat::parse(&bytes, "this chat")?.turns(),
    };
    Ok(prove_text(turns, &received.roles, tools))
}

/// The pure part of [`process`].
pub fn prove_text(
    turns: Vec<Turn>,
    roles: &[callvault_model::Role],
    tools: &Tools<'_>,
) -> Result<ProvenMessage, Quarantine> {
    let findings = voice::run_detector(&turns, roles, tools);
    let findings = cover::close_over_repeats(&turns, findings);
    let covers = cover::of_findings(&findings);
    let masked = cover::masked(&turns, &covers);
    if let Some(entity) = prove::text_is_clean(&turns, &masked, &findings) {
        return Err(Quarantine::new(
            QuarantineCode::ProofFailed,
            format!("a value of type {entity} can still be read in the masked text"),
        ));
    }
    let proof = Proof {
        level: ProofLevel::SameEngine,
        heard_by: "the detector".into(),
        not_heard_again_by: Some("a search for every covered value in digits, words and spelling".into()),
        rounds: 1,
        caught: 0,
        muted_ms: 0,
        unverified_ms: 0,
    };
    Ok(ProvenMessage { turns, findings, covers, proof })
}
