//! One place where sensitive data stands.

use crate::entity::EntityType;
use serde::{Deserialize, Serialize};

/// A stretch of one turn's text that must not be read by everyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Index of the turn.
    pub turn: usize,
    /// First byte, on a character boundary.
    pub start: usize,
    /// One past the last byte, on a character boundary.
    pub end: usize,
    /// What it is.
    pub entity: EntityType,
    /// 0 to 1.
    pub score: f32,
    /// Name of the recogniser that found it.
    pub recognizer: String,
    /// Why, in words that contain nothing of the value.
    pub reason: String,
    /// Findings that are pieces of one value (split over turns) share a number.
    pub value: u32,
}
