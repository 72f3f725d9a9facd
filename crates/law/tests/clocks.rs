//! Every row of the breach table, with its start event, its threshold and a weekend; request clocks at their edges.

#[cfg(test)]
mod tests {
    use callvault_law::{Facts, Law, Overlay, Packs, StartEvents, breach_clocks, evaluate, request_clock};
    use jiff::{Timestamp, ToSpan, civil::Date};
    use serde_json::{Value, json};

    fn packs() -> Packs {
        Packs::embedded(Overlay::default()).unwrap()
    }

    fn ts(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// The table as it was collected.
    fn collected() -> Vec<Value> {
        let text = include_str!("../../../fixtures/law/breach_clocks.json");
        let all: Value = serde_json::from_str(text).unwrap();
        all["clocks"].as_array().unwrap().clone()
    }

    fn state(packs: &Packs, facts: Value) -> (serde_json::Map<String, Value>, String) {
        let facts = Facts::new(facts).unwrap();
        let answer = evaluate(packs, "breach", "state_clock", &facts, ts("2026-06-05T12:00:00Z")).unwrap();
        assert!(answer.citations.len() > 1, "{:?}", answer.citations);
        (answer.fields, answer.decision)
    }

    fn plus(start: Date, amount: i64, unit: &str) -> Date {
        if unit != "business_days" {
            return start.checked_add(amount.days()).unwrap();
        }
        let (mut at, mut left) = (start, amount);
        while left > 0 {
            at = at.tomorrow().unwrap();
            left -= i64::from(at.weekday().to_monday_zero_offset() < 5);
        }
        at
    }

    #[test]
    fn every_state_row_has_its_start_its_number_and_its_threshold() {
        let packs = packs();
        let mut seen = 0;
        // A Friday, so that business days meet a weekend, and no period rolls forward from one.
        let day = |n: i64| date("2026-06-05").checked_add(n.days()).unwrap();
        for row in collected().iter().filter(|r| r["individuals"].is_object()) {
            let (place, individuals, regulator) =
                (&row["jurisdiction"], &row["individuals"], &row["regulator"]);
            let events = json!({
                "jurisdiction": place, "discovered": day(0), "aware": day(1), "determined": day(2), "confirmed": day(3),
                "individuals_notified": day(10), "residents": 1_000_000,
            });
            let starts = |part: &Value| match part["start"].as_str().unwrap() {
                "discovery" => day(0),
                "awareness" => day(1),
                "determination" => day(2),
                "confirmation" => day(3),
                "notice_to_individuals" => day(10),
                other => panic!("{other}"),
            };
            let (got, word) = state(&packs, events.clone());
            assert_eq!(word, "notify");
            let due = individuals["amount"]
                .as_i64()
                .map(|n| plus(starts(individuals), n, "calendar_days").to_string());
            assert_eq!(got["individuals_by"], json!(due), "{place}");
            assert_eq!(got["text"], individuals["text"], "{place}");
            assert_eq!(got["regulator"].is_array(), regulator["required"] == true, "{place}");
            if regulator["required"] == true {
                let by = match regulator["amount"].as_i64() {
                    Some(n) => plus(starts(regulator), n, regulator["unit"].as_str().unwrap()),
                    None => day(10),
                };
                assert_eq!(got["regulator_by"], json!(by.to_string()), "{place}");
                let n = regulator["threshold_residents"].as_u64().unwrap();
                let least = if regulator["threshold_op"] == ">" { n + 1 } else { n };
                for (residents, due) in [(least, true), (least - 1, false)] {
                    let mut few = events.clone();
                    few["residents"] = json!(residents);
                    let (got, _) = state(&packs, few);
                    assert_eq!(got["regulator"].is_array(), due, "{place} {residents}");
                    assert_eq!(got["regulator_by"].is_string(), due, "{place} {residents}");
                }
            }
            // Safe data needs no notice; taken keys, and keys of which nothing is known, do.
            for (keys, wanted) in
                [(json!(false), "no_notice"), (json!(true), "notify"), (Value::Null, "notify")]
            {
                let mut safe = events.clone();
                safe["encrypted"] = json!(true);
                safe["keys_compromised"] = keys;
                assert_eq!(state(&packs, safe).1, wanted, "{place}");
            }
            seen += 1;
        }
        assert_eq!(seen, 52);
    }

    #[test]
    fn a_later_event_never_stands_in_for_an_earlier_one() {
        let packs = packs();
        // Washington runs from discovery; that it was determined later says nothing of when that was.
        let (got, _) =
            state(&packs, json!({"jurisdiction": "US-WA", "determined": "2026-06-05", "residents": 900}));
        assert_eq!(got["individuals_by"], Value::Null);
        // Texas runs from determination; discovery is earlier, so the clock only runs out earlier.
        let (got, _) =
            state(&packs, json!({"jurisdiction": "US-TX", "discovered": "2026-06-05", "residents": 900}));
        assert_eq!(got["individuals_by"], "2026-08-04");
        assert_eq!(got["regulator_by"], "2026-07-05");
    }

    #[test]
    fn the_rows_before_an_amendment_are_there() {
        let packs = packs();
        let facts = json!({"jurisdiction": "US-CA", "discovered": "2025-11-03", "residents": 900, "individuals_notified": "2025-11-20"});
        let old = evaluate(
            &packs,
            "breach",
            "state_clock",
            &Facts::new(facts).unwrap(),
            ts("2025-11-20T12:00:00Z"),
        )
        .unwrap();
        assert_eq!(old.fields["individuals_by"], Value::Null);
        assert_eq!(old.fields["regulator"], json!(["AG"]));
        assert_eq!(old.fields["regulator_by"], Value::Null);
        let facts = json!({"jurisdiction": "US-OK", "discovered": "2025-11-03", "residents": 900, "individuals_notified": "2025-11-20"});
        let old = evaluate(
            &packs,
            "breach",
            "state_clock",
            &Facts::new(facts).unwrap(),
            ts("2025-11-20T12:00:00Z"),
        )
        .unwrap();
        assert_eq!(old.fields["regulator"], Value::Null);
    }

    #[test]
    fn every_other_row_is_a_clock_with_its_number() {
        let packs = packs();
        let at = ts("2026-03-06T09:30:00Z");
        let events = StartEvents {
            discovered: Some(at),
            aware: Some(at),
            determined: Some(at),
            confirmed: Some(at),
            high_risk_determined: Some(at),
            individuals_notified: Some(at),
            suspected: Some(at),
            materiality_determined: Some(at),
            classified: Some(at),
            residents: Some(5_000),
            individuals: Some(5_000),
            max_in_one_state: Some(5_000),
        };
        let places = [
            "HIPAA",
            "HIPAA-BA",
            "EU",
            "EU-PROCESSOR",
            "UK",
            "UK-PECR",
            "CA",
            "CA-QC",
            "CA-AB",
            "AU",
            "FTC-SAFEGUARDS",
            "FTC-HBNR",
            "SEC",
            "US-BANK",
            "NYDFS",
            "FCC-CPNI",
            "NIS2",
            "DORA",
            "PCI",
            "BR",
            "SG",
            "KR",
            "CH",
            "NZ",
        ];
        let all = breach_clocks(&packs, &places, &events, at);
        for row in collected().iter().filter(|r| !r["individuals"].is_object()) {
            let id = row["id"].as_str().unwrap();
            let found = all.iter().find(|c| c.due.clock == id);
            if id == "hipaa-hhs-small" || row["status"] == "proposed" {
                assert!(found.is_none(), "{id} is not due");
                continue;
            }
            let found = found.unwrap_or_else(|| panic!("{id} is missing"));
            let wanted = row["amount"].as_i64().map(|n| match row["unit"].as_str().unwrap() {
                "hours" => at.checked_add(n.hours()).unwrap().to_string(),
                unit => plus(date("2026-03-06"), n, unit).to_string(),
            });
            assert_eq!(found.due.due, wanted, "{id}");
            assert!(wanted.is_some() || !found.due.text.is_empty(), "{id} says nothing");
            assert!(!found.due.source.cite.is_empty() && found.counted, "{id}");
        }
        assert!(all.windows(2).all(|w| w[0].ends.is_none()
            || w[1].ends.is_some_and(|e| Some(e) >= w[0].ends)
            || w[1].ends.is_none()));
        let few = StartEvents { individuals: Some(499), max_in_one_state: Some(500), ..events };
        let ids =
            |c: Vec<callvault_law::CountedClock>| c.into_iter().map(|c| c.due.clock).collect::<Vec<_>>();
        let small = ids(breach_clocks(&packs, &["HIPAA"], &few, at));
        assert_eq!(small, ["hipaa-individuals", "hipaa-hhs-small"]);
        let uncounted = StartEvents { individuals: None, residents: None, max_in_one_state: None, ..few };
        let unknown = breach_clocks(&packs, &["HIPAA"], &uncounted, at);
        assert_eq!(unknown.len(), 4, "what nobody counted is shown");
        assert!(unknown.iter().any(|c| !c.counted));
    }

    #[test]
    fn request_clocks_at_their_edges() {
        let packs = packs();
        let due = |law, received: &str, extended, holidays: &[&str]| {
            let holidays: Vec<Date> = holidays.iter().map(|d| date(d)).collect();
            let r = request_clock(&packs, law, date(received), extended, &holidays).unwrap();
            assert!(!r.clock.source.cite.is_empty());
            (r.due.to_string(), r.nominal.to_string(), r.extension_notice_by.to_string())
        };
        let is = |got: (String, String, String), due: &str, nominal: &str, notice: &str| {
            assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_str()), (due, nominal, notice));
        };
        is(due(Law::Eu, "2026-01-31", false, &[]), "2026-03-02", "2026-02-28", "2026-03-02");
        is(due(Law::Eu, "2026-01-31", true, &[]), "2026-04-30", "2026-04-30", "2026-03-02");
        is(due(Law::Eu, "2028-01-30", false, &[]), "2028-02-29", "2028-02-29", "2028-02-29");
        is(
            due(Law::Uk, "2026-11-25", false, &["2026-12-25", "2026-12-28"]),
            "2026-12-29",
            "2026-12-25",
            "2026-12-29",
        );
        is(due(Law::California, "2026-03-02", false, &[]), "2026-04-15", "2026-04-15", "2026-04-15");
        is(due(Law::California, "2026-03-02", true, &[]), "2026-05-30", "2026-05-30", "2026-04-15");
        is(due(Law::HipaaAccess, "2026-03-10", true, &[]), "2026-05-09", "2026-05-09", "2026-04-09");
        is(due(Law::HipaaAccounting, "2026-03-10", false, &[]), "2026-05-09", "2026-05-09", "2026-05-09");
        let ca = request_clock(&packs, Law::California, date("2026-03-02"), false, &[]).unwrap();
        assert_eq!(ca.acknowledge_by, Some(date("2026-03-16")));
        assert!(request_clock(&packs, Law::Eu, date("9999-12-31"), false, &[]).is_err());
    }

    #[test]
    fn regulation_1182_counts_hours_and_working_days() {
        let packs = packs();
        let latest = |aware: &str, holidays: Value| {
            let facts =
                json!({"law": "GDPR-33", "aware": aware, "risk": "risk", "public_holidays": holidays});
            let d = evaluate(&packs, "gdpr", "breach_clock", &Facts::new(facts).unwrap(), ts(aware)).unwrap();
            (
                d.fields["alarm"].as_str().unwrap().to_owned(),
                d.fields["latest_1182"].as_str().unwrap().to_owned(),
            )
        };
        let is = |got: (String, String), alarm: &str, last: &str| {
            assert_eq!((got.0.as_str(), got.1.as_str()), (alarm, last))
        };
        is(latest("2026-11-16T10:25:00Z", json!([])), "2026-11-19T10:25:00Z", "2026-11-19T11:00:00Z");
        is(latest("2026-11-20T16:40:00Z", json!([])), "2026-11-23T16:40:00Z", "2026-11-23T17:00:00Z");
        // Thursday before Christmas: Friday is a holiday, so one working day only until Sunday; Monday is the second.
        is(
            latest("2026-12-24T16:40:00Z", json!(["2026-12-25"])),
            "2026-12-27T16:40:00Z",
            "2026-12-29T00:00:00Z",
        );
    }
}
