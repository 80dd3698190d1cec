"""A scenario file as a pytest file with one item."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from conformance import expectations, journal, resources
from conformance.errors import ImapspecError, UsageError
from conformance.pytest_plugin import KEY, SIDE
from conformance.runner.choose import read_foreign
from conformance.scenario.load import SUFFIX, load_file, peek

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.journal import GateState, Result
    from conformance.runner.plan import Plan


class NotMetError(Exception):
    """A case did not give what was expected; not an error of the test run. `known`: the expectation file says so."""

    def __init__(self, text: str, *, known: bool) -> None:
        super().__init__(text)
        self.known = known


class ScenarioFile(pytest.File):
    """A `*.imap` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its one case. Files that are not ours are read now: a mistake in one must show before anything is sent.

        Our own are read when they are played; a test reads them all.
        """
        root = _root(self)
        if root != resources.SCENARIOS:
            read_foreign(self.path, root)
        item = ScenarioItem.from_parent(self, name=self.path.stem)
        if hasattr(self.config, "workerinput") and "touches" in peek(self.path):  # only xdist asks for groups
            item.add_marker(pytest.mark.xdist_group("account"))
        yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]  # TerminalRepr or str
        """A scenario that cannot be read shows its own message."""
        if isinstance(excinfo.value, UsageError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class ScenarioItem(pytest.Item):
    """A case."""

    results: tuple[Result, ...] = ()  #: once it was played

    def runtest(self) -> None:
        """Play it. Raises `NotMetError` when it fails; skips when it does not apply."""
        side = self.config.pluginmanager.get_plugin(SIDE)
        assert side is not None
        self.results = tuple(side.stage.run(load_file(self.path, _root(self))))
        raise_for(self.results, side.plan)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Verdicts and our own errors show their message, not a traceback."""
        if isinstance(excinfo.value, ImapspecError | NotMetError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, self.name


def _root(node: ScenarioFile | ScenarioItem) -> Path:
    """The folder below which the id of a case is its path; pytest's root folder for files that belong nowhere."""
    side = node.config.pluginmanager.get_plugin(SIDE)
    assert side is not None
    folders: tuple[Path, ...] = (resources.SCENARIOS, *side.plan.folders)
    return next((folder for folder in folders if node.path.is_relative_to(folder)), node.config.rootpath)


def raise_for(results: Sequence[Result], plan: Plan) -> None:
    """Turn the verdicts of a case into pytest's outcome."""
    if all(result.status in ("SKIP", "BLOCKED") for result in results):
        pytest.skip("; ".join(dict.fromkeys(f"{r.status} {r.reason}: {r.message}" for r in results)))
    known = is_known(results, plan)
    if known or is_unexpected(results, plan):
        raise NotMetError(
            "\n".join(_line(r) for r in results if r.status not in expectations.GOOD), known=known
        )


def is_unexpected(results: Sequence[Result], plan: Plan) -> bool:
    """Whether a case's results decide against the run."""
    errors = any(result.status == "ERROR" for result in results)
    return errors or bool(_states(results, plan) & expectations.UNEXPECTED.keys())


def is_known(results: Sequence[Result], plan: Plan) -> bool:
    """Whether something is wrong with a case's results, and all of it as the expectation file says."""
    return "known" in _states(results, plan) and not is_unexpected(results, plan)


def _states(results: Sequence[Result], plan: Plan) -> set[GateState]:
    """What the expectation file makes of one case. Only a whole run can tell that an entry for several cases has had its day."""
    own = tuple(entry for entry in plan.expectations.entries if entry.case == results[0].id)
    narrow = dataclasses.replace(plan.expectations, entries=own)
    found: set[GateState] = set()
    for known, here in ((plan.expectations, False), (narrow, True)):
        gates = expectations.gate(results, known, plan.today, strict=plan.strict)
        found |= {gate.state for gate in gates if (gate.state == "unexpected-pass") is here}
    return found


def _line(result: Result) -> str:
    if result.status == "ERROR":
        return f"ERROR of imapspec itself: {result.message}\n{result.log}"
    return (
        f"{result.status} {result.requirement} (line {result.line}): "
        f"expected {result.expected}, got {result.actual} {result.message}"
    ).rstrip()


def annotate(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Send the results along with pytest's report of a case; a known failure is what pytest calls xfailed."""
    if not isinstance(item, ScenarioItem) or call.when != "call":
        return
    setattr(report, KEY, "\n".join(map(journal.encode, item.results)))
    failure = call.excinfo.value if call.excinfo else None
    if isinstance(failure, NotMetError) and failure.known:
        report.outcome = "skipped"
        report.wasxfail = "known failure"


def results_of(report: pytest.TestReport) -> list[Result] | None:
    """The results of a case that came with its report; None if it is no case's, or a case could not be played."""
    records = map(journal.decode, getattr(report, KEY, "").splitlines())
    return [record for record in records if isinstance(record, journal.Result)] or None


def is_scenario(node: str) -> bool:
    """Whether a node id is that of a scenario file or its case."""
    return node.partition("::")[0].endswith(SUFFIX)
