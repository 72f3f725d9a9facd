//! Courses, quizzes, and who stands where: pure. Whoever has no valid course does not play or reveal; the server asks
//! `store::gate`.

pub mod course;
pub mod desk;
pub mod quiz;

pub use callvault_policy::training::*;
pub use course::{Course, Question, courses};
pub use quiz::{Asked, Graded, grade, quiz};
