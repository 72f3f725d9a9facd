"""The examination after a kill finds what a kill could have done: each promise is broken once."""

import json
import sqlite3
import unittest
import uuid

from kills import Told, promises

IDS = [uuid.UUID(int=n) for n in range(1, 7)]
TABLES = """
CREATE TABLE ledger_entry (seq INTEGER, body BLOB); CREATE TABLE conversation (id BLOB, state TEXT, channel TEXT);
CREATE TABLE upload (id BLOB, received INTEGER, state TEXT); CREATE TABLE access_grant (id BLOB, state TEXT);
CREATE TABLE reveal_request (id BLOB, state TEXT); CREATE TABLE hold (id BLOB, released_at TEXT); CREATE TABLE turn (conversation BLOB);
"""


class Promises(unittest.TestCase):
    def setUp(self):
        self.db = sqlite3.connect(":memory:")
        self.db.executescript(TABLES)
        email, chat, upload, grant, reveal, hold = (i.bytes for i in IDS)
        self.db.executemany("INSERT INTO conversation VALUES (?, 'recorded', ?)", [(email, "email"), (chat, "chat")])
        self.db.execute("INSERT INTO turn VALUES (?)", (email,))
        self.db.execute("INSERT INTO upload VALUES (?, 40, 'open')", (upload,))
        self.db.execute("INSERT INTO access_grant VALUES (?, 'revoked')", (grant,))
        self.db.execute("INSERT INTO reveal_request VALUES (?, 'used')", (reveal,))
        self.db.execute("INSERT INTO hold VALUES (?, '2026-11-27T00:00:00Z')", (hold,))
        entries = [{"kind": "access.permitted", "conversation": str(IDS[0]), "body": {}}, {"kind": "access.revealed", "body": {"reveal": str(IDS[4])}}]
        self.db.executemany("INSERT INTO ledger_entry VALUES (?, ?)", [(n, json.dumps(e).encode()) for n, e in enumerate(entries)])
        self.told = Told()
        self.told.conversations = {str(IDS[0]): "email", str(IDS[1]): "chat"}
        self.told.uploads, self.told.grants = {str(IDS[2]): 40}, {str(IDS[3]): "revoked"}
        self.told.reveals, self.told.holds = {str(IDS[4]): "used"}, {str(IDS[5]): True}
        self.told.readings[str(IDS[0])] = 1
        self.told.values[str(IDS[4])] = 1
        self.told.destroyed = 1

    def test_what_is_kept_is_kept(self):
        self.assertEqual(promises(self.db, self.told), [])

    def test_each_broken_promise_is_found(self):
        for broken in [
            "DELETE FROM conversation WHERE channel = 'email'",
            "UPDATE conversation SET state = 'received' WHERE channel = 'email'",
            "UPDATE upload SET received = 20",
            "DELETE FROM upload",
            "UPDATE access_grant SET state = 'active'",
            "UPDATE reveal_request SET state = 'approved'",
            "UPDATE hold SET released_at = NULL",
            "DELETE FROM hold",
            "DELETE FROM ledger_entry WHERE seq = 0",
            "DELETE FROM ledger_entry WHERE seq = 1",
            "INSERT INTO turn SELECT id FROM conversation WHERE channel = 'chat'",
        ]:
            with self.subTest(broken):
                self.setUp()
                self.db.execute(broken)
                self.assertEqual(len(promises(self.db, self.told)), 1, broken)

    def test_a_value_shown_twice_is_found(self):
        self.told.values[str(IDS[4])] = 2
        self.assertEqual(len(promises(self.db, self.told)), 1)


if __name__ == "__main__":
    unittest.main(verbosity=0)
