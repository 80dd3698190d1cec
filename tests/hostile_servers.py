"""Servers that mean ill: what they say, and where in a session it begins.

Each has the miniature's manners until then. They write raw octets and know nothing of the package; what is endless ends when the
client leaves.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from miniature import HANG_UP, STAY, Command, Reply, Wrong, right

if TYPE_CHECKING:
    from peers import Behaviour

Attack = Callable[[socket.socket], None]

#: Seconds between two octets of a server that trickles: less than any deadline.
TRICKLE = 0.2

_BLOCK = 1 << 16


def forever(octets: bytes, begin: bytes = b"") -> Attack:
    """Say it again and again."""
    block = octets * (_BLOCK // len(octets) + 1)

    def attack(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(block)

    return attack


def once(*blocks: bytes, times: int = 1) -> Attack:
    """Say it, and then nothing more."""

    def attack(connection: socket.socket) -> None:
        for block in blocks:
            for _ in range(times):
                connection.sendall(block)
        silent(connection)

    return attack


def silent(connection: socket.socket) -> None:
    """Read, and say nothing."""
    while connection.recv(_BLOCK):
        pass


def deaf(connection: socket.socket) -> None:
    """Neither read nor say anything. The end of the connection shows as an error on a socket that is polled for nothing else."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while connection.recv(1, socket.MSG_PEEK):
        if threading.Event().wait(TRICKLE):
            return


def trickling(connection: socket.socket) -> None:
    """An octet now and then."""
    pause = threading.Event()
    for octet in b"* OK " + b"still here " * 1000:
        connection.sendall(bytes([octet]))
        pause.wait(TRICKLE)


def reset(connection: socket.socket) -> None:
    """Close by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionError


def closes(_: socket.socket) -> None:
    """Close in order."""
    raise ConnectionError


def counted(connection: socket.socket) -> None:
    """Fetch responses for one message after the other, without an end."""
    number = 0
    while True:
        lines = (b"* %d FETCH (FLAGS (\\Seen) UID %d)\r\n" % (n, n) for n in range(number + 1, number + 2001))
        connection.sendall(b"".join(lines))
        number += 2000


def names(connection: socket.socket) -> None:
    """Untagged data of one made up name after the other."""
    number = 0
    while True:
        connection.sendall(b"".join(b"* X%d data\r\n" % n for n in range(number, number + 2000)))
        connection.sendall(b"".join(b"t%d OK done\r\n" % n for n in range(number, number + 2000)))
        number += 2000


_NOISE = random.Random(3501).randbytes(1 << 20)  # noqa: S311 - anything will do, but the same each time

#: What a server can do to whoever listens. None of them ever completes a command.
ATTACKS: dict[str, Attack] = {
    "silence": silent,
    "close": closes,
    "reset": reset,
    "an octet now and then": trickling,
    "a line without an end": forever(b"x", b"* OK "),
    "NUL without an end": forever(b"\0"),
    "lines with NUL without an end": forever(b"* OK \0\r\n"),
    "garbage": forever(_NOISE),
    "a line of 100 MB": once(b"* OK ", b"x" * (100 << 20), b"\r\n"),
    "empty lines without an end": forever(b"\r\n"),
    "untagged lines without an end": forever(b"* OK still here\r\n"),
    "a million untagged lines": once(b"* 3 EXISTS\r\n" * 1000, times=1000),
    "a list without an end": forever(b"\\X ", b"* FLAGS ("),
    "lists without an end": forever(b'* LIST (\\Noselect) "/" "name"\r\n'),
    "a megabyte of words": forever(b"* FLAGS (" + b"a " * 500_000 + b"a)\r\n"),
    "half a megabyte of words": forever(b"* SEARCH" + b" 123456" * 70_000 + b"\r\n"),
    "parentheses without an end": forever(b"(", b"* 1 FETCH "),
    "deep lists": forever(b"* 1 FETCH (BODYSTRUCTURE " + b"(" * 190 + b")" * 190 + b")\r\n"),
    "a literal of 4 GiB": forever(b"x", b"* 1 FETCH (BODY[] {4294967295}\r\n"),
    "a literal of 10 to the 30": forever(b"x", b"* 1 FETCH (BODY[] {1" + b"0" * 30 + b"}\r\n"),
    "large literals": forever(
        b"* 1 FETCH (BODY[] {8388608}\r\n" + b"The quick brown fox. " * (8388608 // 21) + b"12345678)\r\n"
    ),
    "a literal that stops": once(b"* 1 FETCH (BODY[] {8388608}\r\nSubject: x\r\n"),
    "small literals without an end": forever(b" {1}\r\nx", b"* 1 FETCH (BODY[]"),
    "FETCH of one message after the other": counted,
    "one name after the other": names,
    "continuation requests without an end": forever(b"+ go on\r\n"),
    "BYE without an end": forever(b"* BYE not yet\r\n"),
    "EXPUNGE without an end": forever(b"* 1 EXPUNGE\r\n", b"* 4294967295 EXISTS\r\n"),
    "it does not read": deaf,
}


def attacking(attack: Attack, begins: Callable[[Command], bool]) -> Wrong:
    """The miniature until a command for which it begins; "greeting" is one."""

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        if not begins(command):
            return [*right(command, replies)]
        try:
            attack(command.connection.socket)
        except OSError:
            return [HANG_UP]
        return [HANG_UP, STAY]

    return wrong


def first_login(command: Command) -> bool:
    """From the first look at the server on."""
    return command.name == "LOGIN"


#: Where it begins.
POINTS: dict[str, Callable[[Command], bool]] = {
    "at the greeting": lambda command: command.name == "greeting",
    "at the login": first_login,
    "in a case": lambda command: command.name == "NOOP",
    "at a literal": lambda command: command.name == "continuation",
}


def by_number(command: Command, replies: list[bytes]) -> list[Reply]:
    """The miniature until somebody creates a mailbox whose name ends in the number of an attack."""
    found = re.search(rb"-attack([0-9]+)$", command.octets) if command.name == "CREATE" else None
    if found is None:
        return [*right(command, replies)]
    attack = list(ATTACKS.values())[int(found[1])]
    return attacking(attack, lambda _: True)(command, replies)


# ---- TLS ----------------------------------------------------------------------------------------------------------------

_HELLO = bytes.fromhex("160303007a020000760303") + bytes(32)


def shaking(*octets: bytes, goes_on: Attack = silent) -> Behaviour:
    """Take the client's part of a handshake and answer so."""

    def behave(connection: socket.socket) -> None:
        connection.recv(_BLOCK)
        for each in octets:
            connection.sendall(each)
        goes_on(connection)

    return behave


#: Servers behind a port of IMAP over TLS.
HANDSHAKES: dict[str, Behaviour] = {
    "silence": shaking(),
    "close": shaking(goes_on=closes),
    "reset": shaking(goes_on=reset),
    "half a record": shaking(_HELLO[:3]),
    "half a hello": shaking(_HELLO),
    "garbage": shaking(b"\x16\x03\x03\x40\x00", goes_on=forever(_NOISE)),
    "alerts without an end": shaking(goes_on=forever(b"\x15\x03\x03\x00\x02\x01\x00")),
    "records of no length without an end": shaking(goes_on=forever(b"\x16\x03\x03\x00\x00")),
    "an octet now and then": shaking(b"\x16", goes_on=trickling),
    "plain text without an end": shaking(goes_on=forever(b"* OK still here\r\n")),
}


def in_clear(behave: Behaviour) -> Behaviour:
    """Greet, offer STARTTLS, accept it, and then behave so."""

    def outer(connection: socket.socket) -> None:
        connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n")
        line = b""
        while b"STARTTLS" not in line.upper():
            line = connection.recv(_BLOCK)
            if not line:
                return
            tag = line.split(b" ")[0]
            if b"CAPABILITY" in line.upper():
                connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK done\r\n")
        connection.sendall(tag + b" OK begin\r\n")
        behave(connection)

    return outer
