"""Plays cases of the suite against a real server, through the proxy that can break a rule.

One server and one proxy serve all: `Behind` is opened once, `play` takes the rewriter of one play. As a program: plays all faults of
`broken_rules` and prints what was found of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import plays
from between import Between, Rewriter
from broken_rules import FAULTS

from conformance import catalogue, expectations, journal, resources
from conformance.runner.conduct import examine, start
from conformance.runner.findings import Findings
from conformance.runner.plan import Plan, Target
from conformance.runner.settings import Settings
from conformance.runner.stage import Stage
from conformance.scenario.load import find, load
from conformance.servers import LAUNCHERS, open_server
from conformance.servers.owned import OwnedServer
from conformance.transport import Address, TCPDialer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broken_rules import Fault

    from conformance.expectations import Expectations
    from conformance.journal import Result
    from conformance.servers.base import Account, Server
    from conformance.transport import Dialer

#: Seconds for one answer: nothing takes as long on this machine, whatever stands between.
PATIENCE = 5.0
#: The same for a fault that only the deadline shows, and for others, which may lead astray a step that waits.
HANGING, IN_ORDER = 0.5, 1.5


def installed() -> str:
    """The most exacting server that is here."""
    return "dovecot" if LAUNCHERS["dovecot"].version() else "pymap"


class _Through:
    """The server as it is seen through the proxy. It is ours, so that all cases apply."""

    owned = True

    def __init__(self, server: Server, port: int) -> None:
        self.name = server.name
        self.version = server.version
        self.accounts: tuple[Account, ...] = server.accounts
        self.dialer: Dialer = TCPDialer(Address("imap", "127.0.0.1", port))
        self._server = server

    def launch(self) -> None:
        """It runs."""

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """Not yet."""

    def crash(self) -> str | None:
        return self._server.crash()

    def restart(self) -> None:
        """It comes back where it was, and the proxy finds it there."""
        self._server.restart()

    def log_tail(self, lines: int = 20) -> str:
        return self._server.log_tail(lines)


class Behind:
    """A server and the proxy in front of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: Expectations = expectations.read(
            resources.JUDGEMENTS / f"{name}.toml", find(), catalogue.load()
        )
        self._stack = contextlib.ExitStack()
        self._plays = 0
        self._right: dict[str, list[Result]] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            server = open_server(self.name)
            assert isinstance(server, OwnedServer)
            stack.callback(server.stop)
            start(server)
            self.between = stack.enter_context(Between(server.addresses["imap"].port, tls=plays.tls()))
            self.server: Server = _Through(server, self.between.port)
            self.settings = Settings(seed=1, timeout=PATIENCE, confirm=False)
            self.probe = examine(self.server, self.settings)
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imapspec-behind-")))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(
        self, cases: Iterable[str], rewriter: Rewriter | None = None, *, timeout: float = PATIENCE
    ) -> list[Result]:
        """What cases and always-on checks say. `cases`: ids without the RFC."""
        self._plays += 1  # what a fault has left behind is in nobody's way
        settings = dataclasses.replace(self.settings, timeout=timeout, seed=self._plays)
        plan = Plan(Target(self.name), settings, self._folder, probe=self.probe, expectations=self.known)
        plan = dataclasses.replace(plan, today=dt.datetime.now(dt.UTC).date())
        stage = Stage(plan, self.server, "faults")
        with self.between.being(rewriter or Rewriter()):
            try:
                results = [result for case in cases for result in stage.run(load(f"rfc3501/{case}"))]
            finally:
                stage.close()
        assert not stage.lost, stage.lost
        findings = Findings()
        part = plan.part("faults")
        for _, record in journal.parts(part):
            findings.take(record)
        part.unlink()
        return results + findings.results(catalogue.load())

    def unexpected(self, results: Iterable[Result]) -> list[Result]:
        """Failures that are not known of this server, time-outs among them."""
        today = dt.datetime.now(dt.UTC).date()
        return [
            result
            for result in results
            if any(
                gate.state in ("new", "changed") for gate in expectations.gate([result], self.known, today)
            )
        ]

    def score(self, fault: Fault) -> Score:
        """Play the cases of a fault with and without it."""
        reported: list[Result] = []
        unexpected: list[Result] = []
        for case in fault.cases.split():
            if case not in self._right:
                self._right[case] = self.play([case])
            unexpected += self.unexpected(self._right[case])
            known = bad(self._right[case])
            timeout = HANGING if fault.hangs else IN_ORDER
            wrong = bad(self.play([case], fault.rewriter, timeout=timeout))
            reported += [result for key, result in wrong.items() if key not in known]
        found = {result.requirement.split("/")[1] for result in reported}
        right = found & set(fault.sections.split())
        how = Score.RIGHT if right else Score.ELSEWHERE if found else Score.NOT
        return Score(how, _words(reported), _words(unexpected))


def _words(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(f"{result.requirement} {result.status}: {result.actual[:80]}" for result in results)


def bad(results: Iterable[Result]) -> dict[tuple[str, str, str, str], Result]:
    """Failures and warnings, by what makes them the same in another play."""
    return {
        (result.id, result.requirement, result.status, result.signature): result
        for result in results
        if result.status in ("FAIL", "WARN", "TIMEOUT", "CRASH")
    }


@dataclasses.dataclass(frozen=True)
class Score:
    """What the suite made of a fault."""

    how: str
    reported: tuple[str, ...]  #: what the fault has added: requirement, status and actual response
    unexpected: tuple[str, ...]  #: what is wrong without the fault, and not known of the server

    RIGHT: ClassVar[str] = "right section"
    ELSEWHERE: ClassVar[str] = "elsewhere"
    NOT: ClassVar[str] = "not reported"


def table(scores: dict[str, tuple[Fault, Score]]) -> str:
    """How many faults of each area were reported, and which were not."""
    kinds = (Score.RIGHT, Score.ELSEWHERE, Score.NOT)
    counted = Counter((fault.area, score.how) for fault, score in scores.values())
    areas = list(dict.fromkeys(fault.area for fault, _ in scores.values()))
    lines = [f"{'':14}" + "".join(f"{kind:>15}" for kind in kinds) + f"{'faults':>10}"]
    for area in (*areas, "all"):
        row = [sum(counted[a, kind] for a in ([area] if area != "all" else areas)) for kind in kinds]
        lines.append(f"{area:14}" + "".join(f"{number:>15}" for number in row) + f"{sum(row):>10}")
    lines += [
        f"{score.how}: {fault.name} [{fault.sections}] {fault.missed or '; '.join(score.reported)}"
        for fault, score in scores.values()
        if score.how != Score.RIGHT
    ]
    return "\n".join(lines)


def main() -> int:
    """Play all faults, or those whose names or areas have one of the words. Exits with 1 when fewer than 98 % are found."""
    words = sys.argv[1:]
    chosen = [f for f in FAULTS if not words or any(word in f.name or word == f.area for word in words)]
    with Behind(os.environ.get("IMAPSPEC_FAULTS_SERVER") or installed()) as server:
        scores = {fault.name: (fault, server.score(fault)) for fault in chosen}
    right = sum(score.how == Score.RIGHT for _, score in scores.values())
    summary = f"{server.name}: {right} of {len(scores)} faults reported under the right section"
    sys.stdout.write(f"{table(scores)}\n{summary}\n")
    return 0 if right >= 0.98 * len(scores) else 1


if __name__ == "__main__":
    sys.exit(main())
