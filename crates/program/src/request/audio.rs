//! The person's voice and no other: on its own channel where the recording has one for each party, else in the person's
//! turns alone, without what others said into them.

use super::copy::Sound;
use crate::Error;
use callvault_flow::{scratch::Scratch, voice};
use callvault_model::{Interval, IntervalSet, id::ConversationId};
use callvault_seal::SealError;
use callvault_speech::{
    Error as SpeechError,
    decode::{Limits, Recording},
    mute,
};
use callvault_store::{SealedBlob, Vault};
use std::io::ErrorKind;

/// Whether it is the recording that cannot be read, whoever asks and whenever: not a disk or a server that does not answer.
pub(super) fn is_unreadable(e: &Error) -> bool {
    use callvault_flow::Error as Flow;
    match e {
        Error::Speech(e) | Error::Flow(Flow::Speech(e)) => is_no_recording(e),
        Error::Store(e) | Error::Flow(Flow::Store(e)) => {
            matches!(e, callvault_store::Error::Seal(SealError::Open))
        }
        Error::Seal(e) | Error::Flow(Flow::Seal(e)) => matches!(e, SealError::Open),
        _ => false,
    }
}

fn is_no_recording(e: &SpeechError) -> bool {
    match e {
        SpeechError::Io(e) => matches!(e.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        SpeechError::Decode(_)
        | SpeechError::Truncated { .. }
        | SpeechError::TooLarge(_)
        | SpeechError::Mute(_) => true,
        _ => false,
    }
}

/// A word may begin a little before its turn does.
const LEAD_MS: u64 = 120;
/// Silence on both sides of what is left out.
const PAD_MS: u64 = 300;

/// The person's voice of one conversation, in a sealed file that goes away with the value: from the original while it can
/// be read, else from the muted recording. `None` where neither can be.
pub(super) fn own_voice(
    vault: &Vault,
    id: ConversationId,
    mut sound: Sound,
    limits: &Limits,
) -> Result<Option<SealedBlob>, Error> {
    loop {
        match voice_of(vault, id, &sound, limits) {
            Ok(blob) => return Ok(Some(blob)),
            // What cannot be had now is not left out: the copy waits for it.
            Err(e) if !is_unreadable(&e) && !is_lost(vault, id, &sound)? => return Err(e),
            Err(e) if sound.original && sound.muted => {
                tracing::warn!(error = %e, "an original cannot be read; its muted recording is used");
                sound.original = false;
            }
            Err(e) => {
                tracing::warn!(error = %e, "a recording cannot be read and is left out of a copy");
                return Ok(None);
            }
        }
    }
}

fn is_lost(vault: &Vault, id: ConversationId, sound: &Sound) -> Result<bool, Error> {
    Ok(if sound.original { vault.original_is_lost(id)? } else { vault.muted_is_lost(id)? })
}

fn voice_of(vault: &Vault, id: ConversationId, sound: &Sound, limits: &Limits) -> Result<SealedBlob, Error> {
    let open = || {
        let reader = if sound.original { vault.original(id)? } else { vault.redacted_audio(id)? };
        Ok(Recording::open(Box::new(reader), Some("recording.wav"), limits)?)
    };
    let plan = silence(&mut open()?, sound)?;
    let scratch = Scratch::new(vault.blobs(), vault.tenant(), limits);
    Ok(voice::write_muted(&open, &plan, &scratch)?)
}

/// What must be silent, channel by channel.
fn silence(recording: &mut Recording, sound: &Sound) -> Result<Vec<IntervalSet>, Error> {
    let info = recording.info();
    let channels = usize::from(info.channels);
    let whole = Interval::new(0, info.duration_ms().saturating_add(1_000));
    let mut all = IntervalSet::new();
    all.insert(whole);
    let mut keep = IntervalSet::new();
    for turn in &sound.turns {
        keep.insert(turn.padded(LEAD_MS));
    }
    let mut never = IntervalSet::new();
    for span in &sound.silent {
        never.insert(span.padded(PAD_MS));
    }
    let apart = channels > 1 && channels == sound.parties;
    if !apart {
        for (_, span) in &sound.others {
            never.insert(*span);
        }
        let one = all.difference(&keep).union(&never);
        return Ok(vec![one; channels]);
    }
    let mut plan = Vec::with_capacity(channels);
    for channel in 0..channels {
        plan.push(if sound.own.contains(&channel) {
            all.difference(&keep).union(&never)
        } else {
            all.clone()
        });
    }
    // Another voice can be heard on the person's line: an echo, a loud headset.
    for channel in (0..channels).filter(|c| !sound.own.contains(c)) {
        let spans: Vec<Interval> =
            sound.others.iter().filter(|(party, _)| *party == channel).map(|(_, s)| *s).collect();
        let leaks = mute::voice_leaks(recording, u16::try_from(channel).unwrap_or(u16::MAX), &spans)?;
        for (span, leaks) in spans.iter().zip(leaks) {
            for leak in leaks {
                let shifted = |ms: u64| ms.saturating_add_signed(leak.lag_ms);
                if let Some(set) = plan.get_mut(usize::from(leak.channel)) {
                    set.insert(Interval::new(shifted(span.start_ms), shifted(span.end_ms)));
                }
            }
        }
    }
    Ok(plan)
}

/// A muted recording in which the person's channel is silent, and where that voice leaked to; `None` where the voices do
/// not lie apart, so that it goes whole.
pub(super) fn without_voice(
    vault: &Vault,
    id: ConversationId,
    places: &[usize],
    parties: usize,
    limits: &Limits,
) -> Result<Option<SealedBlob>, Error> {
    let open = || Ok(Recording::open(Box::new(vault.redacted_audio(id)?), Some("muted.wav"), limits)?);
    let mut recording = open()?;
    let channels = usize::from(recording.info().channels);
    if channels < 2 || channels != parties || places.len() >= parties {
        return Ok(None);
    }
    let length = recording.info().duration_ms();
    let mut plan = vec![IntervalSet::new(); channels];
    for place in places {
        // In pieces, because an echo is looked for piece by piece.
        let pieces: Vec<Interval> =
            (0..=length / 5_000).map(|n| Interval::new(n * 5_000, (n + 1) * 5_000)).collect();
        let leaks = mute::voice_leaks(&mut recording, u16::try_from(*place).unwrap_or(u16::MAX), &pieces)?;
        for (piece, leaks) in pieces.iter().zip(leaks) {
            for leak in leaks {
                let shifted = |ms: u64| ms.saturating_add_signed(leak.lag_ms);
                if let Some(set) = plan.get_mut(usize::from(leak.channel)) {
                    set.insert(Interval::new(shifted(piece.start_ms), shifted(piece.end_ms)));
                }
            }
        }
        if let Some(set) = plan.get_mut(*place) {
            set.insert(Interval::new(0, length.saturating_add(1_000)));
        }
    }
    let scratch = Scratch::new(vault.blobs(), vault.tenant(), limits);
    Ok(Some(voice::write_muted(&open, &plan, &scratch)?))
}
