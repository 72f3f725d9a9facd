//! Append-only tamper-evident log: RFC 6962 tree, signed checkpoints, offline verification.
