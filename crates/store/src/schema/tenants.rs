//! Tenants: each is a vault of its own below the data directory; here stands the wrapped key that opens it.

pub const SQL: &str = "
CREATE TABLE tenant_vault (
  id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch BLOB NOT NULL, wrapped_key BLOB, key_fingerprint TEXT NOT NULL,
  vkey TEXT NOT NULL, sealed_reason BLOB NOT NULL, added_at TEXT NOT NULL, added_by TEXT NOT NULL, made_at TEXT,
  ended_at TEXT, ended_by TEXT, agreed_by TEXT, sealed_end BLOB, last_checkpoint TEXT,
  certificate BLOB, issued_at TEXT, body TEXT
) STRICT;
CREATE TRIGGER erased_tenant AFTER UPDATE OF wrapped_key ON tenant_vault
  WHEN NEW.wrapped_key IS NULL AND OLD.wrapped_key IS NOT NULL
  BEGIN INSERT OR IGNORE INTO erasure (kind, id) VALUES ('tenant', OLD.id); END;
";
