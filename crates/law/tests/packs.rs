//! What is no pack is refused, and the error says which entry and why.

#[cfg(test)]
mod tests {
    use callvault_law::{Facts, Overlay, PackFile, Packs, Signed, diff, evaluate, rows, sign, stale};
    use serde_json::json;

    const GOOD: &str = r#"
[pack]
id = "mine"
version = "1"
title = "Mine"

[[action]]
engine = "mine"
name = "ask"
words = [{ word = "no", outcome = "deny" }, { word = "yes", outcome = "allow" }]
default = "yes"
unknown = "no"
states = "states"
cite = [{ ref = "Act 1" }]
confidence = "high"
read = "2026-01-01"

[[rule]]
id = "mine.rule"
title = "A rule"
engine = "mine"
actions = ["ask"]
when = [{ fact = "kind", is = "big" }]
require = [{ fact = "n", at_most = 3 }]
decision = "no"
reason = "n.too_big"
cite = [{ ref = "Act 2", source = "read" }]
confidence = "high"
read = "2026-01-01"
"#;

    fn build(text: &str) -> Result<Packs, callvault_law::Error> {
        Packs::from_files(
            &[PackFile { name: "mine.toml".into(), text: text.into() }],
            None,
            Overlay::default(),
        )
    }

    fn ask(packs: &Packs, facts: serde_json::Value) -> String {
        let facts = Facts::new(facts).unwrap();
        evaluate(packs, "mine", "ask", &facts, "2026-11-23T12:00:00Z".parse().unwrap()).unwrap().decision
    }

    #[test]
    fn a_pack_of_ones_own_decides() {
        let packs = build(GOOD).unwrap();
        assert_eq!(ask(&packs, json!({"kind": "big", "n": 4})), "no");
        assert_eq!(ask(&packs, json!({"kind": "big", "n": 3})), "yes");
        assert_eq!(ask(&packs, json!({"kind": "small", "n": 4})), "yes");
        assert_eq!(ask(&packs, json!({"kind": "big"})), "no");
        assert_eq!(ask(&packs, json!({"n": 4})), "no");
        assert_eq!(ask(&packs, json!({"n": 3})), "yes");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_entry_and_the_reason() {
        let swap = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            GOOD.replacen(from, to, 1)
        };
        let long = "at_most = 3, is = \"x\"";
        let cases = [
            (swap("[pack]", "[pack"), "mine.toml", "cannot be read"),
            (swap("reason = ", "raison = "), "mine.rule", "unknown field"),
            (swap("title = \"Mine\"", "title = \"Mine\"\nauthor = \"me\""), "mine.toml", "unknown field"),
            (swap("id = \"mine\"", "id = \"other\""), "other", "name of its file"),
            (
                swap("cite = [{ ref = \"Act 2\", source = \"read\" }]", "cite = []"),
                "mine.rule",
                "no citation",
            ),
            (swap("decision = \"no\"", "decision = \"maybe\""), "mine.rule", "is no word"),
            (swap("decision = \"no\"", ""), "mine.rule", "either a decision or an obligation"),
            (swap("reason = \"n.too_big\"", ""), "mine.rule", "needs a reason"),
            (swap("default = \"yes\"", "default = \"perhaps\""), "mine.ask", "none of its words"),
            (swap("actions = [\"ask\"]", "actions = [\"tell\"]"), "mine.rule", "no pack has the action"),
            (swap("actions = [\"ask\"]", "actions = []"), "mine.rule", "names no action"),
            (swap("at_most = 3", long), "mine.rule", "exactly one predicate"),
            (swap(", at_most = 3", ""), "mine.rule", "exactly one predicate"),
            (swap("at_most = 3", "listed = \"gone\""), "mine.rule", "no pack has the table"),
            (
                swap("at_most = 3", "within = { amount = -1, unit = \"months\", to = \"at\" }"),
                "mine.rule",
                "negative",
            ),
            (swap("{ fact = \"n\", at_most = 3 }", "{ at_most = 3 }"), "mine.rule", "names no fact"),
            (
                swap("{ fact = \"n\", at_most = 3 }", "{ local_time = [\"08:00-21:00\"] }"),
                "mine.rule",
                "seven windows",
            ),
            (swap("{ fact = \"n\", at_most = 3 }", "{ consent = \"vague\" }"), "mine.rule", "none of"),
            (swap("{ fact = \"n\", at_most = 3 }", "{ holiday = \"XX\" }"), "mine.rule", "holidays.XX"),
            (
                swap(
                    "confidence = \"high\"\nread = \"2026-01-01\"\n\n[[rule]]",
                    "confidence = \"sure\"\nread = \"2026-01-01\"\n\n[[rule]]",
                ),
                "mine.toml",
                "cannot be read",
            ),
            (
                swap(
                    "reason = \"n.too_big\"",
                    "reason = \"n.too_big\"\nfrom = \"2027-01-01\"\nto = \"2026-01-01\"",
                ),
                "mine.rule",
                "before it begins",
            ),
            (
                swap("reason = \"n.too_big\"", "reason = \"n.too_big\"\nset = { decision = 1 }"),
                "mine.rule",
                "may not set",
            ),
            (
                format!("{GOOD}{}", &GOOD[GOOD.find("[[rule]]").unwrap()..]),
                "mine.rule",
                "has this id already",
            ),
            (
                format!(
                    "{GOOD}\n[[clock]]\nid = \"c\"\njurisdiction = \"X\"\nduty = \"d\"\nstart = \"discovery\"\ncite = [{{ ref = \"A\" }}]\nconfidence = \"low\"\nread = \"2026-01-01\"\n"
                ),
                "c",
                "neither a number nor a text",
            ),
        ];
        for (text, entry, why) in cases {
            let error = build(&text).expect_err(why).to_string();
            assert!(error.contains(entry) && error.contains(why), "wanted {entry:?} and {why:?}: {error}");
        }
    }

    #[test]
    fn only_what_was_signed_is_taken() {
        let files = Packs::embedded_files();
        let signed = sign(&files, &[9; 32]).unwrap();
        let packs = Packs::from_files(&files, Some(&signed), Overlay::default()).unwrap();
        assert_eq!(packs.hash(), Packs::embedded(Overlay::default()).unwrap().hash());

        let mut changed = files.clone();
        changed[0].text.push('\n');
        let refused = |files: &[PackFile], signed: &Signed| {
            Packs::from_files(files, Some(signed), Overlay::default()).unwrap_err().to_string()
        };
        assert!(refused(&changed, &signed).contains("does not fit"));
        assert!(refused(&files[1..], &signed).contains("does not fit"));
        let other = sign(&files, &[8; 32]).unwrap();
        let swapped = Signed { key: other.key, signature: signed.signature };
        assert!(refused(&files, &swapped).contains("does not fit"));
        let broken = PackFile { name: "x.toml".into(), text: "nonsense".into() };
        assert!(sign(&[broken], &[9; 32]).is_err());
    }

    #[test]
    fn an_edition_is_compared_and_goes_stale() {
        let a = build(GOOD).unwrap();
        let b = build(&GOOD.replacen("at_most = 3", "at_most = 5", 1)).unwrap();
        assert!(diff(&a, &a).is_empty());
        let changes = diff(&a, &b);
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].change, changes[0].id.as_str(), changes[0].fields[0].0.as_str()),
            ("changed", "mine.rule", "require")
        );
        assert_ne!(a.hash(), b.hash());

        let day = |d: &str| d.parse().unwrap();
        assert_eq!(stale(&a, day("2026-06-30"), 180).len(), 0);
        assert_eq!(stale(&a, day("2026-07-01"), 180).len(), 2);
        let embedded = Packs::embedded(Overlay::default()).unwrap();
        assert!(stale(&embedded, day("2026-11-23"), 180).is_empty());
        assert_eq!(stale(&embedded, day("2027-11-23"), 180).len(), rows(&embedded).len());
    }

    #[test]
    fn facts_have_limits() {
        let mut deep = json!(1);
        for _ in 0..20 {
            deep = json!({"a": deep});
        }
        for bad in
            [deep, json!([1]), json!("x"), json!({"a": vec![0; 20_000]}), json!({"a": "x".repeat(100_000)})]
        {
            assert!(Facts::new(bad).is_err());
        }
    }

    #[test]
    fn of_two_retentions_the_longer_counts_and_one_that_is_off_keeps_for_ever() {
        let own = "\n[[retention]]\nid = \"retain.own\"\nengine = \"tcpa\"\nrecords = [\"call\"]\nmin = YEARS\n\
            unit = \"years\"\nstart = [\"created\"]\nreason = \"retain.own\"\ncite = [{ ref = \"Own rule\" }]\n\
            confidence = \"low\"\nread = \"2026-11-23\"\n";
        let ask = |years: &str, overlay: &str, delete_on: &str| {
            let mut files = Packs::embedded_files();
            let tel = files.iter_mut().find(|f| f.text.contains("id = \"us-federal-tel\"")).unwrap();
            tel.text.push_str(&own.replace("YEARS", years));
            let packs = Packs::from_files(&files, None, Overlay::parse(overlay).unwrap()).unwrap();
            let facts = json!({"record": "call", "created": "2025-01-10", "delete_on": delete_on});
            let facts = Facts::new(facts).unwrap();
            evaluate(&packs, "tcpa", "retention_check", &facts, "2026-11-23T12:00:00Z".parse().unwrap())
                .unwrap()
        };
        for (years, until) in [("7", "2032-01-10"), ("3", "2030-01-10")] {
            let kept = ask(years, "", "2026-11-23");
            assert_eq!((kept.decision.as_str(), &kept.fields["keep_until"]), ("deny", &json!(until)));
            assert_eq!(ask(years, "", until).decision, "allow");
        }
        let off = ask("7", "off = [\"retain.own\"]", "2040-01-01");
        assert_eq!(off.decision, "deny");
        assert_eq!(off.reasons[0].code, "retain.own.switched_off");
    }
}
