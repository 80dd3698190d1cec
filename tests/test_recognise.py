"""The pattern says yes only where the automaton does; what the automaton accepts it matches, but for what is deeply nested."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import sys
from re import _parser  # type: ignore[attr-defined] - what a pattern can begin with
from typing import TYPE_CHECKING

import pytest
import vectors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance import resources
from conformance.grammar import load, recognise
from conformance.grammar.automaton import NEVER, Automaton, Stop
from conformance.grammar.compose import files, load_tables
from conformance.grammar.definitions import definitions
from conformance.grammar.pattern import _NOTHING, Rivals, _without, pattern
from conformance.grammar.recognise import Recogniser, compiled, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.grammar import Kind

PLAIN, EXTENDED = ("rfc3501",), ("rfc3501", "rfc3516", "rfc7888")
KINDS: list[Kind] = ["response", "greeting", "command"]
ENTRIES = [(kind, fragments) for kind in KINDS for fragments in (PLAIN, EXTENDED)]
SAMPLES: dict[Kind, list[bytes]] = {
    "response": vectors.accepted() + [vector.octets for vector in vectors.refused()],
    "command": vectors.accepted_commands() + [vector.octets for vector in vectors.refused("commands")],
}
SAMPLES["greeting"] = SAMPLES["response"]


class Engines:
    """Both engines for one entry rule, each asked alone."""

    def __init__(self, kind: Kind, fragments: tuple[str, ...]) -> None:
        self.automaton, self.rule = load(fragments)._entry(kind)
        self.files = files(fragments, commands=kind == "command")
        match = compiled(self.automaton, self.rule, self.files)
        assert match is not None, "RE2 does not take the pattern"
        self.match: Callable[[bytes], object] = match

    def quick(self, octets: bytes) -> bool:
        return bool(self.match(cut(octets)))

    def sure(self, octets: bytes) -> bool:
        return not isinstance(self.automaton.run(self.rule, octets.decode("latin-1"), build=False), Stop)


_ENGINES: dict[tuple[Kind, tuple[str, ...]], Engines] = {}


def engines(kind: Kind, fragments: tuple[str, ...]) -> Engines:
    pytest.importorskip("re2")
    if (kind, fragments) not in _ENGINES:
        _ENGINES[kind, fragments] = Engines(kind, fragments)
    return _ENGINES[kind, fragments]


# ---- mutated vectors ----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[A-Za-z0-9.\-\\=/]+|\r\n|.', re.DOTALL)
_TRAPS = [
    *(rb"\Recent", rb"\Noselect", rb"\Marked", rb"\Seen", rb"\*", rb"\Noinferiors", rb"\X"),
    *(b'"TEXT"', b'"MESSAGE"', b'"RFC822"', b'"7BIT"', b'"Text"', b'"IMAGE"', b'"X"', b'"', b"\\"),
    *(b"UIDNEXT", b"ALERT", b"NIL", b"CAPABILITY", b"READ-ONLY", b"UNKNOWN-CTE", b"AUTH=", b"OK", b"BYE"),
    *(b"{3}\r\n", b"{0}\r\n", b"{03}\r\n", b"{1+}\r\n", b"~{2}\r\n", b"{99999999999999999999}\r\n", b"abc"),
    *(b"\0", b"\xe9", b"0", b"1", b"[", b"]", b"<", b">", b".", b"(", b")", b" ", b"\r\n", b"\n", b"+", b"-"),
    *(b"BODY", b"BINARY", b"HEADER", b"TEXT", b"NOT", b"OR", b"UID", b"*", b":", b",", b"=", b"=="),
]


def mutant(rng: random.Random, samples: list[bytes]) -> bytes:
    """A sample with one to three tokens left out, doubled, exchanged or put in."""
    tokens = _TOKEN.findall(rng.choice(samples))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        other = _TOKEN.findall(rng.choice(samples))
        begin, end = sorted(rng.choices(range(len(tokens) + 1), k=2))
        near, place = min(begin + rng.randrange(3), len(tokens)), rng.randrange(len(other) + 1)
        changes: list[tuple[int, int, list[bytes]]] = [
            (begin, near, []),
            (begin, end, []),
            (end, end, tokens[begin:end]),
            (begin, near, [rng.choice(_TRAPS)]),
            (begin, near, other[place : place + rng.randrange(1, 9)]),
            (begin, begin, [bytes([rng.randrange(0x100)])]),
        ]
        first, last, put = rng.choice(changes)
        tokens[first:last] = put
    return b"".join(tokens)


@pytest.mark.parametrize(("kind", "fragments"), ENTRIES)
def test_of_mutated_vectors_the_pattern_matches_none_that_the_automaton_refuses(
    kind: Kind, fragments: tuple[str, ...]
) -> None:
    both, rng = engines(kind, fragments), random.Random(f"{kind} {fragments}")  # noqa: S311
    missed = accepted = 0
    for _ in range(8_000):
        octets = mutant(rng, SAMPLES[kind])
        quick, sure = both.quick(octets), both.sure(octets)
        assert sure or not quick, octets
        accepted += sure
        missed += sure and not quick
    assert accepted > 100
    assert missed <= accepted / 50, "the pattern is no use"


@given(st.sampled_from(ENTRIES), st.integers(0, 1 << 32), st.binary(max_size=4), st.data())
@settings(max_examples=400, deadline=None)
def test_octets_put_anywhere_change_both_verdicts_alike(
    entry: tuple[Kind, tuple[str, ...]], seed: int, octets: bytes, data: st.DataObject
) -> None:
    both = engines(*entry)
    unit = mutant(random.Random(seed), SAMPLES[entry[0]])  # noqa: S311
    place = data.draw(st.integers(0, len(unit)))
    unit = unit[:place] + octets + unit[place + data.draw(st.integers(0, 2)) :]
    assert both.sure(unit) or not both.quick(unit)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pattern_matches_the_accepted_vectors_but_for_a_few_that_are_deeply_nested(kind: Kind) -> None:
    both = engines(kind, PLAIN)
    missed = [octets for octets in SAMPLES[kind] if both.sure(octets) and not both.quick(octets)]
    assert len(missed) <= 3, missed


# ---- keywords -----------------------------------------------------------------------------------------------------------

BODY = b'* 1 FETCH (BODY (%b NIL NIL NIL "7BIT" 1))\r\n'
BESIDE = [
    (b"* OK [UIDNEXT x] y\r\n", False),
    (b"* OK [uidnext] y\r\n", False),
    (b"* OK [UIDNEXTS x] y\r\n", True),
    (b"* OK [UIDNEX x] y\r\n", True),
    (b"* OK [ALERT x] y\r\n", False),
    (b"* OK [READ-ONLY x] y\r\n", False),
    (b"* FLAGS (\\recent)\r\n", False),
    (b"* FLAGS (\\Recent2 \\Recen \\Seen \\SEEN)\r\n", True),
    (b"* 1 FETCH (FLAGS (\\Recent \\Marked))\r\n", True),
    (b"* LIST (\\Noselect \\Marked) NIL x\r\n", False),
    (b"* LIST (\\Recent \\Noselect \\Noinferiors) NIL x\r\n", True),
    (BODY % b'"TEXT" "PLAIN"', False),
    (BODY % b'"text" "PLAIN"', False),
    (BODY % b'"TEXTS" "PLAIN"', True),
    (BODY % b'"tex" "PLAIN"', True),
    (BODY % b'"" "PLAIN"', True),
    (BODY % b'"\\"TEXT\\"" "PLAIN"', True),
    (BODY % b'{4}\r\nTEXT "PLAIN"', True),
    (BODY % b'"MESSAGE" "RFC822"', False),
    (BODY % b'"MESSAGE" {6}\r\nRFC822', True),
    (BODY % b'{7}\r\nMESSAGE "RFC822"', True),
    (BODY % b'"IMAGE" "RFC822"', True),
]


@pytest.mark.parametrize(("octets", "accepted"), BESIDE)
def test_a_keyword_is_not_taken_for_the_pattern_that_matches_it(octets: bytes, accepted: bool) -> None:
    both = engines("response", PLAIN)
    assert both.sure(octets) is accepted
    assert not both.quick(octets) or accepted


def begins_with(terminal: str) -> set[str]:  # noqa: C901 - a table of what a pattern is made of
    """The octets, in small letters, that a regular expression can begin with."""

    def first(parsed: list[tuple[object, object]]) -> Iterator[str]:
        for operation, argument in parsed:
            match str(operation), argument:
                case "LITERAL", code:
                    yield chr(code).lower()
                    return
                case "IN", members:
                    for kind, member in members:
                        ends = member if str(kind) == "RANGE" else (member, member)
                        yield from (chr(code).lower() for code in range(ends[0], ends[1] + 1))
                    return
                case "SUBPATTERN", (_, _, _, inner):
                    yield from first(inner)
                    return
                case "BRANCH", (_, ways):
                    for way in ways:
                        yield from first(way)
                    return
                case "MAX_REPEAT", (least, _, inner):
                    yield from first(inner)
                    if least:
                        return
                case unknown:
                    raise AssertionError(unknown)

    return set(first(list(_parser.parse(terminal, re.IGNORECASE | re.ASCII))))


#: Terminals of which the lexer tries the first before the second, in one state, and that can begin alike. The pattern takes either.
HARMLESS = {
    # Alternatives with the same continuation.
    ("NZ_NUMBER", "NUMBER"),
    ("AUTH_CAPABILITY", "ATOM"),
    # Alike in the backslash alone.
    ("FLAG_EXTENSION", "\\*"),
    # What follows the shorter word does not go on like the longer one.
    *((f"{word}.{more}", word) for word, mores in (
        ("RFC822", ("HEADER", "SIZE", "TEXT")),
        ("HEADER", ("FIELDS", "FIELDS.NOT")),
        ("HEADER.FIELDS", ("NOT",)),
        ("BODY", ("PEEK",)),
        ("BINARY", ("PEEK", "SIZE")),
    ) for more in mores),
    ("BODYSTRUCTURE", "BODY"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_terminals_of_a_state_compete_but_in_ways_that_are_known(kind: Kind) -> None:
    automaton, _ = load(EXTENDED)._entry(kind)
    flags = re.IGNORECASE | re.ASCII
    strings = {name: pattern.text for name, pattern in automaton.terminals.items() if pattern.is_string}
    begins = {
        name: {pattern.text[0].lower()} if pattern.is_string else begins_with(pattern.text)
        for name, pattern in automaton.terminals.items()
        if name != NEVER
    }
    found = set()
    for row in automaton.actions:
        terminals = {name: automaton.terminals[name] for name in row.keys() & begins.keys()}
        patterns = [pattern.text for pattern in terminals.values() if not pattern.is_string]
        order = sorted(terminals.items(), key=lambda t: (-t[1].priority, t[1].is_string, -len(t[1].text)))
        for (first, one), (second, other) in itertools.combinations(order, 2):
            names = (strings.get(first, first), strings.get(second, second))
            if other.is_string:
                if any(re.fullmatch(known, other.text, flags) for known in patterns):
                    continue  # a keyword: `Rivals`
                if one.is_string and not one.text.lower().startswith(other.text.lower()):
                    continue
            if begins[first] & begins[second]:
                found.add(names)
    assert found <= HARMLESS


@pytest.mark.parametrize(("kind", "fragments"), ENTRIES)
def test_keywords_can_be_taken_out_of_every_pattern_that_has_some(
    kind: Kind, fragments: tuple[str, ...]
) -> None:
    automaton, _ = load(fragments)._entry(kind)
    rivals = Rivals(automaton)
    terminals = definitions(files(fragments, commands=kind == "command")).terminals
    for name, terminal in terminals.items():
        if not terminal.is_string:
            assert _without(terminal.text, rivals.of(name, ("", ""))) != _NOTHING, name


@given(
    st.sampled_from(["[abc]+", "[abc]*", "x[abc]+", r"\\[abc]+", '"(?:[abc]|\\\\[a\\\\])*"', '"[abc]*"']),
    st.sets(st.text("abc", max_size=3), max_size=6),
)
@settings(max_examples=200)
def test_a_pattern_without_some_words_is_the_pattern_without_them(terminal: str, inner: set[str]) -> None:
    begin = {"x": "x", "\\": "\\", '"': '"'}.get(terminal[0], "")
    end = '"' if terminal[-1] == '"' else ""
    words = frozenset(w for part in inner if re.fullmatch(terminal, w := begin + part + end))
    less = re.compile(_without(terminal, words), re.IGNORECASE)
    for size in range(5):
        for letters in itertools.product("abC\\d", repeat=size):
            text = begin + "".join(letters) + end
            matched = re.fullmatch(terminal, text, re.IGNORECASE) is not None
            assert (less.fullmatch(text) is not None) == (matched and text.lower() not in words), text


def test_a_pattern_of_another_form_is_left_out_where_keywords_are() -> None:
    assert _without("a|b+", frozenset({"b"})) == _NOTHING
    assert _without("[ab]+", frozenset({"\\"})) == _NOTHING


# ---- literals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "skeleton"),
    [
        (b"none", b"none"),
        (b"a {3}\r\nxyz b\r\n", b"a {3}\0 b\r\n"),
        (b"a {0}\r\n b\r\n", b"a {0}\0 b\r\n"),
        (b"a {1}\r\nx {2}\r\nyz\r\n", b"a {1}\0 {2}\0\r\n"),
        (b"a {1}\r\n{ {5}\r\n{1}\r\n \r\n", b"a {1}\0 {5}\0 \r\n"),
        (b"a {3+}\r\nxyz\r\n", b"a {3+}\0\r\n"),
        (b"a {00000000000000000000000003}\r\nxyz\r\n", b"a {00000000000000000000000003}\0\r\n"),
        (b"a {9}\r\nxyz\r\n", b"a {9}\r\nxyz\r\n"),
        (b"a {99999999999999999999999999}\r\nxyz\r\n", b"a {99999999999999999999999999}\r\nxyz\r\n"),
        (b"a {9}\r\n {1}\r\nx\r\n", b"a {9}\r\n {1}\0\r\n"),
        (b"* OK {5}\r\n", b"* OK {5}\r\n"),
        (b"* OK {0}\r\n", b"* OK {0}\r\n"),
        (b"{1}\nx", b"{1}\nx"),
        (b"{}\r\nx", b"{}\r\nx"),
        (b"{1}\0", b""),
        (b"a {1}\r\n\0\r\n", b""),
    ],
)
def test_the_octets_of_literals_are_taken_out(octets: bytes, skeleton: bytes) -> None:
    assert cut(octets) == skeleton


@pytest.mark.parametrize(
    ("octets", "accepted"),
    [
        (b"* 1 FETCH (RFC822 {3}\r\n)\r\n)\r\n", True),
        (b"* 1 FETCH (RFC822 {2}\r\n)\r\n)\r\n", False),
        (b"* 1 FETCH (RFC822 {0000000000000000000000003}\r\n)\r\n)\r\n", True),
        (b"* 1 FETCH (RFC822 {0000000000000000000000004}\r\n)\r\n)\r\n", False),
        (b"* 1 FETCH (RFC822 {1}\r\n\xff)\r\n", True),
        (b"* 1 FETCH (RFC822 {1}\r\n\0)\r\n", False),
        (b"* 1 FETCH (RFC822 {1}\0x)\r\n", False),
        (b"* 1 FETCH (RFC822 {0}\0)\r\n", False),
        (b"* OK {3}\r\n", True),
        (b"* OK {0}\r\n", True),
        (b"* OK {3}\r\nabc\r\n", False),
        (b"* OK {3}\0abc\r\n", False),
    ],
)
def test_literals_count_for_both_engines(octets: bytes, accepted: bool) -> None:
    both = engines("response", PLAIN)
    assert both.sure(octets) is accepted
    assert not both.quick(octets) or accepted


# ---- depth --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3, 5, 6, 7, 50, 1000])
def test_depth_does_not_change_the_verdict(depth: int) -> None:
    both = engines("response", PLAIN)
    recogniser = Recogniser(both.automaton, both.rule, both.files, patience=-1)
    recogniser._match = both.match
    basic = b'("APPLICATION" "X" NIL NIL NIL "7BIT" 1)'
    octets = b"* 1 FETCH (BODY " + b"(" * depth + basic + b' "MIXED")' * depth + b")\r\n"
    assert recogniser.accepts(octets)
    assert not recogniser.accepts(octets.replace(b"))", b")", 1))


@pytest.fixture
def grammar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], re.Pattern[str]]:
    """The pattern of a grammar written in a test."""

    def made(text: str) -> re.Pattern[str]:
        (tmp_path / "own.lark").write_text(text, encoding="ascii")
        definitions.cache_clear()
        found = pattern(definitions(("own",)), Automaton(load_tables(("own",), ("start",))), "start")
        definitions.cache_clear()
        return re.compile(found, re.IGNORECASE)

    monkeypatch.setattr(resources, "GRAMMARS", tmp_path)
    return made


def test_a_rule_that_begins_or_ends_with_itself_is_a_repetition(
    grammar: Callable[[str], re.Pattern[str]],
) -> None:
    left = grammar('start: "a" | start "b"\n')
    right = grammar('start: "a" | "b" start\n')
    inside = grammar('start: "a" | "b" start "c"\n')
    for n in range(20):
        assert left.fullmatch("a" + "b" * n)
        assert right.fullmatch("b" * n + "a")
        assert bool(inside.fullmatch("b" * n + "a" + "c" * n)) == (n <= 5)
    assert not left.fullmatch("ba")
    assert not right.fullmatch("ab")


def test_repetitions_are_as_often_as_written(grammar: Callable[[str], re.Pattern[str]]) -> None:
    found = grammar('start: "a"~2..3 ["b"] "c"* "d"+\n')
    assert [word for word in ("aad", "aaabccdd", "ad", "aaaad", "aabbd", "aa") if found.fullmatch(word)] == [
        "aad",
        "aaabccdd",
    ]


# ---- when there is a pattern --------------------------------------------------------------------------------------------

FLAGS = b"* 1 FETCH (FLAGS (\\Seen))\r\n"


def test_the_pattern_is_made_when_enough_octets_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def matcher(_automaton: object, rule: str, _files: object) -> Callable[[bytes], object]:
        made.append(rule)
        return lambda octets: octets == FLAGS

    monkeypatch.setattr(recognise, "compiled", matcher)
    automaton, rule = load()._entry("response")
    recogniser = Recogniser(automaton, rule, PLAIN, patience=2 * len(FLAGS))
    for expected in ([], [], [rule], [rule]):
        assert recogniser.accepts(FLAGS)
        assert made == expected
    assert not recogniser.accepts(FLAGS + b"x")


@pytest.mark.parametrize("missing", ["package", "memory"])
def test_without_a_pattern_the_automaton_decides(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "package":
        monkeypatch.setitem(sys.modules, "re2", None)
    else:
        pytest.importorskip("re2")
        monkeypatch.setattr(recognise, "_MEMORY", 1 << 16)
    automaton, rule = load()._entry("response")
    recogniser = Recogniser(automaton, rule, PLAIN, patience=0)
    for vector in SAMPLES["response"]:
        assert recogniser.accepts(vector) == (load().explain("response", vector) is None)
    assert recogniser._match is None


def test_a_table_of_states_that_runs_full_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("re2")
    automaton, rule = load()._entry("response")
    match = None
    for megabytes in range(4, 64):  # the smallest that holds the pattern leaves little for states
        monkeypatch.setattr(recognise, "_MEMORY", megabytes << 20)
        if match := compiled(automaton, rule, PLAIN):
            break
    recogniser = Recogniser(automaton, rule, PLAIN, patience=-1)
    recogniser._match = match
    rng = random.Random(0)  # noqa: S311
    for _ in range(3_000):
        unit = mutant(rng, SAMPLES["response"])
        assert recogniser.accepts(unit) == (load().explain("response", unit) is None)
    assert match is not None
    assert capfd.readouterr().err == ""


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; from conformance.grammar import load; load().recognise('response', b'* 1 EXISTS\\r\\n');"
        "sys.exit('re2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.binary(max_size=40))
@example(b"")
@settings(max_examples=200)
def test_any_octets_have_a_verdict(octets: bytes) -> None:
    both = engines("response", PLAIN)
    assert both.sure(octets) or not both.quick(octets)
