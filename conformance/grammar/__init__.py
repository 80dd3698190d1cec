"""The syntax of what a server sends, and of commands, from `grammars/*.lark`: recognise, explain, parse, generate.

One unit of octets (a response or a command, with its literals) goes in. A unit that the grammar refuses is a `Problem`, a value that
says what was being read, where it stopped and what was expected there.

Knows: syntax. Must not know: what a response means, how octets arrive, who sent them.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from conformance.grammar.automaton import Automaton, Stop, number
from conformance.grammar.compose import files, load_tables
from conformance.grammar.problem import Problem, diagnose, visible

if TYPE_CHECKING:
    from lark import Token, Tree

    from conformance.grammar.recognise import Recogniser

__all__ = ["DEFAULT", "Grammar", "Kind", "Problem", "Refused", "load", "number", "visible"]

Kind = Literal["response", "greeting", "command"]

#: The fragments of `load()`.
DEFAULT = ("rfc3501",)

_RULES: dict[Kind, str] = {"response": "response_unit", "greeting": "greeting"}
_COMMAND = "command"
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
        self._recognisers: dict[Kind, Recogniser] = {}
        self._responses = Automaton(load_tables(files(fragments, commands=False), tuple(_RULES.values())))

    @functools.cached_property
    def _commands(self) -> Automaton:
        """Compiled when it is first needed: a run against a server needs responses alone."""
        return Automaton(load_tables(files(self.fragments, commands=True), (_COMMAND,)))

    def recognise(self, kind: Kind, octets: bytes) -> bool:
        """Whether the octets are one whole, well-formed unit of that kind."""
        found = self._recognisers.get(kind)
        if not found:
            from conformance.grammar.recognise import Recogniser  # noqa: PLC0415 - a run parses, it does not need this

            names = files(self.fragments, commands=kind == "command")
            found = self._recognisers[kind] = Recogniser(*self._entry(kind), names)
        return found.accepts(octets)

    def explain(self, kind: Kind, octets: bytes) -> Problem | None:
        """Why the octets are refused; None if they are well formed."""
        automaton, rule = self._entry(kind)
        text = octets.decode("latin-1")
        outcome = automaton.run(rule, text, build=False)
        return diagnose(automaton, outcome, text) if isinstance(outcome, Stop) else None

    def parse(self, kind: Kind, octets: bytes) -> Tree[Token]:
        """The tree of the octets: rules under their names, tokens in order without spaces and CRLF.

        Raises `Refused`.
        """
        return _tree(*self._entry(kind), octets.decode("latin-1"))

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

    def generate(self, kind: Kind, seed: int, mutate: bool = False) -> bytes:
        """The unit of a seed: well formed, or with `mutate` a near-valid mutant of such a unit. The same seed, the same octets.

        The generator is made of a grammar and lies in a layer of its own, where chance is allowed; it is imported when it is called.
        """
        seeds = importlib.import_module("conformance.generate.seeds")
        octets: bytes = seeds.generate(kind, seed, mutate, grammar=self)
        return octets

    def rivals(self, kind: Kind) -> dict[str, frozenset[str]]:
        """For each terminal, the terminals that are accepted in some place where it is accepted, too."""
        found: dict[str, frozenset[str]] = {}
        automaton, _ = self._entry(kind)
        for accepted in {frozenset(row.keys() & automaton.terminals.keys()) for row in automaton.actions}:
            found.update({name: found.get(name, frozenset()) | accepted for name in accepted})
        return found

    def _entry(self, kind: Kind) -> tuple[Automaton, str]:
        """The automaton that reads units of a kind, and its rule for them."""
        return (self._commands, _COMMAND) if kind == "command" else (self._responses, _RULES[kind])


def _tree(automaton: Automaton, rule: str, text: str) -> Tree[Token]:
    outcome = automaton.run(rule, text)
    if isinstance(outcome, Stop):
        raise Refused(diagnose(automaton, outcome, text))
    return outcome


@functools.cache
def _templates(fragments: tuple[str, ...]) -> Automaton:
    return Automaton(load_tables((*files(fragments, commands=False), _TEMPLATE), (_TEMPLATE,)))


@functools.cache
def load(fragments: tuple[str, ...] | None = None) -> Grammar:
    """The grammar of some fragments of `grammars/` (later ones extend earlier ones).

    None means RFC 3501. Raises `SuiteError` with file and line for a fragment that is wrong.
    """
    return Grammar(fragments or DEFAULT)
