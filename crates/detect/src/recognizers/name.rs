//! Names after the words that announce them: "my name is", "this is", "hi", "Mr.", and answers to "may I have your name".

use crate::{
    context::{Candidate, Context},
    cues::Kind as Cue,
    gazetteer::flag,
    lexicon,
    token::{Case, Kind, gap},
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "name";

/// The most words one name may have.
const LONGEST: usize = 4;

/// Finds names by what stands before them.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for (t, turn) in ctx.doc.turns.iter().enumerate() {
        for i in turn.first..turn.end {
            if let Some((from, trust)) = lead(ctx, i, turn.end) {
                take(ctx, from, turn.end, trust, "follows words that announce a name", out);
            }
            capital(ctx, i, turn.end, out);
            before_degree(ctx, i, turn.first, out);
            if speaks(ctx, i) {
                let reason = "given name before \"speaking\"";
                out.extend(ctx.over(i, i.saturating_add(1), E::Person, 0.7, NAME, reason));
            }
            if let Some((first, end)) = honorific(ctx, i, turn.end) {
                out.extend(ctx.over(i, first, E::Title, 0.8, NAME, "form of address"));
                out.extend(ctx.over(first, end, E::Person, 0.9, NAME, "follows a form of address"));
            }
        }
        answer(ctx, t, out);
        if let Some(end) = beside_code(ctx, turn.first, turn.end) {
            out.extend(ctx.over(turn.first, end, E::Person, 0.65, NAME, "name before a short code"));
        }
    }
}

/// "yevgenia , pin 7183", "mahmoud eze 0219": a turn of one to three words of a name and a number of four digits.
fn beside_code(ctx: &Context<'_>, first: usize, limit: usize) -> Option<usize> {
    if !(2..=6).contains(&limit.saturating_sub(first)) {
        return None;
    }
    let at = ctx.segments.partition_point(|s| s.first < first);
    let number = ctx.segments.get(at).filter(|s| s.end == limit && s.written && s.digits.len() == 4)?;
    // "tata tiago 2016" is a car.
    if matches!(number.digits.get(..2), Some("19" | "20")) {
        return None;
    }
    let name = |k: usize| {
        let flags = listed(ctx, k);
        let place = flags & (flag::TOWN | flag::REGION) != 0 && flags & flag::GIVEN == 0;
        ctx.name_like(k)
            && !ctx.in_cue(k)
            && ctx.doc.word(k).len() > 2
            && (flags & flag::COMMON == 0 || flags & flag::GIVEN != 0)
            && !place
            && !lexicon::brand(ctx.doc.word(k))
            && !lexicon::month(ctx.doc.word(k))
            && !lexicon::counted(ctx.doc.word(k))
            && !lexicon::acknowledgement(ctx.doc.word(k))
    };
    let end = (first..number.first).find(|k| !name(*k)).unwrap_or(number.first);
    let linked = (end..number.first).all(|k| ctx.in_cue(k) || matches!(ctx.doc.word(k), "and" | "is" | "no"));
    let given = listed(ctx, first) & flag::GIVEN != 0;
    let words = end.saturating_sub(first);
    (linked && ((1..=3).contains(&words) && given || words == 2)).then_some(end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Any word that is not a function word.
    Any,
    /// A listed name, or a capital inside a sentence.
    Likely,
    /// A listed given name that is no common word.
    Listed,
}

/// Where a name begins if token `i` begins a lead-in.
fn lead(ctx: &Context<'_>, i: usize, limit: usize) -> Option<(usize, Trust)> {
    let at = |by: isize| ctx.doc.near(i, by);
    let to = |by: usize, trust| Some((i.saturating_add(by), trust)).filter(|(k, _)| *k < limit);
    match (ctx.doc.word(i), at(1), at(2)) {
        ("name", "is" | "'s", "also" | "uh" | "um" | "uhm") => to(3, Trust::Likely),
        ("name", "is" | "'s", _) => to(2, Trust::Any),
        ("names", w, _) if !lexicon::function_word(w) && ctx.doc.near(i, -1) == "my" => to(1, Trust::Likely),
        ("this", "is", _)
        | ("it", "is" | "'s", _)
        | ("call" | "called", "me", _)
        | ("im" | "named", _, _) => {
            let by = if matches!(ctx.doc.word(i), "im" | "named") { 1 } else { 2 };
            to(by, Trust::Likely)
        }
        ("first" | "last" | "full", "name", w) if !lexicon::function_word(w) && w.len() > 1 => {
            to(2, Trust::Likely)
        }
        ("name", w, _) if !lexicon::function_word(w) && w.len() > 1 && begins_turn(ctx, i) => {
            to(1, Trust::Likely)
        }
        ("i", "am" | "m", _) => to(2, Trust::Likely),
        ("speaking" | "spoke" | "speak" | "talking" | "talked", "with" | "to", _) => to(2, Trust::Likely),
        ("hi" | "hello" | "hey" | "thanks" | "dear" | "goodbye" | "bye", _, _) => to(1, Trust::Listed),
        ("take", "care", _) => to(2, Trust::Listed),
        ("pay", _, _) if ctx.doc.token(i.saturating_add(1)).is_some_and(|t| t.case == Case::Title) => {
            to(1, Trust::Likely)
        }
        ("according", "to", _) => to(2, Trust::Likely),
        (
            "husband" | "wife" | "son" | "daughter" | "mother" | "father" | "sister" | "brother" | "mom"
            | "dad",
            _,
            _,
        ) if ctx.doc.near(i, -1) == "my" => to(1, Trust::Listed),
        ("for", "calling", _) | ("thank", "you", _) | ("good", "morning" | "afternoon" | "evening", _) => {
            to(2, Trust::Listed)
        }
        _ => None,
    }
}

/// "riverside clinic noor speaking".
fn speaks(ctx: &Context<'_>, i: usize) -> bool {
    let says = ctx.doc.near(i, 1) == "speaking"
        || (ctx.doc.near(i, 1), ctx.doc.near(i, 2), ctx.doc.near(i, 3)) == ("on", "the", "line");
    says && listed(ctx, i) & flag::GIVEN != 0 && ctx.name_like(i)
}

/// "we met Tommy and Eva": a given name with a capital inside a sentence whose other words have none.
fn capital(ctx: &Context<'_>, i: usize, limit: usize, out: &mut Vec<Candidate>) {
    let title = |k: usize| ctx.doc.token(k).is_some_and(|t| t.case == Case::Title && t.kind == Kind::Word);
    let flags = listed(ctx, i);
    let person = matches!(ctx.doc.near(i, -1), "call" | "ask" | "tell" | "contact");
    if !title(i)
        || flags & flag::GIVEN == 0
        || flags & (flag::TOWN | flag::REGION) != 0 && !person
        || !ctx.name_like(i)
    {
        return;
    }
    let Some(before) = i.checked_sub(1).filter(|b| ctx.doc.same_turn(*b, i)).and_then(|b| ctx.doc.token(b))
    else {
        return;
    };
    let opens = before.gap & (gap::START | gap::STOP) != 0
        && matches!(ctx.doc.near(i, -1), "call" | "ask" | "contact" | "tell" | "see" | "is" | "for");
    let inside =
        ctx.doc.gap(i) == gap::SPACE && (before.case == Case::Lower || opens) && before.kind == Kind::Word;
    let led = matches!(
        ctx.doc.near(i, -1),
        "met"
            | "under"
            | "with"
            | "by"
            | "to"
            | "for"
            | "and"
            | "from"
            | "ask"
            | "tell"
            | "told"
            | "called"
            | "named"
            | "call"
            | "contact"
            | "see"
            | "saw"
            | "hi"
            | "dear"
            | "thanks"
            | "is"
            | "its"
            | "was"
            | "asked"
            | "like"
            | "about"
    );
    let next = i.saturating_add(1);
    let lone = next >= limit || !title(next) || ctx.doc.gap(next) != gap::SPACE;
    if !inside
        || !led
        || !lone
        || lexicon::month(ctx.doc.word(i))
        || lexicon::weekday(ctx.doc.word(i))
        || ctx.in_cue(i)
    {
        return;
    }
    if flags & flag::COMMON != 0 && lexicon::brand(ctx.doc.word(i)) {
        return;
    }
    out.extend(ctx.over(i, next, E::Person, 0.65, NAME, "given name with a capital inside a sentence"));
}

/// Whether token `i` is the first of a short turn, as in "name ion".
fn begins_turn(ctx: &Context<'_>, i: usize) -> bool {
    let turn = ctx.doc.turns.get(ctx.doc.turn_of(i));
    turn.is_some_and(|t| t.first == i && t.end.saturating_sub(i) <= 4)
}

/// "Mr. Smith", "doctor jones": first and end of the name.
fn honorific(ctx: &Context<'_>, i: usize, limit: usize) -> Option<(usize, usize)> {
    let word = ctx.doc.word(i);
    let sure = matches!(word, "mr" | "mrs" | "ms" | "mister" | "missus");
    let maybe = matches!(word, "miss" | "doctor" | "dr" | "professor" | "prof");
    if !(sure || maybe) || ctx.doc.near(i, -1) == "as" {
        return None;
    }
    let first = i.saturating_add(1);
    let end = extent(ctx, first, limit, if sure { Trust::Any } else { Trust::Likely });
    (end > first).then_some((first, end))
}

fn listed(ctx: &Context<'_>, i: usize) -> u16 {
    ctx.listed(i)
}

/// Whether the word at `i` may be (part of) a name.
fn fits(ctx: &Context<'_>, i: usize, trust: Trust, first: bool) -> bool {
    let Some(t) = ctx.doc.token(i) else { return false };
    let word = ctx.doc.word(i);
    // "kevin buck i need", "george miles": common words are family names where the sentence goes on after them.
    if !first && goes_on(ctx, i) && ctx.listed_near(i, -1) & flag::GIVEN != 0 && surname_word(ctx, i) {
        return true;
    }
    if !ctx.name_like(i)
        || lexicon::weekday(word)
        || lexicon::counted(word)
        || matches!(word, "btw" | "pls" | "plz" | "thx" | "thnx" | "fyi" | "asap" | "lol")
        || (lexicon::month(word) && t.case == Case::Lower && !(first && called_like_a_month(ctx, i)))
    {
        return false;
    }
    let flags = listed(ctx, i);
    let (named, common) = (flags & (flag::GIVEN | flag::FAMILY) != 0, flags & flag::COMMON != 0);
    let capital = t.case == Case::Title && t.gap & (gap::START | gap::STOP) == 0;
    if word.chars().count() == 1 {
        // An initial inside a name.
        return !first && word != "a" && word != "i";
    }
    if !first && particle(ctx, i) {
        return true;
    }
    match trust {
        Trust::Any => first || named || !common || capital || last_of_name(ctx, i),
        Trust::Likely => {
            (named && !common)
                || (!first && common && last_of_name(ctx, i))
                || (first && lexicon::month(word) && goes_on(ctx, i))
                || (first && flags & flag::GIVEN != 0 && surname(ctx, i.saturating_add(1)))
                || (capital && (named || !common))
                || (first && flags & flag::GIVEN != 0 && goes_on(ctx, i))
        }
        Trust::Listed => flags & flag::GIVEN != 0 && !common && !ctx.in_cue(i),
    }
}

/// A word that is a family name as well as a month, a measure or a small word.
fn surname_word(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    let small = matches!(
        word,
        "little" | "day" | "sales" | "good" | "great" | "will" | "case" | "banks" | "bill" | "young"
    );
    small || (ctx.name_like(i) && (lexicon::counted(word) || lexicon::month(word)) && word.len() > 2)
}

/// "dos santos", "van dijk": a small word inside a name.
fn particle(ctx: &Context<'_>, i: usize) -> bool {
    let small = matches!(
        ctx.doc.word(i),
        "dos"
            | "da"
            | "de"
            | "do"
            | "del"
            | "della"
            | "di"
            | "du"
            | "van"
            | "von"
            | "der"
            | "den"
            | "ter"
            | "ten"
            | "le"
            | "la"
            | "bin"
            | "al"
            | "el"
            | "mac"
            | "zu"
    );
    let next = i.saturating_add(1);
    small && ctx.doc.same_turn(i, next) && ctx.name_like(next) && ctx.doc.word(next).len() > 2
}

/// A common word right after a given name, after which the sentence goes on.
fn last_of_name(ctx: &Context<'_>, i: usize) -> bool {
    let when = matches!(
        ctx.doc.word(i),
        "yesterday" | "tomorrow" | "later" | "soon" | "tonight" | "recently" | "earlier"
    );
    !when && goes_on(ctx, i) && ctx.listed_near(i, -1) & flag::GIVEN != 0
}

/// "april how can i help": a month that is a given name and has no day or year beside it.
fn called_like_a_month(ctx: &Context<'_>, i: usize) -> bool {
    let next = i.saturating_add(1);
    let dated = ctx.doc.same_turn(i, next)
        && (ctx.segments_between(next, next.saturating_add(1))
            || lexicon::ordinal(ctx.doc.word(next)).is_some());
    matches!(ctx.doc.word(i), "april" | "may" | "june" | "august" | "jan") && !dated
}

/// Whether the word at `i` stands in the same turn and is a family name or one that no list knows.
fn surname(ctx: &Context<'_>, i: usize) -> bool {
    let flags = listed(ctx, i);
    ctx.doc.same_turn(i, i.saturating_sub(1))
        && ctx.doc.gap(i) & (gap::STOP | gap::COMMA) == 0
        && ctx.name_like(i)
        && ctx.doc.word(i).len() > 2
        && (flags == 0 || flags & flag::FAMILY != 0)
        && !ctx.in_cue(i)
}

/// Whether after the word at `i` the sentence ends or begins anew, as after a name that was told.
fn goes_on(ctx: &Context<'_>, i: usize) -> bool {
    matches!(
        ctx.doc.near(i, 1),
        "" | "what"
            | "how"
            | "and"
            | "calling"
            | "speaking"
            | "from"
            | "i"
            | "can"
            | "may"
            | "im"
            | "with"
            | "here"
    )
}

fn extent(ctx: &Context<'_>, first: usize, limit: usize, trust: Trust) -> usize {
    let mut i = first;
    while i < limit && i.saturating_sub(first) < LONGEST {
        let broken = i > first
            && ctx.doc.gap(i) & (gap::COMMA | gap::STOP) != 0
            && ctx.doc.word(i.saturating_sub(1)).chars().count() > 1;
        let later = if trust == Trust::Any { Trust::Any } else { Trust::Likely };
        if broken || !fits(ctx, i, if i == first { trust } else { later }, i == first) {
            break;
        }
        i = i.saturating_add(1);
    }
    // A trailing initial is the next word's beginning, unless nothing comes after it.
    let last = i == limit && i.saturating_sub(first) >= 2;
    if last && ctx.doc.word(i.saturating_sub(2)).chars().count() > 1 {
        return i;
    }
    while i > first && ctx.doc.word(i.saturating_sub(1)).chars().count() == 1 {
        i = i.saturating_sub(1);
    }
    i
}

/// Titles and hesitations between the announcement and the name.
fn skip_fillers(ctx: &Context<'_>, mut i: usize, limit: usize) -> usize {
    let start = i;
    while i < limit
        && i.saturating_sub(start) < 3
        && matches!(
            ctx.doc.word(i),
            "uh" | "um"
                | "uhm"
                | "umm"
                | "er"
                | "ah"
                | "mr"
                | "mrs"
                | "ms"
                | "miss"
                | "dr"
                | "like"
                | "so"
                | "unk"
                | "noise"
        )
    {
        i = i.saturating_add(1);
    }
    i
}

fn take(
    ctx: &Context<'_>,
    from: usize,
    limit: usize,
    trust: Trust,
    reason: &'static str,
    out: &mut Vec<Candidate>,
) {
    let first = skip_fillers(ctx, from, limit);
    let end = extent(ctx, first, limit, trust);
    let spelled = end == first.saturating_add(1) && ctx.doc.word(end) == "as";
    if end > first && !institution(ctx, end, limit) && !spelled {
        let score = if trust == Trust::Any { 0.9 } else { 0.75 };
        out.extend(ctx.over(first, end, E::Person, score, NAME, reason));
    }
}

/// "... national bank": the words before belong to a company.
pub(crate) fn institution(ctx: &Context<'_>, end: usize, limit: usize) -> bool {
    let near = end..limit.min(end.saturating_add(3));
    let at = near.clone().find(|i| {
        matches!(
            ctx.doc.word(*i),
            "bank"
                | "insurance"
                | "airlines"
                | "airways"
                | "inc"
                | "llc"
                | "ltd"
                | "corporation"
                | "company"
                | "university"
                | "hospital"
                | "credit"
                | "telecom"
                | "energy"
                | "electric"
                | "gas"
                | "wireless"
                | "mobile"
                | "bookstore"
                | "pharmacy"
        )
    });
    let apart = |i: usize| {
        matches!(
            ctx.doc.word(i),
            "i" | "my" | "and" | "from" | "the" | "a" | "to" | "with" | "phone" | "card" | "number"
        )
    };
    at.is_some_and(|k| !(end..=k).any(apart))
}

/// "Jane Roe, MD": capitals before an academic degree.
fn before_degree(ctx: &Context<'_>, i: usize, first_of_turn: usize, out: &mut Vec<Candidate>) {
    let upper = ctx.doc.token(i).is_some_and(|t| t.case == Case::Upper);
    let dotted = ctx.doc.word(i) == "m"
        && ctx.doc.near(i, 1) == "d"
        && ctx.doc.gap(i.saturating_add(1)) & gap::STOP != 0;
    let degree = upper && matches!(ctx.doc.word(i), "md" | "dds" | "dmd" | "do" | "phd" | "lmft" | "psyd");
    if !degree && !dotted {
        return;
    }
    let mut first = i;
    while first > first_of_turn && i.saturating_sub(first) < 4 {
        let previous = first.saturating_sub(1);
        let capital = ctx.doc.token(previous).is_some_and(|t| t.case != Case::Lower && t.kind == Kind::Word);
        let sentence = first < i && ctx.doc.gap(first) & gap::STOP != 0 && ctx.doc.word(previous).len() > 2;
        let work = crate::tagger::sensible::profession(ctx.doc.word(previous));
        if !capital
            || sentence
            || work
            || ctx.function_word(previous)
            || matches!(ctx.doc.word(previous), "is" | "the" | "about" | "try")
        {
            break;
        }
        first = previous;
    }
    if i.saturating_sub(first) >= 2 {
        let end = i.saturating_add(if dotted { 2 } else { 1 });
        out.extend(ctx.over(first, end, E::Person, 0.85, NAME, "stands before an academic degree"));
    }
}

/// The whole answer to a question for a name.
fn answer(ctx: &Context<'_>, turn: usize, out: &mut Vec<Candidate>) {
    let Some((asked, cues)) = ctx.question(turn) else { return };
    let wants = cues.last().is_some_and(|c| c.kind == Cue::Name);
    let Some(t) = ctx.doc.turns.get(turn) else { return };
    let asker = ctx.doc.turns.get(asked).map(|a| a.role);
    let question = asker == Some(callvault_model::Role::Agent) && t.role == callvault_model::Role::Customer;
    if !wants || !question || turn.saturating_sub(asked) > 2 || t.end.saturating_sub(t.first) > 14 {
        return;
    }
    let announces =
        ctx.doc.turns.get(asked).is_some_and(|a| (a.first..a.end).any(|i| ctx.doc.word(i) == "my"));
    // What is said after the answer is about something else.
    let told = (asked.saturating_add(1)..turn).filter_map(|k| ctx.doc.turns.get(k)).any(|b| {
        let content = |i: usize| {
            !ctx.function_word(i)
                && !lexicon::acknowledgement(ctx.doc.word(i))
                && !lexicon::filler(ctx.doc.word(i))
        };
        b.role == t.role && (b.first..b.end).any(content)
    });
    if announces || told {
        return;
    }
    let mut first = t.first;
    while first < t.end && ctx.function_word(first) {
        first = first.saturating_add(1);
    }
    let end = extent(ctx, first, t.end, Trust::Any);
    let whole = end.saturating_sub(first) >= 1 && ctx.doc.token(first).is_some_and(|k| k.kind == Kind::Word);
    if whole && (end == t.end || end.saturating_sub(first) <= 3) {
        out.extend(ctx.over(first, end, E::Person, 0.85, NAME, "answers a question for a name"));
        let second = end.saturating_add(1);
        if ctx.doc.word(end) == "and" && second < t.end {
            let end = extent(ctx, second, t.end, Trust::Any);
            if end == t.end {
                out.extend(ctx.over(second, end, E::Person, 0.8, NAME, "answers a question for a name"));
            }
        }
    }
}
