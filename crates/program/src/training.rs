//! Courses, quizzes, and who stands where: pure. Whoever has no valid course does not play or reveal; the server asks
//! [`standing::gate`].

pub mod course;
pub mod quiz;
pub mod standing;

pub use course::{Course, Question, courses};
pub use quiz::{Asked, Graded, grade, quiz};
pub use standing::{
    Attempt, Attestation, Gate, Learner, Renewal, Rule, Standing, State, Waiver, gate, standings,
};
