//! Replies to messages: is this a wish to hear no more? The words are tables; a doubt goes to a person.

use crate::{
    case::Case,
    decide::{Draft, Source},
};

/// Longest reply that is read; a longer one is judged by its beginning.
const MAX_CHARS: usize = 2_000;
/// Most parts of a reply, between stops and commas, that are looked at alone.
const MAX_CLAUSES: usize = 200;

/// Lower case, apostrophes dropped, everything but letters, digits and signs like a thumb turned to single spaces.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(MAX_CHARS).flat_map(char::to_lowercase) {
        if matches!(c, '\'' | '’' | '‘' | '`' | '\u{fe0f}') {
            continue;
        }
        let spaced = c.is_whitespace() || c.is_ascii_punctuation() || "¡¿…–—“”«»".contains(c);
        if !spaced {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// One letter missing or added, or two neighbours swapped: a slip of the thumb. A changed letter makes another word.
fn slipped(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (a.get(same..).unwrap_or(&[]), b.get(same..).unwrap_or(&[]));
    match (rest_a, rest_b) {
        ([w, x, p @ ..], [y, z, q @ ..]) if w == z && x == y && p == q => true,
        ([_, p @ ..], q) if p == q => true,
        (p, [_, q @ ..]) => p == q,
        _ => false,
    }
}

/// One letter changed.
fn resembles(a: &str, b: &str) -> bool {
    a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).filter(|(x, y)| x != y).count() == 1
}

/// Whole words of a phrase stand in the text, in order and together.
pub(crate) fn says(text: &str, phrase: &str) -> bool {
    let padded = format!(" {text} ");
    padded.contains(&format!(" {phrase} "))
}

/// Judges a reply.
pub(super) fn classify(case: &Case<'_>, draft: &mut Draft<'_>, own: &Source) {
    let Some(text) = case.facts.text("text") else {
        case.miss("text");
        return draft.because("text.unknown", "review", true, own.clone());
    };
    let clauses: Vec<String> = text
        .split([',', '.', ';', '!', '\n'])
        .take(MAX_CLAUSES)
        .map(plain)
        .filter(|c| !c.is_empty())
        .collect();
    let text = plain(text);
    let table = |id: &str| -> Vec<&str> {
        let words = case.packs.table(id).map(|t| t.row.words.iter().map(String::as_str).collect());
        words.unwrap_or_default()
    };
    let (mut code, mut word) = judge(&text, &table);
    // A keyword that stands alone between two stops of a longer reply is one all the same.
    if word != "revoke" && clauses.iter().any(|c| table("revocation.clause").contains(&c.as_str())) {
        (code, word) = ("reasonable_person", "revoke");
    }
    draft.because(code, word, false, own.clone());
}

fn judge<'a>(text: &str, table: &dyn Fn(&str) -> Vec<&'a str>) -> (&'static str, &'static str) {
    let keywords = table("revocation.keywords");
    let joined = text.replace(' ', "");
    if keywords.iter().any(|k| *k == text || k.replace(' ', "") == joined) {
        return ("keyword.per_se", "revoke");
    }
    let words: Vec<&str> = text.split(' ').filter(|w| !w.is_empty()).collect();
    // Politeness and insistence around a keyword change nothing.
    let filler = table("revocation.filler");
    let core: Vec<&str> = words.iter().filter(|w| !filler.contains(*w)).copied().collect();
    let repeated = core.first().is_some_and(|f| core.iter().all(|w| w == f));
    let bare = if repeated { core.first().copied().unwrap_or("").to_owned() } else { core.join(" ") };
    let alone = table("revocation.alone");
    if !bare.is_empty()
        && (keywords.contains(&bare.as_str()) || alone.iter().any(|a| *a == bare || *a == text))
    {
        return ("reasonable_person", "revoke");
    }
    let has = |id: &str| table(id).iter().any(|p| says(text, p));
    // "please stop" alone says what to stop only by what follows: "please stop the payment" is no request to us.
    let open_ended = |p: &str| matches!(p, "please stop" | "stop please");
    let asked = table("revocation.phrases")
        .iter()
        .any(|p| says(text, p) && !(open_ended(p) && has("revocation.innocent")));
    if asked && !has("revocation.negated") {
        return ("reasonable_person", "revoke");
    }
    if has("revocation.innocent") {
        return ("not_a_request", "none");
    }
    let long: Vec<&&str> = keywords.iter().filter(|k| k.len() >= 4).collect();
    if !bare.contains(' ') && bare.chars().count() >= 3 && long.iter().any(|k| slipped(&bare, k)) {
        return ("reasonable_person", "revoke");
    }
    let near = words.iter().any(|w| keywords.contains(w) || long.iter().any(|k| slipped(w, k)));
    if near || long.iter().any(|k| resembles(&bare, k)) || has("revocation.doubtful") {
        return ("ambiguous", "review");
    }
    ("not_a_request", "none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facts, Overlay, Packs, evaluate};

    fn word(text: &str) -> String {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        let facts = Facts::new(serde_json::json!({"text": text})).unwrap();
        let as_of = "2026-11-23T12:00:00Z".parse().unwrap();
        evaluate(&packs, "tcpa", "classify_inbound_text", &facts, as_of).unwrap().decision
    }

    #[test]
    fn a_wish_to_hear_no_more_is_heard_in_many_words() {
        for text in [
            "STOP",
            "stop.",
            "Stop!!!",
            "QUIT",
            "end",
            "Revoke",
            "opt-out",
            "OPTOUT",
            "cancel",
            "Unsubscribe",
            "STOP ALL",
            "please stop",
            "stop stop stop",
            "STOP texting me!!",
            "I said STOP",
            "don't text me again",
            "Do not contact me",
            "take me off your list",
            "remove me",
            "REMOVE",
            "leave me alone",
            "no more messages please",
            "lose my number",
            "stpo",
            "sotp",
            "stopp",
            "unsubcribe",
            "cancle",
            "para de enviarme mensajes",
            "no más mensajes",
            "ALTO",
            "arrête",
            "I no longer consent to these texts",
            "I want to opt out of these",
            "stop sending me this",
            "go away",
            "🛑",
        ] {
            assert_eq!(word(text), "revoke", "{text}");
        }
    }

    #[test]
    fn ordinary_replies_are_left_alone_and_doubts_go_to_a_person() {
        for text in [
            "I stopped by the store, thanks",
            "ok thanks",
            "yes",
            "What time do you open?",
            "When does the sale end?",
            "please don't stop, I love these",
            "please stop the payment",
            "See you at the bus stop",
            "can I stop by tomorrow",
            "by the end of the week",
            "great",
            "I'll take two",
            "cancel my appointment on Friday",
            "",
            "👍",
        ] {
            assert_eq!(word(text), "none", "{text}");
        }
        for text in [
            "not interested",
            "who is this?",
            "wrong number",
            "too many messages",
            "is this spam?",
            "cancel the blue one",
            "👎",
            "maybe later",
            "no",
            "shop",
            "will this end",
            "I never signed up for this",
        ] {
            assert_eq!(word(text), "review", "{text}");
        }
    }

    #[test]
    fn slips_and_changes_are_told_apart() {
        assert!(
            slipped("stpo", "stop")
                && slipped("sto", "stop")
                && slipped("stopp", "stop")
                && slipped("xstop", "stop")
        );
        assert!(!slipped("shop", "stop") && resembles("shop", "stop"));
        assert!(!slipped("stop", "stop") && !resembles("stop", "stop"));
    }
}
