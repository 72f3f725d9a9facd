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

#[test]
fn double_or_oh_by_itself_in_its_turn_is_of_the_number() {
    let text = "agent: what is the card number\ncaller: four one one double\nagent: mm-hm\ncaller: seven two three four\nagent: yes\ncaller: oh\nagent: okay\ncaller: five five six nine three";
    for part in ["four one one double", "seven two three four", "oh\n", "five five six nine three"] {
        assert!(covered(text, part.trim_end(), E::CreditCard));
    }
    let routing = "agent: routing number please\ncaller: one two one\nagent: one two one go ahead\ncaller: oh oh oh\ncaller: three five eight";
    for part in ["oh oh oh", "three five eight"] {
        assert!(covered(routing, part, E::RoutingNumber));
    }
    // Wonder and a strong drink are no digits.
    let calm = "agent: what is your card number\ncaller: four one one one\nagent: and the drink\ncaller: oh\nagent: the card did not work\ncaller: make it a double";
    assert!(redact(calm).contains("caller: oh\n") && redact(calm).contains("a double"), "{}", redact(calm));
}

#[test]
fn two_digits_alone_answer_a_question_for_a_secret() {
    for (question, answer, entity) in [
        ("and the three on the back", "eighty two", E::Cvv),
        ("what is your pin", "forty eight", E::Pin),
        ("what is the card number", "fifteen", E::CreditCard),
    ] {
        assert!(asked(question, answer, entity), "{question}");
    }
    assert!(redact("agent: how many cards are there\ncaller: twelve").contains("twelve"));
    assert!(redact("my pin does not work\ntwelve times").contains("twelve times"));
}

#[test]
fn codes_however_they_are_asked_for() {
    for (question, entity) in [
        ("flip it over for me what are the last three digits", E::Cvv),
        ("and the sec code", E::Cvv),
        ("what are the digits in the text message", E::Otp),
        ("and your soc", E::UsSsn),
        ("in case we get cut off what number can i call", E::PhoneNumber),
    ] {
        let (answer, expected) = match entity {
            E::Cvv => ("double eight nine", E::Cvv),
            E::Otp => ("five let me see nine two five", E::Otp),
            E::UsSsn => ("o four correction 5 6 three", E::UsSsn),
            _ => ("two one two five five five oh one double four", E::PhoneNumber),
        };
        assert!(asked(question, answer, expected), "{question}");
    }
}

#[test]
fn a_part_asked_for_again_goes_on_with_the_number() {
    for agent in [
        "sorry you cut out there",
        "can you repeat that part",
        "what was that",
        "one sec my screen froze okay go",
    ] {
        let text = format!(
            "agent: what is your ssn\ncaller: two one nine\nagent: {agent}\ncaller: two one nine\ncaller: oh seven\nagent: keep going\ncaller: it goes 9998"
        );
        for part in ["two one nine\ncaller", "oh seven", "9998"] {
            assert!(covered(&text, part.trim_end_matches("\ncaller"), E::UsSsn), "{agent}");
        }
        assert!(redact(&text).contains(agent), "{agent}");
        assert!(redact(&text).contains("it goes"), "{agent}");
    }
    let tail = "agent: what is the card number\ncaller: 4539 1488 0343 6467\nagent: and the end once more\ncaller: sixty seven";
    assert!(covered(tail, "sixty seven", E::CreditCard));
}

#[test]
fn words_beside_a_number_stay() {
    for (text, stays) in [
        ("agent: card number please\ncaller: four one one one\nagent: four one one one go ahead", "go ahead"),
        ("agent: which card was it the one ending in 6819", "the one ending in"),
        ("caller: can i keep it\nagent: keep going", "keep going"),
        ("Card 5424864470918752, expiry 08/27, CVV 115.", "CVV"),
        ("Patient Florian Ashworth, MRN 1432858, DOB September 9, 1997.", "DOB"),
        ("caller: it keeps blinking error eight oh one one", "eight oh one one"),
        ("agent: we have sizes eight ten twelve and fourteen", "eight ten twelve and fourteen"),
        ("I need to return the WF1272 I bought.", "WF1272"),
        ("agent: your appointment is at six thirty on tuesday", "six thirty"),
        ("this is caleb desai btw", "btw"),
    ] {
        assert!(redact(text).contains(stays), "{}", redact(text));
    }
}

#[test]
fn what_chats_leave_out_is_found() {
    for (text, value, entity) in [
        ("hi\n2481 last four of my ssn", "2481", E::UsSsn),
        ("the card is lost\n633 on the back", "633", E::Cvv),
        ("need a seat\na n c 6 g q", "a n c 6 g q", E::ReferenceId),
        ("why is my bill so high\nnkowalczyk38", "nkowalczyk38", E::Username),
        ("her id is BQK347380173", "BQK347380173", E::AccountId),
        ("cancel clm-4891982 please", "clm-4891982", E::AccountId),
        ("zoltan , pin 3827", "zoltan", E::Person),
        ("book ticket lagos - surat", "lagos", E::Location),
        ("book ticket lagos - surat", "surat", E::Location),
        ("durban to porto next friday 2 adults", "durban", E::Location),
        ("ship to 8176 rue victor hugo, 32250 lyon", "8176 rue victor hugo, 32250 lyon", E::Address),
        ("ship to calle mayor 1783, 2º b, 67748 leeds", "calle mayor 1783, 2º b, 67748 leeds", E::ZipCode),
        ("kungsgatan 6371, 45781 malmo", "kungsgatan 6371, 45781 malmo", E::Address),
        ("deliver it at po box 1748, bridgeport", "po box 1748, bridgeport", E::Address),
    ] {
        assert!(covered(text, value, entity), "{value}");
    }
}

#[test]
fn the_whole_number_said_twice_is_covered_twice() {
    for (question, parts, whole, entity) in [
        (
            "your social please",
            ["two one nine", "oh nine", "9998"],
            "two one nine oh nine nine nine nine eight",
            E::UsSsn,
        ),
        (
            "the routing number please",
            ["zero two one", "triple zero", "oh two one"],
            "oh two one oh oh oh oh two one",
            E::RoutingNumber,
        ),
    ] {
        let [a, b, c] = parts;
        let text = format!(
            "agent: {question}\ncaller: {a}\nagent: okay\ncaller: {b}\nagent: right\ncaller: and {c}\nagent: sorry can you repeat the whole thing\ncaller: {whole}\nagent: wonderful"
        );
        for part in [a, b, c, whole] {
            assert!(covered(&text, part, entity), "{part}");
        }
    }
}

#[test]
fn what_remains_of_a_corrected_code_is_known_again() {
    let text = "agent: and the cvv\ncaller: 3 zero no wait two uh six\nagent: let me read that back three two six\ncaller: yes";
    assert!(covered(text, "three two six", E::Cvv));
}

#[test]
fn more_hesitations_and_what_they_do_not_end() {
    for answer in [
        "uhh nine five three two dash one three six seven dash zero eight four six dash seven three three two",
        "four five let me start that over four five three two one three six seven zero eight four six seven three three two",
        "four five what is this three two well one three six seven zero eight four six no thats five seven three three two",
    ] {
        let value = answer.strip_prefix("uhh ").unwrap_or(answer);
        assert!(covered(&format!("agent: card number please\ncaller: {answer}"), value, E::CreditCard));
    }
    assert!(redact("caller: my last four is 1026\nagent: of the card").contains("last four is"));
    assert!(redact("agent: which card\ncaller: capital one 4539 1488 0343 6467").contains("capital one"));
    assert!(redact("agent: what is the c v v\ncaller: four nine one").contains("c v v"));
    let between = "agent: your account number\ncaller: 123456\nagent: we come between eleven thirty one and eleven fifty three";
    assert!(redact(between).contains("eleven thirty one"), "{}", redact(between));
}

#[test]
fn names_places_and_codes_of_other_wordings() {
    for (text, value, entity) in [
        ("waziz84 is my username", "waziz84", E::Username),
        ("my pass was maple646", "maple646", E::Password),
        ("3 digit code 186", "186", E::Otp),
        ("its 1553 my pin", "1553", E::Pin),
        ("last 4 digits 1690", "1690", E::UsSsn),
        ("my mail is esperanza.fontaine@hotmail", "esperanza.fontaine@hotmail", E::EmailAddress),
        ("mail ayesha@outlook com please", "ayesha@outlook com", E::EmailAddress),
        ("how do i get to 1609 mg road", "1609 mg road", E::Address),
        ("caller: i moved to two one zero two second avenue", "two one zero two second avenue", E::Address),
        ("my address is 8203 county road 19", "8203 county road 19", E::Address),
        ("ship to plot 14, 7011 adeola odeku street, pune", "plot 14, 7011 adeola odeku street", E::Address),
        ("im at nairobi airport", "nairobi", E::Location),
        (
            "agent: Where would you like to go?\ncustomer: Salt Lake City, leaving today",
            "Salt Lake City",
            E::Location,
        ),
        ("According to McAllister, sales rose.", "McAllister", E::Person),
    ] {
        assert!(covered(text, value, entity), "{value}");
    }
    for (text, stays) in [
        ("they have a 3 bedroom place", "3 bedroom place"),
        ("gr8 thanks", "gr8"),
        ("hi welcome to lakeside credit union", "lakeside"),
    ] {
        assert!(redact(text).contains(stays), "{}", redact(text));
    }
}

#[test]
fn words_nobody_can_list_inside_an_answer_do_not_end_it() {
    for (question, answer, entity) in [
        (
            "what is your mastercard number",
            "five four where is it two four five nine then its seven nine oh eight it is small oh eight three three one",
            E::CreditCard,
        ),
        (
            "what is your mastercard number",
            "six zero i misread one one seven two nine three nope oh five seven three two two one seven",
            E::CreditCard,
        ),
        ("then the code on the reverse side", "eight seven there is glare three", E::Cvv),
        ("what three digits are printed behind", "one oh seven", E::Cvv),
        ("the short number next to your signature", "four o six", E::Cvv),
        ("tell me the code from the sms", "nine two it moved five four five three", E::Otp),
    ] {
        assert!(asked(question, answer, entity), "{question}");
    }
    let calm = "agent: which card would you like\ncaller: i have two cards and three accounts";
    assert!(redact(calm).contains("two cards and three accounts"), "{}", redact(calm));
}

#[test]
fn the_end_of_a_card_may_look_like_a_year() {
    for text in ["the card that ends in 2008", "agent: which card\ncaller: the visa ending in 2019"] {
        let value = &text[text.len() - 4..];
        assert!(covered(text, value, E::CreditCard), "{text}");
    }
}
