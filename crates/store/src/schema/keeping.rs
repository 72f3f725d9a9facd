//! What is kept for how long: collection policy, retention, holds, uploads under way, corrections, linked people.

pub const SQL: &str = "
CREATE TABLE collection_rule (
  channel TEXT NOT NULL, field TEXT NOT NULL, keep INTEGER NOT NULL, PRIMARY KEY (channel, field)
) STRICT;
CREATE TABLE dropped (
  channel TEXT NOT NULL, field TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (channel, field)
) STRICT;
CREATE TABLE retention_rule (
  class TEXT NOT NULL, channel TEXT NOT NULL, days INTEGER, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL,
  PRIMARY KEY (class, channel)
) STRICT;
CREATE TABLE hold (
  id BLOB PRIMARY KEY, target_kind TEXT NOT NULL, target BLOB NOT NULL, sealed_matter BLOB NOT NULL, owner TEXT NOT NULL,
  placed_at TEXT NOT NULL, review_at TEXT NOT NULL, released_at TEXT, released_by TEXT
) STRICT;
CREATE INDEX hold_of_target ON hold(target);
CREATE TABLE must_keep (
  conversation BLOB PRIMARY KEY REFERENCES conversation(id), sealed_reason BLOB NOT NULL, since TEXT NOT NULL, set_by TEXT NOT NULL
) STRICT;
CREATE TABLE upload (
  id BLOB PRIMARY KEY, account TEXT NOT NULL, channel TEXT NOT NULL, sealed_meta BLOB NOT NULL, length INTEGER NOT NULL,
  received INTEGER NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, conversation BLOB
) STRICT;
CREATE TABLE upload_part (
  upload BLOB NOT NULL REFERENCES upload(id), start INTEGER NOT NULL, length INTEGER NOT NULL, object BLOB NOT NULL,
  wrapped_key BLOB NOT NULL, epoch BLOB NOT NULL, PRIMARY KEY (upload, start)
) STRICT;
CREATE INDEX upload_part_object ON upload_part(object);
CREATE TABLE idempotency (
  account TEXT NOT NULL, key_hash BLOB NOT NULL, request_hash BLOB NOT NULL, outcome TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (account, key_hash)
) STRICT;
CREATE TABLE attachment (
  id BLOB PRIMARY KEY, conversation BLOB NOT NULL REFERENCES conversation(id), object BLOB, media_type TEXT NOT NULL,
  bytes INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE correction (
  id BLOB PRIMARY KEY, conversation BLOB NOT NULL REFERENCES conversation(id), kind TEXT NOT NULL, turn INTEGER NOT NULL,
  start_char INTEGER NOT NULL, end_char INTEGER NOT NULL, finding INTEGER, entity TEXT NOT NULL, sealed_note BLOB NOT NULL,
  state TEXT NOT NULL, requested_by TEXT NOT NULL, requested_at TEXT NOT NULL, decided_by TEXT, decided_at TEXT,
  heard_from_ms INTEGER, heard_to_ms INTEGER
) STRICT;
CREATE INDEX correction_of_conversation ON correction(conversation);
CREATE TABLE subject_link (
  id BLOB PRIMARY KEY, kind TEXT NOT NULL, from_subject BLOB NOT NULL, into_subject BLOB NOT NULL, parties TEXT NOT NULL,
  sealed_reason BLOB NOT NULL, done_by TEXT NOT NULL, done_at TEXT NOT NULL, undone_at TEXT
) STRICT;
CREATE INDEX conversation_by_time ON conversation(tenant, received_at);
CREATE INDEX party_of_subject ON party(subject);
";

/// Where an accepted correction stands in the masked text by now, and whether the detector got it right by itself when that was
/// last tried.
pub const REGRESSION: &str = "
ALTER TABLE correction ADD COLUMN token TEXT;
ALTER TABLE correction ADD COLUMN now_start INTEGER;
ALTER TABLE correction ADD COLUMN now_end INTEGER;
ALTER TABLE correction ADD COLUMN outcome TEXT;
ALTER TABLE correction ADD COLUMN tried_at TEXT;
";
