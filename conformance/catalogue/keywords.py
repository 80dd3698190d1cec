"""The capitalised key words of an RFC, and what became of each: the denominator of our coverage.

The RFC's text is not ours to keep; a key word is known by its section, its place among the key words of that section, and
what it is attached to in our words. `rfc3501/keywords.toml` is the table, its head says how to read it.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance import resources
from conformance.errors import SuiteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.journal import Level

#: RFC 2119: what a key word amounts to.
LEVELS: Mapping[str, Level] = {
    "MUST": "MUST",
    "MUST NOT": "MUST",
    "REQUIRED": "MUST",
    "SHOULD": "SHOULD",
    "SHOULD NOT": "SHOULD",
    "MAY": "MAY",
    "OPTIONAL": "MAY",
}


@dataclass(frozen=True)
class KeyWord:
    """One key word. Exactly one of `by`, `client` and `untestable` says what became of it."""

    section: str  #: for example `6.3.1`
    ordinal: int  #: from 1 on, among the key words of the section
    word: str  #: one of `LEVELS`
    about: str  #: what it is attached to, in our words
    by: tuple[str, ...] = ()  #: ids of the requirements that ask it of the server
    client: bool = False  #: it is the client's to do
    untestable: str = ""  #: why a client can not ask it of a server
    differs: str = ""  #: why a requirement of `by` has another level than the key word

    @property
    def level(self) -> Level:
        """What the key word amounts to."""
        return LEVELS[self.word]


@functools.cache
def load(rfc: str = "rfc3501") -> tuple[KeyWord, ...]:
    """All key words of the RFC, in the order of its text.

    Raises `SuiteError` for a file that breaks the form: it is ours.
    """
    path = resources.CATALOGUE / rfc / "keywords.toml"
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(
            _key_word(rfc, section, int(ordinal), fields)
            for section, entries in sections.items()
            for ordinal, fields in entries.items()
        )
    except (tomllib.TOMLDecodeError, TypeError, ValueError) as error:
        raise SuiteError(f"{path.name}: {error}") from None


def _key_word(rfc: str, section: str, ordinal: int, fields: dict[str, Any]) -> KeyWord:
    by = tuple(f"{rfc}/{key}" for key in fields.pop("by", ()))
    found = KeyWord(section, ordinal, by=by, **fields)
    fates = [bool(found.by), found.client, bool(found.untestable)]
    if found.word not in LEVELS or fates.count(True) != 1:
        raise ValueError(
            f"{section} {ordinal} needs a word of {', '.join(LEVELS)}, and by, client or untestable"
        )
    return found
