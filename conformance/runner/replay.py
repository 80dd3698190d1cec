"""A run judged again from its journal: every play against its recorded connections, without the server and without waiting.

What only the server's process could tell (CRASH), what was not played (SKIP) and what we did wrong ourselves (ERROR) is taken over.
Knows: the journal, the player. Must not know: sockets, pytest, what was expected of the run.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import catalogue
from conformance.errors import TargetError
from conformance.grammar import load
from conformance.journal import Result, Tally
from conformance.recording import RecordingDialer
from conformance.runner.client import Play
from conformance.runner.findings import Findings
from conformance.runner.ledger import Ledger, carried_by
from conformance.runner.player import Player
from conformance.runner.settings import Settings
from conformance.runner.setup import Probe
from conformance.runner.stage import LOST, agreed
from conformance.scenario.load import message
from conformance.scenario.parse import parse
from conformance.scenario.syntax import Sasl
from conformance.servers.base import Account

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.grammar import Grammar
    from conformance.journal import Case, Header, Journal, Record, Step
    from conformance.scenario.syntax import Scenario

#: Results that no recorded octet can tell.
_TAKEN_OVER = ("CRASH", "SKIP", "ERROR")


@dataclasses.dataclass
class Told:
    """The records of a play that judge, without its steps."""

    findings: Findings

    def write(self, record: Record) -> None:
        """Take one record."""
        self.findings.take(record)

    def conceal(self, secret: str) -> None:
        """What is read was masked when it was written."""


def replay(journal: Journal) -> list[Result]:
    """The verdicts of a recorded run, those of the always-on checks last.

    Raises `UsageError` for a journal that lacks what is needed: a step that was cut, a message file that is gone.
    """
    findings = Findings()
    results: list[Result] = []
    recorded: dict[str, list[Result]] = {}
    for result in journal.results:
        if not result.always_on:
            recorded.setdefault(result.id, []).append(result)
    steps = journal.plays()
    for case, before in recorded.items():
        attempts = [played for played in journal.cases if played.id == case]
        plays = [
            _play(journal, played, steps.get((played.id, played.attempt), []), findings)
            for played in attempts
        ]
        again = _decided(plays) if plays else before
        secret = _secret(scenario_of(attempts[0])) if attempts else set()
        known = {r.requirement: r for r in before if r.status in _TAKEN_OVER or r.requirement in secret}
        results += [known.get(result.requirement, result) for result in again]
    return [*results, *findings.results(catalogue.load())]


def _secret(scenario: Scenario) -> set[str | None]:
    """The requirements that cannot be judged again without the password."""
    return {carried_by(step, scenario) for step in scenario.steps if isinstance(step, Sasl)}


def _decided(plays: list[list[Result]]) -> list[Result]:
    first, *others = plays
    return [agreed(*pair) for pair in zip(first, others[0], strict=True)] if others else first


def _play(journal: Journal, case: Case, steps: list[Step], findings: Findings) -> list[Result]:
    """One attempt at one case."""
    scenario = scenario_of(case)
    header = journal.header
    told = Told(findings)
    told.write(case)
    player = player_of(header, scenario, case, steps, told, load())
    try:
        results = player.play()
    except TargetError as error:
        results = Ledger(scenario, catalogue.load()).blocked(str(error), LOST)
    told.write(Tally(case.id, case.attempt, 0.0, dict(player.asked)))
    return [dataclasses.replace(result, attempt=case.attempt) for result in results]


def player_of(
    header: Header,
    scenario: Scenario,
    case: Case,
    steps: Sequence[Step],
    told: Told,
    grammar: Grammar,
) -> Player:
    """Plays a case against what these steps say that the server sent."""
    accounts = tuple(Account(f"user{n}", "") for n in range(max(2, header.accounts)))
    return Player(
        scenario,
        Play(case.id, case.attempt, told),
        RecordingDialer(steps, starttls=_began_with_starttls(steps)),
        accounts,
        Probe(
            header.greeting, frozenset(), frozenset(header.capabilities), header.delimiter, root=header.root
        ),
        Settings(header.seed),
        grammar,
    )


def scenario_of(case: Case) -> Scenario:
    """The scenario that was played, from the journal's copy of its text."""
    path = Path(case.path)
    return parse(case.source, case=case.id, path=case.path, read_file=lambda name: message(path, name))


def _began_with_starttls(steps: Iterable[Step]) -> bool:
    """Whether STARTTLS was part of the set-up: the address, not the scenario, asked for it."""
    return any(step.kind == "send" and not step.line and " STARTTLS" in step.octets for step in steps)
