"""Octets and words of strangers, made harmless and visible.

A server chooses what it sends, so whatever a report shows has gone through here: no control character, 8-bit octet,
bidirectional override or lone surrogate reaches a terminal, a page or an XML file as itself. The escapes are those of scenario files.
"""

from __future__ import annotations

import re
import textwrap

_NAMED = {"\r": r"\r", "\n": r"\n", "\t": r"\t", "\0": r"\0"}

#: Everything in a step's octets that is not printable US-ASCII.
RAW = re.compile(r"([^\x20-\x7e]+)")


def escape(character: str) -> str:
    r"""The visible form of one character: `\r`, `\x9b`, `\u202e`."""
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def octets(text: str) -> str:
    """Octets (latin-1 text) in one line of printable US-ASCII."""
    return RAW.sub(lambda found: "".join(map(escape, found[0])), text)


def words(text: str) -> str:
    """Text for people: printable Unicode and line feeds stay."""
    return "".join(c if c == "\n" or c.isprintable() else escape(c) for c in text)


def line(text: str) -> str:
    """Text for people in one line."""
    return words(" ".join(text.split("\n")))


def clip(text: str, width: int) -> str:
    """At most `width` characters of a text that is visible already."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def wrap(text: str, width: int) -> list[str]:
    """Words in lines of at most `width` characters; line feeds are kept, a word that is too long is broken."""
    return [part for row in words(text).split("\n") for part in textwrap.wrap(row, width) or [""]]


def caret(text: str, offset: int, width: int) -> tuple[str, int]:
    """The neighbourhood of octet `offset` of a response as visible text, and the column of that octet in it.

    Only the line that holds the octet is shown, without its CRLF, at most `width` columns around it.
    """
    offset = min(offset, len(text))
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\r\n", offset)
    before, after = octets(text[start:offset]), octets(text[offset : end if end >= offset else len(text)])
    room = width * 2 // 3
    if len(before) > room:
        before = "..." + before[len(before) - room + 3 :]
    return before + clip(after, width - len(before)), len(before)
