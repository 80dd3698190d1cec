"""Message numbers, UIDs and sizes of the selected mailbox (RFC 3501 sections 2.3.1, 5.2, 5.5, 7.2 to 7.4).

While SELECT or EXAMINE is in progress, data may belong to the mailbox that is left or to the one that is opened; the checks then
are not concerned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.response import Atom, Number, Value, fetch_items

if TYPE_CHECKING:
    from conformance.model import Mailbox, View
    from conformance.response import Response

#: During these an EXPUNGE would change the numbers under the client's feet; their UID forms are different commands (section 5.5).
_NUMBERED = frozenset({"FETCH", "STORE", "SEARCH"})


def _settled(view: View) -> Mailbox | None:
    """The selected mailbox, if no other can be meant."""
    return None if view.may_be_opening else view.mailbox


def exists_never_shrinks(view: View, response: Response) -> Outcome:
    """5.2: EXISTS does not reduce the number of messages; only EXPUNGE does."""
    box = _settled(view)
    if response.name != "EXISTS" or box is None or box.exists is None or not isinstance(response.number, int):
        return None
    if response.number >= box.exists:
        return HOLDS
    return Broken("shrinks", f"at least {box.exists} EXISTS", f"{response.number} EXISTS")


def expunge_in_range(view: View, response: Response) -> Outcome:
    """7.4.1: EXPUNGE names a message that exists."""
    return _in_range(view, response, "EXPUNGE")


def fetch_in_range(view: View, response: Response) -> Outcome:
    """2.3.1.2, 7.4.2: FETCH names a message that exists; a new one is announced by EXISTS first."""
    return _in_range(view, response, "FETCH")


def _in_range(view: View, response: Response, name: str) -> Outcome:
    box = _settled(view)
    if response.name != name or box is None or box.exists is None or not isinstance(response.number, int):
        return None
    if 1 <= response.number <= box.exists:
        return HOLDS
    there = f"a message number from 1 to {box.exists}" if box.exists else "nothing: the mailbox is empty"
    return Broken("out-of-range", there, f"{response.number} {name}")


def no_expunge_without_command(view: View, response: Response) -> Outcome:
    """7.4.1: no EXPUNGE when no command is in progress."""
    if response.name != "EXPUNGE" or view.uncertain:
        return None
    return HOLDS if view.pending else Broken("idle", "no EXPUNGE while no command is in progress", "EXPUNGE")


def no_expunge_during_fetch(view: View, response: Response) -> Outcome:
    """7.4.1: no EXPUNGE while FETCH, STORE or SEARCH is in progress. With another command in the pipeline, that one may be meant."""
    if view.uncertain or not view.pending or response.kind != "untagged":
        return None
    names = {command.name for command in view.pending.values()}
    if not names <= _NUMBERED:
        return None
    if response.name != "EXPUNGE":
        return HOLDS
    busy = ", ".join(sorted(names))
    return Broken("during-" + busy, f"no EXPUNGE while {busy} is in progress", f"{response.number} EXPUNGE")


def _uid(response: Response) -> int | None:
    item: Value | None = fetch_items(response).get("UID") if response.name == "FETCH" else None
    return item.value if isinstance(item, Number) else None


def uid_constant(view: View, response: Response) -> Outcome:
    """2.3.1.1: the UID of a message does not change during the session."""
    box, uid = _settled(view), _uid(response)
    if box is None or uid is None or not isinstance(response.number, int):
        return None
    known = box.uids.get(response.number)
    if known is None:
        return None
    if known == uid:
        return HOLDS
    return Broken("changed", f"message {response.number} keeps UID {known}", f"UID {uid}")


def uid_ascending(view: View, response: Response) -> Outcome:
    """2.3.1.1: UIDs are strictly ascending in the order of message numbers."""
    box, uid = _settled(view), _uid(response)
    number = response.number
    if box is None or uid is None or not isinstance(number, int):
        return None
    below, above = box.uids.below(number), box.uids.above(number)
    lower, higher = box.uids.get(below), box.uids.get(above)
    if lower is None and higher is None:
        return None
    if lower is not None and uid <= lower:
        expected = f"a UID above {lower}, which message {below} has"
    elif higher is not None and uid >= higher:
        expected = f"a UID below {higher}, which message {above} has"
    else:
        return HOLDS
    return Broken("not-ascending", expected, f"message {number} has UID {uid}")


def uidvalidity_constant(view: View, response: Response) -> Outcome:
    """2.3.1.1: the UID validity value of the selected mailbox does not change during the session."""
    box = _settled(view)
    code = response.code
    if box is None or box.uidvalidity is None or code is None or code.name != "UIDVALIDITY":
        return None
    match code.items:
        case (Number(value),) if value == box.uidvalidity:
            return HOLDS
        case (Number(value),):
            return Broken("changed", f"UIDVALIDITY {box.uidvalidity}", f"UIDVALIDITY {value}")
    return None


def capability_imap4rev1(_view: View, response: Response) -> Outcome:
    """6.1.1, 7.2.1: the capability list of an IMAP4rev1 server contains IMAP4rev1."""
    if response.name == "CAPABILITY":
        items = response.items
    elif response.code is not None and response.code.name == "CAPABILITY":
        items = response.code.items
    else:
        return None
    if any(isinstance(item, Atom) and item.key == "IMAP4REV1" for item in items):
        return HOLDS
    return Broken("absent", "IMAP4rev1 among the capabilities", "a list without it")
