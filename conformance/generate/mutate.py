"""Near-valid units: a generated unit with one to three edits, each of which a careless author could have made.

Whether a mutant is valid is the recogniser's to say: some edits change nothing that the grammar minds.

Knows: the pieces of a unit, and what of IMAP is easily done wrong. Must not know: what a unit means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.generate.choosers import Chance
from conformance.generate.nodes import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from conformance.generate.generator import Generator, Unit
    from conformance.generate.nodes import Span

#: What stands in the place of a number, and of a literal's count.
NUMBERS = (
    "0",
    "00",
    "01",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "9" * 40,
    "-1",
    "+1",
    "1.0",
    "",
)

#: Octets that are out of place in most places.
STRAY = ("\0", "\r", "\n", "\t", "\x1b", "\x7f", "\x80", "\xc3\xa9", "\xff", *' "\\(){}[]<>%*+~,:&')

_LINE_ENDS = ("\n", "\r", "", "\r\r\n", "\n\r", " \r\n", "\r\n\r\n", "\0\r\n")
_HEADER = re.compile(r"~?\{([0-9]+)[+-]?\}\r\n")
_HEADERS = (
    "{%d+}\r\n", "~{%d}\r\n", "~{%d+}\r\n", "{%d-}\r\n", "{%d}\n", "{%d}\r", "{%d}", "{%d} \r\n", "{ %d}\r\n", "{%d\r\n", "%d}\r\n",
    "{0%d}\r\n", "{+%d}\r\n", "{}\r\n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """Octets, the edits that were made, and whether the grammar accepts them nevertheless."""

    octets: bytes
    edits: tuple[str, ...]
    valid: bool


class _Edit:
    """A unit that is being edited."""

    def __init__(self, unit: Unit, generator: Generator, random: Random) -> None:
        self.pieces = list(unit.pieces)
        self.spans = [span for span in unit.spans if span[1] < span[2]]
        self.generator = generator
        self.random = random

    def one(self, wanted: Callable[[str], bool] | None = None) -> Span | None:
        """One of the spans; of those with such names."""
        spans = [s for s in self.spans if wanted is None or wanted(s[0])]
        return self.random.choice(spans) if spans else None

    def place(self) -> tuple[int, int] | None:
        """A piece that is not empty, and one of its octets."""
        filled = [n for n, piece in enumerate(self.pieces) if piece]
        if not filled:
            return None
        piece = self.random.choice(filled)
        return piece, self.random.randrange(len(self.pieces[piece]))

    def replace(self, begin: int, end: int, pieces: list[str]) -> None:
        """Other pieces for some; what was known of spans behind them moves, what was known of these is forgotten."""
        self.pieces[begin:end] = pieces
        more = len(pieces) - (end - begin)
        self.spans = [
            (name, first + more * (first >= end), last + more * (last > begin))
            for name, first, last in self.spans
            if last <= begin
            or first >= end
            or (first <= begin and last >= end and (first, last) != (begin, end))
        ]


def _drop(edit: _Edit) -> bool:
    span = edit.one()
    if span:
        edit.replace(span[1], span[2], [])
    return span is not None


def _duplicate(edit: _Edit) -> bool:
    span = edit.one()
    if span:
        part = edit.pieces[span[1] : span[2]]
        between = [" "] if edit.random.random() < 0.5 else []
        edit.replace(span[1], span[2], [*part, *between, *part])
    return span is not None


def _swap(edit: _Edit) -> bool:
    span = edit.one()
    later = [s for s in edit.spans if span and s[1] >= span[2]]
    if not span or not later:
        return False
    other = edit.random.choice(later)
    first, second = edit.pieces[span[1] : span[2]], edit.pieces[other[1] : other[2]]
    edit.replace(other[1], other[2], first)
    edit.replace(span[1], span[2], second)
    return True


def _other(edit: _Edit) -> bool:
    """A rule or terminal of another kind."""
    span = edit.one()
    if span:
        walk = Walk(Chance(edit.random), 4, 8, None)
        edit.random.choice(edit.generator.kinds).walk(walk, 0, 0)
        edit.replace(span[1], span[2], walk.out)
    return span is not None


def _number(edit: _Edit) -> bool:
    span = edit.one(lambda name: name.endswith("NUMBER"))
    if span:
        edit.replace(span[1], span[2], [edit.random.choice(NUMBERS)])
    return span is not None


def _literal(edit: _Edit) -> bool:
    """The count, the form of the header, or the octets."""
    span = edit.one(lambda name: name.startswith("LITERAL"))
    found = _HEADER.match(edit.pieces[span[1]]) if span else None
    if not span or not found:
        return False
    piece, count = edit.pieces[span[1]], int(found[1])
    octets = piece[found.end() :]
    header = piece[: found.end()]
    match edit.random.randrange(4):
        case 0:
            wrong = edit.random.choice((count + 1, max(count - 1, 0), count + 1000, 2**32))
            header = header.replace(found[1], str(wrong), 1)
        case 1:
            header = header.replace(found[1], edit.random.choice(NUMBERS), 1)
        case 2:
            form = edit.random.choice(_HEADERS)
            header = form % count if "%" in form else form
        case _:
            at = edit.random.randint(0, count)
            octets = octets[:at] + edit.random.choice(STRAY) + octets[at + edit.random.randint(0, 1) :]
    edit.replace(span[1], span[2], [header + octets])
    return True


def _stray(edit: _Edit) -> bool:
    """An octet too many, or another one."""
    place = edit.place()
    if place:
        piece, at = place
        text, octet = edit.pieces[piece], edit.random.choice(STRAY)
        edit.replace(piece, piece + 1, [text[:at] + octet + text[at + edit.random.randint(0, 1) :]])
    return place is not None


def _lost(edit: _Edit) -> bool:
    """An octet too few."""
    place = edit.place()
    if place:
        piece, at = place
        text = edit.pieces[piece]
        edit.replace(piece, piece + 1, [text[:at] + text[at + 1 :]])
    return place is not None


def _space(edit: _Edit) -> bool:
    """One too many where none belongs or one is; none, or a tab, where one is."""
    spaces = [n for n, piece in enumerate(edit.pieces) if piece == " "]
    if spaces and edit.random.random() < 0.5:
        at = edit.random.choice(spaces)
        edit.replace(at, at + 1, [edit.random.choice(("", "  ", "\t"))])
    else:
        at = edit.random.randint(0, len(edit.pieces))
        edit.replace(at, at, [" "])
    return True


def _line_end(edit: _Edit) -> bool:
    ends = [n for n, piece in enumerate(edit.pieces) if piece == "\r\n"]
    if ends:
        at = edit.random.choice(ends)
        edit.replace(at, at + 1, [edit.random.choice(_LINE_ENDS)])
    return bool(ends)


def _form(edit: _Edit) -> bool:
    """Double quotes where there are none, none where there are; NIL, or an empty string."""
    span = edit.one(str.isupper)
    if span:
        text = "".join(edit.pieces[span[1] : span[2]])
        bare = text[1:-1] if text[:1] == '"' == text[-1:] else text
        changed = edit.random.choice((bare, f'"{bare}"', f"({bare})", "NIL", '""', "", bare.swapcase()))
        edit.replace(span[1], span[2], [changed])
    return span is not None


def _cut(edit: _Edit) -> bool:
    text = "".join(edit.pieces)
    if text:
        edit.replace(0, len(edit.pieces), [text[: edit.random.randrange(len(text))]])
    return bool(text)


#: Edits by name; each says whether there was anything to edit.
EDITS: dict[str, Callable[[_Edit], bool]] = {
    "drop": _drop,
    "duplicate": _duplicate,
    "swap": _swap,
    "wrong class": _other,
    "number": _number,
    "literal": _literal,
    "stray octet": _stray,
    "lost octet": _lost,
    "space": _space,
    "line end": _line_end,
    "form": _form,
    "cut": _cut,
}
_NAMES = tuple(EDITS)
#: Not every edit changes every unit: after so many attempts one is made that does.
_ATTEMPTS, _ALWAYS = 20, ("stray octet", "space")
_TIMES = (1, 1, 1, 1, 2, 2, 3)


def edited(
    unit: Unit, generator: Generator, random: Random, names: tuple[str, ...] = _NAMES
) -> tuple[bytes, tuple[str, ...]]:
    """The octets of a unit after one to three edits (of `names`, where one fits), and the names of these. They are some, and
    not the unit's.
    """
    attempts = 0
    while True:
        attempts += 1
        edit = _Edit(unit, generator, random)
        fitting = names if attempts <= _ATTEMPTS else _ALWAYS
        wanted = [random.choice(fitting) for _ in range(random.choice(_TIMES))]
        made = tuple(name for name in wanted if EDITS[name](edit))
        octets = "".join(edit.pieces).encode("latin-1")
        if octets not in (b"", unit.octets):
            return octets, made


def mutants(generator: Generator, random: Random, names: tuple[str, ...] = _NAMES) -> Iterator[Mutant]:
    """Mutants without end, each labelled."""
    chooser = Chance(random)
    while True:
        octets, edits = edited(generator.unit(chooser), generator, random, names)
        yield Mutant(octets, edits, generator.grammar.recognise(generator.kind, octets))
