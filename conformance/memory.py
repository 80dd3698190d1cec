"""What was told of messages and mailboxes for ever, kept beyond one connection: by mailbox, UIDVALIDITY and UID (RFC 3501 section 2.3.1.1).

The connections of one user in one case share it. Bounded: the oldest goes first. Must not know: what is right.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from conformance.response import Atom, List, Nil, Number, String

if TYPE_CHECKING:
    from conformance.response import Response, Value

#: Facts about messages, and mailboxes, that are kept.
_FACTS, _MAILBOXES = 20_000, 1_000
_DATE = re.compile(rb"([ 0-9]\d)-(...)-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = b"JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"


class Message(NamedTuple):
    """The name of a message for ever."""

    mailbox: bytes
    uidvalidity: int
    uid: int


class Next(NamedTuple):
    """A value of UIDNEXT."""

    value: int
    moment: int  #: when it was told, in the counting of `Memory.moment`


@dataclass
class Memory:
    """What is remembered. `moment` counts what was remembered of mailboxes, so that one can say what was known when a command was sent."""

    moment: int = 0
    connections: int = 0  #: how many there have been, if nobody else can be there; 0: unknown
    _facts: dict[tuple[Message, str], bytes] = field(default_factory=dict)
    _next: dict[tuple[bytes, int], Next] = field(default_factory=dict)

    def told(self, message: Message, item: str) -> bytes | None:
        """What was told of a data item, see `essence`."""
        return self._facts.get((message, item))

    def take(self, message: Message, item: str, value: Value) -> None:
        """Remember what was told first."""
        if (message, item) not in self._facts and (told := essence(item, value)) is not None:
            self._facts[message, item] = told
            _bound(self._facts, _FACTS)

    def next_uid(self, mailbox: bytes, uidvalidity: int) -> Next | None:
        """The latest value of UIDNEXT."""
        return self._next.get((mailbox, uidvalidity))

    def take_next_uid(self, mailbox: bytes, uidvalidity: int, value: int) -> None:
        """Remember the latest value of UIDNEXT."""
        self.moment += 1
        self._next[mailbox, uidvalidity] = Next(value, self.moment)
        _bound(self._next, _MAILBOXES)


def _bound(facts: dict[tuple[Message, str], bytes] | dict[tuple[bytes, int], Next], most: int) -> None:
    if len(facts) > most:
        del facts[next(iter(facts))]  # type: ignore[arg-type]


def essence(item: str, value: Value) -> bytes | None:
    """What must stay the same of a value; None where it tells nothing: a server may say so of a message that is gone (RFC 2180)."""
    match value:
        case Number(number):
            return b"%d" % number if number else None
        case String(octets):
            if item == "INTERNALDATE":
                return _instant(octets)
            return hashlib.blake2b(octets, digest_size=16).digest() if octets else None
        case List(values) if any(not isinstance(part, Nil) for part in values):
            return hashlib.blake2b(repr(value).encode(), digest_size=16).digest()
    return None


def _instant(octets: bytes) -> bytes:
    """A date and time without the zone in which it was written."""
    found = _DATE.fullmatch(octets)
    if found is None:
        return octets.upper()
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        local = datetime(
            int(year), _MONTHS.index(month.upper()) // 3 + 1, int(day), int(hour), int(minute), tzinfo=UTC
        )
        zone = timedelta(hours=int(hours), minutes=int(minutes))
        return (local - zone if sign == b"+" else local + zone).isoformat().encode() + second
    except (ValueError, OverflowError):
        return octets.upper()


#: Names of data items that say the same for ever, except windows of texts.
_STATIC = re.compile(
    r"INTERNALDATE|RFC822(?:\.(?:SIZE|HEADER|TEXT))?|ENVELOPE|BODY(?:STRUCTURE)?|BODY\[.*\]", re.DOTALL
)


def static(response: Response) -> list[tuple[str, Value]]:
    """The data items of a FETCH that say the same for ever, and their values."""
    last = response.items[-1] if response.name == "FETCH" and response.items else None
    if not isinstance(last, List):
        return []
    pairs = zip(last.values[::2], last.values[1::2], strict=False)
    return [(n.key, value) for n, value in pairs if isinstance(n, Atom) and _STATIC.fullmatch(n.key)]
