"""Holes inside texts: `${name}`, `${name:accessor}`, and `${$}` for a dollar sign.

Texts are latin-1, one character per octet, so that a text with its holes filled is the octets to send or to compare.
Knows: the form of a hole and how a value is written on the wire. Must not know: commands, templates, connections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from conformance.response import Atom, Hole, List, Nil, Number, Rest, String

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.response import Value

Bindings = dict[str, "Value"]

HOLE = re.compile(r"\$\{(?P<name>[^}:]*)(?::(?P<accessor>[^}]*))?\}")
NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: A quoted string, or a word outside of quotes, in a command.
_ARGUMENT = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"()]*\$\{[^\s"()]*')
#: What needs no quotes; `%` and `*` are for LIST (RFC 3501 section 9, list-mailbox).
_ASTRING = re.compile(rb'[^\x00-\x20"(){\\\x7f-\xff]+')
_DATE_TIME = re.compile(
    r"[ 0]?(?P<day>[0-9]{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>[0-9]{4}) "
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) (?P<sign>[+-])(?P<hours>[0-9]{2})(?P<minutes>[0-9]{2})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: `${$}` is a dollar sign: what an escape or a message writes as `${` stays text.
DOLLAR = "$"


@dataclass(frozen=True, slots=True)
class Instant(Atom):
    """A point in time; its text is an INTERNALDATE in UTC."""

    moment: datetime

    @classmethod
    def of(cls, value: Value) -> Instant:
        """The one that an INTERNALDATE means (RFC 3501 section 9, date-time). Raises `MisfitError`."""
        if isinstance(value, Instant):
            return value
        found = _DATE_TIME.fullmatch(octets(value).decode("latin-1"))
        part = found.groupdict() if found else {}
        try:
            zone = timedelta(hours=int(part["hours"]), minutes=int(part["minutes"]))
            month = _MONTHS.index(part["month"].title()) + 1
            year, day, hour, minute, second = (
                int(part[each]) for each in ("year", "day", "hour", "minute", "second")
            )
            offset = timezone(-zone if part["sign"] == "-" else zone)
            written = datetime(year, month, day, hour, minute, second, tzinfo=offset)
            moment = written.astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            raise MisfitError(f"{describe(value)} is no INTERNALDATE, it has no instant") from None
        name = _MONTHS[moment.month - 1]
        return cls(f"{moment.day:02}-{name}-{moment.year:04} {moment:%H:%M:%S} +0000", moment)


class MisfitError(ValueError):
    """An accessor or a relation does not fit a value; the message is a sentence for the report."""


def protect(text: str) -> str:
    """Text in which nothing is a hole: every `${` becomes `${$}{`."""
    return text.replace("${", "${$}{")


def names(text: str) -> Iterator[tuple[str, str]]:
    """(name, accessor) of each hole in the text, dollar signs left out; no accessor is ""."""
    for hole in HOLE.finditer(text):
        if hole["name"] != DOLLAR:
            yield hole["name"], hole["accessor"] or ""


def render(text: str, bindings: Mapping[str, Value]) -> bytes:
    """The octets of a text: holes replaced by their values.

    Raises `KeyError` with the name of a hole that is not bound (after parsing, only one that stood in an `S?` line that did not
    arrive) and `MisfitError` when an accessor does not fit the value.
    """

    def fill(hole: re.Match[str]) -> str:
        if hole["name"] == DOLLAR:
            return DOLLAR
        return octets(access(bindings[hole["name"]], hole["accessor"] or "")).decode("latin-1")

    return HOLE.sub(fill, text).encode("latin-1")


def render_command(text: str, bindings: Mapping[str, Value]) -> bytes:
    """The octets of a part of a command: like `render`, and what holes put into it stays one argument.

    A string inside quotes is escaped; a word with a string in it that only quotes can hold (RFC 3501 section 9, astring) gets them.
    Raises like `render`.
    """

    def argument(word: re.Match[str]) -> str:
        strings = [name for name, _ in names(word[0]) if isinstance(bindings[name], String)]
        if not strings:
            return word[0]
        if word[0].startswith('"'):
            escaped = {name: String(_escaped(octets(bindings[name]))) for name in strings}
            return protect(render(word[0], {**bindings, **escaped}).decode("latin-1"))
        filled = render(word[0], bindings)
        plain = _ASTRING.fullmatch(filled)
        return protect((filled if plain else b'"%s"' % _escaped(filled)).decode("latin-1"))

    return render(_ARGUMENT.sub(argument, text), bindings)


def _escaped(octets: bytes) -> bytes:
    """As it stands inside quotes."""
    return octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def octets(value: Value) -> bytes:
    """A value as it is written in a command, without quotes."""
    match value:
        case Atom():
            return value.text.encode("latin-1")
        case Number():
            return b"%d" % value.value
        case String():
            return value.octets
        case Nil():
            return b"NIL"
        case List():
            return b"(" + b" ".join(octets(item) for item in value.values) + b")"
        case Hole():
            return f"${{{value.name}}}".encode("latin-1")
        case Rest():
            return b"${...}"


def describe(value: Value) -> str:
    """A value as a reader of a report knows it: strings in quotes, long ones cut."""
    match value:
        case String():
            text = value.octets.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
            return f'"{shorten(text)}"'
        case List():
            return shorten("(" + " ".join(map(describe, value.values)) + ")")
        case _:
            return octets(value).decode("latin-1")


def shorten(text: str, length: int = 200) -> str:
    """One line of printable text: controls as escapes, the middle of a long text left out."""
    shown = text.encode("unicode_escape").decode("ascii").replace("\\\\", "\\")
    half = (length - 5) // 2
    return shown if len(shown) <= length else f"{shown[:half]} ... {shown[-half:]}"


def access(value: Value, accessor: str) -> Value:
    """The part of a value that an accessor names ("" is the whole). Raises `MisfitError` if there is none."""
    return ACCESSORS[accessor](value) if accessor else value


def _day(value: Value) -> Value:
    """The date of an INTERNALDATE (RFC 3501 section 9, date-time) as a search key writes it: `7-Feb-1994`."""
    found = (
        re.match(rb"[ 0]?(\d{1,2}-[A-Za-z]{3}-\d{4}) ", value.octets) if isinstance(value, String) else None
    )
    if found is None:
        raise MisfitError(f"{describe(value)} is no INTERNALDATE, it has no day")
    return Atom(found[1].decode("ascii"))


def _count(value: Value) -> Value:
    """The number of elements of a list."""
    if not isinstance(value, List):
        raise MisfitError(f"{describe(value)} is no list, its elements cannot be counted")
    return Number(len(value.values))


ACCESSORS: dict[str, Callable[[Value], Value]] = {"day": _day, "instant": Instant.of, "count": _count}
