"""Mailbox names as LIST, LSUB and STATUS return them (RFC 3501 sections 5.1 and 5.1.3)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome

if TYPE_CHECKING:
    from conformance.response import Response

_SHIFT = re.compile(rb"&([^-]*)(-?)")
_BASE64 = re.compile(rb"[A-Za-z0-9+,]*")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
#: Printable characters represent themselves, "&" apart: how that may be written is said, but not forbidden otherwise.
_THEMSELVES = frozenset(range(0x20, 0x7F)) - {ord("&")}

#: What a name can do wrong -> what is expected of it.
_EXPECTED = {
    "control-character": "control characters in modified BASE64",
    "not-ended": 'a "-" that ends each shift',
    "not-base64": "letters, digits, + and , between & and -",
    "not-utf-16": "whole UTF-16 characters in each shift, and zero bits behind them",
    "superfluous-shift": "no shift directly behind another",
    "printable-encoded": "printable US-ASCII characters as themselves",
}


def names_7_bit(response: Response) -> Outcome:
    """5.1: mailbox names are 7-bit; LIST and LSUB SHOULD NOT return others."""
    name = data.mailbox_name(response)
    if name is None:
        return None
    if name.isascii():
        return HOLDS
    return Broken(f"in-{response.name}", "a 7-bit mailbox name", "octets above 127")


def modified_utf_7(response: Response) -> Outcome:
    """5.1.3: a name with "&" is correct modified UTF-7. 8-bit names break another requirement."""
    name = data.mailbox_name(response)
    if name is None or b"&" not in name or not name.isascii():
        return None
    fault = _fault(name)
    return Broken(fault, _EXPECTED[fault], name.decode("ascii")) if fault else HOLDS


def _fault(name: bytes) -> str | None:
    """What is wrong with a 7-bit name, None if nothing is."""
    behind = -1  #: where a shift that encodes something has ended
    at = 0
    for shift in _SHIFT.finditer(name):
        if _CONTROL.search(name, at, shift.start()):
            return "control-character"
        at = shift.end()
        encoded = shift[1]
        if not shift[2]:
            return "not-ended"
        if not encoded:
            continue
        if not _BASE64.fullmatch(encoded):
            return "not-base64"
        if shift.start() == behind:
            return "superfluous-shift"
        behind = shift.end()
        if fault := _encoded_fault(encoded):
            return fault
    return "control-character" if _CONTROL.search(name, at) else None


def _encoded_fault(encoded: bytes) -> str | None:
    """RFC 2152, rule 2: 16-bit units of UTF-16; what is left behind them is zero."""
    digits = encoded.replace(b",", b"/")
    octets = base64.b64decode(digits + b"A" * (-len(digits) % 4))
    end = 6 * len(digits) // 16 * 2
    try:
        octets[:end].decode("utf-16-be")
    except UnicodeDecodeError:
        return "not-utf-16"
    if end == 0 or any(octets[end:]):
        return "not-utf-16"
    units = zip(octets[:end:2], octets[1:end:2], strict=True)
    return "printable-encoded" if any(not high and low in _THEMSELVES for high, low in units) else None
