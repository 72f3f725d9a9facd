//! The settings of somebody else's recogniser: `--engine FILE`, described in docs/guide/engine.md.

use anyhow::{Context, ensure};
use callvault_flow::source;
use callvault_model::TimeQuality;
use callvault_speech::engine::external::{External, Recipe};
use serde::Deserialize;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Which hearing the command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hears {
    /// The first; the installed model listens again.
    #[default]
    First,
    /// The second, for the proof; the installed model hears first.
    Again,
    /// Both; what it proves then is that the same engine no longer hears it.
    Both,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    command: Vec<String>,
    #[serde(default = "spread")]
    word_times: TimeQuality,
    #[serde(default = "an_hour")]
    timeout_s: u64,
    #[serde(default)]
    hears: Hears,
}

/// Whoever does not say what the times are worth gets the widest padding.
fn spread() -> TimeQuality {
    TimeQuality::Proportional
}

fn an_hour() -> u64 {
    3600
}

const DAY_S: u64 = 86_400;
const MAX_NAME: usize = 60;
const MAX_WORDS: usize = 100;

/// Reads and checks the settings; the command itself is first run when something is heard.
pub fn read(path: &Path) -> anyhow::Result<(External, Hears)> {
    checked(path).with_context(|| format!("{}: the engine's settings cannot be used", path.display()))
}

fn checked(path: &Path) -> anyhow::Result<(External, Hears)> {
    ours_alone(path)?;
    let text = String::from_utf8(source::read_text(path)?).context("this is not a text file")?;
    let s: Settings = toml::from_str(&text).context("see docs/guide/engine.md for its form")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    ensure!(
        !s.name.is_empty() && s.name.len() <= MAX_NAME && s.name.chars().all(plain),
        "`name` must have 1 to {MAX_NAME} letters, digits, dots, dashes or underscores; it stands in certificates"
    );
    ensure!((1..=DAY_S).contains(&s.timeout_s), "`timeout_s` must lie between 1 and {DAY_S}");
    ensure!(s.word_times != TimeQuality::None, "`word_times` must be attention, aligned or proportional");
    ensure!(s.command.len() <= MAX_WORDS, "`command` has more than {MAX_WORDS} words");
    let program =
        PathBuf::from(s.command.first().context("`command` is empty; name a program and its arguments")?);
    ensure!(
        program.is_absolute(),
        "`command` must begin with the whole path of a program, so that nobody can put another one in its place"
    );
    ours_alone(&program)?;
    let recipe = Recipe {
        name: s.name,
        command: s.command,
        time_quality: s.word_times,
        timeout: Duration::from_secs(s.timeout_s),
    };
    Ok((External::new(recipe)?, s.hears))
}

/// It decides who hears plain recordings, so nobody else may write to it.
fn ours_alone(path: &Path) -> anyhow::Result<()> {
    let meta = fs::metadata(path).with_context(|| path.display().to_string())?;
    ensure!(meta.is_file(), "{} is no file", path.display());
    ensure!(
        meta.mode() & 0o022 == 0,
        "{} can be written by others, who could then hear every recording; take that right away (chmod go-w)",
        path.display()
    );
    Ok(())
}
