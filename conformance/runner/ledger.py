"""Who proved what: marks of a scenario's steps become one verdict for each requirement.

A step carries the requirement that it names, else the first of `proves:`. A step marked `[given]` carries none: when it does not come
as written, the case is BLOCKED, because the server was not brought to where the question could be asked.
"""

from __future__ import annotations

import dataclasses
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.errors import SuiteError
from conformance.journal import Result, Status
from conformance.runner.findings import UNMET
from conformance.scenario.syntax import GIVEN, Assert, Expect, Poll, Sasl, StartTLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.catalogue import Requirement
    from conformance.scenario.group import Judged
    from conformance.scenario.syntax import Scenario, Step

#: Which mark wins when a requirement has several, strongest first.
_STRENGTH: tuple[Status, ...] = (
    "ERROR", "CRASH", "TIMEOUT", "FAIL", "WARN", "BLOCKED", "INFO", "PASS",
)  # fmt: skip

_ACTUAL = {
    "closed": "the server closed the connection",
    "missing": "nothing of this kind arrived",
    "timeout": "no answer before the deadline",
}

#: Why a requirement was not asked although the case was played.
_REASONS: dict[Status, str] = {"BLOCKED": "stopped", "SKIP": "declined"}


@dataclass(frozen=True)
class Mark:
    """What one step says about its requirement."""

    status: Status
    line: int = 0
    kind: str = ""  #: what was observed, for the signature
    source: str = ""  #: the step as written, for the signature
    message: str = ""
    expected: str = ""
    actual: str = ""
    steps: tuple[int, int] | None = None
    words: str = ""  #: survey value of an INFO outcome, reason of a WARN outcome


def carried_by(step: Step, scenario: Scenario) -> str | None:
    """The requirement that a step puts to the test; None for steps that only act."""
    if isinstance(step, Expect | Poll | Assert | StartTLS | Sasl):
        return step.requirement or scenario.proves[0]
    return None


def is_moot(judged: Judged) -> bool:
    """Whether the end of a group says that nothing can be learnt from it: a `[given]` that did not come as written, or `-> SKIP`."""
    verdict = judged.outcome.verdict if judged.outcome else None
    given = judged.line.requirement == GIVEN
    return verdict == "SKIP" or (given and (judged.what != "ok" or verdict == "WARN"))


@dataclass
class Ledger:
    """Marks of one play of one scenario."""

    scenario: Scenario
    catalogue: Mapping[str, Requirement]
    marks: dict[str, list[Mark]] = field(default_factory=dict)
    stopped: str = ""  #: why the scenario was not played to its end
    stopped_at: int = 0  #: line
    declined: bool = False  #: it was stopped by an outcome that says so: what it has not asked does not apply

    def requirement(self, name: str) -> Requirement:
        """The catalogue's entry."""
        if name not in self.catalogue:
            raise SuiteError(f"{self.scenario.path} proves {name}, which is not in the catalogue")
        return self.catalogue[name]

    def mark(self, requirement: str, mark: Mark) -> None:
        """Note what a step says."""
        self.marks.setdefault(requirement, []).append(mark)

    def unmet(self, requirement: str) -> Status:
        """The status of a requirement that is not met, by its level."""
        return "BLOCKED" if requirement == GIVEN else UNMET[self.requirement(requirement).level]

    def mark_of(self, judged: Judged, requirement: str, step: int, *, late: bool) -> Mark:
        """What became of a line, as a mark; `step` decides it. `late`: its command was not answered in time."""
        line = judged.line
        if judged.what == "ok":
            outcome = judged.outcome
            status: Status = (outcome.verdict if outcome else None) or "PASS"
            words = (outcome.words or judged.actual) if outcome and outcome.verdict else ""
            return Mark(
                status,
                line.line,
                "outcome",
                line.source,
                words,
                judged.expected,
                judged.actual,
                (step, step),
                words,
            )
        what = "timeout" if late and judged.what == "missing" else judged.what
        status = "TIMEOUT" if what == "timeout" else self.unmet(requirement)
        actual = judged.actual or _ACTUAL.get(what, what)
        return Mark(
            status,
            line.line,
            what,
            line.source,
            judged.difference,
            judged.expected,
            actual,
            (step, step),
            f"other: {actual}",
        )

    def results(self) -> list[Result]:
        """One verdict per requirement of the scenario, in the order of `proves:`, then those that only steps name."""
        steps = self.scenario.steps
        named = dict.fromkeys(self.scenario.proves)
        named.update(dict.fromkeys(r for s in steps if (r := carried_by(s, self.scenario)) and r != GIVEN))
        return [self._result(name) for name in named]

    def _result(self, name: str) -> Result:
        requirement = self.requirement(name)
        marks = self.marks.get(name, [])
        worst = min(marks, key=lambda mark: _STRENGTH.index(mark.status), default=None)
        unreached = (
            self.stopped
            and (worst is None or self._waits(name))
            and (worst is None or worst.status in ("PASS", "INFO"))
        )
        if worst is None or unreached:
            status: Status = "SKIP" if self.declined else "BLOCKED" if self.stopped else "PASS"
            worst = Mark(status, self.stopped_at, message=self.stopped)
        failed = worst.status not in ("PASS", "INFO", "BLOCKED", "SKIP")
        return Result(
            id=self.scenario.id,
            requirement=name,
            level=requirement.level,
            status=worst.status,
            message=worst.message,
            expected=worst.expected,
            actual=worst.actual,
            steps=worst.steps,
            signature=f"{name}|{worst.source}|{worst.kind}" if failed else "",
            reason=_REASONS.get(worst.status, ""),
            values=tuple(dict.fromkeys(m.words for m in marks if m.status == "INFO" and m.words)),
            line=worst.line,
        )

    def _waits(self, name: str) -> bool:
        """Whether a step behind the stop would have said something about it, or the one that declined."""
        first = self.stopped_at + (not self.declined)
        return any(carried_by(s, self.scenario) == name and s.line >= first for s in self.scenario.steps)

    def skipped(self, reason: str, words: str) -> list[Result]:
        """All requirements: the case does not apply."""
        return self._all("SKIP", reason, words)

    def blocked(self, words: str, reason: str = "set-up") -> list[Result]:
        """All requirements: the question could not be asked."""
        return self._all("BLOCKED", reason, words)

    def broken(self, error: Exception) -> list[Result]:
        """All requirements: a fault of ours ended the play."""
        words = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        return [dataclasses.replace(result, log=trace) for result in self._all("ERROR", "", words)]

    def _all(self, status: Status, reason: str, words: str) -> list[Result]:
        self.marks.clear()
        return [
            Result(self.scenario.id, name, self.requirement(name).level, status, message=words, reason=reason)
            for name in (result.requirement for result in self.results())
        ]
