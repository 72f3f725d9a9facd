//! Shred epochs: which began when, which still has a key. The keys themselves lie outside the database.

pub const SQL: &str = "
CREATE TABLE epoch (
  id BLOB PRIMARY KEY, state TEXT NOT NULL, created_at TEXT NOT NULL, retired_at TEXT, destroyed_at TEXT
) STRICT;
ALTER TABLE tenant_secret ADD COLUMN epoch BLOB;
";
