//! The negative list: each bad input or bad circumstance ends in a clear error or in quarantine, with the file's name in
//! the message, and never in a "success" that leaves a planted value in the sound.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses a part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod machine;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod transcripts;
