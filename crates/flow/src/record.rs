//! Proven → Sealed → Recorded: masked turns, tokens and the muted recording enter the vault in one command.

use crate::{
    Error, answers,
    cover::{self, Cover},
    prove::Proof,
    refusals,
    source::email::Attachment,
    text::ProvenMessage,
    voice::Proven,
};
use callvault_detect::{asked::asked, search};
use callvault_model::{Channel, Finding, Turn, id::ConversationId};
use callvault_seal::OsEntropy;
use callvault_store::{
    ProvenText, Recorded, RecordedAttachment, RecordedAudio, RecordedFinding, RecordedTurn, SealedBlob, Vault,
};

/// Records a proven call. The muted file stays where it was sealed; only now does it belong to the vault.
pub fn voice(vault: &Vault, id: ConversationId, proven: Proven) -> Result<(), Error> {
    let Proven { mut redacted, covers, proof } = proven;
    let detected = &redacted.detected;
    let turns = &detected.transcribed.hearing.turns;
    let done = Recorded {
        turns: masked_turns(turns, &covers),
        findings: findings(turns, &detected.findings),
        audio: Some(RecordedAudio { muted: &redacted.muted }),
        attachments: Vec::new(),
        opt_outs: refusals::heard(Channel::Voice, turns)?,
        proof: facts(&proof)?,
    };
    vault.record(id, &done)?;
    redacted.muted.keep();
    Ok(())
}

/// Records a proven message. Its attachments are sealed one by one, each under its own key.
pub fn text(
    vault: &Vault,
    id: ConversationId,
    channel: Channel,
    proven: &ProvenMessage,
) -> Result<(), Error> {
    let mut sealed = Vec::with_capacity(proven.attachments.len());
    for a in &proven.attachments {
        sealed.push(SealedBlob::scratch(&vault.blobs(), vault.tenant(), &OsEntropy, |out| {
            out.write_all(&a.bytes).map_err(Error::file(vault.blobs()))
        })?);
    }
    let done = Recorded {
        turns: masked_turns(&proven.turns, &proven.covers),
        findings: findings(&proven.turns, &proven.findings),
        audio: None,
        attachments: proven
            .attachments
            .iter()
            .zip(&sealed)
            .map(|(a, blob)| RecordedAttachment {
                blob,
                media_type: a.media_type.clone(),
                reason: Attachment::REASON.into(),
            })
            .collect(),
        opt_outs: refusals::heard(channel, &proven.turns)?,
        proof: facts(&proven.proof)?,
    };
    vault.record(id, &done)?;
    sealed.iter_mut().for_each(SealedBlob::keep);
    Ok(())
}

fn masked_turns(turns: &[Turn], covers: &[Cover]) -> Vec<RecordedTurn> {
    cover::masked(turns, covers)
        .into_iter()
        .zip(turns)
        .map(|(text, t)| RecordedTurn { party: t.party, start_ms: t.start_ms, end_ms: t.end_ms, text })
        .collect()
}

fn findings(turns: &[Turn], findings: &[Finding]) -> Vec<RecordedFinding> {
    findings
        .iter()
        .filter_map(|f| {
            let turn = turns.get(f.turn)?;
            let whole = Cover {
                turn: f.turn,
                start: f.start,
                end: f.end,
                entity: Some(f.entity),
                value: Some(f.value),
            };
            let span = cover::span(turn, &whole);
            Some(RecordedFinding {
                turn: f.turn,
                entity: f.entity,
                start_ms: span.start_ms,
                end_ms: span.end_ms,
                score: f.score,
                recognizer: f.recognizer.clone(),
                value: f.value,
                text: may_be_kept(turns, findings, f)
                    .then(|| turn.text.get(f.start..f.end))
                    .flatten()
                    .map(str::to_owned),
            })
        })
        .collect()
}

/// Whether a finding's text may live on as a token. What was covered for its place in the talk can hold anything, a
/// security code as well; and where a code was asked for, digits under any other name may be the code.
fn may_be_kept(turns: &[Turn], all: &[Finding], finding: &Finding) -> bool {
    let guessed = finding.recognizer == answers::RECOGNIZER || finding.recognizer == cover::REPEAT;
    let of_code = |f: &Finding| f.entity.is_sensitive_authentication_data();
    let beside_code = all
        .iter()
        .any(|f| of_code(f) && f.turn == finding.turn && f.start < finding.end && finding.start < f.end);
    let asked_for_code = (finding.turn.saturating_sub(2)..=finding.turn)
        .filter_map(|t| turns.get(t))
        .any(|t| asked(&t.text).iter().any(|e| e.is_sensitive_authentication_data()));
    let digits = turns
        .get(finding.turn)
        .and_then(|t| t.text.get(finding.start..finding.end))
        .map_or(0, |text| search::digit_runs(text).iter().map(|r| r.digits).sum::<usize>());
    let code_like = asked_for_code && ((3..=4).contains(&digits) || digits > 16);
    !guessed && !of_code(finding) && !beside_code && !code_like
}

fn facts(proof: &Proof) -> Result<ProvenText, Error> {
    let facts = serde_json::to_string(proof).map_err(|_| Error::Source {
        what: "the proof could not be written down".into(),
        cure: "report this as a fault of the program",
    })?;
    Ok(ProvenText { level: proof.level.as_str(), facts })
}
