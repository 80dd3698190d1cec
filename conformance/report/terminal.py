"""The end of a run on a terminal: a block for everything that is not as expected, then the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.block import block
from conformance.report.fold import ATTENTION, MARKS, fold, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.journal import Journal
    from conformance.report.fold import Item

_WIDTH = 110

_ERRORS = ("Errors of imapspec", "They say nothing about the server: please report them.")
_KNOWN = ("Known failures", "As the expectation file says.")


def unexpected(journal: Journal) -> str:
    """Blocks of all results that need attention, by reason; "" when there are none."""
    run = fold(journal)
    parts = [_blocks(*_ERRORS, run.marked("error"))]
    parts += [_blocks(*words, run.wanting(state)) for state, words in ATTENTION.items()]
    return "".join(parts)


def known(journal: Journal) -> str:
    """Blocks of the failures that the expectation file foresees; "" when there are none."""
    return _blocks(*_KNOWN, tuple(item for item in fold(journal).items if item.excused))


def _blocks(title: str, advice: str, items: Sequence[Item]) -> str:
    if not items:
        return ""
    head = f"{title.upper()} ({len(items)})  {advice} "
    lines = [head + "-" * max(3, _WIDTH - len(head)), *(f"{block(item, width=_WIDTH)}\n" for item in items)]
    return "\n".join(lines) + "\n"


def summary(journal: Journal) -> str:
    """Numbers by level and by section, and what was not asked."""
    run = fold(journal)
    lines = ["SUMMARY " + "-" * (_WIDTH - 8)]
    for level, counts in run.levels.items():
        lines.append(f" {level:7} " + "   ".join(f"{n} {MARKS[key].word}" for key, n in counts.items()))
    for key in ("skip", "blocked"):
        for reason, ids in run.by_reason(key).items():
            lines.append(f" {MARKS[key].word:7} {len(ids)} {reason}")
    if run.footer:
        workers = run.header.workers
        lines.append(f" time    {run.footer.duration:.1f} s with {workers} worker{'s' * (workers != 1)}")
    lines.append(
        _wrapped([f"{s.number} {_ratio(tally(i for r in s.rows for i in r.items))}" for s in run.sections])
    )
    return "\n".join(lines) + "\n"


def _ratio(counts: object) -> str:
    assert isinstance(counts, dict)
    good = sum(counts.get(key, 0) for key in ("pass", "info", "surprise"))
    asked = sum(n for key, n in counts.items() if key not in ("skip", "blocked"))
    return f"{good}/{asked}"


def _wrapped(words: list[str]) -> str:
    lines = [" by section:"]
    for word in words:
        if len(lines[-1]) + len(word) + 2 > _WIDTH:
            lines.append("            ")
        lines[-1] += f"  {word}"
    return "\n".join(lines)
