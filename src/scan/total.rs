//! From what was read to the summary.

use super::{
    Done, Options, Seen, Tools,
    exposure::Exposure,
    names,
    read::{self, Counts},
    sample::Share,
    state::State,
    summary::{self, Intervals, Month, Storage, Summary, TypeCount, UnreadableFile, Worst},
    walk::Entry,
};
use callvault_model::{Channel, EntityType};
use jiff::Timestamp;
use std::{collections::BTreeMap, path::Path};

/// Adds everything up.
pub fn add_up(
    seen: &Seen,
    options: &Options<'_>,
    tools: &Tools<'_>,
    state: &State,
    started: Timestamp,
) -> anyhow::Result<Summary> {
    let entries = &seen.listing.entries;
    let count =
        |channels: &[Channel]| entries.iter().filter(|e| channels.contains(&e.channel)).count() as u64;
    let recordings = count(&[Channel::Voice]);
    let over = |f: &dyn Fn(&Counts) -> u64| seen.done.iter().map(|d| f(&d.counts)).sum::<u64>();
    let having = |f: &dyn Fn(&Counts) -> bool| seen.done.iter().filter(|d| f(&d.counts)).count() as u64;
    let (hours, hours_estimated) = hours(seen);
    let storage = storage(seen);
    let exposure = Exposure::of(&seen.dir, &seen.listing);
    let (names_by_type, files_with_values_in_names) = in_names(seen, tools);
    let days = days(entries);
    let now = tools.clock.now();
    Ok(Summary {
        folder: names::lightly_masked(tools.detector, &options.dir.to_string_lossy()),
        scanned_at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        files: entries.len() as u64,
        recordings,
        chats: count(&[Channel::Chat, Channel::Sms]),
        emails: count(&[Channel::Email]),
        other_files: seen.listing.others,
        links_skipped: seen.listing.links,
        hours,
        hours_estimated,
        engine: tools.hear.map(|(name, _)| name.to_owned()),
        recordings_heard: heard_recordings(seen).count() as u64,
        recordings_chosen: seen.chosen.len() as u64,
        sampled: (seen.chosen.len() as u64) < recordings,
        seed: options.seed,
        findings_by_type: by_type(seen.done.iter().map(|d| &d.counts.values)),
        names_by_type,
        files_with_values_in_names,
        sidecars_with_callers: if seen.listing.sidecars == 0 {
            0
        } else {
            read::sidecars_with_callers(entries)
        },
        security_codes: over(&Counts::security_codes),
        files_with_security_codes: having(&|c| c.security_codes() > 0),
        files_with_card_data: having(&Counts::has_card_data),
        files_with_values: having(&|c| c.total() > 0),
        interval: intervals(seen, recordings),
        other_language: having(&|c| c.other_language),
        cut_off: having(&|c| c.cut_off),
        doubtful_hours: over(&|c| c.doubtful_ms) as f64 / 3_600_000.0,
        unreadable: unreadable(seen, tools, state),
        unreadable_total: seen.unreadable.len() as u64,
        world_readable: exposure.world_readable,
        web_exposed: exposure.web_exposed(),
        exposure,
        bytes: storage.bytes,
        bytes_saved: storage.bytes_saved,
        storage,
        oldest: days.first().cloned(),
        newest: days.last().cloned(),
        months: months(seen),
        worst: worst(seen, tools, state),
        resumed: seen.resumed,
        seconds: (now.as_millisecond().saturating_sub(started.as_millisecond()).max(0)) as f64 / 1000.0,
    })
}

fn heard_recordings(seen: &Seen) -> impl Iterator<Item = &Done> {
    seen.done.iter().filter(|d| d.counts.heard && entry(seen, d).is_some_and(|e| e.channel == Channel::Voice))
}

fn entry<'a>(seen: &'a Seen, done: &Done) -> Option<&'a Entry> {
    seen.listing.entries.get(done.index)
}

fn by_type<'a>(
    files: impl Iterator<Item = &'a BTreeMap<EntityType, u64>>,
) -> BTreeMap<EntityType, TypeCount> {
    let mut out: BTreeMap<EntityType, TypeCount> = BTreeMap::new();
    for file in files {
        for (entity, n) in file {
            let sum = out.entry(*entity).or_default();
            sum.values = sum.values.saturating_add(*n);
            sum.files = sum.files.saturating_add(1);
        }
    }
    out
}

/// Values in names: of the file and of every folder below the scanned one.
fn in_names(seen: &Seen, tools: &Tools<'_>) -> (BTreeMap<EntityType, TypeCount>, u64) {
    let per_file: Vec<BTreeMap<EntityType, u64>> = seen
        .listing
        .entries
        .iter()
        .map(|e| {
            let mut counts = BTreeMap::new();
            for part in e.relative.iter() {
                for found in names::find(tools.detector, &part.to_string_lossy()) {
                    let n: &mut u64 = counts.entry(found.entity).or_default();
                    *n = n.saturating_add(1);
                }
            }
            counts
        })
        .collect();
    let with = per_file.iter().filter(|c| !c.is_empty()).count() as u64;
    (by_type(per_file.iter()), with)
}

fn intervals(seen: &Seen, population: u64) -> Intervals {
    let heard: Vec<&Counts> = heard_recordings(seen).map(|d| &d.counts).collect();
    let share = |f: &dyn Fn(&Counts) -> bool| {
        Share::new(heard.iter().filter(|c| f(c)).count() as u64, heard.len() as u64, population)
    };
    Intervals {
        card_data: share(&Counts::has_card_data),
        security_codes: share(&|c| c.security_codes() > 0),
        values: share(&|c| c.total() > 0),
    }
}

/// Bytes of recordings that were opened, and of the others.
fn opened_and_not(seen: &Seen) -> (u64, u64) {
    let voice = |e: &&Entry| e.channel == Channel::Voice;
    let all: u64 = seen.listing.entries.iter().filter(voice).map(|e| e.size).sum();
    let opened = seen.done.iter().filter_map(|d| entry(seen, d)).filter(voice).map(|e| e.size).sum::<u64>();
    (opened, all.saturating_sub(opened))
}

/// Length of all recordings; of those that were not opened, by size.
fn hours(seen: &Seen) -> (f64, bool) {
    let known: u64 = seen.done.iter().map(|d| d.counts.duration_ms).sum();
    let (opened, rest) = opened_and_not(seen);
    let per_byte = if opened == 0 { 0.0 } else { known as f64 / opened as f64 };
    (
        (known as f64 + per_byte * rest as f64) / 3_600_000.0,
        rest > 0 && seen.chosen.len() < seen.listing.entries.len(),
    )
}

/// What would remain: the sealed text, estimated from the texts that were read and scaled to all by size.
fn storage(seen: &Seen) -> Storage {
    let entries = &seen.listing.entries;
    let bytes: u64 = entries.iter().map(|e| e.size).sum();
    let read: u64 = seen.done.iter().filter_map(|d| entry(seen, d)).map(|e| e.size).sum();
    let text: u64 = seen.done.iter().map(|d| d.counts.text_bytes).sum();
    let muted: u64 = seen.done.iter().map(|d| d.counts.muted_bytes).sum();
    let scale = |of: u64| {
        if read == 0 {
            0
        } else {
            (u128::from(of) * u128::from(bytes) / u128::from(read)).min(u128::from(u64::MAX)) as u64
        }
    };
    let kept = scale(text)
        .saturating_mul(summary::KEPT_PER_TEXT_BYTE)
        .saturating_add(summary::KEPT_PER_FILE.saturating_mul(entries.len() as u64));
    Storage { bytes, bytes_kept: kept, bytes_muted: scale(muted), bytes_saved: bytes.saturating_sub(kept) }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn days(entries: &[Entry]) -> Vec<String> {
    let mut out: Vec<String> = entries.iter().filter_map(Entry::written).map(day).collect();
    out.sort();
    out
}

fn months(seen: &Seen) -> Vec<Month> {
    let key = |e: &Entry| e.written().map(|at| day(at).chars().take(7).collect::<String>());
    let mut out: BTreeMap<String, Month> = BTreeMap::new();
    for month in seen.listing.entries.iter().filter_map(key) {
        let line = out.entry(month).or_default();
        line.files = line.files.saturating_add(1);
    }
    for done in seen.done.iter().filter(|d| d.counts.heard) {
        let Some(line) = entry(seen, done).and_then(key).and_then(|m| out.get_mut(&m)) else { continue };
        line.heard = line.heard.saturating_add(1);
        line.with_card_data = line.with_card_data.saturating_add(u64::from(done.counts.has_card_data()));
        line.with_values = line.with_values.saturating_add(u64::from(done.counts.total() > 0));
    }
    out.into_iter().map(|(month, line)| Month { month, ..line }).collect()
}

fn worst(seen: &Seen, tools: &Tools<'_>, state: &State) -> Vec<Worst> {
    let mut ranked: Vec<&Done> = seen.done.iter().filter(|d| d.counts.total() > 0).collect();
    let cards = |c: &Counts| c.values.get(&EntityType::CreditCard).copied().unwrap_or(0);
    ranked.sort_by_key(|d| {
        std::cmp::Reverse((
            d.counts.security_codes(),
            cards(&d.counts),
            d.counts.total(),
            std::cmp::Reverse(d.index),
        ))
    });
    ranked
        .into_iter()
        .take(summary::WORST)
        .filter_map(|d| {
            let e = entry(seen, d)?;
            let (folder, file) = masked_path(tools, &e.relative);
            Some(Worst {
                id: state.id(&e.relative),
                file,
                folder,
                day: e.written().map(day),
                values: d.counts.total(),
                security_codes: d.counts.security_codes(),
                cards: cards(&d.counts),
                by_type: d.counts.values.clone(),
            })
        })
        .collect()
}

fn masked_path(tools: &Tools<'_>, relative: &Path) -> (String, String) {
    let folder = relative
        .parent()
        .map(|p| names::masked_folder(tools.detector, &p.to_string_lossy()))
        .unwrap_or_default();
    let file =
        relative.file_name().map(|n| names::masked(tools.detector, &n.to_string_lossy())).unwrap_or_default();
    (folder, file)
}

fn unreadable(seen: &Seen, tools: &Tools<'_>, state: &State) -> Vec<UnreadableFile> {
    seen.unreadable
        .iter()
        .take(summary::UNREADABLE)
        .map(|u| {
            let (folder, file) = masked_path(tools, &u.relative);
            let file = if folder.is_empty() { file } else { format!("{folder}/{file}") };
            UnreadableFile { id: state.id(&u.relative), file, why: u.why.clone() }
        })
        .collect()
}
