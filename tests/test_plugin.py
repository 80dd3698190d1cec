"""Under pytest: scenario files are tests, and their verdicts are those of `imapspec run`."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import calls
import pytest
from calls import call, report, target
from faults import completing, on
from miniature import Miniature

from conformance import resources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.journal import Journal

SCENARIO = """\
title: {title}
proves: rfc3501/6.1.2/always-succeeds
state: {state}

C: {command}
S: OK
"""

#: A file of tests that are no scenarios, one good and one bad.
OTHERS = """\
def test_good():
    pass

def test_bad():
    assert False
"""

#: As strict as a project can be.
SETTINGS = """\
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider
filterwarnings = error
"""


@pytest.fixture
def server() -> Iterator[Miniature]:
    with Miniature() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of somebody's own scenarios: two that pass, one that fails, one that is skipped."""
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    folder = tmp_path / "imap"
    folder.mkdir()
    for name, command, state in (
        ("noop", "NOOP", "greeted"),
        ("check", "CHECK", "selected"),
        ("fails", "STARTTLS", "greeted"),
    ):
        (folder / f"{name}.imap").write_text(SCENARIO.format(title=name, command=command, state=state))
    text = SCENARIO.format(title="skipped", command="IDLE", state="greeted")
    (folder / "skipped.imap").write_text(text.replace("state:", "requires: IDLE\nstate:"))
    return tmp_path


class PytestRun:
    """What pytest said and how it ended: in this process, with workers and for tests of imports in one of its own."""

    def __init__(self, folder: Path, *words: str | Path, alone: bool = False) -> None:
        arguments = list(map(str, words))
        if alone or "-n" in arguments:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *arguments],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=calls.SOON,
            )
            self.code, self.said = done.returncode, done.stdout + done.stderr
        else:
            said = io.StringIO()
            quiet = [w for name in ("unraisableexception", "threadexception") for w in ("-p", f"no:{name}")]
            with (
                calls.restored(),
                contextlib.chdir(folder),
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
            ):
                self.code = int(pytest.main([*quiet, *arguments]))
            self.said = said.getvalue()

    @property
    def counts(self) -> dict[str, int]:
        """Of pytest's last line: outcome -> number."""
        line = next(line for line in reversed(self.said.splitlines()) if re.search(r" in \d", line))
        return {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", line)}


def options(server: Miniature, users: int = 1) -> list[str]:
    return [{"-u": "--imap-user"}.get(word, word) for word in ("--imap-target", *target(server, users=users))]


def verdicts(journal: Journal) -> set[tuple[str, str, str, str]]:
    return {(r.id, r.requirement, r.status, r.signature) for r in journal.results}


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "-n 2"])
def test_a_folder_of_ones_own_is_collected_and_played(
    workers: list[str], project: Path, server: Miniature
) -> None:
    tested = PytestRun(project, *options(server), *workers, "-rs", "imap")
    assert tested.counts == {"passed": 2, "failed": 1, "skipped": 1}, tested.said
    assert tested.code == 1
    assert "SKIP no-capability:IDLE: the server does not offer IDLE" in tested.said
    assert re.search(
        r"FAIL rfc3501/6.1.2/always-succeeds \(line 6\): expected OK, got \w+ (NO|BAD)", tested.said
    )
    assert "Traceback" not in tested.said
    assert "imapspec: exit 1 (1 unexpected failure)" in tested.said
    assert {r.id: r.status for r in report(project / "imapspec-report").results if not r.always_on} == {
        "imap/noop": "PASS",
        "imap/check": "PASS",
        "imap/fails": "FAIL",
        "imap/skipped": "SKIP",
    }
    assert (project / "imapspec-report" / "report.html").exists()
    assert set(server.users["alice"].boxes) == {b"INBOX"}


def test_the_verdicts_are_those_of_imapspec_run(tmp_path: Path) -> None:
    ids = ["rfc3501/6.1.2", "rfc3501/6.2.1", "rfc3501/7.4.2"]
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    with contextlib.chdir(tmp_path):
        ran = call("run", "pymap", *ids, "--report-dir", "ran")
    assert ran.code == 1, ran
    for workers in ([], ["-n", "2"]):
        words = [
            "--imap-target",
            "pymap",
            "--imap-report-dir",
            "tested",
            "--rootdir",
            resources.SCENARIOS,
            *workers,
        ]
        folders = [
            folder
            for name in ids
            for folder in sorted((resources.SCENARIOS / "rfc3501").glob(f"{name.removeprefix('rfc3501/')}*"))
        ]
        tested = PytestRun(tmp_path, *words, *folders)
        assert tested.code == 1, tested.said
        assert verdicts(report(tmp_path / "ran")) == verdicts(report(tmp_path / "tested"))
        assert ran.last in tested.said


def test_without_a_target_nothing_is_collected_and_nothing_imported(project: Path) -> None:
    (project / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert not [m for m in sys.modules if m.startswith('conformance.') "
        "and not m.startswith('conformance.pytest_plugin')]\n    assert 'lark' not in sys.modules\n"
    )
    tested = PytestRun(project, alone=True)
    assert (tested.code, tested.counts) == (0, {"passed": 1}), tested.said
    assert not (project / "imapspec-report").exists()


def test_collecting_only_looks_at_no_server(project: Path) -> None:
    words = ["--imap-target", "imap://127.0.0.1:1", "--imap-user", "alice:secret", "--collect-only", "-q"]
    tested = PytestRun(project, *words)
    assert tested.code == 0, tested.said
    assert "imap/noop.imap::noop" in tested.said
    assert not (project / "imapspec-report").exists()


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "-n 1"])
def test_a_malformed_scenario_ends_with_4(workers: list[str], project: Path, server: Miniature) -> None:
    (project / "imap" / "wrong.imap").write_text("title: wrong\nproves: rfc3501/6.1.2/always-succeeds\n")
    tested = PytestRun(project, *options(server), *workers, "imap")
    assert tested.code == 4, tested.said
    assert "wrong.imap:2:1: the scenario has no steps" in tested.said
    assert "Write the steps below the header" in tested.said
    footer = report(project / "imapspec-report").footer
    assert footer is not None
    assert "the scenario has no steps" in footer.error


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--imap-target", "imap://127.0.0.1:1", "--imap-user", "a:b"], 6, "the connection was refused"),
        (
            ["--imap-target", "imap://127.0.0.1:1", "--imap-user", "alice"],
            4,
            "must have the form USER:PASSWORD",
        ),
        (["--imap-target", "imap://127.0.0.1:1"], 4, "no account was given"),
        (["--imap-target", "dovecto"], 4, "did you mean dovecot?"),
        (["--imap-target", "pymap", "--imap-expect", "none.toml"], 4, "cannot read the expectation file"),
    ],
    ids=["refused", "account", "no account", "target", "expect"],
)
def test_bad_input_ends_as_in_imapspec_run(words: list[str], code: int, said: str, project: Path) -> None:
    tested = PytestRun(project, *words, "imap")
    assert tested.code == code, tested.said
    assert said in tested.said
    assert "Traceback" not in tested.said


def test_other_tests_of_the_session_keep_their_say(project: Path, server: Miniature) -> None:
    (project / "imap" / "fails.imap").unlink()
    (project / "imap" / "test_others_of_plugin.py").write_text(OTHERS)
    tested = PytestRun(project, *options(server), "imap")
    assert (tested.code, tested.counts["failed"]) == (1, 1), tested.said
    assert "imapspec: exit 0 (" in tested.said
    assert PytestRun(project, *options(server), "imap", "-k", "test_good").code == 0
    assert PytestRun(project, *options(server), "imap", "-k", "noop or test_good").code == 0


def test_a_known_failure_is_xfailed_and_an_unexpected_pass_fails(project: Path, server: Miniature) -> None:
    (project / "known.toml").write_text(
        'format = 1\n[[expect]]\nid = "imap/fails"\nrequirement = "rfc3501/6.1.2/always-succeeds"\nreason = "x"\n'
    )
    words = [*options(server), "--imap-expect", "known.toml", "imap"]
    tested = PytestRun(project, *words)
    assert (tested.code, tested.counts) == (0, {"passed": 2, "skipped": 1, "xfailed": 1}), tested.said
    with server.being(on("STARTTLS", completing("OK"))):
        (project / "imap" / "fails.imap").write_text(
            SCENARIO.format(title="x", command="NOOP", state="greeted")
        )
        tested = PytestRun(project, *words)
    assert (tested.code, tested.counts["failed"]) == (1, 1), tested.said
    assert "imapspec: exit 1 (1 unexpected pass)" in tested.said


def test_exitfirst_and_workers_end_with_1(project: Path, server: Miniature) -> None:
    tested = PytestRun(project, *options(server), "-x", "-n", "1", "imap")
    assert tested.code == 1, tested.said
    assert "imapspec: exit 1 (1 unexpected failure)" in tested.said


def test_pytests_own_report_holds_verdicts_and_no_password(project: Path, server: Miniature) -> None:
    echo = on("NOOP", lambda _, replies: [b"* BAD white rabbit\r\n", *replies])
    with server.being(echo):
        tested = PytestRun(project, *options(server), "--junitxml", "junit.xml", "-v", "-l", "imap")
    text = (project / "junit.xml").read_text()
    suite = next(ET.fromstring(text).iter("testsuite"))  # noqa: S314 - pytest has written it
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    assert "<property" not in text
    for said in (text, tested.said, (project / "imapspec-report" / "run.jsonl").read_text()):
        assert "white rabbit" not in said
