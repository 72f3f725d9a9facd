use super::*;
use crate::{Detector, Profile};

const GOOD: &str = r#"
[[recognizer]]
name = "badge"
type = "ACCOUNT_ID"
pattern = 'EB-\d{6}'
match = ["my badge is EB-123456"]
no_match = ["flight EB-12"]

[[recognizer]]
name = "loyalty"
type = "ACCOUNT_ID"
pattern = '\b\d{8}\b'
context = ["loyalty", "bonus card"]
validator = "luhn"
match = ["loyalty 12345674", "agent: your loyalty number\ncaller: one two three four five six seven four"]
no_match = ["loyalty 12345678", "the flight 12345674"]

[[list]]
name = "employees"
type = "PERSON"
use = "keep"
entries = ["Priya Nair", "O'Brien"]

[[list]]
name = "projects"
type = "ORGANIZATION"
use = "find"
entries = ["Blue Heron"]
"#;

fn why(text: &str) -> String {
    Custom::parse(text).unwrap_err().to_string()
}

#[test]
fn own_recognisers_and_lists_work_beside_the_built_in_ones() {
    let custom = Custom::parse(GOOD).unwrap();
    assert_eq!(custom.size(), (2, 3));
    let detector = Detector::new(Profile::All).unwrap().with_custom(custom);
    let found = |text: &str| -> Vec<(String, String)> {
        detector
            .detect_text(text)
            .into_iter()
            .map(|s| (s.recognizer, text[s.start..s.end].to_owned()))
            .collect()
    };
    assert!(found("badge EB-123456 please").iter().any(|f| f.1.contains("EB-123456")));
    assert!(found("we talk of blue heron").contains(&("site-list".into(), "blue heron".into())));
    let talk = "agent: hello my name is Priya Nair\ncaller: hi Priya my name is Marta Kowalska";
    let names = found(talk);
    assert!(names.iter().any(|f| f.1.contains("Marta")), "{names:?}");
    assert!(!names.iter().any(|f| f.1.contains("Nair")), "{names:?}");
}

#[test]
fn a_recogniser_whose_examples_fail_is_refused() {
    assert!(
        why(&GOOD.replace("my badge is EB-123456", "my badge is EB-12"))
            .contains("finds nothing in example 1")
    );
    assert!(why(&GOOD.replace("flight EB-12", "flight EB-123456")).contains("finds something in example 1"));
    assert!(why(&GOOD.replace("no_match = [\"flight EB-12\"]", "no_match = []")).contains("at least one"));
}

#[test]
fn what_could_hurt_is_refused_with_a_reason() {
    for (from, to, says) in [
        (r"'EB-\d{6}'", "'EB-(['", "no regular expression"),
        (r"'EB-\d{6}'", "'(a{0,500}){0,500}'", "more than 1 MiB"),
        (r"'EB-\d{6}'", "'x*'", "empty text"),
        ("\"badge\"", "\"Bad Name\"", "a-z"),
        ("\"loyalty\"\ntype", "\"badge\"\ntype", "used twice"),
        ("\"luhn\"", "\"md5\"", "none of luhn"),
        ("\"PERSON\"", "\"NOBODY\"", "closed list"),
        ("\"PERSON\"", "\"CREDIT_CARD\"", "payment data"),
        ("\"keep\"", "\"forget\"", "neither"),
        ("[[list]]", "[[liste]]", "line "),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        assert!(why(&text).contains(says), "{from} -> {to}: {}", why(&text));
    }
    let deep = format!("'{}x{}'", "(".repeat(200), ")".repeat(200));
    assert!(why(&GOOD.replace(r"'EB-\d{6}'", &deep)).contains("no regular expression"));
    let long = format!("'{}'", "x".repeat(MAX_PATTERN + 1));
    assert!(why(&GOOD.replace(r"'EB-\d{6}'", &long)).contains("longer than"));
}

#[test]
fn refusals_quote_nothing_of_a_list() {
    let text = GOOD.replace("use = \"keep\"\n", "use = \"keep\"\nPriya = 1\n");
    assert!(!why(&text).contains("Nair"), "{}", why(&text));
}

/// Every pattern of a saved corpus is taken or refused, never a panic, and what is taken stays linear.
#[test]
fn hostile_patterns_are_refused_or_harmless() {
    let corpus = include_str!("../../../../fixtures/detect/patterns.txt");
    let text =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1111111111111111111111111111111111111111 ".repeat(200);
    let (mut taken, mut refused) = (0, 0);
    for pattern in corpus.lines().filter(|l| !l.is_empty()) {
        let file = format!(
            "[[recognizer]]\nname = \"x\"\ntype = \"ACCOUNT_ID\"\npattern = '''{pattern}'''\nmatch = [\"aaaaab 11111-22 x1y2 zz\"]\nno_match = [\"~\"]\n"
        );
        match Custom::parse(&file) {
            Ok(custom) => {
                taken += 1;
                let detector = Detector::new(Profile::All).unwrap().with_custom(custom);
                for s in detector.detect_text(&text) {
                    assert!(s.end <= text.len() && s.start < s.end);
                }
            }
            Err(e) => {
                refused += 1;
                assert!(e.to_string().contains("cannot be used"), "{e}");
            }
        }
    }
    assert!(taken >= 5 && refused >= 5, "{taken} taken, {refused} refused");
}
