//! Looks through a folder of recordings without changing anything: list, choose, read, count. Start at [`scan`].

mod calendar;
pub mod exposure;
pub mod names;
pub mod read;
pub mod sample;
pub mod screen;
pub mod state;
pub mod summary;
#[cfg(test)]
mod tests;
mod total;
pub mod walk;

use anyhow::Context as _;
use callvault_detect::Detector;
use callvault_model::{Channel, Clock, Entropy};
use read::{Counts, Hear, Outcome};
use state::State;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
use summary::Summary;
use walk::{Entry, Listing, Unreadable};

/// What the operator asked for.
pub struct Options<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// How many recordings are heard; `None`: all up to [`sample::DEFAULT`], else that many.
    pub sample: Option<usize>,
    /// Of the drawing.
    pub seed: u64,
    /// Forget what an earlier scan found.
    pub fresh: bool,
    /// Where the memory of scans lies; `None` keeps none.
    pub cache: Option<&'a Path>,
}

/// What a scan works with.
pub struct Tools<'a> {
    /// Finds values.
    pub detector: &'a Detector,
    /// The engine's name and its way of hearing.
    pub hear: Option<(&'a str, &'a Hear<'a>)>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes the salt.
    pub entropy: &'a dyn Entropy,
    /// Set by Ctrl-C.
    pub cancel: &'a AtomicBool,
    /// Called with files done and files to do.
    pub progress: &'a dyn Fn(u64, u64),
}

/// One file that was chosen and how it went.
struct Done {
    index: usize,
    counts: Counts,
}

/// Everything that one run saw, before it is added up.
struct Seen {
    dir: PathBuf,
    listing: Listing,
    /// Indices of the recordings that were chosen.
    chosen: Vec<usize>,
    done: Vec<Done>,
    unreadable: Vec<Unreadable>,
    resumed: u64,
}

/// Scans a folder. It is opened for reading only; what is remembered goes to the cache.
pub fn scan(options: &Options<'_>, tools: &Tools<'_>) -> anyhow::Result<Summary> {
    let started = tools.clock.now();
    let dir = canonical(options.dir)?;
    let listing = walk::list(&dir, tools.cancel)?;
    let mut state = open_state(options, &dir, tools)?;
    let seen = read_all(dir, listing, options, tools, &mut state)?;
    total::add_up(&seen, options, tools, &state, started)
}

/// The path of the file that a report calls `id`.
pub fn locate(options: &Options<'_>, tools: &Tools<'_>, id: &str) -> anyhow::Result<Option<PathBuf>> {
    let dir = canonical(options.dir)?;
    let listing = walk::list(&dir, tools.cancel)?;
    let state = open_state(options, &dir, tools)?;
    let entries = listing.entries.iter().map(|e| &e.relative);
    let mut all = entries.chain(listing.unreadable.iter().map(|u| &u.relative));
    Ok(all.find(|relative| state.id(relative) == id).map(|relative| dir.join(relative)))
}

fn canonical(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::canonicalize(dir).map_err(|e| {
        anyhow::anyhow!(
            "{} cannot be scanned: {}; name a folder that is there",
            dir.display(),
            walk::plain(&e)
        )
    })
}

/// The memory, unless it would lie inside the folder that is only to be read.
fn open_state(options: &Options<'_>, dir: &Path, tools: &Tools<'_>) -> anyhow::Result<State> {
    match options.cache {
        Some(cache) if !lies_in(cache, dir) => State::open(cache, dir, options.fresh, tools.entropy),
        _ => State::none(tools.entropy),
    }
}

/// Whether `path`, which need not exist yet, lies in `dir` (canonical).
pub fn lies_in(path: &Path, dir: &Path) -> bool {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = absolute.ancestors().find_map(|a| {
        let rest = absolute.strip_prefix(a).ok()?;
        std::fs::canonicalize(a).ok().map(|a| a.join(rest))
    });
    real.is_none_or(|real| real.starts_with(dir))
}

fn read_all(
    dir: PathBuf,
    listing: Listing,
    options: &Options<'_>,
    tools: &Tools<'_>,
    state: &mut State,
) -> anyhow::Result<Seen> {
    let chosen = choose(&listing, options);
    let texts = (0..listing.entries.len())
        .filter(|i| listing.entries.get(*i).is_some_and(|e| e.channel != Channel::Voice));
    let todo: Vec<usize> = texts.chain(chosen.iter().copied()).collect();
    let mut seen =
        Seen { dir, unreadable: listing.unreadable.clone(), listing, chosen, done: Vec::new(), resumed: 0 };
    let total = todo.len() as u64;
    for (n, index) in (0u64..).zip(todo) {
        (tools.progress)(n, total);
        anyhow::ensure!(
            !tools.cancel.load(Ordering::Relaxed),
            "stopped, as asked, after {n} of {total} files; nothing in the folder was changed. The same command goes on from here"
        );
        let Some(entry) = seen.listing.entries.get(index) else { continue };
        if seen.unreadable.iter().any(|u| u.relative == entry.relative) {
            continue;
        }
        let engine = tools.hear.map_or("none", |(name, _)| name);
        if let Some(counts) = state.get(entry, engine) {
            seen.done.push(Done { index, counts: counts.clone() });
            seen.resumed = seen.resumed.saturating_add(1);
            continue;
        }
        match read::read(entry, tools.detector, tools.hear.map(|(_, hear)| hear))
            .with_context(|| format!("after {n} of {total} files"))?
        {
            Outcome::Counted(counts) => {
                state.put(entry, engine, &counts)?;
                seen.done.push(Done { index, counts });
            }
            Outcome::Unreadable(why) => {
                let relative = entry.relative.clone();
                seen.unreadable.push(Unreadable { relative, why });
            }
        }
    }
    (tools.progress)(total, total);
    Ok(seen)
}

/// The recordings to hear, in the order of drawing.
fn choose(listing: &Listing, options: &Options<'_>) -> Vec<usize> {
    let recordings: Vec<(usize, &Entry)> =
        listing.entries.iter().enumerate().filter(|(_, e)| e.channel == Channel::Voice).collect();
    let paths: Vec<&Path> = recordings.iter().map(|(_, e)| e.relative.as_path()).collect();
    let wanted = options.sample.unwrap_or(sample::DEFAULT);
    let drawn = sample::draw(options.seed, &paths, wanted);
    drawn.into_iter().filter_map(|i| recordings.get(i).map(|(index, _)| *index)).collect()
}
