//! What is watched and what was done about it: alerts, incidents, notices, frozen people, canaries; and the index by
//! which a scope is found without reading the whole ledger.

pub const SQL: &str = "
ALTER TABLE ledger_access ADD COLUMN actor TEXT;
ALTER TABLE ledger_access ADD COLUMN at INTEGER;
CREATE INDEX ledger_access_actor ON ledger_access(actor, at);
CREATE INDEX ledger_access_at ON ledger_access(at);
DELETE FROM ledger_access;
DELETE FROM meta WHERE key = 'access_indexed';
CREATE TABLE ledger_incident (
  incident BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (incident, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_state (
  id INTEGER PRIMARY KEY CHECK (id = 1), next_seq INTEGER NOT NULL, rules TEXT NOT NULL
) STRICT;
CREATE TABLE alert (
  id BLOB PRIMARY KEY, rule TEXT NOT NULL, title TEXT NOT NULL, grade TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL,
  seq INTEGER NOT NULL, count INTEGER NOT NULL, why TEXT NOT NULL, entries TEXT NOT NULL, raised_at TEXT NOT NULL,
  state TEXT NOT NULL, decided_at TEXT, decided_by TEXT, sealed_reason BLOB, incident BLOB,
  UNIQUE (rule, actor, seq)
) STRICT;
CREATE INDEX alert_of_state ON alert(state, id);
CREATE INDEX alert_of_incident ON alert(incident);
CREATE TABLE canary (id BLOB PRIMARY KEY, sealed_mark BLOB NOT NULL) STRICT;
CREATE TABLE incident (
  id BLOB PRIMARY KEY, sealed_title BLOB NOT NULL, phase TEXT NOT NULL, severity TEXT NOT NULL, playbook TEXT NOT NULL,
  opened_at TEXT NOT NULL, opened_by TEXT NOT NULL, closed_at TEXT, events TEXT NOT NULL, laws TEXT NOT NULL,
  counts TEXT NOT NULL, query TEXT, scope TEXT
) STRICT;
CREATE TABLE incident_task (
  incident BLOB NOT NULL REFERENCES incident(id), position INTEGER NOT NULL, code TEXT NOT NULL, phase TEXT NOT NULL,
  role TEXT NOT NULL, title TEXT NOT NULL, done_at TEXT, done_by TEXT, PRIMARY KEY (incident, position)
) STRICT;
CREATE TABLE incident_role (
  incident BLOB NOT NULL REFERENCES incident(id), role TEXT NOT NULL, account BLOB NOT NULL REFERENCES account(id),
  PRIMARY KEY (incident, role)
) STRICT;
CREATE TABLE incident_note (
  id BLOB PRIMARY KEY, incident BLOB NOT NULL REFERENCES incident(id), at TEXT NOT NULL, by TEXT NOT NULL,
  sealed_text BLOB NOT NULL
) STRICT;
CREATE INDEX note_of_incident ON incident_note(incident);
CREATE TABLE incident_evidence (
  id BLOB PRIMARY KEY, incident BLOB NOT NULL REFERENCES incident(id), at TEXT NOT NULL, by TEXT NOT NULL,
  sealed_name BLOB NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_of_incident ON incident_evidence(incident);
CREATE TABLE incident_notice (
  id BLOB PRIMARY KEY, incident BLOB NOT NULL REFERENCES incident(id), clock TEXT NOT NULL, recipient TEXT NOT NULL,
  sealed_body BLOB NOT NULL, state TEXT NOT NULL, drafted_at TEXT NOT NULL, drafted_by TEXT NOT NULL, sent_at TEXT,
  sent_by TEXT, salt BLOB, UNIQUE (incident, clock, recipient)
) STRICT;
CREATE TABLE frozen (
  incident BLOB NOT NULL REFERENCES incident(id), account BLOB NOT NULL REFERENCES account(id), at TEXT NOT NULL,
  by TEXT NOT NULL, thawed_at TEXT, thawed_by TEXT, PRIMARY KEY (incident, account, at)
) STRICT;
";
