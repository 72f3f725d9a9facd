//! Speech from a synthesiser that may be installed, `espeak-ng`: for what is planted into recordings. Text goes in by standard
//! input and samples come out by standard output; nothing touches a disk.

use crate::{
    audio::Samples,
    decode::{self, Recording, Truncation},
    engine::process::{self, Limits},
    error::Error,
};
use std::{
    io::Cursor,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The program.
const PROGRAM: &str = "espeak-ng";
/// Longest utterance; a card number with hesitations takes fifteen seconds.
const MAX_MS: u64 = 60_000;
/// Twice that, at the synthesiser's 22,050 samples of two bytes.
const MAX_OUTPUT: usize = 6 << 20;
/// Softer than this at the ends is no speech (-46 dBFS).
const AUDIBLE: f32 = 0.005;

/// A voice of the synthesiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// As `espeak-ng --voices` names it, with a variant: `en-us+f3`.
    pub name: &'static str,
    /// Words a minute.
    pub pace: u32,
}

/// Voices that differ in sex, region and pitch.
pub const VOICES: [&str; 6] =
    ["en-us", "en-us+f3", "en-us+m3", "en-gb", "en-gb-x-rp+f2", "en-gb-scotland+m7"];

/// Refuses where the synthesiser is not installed, in words that name it.
pub fn installed() -> Result<(), Error> {
    let mut version = Command::new(PROGRAM);
    version.arg("--version");
    run(version, "", &AtomicBool::new(false)).map(drop)
}

/// Says a text, at `rate` samples per second: from its first to its last sound, without the silence around it.
pub fn say(text: &str, voice: Voice, rate: u32, cancel: &AtomicBool) -> Result<Vec<f32>, Error> {
    let mut command = Command::new(PROGRAM);
    command.args(["--stdin", "--stdout", "-v", voice.name, "-s", &voice.pace.to_string()]);
    let wav = run(command, text, cancel)?;
    // Its header promises two gigabytes: it is written before the length is known.
    let limits = decode::Limits {
        truncation: Truncation::Accept,
        max_duration_ms: MAX_MS,
        ..decode::Limits::default()
    };
    let mut recording = Recording::open(Box::new(Cursor::new(wav)), Some("said.wav"), &limits)?;
    let mut stream = recording.channel_at(0, rate)?;
    let mut samples = Vec::new();
    while let Some(block) = stream.next_block()? {
        samples.extend(block);
    }
    let loud = |s: &f32| s.abs() >= AUDIBLE;
    let (Some(first), Some(last)) = (samples.iter().position(loud), samples.iter().rposition(loud)) else {
        return Err(Error::Engine(format!("{PROGRAM} said nothing; try `{PROGRAM} hello`")));
    };
    samples.truncate(last.saturating_add(1));
    samples.drain(..first);
    Ok(samples)
}

fn run(command: Command, text: &str, cancel: &AtomicBool) -> Result<Vec<u8>, Error> {
    let limits = Limits { timeout: Duration::from_secs(60), max_output: MAX_OUTPUT, max_errors: 500 };
    let mut input = std::iter::once(Ok(text.as_bytes().to_vec()));
    let cancelled = || cancel.load(Ordering::Relaxed);
    let ended = process::run(command, &mut input, &limits, &|_| {}, &cancelled).map_err(|e| {
        let why = if e.kind() == std::io::ErrorKind::NotFound {
            "is not installed; install the Debian package espeak-ng (`apt install espeak-ng`)".to_owned()
        } else {
            format!("cannot be run ({e})")
        };
        Error::Engine(format!("synthetic speech needs {PROGRAM}, which {why}"))
    })?;
    match ended {
        e if e.cancelled => Err(Error::Cancelled),
        e if e.success => Ok(e.output),
        e => Err(Error::Engine(format!(
            "{PROGRAM} failed: {}",
            e.errors.lines().next().unwrap_or("no reason given")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_begins_and_ends_with_sound_at_every_rate() {
        if installed().is_err() {
            eprintln!("skipped: espeak-ng is not installed");
            return;
        }
        let cancel = AtomicBool::new(false);
        for voice in VOICES {
            let of =
                |rate| say("four two four two", Voice { name: voice, pace: 160 }, rate, &cancel).unwrap();
            let (low, high) = (of(8_000), of(44_100));
            assert!((8_000..24_000).contains(&low.len()), "{voice}: {}", low.len());
            assert!((low.len() as f64 / 8_000.0 - high.len() as f64 / 44_100.0).abs() < 0.1);
            assert!(low[0].abs() >= AUDIBLE && low[low.len() - 1].abs() >= AUDIBLE);
        }
        cancel.store(true, Ordering::Relaxed);
        let stopped = say("four", Voice { name: VOICES[0], pace: 160 }, 8_000, &cancel);
        assert!(matches!(stopped, Err(Error::Cancelled)));
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let missing = run(Command::new("/nonexistent/espeak-ng"), "", &AtomicBool::new(false)).unwrap_err();
        assert!(missing.to_string().contains("apt install espeak-ng"), "{missing}");
    }
}
