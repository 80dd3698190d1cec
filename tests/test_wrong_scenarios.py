"""Each kind of expectation in a scenario is met by the correct server, and fails with one that is wrong in that one way, there."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, get_args

import plays
import pytest
from miniature import Miniature, right
from wrong_rows import MUST, ROWS, Verdict

from conformance.scenario import syntax
from conformance.scenario.group import What

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from miniature import Wrong

    from conformance.journal import Journal

#: Seconds until a wait is over that is in vain.
VAIN = 0.4

_HERE = "  # here"


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    return plays.tls()


def whole(text: str) -> str:
    """The file that a row abbreviates."""
    text = textwrap.dedent(text).lstrip("\n")
    proves = "" if text.startswith("proves:") else f"proves: {MUST}\n"
    return f"title: What a test is about\n{proves}{text}"


def play(text: str, wrong: Wrong, tls: ssl.SSLContext, report_dir: Path, *, vain: bool = False) -> Journal:
    """A run of one scenario."""
    with Miniature(tls=tls if "requires: STARTTLS" in text else None) as server:
        return plays.run(
            plays.address(server),
            [plays.scenario(text)],
            report_dir,
            timeout=VAIN if vain else plays.PATIENCE,
            around=lambda: server.being(wrong),
        )


def check(journal: Journal, text: str, verdict: Verdict) -> None:
    """The line marked `here` has that verdict, and nothing else is wrong."""
    lines = text.splitlines()
    line = next((number for number, source in enumerate(lines, 1) if source.endswith(_HERE)), 0)
    source = lines[line - 1].removesuffix(_HERE)
    named = re.search(r"\[(rfc[^]]*)\]", source)
    requirement = named[1] if named else re.findall(r"^proves: (\S+)", text, re.MULTILINE)[0]
    results = {result.requirement: result for result in journal.results if not result.always_on}
    result = results.pop(requirement)

    assert (result.status, result.line if verdict.status != "PASS" else line) == (verdict.status, line), (
        result
    )
    shown = " ".join((result.message, result.actual, *result.values))
    assert verdict.words in shown
    expected = f"{requirement}|{source}|{verdict.what}" if verdict.what else ""
    assert result.signature == expected
    assert {other.status for other in results.values()} <= {"PASS", "SKIP", "BLOCKED"}


def test_everything_that_can_be_observed_is_observed() -> None:
    observed = {verdict.what for row in ROWS.values() for _, verdict in row.others}
    assert observed >= {*get_args(What), "assert", "tls", "sasl", "timeout"} - {"ok"}
    statuses = {verdict.status for row in ROWS.values() for _, verdict in row.others}
    assert statuses == {"PASS", "FAIL", "WARN", "INFO", "SKIP", "BLOCKED", "TIMEOUT"}


def test_everything_that_can_be_expected_is_expected() -> None:
    scenarios = [plays.scenario(whole(row.text)) for row in ROWS.values()]
    steps = [step for each in scenarios for step in each.steps]
    assert {type(step) for step in steps} == {*get_args(syntax.Step)}
    expected = [step for step in steps if isinstance(step, syntax.Expect)]
    assert {step.mode for step in expected} == {"must", "may", "must-not"}
    assert {step.after_previous for step in expected} == {True, False}
    relations = {
        relation
        for step in steps
        if isinstance(step, syntax.Assert)
        for claim in step.claims
        for relation in claim.relations
    }
    assert relations == {*get_args(syntax.Relation)}
    assert {each.delivery for each in scenarios} == {*get_args(syntax.Delivery)}
    assert {each.state for each in scenarios} == {*get_args(syntax.State)}


CASES = [(name, number) for name, row in ROWS.items() for number in range(len(row.others))]


@pytest.mark.parametrize("name", ROWS)
def test_the_correct_server_meets_the_expectation(name: str, tls: ssl.SSLContext, tmp_path: Path) -> None:
    text = whole(ROWS[name].text)
    journal = play(text, right, tls, tmp_path)
    check(journal, text, ROWS[name].correct)
    assert journal.findings == []


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_server_that_is_wrong_in_that_way_does_not(
    name: str, number: int, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    text = whole(ROWS[name].text)
    wrong, verdict = ROWS[name].others[number]
    check(play(text, wrong, tls, tmp_path, vain=verdict.vain), text, verdict)
