"""What a response is made of.

Every response of every RFC has one shape (kind, tag, name, number, code, items, raw, problem). The values are also what a template
of a scenario is made of; there, and only there, `Hole` and `Rest` occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from conformance.grammar import Problem


@dataclass(frozen=True, slots=True)
class Atom:
    """A protocol word: flag, data item name, capability. Case-insensitive; `text` is as received, except that the name of a
    FETCH data item is normalised: upper case, header field names unquoted and sorted (`BODY[HEADER.FIELDS (DATE FROM)]<0>`).
    """

    text: str

    @property
    def key(self) -> str:
        """Upper-case form, for comparison."""
        return self.text.upper()


@dataclass(frozen=True, slots=True)
class Number:
    """A number, 0 to 4294967295 unless the server is wrong."""

    value: int


@dataclass(frozen=True, slots=True)
class String:
    """The octets of an astring, string, quoted string or literal; how they were written does not count."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Nil:
    """NIL."""


@dataclass(frozen=True, slots=True)
class List:
    """A parenthesised list. `ordered` is False where the RFC attaches no meaning to the order (flags, search results...)."""

    values: tuple[Value, ...]
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Hole:
    """`${name}` in a template: binds one value at first sight, compares afterwards. Name "" matches anything."""

    name: str


@dataclass(frozen=True, slots=True)
class Rest:
    """`${...}` in a template: all the rest of a list or of a line."""


Value = Atom | Number | String | Nil | List | Hole | Rest

Kind = Literal["untagged", "tagged", "continuation"]

#: Names of responses and codes whose items are a set.
UNORDERED = frozenset({"CAPABILITY", "SEARCH"})


@dataclass(frozen=True, slots=True)
class Code:
    """A response code in brackets: `[UIDVALIDITY 7]` is Code("UIDVALIDITY", (Number(7),)).

    The argument of a code that the grammar does not know is one `String`.
    """

    name: str  #: upper case
    items: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """One whole response, CRLF and literals included in `raw`.

    `name` is upper case: OK, NO, BAD, BYE, PREAUTH, CAPABILITY, FLAGS, LIST, LSUB, SEARCH, STATUS, EXISTS, RECENT, EXPUNGE,
    FETCH..., "" for a continuation request. `number` is the message number or count in front of the name. `items` are the
    values behind the name (one `List` for FETCH; for STATUS the mailbox and a `List`); pairs stay flat: FLAGS, (..), UID, 7.
    The order of `items` means nothing for the names in `UNORDERED`.
    `text` is human-readable text or the base64 of a continuation request; None where there is none, `Rest` in a template.
    `problem` is set when the grammar refuses `raw`; then the other fields are what a tolerant reading made of it.
    """

    kind: Kind
    raw: bytes
    name: str = ""
    tag: str | None = None
    number: int | Hole | None = None
    code: Code | None = None
    items: tuple[Value, ...] = ()
    text: bytes | Rest | None = None
    problem: Problem | None = None
