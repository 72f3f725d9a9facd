//! What the whole-product tests share: a private home for the real binary, recordings whose words are known,
//! and the forms in which a value could lie somewhere.

pub mod audio;
pub mod calls;
pub mod forms;
pub mod home;
pub mod seeded;
pub mod services;
