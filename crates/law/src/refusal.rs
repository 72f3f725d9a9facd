//! Whether words from a conversation are a wish to hear no more. In a talk only whole phrases count, for "stop" and
//! "cancel" there mean a payment or an order; a text message is judged as a reply is.

use crate::{
    Packs, Source,
    decide::evaluate,
    engines::{plain, says},
    facts::Facts,
};
use jiff::Timestamp;

/// Most lines of a letter that are read.
const MAX_LINES: usize = 2_000;

/// How the words came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A text message: short, and an answer to one.
    Message,
    /// An e-mail: what it quotes is somebody else's.
    Letter,
    /// Speech or chat.
    Talk,
}

/// A wish to hear no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// False: a person must read it before it counts as one, and nobody is called until then.
    pub certain: bool,
    /// `keyword`, `phrase` or `doubtful`.
    pub how: &'static str,
    /// The table that knew it.
    pub source: Source,
}

/// Whether `text`, as one person said or wrote it, is such a wish.
#[must_use]
pub fn refusal(packs: &Packs, text: &str, medium: Medium, as_of: Timestamp) -> Option<Refusal> {
    match medium {
        Medium::Message => message(packs, text, as_of),
        Medium::Talk => phrase(packs, text),
        Medium::Letter => {
            let own = unquoted(text);
            keyword(packs, &own).or_else(|| phrase(packs, &own.join(" \n ")))
        }
    }
}

fn message(packs: &Packs, text: &str, as_of: Timestamp) -> Option<Refusal> {
    let facts = Facts::new(serde_json::json!({ "text": text })).ok()?;
    let answer = evaluate(packs, "tcpa", "classify_inbound_text", &facts, as_of).ok()?;
    let certain = answer.decision == "revoke";
    if !certain && answer.decision != "review" {
        return None;
    }
    let reason = answer.reasons.into_iter().next()?;
    let how = match (certain, reason.code.as_str()) {
        (true, "keyword.per_se") => "keyword",
        (true, _) => "phrase",
        _ => "doubtful",
    };
    Some(Refusal { certain, how, source: reason.source })
}

/// The lines that the writer wrote: up to the first sign that older mail follows, without quoted ones.
fn unquoted(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.lines().take(MAX_LINES) {
        let line = line.trim();
        let lower = line.to_lowercase();
        let older = (lower.starts_with("on ") && lower.ends_with("wrote:"))
            || lower.starts_with("-----original message")
            || lower.starts_with("________________")
            || (lower.starts_with("from:") && !out.is_empty());
        if older {
            break;
        }
        if !line.starts_with('>') {
            out.push(line.to_owned());
        }
    }
    out
}

/// A line that is a keyword and nothing else.
fn keyword(packs: &Packs, lines: &[String]) -> Option<Refusal> {
    let table = packs.table("revocation.clause")?;
    let alone = |line: &String| table.row.words.contains(&plain(line));
    lines.iter().any(alone).then(|| Refusal { certain: true, how: "keyword", source: source(table) })
}

fn phrase(packs: &Packs, text: &str) -> Option<Refusal> {
    let text = plain(text);
    let table = packs.table("refusal.spoken")?;
    let list = |id: &str| packs.table(id).map(|t| t.row.words.as_slice()).unwrap_or_default();
    if list("refusal.innocent").iter().any(|p| says(&text, p)) {
        return None;
    }
    let negators = list("refusal.negators");
    let padded = format!(" {text} ");
    let wished = |p: &String| {
        let wanted = format!(" {p} ");
        padded.match_indices(&wanted).any(|(at, _)| {
            let before = padded.get(..at).unwrap_or("");
            !before.rsplit(' ').filter(|w| !w.is_empty()).take(3).any(|w| negators.iter().any(|n| n == w))
        })
    };
    table.row.words.iter().any(wished).then(|| Refusal {
        certain: true,
        how: "phrase",
        source: source(table),
    })
}

fn source(table: &crate::pack::Of<crate::pack::Table>) -> Source {
    Source::new(&table.row.id, "A wish to hear no more", &table.row.provenance, &table.pack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overlay;

    fn how(text: &str, medium: Medium) -> Option<&'static str> {
        let packs = Packs::embedded(Overlay::default()).unwrap();
        refusal(&packs, text, medium, "2026-11-23T12:00:00Z".parse().unwrap()).map(|r| r.how)
    }

    #[test]
    fn a_refusal_in_a_talk_is_a_whole_phrase() {
        for text in [
            "Look, don't call me again.",
            "please take me off your list",
            "Take me off your calling list, okay?",
            "I want you to put me on your do-not-call list",
            "stop calling me",
            "Just quit calling me, please",
            "I'm on the registry. Remove my number from your list!",
            "I revoke my consent to be contacted",
            "do not ever call this number",
            "I don't want any more calls from you people",
            "no me llame más por favor",
            "I said don't call me again",
        ] {
            assert_eq!(how(text, Medium::Talk), Some("phrase"), "{text}");
        }
        for text in [
            "please stop the payment",
            "don't stop",
            "stop",
            "I want to cancel my subscription",
            "don't take me off your list",
            "I didn't ask you to stop calling me",
            "why did you take me off your list",
            "if you don't call me again by Friday I will call you",
            "don't call me again before nine",
            "you can call me any time",
            "don't hang up",
            "stop calling me ma'am",
            "my end of the line is bad",
            "am I on the do not call list?",
            "delete the card, please",
            "leave me alone with that form",
            "",
        ] {
            assert_eq!(how(text, Medium::Talk), None, "{text}");
        }
    }

    #[test]
    fn a_message_is_judged_as_a_reply_and_a_letter_without_what_it_quotes() {
        assert_eq!(how("STOP", Medium::Message), Some("keyword"));
        assert_eq!(how("please quit texting me", Medium::Message), Some("phrase"));
        assert_eq!(how("who is this", Medium::Message), Some("doubtful"));
        assert_eq!(how("stop the payment", Medium::Message), None);
        assert_eq!(how("please don't stop", Medium::Message), None);
        assert_eq!(how("See you on Friday", Medium::Message), None);
        assert_eq!(how("Hello,\n\nUnsubscribe\n\nDana", Medium::Letter), Some("keyword"));
        assert_eq!(how("Hello,\nplease stop emailing me.\nDana", Medium::Letter), Some("phrase"));
        let quoted =
            "Thanks, that works.\n\nOn Mon, Nov 2, 2026 Acme wrote:\nUnsubscribe\n> stop emailing me";
        assert_eq!(how(quoted, Medium::Letter), None);
        assert_eq!(how("> STOP\nStill waiting for my parcel.", Medium::Letter), None);
        assert_eq!(how("To unsubscribe click the link below.", Medium::Letter), None);
    }
}
