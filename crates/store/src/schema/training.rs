//! Who learned what: rules, attempts, excuses, recalls, policies and who confirmed them.

pub const SQL: &str = "
CREATE TABLE training_rule (
  course TEXT PRIMARY KEY, version INTEGER NOT NULL, roles TEXT NOT NULL, acts TEXT NOT NULL, due_days INTEGER NOT NULL,
  grace_days INTEGER NOT NULL, renewal TEXT NOT NULL, attempts_a_day INTEGER NOT NULL, policy TEXT,
  since TEXT NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL
) STRICT;
CREATE TABLE training_person (
  account BLOB PRIMARY KEY REFERENCES account(id), started_on TEXT NOT NULL, set_at TEXT NOT NULL, set_by TEXT NOT NULL
) STRICT;
CREATE TABLE training_attempt (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), course TEXT NOT NULL, version INTEGER NOT NULL,
  seed INTEGER NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, percent INTEGER, passed INTEGER
) STRICT;
CREATE INDEX training_attempt_of ON training_attempt(account, course);
CREATE TABLE training_waiver (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), course TEXT NOT NULL, from_at TEXT NOT NULL,
  until TEXT NOT NULL, sealed_reason BLOB NOT NULL, given_by TEXT NOT NULL, ended_at TEXT
) STRICT;
CREATE INDEX training_waiver_of ON training_waiver(account, course);
CREATE TABLE training_recall (
  id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account(id), course TEXT NOT NULL, at TEXT NOT NULL,
  days INTEGER NOT NULL, sealed_reason BLOB NOT NULL, asked_by TEXT NOT NULL
) STRICT;
CREATE INDEX training_recall_of ON training_recall(account, course);
CREATE TABLE training_policy (
  policy TEXT NOT NULL, version INTEGER NOT NULL, sealed_text BLOB NOT NULL, sha256 TEXT NOT NULL,
  published_at TEXT NOT NULL, published_by TEXT NOT NULL, PRIMARY KEY (policy, version)
) STRICT;
CREATE TABLE training_attestation (
  account BLOB NOT NULL REFERENCES account(id), policy TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (account, policy, version)
) STRICT;
";
