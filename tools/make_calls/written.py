"""The written conversations of the demo: chats as JSON, e-mails as RFC 5322 messages."""

import email.policy
import json
import tomllib
from email.message import EmailMessage

import script


def spans(marks, **where):
    """Planted values and hard negatives of one marked text, in code points."""
    planted = [{"type": m.type, "value": m.value, "text": m.spoken, **where, "start": s, "end": e} for s, e, m in marks if m.type]
    negatives = [{"kind": m.kind, "text": m.spoken, **where, "start": s, "end": e} for s, e, m in marks if m.kind]
    return planted, negatives


def party_values(parties):
    """Values that stand in the list of parties."""
    rows = []
    for i, p in enumerate(parties):
        if "address" in p:
            kind = "EMAIL_ADDRESS" if "@" in p["address"] else "PHONE_NUMBER"
            rows.append({"where": f"metadata.parties[{i}].address", "type": kind, "value": p["address"]})
        if "name" in p and p["role"] == "customer":
            rows.append({"where": f"metadata.parties[{i}].name", "type": "PERSON", "value": p["name"]})
    return rows


def record(raw, file, channel, planted, negatives, beside):
    """The truth of one written conversation."""
    named = [{"where": "file_name", "type": t, "value": v} for t, v in raw.get("in_file_name", [])]
    return {"id": raw["file"], "file": file, "channel": channel, "kind": channel, "language": "en", "ordinary": True,
            "planted_elsewhere": named + beside, "planted": planted, "negatives": negatives}


def chat(raw, out):
    """One chat file."""
    turns, planted, negatives = [], [], []
    for i, turn in enumerate(raw["turn"]):
        text, marks = script.parse_marks(turn["text"])
        turns.append({"party": turn["party"], "text": text})
        p, n = spans(marks, turn=i)
        planted += p
        negatives += n
    body = {"channel": raw["channel"], "started_at": raw["started_at"], "parties": raw["parties"], "turns": turns}
    name = f"chats/{raw['file']}.json"
    write(out / name, json.dumps(body, ensure_ascii=False, indent=1) + "\n")
    return record(raw, name, raw["channel"], planted, negatives, party_values(raw["parties"]))


def mail(raw, out):
    """One e-mail; every part's values are counted, the copy in HTML too."""
    message, planted, negatives = EmailMessage(policy=email.policy.SMTP), [], []
    for key, marked in raw["headers"].items():
        text, marks = script.parse_marks(marked)
        message[key] = text
        p, n = spans(marks, part=f"header:{key}")
        planted += p
        negatives += n
    for part in ("plain", "html"):
        if part not in raw:
            continue
        text, marks = script.parse_marks(raw[part])
        p, n = spans(marks, part=part)
        planted += p
        negatives += n
        if part == "plain":
            message.set_content(text, cte=raw.get("encoding", "quoted-printable"))
        else:
            message.add_alternative(text, subtype="html", cte="quoted-printable")
            message.set_boundary("=_callvault_demo_alternative")
    name = f"emails/{raw['file']}.eml"
    write(out / name, message.as_bytes())
    return record(raw, name, "email", planted, negatives, [])


def write(path, content):
    """Writes text or bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def make(source, out):
    """All chats, then all e-mails."""
    done = []
    for folder, one in (("chats", chat), ("emails", mail)):
        for path in sorted((source / folder).glob("*.toml")):
            with open(path, "rb") as f:
                done.append(one(tomllib.load(f), out))
    return done
