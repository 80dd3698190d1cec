"""What a run makes of cases that do not apply, that come out differently the second time, and of servers that do not survive."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, NamedTuple

import miniature
import plays
import pytest
from faults import before, completing, hanging_up, on, replacing
from miniature import Miniature, right

from conformance.runner.plan import Target

if TYPE_CHECKING:
    from pathlib import Path

    from miniature import Command, Reply, Wrong

    from conformance.journal import Journal, Result
    from conformance.scenario.syntax import Scenario

REQUIREMENT = "rfc3501/2.2.2/stays-in-step"


def case(name: str, header: str = "", command: str = "NOOP", connection: str = "") -> Scenario:
    """One command that is to succeed."""
    return plays.scenario(
        f"title: What a test is about\nproves: {REQUIREMENT}\nstate: selected\n{header}\n"
        f"{connection}C: {command}\n{connection}S: OK\n",
        f"tests/{name}",
    )


def results(journal: Journal) -> dict[str, Result]:
    """Of the cases, by the last part of their names."""
    return {each.id.removeprefix("tests/"): each for each in journal.results if not each.always_on}


class Condition(NamedTuple):
    """A header, the server and options with which the case applies, and those with which it does not, and why."""

    header: str
    reason: str
    with_it: Wrong = right
    without_it: Wrong = right
    options: dict[str, bool] = {}  # noqa: RUF012 - never changed


_FLAT = on('LIST "" ""', replacing((b'"/"', b"NIL")))
_IDLE = on("CAPABILITY", replacing((b"LITERAL+", b"LITERAL+ IDLE")))
_PLAIN = on("CAPABILITY", replacing((b" LITERAL+", b"")))

CONDITIONS = {
    "a capability": Condition("requires: IDLE\n", "no-capability:IDLE", with_it=_IDLE),
    "a capability's absence": Condition("requires: !LITERAL+\n", "capability:LITERAL+", with_it=_PLAIN),
    "hierarchy": Condition("requires: HIERARCHY\n", "no-hierarchy", without_it=_FLAT),
    "INBOX": Condition("touches: inbox\n", "touches-inbox", options={"allow_inbox": True}),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_case_is_skipped_where_it_does_not_apply(name: str, tmp_path: Path) -> None:
    header, reason, with_it, without_it, options = CONDITIONS[name]
    for wrong, given, status, code in (
        (with_it, options, "PASS", ""),
        (without_it, {}, "SKIP", reason),
    ):
        with Miniature(wrong) as server:
            journal = plays.run(plays.address(server), [case("it", header)], tmp_path, **given)
        assert (results(journal)["it"].status, results(journal)["it"].reason) == (status, code)


@pytest.mark.parametrize(
    ("users", "status", "reason"), [(2, "PASS", ""), (1, "SKIP", "needs-second-account")]
)
def test_a_case_of_two_users_needs_two(users: int, status: str, reason: str, tmp_path: Path) -> None:
    scenario = case("it", "connections: A B@2\n", "NOOP", "B ")
    with Miniature() as server:
        target = Target(plays.address(server).name, plays.accounts()[:users])
        result = results(plays.run(target, [scenario], tmp_path))["it"]
    assert (result.status, result.reason) == (status, reason)


def only_at(number: int, wrong: Wrong) -> Wrong:
    """Wrong to one connection: the first of the case, or the second, which is that of its second play."""
    return lambda command, replies: (wrong if command.connection.number == number else right)(
        command, replies
    )


def confirmed(wrong: Wrong, report_dir: Path) -> Journal:
    """A run that plays failures again."""
    with Miniature() as server:
        return plays.run(
            plays.address(server),
            [case("it", command="CHECK")],
            report_dir,
            confirm=True,
            around=lambda: server.being(wrong),
        )


@pytest.mark.parametrize(
    ("wrong", "status", "what"),
    [
        (right, "PASS", ""),
        (on("CHECK", completing("NO no")), "FAIL", "NO"),
        (only_at(1, on("CHECK", completing("NO no"))), "FLAKY", "NO"),
        (only_at(2, on("CHECK", completing("NO no"))), "PASS", ""),  # not played again: it passed
    ],
)
def test_a_failure_is_played_again(wrong: Wrong, status: str, what: str, tmp_path: Path) -> None:
    journal = confirmed(wrong, tmp_path)
    result = results(journal)["it"]
    assert result.status == status
    assert result.signature.rpartition("|")[2] == what
    assert [played.attempt for played in journal.cases] == ([1] if status == "PASS" else [1, 2])


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (on("CHECK", before(b"+ more\r\n")), "FAIL"),
        (only_at(1, on("CHECK", before(b"+ more\r\n"))), "FLAKY"),
    ],
)
def test_so_is_a_finding_of_the_always_on_checks(wrong: Wrong, status: str, tmp_path: Path) -> None:
    journal = confirmed(wrong, tmp_path)
    assert results(journal)["it"].status == "PASS"
    assert [(r.requirement, r.status) for r in journal.results if r.always_on and r.status != "PASS"] == [
        ("rfc3501/7.5/continuation-when-due", status)
    ]


@pytest.mark.parametrize("command", ["CREATE", "APPEND", "SELECT", "LOGIN"])
def test_a_start_state_that_is_not_reached_blames_nobody(command: str, tmp_path: Path) -> None:
    with Miniature() as server:
        journal = plays.run(
            plays.address(server),
            [case("it")],
            tmp_path,
            around=lambda: server.being(on(command, completing("NO not today"))),
        )
    result = results(journal)["it"]
    assert (result.status, result.reason, result.signature) == ("BLOCKED", "set-up", "")
    assert "not today" in result.message


def own(*options: str) -> Target:
    """The miniature as the operator's own command."""
    command = [sys.executable, miniature.__file__, "--port", "{port}", *options]
    return Target("imap://127.0.0.1:1", plays.accounts(), start=shlex.join(command))


def test_a_server_that_dies_in_a_case_is_restarted_and_the_run_goes_on(tmp_path: Path) -> None:
    cases = [case("before"), case("deadly", command="CHECK"), case("behind")]
    journal = plays.run(own("--die-on", "CHECK"), cases, tmp_path, confirm=True)
    found = results(journal)
    assert {name: result.status for name, result in found.items()} == {
        "before": "PASS",
        "deadly": "CRASH",
        "behind": "PASS",
    }
    crash = found["deadly"]
    assert crash.signature == f"{REQUIREMENT}|crash"
    assert "exited with status 3" in crash.message
    assert "miniature: cannot bear CHECK" in crash.log
    assert journal.footer is not None
    assert journal.footer.complete


def test_a_server_that_never_answers_again_is_restarted_and_the_run_goes_on(tmp_path: Path) -> None:
    cases = [case("before"), case("hanging", command="CHECK"), case("behind")]
    journal = plays.run(own("--hang-on", "CHECK"), cases, tmp_path, timeout=1.0)
    found = results(journal)
    assert {name: result.status for name, result in found.items()} == {
        "before": "PASS",
        "hanging": "TIMEOUT",
        "behind": "PASS",
    }
    assert found["hanging"].signature == f"{REQUIREMENT}|S: OK|timeout"


@pytest.mark.parametrize(
    ("state", "steps", "hang_on", "message"),
    [
        ("selected", "C: NOOP\nS: OK\n", "SELECT", "SELECT: no answer before the deadline"),
        (
            "selected",
            "C: CHECK\nS [given]: OK\nC: NOOP\nS: OK\n",
            "CHECK",
            "not brought about: S [given]: OK",
        ),
    ],
)
def test_so_is_one_that_keeps_a_question_from_being_asked(
    state: str, steps: str, hang_on: str, message: str, tmp_path: Path
) -> None:
    head = f"title: What a test is about\nproves: {REQUIREMENT}\n"
    cases = [
        plays.scenario(f"{head}state: {state}\n\n{steps}", "tests/hanging"),
        plays.scenario(f"{head}state: authenticated\n\nC: NOOP\nS: OK\n", "tests/behind"),
    ]
    found = results(plays.run(own("--hang-on", hang_on), cases, tmp_path, timeout=1.0))
    assert {name: result.status for name, result in found.items()} == {"hanging": "BLOCKED", "behind": "PASS"}
    assert message in found["hanging"].message


def test_a_command_that_hangs_leaves_the_server_in_use(tmp_path: Path) -> None:
    cases = [case("hanging", command="CHECK"), case("behind")]
    with Miniature(on("CHECK", lambda _, __: [])) as server:
        found = results(plays.run(plays.address(server), cases, tmp_path, timeout=0.5))
    assert [(name, result.status) for name, result in found.items()] == [
        ("hanging", "TIMEOUT"),
        ("behind", "PASS"),
    ]


def test_a_server_of_somebody_else_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    def vanish(command: Command, replies: list[bytes]) -> list[Reply]:
        command.connection.server.stop_listening()
        return hanging_up()(command, replies)

    cases = [case("deadly", command="CHECK"), case("behind"), case("far behind")]
    with Miniature(on("CHECK", vanish)) as server:
        journal = plays.run(plays.address(server), cases, tmp_path)
    found = results(journal)
    assert [(result.status, result.reason) for result in found.values()] == [
        ("FAIL", ""),
        ("BLOCKED", "server-lost"),
        ("BLOCKED", "server-lost"),
    ]
    assert journal.footer is not None
    assert (journal.footer.complete, journal.footer.exit_code) == (False, 6)
