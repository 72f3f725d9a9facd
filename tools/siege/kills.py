#!/usr/bin/env python3
"""Kill -9 under load: several people upload, read, ask for rights and hidden values, place holds and run retention while the server
is killed at random moments. Afterwards: what was answered is there, nothing is half done, the ledger verifies, the server starts.

    tools/siege/kills.py [--kills 6] [--seed 1] [--each 25]

Prints one line a kill and a sum, exits 1 with the first thing that is wrong."""

import argparse
import http.client
import json
import random
import re
import sqlite3
import sys
import threading
import time
import uuid
from collections import Counter

from vault import Home, Person, Server, enrol, quiet

CARD = "4111 1111 1111 1111"
BROKEN = (OSError, http.client.HTTPException)
# What a state may have become since it was told.
LATER = {
    "grant": {"requested": {"requested", "active", "refused", "revoked"}, "active": {"active", "revoked"}, "revoked": {"revoked"}},
    "reveal": {"approved": {"approved", "used"}, "used": {"used"}},
}


class Told:
    """What the server answered with success, and so must keep."""

    def __init__(self):
        self.lock = threading.Lock()
        self.conversations, self.uploads, self.grants, self.reveals, self.holds = {}, {}, {}, {}, {}
        self.readings, self.values, self.destroyed, self.phones, self.cut = Counter(), Counter(), 0, {}, []

    def note(self, table, key, value):
        with self.lock:
            getattr(self, table)[key] = value

    def count(self, table, key):
        with self.lock:
            getattr(self, table)[key] += 1

    def any_conversation(self, rng, channel=None):
        with self.lock:
            fitting = [c for c, kind in self.conversations.items() if channel in (None, kind)]
        return rng.choice(fitting[-40:]) if fitting else None


class Load:
    """The people at work on one running server."""

    def __init__(self, people, told, rng, server):
        self.people, self.told, self.stop = {n: p.at(server) for n, p in people.items()}, told, threading.Event()
        jobs = [self.upload] * 3 + [self.read] * 3 + [self.rights, self.reveal, self.hold, self.sweep]
        self.wrong, self.done = [], Counter()
        self.threads = [threading.Thread(target=self.repeat, args=(job, random.Random(rng.random()))) for job in jobs]
        for thread in self.threads:
            thread.start()

    def repeat(self, job, rng):
        while not self.stop.is_set():
            try:
                job(rng)
                self.done[job.__name__] += 1
            except BROKEN:
                # Killed meanwhile: whether it was done is not known.
                if self.stop.wait(0.02):
                    return
            except Exception as error:  # noqa: BLE001 - told to whoever started it
                self.wrong.append(f"{job.__name__}: {type(error).__name__} {error}")
                return

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def ok(self, answer, *codes):
        if answer.status >= 500:
            log = self.people["disposer"].server.log.read_text(errors="replace")
            quiet(log, "the server's log")
            raise AssertionError(f"the server failed: {answer.status} {answer.text()[:300]}; its log ends: {log[-2000:]}")
        return answer.status in codes

    def upload(self, rng):
        """One conversation in two parts. Cut off, it is begun again under the same key and goes on where the vault says it stands."""
        with self.told.lock:
            job = self.told.cut.pop() if self.told.cut else self.text(rng)
        try:
            self.send(*job)
        except BROKEN:
            with self.told.lock:
                self.told.cut.append(job)
            raise

    def text(self, rng):
        number = rng.randrange(10_000_000)
        phone = f"(206) 555-01{number % 100:02d}"
        if rng.random() < 0.3:
            turns = [{"party": 1, "text": f"This is request {number}."}, {"party": 0, "text": f"My card is {CARD}."}]
            chat = {"channel": "chat", "parties": [{"role": "customer"}, {"role": "agent"}], "turns": turns}
            return str(uuid.UUID(int=rng.getrandbits(128))), "chat", "a.json", phone, json.dumps(chat).encode()
        mail = (f"From: Dana <dana{number}@example.com>\r\nTo: care@example.org\r\nSubject: request {number}\r\n\r\n"
                f"My phone number is {phone}.\r\n\r\nThe invoice is wrong, please look at it.\r\n\r\nMy card is {CARD}.\r\n")
        return str(uuid.UUID(int=rng.getrandbits(128))), "email", "a.eml", phone, mail.encode()

    def send(self, key, channel, name, phone, text):
        who = self.people["lead"]
        wish = {"channel": channel, "length": len(text), "name": name}
        begun = who.ask("POST", "/api/v1/uploads", wish, headers={"idempotency-key": key})
        if not self.ok(begun, 201):
            raise AssertionError(f"an upload cannot begin: {begun.status} {begun.text()[:200]}")
        upload, at = begun.json()["id"], begun.json()["received"]
        if at < self.told.uploads.get(upload, 0):
            raise AssertionError(f"upload {upload} stands at {at}, told was {self.told.uploads[upload]}")
        conversation = begun.json()["conversation"]
        while not conversation and at < len(text):
            part = text[at:max(at + 1, len(text) // 2)] if at < len(text) // 2 else text[at:]
            sent = who.ask("PATCH", f"/api/v1/uploads/{upload}", part, "application/octet-stream", {"upload-offset": str(at)})
            if not self.ok(sent, 200):
                raise AssertionError(f"a part is refused: {sent.status} {sent.text()[:200]}")
            at += len(part)
            self.told.note("uploads", upload, at)
        if not conversation:
            done = who.ask("POST", f"/api/v1/uploads/{upload}/finish", {})
            if not self.ok(done, 200):
                raise AssertionError(f"an upload cannot be finished: {done.status} {done.text()[:200]}")
            conversation = done.json()["conversation"]
        self.told.note("phones", conversation, phone)
        self.told.note("conversations", conversation, channel)

    def read(self, rng):
        conversation = self.told.any_conversation(rng)
        if not conversation:
            return time.sleep(0.01)
        answer = self.people["lead"].ask("GET", f"/api/v1/conversations/{conversation}?purpose=quality")
        if self.ok(answer, 200):
            self.told.count("readings", conversation)
            if CARD in answer.text():
                raise AssertionError("a masked reading shows a card")
        return None

    def rights(self, rng):
        conversation = self.told.any_conversation(rng, "email")
        if not conversation:
            return time.sleep(0.02)
        wish = {"act": "play_muted", "target_kind": "conversation", "target": conversation, "purpose": "service", "minutes": 30, "reason": "a complaint"}
        made = self.people["agent"].ask("POST", "/api/v1/grants", wish)
        if not self.ok(made, 201):
            return None
        grant = made.json()["id"]
        self.told.note("grants", grant, "requested")
        if self.ok(self.people["second"].ask("POST", f"/api/v1/grants/{grant}/decision", {"agree": True}), 204):
            self.told.note("grants", grant, "active")
        if self.ok(self.people["second"].ask("DELETE", f"/api/v1/grants/{grant}"), 204):
            self.told.note("grants", grant, "revoked")
        return None

    def reveal(self, rng):
        conversation = self.told.any_conversation(rng, "email")
        if not conversation:
            return time.sleep(0.02)
        officer = self.people["officer"]
        seen = officer.ask("GET", f"/api/v1/conversations/{conversation}?purpose=legal")
        if not self.ok(seen, 200):
            return None
        phones = [f["token"] for f in seen.json()["findings"] if f["entity"] == "PHONE_NUMBER" and f["token"]]
        if not phones:
            return None
        made = officer.ask("POST", "/api/v1/reveals", {"token": phones[0], "purpose": "legal", "reason": "the court asks"})
        if not self.ok(made, 201):
            return None
        reveal = made.json()["id"]
        self.told.note("reveals", reveal, "approved")
        shown = officer.ask("POST", f"/api/v1/reveals/{reveal}/value", {})
        if self.ok(shown, 200):
            self.told.note("reveals", reveal, "used")
            self.told.count("values", reveal)
            if shown.json()["value"] != self.told.phones[conversation]:
                raise AssertionError("another value than the one that was hidden")
        return None

    def hold(self, rng):
        conversation = self.told.any_conversation(rng, "email")
        if not conversation:
            return time.sleep(0.02)
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86_400))
        made = self.people["second"].ask("POST", "/api/v1/holds", {"target_kind": "conversation", "target": conversation, "matter": "a claim", "review": day})
        if self.ok(made, 201):
            hold = made.json()["id"]
            self.told.note("holds", hold, False)
            if self.ok(self.people["second"].ask("POST", f"/api/v1/holds/{hold}/release", {"reason": "it was settled"}), 204):
                self.told.note("holds", hold, True)
        return time.sleep(0.05)

    def sweep(self, _):
        keeper = self.people["disposer"]
        total = keeper.ask("GET", "/api/v1/retention-preview")
        if self.ok(total, 200) and total.json()["total"]:
            run = keeper.ask("POST", "/api/v1/retention-runs", {"expected": total.json()["total"]})
            if self.ok(run, 201):
                with self.told.lock:
                    self.told.destroyed += sum(line["destroyed"] for line in run.json()["lines"])
        time.sleep(0.1)


def whole(value):
    return str(uuid.UUID(bytes=value))


def examine(home, told):
    """The vault after a kill, with nobody at work: every promise kept, nothing half done."""
    verdict = json.loads(home.run("verify", str(home.data), "--json"))
    # Opening the vault tidies up what a killed process left.
    home.run("show", "--json")
    db = sqlite3.connect(f"file:{home.data / 'vault.db'}?mode=ro", uri=True)
    try:
        wrong = promises(db, told) + halves(db, home)
    finally:
        db.close()
    if wrong:
        raise AssertionError("; ".join(wrong[:5]))
    return verdict


def promises(db, told):
    wrong = []
    entries = [json.loads(body) for (body,) in db.execute("SELECT body FROM ledger_entry ORDER BY seq")]
    rows = {whole(i): (state, channel) for i, state, channel in db.execute("SELECT id, state, channel FROM conversation")}
    wrong += [f"conversation {c} is lost" for c in told.conversations if c not in rows]
    wrong += [f"conversation {c} went back to {rows[c][0]}" for c in told.conversations if c in rows and rows[c][0] != "recorded"]
    uploads = {whole(i): (received, state) for i, received, state in db.execute("SELECT id, received, state FROM upload")}
    for upload, received in told.uploads.items():
        if upload not in uploads or (uploads[upload][1] == "open" and uploads[upload][0] < received):
            wrong.append(f"upload {upload} forgot a part: {received} told, {uploads.get(upload)} kept")
    for kind, table, kept in [("grant", told.grants, "access_grant"), ("reveal", told.reveals, "reveal_request")]:
        states = {whole(i): state for i, state in db.execute(f"SELECT id, state FROM {kept}")}
        wrong += [f"{kind} {i} was {s} and is {states.get(i)}" for i, s in table.items() if states.get(i) not in LATER[kind][s]]
    holds = {whole(i): at is not None for i, at in db.execute("SELECT id, released_at FROM hold")}
    wrong += [f"hold {i} is lost" for i, released in told.holds.items() if i not in holds or (released and not holds[i])]
    read = Counter(e.get("conversation") for e in entries if e["kind"] == "access.permitted")
    wrong += [f"{n} readings of {c}, {read[c]} in the ledger" for c, n in told.readings.items() if read[c] < n]
    shown = Counter(e["body"].get("reveal") for e in entries if e["kind"] == "access.revealed")
    wrong += [f"reveal {r} shown {n} times, {shown[r]} in the ledger" for r, n in told.values.items() if n > 1 or shown[r] < n]
    gone = sum(1 for (c, channel) in ((c, ch) for c, (s, ch) in rows.items()) if channel == "chat" and not
               db.execute("SELECT 1 FROM turn WHERE conversation = ? LIMIT 1", (uuid.UUID(c).bytes,)).fetchone())
    if gone < told.destroyed:
        wrong.append(f"{told.destroyed} transcripts told destroyed, {gone} are")
    return wrong


def halves(db, home):
    wrong = []
    for conversation, state, channel in db.execute("SELECT id, state, channel FROM conversation"):
        count = lambda table: db.execute(f"SELECT COUNT(*) FROM {table} WHERE conversation = ?", (conversation,)).fetchone()[0]  # noqa: E731
        turns, findings, parties = count("turn"), count("finding"), count("party")
        fine = parties > 0 and (state != "recorded" or (turns > 0 and findings > 0) or (channel == "chat" and turns == 0))
        if not fine or (state == "received" and turns):
            wrong.append(f"conversation {whole(conversation)} is half done: {state}, {parties} parties, {turns} turns, {findings} findings")
    known = {whole(i) for (i,) in db.execute("SELECT id FROM object WHERE key_destroyed_at IS NULL UNION SELECT object FROM upload_part")}
    there = {p.name.removesuffix(".sealed") for p in (home.data / "blobs").iterdir()}
    if known != there:
        wrong.append(f"{len(there - known)} sealed files without a row, {len(known - there)} rows without a file")
    return wrong


def staff(home):
    """People, enrolled at a first start of the server."""
    roles = {"lead": "supervisor", "agent": "agent", "second": "compliance", "officer": "privacy_officer", "disposer": "disposal_officer"}
    links = {login: home.invite(login, role) for login, role in roles.items()}
    report = home.measured()
    server = Server(home)
    people = {login: enrol(server, link, login) for login, link in links.items()}
    asked = people["second"].ask("POST", "/api/v1/decisions", {"report": report, "cooling_days": 3000})
    agreed = people["officer"].ask("POST", f"/api/v1/decisions/{asked.json()['id']}/decision", {"agree": True})
    assert agreed.status == 204, agreed.text()
    rule = people["second"].ask("PUT", "/api/v1/retention-rules/transcript/chat", {"days": 0})
    assert rule.status == 204, rule.text()
    server.stop()
    return people


def leaks(home):
    """The card lies nowhere in clear, in no file of the vault and no log."""
    needles = [CARD.encode(), CARD.replace(" ", "").encode()]
    for path in home.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if any(n in content for n in needles):
                raise AssertionError(f"{path.name} holds the card in clear")


def vault(kills, rng, sums):
    home = Home()
    people, told = staff(home), Told()
    for n in range(kills):
        server = Server(home)
        load = Load(people, told, rng, server)
        time.sleep(0.3 + rng.random() * 3)
        alive = server.alive()
        server.kill()
        load.end()
        if load.wrong or not alive:
            raise AssertionError("; ".join(load.wrong) or "the server ended by itself: " + server.log.read_text()[-1000:])
        verdict = examine(home, told)
        sums.update(load.done)
        print(f"kill {n + 1}: {dict(sorted(load.done.items()))}; ledger of {verdict.get('size', verdict.get('entries', '?'))} verifies", flush=True)
    server = Server(home)
    lead = people["lead"].at(server)
    for conversation, channel in told.conversations.items():
        answer = lead.ask("GET", f"/api/v1/conversations/{conversation}?purpose=quality")
        masked = "[CREDIT_CARD]" in answer.text() or channel == "chat"
        assert answer.status in (200, 404, 410) and CARD not in answer.text() and masked, f"{conversation}: {answer.status} {answer.text()[:200]}"
    server.stop()
    leaks(home)
    if re.search("panicked|ERROR", home.path.joinpath("server.log").read_text()):
        raise AssertionError("the server's log tells of a failure: " + home.path.joinpath("server.log").read_text()[-1500:])
    sums.update(conversations=len(told.conversations), readings_told=sum(told.readings.values()), grants_told=len(told.grants),
                reveals_told=len(told.reveals), values_told=sum(told.values.values()), holds_told=len(told.holds), destroyed_told=told.destroyed)
    home.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--each", type=int, default=25, help="kills of one vault before a new one is made")
    args = parser.parse_args()
    rng, sums, left = random.Random(args.seed), Counter(), args.kills
    while left:
        now = min(left, args.each)
        vault(now, rng, sums)
        left -= now
    missing = [k for k in ["conversations", "readings_told", "grants_told", "values_told", "destroyed_told"] if not sums[k]]
    if missing:
        raise AssertionError(f"the load never came to {missing}: this run shows nothing")
    print(f"{args.kills} kills of the server under load, seed {args.seed}; sums {dict(sorted(sums.items()))}: nothing told was lost, nothing is half done")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        print(f"WRONG: {error}", file=sys.stderr)
        sys.exit(1)
