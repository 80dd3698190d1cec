"""Where cases are played: one server, one part file, and what happens when the server does not survive a case.

A case with a new failure is played once more on fresh mailboxes before the failure counts; a disagreement is FLAKY.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from conformance import catalogue, expectations, grammar
from conformance.errors import TargetError
from conformance.journal import BAD_STATUSES, Case, Result, Tally
from conformance.runner.client import Play, for_a_run
from conformance.runner.ledger import Ledger
from conformance.runner.player import Player
from conformance.runner.recorder import Recorder
from conformance.runner.setup import BlockedError, greet
from conformance.runner.tidy import aside
from conformance.scenario.syntax import NOT_LOGGED_IN

if TYPE_CHECKING:
    from conformance.journal import Status
    from conformance.runner.plan import Plan
    from conformance.runner.setup import Probe
    from conformance.scenario.syntax import Scenario
    from conformance.servers.base import Server

LOST = "server-lost"

#: How long (seconds) a crash may take to reach the log.
_LOG_DELAY = 0.3


class Stage:
    """Plays scenarios against one server. `server` is already started or will be (`open`)."""

    def __init__(self, plan: Plan, server: Server, worker: str, number: int = 0) -> None:
        assert plan.probe is not None, "the plan has no probe: Conductor.begin comes first"
        self._plan = plan
        self._probe: Probe = plan.probe
        self._server = server
        self._accounts = plan.accounts_of(server.accounts, number)
        self._recorder = Recorder(plan.part(worker), server.accounts)
        self._allowance = for_a_run()
        self._grammar = grammar.load()
        self._reported: set[str] = set()  #: signatures of findings that were already confirmed
        self.lost = ""  #: why nothing more can be played

    def run(self, scenario: Scenario) -> list[Result]:
        """Play a case; returns one result per requirement it proves, without secrets."""
        results = [self._recorder.hide(result) for result in self._run(scenario)]
        for result in results:
            self._recorder.write(result)
        return results

    def _run(self, scenario: Scenario) -> list[Result]:
        ledger = Ledger(scenario, catalogue.load())
        reason = excluded(scenario, self._plan, owned=self._server.owned, accounts=len(self._accounts))
        if reason:
            return ledger.skipped(reason[0], reason[1])
        if self.lost:
            return ledger.blocked(self.lost, LOST)
        results, signatures = self._play(scenario, 1)
        if not self._plan.settings.confirm or self.lost or not self._is_new(results, signatures):
            return results
        again, _ = self._play(scenario, 2)
        self._reported |= signatures
        return [agreed(first, second) for first, second in zip(results, again, strict=True)]

    def _is_new(self, results: list[Result], signatures: set[str]) -> bool:
        failed = [r for r in results if r.status in BAD_STATUSES]
        if any(result.status == "ERROR" for result in failed):
            return False  # what we did wrong says nothing about the server, however often
        plan = self._plan
        gates = expectations.gate(failed, plan.expectations, plan.today, strict=plan.strict)
        return any(gate.state in ("new", "changed") for gate in gates) or bool(signatures - self._reported)

    def _play(self, scenario: Scenario, attempt: int) -> tuple[list[Result], set[str]]:
        """One attempt; returns its results and the signatures of what the always-on checks found."""
        server = self._server
        proves = tuple(scenario.proves)
        self._recorder.write(
            Case(scenario.id, scenario.title, scenario.path, scenario.source, proves, attempt)
        )
        play = Play(scenario.id, attempt, self._recorder, self._allowance)
        player = Player(
            scenario, play, server.dialer, self._accounts, self._probe, self._plan.settings, self._grammar
        )
        try:
            results = player.play()
        except TargetError as error:
            results = Ledger(scenario, catalogue.load()).blocked(str(error), LOST)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours: neither a verdict nor the end of the run
            results = Ledger(scenario, catalogue.load()).broken(error)
        finally:
            player.close()
            play.end()
            self._recorder.write(
                Tally(scenario.id, attempt, round(play.elapsed, 4), dict(sorted(player.asked.items())))
            )
        results = [dataclasses.replace(result, attempt=attempt) for result in results]
        return self._after(results, abandoned=player.abandoned, hangs=player.hangs), set(play.violations)

    def _after(self, results: list[Result], *, abandoned: bool, hangs: bool) -> list[Result]:
        """See whether the server lived through the case; restart it if it is ours."""
        server = self._server
        crash = self._crash(patient=abandoned or hangs)
        unreachable = any(result.reason == LOST for result in results)
        if crash is not None or unreachable:
            tail = server.log_tail()
            if crash is not None:
                results = [_crashed(result, crash, tail) for result in results]
            try:
                server.restart()
            except TargetError as error:
                self.lost = str(error)
        elif hangs:
            tail = server.log_tail()
            results = [dataclasses.replace(r, log=tail) if r.status == "TIMEOUT" else r for r in results]
            self._revive()
        return results

    def _crash(self, *, patient: bool) -> str | None:
        """What broke. A server's log says it a little later than the connection does: after a bad end, look again for a while."""
        deadline = time.monotonic() + (_LOG_DELAY if patient and self._server.owned else 0)
        while (crash := self._server.crash()) is None and time.monotonic() < deadline:
            time.sleep(_LOG_DELAY / 10)
        return crash

    def _revive(self) -> None:
        """After a time-out: a server that does not even greet any more is restarted if it is ours, or given up."""
        probe = aside(self._server, self._accounts[0], self._plan.settings)
        try:
            greet(probe, starttls=self._server.dialer.starttls)
        except (BlockedError, TargetError):
            try:
                self._server.restart()
            except TargetError as error:
                self.lost = str(error)
        finally:
            probe.close()

    def close(self) -> None:
        """Close the part file. The accounts are tidied by whoever knows that nobody plays any more."""
        self._recorder.close()


def excluded(scenario: Scenario, plan: Plan, *, owned: bool, accounts: int) -> tuple[str, str] | None:
    """Reason code and words when a case does not apply to this server; None when it does."""
    assert plan.probe is not None
    disabled = plan.expectations.disabled(scenario.id, plan.today)
    if disabled is not None:
        return "disabled", disabled
    if "inbox" in scenario.touches and not (owned or plan.settings.allow_inbox):
        return "touches-inbox", "INBOX is left alone on a server that is not ours (--allow-inbox)"
    if "secrecy" in scenario.touches and not owned:
        return (
            "sends-password",
            "a password would be sent in clear, which only a server of ours is asked to refuse",
        )
    if max(connection.account for connection in scenario.connections) > accounts:
        return "needs-second-account", "give another account with -u"
    if scenario.state == "clear" and plan.probe.in_clear is None:
        return "encrypted", "the connection is inside TLS from its beginning"
    if scenario.state in NOT_LOGGED_IN and plan.probe.greeting.upper().startswith("* PREAUTH"):
        return "preauth", "the server's greeting has logged us in already"
    return next(
        (reason for wanted in scenario.requires if (reason := _lacking(wanted, scenario, plan.probe))), None
    )


def _lacking(wanted: str, scenario: Scenario, probe: Probe) -> tuple[str, str] | None:
    """Reason code and words when the server has not what `requires:` asks for."""
    if wanted.lower() == "hierarchy":
        return None if probe.delimiter else ("no-hierarchy", "the server's mailbox names have no hierarchy")
    offered = {"clear": probe.in_clear or frozenset(), "greeted": probe.before_login}.get(
        scenario.state, probe.capabilities
    )
    name = wanted.removeprefix("!")
    if (name.upper() in offered) is not wanted.startswith("!"):
        return None
    if wanted.startswith("!"):
        return f"capability:{name}", f"the server offers {name}"
    return f"no-capability:{name}", f"the server does not offer {name}"


def _crashed(result: Result, crash: str, tail: str) -> Result:
    status: Status = "CRASH"
    return dataclasses.replace(
        result,
        status=status,
        message=f"the server broke during this case: {crash}",
        signature=f"{result.requirement}|crash",
        log=tail,
    )


def agreed(first: Result, second: Result) -> Result:
    """The first attempt's result, unless the second disagrees."""
    if (first.status, first.signature) == (second.status, second.signature):
        return first
    if second.status == "ERROR":
        return second
    if not {first.status, second.status} & set(BAD_STATUSES):
        return second
    return dataclasses.replace(
        first,
        status="FLAKY",
        message=f"{first.message} (first {first.status}, then {second.status}: {second.actual or second.message})",
    )
