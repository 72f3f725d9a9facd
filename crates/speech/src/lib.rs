//! Decodes recordings, hears the words in them with their times, mutes what must not be heard, measures the rest.
//!
//! Everything streams: an hour-long call needs bounded memory. Nothing here writes to disk.

pub mod audio;
mod error;
pub mod heard;

pub use audio::{Info, Samples};
pub use error::Error;
pub use heard::{Capabilities, Doubt, Heard, Segment};
