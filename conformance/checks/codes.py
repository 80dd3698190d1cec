"""Response codes where they say something true (RFC 3501 section 7.1).

Each code of the RFC describes a situation: a mailbox that is selected, a search or a copy that fails. Commands of extensions may give
a code a further meaning; while one is in progress, nothing is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.model import OPENING

if TYPE_CHECKING:
    from conformance.model import Command, Mailbox, View
    from conformance.response import Response


def of_a_mailbox(code: str, view: View, response: Response) -> Outcome:
    """The code describes the selected mailbox, or the one that is being opened."""
    if not _told(code, view, response):
        return None
    if view.mailbox is not None or view.may_be_opening:
        return HOLDS
    return Broken(
        "no-mailbox", f"{code} only where a mailbox is selected or being opened", f"[{code}] without one"
    )


def of_a_failure(code: str, commands: frozenset[str], view: View, response: Response) -> Outcome:
    """The code tells why one of these commands fails."""
    if not _told(code, view, response):
        return None
    if response.kind == "tagged":
        meant = [view.pending[response.tag]] if response.tag in view.pending else []
    else:
        meant = [*view.pending.values()]
    expected = f"{code} only where {' or '.join(sorted(commands))} fails"
    if response.kind == "tagged" and response.name == "OK":
        return Broken("success", expected, f"OK [{code}]")
    if any(command.name in commands for command in meant):
        return HOLDS
    return Broken("another-command", expected, f"[{code}] for {_named(meant)}")


def _told(code: str, view: View, response: Response) -> bool:
    """Whether the response has the code, and we know what it can be about."""
    known = not view.uncertain and all(command.rule is not None for command in view.pending.values())
    return known and response.code is not None and response.code.name == code


def _named(commands: list[Command]) -> str:
    return ", ".join(command.name for command in commands) or "no command"


def opened(view: View, response: Response) -> Mailbox | None:
    """What a SELECT or EXAMINE has told that is completed with this OK."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    return view.opening if command is not None and command.name in OPENING and response.name == "OK" else None


def unseen_within_exists(view: View, response: Response) -> Outcome:
    """7.1, UNSEEN: the number of the first unseen message, so that there is such a message (asked when a mailbox was opened)."""
    box = opened(view, response)
    if box is None or box.unseen is None or box.exists is None:
        return None
    if 1 <= box.unseen <= box.exists:
        return HOLDS
    return Broken(
        "no-such-message", f"UNSEEN from 1 to {box.exists}, the number of messages", f"UNSEEN {box.unseen}"
    )


def permanent_flags_known(view: View, response: Response) -> Outcome:
    r"""7.1, PERMANENTFLAGS: which of the known flags, those in FLAGS; \* apart (asked when a mailbox was opened)."""
    box = opened(view, response)
    if box is None or box.flags is None or box.permanent_flags is None:
        return None
    others = sorted(box.permanent_flags - box.flags - {"\\*"})
    if not others:
        return HOLDS
    return Broken("unknown-flag", "PERMANENTFLAGS with flags that are in FLAGS", others[0])
