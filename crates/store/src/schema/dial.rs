//! Consent with its proof, wishes to hear no more, answers of the law engine, purposes. Numbers stand here only as keyed
//! fingerprints: nothing in these tables can be read back to one.

pub const SQL: &str = "
CREATE TABLE consent (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL, field TEXT NOT NULL, blind_index BLOB NOT NULL,
  channel TEXT NOT NULL, purpose TEXT NOT NULL, kind TEXT NOT NULL, sealed_detail BLOB NOT NULL,
  proof_conversation BLOB, proof_from_ms INTEGER, proof_to_ms INTEGER, proof_sha256 TEXT, sealed_proof BLOB,
  given_on TEXT NOT NULL, expires_on TEXT, recorded_at TEXT NOT NULL, recorded_by TEXT NOT NULL,
  withdrawn_at TEXT, withdrawn_by TEXT
) STRICT;
CREATE INDEX consent_of ON consent(tenant, field, blind_index);
CREATE TABLE opt_out (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL, field TEXT NOT NULL, blind_index BLOB, channel TEXT NOT NULL,
  how TEXT NOT NULL, state TEXT NOT NULL, conversation BLOB, turn INTEGER, rule TEXT NOT NULL,
  raised_at TEXT NOT NULL, raised_by TEXT NOT NULL, decided_at TEXT, decided_by TEXT, sealed_reason BLOB
) STRICT;
CREATE INDEX opt_out_of ON opt_out(tenant, field, blind_index);
CREATE TABLE law_check (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL, engine TEXT NOT NULL, action TEXT NOT NULL, as_of TEXT NOT NULL,
  decision TEXT NOT NULL, pack_hash TEXT NOT NULL, facts_hash TEXT NOT NULL, sealed_facts BLOB NOT NULL,
  decided_at TEXT NOT NULL, decided_by TEXT NOT NULL
) STRICT;
CREATE TABLE processing (
  channel TEXT PRIMARY KEY, purposes TEXT NOT NULL, basis TEXT NOT NULL, condition TEXT NOT NULL,
  changed_at TEXT NOT NULL, changed_by TEXT NOT NULL
) STRICT;
CREATE TABLE law_setting (
  key TEXT PRIMARY KEY, sealed_value BLOB NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL
) STRICT;
";

/// Consents that outlive a person, until when; wishes by conversation.
pub const OUTLIVING: &str = "
ALTER TABLE consent ADD COLUMN keep_until TEXT;
CREATE TRIGGER erased_consent AFTER DELETE ON consent
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('consent', OLD.id); END;
CREATE INDEX opt_out_in ON opt_out(conversation);
";
