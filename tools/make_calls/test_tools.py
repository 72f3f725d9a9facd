"""Tests of what needs no synthesiser: `python3 -m unittest discover -s tools/make_calls -p 'test_*.py'`."""

import struct
import tempfile
import unittest
from pathlib import Path

import score_muted
import script
import values
from riff import BadWav, Mask


def ulaw_wav(path, channels):
    """A µ-law WAV of the given channels, each a list of sample bytes."""
    data = bytes(b for frame in zip(*channels) for b in frame)
    fmt = struct.pack("<HHIIHH", 7, len(channels), 8000, 8000 * len(channels), len(channels), 8)
    path.write_bytes(b"RIFF" + struct.pack("<I", 28 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + fmt
                     + b"data" + struct.pack("<I", len(data)) + data)


class Scoring(unittest.TestCase):
    def score(self, muted_from, muted_to):
        """One second of sound on two channels, channel 0 muted between two points (ms); a value at 200-600 ms."""
        with tempfile.TemporaryDirectory() as d:
            left = [0x10] * 8000
            left[muted_from * 8:muted_to * 8] = [0xFF] * ((muted_to - muted_from) * 8)
            ulaw_wav(Path(d) / "a.redacted.wav", [left, [0x10] * 8000])
            calls = [{"id": i, "file": f"calls/{i}.wav", "duration_ms": 1000, "channels": 2, "ordinary": True,
                      "planted": [{"type": "CVV", "channel": 0, "start_ms": 200, "end_ms": 600}],
                      "speech": [{"channel": c, "start_ms": 0, "end_ms": 1000} for c in (0, 1)]} for i in ("a", "b")]
            return score_muted.summary(calls, score_muted.score(calls, Path(d)))

    def test_a_muted_value_is_covered_and_its_margin_is_false_mute(self):
        r = self.score(100, 650)
        self.assertEqual((r["covered"], r["payment_covered_percent"], r["falsely_muted_ms"], r["other_speech_ms"]), (1, 100.0, 150, 1600))
        self.assertEqual((r["false_mute_percent_outside_ring"], r["quarantined_calls"], r["strange"]), (0.0, ["b"], []))

    def test_a_value_cut_short_is_missed(self):
        r = self.score(230, 600)  # 92.5 %
        self.assertEqual((r["covered"], r["missed"][0]["muted_percent"]), (0, 92.5))

    def test_short_runs_of_zero_are_not_muting(self):
        self.assertEqual(self.score(300, 309)["planted_time_muted_percent"], 0.0)

    def test_what_is_no_wav_is_refused(self):
        with tempfile.TemporaryDirectory() as d:
            path = Path(d) / "x.wav"
            path.write_bytes(b"hello, this is text")
            self.assertRaises(BadWav, Mask, path)


class Scripts(unittest.TestCase):
    def test_marks_carry_value_and_place(self):
        text, marks = script.parse_marks("My code is {CVV:417|four one seven}, order [order number|nine].")
        self.assertEqual(text, "My code is four one seven, order nine.")
        self.assertEqual([(text[s:e], m.type, m.value, m.kind) for s, e, m in marks],
                         [("four one seven", "CVV", "417", ""), ("nine", "", "", "order number")])

    def test_a_broken_mark_is_refused(self):
        self.assertRaises(ValueError, script.parse_marks, "My code is {CVV:417|four")

    def test_numbers_as_people_say_them(self):
        self.assertEqual(values.doubled("5554400"), "triple five double four double zero")
        self.assertEqual([values.two(t) for t in ("07", "13", "40", "42", "00")], ["oh seven", "thirteen", "forty", "forty two", "oh oh"])
        self.assertEqual(values.luhn("411111111111111"), "4111111111111111")
        self.assertEqual([values.year(y) for y in (1984, 2000, 2003, 1905)],
                         ["nineteen eighty four", "two thousand", "two thousand three", "nineteen oh five"])


if __name__ == "__main__":
    unittest.main()
