"""The LALR(1) tables that Lark computes, driven by a loop of our own.

Lark's own loop counts lines and columns, cannot take a literal by its octet count, and cannot say what was being read when it
stopped; this one does, and is several times as fast. Time is linear in the input, and neither depth nor length exhausts the
interpreter's stack. It reads Lark's parse table and its items, which are not documented; nothing else in the project does.

Knows: tables, tokens, literals. Must not know: what a rule stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lark import Token, Tree
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import Reduce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lark import Lark
    from lark.lexer import TerminalDef
    from lark.parsers.grammar_analysis import RulePtr

END = "$END"
#: Declared in the grammar, matched by nothing: what stands before it is refused.
NEVER = "NEVER"
#: `${...}` of a template: the rest of the innermost list that can be cut short.
REST = "REST"
_REST = "${...}"
_BEFORE_REST = frozenset({"SP", "LPAR", "LSQB"})
_LITERAL = "LITERAL"
#: Instead of a token: none fits; a literal holds NUL; a literal has fewer octets than announced. With the note of each.
UNKNOWN, NUL, SHORT = "$UNKNOWN", "$NUL", "$SHORT"
_NO_TOKEN = {END: "", REST: "", UNKNOWN: "", NUL: NUL, SHORT: SHORT}
_SILENT = frozenset({"SP", "CRLF"})
#: More digits than any number that is in range has; `int` takes quadratic time, and refuses thousands.
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Reduction:
    """Fold the last `size` values into a node `rule`; a helper leaves no node."""

    rule: str
    size: int
    helper: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a run stopped: the stack of states, the offset, type and offset of the token before it.

    `note` is set when a literal's octets are the reason: they hold NUL, or are fewer than announced.
    """

    stack: tuple[int, ...]
    offset: int
    last_type: str
    last_offset: int
    note: str = ""


def number(digits: str) -> int:
    """The value of decimal digits. Where it is out of any range, only that it is so is kept."""
    return int(digits if len(digits) <= _DIGITS else digits.lstrip("0")[:_DIGITS] or "0")


class _Scanner:
    """Finds the next token among the terminals that one state accepts.

    Patterns come before plain strings, long strings before short ones; a string that a pattern matched whole is that string.
    """

    def __init__(self, terminals: Iterable[TerminalDef]) -> None:
        found = sorted(
            terminals, key=lambda t: (-t.priority, isinstance(t.pattern, PatternStr), -len(t.pattern.value))
        )
        patterns = [t for t in found if not isinstance(t.pattern, PatternStr)]
        any_of = "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in found)
        self._match = _compile(any_of or "(?!)").match
        self._keywords = {
            t.pattern.value.lower(): t.name
            for t in found
            if isinstance(t.pattern, PatternStr)
            and any(_compile(p.pattern.to_regexp()).fullmatch(t.pattern.value) for p in patterns)
        }

    def match(self, text: str, offset: int) -> tuple[str, int] | None:
        """Type and end of the token at `offset`."""
        found = self._match(text, offset)
        if found is None:
            return None
        kind, stop = found.lastgroup or "", found.end()
        if self._keywords:
            kind = self._keywords.get(text[offset:stop].lower(), kind)
        return kind, stop


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


class Automaton:
    """A compiled grammar."""

    def __init__(self, lark: Lark) -> None:
        table: Any = lark.parser.parser._parse_table  # noqa: SLF001 - see the module's docstring
        numbers = {state: n for n, state in enumerate(table.states)}
        reductions: dict[Any, Reduction] = {}

        def action(kind: Any, argument: Any) -> int | Reduction:
            if kind is not Reduce:
                return numbers[argument]
            if argument not in reductions:
                name = argument.origin.name
                reductions[argument] = Reduction(name, len(argument.expansion), name.startswith("_"))
            return reductions[argument]

        #: For each state, the places in rules where a run in that state can be.
        self.items: tuple[frozenset[RulePtr], ...] = tuple(table.states)
        #: For each state, what each terminal does (and where each rule leads).
        self.states: tuple[dict[str, int | Reduction], ...] = tuple(
            {symbol: action(*row) for symbol, row in rows.items()} for rows in table.states.values()
        )
        self.terminals = {terminal.name: terminal for terminal in lark.terminals}
        self.ends = frozenset(numbers[state] for state in table.end_states.values())
        self._starts = {rule: numbers[state] for rule, state in table.start_states.items()}
        self._scanners: list[_Scanner | None] = [None] * len(numbers)
        self._shared: dict[frozenset[str], _Scanner] = {}

    def _scanner(self, state: int) -> _Scanner:
        """The scanner of a state, made when it is first needed."""
        accepted = frozenset(self.states[state].keys() & self.terminals.keys())
        found = self._shared.get(accepted) or _Scanner([self.terminals[name] for name in accepted])
        self._shared[accepted] = self._scanners[state] = found
        return found

    def run(self, rule: str, text: str, *, build: bool = True) -> Tree[Token] | Stop:
        """Read the whole text (one character per octet) as `rule`: its tree, or where it stopped.

        Without `build` the tree is empty, which is faster.
        """
        states, ends, cuts = self.states, self.ends, REST in self.terminals
        stack, values = [self._starts[rule]], list[Any]()
        offset, last_type, last_offset = 0, "", 0
        while True:
            if cuts and last_type in _BEFORE_REST and text.startswith(_REST, offset):
                kind, stop = REST, offset + len(_REST)
                _cut_short(states, stack, values)
            else:
                kind, stop = self._scan(stack[-1], text, offset)
            action = states[stack[-1]].get(kind)
            while isinstance(action, Reduction):
                del stack[-action.size :]
                if build:
                    _reduce(values, action)
                state = states[stack[-1]][action.rule]
                assert isinstance(state, int)
                stack.append(state)
                if kind == END and state in ends:
                    return _only(values) if build else Tree(rule, [])
                action = states[state].get(kind)
            if action is None:
                if kind in _NO_TOKEN:
                    return Stop(tuple(stack), stop, last_type, last_offset, _NO_TOKEN[kind])
                # States share reductions (LALR): go back to what the stack was before this token's.
                return self.run(rule, text[:offset], build=build)
            stack.append(action)
            if build:
                token = None if kind in _SILENT else Token(kind, text[offset:stop], offset, end_pos=stop)
                values.append([*values.pop(), token] if kind == REST else token)
            last_type, last_offset, offset = kind, offset, stop

    def _scan(self, state: int, text: str, offset: int) -> tuple[str, int]:
        """Type and end of the token at `offset`; a type that no state knows, and where it went wrong, if there is none."""
        if offset == len(text):
            return END, offset
        found = (self._scanners[state] or self._scanner(state)).match(text, offset)
        if found is None:
            return UNKNOWN, offset
        kind, stop = found
        if kind == _LITERAL:
            begin, stop = stop, stop + number(text[offset + 1 : stop - 3])
            nul = text.find("\0", begin, stop)
            if nul >= 0:
                return NUL, nul
            if stop > len(text):
                return SHORT, len(text)
        return kind, stop


def _only(values: list[Any]) -> Tree[Token]:
    """The value that is left when all was read."""
    (tree,) = values
    assert isinstance(tree, Tree)
    return tree


def _reduce(values: list[Any], reduction: Reduction) -> None:
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


def _cut_short(states: tuple[dict[str, int | Reduction], ...], stack: list[int], values: list[Any]) -> None:
    """Go back to where the innermost list may be cut short; the parts of it that were read become one value, in order."""
    depth = len(stack) - 1
    while depth and REST not in states[stack[depth]] and values[depth - 1] != "(":
        depth -= 1
    if REST not in states[stack[depth]]:
        depth = len(values)
    parts = [[], *values[depth:]]
    del stack[depth + 1 :], values[depth:]
    values += parts
    _reduce(values, Reduction("", len(parts), helper=True))
