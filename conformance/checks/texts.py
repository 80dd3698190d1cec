"""Message texts in one FETCH response: sizes, origins, texts in texts, 7-bit headers (RFC 3501 sections 2.3.4, 6.4.5, 7.4.2)."""

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
_PART = re.compile(r"(BODY\[.*\])<([0-9]+)>", re.DOTALL)
#: A header of fields and a blank line, as RFC 2822 has it: what is header and what is text is beyond doubt then.
_FIELDS = re.compile(rb"(?:[!-9;-~]+[ \t]*:[^\r\n\0]*\r\n(?:[ \t]+[^ \t\r\n\0][^\r\n\0]*\r\n)*)+\r\n")
_SAME = {"RFC822": "BODY[]", "RFC822.HEADER": "BODY[HEADER]", "RFC822.TEXT": "BODY[TEXT]"}
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


def header_and_text(response: Response) -> Outcome:
    """6.4.5: HEADER and TEXT are the whole message (where one response tells the three, and the header has its form)."""
    texts = data.texts(response)
    header, text = (texts.get(f"BODY[{name}]", texts.get(f"RFC822.{name}")) for name in ("HEADER", "TEXT"))
    whole = texts.get("BODY[]", texts.get("RFC822"))
    found = None if whole is None else _FIELDS.match(whole)
    if whole is None or header is None or text is None or found is None:
        return None
    if header + text == whole:
        return HOLDS
    wrong = (
        ("HEADER", found.end(), header) if header != found[0] else ("TEXT", len(whole) - found.end(), text)
    )
    return Broken("differs", f"{wrong[0]} of {wrong[1]} octets", f"{len(wrong[2])} octets, or others")


def rfc822_equals_body(response: Response) -> Outcome:
    """6.4.5: RFC822 and its like are BODY[] and its like under other names (where one response tells both)."""
    texts = data.texts(response)
    asked = [(old, new) for old, new in _SAME.items() if old in texts and new in texts]
    for old, new in asked:
        if texts[old] != texts[new]:
            return Broken("differs", f"{old} like {new}", "other octets")
    return HOLDS if asked else None


def partial_is_substring(response: Response) -> Outcome:
    """6.4.5: what stands at an origin stands there in the whole text, too (where one response tells both)."""
    texts = data.texts(response)
    asked = False
    for name, window in texts.items():
        part = _PART.fullmatch(name)
        if part is None or part[1] not in texts:
            continue
        asked = True
        origin = min(number(part[2]), len(texts[part[1]]))
        if not texts[part[1]].startswith(window, origin):
            return Broken("differs", f"what {part[1]} has from octet {part[2]} on", "other octets")
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
