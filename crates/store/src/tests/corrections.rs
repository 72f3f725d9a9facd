use crate::{
    Actor, Error, Refused, SealedBlob,
    corrections::NewCorrection,
    remute::Withheld,
    testing::{World, world},
};
use callvault_model::{
    EntityType,
    id::{AccountId, ConversationId, CorrectionId},
};
use callvault_seal::OsEntropy;
use std::io::Read;

const A: Actor = Actor::Account(AccountId::from_bytes([1; 16]));
const B: Actor = Actor::Account(AccountId::from_bytes([2; 16]));

fn missed(start: u64, end: u64) -> NewCorrection {
    NewCorrection::Missed {
        turn: 0,
        start_char: start,
        end_char: end,
        entity: EntityType::Location,
        heard_ms: None,
    }
}

fn ask(w: &World, id: ConversationId, what: &NewCorrection) -> Result<CorrectionId, Error> {
    w.vault.request_correction(&A, id, what, "a note")
}

fn text(w: &World, id: ConversationId) -> String {
    w.vault.masked(id).unwrap().turns[0].text.clone()
}

fn muted(w: &World) -> SealedBlob {
    SealedBlob::scratch(&w.vault.blobs(), w.vault.tenant(), &OsEntropy, |out| {
        out.write_all(b"muted further").unwrap();
        Ok::<_, Error>(())
    })
    .unwrap()
}

#[test]
fn a_missed_value_leaves_text_and_recording_once_another_person_agrees() {
    let w = world();
    let id = w.call(1);
    let request = ask(&w, id, &missed(0, 4)).unwrap();
    assert_eq!(text(&w, id), "I am [PERSON], card [CARD]", "asking changes nothing");
    let mut blob = muted(&w);
    assert!(matches!(w.vault.accept_missed(&A, request, &[]), Err(Error::Refused(Refused::OwnRequest))));
    let done = w.vault.accept_missed(&B, request, &[]).unwrap();
    assert_eq!((done.turns, done.audio), (1, "withheld"));
    assert_eq!(text(&w, id), "[LOCATION] [PERSON], card [CARD]");
    // Until the recording follows, nobody plays it.
    assert_eq!(w.vault.withheld(id).unwrap(), Some(Withheld::Waiting));
    assert_eq!(w.vault.remutes().unwrap(), [request]);
    let job = w.vault.remute(request).unwrap();
    assert_eq!((job.value.as_deref(), job.spans.len()), (Some("I am"), 1));
    w.vault.remuted(request, &mut blob, Some(("second", 1))).unwrap();
    assert_eq!(w.vault.withheld(id).unwrap(), None);
    assert!(w.vault.words_of(request).unwrap().is_none(), "the words are kept longer than needed");
    let facts = w.vault.proof_facts(id).unwrap().unwrap();
    assert_eq!(facts["remuted"]["not_heard_again_by"], "second");
    assert!(w.vault.remuted(request, &mut muted(&w), None).is_err(), "done once");
    let mut heard = Vec::new();
    w.vault.redacted_audio(id).unwrap().read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"muted further");
    drop(blob);
    let w = w.reopen();
    assert!(w.vault.redacted_audio(id).is_ok(), "the new recording belongs to the vault");
    assert_eq!(w.sealed_files(), 2, "the old one is gone");
    let added = w.vault.masked(id).unwrap().findings_list.pop().unwrap();
    assert_eq!((added.entity.as_str(), added.recognizer.as_str()), ("LOCATION", "correction"));
    assert!(added.token.is_some());
    assert!(matches!(w.vault.refuse_correction(&B, request), Err(Error::Refused(Refused::Closed(_)))));
    assert_eq!(w.entries("correction.decided").len(), 1);
    w.verify();
}

#[test]
fn what_must_never_be_kept_gets_no_token() {
    let w = world();
    let id = w.call(1);
    let what = NewCorrection::Missed {
        turn: 0,
        start_char: 15,
        end_char: 19,
        entity: EntityType::Cvv,
        heard_ms: Some((1_000, 2_000)),
    };
    let request = ask(&w, id, &what).unwrap();
    w.vault.accept_missed(&B, request, &[]).unwrap();
    assert_eq!(text(&w, id), "I am [PERSON], [CVV] [CARD]");
    assert!(w.vault.masked(id).unwrap().findings_list.pop().unwrap().token.is_none());
    // Could still be heard after the last round: withheld for good, and the words are gone.
    w.vault.remute_failed(request, 6).unwrap();
    assert_eq!(w.vault.withheld(id).unwrap(), Some(Withheld::Failed));
    assert!(w.vault.words_of(request).unwrap().is_none() && w.vault.remutes().unwrap().is_empty());
    assert_eq!(w.entries("audio.remuted").len(), 1);
}

#[test]
fn a_wrong_finding_gives_the_words_back_and_leaves_the_recording() {
    let w = world();
    let id = w.call(1);
    let request = ask(&w, id, &NewCorrection::Wrong { finding: 0 }).unwrap();
    assert!(matches!(w.vault.accept_wrong(&A, request), Err(Error::Refused(Refused::OwnRequest))));
    assert_eq!(w.vault.accept_wrong(&B, request).unwrap().audio, "stays-muted");
    assert_eq!(text(&w, id), "I am Dana Whitfield, card [CARD]");
    assert_eq!(w.vault.masked(id).unwrap().findings_list.len(), 1);
    assert!(ask(&w, id, &NewCorrection::Wrong { finding: 0 }).is_err(), "it is gone");
    // Payment data never comes back in this way.
    assert!(matches!(
        ask(&w, id, &NewCorrection::Wrong { finding: 1 }),
        Err(Error::Refused(Refused::NotRestorable(_)))
    ));
    w.verify();
}

#[test]
fn requests_are_checked_when_they_are_made_and_again_when_decided() {
    let w = world();
    let id = w.call(1);
    // "I am [PERSON], card [CARD]"
    for (from, to) in [(0, 0), (4, 5), (3, 8), (6, 9), (0, 99), (25, 26), (5, 3)] {
        assert!(ask(&w, id, &missed(from, to)).is_err(), "{from}..{to}");
    }
    let outside = NewCorrection::Missed {
        turn: 0,
        start_char: 0,
        end_char: 4,
        entity: EntityType::Person,
        heard_ms: Some((4_000, 6_000)),
    };
    assert!(ask(&w, id, &outside).is_err());
    assert!(ask(&w, ConversationId::from_bytes([9; 16]), &missed(0, 4)).is_err());
    let (one, two) = (ask(&w, id, &missed(0, 4)).unwrap(), ask(&w, id, &missed(2, 4)).unwrap());
    assert_eq!(w.vault.corrections(Some(id), true).unwrap().len(), 2);
    w.vault.accept_missed(&B, one, &[]).unwrap();
    // The text at its place is another now.
    assert!(w.vault.accept_missed(&B, two, &[]).is_err());
    assert_eq!(text(&w, id), "[LOCATION] [PERSON], card [CARD]");
    w.vault.refuse_correction(&B, two).unwrap();
    let rows = w.vault.corrections(None, false).unwrap();
    assert_eq!(rows.iter().map(|r| r.state.as_str()).collect::<Vec<_>>(), ["refused", "accepted"]);
    assert!(rows.iter().all(|r| r.note == "a note"));
}

#[test]
fn a_correction_destroys_nothing_under_a_hold() {
    let w = world();
    let id = w.call(1);
    let request = ask(&w, id, &missed(0, 4)).unwrap();
    w.vault.mark_must_keep(&B, id, "order of a court").unwrap();
    assert!(matches!(w.vault.accept_missed(&B, request, &[]), Err(Error::Refused(Refused::MustKeep(_)))));
    assert_eq!(w.vault.corrections(Some(id), true).unwrap().len(), 1, "it still waits");
}
