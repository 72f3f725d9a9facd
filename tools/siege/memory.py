#!/usr/bin/env python3
"""What stands in the memory of a running server: after a letter or a call was worked on none of its words and sounds, after its
person was erased none of their keys. Linux; the keys are derived by `tools/open_vault.py`, which shares no code with the program.

    tools/siege/memory.py [--people 3]

Exit code 4: it cannot run here, and it says why. 1: something was found."""

import argparse
import json
import re
import sqlite3
import struct
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vault import TREE, Home, Person, Server, enrol  # noqa: E402

SKIPPED = 4
BLOCK = 8 << 20
LONGEST = 256
PATIENT = 60
CARD = "4000 0566 5566 5556"
# What nobody else says: each is searched for as it stands and in lower case.
PHRASE = "the Heron of Number %d flew over a Copper Mill at noon"
NAME = "Wilhelmina Featherstonehaugh"
CALL = TREE / "fixtures/demo/calls/2026-03-02_555-0142-887_dana-wilson.wav"
TRANSCRIPT = TREE / "fixtures/demo/transcripts/2026-03-02_555-0142-887_dana-wilson.json"
# Samples of one channel that are searched for, and how many moments of a call.
SAMPLES, LOUDEST = 24, 4
HELD = b"a half-sent letter about the Quince and the Walrus"


def regions(pid):
    """Every mapping that holds something of the process's own; files mapped for reading only are the program itself."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, _, _, inode, *name = line.split(maxsplit=5)
        if "r" in rights and ("w" in rights or inode == "0") and not (name and name[0].startswith("[v")):
            low, high = (int(part, 16) for part in span.split("-"))
            yield low, high, name[0] if name else "heap of a thread"


def hits(pid, needles):
    """How often each needle stands in the memory of a process, by name, with where; all threads stand still meanwhile."""
    found = {name: [] for name in needles}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for low, high, where in regions(pid):
            at, kept = low, b""
            while at < high:
                try:
                    memory.seek(at)
                    block = memory.read(min(BLOCK, high - at))
                except OSError:
                    break
                if not block:
                    break
                window = kept + block
                for name, needle in needles.items():
                    spot = window.find(needle)
                    while spot >= 0:
                        # What lies in the part that was seen before was counted there.
                        if spot + len(needle) > len(kept):
                            found[name].append(where)
                        spot = window.find(needle, spot + 1)
                kept = window[-LONGEST:]
                at += len(block)
    return found


def told(found):
    return "; ".join(f"{name}: {len(where)} in {', '.join(sorted(set(where)))}" for name, where in found.items() if where)


def spoken(n):
    """What must not stay of one conversation."""
    phone = f"(206) 555-01{n:02d}"
    texts = {"a phrase": PHRASE % n, "the card": CARD, "the card's digits": CARD.replace(" ", ""), "the name": NAME, "the telephone number": phone}
    needles = {name: text.encode() for name, text in texts.items()}
    needles.update({f"{name} in lower case": text.lower().encode() for name, text in texts.items() if text.lower() != text})
    return phone, needles


def letter(n, phone):
    return (f"From: {NAME} <w.featherstonehaugh{n}@example.com>\r\nTo: care@example.org\r\nSubject: request {n}\r\n\r\n"
            f"My phone number is {phone}. {PHRASE % n}.\r\n\r\nMy card is {CARD}.\r\n").encode()


def upload(who, text, channel="email", name="a.eml"):
    wish = {"channel": channel, "length": len(text), "name": name}
    begun = who.ask("POST", "/api/v1/uploads", wish, headers={"idempotency-key": str(uuid.uuid4())})
    assert begun.status == 201, begun.text()
    place = f"/api/v1/uploads/{begun.json()['id']}"
    sent = who.ask("PATCH", place, text, "application/octet-stream", {"upload-offset": "0"})
    assert sent.status == 200, sent.text()
    done = who.ask("POST", f"{place}/finish", {})
    assert done.status == 200, done.text()
    return done.json()["conversation"]


def linear(code):
    """A sample of ITU-T G.711 mu-law as 16-bit PCM."""
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return -size if code & 0x80 else size


def sounds(wav):
    """The loudest moments of a stereo call in mu-law, in every form in which they are worked on: as in the file, as 16-bit samples,
    as fractions, channel by channel."""
    data = wav[wav.index(b"data") + 8:]
    out, width, places = {}, 2 * SAMPLES, range(0, len(data) - 2 * SAMPLES, 2 * SAMPLES)
    for rank, at in enumerate(sorted(places, key=lambda at: -sum(map(abs, map(linear, data[at:at + width:8]))))[:LOUDEST]):
        both = [linear(code) for code in data[at:at + width]]
        out[f"sound {rank} as in the file"] = data[at:at + width]
        out[f"sound {rank} in 16 bits"] = struct.pack(f"<{width}h", *both)
        for channel in range(2):
            one = both[channel::2]
            out[f"sound {rank} in 16 bits, channel {channel}"] = struct.pack(f"<{SAMPLES}h", *one)
            out[f"sound {rank} in fractions, channel {channel}"] = struct.pack(f"<{SAMPLES}f", *(s / 32768 for s in one))
    # Silence is everywhere.
    return {name: needle for name, needle in out.items() if len(set(needle)) > SAMPLES // 2}


def call(home, lead, officer, second, server, open_vault, wrong):
    """A recording with the transcript of another engine: what is heard and what is said."""
    wav, words = CALL.read_bytes(), TRANSCRIPT.read_bytes()
    said = sounds(wav)
    assert len(said) > 2 * LOUDEST, said.keys()
    spoken = [[w["text"] for w in c["words"]] for c in json.loads(words)["channels"]]
    said.update({f"words of channel {n}": " ".join(list(text)[4:9]).encode() for n, text in enumerate(spoken)})
    said["the transcript"] = words[200:200 + LONGEST]
    conversation = upload(lead, wav, "voice", "a.wav")
    place, until = f"/api/v1/quarantine/{conversation}/transcript", time.monotonic() + PATIENT
    while (sent := officer.ask("POST", place, words)).status != 204:
        assert sent.status == 409 and time.monotonic() < until, sent.text()
        time.sleep(0.2)
    worked_on(lead, conversation)
    hang_up(lead, officer)
    must_be_nothing(server.pid, said, "a call, worked on", wrong)
    heard = lead.ask("GET", f"/api/v1/conversations/{conversation}/audio?purpose=quality")
    assert heard.status == 200 and len(heard.body) > len(wav) // 4, (heard.status, len(heard.body))
    hang_up(lead)
    own, _ = keys(home, conversation, open_vault)
    assert any("original" in name for name in own) and any("redacted" in name for name in own), own.keys()
    erase(officer, second, customer(home, conversation))
    hang_up(officer, second)
    gone = {name: key for name, key in own.items() if not name.endswith("agent")}
    must_be_nothing(server.pid, {**said, **gone}, "a call, its person erased", wrong)


def hang_up(*people):
    """A connection that stays open keeps its buffers, as it must."""
    for person in people:
        if getattr(person.here, "line", None) is not None:
            person.here.line.close()
            person.here.line = None
    time.sleep(0.5)


def keys(home, conversation, open_vault):
    """The keys of one conversation: of its people, its parties and its objects, unwrapped."""
    vault = open_vault.Vault(home.data, home.path / "vault.key", None)
    ident, out = uuid.UUID(conversation).bytes, {}
    for n, (party, subject, role) in enumerate(vault.db.execute("SELECT id, subject, role FROM party WHERE conversation = ?", (ident,)).fetchall()):
        out[f"key of person {n}, {role}"] = vault.subject_key(subject)
        out[f"key of party {n}, {role}"] = vault.party_key(party)[1]
    for name, kind, epoch, wrapped in vault.db.execute("SELECT id, kind, epoch, wrapped_key FROM object WHERE conversation = ?", (ident,)).fetchall():
        if wrapped:
            under = open_vault.kek(vault.tenant_key, vault.epochs[epoch], "object")
            out[f"key of the {kind}"] = open_vault.unwrap(under, open_vault.place(vault.tenant, None, "object", name, "key"), "object", wrapped)
    vault.db.close()
    return out, vault.tenant_key


def customer(home, conversation):
    db = sqlite3.connect(f"file:{home.data / 'vault.db'}?mode=ro", uri=True)
    (subject,) = db.execute("SELECT subject FROM party WHERE conversation = ? AND role = 'customer'", (uuid.UUID(conversation).bytes,)).fetchone()
    db.close()
    return str(uuid.UUID(bytes=subject))


def worked_on(lead, conversation):
    until = time.monotonic() + PATIENT
    while time.monotonic() < until:
        seen = lead.ask("GET", f"/api/v1/conversations/{conversation}?purpose=quality")
        if seen.status == 200 and "[CREDIT_CARD]" in seen.text():
            return
        time.sleep(0.2)
    raise AssertionError(f"{conversation} was not worked on in {PATIENT} s")


def reveal(officer, conversation, phone):
    seen = officer.ask("GET", f"/api/v1/conversations/{conversation}?purpose=legal")
    token = next(f["token"] for f in seen.json()["findings"] if f["entity"] == "PHONE_NUMBER" and f["token"])
    made = officer.ask("POST", "/api/v1/reveals", {"token": token, "purpose": "legal", "reason": "the court asks"})
    shown = officer.ask("POST", f"/api/v1/reveals/{made.json()['id']}/value", {})
    assert shown.status == 200 and shown.json()["value"] == phone, shown.text()


def erase(officer, second, subject):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    wish = {"kind": "erasure", "law": "eu", "arrived": "email", "received_on": today, "subject": subject, "note": ""}
    filed = officer.ask("POST", "/api/v1/subject-requests", wish)
    assert filed.status == 201, filed.text()
    place = f"/api/v1/subject-requests/{filed.json()['id']}"
    check = officer.ask("POST", f"{place}/steps", {"step": "check", "check": "call_back", "passed": True, "confirms": True})
    assert check.status == 204, check.text()
    asked = officer.ask("POST", f"{place}/second-person", {})
    agreed = second.ask("POST", f"/api/v1/decisions/{asked.json()['id']}/decision", {"agree": True})
    assert agreed.status == 204, agreed.text()
    done = officer.ask("POST", f"{place}/erasure", {"suppress": True})
    assert done.status == 200, done.text()
    assert done.json()["statement"]["title"] == "Person erased", done.text()


def must_be_nothing(pid, needles, when, wrong):
    found = hits(pid, needles)
    if any(found.values()):
        wrong.append(f"{when}: {told(found)}")
    print(f"{when}: {sum(map(len, found.values()))} hits of {len(needles)} texts and keys", flush=True)


def controls(server, lead, tenant_key):
    """The search finds what must be there: the key that the server works with, and words it is still waiting for."""
    half = Person(server, lead.cookie)
    wish = {"channel": "email", "length": 5000, "name": "a.eml"}
    begun = half.ask("POST", "/api/v1/uploads", wish, headers={"idempotency-key": str(uuid.uuid4())}).json()
    line = half.here.line
    line.putrequest("PATCH", f"/api/v1/uploads/{begun['id']}")
    for name, value in {"cookie": f"__Host-callvault={lead.cookie}", "origin": "https://localhost:8443", "upload-offset": "0",
                        "content-type": "application/octet-stream", "content-length": "5000"}.items():
        line.putheader(name, value)
    line.endheaders()
    line.send(HELD)
    time.sleep(0.5)
    found = hits(server.pid, {"the tenant's key": tenant_key, "a half-sent letter": HELD})
    half.here.line.close()
    if not all(found.values()):
        raise AssertionError(f"the search does not find what must be there: {told(found) or 'nothing'}")
    print(f"control: {told(found)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=3)
    args = parser.parse_args()
    try:
        import open_vault
    except ImportError:
        print("the memory of the server is searched for keys that python3's package cryptography derives", file=sys.stderr)
        return SKIPPED
    home, wrong = Home(), []
    roles = {"lead": "supervisor", "second": "compliance", "officer": "privacy_officer"}
    links = {login: home.invite(login, role) for login, role in roles.items()}
    server = Server(home)
    try:
        with open(f"/proc/{server.pid}/mem", "rb"):
            pass
    except OSError as why:
        print(f"the memory of another process cannot be read here: {why}", file=sys.stderr)
        server.stop()
        return SKIPPED
    people = {login: enrol(server, link, login) for login, link in links.items()}
    lead, second, officer = (people[login] for login in ["lead", "second", "officer"])
    for n in range(args.people):
        phone, said = spoken(n)
        conversation = upload(lead, letter(n, phone))
        worked_on(lead, conversation)
        hang_up(lead)
        must_be_nothing(server.pid, said, f"letter {n}, worked on", wrong)
        own, tenant_key = keys(home, conversation, open_vault)
        if n == 0:
            controls(server, lead, tenant_key)
        reveal(officer, conversation, phone)
        hang_up(officer)
        must_be_nothing(server.pid, said, f"letter {n}, its number shown to somebody", wrong)
        erase(officer, second, customer(home, conversation))
        hang_up(officer, second)
        # The agent's own key lives on; what is the customer's and the letter's does not.
        gone = {name: key for name, key in own.items() if not name.endswith("agent")}
        assert len(gone) >= 3, gone.keys()
        must_be_nothing(server.pid, {**said, **gone}, f"letter {n}, its person erased", wrong)
    call(home, lead, officer, second, server, open_vault, wrong)
    log = re.search("panicked|ERROR", server.log.read_text())
    assert server.alive() and not log, server.log.read_text()[-1500:]
    server.stop()
    home.close()
    if wrong:
        raise AssertionError("\n".join(wrong))
    print(f"{args.people} letters and a call worked on, read, shown or heard, and erased: no word, sound or key of them stands in the server's memory")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssertionError as error:
        print(f"WRONG: {error}", file=sys.stderr)
        sys.exit(1)
