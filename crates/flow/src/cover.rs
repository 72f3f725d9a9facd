//! What is covered in the text: the findings, their repeats, and words that the audio no longer carries.

use callvault_detect::search;
use callvault_model::{EntityType, Finding, Interval, IntervalSet, Turn};
use serde::{Deserialize, Serialize};

/// A stretch of one turn that is replaced by a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Index of the turn.
    pub turn: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Type of what is covered; `None` where words were muted because they could not be verified.
    pub entity: Option<EntityType>,
    /// Number of the value in the conversation, shared by its pieces.
    pub value: Option<u32>,
}

impl Cover {
    /// What stands in the text instead.
    pub fn label(&self) -> String {
        self.entity.map_or_else(|| "[UNVERIFIED]".to_owned(), |e| format!("[{e}]"))
    }
}

/// Name of findings that cover a whole turn because a value found elsewhere is repeated in it.
pub const REPEAT: &str = "repeat";
/// Values shorter than this many letters or digits occur everywhere by chance and are not searched for.
pub const SEARCHABLE: usize = 3;

/// The text of each recognised value, in the order of its pieces; ready to be searched for. What is covered only for
/// its place in the talk is no value anyone knows.
pub fn values(turns: &[Turn], findings: &[Finding]) -> Vec<(u32, EntityType, String)> {
    let mut out: Vec<(u32, EntityType, String)> = Vec::new();
    for f in findings.iter().filter(|f| f.recognizer != crate::answers::RECOGNIZER && f.recognizer != REPEAT)
    {
        let Some(text) = turns.get(f.turn).and_then(|t| t.text.get(f.start..f.end)) else { continue };
        match out.iter_mut().find(|(value, ..)| *value == f.value) {
            Some((.., whole)) => {
                whole.push(' ');
                whole.push_str(text);
            }
            None => out.push((f.value, f.entity, text.to_owned())),
        }
    }
    out
}

/// Whether a value is long enough to be looked for elsewhere.
pub fn searchable(entity: EntityType, text: &str) -> bool {
    let alnum = text.chars().filter(|c| c.is_alphanumeric()).count();
    match entity {
        // A name or a place shorter than this is also an ordinary word.
        EntityType::Person | EntityType::Location | EntityType::Title | EntityType::Organization => {
            alnum >= 5
        }
        // These are relative words as often as values ("today", "thirty").
        EntityType::DateTime | EntityType::Age => false,
        _ => alnum >= SEARCHABLE,
    }
}

/// Adds findings until no covered value can be read in what is left: whoever repeats a value outside every
/// pattern gets the whole turn covered.
pub fn close_over_repeats(turns: &[Turn], mut findings: Vec<Finding>) -> Vec<Finding> {
    let values: Vec<_> =
        values(turns, &findings).into_iter().filter(|(_, e, text)| searchable(*e, text)).collect();
    for (index, turn) in turns.iter().enumerate() {
        let left = uncovered_text(turn, index, &findings);
        if let Some((value, entity, _)) = values.iter().find(|(_, _, v)| search::value_recoverable(&left, v))
        {
            findings.push(Finding {
                turn: index,
                start: 0,
                end: turn.text.len(),
                entity: *entity,
                score: 1.0,
                recognizer: REPEAT.into(),
                reason: "a value found elsewhere can still be read in this turn".into(),
                value: *value,
            });
        }
    }
    findings
}

fn uncovered_text(turn: &Turn, index: usize, findings: &[Finding]) -> String {
    let covers: Vec<Cover> = of_findings(findings).into_iter().filter(|c| c.turn == index).collect();
    apply(&turn.text, &covers)
}

/// The covers that findings make; overlapping ones of a turn are joined under the first one's label.
pub fn of_findings(findings: &[Finding]) -> Vec<Cover> {
    joined(
        findings
            .iter()
            .map(|f| Cover {
                turn: f.turn,
                start: f.start,
                end: f.end,
                entity: Some(f.entity),
                value: Some(f.value),
            })
            .collect(),
    )
}

/// Sorted, with overlaps joined; the widest piece names the joined cover, so that a whole covered turn wins.
pub fn joined(mut covers: Vec<Cover>) -> Vec<Cover> {
    covers.sort_by_key(|c| (c.turn, c.start, std::cmp::Reverse(c.end)));
    let mut out: Vec<Cover> = Vec::with_capacity(covers.len());
    for c in covers {
        match out.last_mut() {
            Some(last) if last.turn == c.turn && c.start < last.end => {
                last.end = last.end.max(c.end);
                last.entity = last.entity.or(c.entity);
                last.value = last.value.or(c.value);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Covers for words that lie in muted time but in no finding: what the audio lost, the text loses too.
pub fn of_muted_words(turns: &[Turn], muted: &[IntervalSet], findings: &[Finding]) -> Vec<Cover> {
    let mut out = of_findings(findings);
    for (index, turn) in turns.iter().enumerate() {
        let Some(set) = muted.get(turn.party) else { continue };
        let mut at = 0usize;
        for word in &turn.words {
            let (start, end) = (at, at + word.text.len());
            at = end + 1;
            let span = Interval::new(word.start_ms, word.end_ms);
            if set.covered_ms(span) * 2 > span.len_ms() {
                out.push(Cover { turn: index, start, end, entity: None, value: None });
            }
        }
    }
    joined(out)
}

/// The text of one turn with its covers applied.
pub fn apply(text: &str, covers: &[Cover]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for c in covers {
        if let Some(before) = text.get(at..c.start) {
            out.push_str(before);
        }
        out.push_str(&c.label());
        at = c.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// The turns with every cover applied, in order.
pub fn masked(turns: &[Turn], covers: &[Cover]) -> Vec<String> {
    turns
        .iter()
        .enumerate()
        .map(|(i, t)| apply(&t.text, &covers.iter().filter(|c| c.turn == i).cloned().collect::<Vec<_>>()))
        .collect()
}

/// Where a cover lies in the recording: from its first to its last word, without padding.
pub fn span(turn: &Turn, cover: &Cover) -> Interval {
    let mut words = turn.words_in(cover.start..cover.end).map(|w| Interval::new(w.start_ms, w.end_ms));
    let first = words.next().unwrap_or(Interval::new(turn.start_ms, turn.end_ms));
    words.fold(first, |a, b| Interval::new(a.start_ms.min(b.start_ms), a.end_ms.max(b.end_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::Word;

    fn finding(turn: usize, start: usize, end: usize, entity: EntityType) -> Finding {
        Finding {
            turn,
            start,
            end,
            entity,
            score: 1.0,
            recognizer: "t".into(),
            reason: String::new(),
            value: 1,
        }
    }

    #[test]
    fn a_repeat_outside_every_pattern_covers_its_turn() {
        let turns = [
            Turn::typed(0, "my card is 4111 1111 1111 1111"),
            Turn::typed(
                1,
                "so four one one one double one double one double one double one double one double one",
            ),
            Turn::typed(0, "yes"),
        ];
        let out = close_over_repeats(&turns, vec![finding(0, 11, 30, EntityType::CreditCard)]);
        assert_eq!(out.len(), 2);
        assert_eq!((out[1].turn, out[1].start, out[1].end), (1, 0, turns[1].text.len()));
    }

    #[test]
    fn overlapping_covers_become_one_label() {
        let covers =
            of_findings(&[finding(0, 3, 9, EntityType::Person), finding(0, 5, 12, EntityType::Location)]);
        assert_eq!(apply("hi john smith bye", &covers), "hi [PERSON]h bye");
    }

    #[test]
    fn words_that_were_muted_as_unverified_leave_the_text_too() {
        let w = |t: &str, s| Word { text: t.into(), start_ms: s, end_ms: s + 100, confidence: 1.0 };
        let turn = Turn::spoken(0, vec![w("see", 0), w("you", 100), w("soon", 2000)]);
        let muted = vec![[Interval::new(1900, 2200)].into_iter().collect()];
        let covers = of_muted_words(std::slice::from_ref(&turn), &muted, &[]);
        assert_eq!(masked(&[turn], &covers), ["see you [UNVERIFIED]"]);
    }
}
