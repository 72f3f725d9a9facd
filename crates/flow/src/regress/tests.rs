use super::*;
use crate::{
    correct,
    testing::{BY, Place, place},
    walk,
};
use callvault_detect::{Custom, Detector, Profile};
use callvault_model::{
    EntityType,
    id::{AccountId, ConversationId, CorrectionId},
};
use callvault_speech::decode::Limits;
use callvault_store::{corrections::NewCorrection, regression::Outcome};
use std::fs;

const A: Actor = Actor::Account(AccountId::from_bytes([1; 16]));
const B: Actor = Actor::Account(AccountId::from_bytes([2; 16]));
/// What nobody's detector knows.
const GADGET: &str = "glimmerfrost quibblejar";
const NAME: &str = "Priya Nair";
const SITE: &str = r#"
[[list]]
name = "gadgets"
type = "DEVICE_ID"
use = "find"
entries = ["glimmerfrost quibblejar"]
[[list]]
name = "employees"
type = "PERSON"
use = "keep"
entries = ["Priya Nair"]
"#;

fn site() -> Detector {
    Detector::new(Profile::Default).unwrap().with_custom(Custom::parse(SITE).unwrap())
}

/// A chat in which a gadget was missed and an employee taken for a customer.
fn chat(p: &Place, number: usize) -> ConversationId {
    let file = p.dir.path().join(format!("chat-{number}.json"));
    let turns = [
        (0, format!("Hello, you are talking to {NAME}, what is it about? Case {number}.")),
        (1, format!("my {GADGET} does not start, I am Dana Whitfield")),
        (0, "thank you, one moment please".to_owned()),
    ];
    let turns: Vec<_> = turns.iter().map(|(p, t)| serde_json::json!({"party": p, "text": t})).collect();
    let parties = serde_json::json!([
        {"role": "agent"}, {"role": "customer", "address": format!("dana{number}@example.com")}
    ]);
    let chat = serde_json::json!({"channel": "chat", "parties": parties, "turns": turns});
    fs::write(&file, chat.to_string()).unwrap();
    let source = crate::source::find(&file).unwrap().remove(0);
    match walk::ingest(&p.vault, &p.tools(), &source, &Limits::default()).unwrap() {
        walk::Outcome::Recorded(id) => id,
        other => panic!("{other:?}"),
    }
}

fn text(p: &Place, id: ConversationId, turn: usize) -> String {
    p.vault.masked(id).unwrap().turns[turn].text.clone()
}

fn miss(p: &Place, id: ConversationId, turn: u64, words: &str, entity: EntityType) -> CorrectionId {
    let now = text(p, id, usize::try_from(turn).unwrap());
    let start = now[..now.find(words).unwrap_or_else(|| panic!("{now}"))].chars().count() as u64;
    let end_char = start + words.chars().count() as u64;
    let what = NewCorrection::Missed { turn, start_char: start, end_char, entity, heard_ms: None };
    let asked = p.vault.request_correction(&A, id, &what, "a note").unwrap();
    correct::accept(&p.vault, &B, asked).unwrap();
    asked
}

fn wrong(p: &Place, id: ConversationId) -> CorrectionId {
    let list = p.vault.masked(id).unwrap().findings_list;
    let finding = list.iter().position(|f| f.entity == "PERSON" && f.channel == 0).unwrap() as u64;
    let asked = p.vault.request_correction(&A, id, &NewCorrection::Wrong { finding }, "an employee").unwrap();
    correct::accept(&p.vault, &B, asked).unwrap();
    asked
}

fn tried(p: &Place, detector: &Detector, settle: bool) -> Vec<Tried> {
    run(&p.vault, &BY, &Tools { detector, ..p.tools() }, settle).unwrap()
}

fn of(all: &[Tried], id: CorrectionId) -> Outcome {
    all.iter().find(|t| t.correction == id).unwrap().outcome
}

#[test]
fn both_kinds_become_right_with_the_sites_own_lists_and_lost_without_them() {
    let p = place();
    let id = chat(&p, 1);
    let (missed, taken) = (miss(&p, id, 1, GADGET, EntityType::DeviceId), wrong(&p, id));
    assert!(!text(&p, id, 1).contains("glimmer") && text(&p, id, 0).contains(NAME));
    let plain = Detector::new(Profile::Default).unwrap();
    let run = |detector: &Detector, settle| {
        let all = tried(&p, detector, settle);
        assert_eq!(all.len(), 2);
        (of(&all, missed), of(&all, taken))
    };
    assert_eq!(run(&plain, false), (Outcome::Wrong, Outcome::Wrong));
    assert_eq!(run(&site(), false), (Outcome::Right, Outcome::Right));
    assert_eq!(run(&plain, false), (Outcome::Lost, Outcome::Lost));
    // A second run does not make it good.
    assert_eq!(run(&plain, false), (Outcome::Lost, Outcome::Lost));
    assert_eq!(run(&plain, true), (Outcome::Lost, Outcome::Lost), "told once more");
    assert_eq!(run(&plain, false), (Outcome::Wrong, Outcome::Wrong));
    let all = tried(&p, &site(), false);
    // The customer's name was put back for the reading: no label is left.
    assert!(all.iter().all(|t| t.labels_left == 0), "{all:?}");
    let said = serde_json::to_string(&all).unwrap() + &format!("{all:?}");
    for value in ["glimmer", "quibble", "Priya", "Nair", "Dana", "Whitfield"] {
        assert!(!said.contains(value), "{value}");
    }
    assert!(!text(&p, id, 1).contains("glimmer"), "trying changes nothing");
}

#[test]
fn a_place_moves_with_later_corrections_of_its_turn_and_dies_with_a_change_of_its_words() {
    let p = place();
    let id = chat(&p, 1);
    let gadget = miss(&p, id, 1, GADGET, EntityType::DeviceId);
    let before = miss(&p, id, 1, "my", EntityType::Organization);
    let after = miss(&p, id, 1, "start", EntityType::Location);
    let all = tried(&p, &site(), false);
    let now: Vec<char> = text(&p, id, 1).chars().collect();
    for (id, label) in [(gadget, "[DEVICE_ID]"), (before, "[ORGANIZATION]"), (after, "[LOCATION]")] {
        let (from, to) = all.iter().find(|t| t.correction == id).unwrap().chars.unwrap();
        let there: String =
            now[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].iter().collect();
        assert_eq!(there, label);
    }
    assert_eq!((of(&all, gadget), of(&all, before)), (Outcome::Right, Outcome::Wrong));
    // The same value elsewhere later: its turn becomes one label, and what was decided in it has no place any more.
    let taken = wrong(&p, id);
    assert_eq!(of(&tried(&p, &site(), false), taken), Outcome::Right);
    miss(&p, id, 0, NAME, EntityType::Person);
    let all = tried(&p, &site(), false);
    assert_eq!(of(&all, taken), Outcome::Changed, "another decision covers it again");
    assert_eq!(of(&all, gadget), Outcome::Right);
}

#[test]
fn what_was_never_kept_restricted_or_refused_is_not_tried() {
    let p = place();
    let (code, held) = (chat(&p, 1), chat(&p, 2));
    let never = miss(&p, code, 1, "not", EntityType::Cvv);
    let restricted = miss(&p, held, 1, GADGET, EntityType::DeviceId);
    let what = NewCorrection::Missed {
        turn: 2,
        start_char: 0,
        end_char: 5,
        entity: EntityType::Person,
        heard_ms: None,
    };
    let refused = p.vault.request_correction(&A, code, &what, "a note").unwrap();
    p.vault.refuse_correction(&B, refused).unwrap();
    p.vault.request_correction(&A, code, &what, "still waits").unwrap();
    let customer = p.vault.subjects().unwrap().into_iter().filter(|s| s.role == "customer");
    let second = customer.map(|s| s.id).max().unwrap();
    p.vault.restrict(&BY, second, None, None).unwrap();
    let all = tried(&p, &site(), false);
    assert_eq!(all.len(), 2, "only what was accepted");
    assert_eq!((of(&all, never), of(&all, restricted)), (Outcome::NotKept, Outcome::Restricted));
    p.vault.unrestrict(&BY, second, None).unwrap();
    assert_eq!(of(&tried(&p, &site(), false), restricted), Outcome::Right);
}

#[test]
fn a_call_is_tried_as_it_was_said_with_the_label_of_a_read_back_in_its_place() {
    let (p, _, asked) = correct::tests::reported();
    assert_eq!(tried(&p, &site(), false).len(), 0, "not before another person agreed");
    correct::accept(&p.vault, &B, asked).unwrap();
    let plates =
        "[[list]]\nname = \"plates\"\ntype = \"VEHICLE_ID\"\nuse = \"find\"\nentries = [\"KXR 4471\"]\n";
    let knows = Detector::new(Profile::Default).unwrap().with_custom(Custom::parse(plates).unwrap());
    let all = tried(&p, &knows, false);
    assert_eq!((all[0].outcome, all[0].labels_left, all[0].kind.as_str()), (Outcome::Right, 1, "missed"));
}
