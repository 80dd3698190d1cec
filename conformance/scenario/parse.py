"""Scenario text -> `syntax.Scenario`.

`tree` reads lines and operators, `header` and `steps` make data of them, `sequence` checks what only the order of steps shows. The
first mistake ends the reading with a `ScenarioError`.
Must not know: where files are, which requirements exist, how a scenario is played.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance import grammar as response_grammar
from conformance.scenario import header, sequence, steps, tree
from conformance.scenario.mistakes import Source
from conformance.scenario.syntax import Scenario
from conformance.scenario.texts import Texts

if TYPE_CHECKING:
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
    head, body = tree.read(source).children
    fields = header.read(source, head, read_file)
    texts = Texts(source, grammar or response_grammar.load(), read_file)
    scenario = Scenario(id=case, path=path, source=text, **fields)
    scenario = steps.add(scenario, body, texts)
    sequence.check(scenario, source)
    return scenario
