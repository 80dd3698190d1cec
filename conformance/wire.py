"""Octets <-> whole responses, and a command -> the segments it is sent in. Sans I/O.

A unit is one response: a line with its CRLF, and where the line ends in a literal's header, that literal and what follows it. Cutting
needs no grammar, so a response that is wrong is still a unit of its own.

Knows: line ends, literals, limits. Must not know: what a response means; sockets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.grammar import Problem, number, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A server's literal. `{n+}` is a client's form (RFC 7888); a server that uses it nevertheless sends n octets behind it.
_HEADER = re.compile(rb"\{([0-9]+)\+?\}\r?\n")
#: Only data holds literals: the text of `* OK` may end in what looks like a header (RFC 3501 section 9, resp-text).
_DATA = re.compile(rb"\*(?![ \t]*(?:OK|NO|BAD|BYE|PREAUTH)(?![A-Z0-9]))", re.IGNORECASE)
#: The exception: charsets in a response code are astrings, as long as their list is not closed.
_OPEN = rb"(?:[^\")]|\"(?:[^\"\\]|\\.)*+\")*+"
_CHARSETS = re.compile(rb"(?:\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)) \[BADCHARSET \(" + _OPEN, re.IGNORECASE)
_STILL_OPEN = re.compile(_OPEN)
#: What nesting is counted by: quoted strings and literals are passed over.
_NESTING = re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*+"?|\{([0-9]++)\+?\}\r?\n|[()]')


_WORDS = re.compile(rb'"(?:[^"\\\r\n]|\\[^\r\n])*+"?|\{([0-9]++)\+?\}\r?\n|[( ]')


#: Words that are not worth counting.
_FEW = 1_000


@dataclass(frozen=True)
class Limits:
    """What a server may send, in octets and levels; RFC 3501 sets none, these bound memory and time.

    A line is counted without literals. Its limits leave room for SEARCH and ENVELOPE of large mailboxes and odd messages (words
    take a hundred times the memory of their octets when they are read); the nesting limit for bodies of more levels than servers
    look into. To pass a limit is no fault: nothing more is read, and nothing is said of what came.
    """

    line: int = 1024 * 1024
    literal: int = 16 * 1024 * 1024
    unit: int = 16 * 1024 * 1024
    nesting: int = 200
    words: int = 150_000


#: The rule of a problem that is a limit of ours.
LIMIT = "limit"


@dataclass(frozen=True)
class Unit:
    """One response as it came. `problem` is set when a limit was passed; then `octets` is what had come of it."""

    octets: bytes
    problem: Problem | None = None


class Cutter:
    """Cuts the octets of one connection into units. The work is linear in the input, however it is segmented."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._octets = bytearray()  #: of the unit at hand, and behind it
        self._line = 0  #: where the present line of the unit begins: 0, or behind its latest literal
        self._seen = 0  #: up to here there is no line end; inside a literal, its end
        #: A limit was passed: nothing more is read.
        self.broken = False

    @property
    def pending(self) -> bytes:
        """What came of a unit that is not complete."""
        return bytes(self._octets)

    @property
    def held(self) -> int:
        """The number of these octets."""
        return len(self._octets)

    def receive(self, octets: bytes) -> list[Unit]:
        """Take octets as they arrive; the units that are now complete."""
        return list(self.arriving(octets))

    def arriving(self, octets: bytes) -> Iterator[Unit]:
        """The same one by one: whoever stops in between finds the others next time."""
        if not self.broken:
            self._octets += octets
        while not self.broken and (unit := self._next()) is not None:
            yield unit

    def _next(self) -> Unit | None:
        """Cut one unit off the front, if it is complete or breaks a limit."""
        limits = self._limits
        while self._seen <= len(self._octets):
            end = self._octets.find(b"\n", self._seen) + 1
            self._seen = end or len(self._octets)
            bound = self._line + limits.line
            if self._seen > min(bound, limits.unit):
                longest = (
                    f"line of at most {limits.line}"
                    if bound < limits.unit
                    else f"response of at most {limits.unit}"
                )
                return self._break(min(bound, limits.unit), f"a {longest} octets", "more")
            if not end:
                return None
            header = self._header(end)
            if header is None:
                return self._cut(end)
            length, found = number(header[1].decode("ascii")), visible(header[0].decode("ascii"))
            self._line = self._seen = end + length
            if length > limits.literal:
                return self._break(end, f"a literal of at most {limits.literal} octets", found)
            if self._seen > limits.unit:
                return self._break(end, f"a response of at most {limits.unit} octets", found)
        return None

    def _header(self, end: int) -> re.Match[bytes] | None:
        """The header of a literal in which the line up to `end` ends."""
        begin = self._octets.rfind(b"{", self._line, end)
        found = _HEADER.fullmatch(self._octets, begin, end) if begin >= 0 else None
        if found is None or _DATA.match(self._octets):
            return found
        if self._line:
            open_list = _STILL_OPEN.fullmatch(self._octets, self._line, begin) is not None
        else:
            open_list = _CHARSETS.fullmatch(self._octets, 0, begin) is not None
        return found if open_list else None

    def _cut(self, end: int) -> Unit:
        unit = self._front(end)
        deep = _deeper(unit, self._limits.nesting)
        if deep is not None:
            return self._break(end, f"at most {self._limits.nesting} levels of parentheses", "one more", deep)
        if words(unit) > self._limits.words:
            return self._break(end, f"a response of at most {self._limits.words} words", "more")
        del self._octets[:end]
        self._line = self._seen = 0
        return Unit(unit)

    def _break(self, end: int, expected: str, found: str, offset: int | None = None) -> Unit:
        """Stop reading: the last unit is what came up to `end`."""
        octets = self._front(end)
        self.broken = True
        self._octets.clear()
        return Unit(octets, Problem(LIMIT, end if offset is None else offset, (expected,), found))

    def _front(self, end: int) -> bytes:
        """The octets up to `end`, copied once."""
        with memoryview(self._octets) as octets:
            return bytes(octets[:end])


def words(unit: bytes) -> int:
    """About how many words there are, those in quoted strings and literals apart."""
    if unit.count(b" ") + unit.count(b"(") < _FEW or not _DATA.match(unit):
        return 0
    if b'"' not in unit and b"{" not in unit:
        return unit.count(b" ") + unit.count(b"(")
    count = offset = 0
    while found := _WORDS.search(unit, offset):
        offset = found.end() + (number(found[1].decode("ascii")) if found[1] else 0)
        count += not found[0].startswith((b'"', b"{"))
    return count


def _deeper(unit: bytes, levels: int) -> int | None:
    """The offset of the first parenthesis that opens more than so many levels."""
    if unit.count(b"(") <= levels or not _DATA.match(unit):
        return None
    depth = offset = 0
    while found := _NESTING.search(unit, offset):
        offset = found.end() + (number(found[1].decode("ascii")) if found[1] else 0)
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if depth > levels:
            return found.start()
    return None


@dataclass(frozen=True)
class Literal:
    """A literal in a command. `sync`: its octets wait for a continuation request; otherwise it is written `{n+}` (RFC 7888)."""

    octets: bytes
    sync: bool = True


def segments(parts: Sequence[bytes | Literal]) -> tuple[bytes, ...]:
    """The segments of a command: the first is sent at once, each further one when the server asks for it.

    `parts` are the whole command, tag and CRLF included.
    """
    written = [bytearray()]
    for part in parts:
        if isinstance(part, bytes):
            written[-1] += part
            continue
        written[-1] += b"{%d%s}\r\n" % (len(part.octets), b"" if part.sync else b"+")
        if part.sync:
            written.append(bytearray())
        written[-1] += part.octets
    return tuple(map(bytes, written))
