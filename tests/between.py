"""A proxy between a client and a real server, which can break one rule at a time.

It must not import the package: what is wrong in the package's own reading would hide if both shared it. So it cuts lines and literals
itself, and knows by their tags which commands are in progress.

    with Between(server_port, rewriter) as between:
        ...  # 127.0.0.1, between.port

A `Rewriter` sees whole replies (a line with its literals), and whole commands of the kinds that it takes; what it returns is sent on
instead. Everything else goes on as it came, in the same order. `segments` decides how octets are cut on their way, and when they go.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import re
import select
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Seconds after which an end that does not read, or does not shake hands, is given up.
_PATIENCE = 10.0
#: A line that is longer goes on piece by piece, seen by nobody.
_LONGEST_LINE = 1 << 20

_LITERAL = re.compile(rb"\{([0-9]+)(\+?)\}\r?\n\Z")
_HEADERS = re.compile(rb"\{([0-9]+)\+?\}\r\n")
_NAME = re.compile(rb"(?:uid +)?[a-z0-9-]*", re.IGNORECASE)
_TAGGED = re.compile(rb"([^ *+\r\n][^ \r\n]*) (OK|NO|BAD)\b", re.IGNORECASE)
#: Commands behind which a client's lines are no commands, until their completion.
_CONVERSATIONS = frozenset({"AUTHENTICATE", "IDLE"})


class End(enum.Enum):
    """What can stand among what is sent."""

    HANG_UP = "both connections are closed behind it"


HANG_UP = End.HANG_UP


@dataclasses.dataclass(frozen=True)
class Back:
    """Octets for the side where what is being rewritten came from."""

    octets: bytes


@dataclasses.dataclass(frozen=True)
class Hidden:
    """A command of our own to the server, without tag and line end; the client does not see its completion."""

    octets: bytes
    tells: bool = False  #: but it sees what else is replied


Out = bytes | Back | Hidden | End


@dataclasses.dataclass(eq=False)
class Command:
    """A command of the client. Only those that are taken have all their `octets`, others the first line."""

    tag: bytes
    name: str  #: upper case, with UID in front
    octets: bytes  #: tag, text and line end; literals are synchronizing here, however they came
    connection: Connection
    hidden: bool = False  #: ours, and nothing of its replies is shown
    ours: bool = False  #: ours, and its completion is not shown

    @property
    def arguments(self) -> bytes:
        """What stands behind the name, without the space and the last line end."""
        text = self.octets.removesuffix(b"\n").removesuffix(b"\r")[len(self.tag) + 1 :]
        found = _NAME.match(text)
        assert found is not None
        return text[found.end() + 1 :]

    @property
    def words(self) -> bytes:
        """Name and arguments as they stand."""
        return self.octets.removesuffix(b"\n").removesuffix(b"\r")[len(self.tag) + 1 :]

    def saying(self, words: bytes) -> bytes:
        """Another command in place of this one."""
        return self.tag + b" " + words + b"\r\n"

    def completed(self, how: str) -> Back:
        """A completion, when nothing goes to the server."""
        return Back(self.tag + f" {how}\r\n".encode())


@dataclasses.dataclass
class Reply:
    """A whole reply of the server."""

    octets: bytes
    connection: Connection
    command: (
        Command | None
    )  #: that it completes, else the oldest in progress; None: the greeting, or nothing is in progress
    completes: bool = False

    @property
    def greeting(self) -> bool:
        """Nothing came before it."""
        return self.connection.replies == 0

    @property
    def text(self) -> bytes:
        """Without the last line end."""
        return self.octets.removesuffix(b"\r\n")


class Rewriter:
    """Changes nothing. One serves all connections, from threads of their own; what it notes of one is in `connection.memory`."""

    def takes(self, command: Command) -> bool:  # noqa: ARG002 - for those that follow
        """Whether a command is kept until it is whole, to be rewritten. The first line is known."""
        return False

    def command(self, command: Command) -> Iterable[Out]:
        """What goes to the server instead of a command that was taken. Octets are whole commands."""
        return [command.octets]

    def answer(self, octets: bytes, command: Command) -> Iterable[Out]:  # noqa: ARG002
        """What goes to the server instead of a line of a conversation."""
        return [octets]

    def reply(self, reply: Reply) -> Iterable[Out]:
        """What goes to the client instead of a reply."""
        return [reply.octets]

    def secured(self, connection: Connection) -> Iterable[bytes]:  # noqa: ARG002
        """What goes to the server as soon as TLS has begun."""
        return []

    def closes(self, connection: Connection) -> bool:  # noqa: ARG002
        """Whether the client's connection is closed when the server has closed its own."""
        return True

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:  # noqa: ARG002
        """The pieces in which octets are written, one segment each, and pauses (seconds) between them."""
        return [octets]


class Between:
    """The proxy. `port`: of the server on 127.0.0.1; `tls`: what it shows to clients that ask for TLS."""

    def __init__(
        self, port: int, rewriter: Rewriter | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.server_port = port
        self.rewriter = rewriter or Rewriter()
        self.tls = tls
        self.port = 0
        self.connections = 0  #: how many there were since `being`
        self._open: set[Connection] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            left = [*self._open]
        for connection in left:
            connection.abort()
            connection.thread.join()

    @contextlib.contextmanager
    def being(self, rewriter: Rewriter) -> Iterator[None]:
        """Rewrite the connections that begin from now on in this way, for a while."""
        before, self.rewriter = self.rewriter, rewriter
        self.connections = 0
        try:
            yield
        finally:
            self.rewriter = before

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                connection = Connection(self, client, self.connections)
                with self._lock:
                    self._open.add(connection)
                connection.thread.start()

    def left(self, connection: Connection) -> None:
        """A connection has come to its end."""
        with self._lock:
            self._open.discard(connection)


class _LeaveError(Exception):
    """This connection is at its end."""


class Connection:
    """One client, with a connection to the server of its own."""

    def __init__(self, between: Between, client: socket.socket, number: int) -> None:
        self.number = number  #: counts from 1, since `being`
        self.memory: dict[str, Any] = {}  #: the rewriter's
        self.pending: list[Command] = []  #: commands in progress, the oldest first
        self.done: list[Command] = []  #: commands that were completed with OK
        self.replies = 0
        self.encrypted = False
        self.thread = threading.Thread(target=self._run)
        self._between = between
        self._rewriter = between.rewriter
        self._client = client
        self._server: socket.socket | None = None
        self._commands = _Incoming(self)
        self._arrived = b""  #: of the server
        self._hidden = 0
        self._due: list[tuple[bool, bytes]] = []  #: to the client?, octets
        self._stopping = threading.Event()

    def abort(self) -> None:
        """From another thread: end it."""
        self._stopping.set()
        for end in (self._client, self._server):
            if end is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(end, socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            with self._client, contextlib.suppress(OSError):
                self._server = socket.create_connection(("127.0.0.1", self._between.server_port), _PATIENCE)
                for end in (self._client, self._server):
                    end.settimeout(_PATIENCE)
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    with contextlib.suppress(_LeaveError):
                        self._relay()
                    self._say_goodbye()
                finally:
                    self._server.close()
                    self._client.close()  # another one since TLS
        finally:
            self._between.left(self)

    def _relay(self) -> None:
        while True:
            for end in self._ready():
                encrypted = self.encrypted
                octets = self._received(end)
                if octets is None:
                    continue
                if end is self._client:
                    if not octets:
                        return
                    self._commands.take(octets)
                elif octets:
                    self._arrived += octets
                    self._replied()
                else:
                    self._server_left()
                self._flush()
                if self.encrypted != encrypted:
                    break

    def _ready(self) -> list[socket.socket]:
        """Who has said something. TLS may have it already."""
        assert self._server is not None
        ends = [self._client, self._server]
        known = [end for end in ends if isinstance(end, ssl.SSLSocket) and end.pending()]
        ready: list[socket.socket] = [*known] or select.select(ends, [], [])[0]
        return ready

    @staticmethod
    def _received(end: socket.socket) -> bytes | None:
        """None: it was about TLS only."""
        end.settimeout(0)
        try:
            return end.recv(1 << 16)
        except (ssl.SSLWantReadError, BlockingIOError):
            return None
        except OSError:
            return b""
        finally:
            end.settimeout(_PATIENCE)

    def _server_left(self) -> None:
        if self._arrived:
            self._write(self._arrived, to_client=True)
        self._flush()
        if self._rewriter.closes(self):
            raise _LeaveError
        while self._client.recv(1 << 16):
            pass
        raise _LeaveError

    def _say_goodbye(self) -> None:
        """Close in order; with octets unread it would be a reset."""
        if self.encrypted:
            with contextlib.suppress(OSError, ValueError):
                assert isinstance(self._client, ssl.SSLSocket)
                self._client = self._client.unwrap()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._client, socket.SHUT_WR)
            while socket.socket.recv(self._client, 1 << 16):
                pass

    # The server's side.

    def _replied(self) -> None:
        while (end := _unit(self._arrived)) is not None:
            octets, self._arrived = self._arrived[:end], self._arrived[end:]
            self._reply(octets)

    def _reply(self, octets: bytes) -> None:
        tagged = _TAGGED.match(octets)
        completes = next((c for c in self.pending if tagged and c.tag == tagged[1]), None)
        command = completes or (self.pending[0] if self.pending else None)
        if completes is not None and tagged is not None:
            self.pending.remove(completes)
            if tagged[2].upper() == b"OK":
                self.done.append(completes)
        if command is not None and (command.hidden or (command.ours and completes is command)):
            return
        reply = Reply(octets, self, command, completes is not None)
        self._carry_out(self._rewriter.reply(reply), to_client=True)
        self.replies += 1
        if completes is not None and completes.name == "STARTTLS" and completes in self.done:
            self._begin_tls()
        self._commands.heard(octets, completes)

    def _begin_tls(self) -> None:
        """With both sides, the server first."""
        assert self._between.tls is not None, "this proxy shows no certificate"
        assert self._server is not None
        self._flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._server = context.wrap_socket(self._server)
        self._client = self._between.tls.wrap_socket(self._client, server_side=True)
        self.encrypted = True
        self._commands.starts_anew()
        for octets in self._rewriter.secured(self):
            self._write(octets, to_client=False)

    # The client's side, on behalf of `_Incoming`.

    def begun(self, line: bytes) -> Command:
        """A command's first line."""
        tag, _, text = line.removesuffix(b"\n").removesuffix(b"\r").partition(b" ")
        name = _NAME.match(text)
        assert name is not None
        words = b" ".join(name[0].upper().split()).decode("ascii")
        return Command(tag, words, line, self)

    def takes(self, command: Command) -> bool:
        """See `Rewriter.takes`."""
        return self._rewriter.takes(command)

    def passes(self, octets: bytes) -> None:
        """Send on what is no business of ours."""
        self._write(octets, to_client=False)

    def asks_for_more(self) -> None:
        """For a literal of a command that is taken."""
        self._write(b"+ go on\r\n", to_client=True)

    def whole(self, command: Command) -> None:
        """A command that was taken is there."""
        self._carry_out(self._rewriter.command(command), to_client=False, command=command)

    def answered(self, octets: bytes, command: Command) -> None:
        """A line of a conversation."""
        self._carry_out(self._rewriter.answer(octets, command), to_client=False)

    # Out.

    def _carry_out(self, outs: Iterable[Out], *, to_client: bool, command: Command | None = None) -> None:
        """Send what a rewriter returned."""
        for out in outs:
            if isinstance(out, bytes):
                if command is not None:
                    self._goes_to_server(out, command)
                self._write(out if command is None else _without_waiting(out), to_client=to_client)
            elif isinstance(out, Back):
                self._write(out.octets, to_client=not to_client)
            elif isinstance(out, Hidden):
                self._hidden += 1
                octets = b"between%d %s\r\n" % (self._hidden, out.octets)
                self.pending.append(dataclasses.replace(self.begun(octets), hidden=not out.tells, ours=True))
                self._write(_without_waiting(octets), to_client=False)
            else:
                self._flush()
                raise _LeaveError

    def _goes_to_server(self, octets: bytes, command: Command) -> None:
        """From now on it is in progress: under its own name, whatever it became on its way."""
        tag = octets.partition(b" ")[0]
        self.pending.append(command if tag == command.tag else self.begun(octets))

    def _write(self, octets: bytes, *, to_client: bool) -> None:
        """To be sent when what has arrived is done with: what came in one piece goes on in one piece."""
        if self._due and self._due[-1][0] is to_client:
            octets = self._due.pop()[1] + octets
        self._due.append((to_client, octets))

    def _flush(self) -> None:
        due, self._due = self._due, []
        for to_client, octets in due:
            for piece in self._rewriter.segments(octets, self, to_client=to_client):
                if isinstance(piece, bytes):
                    end = self._client if to_client else self._server
                    assert end is not None
                    end.sendall(piece)
                else:
                    self._stopping.wait(piece)


class _Incoming:
    """The client's octets: commands, their literals, lines of conversations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._arrived = b""
        self._left = 0  #: octets of a literal that are still to come
        self._command: Command | None = None  #: whose literal it is
        self._taken = False
        self._waits = False  #: until the server has said whether it wants a literal

    def take(self, octets: bytes) -> None:
        """Octets arrived."""
        self._arrived += octets
        self._go_on()
        if self._arrived and any(command.name == "STARTTLS" for command in self._connection.pending):
            self._in_clear()

    def _in_clear(self) -> None:
        """Half a line behind STARTTLS: of no use any more, and the server has to see that, unless the rewriter has other plans."""
        if not self._connection.takes(self._connection.begun(self._arrived)):
            self._connection.passes(self._arrived)
            self._arrived = b""

    def heard(self, reply: bytes, completes: Command | None) -> None:
        """The server said something, which may be about the literal that is waited with."""
        if self._waits and (reply.startswith(b"+") or (completes is not None and completes is self._command)):
            if completes is not None:
                self._left, self._command = 0, None
            self._waits = False
            self._go_on()

    def starts_anew(self) -> None:
        """Inside TLS no command is in progress."""
        self._left, self._command, self._taken, self._waits = 0, None, False, False
        self._connection.pending.clear()

    def _go_on(self) -> None:
        while self._arrived and not self._waits:
            if self._left:
                self._more(self._arrived[: self._left])
                continue
            end = self._arrived.find(b"\n") + 1
            if not end and len(self._arrived) < _LONGEST_LINE:
                return
            self._line(self._arrived[: end or len(self._arrived)])

    def _more(self, octets: bytes) -> None:
        """Of a literal."""
        self._arrived = self._arrived[len(octets) :]
        self._left -= len(octets)
        self._send(octets)

    def _send(self, octets: bytes) -> None:
        if self._taken:
            assert self._command is not None
            self._command.octets += octets
        else:
            self._connection.passes(octets)

    def _line(self, line: bytes) -> None:
        self._arrived = self._arrived[len(line) :]
        connection = self._connection
        if self._command is None:
            talking = next((c for c in connection.pending if c.name in _CONVERSATIONS), None)
            if talking is not None:
                connection.answered(line, talking)
                return
            self._command = connection.begun(line)
            self._taken = connection.takes(self._command)
            if self._taken:
                self._command.octets = b""
            else:
                connection.pending.append(self._command)
        literal = _LITERAL.search(line)
        self._send(b"%s{%s}\r\n" % (line[: literal.start()], literal[1]) if literal and self._taken else line)
        if literal is None:
            command, taken, self._command, self._taken = self._command, self._taken, None, False
            if taken:
                connection.whole(command)
            return
        self._left = int(literal[1])
        if not literal[2]:
            if self._taken:
                connection.asks_for_more()
            else:
                self._waits = True


def _unit(octets: bytes) -> int | None:
    """Where the first whole reply ends: a line and its literals."""
    end = 0
    while True:
        line = octets.find(b"\n", end) + 1
        if not line:
            return None
        literal = _LITERAL.search(octets, end, line)
        if literal is None:
            return line
        end = line + int(literal[1])
        if len(octets) < end:
            return None


def _without_waiting(octets: bytes) -> bytes:
    """A whole command with literals that do not wait."""
    out, at = b"", 0
    while header := _HEADERS.search(octets, at):
        end = header.end() + int(header[1])
        out += octets[at : header.start()] + b"{%s+}\r\n" % header[1] + octets[header.end() : end]
        at = end
    return out + octets[at:]
