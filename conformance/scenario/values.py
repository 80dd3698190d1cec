"""Values of templates against values of responses: what fits, and what the holes are bound to then.

The comparison yields every solution, because a set can fit in more than one way and another line may need the second.
Knows: values, holes, which lists are sets. Must not know: responses as a whole, groups.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.response import Atom, Hole, List, Nil, Number, Rest, String
from conformance.scenario import holes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.response import Response, Value
    from conformance.scenario.holes import Bindings


class Name(String):
    """A mailbox name whose case is the server's business (RFC 3501 section 5.1)."""


def fits(template: Value, value: Value, bindings: Bindings) -> Iterator[Bindings]:
    """Every way in which a value fits a template, as bindings that extend the given ones."""
    match template:
        case Rest() | Hole(name=""):
            yield bindings
        case Hole() if template.name in bindings:
            if equal(bindings[template.name], value):
                yield bindings
        case Hole():
            yield {**bindings, template.name: String(value.octets) if isinstance(value, Name) else value}
        case List() if isinstance(value, List):
            ordered = template.ordered and value.ordered
            yield from fit_all(template.values, value.values, bindings, ordered=ordered)
        case List() | Nil() | Number():
            if equal(template, value):
                yield bindings
        case Atom() | String():
            filled = fill(template, bindings)
            if filled is not None and equal(filled, value):
                yield bindings


def fit_all(
    templates: Sequence[Value], values: Sequence[Value], bindings: Bindings, *, ordered: bool
) -> Iterator[Bindings]:
    """Every way in which a row of values fits a row of templates; `${...}` takes what the others leave."""
    yield from (_fit_row if ordered else _fit_set)(tuple(templates), tuple(values), bindings)


def _fit_row(
    templates: tuple[Value, ...], values: tuple[Value, ...], bindings: Bindings
) -> Iterator[Bindings]:
    if not templates:
        if not values:
            yield bindings
    elif templates == (Rest(),):
        yield bindings
    elif isinstance(templates[0], Rest):
        for taken in range(len(values) + 1):
            yield from _fit_row(templates[1:], values[taken:], bindings)
    elif values:
        for bound in fits(templates[0], values[0], bindings):
            yield from _fit_row(templates[1:], values[1:], bound)


def _fit_set(
    templates: tuple[Value, ...], values: tuple[Value, ...], bindings: Bindings
) -> Iterator[Bindings]:
    """What is repeated counts once. Templates that can bind nothing choose first: their choice is the same for all others."""
    left = {_key(value): value for value in reversed(values)}
    closed = {_key(resolve(each, bindings)) for each in templates if not _is_open(each, bindings)}
    wanted = [each for each in templates if _is_open(each, bindings) and not isinstance(each, Rest)]
    if closed <= left.keys():
        others = [value for key, value in reversed(left.items()) if key not in closed]
        if len(wanted) == len(others) or (Rest() in templates and len(wanted) < len(others)):
            yield from _assign(wanted, others, frozenset(), bindings)


def _assign(
    wanted: Sequence[Value], values: Sequence[Value], taken: frozenset[int], bindings: Bindings
) -> Iterator[Bindings]:
    """A value of its own for each template, in every way."""
    if not wanted:
        yield bindings
        return
    for n, value in enumerate(values):
        if n not in taken:
            for bound in fits(wanted[0], value, bindings):
                yield from _assign(wanted[1:], values, taken | {n}, bound)


def _is_open(template: Value, bindings: Bindings) -> bool:
    """Whether there is something in a template that can fit more than one value."""
    match template:
        case Hole():
            return template.name not in bindings
        case List():
            return any(_is_open(each, bindings) for each in template.values)
        case _:
            return isinstance(template, Rest)


def _key(value: Value) -> object:
    """Equal for values that are the same element of a set."""
    match value:
        case Atom():
            return value.key.encode("latin-1")
        case List():
            keys = tuple(map(_key, value.values))
            return keys if value.ordered else frozenset(keys)
        case Nil():
            return None
        case _:
            return holes.octets(value)


def equal(one: Value, other: Value) -> bool:
    """Whether two values are the same for the protocol.

    Atoms compare without case, strings octet for octet, unordered lists as sets. A number or atom equals a string of the same
    octets: in which position a value was captured does not count. NIL equals only NIL.
    """
    match one, other:
        case Atom(), Atom():
            return one.key == other.key
        case (Name(), _) | (_, Name()):
            return holes.octets(one).upper() == holes.octets(other).upper()
        case List(), List() if one.ordered and other.ordered:
            return len(one.values) == len(other.values) and all(map(equal, one.values, other.values))
        case List(), List():
            return same_set(one, other)
        case (List() | Nil(), _) | (_, List() | Nil()):
            return isinstance(one, Nil) and isinstance(other, Nil)
        case _:
            return holes.octets(one) == holes.octets(other)


def same_set(one: List, other: List) -> bool:
    """Whether two lists have the same elements, in whatever order and number."""
    return set(map(_key, one.values)) == set(map(_key, other.values))


def fill(value: Value, bindings: Bindings) -> Value | None:
    """The value with the holes inside its text filled; None if one of them is not bound."""
    try:
        match value:
            case Atom() if "${" in value.text:
                return Atom(holes.render(value.text, bindings).decode("latin-1"))
            case String() if b"${" in value.octets:
                return String(holes.render(value.octets.decode("latin-1"), bindings))
            case _:
                return value
    except KeyError:
        return None


def resolve(value: Value, bindings: Bindings) -> Value:
    """The value with all its holes filled that are bound, for a reader."""
    match value:
        case Hole():
            return bindings.get(value.name, value)
        case List():
            return List(tuple(resolve(item, bindings) for item in value.values), value.ordered)
        case _:
            return fill(value, bindings) or value


def resolve_all(template: Response, bindings: Bindings) -> Response:
    """The template with all its holes filled that are bound."""
    values = (resolve(value, bindings) for value in template.items)
    code = template.code and replace(
        template.code, items=tuple(resolve(value, bindings) for value in template.code.items)
    )
    number, text = template.number, template.text
    if isinstance(number, Hole) and isinstance(found := bindings.get(number.name), Number):
        number = found.value
    if isinstance(text, bytes):
        text = holes.octets(resolve(text_value(text), bindings))
    return replace(template, number=number, code=code, items=tuple(values), text=text)


def captures(response: Response) -> set[str]:
    """Names of the holes of a template that stand alone: they bind at first sight."""
    return {value.name for value in _walk(response) if isinstance(value, Hole) and value.name}


def references(response: Response) -> set[str]:
    """Names of the holes inside texts of a template: they must be bound before."""
    texts = [value.text for value in _walk(response) if isinstance(value, Atom)]
    texts += [value.octets.decode("latin-1") for value in _walk(response) if isinstance(value, String)]
    return {name for text in texts for name, _ in holes.names(text)}


def _walk(response: Response) -> Iterator[Value]:
    """All values of a template, the number in front and the text as strings included."""
    if isinstance(response.number, Hole):
        yield response.number
    if isinstance(response.text, bytes):
        yield text_value(response.text)
    yield from _walk_values(response.items)
    yield from _walk_values(response.code.items if response.code else ())


def _walk_values(values: Iterable[Value]) -> Iterator[Value]:
    for value in values:
        yield value
        if isinstance(value, List):
            yield from _walk_values(value.values)


def text_value(text: bytes) -> Value:
    """Human-readable text of a template as a value: `${name}` alone is a hole, anything else a string."""
    whole = holes.HOLE.fullmatch(text.decode("latin-1"))
    return Hole(whole["name"]) if whole and whole["name"] != holes.DOLLAR else String(text)
