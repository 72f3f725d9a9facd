"""Speech from flite and espeak-ng, with the time of every word."""

import array
import functools
import os
import re
import subprocess
import tempfile
import wave
from dataclasses import dataclass

RATE = 8000
TARGET_RMS = 2600.0  # of 32768, while speaking: about -22 dBFS, a usual telephone level
PEAK = 26000


@dataclass(frozen=True)
class Voice:
    """A synthetic speaker: engine voice plus its prosody."""

    name: str
    stretch: float = 1.0
    pitch_hz: float = 0.0
    speed: float = 1.0  # resampling factor: shifts pitch, formants and pace together
    engine: str = "flite"

    @staticmethod
    def of(raw):
        """A voice from a script's table or its bare name."""
        return Voice(name=raw) if isinstance(raw, str) else Voice(**raw)


@dataclass
class Clip:
    """A sentence: samples at 8 kHz, `(start, end)` seconds of each word, voiced stretches."""

    samples: array.array
    words: list
    voiced: list


def run(cmd, **kw):
    """Runs a synthesiser; its failure is ours."""
    done = subprocess.run(cmd, capture_output=True, text=True, **kw)
    if done.returncode != 0:
        raise RuntimeError(f"{cmd[0]} failed: {done.stderr.strip()[:200]}")
    return done.stdout


def read_wav(path):
    """16-bit mono samples of a WAV."""
    with wave.open(path) as w:
        return array.array("h", w.readframes(w.getnframes()))


@functools.lru_cache(maxsize=None)
def phones_alone(word):
    """The phones of one word spoken alone; only used to find it again inside a sentence."""
    out = run(["flite", "-voice", "kal", "-ps", "-t", word, "none"])
    return tuple(p for p in out.split() if p != "pau")


def align(segments, words):
    """Gives each phone of the sentence to a word: least edits between both phone lists."""
    want = [(p, i) for i, w in enumerate(words) for p in phones_alone(w)]
    n, m = len(segments), len(want)
    cost = [[0] * (m + 1) for _ in range(n + 1)]
    for j in range(1, m + 1):
        cost[0][j] = j
    for i in range(1, n + 1):
        cost[i][0] = i
        for j in range(1, m + 1):
            swap = 0 if segments[i - 1][0] == want[j - 1][0] else 1.1
            cost[i][j] = min(cost[i - 1][j - 1] + swap, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    owner, i, j = [None] * n, n, m
    while i > 0:
        swap = 2 if j == 0 else (0 if segments[i - 1][0] == want[j - 1][0] else 1.1)
        if j > 0 and cost[i][j] == cost[i - 1][j - 1] + swap:
            owner[i - 1], i, j = want[j - 1][1], i - 1, j - 1
        elif cost[i][j] == cost[i - 1][j] + 1:
            owner[i - 1], i = (want[j - 1][1] if j > 0 else 0), i - 1
        else:
            j -= 1
    return owner


def spoken_form(word):
    """A word without the punctuation that is not heard."""
    return re.sub(r"[^\w'\-]", "", word)


def flite(words, voice, wav):
    """One sentence with word times, from the phone durations that flite prints."""
    cmd = ["flite", "-voice", voice.name, "-psdur", "--setf", f"duration_stretch={voice.stretch}"]
    if voice.pitch_hz:
        cmd += ["--setf", f"int_f0_target_mean={voice.pitch_hz}"]
    out = run(cmd + ["-t", " ".join(words), "-o", wav])
    segments, at = [], 0.0
    for item in out.split():
        phone, end = item.rsplit(":", 1)
        if float(end) < at:
            raise RuntimeError(f"flite cut the sentence in two: {' '.join(words)!r}")
        if phone != "pau":
            segments.append((phone, at, float(end)))
        at = float(end)
    heard = [spoken_form(w) for w in words]
    spans = [None] * len(words)
    for (_, start, end), k in zip(segments, align(segments, heard)):
        spans[k] = (spans[k][0] if spans[k] else start, end)
    if None in spans:
        raise RuntimeError(f"no phones for {words[spans.index(None)]!r} in {' '.join(words)!r}")
    return spans


def espeak(words, voice, wav):
    """One sentence from espeak-ng, which prints no times: found by level, words in proportion."""
    pace = str(int(165 / voice.stretch))
    run(["espeak-ng", "-v", voice.name, "-s", pace, "-w", wav, " ".join(words)])
    with wave.open(wav) as w:
        rate = w.getframerate()
    samples = read_wav(wav)
    loud = [i for i, s in enumerate(samples) if abs(s) > 200]
    start, end = loud[0] / rate, loud[-1] / rate
    total = sum(len(w) + 1 for w in words)
    spans, at = [], start
    for w in words:
        to = at + (end - start) * (len(w) + 1) / total
        spans.append((at, to))
        at = to
    return spans


def level(samples, spans):
    """Scales to the usual telephone level, measured while somebody speaks."""
    total, count = 0.0, 0
    for start, end in spans:
        part = samples[int(start * RATE):int(end * RATE)]
        total += sum(s * s for s in part)
        count += len(part)
    rms = (total / max(count, 1)) ** 0.5
    peak = max(map(abs, samples), default=1) or 1
    gain = min(TARGET_RMS / max(rms, 1.0), PEAK / peak)
    return array.array("h", (int(s * gain) for s in samples))


@functools.lru_cache(maxsize=4096)
def say(words, voice):
    """Speaks a tuple of words as one sentence."""
    with tempfile.TemporaryDirectory() as d:
        raw, low = os.path.join(d, "raw.wav"), os.path.join(d, "low.wav")
        spans = (espeak if voice.engine == "espeak" else flite)(words, voice, raw)
        effects = ["speed", f"{voice.speed}"] if voice.speed != 1.0 else []
        run(["sox", "-D", "-G", raw, "-c", "1", "-b", "16", low, *effects, "rate", str(RATE)])
        samples = read_wav(low)
    spans = [(s / voice.speed, e / voice.speed) for s, e in spans]
    # The synthesiser's own silence at both ends would blur the pauses we set: cut to 40 ms.
    first = max(0.0, spans[0][0] - 0.04)
    last = min(len(samples) / RATE, spans[-1][1] + 0.06)
    samples = samples[int(first * RATE):int(last * RATE)]
    spans = [(s - first, e - first) for s, e in spans]
    return Clip(level(samples, spans), spans, merge(spans, 0.06))


def merge(spans, gap):
    """Joins stretches that are less than `gap` apart."""
    out = []
    for s, e in sorted(spans):
        if out and s - out[-1][1] < gap:
            out[-1] = (out[-1][0], max(out[-1][1], e))
        else:
            out.append((s, e))
    return out
