"""A run is judged again from its journal, without its server."""

from __future__ import annotations

import dataclasses
import socket
import time
from typing import TYPE_CHECKING

import pytest
from calls import SOME, call, report, target
from faults import completing, on
from miniature import HANG_UP, Miniature

from conformance import journal
from conformance.errors import UsageError
from conformance.journal import Cut
from conformance.runner.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from miniature import Command, Reply

    from conformance.journal import Journal, Result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[Journal], list[Result]]:
    """Replay without sockets and without waiting."""

    def judged(told: Journal) -> list[Result]:
        def forbidden(*_: object, **__: object) -> None:
            raise AssertionError("a replay needs no server and no time")

        with monkeypatch.context() as patched:
            patched.setattr(socket, "socket", forbidden)
            patched.setattr(time, "sleep", forbidden)
            return replay(told)

    return judged


def told(results: list[Result]) -> list[object]:
    """Verdicts with all that explains them, but for what only the server's process could tell."""
    return sorted(journal.encode(dataclasses.replace(result, log="")) for result in results)


@pytest.mark.parametrize("scheme", ["imap", "imap+starttls"])
def test_a_run_against_a_real_server_is_judged_the_same(
    scheme: str, tmp_path: Path, offline: Callable[[Journal], list[Result]]
) -> None:
    # STARTTLS within scenarios and before them, two sessions, literals, octet by octet, failures that were played twice.
    ids = ["rfc3501/2.2-commands", "rfc3501/4.3", "rfc3501/6.2", "rfc3501/7.4.1", "rfc3501/7.4.2"]
    if scheme != "imap":
        ids = ids[:1]
    called = call("run", "pymap", "--tls", scheme, *ids, "--seed", "1", "-q")
    assert called.code in (0, 1), called
    ran = report(tmp_path / "imapspec-report")
    assert told(offline(ran)) == told(ran.results)


def test_every_kind_of_verdict_is_found_again(
    tmp_path: Path, offline: Callable[[Journal], list[Result]]
) -> None:
    lists = iter(range(100))

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        match command.name:
            case "NOOP" if command.connection.box is None:
                return [command.completed("NO never")]  # FAIL
            case "CAPABILITY" if command.connection.box is not None:
                return []  # TIMEOUT
            case "LOGOUT" if command.connection.box is not None:
                return [HANG_UP]  # closed
            case "LIST" if command.octets.endswith(b"%") and next(lists) == 0:
                return [command.completed("NO this once")]  # FLAKY
            case _:
                return [*replies]

    with Miniature(wrong) as server:
        words = [*SOME, "rfc3501/6.3.8", "rfc3501/6.2.1-starttls/starttls"]
        called = call("run", *target(server, users=2), *words, "--timeout", "0.5", "-q")
    assert called.code == 1, called
    ran = report(tmp_path / "imapspec-report")
    assert {"PASS", "FAIL", "TIMEOUT", "SKIP"} <= {result.status for result in ran.results}
    assert told(offline(ran)) == told(ran.results)


def test_a_poll_that_gave_up_is_judged_without_its_time(
    tmp_path: Path, offline: Callable[[Journal], list[Result]]
) -> None:
    (tmp_path / "own" / "own").mkdir(parents=True)
    (tmp_path / "own" / "own" / "poll.imap").write_text(
        "title: news that never come\nproves: rfc3501/6.1.2/always-succeeds\nstate: selected\nconnections: A B\n\n"
        "B C: NOOP\nB S: OK\nA poll: * 77 EXISTS\n"
    )
    with Miniature() as server:
        called = call("run", *target(server), "--scenarios", "own", "own", "--timeout", "0.5", "-q")
    assert called.code in (0, 1), called
    ran = report(tmp_path / "imapspec-report")
    assert [step.note for step in ran.steps if step.kind == "silence"].count("the deadline of poll") >= 1
    assert told(offline(ran)) == told(ran.results)


def test_a_server_that_went_away_is_judged_the_same(
    tmp_path: Path, offline: Callable[[Journal], list[Result]]
) -> None:
    def leaving(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "NOOP":
            command.connection.server.stop_listening()
        return [*replies]

    with Miniature(leaving) as server:
        assert call("run", *target(server), *SOME, "-q").code == 6
    ran = report(tmp_path / "imapspec-report")
    statuses = [(r.id, r.requirement, r.status, r.reason) for r in offline(ran)]
    assert statuses == [(r.id, r.requirement, r.status, r.reason) for r in ran.results]


def test_a_journal_of_an_interrupted_run_is_judged_as_far_as_it_goes(
    tmp_path: Path, offline: Callable[[Journal], list[Result]]
) -> None:
    with Miniature(on("NOOP", completing("NO never"))) as server:
        assert call("run", *target(server), *SOME, "-q").code == 1
    ran = report(tmp_path / "imapspec-report")
    ran.results = [result for result in ran.results if result.id in SOME[:2]]
    assert {result.id for result in offline(ran) if not result.always_on} == set(SOME[:2])


def test_a_step_that_was_cut_cannot_be_played_and_says_so(tmp_path: Path) -> None:
    with Miniature() as server:
        assert call("run", *target(server), "rfc3501/6.1.2-noop/before-login", "-q").code == 0
    ran = report(tmp_path / "imapspec-report")
    ran.steps = [dataclasses.replace(s, cut=Cut(99_999, "")) if s.kind == "receive" else s for s in ran.steps]
    with pytest.raises(UsageError, match="was too long for the journal"):
        replay(ran)
