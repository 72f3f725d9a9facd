//! Health words that no list can hold: "bladder infection", "torn rotator cuff", "water pills", "colposcopy".

use crate::{context::Context, lexicon, token::gap};
use callvault_model::EntityType as E;

/// How many words before a head belong to it.
const MODIFIERS: usize = 2;

/// The stretch and type of a compound whose head is token `i`.
pub(super) fn at(ctx: &Context<'_>, i: usize) -> Option<(usize, usize, E)> {
    let word = ctx.doc.word(i);
    if let Some(entity) = by_ending(ctx, i, word) {
        return Some((i, i.saturating_add(1), entity));
    }
    if let Some((entity, need)) = head(word) {
        let first = modifiers(ctx, i, need)?;
        return Some((first, of_part(ctx, i.saturating_add(1), entity), entity));
    }
    // "torn rotator cuff", "bad knees": harm said of a part of the body.
    if harmed(word) {
        let from = i.saturating_add(1);
        let part = (from..from.saturating_add(MODIFIERS))
            .find(|k| ctx.doc.same_turn(i, *k) && !ctx.function_word(*k) && body(ctx.doc.word(*k)))?;
        let apart =
            (from..=part).any(|k| ctx.doc.gap(k) & (gap::STOP | gap::COMMA) != 0 || ctx.function_word(k));
        return (!apart).then(|| (i, part.saturating_add(1), E::Condition));
    }
    None
}

/// Before which words a head stands to be about health.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Any word of substance.
    Any,
    /// A part of the body.
    Body,
    /// A word that makes it a medicine or a vaccine.
    Medical,
    /// None.
    Nothing,
}

fn head(word: &str) -> Option<(E, Need)> {
    Some(match word {
        "infection" | "infections" | "syndrome" | "disorder" | "allergy" | "allergies" | "fracture"
        | "sclerosis" | "cancer" | "tumor" | "rash" => (E::Condition, Need::Any),
        "pain" | "pains" | "ache" | "problem" | "problems" | "trouble" | "condition" | "disease"
        | "failure" | "injury" | "murmur" | "attack" | "swelling" | "issues" => (E::Condition, Need::Body),
        "surgery" | "surgeries" => (E::Procedure, Need::Nothing),
        "biopsy" | "transplant" | "counseling" | "therapy" => (E::Procedure, Need::Any),
        "xray" | "xrays" | "ultrasound" => (E::Procedure, Need::Nothing),
        "ray" | "rays" | "scan" | "screening" | "test" | "tests" => (E::Procedure, Need::Medical),
        "replacement" | "exam" | "operation" | "bypass" => (E::Procedure, Need::Body),
        "shot" | "shots" | "vaccine" | "booster" => (E::Procedure, Need::Medical),
        "pill" | "pills" | "patch" | "patches" | "syrup" | "ointment" | "inhaler" | "drops" | "injection"
        | "injections" | "supplements" => (E::Medication, Need::Medical),
        _ => return None,
    })
}

fn modifiers(ctx: &Context<'_>, i: usize, need: Need) -> Option<usize> {
    let mut first = i;
    while i.saturating_sub(first) < MODIFIERS && first > 0 {
        let before = first.saturating_sub(1);
        let word = ctx.doc.word(before);
        let plain = ctx.doc.same_turn(i, before)
            && ctx.doc.gap(first) & (gap::STOP | gap::COMMA) == 0
            && (ctx.name_like(before) || word == "x")
            && !lexicon::counted(word)
            && !verb(word);
        let fits = match need {
            Need::Any => plain,
            Need::Body | Need::Nothing => plain && (body(word) || i > first && harmed(word)),
            Need::Medical => plain && medical(word),
        };
        if !fits {
            break;
        }
        first = before;
    }
    (first < i || need == Need::Nothing).then_some(first)
}

/// "x ray of my foot", "a biopsy of the liver".
fn of_part(ctx: &Context<'_>, end: usize, entity: E) -> usize {
    let part = end.saturating_add(2);
    let named = entity == E::Procedure
        && ctx.doc.same_turn(end.saturating_sub(1), part)
        && matches!(ctx.doc.word(end), "of" | "on" | "for")
        && matches!(ctx.doc.word(end.saturating_add(1)), "my" | "the" | "his" | "her" | "their")
        && body(ctx.doc.word(part));
    if named { part.saturating_add(1) } else { end }
}

/// Verbs and vague words that stand before a head without being part of its name.
fn verb(word: &str) -> bool {
    matches!(
        word,
        "get"
            | "need"
            | "had"
            | "have"
            | "has"
            | "having"
            | "got"
            | "schedule"
            | "scheduled"
            | "book"
            | "cover"
            | "covers"
            | "covered"
            | "another"
            | "last"
            | "next"
            | "first"
            | "second"
            | "new"
            | "more"
            | "any"
            | "some"
            | "one"
            | "every"
            | "want"
            | "wants"
            | "billed"
            | "paid"
            | "pay"
            | "take"
            | "taking"
            | "took"
            | "start"
            | "started"
            | "after"
            | "before"
            | "during"
            | "because"
            | "since"
            | "quick"
            | "barcode"
            | "security"
            | "virus"
            | "credit"
            | "document"
            | "retail"
            | "same"
            | "whole"
            | "big"
            | "bad"
            | "serious"
    )
}

/// Names of classes of medicines, diseases and operations by their endings.
fn by_ending(ctx: &Context<'_>, i: usize, word: &str) -> Option<E> {
    if word.len() < 7 || ctx.listed(i) != 0 {
        return None;
    }
    let ends = |list: &[&str]| list.iter().any(|e| word.ends_with(e));
    if ends(&["itis", "osis", "emia", "algia", "plegia", "uria"]) {
        return Some(E::Condition);
    }
    if ends(&["ectomy", "oscopy", "plasty", "ostomy", "otomy", "centesis"]) {
        return Some(E::Procedure);
    }
    let medicine = [
        "pril",
        "sartan",
        "olol",
        "statin",
        "prazole",
        "conazole",
        "cillin",
        "mycin",
        "cycline",
        "floxacin",
        "oxetine",
        "azepam",
        "azolam",
        "triptan",
        "gliptin",
        "gliflozin",
        "glutide",
        "formin",
        "tidine",
        "caine",
        "mab",
        "vir",
        "setron",
        "parin",
        "zosin",
    ];
    ends(&medicine).then_some(E::Medication)
}

fn harmed(word: &str) -> bool {
    matches!(
        word,
        "torn"
            | "broken"
            | "fractured"
            | "sprained"
            | "slipped"
            | "herniated"
            | "swollen"
            | "dislocated"
            | "enlarged"
            | "bad"
            | "pulled"
            | "pinched"
            | "irregular"
            | "crushed"
            | "bruised"
            | "infected"
            | "inflamed"
            | "weak"
            | "frozen"
            | "ruptured"
            | "collapsed"
            | "underactive"
            | "overactive"
    )
}

fn body(word: &str) -> bool {
    matches!(
        word,
        "heart"
            | "heartbeat"
            | "kidney"
            | "kidneys"
            | "liver"
            | "lung"
            | "lungs"
            | "stomach"
            | "bladder"
            | "thyroid"
            | "prostate"
            | "colon"
            | "brain"
            | "skin"
            | "breast"
            | "knee"
            | "knees"
            | "hip"
            | "hips"
            | "back"
            | "neck"
            | "shoulder"
            | "shoulders"
            | "elbow"
            | "wrist"
            | "ankle"
            | "ankles"
            | "foot"
            | "feet"
            | "leg"
            | "legs"
            | "arm"
            | "arms"
            | "hand"
            | "hands"
            | "finger"
            | "fingers"
            | "toe"
            | "toes"
            | "spine"
            | "disc"
            | "discs"
            | "disk"
            | "rib"
            | "ribs"
            | "jaw"
            | "tooth"
            | "teeth"
            | "gum"
            | "gums"
            | "eye"
            | "eyes"
            | "ear"
            | "ears"
            | "nose"
            | "sinus"
            | "throat"
            | "chest"
            | "abdomen"
            | "pelvis"
            | "uterus"
            | "ovary"
            | "ovaries"
            | "rotator"
            | "cuff"
            | "meniscus"
            | "ligament"
            | "tendon"
            | "muscle"
            | "nerve"
            | "nerves"
            | "bowel"
            | "gallbladder"
            | "appendix"
            | "tonsils"
            | "valve"
            | "artery"
            | "vein"
            | "veins"
            | "joint"
            | "joints"
            | "collarbone"
            | "femur"
            | "blood"
            | "bone"
            | "respiratory"
            | "mental"
            | "health"
            | "hearing"
            | "vision"
            | "digestive"
            | "acl"
    )
}

fn medical(word: &str) -> bool {
    body(word)
        || matches!(
            word,
            "x" | "iron"
                | "water"
                | "sleeping"
                | "nerve"
                | "diet"
                | "pain"
                | "allergy"
                | "flu"
                | "tetanus"
                | "steroid"
                | "insulin"
                | "cortisone"
                | "rabies"
                | "pneumonia"
                | "shingles"
                | "measles"
                | "covid"
                | "vitamin"
                | "hormone"
                | "nicotine"
                | "estrogen"
                | "cough"
                | "sugar"
                | "potassium"
                | "calcium"
                | "fertility"
                | "pressure"
                | "cholesterol"
                | "thyroid"
                | "antibiotic"
                | "rescue"
                | "asthma"
                | "birth"
                | "control"
                | "anxiety"
                | "depression"
                | "migraine"
                | "hepatitis"
                | "booster"
                | "weight"
                | "loss"
                | "fluid"
                | "density"
                | "mole"
                | "std"
                | "sleep"
                | "stress"
                | "testosterone"
                | "morphine"
                | "numbing"
                | "magnesium"
                | "zinc"
                | "folic"
                | "acid"
                | "antifungal"
        )
}
