"""A connection being driven: a transport and a session, with a deadline for every wait and a record of every event."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from conformance import journal
from conformance.journal import Finding, Step, Trouble
from conformance.memory import Memory
from conformance.session import Session
from conformance.transport import SILENCE, Ended, Silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.checks import Violation
    from conformance.grammar import Grammar, Problem
    from conformance.model import State
    from conformance.response import Response
    from conformance.runner.recorder import Records
    from conformance.runner.settings import Settings
    from conformance.servers.base import Account
    from conformance.transport import Dialer, Transport
    from conformance.wire import Literal as CommandLiteral

#: The shortest wait for octets, in seconds.
_LEAST = 0.001

Waited = Literal["done", "timeout", "ended"]

#: How many times longer than for other answers is waited for that of a login.
_LOGIN_PATIENCE = 3
Kind = Literal["connect", "send", "receive", "end", "close", "tls", "silence"]


@dataclass(frozen=True)
class Seen:
    """A response and the number of the journal step that recorded it."""

    response: Response
    step: int


class Connected(Protocol):
    """What a play has to know of a connection to record its steps."""

    name: str
    session: Session


class Play:
    """One attempt at one case: numbers its steps, keeps its time, collects the violations of its connections."""

    def __init__(self, case: str, attempt: int, recorder: Records) -> None:
        self.case = case
        self.attempt = attempt
        self.violations: list[Violation] = []
        self._recorder = recorder
        self._started = time.monotonic()
        self._steps = 0
        self._memories: dict[str, Memory] = {}

    def session(self, name: str, user: str, grammar: Grammar) -> Session:
        """A new connection. Those of one user share what they were told for ever."""
        memory = self._memories.setdefault(user, Memory())
        return Session(name, grammar, memory=memory)

    @property
    def step_count(self) -> int:
        """The number of the latest step."""
        return self._steps

    @property
    def elapsed(self) -> float:
        """Seconds since the play began."""
        return time.monotonic() - self._started

    def step(
        self,
        client: Connected,
        kind: Kind,
        octets: bytes = b"",
        *,
        line: int = 0,
        note: str = "",
        problem: Problem | None = None,
        state: State | None = None,
        together: bool = False,
    ) -> int:
        """Record a step, in the present state if no other is given; returns its number."""
        self._steps += 1
        text, cut = journal.cut(octets)
        trouble = Trouble(problem.rule, problem.offset, problem.expected, problem.found) if problem else None
        step = Step(
            self.case,
            self.attempt,
            self._steps,
            client.name,
            kind,
            round(self.elapsed, 4),
            (state or client.session.view.state).value,
            octets=text,
            line=line,
            note=note,
            problem=trouble,
            cut=cut,
            together=together,
        )
        self._recorder.write(step)
        return self._steps

    def conceal(self, secret: bytes) -> None:
        """Keep from every record what was made of a password."""
        self._recorder.conceal(secret.decode("latin-1"))

    def blame(self, violations: Sequence[Violation], step: int) -> None:
        """Record what the always-on checks found."""
        for v in violations:
            self.violations.append(v)
            finding = Finding(self.case, self.attempt, v.requirement, v.signature, step, v.expected, v.actual)
            self._recorder.write(finding)


class Client:
    """One connection of a play. `line` arguments are lines of the scenario, 0 for set-up."""

    def __init__(
        self, name: str, account: Account, dialer: Dialer, grammar: Grammar, play: Play, settings: Settings
    ) -> None:
        self.name = name
        self.account = account
        self.seen: list[Seen] = []
        self.ended: Ended | None = None
        self.end_step = 0
        self.session = play.session(name, account.user, grammar)
        self._dialer = dialer
        self._grammar = grammar
        self._play = play
        self._settings = settings
        self._transport: Transport | None = None
        self._sent_at = 0.0

    def connect(self) -> Waited:
        """Open the connection and wait for the greeting. Raises `TargetError` when it is refused."""
        self.session = self._play.session(self.name, self.account.user, self._grammar)
        self.session.view.memory.connections += 1
        self.seen, self.ended = [], None
        self._transport = self._dialer.connect(self.name, self._settings.timeout)
        self.session.view.encrypted = self._transport.encrypted
        self._play.step(self, "connect", note="TLS" if self._transport.encrypted else "")
        return self.wait(lambda: bool(self.seen))

    def command(self, *parts: bytes | CommandLiteral, line: int = 0, flush: bool = True) -> str:
        """Send a command, or queue it (`flush=False`: with what follows in one segment); returns its tag."""
        tag = self.session.command(parts)
        if flush:
            self.flush(line)
        return tag

    def raw(self, octets: bytes, line: int = 0, *, flush: bool = True) -> None:
        """Send octets as they stand."""
        self.session.raw(octets)
        if flush:
            self.flush(line)

    def answer(self, octets: bytes, line: int = 0) -> None:
        """Send a line that a command in progress asked for."""
        self.session.answer(octets)
        self.flush(line)

    def conceal(self, secret: bytes) -> None:
        """See `Play.conceal`."""
        self._play.conceal(secret)

    def flush(self, line: int = 0, *, single_octets: bool = False) -> None:
        """Send what the session lets go; with `single_octets` each octet as a segment of its own."""
        octets = self.session.outgoing()
        if not octets or self.ended or self._transport is None:
            return
        self._pace()
        self._play.step(self, "send", octets, line=line)
        for piece in (octets[i : i + 1] for i in range(len(octets))) if single_octets else (octets,):
            gone = self._transport.send(piece)
            if gone is not None:
                # What the server said before it closed can still be read; the reading side reports the end.
                return

    def _pace(self) -> None:
        """Keep the operator's rate limit: the only place that sleeps, because that is what was asked for."""
        if self._settings.rate_limit:
            time.sleep(max(0.0, self._sent_at + 1 / self._settings.rate_limit - time.monotonic()))
            self._sent_at = time.monotonic()

    def completion(self, tag: str) -> Seen | None:
        """The completion of a command, if it came."""
        return next((s for s in self.seen if s.response.kind == "tagged" and s.response.tag == tag), None)

    def wait_for(self, tag: str, line: int = 0) -> Waited:
        """Read until the completion of `tag`."""
        return self.wait(lambda: self.completion(tag) is not None, line=line)

    def wait(self, until: Callable[[], bool], *, line: int = 0, timeout: float | None = None) -> Waited:
        """Read until the condition holds, the connection ends, or the deadline passes."""
        deadline = time.monotonic() + (self._patience() if timeout is None else timeout)
        while not until():
            if self.ended is not None or self._transport is None:
                return "ended"
            late = self._transport.past(deadline)  # a recording's own time counts, not ours
            got = SILENCE if late else self._transport.receive(max(deadline - time.monotonic(), _LEAST))
            match got:
                case Silence():
                    self._play.step(self, "silence", line=line)
                    return "timeout"
                case Ended():
                    self._end(got)
                case _:
                    self._take(got, line)
        return "done"

    def _patience(self) -> float:
        """Longer while somebody logs in: 11.2 wants a server to slow down who tries wrong passwords, and many take five seconds."""
        pending = self.session.view.pending.values()
        slow = any(command.name in ("LOGIN", "AUTHENTICATE") for command in pending)
        return self._settings.timeout * (_LOGIN_PATIENCE if slow else 1)

    def _take(self, octets: bytes, line: int) -> None:
        for place, event in enumerate(self.session.receive(octets)):
            response = event.response
            step = self._play.step(
                self,
                "receive",
                response.raw,
                problem=response.problem,
                state=event.state,
                together=place > 0,
            )
            self.seen.append(Seen(response, step))
            self._play.blame(event.violations, step)
        if self.session.broken:
            self._end(Ended("closed", "we stopped reading: a limit was passed"), blame=False)
        else:
            self.flush(line)

    def _end(self, ended: Ended, *, blame: bool = True) -> None:
        self.ended = ended
        violations = self.session.ended(ended.reason) if blame else []
        self.end_step = self._play.step(self, "end", note=f"{ended.reason} {ended.detail}".strip())
        self._play.blame(violations, self.end_step)
        self.close()

    def past(self, deadline: float) -> bool:
        """See `Transport.past`."""
        return self._transport is None or self._transport.past(deadline)

    def pause(self, seconds: float) -> None:
        """See `Transport.pause`."""
        if self._transport is not None:
            self._transport.pause(seconds)

    def start_tls(self) -> Ended | None:
        """Shake hands; None when it worked."""
        if self._transport is None:
            return Ended("closed")
        failed = self._transport.start_tls(self._settings.timeout)
        if failed is None:
            self.session.view.over_tls()
            self._play.step(self, "tls")
        else:
            self.ended = failed
            self.end_step = self._play.step(self, "end", note=f"{failed.reason} {failed.detail}".strip())
            self.close()
        return failed

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed the connection."""
        return self._transport is not None

    def close(self) -> None:
        """Close our side, without ceremony."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def hang_up(self) -> None:
        """Close our side as a step of the case."""
        self._play.step(self, "close")
        self.close()
