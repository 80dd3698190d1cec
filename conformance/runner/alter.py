"""One response altered: what a wrong server might have said instead. Octets in, octets out.

The alterations are simple and many; whether the result is still well formed does not count, because a line of a scenario is judged
by what can be read of a response. Knows: how values look. Must not know: scenarios, which line is to be turned.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.response import Atom, Hole, List, Nil, Number, Rest, String

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.response import Response, Value

#: Values as they stand in a response. An item's name with its section is one word.
_VALUE = re.compile(
    rb"(?P<list>\((?=\)))|(?P<open>\()|\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"|\{(?P<literal>[0-9]++)\}\r\n"
    rb"|(?P<number>[0-9]++)(?![^\s()\]])|(?P<word>[A-Za-z0-9.]++\[[^\]]*+\](?:<[0-9]++>)?|[^\s()\[\]\"]++)",
    re.DOTALL,
)
#: What ends a list, strings passed over.
_PARENTHESIS = re.compile(rb"\"(?:[^\"\\]|\\.)*+\"|\{(?P<literal>[0-9]++)\}\r\n|[()]", re.DOTALL)
_COMPLETION = re.compile(rb"([^ ]+) (OK|NO|BAD)\b", re.IGNORECASE)
_STATUS = ("OK", "NO", "BAD", "BYE", "PREAUTH")
#: What a response is about is no value of it.
_FRAME = re.compile(rb"\*(?: [A-Za-z]++|(?= [0-9]++ [A-Za-z]++))|[^ ]++ [A-Za-z]++")
_NAME = re.compile(rb"[0-9]++ [A-Za-z]++")
_CODE = re.compile(rb" \[[^\]]*\]")
_DATE = re.compile(rb"[ 0-9][0-9]-[A-Za-z]{3}-[0-9]{4} ")
_DATES = (b"01-Jan-1970 00:00:00 +0000", b"31-Dec-2099 00:00:00 +0000")
_FAR = 4_294_967_295
#: So many values of one response are altered; those of a longer one are told apart by nothing.
_MOST = 60


def completions(octets: bytes) -> Iterator[bytes]:
    """A completion with another status, then without its code and with another."""
    found = _COMPLETION.match(octets)
    if found is None:
        return
    tag, status = found.groups()
    rest = octets[found.end() :]
    for other in (b"NO", b"BAD", b"OK"):
        if other != status.upper():
            yield tag + b" " + other + rest
    for other in (b"OK", b"NO", b"BAD"):
        yield tag + b" " + other + _CODE.sub(b"", rest, count=1)
        yield tag + b" " + other + b" [ALERT]" + _CODE.sub(b"", rest, count=1)


def refusals(tag: bytes) -> Iterator[bytes]:
    """Completions in place of a continuation request."""
    for status in (b"NO", b"BAD", b"OK"):
        yield tag + b" " + status + b" altered\r\n"


def values(octets: bytes, others: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Each value of a response changed, left out, and doubled in turn; with `others`, these put in its place and beside it."""
    others = [*others]
    places = list[re.Match[bytes]]()
    frame = _FRAME.match(octets)
    at = frame.end() if frame else 0
    while found := _VALUE.search(octets, at):
        at = _end(found)
        places.append(found)
    if _NAME.match(octets, 2):
        del places[1:2]
    for found in places[:_MOST]:
        begin, end = found.start(), _end(found)
        before, value, after = octets[:begin], octets[begin:end], octets[end:]
        if found["list"] or found["open"]:
            for more in (b"\\Altered", *others):
                yield before + b"(" + more + (b" " if found["open"] else b"") + after
            whole = _closed(octets, begin)
            yield from (before + other + octets[whole:] for other in (b"()", b"NIL", *others))
            continue
        for changed in (*_changed(found, value), *others):
            yield before + changed + after
        yield before + after[1:] if after.startswith(b" ") else before.removesuffix(b" ") + after
        for more in (value, *others):
            yield before + value + b" " + more + after
        yield before + value + b" " + value + b"X " + value + b"Y" + after


def _closed(octets: bytes, begin: int) -> int:
    """Where a list ends that begins there."""
    depth, at = 0, begin
    while found := _PARENTHESIS.search(octets, at):
        at = _end(found)
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            break
    return at


def _end(found: re.Match[bytes]) -> int:
    return found.end() + int(found["literal"] or 0)


def _changed(found: re.Match[bytes], value: bytes) -> Iterator[bytes]:
    """Other values of the same kind, and another kind."""
    if found["number"]:
        number = int(value)
        yield from (b"%d" % other for other in (number + 1, max(number - 1, 0), 0, _FAR) if other != number)
    elif found["literal"]:
        text = value[-int(found["literal"]) :] if int(found["literal"]) else b""
        yield from (
            b"{%d}\r\n%s" % (len(other), other) for other in (text + b"X", text[:-1], text.swapcase())
        )
        yield b"NIL"
    elif found["quoted"] is not None:
        if _DATE.match(found["quoted"]):
            yield from (b'"%s"' % date for date in _DATES)
        yield value[:-1] + b'X"'
        yield b'""'
        yield value.swapcase()
        yield b"NIL"
    else:
        yield value + b"X"
        yield b"NIL" if value.upper() != b"NIL" else b'"x"'


def written(response: Response) -> Iterator[bytes]:
    """A template as a response that fits it: what it leaves open gets a value, in the ways that might be well formed."""
    for hole in (b"1", b"NIL", b"()", b'"x"'):
        for lists in (b"()", hole):
            for rest in (b"", b"(FLAGS ())", b'() NIL "x"', b"1", b'"x" (MESSAGES 1)', b"altered"):
                yield _written(response, hole, lists, rest)


def _written(response: Response, hole: bytes, first: bytes, rest: bytes) -> bytes:
    words = [
        {"untagged": b"*", "continuation": b"+"}.get(response.kind) or (response.tag or "").encode("latin-1")
    ]
    if response.number is not None:
        words.append(b"%d" % response.number if isinstance(response.number, int) else b"1")
    if response.name:
        words.append(response.name.encode("latin-1"))
    if response.code:
        inner = [response.code.name.encode("latin-1")]
        inner += (_value(item, hole, rest) for item in response.code.items)
        words.append(b"[" + b" ".join(filter(None, inner)) + b"]")
    items = [*response.items]
    if items and items[0] == Hole("") and len(items) > 1:
        words.append(first)
        del items[0]
    words += (_value(item, hole, rest) for item in items)
    if isinstance(response.text, bytes):
        words.append(response.text)
    elif response.text or response.name in _STATUS or response.kind == "continuation":
        words.append(b"altered")
    return b" ".join(filter(None, words)) + b"\r\n"


def _value(value: Value, hole: bytes, rest: bytes) -> bytes:
    match value:
        case Hole():
            return hole
        case Rest():
            return rest
        case List():
            return b"(" + b" ".join(filter(None, (_value(item, hole, rest) for item in value.values))) + b")"
        case String():
            return string(value.octets)
        case Number():
            return b"%d" % value.value
        case Nil():
            return b"NIL"
        case Atom():
            return value.text.encode("latin-1")


def string(octets: bytes) -> bytes:
    """A string, quoted where that is possible."""
    if re.search(rb"[\x00\r\n\x80-\xff]", octets):
        return b"{%d}\r\n%s" % (len(octets), octets)
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def value(one: Value) -> bytes:
    """A value as it stands in a response."""
    return _value(one, b"NIL", b"")
