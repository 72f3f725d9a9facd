//! What a turn asks the other party for. Speech recognisers garble answers more often than questions, so whoever
//! mutes audio needs to know where an answer has to be, even when nothing in it looks like one.

use crate::{
    Utterance,
    cues::{self, Kind},
    gazetteer::{Gazetteer, flag},
    lexicon,
    token::Doc,
};
use callvault_model::{EntityType, Role};

/// Words that make a question or a request of a turn that holds a cue.
const REQUEST: &[&str] = &[
    "what", "which", "who", "whose", "whom", "where", "when", "how", "can", "could", "may", "would",
    "please", "give", "read", "tell", "need", "confirm", "verify", "spell", "provide", "enter", "say",
    "repeat", "ready", "is", "are", "do", "any",
];

/// Talk about health that a recogniser can hardly garble.
const HEALTH: &[(&str, EntityType)] = &[
    ("medication", EntityType::Medication),
    ("medications", EntityType::Medication),
    ("medicine", EntityType::Medication),
    ("prescription", EntityType::Medication),
    ("refill", EntityType::Medication),
    ("taking", EntityType::Medication),
    ("diagnosis", EntityType::Condition),
    ("diagnosed", EntityType::Condition),
    ("symptoms", EntityType::Condition),
    ("condition", EntityType::Condition),
    ("appointment", EntityType::Condition),
    ("allergies", EntityType::Condition),
    ("allergic", EntityType::Condition),
    ("treatment", EntityType::Procedure),
    ("referral", EntityType::Procedure),
    ("procedure", EntityType::Procedure),
    ("surgery", EntityType::Procedure),
];

/// The types that this turn asks for, each once; empty when it asks for nothing personal.
pub fn asked(text: &str) -> Vec<EntityType> {
    let doc = Doc::new(&[Utterance { role: Role::Agent, text }]);
    let words = lower_words(text);
    let fragment =
        words.len() <= 6 && words.first().is_some_and(|w| ["and", "the", "your"].contains(&w.as_str()));
    let asks = fragment || text.contains('?') || words.iter().any(|w| REQUEST.contains(&w.as_str()));
    // "You have reached member services" names the house, and asks for nothing.
    if words.iter().any(|w| ["reached", "services", "welcome"].contains(&w.as_str())) {
        return Vec::new();
    }
    let mut out: Vec<EntityType> = Vec::new();
    let mut add = |entity| {
        if !out.contains(&entity) {
            out.push(entity);
        }
    };
    cues::find(&doc).iter().filter_map(|c| entity(c.kind)).for_each(&mut add);
    // "The offer code is spring. There is a short code by the signature": each sentence names its own code.
    if text.split(['.', '?', '!']).any(|sentence| asks_for_code(&lower_words(sentence))) {
        add(EntityType::Cvv);
    }
    if words.iter().any(|w| w == "digits") {
        add(EntityType::AccountId);
    }
    if words.windows(2).any(|w| matches!(w, [your, visit] if your == "your" && visit == "visit")) {
        add(EntityType::Condition);
    }
    HEALTH.iter().filter(|(w, _)| words.iter().any(|x| x == w)).for_each(|(_, e)| add(*e));
    // Talk about these is a request however little of its grammar survived the recogniser.
    out.retain(|e| {
        asks || matches!(e, EntityType::UsSsn | EntityType::Cvv | EntityType::Pin | EntityType::RoutingNumber)
    });
    out
}

fn lower_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// Agents find ever new words for the security code; every code that is not one of these harmless ones is taken for it.
fn asks_for_code(words: &[String]) -> bool {
    const HARMLESS: &[&str] = &[
        "zip",
        "area",
        "postal",
        "post",
        "offer",
        "promo",
        "promotion",
        "discount",
        "coupon",
        "country",
        "dress",
        "bar",
    ];
    let has = |w: &str| words.iter().any(|x| x == w);
    let three = has("digits") && (has("three") || has("3") || has("over") || has("back"));
    (three || has("code") || has("codes") || has("signature"))
        && !words.iter().any(|w| HARMLESS.contains(&w.as_str()))
}

/// Whether a word is one that everybody uses, as far as lists know: what no name needs to be suspected in.
pub fn everyday(word: &str) -> bool {
    let word = word.to_lowercase();
    lexicon::function_word(&word) || Gazetteer::get().flags(&word) & flag::COMMON != 0
}

/// What a cue announces; `None` for what is nobody's or may be kept.
fn entity(kind: Kind) -> Option<EntityType> {
    Some(match kind {
        Kind::Card => EntityType::CreditCard,
        Kind::Cvv => EntityType::Cvv,
        Kind::Expiry => EntityType::Expiry,
        Kind::Pin => EntityType::Pin,
        Kind::Ssn => EntityType::UsSsn,
        Kind::Phone => EntityType::PhoneNumber,
        Kind::Email => EntityType::EmailAddress,
        Kind::Dob => EntityType::Dob,
        Kind::Name | Kind::Spell => EntityType::Person,
        Kind::Address => EntityType::Address,
        Kind::Zip => EntityType::ZipCode,
        Kind::Account => EntityType::AccountId,
        Kind::Member => EntityType::MemberId,
        Kind::Medical => EntityType::MedicalId,
        Kind::Routing => EntityType::RoutingNumber,
        Kind::Iban => EntityType::IbanCode,
        Kind::Username => EntityType::Username,
        Kind::Password => EntityType::Password,
        Kind::Otp => EntityType::Otp,
        Kind::SecurityAnswer => EntityType::SecurityAnswer,
        Kind::License => EntityType::DriverLicense,
        Kind::Passport => EntityType::Passport,
        Kind::NationalId => EntityType::NationalId,
        Kind::City => EntityType::Location,
        Kind::Reference | Kind::Vehicle | Kind::Device | Kind::Age | Kind::Harmless => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_name_what_they_ask_for() {
        assert_eq!(asked("And the security code, please."), [EntityType::Cvv]);
        assert_eq!(
            asked("Can you turn the card over and give me the last three digits there?")[0],
            EntityType::CreditCard
        );
        assert_eq!(asked("Are you taking any medication?"), [EntityType::Medication]);
        assert_eq!(asked("Where do you live now?"), [EntityType::Address]);
        assert_eq!(asked("There is a short code by the signature, what is it?"), [EntityType::Cvv]);
        assert_eq!(asked("Which city is that in?"), [EntityType::Location]);
        assert!(asked("the model forty-two and the security codes please.").contains(&EntityType::Cvv));
        assert!(
            asked("Turn the card over and give me the last three digits there?").contains(&EntityType::Cvv)
        );
        assert!(
            asked("The offer code is spring. There is a short code by the signature?")
                .contains(&EntityType::Cvv)
        );
        assert!(asked("What is the reason for your visit?").contains(&EntityType::Condition));
        assert!(!asked("What zip code is the card billed to?").contains(&EntityType::Cvv));
    }

    #[test]
    fn everyday_words_are_told_from_names() {
        assert!(["calling", "instead", "I", "perfect", "trouble"].iter().all(|w| everyday(w)));
        assert!(["Collingwood", "Kowalski", "Percendous"].iter().all(|w| !everyday(w)));
    }

    #[test]
    fn statements_and_small_talk_ask_for_nothing() {
        for text in [
            "Hello, you have reached member services.",
            "That is fine, I am not in a hurry.",
            "The system is a little slow this afternoon.",
        ] {
            assert!(asked(text).is_empty(), "{text}");
        }
    }
}
