"""The rules of some fragments as they are written: sequences, alternatives, repetitions, references.

Lark compiles a grammar to plain productions, in which every optional part doubles the alternatives. Pattern and generator need
the grammar before that. Lark's loader holds it, in trees that are not documented: only this module reads them, the version of Lark
is pinned for it, and its tests fail if the trees change.

Knows: the loader. Must not know: what a rule stands for, what the definitions are used for.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lark import Tree
from lark.exceptions import LarkError
from lark.grammar import NonTerminal
from lark.lexer import PatternStr, TerminalDef
from lark.load_grammar import (
    GrammarBuilder,
    PrepareAnonTerminals,
    PrepareLiterals,
    TerminalTreeToPattern,
    ValidateSymbols,
)

from conformance.errors import SuiteError
from conformance.grammar.automaton import NEVER
from conformance.grammar.compose import read
from conformance.grammar.tables import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Sequence:
    """All of the items, in order; none is the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the items, in the order of the files; none matches nothing."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The item, from `least` to `most` times; None is without end."""

    item: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A reference to a rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """A reference to a terminal."""

    name: str


Node = Sequence | Choice | Repeat | Rule | Terminal


@dataclass(frozen=True)
class Definitions:
    """A composed grammar.

    Names are those of the compiled grammar, those that Lark makes up for strings without a name included. A declared terminal has
    no pattern. An alternative that holds NEVER is no part of `rules`; what it refuses stands in `refused`, by the name of its rule.
    """

    rules: dict[str, Node]
    terminals: dict[str, Pattern]
    refused: dict[str, tuple[Node, ...]]


@functools.cache
def definitions(fragments: tuple[str, ...]) -> Definitions:
    """The definitions of fragments of `grammars/` (file names without ending, later ones extend earlier ones).

    Raises `SuiteError` with file and line for what Lark cannot read.
    """
    source = read(fragments)
    try:
        builder = GrammarBuilder()
        builder.load_grammar(source.text)
        grammar: Any = builder.build()
    except LarkError as error:
        raise SuiteError(source.located(str(error))) from None
    to_pattern = PrepareLiterals() * TerminalTreeToPattern()
    terminals = [
        TerminalDef(name, to_pattern.transform(tree), priority)
        for name, (tree, priority) in grammar.term_defs
        if tree is not None
    ]
    # Adds to `terminals` what has no name.
    named: Any = PrepareAnonTerminals
    to_symbols = PrepareLiterals() * ValidateSymbols() * named(terminals)
    rules: dict[str, Node] = {}
    refused: dict[str, tuple[Node, ...]] = {}
    for token, _parameters, tree, _options in grammar.rule_defs:
        name, reading = str(token), _Reading([])
        rules[name] = reading.node(to_symbols.transform(tree)) or Choice(())
        if reading.refused:
            refused[name] = tuple(reading.refused)
    patterns = {
        str(t.name): Pattern(t.pattern.value, isinstance(t.pattern, PatternStr), t.priority)
        for t in terminals
    }
    return Definitions(rules, patterns, refused)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one rule's tree."""

    refused: list[Node]

    def node(self, tree: Any) -> Node | None:
        """The node of a tree; None if nothing can match it."""
        if not isinstance(tree, Tree):
            return Rule(str(tree.name)) if isinstance(tree, NonTerminal) else Terminal(str(tree.name))
        match str(tree.data), list[Any](tree.children):
            case "expansions", alternatives:
                return self._choice(_in_order(alternatives))
            case "expansion", items:
                return self._sequence(items)
            case "alias", [item, _name]:
                return self.node(item)
            case "value", [item]:
                return self.node(item)
            case "maybe", [item]:
                return self._repeat(item, 0, 1)
            case "expr", [item, operator]:
                return self._repeat(item, *_TIMES[operator])
            case "expr", [item, "~", times]:
                return self._repeat(item, int(times), int(times))
            case "expr", [item, "~", least, most]:
                return self._repeat(item, int(least), int(most))
        raise SuiteError(f"a grammar uses {tree.data}, which definitions do not know")

    def _choice(self, alternatives: Iterable[Any]) -> Node | None:
        nodes = [node for tree in alternatives if (node := self.node(tree)) is not None]
        found = tuple(item for node in nodes for item in (node.items if isinstance(node, Choice) else [node]))
        return Choice(found) if len(found) > 1 else found[0] if found else None

    def _sequence(self, trees: list[Any]) -> Node | None:
        items = [self.node(tree) for tree in trees]
        if Terminal(NEVER) in items:
            before = tuple(item for item in items if item not in (None, Terminal(NEVER)))
            self.refused.append(before[0] if len(before) == 1 else Sequence(before))
            return None
        found = tuple(item for item in items if item is not None)
        if len(found) < len(items):
            return None
        return found[0] if len(found) == 1 else Sequence(found)

    def _repeat(self, tree: Any, least: int, most: int | None) -> Node | None:
        item = self.node(tree)
        if item is None:
            return None if least else Sequence(())
        return Repeat(item, least, most)


_TIMES: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


def _in_order(alternatives: list[Any]) -> list[Any]:
    """Lark puts each extension before what it extends; here it stands behind, as in the files."""
    added = [tree for tree in alternatives if isinstance(tree, Tree) and tree.data == "expansions"]
    return [tree for tree in alternatives if tree not in added] + added[::-1]
