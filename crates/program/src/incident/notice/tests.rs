use super::*;
use callvault_law::{Overlay, Packs};
use callvault_model::Id;
use callvault_store::incident::{Phase, ScopeQuery};

fn incident() -> IncidentRow {
    let at: jiff::Timestamp = "2026-06-05T12:00:00Z".parse().unwrap();
    IncidentRow {
        id: Id::from_bytes([1; 16]),
        title: "Mass reading".into(),
        phase: Phase::Analysis,
        severity: "high".into(),
        playbook: "inside-reading".into(),
        opened_at: at.to_string(),
        opened_by: "local-operator".into(),
        closed_at: None,
        events: ["discovered", "aware", "determined", "confirmed", "suspected"]
            .map(|e| (e.to_owned(), at))
            .into(),
        laws: super::super::clocks::jurisdictions(&Packs::embedded(Overlay::default()).unwrap()),
        counts: BTreeMap::new(),
        query: Some(ScopeQuery { actors: vec![], sessions: vec![], from: at, to: at }),
        scope: Some(ScopeSummary {
            computed_at: at.to_string(),
            ledger_size: 10,
            people: 136_000,
            readings: 140,
            clear: [("CREDIT_CARD".to_owned(), 2), ("VOICE".to_owned(), 5)].into(),
            covered: [("PERSON".to_owned(), 136)].into(),
            renderings: [("masked".to_owned(), 140)].into(),
            refused: 0,
            unresolved: 0,
            exports: 0,
            places: [("US-TX".to_owned(), 100_000)].into(),
            elsewhere: 36_000,
            digest: "d".repeat(64),
        }),
    }
}

#[test]
fn every_clock_of_every_law_has_a_draft_that_says_what_it_is() {
    let (packs, incident) = (Packs::embedded(Overlay::default()).unwrap(), incident());
    let now = "2026-06-06T12:00:00Z".parse().unwrap();
    let all = super::super::clocks::countdowns(&packs, &incident, &[], now);
    assert!(all.len() > 130, "{}", all.len());
    for clock in &all {
        let (title, body) = draft(&incident, clock, &[], false).unwrap();
        assert!(
            !title.is_empty() && body.contains(DISCLAIMER) && body.contains(&clock.cite),
            "{}",
            clock.clock
        );
        assert!(
            !body.contains(['{', '}'])
                && (body.contains("136") || ["individuals", "acquirer"].contains(&clock.duty.as_str())),
            "{}: {body}",
            clock.clock
        );
        assert!(draft(&incident, clock, &[], true).unwrap().1.starts_with("DRILL"));
    }
    let texas = all.iter().find(|c| c.clock == "us-tx.regulator").unwrap();
    let body = draft(&incident, texas, &[], false).unwrap().1;
    assert!(body.contains("of them 136000 of US-TX or of unknown place"), "{body}");
    let card = all.iter().find(|c| c.duty == "acquirer").unwrap();
    assert!(draft(&incident, card, &[], false).unwrap().1.contains("Card numbers of 2 cardholders"));
}

#[test]
fn a_place_that_nothing_fills_is_a_fault_and_not_a_hole_in_a_letter() {
    assert!(fill("to {nobody}", &BTreeMap::new()).is_err());
    assert!(fill("open {", &BTreeMap::new()).is_err());
    assert_eq!(fill("plain", &BTreeMap::new()).unwrap(), "plain");
}
