//! Every row of the breach table against an oracle that knows only the table: start events two hours apart, weekends,
//! the end of a year, a leap day, changes of the clock, and people just below, at and above each threshold.

#[cfg(test)]
mod tests {
    use callvault_law::{Overlay, Packs, StartEvents, breach_clocks, breach_jurisdictions};
    use jiff::Timestamp;
    use serde_json::Value;
    use std::{collections::BTreeSet, io::Write, path::Path, process::Command};

    fn expected() -> Option<Value> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let out = Command::new("python3")
            .arg("-B")
            .arg(root.join("tests/oracle/breach_oracle.py"))
            .arg(root.join("../../fixtures/law/breach_clocks.json"))
            .output()
            .ok()?;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Some(serde_json::from_slice(&out.stdout).unwrap())
    }

    fn events(of: &Value, people: u64) -> StartEvents {
        let at = |name: &str| of[name].as_str().map(|t| t.parse::<Timestamp>().unwrap());
        StartEvents {
            discovered: at("discovered"),
            aware: at("aware"),
            determined: at("determined"),
            confirmed: at("confirmed"),
            high_risk_determined: at("high_risk_determined"),
            individuals_notified: at("individuals_notified"),
            suspected: at("suspected"),
            materiality_determined: at("materiality_determined"),
            classified: at("classified"),
            residents: Some(people),
            individuals: Some(people),
            max_in_one_state: Some(people),
        }
    }

    /// What the packs say: the text of the last moment; `None` where the clock does not run.
    fn said(packs: &Packs, place: &str, id: &str, e: &StartEvents) -> Option<Option<String>> {
        let as_of = "2026-12-01T12:00:00Z".parse().unwrap();
        breach_clocks(packs, &[place], e, as_of).into_iter().find(|c| c.due.clock == id).map(|c| c.due.due)
    }

    #[test]
    fn every_row_agrees_with_the_oracle() {
        let Some(all) = expected() else {
            // Nobody to tell when standard error is closed.
            let _ = writeln!(std::io::stderr(), "skipped: the oracle of the breach table needs python3");
            return;
        };
        let packs = Packs::embedded(Overlay::default()).unwrap();
        let places = breach_jurisdictions(&packs);
        let (mut seen, mut asked) = (BTreeSet::new(), 0);
        for scenario in all.as_array().unwrap() {
            for row in scenario["rows"].as_array().unwrap() {
                let (id, people) = (row["id"].as_str().unwrap(), row["people"].as_u64().unwrap());
                let e = events(&scenario["events"], people);
                let about = format!(
                    "{id} from {} with {people} people, told {}",
                    scenario["start"], scenario["told"]
                );
                seen.insert(id.to_owned());
                asked += 1;
                if let Some(due) = row["due"].as_object() {
                    let place = id.to_uppercase();
                    let individuals = said(&packs, &place, &format!("{id}.individuals"), &e);
                    assert_eq!(individuals, Some(due["individuals"].as_str().map(str::to_owned)), "{about}");
                    let regulator = said(&packs, &place, &format!("{id}.regulator"), &e);
                    let wanted = due.get("regulator").map(|d| d.as_str().map(str::to_owned));
                    assert_eq!(regulator, wanted, "{about}: regulator");
                    if let Some(from) = due.get("cra_from").and_then(Value::as_u64) {
                        let cra = format!("{id}.cra");
                        let below = from.checked_sub(1).map(|n| (n, false));
                        for (n, binds) in [(from + 1, true)].into_iter().chain(below) {
                            let e = events(&scenario["events"], n);
                            assert_eq!(
                                said(&packs, &place, &cra, &e).is_some(),
                                binds,
                                "{about}: agencies at {n}"
                            );
                        }
                    }
                    continue;
                }
                let found = places.iter().find_map(|p| said(&packs, p, id, &e));
                let wanted = (row["binds"] == true).then(|| row["due"].as_str().map(str::to_owned));
                assert_eq!(found, wanted, "{about}");
            }
        }
        assert!(seen.len() >= 81 && asked > 2_000, "{} rows, {asked} questions", seen.len());
    }
}
