//! One set of commands over SQLite and sealed blobs; each command is one transaction with its ledger entry.
