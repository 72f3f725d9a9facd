//! Crosstalk: does another channel carry the voice of this one, so that muting must cover both?

use callvault_model::Interval;

use crate::decode::Recording;
use crate::error::Error;

/// The same voice on another channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leak {
    /// How much later it comes there (echo of a line), negative when earlier.
    pub lag_ms: i64,
    /// Likeness, 0 to 1.
    pub likeness: f32,
}

/// Placeholder until the measure below is in.
pub fn voice_leak(_rec: &mut Recording, _channel: u16, _other: u16, _span: Interval) -> Result<Option<Leak>, Error> {
    Err(Error::Mute("not measured".into()))
}
