//! Drives and paper: what they are, who held them, how they ended. Steps are added, never changed.

pub const SQL: &str = "
CREATE TABLE medium (
  id BLOB PRIMARY KEY, kind TEXT NOT NULL, sealed_label BLOB NOT NULL, holds TEXT NOT NULL, encrypted TEXT NOT NULL,
  state TEXT NOT NULL, planned_on TEXT, planned_level TEXT, planned_technique TEXT, entered_at TEXT NOT NULL,
  entered_by TEXT NOT NULL
) STRICT;
CREATE TABLE medium_step (
  medium BLOB NOT NULL REFERENCES medium(id), n INTEGER NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL,
  sealed_text BLOB NOT NULL, PRIMARY KEY (medium, n)
) STRICT;
CREATE TABLE medium_end (
  medium BLOB PRIMARY KEY REFERENCES medium(id), done_on TEXT NOT NULL, level TEXT NOT NULL, technique TEXT NOT NULL,
  verification TEXT NOT NULL, sealed_tool BLOB NOT NULL, recorded_at TEXT NOT NULL, recorded_by TEXT NOT NULL,
  witnessed_at TEXT, witnessed_by TEXT
) STRICT;
CREATE TABLE medium_certificate (
  id BLOB PRIMARY KEY, medium BLOB NOT NULL UNIQUE REFERENCES medium(id), issued_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
";

/// Whole drives that are overwritten.
pub const DEVICES: &str = "
CREATE TABLE device_disposal (
  id BLOB PRIMARY KEY, sealed_device BLOB NOT NULL, bytes INTEGER NOT NULL, written INTEGER NOT NULL, runs INTEGER NOT NULL,
  medium BLOB REFERENCES medium(id), started_at TEXT NOT NULL, started_by TEXT NOT NULL, finished_at TEXT, body TEXT
) STRICT;
";
