"""Tables of responses and commands in tests/data, read for the tests of grammar, response and wire."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"

_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|([rn0]))")
_ESCAPES = {"r": "\r", "n": "\n", "0": "\0"}


def octets(text: str) -> bytes:
    """What a line of a table stands for."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPES[m[2]], text).encode("latin-1")


def _lines(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="ascii").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


class Refused(NamedTuple):
    octets: bytes
    rule: str
    offset: int
    expected: str


def accepted() -> list[bytes]:
    lines = _lines("responses-accepted.txt") + _lines("responses-dovecot.txt")
    return [octets(line) + b"\r\n" for line in lines]


def accepted_commands() -> list[bytes]:
    return [octets(line) + b"\r\n" for line in _lines("commands-accepted.txt")]


def refused(units: str = "responses") -> list[Refused]:
    lines = _lines(f"{units}-refused.txt")
    table = []
    for text, caret in zip(lines[::2], lines[1::2], strict=True):
        column = caret.index("^")
        rule, expected = caret[column + 1 :].strip().split(": ", 1)
        table.append(Refused(octets(text), rule, len(octets(text[:column])), expected))
    return table
