"""Nothing is said twice in one list: flags, data items, capabilities (RFC 3501 sections 2.3.2, 7.2, 7.4.2).

No sentence of the RFC forbids it outright, so these requirements are no more than a SHOULD.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.response import Number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.response import Response

    Lists = list[tuple[str, Sequence[str | int]]]


def once(lists: Callable[[Response], Lists], response: Response) -> Outcome:
    """Each word of each list of the response is there once. `lists` gives them with the names of their places."""
    found = [(place, words) for place, words in lists(response) if words]
    for place, words in found:
        word, times = max(Counter(words).items(), key=lambda item: item[1])
        if times > 1:
            return Broken(f"repeated-in-{place}", f"each word once in {place}", f"{word} {times} times")
    return HOLDS if found else None


def flags(response: Response) -> Lists:
    """2.3.2: a message's flags are a set; a flag is set by being in the list."""
    return [*data.flag_lists(response)]


def capabilities(response: Response) -> Lists:
    """6.1.1, 7.2.1: the names of what the server supports."""
    return [("CAPABILITY", data.capabilities(response))]


def attributes(response: Response) -> Lists:
    """7.2.2, 7.2.3: the attributes of a name."""
    return [(response.name, data.words(response.items[0]))] if response.name in ("LIST", "LSUB") else []


def items(name: str, response: Response) -> Lists:
    """7.2.4, 7.4.2: the data items of a STATUS or FETCH response, each with one value."""
    return [(name, [item for item, _ in data.pairs(response)])] if response.name == name else []


def matches(response: Response) -> Lists:
    """7.2.5: the messages that match a search."""
    if response.name != "SEARCH":
        return []
    return [("SEARCH", [item.value for item in response.items if isinstance(item, Number)])]
