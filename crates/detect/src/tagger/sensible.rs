//! What the tagger may not claim, whatever its weights say.

use crate::{
    context::Context,
    cues::Kind as Cue,
    gazetteer::flag,
    lexicon,
    recognizers::{belief, name, number},
    token::{Case, Kind, gap},
};
use callvault_model::EntityType as E;

/// Whether a sentence ends before token `i`, so that a name or place cannot go on. 1 and 2 are the columns of both.
pub(super) fn new_sentence(ctx: &Context<'_>, i: usize, label: usize) -> bool {
    let stop = ctx.doc.gap(i) & gap::STOP != 0 && ctx.doc.gap(i) & gap::SPACE != 0;
    let before = ctx.doc.near(i, -1);
    matches!(label, 1 | 2) && stop && before.len() > 2 && !matches!(before, "mrs" | "prof")
}

/// What remains of a stretch after words that cannot belong to its type are taken off its edges, with what belongs to it added.
pub(super) fn stretch(
    ctx: &Context<'_>,
    first: usize,
    end: usize,
    entity: E,
    cased: bool,
) -> Option<(usize, usize)> {
    match entity {
        E::Person | E::Location => named(ctx, first, end, entity, cased),
        E::EmailAddress => (first..end).any(|i| mail_part(ctx, i)).then_some((first, end)),
        E::Address
        | E::ZipCode
        | E::PhoneNumber
        | E::AccountId
        | E::UsSsn
        | E::CreditCard
        | E::ReferenceId
        | E::Password
        | E::Username => numbered(ctx, first, end, entity),
        _ => dated(ctx, first, end),
    }
}

/// "MRN 1432858, DOB": what announces values is no part of a date or of a name of something.
fn dated(ctx: &Context<'_>, mut first: usize, mut end: usize) -> Option<(usize, usize)> {
    let cue = |i: usize| {
        let word = ctx.doc.token(i).is_some_and(|t| t.kind == Kind::Word);
        word && matches!(ctx.cue_at(i), Some(Cue::Dob | Cue::Medical | Cue::Cvv | Cue::Otp | Cue::Expiry))
    };
    while first < end && cue(first) {
        first = first.saturating_add(1);
    }
    while end > first && cue(end.saturating_sub(1)) {
        end = end.saturating_sub(1);
    }
    (first < end).then_some((first, end))
}

fn mail_part(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    word.contains("mail")
        || word.contains("yahoo")
        || word.ends_with("com")
        || word.ends_with("con")
        || matches!(word, "dot" | "outlook" | "net" | "org" | "aol")
        || ctx.doc.raw_gap(i).contains('@')
}

/// What the lists of names hold and people say of other things far more often.
fn everyday(word: &str) -> bool {
    matches!(
        word,
        "between"
            | "btw"
            | "handy"
            | "washer"
            | "dryer"
            | "watts"
            | "volts"
            | "pls"
            | "plz"
            | "claimant"
            | "best"
            | "helpful"
            | "find"
            | "laptop"
            | "desktop"
            | "printer"
            | "tablet"
            | "parcel"
            | "wallet"
            | "alrite"
            | "ran"
            | "temp"
            | "licence"
            | "license"
            | "tv"
            | "bad"
    )
}

/// A word that no name and no place begins or ends with.
fn never(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    let Some(t) = ctx.doc.token(i) else { return true };
    if matches!(word, "new" | "old" | "los" | "la" | "san" | "south" | "north" | "east" | "west" | "great") {
        return false;
    }
    let plain = t.case == Case::Lower
        || matches!(word, "i" | "ive" | "im" | "i've" | "i'm")
        || t.gap & (gap::START | gap::STOP) != 0;
    let number =
        lexicon::unit(word).is_some() || lexicon::teen(word).is_some() || lexicon::tens(word).is_some();
    let particle = matches!(word, "an" | "in" | "will" | "may" | "art") && t.case == Case::Title;
    let before = ctx.doc.near(i, -1);
    let thing = t.case == Case::Lower
        && (ctx.in_cue(i)
            && ctx.cue_at(i).is_some_and(|k| {
                !matches!(k, Cue::Name | Cue::Spell | Cue::Harmless | Cue::Reference | Cue::City)
            })
            || matches!(word, "wireless" | "telecom" | "energy" | "electric" | "router" | "modem" | "thing"));
    lexicon::weekday(word)
        || number
        || thing
        || (lexicon::brand(word) && (ctx.listed_near(i, -1) & flag::GIVEN == 0 || lexicon::brand(before)))
        || (belief::origin(ctx, i) && (ctx.listed(i) & flag::GIVEN == 0 || food(ctx, i)))
        || matches!(word, "'s" | "'ve" | "'m" | "'d" | "'ll")
        || (plain
            && (everyday(word) || ctx.doc.flags(i) & flag::FILLER != 0 && ctx.listed(i) & flag::GIVEN == 0))
        || matches!(
            word,
            "cvv" | "iban" | "bic" | "eur" | "usd" | "gbp" | "inr" | "mappelle" | "m'appelle" | "appelle"
        )
        || (plain && lexicon::function_word(word) && !particle && ctx.listed(i) & flag::REGION == 0)
        || (t.case == Case::Lower
            && (lexicon::counted(word) || matches!(word, "mr" | "mrs" | "nobody" | "helped")))
        || (lexicon::month(word)
            && (t.case == Case::Lower
                || ctx.doc.token(i.saturating_add(1)).is_some_and(|t| t.kind != Kind::Word)))
}

/// Whether the turn or the one before it talks about food: "Thai please".
fn food(ctx: &Context<'_>, i: usize) -> bool {
    let turn = ctx.doc.turn_of(i);
    let from = ctx.doc.turns.get(turn.saturating_sub(1)).map_or(i, |t| t.first);
    let to = ctx.doc.turns.get(turn).map_or(i, |t| t.end);
    let from = from.max(i.saturating_sub(40));
    (from..to.min(i.saturating_add(20))).any(|k| {
        matches!(
            ctx.doc.word(k),
            "food" | "cuisine" | "restaurant" | "eat" | "restaurants" | "dinner" | "lunch"
        )
    })
}

pub(crate) fn profession(word: &str) -> bool {
    matches!(
        word,
        "dermatologist"
            | "gynecologist"
            | "ophthalmologist"
            | "psychiatrist"
            | "psychologist"
            | "practitioner"
            | "therapist"
            | "dentist"
            | "counselor"
            | "general"
            | "specialist"
            | "patient"
            | "salesperson"
            | "economy"
            | "producer"
            | "director"
            | "actor"
            | "actress"
            | "singer"
            | "president"
            | "senator"
    )
}

fn named(
    ctx: &Context<'_>,
    mut first: usize,
    mut end: usize,
    entity: E,
    cased: bool,
) -> Option<(usize, usize)> {
    let limit = ctx.doc.turns.get(ctx.doc.turn_of(first)).map_or(end, |t| t.end);
    while first < end && (never(ctx, first) || profession(ctx.doc.word(first))) {
        first = first.saturating_add(1);
    }
    while end > first
        && (never(ctx, end.saturating_sub(1)) || profession(ctx.doc.word(end.saturating_sub(1))))
    {
        end = end.saturating_sub(1);
    }
    let turn = ctx.doc.turns.get(ctx.doc.turn_of(first));
    let goes_on =
        entity == E::Person && turn.is_some_and(|t| crate::fillers::goes_on(ctx.doc, t.first, t.end));
    let letter = end.saturating_sub(first) == 1
        && ctx.doc.word(first).len() == 1
        && ctx.doc.near(first, -1) != "is"
        && ctx.doc.token(first).is_some_and(|t| t.case == Case::Lower);
    let union = lower_at(ctx, first) && ctx.doc.word(end) == "credit" && ctx.doc.near(end, 1) == "union";
    if first >= end || goes_on || letter || union {
        return None;
    }
    if cased {
        end = (first.saturating_add(1)..end).find(|i| breaks(ctx, *i)).unwrap_or(end);
    }
    let lower = |i: usize| ctx.doc.token(i).is_some_and(|t| t.case == Case::Lower);
    let listed = |i: usize| ctx.listed(i) & !flag::COMMON != 0;
    let common = |i: usize| ctx.listed(i) & flag::COMMON != 0;
    if entity == E::Person && lower(first) && name::institution(ctx, end, limit) {
        return None;
    }
    // Where capitals are used, a name has one, unless a list knows it.
    if cased && (first..end).all(|i| lower(i) && !listed(i)) {
        return None;
    }
    if (first..end)
        .all(|i| common(i) && !listed(i) && (lower(i) || ctx.doc.gap(i) & (gap::START | gap::STOP) != 0))
    {
        return None;
    }
    // "the modem", "please unplug": what no list knows and an article or a request introduces is a thing or a deed.
    let introduced = matches!(
        ctx.doc.near(first, -1),
        "the"
            | "a"
            | "an"
            | "your"
            | "my"
            | "our"
            | "please"
            | "some"
            | "any"
            | "this"
            | "that"
            | "these"
            | "those"
    );
    if end.saturating_sub(first) == 1 && lower(first) && introduced && !listed(first) {
        return None;
    }
    let turn = ctx.doc.turns.get(ctx.doc.turn_of(first)).map_or(0, |t| t.end.saturating_sub(t.first));
    let given = ctx.listed(first) & flag::GIVEN != 0;
    if entity == E::Person
        && end.saturating_sub(first) == 1
        && turn > 2
        && lower(first)
        && common(first)
        && !given
    {
        return None;
    }
    Some(if entity == E::Person { titles(ctx, first, end, limit) } else { region(ctx, first, end, limit) })
}

fn lower_at(ctx: &Context<'_>, i: usize) -> bool {
    ctx.doc.token(i).is_some_and(|t| t.case == Case::Lower)
}

/// A small function word inside a span of capitals ends it, unless names use it.
fn breaks(ctx: &Context<'_>, i: usize) -> bool {
    let word = ctx.doc.word(i);
    ctx.doc.token(i).is_some_and(|t| t.case == Case::Lower)
        && lexicon::function_word(word)
        && !matches!(word, "of" | "and" | "the" | "an" | "in" | "on" | "by" | "'s" | "do" | "a" | "no")
}

/// "uncle Richard", "Jane Roe, M.D."
fn titles(ctx: &Context<'_>, mut first: usize, mut end: usize, limit: usize) -> (usize, usize) {
    if matches!(ctx.doc.near(first, -1), "uncle" | "aunt" | "auntie" | "grandma" | "grandpa") {
        first = first.saturating_sub(1);
    }
    let before_stop = |i: usize| ctx.doc.gap(i) & gap::STOP == 0 || ctx.doc.gap(i) & gap::SPACE == 0;
    while end < limit
        && before_stop(end)
        && ctx.doc.token(end).is_some_and(|t| t.case != Case::Lower)
        && degree(ctx, end)
    {
        end = end.saturating_add(1);
    }
    // "elise k": an initial that ends the turn.
    let initial = end.saturating_add(1) == limit
        && before_stop(end)
        && ctx.doc.token(end).is_some_and(|t| t.kind == Kind::Word && t.gap & gap::COMMA == 0)
        && ctx.doc.word(end).chars().count() == 1;
    (first, if initial { end.saturating_add(1) } else { end })
}

fn degree(ctx: &Context<'_>, i: usize) -> bool {
    let comma = ctx.doc.gap(i) & gap::COMMA != 0 || ctx.doc.gap(i) & gap::SPACE == 0;
    match ctx.doc.word(i) {
        "md" | "do" | "dds" | "dmd" | "phd" | "pa" | "np" | "od" | "lmft" | "mft" | "lcsw" | "psyd"
        | "jr" | "sr" | "mph" | "rn" | "inc" | "faad" => true,
        "m" | "d" | "o" | "s" | "p" | "c" | "a" => comma,
        _ => false,
    }
}

/// "Phoenix, AZ"
fn region(ctx: &Context<'_>, first: usize, end: usize, limit: usize) -> (usize, usize) {
    let state = end < limit
        && ctx.doc.gap(end) & gap::COMMA != 0
        && ctx.doc.word(end).len() == 2
        && ctx.doc.token(end).is_some_and(|t| t.case == Case::Upper);
    (first, if state { end.saturating_add(1) } else { end })
}

/// "return the WF1272", "a DW606": letters and digits that an article makes a thing of, unless something asks for them.
fn thing(ctx: &Context<'_>, first: usize, end: usize, entity: E) -> bool {
    matches!(entity, E::ZipCode | E::ReferenceId | E::AccountId)
        && end.saturating_sub(first) == 1
        && ctx.doc.token(first).is_some_and(|t| t.kind == Kind::Mixed)
        && {
            let article = |by: isize| {
                matches!(
                    ctx.doc.near(first, by),
                    "the"
                        | "a"
                        | "an"
                        | "my"
                        | "your"
                        | "this"
                        | "model"
                        | "of"
                        | "laptop"
                        | "tablet"
                        | "washer"
                        | "router"
                        | "printer"
                        | "tv"
                )
            };
            article(-1) || article(-2) && ctx.doc.raw_gap(first) == "-"
        }
        && ctx.cue_before(first, 5).is_none_or(|c| c.kind == Cue::Harmless)
}

/// A word beside a value that is no part of it: "cvv", "goes", "go ahead", "doesnt".
fn announces(ctx: &Context<'_>, i: usize, entity: E, before: bool) -> bool {
    let word = ctx.doc.word(i);
    let flags = ctx.doc.flags(i);
    if ctx.doc.token(i).is_none_or(|t| t.kind != Kind::Word) || word.len() < 2 || flags & flag::NUMBER != 0 {
        return false;
    }
    if matches!(word, "goes" | "go" | "ahead") {
        return true;
    }
    if entity == E::Address {
        return false;
    }
    // "as 4578683953", "cf 16 mm": short letters beside digits are part of an identifier, any word of a password.
    let part = match entity {
        E::AccountId | E::ReferenceId => word.len() < 4,
        E::Password | E::Username => before,
        _ => false,
    };
    let cue = ctx.cue_at(i).is_some_and(|k| !matches!(k, Cue::Name | Cue::City));
    let small = flags & (flag::FUNCTION | flag::ACK | flag::FILLER) != 0;
    cue || small && !part || matches!(word, "dob" | "ending" | "ends")
}

fn numbered(ctx: &Context<'_>, mut first: usize, mut end: usize, entity: E) -> Option<(usize, usize)> {
    let alone = end.saturating_sub(first) == 1;
    let nothing = |i: usize| {
        let word = ctx.doc.word(i);
        matches!(
            word,
            "uh" | "um"
                | "uhm"
                | "er"
                | "so"
                | "okay"
                | "ok"
                | "yes"
                | "yeah"
                | "acct"
                | "pw"
                | "ty"
                | "pls"
                | "plz"
                | "thx"
                | "thnx"
        ) && lexicon::unit(word).is_none()
            && (word != "ty" || alone)
    };
    while first < end && (nothing(first) || announces(ctx, first, entity, true)) {
        first = first.saturating_add(1);
    }
    while end > first
        && (nothing(end.saturating_sub(1)) || announces(ctx, end.saturating_sub(1), entity, false))
    {
        end = end.saturating_sub(1);
    }
    if first >= end
        || crate::fillers::several(ctx.doc, first).is_some_and(|e| e >= end)
        || (entity == E::Address
            && end == first.saturating_add(1)
            && lexicon::unit(ctx.doc.word(first)).is_some())
    {
        return None;
    }
    let at = ctx.segments.partition_point(|s| s.end <= first);
    let here = ctx.segments.get(at).filter(|s| s.first < end);
    let street = (first..end).any(|i| lexicon::street(ctx.doc.word(i)));
    let amount = here.is_some_and(|s| {
        let short = end <= s.end.saturating_add(3) || (entity == E::Address && !street);
        short && (number::is_amount(ctx, s) || number::harmless(ctx, s))
    });
    if amount {
        return None;
    }
    let word = ctx.doc.word(first);
    // "opened in 2022", "gr8", "one way".
    let year = word.len() == 4
        && matches!(word.get(..2), Some("19" | "20"))
        && matches!(ctx.doc.near(first, -1), "in" | "since")
        && !matches!(ctx.doc.near(first, -2), "ends" | "ending" | "end");
    if end.saturating_sub(first) == 1
        && (matches!(word, "gr8" | "b4" | "l8r" | "m8" | "2day" | "cvv2")
            || year
            || word == "one" && ctx.doc.near(first, 1) == "way")
    {
        return None;
    }
    if entity == E::Address {
        let cut = |i: usize| {
            matches!(ctx.doc.word(i), "for" | "is" | "has" | "to" | "with" | "was" | "it" | "i" | "they")
                && ctx.doc.token(i).is_some_and(|t| t.case == Case::Lower)
        };
        let mut end = (first.saturating_add(1)..end).find(|i| cut(*i)).unwrap_or(end);
        while end > first
            && matches!(
                ctx.doc.word(end.saturating_sub(1)),
                "and"
                    | "in"
                    | "at"
                    | "is"
                    | "the"
                    | "or"
                    | "it"
                    | "for"
                    | "to"
                    | "on"
                    | "with"
                    | "phone"
                    | "their"
            )
        {
            end = end.saturating_sub(1);
        }
        if word == "the" && ctx.doc.near(first, 1) != "corner" || end <= first {
            return None;
        }
        let street = (first..end).any(|i| {
            lexicon::street(ctx.doc.word(i)) || ctx.doc.token(i).is_some_and(|t| t.kind != Kind::Word)
        });
        let spoken_number = here.is_some_and(|s| s.end.saturating_sub(s.first) >= 2 || end > s.end);
        let corner =
            matches!(word, "corner" | "the" | "po" | "apt" | "unit" | "usns" | "uss" | "psc" | "suite");
        let counted = end < ctx.doc.tokens.len()
            && ctx.doc.same_turn(first, end)
            && end.saturating_sub(first) <= 2
            && lexicon::counted(ctx.doc.word(end));
        let measure = (first..end).any(|i| {
            matches!(
                ctx.doc.word(i),
                "bed"
                    | "bath"
                    | "beds"
                    | "baths"
                    | "bedroom"
                    | "bus"
                    | "matches"
                    | "degrees"
                    | "people"
                    | "percent"
                    | "mix"
                    | "ml"
            )
        });
        let asked = ctx.asked_for(ctx.doc.turn_of(first), &[Cue::Address]);
        // "the 2007 report".
        let year = word.len() == 4 && matches!(word.get(..2), Some("19" | "20"));
        if end.saturating_sub(first) == 1 && year && !asked && ctx.doc.near(first, -1) == "the" {
            return None;
        }
        if end.saturating_sub(first) == 1
            && !asked
            && ctx.doc.word(first).len() <= 3
            && !lexicon::street(word)
        {
            return None;
        }
        return ((street || spoken_number || corner || asked) && !counted && !measure)
            .then_some((first, end));
    }
    let ordinal = entity == E::ZipCode && number::date_like(word);
    (!ordinal && !thing(ctx, first, end, entity)).then_some((first, end))
}
