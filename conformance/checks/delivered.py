"""What was asked for has come when the command is OK (RFC 3501 sections 6.4.5 and 6.4.8).

Asked where one FETCH alone was in progress, so that it is beyond doubt which message each number means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.base import HOLDS, Broken, Outcome

if TYPE_CHECKING:
    from conformance.asked import Fetch
    from conformance.model import View
    from conformance.response import Response


def _fetched(name: str, view: View, response: Response) -> Fetch | None:
    """What a command of this name asked for that is completed with this OK."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    if command is None or command.name != name or response.name != "OK":
        return None
    return None if view.uncertain else command.fetch


def all_items(view: View, response: Response) -> Outcome:
    """6.4.5: every data item of every message of the set. (Parts of messages are left out: there may be no such part.)

    Another connection may have expunged a message of which nothing is told.
    """
    fetch = _fetched("FETCH", view, response)
    if fetch is None or not fetch.items:
        return None
    found = _half(fetch)
    if found is None and view.memory.connections == 1:
        found = fetch.missing()
    return _judged(fetch, found)


def uid_included(view: View, response: Response) -> Outcome:
    """6.4.8: the answers to a UID FETCH bear the UID, and all else that was asked for."""
    fetch = _fetched("UID FETCH", view, response)
    return _judged(fetch, _half(fetch)) if fetch is not None else None


def _half(fetch: Fetch) -> int | None:
    """A message of which not everything is told. Flags alone may be news of another message."""
    return next((number for number, had in fetch.partly.items() if had - {"FLAGS", "UID"}), None)


def _judged(fetch: Fetch, number: int | None) -> Outcome:
    if number is None:
        return HOLDS if fetch.complete else None
    lacking = ", ".join(sorted(fetch.items - fetch.partly.get(number, frozenset())))
    return Broken("missing", f"{lacking} of message {number} before the OK", "an OK without it")
