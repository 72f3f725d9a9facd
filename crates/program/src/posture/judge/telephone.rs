//! The telephone system beside us.

use super::{Judge, data::open_folder};
use crate::posture::{Facts, Verdict};

pub const CHECKS: &[(&str, Judge)] = &[("T04", wire), ("P01", recordings), ("P02", control)];

fn wire(f: &Facts) -> Result<Verdict, Verdict> {
    let p = f.pbx.get()?;
    if p.transports.is_empty() {
        return Ok(Verdict::unknown(format!(
            "{} is here, and no SIP transport was found in its files",
            p.kinds.join(" and ")
        )));
    }
    let mut problems: Vec<String> = p
        .transports
        .iter()
        .filter(|t| !t.encrypted)
        .map(|t| format!("{}: transport {} is not encrypted", t.file, t.name))
        .collect();
    let (plain, of) = p.plain_media;
    if plain > 0 {
        problems.push(format!("{plain} of {of} phones and trunks speak without encryption"));
    }
    Ok(Verdict::of(
        problems,
        format!("{} transport(s) and {of} phones and trunks, all encrypted", p.transports.len()),
    ))
}

fn recordings(f: &Facts) -> Result<Verdict, Verdict> {
    let p = f.pbx.get()?;
    if p.recordings.is_empty() {
        return Ok(Verdict::not_applicable(format!(
            "{} is here, and has no recording folder",
            p.kinds.join(" and ")
        )));
    }
    let problems = p.recordings.iter().flat_map(open_folder).collect();
    Ok(Verdict::of(problems, format!("{} recording folder(s) shut other accounts out", p.recordings.len())))
}

fn control(f: &Facts) -> Result<Verdict, Verdict> {
    let p = f.pbx.get()?;
    let problems = p
        .controls
        .iter()
        .filter(|c| !c.loopback)
        .map(|c| format!("{} opens remote control on {}", c.file, c.bind))
        .collect();
    Ok(Verdict::of(problems, format!("{} remote control(s), all on this machine only", p.controls.len())))
}
