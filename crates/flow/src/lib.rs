//! The straight way of a conversation through the vault.
