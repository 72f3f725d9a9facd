//! Numbers of the business itself: what an agent calls an order, a ticket or a page is no card.

use crate::tools::Tools;
use callvault_detect::search::{self, DigitRun};
use callvault_model::{EntityType as E, Finding, Interval, IntervalSet, Role, Turn};

/// What such a number is called.
const NAMES: &[&str] = &[
    "order",
    "ticket",
    "reference",
    "case",
    "confirmation",
    "tracking",
    "invoice",
    "booking",
    "reservation",
    "claim",
    "part",
    "model",
    "page",
    // "We are open until eight thirty."
    "open",
];
/// What stands between its name and the number ("order number is", "the part is number").
const BETWEEN: &[&str] = &["number", "is", "id", "no", "until"];
/// Words between the two at most.
const REACH: usize = 3;
/// A longer number is not left alone, whatever it is called: a card has 12 digits and more, a phone 10, an SSN 9.
const LONGEST: usize = 8;

/// Whether an agent says what this number is, and it is nothing of a customer.
pub fn named(text: &str, role: Role, run: &DigitRun) -> bool {
    if role != Role::Agent || run.digits > LONGEST {
        return false;
    }
    let before = text.get(..run.range.start).unwrap_or_default();
    let word = |w: &str| -> String {
        w.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let mut back = before.split_whitespace().rev();
    for _ in 0..=REACH {
        // "Thank you for your order. 4242" names nothing: the sentence is over.
        match back.next() {
            Some(w) if w.ends_with(['.', '?', '!']) => return false,
            // "Your ordering number is": an ending more is how it was heard.
            Some(w) if NAMES.iter().any(|n| word(w).starts_with(n)) => return true,
            Some(w) if BETWEEN.contains(&word(w).as_str()) => {}
            _ => return false,
        }
    }
    false
}

/// Whether a value is only a number of that kind, taken for another because that was talked about before or after.
pub fn is_reference(tools: &Tools<'_>, turns: &[Turn], roles: &[Role], finding: &Finding) -> bool {
    let Some(turn) = turns.get(finding.turn).filter(|_| of_digits(finding.entity) && kept(tools)) else {
        return false;
    };
    said_as_reference(turn, roles, finding)
}

/// Types that a number without context could be.
pub fn of_digits(entity: E) -> bool {
    entity.is_payment()
        || matches!(
            entity,
            E::AccountId | E::MemberId | E::MedicalId | E::ZipCode | E::Otp | E::PhoneNumber | E::UsSsn
        )
}

/// Where agents say such numbers, per channel: the second listener often mishears what they are called.
pub fn spans(tools: &Tools<'_>, turns: &[Turn], roles: &[Role], channels: usize) -> Vec<IntervalSet> {
    let mut out = vec![IntervalSet::new(); channels];
    for turn in turns.iter().filter(|_| kept(tools)) {
        let role = roles.get(turn.party).copied().unwrap_or(Role::Unknown);
        let Some(set) = out.get_mut(turn.party) else { continue };
        for run in search::digit_runs(&turn.text).into_iter().filter(|r| named(&turn.text, role, r)) {
            for word in turn.words_in(run.range) {
                set.insert(Interval::new(word.start_ms, word.end_ms).padded(SLACK_MS));
            }
        }
    }
    out
}

/// So far may the times of two listeners lie apart.
const SLACK_MS: u64 = 400;

/// Whether the site's profile leaves such numbers readable; where it covers them, nothing is an exception.
pub fn kept(tools: &Tools<'_>) -> bool {
    !tools.detector.profile().reports(E::ReferenceId)
}

fn said_as_reference(turn: &Turn, roles: &[Role], finding: &Finding) -> bool {
    let role = roles.get(turn.party).copied().unwrap_or(Role::Unknown);
    let touched = |r: &DigitRun| r.range.start < finding.end && finding.start < r.range.end;
    let mut runs = search::digit_runs(&turn.text).into_iter().filter(touched).peekable();
    runs.peek().is_some() && runs.all(|r| named(&turn.text, role, &r))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(role: Role, text: &str, value: &str) -> bool {
        let start = text.find(value).unwrap();
        let finding = Finding {
            turn: 0,
            start,
            end: start + value.len(),
            entity: E::Expiry,
            score: 0.5,
            recognizer: "number".into(),
            reason: String::new(),
            value: 1,
        };
        said_as_reference(&Turn::typed(0, text), &[role], &finding)
    }

    #[test]
    fn what_an_agent_calls_an_order_is_no_card() {
        assert!(is(
            Role::Agent,
            "Your order number is zero eight one nine five.",
            "zero eight one nine five"
        ));
        assert!(is(
            Role::Agent,
            "The part is number fifty-two seventy-five, in dark blue.",
            "fifty-two seventy-five"
        ));
        assert!(is(Role::Agent, "We are open until eight thirty tonight.", "eight thirty"));
        assert!(!is(Role::Agent, "It is valid until eight thirty.", "eight thirty"));
        assert!(is(Role::Agent, "Reference 67705, in case you call again.", "67705"));
    }

    #[test]
    fn nobody_else_and_nothing_longer_is_believed() {
        assert!(!is(Role::Customer, "The order number is 4242.", "4242"));
        assert!(!is(Role::Unknown, "The order number is 4242.", "4242"));
        assert!(!is(Role::Agent, "The order number is 4242 4242 4242 4242.", "4242 4242 4242 4242"));
        assert!(!is(Role::Agent, "Thank you for your order. 4242 then.", "4242"));
        assert!(!is(Role::Agent, "For this order the card ends in 4242.", "4242"));
        assert!(!is(Role::Agent, "The code is 123.", "123"));
    }
}
