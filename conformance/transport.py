"""The only file with socket and ssl: octets to and from one server, with deadlines.

What the peer does is a value: octets, silence, or the end of the connection with its reason. Exceptions are left for the
operator's mistakes (`TargetError`: refused connection, refused TLS; `UsageError`: unreadable certificate files).

Knows: addresses, TCP, TLS. Must not know: what the octets mean.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from conformance.errors import TargetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


Reason = Literal["closed", "reset", "tls", "stalled", "limit"]
Scheme = Literal["imap", "imaps", "imap+starttls"]
TLSContext = ssl.SSLContext

#: Seconds that one `send` may take before the server counts as stalled.
SEND_LIMIT = 30.0

_CHUNK = 65_536
#: Octets that may wait for the caller while a `send` is in progress; above that the server has to wait.
_WAITING_LIMIT = 1 << 24
#: Octets of one line of plain text that are tolerated before a TLS handshake.
_PLAIN_LIMIT = 16_384
#: Content types of TLS records (RFC 8446, section 5.1, and heartbeat): no line of IMAP begins with one of these.
_TLS_RECORDS = range(0x14, 0x19)


@dataclass(frozen=True)
class Ended:
    """The connection is over: ended by the server in order ("closed"), by a reset, by breaking TLS, or given up by us
    because the server does not read what we send ("stalled") or because what it sends passes a limit of ours ("limit").
    """  # fmt: skip

    reason: Reason
    detail: str = ""

    @property
    def by_us(self) -> bool:
        """Whether we gave it up: to the server this is a client that left."""
        return self.reason in ("stalled", "limit")

    def __str__(self) -> str:
        """As the note of a journal's "end" step: the reason, then the detail."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason

    @classmethod
    def from_note(cls, note: str) -> Ended:
        """The reverse of `str`; a note of another form is the detail of an orderly end."""
        word, _, detail = note.partition(": ")
        for reason in get_args(Reason):
            if word == reason:
                return cls(reason, detail)
        return cls("closed", note)


@dataclass(frozen=True)
class Silence:
    """Nothing came until the deadline."""


SILENCE = Silence()


class Transport(Protocol):
    """One connection, real or recorded."""

    encrypted: bool

    def send(self, octets: bytes) -> Ended | None:
        """Send all octets, within the transport's own time limit. A connection that is gone is reported, not raised."""

    def receive(self, timeout: float) -> bytes | Silence | Ended:
        """Some octets (never empty), or what happened instead. `timeout` in seconds; 0 polls."""

    def start_tls(self, timeout: float) -> Ended | None:
        """Shake hands over the present connection. None when it is encrypted from now on.

        What the server sent in clear before its part of the handshake is not lost: `receive` hands it out first.
        """

    def past(self, deadline: float) -> bool:
        """Whether a deadline (of the monotonic clock, in seconds) has passed; in a recording, whether it had."""

    def late(self, deadline: float) -> bool:
        """Whether a deadline passed while what arrived was read; a recording says what was read in time."""

    def pause(self, seconds: float) -> None:
        """Let the server have some time; a recording needs none."""

    def close(self) -> None:
        """Close without ceremony; never raises, may be called twice."""


class Dialer(Protocol):
    """Opens connections to one server."""

    @property
    def starttls(self) -> bool:
        """STARTTLS has to be done before anything else: the session sends the command, then calls `start_tls`."""

    def connect(self, connection: str, timeout: float) -> Transport:
        """A new connection (TLS already done for imaps). `connection` is its name in the scenario, for recordings.

        Raises `TargetError` when it is refused, does not answer, or the certificate is not accepted.
        """


@dataclass(frozen=True)
class Address:
    """Where a server listens, and how a connection begins. `str` is the URL; `host` is a name or an IP address."""

    scheme: Scheme
    host: str
    port: int

    def __str__(self) -> str:
        """The URL, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True)
class TLS:
    """What the operator says about TLS.

    Without settings the server's certificate is verified with the system's authorities. Behind `imap://` it is verified
    only when `ca_file` or `server_name` is given: the operator did not ask for TLS there, only a scenario does.
    """

    ca_file: Path | None = None  #: PEM file of the authorities to trust instead of the system's
    certificate: Path | None = None  #: PEM file of our own certificate, for servers that ask for one
    key: Path | None = None  #: PEM file of its key; None: in the same file
    insecure: bool = False  #: no verification at all
    server_name: str = ""  #: name to ask for and to verify; "": the address's host

    def context(self, address: Address) -> ssl.SSLContext:
        """The settings for connections to `address`. Raises `UsageError` for files that cannot be read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # An end without TLS's own closing is told apart from an orderly one, with every version of OpenSSL.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        asked = address.scheme != "imap" or self.ca_file or self.server_name
        if self.insecure or not asked:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca_file is None:
            context.load_default_certs()
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except OSError as error:
                raise UsageError(
                    f"cannot use {self.ca_file} as certificates of authorities ({_words(error)}). Give --ca-file a PEM file."
                ) from None
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key, password="")
            except OSError as error:
                raise UsageError(
                    f"cannot use {self.certificate} as our certificate ({_words(error)}). Give --client-cert a PEM file, "
                    "and --client-key the PEM file of its key, without a pass phrase."
                ) from None
        return context


class TCP:
    """A real connection. `server_name` is what TLS asks for and verifies; the socket is connected and becomes ours.

    While it sends it also reads, so that a server which waits for us to read cannot lock both up. After a failed `send`
    what had arrived can still be received.
    """

    def __init__(
        self,
        connected: socket.socket,
        context: ssl.SSLContext,
        server_name: str,
        send_limit: float = SEND_LIMIT,
    ) -> None:
        connected.setblocking(False)
        # Scenarios decide what travels in one segment, not the kernel.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.encrypted = False
        self._socket = connected
        self._context = context
        self._server_name = server_name
        self._send_limit = send_limit
        self._arrived = bytearray()  # in clear, not yet handed out
        self._unsent = bytearray()  # as it goes over the wire
        self._ended: Ended | None = None
        self._tls: ssl.SSLObject | None = None
        self._before_tls: bytes | None = (
            b""  # a line in clear that has begun; None: the server's handshake has begun
        )
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    def send(self, octets: bytes) -> Ended | None:
        """See `Transport.send`."""
        if self._ended is not None:
            return self._ended
        if self._tls is None:
            self._unsent += octets
        elif octets:
            try:
                self._tls.write(octets)
            except ssl.SSLError as error:
                return self._end(Ended("tls", _explain(error)))
            self._unsent += self._outgoing.read()
        return self._flush(time.monotonic() + self._send_limit)

    def receive(self, timeout: float) -> bytes | Silence | Ended:
        """See `Transport.receive`."""
        deadline = time.monotonic() + timeout
        while not self._arrived and self._ended is None:
            if not self._wait(deadline)[0]:
                return SILENCE
            self._pull()
            # Octets of TLS itself are no answer, and can come without an end.
            if not self._arrived and self._ended is None and time.monotonic() > deadline:
                return SILENCE
        if self._arrived:
            octets = bytes(self._arrived)
            self._arrived.clear()
            return octets
        return self._ended or SILENCE

    def start_tls(self, timeout: float) -> Ended | None:
        """See `Transport.start_tls`."""
        return self._ended or self.handshake(timeout, after_plain_text=True)

    def handshake(self, timeout: float, *, after_plain_text: bool) -> Ended | None:
        """Shake hands; `after_plain_text`: whole lines in clear may come before the server's part of the handshake."""
        deadline = time.monotonic() + timeout
        tls = self._context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=self._server_name or None
        )
        while self._tls is None:
            try:
                tls.do_handshake()
                self._tls = tls
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self._end(Ended("tls", _explain(error)))
            self._unsent += self._outgoing.read()  # after a failure: the alert that tells the server why
            broken = self._flush(deadline, reading=False)
            if broken is not None or self._ended is not None:
                return self._end(Ended("tls", f"{_BROKEN_OFF} ({broken})"))
            if self._tls is None:
                problem = self._hear_handshake(deadline, after_plain_text=after_plain_text)
                if problem:
                    self._ended = Ended("tls", problem)
                    return self._ended
        self.encrypted = True
        self._decrypt()
        return None

    def _hear_handshake(self, deadline: float, *, after_plain_text: bool) -> str:
        """Take what the server sends during the handshake; what is wrong with it, or ""."""
        if not self._wait(deadline)[0]:
            return _UNANSWERED
        octets = self._read()
        if octets is None:
            return ""
        if not octets:
            return f"{_BROKEN_OFF} ({self._ended})" if self._ended else _BROKEN_OFF
        if self._before_tls is not None:
            octets = self._before_tls + octets
            if after_plain_text:
                octets = self._set_aside_plain_text(octets)
            begun = bool(octets) and octets[0] in _TLS_RECORDS
            too_much = len(octets) > _PLAIN_LIMIT or len(self._arrived) > _WAITING_LIMIT
            if not begun and (too_much or (octets and not after_plain_text)):
                return _PLAIN_TEXT
            self._before_tls = None if begun else octets
        if self._before_tls is None:
            self._incoming.write(octets)
        return ""

    def past(self, deadline: float) -> bool:
        """See `Transport.past`."""
        return time.monotonic() > deadline

    def late(self, deadline: float) -> bool:
        """See `Transport.late`."""
        return self.past(deadline)

    def pause(self, seconds: float) -> None:
        """See `Transport.pause`."""
        time.sleep(seconds)

    def close(self) -> None:
        """See `Transport.close`."""
        self._socket.close()
        self._end(Ended("closed", "by us"))

    def _set_aside_plain_text(self, raw: bytes) -> bytes:
        """Move the whole lines in clear at the beginning of `raw` to what `receive` hands out; the rest."""
        start = 0
        while start < len(raw) and raw[start] not in _TLS_RECORDS:
            end = raw.find(b"\n", start) + 1
            if not end:
                break
            start = end
        self._arrived += raw[:start]
        return raw[start:]

    def _end(self, ended: Ended) -> Ended:
        """Note the first reason why the connection is over."""
        if self._ended is None:
            self._ended = ended
        return self._ended

    def _wait(self, deadline: float, *, reading: bool = True, writing: bool = False) -> tuple[bool, bool]:
        """Until the socket can be read, or written, or the deadline has passed: (readable, writable)."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN * reading | select.POLLOUT * writing)
        events = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        happened = events[0][1] if events else 0
        broken = happened & (select.POLLERR | select.POLLHUP)
        return bool(reading and (happened & select.POLLIN or broken)), bool(
            happened & select.POLLOUT or broken
        )

    def _read(self) -> bytes | None:
        """Octets of the wire, b"" at the end of the connection, None when there are none yet."""
        try:
            octets = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            self._end(Ended("reset", _words(error)))
            return b""
        return octets

    def _pull(self) -> None:
        """Take what the socket has."""
        octets = self._read()
        if octets is None:
            return
        if self._tls is None:
            self._arrived += octets
            if not octets:
                self._end(Ended("closed"))
            return
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()
        self._decrypt()

    def _decrypt(self) -> None:
        """Take what the arrived TLS records hold."""
        assert self._tls is not None
        try:
            while octets := self._tls.read(_CHUNK):
                self._arrived += octets
            self._end(Ended("closed"))
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            # The first releases of Python 3.11 know the end by its reason only.
            if isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING":
                self._end(Ended("closed", "without TLS's own closing"))
            else:
                self._end(Ended("tls", _explain(error)))
        self._unsent += self._outgoing.read()  # answers of TLS itself go out with the next send

    def _flush(self, deadline: float, *, reading: bool = True) -> Ended | None:
        """Send what is unsent until the deadline; `reading`: take what arrives meanwhile."""
        while self._unsent:
            try:
                sent = self._socket.send(memoryview(self._unsent)[:_CHUNK])
            except BlockingIOError:
                reading = reading and self._ended is None and len(self._arrived) < _WAITING_LIMIT
                readable, writable = self._wait(deadline, reading=reading, writing=True)
                if readable:
                    self._pull()
                elif not writable:
                    return self._end(Ended("stalled", "the server did not read in time what we sent"))
            except OSError as error:
                return Ended("reset", _words(error))
            else:
                del self._unsent[:sent]
        return None


def towards_clients(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS as a server does it, with PEM files. Raises `UsageError` for files that cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise UsageError(
            f"cannot use {certificate} as our certificate ({_words(error)}). Give PEM files, the key without a pass phrase."
        ) from None
    return context


@dataclass(frozen=True)
class TCPDialer:
    """Opens real connections to one address. Raises `UsageError` when a certificate file cannot be read."""

    address: Address
    tls: TLS = field(default_factory=TLS)
    send_limit: float = SEND_LIMIT
    context: ssl.SSLContext = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the certificate files before anything is sent."""
        object.__setattr__(self, "context", self.tls.context(self.address))

    @property
    def starttls(self) -> bool:
        """See `Dialer.starttls`."""
        return self.address.scheme == "imap+starttls"

    def connect(self, connection: str, timeout: float) -> TCP:
        """See `Dialer.connect`. The time limit is for everything but the look-up of the host name."""
        del connection  # all our connections are alike
        deadline = time.monotonic() + timeout
        server_name = self.tls.server_name or self.address.host
        transport = TCP(_connected(self.address, timeout), self.context, server_name, self.send_limit)
        if self.address.scheme == "imaps":
            ended = transport.handshake(max(0.0, deadline - time.monotonic()), after_plain_text=False)
            if ended is not None:
                transport.close()
                raise TargetError(f"{self.address}: {ended.detail}")
        return transport


def _connected(address: Address, timeout: float) -> socket.socket:
    """A connection to the first of the host's addresses that accepts one; each gets a fair part of the time."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(
            f"{address}: the host name {address.host} has no address ({_words(error)}). "
            "Correct its spelling, or give an IP address."
        ) from None
    deadline = time.monotonic() + timeout
    failure: OSError = TimeoutError()
    for position, (family, kind, protocol, _, peer) in enumerate(found):
        attempt = socket.socket(family, kind, protocol)
        attempt.settimeout(max(0.001, (deadline - time.monotonic()) / (len(found) - position)))
        try:
            attempt.connect(peer)
        except OSError as error:
            attempt.close()
            failure = error
        else:
            return attempt
    if isinstance(failure, ConnectionRefusedError):
        problem = "the connection was refused: nothing listens there. Start the server, or correct the port."
    elif isinstance(failure, TimeoutError):
        problem = (
            f"no answer within {timeout:g} s. Correct host and port, look for a firewall, or raise --timeout."
        )
    else:
        problem = (
            f"cannot connect ({_words(failure)}). Correct host and port, or mend the route to that host."
        )
    raise TargetError(f"{address}: {problem}") from None


def loopback_hosts() -> tuple[str, ...]:
    """The loopback addresses of this machine: IPv4, and IPv6 where there is one."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return ("127.0.0.1", "::1")
    except OSError:
        return ("127.0.0.1",)


def free_ports(count: int, hosts: tuple[str, ...]) -> tuple[int, ...]:
    """Ports that are free on all `hosts` now; somebody else may take one before the server does."""
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            port = 0
            try:
                for host in hosts:
                    family = socket.AF_INET6 if ":" in host else socket.AF_INET
                    listener = held.enter_context(socket.create_server((host, port), family=family))
                    port = listener.getsockname()[1]
            except OSError:  # taken on another host
                continue
            ports.append(port)
    return tuple(ports)


_PLAIN_TEXT = (
    "the server answers the TLS handshake in plain text. Use imap:// or imap+starttls:// for this port, or give the port "
    "of IMAP over TLS (usually 993)."
)
_UNANSWERED = (
    "the server did not answer the TLS handshake in time. Use imap:// or imap+starttls:// if this port begins in "
    "plain text, or raise --timeout."
)
_BROKEN_OFF = "the server ended the connection during the TLS handshake: its log may say why"

#: OpenSSL's reasons that an operator can do something about.
_REMEDIES = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server asks for a client certificate. Give --client-cert and --client-key.",
    "TLSV1_ALERT_UNKNOWN_CA": "the server does not know the authority of our certificate. Give another --client-cert.",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the server refuses our certificate. Give another --client-cert.",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the server refuses our certificate. Give another --client-cert.",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refuses the handshake: no common cipher, or it asks for a client "
    "certificate. Give --client-cert and --client-key, or mend the server's settings.",
    "UNSUPPORTED_PROTOCOL": "the server has no version of TLS that is still in use. Switch TLS 1.2 or 1.3 on there.",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server accepts none of TLS 1.2 and 1.3. Switch one of them on there.",
    "TLSV1_UNRECOGNIZED_NAME": "the server does not know the name that we asked for. Give --server-name.",
    "WRONG_VERSION_NUMBER": "what the server sent is not TLS.",
}


def _explain(error: ssl.SSLError) -> str:
    """What went wrong with TLS and what to change, one sentence or two."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the server's certificate is not accepted ({error.verify_message}). Give its authority with --ca-file, its "
            "name with --server-name, or --insecure to go without verification."
        )
    return _REMEDIES.get(error.reason or "", f"TLS failed ({_words(error)}).")


def _words(error: Exception) -> str:
    """The system's words for an error, without numbers."""
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
