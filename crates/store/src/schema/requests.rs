//! Requests of the people concerned, what is restricted, whom nobody contacts any more, receipts of erasure.

pub const SQL: &str = "
CREATE TABLE subject_request (
  id BLOB PRIMARY KEY, kind TEXT NOT NULL, law TEXT NOT NULL, arrived TEXT NOT NULL, received_on TEXT NOT NULL,
  recorded_at TEXT NOT NULL, recorded_by TEXT NOT NULL, subject BLOB REFERENCES subject(id), identity TEXT NOT NULL,
  identity_asked_on TEXT, identity_on TEXT, extended_on TEXT, sealed_extension BLOB NOT NULL, purposes TEXT NOT NULL,
  state TEXT NOT NULL, outcome TEXT, answered_on TEXT, closed_at TEXT, sealed_note BLOB NOT NULL
) STRICT;
CREATE INDEX subject_request_of ON subject_request(subject);
CREATE TABLE request_step (
  request BLOB NOT NULL REFERENCES subject_request(id), position INTEGER NOT NULL, what TEXT NOT NULL,
  detail TEXT NOT NULL, done_by TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (request, position)
) STRICT;
CREATE TABLE request_item (
  request BLOB NOT NULL REFERENCES subject_request(id), conversation BLOB NOT NULL, part TEXT NOT NULL,
  decision TEXT NOT NULL, exemption TEXT NOT NULL, decided_by TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (request, conversation, part)
) STRICT;
CREATE TABLE request_package (
  id BLOB PRIMARY KEY, request BLOB NOT NULL REFERENCES subject_request(id), subject BLOB NOT NULL,
  made_by TEXT NOT NULL, made_at TEXT NOT NULL, expires_at TEXT NOT NULL, used_at TEXT
) STRICT;
CREATE TABLE erasure_receipt (
  id BLOB PRIMARY KEY, subject BLOB NOT NULL, request BLOB, issued_at TEXT NOT NULL, complete INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX erasure_receipt_of ON erasure_receipt(subject);
CREATE TABLE minimum_rule (
  class TEXT NOT NULL, channel TEXT NOT NULL, engine TEXT NOT NULL, record TEXT NOT NULL, set_at TEXT NOT NULL,
  set_by TEXT NOT NULL, PRIMARY KEY (class, channel)
) STRICT;
CREATE TABLE suppression (
  tenant BLOB NOT NULL, field TEXT NOT NULL, hash BLOB NOT NULL, why TEXT NOT NULL, since TEXT NOT NULL,
  by TEXT NOT NULL, PRIMARY KEY (tenant, field, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE restriction (
  subject BLOB NOT NULL, purpose TEXT NOT NULL, since TEXT NOT NULL, set_by TEXT NOT NULL, request BLOB,
  lifted_at TEXT, lifted_by TEXT, PRIMARY KEY (subject, purpose)
) STRICT;
";

/// Erasures that a rule kept from being whole.
pub const REST: &str = "
CREATE TABLE erasure_rest (
  subject BLOB PRIMARY KEY, receipt BLOB NOT NULL UNIQUE, facts TEXT NOT NULL
) STRICT;
";
