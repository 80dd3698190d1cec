"""How a run goes, while it goes: a moving line on a terminal, a line per section elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from conformance.report.fold import MARKS
from conformance.report.visible import line as visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.journal import Header, Result, Status

#: The status that stands for a case, worst first.
_WORST: tuple[Status, ...] = (
    "ERROR", "CRASH", "TIMEOUT", "FAIL", "FLAKY", "WARN", "BLOCKED", "SKIP", "INFO", "PASS",
)  # fmt: skip
_WIDTH = 110


class Progress:
    """Told when the run begins and whenever a case was played."""

    def __init__(self, cases: Sequence[str], *, quiet: bool, verbose: bool) -> None:
        self._left = Counter(_section(case) for case in cases)
        self._letters: dict[str, str] = {}
        self._total = len(cases)
        self._done = 0
        self._quiet = quiet
        self._verbose = verbose
        self._moving = sys.stdout.isatty() and not (quiet or verbose)

    def begin(self, header: Header) -> None:
        """What is tested."""
        if self._quiet:
            return
        known = header.server or header.target
        print(f"imapspec {header.tool}  {self._total} cases  seed {header.seed}")
        print(f" target    {visible_line(known)}  {visible_line(header.greeting)[:_WIDTH]}")
        print(f" caps      {visible_line(' '.join(header.capabilities))}")
        print(f" accounts  {header.accounts}   workers {header.workers}", flush=True)

    def played(self, results: Sequence[Result]) -> None:
        """A case is done."""
        self._done += 1
        if not results or self._quiet:
            return
        case = results[0].id
        worst = min((result.status for result in results), key=_WORST.index)
        letter = "." if worst == "PASS" else MARKS[worst.lower()].letter.lower() if worst != "FAIL" else "F"
        section = _section(case)
        self._letters[section] = self._letters.get(section, "") + letter
        self._left[section] -= 1
        if self._verbose:
            print(f" {worst:8} {case}", flush=True)
        elif self._moving:
            self._move(case)
        if not self._left[section] and not self._verbose:
            end = "\r\033[K" if self._moving else ""
            print(f"{end} {section:28} {self._letters[section]}", flush=True)

    def _move(self, case: str) -> None:
        shown = f" [{self._done}/{self._total}] {case}"
        print(f"\r\033[K{shown[:_WIDTH]}", end="", flush=True)


def _section(case: str) -> str:
    return "/".join(case.split("/")[:-1]) or case
