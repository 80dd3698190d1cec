"""Every expectation can fail: what `imapspec score` says of recorded plays, and a sample of our own scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from calls import call, target
from miniature import Miniature

from conformance import grammar
from conformance.response import read, template
from conformance.runner import alter
from conformance.scenario.load import find
from conformance.scenario.match import can_fit

if TYPE_CHECKING:
    from pathlib import Path

    from calls import Called

#: Our own cases that are looked at here, at even distances; the whole is for a command (docs/scenarios.md).
SAMPLE = 24


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scored(folder: Path, steps: str, state: str = "selected") -> Called:
    """What is said of a scenario of our own that a right server has played."""
    (folder / "own" / "own").mkdir(parents=True)
    head = f"title: a mailbox\nproves: rfc3501/6.1.2/always-succeeds\nstate: {state}\nmessages: 2\n\n"
    (folder / "own" / "own" / "case.imap").write_text(head + steps)
    with Miniature() as server:
        ran = call("run", *target(server), "--scenarios", "own", "own", "-q")
    assert ran.code == 0, ran
    return call("score", "imapspec-report/run.jsonl")


def test_what_can_fail_is_counted(tmp_path: Path) -> None:
    called = scored(
        tmp_path,
        "C: FETCH 1:2 (UID FLAGS)\n"
        "S: * 1 FETCH (UID ${first} FLAGS ${flags})\n"
        "S: * 2 FETCH (UID ${second})\n"
        "S! * ${} EXPUNGE\n"
        "S! * BYE ${...}\n"
        "S: OK\n"
        "assert: ${first} < ${second}\n"
        "assert: ${first} != ${second}\n"
        "assert: \\Seen not in ${flags}\n"
        "assert: ${flags:count} < 2\n"
        "C: NOOP\n"
        "S? * OK ${...}\n"
        "S [given]: OK\n"
        "C: LOGOUT\n"
        "S: * BYE ${...}\n"
        "S> OK\n"
        "S: end\n",
    )
    assert called.code == 0, called
    assert called.out.startswith("12 of 12 expectations can fail (100.00 %); 0 were not reached; 0 verdicts")


@pytest.mark.parametrize(
    "line",
    [
        "assert: ${first} = ${first}",
        "assert: ${flags:count} >= 0",
    ],
)
def test_what_cannot_fail_is_named(line: str, tmp_path: Path) -> None:
    called = scored(
        tmp_path, f"C: FETCH 1 (UID FLAGS)\nS: * 1 FETCH (UID ${{first}} FLAGS ${{flags}})\nS: OK\n{line}\n"
    )
    assert called.code == 1, called
    assert f"case.imap:9: nothing turns this: {line}  [rfc3501/6.1.2/always-succeeds]" in called.out
    assert "2 of 3 expectations can fail" in called.out


def test_a_verdict_that_depends_on_the_order_of_data_is_named(tmp_path: Path) -> None:
    called = scored(tmp_path, "C: FETCH 1:2 (UID)\nS: * 1 FETCH (UID ${})\nS> * 2 FETCH (UID ${})\nS: OK\n")
    assert called.code == 1, called
    assert "case.imap:8: untagged data in another order: PASS -> FAIL" in called.out


def test_our_own_expectations_can_fail() -> None:
    cases = find()
    ids = [cases[n * len(cases) // SAMPLE] for n in range(SAMPLE)]
    called = call("run", "pymap", *ids, "--seed", "1", "-q")
    assert called.code in (0, 1), called
    called = call("score", "imapspec-report/run.jsonl")
    assert called.code == 0, called.out


def test_completions_are_altered() -> None:
    altered = [*alter.completions(b"a1 OK [READ-WRITE] done\r\n")]
    assert b"a1 NO [READ-WRITE] done\r\n" in altered
    assert b"a1 OK done\r\n" in altered
    assert b"a1 OK [ALERT] done\r\n" in altered


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"* 3 EXISTS\r\n", b"* 4 EXISTS\r\n"),
        (b"* SEARCH 2 3\r\n", b"* SEARCH 2\r\n"),
        (b"* FLAGS (\\Seen)\r\n", b"* FLAGS (\\Altered \\Seen)\r\n"),
        (b"* 1 FETCH (FLAGS ())\r\n", b"* 1 FETCH (FLAGS (\\Altered))\r\n"),
        (b'* LIST () "/" box\r\n', b'* LIST () "/" boxX\r\n'),
        (b'* LIST () "/" box\r\n', b"* LIST () NIL box\r\n"),
        (b"* 1 FETCH (BODY[] {3}\r\n(a) UID 7)\r\n", b"* 1 FETCH (BODY[] {4}\r\n(a)X UID 7)\r\n"),
        (b"* 1 FETCH (BODY[] {3}\r\n(a) UID 7)\r\n", b"* 1 FETCH (BODY[] {3}\r\n(a) UID 8)\r\n"),
        (
            b'* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")\r\n',
            b'* 1 FETCH (INTERNALDATE "01-Jan-1970 00:00:00 +0000")\r\n',
        ),
    ],
)
def test_values_are_altered(before: bytes, after: bytes) -> None:
    assert after in [*alter.values(before)]


def test_what_a_response_is_about_is_no_value() -> None:
    for octets in alter.values(b"* 3 FETCH (UID 4)\r\n"):
        assert octets.startswith(b"* "), octets
        assert b" FETCH (" in octets or b" FETCH NIL" in octets, octets


@pytest.mark.parametrize(
    "text",
    ["* ${} EXPUNGE", "* LIST ${...}", "* LIST (\\Noselect ${...}) ${} INBOX", "* 1 FETCH (UID ${})", "* SEARCH ${} ${...}", "* BYE ${...}"],
)  # fmt: skip
def test_a_template_is_written_as_a_response_that_fits(text: str) -> None:
    form = template(grammar.load(), text)
    responses = [read(grammar.load(), octets) for octets in alter.written(form)]
    assert any(each.problem is None and can_fit(form, each, {}) for each in responses)
