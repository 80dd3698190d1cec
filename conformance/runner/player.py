"""Plays one scenario once: brings its connections to the start state, carries out its steps, marks what they prove.

Messages are named as the scenario names them, and what a server does wrong becomes a mark in the ledger; an exception out of here is
a `TargetError` (the server cannot be reached) or our own fault.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable  # noqa: TC003 - read at run time by the table of steps
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import catalogue
from conformance.response import Nil, Number, String
from conformance.runner.authenticate import converse
from conformance.runner.client import Client
from conformance.runner.identity import SECRET, identity
from conformance.runner.lane import Lane
from conformance.runner.ledger import Ledger, Mark, carried_by, is_moot
from conformance.runner.sasl import UnableError, WrongError, mechanism
from conformance.runner.setup import (
    BlockedError,
    create,
    greet,
    log_in,
    numbered_messages,
    perform,
    select,
)
from conformance.runner.tidy import sweep
from conformance.scenario import holes
from conformance.scenario.asserts import evaluate
from conformance.scenario.group import expect_of
from conformance.scenario.load import message
from conformance.scenario.sequence import ends_group
from conformance.scenario.syntax import (
    GIVEN,
    NOT_LOGGED_IN,
    Assert,
    Base64,
    Close,
    End,
    Expect,
    Listen,
    Literal8,
    Poll,
    Reconnect,
    Sasl,
    Send,
    SendRaw,
    StartTLS,
)
from conformance.wire import Literal

if TYPE_CHECKING:
    from conformance.grammar import Grammar
    from conformance.journal import Result
    from conformance.runner.client import Play, Waited
    from conformance.runner.settings import Settings
    from conformance.runner.setup import Probe
    from conformance.scenario.group import GroupOutcome
    from conformance.scenario.holes import Bindings
    from conformance.scenario.syntax import Scenario, Step
    from conformance.servers.base import Account
    from conformance.transport import Dialer

#: Pauses between two NOOPs of a `poll`, in seconds: short at first, then patient.
_PAUSES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)

#: How long (seconds) a `listen` listens.
_LISTENING = 0.3


class _StopError(Exception):
    """The scenario cannot go on. `blame` empty: it has told what it could, by an accepted outcome.

    `skips`: an outcome says that the rest does not apply.
    """

    def __init__(self, blame: str, line: int, *, skips: bool = False) -> None:
        super().__init__(blame)
        self.blame = blame
        self.line = line
        self.skips = skips


class Player:
    """One play."""

    def __init__(
        self,
        scenario: Scenario,
        play: Play,
        dialer: Dialer,
        accounts: tuple[Account, ...],
        probe: Probe,
        settings: Settings,
        grammar: Grammar,
    ) -> None:
        self._scenario = scenario
        self._play = play
        self._settings = settings
        self._starttls = dialer.starttls and scenario.state != "clear"
        self._ledger = Ledger(scenario, catalogue.load())
        self._lanes = {
            c.name: Lane(Client(c.name, accounts[c.account - 1], dialer, grammar, play, settings))
            for c in scenario.connections
        }
        self._owners = [self._lanes[c.name] for c in scenario.connections if c.account == 1]
        self._prefix = probe.root + settings.prefix(scenario.id, play.attempt)
        self.hangs = False  #: a command was not answered until the deadline
        self._accounts = accounts
        self._first_identity = identity(accounts[0], accounts)
        self._bindings: Bindings = {
            "prefix": String(self._prefix.encode()),
            "mailbox": String(self._prefix.encode() + b"box"),
            "delimiter": Nil() if probe.delimiter is None else String(probe.delimiter.encode()),
            **self._first_identity,
        }

    @property
    def asked(self) -> Counter[str]:
        """How often each always-on requirement was put to the test."""
        return sum((lane.client.session.asked for lane in self._lanes.values()), Counter[str]())

    @property
    def marks(self) -> list[Mark]:
        """What the steps say, those that carry no requirement left out."""
        return [mark for marks in self._ledger.marks.values() for mark in marks]

    @property
    def bindings(self) -> Bindings:
        """What the holes are bound to."""
        return self._bindings

    @property
    def abandoned(self) -> bool:
        """Whether the server closed a connection that it should not have closed."""
        return any(lane.client.was_ended and not lane.end_accepted for lane in self._lanes.values())

    def play(self, until: int = 0) -> list[Result]:
        """Set up and play; one result per requirement. Raises `TargetError` when the server refuses connections.

        `until`: a line; once it is judged, the rest is left out.
        """
        try:
            self._set_up()
        except BlockedError as blocked:
            self.hangs = blocked.hangs
            return self._ledger.blocked(str(blocked))
        try:
            for step in self._scenario.steps:
                self._step(step)
                if until and any(mark.line == until for mark in self.marks):
                    return self._ledger.results()
            self._finish()
        except _StopError as stop:
            self._ledger.stopped, self._ledger.stopped_at = stop.blame, stop.line
            self._ledger.declined = stop.skips
        except BlockedError as blocked:
            self.hangs = blocked.hangs
            self._ledger.stopped, self._ledger.stopped_at = str(blocked), step.line
        return self._ledger.results()

    def close(self) -> None:
        """Close whatever is open."""
        for lane in self._lanes.values():
            lane.client.close()

    # --- start states ------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        scenario = self._scenario
        for lane in self._lanes.values():
            greet(lane.client, starttls=self._starttls)
            if scenario.state not in NOT_LOGGED_IN:
                log_in(lane.client)
        if scenario.state in ("created", "appended", "selected"):
            self._make_mailbox(self._owners[0].client)
        if scenario.state == "selected":
            for lane in self._owners:
                select(lane.client, self._octets("mailbox"))
            view = self._owners[0].client.session.view.mailbox
            if view is not None:
                for name, value in (("uidvalidity", view.uidvalidity), ("uidnext", view.uidnext)):
                    if value is not None:
                        self._bindings[name] = Number(value)
        for lane in self._lanes.values():
            lane.restart()

    def _make_mailbox(self, client: Client) -> None:
        scenario = self._scenario
        count = scenario.messages if scenario.messages is not None else int(scenario.state != "created")
        messages = (
            [self._file(scenario.message_file)] * count if scenario.message_file else numbered_messages(count)
        )
        try:
            create(client, self._octets("mailbox"), messages)
        except BlockedError:
            if not sweep(client, self._prefix):  # not what a killed run of the same seed left behind
                raise
            create(client, self._octets("mailbox"), messages)

    def _file(self, name: str) -> bytes:
        octets = message(Path(self._scenario.path), name)
        assert octets is not None, "the parser has seen the file"
        return octets

    def _octets(self, name: str) -> bytes:
        return holes.octets(self._bindings[name])

    # --- steps -------------------------------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        if not isinstance(step, Expect):
            for lane in self._lanes.values():
                self._heard(lane)
        gathering = self._scenario.delivery == "one-segment" and isinstance(step, Send | SendRaw)
        if not gathering:
            for lane in self._lanes.values():
                lane.client.flush()
        handler: Callable[[Player, Step], None] = _HANDLERS[type(step)]
        handler(self, step)

    def _lane(
        self, step: Send | SendRaw | Expect | Poll | Sasl | Listen | Reconnect | StartTLS | Close
    ) -> Lane:
        return self._lanes[step.connection]

    def _send(self, step: Send) -> None:
        lane = self._ready(step)
        parts = [self._part(lane, part, step.line) for part in step.parts]
        tag = lane.client.command(*parts, flush=False)
        lane.sent(step.label, tag)
        self._flush(lane, step.line)
        name = parts[0].split(b" ")[0].upper() if isinstance(parts[0], bytes) else b""
        if name in (b"SELECT", b"EXAMINE"):
            lane.news_since = len(lane.client.seen)

    def _send_raw(self, step: SendRaw) -> None:
        lane = self._ready(step)
        octets = b"".join(
            self._encode(lane, part, step.line)
            if isinstance(part, Base64)
            else self._render(lane, part, step.line)
            for part in step.parts
        )
        lane.client.raw(octets, flush=False)
        lane.sent_raw()
        self._flush(lane, step.line)

    def _flush(self, lane: Lane, line: int) -> None:
        if self._scenario.delivery != "one-segment":
            lane.client.flush(line, single_octets=self._scenario.delivery == "octets")

    def _ready(self, step: Send | SendRaw | Sasl | Listen) -> Lane:
        """The lane, once lines that no completion ends are judged; stops when the connection is gone."""
        lane = self._lane(step)
        waiting = any(line.mode != "must-not" for line in lane.open)
        if waiting and not lane.client.session.view.pending:
            self._judged(lane, lane.judge_open(self._known_to(lane)))
        if lane.client.ended is not None:
            words = "given up" if lane.client.ended.by_us else "closed"
            gone = "" if lane.end_accepted else f"the connection was {words} before this step"
            raise _StopError(gone, step.line)
        return lane

    def _encode(self, lane: Lane, part: Base64, line: int) -> bytes:
        octets = base64.b64encode(self._render(lane, part.template, line))
        if any(name in SECRET for name, _ in holes.names(part.template)):
            self._play.conceal(octets)
        return octets

    def _part(self, lane: Lane, part: str | Literal8 | Base64, line: int) -> bytes | Literal:
        if isinstance(part, str):
            return self._render(lane, part, line, holes.render_command)
        if isinstance(part, Base64):
            return self._encode(lane, part, line)
        octets = self._file(part.file) if part.file else self._render(lane, part.template, line)
        return Literal(octets, sync=part.sync)

    def _known_to(self, lane: Lane) -> Bindings:
        """What holes mean in the lines of a connection; in assertions, the first user is meant."""
        return {**self._bindings, **identity(lane.client.account, self._accounts)}

    def _render(
        self, lane: Lane, text: str, line: int, render: Callable[[str, Bindings], bytes] = holes.render
    ) -> bytes:
        try:
            return render(text, self._known_to(lane))
        except KeyError as unbound:
            raise _StopError(
                f"${{{unbound.args[0]}}} is not known: the line that binds it did not arrive", line
            ) from None
        except ValueError as misfit:
            raise _StopError(str(misfit), line) from None

    def _expect(self, step: Expect) -> None:
        lane = self._lane(step)
        if not ends_group(step):
            lane.expect(step)
            return
        waited = lane.wait_for(step)
        self._judged(lane, lane.judge(step, self._known_to(lane)), last=step, waited=waited)

    def _poll(self, step: Poll) -> None:
        lane = self._lane(step)
        line = expect_of(step)
        deadline = time.monotonic() + self._settings.timeout
        tries = 0
        hangs = False
        while True:
            outcome = lane.news(line, self._known_to(lane))
            if outcome.ok or lane.client.ended is not None:
                break
            if lane.client.past(deadline):
                self._play.step(lane.client, "silence", line=step.line, note="the deadline of poll")
                break
            lane.client.pause(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            tag = lane.client.command(b"NOOP", line=step.line)
            if lane.client.wait_for(tag, step.line) == "timeout":
                outcome = lane.news(line, self._known_to(lane))
                hangs = not outcome.ok
                break
        self._judged(lane, outcome, last=line if hangs else None, waited="timeout" if hangs else "done")

    def _sasl(self, step: Sasl) -> None:
        lane = self._ready(step)
        account = lane.client.account
        given = self._render(lane, step.password, step.line).decode() if step.password else account.password
        requirement = carried_by(step, self._scenario) or ""
        # Reproducible, because the run is. A journal that is judged again has no password to verify with.
        nonce = f"{self._settings.prefix(self._scenario.id, self._play.attempt)}{step.line}"
        verifies = bool(given) and given == account.password
        try:
            exchange = mechanism(step.mechanism, account.user, given, nonce=nonce, verifies=verifies)
            tag = lane.client.command(b"AUTHENTICATE ", step.mechanism.encode(), line=step.line)
            lane.sent("", tag)
            converse(lane.client, tag, exchange, step.line)
        except WrongError as wrong:
            latest = self._play.step_count
            status = self._ledger.unmet(requirement)
            mark = Mark(status, step.line, "sasl", step.source, "", step.source, str(wrong), (latest, latest))
            self._marked(requirement, mark)
            raise _StopError(f"{step.mechanism}: {wrong}", step.line) from None
        except UnableError as unable:
            raise _StopError(f"{step.mechanism}: {unable}", step.line) from None

    def _listen(self, step: Listen) -> None:
        lane = self._ready(step)
        lane.client.wait(lambda: False, line=step.line, timeout=min(_LISTENING, self._settings.timeout))
        lane.listens = True

    def _heard(self, lane: Lane) -> None:
        """Judge the lines below a `listen`, before anything else is done."""
        if lane.listens and lane.open:
            self._judged(lane, lane.judge_open(self._known_to(lane)))
        lane.listens = False

    def _assert(self, step: Assert) -> None:
        holds = evaluate(step, self._bindings)
        requirement = carried_by(step, self._scenario) or ""
        operands = [operand for claim in step.claims for operand in claim.operands]
        unbound = [o.hole for o in operands if o.hole is not None and o.hole not in self._bindings]
        if unbound and isinstance(holds, str):
            words = f"${{{unbound[0]}}} is not known: the line that binds it did not arrive"
            self._marked(
                requirement, Mark("BLOCKED", step.line, source=step.source, message=words, actual=words)
            )
            raise _StopError(words, step.line)
        latest = self._play.step_count
        if isinstance(holds, str):
            status, words, actual = self._ledger.unmet(requirement), "", holds
        else:
            words = (holds.words or holds.source) if holds.verdict else ""
            status, actual = holds.verdict or "PASS", holds.source
        mark = Mark(
            status, step.line, "assert", step.source, words, step.source, actual, (latest, latest), words
        )
        self._marked(requirement, mark)

    def _reconnect(self, step: Reconnect) -> None:
        lane = self._lane(step)
        if lane.client.is_open:
            perform(lane.client, b"LOGOUT")
        lane.client.close()
        greet(lane.client, starttls=self._starttls)
        if self._scenario.state not in NOT_LOGGED_IN:
            log_in(lane.client)
        lane.restart()

    def _start_tls(self, step: StartTLS) -> None:
        lane = self._lane(step)
        completions = [seen.response for seen in lane.client.seen if seen.response.kind == "tagged"]
        if lane.client.ended is not None or not completions or completions[-1].name != "OK":
            raise _StopError("", step.line)  # the line before has said what a refusal is worth
        requirement = carried_by(step, self._scenario) or ""
        failed = lane.client.start_tls()
        if failed is None:
            self._ledger.mark(requirement, Mark("PASS", step.line))
            lane.window = len(lane.client.seen)
            return
        accepted = next((o for o in step.outcomes if isinstance(o.template, End)), None)
        at = (lane.client.end_step, lane.client.end_step)
        if accepted is not None:
            mark = Mark(accepted.verdict or "PASS", step.line, words=accepted.words, steps=at)
            self._marked(requirement, mark)
            raise _StopError("", step.line)
        actual = f"the handshake failed: {failed.detail or failed.reason}"
        mark = Mark(
            self._ledger.unmet(requirement),
            step.line,
            "tls",
            step.source,
            expected="a TLS handshake",
            actual=actual,
            steps=at,
        )
        self._ledger.mark(requirement, mark)
        raise _StopError("TLS could not be started", step.line)

    def _close(self, step: Close) -> None:
        self._lane(step).client.hang_up()

    def _finish(self) -> None:
        """Judge what no completion ended; a last NOOP gives `S!` lines the time of a round trip."""
        for lane in self._lanes.values():
            self._heard(lane)
            lane.client.flush()
            if lane.open and lane.client.ended is None:
                if not lane.client.session.view.uncertain:
                    lane.client.wait_for(lane.client.command(b"NOOP"))
                self._judged(lane, lane.judge_open(self._known_to(lane)))

    # --- marks -------------------------------------------------------------------------------------------------------

    def _judged(
        self, lane: Lane, group: GroupOutcome, *, last: Expect | None = None, waited: Waited = "done"
    ) -> None:
        """Marks of a judged group; stops when the line that ends it was not met."""
        self._bindings = {**group.bindings, **self._first_identity}
        late = waited == "timeout"
        refused = last is not None and is_moot(group.lines[-1])
        for judged in group.lines:
            ends = judged.line is last
            if late and not ends and judged.what in ("missing", "closed"):
                continue  # the command did not complete: only that is said
            if refused and not ends and judged.what not in ("ok", "unwanted"):
                continue  # what a refused command did not bring about is nobody's fault
            requirement = carried_by(judged.line, self._scenario) or ""
            step = lane.step_of(judged) or self._play.step_count
            self._marked(requirement, self._ledger.mark_of(judged, requirement, step, late=late and ends))
        if last is not None and not group.lines[-1].what == "ok":
            raise _StopError(f"line {last.line} was not answered as expected", last.line)

    def _marked(self, requirement: str, mark: Mark) -> None:
        self.hangs = self.hangs or mark.status == "TIMEOUT"
        if mark.status == "SKIP":
            raise _StopError(mark.words or "the rest does not apply", mark.line, skips=True)
        if requirement != GIVEN:
            self._ledger.mark(requirement, mark)
        elif mark.status not in ("PASS", "INFO"):
            raise _StopError(f"not brought about: {mark.source} ({mark.actual})", mark.line)


_HANDLERS: dict[type, Callable[..., None]] = {
    Send: Player._send,  # noqa: SLF001 - the table is part of the class
    SendRaw: Player._send_raw,  # noqa: SLF001
    Expect: Player._expect,  # noqa: SLF001
    Poll: Player._poll,  # noqa: SLF001
    Assert: Player._assert,  # noqa: SLF001
    Reconnect: Player._reconnect,  # noqa: SLF001
    StartTLS: Player._start_tls,  # noqa: SLF001
    Sasl: Player._sasl,  # noqa: SLF001
    Listen: Player._listen,  # noqa: SLF001
    Close: Player._close,  # noqa: SLF001
}
