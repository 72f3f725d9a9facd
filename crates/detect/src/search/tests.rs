use super::*;

#[test]
fn a_value_is_found_in_every_spoken_form() {
    let card = "4111 1111 1111 1111";
    for text in [
        "4111111111111111",
        "4111-1111-1111-1111",
        "it is four one one one one one one one one one one one one one one one",
        "forty one eleven eleven eleven eleven eleven eleven eleven",
        "four triple one one one one one okay one one one one one one one one",
        "Four, one, one, one. One one one one. 1111 1111",
    ] {
        assert!(value_recoverable(text, card), "{text}");
    }
    assert!(!value_recoverable("your card number please [CREDIT_CARD] thank you 1111", card));
}

#[test]
fn short_codes_must_stand_alone() {
    assert!(value_recoverable("it is one two three", "123"));
    assert!(value_recoverable("1 2 3", "one two three"));
    assert!(!value_recoverable("order 9912345", "123"));
}

#[test]
fn words_are_found_spelled_and_joined() {
    assert!(value_recoverable(
        "that is S as in Sam M as in Mary I as in Ida T as in Tom H as in Henry",
        "Smith"
    ));
    assert!(value_recoverable("s m i t h", "smith"));
    assert!(value_recoverable("john dot smith nine at gmail dot com", "john.smith9@gmail.com"));
    assert!(value_recoverable("ravi  Kumar", "Ravi Kumar"));
    assert!(!value_recoverable("the smithsonian", "smith"));
}

#[test]
fn digit_runs_count_spoken_and_written_digits() {
    let text = "pay 40 now or four one uh one one later";
    let runs = digit_runs(text);
    assert_eq!(runs.iter().map(|r| r.digits).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(&text[runs[1].range.clone()], "four one uh one one");
}
