"""How a run goes, while it goes: a moving line on a terminal, a line per section elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from conformance.cli.ending import tell
from conformance.journal import BAD_STATUSES
from conformance.report.fold import MARKS
from conformance.report.visible import line as visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.journal import Header, Result, Status

#: The status that stands for a case, worst first.
_WORST: tuple[Status, ...] = (
    "ERROR", "CRASH", "TIMEOUT", "FAIL", "FLAKY", "WARN", "BLOCKED", "SKIP", "INFO", "PASS",
)  # fmt: skip
_WIDTH = 79

#: Seconds after which the rest can be guessed.
_SURE = 2.0


class Progress:
    """Told when the run begins, whenever a case was played, and at the end.

    `is_known` says of a case's results that an expectation file foresees what is wrong with them.
    """

    def __init__(
        self,
        cases: Sequence[str],
        is_known: Callable[[Sequence[Result]], bool],
        *,
        quiet: bool,
        verbose: bool,
    ) -> None:
        self._left = Counter(_section(case) for case in cases)
        self._width = max(map(len, self._left))
        self._letters: dict[str, str] = {}
        self._total = len(cases)
        self._done = 0
        self._began = time.monotonic()
        self._is_known = is_known
        self._quiet = quiet
        self._verbose = verbose
        self._moving = sys.stdout.isatty() and not (quiet or verbose)

    def begin(self, header: Header) -> None:
        """What is tested."""
        if self._quiet:
            return
        known = header.server or header.target
        tell(f"imapspec {header.tool}  {self._total} case{'s' * (self._total != 1)}  seed {header.seed}")
        tell(f" target    {visible_line(known)}  {visible_line(header.greeting)[:_WIDTH]}")
        tell(f" caps      {visible_line(' '.join(header.capabilities))}")
        tell(f" accounts  {header.accounts}   workers {header.workers}")
        self._began = time.monotonic()

    def played(self, results: Sequence[Result]) -> None:
        """A case is done."""
        self._done += 1
        if self._quiet:
            return
        case = results[0].id
        worst = min((result.status for result in results), key=_WORST.index)
        is_known = self._is_known(results)
        section = _section(case)
        self._letters[section] = self._letters.get(section, "") + _letter(worst, is_known=is_known)
        self._left[section] -= 1
        if self._verbose:
            tell(f" {worst + ' (known)' * is_known:15} {case}")
            return
        if not self._left[section]:
            self._line(section)
        if self._moving:
            self._move(case)

    def end(self) -> None:
        """Nothing more will be played: sections that are not whole are told too."""
        if self._quiet or self._verbose:
            return
        tell(self._over, end="")
        for section in self._letters:
            if self._left[section]:
                self._line(section, f" ({self._left[section]} more were not played)")

    @property
    def _over(self) -> str:
        """What lets the next words take the place of the moving line."""
        return "\r\033[K" if self._moving else ""

    def _line(self, section: str, note: str = "") -> None:
        tell(f"{self._over} {section:{self._width}}  {self._letters[section]}{note}")

    def _move(self, case: str) -> None:
        passed = time.monotonic() - self._began
        left = passed / self._done * (self._total - self._done)
        ahead = f"  about {left:.0f} s left" if passed > _SURE and left >= 1 else ""
        tell(self._over + f" [{self._done}/{self._total}]{ahead}  {case}"[:_WIDTH], end="")


def _letter(worst: Status, *, is_known: bool) -> str:
    """A case in one character: capitals are for what may decide."""
    if is_known:
        return MARKS["known"].letter.lower()
    if worst == "PASS":
        return "."
    letter = MARKS[worst.lower()].letter
    return letter if worst in BAD_STATUSES else letter.lower()


def _section(case: str) -> str:
    return "/".join(case.split("/")[:-1]) or case
