"""Call scripts: text with markers of planted values.

`{TYPE:canonical value|as spoken}`  a planted value, to be muted
`{TYPE:value}`                      the same, spoken as it is written
`[kind|as spoken]`                  a hard negative: looks sensitive, is not
"""

import re
import tomllib
from dataclasses import dataclass, field

MARK = re.compile(r"\{([A-Z_]+):([^|{}]*)(?:\|([^{}]*))?\}|\[([a-z ]+)\|([^\[\]]*)\]")


@dataclass
class Mark:
    """One planted value (`type` set) or one hard negative (`kind` set)."""

    spoken: str
    type: str = ""
    value: str = ""
    kind: str = ""


@dataclass
class Token:
    """One word as written, with its mark, if it stands in one."""

    text: str
    mark: Mark | None = None


@dataclass
class Turn:
    """What one party says (or keys) in one go."""

    party: int
    tokens: list[Token] = field(default_factory=list)
    gap_ms: int | None = None
    overlap_ms: int = 0
    keys: str = ""
    keys_mark: Mark | None = None


def parse_marks(text):
    """The text without its markers, and the marks with their code point ranges in it."""
    out, marks, at = [], [], 0
    length = 0
    for m in MARK.finditer(text):
        plain = text[at:m.start()]
        kind = m.group(4) or ""
        spoken = m.group(5) if kind else (m.group(3) if m.group(3) is not None else m.group(2))
        out += [plain, spoken]
        start = length + len(plain)
        length = start + len(spoken)
        marks.append((start, length, Mark(spoken, m.group(1) or "", m.group(2) or "", kind)))
        at = m.end()
    rest = text[at:]
    if any(c in rest for c in "{}[]"):
        raise ValueError(f"unread marker in {rest!r}")
    return "".join(out) + rest, marks


def tokens_of(text):
    """Words of a marked text; a word that touches a mark belongs to it."""
    plain, marks = parse_marks(text)
    tokens = []
    for m in re.finditer(r"\S+", plain):
        mark = next((k for s, e, k in marks if s < m.end() and m.start() < e), None)
        tokens.append(Token(m.group(), mark))
    return tokens


def turn_of(raw):
    """A turn from its table in a script."""
    keys = raw.get("keys", "")
    mark = None
    if keys:
        value = raw.get("keys_value", keys.rstrip("#"))
        mark = Mark(keys, raw.get("keys_type", ""), value, raw.get("keys_kind", ""))
    return Turn(
        party={"customer": 0, "agent": 1}[raw["who"]],
        tokens=tokens_of(raw.get("text", "")),
        gap_ms=raw.get("gap_ms"),
        overlap_ms=raw.get("overlap_ms", 0),
        keys=keys,
        keys_mark=mark,
    )


def load(path):
    """A call script: the table as written, with `turn` parsed."""
    with open(path, "rb") as f:
        raw = tomllib.load(f)
    raw["turns"] = [turn_of(t) for t in raw.pop("turn", [])]
    return raw
