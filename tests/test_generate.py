"""Generated units: always valid, within bounds, the same for the same seed; directed sets cover what they promise."""

# ruff: noqa: S311 - variety, not secrecy
from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from conformance.errors import SuiteError, UsageError
from conformance.generate import ANYTHING, PLAIN, Environment, Generator, generate, strategies, units
from conformance.generate.build import every_node
from conformance.generate.choosers import Chance
from conformance.generate.directed import Directed, Map, directed
from conformance.generate.environment import spellings
from conformance.generate.nodes import AS_WRITTEN, Run, TerminalNode, Walk
from conformance.generate.patterns import walkable
from conformance.grammar import load
from conformance.grammar.compose import files
from conformance.grammar.definitions import definitions
from conformance.wire import Cutter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.generate.nodes import Choice, Number, Repeat
    from conformance.grammar import Grammar, Kind

KINDS: tuple[Kind, ...] = ("response", "greeting", "command")
EXTENDED = ("rfc3501", "rfc7888", "rfc3516")


def some(kind: Kind, count: int, environment: Environment = ANYTHING, seed: int = 0) -> list[bytes]:
    return list(itertools.islice(units(kind, Random(seed), environment=environment), count))


def tokens(octets: bytes, kind: Kind) -> list[tuple[str, str]]:
    return [(str(t.type), str(t)) for t in load().parse(kind, octets).scan_values(lambda _: True)]


def refused(grammar: Grammar, kind: Kind, made: Iterable[bytes]) -> list[str]:
    return [f"{u!r}: {problem.message}" for u in made if (problem := grammar.explain(kind, u))]


# ---- validity -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_grammar_accepts_whatever_is_generated(kind: Kind) -> None:
    made = some(kind, 8_000)
    assert not [u for u in made if not load().recognise(kind, u)]
    assert len(set(made)) > 5_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_grammar_accepts_what_is_generated_with_other_fragments(kind: Kind) -> None:
    grammar = load(EXTENDED)
    generator, chooser = Generator(kind, grammar=grammar), Chance(Random(0))
    assert not refused(grammar, kind, [generator.octets(chooser) for _ in range(3_000)])


def test_a_generated_response_is_one_unit_on_the_wire() -> None:
    for octets in some("response", 5_000):
        assert [unit.octets for unit in Cutter().receive(octets)] == [octets]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_for_a_terminal_matches_its_pattern(kind: Kind) -> None:
    generator, chooser = Generator(kind), Chance(Random(0))
    patterns = definitions(files(("rfc3501",), commands=kind == "command")).terminals
    for name, node in generator.graph.terminals.items():
        text = patterns[name].text
        pattern = re.escape(text) if patterns[name].is_string else text
        matches = re.compile(pattern, re.IGNORECASE | re.ASCII).match
        for _ in range(200):
            walk = Walk(chooser, 10, 10, [])
            node.walk(walk, 0, 0)
            (text,) = walk.out
            found = matches(text)
            assert found, (name, text)
            assert found.end() == len(text) or name.startswith("LITERAL"), (name, text)
            assert walk.trace == [(name, 0, 1)]


def test_a_literal_announces_as_many_octets_as_it_has() -> None:
    generator, chooser = Generator("command", rule="string"), Chance(Random(0))
    literals = [u for u in (generator.octets(chooser) for _ in range(2_000)) if u.startswith(b"{")]
    lengths = set()
    for octets in literals:
        header, _, rest = octets.partition(b"\r\n")
        assert int(header[1:-1]) == len(rest)
        assert b"\0" not in rest
        lengths.add(len(rest))
    assert len(lengths) > 5


def test_every_octet_but_nul_occurs_in_literals() -> None:
    generator, chooser = Generator("response", rule="string"), Chance(Random(0))
    seen = set[int]()
    for _ in range(20_000):
        octets = generator.octets(chooser)
        if octets.startswith(b"{"):
            seen |= set(octets.partition(b"\r\n")[2])
    assert seen == set(range(1, 0x100))


def test_a_word_that_the_grammar_takes_for_a_keyword_is_not_written_where_a_pattern_is_meant() -> None:
    node = TerminalNode("ATOM", Run(("OK", "fine")), frozenset({"OK"}))
    walk = Walk(Chance(Random(0)), 10, 10, None)
    for _ in range(100):
        node.walk(walk, 0, 0)
    assert set(walk.out) == {"fine"}


def test_a_terminal_that_can_be_nothing_but_a_keyword_is_our_error() -> None:
    node = TerminalNode("ATOM", Run(("OK",)), frozenset({"OK"}))
    with pytest.raises(SuiteError, match="ATOM"):
        node.walk(Walk(Chance(Random(0)), 10, 10, None), 0, 0)


def test_a_pattern_with_look_around_is_our_error() -> None:
    with pytest.raises(SuiteError, match="ASSERT"):
        walkable("X", "a(?=b)", itertools.count())


# ---- the same seed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mutate", [False, True])
def test_a_seed_is_a_unit(kind: Kind, mutate: bool) -> None:
    assert [generate(kind, n, mutate) for n in range(50)] == [generate(kind, n, mutate) for n in range(50)]
    assert len({generate(kind, n, mutate) for n in range(50)}) > 40


def test_a_seed_is_the_same_unit_in_every_process() -> None:
    program = (
        "from conformance.generate import generate\n"
        "print([generate(k, n, m) for k in ('response', 'command') for n in range(20) for m in (False, True)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_pieces_say_the_same_as_octets() -> None:
    generator = Generator("command")
    one, other = Chance(Random(7)), Chance(Random(7))
    for _ in range(500):
        unit = generator.unit(one)
        assert unit.octets == generator.octets(other)
        assert ("command", 0, len(unit.pieces)) in unit.spans
        assert all(0 <= begin <= end <= len(unit.pieces) for _, begin, end in unit.spans)


# ---- bounds -------------------------------------------------------------------------------------------------------------


class Greedy:
    """Always wants the most."""

    def begin(self) -> int:
        return AS_WRITTEN

    def choose(self, choice: Choice, above: int, open_: Sequence[int]) -> int:  # noqa: ARG002
        return open_[-1]

    def times(self, repeat: Repeat, above: int, least: int, most: int) -> Iterable[object]:  # noqa: ARG002
        return range(min(most, least + 5))

    def run(self, run: Run) -> str:
        return run.units[-1] * min(run.most, run.least + 5)

    def number(self, number: Number) -> int:
        return number.most


@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_ends_whatever_the_chooser_wants(kind: Kind) -> None:
    for rule in Generator(kind).graph.rules:
        octets = Generator(kind, rule=rule).octets(Greedy())
        assert len(octets) < 20_000, rule


@pytest.mark.parametrize("size", [0, 1, 10, 100, 1_000])
def test_units_grow_with_their_budget_and_stay_within_a_few_times_of_it(size: int) -> None:
    generator, chooser = Generator("response", size=size), Chance(Random(0))
    pieces = [len(generator.unit(chooser).pieces) for _ in range(1_000)]
    assert max(pieces) < 150 + 10 * size


def test_bodies_are_nested_but_not_endlessly() -> None:
    generator, chooser = Generator("response", rule="body", size=400), Chance(Random(0))
    depths = set()
    for _ in range(500):
        names = [name for name, *_ in generator.unit(chooser).spans]
        depths.add(names.count("body"))
    assert {1, 2, 3} < depths


# ---- directed sets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_directed_set_is_valid_and_always_the_same(kind: Kind, pairs: bool) -> None:
    made, goals = directed(Generator(kind), pairs=pairs)
    assert not refused(load(), kind, made)
    assert directed(Generator(kind), pairs=pairs) == (made, goals)
    assert len(made) <= goals


@pytest.mark.parametrize("kind", KINDS)
def test_every_terminal_of_the_grammar_is_read_in_a_directed_set(kind: Kind) -> None:
    """What the parser sees, not what the generator says that it wrote."""
    generator = Generator(kind)
    read = {name for octets in directed(generator)[0] for name, _ in tokens(octets, kind)}
    names = {id(node): name for name, node in generator.graph.terminals.items()}
    wanted = {names[id(node)] for node in every_node([generator.root]) if id(node) in names}
    assert wanted - read == {"SP", "CRLF"}  # the tree has neither
    assert len(wanted) > 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_route_leads_where_it_should(kind: Kind) -> None:
    generator = Generator(kind)
    ways, chooser = Map(generator.root), Directed(Random(0), pairs=True)
    for step in ways.steps:
        chooser.route = ways.route(step)
        chooser.covered.clear()
        assert load().recognise(kind, generator.unit(chooser).octets)
        assert not chooser.route
        assert step in chooser.covered


def test_pairs_are_more_than_alternatives() -> None:
    (alternatives, few), (pairs, many) = (directed(Generator("command"), pairs=p) for p in (False, True))
    assert len(alternatives) < len(pairs)
    assert few < many


# ---- environments -------------------------------------------------------------------------------------------------------

HERE = Environment(
    tags=map("t{}".format, itertools.count(1)).__next__,
    mailboxes=(b"box", b"a b", b"\xe9"),
    messages=3,
    keywords=("$Forwarded", "Junk"),
    login=(b"me", b'se"cret'),
    capabilities=frozenset({"IMAP4REV1", "AUTH=PLAIN"}),
)


def test_tags_come_from_their_source() -> None:
    tags = [octets.split(b" ")[0] for octets in some("command", 50, HERE)]
    assert len(set(tags)) == 50
    assert all(re.fullmatch(rb"t[0-9]+", tag) for tag in tags)


def test_mailboxes_are_those_that_exist_in_every_spelling() -> None:
    generator, chooser = Generator("command", environment=HERE, rule="select"), Chance(Random(0))
    names = {generator.octets(chooser).upper().removeprefix(b"SELECT ") for _ in range(300)}
    assert names == {b"BOX", b'"BOX"', b"{3}\r\nBOX", b'"A B"', b"{3}\r\nA B", b"{1}\r\n\xe9"}


def test_message_numbers_are_those_that_exist() -> None:
    commands = Generator("command", environment=HERE, rule="sequence-set")
    responses = Generator("response", environment=HERE, rule="message-data")
    chooser = Chance(Random(0))
    numbers = set()
    for _ in range(300):
        numbers |= set(re.findall(rb"[0-9]+", commands.octets(chooser)))
        numbers.add(responses.octets(chooser).split(b" ")[0])
    assert numbers == {b"1", b"2", b"3"}


def test_keywords_and_logins_are_those_that_exist() -> None:
    generator, chooser = Generator("command", environment=HERE, rule="login"), Chance(Random(0))
    assert {generator.octets(chooser).split(b" ", 1)[1] for _ in range(300)} == {
        f"{user} {password}".encode() for user in spellings(b"me") for password in spellings(b'se"cret')
    }
    flags = Generator("command", environment=HERE, rule="flag-list")
    words = {
        w for _ in range(300) for w in flags.octets(chooser).strip(b"()").split(b" ") if w[:1] not in b"\\"
    }
    assert words <= {b"$Forwarded", b"Junk"}


def test_capabilities_open_and_close_alternatives() -> None:
    def names(*capabilities: str) -> set[str]:
        environment = Environment(capabilities=frozenset(capabilities))
        made = [octets.split(b" ")[1].decode("latin-1") for octets in some("command", 2_000, environment)]
        return {word.strip().upper() for word in made}

    assert {"LOGIN", "NOOP", "FETCH"} <= names("IMAP4REV1")
    assert not {"STARTTLS", "AUTHENTICATE"} & names("IMAP4REV1")
    assert {"STARTTLS", "AUTHENTICATE"} <= names("STARTTLS", "AUTH=PLAIN")
    closed = names("LOGINDISABLED")
    assert "LOGIN" not in closed
    assert "NOOP" in closed
    assert not [name for name in closed if name.startswith("X")]


def test_mechanisms_are_those_of_the_server() -> None:
    environment = Environment(capabilities=frozenset({"AUTH=PLAIN", "AUTH=X-Y"}))
    generator, chooser = Generator("command", environment=environment, rule="authenticate"), Chance(Random(0))
    assert {generator.octets(chooser).split(b" ")[1].split(b"\r")[0] for _ in range(100)} == {
        b"PLAIN",
        b"X-Y",
    }


@pytest.mark.parametrize(
    ("capability", "form"), [("LITERAL+", rb"\{[0-9]+\+\}\r\n"), ("BINARY", rb"BINARY(?:\.PEEK|\.SIZE)?\[")]
)
def test_a_capability_opens_its_fragment_of_the_grammar(capability: str, form: bytes) -> None:
    def found(environment: Environment) -> bool:
        return any(re.search(form, octets, re.IGNORECASE) for octets in some("command", 3_000, environment))

    assert found(Environment(capabilities=frozenset({capability})))
    assert not found(PLAIN)


def test_numbers_reach_their_edges_and_stay_within() -> None:
    generator, chooser = Generator("response", rule="number"), Chance(Random(0))
    numbers = {int(generator.octets(chooser)) for _ in range(5_000)}
    assert {0, 1, 2**32 - 1} <= numbers
    assert max(numbers) == 2**32 - 1


def test_a_rule_that_there_is_not_is_told_with_its_neighbour() -> None:
    with pytest.raises(UsageError, match="did you mean search_key"):
        Generator("command", rule="serch-key")


# ---- Hypothesis ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_hypothesis_draws_is_valid(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    assert load().explain(kind, data.draw(strategies.units(kind))) is None


@pytest.mark.parametrize(
    ("kind", "rule", "wanted", "smallest"),
    [
        ("response", "msg_att_static", rb"BODY\[[^\]]*\](?:<[0-9]+>)? \{", b"BODY[] {0}\r\n"),
        ("response", "address", rb"NIL", b'("" "" "" NIL)'),
        ("command", "search_key", rb"NOT \(", b"NOT (*)"),
    ],
)
def test_what_hypothesis_finds_shrinks_to_the_smallest(
    kind: Kind, rule: str, wanted: bytes, smallest: bytes
) -> None:
    found = find(
        strategies.units(kind, rule=rule),
        lambda octets: re.search(wanted, octets) is not None,
        settings=settings(max_examples=20_000, database=None, deadline=None),
        random=Random(0),
    )
    assert found == smallest


@pytest.mark.parametrize("kind", KINDS)
def test_the_grammar_itself_generates_what_it_accepts(kind: Kind) -> None:
    grammar = load()
    units = [grammar.generate(kind, seed) for seed in range(50)]
    assert all(grammar.recognise(kind, unit) for unit in units)
    assert units == [grammar.generate(kind, seed) for seed in range(50)]
    assert any(grammar.generate(kind, seed, mutate=True) != unit for seed, unit in enumerate(units))
