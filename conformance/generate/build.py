"""Definitions of a grammar -> nodes to walk.

Knows: which terminals are numbers and literals, what else of the grammar an environment narrows. Must not know: how to choose.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from conformance.generate.environment import spellings
from conformance.generate.nodes import (
    Choice,
    Counted,
    Fixed,
    Given,
    Node,
    Number,
    Repeat,
    RuleNode,
    Run,
    Sequence,
    TerminalNode,
)
from conformance.generate.patterns import walkable
from conformance.grammar import definitions as written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.generate.environment import Environment

#: The largest number of RFC 3501 (section 9, `number`).
LARGEST = 2**32 - 1

#: Terminals that are numbers, by their pattern: the least one.
_NUMBERS = {"[0-9]+": 0, "[1-9][0-9]*": 1}

#: Patterns that match more than makes sense. Of these only dates that exist are written.
_SENSE = {
    "DATE_DAY": "[1-9]|[12][0-8]",
    "DATE_DAY_FIXED": "(?: [1-9])|(?:0[1-9])|(?:[12][0-8])",
    "DATE_YEAR": "19[7-9][0-9]|20[0-3][0-9]",
    "TIME": "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
    "ZONE": "[+-](?:0[0-9]|1[01])(?:00|15|30|45)",
}

_LITERAL = "LITERAL"
_COUNT = "[0-9]+"

_Key = tuple[str, str]


class Graph:
    """The nodes of a grammar. `rivals` says for a terminal with a pattern which others are accepted where it is."""

    def __init__(
        self,
        definitions: written.Definitions,
        rivals: Mapping[str, frozenset[str]],
        environment: Environment,
    ) -> None:
        self._definitions = definitions
        self._rivals = rivals
        self._environment = environment
        self._contexts = itertools.count(1)
        self.terminals: dict[str, Node] = {}
        self._given = _given(environment)
        self.rules = {name: RuleNode(name) for name in definitions.rules}
        for name, rule in self.rules.items():
            rule.body = self._node(name, definitions.rules[name])
            if not isinstance(rule.body, Choice | Repeat):
                rule.context = next(self._contexts)
        self._settle()

    def _node(self, rule: str, node: written.Node) -> Node:
        match node:
            case written.Rule(name) | written.Terminal(name) if given := self._given.get((rule, name)):
                return given
            case written.Rule(name):
                return self._given.get((name, ""), self.rules[name])
            case written.Terminal(name):
                if name not in self.terminals:
                    self.terminals[name] = self._given.get((name, "")) or self._terminal(name)
                return self.terminals[name]
            case written.Sequence(items):
                return Sequence([self._node(rule, item) for item in items])
            case written.Choice(items):
                opened = [item for item in items if self._environment.opens(_first(item))]
                if len(opened) == 1:
                    return self._node(rule, opened[0])
                return Choice(rule, [self._node(rule, item) for item in opened], self._contexts)
            case written.Repeat(item, least, most):
                return Repeat(rule, self._node(rule, item), least, most, self._contexts)

    def _terminal(self, name: str) -> Node:
        pattern = self._definitions.terminals[name]
        if pattern.is_string:
            return Fixed(name, pattern.text)
        if name.startswith(_LITERAL):
            before, _, after = pattern.text.partition(_COUNT)
            header = [walkable(name, part, self._contexts) for part in (before, after)]
            octets = Run([chr(n) for n in range("8" not in name, 0x100)], 0, None)
            return TerminalNode(name, Counted(header[0], header[1], octets), frozenset())
        if pattern.text in _NUMBERS:
            return TerminalNode(name, Number(_NUMBERS[pattern.text], LARGEST), frozenset())
        body = walkable(name, _SENSE.get(name, pattern.text), self._contexts)
        matches = re.compile(pattern.text, re.IGNORECASE | re.ASCII).fullmatch
        strings = {t: p.text for t, p in self._definitions.terminals.items() if p.is_string}
        others = {
            strings[t].upper() for t in self._rivals.get(name, ()) if t in strings and matches(strings[t])
        }
        return TerminalNode(name, body, frozenset(others))

    def _settle(self) -> None:
        """Heights and costs, and what depends on them."""
        for rule in self.rules.values():
            rule.deep = int(any(node is rule for node in every_node([rule.body])))
        nodes = every_node(self.rules.values())
        inner = [node for node in nodes if next(node.parts(), None) is not None]
        for node in inner:
            node.height = node.cost = float("inf")
        changed = True
        while changed:
            changed = False
            for node in inner:
                measured = node.measure()
                changed |= measured != (node.height, node.cost)
                node.height, node.cost = measured
        for node in nodes:
            if isinstance(node, Choice):
                node.settle()
        for node in nodes:
            node.short()


def every_node(roots: Iterable[Node]) -> list[Node]:
    """The nodes of which these consist, these included."""
    found: dict[int, Node] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = node
            waiting.extend(node.parts())
    return list(found.values())


def _first(node: written.Node) -> str:
    """The name with which an alternative begins; "" if it has none."""
    while isinstance(node, written.Sequence) and node.items:
        node = node.items[0]
    return node.name if isinstance(node, written.Rule | written.Terminal) else ""


def _given(environment: Environment) -> dict[_Key, Node]:
    """What an environment puts in the place of a rule or terminal: everywhere, or (rule, part) only within a rule."""
    found: dict[_Key, Node] = {}

    def one_of(names: tuple[_Key, ...], texts: Iterable[str]) -> None:
        if units := tuple(texts):
            found.update(dict.fromkeys(names, TerminalNode(names[0][0], Run(units), frozenset())))

    one_of((("mailbox", ""),), (text for name in environment.mailboxes for text in spellings(name)))
    one_of((("FLAG_KEYWORD", ""),), environment.keywords)
    one_of((("auth_type", ""),), environment.mechanisms)
    for name, octets in zip(("userid", "password"), environment.login or (), strict=False):
        one_of(((name, ""),), spellings(octets))
    if environment.messages is not None:
        numbers = Number(1, max(environment.messages, 1))
        for key in (("seq_number", "nz_number"), ("message_data", "NZ_NUMBER")):
            found[key] = TerminalNode("NZ_NUMBER", numbers, frozenset())
    if environment.tags is not None:
        found["TAG", ""] = TerminalNode("TAG", Given(environment.tags), frozenset())
    return found
