"""What a response is about, so that a check is asked only about what it looks at: most look at few responses, and most responses at few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.response import Atom, List

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.checks.base import Outcome
    from conformance.model import View
    from conformance.response import Response

# A topic is the kind of a response, its name, its code in brackets ("[]": any code), or FETCH with the name of a data item, up to "[".
TAGGED, UNTAGGED, CONTINUATION = "tagged", "untagged", "continuation"
ANY = (TAGGED, UNTAGGED, CONTINUATION)
ANY_CODE = "[]"
CAPABILITIES = ("CAPABILITY", "[CAPABILITY]")
FLAG_LISTS = ("FLAGS", "[PERMANENTFLAGS]", "FETCH FLAGS")
NAMED = ("LIST", "LSUB", "STATUS")
RFC822 = ("FETCH RFC822", "FETCH RFC822.HEADER", "FETCH RFC822.TEXT")
STRUCTURES = ("FETCH BODY", "FETCH BODYSTRUCTURE")
TEXTS = ("FETCH BODY[", *RFC822)
HEADERS = ("FETCH BODY[", "FETCH RFC822.HEADER", "FETCH ENVELOPE", *STRUCTURES)


@dataclass(frozen=True, slots=True)
class Check:
    """A check, and the topics of which a response must have one to concern it."""

    ask: Callable[[View, Response], Outcome]
    about: frozenset[str]


def check(ask: Callable[[View, Response], Outcome], *topics: str) -> Check:
    """A row of the table of checks."""
    return Check(ask, frozenset(topics))


def topics(response: Response) -> set[str]:
    """The topics of a response."""
    found = {response.kind, response.name}
    if response.code is not None:
        found |= {ANY_CODE, f"[{response.code.name}]"}
    last = response.items[-1] if response.name == "FETCH" and response.items else None
    if isinstance(last, List):
        for name in last.values[::2]:
            if isinstance(name, Atom):
                key = name.key
                found.add(f"FETCH {key[: key.find('[') + 1] or key}")
    return found
