"""A short Markdown summary for step summaries and pull requests: `summary.md`.

What a server said stands in code blocks that it cannot end; other words are escaped. Cut below the size that CI services take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.report import visible
from conformance.report.block import block
from conformance.report.fold import ATTENTION, MARKS, Item, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Octets of UTF-8. Step summaries of common CI services end at 1 MiB.
LIMIT = 900_000

_WIDTH = 100


def render(run: Run, limit: int = LIMIT) -> str:
    """The summary, at most `limit` octets; whole paragraphs are left out at the end, and the last line says so."""
    cut = "\n*Cut here. The whole story is in report.html.*\n"
    written: list[str] = []
    room = limit - len(cut.encode())
    for part in _parts(run):
        room -= len(part.encode())
        if room < 0:
            return "".join([*written, cut])
        written.append(part)
    return "".join(written)


def _parts(run: Run) -> Iterator[str]:
    code = "" if run.code is None else f", exit {run.code}"
    yield f"# imapspec: {escape(run.verdict)}{code}\n\n{escape(run.reason)}\n\n"
    about = [
        run.header.server or run.header.target,
        f"imapspec {run.header.tool}",
        f"seed {run.header.seed}",
        f"{run.cases} cases",
    ]
    if run.footer:
        about.append(f"{run.footer.duration:.1f} s")
    yield escape(" · ".join(about)) + "\n\n"
    yield _counts(run)
    if excused := run.counts.get("known"):
        yield (
            f"{excused} excused by the expectation file"
            + (f", {run.unwritten} without a reason yet" if run.unwritten else "")
            + ".\n\n"
        )
    for state, (title, advice) in ATTENTION.items():
        yield from _story(f"{title}: {advice}", run.wanting(state))
    yield from _story("Errors of the suite: please report them.", run.marked("error"))
    yield from _list("Warnings", [(item.requirement.id, item.result.actual) for item in run.warnings])
    yield from _list(
        "Known failures",
        [(item.requirement.id, item.gate.reason if item.gate else "") for item in run.marked("known")],
    )
    for key, title in (("blocked", "Blocked"), ("skip", "Skipped")):
        yield from _list(title, [(reason, str(len(ids))) for reason, ids in run.by_reason(key).items()])


def _counts(run: Run) -> str:
    rows = [["", *(MARKS[key].word for key in run.counts)], ["---", *("--:" for _ in run.counts)]]
    rows += [
        [level, *(str(counts.get(key, "")) for key in run.counts)] for level, counts in run.levels.items()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows) + "\n" if run.counts else ""


def _story(title: str, items: tuple[Item, ...]) -> Iterator[str]:
    if items:
        yield f"## {title}\n\n"
    for item in items:
        text = block(item, width=_WIDTH)
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
        yield f"{fence}text\n{text}\n{fence}\n\n"


def _list(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f"<details><summary>{title}: {len(rows)}</summary>\n\n"
        for name, words in rows:
            yield f"- {escape(name)}: {escape(words)}\n"
        yield "\n</details>\n\n"


def escape(text: str) -> str:
    """Text in one line that Markdown and HTML take as it is, and that mentions nobody."""
    safe = re.sub(r"([\\`*_{}\[\]()#+!|~$-])", r"\\\1", visible.line(text))
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u2060")
