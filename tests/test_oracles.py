"""The grammar against readings that are not ours: the RFC's ABNF in two parsers, and imap-codec. No difference without a reason."""

from __future__ import annotations

import functools
import importlib.util
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, get_args

import amendments
import differences
import oracles
import pytest
import vectors
from lark import Token

from conformance.generate import Generator, units
from conformance.generate.directed import directed
from conformance.generate.mutate import mutants
from conformance.grammar import Kind, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GRAMMAR = load()
KINDS: tuple[Kind, ...] = get_args(Kind)
SEED = 3501
FOLDER = oracles.folder()

abnf = pytest.mark.skipif(
    importlib.util.find_spec("abnf") is None, reason="the package abnf is not installed"
)
codec = pytest.mark.skipif(
    importlib.util.find_spec("imap_codec") is None, reason="the package imap-codec is not installed"
)
#: Which ABNF: that of RFC 3501 needs its text.
texts = pytest.mark.parametrize(
    "text",
    [
        pytest.param("rfc3501", marks=pytest.mark.skipif(FOLDER is None, reason=f"{oracles.FOLDER} names no folder of RFC texts")),
        "rfc9051",
    ],
)  # fmt: skip
kinds = pytest.mark.parametrize("kind", KINDS)

# ---- units --------------------------------------------------------------------------------------------------------------

COLLECTED: Mapping[Kind, Sequence[bytes]] = {
    "response": [*vectors.accepted(), *(vector.octets for vector in vectors.refused())],
    "greeting": [b"* OK hi\r\n", b"* PREAUTH [ALERT] hi\r\n", b"* BYE no\r\n", b"* NO x\r\n", b"+ x\r\n", b"* 1 EXISTS\r\n"],
    "command": [*vectors.accepted_commands(), *(vector.octets for vector in vectors.refused("commands"))],
}  # fmt: skip

_PART = b'("A" "B" NIL NIL NIL "7BIT" 1)'
_MESSAGE = b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) '

#: What IMAP4rev2 or an extension has and IMAP4rev1 has not.
FOREIGN: Mapping[Kind, Sequence[bytes]] = {
    "response": [
        b"* OK \xc3\xa9\r\n",
        b"* OK [ALERT] \xc3\xa9\r\n",
        b"* OK [UNSEEN 1] one\r\n",
        b"* NO [BADCHARSET (a]b)] no\r\n",
        b"* ESEARCH\r\n",
        b"* NAMESPACE NIL NIL NIL\r\n",
        b'* LIST () "/" x ("CHILDINFO" ("SUBSCRIBED"))\r\n',
        b"* 1 FETCH (BODY " + _MESSAGE.replace(b"RFC822", b"GLOBAL") + _PART + b" 1))\r\n",
        b"* 1 FETCH (BINARY[1] NIL BINARY.SIZE[1] 1)\r\n",
        b"* ENABLED X\r\n",
        b"* STATUS x (SIZE 1 DELETED 2)\r\n",
    ],
    "greeting": [b"* OK [CAPABILITY IMAP4rev2] hi\r\n", b"* OK \r\n"],
    "command": [
        b"a AUTHENTICATE PLAIN AGEAYg==\r\n",
        b"a ENABLE X\r\n",
        b"a NAMESPACE\r\n",
        b"a IDLE\r\n",
        b"a UNSELECT\r\n",
        b"a MOVE 1 x\r\n",
        b"a UID MOVE 1 x\r\n",
        b"a UID EXPUNGE 1\r\n",
        b'a LIST (SUBSCRIBED) "" "*" RETURN (CHILDREN)\r\n',
        b"a SEARCH RETURN (MIN) ALL\r\n",
        b"a SEARCH $\r\n",
        b"a STATUS x (SIZE)\r\n",
        b"a STATUS x (MESSAGES DELETED)\r\n",
        b"a FETCH 1 BINARY.PEEK[1]\r\n",
        b"a FETCH 1 BINARY.SIZE[1]\r\n",
        b"a LOGIN {1+}\r\na b\r\n",
    ],
}

#: Twelve levels of what can be nested.
DEEP: Mapping[Kind, Sequence[bytes]] = {
    "response": [
        b"* 1 FETCH (BODY " + b"(" * 12 + _PART + b' "M")' * 12 + b")\r\n",
        b"* 1 FETCH (BODY " + _MESSAGE * 12 + _PART + b" 1)" * 12 + b")\r\n",
        b"* 1 FETCH (BODY " + _PART[:-1] + b" NIL NIL NIL NIL " + b"(" * 12 + b"1" + b")" * 12 + b"))\r\n",
    ],
    "greeting": [],
    "command": [
        b"a SEARCH " + b"(" * 12 + b"1" + b")" * 12 + b"\r\n",
        b"a SEARCH " + b"NOT " * 12 + b"1\r\n",
    ],
}

GENERATED, EDITED, MUTATED = 400, 1000, 3000


@functools.cache
def corpus(kind: Kind) -> tuple[bytes, ...]:
    """Always the same units: collected ones, one for each alternative of the grammar, random ones, and mutants of all of these."""
    endless = units(kind, random.Random(SEED))  # noqa: S311 - always the same
    whole = [*COLLECTED[kind], *FOREIGN[kind], *DEEP[kind], *directed(Generator(kind))[0]]
    whole += [next(endless) for _ in range(GENERATED)]
    edited = mutants(Generator(kind), random.Random(SEED))  # noqa: S311 - always the same
    near = [next(edited).octets for _ in range(EDITED)]
    return tuple(dict.fromkeys([*whole, *near, *oracles.mutants(whole, MUTATED, SEED)]))


def ours(kind: Kind, unit: bytes) -> bool:
    """What the grammar says, which recogniser and parser say alike."""
    accepted = GRAMMAR.recognise(kind, unit)
    assert accepted == (GRAMMAR.explain(kind, unit) is None), unit
    return accepted


#: Without its compiled half the package abnf gets through a small part only.
STEP = 1 if importlib.util.find_spec("abnf_rust") else 20


def sample(kind: Kind) -> Mapping[bytes, bool]:
    """Units for the package abnf: the collected ones, and as many others as there is time for."""
    some = [*COLLECTED[kind], *FOREIGN[kind], *corpus(kind)[::STEP]]
    return {unit: verdicts(kind)[unit] for unit in some}


@functools.cache
def verdicts(kind: Kind) -> Mapping[bytes, bool]:
    return {unit: ours(kind, unit) for unit in corpus(kind)}


@kinds
def test_the_units_are_of_both_sorts(kind: Kind) -> None:
    count = Counter(verdicts(kind).values())
    assert count[True] > 400
    assert count[False] > 400


# ---- the oracles themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (b"a {3}\r\nx\xff) b\r\n", "a \xff b\r\n"),
        (b"{0}\r\n{02}\r\n\r\n{1}\r\nx", "\xff\xff\xff"),
        (b"{4}\r\n{9}\r\r\n", "\xff\r\n"),
        (b"* OK text {5}\r\n", "* OK text {5}\r\n"),
        (b"a {9}\r\nshort\r\n", "a \xfd"),
        (b"a {" + b"9" * 5000 + b"}\r\nshort\r\n", "a \xfd"),
        (b"a {1}\r\n\0\r\n", "a \xfd\r\n"),
        (b"a ~{1}\r\n\0 {1+}\r\nx\r\n", "a \xfb \xfc\r\n"),
        (b"raw \xff\xfc octets\r\n", "raw \xfe\xfe octets\r\n"),
    ],
)
def test_a_literal_is_one_character_for_an_oracle_that_reads_abnf(unit: bytes, text: str) -> None:
    assert oracles.counted(unit) == text


@pytest.mark.skipif(FOLDER is None, reason=f"{oracles.FOLDER} names no folder of RFC texts")
def test_every_rule_of_the_rfc_is_found() -> None:
    assert len(rules("rfc3501")) == 148


# ---- the ABNF of the RFC ------------------------------------------------------------------------------------------------

AMENDMENTS = {"rfc3501": (*amendments.READABLE, *amendments.STRICT), "rfc9051": amendments.REV1}


def rules(text: str) -> oracles.Rules:
    if text == "rfc9051":
        return oracles.rfc9051()
    assert FOLDER is not None
    return oracles.rfc3501(FOLDER)


@functools.cache
def amended(text: str, without: str = "") -> oracles.Verdict:
    some = [amendment for amendment in AMENDMENTS[text] if amendment.name != without]
    return oracles.with_abnf(amendments.amended(rules(text), some))


@abnf
@texts
@kinds
def test_the_grammar_accepts_what_the_amended_abnf_accepts_and_nothing_else(text: str, kind: Kind) -> None:
    oracle = amended(text)
    assert not [(unit, says) for unit, says in sample(kind).items() if oracle(kind, unit) != says]


def pairs(differ: bool) -> list[tuple[str, str]]:
    """ABNF and amendment, by whether the two differ in some unit."""
    return [
        (text, amendment.name)
        for text, some in AMENDMENTS.items()
        for amendment in some
        if amendment not in amendments.READABLE and (amendment.right != "both") == differ
    ]


@abnf
@pytest.mark.parametrize(("text", "name"), pairs(differ=True))
def test_without_an_amendment_there_is_a_difference(text: str, name: str) -> None:
    """The amendments are the table of differences: each has a reason, and none is there for nothing."""
    if text == "rfc3501" and FOLDER is None:
        pytest.skip(f"{oracles.FOLDER} names no folder of RFC texts")
    oracle = amended(text, without=name)
    assert any(oracle(kind, unit) != says for kind in KINDS for unit, says in sample(kind).items())


@abnf
@pytest.mark.parametrize(("text", "name"), pairs(differ=False))
def test_an_amendment_for_clarity_makes_no_difference(text: str, name: str) -> None:
    if text == "rfc3501" and FOLDER is None:
        pytest.skip(f"{oracles.FOLDER} names no folder of RFC texts")
    oracle = amended(text, without=name)
    assert not [
        unit
        for kind in KINDS
        for unit, says in sample(kind).items()
        if len(unit) < 200 and oracle(kind, unit) != says
    ]


#: Octets and units that Earley's algorithm, character by character, gets through in the time there is.
SMALL, FEW = 70, 100


@abnf
@kinds
def test_earley_says_the_same_on_small_units(kind: Kind) -> None:
    text = "rfc9051" if FOLDER is None else "rfc3501"
    oracle = earley(text)
    small = [unit for unit in corpus(kind) if len(unit) <= SMALL]
    chance = random.Random(SEED)  # noqa: S311 - always the same
    few = chance.sample(small, min(FEW, len(small)))
    assert not [unit for unit in few if oracle(kind, unit) != verdicts(kind)[unit]]


@functools.cache
def earley(text: str) -> oracles.Verdict:
    return oracles.with_earley(amendments.amended(rules(text), AMENDMENTS[text]))


# ---- imap-codec ---------------------------------------------------------------------------------------------------------


@codec
@kinds
def test_each_difference_from_imap_codec_is_in_the_table(kind: Kind) -> None:
    oracle = oracles.with_imap_codec()
    differing = [unit for unit, says in verdicts(kind).items() if oracle(kind, unit) != says]
    assert not [unit for unit in differing if not differences.explained(kind, unit, ours, oracle)]


# ---- extensions ---------------------------------------------------------------------------------------------------------

EXTENDED = load(("rfc3501", "rfc7888", "rfc3516"))


@abnf
@codec
@pytest.mark.parametrize("kind", ["response", "command"])
def test_with_literals_and_data_items_of_extensions_all_agree_too(kind: Kind) -> None:
    rules_ = amendments.amended(oracles.rfc9051(), (*amendments.EXTENDED, amendments.LITERALS[kind]))
    oracle, codec_ = oracles.with_abnf(rules_), oracles.with_imap_codec()
    generator, chance = Generator(kind, grammar=EXTENDED), random.Random(SEED)  # noqa: S311 - always the same
    edited = mutants(generator, chance)
    whole = [*directed(generator)[0], *(next(edited).octets for _ in range(EDITED // STEP))]
    for unit in [*whole, *oracles.mutants(whole, EDITED // STEP, SEED)]:
        says = EXTENDED.recognise(kind, unit)
        assert oracle(kind, unit) == says, unit
        if codec_(kind, unit) != says:
            assert differences.explained(kind, unit, EXTENDED.recognise, codec_), unit


@codec
@pytest.mark.parametrize("entry", differences.DIFFERENCES, ids=lambda entry: entry.name)
def test_each_difference_in_the_table_occurs(entry: differences.Difference) -> None:
    kind: Kind = "response" if entry.example.startswith(b"*") else "command"
    oracle, grammar = oracles.with_imap_codec(), EXTENDED if b"BINARY" in entry.example else GRAMMAR
    assert (grammar.recognise(kind, entry.example), oracle(kind, entry.example)) == (
        entry.ours,
        not entry.ours,
    )
    assert differences.explained(kind, entry.example, grammar.recognise, oracle) == (entry.name,)


# ---- round trip ---------------------------------------------------------------------------------------------------------


@kinds
def test_the_tree_of_a_unit_holds_its_text(kind: Kind) -> None:
    """The tokens in order, with what the tree leaves out between them, single spaces and line ends, are the unit again."""
    for unit, says in verdicts(kind).items():
        if says:
            text, end = "", 0
            for token in GRAMMAR.parse(kind, unit).scan_values(lambda value: isinstance(value, Token)):
                between = unit[end : token.start_pos].decode("latin-1")
                assert re.fullmatch(r" ?|(\r\n)+ ?", between), unit
                text += between + token
                end = token.end_pos
            assert re.fullmatch(rb" ?(\r\n)+", unit[end:])
            assert text.encode("latin-1") + unit[end:] == unit
