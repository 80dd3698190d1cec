"""A small correct IMAP4rev1 server, and the place where tests make it wrong.

It keeps mailboxes in memory, speaks over real sockets of the loopback interface, one thread for each connection, and writes raw
octets. It must not import the package: what is wrong in the package's own reading and writing would hide if both ends shared it.
What it does not have (RENAME, most of SEARCH and FETCH) it refuses in order.

    with Miniature(wrong) as server:
        ...  # 127.0.0.1, server.port, accounts ACCOUNTS

`wrong` is a function from a command and the replies to it to what is sent instead, with `HANG_UP`, `STAY` or `DIE` among it where
the server does not go when it should, or goes when it should not. As a program: `miniature.py --port PORT [--die-on COMMAND] [--hang-on COMMAND]`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import enum
import os
import re
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import miniature_commands as commands
import miniature_store as store

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

ACCOUNTS = {"alice": "white rabbit", "bob": "hatter"}


class End(enum.Enum):
    """What can stand among the replies."""

    HANG_UP = "the server closes the connection behind them"
    STAY = "it does not, and does not begin TLS either, although it said so"
    DIE = "the server ends"


HANG_UP, STAY, DIE = End


@dataclasses.dataclass(frozen=True)
class Command:
    """What is being answered.

    `name` is upper case, with UID in front. "greeting" is before all commands, "continuation" in the middle of one.
    """

    name: str
    connection: Connection
    tag: bytes = b""
    octets: bytes = b""  #: the command behind the tag, without the last line end
    reads: int = 1  #: how many times octets arrived until it was complete, 0: it came behind another

    def completed(self, how: str) -> bytes:
        """A completion of this command."""
        return self.tag + f" {how}\r\n".encode()


Reply = bytes | End
Wrong = Callable[[Command, list[bytes]], list[Reply]]


def right(_: Command, replies: list[bytes]) -> list[Reply]:
    """Nothing is wrong."""
    return [*replies]


class LeavingError(Exception):
    """The server ends this connection."""


class Miniature:
    """The server. Everything it knows is gone with it."""

    def __init__(
        self,
        wrong: Wrong = right,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        discards_clear_text: bool = True,
    ) -> None:
        self.wrong = wrong
        self.port = port
        self.tls = tls
        self.discards_clear_text = discards_clear_text  #: what came behind STARTTLS, as it must
        self.users = {user: store.User(password) for user, password in ACCOUNTS.items()}
        self.lock = threading.Lock()
        self.connections: list[Connection] = []  #: all there ever were
        self.counted = 0  #: so many of them were before
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._threads.append(threading.Thread(target=self._accept))
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_listening()
        self._threads[0].join()
        for connection in self.connections:
            connection.shut(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def being(self, wrong: Wrong) -> Iterator[None]:
        """Wrong for a while; connections are counted anew."""
        before, self.wrong = self.wrong, wrong
        self.counted = len(self.connections)
        try:
            yield
        finally:
            self.wrong = before

    def stop_listening(self) -> None:
        """Refuse new connections from now on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                number = len(self.connections) - self.counted + 1
                self.connections.append(Connection(self, accepted, number))
                self._threads.append(threading.Thread(target=self.connections[-1].run))
                self._threads[-1].start()


class Connection:
    """One client."""

    def __init__(self, server: Miniature, accepted: socket.socket, number: int) -> None:
        self.server = server
        self.number = number  #: counts from 1, since `being`
        self.socket = accepted
        self.arrived = b""
        self.reads = 0
        self.user: store.User | None = None
        self.box: store.Opened | None = None
        self.told: list[bytes] = []  #: untagged replies to the present command
        self.encrypted = False

    def run(self) -> None:
        """Serve until one of the two leaves."""
        with contextlib.suppress(OSError):
            with contextlib.suppress(LeavingError):
                self.say(Command("greeting", self), [b"* OK miniature\r\n"])
                while True:
                    self.answer(self.command())
            self.shut(socket.SHUT_WR)
            while self.socket.recv(65536):  # closed with octets unread, it would be a reset
                pass
        self.socket.close()

    def shut(self, how: int) -> None:
        """Close a side, inside TLS with TLS's own closing."""
        with contextlib.suppress(OSError, ValueError):
            if self.encrypted and how == socket.SHUT_WR:
                self.socket = self.socket.unwrap()  # type: ignore[attr-defined]
                self.encrypted = False
            socket.socket.shutdown(self.socket, how)  # of TLS, only the octets are our business

    def say(self, command: Command, replies: list[bytes]) -> bool:
        """Send the replies in one piece, or what is sent instead. False: what should follow does not."""
        wrong = self.server.wrong(command, replies)
        octets = b"".join(reply for reply in wrong if isinstance(reply, bytes))
        if octets:
            self.socket.sendall(octets)
        if DIE in wrong:
            print(f"miniature: cannot bear {command.name}", flush=True)  # noqa: T201 - its log
            os._exit(3)
        if HANG_UP in wrong:
            raise LeavingError
        return STAY not in wrong

    # Commands in.

    def command(self) -> Command:
        """Read a command with its literals, and what AUTHENTICATE waits for."""
        self.reads = 0
        octets = self._line()
        if self.state == "n" and re.fullmatch(rb"[^ ]+ authenticate plain\r\n", octets, re.IGNORECASE):
            self._ask_for_more(octets, b"+ \r\n")
            octets = octets.removesuffix(b"\r\n") + b" " + self._line()
        while header := re.search(rb"\{([0-9]+)(\+?)\}\r\n\Z", octets):
            if not header[2]:
                self._ask_for_more(octets, b"+ the literal\r\n")
            octets += self._exactly(int(header[1])) + self._line()
        tag, text = cut(octets)
        name = re.match(rb"(?:uid )?[a-z]*", text, re.IGNORECASE)
        assert name is not None
        return Command(name[0].decode("ascii").upper(), self, tag, text, self.reads)

    def _ask_for_more(self, octets: bytes, request: bytes) -> None:
        self.say(Command("continuation", self, *cut(octets)), [request])

    def _line(self) -> bytes:
        while b"\n" not in self.arrived:
            self._read()
        return self._exactly(self.arrived.index(b"\n") + 1)

    def _exactly(self, count: int) -> bytes:
        while len(self.arrived) < count:
            self._read()
        octets, self.arrived = self.arrived[:count], self.arrived[count:]
        return octets

    def _read(self) -> None:
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError("the client left")
        self.reads += 1
        self.arrived += octets

    # Replies out.

    def answer(self, command: Command) -> None:
        """Carry out a command and reply."""
        self.told = []
        with self.server.lock:
            try:
                completion = commands.perform(self, command.name, command.octets[len(command.name) :])
            except commands.RefusedError as refused:
                completion = str(refused)
            if self.box is not None:
                self.told += self.box.news(expunge=command.name not in ("FETCH", "STORE", "SEARCH"))
        goes_on = self.say(command, [*self.told, command.completed(completion)])
        if goes_on and completion.startswith("OK") and command.name == "STARTTLS":
            self._encrypt()
        elif goes_on and completion.startswith("OK") and command.name == "LOGOUT":
            raise LeavingError

    @property
    def state(self) -> str:
        """n(ot authenticated), a(uthenticated) or s(elected)."""
        return "s" if self.box else "a" if self.user else "n"

    def tell(self, text: str) -> None:
        """Say something untagged."""
        self.told.append(f"* {text}\r\n".encode("latin-1"))

    def _encrypt(self) -> None:
        assert self.server.tls is not None
        if self.server.discards_clear_text:
            self.arrived = b""
        self.socket = self.server.tls.wrap_socket(self.socket, server_side=True)
        self.encrypted = True


def cut(octets: bytes) -> tuple[bytes, bytes]:
    """Tag and text of a command."""
    tag, _, text = octets.removesuffix(b"\r\n").partition(b" ")
    return tag or b"*", text


def main() -> None:
    """The program: serves until it is killed, or until somebody sends the command that it dies of or never recovers from."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--die-on", default="")
    parser.add_argument("--hang-on", default="")
    options = parser.parse_args()
    hanging = threading.Event()

    def deadly(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == options.hang_on:
            hanging.set()
        if hanging.is_set():
            return []
        return [DIE] if command.name == options.die_on else [*replies]

    with Miniature(deadly, port=options.port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
