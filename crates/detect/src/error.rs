//! What can go wrong before any text is read.

/// The detector could not be set up. Detection itself never fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A profile name nobody defined.
    #[error("unknown profile {0:?}; use one of default, pci, hipaa, gdpr, all")]
    UnknownProfile(String),
    /// A built-in pattern does not compile: the build is broken.
    #[error(
        "built-in pattern of recogniser {recognizer} does not compile: {why}; this build is damaged, reinstall callvault"
    )]
    Pattern {
        /// The recogniser that owns the pattern.
        recognizer: &'static str,
        /// What the regex compiler said.
        why: String,
    },
    /// A site's own recogniser or list is not sound.
    #[error("recogniser {name} cannot be used: {why}; nothing was loaded, correct the file and try again")]
    Custom {
        /// Its name, or what part of the file it is.
        name: String,
        /// What is wrong, without anything of the file's values.
        why: String,
    },
    /// The embedded tagger has another size than the code expects.
    #[error("the embedded tagger model is damaged ({0} bytes); reinstall callvault")]
    Model(usize),
}
