//! Who may come in: accounts, factors, sessions, grants, and requests that wait for a second person.

pub const SQL: &str = "
CREATE TABLE account (
  id BLOB PRIMARY KEY, tenant BLOB NOT NULL REFERENCES tenant(id), kind TEXT NOT NULL, state TEXT NOT NULL,
  login_index BLOB NOT NULL UNIQUE, sealed_login BLOB NOT NULL, sealed_name BLOB NOT NULL,
  password TEXT, sealed_totp BLOB, totp_step INTEGER NOT NULL,
  created_at TEXT NOT NULL, created_by TEXT NOT NULL, last_seen_at TEXT, reviewed_at TEXT, reviewed_by TEXT
) STRICT;
CREATE TABLE account_role (
  account BLOB NOT NULL REFERENCES account(id), role TEXT NOT NULL, since TEXT NOT NULL, given_by TEXT NOT NULL,
  PRIMARY KEY (account, role)
) STRICT;
CREATE TABLE signin_failure (
  login_index BLOB PRIMARY KEY, failures INTEGER NOT NULL, last_at INTEGER NOT NULL, locked_until INTEGER
) STRICT;
CREATE TABLE passkey (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), sealed_credential BLOB NOT NULL,
  sealed_name BLOB NOT NULL, created_at TEXT NOT NULL, last_used_at TEXT
) STRICT;
CREATE INDEX passkey_of_account ON passkey(account);
CREATE TABLE recovery_code (
  hash BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), created_at TEXT NOT NULL, used_at TEXT
) STRICT;
CREATE TABLE invite (
  hash BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL, used_at TEXT
) STRICT;
CREATE TABLE session (
  hash BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), created_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL, aal INTEGER NOT NULL, factor_at TEXT NOT NULL, ended_at TEXT, ended_why TEXT
) STRICT;
CREATE INDEX session_of_account ON session(account);
CREATE TABLE api_key (
  id BLOB PRIMARY KEY, hash BLOB NOT NULL UNIQUE, account BLOB NOT NULL REFERENCES account(id), scopes TEXT NOT NULL,
  created_at TEXT NOT NULL, expires_at TEXT NOT NULL, revoked_at TEXT, last_used_at TEXT
) STRICT;
CREATE TABLE access_grant (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), act TEXT NOT NULL, target_kind TEXT NOT NULL,
  target BLOB, purpose TEXT NOT NULL, sealed_reason BLOB NOT NULL, state TEXT NOT NULL, requested_at TEXT NOT NULL,
  minutes INTEGER NOT NULL, decided_by BLOB, decided_at TEXT, ends_at TEXT, revoked_by BLOB, revoked_at TEXT
) STRICT;
CREATE INDEX grant_of_account ON access_grant(account, state);
CREATE TABLE reveal_request (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), token TEXT NOT NULL, conversation BLOB NOT NULL,
  purpose TEXT NOT NULL, sealed_reason BLOB NOT NULL, needs_second INTEGER NOT NULL, state TEXT NOT NULL,
  requested_at TEXT NOT NULL, decided_by BLOB, decided_at TEXT, expires_at TEXT NOT NULL, used_at TEXT
) STRICT;
CREATE TABLE two_person (
  id BLOB PRIMARY KEY, act TEXT NOT NULL, facts TEXT NOT NULL, requested_by BLOB NOT NULL, requested_at TEXT NOT NULL,
  state TEXT NOT NULL, decided_by BLOB, decided_at TEXT, expires_at TEXT NOT NULL, used_at TEXT
) STRICT;
CREATE TABLE ledger_access (seq INTEGER PRIMARY KEY, conversation BLOB, subject BLOB) STRICT;
CREATE INDEX ledger_access_conversation ON ledger_access(conversation);
CREATE INDEX ledger_access_subject ON ledger_access(subject);
CREATE TABLE tenant_key (
  tenant BLOB NOT NULL REFERENCES tenant(id), version INTEGER NOT NULL, wrapped_key BLOB, key_fingerprint TEXT NOT NULL,
  state TEXT NOT NULL, created_at TEXT NOT NULL, destroyed_at TEXT, PRIMARY KEY (tenant, version)
) STRICT;
CREATE TABLE tenant_secret (
  tenant BLOB NOT NULL REFERENCES tenant(id), kind TEXT NOT NULL, version INTEGER NOT NULL, tenant_version INTEGER NOT NULL,
  wrapped_key BLOB NOT NULL, PRIMARY KEY (tenant, kind, version)
) STRICT;
";

/// Almost every entry of a reading names a conversation and no person, and needs no place in the index of people.
pub const NARROWER: &str = "
DROP INDEX ledger_access_subject;
CREATE INDEX ledger_access_subject ON ledger_access(subject) WHERE subject IS NOT NULL;
";
