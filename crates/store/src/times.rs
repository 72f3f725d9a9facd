//! Instants as the tables hold them.

use crate::Error;
use jiff::{SignedDuration, Timestamp};

/// The instant in a column.
pub(crate) fn parse(text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|_| Error::Corrupt("a time that is not a time"))
}

/// The instant `after` from `start`; the end of time where that is out of range.
pub(crate) fn after(start: Timestamp, after: SignedDuration) -> Timestamp {
    start.checked_add(after).unwrap_or(Timestamp::MAX)
}
