"""`imapspec watch` between servers and clients that mean ill: the others are served, and memory is bounded."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self

import calls
import hostile_servers as hostile
import pytest
from miniature import ACCOUNTS, Miniature
from test_hostile import MEMORY, check_reports

from conformance import grammar
from conformance.runner.client import Play
from conformance.runner.recorder import Unrecorded
from conformance.watch.observer import Observer, Room

if TYPE_CHECKING:
    from conformance.journal import Journal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")

#: Seconds for a connection or a handshake of the proxy, and to wait for a client that has closed its half.
TIMEOUT = 3.0


class Watch:
    """The program, listening; `memory` is its peak in MB."""

    def __init__(self, server: Miniature, folder: Path) -> None:
        self._out = folder / "out"
        with self._out.open("w") as out:
            address = f"imap://127.0.0.1:{server.port}"
            words = ["watch", address, "--listen", "0", "--timeout", str(TIMEOUT)]
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "conformance.cli", *words],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.memory = 0.0

    def __enter__(self) -> Self:
        calls.wait_for(lambda: "watching" in self._out.read_text() or self._process.poll() is not None)
        self.port = int(re.findall(r"watching  imap://127\.0\.0\.1:(\d+)", self._out.read_text())[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def measure(self) -> None:
        """Look at the peak of the memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        self.memory = int(re.findall(r"VmHWM:\s+([0-9]+)", status)[0]) / 1024

    def ended(self, folder: Path) -> Journal:
        """Ctrl-C, and the report."""
        self.measure()
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(calls.SOON)
        said = self._out.read_text()
        assert code in (0, 1), said
        assert "Traceback" not in said
        return check_reports(folder / "imapspec-report", code)


def connect(port: int) -> socket.socket:
    """A client."""
    return socket.create_connection(("127.0.0.1", port), timeout=calls.SOON)


def talk(client: socket.socket, octets: bytes, until: bytes) -> bytes:
    """Say something and read until some words have come."""
    if octets:
        client.sendall(octets)
    heard = b""
    while until not in heard:
        got = client.recv(65536)
        if not got:
            break
        heard += got
    return heard


def served(port: int) -> None:
    """Another client gets its answers."""
    user, password = next(iter(ACCOUNTS.items()))
    with connect(port) as client:
        assert talk(client, b"", b"\r\n") == b"* OK miniature\r\n"
        talk(client, f'a LOGIN {user} "{password}"\r\n'.encode(), b"a OK")
        assert talk(client, b"b NOOP\r\n", b"b OK") == b"b OK done\r\n"


#: Not yet those of many short responses: a look at each takes longer than the flood takes to come.
FLOODS = (
    "NUL without an end", "garbage", "a literal of 4 GiB", "it does not read", "close", "reset",
)  # fmt: skip


def test_other_connections_are_served_while_the_server_attacks(tmp_path: Path) -> None:
    numbers = {name: number for number, name in enumerate(hostile.ATTACKS)}
    with (
        Miniature(hostile.by_number) as server,
        Watch(server, tmp_path) as watch,
        contextlib.ExitStack() as stack,
    ):
        for name in FLOODS:
            client = stack.enter_context(connect(watch.port))
            user, password = next(iter(ACCOUNTS.items()))
            talk(client, f'a LOGIN {user} "{password}"\r\n'.encode(), b"a OK")
            client.sendall(b"b CREATE x-attack%d\r\n" % numbers[name])
            read = 0
            client.settimeout(TIMEOUT)
            with contextlib.suppress(OSError):
                while read < 2_000_000 and (got := client.recv(65536)):
                    read += len(got)
            served(watch.port)
            client.close()
        watch.measure()
        told = watch.ended(tmp_path)
    assert watch.memory < MEMORY
    assert len(told.cases) == 2 * len(FLOODS)
    assert len(told.steps) < 200_000


def test_other_connections_are_served_while_clients_attack(tmp_path: Path) -> None:
    with Miniature() as server, Watch(server, tmp_path) as watch:
        attackers = [
            b"a " + b"x" * 3_000_000,
            b"a APPEND x {4294967295+}\r\n" + b"x" * 3_000_000,
            b"a NOOP\r\n" * 2_000,
            b"\0" * 2_000_000,
            b"\r\n" * 2_000,
            b"x" * 5_000 + b" NOOP\r\n",
        ]
        with contextlib.ExitStack() as stack:
            for octets in attackers:
                client = stack.enter_context(connect(watch.port))
                client.setblocking(False)
                left, patience = memoryview(octets), time.monotonic() + TIMEOUT
                while left and time.monotonic() < patience:  # a server that does not read stops us
                    with contextlib.suppress(BlockingIOError):
                        left = left[client.send(left[:65536]) :]
                served(watch.port)
        told = watch.ended(tmp_path)
    assert watch.memory < MEMORY
    assert len(told.cases) == 2 * len(attackers)


def test_more_connections_than_are_watched_at_a_time_go_through(tmp_path: Path) -> None:
    with Miniature() as server, Watch(server, tmp_path) as watch:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(watch.port)) for _ in range(300)]
            for client in clients:
                assert talk(client, b"", b"\r\n") == b"* OK miniature\r\n"
            served(watch.port)
        told = watch.ended(tmp_path)
    assert watch.memory < MEMORY
    assert len(told.cases) == 200


def test_a_client_that_has_closed_its_half_hears_the_answer(tmp_path: Path) -> None:
    with Miniature() as server, Watch(server, tmp_path) as watch:
        with connect(watch.port) as client:
            client.sendall(b"a CAPABILITY\r\nb LOGOUT\r\n")
            client.shutdown(socket.SHUT_WR)
            assert b"b OK" in talk(client, b"", b"b OK")
        for octet in (b"a NOOP\r\n",):
            with connect(watch.port) as client:
                for each in octet:
                    client.sendall(bytes([each]))
                assert b"a OK" in talk(client, b"", b"a OK")
        told = watch.ended(tmp_path)
    assert [step.octets for step in told.steps if step.kind == "send"] == [
        "a CAPABILITY\r\n", "b LOGOUT\r\n", "a NOOP\r\n",
    ]  # fmt: skip


# ---- the brain ----------------------------------------------------------------------------------------------------------


def observer(room: Room | None = None) -> Observer:
    """One that has greeted."""
    watching = Observer(grammar.load(), Play("watch/connection-1", 1, Unrecorded()), room)
    watching.opened(encrypted=False)
    watching.server(b"* OK hello\r\n")
    return watching


def test_connections_share_the_memory_for_what_is_not_finished() -> None:
    room = Room(3_000_000)
    watching = [observer(room) for _ in range(4)]
    for each in watching:
        each.server(b"* 1 FETCH (BODY[] {1000000}\r\n" + b"x" * 900_000)
    assert [each.deaf for each in watching] == ["", "", "", "all connections together have passed a limit"]
    for each in watching:
        each.closed()
    assert room.left == 3_000_000


def test_what_is_compressed_too_well_is_not_looked_at() -> None:
    watching = observer()
    watching.client(b"a COMPRESS DEFLATE\r\n")
    bomb = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    watching.server(b"a OK on\r\n" + bomb.compress(b"\r\n" * (32 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH))
    assert watching.deaf == "a limit was passed"


@pytest.mark.parametrize(
    ("octets", "why"),
    [(b"a%d NOOP\r\n", "too many commands"), (b"x" * 300 + b"%d NOOP\r\n", "a tag that is too long")],
)
def test_what_a_client_makes_up_is_bounded(octets: bytes, why: str) -> None:
    watching = observer()
    watching.client(b"".join(octets % n for n in range(20_000)))
    assert why in watching.deaf
    assert watching.session.view.pending == {}


def test_names_that_a_server_makes_up_are_counted_together() -> None:
    watching = observer()
    for number in range(2_000):
        watching.server(b"* X%d data\r\n" % number)
    assert len(watching.unvalidated) <= 1_001
    assert watching.unvalidated.total() == 2_000
