"""A very long recording: talk, silence, hold music and ringing, to see what a recogniser makes of an hour."""

import random

import mix
import second
import tones

STYLES = ["organ", "pluck", "tune"]


def place(tape, sections, kind, channel, start, samples):
    """Puts a sound onto one channel and notes where; gives its end."""
    tape.add(channel, start, samples)
    end = start + len(samples) / tones.RATE
    sections.append({"kind": kind, "channel": channel, "start_ms": mix.ms(start), "end_ms": mix.ms(end)})
    return end


def make(args):
    """One file, `long.wav`, and its truth with `sections` of everything that is not talk."""
    rng = random.Random(f"long-{args.seed}")
    total, tape, sections, at, n = args.minutes * 60, mix.Tape(), [], 1.0, 0
    at = place(tape, sections, "ringback", 1, at, tones.ringback(min(14, total / 8)))
    while at < total - 75:
        end = mix.perform(tape, second.call(rng, n, False), rng, at + 0.5)
        sections.append({"kind": "talk", "channel": None, "start_ms": mix.ms(at + 0.5), "end_ms": mix.ms(end)})
        at, n = end, n + 1
        left = total - at
        kind = n % 3
        if kind == 1 and left > 20:
            seconds = min(rng.uniform(25, 100), left - 10)
            at = place(tape, sections, "music", rng.choice([0, 1]), at + 1.0, tones.music(seconds, STYLES[n // 3 % 3]))
        elif kind == 2 and left > 20:
            quiet = min(rng.uniform(15, 150), left - 10)
            sections.append({"kind": "silence", "channel": None, "start_ms": mix.ms(at + 0.5), "end_ms": mix.ms(at + quiet)})
            at += quiet
        elif left > 40:
            at = place(tape, sections, "ringback", 1, at + 1.0, tones.ringback(rng.choice([8, 14, 20])))
    if total - at > 1:
        sections.append({"kind": "silence", "channel": None, "start_ms": mix.ms(at + 0.5), "end_ms": mix.ms(total)})
    tape.pad(total)
    tape.write(args.out / "long.wav", seed=args.seed)
    truth = tape.truth("long", file="long.wav", channel="voice", kind="long", language="en", ordinary=True, planted_elsewhere=[])
    truth["sections"] = sections
    seconds = {k: round(sum(s["end_ms"] - s["start_ms"] for s in sections if s["kind"] == k) / 1000) for k in ("talk", "music", "ringback", "silence")}
    print(f"long: {truth['duration_ms'] / 60000:.1f} min, {len(truth['planted'])} planted, seconds {seconds}")
    return [truth]
