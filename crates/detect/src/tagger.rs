//! A small sequence tagger: an averaged perceptron over hashed features, greedy from left to right.
//! It knows names, places and the typed values of chats from their words and surroundings.

pub(crate) mod features;
pub(crate) mod sensible;

use crate::{
    Error,
    context::{Candidate, Context},
};
use callvault_model::EntityType as E;
use features::{Features, Reader};

/// Name in findings.
pub(crate) const NAME: &str = "tagger";

/// Columns of the weight table.
pub(crate) const CLASSES: usize = 16;
/// Rows of the weight table.
pub(crate) const ROWS: usize = 114_000;

static MODEL: &[u8] = include_bytes!("../assets/tagger.bin");

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
pub(crate) type Scores = [i32; CLASSES];

/// Refuses a weight table of another size.
pub(crate) fn check() -> Result<(), Error> {
    if MODEL.is_empty() || MODEL.len() == ROWS.saturating_mul(CLASSES) {
        Ok(())
    } else {
        Err(Error::Model(MODEL.len()))
    }
}

fn score(active: &Features) -> Scores {
    let mut sum: Scores = [0; CLASSES];
    for row in active.rows() {
        let from = (row as usize).saturating_mul(CLASSES);
        let Some(weights) = MODEL.get(from..from.saturating_add(CLASSES)) else { continue };
        for (s, w) in sum.iter_mut().zip(weights) {
            *s = s.saturating_add(i32::from(i8::from_ne_bytes([*w])));
        }
    }
    sum
}

/// The best class and how far it leads "nothing".
pub(crate) fn best(scores: &Scores) -> (usize, i32) {
    let (at, top) = scores
        .iter()
        .enumerate()
        .max_by_key(|(k, s)| (**s, std::cmp::Reverse(*k)))
        .map_or((0, 0), |(k, s)| (k, *s));
    (at, top.saturating_sub(scores.first().copied().unwrap_or(0)))
}

/// How far a label may trail "nothing" and still be reported: a leak costs more than a false mute.
const LENIENCE: i32 = 0;

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
        let (mut label, mut lead) = best(&scores);
        if label == 0 && LENIENCE > 0 {
            let runner_up = scores.iter().enumerate().skip(1).max_by_key(|(_, s)| **s);
            if let Some((k, s)) = runner_up
                && scores.first().is_some_and(|o| o.saturating_sub(*s) < LENIENCE)
            {
                (label, lead) = (k, 1);
            }
        }
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
        let mean = sum.checked_div(i32::try_from(i.saturating_sub(first)).unwrap_or(1)).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "margins are small integers")]
        let score = (0.5 + mean as f32 / 400.0).clamp(0.4, 0.93);
        let Some((first, end)) = sensible::stretch(ctx, first, i, entity, cased) else { continue };
        out.extend(ctx.over(first, end, entity, score, NAME, "reads like one in its sentence"));
    }
}
