"""Connections that were recorded in a journal, played back: a run is judged again without its server and without waiting.

Knows: the steps of one case and attempt, and the `Transport` that a session expects. Must not know: sockets, clocks, scenarios.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from conformance.errors import TargetError, UsageError
from conformance.transport import SILENCE, Ended, Silence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.journal import Step


class RecordingDialer:
    """Plays the steps of one case and attempt back, so that a run can be judged again without its server.

    Each `connect` of a name takes up that name's next recorded connection. `starttls`: as it was in the recorded run.
    Raises `UsageError` for steps that were cut.
    """

    def __init__(self, steps: Iterable[Step], *, starttls: bool = False) -> None:
        self.starttls = starttls
        self._connections: dict[str, deque[list[Step]]] = {}
        for step in steps:
            if step.kind == "receive" and step.cut is not None:
                raise UsageError(
                    f"{step.case}: step {step.n} was too long for the journal ({step.cut.length} octets) and was cut, "
                    "so it cannot be played back. Replay this case against the server."
                )
            connections = self._connections.setdefault(step.connection, deque())
            if step.kind == "connect" or not connections:
                connections.append([])
            connections[-1].append(step)

    def connect(self, connection: str, timeout: float) -> Recording:
        """See `Dialer.connect`. Raises `TargetError` when the journal has no further connection of this name."""
        del timeout
        connections = self._connections.get(connection)
        if not connections:
            raise TargetError(
                f"the journal has no further connection {connection}. Replay the case against the server."
            )
        return Recording(connections.popleft())


class Recording:
    """One recorded connection. What is sent is counted, not compared: what the server answered comes only after as many
    sends as it came after in the recorded run.
    """  # fmt: skip

    def __init__(self, steps: Iterable[Step]) -> None:
        self.encrypted = False
        self._sent = 0  # sends that the recording has not come to yet
        self._steps = deque(step for step in steps if step.kind not in ("connect", "close"))
        if self._next() == "tls":  # imaps: encrypted before the greeting
            self._steps.popleft()
            self.encrypted = True

    def send(self, octets: bytes) -> Ended | None:
        """Count it."""
        del octets
        self._sent += 1
        return None

    def receive(self, timeout: float) -> bytes | Silence | Ended:
        """The next recorded octets, silence or end; silence also while the server waited for us."""
        kind = self._next()
        if kind is None:
            return Ended("closed", "the recording ends here")
        if kind in ("send", "tls") or (kind == "silence" and not timeout):
            return SILENCE
        step = self._steps[0]
        if kind == "end":
            return Ended.from_note(step.note)  # stays: an ended connection stays ended
        self._steps.popleft()
        if kind == "silence":
            return SILENCE
        octets = step.octets
        while self._steps and self._steps[0].together:  # what is in one read is known at one time
            octets += self._steps.popleft().octets
        return octets.encode("latin-1")

    def start_tls(self, timeout: float) -> Ended | None:
        """The recorded outcome of the handshake."""
        del timeout
        kind = self._next()
        if kind == "tls":
            self._steps.popleft()
            self.encrypted = True
            return None
        if kind == "end":
            return Ended.from_note(self._steps[0].note)
        return Ended("tls", "the recorded run did not begin TLS here")

    def past(self, deadline: float) -> bool:
        """Whether the recorded run gave up here: a silence with a note is the end of a wait that was none for octets."""
        del deadline
        if self._next() != "silence" or not self._steps[0].note:
            return False
        self._steps.popleft()
        return True

    def late(self, deadline: float) -> bool:
        """What was read together was read in time."""
        del deadline
        return False

    def pause(self, seconds: float) -> None:
        """What there was to wait for is in the recording."""

    def close(self) -> None:
        """Nothing to close."""

    def _next(self) -> str | None:
        """The kind of the next step that is due; "send" when the recorded run sent something first."""
        while self._sent and self._steps and self._steps[0].kind == "send":
            self._steps.popleft()
            self._sent -= 1
        return self._steps[0].kind if self._steps else None
