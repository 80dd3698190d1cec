"""Grammar, kind, environment and chooser -> units.

Knows: which rule each kind begins with. Must not know: how to choose.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import UsageError, nearest
from conformance.generate.build import Graph
from conformance.generate.environment import ANYTHING
from conformance.generate.nodes import Walk
from conformance.grammar import DEFAULT, load
from conformance.grammar.compose import files
from conformance.grammar.definitions import definitions

if TYPE_CHECKING:
    from conformance.generate.environment import Environment
    from conformance.generate.nodes import Chooser, Span
    from conformance.grammar import Grammar, Kind

#: The rule of a whole unit.
RULES: dict[Kind, str] = {"response": "response_unit", "greeting": "greeting", "command": "command"}

#: After so many decisions, and within so many rules that can contain themselves, a unit hurries to its end.
SIZE, DEEPEST = 40, 12


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in its pieces (one character per octet), one for each token, and which of them each rule and token wrote."""

    pieces: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def octets(self) -> bytes:
        """The whole unit."""
        return "".join(self.pieces).encode("latin-1")


class Generator:
    """Makes units of one kind. `rule` makes only what that rule is; `size` and `deepest` bound a unit softly.

    Raises `UsageError` for a rule that there is not.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        grammar: Grammar | None = None,
        environment: Environment = ANYTHING,
        rule: str = "",
        size: int = SIZE,
        deepest: int = DEEPEST,
    ) -> None:
        fragments = grammar.fragments if grammar else (*DEFAULT, *environment.fragments)
        self.graph = _graph(fragments, kind, environment)
        self.kind = kind
        self.grammar = grammar or load(fragments)
        name = rule.replace("-", "_") or RULES[kind]
        if name not in self.graph.rules:
            raise UsageError(f"{kind}s have no rule {rule}{nearest(name, self.graph.rules) or '.'}")
        self.root = self.graph.rules[name]
        #: All that can stand in a wrong place.
        self.kinds = (*self.graph.rules.values(), *self.graph.terminals.values())
        self._size = size
        self._deepest = deepest

    def octets(self, chooser: Chooser) -> bytes:
        """One unit."""
        walk = Walk(chooser, self._size, self._deepest, None)
        self.root.walk(walk, 0, 0)
        return "".join(walk.out).encode("latin-1")

    def unit(self, chooser: Chooser) -> Unit:
        """One unit, in pieces."""
        spans: list[Span] = []
        walk = Walk(chooser, self._size, self._deepest, spans)
        self.root.walk(walk, 0, 0)
        return Unit(tuple(walk.out), tuple(spans))


@functools.lru_cache(maxsize=32)
def _graph(fragments: tuple[str, ...], kind: Kind, environment: Environment) -> Graph:
    grammar = load(fragments)
    return Graph(definitions(files(fragments, commands=kind == "command")), grammar.rivals(kind), environment)
