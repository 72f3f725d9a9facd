"""Sounds that are not speech: keypad tones, ringing, hold music, the hiss of a line."""

import array
import math
import os
import random
import subprocess
import tempfile

from voices import RATE, read_wav

ROWS, COLS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = ["123A", "456B", "789C", "*0#D"]


def key(symbol, ms, amplitude=5200):
    """One keypad tone (ITU-T Q.23) with 3 ms ramps."""
    row = next(r for r, line in enumerate(PAD) if symbol in line)
    low, high = ROWS[row], COLS[PAD[row].index(symbol)]
    n, ramp = RATE * ms // 1000, RATE * 3 // 1000
    out = array.array("h", bytes(2 * n))
    for i in range(n):
        gain = min(1.0, (i + 1) / ramp, (n - i) / ramp)
        wave = 0.44 * math.sin(2 * math.pi * low * i / RATE) + 0.56 * math.sin(2 * math.pi * high * i / RATE)
        out[i] = int(amplitude * 1.6 * gain * wave)
    return out


def keys(symbols, rng):
    """A hand on a keypad: samples, and `(symbol, start, end)` seconds of each key."""
    out, times = array.array("h"), []
    for s in symbols:
        tone = key(s, rng.randint(90, 150))
        times.append((s, len(out) / RATE, (len(out) + len(tone)) / RATE))
        out.extend(tone)
        out.extend(array.array("h", bytes(2 * (RATE * rng.randint(90, 220) // 1000))))
    return out, times


def hiss(seed, amplitude=16.0):
    """Seven seconds of line noise, used again and again."""
    rng = random.Random(seed)
    return array.array("h", (int(rng.gauss(0.0, amplitude)) for _ in range(RATE * 7 + 13)))


CHORDS = [("C3", "E3", "G3", "C4"), ("A2", "C3", "E3", "A3"), ("F2", "A3", "C3", "F3"), ("G2", "B3", "D3", "G3")]
TUNE = ["E4", "G4", "A4", "G4", "E4", "D4", "C4", "D4", "E4", "E4", "D4", "C4", "A3", "C4", "D4", "E4"]
NOTES = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}


def hertz(note):
    """Frequency of a note like A4."""
    return 440.0 * 2 ** ((NOTES[note[0]] + 12 * (int(note[1]) - 4)) / 12)


def music(seconds, style):
    """Hold music: `organ` chords, `pluck` arpeggios or a `tune` over a bass."""
    out, n = array.array("h"), 0
    while len(out) < seconds * RATE:
        chord = CHORDS[n // (1 if style == "organ" else 4) % len(CHORDS)]
        if style == "organ":
            parts, length = [("sine", hertz(x)) for x in chord] + [("triangle", hertz(chord[0]))], 2.0
        elif style == "pluck":
            parts, length = [("pluck", hertz(chord[n % len(chord)]) * 2)], 0.28
        else:
            parts, length = [("triangle", hertz(TUNE[n % len(TUNE)])), ("sine", hertz(chord[0]))], 0.42
        args = ["synth", f"{length}"]
        for kind, hz in parts:
            args += [kind, f"{hz:.2f}"]
        chunk = sox_chord(tuple(args), len(parts), length)
        out.extend(chunk)
        n += 1
    return out[:int(seconds * RATE)]


_CHORDS = {}


def sox_chord(args, parts, length):
    """One mixed chord, remembered, because music repeats itself."""
    if args not in _CHORDS:
        with tempfile.TemporaryDirectory() as d:
            wav = os.path.join(d, "c.wav")
            cmd = ["sox", "-R", "-D", "-r", "44100", "-c", str(parts), "-n", "-r", str(RATE), "-b", "16", "-t", "wavpcm", wav, *args,
                   "remix", "-", "fade", "q", "0.02", f"{length}", "0.05", "norm", "-14"]
            subprocess.run(cmd, check=True, capture_output=True)
            _CHORDS[args] = read_wav(wav)
    return _CHORDS[args]


def ringback(seconds):
    """North American ringback: 440 + 480 Hz, two seconds on, four off."""
    out = array.array("h")
    on = array.array("h", (int(2600 * (math.sin(2 * math.pi * 440 * i / RATE) + math.sin(2 * math.pi * 480 * i / RATE)))
                           for i in range(2 * RATE)))
    while len(out) < seconds * RATE:
        out.extend(on)
        out.extend(array.array("h", bytes(2 * 4 * RATE)))
    return out[:int(seconds * RATE)]
