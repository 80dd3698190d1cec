"""Why the grammar refuses a unit, in words for the author of the server.

Knows: the words for what a rule or token looks like; how to read off a stopped run what was being read and what could have followed.
Must not know: how a problem is reported or judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.grammar.automaton import END, NEVER, Reduction
from conformance.grammar.tables import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.grammar.automaton import Automaton, Stop
    from conformance.grammar.tables import Place

#: What a rule or token looks like, for the sentence "expected ...". Keywords and punctuation speak for themselves.
WORDS: dict[str, str] = {
    END: "nothing more",
    "SP": "a space",
    "CRLF": "CRLF",
    "DQUOTE": "a double quote",
    "TAG": "a tag",
    "TEXT": "7-bit text",
    "PLAIN_TEXT": "7-bit text",
    "CODE_TEXT": "7-bit text without ]",
    "ATOM": "an atom",
    "NUMBER": "a number",
    "NZ_NUMBER": "a number above 0",
    "number": "a number",
    "nz_number": "a number above 0",
    "astring": "an atom or a string",
    "string": "a string",
    "nstring": "a string or NIL",
    "nil": "NIL",
    "QUOTED_CHAR": "one 7-bit character",
    "DATE_DAY_FIXED": "a day in two characters",
    "DATE_MONTH": "a month such as Jan",
    "DATE_YEAR": "a year in four digits",
    "TIME": "a time such as 23:59:59",
    "ZONE": "a zone such as +0000",
    "flag": r"a flag such as \Seen (not \Recent)",
    "flag_fetch": r"a flag such as \Seen or \Recent",
    "flag_perm": r"a flag such as \Seen (not \Recent), or \*",
    "mbx_list_flags": r"name attributes such as \Noselect",
    "mbx_list_oflag": r"an attribute other than \Noselect, \Marked and \Unmarked",
    "capability": "a capability",
    "resp_text_code": "a response code",
    "address": "an address in parentheses",
    "envelope": "an envelope in parentheses",
    "body": "a body structure in parentheses",
    "body_fld_enc": "a string",
    "media_basic": "a media type in double quotes",
    "media_message": "a media type in double quotes",
    "media_text": "a media type in double quotes",
    "_msg_att_item": "a data item such as FLAGS or BODY[]",
    "command_any": "a command such as NOOP",
    "command_auth": "a command such as NOOP",
    "command_nonauth": "a command such as NOOP",
    "command_select": "a command such as NOOP",
    "sequence_set": "a sequence set such as 1:*",
    "fetch_att": "a data item such as FLAGS or BODY[]",
    "search_key": "a search key such as ALL",
    "DATE_DAY": "a day in one or two digits",
    "FLAG_KEYWORD": "a keyword",
    "LIST_MAILBOX": "a pattern of names",
    "LITERAL": "a literal",
    "LITERAL8": "a literal that begins with ~",
    "BASE64": "base64",
    "X_WORD": "a word",
    "HOLE": "a hole",
    "TEXT_LITERAL": '{text "..."}',
    "REST": "${...}",
}

#: Rules that say no more than the words above: a problem is told of the rule that contains them.
_PLAIN = frozenset({"astring", "string", "nstring", "nil", "number", "nz_number", "body_section"})

_LENGTH = 24  #: octets of what was found that a problem quotes


@dataclass(frozen=True)
class Problem:
    """Why the grammar refuses a unit of octets.

    `rule` is the innermost ABNF rule that was being read, `offset` counts octets from the unit's beginning, `expected` says in words
    what could stand there, `found` are the octets that do, made visible.
    """

    rule: str
    offset: int
    expected: tuple[str, ...]
    found: str

    @property
    def message(self) -> str:
        """One sentence."""
        *others, last = self.expected
        wanted = f"{', '.join(others)} or {last}" if others else last
        return f"{self.rule}: at octet {self.offset} expected {wanted}, found {self.found}"


_ESCAPES = {n: f"\\x{n:02x}" for n in (*range(0x20), *range(0x7F, 0x100))} | {9: r"\t", 10: r"\n", 13: r"\r"}


def visible(octets: str) -> str:
    """Octets as printable text: escapes for controls, 8-bit and outer spaces; long ones are cut."""
    if not octets:
        return "nothing more"
    shown = octets[:_LENGTH].translate(_ESCAPES)
    inner = shown.strip(" ")
    before, _, after = shown.partition(inner) if inner else (shown, "", "")
    space = r"\x20"
    return space * len(before) + inner + space * len(after) + ("..." if len(octets) > _LENGTH else "")


def diagnose(automaton: Automaton, stop: Stop, text: str) -> Problem:
    """The problem of a run that stopped while it read `text`."""
    stack, offset = stop.stack, stop.offset
    paths = _continuations(automaton, stack)
    if not paths:  # the last token is one that only NEVER follows
        stack, offset = stack[:-1], stop.last_offset
        paths = _continuations(automaton, stack)
    rule, place, expected = _inside(automaton, stop, text, paths.keys()) or (
        _being_read(automaton, next(iter(paths.values()))),
        offset,
        _expected(automaton, paths),
    )
    return Problem(rule.removesuffix("_unit").replace("_", "-"), place, expected, visible(text[place:]))


def _continuations(automaton: Automaton, stack: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The terminals that could come next, each with the stack on which it would be laid; what is nearest to go on with first."""
    found: list[tuple[int, int, str, tuple[int, ...]]] = []
    for terminal, action in automaton.actions[stack[-1]].items():
        path: list[int] = list(stack)
        step: int | Reduction | None = action
        folds = 0
        while isinstance(step, Reduction):
            del path[-step.size :]
            path.append(automaton.gotos[path[-1]][step.rule])
            done = terminal == END and path[-1] in automaton.ends
            step = path[-1] if done else automaton.actions[path[-1]].get(terminal)
            folds += 1
        if isinstance(step, int) and terminal != NEVER and automaton.actions[step].keys() != {NEVER}:
            found.append((-len(path), folds, terminal, tuple(path)))
    return {terminal: path for _, _, terminal, path in sorted(found)}


# ---- within a token -----------------------------------------------------------------------------------------------------

_TEXT = {"TEXT": ("text", "CRLF"), "PLAIN_TEXT": ("text", "CRLF"), "CODE_TEXT": ("resp-text-code", '"]"')}
_LITERAL = {"NUL": "an octet other than NUL", "short": "more octets of the literal"}
#: Behind a number that EXISTS can follow but these cannot: it begins with 0.
_NUMBERED = re.compile(r"(?:EXPUNGE|FETCH)(?![^ \r])", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[\x01-\x09\x0b\x0c\x0e-!#-\[\]-\x7f]|\\["\\])*')
_HEADERS = {"{": "LITERAL", "~": "LITERAL8"}
#: What there is of a header: its digits, "+", and the end.
_HEADER = re.compile(r"~?\{(?:([0-9]+)()(\}\r?)?)?")
_HEADER_PLUS = re.compile(r"~?\{(?:([0-9]+)(\+?)(\}\r?)?)?")


def _inside(
    automaton: Automaton, stop: Stop, text: str, expected: Iterable[str]
) -> tuple[str, int, tuple[str, ...]] | None:
    """Rule, offset and words where the octets go wrong inside a token that was begun: text, a quoted string or a literal."""
    offset = stop.offset
    if stop.note:
        return "literal", offset, (_LITERAL[stop.note],)
    if "EXISTS" in expected and "EXPUNGE" not in expected and _NUMBERED.match(text, offset):
        return "message-data", len("* "), (WORDS["NZ_NUMBER"],)
    following = text[offset : offset + 1]
    if stop.last_type in _TEXT and following not in ("", "\r", "\n"):
        rule, end = _TEXT[stop.last_type]
        return rule, offset, (WORDS["TEXT"], end)
    if following == '"' and "QUOTED" in expected and (begun := _QUOTED.match(text, offset)):
        if text[begun.end() : begun.end() + 1] == "\\":
            return "quoted", begun.end() + 1, ('" or \\ behind the backslash',)
        return "quoted", begun.end(), ("a double quote", "a 7-bit character other than NUL, CR and LF")
    header = _HEADERS.get(following, "")
    return _inside_header(automaton, header, text, offset) if header in expected else None


def _inside_header(
    automaton: Automaton, header: str, text: str, offset: int
) -> tuple[str, int, tuple[str, ...]] | None:
    """The same for the header of a literal. `{n+}` is a fragment's (RFC 7888)."""
    plus = "+?" in automaton.terminals[header].text
    begun = (_HEADER_PLUS if plus else _HEADER).match(text, offset)
    if begun is None:
        return None
    digits, mark, closed = begun.groups()
    if not digits:
        wanted: tuple[str, ...] = ("a number",)
    elif closed:
        wanted = ("CRLF",)
    else:
        wanted = ('"}"',) if mark else ("a digit", *(['"+"'] if plus else []), '"}"')
    return header.lower(), begun.end(), wanted


# ---- between tokens -----------------------------------------------------------------------------------------------------


#: A rule, and the depth of the stack at which it began.
Owner = tuple[str, int]


def _kernel(automaton: Automaton, state: int) -> list[Place]:
    """The places in rules that lead on from a state and have been reached (not those that only could begin)."""
    return sorted(
        (p for p in automaton.tables.items[state] if p.following and (p.index or p.rule.startswith("$"))),
        key=lambda p: (p.rule, p.production.order),
    )


def _beginnings(automaton: Automaton, state: int, rule: str) -> list[str]:
    """What `rule` can begin with in a state, in the order of its alternatives."""
    alternatives = sorted(
        (p.production for p in automaton.tables.items[state] if not p.index and p.rule == rule),
        key=lambda r: r.order,
    )
    return [r.expansion[0] for r in alternatives if NEVER not in r.expansion]


def _expected(automaton: Automaton, paths: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """What could follow, in words, the innermost first."""
    words: dict[str, None] = {}
    for state in dict.fromkeys(path[-1] for path in paths.values()):
        if state in automaton.ends:
            words[WORDS[END]] = None
        for place in _kernel(automaton, state):
            words.update(dict.fromkeys(_describe(automaton, state, place.following, set())))
    if WORDS["NUMBER"] in words:
        words.pop(WORDS["NZ_NUMBER"], None)
    return tuple(words)


def _describe(automaton: Automaton, state: int, symbol: str, seen: set[str]) -> Iterator[str]:
    if symbol in WORDS:
        yield WORDS[symbol]
    elif is_terminal(symbol):
        pattern = automaton.terminals[symbol]
        text = pattern.text if pattern.is_string else symbol
        yield text if text[0].isalpha() or text[0] in '\\"' else f'"{text}"'
    elif symbol not in seen:
        seen.add(symbol)
        for first in _beginnings(automaton, state, symbol):
            yield from _describe(automaton, state, first, seen)


def _being_read(automaton: Automaton, path: tuple[int, ...]) -> str:
    """The innermost rule that is being read, or is bound to begin, on top of a stack."""
    top = len(path) - 1
    places = _kernel(automaton, path[top])
    if not places:
        return _unit(automaton, path)
    owners = set().union(*(_owners(automaton, path, top, place) for place in places))
    while len(owners) > 1:
        owners = _narrow(automaton, path, owners)
    (name, _base), following = owners.pop(), {place.following for place in places}
    while len(following) == 1 and not is_terminal(symbol := following.pop()) and symbol not in _PLAIN:
        name = name if symbol.startswith("_") else symbol
        following = set(_beginnings(automaton, path[top], symbol))
    return name


def _narrow(automaton: Automaton, path: tuple[int, ...], owners: set[Owner]) -> set[Owner]:
    """Towards the one rule that all of these are part of: a part of another goes, else the innermost become what they are part of."""
    above = {(name, base): _parents(automaton, path, base, name) for name, base in owners}
    for owner in sorted(owners):
        if above[owner] & (owners - {owner}):
            return owners - {owner}
    innermost = max(base for _, base in owners)
    return set().union(*(above[owner] if owner[1] == innermost else {owner} for owner in owners))


def _owners(automaton: Automaton, path: tuple[int, ...], depth: int, place: Place) -> set[Owner]:
    """The named rule that a place belongs to, with the depth at which it began."""
    name, base = place.rule, depth - place.index
    if name[0] in "_$" or name in _PLAIN:
        return _parents(automaton, path, base, name)
    return {(name, base)}


def _parents(automaton: Automaton, path: tuple[int, ...], base: int, name: str) -> set[Owner]:
    """The named rules that a rule begun at `base` is part of."""
    found = set().union(
        *(
            _owners(automaton, path, base, p)
            for p in automaton.tables.items[path[base]]
            if p.following == name and p.rule != name
        )
    )
    return found or {(_unit(automaton, path), base)}


def _unit(automaton: Automaton, path: tuple[int, ...]) -> str:
    """The rule of the whole unit."""
    return next(
        p.following for p in automaton.tables.items[path[0]] if p.rule.startswith("$") and not p.index
    )
