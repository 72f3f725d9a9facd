//! Data kept, covered, destroyed.

use super::{Judge, all, some};
use crate::posture::{Facts, Verdict};
use callvault_model::EntityType;

pub const CHECKS: &[(&str, Judge)] = &[
    ("D01", forbidden),
    ("D02", clear_cards),
    ("D04", retention),
    ("D05", originals),
    ("D06", backlog),
    ("D09", holds),
    ("D10", certificates),
    ("D13", release),
    ("D15", media),
    ("D16", certified),
    ("D14", folders),
];

/// Conversations in quarantine that a centre can look through in a day.
const BACKLOG: u64 = 50;
/// Days until somebody looks at a hold again.
const REVIEW_DAYS: i64 = 180;

fn forbidden(f: &Facts) -> Result<Verdict, Verdict> {
    let tokens = f.tokens.get()?;
    let problems = tokens
        .iter()
        .filter(|(name, n)| {
            **n > 0 && name.parse::<EntityType>().map_or(true, EntityType::is_sensitive_authentication_data)
        })
        .map(|(name, n)| format!("{n} token(s) of type {name}, which must not be kept"))
        .collect();
    let kept: u64 = tokens.values().sum();
    Ok(Verdict::of(problems, format!("{kept} tokens of {} types, none of a forbidden one", tokens.len())))
}

fn clear_cards(f: &Facts) -> Result<Verdict, Verdict> {
    let s = f.strays.get()?;
    let problems: Vec<String> = some(&s.cards, "files hold card numbers").into_iter().collect();
    Ok(Verdict::of(problems, format!("{} file(s) beside the vault’s own searched", s.files)))
}

fn retention(f: &Facts) -> Result<Verdict, Verdict> {
    let rules = f.rules.get()?;
    let late = f.overdue.get()?;
    let mut problems = Vec::new();
    if rules.is_empty() {
        problems.push("no retention rule is set".to_owned());
    } else if !rules.iter().any(|r| r.class == "redacted_audio" && r.days.is_some()) {
        problems.push(
            "no rule ends the life of muted recordings (class redacted_audio): a voice is personal data"
                .into(),
        );
    }
    problems.extend(
        late.iter()
            .filter_map(|(class, ids)| some(ids, &format!("objects of class {class} are past their rule"))),
    );
    Ok(Verdict::of(problems, format!("{} rule(s), nothing past them", rules.len())))
}

fn originals(f: &Facts) -> Result<Verdict, Verdict> {
    let o = f.originals.get()?;
    let problems = [
        some(&o.undead_key, "destroyed originals still have a key"),
        some(&o.undead_file, "destroyed originals still have a sealed file"),
        some(&o.unfinished, "disposals were begun and not finished"),
        some(&o.late, "originals are past proof and cooling delay"),
    ];
    let holds = match f.disposal.get()? {
        Some(_) => format!("{} originals live, {} destroyed, none late", o.live, o.destroyed),
        None => format!(
            "observe mode keeps {} originals on purpose (see D13); {} destroyed ones are gone",
            o.live, o.destroyed
        ),
    };
    let kept = o
        .kept_by
        .as_ref()
        .map(|by| format!("; their ciphertext may remain, their keys are destroyed ({by})"));
    Ok(Verdict::of(problems.into_iter().flatten().collect(), holds + &kept.unwrap_or_default()))
}

fn backlog(f: &Facts) -> Result<Verdict, Verdict> {
    let states = f.states.get()?;
    let of = |state: &str| states.get(state).cloned().unwrap_or_default();
    let mut problems = Vec::new();
    let (n, oldest) = of("received");
    if n > 0 && minutes_since(f, &oldest) > 60 {
        problems.push(format!("{n} conversation(s) wait unredacted, the oldest since {oldest}"));
    }
    let (n, oldest) = of("quarantined");
    if n > BACKLOG || (n > 0 && f.days_since(&oldest) > 7) {
        problems.push(format!("{n} conversation(s) lie in quarantine, the oldest since {oldest}"));
    }
    let (n, oldest) = of("awaiting_transcript");
    if n > 0 && f.days_since(&oldest) > 7 {
        problems
            .push(format!("{n} recording(s) wait for an engine or transcript, the oldest since {oldest}"));
    }
    let all: u64 = states.values().map(|(n, _)| n).sum();
    Ok(Verdict::of(
        problems,
        format!("{all} conversations, {} in quarantine, none late", of("quarantined").0),
    ))
}

fn minutes_since(f: &Facts, at: &str) -> i64 {
    at.parse::<jiff::Timestamp>().map_or(i64::MAX, |t| f.at.duration_since(t).as_mins())
}

fn holds(f: &Facts) -> Result<Verdict, Verdict> {
    let holds = f.holds.get()?;
    if holds.is_empty() {
        return Ok(Verdict::not_applicable("there is no legal hold"));
    }
    let until = |at: &str| f.days_since(at).saturating_neg();
    let problems = [
        all(holds, "holds have no owner", |h| h.id.clone(), |h| !h.owned),
        all(holds, "holds are past their review", |h| h.id.clone(), |h| f.days_since(&h.review_at) > 0),
        all(
            holds,
            "holds are reviewed later than in 180 days",
            |h| h.id.clone(),
            |h| until(&h.review_at) > REVIEW_DAYS,
        ),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} hold(s), each owned and reviewed in time", holds.len()),
    ))
}

fn certificates(f: &Facts) -> Result<Verdict, Verdict> {
    let o = f.originals.get()?;
    let c = f.census.get()?;
    if o.destroyed == 0 && c.certificates == 0 {
        return Ok(Verdict::not_applicable("nothing was destroyed yet"));
    }
    let mut problems: Vec<String> =
        some(&o.uncertified, "destroyed originals have no certificate").into_iter().collect();
    let shredded = c.kinds.get("audio.shredded").map_or(0, |(n, _)| *n);
    if shredded < o.destroyed {
        problems.push(format!("{} originals are destroyed, and the ledger knows of {shredded}", o.destroyed));
    }
    if c.certificates.saturating_add(o.unfinished.count) < o.destroyed {
        problems.push(format!(
            "{} originals are destroyed, and the ledger knows {} certificates",
            o.destroyed, c.certificates
        ));
    }
    Ok(Verdict::of(
        problems,
        format!("{} originals destroyed, {} certificates in the ledger", o.destroyed, c.certificates),
    ))
}

fn release(f: &Facts) -> Result<Verdict, Verdict> {
    Ok(match f.disposal.get()? {
        None => Verdict::of(vec!["the vault observes: originals are kept, nothing is destroyed".into()], ""),
        Some(d) => {
            let mut problems = Vec::new();
            if d.enabled_by.len() < 2 {
                problems.push(format!(
                    "{} person released observe mode on {}; two should",
                    d.enabled_by.len(),
                    d.enabled_at
                ));
            }
            if d.measured.planted == 0 {
                problems.push("it was released without a measurement".into());
            }
            let recall = d.measured.recall_at_least * 100.0;
            Verdict::of(
                problems,
                format!(
                    "released on {} by {} people; {} of {} planted values covered, recall at least {recall:.1} %",
                    d.enabled_at,
                    d.enabled_by.len(),
                    d.measured.covered,
                    d.measured.planted
                ),
            )
        }
    })
}

fn folders(f: &Facts) -> Result<Verdict, Verdict> {
    let folders = f.folders.get()?;
    if folders.is_empty() {
        return Ok(Verdict::unknown(
            "no source or drop folder is named; list them under source_folders in audit.toml",
        ));
    }
    let problems = folders.iter().flat_map(open_folder).collect();
    Ok(Verdict::of(problems, format!("{} folder(s) shut other accounts out", folders.len())))
}

/// What is wrong with a folder of conversations in clear.
pub(super) fn open_folder(folder: &crate::posture::facts::Folder) -> Vec<String> {
    let Some(mode) = folder.mode else { return vec![format!("{} is not there", folder.path)] };
    let mut out = Vec::new();
    if mode & 0o002 != 0 {
        out.push(format!("{} can be written by every account (mode {:03o})", folder.path, mode & 0o777));
    }
    if folder.reachable && mode & 0o005 != 0 {
        out.push(format!("{} is open to every account (mode {:03o})", folder.path, mode & 0o777));
        if folder.readable_files > 0 {
            out.push(format!(
                "{} of {} files in {} are world-readable",
                folder.readable_files, folder.files, folder.path
            ));
        }
    }
    if folder.web_root {
        out.push(format!("{} lies where web servers serve from", folder.path));
    }
    out
}

fn media(f: &Facts) -> Result<Verdict, Verdict> {
    let m = f.media.get()?;
    if m.entered == 0 {
        return Err(Verdict::not_applicable("no drive and no paper is in the register"));
    }
    let problems = [
        some(&m.late, "are past their planned end"),
        some(&m.lost, "are lost"),
        some(&m.unwitnessed, "wait for a witness for more than a week"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        format!("{} in the register, none late or lost", m.entered),
    ))
}

fn certified(f: &Facts) -> Result<Verdict, Verdict> {
    let m = f.media.get()?;
    if m.entered == 0 {
        return Err(Verdict::not_applicable("no drive and no paper is in the register"));
    }
    let problems = [
        some(&m.uncertified, "ended and have no certificate"),
        some(&m.self_witnessed, "were witnessed by whoever recorded their end"),
    ];
    Ok(Verdict::of(
        problems.into_iter().flatten().collect(),
        "whatever ended was witnessed by another person and has its certificate",
    ))
}
