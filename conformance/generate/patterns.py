"""The regular expression of a terminal as nodes to walk.

The standard library's own parser of regular expressions is read, which is not documented: only this module does.

Knows: regular expressions over octets (characters U+0000 to U+00FF). Must not know: grammars.
"""

from __future__ import annotations

import importlib
import itertools
import math
import re
from typing import TYPE_CHECKING, Any

from conformance.errors import SuiteError
from conformance.generate.nodes import MANY, Choice, Fixed, Node, Repeat, Run, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.generate.nodes import Context

_parser: Any = importlib.import_module("re._parser")

#: A part with at most so many texts is chosen as a whole.
_FEW = 300

_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def walkable(name: str, pattern: str, contexts: Iterator[Context]) -> Node:
    """Nodes that write what the pattern matches. Raises `SuiteError` for what needs look-around."""
    return _Reading(name, contexts).sequence(_parser.parse(pattern, re.ASCII))


class _Reading:
    """The reading of one pattern."""

    def __init__(self, name: str, contexts: Iterator[Context]) -> None:
        self.name = name
        self._contexts = contexts

    def sequence(self, parts: Iterable[tuple[Any, Any]]) -> Node:
        nodes: list[Node] = []
        for operator, value in parts:
            node = self._node(str(operator), value)
            if isinstance(node, Run) and nodes and isinstance(nodes[-1], Run) and _alike(nodes[-1], node):
                before = nodes.pop()
                assert isinstance(before, Run)
                node = Run(node.units, before.least + node.least, min(before.most + node.most, MANY))
            nodes.append(node)
        return nodes[0] if len(nodes) == 1 else Sequence(nodes)

    def _node(self, operator: str, value: Any) -> Node:
        if operator in _REPEATS:
            least, most, item = value
            bound = None if most == _parser.MAXREPEAT else int(most)
            units = _texts(item)
            if units is not None:
                return Run(units, least, bound)
            return Repeat(self.name, self.sequence(item), least, bound, self._contexts)
        match operator, value:
            case "SUBPATTERN", [_, _, _, item]:
                return self.sequence(item)
            case "ATOMIC_GROUP", item:
                return self.sequence(item)
            case "BRANCH", [_, items]:
                return Choice(self.name, [self.sequence(item) for item in items], self._contexts)
            case "LITERAL", octet:
                return Fixed(self.name, chr(octet))
        return Run(_octets(operator, value))


def _alike(one: Run, other: Run) -> bool:
    return one.units == other.units


def _octets(operator: str, value: Any) -> list[str]:
    """What a class, or anything else that is one octet, matches."""
    match operator, value:
        case "LITERAL", octet:
            return [chr(octet)]
        case "NOT_LITERAL", octet:
            return [chr(n) for n in range(0x100) if n != octet]
        case "RANGE", [first, last]:
            return [chr(n) for n in range(first, last + 1)]
        case "ANY", _:
            return [chr(n) for n in range(0x100) if n != 10]
        case "IN", [*parts]:
            negated = str(parts[0][0]) == "NEGATE"
            found = [c for op, v in parts[negated:] for c in _octets(str(op), v)]
            return [chr(n) for n in range(0x100) if chr(n) not in found] if negated else found
    raise SuiteError(f"a pattern uses {operator}, which cannot be generated from")


def _texts(parts: Iterable[tuple[Any, Any]]) -> list[str] | None:
    """All texts of a pattern, if they are few."""
    choices: list[list[str]] = []
    for op, value in parts:
        operator = str(op)
        texts: list[str] | None
        if operator in _REPEATS or operator == "ATOMIC_GROUP":
            return None
        if operator == "SUBPATTERN":
            texts = _texts(value[3])
        elif operator == "BRANCH":
            several = [_texts(item) for item in value[1]]
            texts = None if None in several else [text for some in several for text in some or ()]
        else:
            texts = _octets(operator, value)
        if texts is None:
            return None
        choices.append(texts)
        if math.prod(map(len, choices)) > _FEW:
            return None
    return ["".join(texts) for texts in itertools.product(*choices)]
