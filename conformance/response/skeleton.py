"""What can still be understood of a response that the grammar refuses, so that the client's view stays in step.

Kind, tag, number, name and code are found by pattern; values are read by their form alone (a word is an `Atom` whatever stands
there by the grammar). Nothing here judges: the problem was found before.
"""

from __future__ import annotations

import re

from conformance.grammar import number
from conformance.response.values import Atom, Code, List, Nil, Number, Response, String, Value

_STATUS = ("OK", "NO", "BAD", "BYE", "PREAUTH")
_UNTAGGED = re.compile(rb"\*\s*+(?:([0-9]++)\s++)?([A-Za-z][A-Za-z0-9-]*+)?")
_TAGGED = re.compile(rb"([^\s*+(){%\"\\][^\s+(){%*\"\\]*+)\s++(OK|NO|BAD)(?![A-Za-z0-9])", re.IGNORECASE)
_CODE = re.compile(rb"\s*+\[\s*+([^\s\]]++)([^\]]*+)\]")
#: No alternative goes back over what it read: the work is linear whatever the server sends (a name's section is bounded).
_TOKEN = re.compile(
    rb"(?P<open>\()|(?P<close>\))|\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"?|~?\{(?P<literal>[0-9]++)\+?\}\r?\n"
    rb"|(?P<word>[A-Za-z0-9.]++\[[^\]]{0,1000}+\](?:<[0-9]++>)?|[^\s()\"]++)",
    re.DOTALL,
)


def skeleton(octets: bytes) -> Response:
    """A tolerant reading; never raises."""
    if octets[:1] == b"+":
        return Response("continuation", octets, text=octets[1:].strip() or None)
    if tagged := _TAGGED.match(octets):
        tag, name = tagged[1].decode("latin-1"), tagged[2].decode("ascii").upper()
        code, text = _status(octets[tagged.end() :])
        return Response("tagged", octets, name, tag, code=code, text=text)
    found = _UNTAGGED.match(octets)
    if found is None:
        return Response("untagged", octets)
    name = (found[2] or b"").decode("ascii").upper()
    rest = octets[found.end() :]
    if name in _STATUS:
        code, text = _status(rest)
        return Response("untagged", octets, name, code=code, text=text)
    count = number(found[1].decode("ascii")) if found[1] else None
    return Response("untagged", octets, name, number=count, items=_values(rest))


def _status(rest: bytes) -> tuple[Code | None, bytes | None]:
    """Code and text behind a status word."""
    code = None
    if found := _CODE.match(rest):
        code = Code(found[1].decode("latin-1").upper(), _values(found[2]))
        rest = rest[found.end() :]
    return code, rest.strip() or None


def _values(octets: bytes) -> tuple[Value, ...]:
    """Values by their form. A list that is not closed ends where the octets end; what is no value is passed over."""
    values: list[Value] = []
    outer: list[list[Value]] = []
    offset = 0
    while found := _TOKEN.search(octets, offset):
        offset = found.end()
        match found.lastgroup:
            case "open":
                outer.append(values)
                values = []
            case "close" if outer:
                outer[-1].append(List(tuple(values)))
                values = outer.pop()
            case "quoted":
                values.append(String(re.sub(rb"(?s)\\(.)", rb"\1", found["quoted"])))
            case "literal":
                offset = min(offset + number(found["literal"].decode("ascii")), len(octets))
                values.append(String(octets[found.end() : offset]))
            case "word":
                values.append(_word(found["word"].decode("latin-1")))
    while outer:
        outer[-1].append(List(tuple(values)))
        values = outer.pop()
    return tuple(values)


def _word(word: str) -> Value:
    if word.isdecimal() and word.isascii():
        return Number(number(word))
    return Nil() if word.upper() == "NIL" else Atom(word)
