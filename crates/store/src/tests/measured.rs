use crate::{Actor, Error, Refused, settings::Measured, testing::world};
use serde_json::{Value, json};

const BY: Actor = Actor::LocalOperator;

fn refused(result: Result<Measured, Error>) -> bool {
    matches!(result, Err(Error::Refused(Refused::Invalid { .. })))
}

fn report() -> Value {
    json!({
        "planted_released": 40, "covered": 39, "recall_at_least": 0.871_284_915_273, "false_mute_share": 0.1 + 0.2,
        "by_type": {"CREDIT_CARD": [20, 1]}, "recovered": [["a.wav", "CREDIT_CARD", "audible 62 %"]],
    })
}

#[test]
fn a_signed_report_is_accepted_as_printed_and_in_any_layout() {
    let w = world();
    let signed = w.vault.sign_measurement(&BY, report()).unwrap();
    let text = signed.to_string();
    assert_eq!(w.vault.accept_measurement(&text).unwrap(), Measured::new(40, 39));
    let pretty = serde_json::to_string_pretty(&signed).unwrap();
    assert_eq!(w.vault.accept_measurement(&pretty).unwrap(), Measured::new(40, 39));
    assert_eq!(w.entries("vault.measured").len(), 1);
    // Signing it again replaces the signature.
    assert!(w.vault.accept_measurement(&w.vault.sign_measurement(&BY, signed).unwrap().to_string()).is_ok());
}

#[test]
fn whatever_is_changed_in_a_report_it_releases_nothing() {
    let w = world();
    let signed = w.vault.sign_measurement(&BY, report()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut copy = signed.clone();
        change(&mut copy);
        assert_ne!(copy, signed);
        refused(w.vault.accept_measurement(&copy.to_string()))
    };
    let changes: [&dyn Fn(&mut Value); 9] = [
        &|r| r["covered"] = 40.into(),
        &|r| r["planted_released"] = 400.into(),
        &|r| r["false_mute_share"] = 0.01.into(),
        &|r| r["by_type"]["CREDIT_CARD"][1] = 0.into(),
        &|r| r["recovered"] = json!([]),
        &|r| r["more"] = 1.into(),
        &|r| r["signed"]["at"] = "2020-01-01T00:00:00Z".into(),
        &|r| r["signed"]["vault"] = "another".into(),
        &|r| r["signed"]["signature"] = "00".repeat(64).into(),
    ];
    for change in changes {
        assert!(with(change));
    }
    assert!(with(&|r| drop(r.as_object_mut().unwrap().remove("signed"))));
    for text in ["", "{}", "[]", "4242", &report().to_string()] {
        assert!(refused(w.vault.accept_measurement(text)), "{text}");
    }
}

#[test]
fn a_report_of_another_vault_is_refused() {
    let (w, other) = (world(), world());
    let signed = other.vault.sign_measurement(&BY, report()).unwrap().to_string();
    assert!(other.vault.accept_measurement(&signed).is_ok());
    assert!(refused(w.vault.accept_measurement(&signed)));
}
