//! The engine against a second reading of the same law: Python, zoneinfo, and the tables as they were collected.

#[cfg(test)]
mod tests {
    use callvault_law::{Facts, Outcome, Overlay, Packs, evaluate};
    use serde_json::Value;
    use std::{collections::BTreeMap, process::Command};

    fn oracle(args: &[&str]) -> Vec<Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/law_oracle.py");
        let out = Command::new("python3").arg("-B").arg(script).args(args).output().expect("python3 runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn mutated_cases_agree_with_the_oracle() {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        let mut agreed: BTreeMap<String, usize> = BTreeMap::new();
        let mut bad = Vec::new();
        for seed in ["1", "2", "3"] {
            for case in oracle(&["mutate", seed, "20000"]) {
                let engine = case["engine"].as_str().unwrap();
                let action = case["input"]["action"].as_str().unwrap();
                let facts = Facts::new(case["input"].clone()).unwrap();
                let as_of = case["as_of"].as_str().unwrap().parse().unwrap();
                let answer = evaluate(&packs, engine, action, &facts, as_of).unwrap();
                let got = |field: &str| match field {
                    "decision" => Value::String(answer.decision.clone()),
                    f => answer.fields.get(f).cloned().unwrap_or(Value::Null),
                };
                let expect = case["expect"].as_object().unwrap();
                let wrong: Vec<_> =
                    expect.iter().filter(|(f, w)| &&got(f) != w).map(|(f, _)| f.clone()).collect();
                if wrong.is_empty() && !answer.citations.is_empty() {
                    *agreed.entry(format!("{engine} {action}")).or_default() += 1;
                } else {
                    let why: Vec<_> = answer.reasons.iter().map(|r| r.code.clone()).collect();
                    bad.push(format!("{case}\n  {wrong:?}: {} {:?} {why:?}", answer.decision, answer.fields));
                }
            }
        }
        let total: usize = agreed.values().sum();
        println!("agreed on {total}: {agreed:?}");
        assert!(
            bad.is_empty(),
            "{} disagree, {total} agree:\n{}",
            bad.len(),
            bad[..bad.len().min(12)].join("\n")
        );
        assert!(agreed.len() >= 49, "the oracle spoke of {} actions only", agreed.len());
        assert!(total > 55_000, "the oracle spoke of {total} cases only");
    }

    #[test]
    fn every_minute_around_clock_changes_and_midnights() {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        let (mut minutes, mut open, mut pairs) = (0, 0, std::collections::BTreeSet::new());
        for span in oracle(&["minutes"]) {
            let (state, zone) = (span["state"].as_str().unwrap(), span["zone"].as_str().unwrap());
            let start: jiff::Timestamp = span["start"].as_str().unwrap().parse().unwrap();
            pairs.insert(format!("{state} {zone}"));
            for (i, wanted) in span["open"].as_str().unwrap().chars().enumerate() {
                let at = jiff::Timestamp::from_second(start.as_second() + 60 * i as i64).unwrap();
                // The last second of a minute is decided as its first.
                for at in [at, jiff::Timestamp::from_second(at.as_second() + 59).unwrap()] {
                    let facts = serde_json::json!({
                        "purpose": "telemarketing", "mode": "live", "at": at.to_string(), "candidate_states": [state],
                        "candidate_zones": [zone], "national_dnc": false, "internal_dnc": false, "line": "wireless",
                        "dialer": "manual", "registry_version_date": "2026-06-10", "ebr": true, "consent": null,
                        "holidays_local": [], "emergencies": [], "attempts_last_24h": 0,
                    });
                    let answer =
                        evaluate(&packs, "tcpa", "outbound_call", &Facts::new(facts).unwrap(), at).unwrap();
                    let hours = |r: &callvault_law::Reason| {
                        r.code.starts_with("hours.") || r.code.starts_with("day.")
                    };
                    let closed = answer.reasons.iter().any(|r| hours(r) && r.outcome == Outcome::Deny);
                    assert_eq!(!closed, wanted == '1', "{state} {zone} {at}: {:?}", answer.reasons);
                }
                minutes += 1;
                open += usize::from(wanted == '1');
            }
        }
        println!("{minutes} minutes, {open} open");
        assert_eq!(pairs.len(), 12);
        assert!(minutes > 50_000 && open > 12_000);
    }
}
