//! Whether today's detector gets by itself what people had to correct.

use crate::{Error, answers, cover, tools::Tools, voice};
use callvault_detect::plant::covers;
use callvault_model::Finding;
use callvault_store::{
    Actor, Vault,
    regression::{Retold, Tried},
};

/// Tries every accepted correction of the vault in its conversation. What comes back are ids, types, places and verdicts.
pub fn run(vault: &Vault, actor: &Actor, tools: &Tools<'_>, settle: bool) -> Result<Vec<Tried>, Error> {
    Ok(vault.try_corrections(actor, settle, &mut |told| judge(told, tools))?)
}

/// For each place, whether what the ordinary way would cover is what the person decided.
fn judge(told: &Retold, tools: &Tools<'_>) -> Vec<bool> {
    let mut found = voice::run_detector(&told.turns, &told.roles, tools);
    if told.voice {
        found = answers::cover_answers(&told.turns, &told.roles, found);
    }
    let found = cover::close_over_repeats(&told.turns, found);
    told.places
        .iter()
        .map(|place| {
            let of: Vec<(usize, usize)> =
                found.iter().filter(|f| f.turn == place.turn).map(|f: &Finding| (f.start, f.end)).collect();
            if place.missed {
                let text = told.turns.get(place.turn).map_or("", |t| t.text.as_str());
                return covers(text, (place.start, place.end), place.entity, &of);
            }
            !of.iter().any(|(start, end)| *start < place.end && place.start < *end)
        })
        .collect()
}

#[cfg(test)]
mod tests;
