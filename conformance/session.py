"""One connection's brain: wire + grammar + model + checks, without a socket.

Octets that came go into `receive`, octets to be sent come out of `outgoing`; whoever owns the transport carries them. Tags are made
here; a literal's octets are held back until the server asks for them, and dropped when it refuses.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Literal as Choice

from conformance import checks
from conformance.memory import Memory
from conformance.model import State, View
from conformance.response import Response, read
from conformance.wire import Cutter, Limits, Literal, segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.checks import Violation
    from conformance.grammar import Grammar, Problem

_NAME = re.compile(rb"(?i)(uid +)?([a-z0-9-]+)")
_RAW_COMMAND = re.compile(rb'(?im)^([^\s(){%*"\\+]+) +((?:uid +)?[a-z0-9-]+)')

#: Octets of memory for a message whose UID is known.
_A_UID = 9


@dataclass(frozen=True)
class Event:
    """A whole response, what the always-on checks found in it, and the state that it led to."""

    response: Response
    violations: tuple[Violation, ...]
    state: State


@dataclass(frozen=True)
class _Segment:
    """Octets on their way out. `held`: they wait for a continuation request, as a part of command `tag`."""

    octets: bytes
    tag: str
    held: bool


def _written(part: bytes | Literal) -> bytes:
    return part if isinstance(part, bytes) else b"{%d}\r\n" % len(part.octets) + part.octets


def command_name(octets: bytes) -> str:
    """The name at the beginning of a command without its tag: upper case, "UID FETCH" for the UID forms, "" if there is none."""
    found = _NAME.match(octets)
    return " ".join(found[0].decode("ascii").upper().split()) if found else ""


class Session:
    """One connection: `name` ("A") begins its tags. `memory`: of what other connections of the same user were told."""

    def __init__(
        self, name: str, grammar: Grammar, limits: Limits | None = None, memory: Memory | None = None
    ) -> None:
        self.name = name
        self.view = View(memory=memory or Memory())
        self.asked: Counter[str] = Counter()  #: how often each always-on requirement was put to the test
        self._grammar = grammar
        self._cutter = Cutter(limits or Limits())
        self._out: deque[_Segment] = deque()
        self._tags = 0

    def command(self, parts: Sequence[bytes | Literal]) -> str:
        """Queue a command (without tag and CRLF); returns its tag."""
        self._tags += 1
        tag = f"{self.name.lower()}{self._tags}"
        head = parts[0] if parts and isinstance(parts[0], bytes) else b""
        ready, *later = segments([tag.encode() + b" ", *parts, b"\r\n"])
        self._out.append(_Segment(ready, tag, held=False))
        self._out.extend(_Segment(octets, tag, held=True) for octets in later)
        self.view.send(tag, command_name(head), b"".join(map(_written, parts)))
        return tag

    def raw(self, octets: bytes) -> None:
        """Queue octets as they stand. What the client knows of commands in progress is a guess from here on."""
        self.view.uncertain = True
        for tag, name in _RAW_COMMAND.findall(octets):
            self.view.send(tag.decode("latin-1"), command_name(name))
        self._out.append(_Segment(octets, "", held=False))

    def answer(self, octets: bytes) -> None:
        """Queue a line that a command in progress asked for."""
        self._out.append(_Segment(octets + b"\r\n", "", held=False))

    def outgoing(self) -> bytes:
        """Everything that may be sent now."""
        ready = bytearray()
        while self._out and not self._out[0].held:
            ready += self._out.popleft().octets
        self.view.awaiting = bool(self._out)
        return bytes(ready)

    @property
    def broken(self) -> bool:
        """Whether a limit was passed: nothing more is read from this server."""
        return self._cutter.broken

    @property
    def held(self) -> int:
        """About how many octets of memory the server has made us take: what it has not finished, and what we know of the mailbox."""
        boxes = [box for box in (self.view.mailbox, self.view.opening) if box is not None]
        return self._cutter.held + sum(_A_UID * len(box.uids) for box in boxes)

    def forget(self) -> None:
        """Nothing more is read: give the memory back."""
        self._cutter = Cutter()
        self.view.mailbox = self.view.opening = None
        self.view.pending = {}

    def receive(self, octets: bytes) -> list[Event]:
        """Take octets from the server, cut and judged."""
        return list(self.arriving(octets))

    def arriving(self, octets: bytes) -> Iterator[Event]:
        """The same one by one: what is not asked for is cut and judged next time."""
        for unit in self._cutter.arriving(octets):
            yield self._judge(unit.octets, unit.problem)

    def _judge(self, octets: bytes, problem: Problem | None) -> Event:
        if problem is not None:  # a limit of ours, which says nothing about the server
            return Event(Response("untagged", octets, problem=problem), (), self.view.state)
        kind: Choice["greeting", "response"] = (
            "greeting" if self.view.state is State.CONNECTED else "response"
        )
        response = read(self._grammar, octets, kind)
        violations = checks.on_response(self.view, response, self.asked)
        self.view.take(response)
        self._release(response)
        return Event(response, tuple(violations), self.view.state)

    def _release(self, response: Response) -> None:
        """A continuation request frees the first held segment; a completion drops what its command still holds."""
        if response.kind == "continuation" and self._out and self._out[0].held:
            first = self._out.popleft()
            self._out.appendleft(_Segment(first.octets, first.tag, held=False))
        elif response.kind == "tagged":
            while self._out and self._out[0].held and self._out[0].tag == response.tag:
                self._out.popleft()

    def ended(self, how: str) -> list[Violation]:
        """The server ended the connection."""
        self.view.state = State.LOGOUT
        return checks.at_end(self.view, how, self.asked)
