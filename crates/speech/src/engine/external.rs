//! Somebody else's recogniser: a command that reads a WAV file (16 kHz, mono, 16 bit) on standard input and writes our
//! transcript JSON on standard output. It may hang, flood or lie; each of these ends in an error.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callvault_model::{IntervalSet, TimeQuality};

use super::process::{self, Limits};
use super::{Engine, HearOptions};
use crate::audio::{ENGINE_RATE, Samples};
use crate::error::Error;
use crate::heard::{Capabilities, Doubt, Heard, Segment};
use crate::import;
use crate::segmenter::{Cut, Segmenter};

/// Most bytes of JSON for one channel: an hour of speech has about 2 MB.
const MAX_OUTPUT: usize = 64 << 20;

/// How to run it.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The name that stands in transcripts and certificates: `whisper-large-v3`.
    pub name: String,
    /// Program and arguments; `{channel}` and `{pass}` (`first` or `again`) are replaced. No shell is involved.
    pub command: Vec<String>,
    /// What its word times are worth.
    pub time_quality: TimeQuality,
    /// Longest time for one channel.
    pub timeout: Duration,
}

/// The engine.
#[derive(Debug)]
pub struct External {
    recipe: Recipe,
    capabilities: Capabilities,
}

impl External {
    /// Checks the recipe; the program itself is first run when something is heard.
    pub fn new(recipe: Recipe) -> Result<Self, Error> {
        if recipe.command.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(Error::Engine(
                "the external engine has no command; name a program and its arguments".into(),
            ));
        }
        let capabilities = Capabilities {
            name: format!("external:{}", recipe.name),
            time_quality: recipe.time_quality,
            model_sha256: String::new(),
            recuts: false,
        };
        Ok(Self { recipe, capabilities })
    }

    fn command(&self, options: &HearOptions<'_>) -> Command {
        let pass = if options.again { "again" } else { "first" };
        let channel = options.channel.to_string();
        let mut words =
            self.recipe.command.iter().map(|w| w.replace("{channel}", &channel).replace("{pass}", pass));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }

    fn run(
        &self,
        input: &mut dyn Iterator<Item = std::io::Result<Vec<u8>>>,
        options: &HearOptions<'_>,
    ) -> Result<Vec<u8>, Error> {
        let name = &self.recipe.name;
        let limits = Limits { timeout: self.recipe.timeout, max_output: MAX_OUTPUT, max_errors: 2000 };
        let cancelled = || options.cancel.load(Ordering::Relaxed);
        let ended =
            process::run(self.command(options), input, &limits, &|_| {}, &cancelled).map_err(|e| {
                Error::Engine(format!(
                    "{name} could not be run ({e}); check the command in the configuration"
                ))
            })?;
        if ended.cancelled {
            return Err(Error::Cancelled);
        }
        let complaint = if ended.timed_out {
            format!(
                "did not finish within {} s and was killed; allow more time or look at it",
                self.recipe.timeout.as_secs()
            )
        } else if ended.too_much {
            format!("wrote more than {} MB and was killed", MAX_OUTPUT >> 20)
        } else if !ended.success {
            // What it said may quote the call, so it is not repeated.
            format!("ended with a failure and {} bytes of complaint; run it by hand", ended.errors.len())
        } else {
            return Ok(ended.output);
        };
        Err(Error::Engine(format!("{name} {complaint}")))
    }
}

impl Engine for External {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn hear(&self, samples: &mut dyn Samples, options: &HearOptions<'_>) -> Result<Heard, Error> {
        let mut tap = Tap { samples, wav: std::collections::VecDeque::new() };
        let mut segmenter = Segmenter::new(&mut tap, if options.again { Cut::Again } else { Cut::First });
        // The voice is found first, by us: what the program says is held against it.
        while segmenter.next_piece(&mut |ms| step(ms, options))?.is_some() {}
        let (voiced, loud_not_voiced) = (segmenter.voiced().clone(), segmenter.loud_not_voiced());
        let duration_ms = segmenter.duration_ms();
        let mut wav = std::iter::once(Ok(wav_header(tap.wav.len()))).chain(Chunks(&mut tap.wav));
        let said = self.run(&mut wav, options)?;
        let imported = import::parse(&said, Some(duration_ms)).map_err(|e| {
            Error::Engine(format!("{} did not answer with a transcript: {e}", self.recipe.name))
        })?;
        let mut channels = imported.channels.into_iter();
        let (Some(heard), None) = (channels.next(), channels.next()) else {
            return Err(Error::Engine(format!(
                "{} answered for another number of channels than one",
                self.recipe.name
            )));
        };
        Ok(Heard { segments: with_wordless(heard.segments, &voiced), voiced, loud_not_voiced })
    }
}

fn step(ms: u64, options: &HearOptions<'_>) -> Result<(), Error> {
    if options.cancel.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    (options.progress)(ms);
    Ok(())
}

/// Adds a doubtful segment for each voice in which no word stands.
fn with_wordless(mut segments: Vec<Segment>, voiced: &IntervalSet) -> Vec<Segment> {
    let spoken: IntervalSet = segments.iter().map(|s| s.span).collect();
    let lonely = voiced.as_slice().iter().filter(|v| spoken.covered_ms(**v) == 0);
    let silent: Vec<Segment> = lonely
        .map(|v| Segment { span: *v, words: Vec::new(), doubts: vec![Doubt::NoWords], mean_log_prob: None })
        .collect();
    segments.extend(silent);
    segments.sort_by_key(|s| s.span);
    segments
}

/// Keeps what passes by as 16-bit samples: 2 bytes of memory for each, 115 MB an hour.
struct Tap<'a> {
    samples: &'a mut dyn Samples,
    wav: std::collections::VecDeque<u8>,
}

impl Samples for Tap<'_> {
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        let block = self.samples.next_block()?;
        for sample in block.iter().flatten() {
            let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            self.wav.extend(((sample * 32767.0) as i16).to_le_bytes());
        }
        if self.wav.len() > u32::MAX as usize - 1000 {
            return Err(Error::TooLarge("an external engine takes at most 37 hours of one channel".into()));
        }
        Ok(block)
    }
}

struct Chunks<'a>(&'a mut std::collections::VecDeque<u8>);

impl Iterator for Chunks<'_> {
    type Item = std::io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let n = self.0.len().min(1 << 16);
        (n > 0).then(|| Ok(self.0.drain(..n).collect()))
    }
}

fn wav_header(data: usize) -> Vec<u8> {
    let data = u32::try_from(data).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(44);
    out.extend(b"RIFF");
    out.extend(data.saturating_add(36).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend([1u16, 1].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([ENGINE_RATE, ENGINE_RATE * 2].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([2u16, 16].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(b"data");
    out.extend(data.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::InMemory;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    fn hear(script: &str, ms: u64) -> Result<Heard, Error> {
        let recipe = Recipe {
            name: "test".into(),
            command: ["sh", "-c", script, "engine", "{channel}", "{pass}"].map(String::from).to_vec(),
            time_quality: TimeQuality::Aligned,
            timeout: Duration::from_millis(ms),
        };
        let cancel = AtomicBool::new(false);
        let options = HearOptions { again: true, cancel: &cancel, progress: &|_| {}, channel: 3 };
        External::new(recipe).unwrap().hear(&mut InMemory::new(vec![0.0; 160_000]), &options)
    }

    fn said(script: &str, ms: u64) -> String {
        hear(script, ms).unwrap_err().to_string()
    }

    #[test]
    fn it_gets_a_wav_file_and_its_words_come_back() {
        let script = r#"n=$(wc -c); echo "{\"engine\":\"e\",\"channels\":[{\"words\":[{\"text\":\"$n-$1-$2\",\"start_ms\":10,\"end_ms\":90}]}]}""#;
        let heard = hear(script, 10_000).unwrap();
        assert_eq!(heard.segments[0].words[0].text, "320044-3-again");
    }

    #[test]
    fn rubbish_failure_and_words_beyond_the_end_are_errors() {
        assert!(said("echo hello", 10_000).contains("did not answer with a transcript"));
        assert!(said("exit 3", 10_000).contains("failure"));
        assert!(said("cat >/dev/null; echo 4111111111111111 >&2; exit 1", 10_000).contains("17 bytes"));
        assert!(!said("echo 4111111111111111", 10_000).contains("4111"));
        let beyond =
            r#"echo '{"engine":"e","channels":[{"words":[{"text":"x","start_ms":10,"end_ms":99999}]}]}'"#;
        assert!(said(beyond, 10_000).contains("recording"));
        assert!(said("true", 10_000).contains("did not answer"));
        let none = Recipe {
            name: "n".into(),
            command: vec![],
            time_quality: TimeQuality::Aligned,
            timeout: Duration::MAX,
        };
        assert!(External::new(none).is_err());
    }

    #[test]
    fn what_hangs_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("alive");
        let started = Instant::now();
        let script = format!("(sleep 2; touch {}) & sleep 60", mark.display());
        assert!(said(&script, 300).contains("did not finish"));
        assert!(started.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(2500));
        assert!(!mark.exists(), "a child of the engine outlived it");
    }

    #[test]
    fn what_floods_is_killed() {
        assert!(said("yes", 60_000).contains("wrote more than"));
    }
}
