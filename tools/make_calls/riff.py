"""Just enough WAV to ask which samples are exactly zero, in every encoding callvault writes."""

import re
import struct

SILENT_RUN_MS = 10  # shorter runs of zeros are zero crossings, not muting


class BadWav(Exception):
    """The file is not a WAV that we read."""


def chunks(data):
    """The `fmt ` and `data` chunks."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise BadWav("not a RIFF WAVE file")
    at, found = 12, {}
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        found.setdefault(name, data[at + 8:at + 8 + size])
        at += 8 + size + (size & 1)
    if b"fmt " not in found or b"data" not in found:
        raise BadWav("no fmt or data chunk")
    return found[b"fmt "], found[b"data"]


def silent_frames(tag, width, samples):
    """One byte a sample: 1 where it is exactly zero."""
    if tag == 7:
        return bytes(samples).translate(bytes(1 if b in (0x7F, 0xFF) else 0 for b in range(256)))
    if tag == 6:  # A-law has no zero; its smallest steps stand for it
        return bytes(samples).translate(bytes(1 if b in (0x55, 0xD5) else 0 for b in range(256)))
    if tag not in (1, 3):
        raise BadWav(f"encoding {tag} is not known")
    if width == 1:
        return bytes(samples).translate(bytes(1 if b == 0x80 else 0 for b in range(256)))
    zero, minus = bytes(width), bytes(width - 1) + (b"\x80" if tag == 3 else b"\0")
    return bytes(1 if samples[i:i + width] in (zero, minus) else 0 for i in range(0, len(samples), width))


class Mask:
    """The muted stretches of each channel, in milliseconds."""

    def __init__(self, path):
        fmt, data = chunks(path.read_bytes())
        tag, self.channels, self.rate, _, block, bits = struct.unpack_from("<HHIIHH", fmt)
        if tag == 0xFFFE:
            tag = struct.unpack_from("<H", fmt, 24)[0]
        width = bits // 8
        if width < 1 or block != width * self.channels:
            raise BadWav("the block size does not fit")
        data = data[:len(data) // block * block]
        self.duration_ms = len(data) // block * 1000 / self.rate
        run = re.compile(b"\x01{%d,}" % (self.rate * SILENT_RUN_MS // 1000))
        self.muted = []
        for c in range(self.channels):
            one = b"".join(data[c * width + k::block] for k in range(width)) if width == 1 else bytes(
                b for i in range(c * width, len(data), block) for b in data[i:i + width])
            flags = silent_frames(tag, width, one)
            self.muted.append([(m.start() * 1000 / self.rate, m.end() * 1000 / self.rate) for m in run.finditer(flags)])
