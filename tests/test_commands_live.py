"""Every alternative, and every pair of them, of the grammar of commands, sent to a real server: what it calls a mistake, and why."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from conformance.generate import Environment, Generator
from conformance.generate.directed import directed
from conformance.servers import dovecot, open_server
from conformance.transport import Ended
from conformance.wire import Cutter, Literal, segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.servers.base import Account, Server
    from conformance.transport import Transport

NO_DOVECOT = dovecot.version() is None and os.environ.get("CI") != "true"
MAILBOX, MESSAGES = b"box", 3
LIMIT = 20.0  #: seconds for an answer

# ---- the client ---------------------------------------------------------------------------------------------------------

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")


def parts(unit: bytes) -> list[bytes | Literal]:
    """A command with its literals apart."""
    found, place = list[bytes | Literal](), 0
    while header := _LITERAL.search(unit, place):
        end = header.end() + int(header[1])
        found += [unit[place : header.start()], Literal(unit[header.end() : end])]
        place = end
    return [*found, unit[place:]]


def in_segments(unit: bytes) -> tuple[bytes, ...]:
    """What is sent at once, and what waits for a continuation request each: literals, and the lines behind AUTHENTICATE."""
    if re.match(rb"[^ ]+ AUTHENTICATE ", unit, re.IGNORECASE):
        return tuple(unit.splitlines(keepends=True))
    return segments(parts(unit))


class Client:
    """One connection, and how many messages its mailbox has."""

    def __init__(self, server: Server) -> None:
        self._transport: Transport = server.dialer.connect("A", LIMIT)
        self._cutter = Cutter()
        self._units: list[bytes] = []
        self.messages = 0
        self.ended = False
        self._receive()

    def _receive(self) -> bytes:
        """The next unit; empty when the server ended the connection."""
        while not self._units and not self.ended:
            octets = self._transport.receive(LIMIT)
            assert isinstance(octets, bytes | Ended), "no answer"
            self.ended = isinstance(octets, Ended)
            if isinstance(octets, bytes):
                self._units += [unit.octets for unit in self._cutter.receive(octets)]
        return self._units.pop(0) if self._units else b""

    def send(self, command: bytes) -> bytes:
        """The completion of a command: the octets behind its tag."""
        tag = command.split(b" ")[0] + b" "
        ready, *held = in_segments(command)
        self._transport.send(ready)
        while unit := self._receive():
            if unit.startswith(tag):
                return unit.removeprefix(tag)
            if unit.startswith(b"+"):
                self._transport.send(held.pop(0) if held else b"*\r\n")
            elif exists := re.fullmatch(rb"\* (\d+) EXISTS\r\n", unit):
                self.messages = int(exists[1])
            elif unit.endswith(b" EXPUNGE\r\n"):
                self.messages -= 1
        return b""

    def close(self) -> None:
        self._transport.close()


# ---- what may be refused ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Class:
    """Commands that are well-formed and may be answered BAD nevertheless; `without`: the command without what makes it so."""

    name: str
    example: bytes
    without: Callable[[bytes], bytes]
    why: str
    section: str


def _known(found: re.Match[bytes]) -> bytes:
    return found[1] + re.sub(rb"[0-9]+", lambda number: min(number[0], b"%d" % MESSAGES, key=int), found[2])


def _ascii(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"[\x80-\xff]", b"x", found[0])


def _replaced(pattern: bytes, new: bytes | Callable[[re.Match[bytes]], bytes]) -> Callable[[bytes], bytes]:
    return lambda unit: re.sub(pattern, new, unit, flags=re.IGNORECASE | re.DOTALL)


_FLAG = re.compile(
    rb'"(?:[^"\\]|\\.)*"|\\(?!(?:Answered|Flagged|Deleted|Seen|Draft)[ )\r])[^ ()\r]+', re.IGNORECASE
)


def _flags(unit: bytes) -> bytes:
    if not re.match(rb"[^ ]+ (?:(?:UID )?STORE|APPEND) ", unit, re.IGNORECASE):
        return unit

    def known(part: bytes) -> bytes:
        return _FLAG.sub(lambda found: found[0] if found[0].startswith(b'"') else rb"\Seen", part)

    return b"".join(segments([known(part) if isinstance(part, bytes) else part for part in parts(unit)]))


CLASSES = (
    Class(
        "experiment",
        b"x1 XYZZY (1 2)\r\n",
        _replaced(rb"\A([^ ]+) X.*", rb"\1 NOOP\r\n"),
        "a server knows no experiments but its own",
        "6.5.1",
    ),
    Class(
        "number",
        b"x2 FETCH 1,7:9 FLAGS\r\n",
        _replaced(rb"\A([^ ]+ (?:FETCH|STORE|COPY) )([0-9:*,]+)", _known),
        "there is no message of that number: BAD is what the RFC wants",
        "9, seq-number",
    ),
    Class(
        "flag",
        rb"x3 STORE 1 FLAGS (\Odd)" + b"\r\n",
        _flags,
        r"flags with a backslash are those of the RFC: others are left to later standards, a server that knows none may refuse",
        "2.3.2, 9, flag-extension",
    ),
    Class(
        "octets",
        b"x4 SEARCH SUBJECT {1}\r\n\xff\r\n",
        _replaced(rb"\A[^ ]+ (?:UID )?SEARCH .*", _ascii),
        "8-bit octets that are no text in the charset of the search",
        "6.4.4",
    ),
)


def reasons(client: Client, command: bytes) -> tuple[str, ...]:
    """Of which classes a command is that was answered BAD: without what makes it so it is not. Empty: of none."""
    changed, names = command, []
    for class_ in CLASSES:
        before, changed = changed, class_.without(changed)
        if changed != before:
            names.append(class_.name)
    if changed == command or client.send(changed)[:3] in (b"", b"BAD"):
        return ()
    return tuple(names)


# ---- the commands -------------------------------------------------------------------------------------------------------

_BEFORE_LOGIN = re.compile(rb"[^ ]+ (?:LOGIN|AUTHENTICATE|STARTTLS)", re.IGNORECASE)
#: Dovecot 2.3.19 breaks off, with a failed assertion in its log, at "COPY 1:9,* box" where there are fewer messages.
_PANIC = re.compile(rb"[^ ]+ COPY (?=[0-9:*,]*\*)[0-9:*,]*[0-9]", re.IGNORECASE)
#: What leaves the mailbox, or its messages, as they were.
_HARMLESS = re.compile(rb"[^ ]+ (?:UID )?(?:NOOP|CHECK|CAPABILITY|STATUS|LIST|LSUB|SEARCH|FETCH|SUBSCRIBE|X)", re.IGNORECASE)  # fmt: skip


def send(client: Client, tags: Iterator[str], command: bytes) -> bytes:
    return client.send(next(tags).encode() + b" " + command + b"\r\n")


def selected(server: Server, tags: Iterator[str]) -> Client:
    """A connection with a mailbox that has messages."""
    client, account = Client(server), server.accounts[0]
    assert send(client, tags, f'LOGIN "{account.user}" "{account.password}"'.encode()).startswith(b"OK")
    if not send(client, tags, b"SELECT " + MAILBOX).startswith(b"OK") or client.messages != MESSAGES:
        send(client, tags, b"CLOSE")
        send(client, tags, b"DELETE " + MAILBOX)
        send(client, tags, b"CREATE " + MAILBOX)
        for _ in range(MESSAGES):
            assert send(client, tags, b"APPEND " + MAILBOX + b" {8}\r\na: b\r\n\r\n").startswith(b"OK")
        assert send(client, tags, b"SELECT " + MAILBOX).startswith(b"OK")
    assert client.messages == MESSAGES
    return client


def environment(account: Account, tags: Iterator[str], *, known: bool) -> Environment:
    """About what the server has, or about anything."""
    if not known:
        return Environment(tags=lambda: next(tags))
    login = (account.user.encode(), account.password.encode())
    return Environment(tags=lambda: next(tags), mailboxes=(b"INBOX", MAILBOX), messages=MESSAGES, login=login)


@pytest.mark.skipif(NO_DOVECOT, reason="dovecot is not installed")
def test_a_real_server_calls_no_command_wrong_but_those_of_the_table() -> None:
    """Each pair of alternatives about what the server has, and each alternative about anything."""
    server = open_server("dovecot")
    server.start()
    found: dict[str, list[bytes]] = {"": []}
    tags = (f"c{n}" for n in itertools.count())
    try:
        for known in (True, False):
            generator = Generator("command", environment=environment(server.accounts[0], tags, known=known))
            commands = [class_.example for class_ in CLASSES] + directed(generator, pairs=known)[0]
            for name, command in refused(server, tags, commands):
                found.setdefault(name, []).append(command)
    finally:
        server.stop()
    assert found.pop("") == []
    assert set(found) == {class_.name for class_ in CLASSES}


def refused(server: Server, tags: Iterator[str], commands: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """The commands that are answered BAD, with the name of a class of the table, or an empty one."""
    client: Client | None = None
    try:
        for command in commands:
            early = _BEFORE_LOGIN.match(command)
            if client is not None and (early or not _HARMLESS.match(command)):
                client.close()
                client = None
            client = client or (Client(server) if early else selected(server, tags))
            answer = client.send(command)
            if not answer:
                assert _PANIC.match(command), command
                yield "number", command
            elif answer.startswith(b"BAD"):
                yield from ((name, command) for name in reasons(client, command) or ("",))
            if answer[:3] in (b"", b"BAD") or not _HARMLESS.match(command):
                client.close()
                client = None
    finally:
        if client is not None:
            client.close()
