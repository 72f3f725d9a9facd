//! Every worked case, by the public function, with the exact fields that it expects.

#[cfg(test)]
mod tests {
    use callvault_law::{Facts, Overlay, Packs, evaluate};
    use serde_json::Value;
    use std::collections::BTreeSet;

    const CASES: &str = include_str!("../../../fixtures/law/cases.jsonl");

    /// Cases of this project's own, argued from the reference by hand; `note` says the argument.
    const ARGUED: &str = include_str!("../../../fixtures/law/argued.jsonl");

    fn cases() -> Vec<Value> {
        CASES.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    fn packs() -> Packs {
        Packs::embedded(Overlay::default()).unwrap()
    }

    /// The fields that differ from what the case expects.
    fn wrong(packs: &Packs, case: &Value) -> Vec<String> {
        let input = case["input"].clone();
        let action = input["action"].as_str().unwrap().to_owned();
        let as_of = case["as_of"].as_str().unwrap().parse().unwrap();
        let facts = Facts::new(input).unwrap();
        let answer = evaluate(packs, case["engine"].as_str().unwrap(), &action, &facts, as_of).unwrap();
        let mut bad = Vec::new();
        if answer.citations.is_empty() {
            bad.push("no citation".to_owned());
        }
        for (field, wanted) in case["expect"].as_object().unwrap().iter().filter(|(f, _)| *f != "reasons") {
            let got = match field.as_str() {
                "decision" => Value::String(answer.decision.clone()),
                f => answer.fields.get(f).cloned().unwrap_or(Value::String("(absent)".to_owned())),
            };
            if &got != wanted {
                let why: Vec<_> = answer.reasons.iter().map(|r| r.code.as_str()).collect();
                bad.push(format!("{} {field}: {got} instead of {wanted} {why:?}", case["id"]));
            }
        }
        bad
    }

    #[test]
    fn every_case_is_answered_as_it_should_be() {
        let packs = packs();
        let all = cases();
        assert!(all.len() >= 129, "only {} cases", all.len());
        let bad: Vec<String> = all.iter().flat_map(|c| wrong(&packs, c)).collect();
        assert!(bad.is_empty(), "{} wrong:\n{}", bad.len(), bad.join("\n"));
    }

    #[test]
    fn every_argued_case_is_answered_as_it_was_argued() {
        let packs = packs();
        let all: Vec<Value> = ARGUED.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let bad: Vec<String> = all.iter().flat_map(|c| wrong(&packs, c)).collect();
        assert!(bad.is_empty(), "{} wrong:\n{}", bad.len(), bad.join("\n"));
        let asked: BTreeSet<(String, String)> =
            all.iter().map(|c| (c["engine"].to_string(), c["input"]["action"].to_string())).collect();
        assert!(all.len() >= 400 && asked.len() == 51, "{} cases of {} actions", all.len(), asked.len());
    }

    #[test]
    fn an_answer_does_not_depend_on_the_id_or_on_the_order() {
        let packs = packs();
        for mut case in cases().into_iter().rev() {
            case["id"] = "somebody else's".into();
            let bad = wrong(&packs, &case);
            assert!(bad.is_empty(), "{bad:?}");
        }
    }

    #[test]
    fn the_tests_that_rules_name_exist() {
        let known: BTreeSet<String> = cases().iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect();
        let mut named = 0;
        for file in Packs::embedded_files() {
            let table: toml::Table = toml::from_str(&file.text).unwrap();
            let rules = table.get("rule").and_then(toml::Value::as_array).into_iter().flatten();
            for test in rules.filter_map(|r| r.get("tests")).flat_map(|t| t.as_array().unwrap()) {
                assert!(known.contains(test.as_str().unwrap()), "{test} in {} is no case", file.name);
                named += 1;
            }
        }
        assert!(named > 30, "only {named} rules name their cases");
    }

    #[test]
    fn a_replay_gives_the_same_answer() {
        let (one, two) = (packs(), packs());
        assert_eq!(one.hash(), two.hash());
        for case in cases() {
            let facts = Facts::new(case["input"].clone()).unwrap();
            let action = case["input"]["action"].as_str().unwrap();
            let engine = case["engine"].as_str().unwrap();
            let as_of = case["as_of"].as_str().unwrap().parse().unwrap();
            let a = evaluate(&one, engine, action, &facts, as_of).unwrap();
            let b = evaluate(&two, engine, action, &facts, as_of).unwrap();
            assert_eq!(a, b);
            assert_eq!(a.facts_hash, facts.hash());
            assert_ne!(facts.commitment(&[7; 32]), facts.hash());
        }
    }
}
