"""A recording rewritten as another right server might have said it: no verdict may change.

Four freedoms of RFC 3501: words have no case (section 9), a string is quoted or a literal (section 4.3), untagged responses of one
command come in any order unless one gives the numbers of another a new meaning, and an untagged OK may come at any time (section 7.1).
What the grammar would not accept is left as it was. Knows: syntax, recorded steps. Must not know: scenarios, verdicts.
"""

from __future__ import annotations

import dataclasses
import re
from itertools import groupby
from typing import TYPE_CHECKING

from conformance.grammar import Refused
from conformance.runner.alter import string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lark import Token

    from conformance.grammar import Grammar
    from conformance.journal import Step

#: Tokens that are no words of the protocol, or whose case may matter to somebody.
_NO_WORDS = frozenset(
    {
        "TEXT",
        "PLAIN_TEXT",
        "TAG",
        "ATOM",
        "WORD",
        "ASTRING",
        "CODE_TEXT",
        "QUOTED",
        "QUOTED_CHAR",
        "LITERAL",
        "LITERAL8",
    }
    | {"FLAG_KEYWORD", "FLAG_EXTENSION", "BASE64"}
)
_QUOTABLE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
#: Responses whose place among others matters, and the untagged response that says what is in one place.
_PLACED = re.compile(r"\* (?:[0-9]+ EXPUNGE|BYE|PREAUTH)", re.IGNORECASE)
_ABOUT = re.compile(r"\* (?:([0-9]+) FETCH|[0-9]+ (EXISTS|RECENT)|(FLAGS|OK \[[A-Z]+))", re.IGNORECASE)


def case(steps: Sequence[Step], grammar: Grammar) -> list[Step]:
    """Words in the other case."""
    return _tokens(steps, grammar, lambda token: None if token.type in _NO_WORDS else token.swapcase())


def strings(steps: Sequence[Step], grammar: Grammar) -> list[Step]:
    """Quoted strings as literals, literals as quoted strings, mailbox names in quotes."""
    return _tokens(steps, grammar, _other_form)


def _other_form(token: Token) -> str | None:
    match token.type:
        case "QUOTED":
            text = re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
            return f"{{{len(text)}}}\r\n{text}"
        case "LITERAL":
            text = token[token.index("\n") + 1 :]
            return string(text.encode("latin-1")).decode("latin-1") if _QUOTABLE.fullmatch(text) else None
        case "ASTRING":
            return f'"{token}"'
    return None


def _tokens(steps: Sequence[Step], grammar: Grammar, other: Callable[[Token], str | None]) -> list[Step]:
    """The steps with the tokens of every response written otherwise."""
    return [
        dataclasses.replace(step, octets=_rewritten(step.octets, grammar, other))
        if step.kind == "receive"
        else step
        for step in steps
    ]


def _rewritten(text: str, grammar: Grammar, other: Callable[[Token], str | None]) -> str:
    try:
        tree = grammar.parse("response", text.encode("latin-1"))
    except Refused:
        return text
    changed, at = "", 0
    places = [(token.start_pos or 0, token.end_pos or 0, token) for token in tree.scan_values(lambda _: True)]
    for begin, end, token in sorted(places, key=lambda place: place[0]):
        new = other(token)
        if new is not None:
            changed += text[at:begin] + new
            at = end
    changed += text[at:]
    try:
        grammar.parse("response", changed.encode("latin-1"))
    except Refused:
        return text
    return changed


def order(steps: Sequence[Step], _grammar: Grammar) -> list[Step]:
    """Untagged responses that arrived together, the last first."""
    reordered: list[Step] = []
    for (_, together), run in groupby(steps, key=lambda step: (step.connection, _is_data(step))):
        responses = [*run]
        if together and _is_free(responses):
            reads = [step.together for step in responses]
            responses = [
                dataclasses.replace(step, together=read)
                for step, read in zip(reversed(responses), reads, strict=True)
            ]
        reordered += responses
    return reordered


def _is_data(step: Step) -> bool:
    return step.kind == "receive" and step.octets.startswith("* ") and not _PLACED.match(step.octets)


def _is_free(responses: Sequence[Step]) -> bool:
    """Whether no response says anew what another says, and none is about messages that another brings."""
    about = [found for step in responses if (found := _ABOUT.match(step.octets))]
    subjects = [next(filter(None, found.groups())).upper() for found in about]
    return len(subjects) == len({*subjects}) and not ("EXISTS" in subjects and any(each[1] for each in about))


def remarks(steps: Sequence[Step], _grammar: Grammar) -> list[Step]:
    """An untagged OK before every completion."""
    return [*_remarked(steps)]


def _remarked(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        if step.kind == "receive" and not step.octets.startswith(("* ", "+")):
            yield dataclasses.replace(step, octets="* OK still here\r\n", problem=None)
        yield step


#: By what they do.
REWRITINGS: dict[str, Callable[[Sequence[Step], Grammar], list[Step]]] = {
    "words in the other case": case,
    "strings in the other form": strings,
    "untagged data in another order": order,
    "an untagged OK before each completion": remarks,
}
