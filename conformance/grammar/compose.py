"""Fragments of `grammars/` -> one compiled Lark grammar.

A fragment is `name.lark`, the syntax of what a server sends, or `name-commands.lark`, that of what a client sends besides, or both.
Files are concatenated before Lark sees them, so that any number of them may `%extend` or `%override` the same rule; a source map
leads from a message of Lark back to file and line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lark
from lark import Lark
from lark.exceptions import LarkError

from conformance import resources
from conformance.errors import SuiteError
from conformance.grammar import store, tables

_LINE = re.compile(r"line (\d+)")
_HEAD = re.compile(r"(?:%(?:extend|override) +)?\??(\w+)[^:]*:")
_NAME = re.compile(r"\b_*[A-Za-z][A-Za-z0-9_]*\b")
_COMMANDS = "-commands"


@dataclass(frozen=True)
class Source:
    """Fragments in their order, and where each begins in the whole text (lines count from 1)."""

    text: str
    starts: tuple[tuple[int, str], ...]

    def place(self, line: int) -> tuple[str, int]:
        """File and line of a line of the whole text."""
        first, name = max((start, name) for start, name in self.starts if start <= line)
        return name, line - first + 1

    def located(self, message: str) -> str:
        """A message of Lark behind `file:line` of what it is about: the line it names, or the last definition of a rule it names."""
        if numbered := _LINE.search(message):
            name, line = self.place(int(numbered[1]))
            return f"{name}:{line}: {_LINE.sub(f'line {line}', message)}"
        named = set(_NAME.findall(message))
        heads = [_HEAD.match(line) for line in self.text.splitlines()]
        defined = [number for number, head in enumerate(heads, 1) if head and head[1] in named]
        name, line = self.place(defined[-1] if defined else 1)
        return f"{name}:{line}: {message}"


def files(fragments: tuple[str, ...], *, commands: bool) -> tuple[str, ...]:
    """The files of some fragments in their order, with or without those for commands: what `compose` and `read` take."""
    names = []
    for fragment in fragments:
        more = (resources.GRAMMARS / f"{fragment}{_COMMANDS}.lark").exists()
        if not more or (resources.GRAMMARS / f"{fragment}.lark").exists():
            names.append(fragment)
        if more and commands:
            names.append(fragment + _COMMANDS)
    return tuple(names)


def read(fragments: tuple[str, ...]) -> Source:
    """The text of fragments. Raises `SuiteError` for one that cannot be read."""
    text, starts = "", []
    for fragment in fragments:
        path = resources.GRAMMARS / f"{fragment}.lark"
        try:
            part = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SuiteError(f"{path.name}: {error}") from None
        starts.append((text.count("\n") + 1, path.name))
        text += part if part.endswith("\n") else part + "\n"
    return Source(text, tuple(starts))


def load_tables(fragments: tuple[str, ...], rules: tuple[str, ...]) -> tables.Tables:
    """The tables of fragments for the given entry rules: those of an earlier start, or what `compose` makes.

    Raises `SuiteError` like `compose`.
    """
    source = read(fragments)
    made_of = "\n".join((f"{tables.FORM} {lark.__version__} {' '.join(rules)}", source.text))
    kept = store.read(made_of)
    if kept:
        return tables.loads(kept)
    made = tables.tables(_compile(source, rules))
    store.write(made_of, made.dumps())
    return made


def compose(fragments: tuple[str, ...], rules: tuple[str, ...]) -> Lark:
    """Compile fragments (file names without ending) for the given entry rules.

    Raises `SuiteError` with file and line for what Lark refuses, conflicts between alternatives included.
    """
    return _compile(read(fragments), rules)


def _compile(source: Source, rules: tuple[str, ...]) -> Lark:
    try:
        return Lark(
            source.text,
            parser="lalr",
            lexer="basic",  # never used: the automaton scans by state, and this is the cheapest to construct
            start=list(rules),
            maybe_placeholders=False,
            g_regex_flags=re.IGNORECASE,
            debug=True,  # keeps the items of each state, which a diagnosis names
        )
    except LarkError as error:
        raise SuiteError(source.located(str(error))) from None
