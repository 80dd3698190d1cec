"""`imapspec list --coverage`: the RFC's own key words, and what became of each, by section and level.

Knows: the key words, the catalogue, what proves a requirement. Must not know: how a case is played.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, get_args

from conformance.catalogue import keywords
from conformance.journal import Level

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from conformance.catalogue import Requirement
    from conformance.catalogue.keywords import KeyWord

#: What is counted, in the order of the columns.
_COLUMNS = ("key words", "asked", "by cases", "always-on", "unproven", "client", "untestable")


def coverage(
    words: Sequence[KeyWord],
    cases: Container[str],
    always_on: Container[str],
    reasons: Mapping[str, str] | None = None,
) -> list[str]:
    """The lines of a table, and the reasons why key words are not asked.

    `cases` has the requirements that a case proves, `always_on` those that are asked of every response, `reasons` those that cannot
    be asked. A key word may have some of each; it counts as proven when all its requirements are that can be asked, and as not
    testable when none can.
    """
    settled = [_settled(word, reasons or {}) for word in words]
    rows: dict[tuple[str, str], Counter[str]] = {}
    for word in settled:
        for section in (word.section, "total"):
            rows.setdefault((section, word.level), Counter()).update(_fates(word, cases, always_on))
    sections = [*dict.fromkeys(word.section for word in words), "total"]
    return [
        f"{'section':9}{'level':8}" + "".join(f"{column:>12}" for column in _COLUMNS),
        *(
            f"{section:9}{level:8}" + _cells(rows[section, level])
            for section in sections
            for level in get_args(Level)
            if (section, level) in rows
        ),
        *_reasons(settled),
    ]


def _settled(word: KeyWord, reasons: Mapping[str, str]) -> KeyWord:
    """The key word without requirements that cannot be asked; where none is left, with their reason."""
    left = tuple(name for name in word.by if name not in reasons)
    if left or not word.by:
        return dataclasses.replace(word, by=left)
    return dataclasses.replace(word, by=(), untestable=reasons[word.by[0]])


def requirements(known: Iterable[Requirement], cases: Container[str], always_on: Container[str]) -> list[str]:
    """How many requirements there are, by level, and what became of them."""
    rows: dict[str, Counter[str]] = {level: Counter() for level in (*get_args(Level), "total")}
    for requirement in known:
        fates = ["requirements"]
        fates += ["by cases"] if requirement.id in cases else []
        fates += ["always-on"] if requirement.id in always_on else []
        fates += ["untestable"] if requirement.untestable else []
        for level in (requirement.level, "total"):
            rows[level].update(fates)
    columns = ("requirements", "by cases", "always-on", "untestable")
    return [
        f"{'level':8}" + "".join(f"{column:>14}" for column in columns),
        *(f"{level:8}" + "".join(f"{row[column]:>14}" for column in columns) for level, row in rows.items()),
    ]


def _fates(word: KeyWord, cases: Container[str], always_on: Container[str]) -> Iterable[str]:
    yield "key words"
    if word.client:
        yield "client"
    elif word.untestable:
        yield "untestable"
    else:
        yield "asked"
        if any(name in cases for name in word.by):
            yield "by cases"
        if any(name in always_on for name in word.by):
            yield "always-on"
        if any(name not in cases and name not in always_on for name in word.by):
            yield "unproven"


def _cells(row: Counter[str]) -> str:
    return "".join(f"{row[column] or '-':>12}" for column in _COLUMNS)


def _reasons(words: Iterable[KeyWord]) -> Iterable[str]:
    reasons: dict[str, list[str]] = {}
    for word in words:
        if word.untestable:
            reasons.setdefault(word.untestable, []).append(f"{word.section} {word.word}: {word.about}")
    for reason, concerned in reasons.items():
        yield ""
        yield f"untestable: {reason}"
        yield from (f"  {line}" for line in concerned)


def chosen(places: Sequence[str], level: str | None) -> tuple[KeyWord, ...]:
    """The key words of the sections (`rfc3501/6.3` with those below) and of the level (lower case), where they are given."""
    return tuple(
        word
        for word in keywords.load()
        if (not level or word.level.lower() == level)
        and (not places or any(_is_in(f"rfc3501/{word.section}", place) for place in places))
    )


def _is_in(section: str, place: str) -> bool:
    return section == place or section.startswith((f"{place}.", f"{place}/"))
