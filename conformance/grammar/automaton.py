"""The LALR(1) tables that Lark computes, driven by a loop of our own.

Lark's own loop counts lines and columns, cannot take a literal by its octet count, and cannot say what was being read when it
stopped; this one does, and is several times as fast. Time is linear in the input, and neither depth nor length exhausts the
interpreter's stack.

Knows: tables, tokens, literals. Must not know: what a rule stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lark import Token, Tree

from conformance.grammar.tables import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.grammar.tables import Pattern, Production, Tables

END = "$END"
#: Declared in the grammar, matched by nothing: what stands before it is refused.
NEVER = "NEVER"
#: `${...}` of a template: the rest of the innermost list that can be cut short.
REST = "REST"
_REST = "${...}"
_BEFORE_REST = frozenset({"SP", "LPAR"})
#: Stand for the header of a literal: {n}CRLF, or {n+}CRLF where a fragment says so; with "~" before it NUL may follow.
LITERAL, LITERAL8 = "LITERAL", "LITERAL8"
_SILENT = frozenset({"SP", "CRLF"})
#: More digits than any number that is in range has; `int` takes quadratic time, and refuses thousands.
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Reduction:
    """Fold the last `size` values into a node `rule`.

    A `helper` leaves no node, but the bare list of its values; `single` says that there is one value, which stays as it is.
    """

    rule: str
    size: int
    helper: bool
    single: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a run stopped: the stack of states, the offset, type and offset of the token before it.

    `note` is set when a literal's octets are the reason: "NUL" among them, or "short", fewer than announced.
    """

    stack: tuple[int, ...]
    offset: int
    last_type: str
    last_offset: int
    note: str = ""


def number(digits: str) -> int:
    """The value of decimal digits. Where it is out of any range, only that it is so is kept."""
    return int(digits if len(digits) <= _DIGITS else digits.lstrip("0")[:_DIGITS] or "0")


#: Finds the next token in a state: a search for any of its terminals, and the keywords that such a terminal may turn out to be.
Scanner = tuple["Callable[[str, int], re.Match[str] | None]", dict[str, str]]


def _scanner(terminals: dict[str, Pattern]) -> Scanner:
    """Patterns come before plain strings, long strings before short ones; a string that a pattern matched whole is that string."""
    found = sorted(terminals.items(), key=lambda t: (-t[1].priority, t[1].is_string, -len(t[1].text)))
    patterns = [_compile(pattern.regexp) for _, pattern in found if not pattern.is_string]
    keywords = {
        pattern.text.lower(): name
        for name, pattern in found
        if pattern.is_string and any(p.fullmatch(pattern.text) for p in patterns)
    }
    any_of = "|".join(f"(?P<{name}>{pattern.regexp})" for name, pattern in found)
    return _compile(any_of or "(?!)").match, keywords


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


class Automaton:
    """A compiled grammar."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.terminals = tables.terminals
        reductions = [_reduction(production) for production in tables.productions]
        #: For each state, what each terminal does: lead to a state, or fold first.
        self.actions: list[dict[str, int | Reduction]] = [
            {symbol: state for symbol, state in shifts.items() if is_terminal(symbol)}
            | {symbol: reductions[production] for symbol, production in folds.items()}
            for shifts, folds in zip(tables.shifts, tables.folds, strict=True)
        ]
        #: For each state, where a rule that is complete leads.
        self.gotos: list[dict[str, int]] = [
            {symbol: state for symbol, state in shifts.items() if not is_terminal(symbol)}
            for shifts in tables.shifts
        ]
        self.ends = tables.ends
        self._scanners: list[Scanner | None] = [None] * len(tables.shifts)
        self._shared: dict[frozenset[str], Scanner] = {}

    def _scanner(self, state: int) -> Scanner:
        """The scanner of a state, made when it is first needed."""
        accepted = frozenset(self.actions[state].keys() & self.terminals.keys())
        found = self._shared.get(accepted) or _scanner({name: self.terminals[name] for name in accepted})
        self._shared[accepted] = self._scanners[state] = found
        return found

    def run(self, rule: str, text: str, *, build: bool = True) -> Tree[Token] | Stop:  # noqa: C901, PLR0912 - the hot loop
        """Read the whole text (one character per octet) as `rule`: its tree, or where it stopped.

        Without `build` the tree is empty, which is faster.
        """
        actions, gotos, scanners, cuts = self.actions, self.gotos, self._scanners, REST in self.terminals
        literals = (LITERAL, LITERAL8)
        stack, values = [self.tables.starts[rule]], list[Any]()
        offset, end, last_type, last_offset = 0, len(text), "", 0
        while True:
            if offset == end:
                kind, stop, word = END, offset, ""
            elif cuts and last_type in _BEFORE_REST and text.startswith(_REST, offset):
                kind, stop, word = REST, offset + len(_REST), _REST
                _cut_short(actions, stack, values)
            else:
                match, keywords = scanners[stack[-1]] or self._scanner(stack[-1])
                found = match(text, offset)
                if found is None:
                    return Stop(tuple(stack), offset, last_type, last_offset)
                kind, stop, word = found.lastgroup or "", found.end(), found[0]
                if keywords:
                    kind = keywords.get(word.lower(), kind)
                if kind in literals:
                    begin, stop = stop, stop + number(word.strip("~{+}\r\n"))
                    nul = text.find("\0", begin, stop) if kind == LITERAL else -1
                    if nul >= 0 or stop > end:
                        where, note = (nul, "NUL") if nul >= 0 else (end, "short")
                        return Stop(tuple(stack), where, last_type, last_offset, note)
                    word = text[offset:stop] if build else ""
            action = actions[stack[-1]].get(kind)
            while isinstance(action, Reduction):
                del stack[-action.size :]
                if build and not action.single:
                    _fold(values, action)
                state = gotos[stack[-1]][action.rule]
                stack.append(state)
                if kind == END and state in self.ends:
                    return _only(values) if build else Tree(rule, [])
                action = actions[state].get(kind)
            if action is None:
                if kind in (END, REST):
                    return Stop(tuple(stack), offset, last_type, last_offset)
                # States share reductions (LALR): go back to what the stack was before this token's.
                return self.run(rule, text[:offset], build=build)
            stack.append(action)
            if build:
                token = None if kind in _SILENT else Token(kind, word, offset, end_pos=stop)
                values.append([*values.pop(), token] if kind == REST else token)
            last_type, last_offset, offset = kind, offset, stop


def _reduction(production: Production) -> Reduction:
    """What completing a production does."""
    rule, size = production.rule, len(production.expansion)
    helper = rule.startswith("_")
    return Reduction(rule, size, helper, single=size == 1 and (helper or production.inline))


def _only(values: list[Any]) -> Tree[Token]:
    """The value that is left when all was read."""
    (tree,) = values
    assert isinstance(tree, Tree)
    return tree


def _fold(values: list[Any], reduction: Reduction) -> None:
    """Replace the last values by one: a node, or the bare list that a helper stands for.

    A list's first part is extended in place, which keeps long lists linear.
    """
    first, *others = values[-reduction.size :]
    del values[-reduction.size :]
    children = first if isinstance(first, list) else [first] if first is not None else []
    for value in others:
        if isinstance(value, list):
            children += value
        elif value is not None:
            children.append(value)
    values.append(children if reduction.helper else Tree(reduction.rule, children))


def _cut_short(actions: list[dict[str, int | Reduction]], stack: list[int], values: list[Any]) -> None:
    """Go back to where the innermost list may be cut short; the parts of it that were read become one value, in order."""
    depth = len(stack) - 1
    while depth and REST not in actions[stack[depth]] and values[depth - 1] != "(":
        depth -= 1
    if REST not in actions[stack[depth]]:
        depth = len(values)
    parts = [[], *values[depth:]]
    del stack[depth + 1 :], values[depth:]
    values += parts
    _fold(values, Reduction("", len(parts), helper=True, single=False))
