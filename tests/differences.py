"""Where imap-codec and the grammar differ, and why: one entry for each difference, and a check that a unit has no other.

An entry takes its feature out of a unit and leaves all else as it is. The difference is explained when both then accept what is
left: had the unit another one, or another mistake, one of the two would still refuse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lark import Token, Tree

from conformance.grammar import Refused, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.grammar import Kind

    Verdict = Callable[[str, bytes], bool]
    Edit = bytes | Callable[[re.Match[bytes]], bytes]


@dataclass(frozen=True)
class Difference:
    """A feature of units that the grammar accepts (`ours`) and imap-codec refuses, or the other way round.

    `pattern` finds it, `edit` is what stands there without it. `right` says who is right by RFC 3501: "ours", "codec", or "open".
    """

    name: str
    ours: bool
    example: bytes
    pattern: bytes
    edit: Edit
    right: str
    why: str
    section: str

    def without(self, unit: bytes) -> Iterator[bytes]:
        """The unit without the feature: all of it, then each place for itself."""
        pattern = re.compile(self.pattern, re.IGNORECASE | re.DOTALL)
        changed = pattern.sub(self.edit, unit)
        if changed != unit:
            yield changed
            places = list(pattern.finditer(unit))
            for found in places if len(places) > 1 else ():
                new = found.expand(self.edit) if isinstance(self.edit, bytes) else self.edit(found)
                yield unit[: found.start()] + new + unit[found.end() :]


CRLF = b"\r\n"

_ALL = rb"\A.+\Z"
_STATUS = rb"\A((?:\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)) )"
_MONTHS = rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_BEFORE, _BEHIND = rb"(?<![^ (\[.,:<*])", rb"(?![^ )\].,:>*\r])"


def _plain(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"[^\x01-\x7f]", b"x", found[0])


def _in_range(found: re.Match[bytes]) -> bytes:
    return min(found[0], b"4294967295", key=int)


def _possible(found: re.Match[bytes]) -> bytes:
    """A date that exists stays."""
    text = found[0].decode("ascii").strip('"').strip()
    form = "%d-%b-%Y %H:%M:%S %z" if ":" in text else "%d-%b-%Y"
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - whether there is such a date
    except ValueError:
        return b'"01-Jan-2000 00:00:00 +0000"' if ":" in text else b"1-Jan-2000"
    return found[0]


def _first_attribute(found: re.Match[bytes]) -> bytes:
    """Of the selectability flags only the first keeps its name."""
    before, *flags = re.split(rb"(?i)\\(?=(?:Noselect|Marked|Unmarked)[ )])", found[0])
    return before + b"\\" + rb"\x".join(flags) if flags else before


_CHARSET = re.compile(rb'("(?:[^"\\]|\\.)*")|\{(\d+)\+?\}\r\n|([^ (){"\r]+)')


def _charsets(found: re.Match[bytes]) -> bytes:
    """Charsets that are neither atoms nor quoted, as atoms: one for SEARCH, as many as there are in a code."""
    before, rest = found[1], found[2]
    while word := _CHARSET.match(rest):
        before += word[1] or (b"x" if word[2] else word[3].replace(b"]", b"x"))
        rest = rest[word.end() + int(word[2] or 0) :]
        if not rest.startswith(b" ") or b"[" not in found[1]:
            break
        before, rest = before + b" ", rest[1:]
    return before + rest


def _one_item(found: re.Match[bytes]) -> bytes:
    return found[1] + (b" (UNSEEN)" if found[2] else b" (UID)")


_EXTENSIONS = (
    (rb"\A\* ENABLED(?= )", b"* CAPABILITY"),
    (rb"(?<=[( ])BINARY(\[[0-9.]*\](?:<\d+>)? (?:NIL|\"|~?\{))", rb"BODY\1"),
    (rb"(?<=[( ])BINARY\.SIZE\[[0-9.]*\](?= \d)", b"UID"),
    (rb"(?<=[( ])BINARY(?:\.PEEK|\.SIZE)?\[[0-9.]*\](?:<\d+\.\d+>)?", b"UID"),
    (rb"(\A[^ ]+ )(?:ENABLE(?: [^ \r]+)+|IDLE|UNSELECT|UID EXPUNGE [0-9*:,]+)(?=\r?\n\Z)", rb"\1NOOP"),
    (rb"(\A[^ ]+ (?:UID )?)MOVE ", rb"\1COPY "),
    (rb"(\A[^ ]+ STATUS .*[( ])DELETED(?:-STORAGE)?(?=[ )])", rb"\1UNSEEN"),
)


def _without_extension(found: re.Match[bytes]) -> bytes:
    unit = found[0]
    for pattern, new in _EXTENSIONS:
        unit = re.sub(pattern, new, unit, flags=re.IGNORECASE | re.DOTALL)
    return unit


#: What imap-codec can read within each other, and what is read without recursion.
_LEVELS = 6
_SIMPLE = {"body": b'("A" "B" NIL NIL NIL "7BIT" 1)', "body_extension": b"1", "search_key": b"ALL"}


def _shallow(found: re.Match[bytes]) -> bytes:
    """What is nested too deep, as something simple."""
    unit = found[0]
    kind: Kind = "response" if unit.startswith(b"*") else "command"
    try:
        tree = load().parse(kind, unit)
    except Refused:
        return unit
    deep: list[tuple[int, int, bytes]] = []
    waiting = [(tree, 0)]
    while waiting:
        node, level = waiting.pop()
        level += node.data in _SIMPLE
        if level > _LEVELS:
            tokens = list(node.scan_values(lambda value: isinstance(value, Token)))
            deep.append((tokens[0].start_pos, tokens[-1].end_pos, _SIMPLE[node.data]))
        else:
            waiting += [(child, level) for child in node.children if isinstance(child, Tree)]
    for start, end, simple in sorted(deep, reverse=True):
        unit = unit[:start] + simple + unit[end:]
    return unit


DIFFERENCES = (
    Difference("line feed", False, b"* OK done\n", rb"\n\Z|(?<=\})\n", b"\r\n", "ours", "a line ends in CRLF", "2.2"),
    Difference("bracket", False, b"* OK [UNSEEN 8]\r\n", _STATUS + rb"\[", rb"\1(", "ours", 'text that begins with "[" is a code, and has a code\'s form', "7.1, 9"),
    Difference("octets in a code", False, b"* OK [X-FOO caf\xe9] text\r\n", _STATUS + rb"[\[(][^\]\r\n]*", _plain, "ours", "a code is made of 7-bit characters other than NUL", "9"),
    Difference("leading zero", False, b"* 01 EXPUNGE\r\n", _BEFORE + rb"0+(?=[1-9])", b"", "ours", "what has to be above 0 begins with a digit above 0", "9, digit-nz"),
    Difference("recent", False, rb"* FLAGS (\Recent)" + CRLF, rb"\\Recent(?=[ )\r])", rb"\\Xecent", "ours", r"\Recent is a flag of FETCH alone", "2.3.2, 9"),
    Difference("selectability", False, rb'* LIST (\Noselect \Marked) "/" x' + CRLF, rb"\A\* (?:LIST|LSUB) \([^)]*\)", _first_attribute, "ours", "one selectability flag", "7.2.2, 9"),
    Difference("text", False, b'* 2 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 48))\r\n', rb'"TEXT" ', b'"XEXT" ', "ours", "TEXT has lines", "7.4.2, 9"),
    Difference("message", False, b'* 2 FETCH (BODY ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 48))\r\n', rb'"MESSAGE" "RFC822"', b'"MESSAGE" "XFC822"', "ours", "MESSAGE/RFC822 has envelope, body and lines", "7.4.2, 9"),
    Difference("no parameters", False, b'* 2 FETCH (BODY ("A" "B" () NIL NIL "7BIT" 48))\r\n', rb"\(\)", b"NIL", "ours", "parameters are NIL or in pairs", "9, body-fld-param"),
    Difference("literal+", False, b"* 2 FETCH (BODY[] {3+}\r\nabc)\r\n", rb"(\{\d+)\+\}\r\n", rb"\1}\r\n", "ours", "a server's literal has no +", "9; RFC 7888"),
    Difference("initial response", False, b"a AUTHENTICATE PLAIN AGEAYg==\r\n", rb"(\A[^ ]+ AUTHENTICATE [^ \r]+) (?:=|[A-Za-z0-9+/]*=*)(?=\r\n\Z)", rb"\1", "ours", "SASL-IR is an extension", "6.2.2; RFC 4959"),
    Difference("trailing space", False, b"* STATUS box () \r\n", rb"(\A\* STATUS .*) (?=\r?\n\Z)", rb"\1", "ours", "a line ends in CRLF, not in a space", "9"),
    Difference("negative", False, b'* 1 FETCH (BODY ("A" "B" NIL NIL NIL "7BIT" -1))\r\n', rb"(?<= )-(?=\d+[ )])", b"", "ours", "numbers are not negative", "9, number"),
    Difference("no items", False, b"a FETCH 1 ()\r\n", rb"(\A[^ ]+ (?:(STATUS) .*|(?:UID )?FETCH [^ ]+)) \(\)(?=\r\n\Z)", _one_item, "ours", "STATUS and FETCH ask for at least one item", "6.3.10, 6.4.5, 9"),
    Difference("literal8", False, b"a APPEND box ~{1}\r\nx\r\n", rb"~(\{\d+\+?\}\r\n)", rb"\1", "ours", "the form of literals that may hold NUL is an extension", "9; RFC 3516"),
    Difference("extension", False, b"a UID MOVE 1 x\r\n", _ALL, _without_extension, "ours", "imap-codec has ENABLE, IDLE, UNSELECT, MOVE, UIDPLUS, BINARY and more of STATUS", "9; RFC 2177, 3516, 3691, 4315, 5161, 6851, 9208"),
    Difference("bad charset", True, b"* NO [BADCHARSET ({6}\r\nKOI8-R)] no\r\n", _STATUS[:-1] + rb"\[BADCHARSET \()(.*)", _charsets, "open", "the RFC has astring; erratum 261, as others cite it, has atom or quoted", "9"),
    Difference("charset", True, b"a SEARCH CHARSET {8}\r\nUS-ASCII ALL\r\n", rb"(SEARCH CHARSET )(.*)", _charsets, "open", "the RFC has astring; erratum 261, as others cite it, has atom or quoted", "9"),
    Difference("depth", True, b"a SEARCH " + b"(" * 12 + b"1" + b")" * 12 + CRLF, _ALL, _shallow, "open", "imap-codec bounds how deep it reads; the RFC has no bound", "9"),
    Difference("origin", True, b"* 1 FETCH (BINARY[1]<0> NIL)\r\n", rb"(BINARY\[[0-9.]*\])<\d+>(?= )", rb"\1", "ours", "the origin of a partial BINARY stands in the text, not in the ABNF", "RFC 3516, 4.3"),
    Difference("range", True, b"* SEARCH 4294967296\r\n", _BEFORE + rb"\d{10,}" + _BEHIND, _in_range, "codec", "32 bits are checked elsewhere, not by the grammar", "9, number"),
    Difference("date-time", True, b'* 1 FETCH (INTERNALDATE "99-Feb-0000 99:99:99 -9999")\r\n', rb'"[ \d]\d-' + _MONTHS + rb'-\d{4} [\d:]{8} [+-]\d{4}"', _possible, "codec", "dates that do not exist are found elsewhere, not by the grammar", "2.3.3"),
    Difference("date", True, b"a SEARCH ON 31-Feb-2000\r\n", rb'(?<=[ "])\d\d?-' + _MONTHS + rb"-\d{4}", _possible, "codec", "dates that do not exist are found elsewhere, not by the grammar", "6.4.4"),
    Difference("experiment", True, b"a XLIST {1}\r\na\r\n", rb"\A([^ ]+ )X.*", rb"\1NOOP\r\n", "ours", "imap-codec knows no X commands", "6.5.1"),
    Difference("authentication", True, b"a AUTHENTICATE PLAIN\r\nAGEAYg==\r\n", rb"(\A[^ ]+ AUTHENTICATE [^ \r]+\r\n).+", rb"\1", "ours", "imap-codec reads the lines behind AUTHENTICATE as another kind of unit", "6.2.2"),
)  # fmt: skip

_DEEPEST = 4
_MOST = 400


def explained(kind: str, unit: bytes, ours: Verdict, codec: Verdict) -> tuple[str, ...]:
    """The names of the differences that a unit has, on which the two disagree; empty if they do not explain it."""
    accepted, tried = ours(kind, unit), {unit}
    queue: list[tuple[bytes, tuple[str, ...]]] = [(unit, ())]
    entries = [entry for entry in DIFFERENCES if entry.ours == accepted]
    for before, names in queue:
        for entry in entries if len(names) < _DEEPEST else ():
            for changed in entry.without(before):
                if changed in tried or len(tried) > _MOST:
                    continue
                tried.add(changed)
                if ours(kind, changed) and codec(kind, changed):
                    return tuple(sorted({*names, entry.name}))
                queue.append((changed, (*names, entry.name)))
    return ()
