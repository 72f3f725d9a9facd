use crate::{
    Actor, Error, HoldTarget, Refused,
    testing::{NAME, World, world},
};
use callvault_model::id::SubjectId;
use callvault_model::{EntityType, id::ConversationId};
use jiff::SignedDuration;

const BY: Actor = Actor::LocalOperator;

fn subject(w: &World, number: &str) -> SubjectId {
    w.vault.find_by_contact(&BY, number).unwrap().unwrap()
}

/// Two calls: the second one's customer has another number.
fn two(w: &World) -> (ConversationId, ConversationId, SubjectId, SubjectId) {
    let (a, b) = (w.call(1), w.call(2));
    let shared = subject(w, "2025550142");
    let (_, other) = w.vault.split_subject(&BY, shared, &[b], "another person").unwrap();
    (a, b, shared, other)
}

fn people(w: &World, id: ConversationId) -> Vec<SubjectId> {
    w.vault.party_rows(id).unwrap().iter().map(|p| p.subject).collect()
}

fn readable(w: &World, id: ConversationId) {
    assert_eq!(w.vault.masked(id).unwrap().turns[0].text, "I am [PERSON], card [CARD]");
    let (token, db) = (w.token(id, EntityType::Person), w.vault.db());
    let (party, sealed): (Vec<u8>, Vec<u8>) = db
        .query_row("SELECT party, sealed_value FROM token WHERE id = ?1", [&token], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    let (key, of) = w.vault.party_key(&db, crate::keys::id_of(&party).unwrap()).unwrap();
    let aad = w.vault.aad(Some(of), "token", token.as_bytes(), "PERSON");
    assert_eq!(callvault_seal::open(&key, &aad, &sealed).unwrap().expose(), NAME.as_bytes());
}

#[test]
fn a_split_moves_conversations_and_a_merge_brings_them_back_readable() {
    let w = world();
    let (a, b, shared, other) = two(&w);
    assert_eq!((people(&w, a)[0], people(&w, b)[0]), (shared, other));
    readable(&w, a);
    readable(&w, b);
    assert_eq!(w.vault.subjects().unwrap().len(), 3);
    let link = w.vault.merge_subjects(&BY, other, shared, "the same person after all").unwrap();
    assert_eq!(people(&w, b)[0], shared);
    readable(&w, b);
    assert_eq!(w.vault.subjects().unwrap().len(), 2, "a merged record is no person of its own");
    w.vault.undo_link(&BY, link, "a mistake").unwrap();
    assert_eq!(people(&w, b)[0], other);
    readable(&w, b);
    assert!(matches!(w.vault.undo_link(&BY, link, "a mistake"), Err(Error::Refused(Refused::Closed(_)))));
    let rows = w.vault.subject_links(Some(other)).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].undone_at.is_some() && rows[0].reason == "the same person after all");
    assert_eq!((w.entries("subject.merged").len(), w.entries("subject.split").len()), (1, 2));
    assert!(!w.ledger().iter().any(|e| e.contains("after all")));
    let w = w.reopen();
    readable(&w, a);
    readable(&w, b);
    w.verify();
}

#[test]
fn numbers_lead_to_the_merged_person_and_back_after_the_undo() {
    let w = world();
    let (a, _, shared, other) = two(&w);
    let link = w.vault.merge_subjects(&BY, shared, other, "one person").unwrap();
    assert_eq!((subject(&w, "2025550142"), people(&w, a)[0]), (other, other));
    let later = w.call(3);
    assert_eq!(people(&w, later)[0], other);
    w.vault.undo_link(&BY, link, "a mistake").unwrap();
    assert_eq!((subject(&w, "2025550142"), people(&w, a)[0]), (shared, shared));
    assert_eq!(people(&w, later)[0], other, "what came meanwhile was never the other's");
    readable(&w, later);
}

#[test]
fn a_merged_person_is_erased_with_everything_that_was_merged() {
    let w = world();
    let (a, b, shared, other) = two(&w);
    w.vault.merge_subjects(&BY, other, shared, "one person").unwrap();
    w.vault
        .db()
        .execute(
            "UPDATE subject SET wrapped_key = NULL, erased_at = '2026-11-24T11:00:00Z' WHERE id = ?1",
            [shared.as_bytes()],
        )
        .unwrap();
    for id in [a, b] {
        assert!(matches!(w.vault.masked(id), Err(Error::KeyDestroyed(_))));
    }
    // The record it came from opens nothing of it either, and it cannot be brought back.
    let link = w.vault.subject_links(Some(other)).unwrap()[0].id;
    assert!(matches!(w.vault.undo_link(&BY, link, "a mistake"), Err(Error::KeyDestroyed(_))));
    assert!(matches!(w.vault.masked(b), Err(Error::KeyDestroyed(_))));
}

#[test]
fn a_hold_follows_its_person_through_a_merge() {
    let w = world();
    let (a, b, shared, other) = two(&w);
    let at = w.vault.clock().now().checked_add(SignedDuration::from_hours(48)).unwrap();
    w.vault.place_hold(&BY, HoldTarget::Subject(other), "case", at).unwrap();
    assert!(w.vault.kept_back(a).unwrap().is_none() && w.vault.kept_back(b).unwrap().is_some());
    let link = w.vault.merge_subjects(&BY, other, shared, "one person").unwrap();
    assert!(w.vault.kept_back(a).unwrap().is_some() && w.vault.kept_back(b).unwrap().is_some());
    w.vault.undo_link(&BY, link, "a mistake").unwrap();
    assert!(w.vault.kept_back(a).unwrap().is_none() && w.vault.kept_back(b).unwrap().is_some());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let w = world();
    let (a, _, shared, other) = two(&w);
    let agent = subject(&w, "2025550199");
    let merge = |x, y| w.vault.merge_subjects(&BY, x, y, "reason");
    let nobody = SubjectId::from_bytes([9; 16]);
    for (x, y) in [(shared, shared), (shared, nobody), (nobody, shared), (agent, shared)] {
        assert!(matches!(merge(x, y), Err(Error::Refused(_))));
    }
    assert!(w.vault.merge_subjects(&BY, other, shared, " ").is_err());
    assert!(w.vault.split_subject(&BY, shared, &[], "reason").is_err());
    assert!(w.vault.split_subject(&BY, other, &[a], "reason").is_err(), "not in that conversation");
    merge(other, shared).unwrap();
    assert!(matches!(merge(other, agent), Err(Error::Refused(_))), "merged already");
    assert_eq!(people(&w, a)[0], shared);
    w.verify();
}
