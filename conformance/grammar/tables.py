"""The tables of a compiled grammar as plain data, and their text, which is read in a hundredth of the time that compiling takes.

This is the only reader of Lark's parse table and its items, which are not documented.

Knows: what Lark computed. Must not know: where the text is kept, how a run goes through the tables.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

#: Counts the forms that the text of tables has had.
FORM = 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a terminal matches, always case-insensitively: the string `text`, or what the regular expression `text` matches.

    Of two patterns that match the same octets, the one with the higher `priority` is meant.
    """

    text: str
    is_string: bool
    priority: int = 0

    @property
    def regexp(self) -> str:
        """A regular expression that matches the same."""
        return re.escape(self.text) if self.is_string else self.text


@dataclass(frozen=True, slots=True)
class Production:
    """One alternative of a rule: the `order`-th; names in capitals are terminals."""

    rule: str
    expansion: tuple[str, ...]
    order: int
    inline: bool  #: Lark's `?`: with one child it leaves no node


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a production, before its symbol `index`."""

    production: Production
    index: int

    @property
    def rule(self) -> str:
        """The rule that is being read."""
        return self.production.rule

    @property
    def following(self) -> str:
        """The symbol that has to follow; "" at the end."""
        expansion = self.production.expansion
        return expansion[self.index] if self.index < len(expansion) else ""


def is_terminal(symbol: str) -> bool:
    """Whether a symbol is a terminal (`$END` is one)."""
    return symbol.isupper()


@dataclass(frozen=True)
class Tables:
    """A state is a number, a production its place in `productions`."""

    terminals: dict[str, Pattern]
    productions: tuple[Production, ...]
    #: For each state, the state to which a symbol leads.
    shifts: list[dict[str, int]]
    #: For each state, the production that is complete when a terminal follows.
    folds: list[dict[str, int]]
    starts: dict[str, int]  #: by entry rule
    ends: frozenset[int]
    #: For each state, the places in productions where a run can be: numbers of the production and the symbol, in turns.
    places: list[list[int]]

    @functools.cached_property
    def items(self) -> tuple[tuple[Place, ...], ...]:
        """For each state, the places in productions where a run in that state can be."""
        made = functools.cache(lambda production, index: Place(self.productions[production], index))
        return tuple(
            tuple(made(*pair) for pair in zip(row[::2], row[1::2], strict=True)) for row in self.places
        )

    def dumps(self) -> str:
        """The text of the tables."""
        terminals = {name: astuple(pattern) for name, pattern in self.terminals.items()}
        productions = [astuple(production) for production in self.productions]
        return json.dumps(
            [terminals, productions, self.shifts, self.folds, self.starts, sorted(self.ends), self.places]
        )


def loads(text: str) -> Tables:
    """The tables of a text that `dumps` made."""
    terminals, productions, shifts, folds, starts, ends, places = json.loads(text)
    return Tables(
        {name: Pattern(*fields) for name, fields in terminals.items()},
        tuple(Production(rule, tuple(expansion), *more) for rule, expansion, *more in productions),
        shifts,
        folds,
        starts,
        frozenset(ends),
        places,
    )


def tables(lark: Lark) -> Tables:
    """The tables of a compiled grammar; `debug=True` has kept its items.

    States are numbered as they are reached, symbols in the order of their names: Lark's own order is another in every process.
    """
    table: Any = lark.parser.parser._parse_table  # noqa: SLF001 - see the module's docstring
    numbers = {state: n for n, (_, state) in enumerate(sorted(table.start_states.items()))}
    rules: dict[Any, int] = {}
    shifts: list[dict[str, int]] = []
    folds: list[dict[str, int]] = []
    places: list[list[int]] = []
    for state in (states := list(numbers)):  # grows while it is walked
        items = sorted(state, key=lambda p: (p.rule.origin.name, p.rule.order, p.index))
        places.append([n for p in items for n in (rules.setdefault(p.rule, len(rules)), p.index)])
        row = sorted((str(symbol), target) for symbol, (_, target) in table.states[state].items())
        shifts.append({})
        folds.append({})
        for symbol, target in row:
            if target not in table.states:
                folds[-1][symbol] = rules[target]
                continue
            if target not in numbers:
                numbers[target] = len(states)
                states.append(target)
            shifts[-1][symbol] = numbers[target]
    return Tables(
        {
            str(t.name): Pattern(str(t.pattern.value), t.pattern.type == "str", t.priority)
            for t in sorted(lark.terminals, key=lambda t: t.name)
        },
        tuple(
            Production(
                str(rule.origin.name),
                tuple(str(s.name) for s in rule.expansion),
                rule.order,
                rule.options.expand1,
            )
            for rule in rules
        ),
        shifts,
        folds,
        {str(rule): numbers[state] for rule, state in sorted(table.start_states.items())},
        frozenset(numbers[state] for state in table.end_states.values()),
        places,
    )
