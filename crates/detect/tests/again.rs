//! What was covered once is covered in every form in which it is said again: names and words as well as numbers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

use callvault_detect::{Detector, Profile, Utterance, redact, search};
use callvault_model::{EntityType, Role};
use proptest::prelude::*;

/// Listed names, names of many countries, and some that no list holds.
const GIVEN: &[&str] = &[
    "ravi",
    "Marta",
    "Oluwaseun",
    "Siobhán",
    "zbigniew",
    "Xiomara",
    "dmitri",
    "Fatima",
    "Anneliese",
    "Björn",
    "Thanh",
    "Priyanka",
    "Estéban",
    "Kwame",
    "ingrid",
    "Yevgenia",
    "lorzeb",
    "Quimbra",
];
const FAMILY: &[&str] = &[
    "kumar",
    "Kowalski",
    "Okafor",
    "Gutiérrez",
    "srinivasan",
    "Nguyen",
    "Øvergård",
    "Fitzgerald",
    "Petrovic",
    "Yamada",
    "Delacroix",
    "Abdullahi",
    "vanderberg",
    "Tamsoriko",
    "belquist",
];
const SECRETS: &[&str] =
    &["bluebird77", "Hunter", "rumpelstiltskin", "Zanzibar9", "copper kettle", "snowball", "fluffy"];

/// The ways to say a word again.
#[derive(Debug, Clone, Copy)]
enum Way {
    Lower,
    Upper,
    Title,
    Plain,
    Possessive,
    Typographic,
    Cut,
    Letters,
    Dashes,
    Example,
    Code,
}

const WAYS: &[Way] = &[
    Way::Lower,
    Way::Upper,
    Way::Title,
    Way::Plain,
    Way::Possessive,
    Way::Typographic,
    Way::Cut,
    Way::Letters,
    Way::Dashes,
    Way::Example,
    Way::Code,
];

const NATO: &[&str] = &[
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor",
    "whiskey", "xray", "yankee", "zulu",
];

/// The word without accents, in small letters.
fn plain(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .map(|c| match c {
            'á' | 'å' => 'a',
            'é' => 'e',
            'ö' | 'ø' => 'o',
            c => c,
        })
        .collect()
}

fn joined(word: &str, by: &str, each: impl Fn(char) -> String) -> String {
    plain(word).chars().map(each).collect::<Vec<_>>().join(by)
}

fn nato(c: char) -> String {
    NATO.iter().find(|w| w.starts_with(c)).unwrap().to_string()
}

fn said(word: &str, way: Way) -> String {
    let title =
        |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    match way {
        Way::Lower => word.to_lowercase(),
        Way::Upper => word.to_uppercase(),
        Way::Title => title(&word.to_lowercase()),
        Way::Plain => title(&plain(word)),
        Way::Possessive => format!("{word}'s"),
        Way::Typographic => format!("{word}\u{2019}s"),
        Way::Cut => {
            let word = plain(word);
            let (a, b) = word.split_at(word.len() / 2);
            format!("{a} {b}")
        }
        Way::Letters => joined(word, " ", |c| c.to_string()),
        Way::Dashes => joined(word, "-", |c| c.to_uppercase().to_string()),
        Way::Example => joined(word, " ", |c| format!("{c} as in {}", nato(c))),
        Way::Code => joined(word, " ", nato),
    }
}

/// A turn around what is said again; none of them asks for it or announces it.
const AROUND: &[(&str, &str)] = &[
    ("okay ", " one moment"),
    ("so the parcel of ", " is here"),
    ("i wrote down ", ""),
    ("", " is that right"),
    ("thanks ", " have a great day"),
    ("the account belongs to ", " and was opened in spring"),
];

fn redacted(turns: &[(Role, String)]) -> (Vec<String>, Vec<(EntityType, String)>) {
    let detector = Detector::new(Profile::All).unwrap();
    let read: Vec<Utterance<'_>> = turns.iter().map(|(role, text)| Utterance { role: *role, text }).collect();
    let (clean, findings) = redact::redact_all(&detector, &read, &redact::Mode::Category);
    let value = |f: &callvault_model::Finding| turns[f.turn].1[f.start..f.end].to_owned();
    (clean, findings.iter().map(|f| (f.entity, value(f))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_covered_name_is_in_no_form_in_the_redacted_text(
        given in prop::sample::select(GIVEN),
        family in prop::sample::select(FAMILY),
        again in prop::collection::vec((any::<u8>(), prop::sample::select(WAYS), prop::sample::select(AROUND), any::<bool>()), 1..5),
    ) {
        let mut turns = vec![
            (Role::Agent, "may i have your full name please".to_owned()),
            (Role::Customer, format!("my name is {given} {family}")),
        ];
        for (which, way, (before, after), agent) in &again {
            let name = match which % 4 {
                0 => said(given, *way),
                1 => said(family, *way),
                2 => format!("{} {}", said(given, *way), said(family, *way)),
                _ => format!("{}{}", plain(given), plain(family)),
            };
            turns.push((if *agent { Role::Agent } else { Role::Customer }, format!("{before}{name}{after}")));
        }
        let (clean, found) = redacted(&turns);
        prop_assert!(!clean[1].contains(given) && !clean[1].contains(family), "{:?}", clean);
        let names = found.iter().filter(|(e, _)| *e == EntityType::Person).map(|(_, v)| v.as_str());
        for name in names.chain([given, family]).filter(|n| n.chars().count() > 2) {
            for text in &clean {
                prop_assert!(!search::value_recoverable(text, name), "{name:?} in {text:?} of {turns:?}");
            }
        }
    }

    #[test]
    fn a_covered_secret_is_in_no_form_in_the_redacted_text(
        secret in prop::sample::select(SECRETS),
        question in prop::sample::select(vec!["what is your password", "and the answer to your security question", "the username please"]),
        way in prop::sample::select(vec![Way::Lower, Way::Upper, Way::Title]),
        around in prop::sample::select(AROUND),
    ) {
        let turns = [
            (Role::Agent, question.to_owned()),
            (Role::Customer, format!("it is {secret}")),
            (Role::Agent, format!("{}{}{}", around.0, said(secret, way), around.1)),
        ];
        let (clean, found) = redacted(&turns);
        prop_assert!(found.iter().any(|(_, v)| v.contains(secret)), "{:?}", found);
        for text in &clean {
            prop_assert!(!search::value_recoverable(text, secret), "{secret:?} in {text:?} of {turns:?}");
        }
    }
}
