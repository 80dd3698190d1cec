"""Mailboxes and messages of the miniature server (`miniature`), and what a session has been told of them.

Must not import the package, and knows nothing of connections.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")

_UIDVALIDITIES = itertools.count(1001)


@dataclasses.dataclass
class Message:
    """One message of one mailbox."""

    uid: int
    octets: bytes
    date: str
    flags: set[str]


class Mailbox:
    """Messages in the order of their UIDs."""

    def __init__(self) -> None:
        self.uidvalidity = next(_UIDVALIDITIES)
        self.uidnext = 1
        self.messages: list[Message] = []
        self.unclaimed: set[int] = set()  #: UIDs that no session has seen: recent for the next one

    def add(self, octets: bytes, flags: Iterable[str], date: str = "17-Jul-1996 02:44:25 -0700") -> None:
        """A new message."""
        self.messages.append(Message(self.uidnext, octets, date, set(flags)))
        self.unclaimed.add(self.uidnext)
        self.uidnext += 1

    def expunge(self, opened: Opened) -> None:
        """Remove the deleted ones."""
        if not opened.read_only:
            self.messages = [message for message in self.messages if "\\Deleted" not in message.flags]

    def status(self) -> dict[str, int]:
        """Every item of STATUS."""
        return {
            "MESSAGES": len(self.messages),
            "RECENT": len(self.unclaimed & {message.uid for message in self.messages}),
            "UIDNEXT": self.uidnext,
            "UIDVALIDITY": self.uidvalidity,
            "UNSEEN": sum("\\Seen" not in message.flags for message in self.messages),
        }


class User:
    """The mailboxes and subscriptions of one user."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.boxes = {b"INBOX": Mailbox()}
        self.subscribed: set[bytes] = set()

    def create(self, name: bytes) -> bool:
        """A new mailbox, with those above it; False if there is one of that name."""
        name = canonical(name.removesuffix(b"/"))
        new = name not in self.boxes
        levels = name.split(b"/")
        for depth in range(1, len(levels) + 1):
            self.boxes.setdefault(b"/".join(levels[:depth]), Mailbox())
        return new

    def delete(self, name: bytes) -> bool:
        """Remove a mailbox; False for INBOX and for what has inferiors."""
        name = canonical(name)
        if name == b"INBOX" or any(other.startswith(name + b"/") for other in self.boxes):
            return False
        del self.boxes[name]
        return True


class Opened:
    """A mailbox as one session knows it: the messages that it was told of, with the flags that it was told."""

    def __init__(self, mailbox: Mailbox, *, read_only: bool) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self.messages: list[Message] = []
        self.recent: set[int] = set()
        self._known: dict[int, str] = {}  #: UID -> flags as last told

    def numbered(self) -> Iterator[tuple[int, Message]]:
        """Message numbers and messages."""
        return enumerate(self.messages, 1)

    @property
    def recent_count(self) -> int:
        """How many messages are recent in this session."""
        return sum(message.uid in self.recent for message in self.messages)

    def flags(self, message: Message) -> str:
        """The flags of a message as a list, from now on known to the client."""
        recent = ["\\Recent"] if message.uid in self.recent else []
        self._known[message.uid] = f"({' '.join([*sorted(message.flags), *recent])})"
        return self._known[message.uid]

    def news(self, *, expunge: bool = True) -> list[bytes]:
        """What the client does not know yet, as untagged replies."""
        news: list[str] = []
        if expunge:
            for number, message in reversed([*self.numbered()]):
                if message not in self.mailbox.messages:
                    news.append(f"{number} EXPUNGE")
                    del self.messages[number - 1]
        for number, message in self.numbered():
            before = self._known[message.uid]
            if self.flags(message) != before:
                news.append(f"{number} FETCH (FLAGS {self._known[message.uid]})")
        last = self.messages[-1].uid if self.messages else 0
        if new := [message for message in self.mailbox.messages if message.uid > last]:
            self.messages += new
            self.recent |= {message.uid for message in new} & self.mailbox.unclaimed
            if not self.read_only:
                self.mailbox.unclaimed.clear()
            for message in new:
                self.flags(message)
            news += [f"{len(self.messages)} EXISTS", f"{self.recent_count} RECENT"]
        return [f"* {line}\r\n".encode() for line in news]


def canonical(name: bytes) -> bytes:
    """INBOX has no case."""
    return b"INBOX" if name.upper() == b"INBOX" else name


def matching(names: Iterable[bytes], pattern: bytes) -> list[bytes]:
    """The names that a pattern of LIST fits."""
    parts = {b"*": b".*", b"%": b"[^/]*"}
    expression = b"".join(parts.get(part, re.escape(part)) for part in re.split(rb"([*%])", pattern))
    return sorted(name for name in names if re.fullmatch(expression, name, re.DOTALL))
