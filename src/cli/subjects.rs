//! `callvault subjects`: the people known to this vault, without names or numbers.

use super::{Done, Shared};
use crate::{out, wire};

/// Lists the people this vault knows
#[derive(clap::Args)]
pub struct Args {}

pub fn run(shared: &Shared, _: &Args) -> anyhow::Result<Done> {
    let subjects = wire::open(shared)?.subjects()?;
    if shared.json {
        out::json(&subjects)?;
        return Ok(Done::Ok);
    }
    out::line("subject                               role      conversations");
    for s in subjects {
        let note = match (&s.erased_at, s.provisional) {
            (Some(at), _) => format!("erased {at}"),
            (None, true) => "provisional: no address leads back to this person".into(),
            (None, false) => String::new(),
        };
        out::line(&format!("{:<37} {:<9} {:>13}  {note}", s.id.to_string(), s.role, s.conversations));
    }
    Ok(Done::Ok)
}
