"""Definitions -> one regular expression that matches well-formed units, and nothing else, but not all of them.

What it leaves out: rules nested deeper than a bound, and terminals whose keywords it cannot exclude. Who does not get a match has to
ask the automaton; who gets one need not. That holds because the pattern takes no word where the automaton's lexer takes another:

- In a state that accepts a keyword and a pattern that matches it whole, the lexer takes the keyword. So a pattern is written
  without the keywords that are accepted where it stands (RE2 cannot look ahead: the words are taken out letter by letter), unless
  keyword and pattern are alternatives with the same continuation.
- Where a state is known only roughly, all keywords that any such state accepts beside the pattern are taken out.

Other overlaps of two terminals in one state have to be harmless; the tests list them.

Knows: definitions, states. Must not know: what a rule stands for, how the pattern is matched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.grammar.automaton import LITERAL, LITERAL8, NEVER
from conformance.grammar.definitions import Choice, Node, Repeat, Rule, Sequence, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.grammar.automaton import Automaton
    from conformance.grammar.definitions import Definitions

#: How often rules may be within themselves at most, and how many characters long the pattern may become for that.
DEPTH, LENGTH = 5, 600_000
#: Stands in the pattern, and in what it is matched against, for the line end of a literal's header whose octets are taken out.
CUT = "\0"
_NOTHING = r"[^\x00-\xff]"
#: A rule, and the symbol in it that is to come right behind a terminal: as much as is known of a state.
Owner = tuple[str, str]
_ANYWHERE: Owner = ("", "")
_CRLF = "\r\n"
_FLAGS = re.IGNORECASE | re.ASCII


def pattern(definitions: Definitions, automaton: Automaton, rule: str) -> str:
    """The pattern for an entry rule, to be matched case-insensitively against a whole unit.

    The unit holds no NUL, and instead of each literal its header with `CUT` for CRLF. The pattern has no look-around, no group that
    captures, and characters U+0000 to U+00FF.
    """
    rivals, found = Rivals(automaton), ""
    for depth in range(DEPTH + 1):
        deeper = _Writer(definitions, rivals).rule(rule, _Place(depth))
        if found and len(deeper) > LENGTH:
            break
        found = deeper
    return found


class Rivals:
    """The keywords that the lexer prefers to a pattern that matches them."""

    def __init__(self, automaton: Automaton) -> None:
        self._found: dict[tuple[Owner, str], set[str]] = {}
        owners = _owners(automaton)
        accepted = [frozenset(actions.keys() & automaton.terminals.keys()) for actions in automaton.actions]
        keywords = {names: dict(_keywords(automaton, names)) for names in set(accepted)}
        for names, items in zip(accepted, automaton.tables.items, strict=True):
            begun = {(rule, p.following) for p in items if p.index and p.following for rule in owners[p.rule]}
            for terminal, words in keywords[names].items():
                for owner in (_ANYWHERE, *begun):
                    self._found.setdefault((owner, terminal), set()).update(words)

    def of(self, terminal: str, owner: Owner) -> frozenset[str]:
        """The keywords, in small letters, that are accepted beside a terminal with which the symbol of `owner` begins.

        The symbol stands in a rule right behind another terminal. `("", "")` means all states.
        """
        return frozenset(self._found.get((owner, terminal), ()))


def _keywords(automaton: Automaton, names: frozenset[str]) -> Iterator[tuple[str, set[str]]]:
    patterns = {name: automaton.terminals[name] for name in names - {NEVER}}
    strings = [p.text for p in patterns.values() if p.is_string]
    for name, found in patterns.items():
        if not found.is_string and (
            words := {text.lower() for text in strings if re.fullmatch(found.text, text, _FLAGS)}
        ):
            yield name, words


def _owners(automaton: Automaton) -> dict[str, set[str]]:
    """For each rule itself; for each helper that Lark made of a repetition the rules in which it stands."""
    users: dict[str, set[str]] = {}
    for production in automaton.tables.productions:
        for symbol in production.expansion:
            users.setdefault(symbol, set()).add(production.rule)

    def owners(name: str, seen: frozenset[str]) -> set[str]:
        if not name.startswith("__"):
            return {name}
        return set().union(*(owners(user, seen | {name}) for user in users.get(name, set()) - seen - {name}))

    names = {production.rule for production in automaton.tables.productions}
    return {name: owners(name, frozenset()) for name in names}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands.

    `rule` is set right behind a terminal of that rule; before that stands what `owner` says. `spared` are keywords beside which the
    node is a whole alternative. `within` are the rules that stand around it and can stand in it again, which they may do `depth`
    times.
    """

    depth: int
    within: frozenset[str] = frozenset()
    rule: str = ""
    owner: Owner = _ANYWHERE
    spared: frozenset[str] = frozenset()

    def behind(self, node: Node, rule: str) -> _Place:
        """The place behind a node of a rule."""
        alternatives = node.items if isinstance(node, Choice) else (node,)
        known = all(isinstance(item, Terminal) for item in alternatives)
        return _Place(self.depth, self.within, rule if known else "")

    def of(self, symbol: str) -> _Place:
        """The place of the beginning of a symbol that stands here."""
        return replace(self, rule="", owner=(self.rule, symbol)) if self.rule else self


@dataclass
class _Writer:
    definitions: Definitions
    rivals: Rivals
    _written: dict[tuple[str, _Place], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.definitions.rules
        reach = {name: _reachable(self.definitions, name) for name in names}
        #: For each rule, the rules within it that contain themselves.
        self._recursive = {
            name: frozenset(n for n in {name, *reach[name]} if n in reach[n]) for name in names
        }

    def rule(self, name: str, place: _Place) -> str:
        """The pattern of a rule that stands at a place."""
        within, depth = place.within, place.depth
        if name in within:
            within, depth = frozenset(), depth - 1
        if depth < 0:
            return _NOTHING
        at = replace(place.of(name), within=(within | {name}) & self._recursive[name], depth=depth)
        if (name, at) not in self._written:
            self._written[name, at] = self._node(_unrolled(name, self.definitions.rules[name]), at, name)
        return self._written[name, at]

    def _node(self, node: Node, place: _Place, rule: str) -> str:
        match node:
            case Terminal(name):
                return self._terminal(name, place.of(name))
            case Rule(name):
                return self.rule(name, place)
            case Choice(items):
                beside = replace(place, spared=place.spared | self._keywords(items))
                return _any_of([self._node(item, beside, rule) for item in items])
            case Sequence(items):
                first = replace(place, spared=frozenset())
                places = [first, *(place.behind(item, rule) for item in items[:-1])]
                return "".join(self._node(item, at, rule) for item, at in zip(items, places, strict=True))
            case Repeat(item, least, most):
                inner = replace(place, spared=frozenset()) if most == 1 else place.behind(node, rule)
                return f"(?:{self._node(item, inner, rule)}){_times(least, most)}"

    def _keywords(self, items: tuple[Node, ...]) -> frozenset[str]:
        """The alternatives that are strings, in small letters."""
        patterns = [self.definitions.terminals.get(item.name) for item in items if isinstance(item, Terminal)]
        return frozenset(found.text.lower() for found in patterns if found and found.is_string)

    def _terminal(self, name: str, place: _Place) -> str:
        found = self.definitions.terminals.get(name)
        if found is None:
            return _NOTHING
        if found.is_string:
            return re.escape(found.text)
        if name in (LITERAL, LITERAL8):
            return f"(?:{found.text.removesuffix(_CRLF)}{CUT})" if found.text.endswith(_CRLF) else _NOTHING
        return _without(found.text, self.rivals.of(name, place.owner) - place.spared)


def _reachable(definitions: Definitions, name: str) -> set[str]:
    """The rules that a rule contains, directly or not."""
    found: set[str] = set()
    to_do = [definitions.rules[name]]
    while to_do:
        match to_do.pop():
            case Rule(inner) if inner not in found:
                found.add(inner)
                to_do.append(definitions.rules[inner])
            case Repeat(item):
                to_do.append(item)
            case Sequence(items) | Choice(items):
                to_do += items
    return found


def _unrolled(name: str, node: Node) -> Node:
    """A rule that begins or ends with itself, as a repetition: `a: b | a c | d a` is `d* b c*`."""
    found: dict[str, list[Node]] = {"before": [], "itself": [], "behind": []}
    for item in node.items if isinstance(node, Choice) else (node,):
        match item:
            case Sequence((Rule(first), *behind)) if first == name:
                found["behind"].append(Sequence(tuple(behind)))
            case Sequence((*before, Rule(last))) if last == name:
                found["before"].append(Sequence(tuple(before)))
            case _:
                found["itself"].append(item)
    if len(found["itself"]) == 1 and found["itself"][0] is node:
        return node
    parts: list[Node] = [Choice(tuple(found["itself"]))]
    if found["before"]:
        parts.insert(0, Repeat(Choice(tuple(found["before"])), 0, None))
    if found["behind"]:
        parts.append(Repeat(Choice(tuple(found["behind"])), 0, None))
    return Sequence(tuple(parts)) if len(parts) > 1 else node


def _any_of(patterns: list[str]) -> str:
    return f"(?:{'|'.join(patterns)})" if patterns else _NOTHING


def _times(least: int, most: int | None) -> str:
    short = {(0, 1): "?", (0, None): "*", (1, None): "+"}
    return short.get((least, most)) or f"{{{least},{'' if most is None else most}}}"


# ---- patterns without some words ----------------------------------------------------------------------------------------

_CLASS = r"\[(?:\\.|[^\]\\])+\]"
_PLAIN = r"(?:\\[^A-Za-z0-9]|[^\\\[\](){}*+?|.^$])*"
#: A text, one class repeated (perhaps with pairs behind a backslash), a text.
_SHAPE = re.compile(rf"({_PLAIN})(?:({_CLASS})|\(\?:({_CLASS})\|(\\\\{_CLASS})\))([*+])({_PLAIN})", re.DOTALL)


def _without(terminal: str, words: frozenset[str]) -> str:
    """A terminal's pattern that does not match some words (in small letters), which it would match."""
    if not words:
        return f"(?:{terminal})"
    shape = _SHAPE.fullmatch(terminal)
    if not shape:
        return _NOTHING
    before, alone, first, pair, times, after = shape.groups(default="")
    begin, end = (re.sub(r"\\(.)", r"\1", text) for text in (before, after))
    octets = frozenset(n for n in range(0x100) if re.fullmatch(alone or first, chr(n), _FLAGS))
    inner = {word[len(begin) : len(word) - len(end)] for word in words}
    if not all(ord(letter) in octets for word in inner for letter in word):
        return _NOTHING
    return before + _others(inner, octets, pair, empty=times == "*") + after


def _others(words: set[str], octets: frozenset[int], pair: str, *, empty: bool) -> str:
    """Any number of octets or pairs (none only if `empty`), but none of these words."""
    letters = {word[0] for word in words if word}
    free = octets - {ord(case) for letter in letters for case in (letter, letter.upper())}
    one, each = (_any_of([_class(found), *filter(None, [pair])]) for found in (free, octets))
    ways = [f"{one}{each}*"]
    for letter in sorted(letters):
        rest = {word[1:] for word in words if word.startswith(letter)}
        ways.append(re.escape(letter) + _others(rest, octets, pair, empty=True))
    return _any_of(ways) + ("?" if empty and "" not in words else "")


def _class(octets: frozenset[int]) -> str:
    if not octets:
        return _NOTHING
    found = sorted(octets)
    ends = [n for n in found if n + 1 not in octets]
    begins = [n for n in found if n - 1 not in octets]
    return "[" + "".join(f"\\x{a:02x}-\\x{b:02x}" for a, b in zip(begins, ends, strict=True)) + "]"
