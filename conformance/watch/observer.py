"""The brain of one watched connection: octets of both sides in, journal steps and findings out. Sans I/O.

Nothing is changed on the way, so there is nothing to be had here but knowledge; and whether TLS or compression has to begin.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.checks import DOUBTFUL_SYNTAX, SYNTAX
from conformance.model import CONVERSATIONS
from conformance.runner.recorder import MASK
from conformance.session import Session, command_name
from conformance.uids import UIDs
from conformance.watch.commands import CommandCutter
from conformance.watch.extensions import beyond, meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.checks import Violation
    from conformance.grammar import Grammar
    from conformance.response import Response
    from conformance.runner.client import Play
    from conformance.session import Event
    from conformance.watch.commands import Piece

_SECRET = re.compile(rb"(?i)(login +|authenticate +[^ \r\n]+ +)")
#: Octets that may come of what was read at once: what a peer compresses well must not fill memory and time.
_INFLATED = 1 << 20
#: Commands of a client that may be in progress, and the length of a tag or a name.
_PENDING, _WORD = 10_000, 200
#: Names of extensions that are told apart, and capabilities that a client may switch on.
_NAMES = 1_000
#: Octets of memory that the servers' unfinished responses and the mailboxes may take on all connections.
_ROOM = 32 << 20
_FORM = frozenset({*SYNTAX.values(), *DOUBTFUL_SYNTAX})


@dataclass
class Room:
    """Octets of memory that all observers may take together."""

    left: int = _ROOM


class Observer:
    """One connection. `client` and `server` take octets as they pass, in clear."""

    def __init__(
        self, grammar: Grammar, play: Play, room: Room | None = None, *, blind: bool = False
    ) -> None:
        """`blind`: only there to let it pass."""
        self._room = room or Room()
        self._held = 0
        self.name = "A"
        self.session = Session(self.name, grammar)
        self.greeting = ""
        self.unvalidated: Counter[str] = Counter()  #: responses of extensions that the grammar does not have
        self.deaf = "there are too many" if blind else ""  #: why nothing is looked at any more
        self._play = play
        self._cutter = CommandCutter()
        self._waiting = ""  #: the tag whose literal waits
        self._secret = ""  #: the tag of a command whose further lines are nobody's business
        self._enabled: set[str] = set()
        self._deflated = ""  #: the tag of a COMPRESS in progress
        self._inflate: dict[str, zlib._Decompress] = {}

    @property
    def tls_due(self) -> bool:
        """STARTTLS was answered OK: both sides have to shake hands before anything else."""
        return self.session.view.tls_due

    def opened(self, *, encrypted: bool) -> None:
        """The connection is open."""
        self.session.view.encrypted = encrypted
        self._play.step(self, "connect", note="TLS" if encrypted else "")

    def over_tls(self) -> None:
        """Both sides have shaken hands."""
        self.session.view.over_tls()
        self._play.step(self, "tls")

    def client(self, octets: bytes) -> None:
        """Octets that the client sends."""
        for plain in self._plain("client", octets):
            if self.deaf:
                return
            self._cutter.talking = any(c.name in CONVERSATIONS for c in self.session.view.pending.values())
            for piece in self._cutter.receive(plain):
                self._sent(piece)
            if self._cutter.lost:
                self._deafen("a line of the client had no end")
            elif len(self.session.view.pending) > _PENDING:
                self._deafen("the client had too many commands in progress")

    def server(self, octets: bytes) -> None:
        """Octets that the server sends."""
        while octets:
            # What stands behind the OK of COMPRESS is compressed.
            end = octets.find(b"\n") + 1 if self._deflated else 0
            now, octets = (octets[:end], octets[end:]) if end else (octets, b"")
            for plain in self._plain("server", now):
                if self.deaf:
                    return
                for event in self.session.arriving(plain):
                    self._received(event)
                if self.session.broken or len(self.session.view.pending) > _PENDING:
                    self._deafen("a limit was passed")
        self._take_room(self.session.held)
        if self._room.left < 0 and not self.deaf:
            self._deafen("all connections together have passed a limit")

    def _take_room(self, octets: int) -> None:
        self._room.left -= octets - self._held
        self._held = octets

    def refused(self, how: str) -> None:
        """There is no connection to the server."""
        self._play.step(self, "end", note=how)

    def ended(self, how: str) -> None:
        """The server has closed the connection."""
        violations = [] if self.deaf else self.session.ended(how)
        self._play.blame(violations, self._play.step(self, "end", note=how))

    def left(self) -> None:
        """The client has closed the connection."""
        self._play.step(self, "close")

    def closed(self) -> None:
        """Both sides have closed the connection: what was known of it is not needed any more."""
        self._play.end()
        self._take_room(0)

    def _deafen(self, why: str) -> None:
        if self.deaf:
            return
        self.deaf = why
        self.session.forget()
        self._take_room(0)
        self._play.step(self, "close", note=f"{why}: the connection goes on unwatched")

    def _sent(self, piece: Piece) -> None:
        if self.deaf:
            return
        view = self.session.view
        shown = piece.octets
        if piece.tag:
            name = command_name(piece.rest[:_WORD])
            if len(piece.tag) > _WORD:
                self._deafen("the client had a tag that is too long")
                return
            view.send(piece.tag, meaning(name, piece.rest), piece.rest)
            if name == "COMPRESS":
                self._deflated = piece.tag
            if name in ("LOGIN", "AUTHENTICATE"):
                self._secret = piece.tag
                secret = _SECRET.match(piece.rest)
                kept = len(piece.octets) - len(piece.rest) + (secret.end() if secret else len(piece.rest))
                shown = shown[:kept] + (f"{MASK}\r\n".encode() if secret else b"")
        elif self._secret:
            shown = f"{MASK}\r\n".encode()
        if piece.waits:
            view.awaiting, self._waiting = True, piece.tag or next(reversed(view.pending), "")
        self._play.step(self, "send", shown)

    def _received(self, event: Event) -> None:
        response = event.response
        extension = beyond(response, self._enabled)
        if extension:
            known = extension in self.unvalidated or len(self.unvalidated) < _NAMES
            self.unvalidated[extension if known else "others"] += 1
        note = f"not validated: {extension}" if extension else ""
        step = self._play.step(
            self,
            "receive",
            response.raw,
            note=note,
            problem=None if extension else response.problem,
            state=event.state,
        )
        self.greeting = self.greeting or response.raw[:_NAMES].decode("latin-1").rstrip("\r\n")
        self._play.blame([v for v in event.violations if not extension or not _about_form(v)], step)
        self._follow(response)

    def _follow(self, response: Response) -> None:
        """What a response changes for what comes next."""
        view = self.session.view
        if response.kind == "continuation":
            self._cutter.asked()
            self._waiting = ""
        elif response.kind == "tagged":
            if response.tag == self._secret:
                self._secret = ""
            if response.tag == self._waiting:
                self._cutter.refused()
                self._waiting, view.awaiting = "", False
            if response.tag == self._deflated:
                self._deflated = ""
                if response.name == "OK":
                    self._inflate = {
                        side: zlib.decompressobj(-zlib.MAX_WBITS) for side in ("client", "server")
                    }
        elif response.name == "ENABLED":
            self._enabled |= {str(getattr(item, "key", "")) for item in response.items[:_NAMES]}
            if len(self._enabled) > _NAMES:
                self._enabled = set()
        elif response.name == "VANISHED" and view.mailbox is not None:
            # RFC 7162: messages go by UID instead of by number; what we know of numbers is void.
            view.mailbox.exists = None
            view.mailbox.uids = UIDs()

    def _plain(self, side: str, octets: bytes) -> Iterator[bytes]:
        """The octets as they were before COMPRESS (RFC 4978)."""
        inflate = self._inflate.get(side)
        if inflate is None:
            yield octets
            return
        try:
            plain = inflate.decompress(octets, _INFLATED)
        except zlib.error as error:
            self._deafen(f"the {side} compressed wrong ({error})")
            return
        if len(plain) == _INFLATED:
            self._deafen("a limit was passed")
            return
        yield plain


def _about_form(violation: Violation) -> bool:
    return violation.requirement in _FORM
