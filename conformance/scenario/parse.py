"""Scenario text -> `syntax.Scenario`.

The grammar (grammars/scenario.lark) reads lines and operators, `header` and `steps` make data of its tree, `sequence` checks what
only the order of steps shows. The first mistake ends the reading with a `ScenarioError`.
Must not know: where files are, which requirements exist, how a scenario is played.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import lark

from conformance import grammar as response_grammar
from conformance import resources
from conformance.scenario import header, sequence, steps
from conformance.scenario.mistakes import Source
from conformance.scenario.syntax import Scenario
from conformance.scenario.texts import Texts

if TYPE_CHECKING:
    from conformance.errors import ScenarioError
    from conformance.grammar import Grammar
    from conformance.scenario.texts import ReadFile


def no_files(_: str) -> None:
    """A `read_file` for texts that name no message files."""


def parse(
    text: str, *, case: str, path: str, read_file: ReadFile = no_files, grammar: Grammar | None = None
) -> Scenario:
    """The scenario that a text describes.

    `case` is its id, `path` the file's name for messages; `read_file` gives the octets of a message file that the text names, or
    None if there is none of that name; `grammar` is the response grammar of the templates (default: that of RFC 3501).

    Raises `ScenarioError` for the first mistake.
    """
    source = Source(path, text.replace("\r\n", "\n"))
    head, body = _tree(source).children
    fields = header.read(source, head)
    texts = Texts(source, grammar or response_grammar.load(), read_file)
    scenario = Scenario(id=case, path=path, source=text, **fields)
    scenario = steps.add(scenario, body, texts)
    sequence.check(scenario, source)
    return scenario


@functools.cache
def _lark() -> lark.Lark:
    text = (resources.GRAMMARS / "scenario.lark").read_text(encoding="utf-8")
    return lark.Lark(text, parser="lalr", start="scenario", propagate_positions=True, maybe_placeholders=True)


def _tree(source: Source) -> lark.Tree[lark.Token]:
    """The tree of a text; raises the syntax mistake that it makes."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if "\t" in line:
            raise source.error_at("tab", number, "\t")
    try:
        return _lark().parse(source.text.rstrip("\n") + "\n")
    except lark.UnexpectedInput as unexpected:
        raise _unreadable(source, unexpected) from None


def _unreadable(source: Source, unexpected: lark.UnexpectedInput) -> ScenarioError:
    lines = source.text.rstrip("\n").split("\n")
    first = next((n for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")), None)
    if isinstance(unexpected, lark.UnexpectedToken) and unexpected.token.type == "$END":
        return source.error("no-steps" if first else "no-header", len(lines))
    in_header = first is None or all(line.strip() for line in lines[first : unexpected.line - 1])
    return source.unreadable("header" if in_header else "steps", unexpected.line, unexpected.column)
