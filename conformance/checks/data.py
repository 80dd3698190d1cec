"""What a well-formed response tells, laid out for the checks of its values. Must not know: requirements, the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.response import Atom, List, String

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.response import Response, Value

_PAIRED = frozenset({"FETCH", "STATUS"})
_NAMED = {"LIST": -1, "LSUB": -1, "STATUS": 0}


def pairs(response: Response) -> list[tuple[str, Value]]:
    """Names (upper case) and values of a FETCH or STATUS response in their order, repeated ones too."""
    last = response.items[-1] if response.name in _PAIRED and response.items else None
    if not isinstance(last, List):
        return []
    names, values = last.values[::2], last.values[1::2]
    return [(n.key, value) for n, value in zip(names, values, strict=False) if isinstance(n, Atom)]


def texts(response: Response) -> dict[str, bytes]:
    """The strings that a FETCH tells, by their data items."""
    return {name: value.octets for name, value in pairs(response) if isinstance(value, String)}


def mailbox_name(response: Response) -> bytes | None:
    """The name in a LIST, LSUB or STATUS response."""
    place = _NAMED.get(response.name)
    name = response.items[place] if place is not None and response.items else None
    return name.octets if isinstance(name, String) else None


def flat(values: Iterable[Value]) -> Iterator[Value]:
    """The values in their order, those of lists in place of the lists. A loop: the server decides how deep its lists are."""
    waiting = [iter(values)]
    while waiting:
        value = next(waiting[-1], None)
        if value is None:
            waiting.pop()
        elif isinstance(value, List):
            waiting.append(iter(value.values))
        else:
            yield value


def words(value: Value | None) -> list[str]:
    """The atoms of a list in upper case, in their order; none for anything else."""
    return [item.key for item in value.values if isinstance(item, Atom)] if isinstance(value, List) else []


def flag_lists(response: Response) -> list[tuple[str, list[str]]]:
    """The flags (upper case) that FLAGS, PERMANENTFLAGS and FETCH tell, each list with the name of its place."""
    found = [("FETCH", words(value)) for name, value in pairs(response) if name == "FLAGS"]
    if response.name == "FLAGS" and response.items:
        found.append(("FLAGS", words(response.items[0])))
    if response.code is not None and response.code.name == "PERMANENTFLAGS" and response.code.items:
        found.append(("PERMANENTFLAGS", words(response.code.items[0])))
    return found


def capabilities(response: Response) -> list[str]:
    """The capabilities (upper case) that the response or its code lists, in their order."""
    items: tuple[Value, ...] = ()
    if response.name == "CAPABILITY":
        items = response.items
    elif response.code is not None and response.code.name == "CAPABILITY":
        items = response.code.items
    return [item.key for item in items if isinstance(item, Atom)]
