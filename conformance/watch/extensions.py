"""What a watched connection may hold that RFC 3501 does not define.

A client may use any extension of its server. Data that the grammar has no rule for are told apart from data that are wrong, and
commands that mean something else than their name in RFC 3501 get another name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.response import Atom, List, fetch_items

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.response import Response

_DATA = frozenset(
    {
        *("OK", "NO", "BAD", "BYE", "PREAUTH", "CAPABILITY", "LIST", "LSUB", "STATUS", "SEARCH", "FLAGS"),
        *("EXISTS", "RECENT", "EXPUNGE", "FETCH"),
    }
)
_ITEMS = {
    "STATUS": re.compile(r"MESSAGES|RECENT|UIDNEXT|UIDVALIDITY|UNSEEN"),
    "FETCH": re.compile(
        r"FLAGS|ENVELOPE|INTERNALDATE|RFC822(\.(HEADER|TEXT|SIZE))?|BODY(STRUCTURE|\[.*)?|UID", re.DOTALL
    ),
}
#: Values behind the name of LIST and LSUB: attributes, delimiter, mailbox (RFC 5258 adds one).
_LIST_VALUES = 3
_8_BIT = re.compile(rb"[\x80-\xff]")
_WORD = re.compile(r"[A-Z][A-Z0-9-]*")

#: Commands that lead where one of RFC 3501 does (RFC 3691).
_LIKE = {"UNSELECT": "CLOSE"}
#: SEARCH RETURN (RFC 4731) is answered by ESEARCH.
_RETURN = re.compile(rb"(?i)(?:uid )?search return\b")


def meaning(name: str, rest: bytes) -> str:
    """The name by which the model knows a command; `rest` is its first line behind the tag. "" for what it does not know."""
    if _RETURN.match(rest):
        return ""
    return _LIKE.get(name, name)


def beyond(response: Response, enabled: Collection[str]) -> str:
    """What of a response that the grammar refuses belongs to an extension; "" if nothing does, and the refusal stands.

    `enabled`: capabilities that the client has switched on (RFC 5161), upper case.
    """
    name = response.name or ""
    if response.problem is None or response.kind != "untagged":
        return ""
    if name not in _DATA:
        return name if _WORD.fullmatch(name) else ""
    if "UTF8=ACCEPT" in enabled and _8_BIT.search(response.raw):
        return "UTF8=ACCEPT"
    if name in _ITEMS:
        known = _ITEMS[name]
        return next((f"{name} {item}" for item in fetch_items(response) if not known.fullmatch(item)), "")
    if name in ("LIST", "LSUB") and len(response.items) > _LIST_VALUES:
        return f"{name} with extended data"
    if name == "SEARCH" and isinstance(response.items[-1:], tuple) and response.items:
        last = response.items[-1]
        if isinstance(last, List) and last.values and isinstance(last.values[0], Atom):
            return f"SEARCH {last.values[0].key}"
    return ""
