//! Card data, health identifiers and recordings: every member of every table.

#[cfg(test)]
mod tests {
    use callvault_law::{Decision, Facts, Overlay, Packs, evaluate};
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static PACKS: LazyLock<Packs> = LazyLock::new(|| Packs::embedded(Overlay::default()).unwrap());

    fn ask(engine: &str, action: &str, facts: Value) -> Decision {
        let as_of = "2026-11-23T12:00:00Z".parse().unwrap();
        evaluate(&PACKS, engine, action, &Facts::new(facts).unwrap(), as_of).unwrap()
    }

    fn words(table: &str) -> Vec<String> {
        let all = Packs::embedded_files().into_iter().flat_map(|f| {
            let file: toml::Table = toml::from_str(&f.text).unwrap();
            file.get("table").and_then(toml::Value::as_array).cloned().unwrap_or_default()
        });
        let found = all.into_iter().find(|t| t["id"].as_str() == Some(table)).unwrap();
        found["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn security_codes_survive_authorisation_in_no_form() {
        let forms =
            ["pci.unreadable_forms", "pci.unkeyed_hashes", "pci.judged_elsewhere", "pci.bad_truncations"];
        let forms: Vec<Value> = forms
            .iter()
            .flat_map(|t| words(t))
            .map(Value::from)
            .chain([json!("audio"), Value::Null])
            .collect();
        let sad = words("pci.sad");
        assert!(sad.len() >= 10);
        for element in &sad {
            for form in &forms {
                for encrypted in [json!(true), json!(false), Value::Null] {
                    for (phase, allowed) in
                        [("post_authorization", "purge"), ("unheard_of", "purge"), ("", "purge")]
                    {
                        let facts =
                            json!({"element": element, "phase": phase, "form": form, "encrypted": encrypted});
                        assert_eq!(ask("pci", "store", facts.clone()).decision, allowed, "{facts}");
                    }
                    let facts = json!({"element": element, "form": form, "encrypted": encrypted});
                    let token = form.as_str().is_some_and(|f| f.ends_with("_token") && f != "token");
                    // A token of a code is storage of it, whatever the phase was.
                    assert_eq!(ask("pci", "store", facts).decision, if token { "purge" } else { "deny" });
                    let facts = json!({"element": element, "phase": "pre_authorization", "form": form, "encrypted": encrypted});
                    let wanted =
                        if encrypted == true && !token { "allow_until_authorization" } else { "deny" };
                    assert_eq!(ask("pci", "store", facts.clone()).decision, wanted, "{facts}");
                }
            }
        }
    }

    #[test]
    fn card_numbers_are_stored_unreadable_or_not_at_all() {
        for form in words("pci.unreadable_forms") {
            assert_eq!(
                ask("pci", "store", json!({"element": "pan", "form": form})).decision,
                "allow",
                "{form}"
            );
        }
        for form in words("pci.unkeyed_hashes").into_iter().chain(words("pci.bad_truncations")) {
            assert_eq!(
                ask("pci", "store", json!({"element": "pan", "form": form, "encrypted": true})).decision,
                "deny",
                "{form}"
            );
        }
        for (facts, wanted) in [
            (json!({"element": "pan"}), "deny"),
            (json!({"element": "pan", "form": "plaintext"}), "deny"),
            (json!({"element": "pan", "form": "plaintext", "encrypted": false}), "deny"),
            (json!({"element": "pan", "form": "audio", "encrypted": true}), "allow"),
            (json!({"element": "pan", "form": "disk_encryption_only", "media": "removable"}), "allow"),
            (json!({"element": "pan", "form": "disk_encryption_only"}), "deny"),
            (json!({"element": "pan", "form": "truncated_6_4", "also_stored": ["hmac"]}), "deny"),
            (json!({"element": "expiry"}), "allow"),
            (json!({"element": "shoe_size"}), "deny"),
            (json!({}), "deny"),
        ] {
            assert_eq!(ask("pci", "store", facts.clone()).decision, wanted, "{facts}");
        }
        let shown = |pan: &str| {
            ask("pci", "display", json!({"pan": pan, "need_full": false})).fields["output"].clone()
        };
        assert_eq!(shown("4111 1111 1111 1111"), "411111******1111");
        assert_eq!(shown("378282246310005"), "378282*****0005");
        assert_eq!(shown("123456789"), "*********");
        let is_pan = |text: &str| ask("pci", "detect_pan", json!({"text": text})).decision;
        for text in ["4111111111111111", "card: 4111-1111-1111-1111.", "3782 822463 10005", "triple one four"]
        {
            assert_eq!(is_pan(text), if text.contains("triple") { "not_pan" } else { "pan" }, "{text}");
        }
        assert_eq!(is_pan("order 4111111111111112"), "not_pan");
    }

    #[test]
    fn the_eighteen_identifiers_go_and_the_rest_is_made_coarser() {
        let out = |field: &str, value: Value| {
            ask("hipaa", "safe_harbor", json!({"field": field, "value": value})).fields["output"].clone()
        };
        for field in [
            "name",
            "address",
            "city",
            "county",
            "phone",
            "fax",
            "email",
            "ssn",
            "mrn",
            "health_plan_id",
            "account_number",
            "license",
            "vehicle_id",
            "device_id",
            "url",
            "ip",
            "fingerprint",
            "face_photo",
            "unique_id",
            "a_field_nobody_knows",
        ] {
            assert_eq!(out(field, json!("x")), "[removed]", "{field}");
        }
        for (field, value, wanted) in [
            ("age", json!(0), json!(0)),
            ("age", json!(89), json!(89)),
            ("age", json!(90), json!("90+")),
            ("age", json!("93"), json!("90+")),
            ("age", json!(-3), json!("[removed]")),
            ("birth_date", json!("1936-11-23"), json!("[over-89: no year]")),
            ("birth_date", json!("1936-11-24"), json!("1936")),
            ("birth_date", json!("2027-01-01"), json!("[removed]")),
            ("birth_date", json!("1901"), json!("[over-89: no year]")),
            ("discharge_date", json!("2026-03-04T10:00:00Z"), json!("2026")),
            ("death_date", json!("March"), json!("[removed]")),
            ("zip", json!("902"), json!("902")),
            ("zip", json!(2139), json!("021")),
            ("zip", json!("09012"), json!("000")),
            ("zip", json!("9021"), json!("[removed]")),
            ("zip", json!("SW1A 1AA"), json!("[removed]")),
            ("redacted_audio", json!("a.wav"), json!("[not de-identifiable: biometric voice print]")),
            ("state", json!("TX"), json!("TX")),
        ] {
            assert_eq!(out(field, value.clone()), wanted, "{field} {value}");
        }
        for prefix in words("zip3.few_people") {
            assert_eq!(out("zip", json!(format!("{prefix}01"))), "000");
        }
    }

    #[test]
    fn the_strictest_party_governs_a_recording() {
        let table: Value =
            serde_json::from_str(include_str!("../../../fixtures/law/tcpa_states.json")).unwrap();
        let states = table["states"].as_object().unwrap();
        let (mut strict, mut all) = (0, 0);
        for (code, row) in states {
            let all_party = row["recording_consent"]["engine_treat_as"] == "all_party";
            strict += usize::from(all_party);
            all += 1;
            for (played, stayed) in [(true, true), (true, false), (false, true)] {
                let facts = json!({"party_states": ["OH", code], "announcement_played": played, "continued_on_line": stayed});
                let wanted = if all_party && !(played && stayed) { "deny" } else { "allow" };
                assert_eq!(
                    ask("tcpa", "start_recording", facts).decision,
                    wanted,
                    "{code} {played} {stayed}"
                );
            }
            let unheard = json!({"party_states": [code]});
            assert_eq!(ask("tcpa", "start_recording", unheard).decision == "deny", all_party, "{code}");
        }
        assert_eq!((all, strict), (51, 13));
        for unknown in [
            json!(["OH", null]),
            json!(["OH", "ZZ"]),
            json!(["OH", "PR"]),
            json!([]),
            Value::Null,
            json!("CA"),
        ] {
            let facts =
                json!({"party_states": unknown, "announcement_played": false, "continued_on_line": true});
            assert_eq!(ask("tcpa", "start_recording", facts.clone()).decision, "deny", "{facts}");
        }
    }
}
