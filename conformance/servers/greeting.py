"""A first look at a server: does it greet, and does it let us in by TLS where the address asks for it.

Knows: the greeting line and STARTTLS, as far as a test connection needs them. Must not judge: that is the session's part.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from conformance.errors import TargetError
from conformance.transport import Ended, Silence

if TYPE_CHECKING:
    from conformance.transport import TCP, Address, TCPDialer

_LINE_LIMIT = 65_536


def probe(dialer: TCPDialer, timeout: float) -> str:
    """Connect once; the greeting line without its end, as latin-1 text.

    Raises `TargetError` when there is no greeting within `timeout` seconds, when it is BYE, or when TLS fails.
    """
    deadline = time.monotonic() + timeout
    transport = dialer.connect("probe", timeout)
    try:
        lines = _Lines(transport, dialer.address, deadline)
        greeting = lines.next()
        if re.match(r"\* BYE\b", greeting, re.IGNORECASE):
            raise TargetError(
                f"{dialer.address}: the server turns us away: {greeting!r}. Its log may say why."
            )
        if dialer.starttls:
            _start_tls(transport, lines)
    finally:
        transport.close()
    return greeting


def _start_tls(transport: TCP, lines: _Lines) -> None:
    transport.send(b"imapspec STARTTLS\r\n")
    answer = lines.next()
    while not answer.startswith("imapspec "):
        answer = lines.next()
    if not re.match(r"imapspec OK\b", answer, re.IGNORECASE):
        raise TargetError(
            f"{lines.address}: STARTTLS is refused: {answer!r}. Use imap://, or imaps:// with the port of IMAP over TLS."
        )
    ended = transport.start_tls(max(0.0, lines.deadline - time.monotonic()))
    if ended is not None:
        raise TargetError(f"{lines.address}: {ended.detail}")


class _Lines:
    """The lines of one connection until a deadline."""

    def __init__(self, transport: TCP, address: Address, deadline: float) -> None:
        self.address = address
        self.deadline = deadline
        self._transport = transport
        self._arrived = b""

    def _late(self) -> bool:
        return time.monotonic() > self.deadline

    def next(self) -> str:
        """The next line. Raises `TargetError` when it does not come."""
        while b"\n" not in self._arrived:
            octets = self._transport.receive(max(0.0, self.deadline - time.monotonic()))
            if isinstance(octets, Silence) or len(self._arrived) > _LINE_LIMIT or self._late():
                raise TargetError(
                    f"{self.address}: the server accepts the connection, but its greeting does not come. "
                    "Use imaps:// if this port begins with TLS, or raise --timeout."
                )
            if isinstance(octets, Ended):
                raise TargetError(
                    f"{self.address}: the server ended the connection instead of greeting ({octets}). "
                    "Its log may say why; use imaps:// if this port begins with TLS."
                )
            self._arrived += octets
        if self._late():  # lines that are no answer can come without an end
            raise TargetError(
                f"{self.address}: the server answers, but not STARTTLS. Use imap:// if it has no TLS, or raise --timeout."
            )
        line, _, self._arrived = self._arrived.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")
