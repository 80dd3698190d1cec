"""Every exit code, with the last line on the terminal that says which and why, and what the report then holds."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING

import calls
import peers
import pytest
from calls import SOME, Program, call, report, target
from faults import completing, on
from miniature import Miniature

from conformance import catalogue
from conformance.cli import arguments, look
from conformance.pytest_plugin import sides
from conformance.runner import conduct, player
from conformance.runner.stage import Stage

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from miniature import Command, Reply

CASE = "rfc3501/6.1.2-noop/before-login"


def noop_fails() -> Miniature:
    return Miniature(on("NOOP", completing("NO never")))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def right_server() -> Iterator[Miniature]:
    with Miniature() as server:
        yield server


# 0 and 1.


def test_0_when_everything_is_as_expected(right_server: Miniature, tmp_path: Path) -> None:
    called = call("run", *target(right_server), *SOME, "--report-dir", "r")
    assert called.code == 0, called
    assert called.err == ""
    assert called.last.startswith("imapspec: exit 0 (")
    assert called.last.endswith(" results as expected)")
    for name in ("run.jsonl", "report.html", "junit.xml", "summary.md"):
        assert (tmp_path / "r" / name).stat().st_size > 0
    footer = report(tmp_path / "r").footer
    assert footer is not None
    assert (footer.exit_code, footer.complete, footer.error) == (0, True, "")
    assert f"imapspec: exit 0 ({footer.reason})" == called.last


def test_1_for_a_new_failure() -> None:
    with noop_fails() as server:
        called = call("run", *target(server), CASE)
    assert (called.code, called.last) == (1, "imapspec: exit 1 (1 unexpected failure)")


EXPECT = """\
format = 1

[[expect]]
id = "{case}"
requirement = "rfc3501/6.1.2/always-succeeds"
status = "FAIL"
reason = "the reason"
"""


def expectations(more: str = "") -> str:
    return EXPECT.format(case=CASE) + more


def test_0_for_a_known_failure(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(expectations())
    with noop_fails() as server:
        called = call("run", *target(server), CASE, "--expect", "known.toml")
    assert called.code == 0, called
    assert "of which 1 excused" in called.last
    assert "NEW FAILURES" not in called.out


@pytest.mark.parametrize(
    ("entry", "is_right", "reason"),
    [
        ("", True, "1 unexpected pass"),
        ('signature = "another"\n', False, "1 changed failure"),
        ("expires = 2001-01-01\n", False, "1 expired entry"),
    ],
)
def test_1_for_an_expectation_that_has_become_wrong(
    entry: str, is_right: bool, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "known.toml").write_text(expectations(entry))
    with Miniature() if is_right else noop_fails() as server:
        called = call("run", *target(server), CASE, "--expect", "known.toml")
    assert (called.code, called.last) == (1, f"imapspec: exit 1 ({reason})")


# 2.


class Stalling:
    """Answers no NOOP, and says when the first has arrived."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def __call__(self, command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "NOOP":
            self.asked.set()
            self.released.wait(calls.SOON)
        return [*replies]


@pytest.mark.parametrize("way", ["Ctrl-C", "SIGTERM", "Ctrl-C with workers"])
def test_2_when_interrupted_with_what_was_learnt_in_the_reports(way: str, tmp_path: Path) -> None:
    stalling = Stalling()
    with Miniature(stalling) as server:
        workers = ["-n", "1"] if "workers" in way else []
        running = Program("run", *target(server), *SOME, *workers, "--timeout", "50", folder=tmp_path)
        try:
            assert stalling.asked.wait(calls.SOON)
            if way == "SIGTERM":
                running.send(signal.SIGTERM)
            else:
                running.interrupt()
            called = running.ended()
        finally:
            stalling.released.set()
        assert set(server.users["alice"].boxes) == {b"INBOX"}
    assert called.code == 2, called
    assert called.last == "imapspec: exit 2 (interrupted, the results are incomplete)"
    assert "Traceback" not in called.err
    told = report(tmp_path / "imapspec-report")
    assert told.footer is not None
    assert (told.footer.exit_code, told.footer.complete) == (2, False)
    assert {result.id for result in told.results if not result.always_on} == set(SOME[:2])
    for name in ("report.html", "junit.xml", "summary.md"):
        assert (tmp_path / "imapspec-report" / name).stat().st_size > 0


def test_2_when_interrupted_before_the_server_has_greeted(tmp_path: Path) -> None:
    asked = threading.Event()

    def silent(connection: socket.socket) -> None:
        asked.set()
        peers.until_left(connection)

    with peers.peer(silent) as port:
        words = ["run", f"imap://127.0.0.1:{port}", "-u", "alice:secret", CASE, "--timeout", "50"]
        running = Program(*words, folder=tmp_path)
        assert asked.wait(calls.SOON)
        running.interrupt()
        called = running.ended()
    assert called.code == 2, called
    assert called.last == "imapspec: exit 2 (interrupted, the results are incomplete)"
    assert report(tmp_path / "imapspec-report").results == []


def test_2_when_interrupted_while_its_server_comes_up(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(f'{os.getpid()}\\n')\ntime.sleep(1000)\n"
    )
    command = shlex.join([sys.executable, "slow.py"])
    words = ["run", "imap://127.0.0.1:1", "-u", "alice:secret", CASE, "--start", command]
    running = Program(*words, folder=tmp_path)
    pid = tmp_path / "pid"
    calls.wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    running.interrupt()
    called = running.ended()
    assert called.code == 2, called
    assert called.last == "imapspec: exit 2 (interrupted, the results are incomplete)"
    assert "Traceback" not in called.err
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_2_takes_precedence_over_1(tmp_path: Path) -> None:
    stalling = Stalling()

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        replies = [*replies, b"* EXPUNGE 0\r\n"] if command.name == "CAPABILITY" else replies
        return stalling(command, replies)

    with Miniature(wrong) as server:
        ids = ["rfc3501/6.1.1-capability/before-login", CASE]
        running = Program("run", *target(server), *ids, "--timeout", "50", folder=tmp_path)
        try:
            assert stalling.asked.wait(calls.SOON)
            running.interrupt()
            called = running.ended()
        finally:
            stalling.released.set()
    assert called.code == 2, called
    assert "NEW FAILURES" in called.out


# 3.


def _slip(*_: object) -> None:
    raise IndexError("a slip of ours")


def test_3_when_a_play_breaks_by_our_fault(
    right_server: Miniature, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(player._HANDLERS, player.Send, _slip)
    called = call("run", *target(right_server), CASE)
    assert called.code == 3, called
    assert called.last == "imapspec: exit 3 (1 error of the suite itself)"
    assert "ERRORS OF IMAPSPEC (1)" in called.out
    assert "IndexError: a slip of ours" in called.out
    told = report(tmp_path / "imapspec-report")
    broken = [result for result in told.results if result.status == "ERROR"]
    assert len(broken) == 1
    assert "a slip of ours" in broken[0].message
    assert "Traceback" in broken[0].log


def test_3_when_a_case_has_no_result(right_server: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "run", _slip)
    called = call("run", *target(right_server), *SOME[:3])
    assert called.code == 3, called
    assert "3 cases could not be played" in called.err
    assert "IndexError: a slip of ours" in called.err
    assert called.last.startswith("imapspec: exit 3 (an error of imapspec itself")


def test_3_when_pytest_breaks(right_server: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "results_of", _slip)
    called = call("run", *target(right_server), CASE)
    assert called.code == 3, called
    assert "IndexError: a slip of ours" in called.err


def test_3_when_the_beginning_breaks(
    right_server: Miniature, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conduct, "examine", _slip)
    called = call("run", *target(right_server), CASE)
    assert called.code == 3, called
    assert "IndexError('a slip of ours')" in called.err
    footer = report(tmp_path / "imapspec-report").footer
    assert footer is not None
    assert footer.exit_code == 3


def test_3_when_another_command_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "select", _slip)
    called = call("list")
    assert called.code == 3
    assert "Traceback" in called.err
    assert "imapspec: IndexError: a slip of ours" in called.err
    assert called.last == "imapspec: exit 3 (an error of imapspec itself: please report it)"


# 4: tests of bad input have the rest.


def test_4_means_that_nothing_was_sent(right_server: Miniature, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.imap").write_text("title: no steps\n")
    for words in (["--expect", "none.toml"], ["--scenarios", "own"], ["--level", "all"], ["rfc3501/6.77"]):
        called = call("run", *target(right_server), *words)
        assert called.code == 4, (words, called)
        assert called.last.endswith("nothing was sent)")
    assert right_server.connections == []


# 5.


def test_5_when_nothing_is_selected(right_server: Miniature) -> None:
    assert call("run", *target(right_server), CASE).code == 0
    called = call("run", *target(right_server), "--last-failed")
    assert called.code == 5
    assert "nothing was unexpected in the last run of imapspec-report" in called.err
    assert called.last == "imapspec: exit 5 (nothing selected)"


def test_5_when_no_case_is_of_the_level(right_server: Miniature, tmp_path: Path) -> None:
    weak = next(word for word, requirement in catalogue.load().items() if requirement.level == "MAY")
    (tmp_path / "own" / "a").mkdir(parents=True)
    (tmp_path / "own" / "a" / "weak.imap").write_text(
        f"title: it\nproves: {weak}\nstate: greeted\n\nC: NOOP\nS: OK\n"
    )
    words = [*target(right_server), "--scenarios", "own", "a", "--level"]
    assert call("run", *words, "may").code == 0
    called = call("run", *words, "should")
    assert called.code == 5
    assert "no case is selected" in called.err


def test_5_when_everything_is_skipped(right_server: Miniature, tmp_path: Path) -> None:
    called = call("run", *target(right_server), "rfc3501/6.2.3-login/disabled")
    assert (called.code, called.last) == (5, "imapspec: exit 5 (everything was skipped)")
    results = report(tmp_path / "imapspec-report").results
    assert {(result.status, result.reason) for result in results} == {("SKIP", "no-capability:LOGINDISABLED")}


# 6.


def test_6_when_nobody_listens(tmp_path: Path) -> None:
    with Miniature() as server:
        words = target(server)
    called = call("run", *words, *SOME)
    assert called.code == 6
    assert called.last == "imapspec: exit 6 (server unreachable or not usable)"
    assert "the connection was refused" in called.paragraph
    told = report(tmp_path / "imapspec-report")
    assert told.footer is not None
    assert (told.footer.exit_code, told.footer.complete) == (6, False)
    assert "the connection was refused" in told.footer.error
    assert "the connection was refused" in (tmp_path / "imapspec-report" / "report.html").read_text()


def test_6_when_the_server_goes_and_does_not_come_back(tmp_path: Path) -> None:
    def leaving(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "NOOP":
            command.connection.server.stop_listening()
        return [*replies]

    with Miniature(leaving) as server:
        called = call("run", *target(server), *SOME)
    assert called.code == 6, called
    assert "was not started by imapspec, so it cannot be restarted" in called.last
    assert f"remove them with `imapspec clean imap://127.0.0.1:{server.port}`" in called.out
    told = report(tmp_path / "imapspec-report")
    assert told.footer is not None
    assert not told.footer.complete
    by_status = {result.id: result.status for result in told.results if not result.always_on}
    assert by_status["rfc3501/6.1.1-capability/before-login"] == "PASS"
    assert by_status["rfc3501/6.1.3-logout/before-login"] == "BLOCKED"


def test_6_when_the_set_up_fails_everywhere() -> None:
    def full(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "APPEND":
            return [command.completed("NO [OVERQUOTA] full")]
        return [*replies]

    with Miniature(full) as server:
        called = call("run", *target(server), "rfc3501/6.4.3-expunge/argument-refused")
    assert called.code == 6, called
    assert called.last.startswith("imapspec: exit 6 (the set-up failed everywhere: ")


def test_the_help_says_what_the_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments.read(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(f"{code} " in said.partition("exit codes:")[2] for code in range(7))
