//! People erased: several at once or none, and what somebody repeated of them in another conversation.

use crate::{
    Actor, Error, NewConversation, NewParty, ProvenText, Recorded, RecordedFinding, RecordedTurn, Refused,
    SealedBlob,
    erase::{ERASED_LABEL, EraseOrder, KeptWhy},
    testing::{CARD, World, world},
};
use callvault_model::{
    Channel, EntityType, Role as Part,
    id::{CertificateId, ConversationId, SubjectId},
};
use callvault_seal::OsEntropy;
use std::collections::BTreeMap;

const BY: Actor = Actor::LocalOperator;
const DANA: &str = "+1 202 555 0142";
const OTHER: &str = "+1 202 555 0143";

/// A recorded chat of a customer (0) with an agent (1); `value` is a card number that the first turn said.
fn chat(
    w: &World,
    number: u8,
    customer: &str,
    turns: &[(usize, &str)],
    value: Option<&str>,
) -> ConversationId {
    let fill = |out: &mut dyn std::io::Write| -> Result<(), Error> {
        out.write_all(&[number; 100]).unwrap();
        Ok(())
    };
    let mut original = SealedBlob::write(&w.vault.blobs(), w.vault.tenant(), &OsEntropy, fill).unwrap();
    original.keep();
    let party = |role, address: &str| NewParty { role, address: Some(address.into()), name: None };
    let new = NewConversation {
        channel: Channel::Chat,
        started_at: None,
        duration_ms: 0,
        parties: vec![party(Part::Customer, customer), party(Part::Agent, "+1 202 555 0199")],
        content_sha256: [number; 32],
        source_name: "chat.json".into(),
        original: &original,
        copies: Vec::new(),
    };
    let id = w.vault.receive(&new).unwrap().unwrap();
    let finding = |text: &str| RecordedFinding {
        turn: 0,
        entity: EntityType::CreditCard,
        start_ms: 0,
        end_ms: 0,
        score: 1.0,
        recognizer: "test".into(),
        value: 1,
        text: Some(text.into()),
    };
    let turn = |(party, text): &(usize, &str)| RecordedTurn {
        party: *party,
        start_ms: 0,
        end_ms: 0,
        text: (*text).to_owned(),
    };
    let done = Recorded {
        turns: turns.iter().map(turn).collect(),
        findings: value.map(finding).into_iter().collect(),
        audio: None,
        attachments: Vec::new(),
        opt_outs: Vec::new(),
        proof: ProvenText { level: "independent", facts: "{}".into() },
    };
    w.vault.record(id, &done).unwrap();
    id
}

fn person(w: &World, phone: &str) -> SubjectId {
    w.vault.find_by_contact(&BY, phone).unwrap().unwrap()
}

fn says(text: &str, _: &str, value: &str) -> bool {
    text.contains(value)
}

fn nobody(_: &str, _: &str) -> KeptWhy {
    unreachable!("no consent is on file")
}

fn order(subject: SubjectId, continues: Option<CertificateId>) -> EraseOrder<'static> {
    EraseOrder {
        subject,
        request: None,
        continues,
        agreed: None,
        keep: BTreeMap::new(),
        muted: BTreeMap::new(),
        says: &says,
        suppress: false,
        consent_kept: &nobody,
    }
}

#[test]
fn what_was_said_in_one_talk_and_repeated_in_another_goes_from_both() {
    let w = world();
    let first = chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD));
    let repeated = format!("is {CARD} still right?");
    let second = chat(&w, 2, DANA, &[(0, "hello again"), (1, &repeated), (1, "thank you")], None);
    let elsewhere = chat(&w, 3, OTHER, &[(0, "hello"), (1, "thank you")], None);
    let erased = w.vault.erase_subject(&BY, &mut order(person(&w, DANA), None)).unwrap();
    assert!(erased.complete);
    assert_eq!(erased.read_backs, 1);
    assert!(w.vault.masked(first).unwrap().turns.is_empty());
    let left: Vec<String> = w.vault.masked(second).unwrap().turns.into_iter().map(|t| t.text).collect();
    assert_eq!(left, [ERASED_LABEL, "thank you"]);
    assert_eq!(w.vault.masked(elsewhere).unwrap().turns.len(), 2);
    w.verify();
}

#[test]
fn several_people_are_erased_in_one_command_or_none_is() {
    let w = world();
    let talks = [
        chat(&w, 1, DANA, &[(0, "my card is [CREDIT_CARD]")], Some(CARD)),
        chat(&w, 2, OTHER, &[(0, "mine is [CREDIT_CARD]")], Some(CARD)),
    ];
    let [dana, other] = [person(&w, DANA), person(&w, OTHER)];
    // The second order goes on with an erasure that nobody knows.
    let unknown = CertificateId::new(w.vault.clock(), &OsEntropy).unwrap();
    let refused = w.vault.erase_rows(&BY, &mut [order(dana, None), order(other, Some(unknown))]);
    assert!(matches!(refused.err(), Some(Error::Refused(Refused::Unknown(_)))));
    assert!(talks.iter().all(|id| w.vault.masked(*id).unwrap().turns.len() == 1), "nobody was erased");
    assert!(w.entries("subject.erased").is_empty() && w.vault.erasure_receipts(None).unwrap().is_empty());
    let both =
        w.vault.erase_rows(&BY, &mut [order(dana, None), order(other, None)]).unwrap().prove().unwrap();
    assert_eq!(both.iter().map(|e| e.subject).collect::<Vec<_>>(), [dana, other]);
    assert!(both.iter().all(|e| e.complete && e.keys > 0));
    assert!(talks.iter().all(|id| w.vault.masked(*id).unwrap().turns.is_empty()));
    assert_eq!(w.entries("subject.erased").len(), 2);
    assert_eq!(w.sealed_files(), 0, "their sealed files are gone");
    w.verify();
    let w = w.reopen();
    w.verify();
}
