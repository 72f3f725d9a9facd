#!/usr/bin/env python3
"""Scores muted recordings against the ground truth of planted values.

    score_muted.py TRUTH.json REDACTED_DIR            truth as make_calls.py writes it
    score_muted.py --manifest MANIFEST.json REDACTED_DIR   the form [{id, wav, spans:[[s, e, "TYPE:value"]], dur}]

A recording `a.wav` is looked for as `a.redacted.wav` anywhere under REDACTED_DIR; one that is missing counts as
quarantined. Muted means exact zero for at least 10 ms. A value is covered when >= 95 % of its time is muted on its channel.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from riff import BadWav, Mask  # noqa: E402

COVERED = 0.95
RING_MS = 300
PAYMENT = {"CREDIT_CARD", "CVV", "PIN", "TRACK_DATA"}
MANIFEST_TYPES = {"CARD": "CREDIT_CARD", "EXP": "EXPIRY", "SSN": "US_SSN", "PHONE": "PHONE_NUMBER", "MRN": "MEDICAL_ID",
                  "NAME": "PERSON", "EMAIL": "EMAIL_ADDRESS"}


def union(spans):
    """Sorted, non-overlapping."""
    out = []
    for s, e in sorted(spans):
        if out and s <= out[-1][1]:
            out[-1][1] = max(out[-1][1], e)
        elif e > s:
            out.append([s, e])
    return out


def shared(a, b):
    """How long two unions overlap."""
    total, i, j = 0.0, 0, 0
    while i < len(a) and j < len(b):
        total += max(0.0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return total


def minus(a, b):
    """What of `a` lies outside `b`."""
    out = []
    for s, e in a:
        at = s
        for x, y in b:
            if y <= at or x >= e:
                continue
            if x > at:
                out.append([at, x])
            at = max(at, y)
        if at < e:
            out.append([at, e])
    return out


def length(spans):
    """Total time."""
    return sum(e - s for s, e in spans)


def from_manifest(path):
    """The older list of mono calls, in the shape of the truth; all time counts as speech."""
    calls = []
    for row in json.loads(path.read_text()):
        planted = []
        for s, e, label in row["spans"]:
            kind, value = label.split(":", 1)
            planted.append({"type": MANIFEST_TYPES.get(kind, kind), "value": value, "channel": 0,
                            "start_ms": s * 1000, "end_ms": e * 1000})
        calls.append({"id": row["id"], "file": row["wav"], "channel": "voice", "ordinary": True, "planted": planted,
                      "speech": [{"channel": 0, "start_ms": 0, "end_ms": row["dur"] * 1000}]})
    return calls


class Score:
    """What was counted."""

    def __init__(self):
        self.by_type = defaultdict(lambda: [0, 0, 0])  # covered, heard, in quarantined calls
        self.missed, self.calls, self.negatives = [], [], defaultdict(lambda: [0, 0])
        self.muted = [0.0, 0.0]  # without and with the ring
        self.other = [0.0, 0.0]
        self.planted_time = [0.0, 0.0]
        self.quarantined, self.strange = [], []

    def call(self, truth, mask):
        """Scores one recording."""
        marked = [[] for _ in range(mask.channels)]
        ringed = [[] for _ in range(mask.channels)]
        for p in truth["planted"]:
            s, e, c = p["start_ms"], p["end_ms"], min(p["channel"], mask.channels - 1)
            fraction = shared([[s, e]], mask.muted[c]) / max(e - s, 1e-9)
            self.planted_time[0] += fraction * (e - s)
            self.planted_time[1] += e - s
            row = self.by_type[p["type"]]
            row[1] += 1
            row[0] += fraction >= COVERED
            if fraction < COVERED:
                self.missed.append((truth["id"], p["type"], s, e, c, round(100 * fraction, 1)))
            marked[c].append([s, e])
            ringed[c].append([s - RING_MS, e + RING_MS])
        mine = [[0.0, 0.0], [0.0, 0.0]]
        for c in range(mask.channels):
            speech = union([x["start_ms"], x["end_ms"]] for x in truth["speech"] if min(x["channel"], mask.channels - 1) == c)
            for k, spared in enumerate((marked, ringed)):
                rest = minus(speech, union(spared[c]))
                mine[k][0] += shared(rest, mask.muted[c])
                mine[k][1] += length(rest)
        for k in (0, 1):
            self.muted[k] += mine[k][0]
            self.other[k] += mine[k][1]
        for n in truth.get("negatives", []):
            row = self.negatives[n["kind"]]
            span = [[n["start_ms"], n["end_ms"]]]
            row[1] += 1
            row[0] += shared(span, mask.muted[min(n["channel"], mask.channels - 1)]) >= 0.5 * length(span)
        self.calls.append((truth["id"], percent(*mine[0]), percent(*mine[1])))


def percent(part, whole):
    """Per cent, of nothing none."""
    return 100 * part / whole if whole else 0.0


def score(calls, folder):
    """Scores all voice calls of a truth."""
    found = {p.name[:-len(".redacted.wav")]: p for p in folder.rglob("*.redacted.wav")}
    total = Score()
    for truth in calls:
        path = found.get(Path(truth["file"]).stem)
        if path is None:
            total.quarantined.append((truth["id"], truth.get("ordinary", True)))
            for p in truth["planted"]:
                total.by_type[p["type"]][2] += 1
            continue
        try:
            mask = Mask(path)
        except BadWav as e:
            raise SystemExit(f"{path}: {e}")
        expected = truth.get("duration_ms")
        if expected is not None and abs(mask.duration_ms - expected) > 2:
            total.strange.append(f"{truth['id']}: {mask.duration_ms:.0f} ms long, the source {expected} ms")
        if mask.channels != truth.get("channels", mask.channels):
            total.strange.append(f"{truth['id']}: {mask.channels} channels, the source {truth['channels']}")
        total.call(truth, mask)
    return total


def summary(calls, s):
    """The numbers a gate asks for."""
    rows = s.by_type.items()
    covered, heard = sum(r[0] for _, r in rows), sum(r[1] for _, r in rows)
    pay_covered, pay_heard = (sum(r[k] for t, r in rows if t in PAYMENT) for k in (0, 1))
    ordinary = sum(c.get("ordinary", True) for c in calls)
    held = sum(o for _, o in s.quarantined)
    return {
        "calls": len(calls), "ordinary": ordinary, "quarantined": len(s.quarantined), "quarantined_ordinary": held,
        "quarantined_ordinary_percent": round(percent(held, ordinary), 2),
        "planted": heard + sum(r[2] for _, r in rows), "planted_heard": heard, "covered": covered,
        "covered_percent": round(percent(covered, heard), 2),
        "payment_heard": pay_heard, "payment_covered": pay_covered, "payment_covered_percent": round(percent(pay_covered, pay_heard), 2),
        "planted_time_muted_percent": round(percent(*s.planted_time), 2),
        "false_mute_percent": round(percent(s.muted[0], s.other[0]), 2),
        "false_mute_percent_outside_ring": round(percent(s.muted[1], s.other[1]), 2),
        "other_speech_ms": round(s.other[0]), "falsely_muted_ms": round(s.muted[0]),
        "by_type": {t: {"covered": r[0], "heard": r[1], "quarantined": r[2]} for t, r in sorted(rows)},
        "negatives_muted": {k: {"muted": r[0], "of": r[1]} for k, r in sorted(s.negatives.items())},
        "missed": [{"id": i, "type": t, "start_ms": a, "end_ms": e, "channel": c, "muted_percent": f} for i, t, a, e, c, f in s.missed],
        "quarantined_calls": [i for i, _ in s.quarantined], "strange": s.strange,
        "per_call": [{"id": i, "false_mute_percent": round(a, 1), "outside_ring": round(b, 1)} for i, a, b in s.calls],
    }


def show(r, per_call):
    """The numbers for a reader."""
    print(f"calls {r['calls']}, quarantined {r['quarantined']} (ordinary {r['quarantined_ordinary']} of {r['ordinary']} = "
          f"{r['quarantined_ordinary_percent']} %)")
    for name, t in r["by_type"].items():
        print(f"  {name:16} covered {t['covered']:3} of {t['heard']:3} = {percent(t['covered'], t['heard']):5.1f} %"
              + (f"   (+{t['quarantined']} in quarantine)" if t["quarantined"] else ""))
    print(f"planted values covered {r['covered']} of {r['planted_heard']} = {r['covered_percent']} %, "
          f"cards and codes {r['payment_covered']} of {r['payment_heard']} = {r['payment_covered_percent']} %, "
          f"planted time muted {r['planted_time_muted_percent']} %")
    print(f"false mute {r['false_mute_percent']} % of {r['other_speech_ms'] / 1000:.1f} s other speech; "
          f"{r['false_mute_percent_outside_ring']} % outside ±{RING_MS} ms of planted values")
    muted = [f"{k} {n['muted']}/{n['of']}" for k, n in r["negatives_muted"].items() if n["muted"]]
    print("hard negatives muted:", ", ".join(muted) or "none")
    for m in r["missed"]:
        print(f"MISSED {m['type']} {m['muted_percent']} % muted: {m['id']} channel {m['channel']} {m['start_ms']:.0f}-{m['end_ms']:.0f} ms")
    for line in r["strange"]:
        print("STRANGE", line)
    if r["quarantined_calls"]:
        print("quarantined:", ", ".join(r["quarantined_calls"]))
    for c in r["per_call"] if per_call else []:
        print(f"  {c['false_mute_percent']:5.1f} % false mute, {c['outside_ring']:5.1f} % outside ring: {c['id']}")


def main():
    """Reads the command line; exit 1 when a given bound is broken."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("paths", nargs="+", type=Path, metavar="TRUTH REDACTED_DIR")
    p.add_argument("--manifest", type=Path)
    p.add_argument("--only", help="calls whose id contains this")
    p.add_argument("--json", action="store_true")
    p.add_argument("--per-call", action="store_true")
    p.add_argument("--min-covered", type=float)
    p.add_argument("--min-payment", type=float)
    p.add_argument("--max-false-mute", type=float)
    p.add_argument("--max-quarantined", type=float)
    a = p.parse_args()
    if len(a.paths) != (1 if a.manifest else 2):
        p.error("give TRUTH.json REDACTED_DIR, or --manifest FILE REDACTED_DIR")
    calls = from_manifest(a.manifest) if a.manifest else json.loads(a.paths[0].read_text())["conversations"]
    calls = [c for c in calls if c.get("channel", "voice") == "voice" and (not a.only or a.only in c["id"])]
    if not calls:
        p.error("no voice call in this truth")
    r = summary(calls, score(calls, a.paths[-1]))
    if a.json:
        print(json.dumps(r, indent=1))
    else:
        show(r, a.per_call)
    broken = [
        a.min_covered is not None and r["covered_percent"] < a.min_covered,
        a.min_payment is not None and r["payment_covered_percent"] < a.min_payment,
        a.max_false_mute is not None and r["false_mute_percent"] > a.max_false_mute,
        a.max_quarantined is not None and r["quarantined_ordinary_percent"] > a.max_quarantined,
        bool(r["strange"]),
    ]
    sys.exit(1 if any(broken) else 0)


if __name__ == "__main__":
    main()
