//! Nothing leaks across a boundary, wherever a conversation is cut.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![expect(clippy::indexing_slicing, reason = "helpers of tests fail by panicking")]

use callvault_detect::{
    Detector, Profile,
    live::{Live, Released},
    redact::Mode,
    search,
};
use callvault_model::Role;
use proptest::prelude::*;

fn fresh() -> Live {
    Live::new(Detector::new(Profile::All).unwrap())
}

/// Speaks the turns, cutting each at the given places, and looks at what is out after every chunk.
fn speak(turns: &[(Role, String)], cuts: &[usize], mut see: impl FnMut(&str)) -> Vec<Released> {
    let mut live = fresh();
    let mut out: Vec<Released> = Vec::new();
    let mut cuts = cuts.iter().cycle();
    let mut show = |out: &[Released]| {
        let all: Vec<&str> = out.iter().map(|r| r.text.as_str()).collect();
        see(&all.join("\n"));
    };
    for (role, text) in turns {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let want = cuts.next().map_or(rest.len(), |c| c % 13 + 1);
            let at = rest.char_indices().nth(want).map_or(rest.len(), |c| c.0);
            let (head, tail) = rest.split_at(at);
            out.extend(live.push(*role, head, &Mode::Category));
            show(&out);
            rest = tail;
        }
        out.extend(live.push(*role, "\n", &Mode::Category));
        show(&out);
    }
    out.extend(live.finish(&Mode::Category));
    show(&out);
    out
}

const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// A number said in groups, each a turn of the caller, with what an agent says in between.
fn groups(digits: &str, sizes: &[usize], spoken: bool, ack: &str) -> Vec<(Role, String)> {
    let mut turns = vec![(Role::Agent, "may i have your card number please".to_owned())];
    let (mut at, mut sizes) = (0, sizes.iter().cycle());
    while at < digits.len() {
        let end = (at + sizes.next().unwrap()).min(digits.len());
        let group = &digits[at..end];
        let said = if spoken {
            group.bytes().map(|b| WORDS[usize::from(b - b'0')]).collect::<Vec<_>>().join(" ")
        } else {
            group.to_owned()
        };
        turns.push((Role::Customer, said));
        if end < digits.len() {
            turns.push((Role::Agent, ack.to_owned()));
        }
        at = end;
    }
    turns.push((Role::Agent, "thank you i am charging it now".into()));
    turns.push((Role::Customer, "great bye".into()));
    turns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_number_is_never_readable_at_any_moment(
        digits in "[3-6][0-9]{14,15}",
        sizes in prop::collection::vec(2usize..6, 1..4),
        spoken in any::<bool>(),
        ack in prop::sample::select(vec!["okay", "mm-hm", "uh huh go ahead", "got it"]),
        cuts in prop::collection::vec(0usize..40, 1..12),
    ) {
        let turns = groups(&digits, &sizes, spoken, ack);
        let mut leak = None;
        let out = speak(&turns, &cuts, |seen| {
            let shown: usize = search::digit_runs(seen).iter().map(|r| r.digits).sum();
            if shown > 0 || search::value_recoverable(seen, &digits) {
                leak = Some(seen.to_owned());
            }
        });
        prop_assert!(leak.is_none(), "{digits}: {leak:?}");
        prop_assert_eq!(out.iter().filter(|r| !r.again).count(), turns.len());
    }

    #[test]
    fn where_the_chunks_are_cut_changes_nothing(cuts in prop::collection::vec(0usize..40, 1..20)) {
        let turns: Vec<(Role, String)> = [
            (Role::Agent, "thank you for calling this is dana how can i help"),
            (Role::Customer, "hi my name is ravindra kumarasamy i was charged twice"),
            (Role::Agent, "i can help ravindra what is the best number to reach you"),
            (Role::Customer, "five five five oh one"),
            (Role::Agent, "mm-hm"),
            (Role::Customer, "one nine two three é"),
            (Role::Agent, "and your email"),
            (Role::Customer, "ravi at gmail dot com"),
            (Role::Agent, "thanks kumarasamy we are open nine to five"),
        ].into_iter().map(|(r, t)| (r, t.to_owned())).collect();
        let whole = speak(&turns, &[1000], |_| {});
        let cut = speak(&turns, &cuts, |_| {});
        prop_assert_eq!(whole, cut);
    }
}

#[test]
fn a_turn_is_held_only_while_its_number_is_open() {
    let mut live = fresh();
    let mut push = |role, text: &str| -> Vec<String> {
        live.push(role, &format!("{text}\n"), &Mode::Category).into_iter().map(|r| r.text).collect()
    };
    assert_eq!(push(Role::Agent, "card number please"), ["card number please"]);
    assert!(push(Role::Customer, "four one one one two two two two").is_empty());
    assert!(push(Role::Agent, "okay").is_empty());
    assert!(push(Role::Customer, "three three three three four four four nine").is_empty());
    let out = push(Role::Agent, "thank you what is the billing address");
    assert_eq!(out.len(), 4, "{out:?}");
    assert_eq!(out[0], "[CREDIT_CARD]");
    assert_eq!(out[2], "[CREDIT_CARD]");
}

#[test]
fn names_told_long_ago_are_still_known() {
    let mut turns = vec![(Role::Customer, "my name is zebulon kumarasamy".to_owned())];
    turns.extend(
        (0..40).map(|k| (if k % 2 == 0 { Role::Agent } else { Role::Customer }, "let me look".to_owned())),
    );
    turns.push((Role::Agent, "so kumarasamy all is done".into()));
    let out = speak(&turns, &[50], |_| {});
    assert!(!out.last().unwrap().text.contains("kumarasamy"), "{:?}", out.last());
}

#[test]
fn a_speaker_who_never_stops_cannot_fill_the_memory_or_leak() {
    let mut live = fresh();
    let mut out = String::new();
    for _ in 0..4_000 {
        for r in live.push(Role::Customer, "well my card is 4111 1111 1111 1111 and ", &Mode::Category) {
            out.push_str(&r.text);
        }
    }
    for r in live.finish(&Mode::Category) {
        out.push_str(&r.text);
    }
    assert!(out.len() > 50_000);
    assert!(!out.contains("1111"), "a number leaked at a cut");
}

#[test]
fn a_name_that_becomes_known_later_is_taken_back_from_what_was_shown() {
    let mut live = fresh();
    let mut shown: Vec<String> = Vec::new();
    for line in [
        "is drumbelow on the list",
        "it may be under weatherspoon",
        "sure one moment",
        "my name is weatherspoon drumbelow",
        "okay",
    ] {
        for r in live.push(Role::Customer, &format!("{line}\n"), &Mode::Category) {
            if r.again {
                shown[r.turn] = r.text;
            } else {
                assert_eq!(r.turn, shown.len());
                shown.push(r.text);
            }
        }
    }
    for r in live.finish(&Mode::Category) {
        if r.again { shown[r.turn] = r.text } else { shown.push(r.text) }
    }
    let all = shown.join("\n");
    assert!(!all.contains("drumbelow") && !all.contains("weatherspoon"), "{all}");
}
