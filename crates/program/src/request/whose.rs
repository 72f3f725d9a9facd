//! Whose a value is that stands in the words of a person: their own, or somebody else's. In doubt it is somebody else's,
//! is left out of the copy, and a human decides.

use callvault_detect::search::value_recoverable;

/// Words before a value that make it another person's.
const OTHERS: &[&str] = &[
    "he",
    "she",
    "they",
    "him",
    "his",
    "her",
    "hers",
    "their",
    "theirs",
    "them",
    "husband",
    "wife",
    "spouse",
    "partner",
    "fiance",
    "fiancee",
    "boyfriend",
    "girlfriend",
    "son",
    "daughter",
    "child",
    "kid",
    "stepson",
    "stepdaughter",
    "mother",
    "mom",
    "mum",
    "father",
    "dad",
    "parent",
    "parents",
    "brother",
    "sister",
    "grandmother",
    "grandfather",
    "grandma",
    "grandpa",
    "uncle",
    "aunt",
    "cousin",
    "nephew",
    "niece",
    "friend",
    "neighbor",
    "neighbour",
    "colleague",
    "coworker",
    "boss",
    "manager",
    "roommate",
    "flatmate",
    "landlord",
    "tenant",
    "lawyer",
    "attorney",
    "doctor",
    "nurse",
    "caregiver",
    "carer",
    "employee",
    "client",
    "someone",
    "somebody",
];

/// Why a value is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It leads to another person's record.
    OtherRecord,
    /// Another party of the conversation said it or has it as a name.
    OtherParty,
    /// The words before it speak of somebody else.
    SpokenOf,
    /// The other side said it, and it is not certain whom it is about.
    OtherSide,
    /// A human decided.
    Decided,
    /// Nobody keeps it.
    NeverKept,
}

impl Left {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherRecord => "other_record",
            Self::OtherParty => "other_party",
            Self::SpokenOf => "spoken_of",
            Self::OtherSide => "other_side",
            Self::Decided => "decided",
            Self::NeverKept => "never_kept",
        }
    }
}

/// Whether the words that lead to a place speak of somebody else: those of its sentence, the nearest twelve.
pub(super) fn speaks_of_another(before: &str) -> bool {
    let sentence = before.rsplit(['.', '?', '!']).next().unwrap_or(before);
    let words = sentence.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).rev().take(12);
    words.map(str::to_lowercase).any(|w| OTHERS.contains(&w.as_str()))
}

/// Whether two values are one, however they were said.
pub(super) fn same(a: &str, b: &str) -> bool {
    let long = |v: &str| v.chars().filter(|c| c.is_alphanumeric()).count() >= 3;
    long(a) && long(b) && (value_recoverable(a, b) || value_recoverable(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_a_value_tell_whose_it_is() {
        for other in [
            "my husband's number is ",
            "please call her on ",
            "the card belongs to my mother, it is ",
            "his name is ",
        ] {
            assert!(speaks_of_another(other), "{other}");
        }
        for own in ["my card number is ", "I live at ", "She moved out. My new address is ", "this is "] {
            assert!(!speaks_of_another(own), "{own}");
        }
    }

    #[test]
    fn a_number_is_the_same_in_words_and_in_figures() {
        assert!(same("two oh two five five five oh one four two", "202-555-0142"));
        assert!(!same("202-555-0142", "202-555-0143"));
        assert!(!same("", "") && !same("1", "1"));
    }
}
