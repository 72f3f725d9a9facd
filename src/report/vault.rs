//! The page of one conversation, from what the vault gives out to everyone: nothing unmasked passes here.

use super::call::{CallFinding, CallReport, CallTurn, CertificateLines, CopyRow, call_report};
use callvault_flow::{certificate, measure};
use callvault_model::id::ConversationId;
use callvault_speech::{
    decode::{Limits, Recording},
    peaks,
    playable::Playable,
};
use callvault_store::Vault;
use std::io::Read;

/// Bars of the waveform.
const BUCKETS: usize = 1000;

/// Renders the page of a recorded conversation.
pub fn page(vault: &Vault, id: ConversationId) -> anyhow::Result<String> {
    let c = vault.masked(id)?;
    let proof = c.proof_facts.and_then(|f| serde_json::from_value(f).ok());
    let mut data = CallReport {
        title: format!("Conversation {id}"),
        channel: c.row.channel.clone(),
        duration_ms: c.row.duration_ms,
        roles: vault.roles(id)?,
        turns: c
            .turns
            .into_iter()
            .map(|t| CallTurn { role: t.role, start_ms: t.start_ms, end_ms: t.end_ms, text: t.text })
            .collect(),
        findings: c
            .findings_list
            .into_iter()
            .filter_map(|f| {
                Some(CallFinding {
                    entity: f.entity.parse().ok()?,
                    channel: usize::try_from(f.channel).ok()?,
                    start_ms: f.start_ms,
                    end_ms: f.end_ms,
                    recognizer: f.recognizer,
                })
            })
            .collect(),
        proof: proof.as_ref().map(certificate::proof_in_words).unwrap_or_default(),
        ledger_size: vault.ledger_size()?,
        ..CallReport::default()
    };
    if c.row.channel == "voice" {
        add_sound(vault, id, &mut data)?;
    }
    data.certificate = certificate_lines(vault, id)?;
    call_report(&data)
}

fn add_sound(vault: &Vault, id: ConversationId, data: &mut CallReport) -> anyhow::Result<()> {
    let mut muted =
        Recording::open(Box::new(vault.redacted_audio(id)?), Some("muted.wav"), &Limits::default())?;
    let silent = measure::silence(&mut muted)?;
    data.muted =
        silent.iter().map(|s| s.as_slice().iter().map(|i| (i.start_ms, i.end_ms)).collect()).collect();
    data.peaks = peaks::peaks(&mut muted, BUCKETS)?.per_channel;
    let mut sound = Vec::new();
    let limit = super::call::MAX_SOUND as u64;
    Playable::new(vault.redacted_audio(id)?)?.take(limit + 1).read_to_end(&mut sound)?;
    data.audio_wav = Some(sound).filter(|s| s.len() as u64 <= limit);
    Ok(())
}

fn certificate_lines(vault: &Vault, id: ConversationId) -> anyhow::Result<Option<CertificateLines>> {
    let Some((_, body)) = vault.certificates()?.into_iter().find(|(of, _)| *of == id) else {
        return Ok(None);
    };
    let s = certificate::parse(body.as_bytes())?.statement;
    let copies = s
        .copies
        .into_iter()
        .map(|c| CopyRow { place: c.place, state: c.state.as_str().to_owned(), note: c.note })
        .collect();
    Ok(Some(CertificateLines { title: s.title, method: s.method, copies }))
}
