"""Cutting octets into responses at any segmentation, and commands into segments."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import pytest
import vectors
from hypothesis import given
from hypothesis import strategies as st

from conformance.grammar import load
from conformance.wire import Cutter, Limits, Literal, Unit, segments

WHOLE = [  # each one unit
    b"* OK hi\r\n",
    b"* OK text that ends like a literal {5}\r\n",
    b"* ok {5}\r\n",
    b"*  NO {5}\r\n",
    b"* BAD{5}\r\n",
    b"* BYE {5}\r\n",
    b"* PREAUTH {5}\r\n",
    b"a1 OK {5}\r\n",
    b"a1 whatever {5}\r\n",
    b"+ {5}\r\n",
    b"+ \r\n",
    b"\r\n",
    b"\n",
    b"garbage {3}\r\n",
    b"* 1 EXISTS\n",
    b"* OKAY {3}\r\nabc\r\n",
    b"* OK1 {3}\r\nabc\r\n",
    b"* 1 FETCH (BODY[] {0}\r\n)\r\n",
    b"* 1 FETCH (BODY[] {4}\r\n\r\n\r\n)\r\n",
    b"* 1 FETCH (BODY[] {12}\r\na1 OK done\r\n)\r\n",
    b"* 1 FETCH (BODY[] {3}\r\n{9} BODY[TEXT] {9}\r\n\xff\x00{1}\r\nx))\r\n",
    b"* 1 FETCH (BODY[] {5}\nab\r\nc)\n",
    b"* 1 FETCH (BODY[] {5+}\r\nab\r\nc)\r\n",
    b"* 1 FETCH (BINARY[] ~{5}\r\nab\x00\nc)\r\n",
    b"* 1 FETCH (BODY[] {00005}\r\nab\r\nc)\r\n",
    b'* LIST () "/" {3} \r\n',
    b'* LIST () "/" {x}\r\n',
    b'* LIST () "/" {}\r\n',
    b'* LIST () "/" 3}\r\n',
    b"* NO [BADCHARSET ({5}\r\nUTF-8)] no {5}\r\n",
    b"a1 no [badcharset ({1}\r\n) {2}\r\n)))] no {5}\r\n",
    b"a1 NO [BADCHARSET (UTF-8)] {5}\r\n",
    b"a1 NO [OTHER ({5}\r\n",
]


def cut(octets: bytes, cuts: list[int] | None = None, limits: Limits | None = None) -> list[Unit]:
    """The units of octets that arrive in segments cut at the given places."""
    cutter = Cutter(limits)
    places = [0, *sorted(cuts or []), len(octets)]
    segments = (octets[a:b] for a, b in itertools.pairwise(places))
    return [unit for segment in segments for unit in cutter.receive(segment)]


@pytest.mark.parametrize("octets", WHOLE, ids=repr)
def test_a_response_is_one_unit_with_its_literals(octets: bytes) -> None:
    cutter = Cutter()
    assert cutter.receive(octets + b"a2 OK next\r\n* half") == [Unit(octets), Unit(b"a2 OK next\r\n")]
    assert cutter.pending == b"* half"
    assert not cutter.broken


@pytest.mark.parametrize("octets", WHOLE, ids=repr)
def test_a_response_is_not_cut_before_its_end(octets: bytes) -> None:
    for length in range(len(octets)):
        cutter = Cutter()
        assert cutter.receive(octets[:length]) == []
        assert cutter.pending == octets[:length]


@pytest.mark.parametrize("octets", vectors.accepted(), ids=repr)
def test_every_well_formed_response_is_one_unit(octets: bytes) -> None:
    assert cut(octets + octets) == [Unit(octets), Unit(octets)]


streams = st.lists(
    st.sampled_from(WHOLE)
    | st.sampled_from(vectors.accepted())
    | st.binary(max_size=20).map(lambda b: b + b"\r\n"),
    max_size=8,
).map(b"".join)
small = st.builds(Limits, st.integers(1, 40), st.integers(0, 8), st.integers(1, 60), st.integers(0, 4))


@given(streams, st.data(), st.none() | small)
def test_segmentation_does_not_matter(stream: bytes, data: st.DataObject, limits: Limits | None) -> None:
    whole = cut(stream, limits=limits)
    assert cut(stream, list(range(1, len(stream))), limits) == whole
    assert cut(stream, data.draw(st.lists(st.integers(0, len(stream)))), limits) == whole


@given(streams)
def test_no_octet_is_lost_or_made_up(stream: bytes) -> None:
    cutter = Cutter()
    units = cutter.receive(stream)
    assert b"".join(unit.octets for unit in units) + cutter.pending == stream


# ---- limits -------------------------------------------------------------------------------------------------------------

LIMITS = Limits(line=30, literal=10, unit=60, nesting=3)
PASSED: dict[str, tuple[bytes, int, str]] = {
    "a line": (b"* OK " + b"x" * 100, 30, "a line of at most 30 octets"),
    "a line with its end": (b"* OK " + b"x" * 26 + b"\r\n", 30, "a line of at most 30 octets"),
    "a line behind a literal": (
        b"* 1 FETCH (BODY[] {3}\r\nabc" + b" " * 40,
        56,
        "a line of at most 30 octets",
    ),
    "a literal": (b"* 1 FETCH (BODY[] {11}\r\n", 24, "a literal of at most 10 octets"),
    "a literal of 10 to the 20": (b"* 1 FETCH (B[] {9999999999}\r\n", 29, "a literal of at most 10 octets"),
    "a unit": (
        b"* 1 FETCH (B[] {9}\r\n123456789 {9}\r\n123456789 {10}\r\n",
        51,
        "a response of at most 60 octets",
    ),
    "a unit's last line": (
        b"* 1 FETCH (B[] {9}\r\n123456789 {9}\r\n123456789" + b" " * 20 + b"\r\n",
        60,
        "a response of at most 60 octets",
    ),
    "nesting": (b"* 1 FETCH (((1)) (((2))))\r\n", 19, "at most 3 levels of parentheses"),
}


@pytest.mark.parametrize("limit", PASSED)
def test_a_limit_that_is_passed_is_told_once_and_nothing_more_is_read(limit: str) -> None:
    octets, offset, expected = PASSED[limit]
    cutter = Cutter(LIMITS)
    before, unit = cutter.receive(b"a1 OK done\r\n" + octets)
    assert before == Unit(b"a1 OK done\r\n")
    assert unit.problem is not None
    assert (unit.problem.offset, unit.problem.expected) == (offset, (expected,))
    assert octets.startswith(unit.octets)
    assert cutter.broken
    assert cutter.receive(b"* OK hi\r\n") == []
    assert cutter.pending == b""


def test_what_is_just_within_the_limits_is_read() -> None:
    for octets in (
        b"* OK " + b"x" * 23 + b"\r\n",
        b"* 1 FETCH (BODY[] {10}\r\n1234567890)\r\n",
        b"* 1 FETCH (B[] {9}\r\n123456789 {9}\r\n123456789 {7}\r\n)\r\n",
        b"* 1 FETCH (((1)) ((2)))\r\n",
        b'* 1 FETCH ((("((((" {4}\r\n(((())))\r\n',
        b"* OK " + b"(" * 20 + b"\r\n",
    ):
        cutter = Cutter(LIMITS)
        cutter.receive(octets)
        assert not cutter.broken, octets


def test_the_usual_limits_leave_room_for_large_mailboxes_and_deep_messages() -> None:
    search = b"* SEARCH" + b" 4294967295" * 50_000 + b"\r\n"
    deep = b"* 1 FETCH (BODYSTRUCTURE " + b"(" * 150 + b")" * 150 + b")\r\n"
    assert cut(search + deep) == [Unit(search), Unit(deep)]


# ---- cost ---------------------------------------------------------------------------------------------------------------


def seconds(octets: bytes, step: int) -> float:
    cutter = Cutter(Limits(line=1 << 30))
    begun = time.process_time()
    for place in range(0, len(octets), step):
        cutter.receive(octets[place : place + step])
    return time.process_time() - begun


@pytest.mark.parametrize(
    "octets",
    [
        b"* OK " + b"x" * 100_000,
        b"* 1 FETCH (BODY[] {100000}\r\n" + b"x\n" * 50_000,
        b"* OK hi\r\n" * 10_000,
        b"* NO [BADCHARSET (" + b"{1}\r\nx " * 20_000,
        b"* 1 FETCH (" + b"{1}\r\n( " * 20_000,
        b"* 1 FETCH " + b'("' + b'\\"' * 50_000,
        b"* 1 FETCH " + b"{" * 100_000,
    ],
    ids=["line", "literal", "lines", "charsets", "literals", "quotes", "braces"],
)  # fmt: skip
def test_octet_by_octet_is_as_linear_as_in_one_segment(octets: bytes) -> None:
    octets += b"\r\n"
    seconds(octets, 1)
    assert seconds(octets, 1) < 5
    assert seconds(octets, len(octets)) < 5


def test_memory_is_bounded_by_the_limits() -> None:
    cutter = Cutter(Limits(line=10_000, literal=10_000, unit=20_000))
    tracemalloc.start()
    try:
        for _ in range(5_000):
            cutter.receive(b"x" * 1_000)
        assert cutter.broken
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_refused_unit_is_data_and_the_next_one_is_read() -> None:
    units = cut(b"* 1 FETCH (FLAGS (\r\n* 2 EXISTS\r\n")
    assert [load().recognise("response", unit.octets) for unit in units] == [False, True]


# ---- commands -----------------------------------------------------------------------------------------------------------


def test_a_command_without_literals_is_one_segment() -> None:
    assert segments([b"a1 ", b"NOOP", b"\r\n"]) == (b"a1 NOOP\r\n",)


def test_a_literal_waits_for_the_continuation_request() -> None:
    parts = [b"a1 LOGIN ", Literal(b"fred"), b" ", Literal(b""), b"\r\n"]
    assert segments(parts) == (b"a1 LOGIN {4}\r\n", b"fred {0}\r\n", b"\r\n")


def test_a_non_synchronising_literal_does_not_wait() -> None:
    parts = [b"a1 LOGIN ", Literal(b"fred", sync=False), b" ", Literal(b"x\r\ny"), b"\r\n"]
    assert segments(parts) == (b"a1 LOGIN {4+}\r\nfred {4}\r\n", b"x\r\ny\r\n")
