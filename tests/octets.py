"""A small reader of what a server says, for rewriting it. It must not import the package, like `between`.

Forms are kept: an atom, a quoted string and a literal of the same octets are three things. What cannot be read is not rewritten.
"""

from __future__ import annotations

import dataclasses
import re

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){"]+')
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")
_ORIGIN = re.compile(rb"<[0-9]+>")
_STATUS = re.compile(
    rb"(?P<tag>[^ \r\n]+) (?P<word>OK|NO|BAD|BYE|PREAUTH) (?:\[(?P<code>[^\]\r\n]+)\] )?(?P<text>[^\r\n]+)\r\n\Z",
    re.IGNORECASE,
)
_WHOLE_ATOM = re.compile(rb"[!#$&'+-\[\]^-z|}~]+\Z")


class UnreadableError(Exception):
    """Not of the form that this reader knows."""


@dataclasses.dataclass
class Atom:
    """A word as it stands: a number, NIL, a flag."""

    octets: bytes


@dataclasses.dataclass
class String:
    """A string in one of its forms."""

    value: bytes
    form: str  #: "quoted" or "literal"

    @property
    def octets(self) -> bytes:
        if self.form == "literal":
            return b"{%d}\r\n%s" % (len(self.value), self.value)
        return b'"%s"' % re.sub(rb'(["\\])', rb"\\\1", self.value)

    @property
    def quotable(self) -> bool:
        """4.3: 7-bit, no line end; NUL is nowhere."""
        return self.value.isascii() and not re.search(rb"[\0\r\n]", self.value)


@dataclasses.dataclass
class Many:
    """A list. `gaps`: what stands before each member, a space or nothing."""

    members: list[Node]
    gaps: list[bytes]

    @property
    def octets(self) -> bytes:
        return b"(%s)" % b"".join(
            gap + member.octets for gap, member in zip(self.gaps, self.members, strict=True)
        )


@dataclasses.dataclass
class Section:
    """BODY[...]<...>, the name of a data item of FETCH; header names are strings or atoms."""

    name: bytes  #: BODY
    words: bytes  #: 1.2.HEADER.FIELDS
    fields: Many | None
    origin: bytes

    @property
    def octets(self) -> bytes:
        fields = b"" if self.fields is None else b" " + self.fields.octets
        return self.name + b"[" + self.words + fields + b"]" + self.origin


Node = Atom | String | Many | Section


def line(words: list[Node]) -> bytes:
    """Words with a space between them, and a line end."""
    return b" ".join(word.octets for word in words) + b"\r\n"


def read(octets: bytes) -> list[Node]:
    """The words of a reply. Raises `UnreadableError`."""
    reader = _Reader(octets)
    words = [reader.word()]
    while reader.octets[reader.at :] != b"\r\n":
        reader.expect(b" ")
        words.append(reader.word())
    if line(words) != octets:
        raise UnreadableError
    return words


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def expect(self, octets: bytes) -> None:
        if not self.octets.startswith(octets, self.at):
            raise UnreadableError
        self.at += len(octets)

    def found(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        match = pattern.match(self.octets, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def word(self) -> Node:
        if self.octets.startswith(b"(", self.at):
            return self.many()
        if match := self.found(_QUOTED):
            return String(re.sub(rb"\\(.)", rb"\1", match[1]), "quoted")
        if match := self.found(_LITERAL):
            value = self.octets[self.at : self.at + int(match[1])]
            self.at += len(value)
            return String(value, "literal")
        start = self.at
        match = self.found(_ATOM)
        if match is None:
            raise UnreadableError
        if match[0].upper().startswith(b"BODY["):
            self.at = start
            return self.section()
        return Atom(match[0])

    def many(self) -> Many:
        self.expect(b"(")
        many = Many([], [])
        while not self.octets.startswith(b")", self.at):
            gap = b" " if self.octets.startswith(b" ", self.at) and many.members else b""
            self.at += len(gap)
            many.members.append(self.word())
            many.gaps.append(gap)
        self.expect(b")")
        return many

    def section(self) -> Section:
        start, opened = self.at, self.octets.index(b"[", self.at)
        found = re.compile(rb"[A-Za-z0-9.]*").match(self.octets, opened + 1)
        assert found is not None
        self.at = found.end()
        fields = None
        if self.octets.startswith(b" (", self.at):
            self.at += 1
            fields = self.many()
        self.expect(b"]")
        origin = self.found(_ORIGIN)
        return Section(self.octets[start:opened], found[0], fields, origin[0] if origin else b"")


@dataclasses.dataclass
class Status:
    """OK, NO, BAD, BYE or PREAUTH, tagged or not."""

    tag: bytes
    word: bytes
    code: bytes | None
    text: bytes

    @property
    def octets(self) -> bytes:
        code = b"" if self.code is None else b"[" + self.code + b"] "
        return self.tag + b" " + self.word + b" " + code + self.text + b"\r\n"

    @property
    def code_name(self) -> bytes:
        return (self.code or b"").partition(b" ")[0].upper()


def status(octets: bytes) -> Status | None:
    """A status response, if it is one. A code with strings in it is not read."""
    match = _STATUS.match(octets)
    if (
        match is None
        or (match["code"] is None and match["text"].startswith(b"["))
        or b'"' in (match["code"] or b"")
    ):
        return None
    return Status(match["tag"], match["word"], match["code"], match["text"])


@dataclasses.dataclass
class Data:
    """An untagged response that is no status response."""

    name: bytes  #: upper case
    words: list[Node]  #: all, from the asterisk on

    @property
    def octets(self) -> bytes:
        return line(self.words)

    @property
    def number(self) -> int:
        """Of EXISTS, RECENT, EXPUNGE, FETCH."""
        return int(self.words[1].octets)

    def pairs(self) -> list[tuple[Node, Node]]:
        """Names and values of FETCH and STATUS."""
        many = self.words[3]
        assert isinstance(many, Many)
        return list(zip(many.members[::2], many.members[1::2], strict=True))

    def with_pairs(self, pairs: list[tuple[Node, Node]]) -> Data:
        """The same with other items."""
        members = [member for pair in pairs for member in pair]
        return Data(self.name, [*self.words[:3], Many(members, [b"", *[b" "] * (len(members) - 1)])])


def data(octets: bytes) -> Data | None:
    """A response with data of RFC 3501, if it is one and can be read."""
    if not octets.startswith(b"* "):
        return None
    try:
        words = read(octets)
    except UnreadableError:
        return None
    numbered = len(words) > 2 and words[1].octets.isdigit()
    if len(words) < 2 or not isinstance(words[2 if numbered else 1], Atom):
        return None
    found = Data(words[2 if numbered else 1].octets.upper(), words)
    return found if _has_its_form(found, numbered=numbered) else None


def _has_its_form(found: Data, *, numbered: bool) -> bool:
    words = found.words
    match found.name:
        case b"EXISTS" | b"RECENT" | b"EXPUNGE":
            return numbered and len(words) == 3
        case b"FETCH" | b"STATUS":
            paired = len(words) == 4 and isinstance(words[3], Many) and len(words[3].members) % 2 == 0
            return paired and numbered == (found.name == b"FETCH") and all(words[3].gaps[1:])  # type: ignore[union-attr]
        case b"LIST" | b"LSUB":
            return len(words) >= 5 and isinstance(words[2], Many)
        case b"FLAGS":
            return len(words) == 3 and isinstance(words[2], Many)
        case b"SEARCH" | b"CAPABILITY":
            return all(isinstance(word, Atom) for word in words)
    return False


def is_atom(value: bytes) -> bool:
    """Whether an astring may be written without quotes."""
    return _WHOLE_ATOM.match(value) is not None
