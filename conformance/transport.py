"""The only file with socket and ssl: octets to and from one server, with deadlines.

What the peer does is a value: octets, silence, or the end of the connection with its reason. Exceptions are left for the
operator's mistakes (`TargetError`: refused connection, refused TLS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Ended:
    """The server ended the connection: in order ("closed"), by a reset, or by breaking TLS."""

    reason: Literal["closed", "reset", "tls"]
    detail: str = ""


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
        """Shake hands over the present connection. None when it is encrypted from now on."""

    def close(self) -> None:
        """Close without ceremony; never raises, may be called twice."""


class Dialer(Protocol):
    """Opens connections to one server."""

    def connect(self, connection: str, timeout: float) -> Transport:
        """A new connection (TLS already done for imaps). `connection` is its name in the scenario, for recordings.

        Raises `TargetError` when it is refused, does not answer, or the certificate is not accepted.
        """
