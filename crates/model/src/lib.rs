//! The nouns every other crate shares: conversations and their parts, the closed list of entity types,
//! typed ids, time, secrets. Pure data; nothing here reads a file, a clock or a socket.

pub mod clock;
pub mod conversation;
pub mod entity;
pub mod finding;
pub mod id;
pub mod interval;
pub mod proof;
pub mod secret;
pub mod words;

pub use clock::{Clock, Entropy, SystemClock};
pub use conversation::{Channel, Party, Role, TimeQuality, Transcript, Turn, Word};
pub use entity::EntityType;
pub use finding::Finding;
pub use id::Id;
pub use interval::{Interval, IntervalSet};
pub use proof::ProofLevel;
pub use secret::Secret;
