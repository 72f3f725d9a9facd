//! Decodes recordings, hears the words in them with their times, mutes what must not be heard, measures the rest.
//!
//! Everything streams: an hour-long call needs bounded memory. Nothing here writes to disk.

mod align;
pub mod audio;
pub mod decode;
pub mod dtmf;
pub mod encode;
pub mod engine;
mod error;
pub mod heard;
pub mod import;
pub mod models;
pub mod moonshine;
pub mod mute;
pub mod peaks;
pub mod playable;
pub mod resample;
pub mod say;
pub mod segmenter;
pub mod vad;

pub use audio::{Info, Samples};
pub use engine::{external, scripted};
pub use error::Error;
pub use heard::{Capabilities, Doubt, Heard, Segment};
