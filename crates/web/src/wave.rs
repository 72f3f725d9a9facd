//! The outline of a muted recording with its muted stretches, drawn on the server and kept for those who open it next.

use crate::draw;
use callvault_flow::measure;
use callvault_model::{Interval, id::ObjectId};
use callvault_speech::{
    decode::{Limits, ReadSeek, Recording},
    peaks,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Points of an outline.
const BUCKETS: usize = 1_000;
/// Outlines kept; each is some ten kilobytes.
const KEPT: usize = 64;
/// Height of one channel in the picture, whose width is 1000.
pub const ROW: f64 = 56.0;

/// What is drawn of one recording.
pub struct Drawing {
    /// One SVG path a channel, 1000 wide and [`ROW`] high.
    pub paths: Vec<String>,
    /// Muted stretches a channel.
    pub muted: Vec<Vec<Interval>>,
}

/// Listens to where nothing sounds and how loud the rest is.
pub fn draw(
    source: Box<dyn ReadSeek + Send + Sync>,
) -> Result<Drawing, Box<dyn std::error::Error + Send + Sync>> {
    let mut muted = Recording::open(source, Some("muted.wav"), &Limits::default())?;
    let silent = measure::silence(&mut muted)?;
    let outline = peaks::peaks(&mut muted, BUCKETS)?;
    Ok(Drawing {
        paths: outline.per_channel.iter().map(|p| draw::wave(p, 1_000.0, ROW)).collect(),
        muted: silent.iter().map(|s| s.as_slice().to_vec()).collect(),
    })
}

/// Outlines by the object they were drawn from; a corrected recording is another object.
#[derive(Default)]
pub struct Drawings(Mutex<HashMap<ObjectId, Arc<Drawing>>>);

impl Drawings {
    /// What was drawn before.
    pub fn get(&self, id: ObjectId) -> Option<Arc<Drawing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Keeps a drawing; any one leaves when there are too many.
    pub fn put(&self, id: ObjectId, drawing: Arc<Drawing>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT
            && let Some(out) = all.keys().next().copied()
        {
            all.remove(&out);
        }
        all.insert(id, drawing);
    }
}
