#!/usr/bin/env python3
"""Tells by what speech outside planted values was muted, from the lines of the example `where_muted`.

    cargo run --release -p callvault-flow --example where_muted -- --cache CACHE SET/calls/*.wav > muted.jsonl
    explain_muted.py SET/truth.json muted.jsonl [--calls]

Each falsely muted moment counts once, for the first step that muted it.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from score_muted import COVERED, length, minus, percent, shared, union

STEPS = ["finding that touches a value", "finding that touches none", "doubtful", "padding and pauses", "other channel", "proof"]


def steps_of(row, channel, planted):
    """What was muted on a channel, step by step."""
    cores = [[f["words"][0][1], f["words"][-1][2]] for f in row["findings"] if f["channel"] == channel and f["words"]]
    right = [c for c in cores if shared([c], planted) > 0]
    wrong = [c for c in cores if shared([c], planted) == 0]
    return [union(right), union(wrong)] + [union(row[k][channel]) for k in ("unverified", "planned", "spread", "proven")]


def channel_of(truth, row, channel, totals):
    """Adds one channel to the totals; gives (falsely muted, other speech)."""
    speech = union([s["start_ms"], s["end_ms"]] for s in truth["speech"] if s["channel"] == channel)
    planted = union([p["start_ms"], p["end_ms"]] for p in truth["planted"] if p["channel"] == channel)
    other, left, false = minus(speech, planted), union(row["proven"][channel]), 0.0
    for name, step in zip(STEPS, steps_of(row, channel, planted)):
        here = minus(left, minus(left, step))
        totals[name] += shared(other, here)
        false += shared(other, here)
        left = minus(left, step)
    return false, length(other)


def misses(truth, row):
    """Values that are not covered, with what was heard at their time."""
    for p in truth["planted"]:
        span, c = [[p["start_ms"], p["end_ms"]]], p["channel"]
        share = shared(span, union(row["proven"][c])) / max(length(span), 1e-9)
        if share < COVERED:
            heard = [t["text"] for t in row["turns"] if t["channel"] == c and t["start_ms"] < p["end_ms"] and t["end_ms"] > p["start_ms"]]
            yield f"MISSED {p['type']} {100 * share:.0f} % muted in {row['id']}: said {p['spoken']!r}, heard {heard}"


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path)
    parser.add_argument("muted", type=Path)
    parser.add_argument("--calls", action="store_true")
    args = parser.parse_args()
    truths = {c["id"]: c for c in json.loads(args.truth.read_text())["conversations"]}
    totals, all_other = defaultdict(float), 0.0
    for row in map(json.loads, args.muted.read_text().splitlines()):
        if "quarantined" in row:
            print(f"quarantined {row['id']}: {row['quarantined']}")
            continue
        truth = truths[row["id"]]
        parts = [channel_of(truth, row, c, totals) for c in range(len(row["proven"]))]
        all_other += sum(other for _, other in parts)
        for line in misses(truth, row):
            print(line)
        if args.calls:
            print(f"{percent(sum(f for f, _ in parts), sum(o for _, o in parts)):5.1f} % {row['id']}, {row['rounds']} rounds")
    print(f"false mute {percent(sum(totals.values()), all_other):.2f} % of {all_other / 1000:.1f} s other speech")
    for name in STEPS:
        print(f"  {name:30} {percent(totals[name], all_other):5.2f} %")


if __name__ == "__main__":
    main()
