//! What a conversation is worked on with: detector, engines, a place for sealed intermediate audio.

use callvault_detect::Detector;
use callvault_speech::engine::Engine;
use std::sync::atomic::AtomicBool;

/// The tools of one run; chosen in one place, by the binary.
pub struct Tools<'a> {
    /// Finds what must not be read by everyone.
    pub detector: &'a Detector,
    /// Hears recordings first; `None` when no model is installed.
    pub first: Option<&'a dyn Engine>,
    /// Hears the muted recording again; another model than `first`, or the same in other pieces.
    pub again: Option<&'a dyn Engine>,
    /// Set by Ctrl-C.
    pub cancel: &'a AtomicBool,
}
