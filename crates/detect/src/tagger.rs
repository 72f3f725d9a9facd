//! A small sequence tagger: an averaged perceptron over hashed features, greedy from left to right.
//! It knows names, places and the typed values of chats from their words and surroundings.

pub(crate) mod features;
pub(crate) mod sensible;

use crate::{
    Error,
    context::{Candidate, Context},
    token::Case,
};
use callvault_model::EntityType as E;
use features::{Features, Reader};

/// Name in findings.
pub(crate) const NAME: &str = "tagger";

/// Columns of the weight table.
pub(crate) const CLASSES: usize = 16;
/// Rows of the weight table.
pub(crate) const ROWS: usize = 114_000;

/// Rows begin where a line of the processor's cache does or in its middle, so that reading one touches one line.
#[repr(align(64))]
struct Aligned<T: ?Sized>(T);

static TABLE: &Aligned<[u8]> = &Aligned(*include_bytes!("../assets/tagger.bin"));
static MODEL: &[u8] = &TABLE.0;

/// What each column stands for; the first is "nothing".
pub(crate) const LABELS: [Option<E>; CLASSES] = [
    None,
    Some(E::Person),
    Some(E::Location),
    Some(E::Address),
    Some(E::ZipCode),
    Some(E::PhoneNumber),
    Some(E::EmailAddress),
    Some(E::UsSsn),
    Some(E::CreditCard),
    Some(E::AccountId),
    Some(E::Password),
    Some(E::Username),
    Some(E::ReferenceId),
    Some(E::DateTime),
    Some(E::Organization),
    Some(E::Nrp),
];

/// Scores of one token, one column a class.
pub(crate) type Scores = [i16; CLASSES];

/// Refuses a weight table of another size.
pub(crate) fn check() -> Result<(), Error> {
    if MODEL.is_empty() || MODEL.len() == ROWS.saturating_mul(CLASSES) {
        Ok(())
    } else {
        Err(Error::Model(MODEL.len()))
    }
}

fn score(active: &Features) -> Scores {
    let (rows, _) = MODEL.as_chunks::<CLASSES>();
    let mut sum: Scores = [0; CLASSES];
    for weights in active.rows().filter_map(|row| rows.get(row as usize)) {
        // At most a hundred rows of at most 127 each: far from the end of the type.
        for (s, w) in sum.iter_mut().zip(weights) {
            *s = s.wrapping_add(i16::from(w.cast_signed()));
        }
    }
    sum
}

/// The best class and how far it leads "nothing".
pub(crate) fn best(scores: &Scores) -> (usize, i32) {
    let (mut at, mut top) = (0usize, i16::MIN);
    for (k, s) in scores.iter().enumerate() {
        if *s > top {
            (at, top) = (k, *s);
        }
    }
    (at, i32::from(top).saturating_sub(i32::from(scores.first().copied().unwrap_or(0))))
}

/// Tags the conversation.
pub(crate) fn find(ctx: &Context<'_>, out: &mut Vec<Candidate>) {
    if MODEL.is_empty() {
        return;
    }
    let mut reader = Reader::new(ctx);
    let mut active = Features::default();
    let mut labels: Vec<(usize, i32)> = Vec::with_capacity(ctx.doc.tokens.len());
    for i in 0..ctx.doc.tokens.len() {
        reader.read(i, &mut active);
        let scores = score(&active);
        let (label, lead) = best(&scores);
        reader.tagged(i, label);
        labels.push((label, lead));
    }
    emit(ctx, &labels, reader.cased(), out);
}

fn emit(ctx: &Context<'_>, labels: &[(usize, i32)], cased: bool, out: &mut Vec<Candidate>) {
    let mut i = 0usize;
    while let Some(&(label, lead)) = labels.get(i) {
        let (first, mut sum) = (i, lead);
        i = i.saturating_add(1);
        if label == 0 {
            continue;
        }
        while labels.get(i).is_some_and(|l| l.0 == label)
            && ctx.doc.same_turn(first, i)
            && !sensible::new_sentence(ctx, i, label)
        {
            sum = sum.saturating_add(labels.get(i).map_or(0, |l| l.1));
            i = i.saturating_add(1);
        }
        let Some(entity) = LABELS.get(label).copied().flatten() else { continue };
        // It has learnt English: what it takes for a name in other languages needs a capital.
        let lower = |k: usize| ctx.doc.token(k).is_some_and(|t| t.case == Case::Lower);
        let word = matches!(entity, E::Person | E::Location | E::Organization | E::Nrp);
        let foreign = ctx.doc.turns.get(ctx.doc.turn_of(first)).is_some_and(|t| t.spanish);
        if foreign && word && (first..i).all(lower) {
            continue;
        }
        let mean = sum.checked_div(i32::try_from(i.saturating_sub(first)).unwrap_or(1)).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "margins are small integers")]
        let score = (0.5 + mean as f32 / 400.0).clamp(0.4, 0.93);
        let Some((first, end)) = sensible::stretch(ctx, first, i, entity, cased) else { continue };
        out.extend(ctx.over(first, end, entity, score, NAME, "reads like one in its sentence"));
    }
}
