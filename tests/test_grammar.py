"""The grammar of responses: what it accepts, and what it says of what it refuses."""

from __future__ import annotations

from conformance.grammar import load


def test_a_code_without_text_is_refused_where_the_space_is_missing() -> None:
    problem = load().explain("response", b"* OK [UNSEEN 8]\r\n")
    assert problem is not None
    assert (problem.rule, problem.offset, problem.expected) == ("resp-text", 15, ("a space",))


def test_nothing_may_follow_a_response() -> None:
    assert not load().recognise("response", b"* OK x\r\nxx")
