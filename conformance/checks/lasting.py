"""What stays the same for ever, also in other sessions: data of messages, and the order of UIDNEXT (RFC 3501 section 2.3.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import asked
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.checks.codes import opened
from conformance.memory import essence, static
from conformance.response import Number, fetch_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import View
    from conformance.response import Response


def data(concerned: Callable[[str], bool], view: View, response: Response) -> Outcome:
    """Data items of a message (`concerned` says which) are what they were, in this session and in others before it."""
    told = [(item, value) for item, value in static(response) if concerned(item)]
    message = view.message(response) if told and response.problem is None else None
    if message is None:
        return None
    held = False
    for item, value in told:
        known, now = view.memory.told(message, item), essence(item, value)
        if known is None or now is None:
            continue
        held = True
        if known != now:
            place = item.partition("[")[0] + ("[]" if "[" in item else "")
            return Broken(
                f"changed-{place}", f"{item} of UID {message.uid} as it was told before", "something else"
            )
    return HOLDS if held else None


def is_text(item: str) -> bool:
    """Whether a data item is a text of the message."""
    return item.startswith("BODY[") or item in ("RFC822", "RFC822.HEADER", "RFC822.TEXT")


def next_uid_never_falls(view: View, response: Response) -> Outcome:
    """UIDNEXT grows with new messages and does not change otherwise.

    Asked of a command that was sent when the earlier value had arrived: what two connections are told at the same time has no order.
    """
    command = next(iter(view.pending.values())) if len(view.pending) == 1 else None
    if command is None or view.uncertain:
        return None
    box = opened(view, response)
    if box is not None:
        mailbox, validity, value = box.name, box.uidvalidity, box.uidnext
    elif command.name == "STATUS" and response.problem is None and (told := view.next_uid(response)):
        mailbox, validity, value = told
        if mailbox != asked.mailbox(command.octets):
            return None
    else:
        return None
    before = view.memory.next_uid(mailbox, validity) if mailbox is not None and validity else None
    if before is None or not value or before.moment > command.moment:
        return None
    if value >= before.value:
        return HOLDS
    return Broken("falls", f"UIDNEXT {before.value}, as it was told before, or greater", f"UIDNEXT {value}")


def next_uid_above(view: View, response: Response) -> Outcome:
    """UIDNEXT is greater than the UIDs of the messages that were there when it was told (asked of SELECT and EXAMINE)."""
    box, number = view.mailbox, response.number
    uid = fetch_items(response).get("UID")
    if box is None or box.bound is None or view.may_be_opening or view.uncertain:
        return None
    if not isinstance(uid, Number) or not isinstance(number, int) or number > box.first:
        return None
    if box.uids.get(number) not in (None, uid.value):  # another requirement is broken
        return None
    if uid.value < box.bound:
        return HOLDS
    return Broken("not-above", f"a UID below {box.bound}, which UIDNEXT was", f"UID {uid.value}")
