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
    assert!(!is_talk("Thank Rosa") && !is_talk("Garden"));
}

#[test]
fn a_spoken_domain_covers_what_stands_before_it() {
    assert_eq!(
        covered(&[(0, "Sure, karen and lambert hat example, dot net.")]),
        ["karen and lambert hat example, dot net."]
    );
}
