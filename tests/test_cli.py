"""The command line: what is selected, how it is played, what is said, and where the server may be."""

from __future__ import annotations

import itertools
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import calls
import miniature
import pytest
from calls import SOME, call, program, report, target
from faults import completing, on
from miniature import Miniature

from conformance import catalogue
from conformance.runner.settings import Settings
from conformance.servers import available, dovecot, open_server
from conformance.servers.owned import OwnedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.transport import Scheme

CASE = "rfc3501/6.1.2-noop/before-login"
OTHER = "rfc3501/6.1.3-logout/before-login"
NOOP_FAILS = on("NOOP", completing("NO never"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[Miniature]:
    with Miniature() as running:
        yield running


def cases(folder: str | Path = "imapspec-report") -> list[str]:
    """The cases that were played, in the order of the journal."""
    return list(dict.fromkeys(case.id for case in report(Path(folder)).cases))


def listed(*words: str) -> list[str]:
    """What `--list` says."""
    called = call("run", *words, "--list")
    assert called.code == 0, called
    return called.out.splitlines()


# What is selected.


def test_list_says_what_would_run_and_sends_nothing(server: Miniature) -> None:
    assert set(listed(*target(server), "rfc3501/6.1.2")) >= {CASE, "rfc3501/6.1.2-noop/does-nothing"}
    assert server.connections == []
    assert not Path("imapspec-report").exists()


def test_sections_ids_patterns_and_requirements_select() -> None:
    assert listed("rfc3501/6.1.2-noop/before-login") == [CASE]
    assert listed("rfc3501/6.1.2-noop") == listed("rfc3501/6.1.2")
    assert set(listed("rfc3501/6.1.2")) < set(listed("rfc3501/6.1")) < set(listed("rfc3501")) == set(listed())
    assert listed("rfc3501/6.1.*/before-login") == [case for case in SOME if case.endswith("/before-login")]
    assert CASE in listed("rfc3501/6.1.2/always-succeeds")
    assert listed(OTHER, CASE) == [CASE, OTHER]  # in the order of the RFC
    assert listed(CASE, "--level", "must", "rfc3501/6.1.3-logout/before-login") == [CASE, OTHER]


def test_the_level_leaves_out_what_proves_only_weaker_requirements() -> None:
    by_level = {level: set(listed("--level", level)) for level in ("must", "should", "may")}
    assert by_level["must"] < by_level["should"] < by_level["may"] == set(listed())
    known = catalogue.load()
    proofs = {
        line.split()[0]: line.split()[1]
        for line in call("list", "--requirements").out.split("\n\n")[0].splitlines()
    }
    assert proofs == {name: requirement.level for name, requirement in known.items()}


def test_last_failed_plays_only_what_was_unexpected(server: Miniature) -> None:
    words = ["run", *target(server), "--report-dir", "r"]
    with server.being(NOOP_FAILS):
        assert call(*words, CASE, OTHER).code == 1
        called = call(*words, "--last-failed")
    assert called.code == 1
    assert cases("r") == [CASE]
    again = re.search(r"again +imapspec (.*)", called.out)
    assert again is not None
    assert shlex.split(again[1])[-1] == CASE
    assert "--last-failed" not in again[1]
    assert call(*words, "--last-failed").code == 0
    assert call(*words, "--last-failed").code == 5


def test_exitfirst_stops_after_the_first_unexpected_case_and_not_after_a_known_failure(
    server: Miniature,
) -> None:
    Path("known.toml").write_text(
        f'format = 1\n[[expect]]\nid = "{CASE}"\nrequirement = "rfc3501/6.1.2/always-succeeds"\nreason = "x"\n'
    )
    words = ["run", *target(server), *SOME, "-x"]
    with server.being(NOOP_FAILS):
        called = call(*words)
        assert called.code == 1, called
        assert cases()[-1] == CASE
        assert "(1 more were not played)" in called.out
        assert call(*words, "--expect", "known.toml").code == 1
        assert len(cases()) > 3


def test_cases_of_ones_own_are_played_besides_ours(server: Miniature) -> None:
    own = Path("own/local")
    own.mkdir(parents=True)
    (own / "b.imap").write_text(
        "title: ours\nproves: rfc3501/6.1.2/always-succeeds\nstate: created\n\n"
        "C: APPEND ${mailbox} {file hello.eml}\nS: OK\n"
    )
    (own / "hello.eml").write_bytes(b"Subject: hello\r\n\r\nhello\r\n")
    called = call("run", *target(server), "--scenarios", "own", "local/b", CASE)
    assert called.code == 0, called
    assert set(cases()) == {"local/b", CASE}
    assert listed("--scenarios", "own", "local") == ["local/b"]


# How it is played.


def test_the_seed_decides_the_names_of_mailboxes(server: Miniature) -> None:
    created: list[set[bytes]] = []
    for seed in (5, 5, 6):
        words = ["run", *target(server), "rfc3501/6.1.2-noop/does-nothing", "--seed", str(seed)]
        assert call(*words).code == 0
        steps = report(Path("imapspec-report")).steps
        created.append({step.octets.encode() for step in steps if " CREATE " in step.octets})
        assert Settings(seed=seed).run_mark.encode() in next(iter(created[-1]))
    assert created[0] == created[1] != created[2]
    assert report(Path("imapspec-report")).header.seed == 6


def test_the_seed_of_a_run_is_said_and_repeats_it(server: Miniature) -> None:
    called = call("run", *target(server), CASE)
    said = re.search(r"seed (\d+)", called.out)
    assert said is not None
    assert int(said[1]) == report(Path("imapspec-report")).header.seed


def test_the_rate_limit_is_kept(server: Miniature) -> None:
    began = time.monotonic()
    called = call("run", *target(server), "rfc3501/6.1.2-noop/does-nothing", "--rate-limit", "20")
    assert called.code == 0
    sent = [step for step in report(Path("imapspec-report")).steps if step.kind == "send"]
    assert len(sent) >= 6
    for earlier, later in itertools.pairwise(sent):
        assert later.time - earlier.time > 0.9 / 20
    assert time.monotonic() - began > len(sent) / 20


def test_a_new_failure_is_played_again_unless_that_is_not_wanted(server: Miniature) -> None:
    with server.being(NOOP_FAILS):
        assert call("run", *target(server), CASE).code == 1
        assert [case.attempt for case in report(Path("imapspec-report")).cases] == [1, 2]
        assert call("run", *target(server), CASE, "--no-confirm").code == 1
        assert [case.attempt for case in report(Path("imapspec-report")).cases] == [1]


def test_a_failure_that_does_not_come_again_is_flaky(server: Miniature) -> None:
    asked = []

    def once(command: miniature.Command, replies: list[bytes]) -> list[miniature.Reply]:
        if command.name == "NOOP" and not asked:
            asked.append(command)
            return [command.completed("NO this once")]
        return [*replies]

    with server.being(once):
        called = call("run", *target(server), CASE)
    assert called.code == 1
    assert "FLAKY" in called.out


def test_unmet_shoulds_decide_only_when_told_to(server: Miniature) -> None:
    words = ["run", *target(server), "rfc3501/2.2.2-syntax-errors/unknown-command"]
    with server.being(lambda _, replies: [reply.replace(b" BAD ", b" NO ") for reply in replies]):
        called = call(*words)
        assert (called.code, "warn" in called.out) == (0, True), called
        assert call(*words, "--strict").code == 1


# What is said.


def test_quiet_is_silent_about_what_is_expected(server: Miniature) -> None:
    called = call("run", *target(server), CASE, "-q")
    assert called.err == ""
    assert called.out == f"{called.last}\n"
    with server.being(NOOP_FAILS):
        called = call("run", *target(server), CASE, "-q")
    assert called.out.startswith("NEW FAILURES (1)")
    assert "SUMMARY" not in called.out


def test_verbose_names_every_case_and_shows_known_failures(server: Miniature) -> None:
    Path("known.toml").write_text(
        f'format = 1\n[[expect]]\nid = "{CASE}"\nrequirement = "rfc3501/6.1.2/always-succeeds"\nreason = "why"\n'
    )
    with server.being(NOOP_FAILS):
        words = ["run", *target(server), CASE, OTHER, "--expect", "known.toml"]
        plain, verbose = call(*words), call(*words, "-v")
    assert (plain.code, verbose.code) == (0, 0)
    assert f" FAIL (known)    {CASE}\n PASS            {OTHER}\n" in verbose.out
    assert "KNOWN FAILURES (1)" in verbose.out
    assert "rfc3501/6.1.2-noop    k\n" in plain.out
    assert "FAILURES" not in plain.out
    assert "1 known" in plain.out


def test_the_block_of_a_failure_says_requirement_expected_actual_wire_and_how_to_run_just_this(
    server: Miniature,
) -> None:
    with server.being(NOOP_FAILS):
        called = call("run", *target(server), *SOME)
    block = called.out[called.out.index("F rfc3501/6.1.2/always-succeeds") :].split("\n\n")[0]
    assert "MUST  FAIL  new" in block
    assert "RFC 3501 section 6.1.2: " in block
    assert f"case      {CASE}, line " in block
    assert "expected  OK" in block
    assert re.search(r"actual    a1 NO never", block)
    assert re.search(r"\n     +\d+ C: a1 NOOP\n   > +\d+ S: a1 NO never\n", block)
    again = re.search(r"again +imapspec (run .*)", block)
    assert again is not None
    words = shlex.split(again[1])
    assert words[-1] == CASE
    assert words[1] == target(server)[0]
    assert "white rabbit" not in again[1]


def test_a_line_for_each_section_without_a_terminal(server: Miniature) -> None:
    called = call("run", *target(server), *SOME, "rfc3501/6.2.1-starttls/starttls")
    assert "\r" not in called.out
    assert "\033" not in called.out
    lines = called.out.splitlines()
    assert lines[0].startswith("imapspec ")
    assert "8 cases" in lines[0]
    assert f" target    imap://127.0.0.1:{server.port}  * OK miniature" in lines
    assert " accounts  1   workers 1" in lines
    sections = [line.split() for line in lines if line.startswith(" rfc3501/")]
    assert sections == [
        ["rfc3501/6.1.1-capability", ".."],
        ["rfc3501/6.1.2-noop", ".."],
        ["rfc3501/6.1.3-logout", "..."],
        ["rfc3501/6.2.1-starttls", "s"],
    ]
    assert "1 no-capability:STARTTLS" in called.out


def test_a_moving_line_on_a_terminal_that_leaves_nothing_behind(server: Miniature) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        words = ["run", *target(server), *SOME]
        os.execv(sys.executable, [sys.executable, "-m", "conformance.cli", *words])  # noqa: S606
    said = b""
    try:
        while octets := os.read(terminal, 65536):
            said += octets
    except OSError:  # how Linux tells that the other side is gone
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    assert b"[1/7]  rfc3501/6.1.1-capability/before-login" in said
    shown = [line.rpartition("\r\033[K")[2] for line in said.decode().replace("\r\n", "\n").split("\n")]
    assert not [line for line in shown if line.startswith(" [")]
    assert " rfc3501/6.1.1-capability  .." in shown
    assert shown[-2].startswith("imapspec: exit 0")


def test_a_reader_who_leaves_ends_the_words_and_not_the_run(server: Miniature, tmp_path: Path) -> None:
    words = shlex.join([sys.executable, "-m", "conformance.cli", "run", *target(server), *SOME])
    piped = subprocess.run(
        ["bash", "-c", f"{words} | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    first, code = piped.stdout.splitlines()
    assert first.startswith("imapspec ")
    assert (code, piped.stderr) == ("0", "")
    assert report(tmp_path / "imapspec-report").footer is not None


# Configuration.


def test_the_file_speaks_where_the_command_line_is_silent(server: Miniature) -> None:
    address, _, account = target(server)
    Path("imapspec.toml").write_text(
        f'target = "{address}"\nuser = ["{account}"]\nseed = 11\nreport-dir = "there"\nquiet = true\n'
    )
    called = call("run", CASE)
    assert (called.code, called.out) == (0, f"{called.last}\n")
    assert report(Path("there")).header.seed == 11
    assert call("run", CASE, "--seed", "12", "--report-dir", "here").code == 0
    assert report(Path("here")).header.seed == 12


def test_a_list_of_the_command_line_takes_the_place_of_the_files(server: Miniature) -> None:
    address, _, account = target(server)
    Path("imapspec.toml").write_text(f'target = "imap://127.0.0.1:1"\nuser = ["{account}", "bob:wrong"]\n')
    assert call("run", address, "-u", account, CASE).code == 0
    assert report(Path("imapspec-report")).header.accounts == 1
    assert call("smoke", address, "-u", account).code == 0


def test_a_section_of_pyproject_is_as_good_as_a_file(server: Miniature) -> None:
    Path("pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.imapspec]\nseed = 13\n')
    assert call("run", *target(server), CASE).code == 0
    assert report(Path("imapspec-report")).header.seed == 13


# Where the server may be.


@pytest.fixture(scope="module", params=["pymap", "dovecot"])
def started(request: pytest.FixtureRequest) -> Iterator[OwnedServer]:
    if request.param == "dovecot" and dovecot.version() is None:
        pytest.skip("Dovecot is not installed")
    server = open_server(request.param)
    assert isinstance(server, OwnedServer)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("scheme", ["imap", "imaps", "imap+starttls"])
def test_a_server_started_by_hand_is_reached_in_every_way(scheme: Scheme, started: OwnedServer) -> None:
    address = str(started.addresses[scheme])
    assert address.startswith(f"{scheme}://127.0.0.1:")
    accounts = [w for each in started.accounts for w in ("-u", f"{each.user}:{each.password}")]
    words = [address, *accounts, "--ca-file", str(started.ca_file)]
    called = call("run", *words, *SOME[:2], OTHER)
    assert called.code in (0, 1), called
    journal = report(Path("imapspec-report"))
    assert {r.status for r in journal.results if not r.always_on} == {"PASS"}
    assert journal.header.target == address
    encrypted = {step.kind == "tls" or step.note == "TLS" for step in journal.steps}
    assert (True in encrypted) is (scheme != "imap")
    assert all(
        each.password not in Path("imapspec-report/run.jsonl").read_text() for each in started.accounts
    )


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_a_throw_away_server_is_tested_inside_tls_when_asked(scheme: str) -> None:
    called = call("run", "pymap", "--tls", scheme, "rfc3501/6.1.1-capability/before-login")
    assert called.code == 0, called
    assert any(step.kind == "tls" or step.note == "TLS" for step in report(Path("imapspec-report")).steps)


def start(*words: str) -> list[str]:
    command = shlex.join([sys.executable, miniature.__file__, "--port", "{port}", *words])
    return ["run", "imap://127.0.0.1:1", "-u", "alice:white rabbit", "--start", command]


def test_a_server_of_ones_own_is_started_and_stopped_by_its_command(tmp_path: Path) -> None:
    called = program(*start(), CASE, OTHER, folder=tmp_path)
    assert called.code == 0, called
    address = report(tmp_path / "imapspec-report").header.target
    port = int(address.rpartition(":")[2])
    assert port != 1
    with Miniature(port=port):  # so it is free again
        pass


def test_a_server_of_ones_own_that_dies_is_started_again_and_its_log_shown(tmp_path: Path) -> None:
    called = call(*start("--die-on", "NOOP"), *SOME)
    assert called.code == 1, called
    journal = report(tmp_path / "imapspec-report")
    by_case = {result.id: result for result in journal.results if not result.always_on}
    assert by_case[CASE].status == "CRASH"
    assert "miniature: cannot bear NOOP" in by_case[CASE].log
    assert "miniature: cannot bear NOOP" in called.out
    assert by_case[OTHER].status == "PASS"  # after it, on a new server
    assert journal.footer is not None
    assert journal.footer.complete


def test_workers_start_servers_of_their_own_from_one_command(tmp_path: Path) -> None:
    called = program(*start(), *SOME, "-n", "2", folder=tmp_path)
    assert called.code == 0, called
    assert len(cases(tmp_path / "imapspec-report")) == len(SOME)


# The other commands.


def test_smoke_says_what_would_run_and_what_would_be_skipped(server: Miniature) -> None:
    called = call("smoke", *target(server))
    assert called.code == 0, called
    assert called.err == ""
    total = len(listed())
    would = re.search(r"would run +(\d+) of (\d+) cases", called.out)
    assert would is not None
    assert int(would[2]) == total
    skipped = sum(int(n) for n in re.findall(r"skip +(\d+) ", called.out))
    assert int(would[1]) == total - skipped
    assert "no-capability:STARTTLS" in called.out
    assert called.last == "imapspec: exit 0 (the server can be tested)"
    assert set(server.users["alice"].boxes) == {b"INBOX"}


def test_list_and_explain_know_every_case_and_requirement() -> None:
    lines = call("list").out.splitlines()
    assert [line.split()[0] for line in lines] == listed()
    assert all(len(line.split()) > 1 for line in lines)
    called = call("explain", "rfc3501/6.1.2/always-succeeds")
    assert called.code == 0
    assert f"  {CASE}\n" in called.out
    assert "section 6.1.2" in called.out
    called = call("explain", CASE)
    assert "C: NOOP" in called.out
    assert "rfc3501/6.1.2/always-succeeds  MUST" in called.out


def test_servers_says_what_can_be_started_here() -> None:
    called = call("servers")
    assert called.code == 0
    names = [line.split()[0] for line in called.out.splitlines()]
    assert names == [server.name for server in available()]
    assert "(the embedded default)" in called.out.splitlines()[0]


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--version")
    assert ended.value.code == 0
    capsys.readouterr()


# Time.


def imported(*words: str) -> set[str]:
    code = f"import sys\nfrom conformance.cli import main\ntry: main({list(words)!r})\nfinally: print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=calls.SOON
    )
    return set(said.stdout.splitlines()[-1].split())


def test_what_is_not_needed_is_not_imported() -> None:
    heavy = {"pytest", "lark", "jinja2", "hypothesis", "ssl", "trustme", "conformance.grammar"}
    assert not imported("run", "--help") & heavy
    assert not imported("explain", CASE) & {"pytest", "jinja2"}
