"""Whatever is wrong with what we are given, or with the server: one paragraph that says what to change, and an exit code."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING

import peers
import pytest
import trustme
from calls import SOME, Called, call, report, target
from faults import completing, on
from miniature import Miniature

from conformance import report as reports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from miniature import Command, Reply

CASE = "rfc3501/6.1.2-noop/before-login"
ACCOUNT = ["-u", "alice:white rabbit"]
SECRET = "white rabbit"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def server() -> Iterator[Miniature]:
    with Miniature() as running:
        yield running


def check(called: Called, code: int, *words: str) -> None:
    """One paragraph with these words, then the line with the code; no password, no trace of Python."""
    assert called.code == code, called
    assert called.last.startswith(f"imapspec: exit {code} ("), called
    paragraph = called.paragraph
    assert paragraph.startswith("imapspec: ")
    assert "\n\n" not in paragraph
    assert len(paragraph) < 700
    for word in words:
        assert word in paragraph
    for leak in ("Traceback", "Errno", SECRET, "NoneType", "did you mean ?", "?."):
        assert leak not in called.out + called.err


def check_report(folder: Path, code: int, words: str) -> None:
    """What was learnt, at least the error, is in the journal and in every report."""
    footer = report(folder).footer
    assert footer is not None
    assert footer.exit_code == code
    assert not footer.complete
    assert words in footer.error
    assert SECRET not in (folder / "run.jsonl").read_text()
    for name in reports.FILES:
        assert SECRET not in (folder / name).read_text()
    assert words in (folder / "summary.md").read_text()


# Servers that cannot be used: 6.


def test_a_closed_port_says_start_it_or_correct_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    check(
        call("run", f"imap://127.0.0.1:{port}", *ACCOUNT, CASE),
        6,
        "the connection was refused",
        "Start the server, or correct the port.",
    )
    check_report(tmp_path / "imapspec-report", 6, "the connection was refused")


def test_a_host_without_an_address_says_correct_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    called = call("run", "imap://mail.example.org", *ACCOUNT, CASE)
    check(
        called,
        6,
        "the host name mail.example.org has no address",
        "Correct its spelling, or give an IP address.",
    )


@pytest.mark.parametrize(
    ("scheme", "behave", "words"),
    [
        ("imap", peers.says(), ("its greeting does not come", "raise --timeout")),
        ("imap", peers.says(b"* OK no end"), ("its greeting does not come",)),
        ("imap", peers.says(b"* BYE full\r\n"), ("turns us away", "Its log may say why")),
        ("imap", peers.closes_after(), ("ended the connection instead of greeting", "use imaps:// if")),
        ("imap", peers.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("cannot work with this server",)),
        ("imap", peers.says(b"\x16\x03\x01\xff\xff\r\n"), ("cannot work with this server",)),
        ("imap", peers.says(b"* OK it\r\n* BYE or not\r\n"), ("cannot work with this server",)),
        ("imaps", peers.says(b"* OK plain\r\n"), ("in plain text", "Use imap:// or imap+starttls://")),
        ("imaps", peers.read_and_reset, ("during the TLS handshake",)),
        (
            "imap+starttls",
            peers.says(b"* OK it\r\n", b"imapspec NO\r\n"),
            ("STARTTLS is refused", "Use imap://"),
        ),
    ],
    ids=[
        "silence",
        "half a line",
        "BYE",
        "close",
        "HTTP",
        "TLS on the port",
        "BYE later",
        "plain",
        "reset",
        "refused",
    ],
)
def test_a_server_that_does_not_begin_says_what_to_change(
    scheme: str, behave: peers.Behaviour, words: tuple[str, ...], tmp_path: Path
) -> None:
    with peers.peer(behave) as port:
        called = call("run", f"{scheme}://127.0.0.1:{port}", *ACCOUNT, CASE, "--timeout", "0.3")
    check(called, 6, *words)
    check_report(tmp_path / "imapspec-report", 6, words[0])


def test_a_certificate_of_nobody_we_know_says_which_options_help(server_context: ssl.SSLContext) -> None:
    with peers.peer(peers.inside_tls(server_context, lambda _: None)) as port:
        called = call("run", f"imaps://127.0.0.1:{port}", *ACCOUNT, CASE)
    check(called, 6, "certificate is not accepted", "--ca-file", "--insecure")


def test_a_wrong_password_says_check_the_account(server: Miniature, tmp_path: Path) -> None:
    called = call("run", f"imap://127.0.0.1:{server.port}", "-u", "alice:queen of hearts", CASE)
    check(called, 6, "login of alice was refused", "Check the account (-u USER:PASSWORD).")
    assert "queen of hearts" not in called.err
    check_report(tmp_path / "imapspec-report", 6, "login of alice was refused")


def test_every_account_is_tried_before_the_first_case(server: Miniature, tmp_path: Path) -> None:
    called = call("run", *target(server), "-u", "bob:queen of hearts", CASE)
    check(called, 6, "login of bob was refused", "Check the account (-u USER:PASSWORD).")
    assert report(tmp_path / "imapspec-report").results == []


def test_a_password_that_the_server_repeats_is_not_repeated_by_us(tmp_path: Path) -> None:
    told = completing(f'NO the password is not "{SECRET}" (d2hpdGUgcmFiYml0)')
    with Miniature(on("LOGIN", told)) as server:
        address = f"imap://127.0.0.1:{server.port}"
        for words in (["run", address, CASE], ["smoke", address], ["clean", address]):
            called = call(*words, *ACCOUNT)
            check(called, 6, 'the password is not "********"')
            assert "d2hpdGUgcmFiYml0" not in called.err
    assert "d2hpdGUgcmFiYml0" not in (tmp_path / "imapspec-report" / "run.jsonl").read_text()


def test_an_account_that_may_not_create_mailboxes_says_so() -> None:
    with Miniature(on("CREATE", completing("NO [CANNOT] read-only"))) as server:
        check(call("run", *target(server), CASE), 6, "no mailbox can be created", "[CANNOT] read-only")


def test_a_server_that_wants_tls_before_login_says_which_address_to_give() -> None:
    def wants_tls(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n", command.completed("OK")]
        return [*replies]

    with Miniature(wants_tls) as server:
        check(call("run", *target(server), CASE), 6, "use an imap+starttls:// or imaps:// address")


def test_a_server_that_dies_in_the_middle_leaves_what_was_learnt_in_the_report(tmp_path: Path) -> None:
    def dying(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name != "NOOP":
            return [*replies]
        command.connection.server.stop_listening()
        for connection in command.connection.server.connections:
            connection.shut(socket.SHUT_RDWR)
        return []

    with Miniature(dying) as server:
        called = call("run", *target(server), *SOME)
    assert called.code == 6, called
    assert "Start it again, or give its command with --start." in called.last
    told = report(tmp_path / "imapspec-report")
    assert len([result for result in told.results if result.status == "PASS" and not result.always_on]) >= 3
    assert [step for step in told.steps if step.kind == "end"]
    assert "The run did not get to its end" in (tmp_path / "imapspec-report" / "report.html").read_text()


# The operator's words: 4, and nothing was sent.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rfc3501/6.1.2-noop/before-logn"], ["did you mean rfc3501/6.1.2-noop/before-login?"]),
        (["rfc3501/6.1.9"], ["rfc3501/6.1.9 selects nothing; did you mean rfc3501/6."]),
        (["rfc3501/*/*no-such-thing*"], ["selects nothing"]),
        (["--level", "all"], ["--level", "'must', 'should', 'may'"]),
        (["--lvel", "must"], ["--lvel is not understood; did you mean --level?"]),
        (["--timeout", "0"], ["--timeout", "'0' is not a number of seconds above 0"]),
        (["--timeout", "soon"], ["'soon' is not a number of seconds above 0"]),
        (["--rate-limit", "-1"], ["'-1' is not a number from 0 on"]),
        (["-n", "-2"], ["'-2' is not a whole number from 0 on"]),
        (["-n", "two"], ["'two' is not a whole number from 0 on"]),
        (["--seed", "1.5"], ["'1.5' is not a whole number from 0 on"]),
        (["--scenarios", "nowhere"], ["--scenarios nowhere: there is no such folder"]),
        (["--scenarios", "empty"], ["--scenarios empty: there is no file *.imap in this folder"]),
        (["--expect", "none.toml"], ["none.toml", "No such file"]),
        (["--expect", "bad.toml"], ["bad.toml", "did you mean rfc3501/6.1.2/always-succeeds?"]),
        (["--user-file", "none.txt"], ["none.txt", "one USER:PASSWORD a line"]),
        (["-u", SECRET], ["must have the form USER:PASSWORD"]),
        (["--ca-file", "empty"], ["empty", "Give --ca-file a PEM file"]),
        (["--last-failed", "--report-dir", "empty"], ["run.jsonl", "Give the run.jsonl of a run"]),
        (
            ["--report-dir", "file"],
            ["the report folder cannot be written: file", "Give another with --report-dir."],
        ),
        (["--report-dir", "file/below"], ["the report folder cannot be written", "--report-dir"]),
        (["--report-dir", "taken"], ["the report folder cannot be written", "report.html"]),
        (["--start", "'x"], ["--start", "Quote it as for a shell."]),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) and words[0].startswith("-") else None,
)
def test_a_mistake_in_the_call_is_named_and_nothing_is_sent(
    words: list[str], said: list[str], server: Miniature, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    (tmp_path / "bad.toml").write_text(
        'format = 1\n\n[[expect]]\nid = "rfc3501/6.1.2/always-succeed"\nreason = "x"\n'
    )
    account = [] if words[0] in ("-u", "--user-file") else ACCOUNT
    check(call("run", f"imap://127.0.0.1:{server.port}", *account, *words), 4, *said)
    assert server.connections == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_report_folder_without_permission_is_named(server: Miniature, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    check(call("run", *target(server), CASE, "--report-dir", "locked/r"), 4, "locked/r", "--report-dir")
    assert server.connections == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], ["rnu: there is no such command; did you mean run?"]),
        ([], ["COMMAND", "imapspec --help"]),
        (["run", "dovecto"], ["dovecto is neither a server nor a case; did you mean dovecot?"]),
        (["run", "127.0.0.1:143"], ["An address has the form imap://HOST:PORT"]),
        (["run", "http://127.0.0.1"], ["http://", "Give imap://HOST:PORT"]),
        (["run", f"imap://alice:{SECRET}@127.0.0.1", CASE], ["Give it with -u USER:PASSWORD"]),
        (["run", "imap://127.0.0.1", CASE], ["no account was given: add -u USER:PASSWORD"]),
        (["run", "pymap", *ACCOUNT, CASE], ["pymap is a throw-away server", "Leave out -u"]),
        (["run", "--start", "x", CASE], ["Give imap://HOST:PORT as the target."]),
        (["smoke", "imap://127.0.0.1"], ["no account was given"]),
        (["clean", "imap://127.0.0.1"], ["no account was given"]),
        (["list", "rfc3501/6.77"], ["rfc3501/6.77 selects nothing"]),
        (["list", "--levl"], ["did you mean --level?"]),
        (["explain", "rfc3501/6.1.2/always-succeed"], ["did you mean rfc3501/6.1.2/always-succeeds?"]),
        (["explain"], ["ID"]),
        (["servers", "--all"], ["--all is not understood"]),
    ],
    ids=lambda words: " ".join(words)[:30] if isinstance(words, list) else None,
)
def test_a_call_that_means_nothing_says_what_could_be_meant(words: list[str], said: list[str]) -> None:
    check(call(*words), 4, *said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "title: a",
            ["own/a/x.imap:1:1: the scenario has no steps", "^", "Write the steps below the header"],
        ),
        (
            "title: a\nproves: rfc3501/6.1.2/always-succeeds\nstate: greeted\n\nC: NOOP\n",
            ["own/a/x.imap:5:1: ", "never expected"],
        ),
        (
            "title: a\nproves: rfc3501/6.1.2/always-succeed\nstate: greeted\n\nC: NOOP\nS: OK\n",
            ["own/a/x.imap", "there is no requirement rfc3501/6.1.2/always-succeed; did you mean"],
        ),
        (
            "title: a\nproves: rfc3501/6.1.2/always-succeeds\nstate: greeted\n\nC: NOOP\nS [rfc3501/6.1.2/x]: OK\n",
            ["there is no requirement rfc3501/6.1.2/x"],
        ),
    ],
)
def test_a_malformed_scenario_says_where_and_how_to_mend_it(
    text: str, said: list[str], server: Miniature, tmp_path: Path
) -> None:
    (tmp_path / "own" / "a").mkdir(parents=True)
    (tmp_path / "own" / "a" / "x.imap").write_text(text)
    check(call("run", *target(server), "--scenarios", "own", CASE), 4, *said)
    assert server.connections == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lvel = 'must'", "imapspec.toml: unknown key 'lvel'; did you mean level?"),
        ("level = 3", "imapspec.toml: level must be a string."),
        ("level = 'musty'", "imapspec.toml: level must be one of must, should, may; did you mean must?"),
        ("level = ", "imapspec.toml cannot be read: "),
        ("timeout = '1'", "imapspec.toml: timeout must be a number."),
        ("timeout = 0", "imapspec.toml: timeout: '0' is not a number of seconds above 0."),
        ("seed = 1.5", "imapspec.toml: seed: '1.5' is not a whole number from 0 on."),
        ("user = 'alice:white rabbit'", "imapspec.toml: user must be a list, each item a string."),
        ("user = ['white rabbit']", "an account must have the form USER:PASSWORD"),
        ("scenarios = [1]", "imapspec.toml: scenarios must be a list, each item a string."),
        ("scenarios = ['nowhere']", "--scenarios nowhere: there is no such folder."),
        ("insecure = 'yes'", "imapspec.toml: insecure must be true or false."),
        ("target = ['pymap']", "imapspec.toml: target must be a string."),
        ("target = 'imap://'", "the host name is missing"),
        ("expect = 'none.toml'", "none.toml"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "imapspec.toml").write_text(text)
    check(call("run", CASE), 4, said)


def test_a_mistake_in_somebody_elses_section_of_pyproject_is_not_ours(
    server: Miniature, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nlvel = 1\n")
    assert call("run", *target(server), CASE).code == 0
    (tmp_path / "pyproject.toml").write_text("not toml")
    assert call("run", *target(server), CASE).code == 0
    (tmp_path / "pyproject.toml").write_text("[tool.imapspec]\nlvel = 1\n")
    check(call("run", *target(server), CASE), 4, "pyproject.toml: unknown key 'lvel'; did you mean level?")


def test_help_is_given_whatever_the_configuration_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "imapspec.toml").write_text("level = ")
    for words in (["--help"], ["run", "--help"], ["smoke", "-h"]):
        with pytest.raises(SystemExit) as ended:
            call(*words)
        assert ended.value.code == 0
    capsys.readouterr()


# --start.


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-anywhere", ["cannot be started", "Correct the command, or install what it names."]),
        (
            f"{sys.executable} -c 'print(\"out of sugar\"); exit(7)'",
            ["exited with status 7 before", "out of sugar"],
        ),
    ],
    ids=["missing", "ends at once"],
)
def test_a_command_that_does_not_start_a_server_shows_its_log(
    command: str, said: list[str], tmp_path: Path
) -> None:
    called = call("run", "imap://127.0.0.1:1", *ACCOUNT, "--start", command + " # {port}", CASE)
    check(called, 6, *said)
    check_report(tmp_path / "imapspec-report", 6, said[0])
