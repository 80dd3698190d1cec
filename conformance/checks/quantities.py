"""Numbers and dates that the formal syntax cannot bound by itself (RFC 3501 sections 2.3.3, 6.3.10, 9)."""

from __future__ import annotations

import calendar
import re
from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.grammar import number
from conformance.response import Number, String

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.response import Response, Value

_LARGEST = 2**32 - 1
_SECTION = re.compile(r"([^\[]+)\[([0-9]+(?:\.[0-9]+)*)?.*?\](?:<([0-9]+)>)?", re.DOTALL)
_DATE_TIME = re.compile(r"([ 0-9]\d)-(...)-(\d{4}) (\d\d):(\d\d):(\d\d) [+-]\d\d(\d\d)")
_MONTHS = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"


def number_range(response: Response) -> Outcome:
    """9, number and nz-number: at most 4294967295. (That an nz-number is not 0 is a matter of its digits.)"""
    asked = False
    for place, value in _numbers(response):
        asked = True
        if value > _LARGEST:
            return Broken(f"too-large-{place}", f"a number up to {_LARGEST}", f"{_shown(value)} in {place}")
    return HOLDS if asked else None


def _shown(value: int) -> str:
    return str(value) if value < 10**20 else "a number of more than 20 digits"


def _numbers(response: Response) -> Iterator[tuple[str, int]]:
    """The numbers of a response and where they stand: a response, a data item, a code."""
    if isinstance(response.number, int):
        yield response.name, response.number
    paired = data.pairs(response)
    for name, value in paired:
        section = _SECTION.fullmatch(name)
        place = section[1] if section else name
        if section:
            yield from (("section", number(digits)) for digits in (section[2] or "").split(".") if digits)
            if section[3]:
                yield "origin", number(section[3])
        yield from _inside(place, (value,))
    if not paired:
        yield from _inside(response.name, response.items)
    if response.code is not None:
        yield from _inside(response.code.name, response.code.items)


def _inside(place: str, values: tuple[Value, ...]) -> Iterator[tuple[str, int]]:
    return ((place, value.value) for value in data.flat(values) if isinstance(value, Number))


def counts_within_messages(response: Response) -> Outcome:
    """6.3.10: RECENT and UNSEEN count some of the messages that MESSAGES counts."""
    told = {name: value.value for name, value in data.pairs(response) if isinstance(value, Number)}
    parts = [name for name in ("RECENT", "UNSEEN") if name in told]
    if response.name != "STATUS" or "MESSAGES" not in told or not parts:
        return None
    for name in parts:
        if told[name] > told["MESSAGES"]:
            return Broken(
                f"{name}-above-MESSAGES", f"{name} of at most {told['MESSAGES']}", f"{name} {told[name]}"
            )
    return HOLDS


def _internal_date(response: Response) -> re.Match[str] | None:
    dates = [
        v.octets.decode("latin-1")
        for n, v in data.pairs(response)
        if n == "INTERNALDATE" and isinstance(v, String)
    ]
    return _DATE_TIME.fullmatch(dates[0]) if dates else None


def internal_date(response: Response) -> Outcome:
    """2.3.3, 9: date-day is a day of the month and time is hours, minutes and seconds (60 in a leap second)."""
    found = _internal_date(response)
    if found is None:
        return None
    day, month, year, hour, minute, second = found.groups()[:6]
    days = calendar.monthrange(int(year), _MONTHS.index(month.upper()) // 3 + 1)[1]
    if not 1 <= int(day) <= days:
        return Broken("no-such-day", f"a day from 1 to {days} in {month} {year}", f"day {day.strip()}")
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return Broken("no-such-time", "a time from 00:00:00 to 23:59:60", f"{hour}:{minute}:{second}")
    return HOLDS


def zone_minutes(response: Response) -> Outcome:
    """9, zone: hours and minutes, so that the last two digits are below 60. How far a zone can be is not said."""
    found = _internal_date(response)
    if found is None:
        return None
    if int(found[7]) < 60:
        return HOLDS
    return Broken("minutes", "a zone of hours and minutes (00 to 59)", f"{found[7]} minutes")
