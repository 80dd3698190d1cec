"""One result as a block of plain text: requirement, expected, actual, the wire, how to run just this.

For terminals and for machines that show text. Width-limited; nothing of a server gets through that a terminal would obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report import visible
from conformance.report.fold import Item, Line, place, transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = 10
_BEFORE, _AFTER = 4, 2
_LOG_LINES = 8
_ROWS = 8  #: of expected, actual and messages
_WANTED = 6  #: alternatives named where the grammar refuses an octet


def block(item: Item, *, width: int = 100) -> str:
    """The block of one result, without a line end at its end.

    No line is wider than `width` (at least 40), but for the command at the end, which is there to be copied.
    """
    return "\n".join(_block(item, max(width, 40)))


def _block(item: Item, width: int) -> Iterator[str]:
    result, requirement = item.result, item.requirement
    state = item.gate.state if item.gate else ""
    yield _ends(
        f"{item.mark.letter} {visible.line(requirement.id)}",
        f"{result.level}  {result.status}  {state}".rstrip(),
        width,
    )
    citation = f"{requirement.citation}: " if all(place(requirement)) else ""
    yield from _labelled("", citation + (requirement.text or "(not in this catalogue)"), width)
    yield from _labelled("case", _where(item), width)
    yield from _labelled("message", "" if result.message == requirement.text else result.message, width)
    yield from _labelled("expected", result.expected, width)
    yield from _labelled("actual", result.actual, width)
    yield from wire(item, width)
    if result.log:
        yield from (
            f"  {'log':{_LABEL}}{visible.clip(visible.line(row), width - 2 - _LABEL)}"
            for row in result.log.rstrip("\n").split("\n")[-_LOG_LINES:]
        )
    if item.gate and item.gate.state != "new":
        yield from _labelled("file", item.gate.reason, width)
        yield from _labelled("issue", item.gate.issue, width)
    yield from _labelled("cause", requirement.cause and f"often: {requirement.cause}", width)
    if item.again:
        yield f"  {'again':{_LABEL}}{visible.line(item.again)}"


def _where(item: Item) -> str:
    result = item.result
    if result.always_on:
        places = len(result.places) or 1
        times = f"{result.count} time{'s' * (result.count != 1)} in {places} case{'s' * (places != 1)}"
        return f"seen {times}, first in {result.id}"
    line = f", line {result.line}" if result.line else ""
    return f"{result.id}{line}" + (f" ({item.case.title})" if item.case else "")


def _ends(left: str, right: str, width: int) -> str:
    gap = width - len(left) - len(right)
    return f"{left}{' ' * gap}{right}" if gap > 1 else visible.clip(f"{left}  {right}", width)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    if not text:
        return
    indent = _LABEL if label else 0
    rows = visible.wrap(text, width - 2 - indent)
    if len(rows) > _ROWS:
        rows[_ROWS - 1 :] = ["..."]
    for number, row in enumerate(rows):
        yield f"  {label if not number else '':{indent}}{row}".rstrip()


def wire(item: Item, width: int) -> Iterator[str]:
    """The lines around those that decided, marked with `>`; below a line that the grammar refuses, a caret."""
    for line in transcript(item, _BEFORE, _AFTER):
        name = f"{line.step.connection} " if item.connections > 1 else ""
        head = f"   {'>' if line.marked else ' '} {line.step.n:3} {name}"
        if line.left_out and line.step.n > 1:
            yield "         ..."
        yield visible.clip(head + _said(line), width)
        if line.problem and line.side:
            room = width - len(head) - 3
            shown, column = visible.caret(line.step.octets, line.problem.offset, room)
            if visible.octets(line.step.octets).removesuffix("\\r\\n") != shown:
                yield f"{' ' * len(head)}S: {shown}"
            yield f"{' ' * (len(head) + 3 + column)}^"
            yield from (f"{' ' * len(head)}   {row}" for row in visible.wrap(trouble(line), room))


def _said(line: Line) -> str:
    if not line.side:
        return visible.line(f"-- {line.event}")
    rows = line.step.octets.removesuffix("\r\n").split("\r\n")
    length = line.step.cut.length if line.step.cut else len(line.step.octets)
    more = f" [{length} octets, {len(rows)} lines]" if len(rows) > 1 or line.step.cut else ""
    return f"{line.side}: {visible.octets(rows[0])}{more}"


def trouble(line: Line) -> str:
    """What the grammar refuses in a line, as a sentence; "" if nothing."""
    problem = line.problem
    if problem is None:
        return ""
    *others, last = problem.expected or ("the end",)
    if len(others) >= _WANTED:
        others, last = others[:_WANTED], f"{len(others) - _WANTED + 1} more"
    wanted = f"{', '.join(others)} or {last}" if others else last
    return f"{problem.rule}: at octet {problem.offset} expected {wanted}, found {problem.found}"
