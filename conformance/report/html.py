"""One self-contained page: `report.html`.

No network, no fonts, no foreign scripts: a policy in the page forbids them. Reading needs no JavaScript; filters and copy buttons do.
Everything shown passes through `visible` (the environment's `finalize`) and through autoescape: what a server sends stays text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.report import visible
from conformance.report.block import trouble
from conformance.report.fold import ATTENTION, MARKS, Item, Line, Run, place, transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class _Room:
    """How much of each explained result a page can afford."""

    results: int  #: up to so many explained results
    before: int  #: lines of transcript before what decided
    after: int
    octets: int  #: of one line of transcript
    words: int  #: characters of expected, actual and messages
    source: int  #: characters of a scenario


#: The page stays below 2 MB, also when every case of a long run fails.
_ROOMS = (
    _Room(40, before=60, after=20, octets=800, words=2_000, source=4_000),
    _Room(150, before=16, after=6, octets=400, words=1_000, source=2_000),
    _Room(1_000_000, before=4, after=2, octets=160, words=300, source=0),
)
_CARET = 76  #: columns of the grammar view
_PLACES = 20  #: cases named beside a finding


def render(run: Run) -> str:
    """The page of a run."""
    script = Markup((_HERE / "report.js").read_text(encoding="utf-8"))  # noqa: S704 ours
    explained = [item for item in run.items if _explained(item)]
    room = next(room for room in _ROOMS if len(explained) <= room.results)
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    anchors = _anchors(explained)
    return environment.get_template("report.html.jinja").render(
        run=run,
        room=room,
        ATTENTION=ATTENTION,
        MARKS=MARKS,
        PLACES=_PLACES,
        all=all,
        anchor=lambda item: anchors.get(id(item), ""),
        attention=[
            (state, *words, run.wanting(state)) for state, words in ATTENTION.items() if run.wanting(state)
        ],
        caret=_caret,
        claim=_claims(anchors.values()),
        clip=lambda text: visible.clip(text, room.words),
        first=_claims(()),
        lines=lambda item: transcript(item, room.before, room.after),
        octets=lambda line: _octets(line, room.octets),
        place=place,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 ours
        trouble=trouble,
    )


def _visible(value: object) -> object:
    return visible.words(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _explained(item: Item) -> bool:
    """Whether the page tells the whole story of a result, not only its row."""
    return bool(item.attention) or item.mark.key in ("known", "warn", "error")


def _anchors(items: Iterable[Item]) -> dict[int, str]:
    """The id of each explained result: its requirement's, or, when that is taken, with the case behind it."""
    anchors: dict[str, int] = {}
    for item in items:
        requirement, case = item.requirement.id, item.result.id
        names = (
            requirement,
            f"{requirement}:{case}",
            *(f"{requirement}:{case}:{n}" for n in range(2, len(anchors) + 3)),
        )
        anchors[next(name for name in names if name not in anchors)] = id(item)
    return {item: name for name, item in anchors.items()}


def _claims(taken: Iterable[str]) -> Callable[[str], Markup]:
    """An attribute `id="..."` for the first element that asks for it, nothing for later ones: ids are unique in a page."""
    names = {"", *taken}

    def claim(name: str) -> Markup:
        if name in names:
            return Markup()
        names.add(name)
        return Markup(' id="{}"').format(visible.words(name))

    return claim


def _octets(line: Line, limit: int) -> Markup:
    """The octets of a step: escapes set apart, the octet that the grammar refuses marked."""
    text = line.step.octets.removesuffix("\r\n")
    shown, rest = text[:limit], len(text) - limit
    at = line.problem.offset if line.problem else len(shown)
    marked = Markup("<mark>{}</mark>").format(_escaped(shown[at])) if at < len(shown) else Markup()
    whole = line.step.cut.length if line.step.cut else len(line.step.octets)
    more = Markup(" <em>… {} octets in all</em>").format(whole) if rest > 0 or line.step.cut else Markup()
    return _escaped(shown[:at]) + marked + _escaped(shown[at + 1 :]) + more


def _escaped(text: str) -> Markup:
    """Octets as they can be shown: escapes set apart, and a new line behind each line feed."""
    shown = Markup()
    for number, part in enumerate(visible.RAW.split(text)):
        if number % 2:
            for piece in re.findall(r"[^\n]*\n|[^\n]+", part):
                shown += Markup("<i>{}</i>{}").format(
                    visible.octets(piece), piece[-1] if piece[-1] == "\n" else ""
                )
        else:
            shown += escape(part)
    return shown


def _caret(line: Line) -> str:
    """The grammar view: the neighbourhood of the refused octet, and a caret under it."""
    if not line.problem:
        return ""
    shown, column = visible.caret(line.step.octets, line.problem.offset, _CARET)
    return f"{shown}\n{' ' * column}^"
