from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import resources
from conformance.errors import SuiteError
from conformance.grammar import _RULES, DEFAULT
from conformance.grammar.automaton import NEVER
from conformance.grammar.compose import compose, files
from conformance.grammar.definitions import (
    Choice,
    Definitions,
    Node,
    Pattern,
    Repeat,
    Rule,
    Sequence,
    Terminal,
    definitions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SP = Terminal("SP")


def references(node: Node) -> Iterator[Rule | Terminal]:
    match node:
        case Rule() | Terminal():
            yield node
        case Repeat(item):
            yield from references(item)
        case Sequence(items) | Choice(items):
            for item in items:
                yield from references(item)


@pytest.fixture
def defined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Definitions]:
    """The definitions of grammars written in a test."""

    def define(*texts: str) -> Definitions:
        for n, text in enumerate(texts):
            (tmp_path / f"f{n}.lark").write_text(text, encoding="ascii")
        return definitions.__wrapped__(tuple(f"f{n}" for n in range(len(texts))))

    monkeypatch.setattr(resources, "GRAMMARS", tmp_path)
    return define


A, B, C = Terminal("A"), Terminal("B"), Terminal("C")


@pytest.mark.parametrize(
    ("written", "node"),
    [
        ('"a"', A),
        ('"a" "b"', Sequence((A, B))),
        ('"a" | "b" "c" | "b"', Choice((A, Sequence((B, C)), B))),
        ('"a" ("b" | "c")', Sequence((A, Choice((B, C))))),
        ('("a" | "b") | "c"', Choice((A, B, C))),
        ('["a"]', Repeat(A, 0, 1)),
        ('"a"?', Repeat(A, 0, 1)),
        ('"a"*', Repeat(A, 0, None)),
        ('"a"+', Repeat(A, 1, None)),
        ('("a" "b")+', Repeat(Sequence((A, B)), 1, None)),
        ('"a"~3', Repeat(A, 3, 3)),
        ('"a"~2..4', Repeat(A, 2, 4)),
        ('["a" | "b"]', Repeat(Choice((A, B)), 0, 1)),
        ('"a" start', Sequence((A, Rule("start")))),
        ('"a" -> name', A),
        ('"a" |', Choice((A, Sequence(())))),
    ],
)
def test_what_is_written_becomes_nodes(written: str, node: Node, defined: Callable[..., Definitions]) -> None:
    assert defined(f"start: {written}\n").rules == {"start": node}


def test_extensions_stand_behind_what_they_extend_in_the_order_of_the_files(
    defined: Callable[..., Definitions],
) -> None:
    found = defined('start: "a"\n', '%extend start: "b"\n', '%extend start: "c" | "d"\n')
    assert found.rules["start"] == Choice((A, B, C, Terminal("D")))


def test_an_override_replaces(defined: Callable[..., Definitions]) -> None:
    assert defined('start: "a"\n', '%override start: "b"\n').rules["start"] == B


def test_terminals_have_text_kind_and_priority(defined: Callable[..., Definitions]) -> None:
    found = defined('start: X Y "x-y" "a"\nX.2: /[a-z]\\x01+/\nY: "\\\\y" X\n')
    x_y = found.rules["start"].items[2]
    assert found.terminals == {
        "X": Pattern("[a-z]\x01+", is_string=False, priority=2),
        "Y": Pattern("\\\\y[a-z]\x01+", is_string=False),
        x_y.name: Pattern("x-y", is_string=True),
        "A": Pattern("a", is_string=True),
    }


def test_an_alternative_with_never_is_only_refused(defined: Callable[..., Definitions]) -> None:
    found = defined('%declare NEVER\nstart: "a" | ("b" | "c") NEVER | [two]\ntwo: "a" "b" NEVER\n')
    assert found.rules == {"start": Choice((A, Repeat(Rule("two"), 0, 1))), "two": Choice(())}
    assert found.refused == {"start": (Choice((B, C)),), "two": (Sequence((A, B)),)}


def test_what_contains_only_the_refused_matches_nothing(defined: Callable[..., Definitions]) -> None:
    found = defined('%declare NEVER\nstart: "a" | "b" (("c" NEVER)+) | "c" ("a" NEVER)*\n')
    assert found.rules["start"] == Choice((A, Sequence((C, Sequence(())))))


def test_a_mistake_is_told_with_file_and_line(defined: Callable[..., Definitions]) -> None:
    with pytest.raises(SuiteError, match=r"^f1\.lark:2: "):
        defined('start: "a"\n', "\n%extend nothing: A\n")


def test_a_construct_that_no_grammar_uses_is_refused_by_name(defined: Callable[..., Definitions]) -> None:
    with pytest.raises(SuiteError, match="template_usage"):
        defined('start: list{"a"}\nlist{x}: x ("," x)*\n')


def test_definitions_are_made_once() -> None:
    assert definitions(DEFAULT) is definitions(DEFAULT)


ALL = {
    DEFAULT: tuple(_RULES.values()),
    (*DEFAULT, "template"): ("template",),
    files(("rfc3501", "rfc3516", "rfc7888"), commands=True): ("command",),
}


@pytest.mark.parametrize("fragments", ALL, ids="+".join)
def test_every_reference_is_defined(fragments: tuple[str, ...]) -> None:
    found = definitions(fragments)
    for node in found.rules.values():
        for reference in references(node):
            assert reference.name in (found.rules if isinstance(reference, Rule) else found.terminals)
    assert NEVER not in found.terminals


@pytest.mark.parametrize("fragments", ALL, ids="+".join)
def test_terminals_are_those_of_the_compiled_grammar(fragments: tuple[str, ...]) -> None:
    entries = ALL[fragments]
    compiled = {
        t.name: (t.pattern.value, t.priority)
        for t in compose(fragments, entries).terminals
        if t.name != NEVER
    }
    found = {name: (p.text, p.priority) for name, p in definitions(fragments).terminals.items()}
    assert compiled.items() <= found.items()


def test_the_rules_of_the_rfc_read_as_they_are_written() -> None:
    rules = definitions(DEFAULT).rules
    assert rules["response_unit"] == Choice(
        (Rule("continue_req"), Rule("response_data"), Rule("response_tagged"))
    )
    assert rules["body_type_mpart"] == Sequence(
        (
            Repeat(Rule("body"), 1, None),
            SP,
            Rule("media_subtype"),
            Repeat(Sequence((SP, Rule("body_ext_mpart"))), 0, 1),
        )
    )
    assert Terminal("NEVER") not in references(rules["flag"])
