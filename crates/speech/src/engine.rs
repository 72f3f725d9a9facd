//! What every recogniser has to be, whoever made it: samples of one channel in, words with times and doubts out.

pub mod external;
pub(crate) mod process;
pub mod scripted;

use std::sync::atomic::AtomicBool;

use crate::audio::Samples;
use crate::error::Error;
use crate::heard::{Capabilities, Heard};

/// How one channel is to be heard.
#[derive(Clone, Copy)]
pub struct HearOptions<'a> {
    /// A second hearing, for the proof: the engine cuts the audio in other places than the first time, if it can.
    pub again: bool,
    /// Set by somebody else to stop early; the engine then returns [`Error::Cancelled`].
    pub cancel: &'a AtomicBool,
    /// Called now and then with the milliseconds of audio taken in so far.
    pub progress: &'a dyn Fn(u64),
    /// Which channel of the recording this is, from 0.
    pub channel: u16,
}

impl std::fmt::Debug for HearOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HearOptions").field("again", &self.again).field("channel", &self.channel).finish()
    }
}

/// A recogniser. One instance serves many threads.
pub trait Engine: Send + Sync {
    /// What it is and what its times are worth.
    fn capabilities(&self) -> &Capabilities;

    /// Hears one channel to its end. Segments come back in order of time, their words inside them.
    fn hear(&self, samples: &mut dyn Samples, options: &HearOptions<'_>) -> Result<Heard, Error>;
}
