"""What generated units are about: tags, mailboxes, message numbers, keywords, capabilities.

Knows: which rules of the grammar speak of these. Must not know: how units are generated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Fragments of the grammar that a server's capability opens.
FRAGMENTS = {"LITERAL+": "rfc7888", "LITERAL-": "rfc7888", "BINARY": "rfc3516"}

_ASTRING = re.compile(rb"[!#$&'+-\[\]^-z|}~]+")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")


@dataclass(frozen=True)
class Environment:
    """What units may speak of. What is left out is up to chance: anything that the grammar has.

    `tags` gives the tag of the next command or completion. `mailboxes` are names as octets. `messages` is how many there are:
    message numbers and sequence sets stay within. `login` is user and password. `capabilities` are those of the server, in capitals:
    they open fragments of the grammar, and close what the server does not have.
    """

    tags: Callable[[], str] | None = None
    mailboxes: tuple[bytes, ...] = ()
    messages: int | None = None
    keywords: tuple[str, ...] = ()
    login: tuple[bytes, bytes] | None = None
    capabilities: frozenset[str] | None = None

    def opens(self, name: str) -> bool:
        """Whether an alternative that is, or begins with, this rule or terminal is open."""
        gate = _GATES.get(name)
        return self.capabilities is None or gate is None or gate(self.capabilities)

    @property
    def fragments(self) -> tuple[str, ...]:
        """The fragments that the capabilities open, besides that of RFC 3501."""
        found = {FRAGMENTS[name] for name in self.capabilities or () if name in FRAGMENTS}
        return tuple(sorted(found, reverse=True))

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The names of AUTHENTICATE's mechanisms."""
        found = sorted(self.capabilities or ())
        return tuple(name.removeprefix("AUTH=") for name in found if name.startswith("AUTH="))


#: Everything that the grammar has.
ANYTHING = Environment()

#: Nothing out of the ordinary: what a test can send to a server of which it knows nothing.
PLAIN = Environment(
    mailboxes=(b"INBOX",), messages=1, keywords=("$Forwarded",), capabilities=frozenset({"IMAP4REV1"})
)

_GATES: dict[str, Callable[[frozenset[str]], bool]] = {
    "STARTTLS": lambda has: "STARTTLS" in has,
    "login": lambda has: "LOGINDISABLED" not in has,
    "authenticate": lambda has: any(name.startswith("AUTH=") for name in has),
    "x_command": lambda _has: False,
}


def spellings(octets: bytes) -> tuple[str, ...]:
    """The ways to write octets as an astring, the shortest first; an atom, a quoted string, a literal."""
    text = octets.decode("latin-1")
    found = []
    if _ASTRING.fullmatch(octets):
        found.append(text)
    if _QUOTABLE.fullmatch(octets):
        found.append('"' + re.sub(r'(["\\])', r"\\\1", text) + '"')
    if b"\0" not in octets:
        found.append(f"{{{len(octets)}}}\r\n{text}")
    return tuple(found)
