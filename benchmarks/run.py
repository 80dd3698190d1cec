"""How long a run takes, as a ratio to a bare client that does nothing but send the same octets and wait for the same answers.

Run by `make bench`. A throw-away Dovecot stays up; `imapspec run` plays RFC 3501 against it with one worker, in this process, and what it
sent and waited for is noted. The bare client then does the same over plain sockets, and the two take turns: a ratio is taken within a
round, and the lowest and the median of the rounds are printed. Cases whose octets a server takes only once (SASL with a nonce) are left out.
The exit code is 1 if the goal is missed, 2 if Dovecot is not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import socket
import ssl
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance import transport
from conformance.cli import main as imapspec
from conformance.errors import ImapspecError
from conformance.runner.settings import Settings
from conformance.runner.tidy import tidy
from conformance.scenario import load
from conformance.scenario.syntax import Sasl
from conformance.servers import open_server
from conformance.servers.owned import OwnedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What the run may take, as a multiple of the bare client's time.
GOAL = 2.0
#: Seconds that the bare client waits for an answer that does not come this time.
PATIENCE = 1.0


@dataclass
class Script:
    """What happened on all connections, in order: (connection, what, octets or seconds)."""

    events: list[tuple[int, str, bytes]] = field(default_factory=list)
    connections: int = 0
    open: dict[int, int] = field(default_factory=dict)  #: identity of a connection -> its number

    def note(self, connection: object, method: str, argument: Any, got: object, seconds: float) -> None:
        """Note one call of a connection's method."""
        if id(connection) not in self.open:
            if method == "close":
                return
            self.open[id(connection)] = self.connections
            self.connections += 1
        number = self.open[id(connection)]
        if method == "receive" and not isinstance(got, transport.Ended):
            silent = isinstance(got, transport.Silence)
            self.events.append((number, "wait", b"%f" % seconds) if silent else (number, method, bytes(got)))  # type: ignore[call-overload]
        elif method == "pause":
            self.events.append((number, "wait", b"%f" % seconds))
        else:
            self.events.append((number, method, argument if method == "send" else b""))
        if method == "close":
            del self.open[id(connection)]


@contextlib.contextmanager
def noted(script: Script) -> Iterator[None]:
    """Note what goes over every connection meanwhile."""
    kept = {name: getattr(transport.TCP, name) for name in ("send", "receive", "start_tls", "pause", "close")}

    def tap(name: str) -> Callable[..., object]:
        def method(self: object, *arguments: object) -> object:
            begun = time.monotonic()
            got = kept[name](self, *arguments)
            script.note(self, name, (*arguments, None)[0], got, time.monotonic() - begun)
            return got

        return method

    try:
        for name in kept:
            setattr(transport.TCP, name, tap(name))
        yield
    finally:
        for name, method in kept.items():
            setattr(transport.TCP, name, method)


def run(server: OwnedServer, ids: list[str], seed: int) -> float:
    """Seconds of a whole run of these cases."""
    accounts = [word for each in server.accounts for word in ("-u", f"{each.user}:{each.password}")]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        words = ["run", str(server.addresses["imap"]), *accounts, "--allow-inbox", "--seed", str(seed)]
        begun = time.monotonic()
        code = imapspec([*words, "--report-dir", folder, "-q", *ids])
        taken = time.monotonic() - begun
    if code not in (0, 1):
        raise SystemExit(f"the run ended with {code}")
    return taken


class Bare:
    """One connection of the bare client."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)

    def wait(self, answer: bytes) -> bool:
        """Read until what ended the recorded answer has come; whether it has."""
        last = answer.rstrip(b"\r\n").rpartition(b"\n")[2].split(b" ")
        tagged = re.compile(rb"(?:\A|\n)" + re.escape(last[0]) + rb"(?: [^\n]*)?\n\Z")
        got = b""
        with contextlib.suppress(OSError):
            while not tagged.search(got) or (last[0] == b"*" and got.count(b"\n") < answer.count(b"\n")):
                piece = self.socket.recv(65536)
                if not piece:
                    return False
                got += piece
            return True
        return False


def replay(script: Script, port: int) -> tuple[float, int]:
    """Seconds of the bare client for the same, and how many answers it waited for in vain."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    open_: dict[int, Bare] = {}
    awaited: dict[int, bytes] = {}
    vain = 0
    begun = time.monotonic()
    for number, what, octets in script.events:
        connection = open_.get(number) or open_.setdefault(number, Bare(port))
        if what == "receive":
            awaited[number] = awaited.get(number, b"") + octets
            continue
        if number in awaited:
            vain += not connection.wait(awaited.pop(number))
        with contextlib.suppress(OSError):
            match what:
                case "send":
                    connection.socket.sendall(octets)
                case "wait":
                    time.sleep(float(octets))
                case "start_tls":
                    connection.socket = context.wrap_socket(connection.socket)
                case "close":
                    open_.pop(number).socket.close()
    taken = time.monotonic() - begun
    for left in open_.values():
        left.socket.close()
    return taken, vain


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often the two take turns (3)")
    parser.add_argument("selectors", nargs="*", default=["rfc3501"], help="what is run (rfc3501)")
    options = parser.parse_args()
    chosen = load.select(load.find(), options.selectors)
    ids = [case for case in chosen if not any(isinstance(step, Sasl) for step in load.load(case).steps)]
    server = open_server("dovecot")
    assert isinstance(server, OwnedServer)
    try:
        server.start()
    except ImapspecError as error:
        print(error)
        return 2
    try:
        return compare(server, ids, options.rounds)
    finally:
        server.stop()


def compare(server: OwnedServer, ids: list[str], rounds: int) -> int:
    """Print the ratios; the exit code."""
    script = Script()
    with noted(script):
        first = run(server, ids, seed=1)
    sent = sum(len(octets) for _, what, octets in script.events if what == "send")
    silent = sum(float(octets) for _, what, octets in script.events if what == "wait")
    print(
        f"{len(ids)} cases, {script.connections} connections, {sent:,} octets sent; first run {first:.1f} s, {silent:.1f} s of it silence"
    )
    ratios = []
    for number in range(rounds):
        ours = run(server, ids, seed=1)
        bare, vain = replay(script, server.addresses["imap"].port)
        tidy(server, server.accounts, "", Settings(1))
        ratios.append(ours / bare)
        print(
            f"  round {number + 1}: run {ours:6.1f} s, bare client {bare:6.1f} s, {vain} answers missed, ratio {ratios[-1]:.2f}",
            flush=True,
        )
    middle = statistics.median(ratios)
    met = middle <= GOAL
    print(
        f"ratio to the bare client, lowest and median: {min(ratios):.2f} {middle:.2f}  goal {GOAL:g}: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
