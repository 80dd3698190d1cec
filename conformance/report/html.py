"""One self-contained page: `report.html`.

No network, no fonts, no foreign scripts: a policy in the page forbids them. Reading needs no JavaScript; filters and copy buttons do.
Everything shown passes through `visible` (the environment's `finalize`) and through autoescape: what a server sends stays text.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.report import visible
from conformance.report.block import trouble
from conformance.report.fold import ATTENTION, MARKS, Item, Line, Run, place, transcript

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).parent

#: Number of explained results -> lines of transcript before and after what decided: the page stays below 2 MB.
_CONTEXT = ((30, (60, 20)), (120, (16, 6)), (1_000_000, (4, 2)))
_LONGEST = 600  #: octets of one line of transcript
_CARET = 76  #: columns of the grammar view
_SOURCE = 4_000  #: characters of a scenario


def render(run: Run) -> str:
    """The page of a run."""
    script = Markup((_HERE / "report.js").read_text(encoding="utf-8"))  # noqa: S704 ours
    explained = [item for item in run.items if _explained(item)]
    before, after = next(context for limit, context in _CONTEXT if len(explained) <= limit)
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        run=run,
        ATTENTION=ATTENTION,
        MARKS=MARKS,
        attention=[
            (state, *words, run.wanting(state)) for state, words in ATTENTION.items() if run.wanting(state)
        ],
        caret=_caret,
        claim=_claims(),
        first=_claims(),
        explained=_explained,
        lines=lambda item: transcript(item, before, after),
        octets=_octets,
        place=place,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        source_limit=_SOURCE,
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 ours
        trouble=trouble,
        all=all,
    )


def _visible(value: object) -> object:
    return visible.words(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _explained(item: Item) -> bool:
    """Whether the page tells the whole story of a result, not only its row."""
    return bool(item.attention) or item.mark.key in ("known", "warn", "error")


def _claims() -> Callable[[str], Markup]:
    """An attribute `id="..."` for the first element that asks for it, nothing for later ones: ids are unique in a page."""
    taken: set[str] = set()

    def claim(name: str) -> Markup:
        if not name or name in taken:
            return Markup()
        taken.add(name)
        return Markup(' id="{}"').format(visible.words(name))

    return claim


def _octets(line: Line) -> Markup:
    """The octets of a step: escapes set apart, the octet that the grammar refuses marked."""
    text = line.step.octets.removesuffix("\r\n")
    shown, rest = text[:_LONGEST], len(text) - _LONGEST
    at = line.problem.offset if line.problem else len(shown)
    marked = Markup("<mark>{}</mark>").format(_escaped(shown[at])) if at < len(shown) else Markup()
    whole = line.step.cut.length if line.step.cut else len(line.step.octets)
    more = Markup(" <em>… {} octets in all</em>").format(whole) if rest > 0 or line.step.cut else Markup()
    return _escaped(shown[:at]) + marked + _escaped(shown[at + 1 :]) + more


def _escaped(text: str) -> Markup:
    parts = visible.RAW.split(text)
    return Markup().join(
        Markup("<i>{}</i>{}").format(visible.octets(part), "\n" if part.endswith("\n") else "")
        if number % 2
        else escape(part)
        for number, part in enumerate(parts)
    )


def _caret(line: Line) -> str:
    """The grammar view: the neighbourhood of the refused octet, and a caret under it."""
    if not line.problem:
        return ""
    shown, column = visible.caret(line.step.octets, line.problem.offset, _CARET)
    return f"{shown}\n{' ' * column}^"
