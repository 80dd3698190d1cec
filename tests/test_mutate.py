"""Mutants: near what is valid, labelled by the grammar, and the same for the same seed."""

# ruff: noqa: S311 - variety, not secrecy
from __future__ import annotations

import itertools
import re
from random import Random
from typing import TYPE_CHECKING

import pytest

from conformance.generate import Generator, generate
from conformance.generate.choosers import Chance
from conformance.generate.mutate import EDITS, NUMBERS, STRAY, Mutant, edited, mutants
from conformance.grammar import load

if TYPE_CHECKING:
    from conformance.grammar import Kind

KINDS: tuple[Kind, ...] = ("response", "greeting", "command")


def some(kind: Kind, count: int, *names: str, rule: str = "") -> list[Mutant]:
    generator = Generator(kind, rule=rule)
    return list(itertools.islice(mutants(generator, Random(0), names or tuple(EDITS)), count))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_is_some_octets_with_the_label_that_the_grammar_gives(kind: Kind) -> None:
    made = some(kind, 2_000)
    assert all(m.octets and m.edits for m in made)
    assert all(m.valid == (load().explain(kind, m.octets) is None) for m in made)
    assert {m.valid for m in made} == {True, False}


@pytest.mark.parametrize("kind", KINDS)
def test_most_mutants_are_refused_and_not_far_from_valid(kind: Kind) -> None:
    made = some(kind, 2_000)
    refused = [m for m in made if not m.valid]
    assert len(refused) > len(made) / 2
    assert sum(len(m.edits) for m in made) < 2 * len(made)


def test_a_mutant_differs_from_its_unit() -> None:
    generator, random = Generator("command"), Random(0)
    for _ in range(1_000):
        unit = generator.unit(Chance(random))
        octets, edits = edited(unit, generator, random)
        assert octets != unit.octets
        assert set(edits) <= set(EDITS)


def test_every_kind_of_edit_is_made() -> None:
    assert {name for m in some("command", 3_000) for name in m.edits} == set(EDITS)


def test_the_same_seed_gives_the_same_mutants() -> None:
    assert some("command", 200) == some("command", 200)
    assert generate("command", 5, mutate=True) == generate("command", 5, mutate=True)
    assert {generate("command", n, mutate=True) == generate("command", n) for n in range(50)} == {False}


def test_numbers_at_and_beyond_their_bounds_occur() -> None:
    made = b" ".join(m.octets for m in some("response", 3_000, "number", "lost octet"))
    for number in filter(None, NUMBERS):
        assert number.encode() in made, number


def test_literals_get_wrong_counts_and_other_forms() -> None:
    generator, random = Generator("command"), Random(0)
    chooser = Chance(random)
    headers, wrong = set[bytes](), 0
    for _ in range(6_000):
        unit = generator.unit(chooser)
        if any(name == "LITERAL" for name, *_ in unit.spans):
            octets, _ = edited(unit, generator, random, ("literal",))
            headers |= {
                re.sub(rb"[0-9]+", b"n", h) for h in re.findall(rb"~?\{[^}\r\n ]*\}?(?:\r\n|\n|\r)?", octets)
            }
            wrong += octets.count(b"{") == unit.octets.count(b"{")
    assert {
        b"{n}\r\n",
        b"{n+}\r\n",
        b"~{n}\r\n",
        b"~{n+}\r\n",
        b"{n-}\r\n",
        b"{n}\n",
        b"{n}",
        b"{}\r\n",
        b"{+n}\r\n",
    } <= headers
    assert wrong


@pytest.mark.parametrize("name", EDITS)
def test_where_a_kind_of_edit_does_not_fit_another_is_made(name: str) -> None:
    generator = Generator("command", rule="date-text")
    for mutant in itertools.islice(mutants(generator, Random(0), (name,)), 20):
        assert mutant.edits


def test_every_stray_octet_occurs() -> None:
    made = b"".join(m.octets for m in some("greeting", 3_000, "stray octet"))
    for octets in STRAY:
        assert octets.encode("latin-1") in made, octets


def test_line_ends_are_bare_doubled_and_missing() -> None:
    ends = {re.search(rb"[\r\n \0]*\Z", m.octets)[0] for m in some("greeting", 2_000, "line end")}  # type: ignore[index]
    assert {b"\n", b"\r", b"", b"\r\r\n", b"\r\n\r\n", b"\0\r\n"} <= ends


def test_no_mutant_brings_the_grammar_down() -> None:
    for kind in KINDS:
        for mutant in some(kind, 1_000):
            problem = load().explain(kind, mutant.octets)
            assert problem is None or 0 <= problem.offset <= len(mutant.octets)
