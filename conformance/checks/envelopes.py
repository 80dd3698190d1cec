"""Envelopes: what holds for their addresses, whatever the header was like (RFC 3501 section 7.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.response import List, Nil

if TYPE_CHECKING:
    from conformance.response import Response, Value

_ADDRESSES = slice(2, 8)  #: from, sender, reply-to, to, cc, bcc


def group_has_an_end(response: Response) -> Outcome:
    """A group begins with a mailbox without host, ends with neither, and has no other group in it."""
    told = [v for n, v in data.pairs(response) if n == "ENVELOPE" and isinstance(v, List)]
    for envelope in told:
        for field in envelope.values[_ADDRESSES]:
            wrong = _wrong(field)
            if wrong:
                return Broken(
                    wrong, "a mailbox without host, addresses, then one without both", wrong.replace("-", " ")
                )
    return HOLDS if told else None


def _wrong(field: Value) -> str:
    """What is wrong about the groups of one address field; "" if nothing is."""
    within = False
    for address in field.values if isinstance(field, List) else ():
        if not isinstance(address, List) or not isinstance(address.values[3], Nil):
            continue
        begins = not isinstance(address.values[2], Nil)
        if begins == within:
            return "begin-in-a-group" if begins else "end-without-a-group"
        within = begins
    return "group-without-end" if within else ""
