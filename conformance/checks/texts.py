"""Message texts in one FETCH response: sizes, origins, 7-bit headers (RFC 3501 sections 2.3.4, 6.4.5, 7.4.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.grammar import number
from conformance.response import Number, String

if TYPE_CHECKING:
    from conformance.model import View
    from conformance.response import Response

_WHOLE = re.compile(r"BODY\[\](?:<([0-9]+)>)?|RFC822")
_ORIGIN = re.compile(r"BODY\[.*\]<[0-9]+>", re.DOTALL)
_HEADER = re.compile(
    r"RFC822\.HEADER|BODY\[(?:[0-9.]+\.)?(?:HEADER|MIME)\b.*|ENVELOPE|BODY|BODYSTRUCTURE", re.DOTALL
)
_FETCHING = frozenset({"FETCH", "UID FETCH"})


def size_in_octets(response: Response) -> Outcome:
    """2.3.4, 6.4.5: RFC822.SIZE is the length of BODY[], and from an origin on no more is left (where one response tells both)."""
    told = data.pairs(response)
    sizes = [value.value for name, value in told if name == "RFC822.SIZE" and isinstance(value, Number)]
    asked = False
    for name, value in told if sizes else []:
        whole = _WHOLE.fullmatch(name)
        if whole is None or not isinstance(value, String):
            continue
        asked = True
        length = len(value.octets)
        if whole[1] is None and length != sizes[0]:
            return Broken(
                "differs", f"RFC822.SIZE {length}, the length of the text of the message", f"{sizes[0]}"
            )
        left = max(0, sizes[0] - number(whole[1])) if whole[1] else length
        if length > left:
            return Broken(
                "partial", f"at most {left} octets of {sizes[0]} from octet {whole[1]} on", f"{length} octets"
            )
    return HOLDS if asked else None


def origin_when_asked(view: View, response: Response) -> Outcome:
    """7.4.2: an origin octet stands only in the answer to a FETCH that asks for part of a text."""
    if view.uncertain or not any(_ORIGIN.fullmatch(name) for name, _ in data.pairs(response)):
        return None
    if any(command.name in _FETCHING for command in view.pending.values()):
        return HOLDS
    if any(
        command.rule is None for command in view.pending.values()
    ):  # a command of an extension may have asked for it
        return None
    return Broken("not-asked", "no origin octet: no FETCH is in progress", "part of a text with its origin")


def headers_7_bit(response: Response) -> Outcome:
    """7.4.2: what is made of headers is 7-bit."""
    told = [(name, value) for name, value in data.pairs(response) if _HEADER.fullmatch(name)]
    for name, value in told:
        strings = (string.octets for string in data.flat((value,)) if isinstance(string, String))
        if not all(map(bytes.isascii, strings)):
            place = name if name.isalpha() else "header"
            return Broken(f"in-{place}", "7-bit characters in what is made of headers", "octets above 127")
    return HOLDS if told else None
