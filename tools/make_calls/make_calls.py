#!/usr/bin/env python3
"""Makes the synthetic calls, chats and e-mails that callvault is shown and measured with.

    make_calls.py demo      --out DIR                    the bundled demo set, from demo/*.toml
    make_calls.py script    --out DIR FILE.toml...       calls from scripts of your own
    make_calls.py second    --out DIR --seed N --count N [--numbers-only]
    make_calls.py long      --out DIR --minutes N [--seed N]
    make_calls.py negatives --out DIR

Needs Python 3.11, flite, espeak-ng and sox. The same input gives the same bytes.
"""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import mix  # noqa: E402
import script  # noqa: E402

FORMAT = "callvault-truth/1"


def dump(path, value):
    """JSON with one record a line in long lists, so that differences can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def scripted_transcript(truth):
    """The words per channel, as the `--offline` demo reads them."""
    channels = [{"words": []} for _ in range(truth["channels"])]
    for turn in truth["turns"]:
        channels[turn["channel"]]["words"] += [{**w, "confidence": 1.0} for w in turn["words"]]
    return {"engine": "scripted-ground-truth", "channels": channels}


def sidecar(call):
    """What the telephone system knows about the call."""
    parties = []
    for role in ("customer", "agent"):
        known = {k: call[role][k] for k in ("name", "address") if k in call[role]}
        parties.append({"role": role, **known})
    return {"channel": "voice", "started_at": call["started_at"], "parties": parties}


def elsewhere(call):
    """Values planted beside the audio: in the file name and in the caller id."""
    rows = [{"where": "file_name", "type": t, "value": v} for t, v in call.get("in_file_name", [])]
    for i, role in enumerate(("customer", "agent")):
        if "address" in call[role]:
            rows.append({"where": f"metadata.parties[{i}].address", "type": "PHONE_NUMBER", "value": call[role]["address"]})
    return rows


def make_call(call, seed, out):
    """Renders one call with its sidecar and transcript; gives its truth."""
    tape = mix.render(call, seed)
    stem = call["file"]
    (out / "calls").mkdir(parents=True, exist_ok=True)
    tape.write(out / "calls" / f"{stem}.wav", seed=seed, noise=call.get("noise", 16.0))
    dump(out / "calls" / f"{stem}.json", sidecar(call))
    truth = tape.truth(
        stem, file=f"calls/{stem}.wav", channel="voice", kind=call.get("kind", "two-channel"),
        language=call.get("language", "en"), ordinary=call.get("ordinary", True),
        planted_elsewhere=elsewhere(call),
    )
    dump(out / "transcripts" / f"{stem}.json", scripted_transcript(truth))
    print(f"{stem}: {truth['duration_ms'] / 1000:.1f} s, {len(truth['planted'])} planted", flush=True)
    return truth


def write_truth(out, name, conversations):
    """The truth file of a set."""
    dump(out / "truth.json", {"format": FORMAT, "set": name, "conversations": conversations})


def scripts(args):
    """The demo set, or scripts of one's own."""
    demo = args.mode == "demo"
    files = sorted((HERE / "demo").glob("*.toml")) if demo else [Path(f) for f in args.files]
    done = [make_call(script.load(f), 1000 + i, args.out) for i, f in enumerate(files)]
    if demo:
        import written
        done += written.make(HERE / "demo", args.out)
    write_truth(args.out, args.mode, done)


def main():
    """Reads the command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mode", choices=["demo", "script", "second", "long", "negatives"])
    p.add_argument("files", nargs="*", help="call scripts (mode script)")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=24)
    p.add_argument("--numbers-only", action="store_true")
    p.add_argument("--minutes", type=float, default=60)
    args = p.parse_intermixed_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.mode in ("demo", "script"):
        scripts(args)
    elif args.mode == "second":
        import second
        write_truth(args.out, args.mode, second.make(args, make_call))
    elif args.mode == "long":
        import long_call
        write_truth(args.out, args.mode, long_call.make(args))
    else:
        import negatives
        write_truth(args.out, args.mode, negatives.make(args))


if __name__ == "__main__":
    main()
