use super::*;

fn talk(lines: &[(usize, &str)]) -> Vec<Turn> {
    lines
        .iter()
        .enumerate()
        .map(|(i, (party, text))| {
            let at = i as u64 * 3_000;
            Turn { party: *party, start_ms: at, end_ms: at + 2_000, text: (*text).into(), words: vec![] }
        })
        .collect()
}

fn covered(lines: &[(usize, &str)]) -> Vec<String> {
    let turns = talk(lines);
    cover_answers(&turns, &[Role::Customer, Role::Agent], vec![])
        .iter()
        .map(|f| turns[f.turn].text[f.start..f.end].to_owned())
        .collect()
}

#[test]
fn a_misheard_security_code_is_covered_because_it_was_asked_for() {
    assert_eq!(
        covered(&[(1, "And the security code, please."), (0, "I think it is too late to.")]),
        ["I think it is too late to."]
    );
    assert_eq!(covered(&[(1, "The security code please?"), (0, "A. three, five.")]), ["A. three, five."]);
}

#[test]
fn a_misheard_medicine_is_covered_after_the_question_and_after_the_statement() {
    assert_eq!(
        covered(&[(1, "Which prescription should we refill?"), (0, "I am taking, however, every morning.")]),
        ["however, every morning."]
    );
    assert_eq!(covered(&[(0, "I need a refill of home, the prosol.")]), ["home, the prosol."]);
}

#[test]
fn fillers_are_not_answers_and_small_talk_is_left_alone() {
    assert_eq!(
        covered(&[
            (1, "What is the card number?"),
            (0, "Sure, one moment."),
            (1, "Okay."),
            (0, "Here it is five five two.")
        ]),
        ["five five two."]
    );
    assert!(
        covered(&[(1, "The system is a little slow."), (0, "That is fine, I am not in a hurry.")]).is_empty()
    );
}

#[test]
fn a_read_back_that_was_half_understood_is_covered() {
    let turns = talk(&[
        (0, "I live at forty eight Sunset Boulevard."),
        (1, "I have forty-eight sunset billet-hard, thank you."),
    ]);
    let address = Finding {
        turn: 0,
        start: 10,
        end: 39,
        entity: EntityType::Address,
        score: 1.0,
        recognizer: "t".into(),
        reason: String::new(),
        value: 1,
    };
    let out = cover_answers(&turns, &[Role::Customer, Role::Agent], vec![address]);
    let echo = out.iter().find(|f| f.turn == 1).unwrap();
    assert!(turns[1].text[echo.start..echo.end].contains("sunset billet-hard"));
}

fn found(turns: &[Turn], turn: usize, value: &str, entity: EntityType) -> Finding {
    let start = turns[turn].text.find(value).unwrap();
    let (end, recognizer, reason) = (start + value.len(), "t".into(), String::new());
    Finding { turn, start, end, entity, score: 1.0, recognizer, reason, value: 1 }
}

/// What is added to one finding.
fn added(lines: &[(usize, &str)], turn: usize, value: &str, entity: EntityType) -> Vec<String> {
    let turns = talk(lines);
    let given = found(&turns, turn, value, entity);
    cover_answers(&turns, &[Role::Customer, Role::Agent], vec![given])
        .iter()
        .filter(|f| f.recognizer == RECOGNIZER)
        .map(|f| turns[f.turn].text[f.start..f.end].trim().to_owned())
        .collect()
}

#[test]
fn a_number_broken_by_a_misheard_digit_is_covered_from_end_to_end() {
    let id = EntityType::MemberId;
    assert_eq!(added(&[(0, "The card says member Id3656 or seven-37.")], 0, "seven-37", id), ["Id3656 or"]);
    assert_eq!(
        added(&[(0, "Yes, it says to five one, it ate three, seven.")], 0, "ate three, seven", id),
        ["to five one, it"]
    );
    let street = EntityType::Address;
    assert_eq!(
        added(&[(1, "Let me repeat that, seven to eight, Meadow Road.")], 0, "eight, Meadow Road", street),
        ["seven to"]
    );
    assert_eq!(
        added(&[(0, "It is one eight, Mito wrote, near the church.")], 0, "one eight, Mito", street),
        ["wrote,"]
    );
    assert_eq!(
        added(
            &[(1, "Could I get the member number?"), (0, "The number number is a prefix 68132.")],
            1,
            "68132",
            id
        ),
        ["a prefix"]
    );
}

#[test]
fn a_security_code_is_covered_past_talk_and_talk_before_a_whole_one_is_not() {
    let asks = (1, "And the security codes please.");
    let said = "So hold on, it is fainted. So forth you.";
    assert_eq!(covered(&[asks, (0, said)]), [said]);
    assert_eq!(covered(&[asks, (0, "The code says 033.")]), ["033."]);
    // A name is no code, whatever the tagger thinks of it.
    assert_eq!(
        added(&[asks, (0, "Sholed on, it is faded, of six-seven.")], 1, "Sholed", EntityType::Person),
        ["Sholed on, it is faded, of six-seven."]
    );
}

#[test]
fn a_number_said_alone_by_a_customer_is_covered_although_its_question_was_lost() {
    let lost = |answer| {
        let lines = [(0, "The card is 4111111111111111."), (1, "Valadin Tildwyn."), (0, answer)];
        added(&lines, 0, "4111111111111111", EntityType::CreditCard)
    };
    assert_eq!(lost("Bill five, thirty, I believe."), ["Bill five, thirty,"]);
    assert_eq!(lost("That is fine, I have two."), Vec::<String>::new());
    assert_eq!(covered(&[(1, "And years ago."), (0, "The victor's five-one-oh-six-free.")]).len(), 1);
    assert!(covered(&[(0, "What is that?"), (1, "It is the model 4263.")]).is_empty());
}

#[test]
fn the_misheard_end_of_a_name_or_street_is_covered_when_it_was_asked_for() {
    let person =
        |said| added(&[(1, "May I ask who is calling?"), (0, said)], 1, "Brenda Hall", EntityType::Person);
    assert_eq!(person("You are speaking with Brenda Hall away."), ["away."]);
    assert!(person("I am Brenda Hall and I would like to change my plan.").is_empty());
    let lines = [(1, "Where do you live now?"), (0, "Sanded to six seventy for meadow road.")];
    assert!(added(&lines, 1, "six seventy", EntityType::Address).contains(&"for meadow road.".to_owned()));
}

#[test]
fn other_digits_are_no_read_back() {
    let lines = [(0, "My zip is nine eight one oh one."), (1, "That is seven nine six two eight five.")];
    assert!(added(&lines, 0, "nine eight one oh one", EntityType::ZipCode).is_empty());
    let lines = [(0, "My zip is nine eight one oh one."), (1, "So nine ate one oh one, is it?")];
    assert_eq!(added(&lines, 0, "nine eight one oh one", EntityType::ZipCode), ["nine ate one oh one,"]);
}

#[test]
fn a_long_number_that_nobody_explained_is_covered() {
    let said = "It starts on the left, seven, nine, three, two, seven, six, six, five, nine.";
    assert_eq!(covered(&[(0, said)]), ["seven, nine, three, two, seven, six, six, five, nine"]);
    assert!(covered(&[(0, "That is seven hundred and fifty dollars.")]).is_empty());
}

#[test]
fn a_garbled_request_for_a_social_security_number_still_asks() {
    assert_eq!(
        covered(&[(1, "just to last for your social plea."), (0, "The last four or seven free six free.")]),
        ["four or seven free six free."]
    );
}

#[test]
fn capital_letters_do_not_make_a_name_of_talk() {
    assert!(is_talk("Thank you,") && is_talk("Valid until when?") && is_talk("Mm hmm."));
    assert!(["Sam Pugh", "San Kyu,", "Sancue", "Sam Q"].iter().all(|t| is_talk(t)));
    assert!(!is_talk("Thank Rosa") && !is_talk("Garden") && !is_talk("Sam Hughes") && !is_talk("Sandra"));
}

#[test]
fn a_spoken_domain_covers_what_stands_before_it() {
    assert_eq!(
        covered(&[(0, "Sure, karen and lambert hat example, dot net.")]),
        ["karen and lambert hat example, dot net."]
    );
}

#[test]
fn of_an_answer_that_holds_a_whole_code_only_the_code_is_covered() {
    let asks = (1, "And the security code, please.");
    assert_eq!(covered(&[asks, (0, "Hold on, it is faded. Five, nine, one.")]), ["Five, nine, one."]);
    assert_eq!(covered(&[asks, (0, "The code says to nine eight.")]), ["to nine eight."]);
    // The word before may have been the first digit, the words after it the last.
    assert_eq!(covered(&[asks, (0, "It is stated six, five, three.")]), ["stated six, five, three."]);
    assert_eq!(covered(&[asks, (0, "It is five-three-seven fife.")]), ["five-three-seven fife."]);
    // Two places, or too few digits: everything as before.
    assert_eq!(covered(&[asks, (0, "One two three. Or was it four five six.")]).len(), 1);
    assert_eq!(covered(&[asks, (0, "It says five nine.")]), ["It says five nine."]);
}

#[test]
fn a_hum_is_no_name() {
    assert!(is_humming("M. M. H. M. M.") && is_humming("U-H-H-U-H"));
    assert!(!is_humming("H. U.") && !is_humming("M. U. M. M."));
}

#[test]
fn a_number_too_short_to_be_whole_is_looked_for_further() {
    let text = "Try seven there for, five, five, five, there are one for three, that is my work zone.";
    let parts = added(&[(0, text)], 0, "five, five, five,", EntityType::PhoneNumber);
    assert_eq!(parts, ["seven there for,", "there are one for three,"]);
}

#[test]
fn a_misheard_digit_before_the_rest_of_a_number_opens_a_turn() {
    let card = EntityType::CreditCard;
    assert_eq!(
        added(&[(0, "A. two, two, three, four, four.")], 0, "two, two, three, four, four.", card),
        ["A."]
    );
    let account = EntityType::AccountId;
    assert!(added(&[(0, "It has a. Two, two, three.")], 0, "Two, two, three.", account).is_empty());
}

#[test]
fn a_birthday_whose_year_was_misheard_is_covered_to_its_end() {
    let text = "My birthday is June nineteenth, nineteenth, fifteen, nine.";
    let added = added(&[(0, text)], 0, "June nineteenth,", EntityType::Dob);
    assert_eq!(added, ["nineteenth, fifteen, nine."]);
}

#[test]
fn the_misheard_beginning_of_a_card_number_is_covered_back_to_the_words_that_announce_it() {
    let card = EntityType::CreditCard;
    let text = "One moment, the card number reads: For the arrow, the arrow, the zero zero seven eight one four one two.";
    assert_eq!(
        added(&[(0, text)], 0, "zero zero seven eight one four one two.", card),
        ["For the arrow, the arrow, the"]
    );
    // A whole number lost nothing before it.
    let whole = "Use my blue Visa then, four one one one, one one one one, one one one one, one one one one.";
    let number = "four one one one, one one one one, one one one one, one one one one.";
    assert!(added(&[(0, whole)], 0, number, card).is_empty());
}

#[test]
fn a_date_of_expiry_is_no_answer_to_a_question_for_the_code() {
    let asks = (1, "There is a short code by the signature, what is it?");
    let text = "So hold on, it is fated to the Roo. The expiration date is eleven, twenty thirty two.";
    let lines = [asks, (0, text)];
    let expiry = added(&lines, 1, "eleven, twenty thirty two.", EntityType::Expiry);
    assert!(expiry.iter().any(|t| t.starts_with("So hold on, it is fated to the Roo.")), "{expiry:?}");
}

#[test]
fn the_misheard_first_word_of_a_date_is_covered() {
    let text = "It expires Ozix thirty-three.";
    assert_eq!(added(&[(0, text)], 0, "Ozix", EntityType::Person), ["Ozix thirty-three."]);
    let text = "This is served of September, nineteen sixty seven.";
    assert_eq!(added(&[(0, text)], 0, "September, nineteen sixty seven.", EntityType::Dob), ["served of"]);
}
