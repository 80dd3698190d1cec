"""One template against one response, and which responses belong together.

Pure functions. A response is compared part by part (kind, name, number, code, items, text), so that a mismatch can say which part
differed. FETCH and STATUS are inclusive (further items may be there), everything else is exact unless the template says `${...}`;
what the RFC leaves unordered compares as a set.
Knows: which positions hold mailbox names, sets and words without case. Must not know: groups, verdicts, connections.
"""

from __future__ import annotations

import bisect
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.response import UNORDERED, Atom, List, Number, String
from conformance.scenario.holes import describe
from conformance.scenario.values import Name, fits, resolve, resolve_all, text_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.response import Code, Response, Value
    from conformance.scenario.holes import Bindings

#: Responses with pairs of name and value, of which a template names those that matter (RFC 3501 sections 7.2.4 and 7.4.2).
INCLUSIVE = frozenset({"FETCH", "STATUS"})
#: Where a response holds a mailbox name (RFC 3501 sections 7.2.2 to 7.2.4).
MAILBOX_AT = {"LIST": 2, "LSUB": 2, "STATUS": 0}
#: Data items whose strings are MIME words, which have no case (RFC 2045 sections 5.1 and 6.1).
WITHOUT_CASE = frozenset({"BODY", "BODYSTRUCTURE"})


@dataclass(frozen=True)
class Mismatch:
    """In which part a response differs from a template."""

    part: str  #: "kind", "name", "number", "response code", "text", "mailbox", the name of a data item...
    wanted: str
    found: str  #: "" if the response has no such part
    depth: int  #: how many parts fitted before this one

    def __str__(self) -> str:
        """A clause for a report."""
        if not self.found:
            return f"{self.part} is missing, expected was {self.wanted}"
        return f"{self.part} is {self.found}, expected was {self.wanted}"


@dataclass(frozen=True)
class Part:
    """A part of a template, and what a response has there: one of `found` must fit."""

    name: str
    wanted: Value
    found: Sequence[Value]


def match(template: Response, response: Response, bindings: Bindings) -> Bindings | Mismatch:
    """The bindings with which a response fits a template, extended by what its holes capture, or where it differs.

    Tags are not compared: which command a completion belongs to is the group's business.
    """
    compared = parts(template, response)
    for bound in solve(compared, bindings):
        return bound
    depth = next(n for n in range(len(compared)) if not any(True for _ in solve(compared[: n + 1], bindings)))
    part = compared[depth]
    shown = _SHOWN.get(part.name, describe)
    return Mismatch(
        part.name, shown(resolve(part.wanted, bindings)), " and ".join(map(shown, part.found)), depth
    )


def can_fit(template: Response, response: Response, bindings: Bindings) -> bool:
    """Whether a response fits a template."""
    if template.name != response.name:
        return False
    return any(True for _ in solve(parts(template, response), bindings))


def covers(wider: Response, template: Response, bindings: Bindings) -> bool:
    """Whether every response that fits a template fits a wider one too."""
    return can_fit(wider, resolve_all(template, bindings), bindings)


def solve(compared: Sequence[Part], bindings: Bindings) -> Iterator[Bindings]:
    """All bindings with which every part fits, the most obvious first."""
    if not compared:
        yield bindings
        return
    for value in compared[0].found:
        for bound in fits(compared[0].wanted, value, bindings):
            yield from solve(compared[1:], bound)


def parts(template: Response, response: Response) -> list[Part]:
    """The parts of a template, in the order in which a reader looks at them."""
    compared = [
        Part("kind", Atom(template.kind), [Atom(response.kind)]),
        Part("name", Atom(template.name), [Atom(response.name)]),
    ]
    if (template.kind, template.name) != (response.kind, response.name):
        return compared
    if template.number is not None:
        compared.append(Part("number", *_numbers(template, response)))
    if template.code:
        found = [_code_value(response.code)] if response.code else []
        compared.append(Part("response code", _code_value(template.code), found))
    compared += _pairs(template, response) if template.name in INCLUSIVE else _items(template, response)
    if isinstance(template.text, bytes):
        found = [String(response.text)] if isinstance(response.text, bytes) else []
        compared.append(Part("text", text_value(template.text), found))
    return compared


def _row(value: Value) -> str:
    """The items of a response as they stand on the wire."""
    assert isinstance(value, List)
    return " ".join(map(describe, value.values)) or "nothing"


def _brackets(value: Value) -> str:
    """A response code as it stands on the wire."""
    assert isinstance(value, List)
    name, items = value.values
    assert isinstance(items, List)
    return f"[{' '.join(map(describe, (name, *items.values)))}]"


#: Parts that are made up of several values, and how they look.
_SHOWN: dict[str, Callable[[Value], str]] = {"data": _row, "response code": _brackets}


def _numbers(template: Response, response: Response) -> tuple[Value, list[Value]]:
    wanted, found = (
        Number(number) if isinstance(number, int) else number for number in (template.number, response.number)
    )
    assert wanted is not None
    return wanted, [found] if found else []


def _code_value(code: Code) -> Value:
    return List((Atom(code.name), List(code.items, ordered=code.name not in UNORDERED)))


def _items(template: Response, response: Response) -> list[Part]:
    """The items as one part; without items in the template nothing is asked of them."""
    if not template.items and not response.items:
        return []
    wanted, found = (
        List(_canonical(each), ordered=template.name not in UNORDERED) for each in (template, response)
    )
    return [Part("data", wanted, [found])]


def _canonical(response: Response) -> tuple[Value, ...]:
    """The items, a mailbox name as one that compares without case: INBOX has none, and for other names RFC 3501 leaves it to
    the server (section 5.1). Modified BASE64 has case (section 5.1.3): such a name stays a string.
    """  # fmt: skip
    at = MAILBOX_AT.get(response.name)
    return tuple(
        Name(item.octets) if n == at and isinstance(item, String) and b"&" not in item.octets else item
        for n, item in enumerate(response.items)
    )


def _pairs(template: Response, response: Response) -> list[Part]:
    """One part for the items before the pairs, one for each pair of the template; the response may have more pairs."""
    *wanted, pairs = _canonical(template) or (None,)
    if not isinstance(pairs, List):
        return _items(template, response)
    compared = [
        Part("mailbox", value, [found]) for value, found in zip(wanted, _canonical(response), strict=False)
    ]
    actual = pairs_of(response)
    for name, value in _flat_pairs(pairs):
        if isinstance(name, Atom) and value is not None:
            found = [_folded(name, other) for key, other in reversed(actual) if key == name.key]
            compared.append(Part(name.text, _folded(name, value), found))
    return compared


def pairs_of(response: Response) -> list[tuple[str, Value]]:
    """(name in upper case, value) of each pair of a FETCH or STATUS response, in the order received."""
    pairs = response.items[-1] if response.items else None
    if not isinstance(pairs, List):
        return []
    return [
        (name.key, value)
        for name, value in _flat_pairs(pairs)
        if isinstance(name, Atom) and value is not None
    ]


def _flat_pairs(pairs: List) -> Iterator[tuple[Value, Value | None]]:
    """Names and values of a flat list. A name without value is followed by None."""
    values = iter(pairs.values)
    for name in values:
        yield name, next(values, None)


def _folded(name: Atom, value: Value) -> Value:
    """The value of a data item; MIME words become atoms, which compare without case."""
    return _without_case(value) if name.key in WITHOUT_CASE else value


def _without_case(value: Value) -> Value:
    match value:
        case String():
            return Atom(value.octets.decode("latin-1"))
        case List():
            return List(tuple(map(_without_case, value.values)), value.ordered)
        case _:
            return value


@dataclass(frozen=True)
class Candidate:
    """A response as templates see it, and the places of the responses that it was merged of."""

    response: Response
    places: tuple[int, ...]


def candidates(responses: Sequence[Response]) -> list[Candidate]:
    """The responses with those merged that say one thing in several pieces, in the order of their last pieces.

    FETCH responses for one message become one with all their items (until an EXPUNGE gives its number to another message), and all
    SEARCH responses become one with all their numbers.
    """
    pieces: dict[object, list[tuple[int, Response]]] = {}
    expunged: list[int] = []
    for place, response in enumerate(responses):
        if response.name == "EXPUNGE" and isinstance(response.number, int):
            bisect.insort(expunged, response.number)
        key = _message(response, expunged) or ("SEARCH" if response.name == "SEARCH" else place)
        known = pieces.pop(key, [])
        known.append((place, response))
        pieces[key] = known
    return [_joined(each) for each in pieces.values()]


def _message(response: Response, expunged: Sequence[int]) -> tuple[int, int] | None:
    """Which message a FETCH response is about: its number, and how often that number went to another message before."""
    if response.name == "FETCH" and isinstance(response.number, int):
        return response.number, bisect.bisect_right(expunged, response.number)
    return None


def _joined(pieces: Sequence[tuple[int, Response]]) -> Candidate:
    """One response with the items of all."""
    first = pieces[0][1]
    places = tuple(place for place, _ in pieces)
    if len(pieces) == 1:
        return Candidate(first, places)
    items = [item for _, piece in pieces for item in piece.items]
    if first.name == "FETCH":
        items = [List(tuple(value for item in items if isinstance(item, List) for value in item.values))]
    raw = b"".join(piece.raw for _, piece in pieces)
    return Candidate(dataclasses.replace(first, raw=raw, items=tuple(items)), places)


def merge_fetches(responses: Sequence[Response]) -> list[Response]:
    """The responses after merging, see `candidates`."""
    return [candidate.response for candidate in candidates(responses)]
