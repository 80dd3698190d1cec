"""A connection being driven: a transport and a session, with a deadline for every wait and a record of every event."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from conformance import journal
from conformance.journal import Cut, Finding, Step, Trouble
from conformance.memory import Memory
from conformance.session import Session
from conformance.transport import SILENCE, Ended, Silence
from conformance.wire import LIMIT, words

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


@dataclass
class Allowance:
    """What may still be recorded: reports read the whole journal, so a flood must not fill it."""

    steps: int
    octets: int

    def take(self, octets: int) -> bool:
        """Whether a step with so many octets may be recorded."""
        self.steps -= 1
        self.octets -= min(octets, journal.CUT_AT)
        return self.steps >= 0 and self.octets >= 0


def for_a_run() -> Allowance:
    """What the plays of a run (of one of its workers) may record together, beyond the first steps of each."""
    return Allowance(200_000, 32 << 20)


#: What a play may record, and how much of it whatever the others have recorded.
_RECORDED, _OCTETS, _AT_LEAST = 5_000, 8 << 20, 50
#: Octets of a step that stands for those that are left out.
_SHOWN = 1_000
#: Findings of one signature with records of their own, in one play; the others are counted.
_FINDINGS = 20
#: Memory (octets, an estimate) that the responses of a play may take: a response, an octet, and a word of it.
_MEMORY = 64 << 20
_ENOUGH = f"responses that take at most {_MEMORY >> 20} MiB of memory"
_A_RESPONSE, _AN_OCTET, _A_WORD = 600, 2, 64


class Play:
    """One attempt at one case: numbers its steps, keeps its time, collects the violations of its connections."""

    def __init__(
        self, case: str, attempt: int, recorder: Records, allowance: Allowance | None = None
    ) -> None:
        self.case = case
        self.attempt = attempt
        self.violations: Counter[str] = Counter()  #: how often each was found, by signature
        self._recorder = recorder
        self._allowance = allowance or for_a_run()
        self._own = Allowance(_RECORDED, _OCTETS)
        self._left_out: Step | None = None  #: the first of those that are not recorded
        self._skipped = self._skipped_octets = 0  #: their number, and that of their octets
        self._repeated: dict[str, Finding] = {}
        self._memory = _MEMORY
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
        decides: bool = False,
    ) -> int:
        """Record a step, in the present state if no other is given; returns its number.

        Of a flood the first steps are recorded, then how much it was: those that are left out share a number. A step that
        `decides` something is never left out.
        """
        if kind in ("send", "receive") and not decides and not self._may_record(len(octets)):
            return self._leave_out(client, kind, octets)
        self._tell_left_out()
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

    def _may_record(self, octets: int) -> bool:
        return self._steps < _AT_LEAST or (self._own.take(octets) and self._allowance.take(octets))

    def _leave_out(self, client: Connected, kind: Kind, octets: bytes) -> int:
        first = self._left_out
        if first is None or (first.connection, first.kind) != (client.name, kind):
            self._tell_left_out()
            self._steps += 1
            state = client.session.view.state.value
            text = octets[:_SHOWN].decode("latin-1")
            when = round(self.elapsed, 4)
            self._left_out = Step(self.case, self.attempt, self._steps, client.name, kind, when, state, text)
        self._skipped += 1
        self._skipped_octets += len(octets)
        return self._steps

    def _tell_left_out(self) -> None:
        if self._left_out is not None:
            note = f"the first of {self._skipped} that are not recorded"
            cut = Cut(self._skipped_octets, "")
            self._recorder.write(dataclasses.replace(self._left_out, note=note, cut=cut))
        self._left_out, self._skipped, self._skipped_octets = None, 0, 0

    def room_for(self, response: Response) -> bool:
        """Whether a response can be kept in memory with the others of this play."""
        self._memory -= _A_RESPONSE + _AN_OCTET * len(response.raw) + _A_WORD * words(response.raw)
        return self._memory >= 0

    def conceal(self, secret: bytes) -> None:
        """Keep from every record what was made of a password."""
        self._recorder.conceal(secret.decode("latin-1"))

    def blame(self, violations: Sequence[Violation], step: int) -> None:
        """Record what the always-on checks found."""
        for v in violations:
            self.violations[v.signature] += 1
            finding = Finding(self.case, self.attempt, v.requirement, v.signature, step, v.expected, v.actual)
            if self.violations[v.signature] <= _FINDINGS:
                self._recorder.write(finding)
            elif known := self._repeated.get(v.signature):
                self._repeated[v.signature] = dataclasses.replace(known, count=known.count + 1)
            else:
                self._repeated[v.signature] = finding

    def end(self) -> None:
        """Record what is left: nothing more happens."""
        self._tell_left_out()
        for finding in self._repeated.values():
            self._recorder.write(finding)
        self._repeated = {}


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
        self._completions: dict[str, Seen] = {}
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
        self.seen, self.ended, self._completions = [], None, {}
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
        return self._completions.get(tag)

    def wait_for(self, tag: str, line: int = 0) -> Waited:
        """Read until the completion of `tag`."""
        return self.wait(lambda: self.completion(tag) is not None, line=line)

    def wait(self, until: Callable[[], bool], *, line: int = 0, timeout: float | None = None) -> Waited:
        """Read until the condition holds, the connection ends, or the deadline passes.

        A server that passes a limit of ours, or does not read what we send, has not answered in time either.
        """
        deadline = time.monotonic() + (self._patience() if timeout is None else timeout)
        self._take(b"", line, deadline)
        while not until():
            if self.ended is not None or self._transport is None:
                return "timeout" if self.ended is not None and self.ended.by_us else "ended"
            late = self._transport.past(deadline)  # a recording's own time counts, not ours
            got = SILENCE if late else self._transport.receive(max(deadline - time.monotonic(), _LEAST))
            match got:
                case Silence():
                    self._play.step(self, "silence", line=line)
                    return "timeout"
                case Ended():
                    self._end(got)
                case _:
                    self._take(got, line, deadline)
        return "done"

    def _patience(self) -> float:
        """Longer while somebody logs in: 11.2 wants a server to slow down who tries wrong passwords, and many take five seconds."""
        pending = self.session.view.pending.values()
        slow = any(command.name in ("LOGIN", "AUTHENTICATE") for command in pending)
        return self._settings.timeout * (_LOGIN_PATIENCE if slow else 1)

    def _take(self, octets: bytes, line: int, deadline: float | None) -> None:
        """Take octets; what is not read at the deadline stays for the next wait."""
        if self.ended is not None:
            return
        place = -1
        for place, event in enumerate(self.session.arriving(octets)):
            response = event.response
            limit = response.problem is not None and response.problem.rule == LIMIT
            step = self._play.step(
                self,
                "receive",
                response.raw,
                problem=response.problem,
                state=event.state,
                together=place > 0,
                decides=limit or response.tag in self.session.view.completed,
            )
            if limit or not self._play.room_for(response):
                passed = " or ".join(response.problem.expected) if limit and response.problem else _ENOUGH
                self._end(Ended("limit", f"a limit of ours was passed: {passed}"))
                return
            self.seen.append(Seen(response, step))
            if response.kind == "tagged":
                self._completions.setdefault(response.tag or "", self.seen[-1])
            self._play.blame(event.violations, step)
            if deadline is not None and self._transport is not None and self._transport.late(deadline):
                return
        if octets or place >= 0:
            self.flush(line)

    def _end(self, ended: Ended) -> None:
        self.ended = ended
        violations = [] if ended.by_us else self.session.ended(ended.reason)
        self.end_step = self._play.step(self, "end", note=str(ended))
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
            self.end_step = self._play.step(self, "end", note=str(failed))
            self.close()
        return failed

    @property
    def was_ended(self) -> bool:
        """Whether the server has ended the connection."""
        return self.ended is not None and not self.ended.by_us

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
