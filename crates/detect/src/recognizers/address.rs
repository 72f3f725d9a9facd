//! Streets with their number, and what follows them: unit, town, region, postcode; also over several turns.

use crate::{
    context::{Candidate, Context},
    cues::Kind as Cue,
    gazetteer::{Gazetteer, flag},
    lexicon,
    spoken::Segment,
    token::{Case, Kind, gap},
};
use callvault_model::EntityType as E;

mod elsewhere;
use elsewhere::{dashed, foreign_street, route};

/// Name in findings.
pub(crate) const NAME: &str = "address";

/// The most words between a house number and the word "street".
const STREET_WORDS: usize = 5;

/// Finds street addresses and what follows them.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    for (k, segment) in ctx.segments.iter().enumerate() {
        let Some(turn) = ctx.doc.turns.get(segment.turn) else { continue };
        if segment.digits.len() > 8 || ctx.doc.gap(segment.first) & gap::MONEY != 0 {
            continue;
        }
        let street =
            street_end(ctx, segment.end, turn.end).or_else(|| capital_street(ctx, segment.end, turn.end));
        if let Some(end) = street {
            let end = unit(ctx, end, turn.end);
            out.extend(ctx.over(segment.first, end, E::Address, 0.9, NAME, "number and street"));
            locality(ctx, end, turn.end, out);
        } else {
            split(ctx, k, segment, out);
            after_region(ctx, segment, out);
        }
    }
    for (t, turn) in ctx.doc.turns.iter().enumerate() {
        answer(ctx, t, out);
        if (2..=3).contains(&turn.end.saturating_sub(turn.first)) && ctx.begins(turn.first, flag::PLACE) {
            let words: Vec<&str> = (turn.first..turn.end).map(|i| ctx.doc.word(i)).collect();
            if Gazetteer::get().phrase(&words.join(" ")) & flag::TOWN != 0 {
                out.extend(ctx.over(turn.first, turn.end, E::Location, 0.6, NAME, "listed place by itself"));
            }
        }
    }
    for (i, token) in ctx.doc.tokens.iter().enumerate() {
        let short =
            matches!(ctx.doc.word(i), "la" | "nyc" | "sfo" | "lax" | "dc" | "uk" | "usa" | "uae" | "jfk");
        if let Some(end) = flat(ctx, i, ctx.doc.turns.get(token.turn as usize).map_or(i, |t| t.end)) {
            out.extend(ctx.over(i, end, E::Address, 0.85, NAME, "flat and street"));
        }
        if let Some(next) = dashed(ctx, i) {
            let reason = "two places of a journey";
            out.extend(ctx.over(i, i.saturating_add(1), E::Location, 0.65, NAME, reason));
            out.extend(ctx.over(next, next.saturating_add(1), E::Location, 0.65, NAME, reason));
        }
        if let Some(end) = foreign_street(ctx, i) {
            out.extend(ctx.over(
                i,
                end,
                E::Address,
                0.85,
                NAME,
                "street that begins with its kind, and number",
            ));
            if !lexicon::street(ctx.doc.word(end)) {
                locality(ctx, end, ctx.doc.turns.get(token.turn as usize).map_or(end, |t| t.end), out);
            }
        }
        if let Some(end) = route(ctx, i) {
            out.extend(ctx.over(
                i,
                end,
                E::Location,
                0.65,
                NAME,
                "listed place that somebody goes to or comes from",
            ));
        }
        if short && token.case == Case::Upper {
            out.extend(ctx.over(i, i.saturating_add(1), E::Location, 0.75, NAME, "short form of a place"));
        }
    }
}

/// The end of the street that begins at `from`, if one does.
fn street_end(ctx: &Context<'_>, from: usize, limit: usize) -> Option<usize> {
    // "5441 highway sixteen".
    if matches!(ctx.doc.word(from), "highway" | "hwy" | "route") && from < limit {
        let at = ctx.segments.partition_point(|s| s.first <= from);
        let number =
            ctx.segments.get(at).filter(|s| s.first == from.saturating_add(1) && s.digits.len() <= 3);
        let house = at
            .checked_sub(1)
            .and_then(|k| ctx.segments.get(k))
            .filter(|s| s.end == from && s.digits.len() > 2);
        return number.zip(house).filter(|(s, _)| s.end <= limit).map(|(s, _)| s.end);
    }
    let mut i = from;
    while i < limit && i.saturating_sub(from) < STREET_WORDS {
        let word = ctx.doc.word(i);
        if ctx.doc.gap(i) & gap::COMMA != 0 {
            return None;
        }
        if lexicon::street(word) && (i > from || matches!(word, "broadway")) {
            // "drive" and "way" are verbs and nouns too: a name of one or two words must stand before them.
            let plain = matches!(
                word,
                "way"
                    | "place"
                    | "close"
                    | "drive"
                    | "row"
                    | "court"
                    | "walk"
                    | "square"
                    | "loop"
                    | "circle"
                    | "dr"
                    | "str"
                    | "trail"
            );
            let named = !plain
                || i.saturating_sub(from) <= 3
                    && (from..i).all(|j| !ctx.function_word(j) || small_word(ctx, j));
            return named.then(|| road_number(ctx, i, limit));
        }
        let direction = direction(word);
        let ordinal =
            lexicon::ordinal(word).is_some() || ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Mixed);
        // Names of streets are made of small words too: "Old Mill", "County Line", "Via Verde".
        let joining = small_word(ctx, i);
        let next = i.saturating_add(1);
        // "mg road", "second avenue", "forty third street".
        let named =
            matches!(word, "mg" | "second" | "mile") && next < limit && lexicon::street(ctx.doc.word(next));
        let high =
            lexicon::tens(word).is_some() && next < limit && lexicon::ordinal(ctx.doc.word(next)).is_some();
        if !(ctx.name_like(i) || direction || ordinal || joining || high)
            || lexicon::counted(word) && word != "a" && !named
        {
            return None;
        }
        i = i.saturating_add(1);
    }
    None
}

/// The end of a street whose last word is `i`: "county road 19" has a number of its own.
fn road_number(ctx: &Context<'_>, i: usize, limit: usize) -> usize {
    let next = i.saturating_add(1);
    let numbered = matches!(ctx.doc.near(i, -1), "county" | "state" | "ranch" | "rural" | "farm" | "forest");
    let at = ctx.segments.partition_point(|s| s.first < next);
    let number =
        ctx.segments.get(at).filter(|s| numbered && s.first == next && s.end <= limit && s.digits.len() <= 4);
    number.map_or(next, |s| s.end)
}

fn direction(word: &str) -> bool {
    matches!(word, "north" | "south" | "east" | "west" | "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw")
}

/// Names of streets are made of small words too: "Old Mill", "County Line", "Via Verde".
fn small_word(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    matches!(
        word,
        "of" | "the"
            | "de"
            | "la"
            | "saint"
            | "via"
            | "line"
            | "old"
            | "new"
            | "great"
            | "day"
            | "good"
            | "happy"
            | "bill"
            | "first"
            | "second"
            | "third"
            | "side"
            | "living"
            | "end"
            | "branch"
            | "local"
            | "national"
    ) || (ctx.doc.token(i).is_some_and(|t| t.case == Case::Title && t.gap & gap::STOP == 0) && !pronoun(word))
}

fn pronoun(word: &str) -> bool {
    matches!(
        word,
        "i" | "you"
            | "he"
            | "she"
            | "we"
            | "they"
            | "it"
            | "is"
            | "was"
            | "are"
            | "were"
            | "and"
            | "to"
            | "for"
            | "my"
            | "your"
            | "at"
            | "on"
            | "in"
            | "with"
            | "from"
            | "that"
            | "this"
    )
}

/// The end of a street of the kind "4 Taylor Point", "353 Wood Branch": its last word ends streets by the list of the
/// postal service and is a common word too, so that number and capitals must tell.
fn capital_street(ctx: &Context<'_>, from: usize, limit: usize) -> Option<usize> {
    let title = |i: usize| ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Word && t.case == Case::Title);
    let mut i = from;
    while i < limit
        && i.saturating_sub(from) < 4
        && title(i)
        && ctx.doc.gap(i) & (gap::COMMA | gap::STOP) == 0
    {
        let word = ctx.doc.word(i);
        if i > from
            && lexicon::rare_street(word)
            && !(title(i.saturating_add(1)) && lexicon::rare_street(ctx.doc.near(i, 1)))
        {
            return Some(i.saturating_add(1));
        }
        if pronoun(word) || lexicon::month(word) {
            return None;
        }
        i = i.saturating_add(1);
    }
    None
}

/// "Flat 87, Janet Ranch", "Studio 20C, Lucy Bridge": the token before the number, and the end of the street.
fn flat(ctx: &Context<'_>, i: usize, limit: usize) -> Option<usize> {
    let number = i.saturating_add(1);
    let street = i.saturating_add(2);
    let numbered = number < limit && ctx.doc.token(number).is_some_and(|t| t.kind != Kind::Word);
    let comma = street < limit && ctx.doc.gap(street) & gap::COMMA != 0;
    let named =
        matches!(ctx.doc.word(i), "flat" | "studio" | "apartment" | "apt" | "unit" | "suite" | "plot");
    if !(named && numbered && comma) {
        return None;
    }
    let second = street.saturating_add(1);
    let title = |k: usize| {
        k < limit && ctx.doc.token(k).is_some_and(|t| t.kind == Kind::Word && t.case == Case::Title)
    };
    let ends = |k: usize| lexicon::rare_street(ctx.doc.word(k)) || lexicon::street(ctx.doc.word(k));
    if title(street) && title(second) && ends(second) && ctx.doc.gap(second) & gap::COMMA == 0 {
        return Some(second.saturating_add(1));
    }
    let house = ctx.doc.token(street).is_some_and(|t| t.kind == Kind::Digits);
    (house && street_end(ctx, second, limit).is_some()).then_some(street)
}

/// "apartment four b", "# 350", "unit 12".
fn unit(ctx: &Context<'_>, end: usize, limit: usize) -> usize {
    let after = limit.min(end.saturating_add(3));
    let end = (end..after).find(|i| !direction(ctx.doc.word(*i))).unwrap_or(after.max(end));
    let word = ctx.doc.word(end);
    let hash = ctx.doc.same_turn(end, end.saturating_sub(1)) && ctx.doc.raw_gap_ends_with(end, '#');
    if end >= limit {
        return end;
    }
    let named = matches!(
        word,
        "apartment"
            | "apt"
            | "unit"
            | "suite"
            | "ste"
            | "floor"
            | "room"
            | "level"
            | "box"
            | "number"
            | "lot"
    );
    if !(hash || named) {
        return end;
    }
    let from = if named { end.saturating_add(1) } else { end };
    let number = ctx.segments.partition_point(|s| s.first < from);
    match ctx.segments.get(number).filter(|s| s.first == from && s.end <= limit) {
        Some(s) => {
            let letter = ctx.doc.same_turn(from, s.end)
                && ctx.doc.word(s.end).len() == 1
                && ctx.doc.token(s.end).is_some_and(|t| t.kind == Kind::Word);
            if letter { s.end.saturating_add(1) } else { s.end }
        }
        None if from < limit
            && (ctx.doc.word(from).len() <= 2
                || ctx.doc.token(from).is_some_and(|t| t.kind == Kind::Mixed)) =>
        {
            from.saturating_add(1)
        }
        None => end,
    }
}

/// Town, region and postcode right after a street.
fn locality(ctx: &Context<'_>, from: usize, limit: usize, out: &mut Vec<Candidate>) {
    let mut i = from;
    while i < limit
        && matches!(
            ctx.doc.word(i),
            "in" | "and" | "uh" | "um" | "uhm" | "the" | "city" | "of" | "that" | "'s" | "its"
        )
        && ctx.doc.gap(i) & gap::STOP == 0
        && i.saturating_sub(from) < 4
    {
        i = i.saturating_add(1);
    }
    let first = i;
    while i < limit && i.saturating_sub(first) < 5 && place_word(ctx, i) {
        i = i.saturating_add(1);
    }
    // Between a street and a postcode stands a town, whatever its words.
    let mut all = first;
    while all < limit
        && all.saturating_sub(first) < 4
        && ctx.doc.gap(all) & gap::STOP == 0
        && ctx.name_like(all)
        && !lexicon::counted(ctx.doc.word(all))
    {
        all = all.saturating_add(1);
    }
    let number = ctx.segments.partition_point(|s| s.first < all);
    if ctx
        .segments
        .get(number)
        .is_some_and(|s| s.first == all && all < limit && (5..=9).contains(&s.digits.len()))
    {
        i = all.max(i);
    }
    if i > first {
        out.extend(ctx.over(first, i, E::Location, 0.8, NAME, "follows a street"));
    }
    // "rue victor hugo, 32250 lyon".
    let written = ctx
        .doc
        .token(first)
        .is_some_and(|t| t.kind == Kind::Digits && (4..=6).contains(&t.end.saturating_sub(t.start)));
    let town = first.saturating_add(1);
    if i == first && written && first < limit && town < limit && place_word(ctx, town) {
        out.extend(ctx.over(first, town, E::ZipCode, 0.8, NAME, "follows a street"));
        let mut end = town;
        while end < limit && end.saturating_sub(town) < 3 && place_word(ctx, end) {
            end = end.saturating_add(1);
        }
        out.extend(ctx.over(town, end, E::Location, 0.75, NAME, "follows a street and postcode"));
        return;
    }
    let mut k = i;
    while k < limit
        && k.saturating_sub(i) < 8
        && !ctx.segments_between(k, k.saturating_add(1))
        && (ctx.function_word(k)
            || matches!(ctx.doc.word(k), "zipcode" | "gonna" | "postal" | "postcode" | "usa"))
    {
        k = k.saturating_add(1);
    }
    let at = ctx.segments.partition_point(|s| s.first < k);
    if let Some(s) = ctx.segments.get(at).filter(|s| {
        s.first == k
            && s.end <= limit
            && (4..=9).contains(&s.digits.len())
            && !super::number::is_amount(ctx, s)
    }) {
        out.extend(ctx.over(s.first, s.end, E::ZipCode, 0.85, NAME, "follows a street and town"));
    }
}

fn place_word(ctx: &Context<'_>, i: usize) -> bool {
    let flags = ctx.listed(i);
    let stop = ctx.doc.gap(i) & gap::STOP != 0 && ctx.doc.gap(i) & gap::SPACE != 0;
    ctx.name_like(i)
        && !stop
        && !lexicon::counted(ctx.doc.word(i))
        && !matches!(
            ctx.doc.word(i),
            "between"
                | "around"
                | "during"
                | "within"
                | "tomorrow"
                | "because"
                | "behind"
                | "near"
                | "opposite"
                | "pls"
                | "plz"
                | "thx"
        )
        && (flags & flag::COMMON == 0
            || flags & (flag::TOWN | flag::REGION) != 0
            || ctx.doc.word(i).len() > 5
            || matches!(
                ctx.doc.word(i),
                "west" | "north" | "south" | "east" | "new" | "lake" | "grove" | "port"
            ))
}

/// "ohio six nine six one nine".
fn after_region(ctx: &Context<'_>, segment: &Segment, out: &mut Vec<Candidate>) {
    let flags = ctx.listed_near(segment.first, -1);
    let place = flags & flag::REGION != 0 || (flags & flag::TOWN != 0 && flags & flag::COMMON == 0);
    if place && matches!(segment.digits.len(), 5 | 9) && !super::number::is_amount(ctx, segment) {
        out.extend(ctx.over(segment.first, segment.end, E::ZipCode, 0.75, NAME, "follows a town or region"));
    }
}

/// "five two one" | "main street": the number in one turn, the street in the next turn of the same speaker.
fn split(ctx: &Context<'_>, k: usize, segment: &Segment, out: &mut Vec<Candidate>) {
    let Some(turn) = ctx.doc.turns.get(segment.turn) else { return };
    if segment.end != turn.end
        || ctx.segments.get(k.saturating_add(1)).is_some_and(|s| s.turn == segment.turn)
    {
        return;
    }
    let mut next = segment.turn.saturating_add(1);
    for _ in 0..2 {
        let Some(t) = ctx.doc.turns.get(next) else { return };
        if t.role == turn.role
            && let Some(end) = street_end(ctx, t.first, t.end)
        {
            let end = unit(ctx, end, t.end);
            out.extend(ctx.over(
                segment.first,
                segment.end,
                E::Address,
                0.85,
                NAME,
                "number of a street said next",
            ));
            out.extend(ctx.over(t.first, end, E::Address, 0.85, NAME, "street of a number said before"));
            locality(ctx, end, t.end, out);
            return;
        }
        next = next.saturating_add(1);
    }
}

/// Answers to a question for an address that have no street word: number, words, town, postcode.
fn answer(ctx: &Context<'_>, turn: usize, out: &mut Vec<Candidate>) {
    let Some((asked, cues)) = ctx.question(turn) else { return };
    let Some(t) = ctx.doc.turns.get(turn) else { return };
    let agent = ctx.doc.turns.get(asked).is_some_and(|a| a.role == callvault_model::Role::Agent);
    let wants = cues.iter().any(|c| matches!(c.kind, Cue::Address | Cue::Zip | Cue::City));
    if !agent
        || !wants
        || t.role != callvault_model::Role::Customer
        || turn.saturating_sub(asked) > 6
        || t.end.saturating_sub(t.first) > 30
    {
        return;
    }
    let street = cues.iter().any(|c| c.kind == Cue::Address);
    let from = ctx.segments.partition_point(|s| s.first < t.first);
    let mut end_of_number = None;
    for s in ctx.segments.get(from..).unwrap_or(&[]).iter().take_while(|s| s.first < t.end) {
        let n = s.digits.len();
        if super::number::is_amount(ctx, s) || super::number::harmless(ctx, s) || (s.large && n < 5) {
            continue;
        }
        let entity = if n >= 5 || !street { E::ZipCode } else { E::Address };
        if (2..=9).contains(&n) {
            out.extend(ctx.over(s.first, s.end, entity, 0.7, NAME, "answers a question for an address"));
        }
        if entity == E::Address {
            end_of_number = Some(s.end);
        }
    }
    // Words right after the house number, and listed places anywhere in the answer.
    if let Some(first) = end_of_number.filter(|_| street) {
        let mut i = first;
        while i < t.end && i.saturating_sub(first) < 4 && place_word(ctx, i) {
            i = i.saturating_add(1);
        }
        // "1577 elm here in rosario": after a house number any word is a street.
        let word = ctx.doc.word(first);
        let plain = lexicon::counted(word) || matches!(word, "clock" | "way" | "other" | "person");
        if i == first && first < t.end && ctx.name_like(first) && !plain && word.len() > 2 {
            i = first.saturating_add(1);
        }
        out.extend(
            (i > first)
                .then(|| ctx.over(first, i, E::Address, 0.6, NAME, "follows a house number"))
                .flatten(),
        );
    }
    for i in t.first..t.end {
        if let Some(end) = elsewhere::several(ctx, i) {
            out.extend(ctx.over(
                i,
                end,
                E::Location,
                0.6,
                NAME,
                "listed place in an answer about an address",
            ));
        }
        let flags = ctx.listed(i);
        if flags & (flag::TOWN | flag::REGION) != 0 && flags & flag::COMMON == 0 && ctx.name_like(i) {
            out.extend(ctx.over(
                i,
                i.saturating_add(1),
                E::Location,
                0.6,
                NAME,
                "listed place in an answer about an address",
            ));
        }
    }
}
