//! Recordings that are withheld until a missed value is muted in them; why a merge or split was undone, and by whom.

pub const SQL: &str = "
CREATE TABLE remute (
  correction BLOB PRIMARY KEY REFERENCES correction(id), conversation BLOB NOT NULL REFERENCES conversation(id),
  spans TEXT NOT NULL, asked_at TEXT NOT NULL, done_at TEXT, failed TEXT
) STRICT;
ALTER TABLE subject_link ADD COLUMN sealed_undo_reason BLOB;
ALTER TABLE subject_link ADD COLUMN undone_by TEXT;
CREATE INDEX remute_of_conversation ON remute(conversation);
";
