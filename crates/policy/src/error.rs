//! Why the rules themselves cannot be used.

/// The policies that came with the program cannot be used; nothing is allowed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rules of access cannot be used ({0}), so nothing is allowed. The program was built from damaged files; install it again"
)]
pub struct PolicyError(pub(crate) String);
