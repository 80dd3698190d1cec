"""The syntax of what a server sends, from `grammars/*.lark`: recognise, explain, parse.

One unit of octets (a response with its literals) goes in. A unit that the grammar refuses is a `Problem`, a value that says what
was being read, where it stopped and what was expected there.

Knows: syntax. Must not know: what a response means, how octets arrive, who sent them.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from conformance.grammar.automaton import Automaton, Stop, number
from conformance.grammar.compose import compose
from conformance.grammar.problem import Problem, diagnose, visible

if TYPE_CHECKING:
    from lark import Token, Tree

__all__ = ["DEFAULT", "Grammar", "Kind", "Problem", "Refused", "load", "number", "visible"]

Kind = Literal["response", "greeting"]

#: The fragments of `load()`.
DEFAULT = ("rfc3501",)

_RULES = {"response": "response_unit", "greeting": "greeting"}
_TEMPLATE = "template"


class Refused(Exception):  # noqa: N818 - a finding about octets, not an error of the program
    """The grammar refuses the octets: `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Grammar:
    """The composed grammar of some fragments. Get one from `load`."""

    def __init__(self, fragments: tuple[str, ...]) -> None:
        self.fragments = fragments
        self._automaton = Automaton(compose(fragments, tuple(_RULES.values())))

    def recognise(self, kind: Kind, octets: bytes) -> bool:
        """Whether the octets are one whole, well-formed unit of that kind."""
        text = octets.decode("latin-1")
        return not isinstance(self._automaton.run(_RULES[kind], text, build=False), Stop)

    def explain(self, kind: Kind, octets: bytes) -> Problem | None:
        """Why the octets are refused; None if they are well formed."""
        text = octets.decode("latin-1")
        outcome = self._automaton.run(_RULES[kind], text, build=False)
        return diagnose(self._automaton, outcome, text) if isinstance(outcome, Stop) else None

    def parse(self, kind: Kind, octets: bytes) -> Tree[Token]:
        """The tree of the octets: rules under their names, tokens in order without spaces and CRLF.

        Raises `Refused`.
        """
        return _tree(self._automaton, _RULES[kind], octets.decode("latin-1"))

    def template(self, text: str) -> Tree[Token]:
        """The tree of one template of a scenario: a response without CRLF, with holes (`grammars/template.lark`).

        Raises `Refused`; the problem's offset counts characters of `text`.
        """
        octets = text.encode()
        try:
            return _tree(_templates(self.fragments), _TEMPLATE, octets.decode("latin-1") + "\r\n")
        except Refused as refused:
            problem = refused.problem
            offset = len(octets[: problem.offset].decode(errors="ignore"))
            expected = tuple(
                "the end of the template" if word == "CRLF" else word for word in problem.expected
            )
            found = visible(text[offset:]) if offset < len(text) else "the end of the template"
            raise Refused(replace(problem, offset=offset, expected=expected, found=found)) from None


def _tree(automaton: Automaton, rule: str, text: str) -> Tree[Token]:
    outcome = automaton.run(rule, text)
    if isinstance(outcome, Stop):
        raise Refused(diagnose(automaton, outcome, text))
    return outcome


@functools.cache
def _templates(fragments: tuple[str, ...]) -> Automaton:
    return Automaton(compose((*fragments, _TEMPLATE), (_TEMPLATE,)))


@functools.cache
def load(fragments: tuple[str, ...] | None = None) -> Grammar:
    """The grammar of some fragments of `grammars/` (file names without ending, later ones extend earlier ones).

    None means RFC 3501. Raises `SuiteError` with file and line for a fragment that is wrong.
    """
    return Grammar(fragments or DEFAULT)
