//! The special categories of GDPR article 9 beside health: origin, belief, orientation, union membership.

use super::phrase::Phrases;
use crate::{
    context::{Candidate, Context},
    gazetteer::flag,
};
use callvault_model::EntityType as E;

/// Name in findings.
pub(crate) const NAME: &str = "belief";

static ORIGIN: Phrases = Phrases::new(
    "american|british|english|french|german|italian|spanish|polish|swedish|norwegian|dutch|greek|turkish|indian|chinese|japanese|korean|mexican|brazilian|canadian|irish|scottish|welsh|russian|ukrainian|egyptian|nigerian|kenyan|hungarian|czech|danish|finnish|portuguese|romanian|bulgarian|serbian|croatian|israeli|palestinian|iranian|iraqi|syrian|lebanese|pakistani|bangladeshi|vietnamese|thai|filipino|indonesian|malaysian|australian|african american|african|asian|hispanic|latino|latina|caucasian|native american|arab|kurdish|cuban|colombian|venezuelan|argentinian|chilean|peruvian|puerto rican|jamaican|haitian|somali|ethiopian|afghan|democrat|republican|communist|socialist|conservative party|labour party",
);
static RELIGION: Phrases = Phrases::new(
    "catholic|muslim|jewish|christian|protestant|hindu|buddhist|sikh|mormon|atheist|jehovahs witness|jehovah 's witness|baptist|methodist|lutheran|orthodox|evangelical|islam|christianity|judaism|hinduism|buddhism|quran|my church|my mosque|my synagogue|my temple|my rabbi|my imam",
);
static SEXUALITY: Phrases = Phrases::new(
    "gay|lesbian|bisexual|transgender|trans woman|trans man|homosexual|heterosexual|queer|nonbinary|non binary|asexual|pansexual|sexual orientation|sex life",
);
static UNION: Phrases = Phrases::new(
    "union member|union membership|member of the union|member of a union|trade union|labor union|union dues|union rep|union representative|teamsters|shop steward",
);

/// The words that the phrases begin with.
pub(super) fn first_words() -> impl Iterator<Item = &'static str> {
    [&ORIGIN, &RELIGION, &SEXUALITY, &UNION].into_iter().flat_map(Phrases::first_words)
}

/// Finds words of the special categories.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    let lists = [
        (&SEXUALITY, E::Sexuality, "an orientation"),
        (&RELIGION, E::Religion, "a belief"),
        (&UNION, E::UnionMembership, "a union"),
        (&ORIGIN, E::Nrp, "an origin or a political view"),
    ];
    let mut i = 0usize;
    while i < ctx.doc.tokens.len() {
        if !ctx.begins(i, flag::PHRASE) {
            i = i.saturating_add(1);
            continue;
        }
        let hit = lists
            .iter()
            .find_map(|(list, entity, reason)| list.at(ctx, i).map(|end| (end, *entity, *reason)));
        match hit {
            Some((end, entity, reason)) => {
                // "Italian food" says nothing about a person; "I am Italian" does.
                let said_of_someone = entity != E::Nrp || of_person(ctx, i);
                let score = if said_of_someone { 0.8 } else { 0.3 };
                out.extend(ctx.over(i, end, entity, score, NAME, reason).filter(|_| said_of_someone));
                i = end;
            }
            None => i = i.saturating_add(1),
        }
    }
}

/// Whether the word at `i` names an origin.
pub(crate) fn origin(ctx: &Context<'_>, i: usize) -> bool {
    ORIGIN.at(ctx, i).is_some()
}

fn of_person(ctx: &Context<'_>, i: usize) -> bool {
    matches!(
        ctx.doc.near(i, -1),
        "am" | "im" | "is" | "are" | "was" | "were" | "a" | "an" | "being" | "as" | "'s"
    ) && !matches!(
        ctx.doc.near(i, 1),
        "restaurant"
            | "food"
            | "airlines"
            | "place"
            | "movie"
            | "express"
            | "kitchen"
            | "dressing"
            | "style"
            | "cuisine"
            | "or"
            | "holiday"
    )
}
