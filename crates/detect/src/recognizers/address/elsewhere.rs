//! Places of a journey, and streets that other languages name: "calle mayor 83", "kungsgatan 12", "po box 4".

use crate::{
    context::Context,
    gazetteer::{Gazetteer, flag},
    lexicon,
    token::{Case, Kind, gap},
};

/// "lagos - pune", "surat to porto next friday": the second of two places, one of them listed.
pub(super) fn dashed(ctx: &Context<'_>, i: usize) -> Option<usize> {
    let to =
        ctx.doc.near(i, 1) == "to" && ctx.doc.turns.get(ctx.doc.turn_of(i)).is_some_and(|t| t.first == i);
    let next = i.saturating_add(if to { 2 } else { 1 });
    if !(to || ctx.doc.gap(next) & gap::DASH != 0 && ctx.doc.raw_gap(next).contains(' '))
        || !ctx.doc.same_turn(i, next)
    {
        return None;
    }
    let name = |k: usize| {
        let capital = ctx.doc.token(k).is_some_and(|t| t.case == Case::Title);
        let town = !to && ctx.listed(k) & flag::TOWN != 0;
        ctx.name_like(k)
            && ctx.doc.word(k).len() > 3
            && (ctx.listed(k) & flag::COMMON == 0 || capital || town)
    };
    let place =
        |k: usize| ctx.listed(k) & (flag::TOWN | flag::REGION) != 0 && ctx.listed(k) & flag::COMMON == 0;
    let travel = || {
        let turn = ctx.doc.turns.get(ctx.doc.turn_of(i));
        let says = |k: usize| {
            matches!(
                ctx.doc.word(k),
                "ticket"
                    | "tickets"
                    | "flight"
                    | "flights"
                    | "fly"
                    | "trip"
                    | "travel"
                    | "bus"
                    | "train"
                    | "book"
            )
        };
        turn.is_some_and(|t| (t.first.max(i.saturating_sub(8))..t.end.min(i.saturating_add(8))).any(says))
    };
    let ends = ctx.doc.same_turn(i, next.saturating_add(1)) && ctx.doc.near(next, 1).len() > 2;
    let known = if to { place(i) || place(next) && ends } else { (place(i) || place(next)) && travel() };
    (name(i) && name(next) && known).then_some(next)
}

/// "12 rue victor hugo", "calle mayor 83": the end of a street at `i`, the number of which stands right before or after it.
pub(super) fn foreign_street(ctx: &Context<'_>, i: usize) -> Option<usize> {
    let sort = |k: usize| {
        matches!(
            ctx.doc.word(k),
            "rue"
                | "calle"
                | "via"
                | "avenida"
                | "rua"
                | "viale"
                | "piazza"
                | "ulica"
                | "ul"
                | "carrer"
                | "chemin"
                | "carrera"
        )
    };
    let number =
        |k: usize| ctx.doc.same_turn(i, k) && ctx.doc.token(k).is_some_and(|t| t.kind == Kind::Digits);
    let words = |from: usize| {
        let fits = |k: usize| {
            ctx.doc.same_turn(i, k)
                && ctx.doc.gap(k) & gap::COMMA == 0
                && (ctx.name_like(k)
                    || matches!(ctx.doc.word(k), "de" | "la" | "del" | "des" | "du" | "da" | "do" | "das"))
        };
        (from..from.saturating_add(3)).take_while(|k| fits(*k)).last().map(|k| k.saturating_add(1))
    };
    if number(i) && sort(i.saturating_add(1)) {
        return words(i.saturating_add(2));
    }
    let compound = || {
        let word = ctx.doc.word(i);
        const ENDINGS: [&str; 11] = [
            "gatan", "gasse", "strasse", "straat", "gracht", "vagen", "laan", "plein", "allee", "platz",
            "kade",
        ];
        word.len() > 8 && ENDINGS.iter().any(|e| word.ends_with(e))
    };
    let next = i.saturating_add(1);
    if number(next) && compound() {
        return Some(next.saturating_add(1));
    }
    let boxed = i.saturating_add(2);
    if ctx.doc.word(i) == "po" && ctx.doc.near(i, 1) == "box" && number(boxed) {
        return Some(boxed.saturating_add(1));
    }
    if !sort(i) || i > 0 && number(i.saturating_sub(1)) {
        return None;
    }
    let end = words(i.saturating_add(1)).filter(|end| number(*end))?.saturating_add(1);
    // "2º b": floor and door.
    // "9730/4": house and flat.
    let flat = ctx.doc.same_turn(i, end)
        && ctx.doc.raw_gap(end) == "/"
        && ctx.doc.token(end).is_some_and(|t| t.kind == Kind::Digits);
    let end = if flat { end.saturating_add(1) } else { end };
    let floor = ctx.doc.same_turn(i, end)
        && ctx.doc.token(end).is_some_and(|t| t.kind == Kind::Mixed)
        && ctx.doc.word(end).chars().count() <= 3;
    let end = if floor { end.saturating_add(1) } else { end };
    let door = floor && ctx.doc.same_turn(i, end) && ctx.doc.word(end).len() == 1;
    Some(if door { end.saturating_add(1) } else { end })
}

/// "salt lake city": the end of a listed place of several words at `i`.
pub(super) fn several(ctx: &Context<'_>, i: usize) -> Option<usize> {
    if !ctx.begins(i, flag::PLACE) {
        return None;
    }
    let mut phrase = ctx.doc.word(i).to_owned();
    let mut end = None;
    for k in i.saturating_add(1)..i.saturating_add(4) {
        let plain = ctx.doc.same_turn(i, k) && ctx.doc.token(k).is_some_and(|t| t.kind == Kind::Word);
        if !plain || ctx.doc.gap(k) & (gap::COMMA | gap::STOP) != 0 {
            break;
        }
        phrase.push(' ');
        phrase.push_str(ctx.doc.word(k));
        if Gazetteer::get().phrase(&phrase) & (flag::TOWN | flag::REGION) != 0 {
            end = Some(k.saturating_add(1));
        }
    }
    end
}

/// "from new bern to pune": the end of a listed place at `i` after a word of direction.
pub(super) fn route(ctx: &Context<'_>, i: usize) -> Option<usize> {
    let next = i.saturating_add(1);
    if ctx.doc.near(i, 1) == "airport" && ctx.listed(i) & flag::TOWN != 0 && ctx.name_like(i) {
        return Some(next);
    }
    let lead = matches!(
        ctx.doc.near(i, -1),
        "from" | "to" | "near" | "toward" | "towards" | "depart" | "departing" | "in"
    );
    // "rent in Cork": inside a sentence a capital makes a place of a common word.
    let capital = ctx.doc.near(i, -1) == "in"
        && ctx.doc.token(i).is_some_and(|t| t.case == Case::Title && t.kind == Kind::Word)
        && ctx.doc.gap(i) == gap::SPACE
        && ctx.listed(i) & flag::TOWN != 0
        && ctx.listed(i) & flag::GIVEN == 0
        && !lexicon::month(ctx.doc.word(i))
        && ctx.name_like(i)
        && ctx.doc.word(i).len() > 3;
    if capital
        && (!ctx.doc.same_turn(i, next)
            || ctx.doc.gap(next) & (gap::STOP | gap::COMMA) != 0
            || ctx.function_word(next))
    {
        return Some(next);
    }
    if !lead || ctx.begins(i, flag::PHRASE) {
        return None;
    }
    let place = |f: u16| f & (flag::TOWN | flag::REGION) != 0;
    let plain = |k: usize| ctx.doc.same_turn(i, k) && ctx.doc.token(k).is_some_and(|t| t.kind == Kind::Word);
    if let Some(end) = several(ctx, i) {
        // "calling in happy valley national bank".
        let limit = ctx.doc.turns.get(ctx.doc.turn_of(i)).map_or(end, |t| t.end);
        return (!crate::recognizers::name::institution(ctx, end, limit)).then_some(end);
    }
    let flags = ctx.listed(i);
    // "going to reading", "talk to sandy": a common word or a name is no journey.
    let lone = plain(i)
        && place(flags)
        && flags & (flag::COMMON | flag::GIVEN) == 0
        && ctx.name_like(i)
        && ctx.doc.word(i).len() > 3;
    let ends = {
        let next = i.saturating_add(1);
        !ctx.doc.same_turn(i, next)
            || ctx.doc.gap(next) & (gap::STOP | gap::COMMA) != 0
            || ctx.function_word(next)
            || place(ctx.listed(next))
            || ctx.doc.token(next).is_some_and(|t| t.kind == Kind::Digits)
    };
    (lone && ends).then(|| i.saturating_add(1))
}
