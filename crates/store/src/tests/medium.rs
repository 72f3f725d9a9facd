use crate::{
    Actor, Refused,
    medium::{Encrypted, Holds, Level, MediumKind, MediumState, NewEnd, NewMedium, Technique, Verification},
    testing::world,
};
use callvault_model::Clock;
use callvault_policy::Role;
use jiff::SignedDuration;

const BY: Actor = Actor::LocalOperator;

fn drive() -> NewMedium {
    NewMedium {
        kind: MediumKind::Hdd,
        label: "WD-0142".into(),
        holds: Holds::Backup,
        encrypted: Encrypted::No,
        place: "rack 2".into(),
    }
}

fn end(day: &str, technique: Technique) -> NewEnd {
    NewEnd {
        done_on: day.parse().unwrap(),
        level: Level::Destroy,
        technique,
        verification: Verification::Firm,
        tool: "the firm".into(),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, crate::Error>) -> Refused {
    match result.unwrap_err() {
        crate::Error::Refused(refused) => refused,
        other => panic!("{other}"),
    }
}

#[test]
fn a_drive_is_handed_on_ended_by_one_and_witnessed_by_another() {
    let w = world();
    let id = w.vault.enter_medium(&BY, &drive()).unwrap();
    w.vault.move_medium(&BY, id, MediumState::Stored, "locked cabinet").unwrap();
    let on = "2026-12-01".parse().unwrap();
    w.vault.plan_medium(&BY, id, on, Level::Destroy, Technique::Shred).unwrap();
    assert!(matches!(
        refused(w.vault.move_medium(&BY, id, MediumState::Ended, "gone")),
        Refused::Invalid { .. }
    ));
    let future = w.vault.end_medium(&BY, id, &end("2026-11-25", Technique::Shred));
    assert!(refused(future).to_string().contains("future"));
    assert!(matches!(
        refused(w.vault.end_medium(&BY, id, &end("2026-11-20", Technique::Degauss))),
        Refused::Invalid { .. }
    ));
    assert!(
        refused(
            w.vault.certify_medium(id, callvault_model::Id::from_bytes([1; 16]), "00", |_| Ok(String::new()))
        )
        .to_string()
        .contains("witness")
    );
    let keeper = Actor::Account(w.person("keeper", &[Role::DisposalOfficer]).id);
    let other = Actor::Account(w.person("other", &[Role::PrivacyOfficer]).id);
    w.vault.end_medium(&keeper, id, &end("2026-11-20", Technique::Shred)).unwrap();
    assert_eq!(refused(w.vault.witness_medium(&keeper, id, true, "I saw it")), Refused::OwnRequest);
    assert!(matches!(refused(w.vault.witness_medium(&BY, id, true, "I saw it")), Refused::SecondPerson(_)));
    w.vault.witness_medium(&other, id, true, "I saw it").unwrap();
    assert_eq!(w.vault.medium(id).unwrap().state, MediumState::Ended);
    assert_eq!(
        refused(w.vault.move_medium(&BY, id, MediumState::Stored, "shelf")),
        Refused::Closed("medium")
    );
    let what: Vec<String> = w.vault.medium_steps(id).unwrap().into_iter().map(|s| s.what).collect();
    assert_eq!(what, ["entered", "moved", "planned", "destroyed", "witnessed"]);
    assert!(w.ledger().iter().all(|e| !e.contains("WD-0142") && !e.contains("cabinet")));
    w.verify();
}

/// What people typed about training and drives opens after the epoch was rolled as well.
#[test]
fn typed_words_open_after_a_roll() {
    let w = world();
    let agent = w.person("dana", &[Role::Agent]);
    let id = w.vault.enter_medium(&BY, &drive()).unwrap();
    w.vault.end_medium(&BY, id, &end("2026-11-20", Technique::Shred)).unwrap();
    w.vault.publish_policy(&BY, "recordings", "Nobody copies what he hears here.").unwrap();
    let until = w.clock.now().checked_add(SignedDuration::from_hours(24)).unwrap();
    w.vault.waive(&BY, agent.id, "clean-desk", until, "on leave").unwrap();
    w.vault.recall(&BY, agent.id, "clean-desk", 3, "after an incident").unwrap();
    w.vault.roll_epoch(&BY).unwrap();
    assert_eq!(w.vault.medium(id).unwrap().label, "WD-0142");
    assert_eq!(w.vault.medium_steps(id).unwrap()[0].text, "rack 2");
    assert_eq!(w.vault.medium_end(id).unwrap().unwrap().tool, "the firm");
    assert_eq!(w.vault.policies().unwrap()[0].text, "Nobody copies what he hears here.");
    assert_eq!(w.vault.waivers().unwrap()[0].reason, "on leave");
    assert_eq!(w.vault.sealed_by_older_names(&w.vault.db()).unwrap(), 0);
}
