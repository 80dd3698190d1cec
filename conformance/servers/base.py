"""What every server under test offers to the runner, be it an address or a process that we started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conformance.transport import Dialer


@dataclass(frozen=True)
class Account:
    """One user of the server. The password never leaves this object for a journal, a report or the terminal."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Account({self.user!r})"


class Server(Protocol):
    """A server under test."""

    name: str  #: "dovecot", "pymap", or the address without secrets
    version: str  #: what is known of product and version, "" if nothing
    owned: bool  #: we started it: INBOX may be touched, it can be restarted
    accounts: tuple[Account, ...]

    @property
    def dialer(self) -> Dialer:
        """Opens connections, from `start` on."""

    def launch(self) -> None:
        """Begin to start it and come back at once, so that other things can be done meanwhile; `start` waits.

        Raises `TargetError` when there is nothing to start.
        """

    def start(self) -> None:
        """Start and wait until it greets. Raises `TargetError` with what to install or change, and the tail of its log."""

    def stop(self) -> None:
        """Stop it and everything it started; never raises, may be called twice."""

    def crash(self) -> str | None:
        """What broke since the last call: the process died, a child was killed (log pattern). None: nothing."""

    def restart(self) -> None:
        """Stop what is left and start anew. Raises `TargetError` when it does not come back or is not ours."""

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log, "" for a server that is not ours."""
