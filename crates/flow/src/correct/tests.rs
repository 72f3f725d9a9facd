use super::*;
use crate::testing::{Place, place, wav};
use callvault_model::{
    Channel, EntityType, Role,
    id::{AccountId, ConversationId},
};
use callvault_seal::OsEntropy;
use callvault_speech::{
    audio::Samples,
    engine::scripted::{Line, Scripted},
};
use callvault_store::{
    Error as StoreError, NewConversation, NewParty, ProvenText, Recorded, RecordedAudio, RecordedTurn,
    Refused, SealedBlob, corrections::NewCorrection,
};

const A: Actor = Actor::Account(AccountId::from_bytes([1; 16]));
const B: Actor = Actor::Account(AccountId::from_bytes([2; 16]));

/// A call in which a plate was missed, and the request to hide it.
pub(crate) fn reported() -> (Place, ConversationId, CorrectionId) {
    let p = place();
    let bytes = wav(20_000);
    let seal = || {
        SealedBlob::scratch(&p.vault.blobs(), p.vault.tenant(), &OsEntropy, |out| {
            out.write_all(&bytes).map_err(Error::file("test"))
        })
        .unwrap()
    };
    let (mut original, mut muted) = (seal(), seal());
    let party = |role| NewParty { role, address: None, name: None };
    let id = p
        .vault
        .receive(&NewConversation {
            channel: Channel::Voice,
            started_at: None,
            duration_ms: 20_000,
            parties: vec![party(Role::Agent), party(Role::Customer)],
            content_sha256: [1; 32],
            source_name: "a.wav".into(),
            original: &original,
            copies: Vec::new(),
        })
        .unwrap()
        .unwrap();
    original.keep();
    let turn =
        |party, start_ms, end_ms, text: &str| RecordedTurn { party, start_ms, end_ms, text: text.into() };
    let done = Recorded {
        turns: vec![
            turn(0, 0, 3_000, "What is your plate?"),
            turn(1, 4_000, 9_000, "it is KXR 4471, thanks"),
            turn(0, 12_000, 15_000, "k x r four four seven one, right"),
        ],
        findings: Vec::new(),
        audio: Some(RecordedAudio { muted: &muted }),
        attachments: Vec::new(),
        opt_outs: Vec::new(),
        proof: ProvenText { level: "independent", facts: "{}".into() },
    };
    p.vault.record(id, &done).unwrap();
    muted.keep();
    let what = NewCorrection::Missed {
        turn: 1,
        start_char: 6,
        end_char: 14,
        entity: EntityType::VehicleId,
        heard_ms: Some((5_000, 7_000)),
    };
    let request = p.vault.request_correction(&A, id, &what, "a plate").unwrap();
    (p, id, request)
}

#[test]
fn what_comes_up_in_the_hearing_after_a_correction_is_muted_too() {
    let (p, id, request) = reported();
    let limits = Limits::default();
    accept(&p.vault, &B, request).unwrap();
    // The second ear hears the plate where nobody marked it.
    let elsewhere = Line::new(Interval::new(16_000, 18_000), "k x r four four seven one");
    let ear = Scripted::new("second ear").line(1, elsewhere);
    let tools = Tools { again: Some(&ear), ..p.tools() };
    assert_eq!(mute_further(&p.vault, &tools, &limits, request).unwrap(), Muted::Done(2));
    let mut recording = open(&p, id);
    let mut samples = recording.channel_at(1, 8_000).unwrap();
    let mut left = Vec::new();
    while let Some(block) = samples.next_block().unwrap() {
        left.extend(block);
    }
    assert!(left[16_000 * 8..18_000 * 8].iter().all(|s| s.abs() < 1e-6), "the plate can be heard");
    assert!(left[10_000 * 8..11_000 * 8].iter().all(|s| s.abs() > 0.01));
    let facts = p.vault.proof_facts(id).unwrap().unwrap();
    assert_eq!(facts["remuted"]["not_heard_again_by"], "second ear");
    assert!(p.vault.withheld(id).unwrap().is_none());
}

fn open(p: &Place, id: ConversationId) -> Recording {
    let sealed = p.vault.redacted_audio(id).unwrap();
    Recording::open(Box::new(sealed), None, &Limits::default()).unwrap()
}

#[test]
fn a_missed_value_is_silent_in_the_recording_and_gone_from_every_turn() {
    let (p, id, request) = reported();
    let limits = Limits::default();
    let own = accept(&p.vault, &A, request);
    assert!(matches!(own, Err(Error::Store(StoreError::Refused(Refused::OwnRequest)))));
    let done = accept(&p.vault, &B, request).unwrap();
    assert_eq!((done.turns, done.audio), (2, "withheld"));
    assert!(p.vault.withheld(id).unwrap().is_some());
    assert_eq!(mute_further(&p.vault, &p.tools(), &limits, request).unwrap(), Muted::Done(0));
    assert!(p.vault.withheld(id).unwrap().is_none());
    let text: Vec<_> = p.vault.masked(id).unwrap().turns.into_iter().map(|t| t.text).collect();
    let label = format!("[{}]", EntityType::VehicleId);
    assert_eq!(text, ["What is your plate?".to_owned(), format!("it is {label}, thanks"), label]);
    // The samples themselves: nothing where it was said and where it was read back, everything elsewhere.
    let mut recording = open(&p, id);
    let mut frame = 0u64;
    while let Some(block) = recording.next_block().unwrap() {
        for channel in 0..2 {
            for (i, sample) in block.channels[channel].iter().enumerate() {
                let ms = (frame + i as u64) / 8;
                let silent = (4_700..7_300).contains(&ms) || (11_700..15_300).contains(&ms);
                // The fades are a few milliseconds wide.
                let sounds = !(4_650..7_350).contains(&ms) && !(11_650..15_350).contains(&ms);
                assert!(!silent || *sample == 0.0, "{ms} ms of channel {channel} can be heard");
                assert!(!sounds || sample.abs() > 0.01, "{ms} ms of channel {channel} is silent");
            }
        }
        frame += block.frames() as u64;
    }
    assert_eq!(frame, 160_000);
    assert!(accept(&p.vault, &B, request).is_err(), "decided once");
    assert!(mute_further(&p.vault, &p.tools(), &limits, request).is_err(), "muted once");
}
