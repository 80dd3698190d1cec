"""A scenario file as a pytest file with one item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance import expectations, journal, resources
from conformance.errors import ImapspecError, ScenarioError
from conformance.pytest_plugin import KEY
from conformance.scenario.load import load_file, peek

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.journal import Result
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
        if not self.path.is_relative_to(resources.SCENARIOS):
            load_file(self.path, self.config.rootpath)
        item = ScenarioItem.from_parent(self, name=self.path.stem)
        if "touches" in peek(self.path):
            item.add_marker(pytest.mark.xdist_group("account"))
        yield item

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]  # TerminalRepr or str
        """A scenario that cannot be read shows its own message."""
        if isinstance(excinfo.value, ScenarioError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class ScenarioItem(pytest.Item):
    """A case."""

    def runtest(self) -> None:
        """Play it. Raises `NotMetError` when it fails; skips when it does not apply."""
        side = self.config.pluginmanager.get_plugin(KEY)
        assert side is not None
        root = resources.SCENARIOS if self.path.is_relative_to(resources.SCENARIOS) else self.config.rootpath
        results = side.stage.run(load_file(self.path, root))
        self.user_properties.append((KEY, "\n".join(journal.encode(result) for result in results)))
        raise_for(results, side.plan)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Verdicts and our own errors show their message, not a traceback."""
        if isinstance(excinfo.value, ImapspecError | NotMetError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, self.name


def raise_for(results: list[Result], plan: Plan) -> None:
    """Turn the verdicts of a case into pytest's outcome."""
    if all(result.status in expectations.SILENT for result in results):
        pytest.skip("; ".join(dict.fromkeys(f"{r.status} {r.reason}: {r.message}" for r in results)))
    gates = expectations.gate(results, plan.expectations, plan.today, strict=plan.strict)
    states = {gate.state for gate in gates}
    if states & expectations.UNEXPECTED.keys() or "known" in states:
        lines = [
            f"{r.status} {r.requirement} (line {r.line}): expected {r.expected}, got {r.actual} {r.message}".rstrip()
            for r in results
            if r.status not in expectations.GOOD
        ]
        raise NotMetError("\n".join(lines), known=not states & expectations.UNEXPECTED.keys())


def report_of(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
    """The report of a known failure, which pytest calls xfailed; None for everything else."""
    failure = call.excinfo.value if call.excinfo and call.when == "call" else None
    if not isinstance(failure, NotMetError) or not failure.known:
        return None
    report = pytest.TestReport.from_item_and_call(item, call)
    report.outcome = "skipped"
    report.wasxfail = "known failure"
    return report
