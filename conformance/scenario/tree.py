"""Scenario text -> a tree of its lines, by grammars/scenario.lark.

Knows: the parser, and which part of a file a line stands in. Must not know: what a rule means.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lark

from conformance import resources
from conformance.scenario.mistakes import STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.errors import ScenarioError
    from conformance.scenario.mistakes import Source


@dataclass(frozen=True)
class Word:
    """A piece of text and its place; `kind` is the grammar's name for it, "" for a part of a piece."""

    text: str
    line: int
    column: int
    kind: str = ""


@dataclass(frozen=True)
class Branch:
    """A rule of the grammar: `children` are `Branch`, `Word`, or None for an optional word that is not there."""

    rule: str
    line: int
    written: str  #: the text that it covers
    children: Sequence[Any]


def read(source: Source) -> Branch:
    """The tree of a file's text. Raises the `ScenarioError` of the first syntax mistake."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if "\t" in line:
            raise source.error_at("tab", number, "\t")
    try:
        return _branch(_parser().parse(source.text.rstrip("\n") + "\n"), source)
    except lark.UnexpectedInput as unexpected:
        raise _unreadable(source, unexpected) from None


@functools.cache
def _parser() -> lark.Lark:
    text = (resources.GRAMMARS / "scenario.lark").read_text(encoding="utf-8")
    return lark.Lark(text, parser="lalr", start="scenario", propagate_positions=True, maybe_placeholders=True)


def _branch(tree: lark.Tree[lark.Token], source: Source) -> Branch:
    written = source.text[tree.meta.start_pos : tree.meta.end_pos]
    return Branch(tree.data, tree.meta.line, written, [_node(child, source) for child in tree.children])


def _node(child: lark.Tree[lark.Token] | lark.Token | None, source: Source) -> Branch | Word | None:
    if isinstance(child, lark.Token):
        assert child.line is not None
        assert child.column is not None
        return Word(str(child), child.line, child.column, child.type)
    return _branch(child, source) if child else None


def _unreadable(source: Source, unexpected: lark.UnexpectedInput) -> ScenarioError:
    lines = source.text.rstrip("\n").split("\n")
    first = next((n for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")), None)
    if first is None:
        return source.error("no-header", len(lines))
    if isinstance(unexpected, lark.UnexpectedToken) and unexpected.token.type == "$END":
        step = next((n for n, line in enumerate(lines, 1) if STEP.match(line)), None)
        return source.error("missing-blank-line", step) if step else source.error("no-steps", len(lines))
    in_header = all(line.strip() for line in lines[first : unexpected.line - 1])
    return source.unreadable("header" if in_header else "steps", unexpected.line, unexpected.column)
