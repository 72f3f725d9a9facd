"""Turns become a two-channel recording and the exact truth about it."""

import array
import os
import random
import subprocess
import tempfile
import wave

import tones
from voices import RATE, Voice, merge, say


class Tape:
    """A recording in the making; the customer is channel 0, the agent channel 1."""

    def __init__(self, channels=2):
        self.tracks = [array.array("h") for _ in range(channels)]
        self.planted, self.negatives, self.voiced, self.turns, self.tones = [], [], [], [], []

    def seconds(self):
        """Length so far."""
        return max(len(t) for t in self.tracks) / RATE

    def pad(self, seconds):
        """Silence up to a point of time."""
        n = round(seconds * RATE)
        for t in self.tracks:
            if len(t) < n:
                t.extend(array.array("h", bytes(2 * (n - len(t)))))

    def add(self, channel, start, samples):
        """Adds samples to what is there; too loud is cut, as on a line."""
        channel = min(channel, len(self.tracks) - 1)
        track, at = self.tracks[channel], round(start * RATE)
        need = at + len(samples) - len(track)
        if need > 0:
            track.extend(array.array("h", bytes(2 * need)))
        for i, s in enumerate(samples):
            track[at + i] = max(-32767, min(32767, track[at + i] + s))

    def mark(self, mark, channel, start, end, keyed=False):
        """Notes a planted value or a hard negative."""
        where = {"channel": min(channel, len(self.tracks) - 1), "start_ms": ms(start), "end_ms": ms(end)}
        if mark.type:
            row = {"type": mark.type, "value": mark.value, "spoken": mark.spoken, **where}
            self.planted.append({**row, "keyed": True} if keyed else row)
        else:
            self.negatives.append({"kind": mark.kind, "text": mark.spoken, **where})

    def speak(self, party, tokens, voice, start, rng):
        """One turn from `start`; gives its end."""
        at, words, spans = start, [], []
        for sentence in sentences(tokens):
            clip = say(tuple(t.text for t in sentence), voice)
            self.add(party, at, clip.samples)
            for t, (s, e) in zip(sentence, clip.words):
                words.append({"text": t.text, "start_ms": ms(at + s), "end_ms": ms(at + e)})
                spans.append((t.mark, at + s, at + e))
            self.voiced += [(min(party, len(self.tracks) - 1), at + s, at + e) for s, e in clip.voiced]
            at += len(clip.samples) / RATE
            end, at = at, at + rng.uniform(0.12, 0.28)
        for mark in dict.fromkeys(id(m) for m, _, _ in spans if m):
            hit = [(m, s, e) for m, s, e in spans if m and id(m) == mark]
            self.mark(hit[0][0], party, hit[0][1], hit[-1][2])
        self.turns.append({
            "party": party, "channel": min(party, len(self.tracks) - 1),
            "start_ms": words[0]["start_ms"], "end_ms": words[-1]["end_ms"],
            "text": " ".join(w["text"] for w in words), "words": words,
        })
        return end

    def press(self, turn, start, rng):
        """Keys pressed by the turn's party; gives the end."""
        samples, times = tones.keys(turn.keys, rng)
        self.add(turn.party, start, samples)
        for symbol, s, e in times:
            self.tones.append({"symbol": symbol, "channel": turn.party, "start_ms": ms(start + s), "end_ms": ms(start + e)})
        # The hash key ends the entry and is no part of the value.
        value = [t for t in times if t[0] != "#"] or times
        if turn.keys_mark:
            self.mark(turn.keys_mark, turn.party, start + value[0][1], start + value[-1][2], keyed=True)
        return start + times[-1][2]

    def truth(self, name, **more):
        """The record of one conversation in the truth file."""
        speech = []
        for c in range(len(self.tracks)):
            stretches = merge([(s, e) for k, s, e in self.voiced if k == c], 0.06)
            speech += [{"channel": c, "start_ms": ms(s), "end_ms": ms(e)} for s, e in stretches]
        by_time = lambda r: (r["start_ms"], r["channel"])
        return {
            "id": name, "duration_ms": ms(self.seconds()), "sample_rate": RATE, "channels": len(self.tracks), **more,
            "planted": sorted(self.planted, key=by_time), "negatives": sorted(self.negatives, key=by_time),
            "speech": sorted(speech, key=by_time), "tones": self.tones,
            "turns": sorted(self.turns, key=by_time),
        }

    def write(self, path, seed=1, noise=16.0, extra=()):
        """Writes µ-law at 8 kHz, limited to 300-3400 Hz, over the hiss of a line."""
        self.pad(self.seconds())
        frames = len(self.tracks[0])
        out = array.array("h", bytes(2 * frames * len(self.tracks)))
        for c, track in enumerate(self.tracks):
            if noise:
                bed = tones.hiss(seed * 2 + c, noise)
                bed = (bed * (frames // len(bed) + 1))[:frames]
                track = array.array("h", (max(-32767, min(32767, a + b)) for a, b in zip(track, bed)))
            out[c::len(self.tracks)] = track
        with tempfile.TemporaryDirectory() as d:
            flat = os.path.join(d, "flat.wav")
            with wave.open(flat, "wb") as w:
                w.setnchannels(len(self.tracks))
                w.setsampwidth(2)
                w.setframerate(RATE)
                w.writeframes(out.tobytes())
            cmd = ["sox", "-D", "-V1", flat, "-e", "mu-law", "-b", "8", str(path), "sinc", "300-3400", *extra]
            subprocess.run(cmd, check=True)


def ms(seconds):
    """Whole milliseconds."""
    return round(seconds * 1000)


def sentences(tokens):
    """Cuts after a full stop, question or exclamation mark; a mark must not straddle a cut."""
    out = [[]]
    for i, t in enumerate(tokens):
        out[-1].append(t)
        if t.text[-1] in ".?!" and i + 1 < len(tokens):
            if t.mark is not None and t.mark is tokens[i + 1].mark:
                raise ValueError(f"a value runs over the end of a sentence at {t.text!r}")
            out.append([])
    return out


def perform(tape, call, rng, start):
    """Speaks a whole script onto a tape from `start` seconds on; gives the end."""
    voices = [Voice.of(call["customer"]["voice"]), Voice.of(call["agent"]["voice"])]
    end = start
    free = [start, start]  # nobody talks over himself
    for turn in call["turns"]:
        gap = turn.gap_ms / 1000 if turn.gap_ms is not None else rng.uniform(0.18, 0.45)
        at = end - turn.overlap_ms / 1000 if turn.overlap_ms else end + gap
        at = max(at, free[turn.party])
        if turn.keys:
            stop = tape.press(turn, at, rng)
        else:
            stop = tape.speak(turn.party, turn.tokens, voices[turn.party], at, rng)
        free[turn.party] = stop + 0.1
        end = max(end, stop)
    return end


def render(call, seed, channels=2):
    """One call on a tape of its own."""
    rng = random.Random(seed)
    tape = Tape(channels)
    end = perform(tape, call, rng, call.get("lead_ms", 200) / 1000)
    tape.pad(end + call.get("tail_ms", 250) / 1000)
    return tape
