"""What the always-on checks found over a whole run, counted once per requirement and signature."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.journal import Case, Finding, Level, Result, Status, Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from conformance.catalogue import Requirement
    from conformance.journal import Record

#: What a requirement of a level gives when it is not met.
UNMET: dict[Level, Status] = {"MUST": "FAIL", "SHOULD": "WARN", "MAY": "INFO"}


@dataclass
class Found:
    """What is kept of findings with one signature."""

    first: Finding
    count: int = 0
    plays: dict[tuple[str, int], None] = field(default_factory=dict)  #: case and attempt


@dataclass
class Findings:
    """Collects findings and tallies as they go by; `results` are the verdicts of the always-on requirements."""

    found: dict[str, Found] = field(default_factory=dict)  #: by signature
    asked: Counter[str] = field(default_factory=Counter)
    plays: dict[str, int] = field(default_factory=dict)  #: case -> how often it was played

    def take(self, record: Record) -> None:
        """Look at one record of the run; others than the three kinds concerned go by."""
        match record:
            case Finding():
                found = self.found.setdefault(record.signature, Found(record))
                found.count += record.count
                found.plays[record.case, record.attempt] = None
            case Tally():
                self.asked.update(record.asked)
            case Case():
                self.plays[record.id] = max(record.attempt, self.plays.get(record.id, 0))

    def results(self, catalogue: Mapping[str, Requirement]) -> list[Result]:
        """One result per signature, and a PASS for each requirement that was put to the test and never broken."""
        failed = [self._result(found, catalogue[found.first.requirement]) for found in self.found.values()]
        broken = {result.requirement for result in failed}
        passed = [
            Result("", name, catalogue[name].level, "PASS", count=times, always_on=True)
            for name, times in sorted(self.asked.items())
            if name not in broken
        ]
        return failed + passed

    def _result(self, found: Found, requirement: Requirement) -> Result:
        first = found.first
        return Result(
            id=first.case,
            requirement=requirement.id,
            level=requirement.level,
            status=UNMET[requirement.level] if self._confirmed(found.plays) else "FLAKY",
            message=requirement.text,
            expected=first.expected,
            actual=first.actual,
            steps=(first.step, first.step) if first.step else None,
            signature=first.signature,
            attempt=first.attempt,
            count=found.count,
            places=tuple(dict.fromkeys(case for case, _ in found.plays)),
            always_on=True,
        )

    def _confirmed(self, seen: Collection[tuple[str, int]]) -> bool:
        """Seen in several plays, or in one that was not played again."""
        return len(seen) > 1 or any(self.plays.get(case, 1) == 1 for case, _ in seen)
