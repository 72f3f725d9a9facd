//! The ways people say numbers, whole: each must be covered to its last digit.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use callvault_detect::{Detector, Profile, search};
use callvault_model::EntityType as E;

/// Whether the spans cover every letter and digit of `value` in `text`, and one has the type.
fn covered(text: &str, value: &str, entity: E) -> bool {
    let detector = Detector::new(Profile::All).unwrap();
    let spans = detector.detect_text(text);
    let at = text.find(value).unwrap();
    let inside = |k: usize| spans.iter().any(|s| s.start <= k && k < s.end);
    let all = text[at..at + value.len()]
        .char_indices()
        .filter(|(_, c)| c.is_alphanumeric())
        .all(|(k, _)| inside(at + k));
    let typed = spans.iter().any(|s| s.entity == entity && s.start < at + value.len() && at < s.end);
    assert!(all, "{value:?} not covered in {text:?}: {spans:?}");
    assert!(typed, "{value:?} is no {entity} in {text:?}: {spans:?}");
    all && typed
}

fn asked(question: &str, answer: &str, entity: E) -> bool {
    covered(&format!("agent: {question}\ncaller: {answer}\nagent: thank you"), answer, entity)
}

const CARD: &str = "what is the card number";

#[test]
fn card_digit_by_digit() {
    assert!(asked(
        CARD,
        "four one one one two two two two three three three three four four four nine",
        E::CreditCard
    ));
}

#[test]
fn card_with_oh_and_double() {
    assert!(asked(
        CARD,
        "five five oh one double two triple seven eight nine oh oh three four six",
        E::CreditCard
    ));
}

#[test]
fn card_in_pairs() {
    assert!(asked(
        CARD,
        "forty one eleven fifty two sixty three seventeen oh nine eighty eight twenty one",
        E::CreditCard
    ));
}

#[test]
fn card_with_hesitation_and_correction() {
    assert!(asked(
        CARD,
        "four one one one uh two two, let me see, no sorry seven two three three three three four four four four",
        E::CreditCard
    ));
}

#[test]
fn card_as_printed_by_a_recogniser() {
    assert!(asked(CARD, "5425-2334-3010-9903", E::CreditCard));
    assert!(asked(CARD, "4, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 9", E::CreditCard));
}

#[test]
fn card_with_homophones() {
    assert!(asked(
        CARD,
        "four one for one to two too two three three three three ate four four nine",
        E::CreditCard
    ));
}

#[test]
fn card_split_over_turns_with_acknowledgements() {
    let text = "agent: card number please\ncaller: four one one one\nagent: mm-hm\ncaller: two two two two\nagent: okay\ncaller: three three three three\nagent: got it\ncaller: four four four nine";
    for group in ["four one one one", "two two two two", "three three three three", "four four four nine"] {
        assert!(covered(text, group, E::CreditCard));
    }
}

#[test]
fn card_last_four_and_read_back() {
    let text = "agent: read me the card number\ncaller: 4111 2222 3333 4449\nagent: that was 4111 2222 3333 4449 correct\ncaller: yes the card ending in 4449";
    assert!(covered(text, "4111 2222 3333 4449", E::CreditCard));
    let redacted = redact(text);
    assert!(!search::value_recoverable(&redacted, "4111 2222 3333 4449"), "{redacted}");
    assert!(!redacted.contains("4449"), "{redacted}");
}

fn redact(text: &str) -> String {
    let detector = Detector::new(Profile::All).unwrap();
    let mut out = text.to_owned();
    for s in detector.detect_text(text).iter().rev() {
        out.replace_range(s.start..s.end, &format!("[{}]", s.entity));
    }
    out
}

#[test]
fn eighteen_spoken_forms_are_covered() {
    let forms: &[(&str, &str, E)] = &[
        (CARD, "three seven eight two eight two two four six three one oh oh oh five", E::CreditCard),
        (CARD, "sixty eleven oh oh oh nine ninety one thirty nine forty two forty four", E::CreditCard),
        (
            "what is the best number to reach you",
            "five five five two three nine eight one four four",
            E::PhoneNumber,
        ),
        (
            "a call back number please",
            "area code seven oh seven five five five oh one one nine",
            E::PhoneNumber,
        ),
        ("what is your phone number", "eight hundred five five five twelve twelve", E::PhoneNumber),
        ("what is your social", "two one nine oh nine nine nine nine one", E::UsSsn),
        ("last four of your social please", "eighty five seventy nine", E::UsSsn),
        (
            "can you verify your social security number",
            "double two nine um one eight three four seven six",
            E::UsSsn,
        ),
        ("what email should i send it to", "jo dot fenwick at gmail dot com", E::EmailAddress),
        ("and your email address", "t underscore vale nine two at outlook dot co dot uk", E::EmailAddress),
        ("and your email address", "k a r i n holt at yahoo dot com", E::EmailAddress),
        ("and the three digits on the back", "four oh seven", E::Cvv),
        ("security code please", "one triple two", E::Cvv),
        ("what is the expiration date", "oh nine twenty eight", E::Expiry),
        ("and when does it expire", "september twenty twenty eight", E::Expiry),
        ("what is your date of birth", "march third nineteen sixty two", E::Dob),
        ("date of birth please", "the ninth of october nineteen eighty one", E::Dob),
        ("when were you born", "oh four twelve seventy seven", E::Dob),
    ];
    for (question, answer, entity) in forms {
        let value = answer.trim_start_matches("area code ").trim_start_matches("the ");
        assert!(covered(&format!("agent: {question}\ncaller: {answer}\nagent: thank you"), value, *entity));
    }
}

#[test]
fn hard_negatives_stay_readable_under_the_default_profile() {
    let calm = [
        "agent: your balance is forty four dollars and seventy five cents\ncaller: okay",
        "agent: the total comes to $1,249.99 plus 45 dollars shipping",
        "caller: i waited for thirty eight minutes and nobody helped",
        "agent: we are open nine to five monday to friday",
        "caller: i need model 5 7 6 that i saw on sale",
        "caller: it is the version five two five oh from the website",
        "agent: your order number is 8 8 2 1 4 4 7 3",
        "agent: your tracking number is one two one nine seven one nine nine seven i will email it",
        "agent: please hold for one minute",
        "caller: i bought two tickets for the three o'clock show",
        "agent: it takes five to seven business days",
        "caller: the printer says error fifty one",
        "agent: press one for sales and two for support",
        "caller: i have called four times about the same thing",
        "agent: your plan includes 500 minutes and 20 gigabytes",
        "caller: my internet is down again since this morning",
    ];
    let detector = Detector::new(Profile::Default).unwrap();
    let wrong: Vec<_> =
        calm.iter().map(|t| (t, detector.detect_text(t))).filter(|(_, s)| !s.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reference_numbers_go_under_profile_all_and_stay_under_default() {
    let text = "agent: your order number is 88214473";
    assert!(Detector::new(Profile::Default).unwrap().detect_text(text).is_empty());
    assert_eq!(Detector::new(Profile::All).unwrap().detect_text(text)[0].entity, E::ReferenceId);
}

#[test]
fn a_known_name_goes_everywhere() {
    let text = "caller: my name is ravindra kumarasamy\nagent: let me check\ncaller: okay\nagent: so ravindra is there more\nagent: thanks kumarasamy bye";
    let redacted = redact(text);
    assert!(!redacted.contains("ravindra") && !redacted.contains("kumarasamy"), "{redacted}");
}

#[test]
fn numbers_survive_pauses_corrections_and_garbled_digits() {
    let forms: &[(&str, &str, E)] = &[
        (
            CARD,
            "four two three six hold on nineteen oh one hang on one second seven seven two zero four one two",
            E::CreditCard,
        ),
        (
            CARD,
            "five four five four scratch that five four five five one two three four nine nine eight eight one two one two",
            E::CreditCard,
        ),
        (CARD, "six seven to uh ate three four nine one two seven two four one zero four one", E::CreditCard),
        (
            CARD,
            "three seven four three my bad four two zero one one eight two six five oh oh oh one",
            E::CreditCard,
        ),
        ("and the security code", "four hundred and eighty two", E::Cvv),
        ("what is the cvv", "one to one no wait eight", E::Cvv),
        ("the three digit code please", "oh oh five", E::Cvv),
        ("can i get the cvc", "eight won oh", E::Cvv),
        ("last three digits on the signature strip", "two three eight scratch that two", E::Cvv),
        ("what is your phone pin", "oh oh fifty two", E::Pin),
        ("when does it expire", "june of twenty twenty eight", E::Expiry),
        ("what is the exp date", "oh three slash two nine", E::Expiry),
        ("date of birth please", "december twelfth two thousand five", E::Dob),
        ("aba number", "oh two one oh oh oh okay oh two one", E::RoutingNumber),
        ("what is your account number", "fifty seven hundred eighty one twenty two", E::AccountId),
        (
            "which number should we text",
            "nine one nine four hundred eighty eight three five seven oh",
            E::PhoneNumber,
        ),
    ];
    for (question, answer, entity) in forms {
        assert!(asked(question, answer, *entity));
    }
}

#[test]
fn a_number_goes_on_whatever_the_agent_says_to_make_it() {
    for ack in [
        "next four",
        "i'm listening",
        "go ahead",
        "okay next",
        "right go on",
        "and the last four",
        "hang on one second",
    ] {
        let text = format!(
            "agent: card number please\ncaller: 4539 1488\nagent: {ack}\ncaller: oh three four three\nagent: {ack}\ncaller: 6467"
        );
        for group in ["4539 1488", "oh three four three", "6467"] {
            assert!(covered(&text, group, E::CreditCard));
        }
    }
}

#[test]
fn a_short_group_read_back_goes_with_the_number() {
    let text = "agent: your social please\ncaller: two one nine\nagent: okay\ncaller: oh nine\nagent: got 09 and\ncaller: 9998";
    for group in ["two one nine", "oh nine", "09", "9998"] {
        assert!(covered(text, group, E::UsSsn));
    }
    let calm =
        "agent: your social please\ncaller: two one nine oh seven 9998\nagent: that takes 7 business days";
    assert!(redact(calm).contains("takes 7 business days"), "{}", redact(calm));
}

#[test]
fn what_is_said_after_an_answer_is_no_answer() {
    let text = "agent: what is the passphrase on the account\ncaller: yeah hold on let me grab it okay silver moon nine\ncaller: i ordered two shirts and only got one";
    let redacted = redact(text);
    assert!(!redacted.contains("silver moon"), "{redacted}");
    assert!(redacted.contains("ordered two shirts"), "{redacted}");
}
