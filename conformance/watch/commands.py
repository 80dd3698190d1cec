"""What a client sends -> pieces, each with the command that begins in it. Sans I/O.

Knows: lines, literals of both kinds, conversations. Must not know: sockets, what a server answers means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.grammar import number

_HEADER = re.compile(rb"\{([0-9]+)(\+?)\}\r?\n\Z")
_TAG = re.compile(rb"([^\s(){%*\"\\+]+) ")
#: Octets of a line without an end that are kept: beyond that the client is not understood any more.
LINE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A line with its end, or octets of a literal.

    `tag` is set where a command begins, `rest` is what stands behind the tag. `waits`: the client goes on when the server asks for
    more.
    """

    octets: bytes
    tag: str = ""
    rest: bytes = b""
    waits: bool = False


class CommandCutter:
    """Cuts the octets of one client. `talking` is set from outside while lines answer the server (AUTHENTICATE, IDLE)."""

    def __init__(self) -> None:
        self.talking = False
        self.lost = False  #: a line had no end; nothing is cut any more
        self._octets = bytearray()
        self._literal = 0  #: octets of a literal that are still to come
        self._inside = False  #: a command has begun and not ended
        self._waiting = 0  #: octets of a literal that come if the server wants them

    def receive(self, octets: bytes) -> list[Piece]:
        """Take octets as they come; the pieces that are now complete."""
        self._octets += octets
        pieces: list[Piece] = []
        while self._octets and (piece := self._next()) is not None:
            pieces.append(piece)
        return pieces

    def asked(self) -> None:
        """The server wants the literal."""
        self._literal, self._waiting = self._waiting, 0

    def refused(self) -> None:
        """The server has completed the command whose literal was waiting: it does not come."""
        self._waiting = 0
        self._inside = False

    def _next(self) -> Piece | None:
        if self.lost:
            return self._take(len(self._octets))
        if self._literal:
            piece = self._take(min(self._literal, len(self._octets)))
            self._literal -= len(piece.octets)
            return piece
        if self._waiting:  # the client does not wait, whatever it announced
            self.asked()
            return self._next()
        end = self._octets.find(b"\n") + 1
        if not end:
            self.lost = len(self._octets) > LINE_LIMIT
            return self._take(len(self._octets)) if self.lost else None
        return self._line(bytes(self._take(end).octets))

    def _line(self, line: bytes) -> Piece:
        if self.talking and not self._inside:
            return Piece(line)
        begins = None if self._inside else _TAG.match(line)
        header = _HEADER.search(line)
        self._inside = header is not None
        waits = header is not None and not header[2]
        if header is not None:
            length = number(header[1].decode("ascii"))
            self._literal, self._waiting = (0, length) if waits else (length, 0)
        if begins is None:
            return Piece(line, waits=waits)
        return Piece(line, begins[1].decode("latin-1"), line[begins.end() :], waits)

    def _take(self, count: int) -> Piece:
        octets = bytes(self._octets[:count])
        del self._octets[:count]
        return Piece(octets)
