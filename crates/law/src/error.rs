//! What can be wrong with packs and questions.

/// A pack that cannot be used, or a question that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no pack: not TOML, an unknown field, a wrong type.
    #[error("law pack {pack} cannot be read: {why}; correct the file, or remove it from the packs directory")]
    Syntax {
        /// File name.
        pack: String,
        /// What the reader said, with line and column.
        why: String,
    },
    /// The file is a pack, and one entry of it makes no sense.
    #[error("law pack {pack}, entry {entry}: {why}; correct the entry and sign the packs again")]
    Entry {
        /// File name.
        pack: String,
        /// Id of the rule, clock, table, retention or action.
        entry: String,
        /// What is wrong.
        why: String,
    },
    /// The packs are not what was signed.
    #[error("the law packs are not signed by the given key: {0}; fetch them again, or sign them")]
    Signature(&'static str),
    /// No engine has this action.
    #[error("no law engine answers {engine:?} {action:?}; `callvault law test --actions` lists them")]
    Action {
        /// As asked.
        engine: String,
        /// As asked.
        action: String,
    },
    /// The question is not of the expected form.
    #[error("the case cannot be read: {0}")]
    Case(String),
}
