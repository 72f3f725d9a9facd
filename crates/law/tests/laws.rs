//! Laws of the law engine: a restricting fact never opens a door, unknown never means harmless, and every answer cites.

#[cfg(test)]
mod tests {
    use callvault_law::{Facts, Outcome, Overlay, Packs, evaluate};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static PACKS: LazyLock<Packs> = LazyLock::new(|| Packs::embedded(Overlay::default()).unwrap());

    fn call(action: &str, facts: &Value) -> callvault_law::Decision {
        let as_of = facts["at"].as_str().unwrap_or("2026-06-10T17:00:00Z").parse().unwrap();
        evaluate(&PACKS, "tcpa", action, &Facts::new(facts.clone()).unwrap(), as_of).unwrap()
    }

    const PLACES: &[(&str, &[&str])] = &[
        ("OH", &["America/New_York"]),
        ("FL", &["America/New_York", "America/Chicago"]),
        ("OK", &["America/Chicago"]),
        ("OR", &["America/Los_Angeles", "America/Boise"]),
        ("LA", &["America/Chicago"]),
        ("TX", &["America/Chicago", "America/Denver"]),
        ("RI", &["America/New_York"]),
        ("UT", &["America/Denver"]),
        ("NY", &["America/New_York"]),
        ("ME", &["America/New_York"]),
        ("CT", &["America/New_York"]),
        ("MS", &["America/Chicago"]),
        ("AZ", &["America/Phoenix"]),
        ("HI", &["Pacific/Honolulu"]),
        ("MD", &["America/New_York"]),
        ("SC", &["America/New_York"]),
    ];

    fn consent() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(json!({
                "kind": "prior_express_written", "given": "2026-01-05", "revoked": null, "signature": "e-sign",
                "phone": "+12125550123", "seller": "Acme", "disclosure_autodialer": true, "disclosure_not_condition": true,
            })),
            Just(json!({"kind": "prior_express", "given": "2026-01-05", "revoked": null})),
        ]
    }

    prop_compose! {
        fn world()(
            place in 0..PLACES.len(),
            hours in 0i64..24 * 365,
            purpose in prop::sample::select(vec!["telemarketing", "informational", "informational_commercial", "hipaa_health_care"]),
            mode in prop::sample::select(vec!["live", "prerecorded", "ai_voice"]),
            line in prop::sample::select(vec!["wireless", "residential"]),
            dialer in prop::sample::select(vec!["manual", "predictive"]),
            (consent, policy) in (consent(), any::<bool>()),
            national in any::<bool>(),
            ebr in prop::sample::select(vec![json!(null), json!(true), json!({"last_transaction": "2025-12-01"})]),
            attempts in 0u32..5,
            rnd in prop::sample::select(vec![json!(null), json!({"response": "no", "queried": "2026-01-01", "consent_date": null}), json!({"response": "no_data"})]),
            (b2b, optout, prior) in (any::<bool>(), any::<bool>(), 0u32..4),
        ) -> Value {
            let (state, zones) = PLACES[place];
            let at = jiff::Timestamp::from_second(1_767_225_600 + hours * 3_600).unwrap();
            let day = jiff::tz::Offset::UTC.to_datetime(at).date();
            let mut facts = json!({
                "action": "outbound_call", "purpose": purpose, "mode": mode, "at": at.to_string(),
                "candidate_states": [state], "candidate_zones": zones, "line": line, "dialer": dialer,
                "consent": consent, "called": "+12125550123", "seller": "Acme", "national_dnc": national,
                "internal_dnc": false, "registry_version_date": day.to_string(), "ebr": ebr, "b2b": b2b,
                "attempts_last_24h": attempts, "same_subject": true, "holidays_local": [], "emergencies": [], "rnd": rnd,
                "has_optout_mechanism": optout, "prior_calls_30d": prior, "prior_calls_7d": prior, "prior_calls_today": prior,
            });
            if policy {
                facts["operator_hours_policy"] = json!("law_only");
            }
            facts
        }
    }

    /// Facts that can only make things worse, over whatever was there.
    fn restrictions(facts: &Value) -> Vec<(&'static str, Value)> {
        let day = &facts["at"].as_str().unwrap()[..10];
        let state = facts["candidate_states"][0].clone();
        vec![
            ("internal_dnc", json!(true)),
            ("national_dnc", json!(true)),
            ("consent", json!(null)),
            ("ebr", json!(null)),
            ("attempts_last_24h", json!(9)),
            ("has_optout_mechanism", json!(false)),
            ("prior_calls_30d", json!(9)),
            ("prior_calls_7d", json!(9)),
            ("prior_calls_today", json!(9)),
            ("registry_version_date", json!("2020-01-01")),
            ("rnd", json!({"response": "yes"})),
            ("b2b", json!(false)),
            ("operator_hours_policy", json!(null)),
            ("dialer", json!("predictive")),
            ("holidays_local", json!([day, "2026-01-01"])),
            ("emergencies", json!([{"state": state, "from_": "2026-01-01", "to": "2027-12-31"}])),
            ("candidate_states", json!([facts["candidate_states"][0], "FL"])),
            ("candidate_states", json!([facts["candidate_states"][0], "LA"])),
            ("known_address_state", json!("RI")),
            ("called_npa", json!("850")),
            ("consents", json!([{"topic": null, "revoked": "2025-12-01"}])),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_restricting_fact_never_turns_deny_into_allow(facts in world()) {
            let before = call("outbound_call", &facts).outcome;
            for (name, value) in restrictions(&facts) {
                let mut worse = facts.clone();
                worse[name] = value;
                let after = call("outbound_call", &worse);
                prop_assert!(after.outcome >= before, "{name}: {before:?} became {:?}", after.outcome);
            }
            // A further zone is a further restriction too.
            let mut worse = facts.clone();
            worse["candidate_zones"].as_array_mut().unwrap().push(json!("Pacific/Honolulu"));
            prop_assert!(call("outbound_call", &worse).outcome >= before);
        }

        #[test]
        fn forgetting_a_fact_never_opens_a_door(facts in world()) {
            let before = call("outbound_call", &facts);
            for name in facts.as_object().unwrap().keys().filter(|n| *n != "action") {
                // What is null by convention: no consent, no relationship, no query.
                for null in [false, true] {
                    let mut less = facts.clone();
                    if null { less[name] = Value::Null } else { drop(less.as_object_mut().unwrap().remove(name)) }
                    let after = call("outbound_call", &less);
                    let safe = after.outcome >= before.outcome || after.outcome == Outcome::Deny;
                    // Without the age of the last calls or a "no data" the warning goes, and nothing else may.
                    let only_a_warning = before.outcome == Outcome::AllowWithWarning && name == "rnd";
                    prop_assert!(safe || only_a_warning, "{name}: {:?} became {:?}", before.outcome, after.outcome);
                }
            }
        }

        #[test]
        fn every_answer_cites_and_replays(facts in world()) {
            let answer = call("outbound_call", &facts);
            prop_assert!(!answer.citations.is_empty());
            prop_assert!(answer.reasons.iter().all(|r| !r.source.cite.is_empty()));
            prop_assert_eq!(answer, call("outbound_call", &facts));
        }

        #[test]
        fn no_text_makes_the_engine_fail(text in "\\PC{0,80}") {
            for action in ["classify_inbound_text", "outbound_text", "deadline", "retention_check"] {
                let facts = json!({"text": text, "kind": text, "record": text, "at": text, "requested": text, "purpose": text});
                let facts = Facts::new(facts).unwrap();
                let answer = evaluate(&PACKS, "tcpa", action, &facts, "2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
                prop_assert!(!answer.citations.is_empty());
            }
            let facts = Facts::new(json!({"field": text, "value": text})).unwrap();
            let answer = evaluate(&PACKS, "hipaa", "safe_harbor", &facts, "2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
            prop_assert!(answer.fields.contains_key("output"));
        }
    }

    #[test]
    fn every_action_answers_an_empty_case_and_never_allows_a_call_a_recording_or_card_data() {
        let as_of = "2026-11-23T12:00:00Z".parse().unwrap();
        for (engine, action) in PACKS.actions() {
            for facts in [json!({}), json!({"at": null, "element": null, "party_states": null})] {
                let answer = evaluate(&PACKS, &engine, &action, &Facts::new(facts).unwrap(), as_of).unwrap();
                assert!(!answer.citations.is_empty(), "{engine} {action}");
                let guarded =
                    ["outbound_call", "outbound_text", "start_recording", "store"].contains(&action.as_str());
                assert!(
                    !guarded || answer.outcome == Outcome::Deny,
                    "{engine} {action}: {:?}",
                    answer.decision
                );
                assert!(!guarded || !answer.missing_facts.is_empty(), "{engine} {action}");
            }
        }
    }

    #[test]
    fn a_rule_that_is_no_law_yet_is_shown_and_does_not_bind() {
        let facts = json!({
            "action": "outbound_call", "purpose": "informational", "mode": "prerecorded", "line": "wireless",
            "topic": "account_updates", "candidate_states": ["OH"], "candidate_zones": ["America/New_York"],
            "consents": [{"topic": "billing", "revoked": "2026-10-01"},
                         {"topic": "account_updates", "given": "2026-01-01", "revoked": null}],
            "dialer": "manual", "internal_dnc": false, "consent": null, "at": "2026-11-20T17:00:00Z",
        });
        let now = call("outbound_call", &facts);
        assert_eq!(now.decision, "allow", "{:?}", now.reasons);
        let shadow = now.shadow.iter().find(|s| s.code == "revoke_all").unwrap();
        assert_eq!((shadow.would.as_str(), shadow.status), ("deny", "stayed"));
        assert_eq!(shadow.from, Some("2027-01-31".parse().unwrap()));
        let mut later = facts;
        later["at"] = json!("2027-02-01T17:00:00Z");
        assert_eq!(call("outbound_call", &later).decision, "deny");
    }

    #[test]
    fn unreviewed_rows_are_named_and_can_be_switched_off() {
        let facts = json!({
            "purpose": "telemarketing", "mode": "live", "at": "2026-06-14T17:00:00Z", "candidate_states": ["AL"],
            "candidate_zones": ["America/Chicago"], "national_dnc": false, "internal_dnc": false, "dialer": "manual",
            "registry_version_date": "2026-06-10", "consent": null, "ebr": null, "holidays_local": [], "line": "wireless",
        });
        let strict = call("outbound_call", &facts);
        assert_eq!(strict.decision, "deny");
        assert!(strict.reasons.iter().all(|r| r.source.unreviewed), "{:?}", strict.reasons);
        let as_of = "2026-06-14T17:00:00Z".parse().unwrap();
        let overlays = ["reviewed_only = true", "off = [\"us.al.tel.hours\"]"];
        for overlay in overlays {
            let packs = Packs::embedded(Overlay::parse(overlay).unwrap()).unwrap();
            let facts = Facts::new(facts.clone()).unwrap();
            let off = evaluate(&packs, "tcpa", "outbound_call", &facts, as_of).unwrap();
            // It would have refused this Sunday; now nobody knows, so the call is refused for that.
            assert_eq!(off.decision, "deny", "{overlay}: {:?}", off.reasons);
            assert_eq!(off.reasons[0].code, "hours.AL.switched_off");
            assert!(off.reasons.iter().all(|r| r.unknown));
            // On a Monday morning it would have had nothing to say.
            let mut monday = facts
                .names()
                .map(|n| (n.to_owned(), facts.raw(n).unwrap().clone()))
                .collect::<serde_json::Map<_, _>>();
            monday.insert("at".into(), "2026-06-15T17:00:00Z".into());
            let monday = Facts::new(monday.into()).unwrap();
            let at = "2026-06-15T17:00:00Z".parse().unwrap();
            assert_eq!(evaluate(&packs, "tcpa", "outbound_call", &monday, at).unwrap().decision, "allow");
        }
        for (overlay, why) in
            [("off = [\"us.or.tel.hours\"]", "cannot be switched off"), ("off = [\"nope\"]", "no pack has")]
        {
            let error = Packs::embedded(Overlay::parse(overlay).unwrap()).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(Overlay::parse("of = []").is_err());
    }
}
