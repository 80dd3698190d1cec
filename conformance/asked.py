"""What a command that was sent asks for: the mailbox that it names, the data items and messages of a FETCH.

Knows: the octets behind a tag. Whatever cannot be made out is None, and nothing is demanded. Must not know: what was answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: The argument of a command, if it is one astring, or begins with one.
_ASTRING = re.compile(
    rb'[A-Za-z]+ (?:"(?P<quoted>(?:[^"\\\r\n]|\\["\\])*)"|\{(?P<count>[0-9]{1,9})\+?\}\r\n|(?P<atom>[^ (){"\\*%\x00-\x1f\x7f]+))',
)
_FETCH = re.compile(
    rb"(?i)(?:uid )?fetch ([0-9*:,]+) (\([^{\"\r\n]*\)|[^ ({\"\r\n]+(?:\[[^{\"\r\n]*)?)\r?\n?"
)
_ITEM = re.compile(r"BODY(?:\.PEEK)?(\[[^\]]*\])(?:<([0-9]+)\.[0-9]+>)?|[^][<> ()]+")
_ITEMS = re.compile(rf"(?:{_ITEM.pattern})(?: (?:{_ITEM.pattern}))*")
_SUBSET = re.compile(r"\[(HEADER\.FIELDS(?:\.NOT)?) \(([^()]*)\)\]")
_WHOLE = frozenset({"[]", "[HEADER]", "[TEXT]"})
_FAST = ("FLAGS", "INTERNALDATE", "RFC822.SIZE")
_MACROS = {"FAST": _FAST, "ALL": (*_FAST, "ENVELOPE"), "FULL": (*_FAST, "ENVELOPE", "BODY")}
_NAMED = frozenset(
    {*_FAST, "ENVELOPE", "BODY", "BODYSTRUCTURE", "UID", "RFC822", "RFC822.HEADER", "RFC822.TEXT"}
)
#: Octets of a command, and ranges of a set, that are looked at.
_LONGEST, _RANGES = 10_000, 100


def mailbox(command: bytes) -> bytes | None:
    """The mailbox that the first argument names; INBOX in upper case."""
    found = _ASTRING.match(command)
    if found is None:
        return None
    if found["count"] is not None:
        name = command[found.end() : found.end() + int(found["count"])]
        if len(name) < int(found["count"]):
            return None
    elif found["quoted"] is not None:
        name = re.sub(rb"\\(.)", rb"\1", found["quoted"])
    else:
        name = found["atom"]
    return canonical(name)


def canonical(name: bytes) -> bytes:
    """A mailbox name that can be compared: INBOX has no case."""
    return b"INBOX" if name.upper() == b"INBOX" else name


@dataclass
class Fetch:
    """A FETCH in progress: what it asks for, and what has come of it.

    `items` are the names that the answers bear. Parts of messages are left out: it is open what a part is that is not there.
    `numbers`: ranges of message numbers (None behind the colon: all there are); none for UID FETCH.
    """

    items: frozenset[str]
    numbers: tuple[tuple[int, int | None], ...]
    exists: int = 0  #: how many messages were known when it was sent
    complete: set[int] = field(default_factory=set)  #: messages of which everything has come
    partly: dict[int, frozenset[str]] = field(default_factory=dict)  #: others -> what has come

    def hears(self, number: int, names: frozenset[str]) -> None:
        """Some data items of a message have come."""
        had = self.partly.pop(number, frozenset()) | (names & self.items)
        if had >= self.items:
            self.complete.add(number)
        elif number not in self.complete:
            self.partly[number] = had

    def missing(self) -> int | None:
        """The first message of the set that lacks something. There is no message 0."""
        for first, last in self.numbers:
            for number in range(max(first, 1), min(self.exists, self.exists if last is None else last) + 1):
                if number not in self.complete:
                    return number
        return None


def fetch(command: bytes) -> Fetch | None:
    """What FETCH or UID FETCH asks for."""
    found = _FETCH.fullmatch(command) if len(command) <= _LONGEST else None
    if found is None:
        return None
    text = found[2].decode("latin-1").upper()
    if text[0] == "(":
        text = text[1:-1]
    if not _ITEMS.fullmatch(text):  # a mistake, or an extension whose answers nobody here knows
        return None
    names = _MACROS.get(text)
    items = frozenset(names or filter(None, map(_name, _ITEM.finditer(text))))
    uid = command[:3].upper() == b"UID"
    ranges = () if uid else tuple(filter(None, map(_range, found[1].split(b",")[:_RANGES])))
    return Fetch(items | ({"UID"} if uid else set()), ranges) if items or uid else None


def _name(item: re.Match[str]) -> str:
    """The name that the answer to an item bears; "" for what is not followed."""
    section, origin = item[1], item[2]
    if section is None:
        return item[0] if item[0] in _NAMED else ""
    if subset := _SUBSET.fullmatch(section):
        section = f"[{subset[1]} ({' '.join(sorted(set(subset[2].split())))})]"
    elif section not in _WHOLE:
        return ""
    return f"BODY{section}" + (f"<{int(origin)}>" if origin is not None else "")


def _range(part: bytes) -> tuple[int, int | None] | None:
    """A range of the set; None where only the server knows what "*" is."""
    ends = part.split(b":")
    if not all(end == b"*" or (end.isdigit() and len(end) <= 10) for end in ends) or len(ends) > 2:
        return None
    known = sorted(int(end) for end in ends if end != b"*")
    if not known:
        return None
    return known[0], None if b"*" in ends else known[-1]
