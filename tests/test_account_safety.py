"""Everything happens in mailboxes of our own, they are gone afterwards, and nothing else of an account is touched."""

from __future__ import annotations

import base64
import imaplib
import re
import threading
from typing import TYPE_CHECKING, Self

import calls
import plays
import pytest
from calls import SOME, Program, call, program, target
from miniature import Miniature

from conformance import report as reports
from conformance.pytest_plugin import sides
from conformance.runner.conduct import Conductor
from conformance.runner.plan import Plan
from conformance.runner.settings import Settings
from conformance.servers import open_server
from conformance.servers.owned import OwnedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from miniature import Command, Reply

CASE = "rfc3501/6.1.2-noop/does-nothing"
OURS = re.compile(r"imapspec-[0-9a-f]{8}-[0-9a-f]{6}-")

#: Names of the user's own that look as if they could be ours, and a hierarchy.
PRECIOUS = [
    "Archive",
    "Archive/2024",
    "imapspec-list",
    "imapspec-",
    "imapspec-0123abcd",
    "Imapspec-notes-box",
]
LETTER = b"From: ada@harbour.example\r\nSubject: a letter\r\n\r\nKeep me.\r\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def pymap() -> Iterator[OwnedServer]:
    server = open_server("pymap")
    assert isinstance(server, OwnedServer)
    server.start()
    yield server
    server.stop()


class Mail:
    """The user's own client."""

    def __init__(self, server: OwnedServer, account: int = 0) -> None:
        address = server.addresses["imap"]
        self.imap = imaplib.IMAP4(address.host, address.port)
        self.imap.login(server.accounts[account].user, server.accounts[account].password)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.imap.logout()

    def names(self) -> set[str]:
        found = (line.decode().rpartition(' "/" ')[2].strip('"') for line in self.imap.list()[1] if line)  # type: ignore[union-attr]
        return set(found)

    def fill(self) -> None:
        for name in PRECIOUS:
            self.imap.create(name)
            self.imap.subscribe(name)
        for name in ("INBOX", *PRECIOUS):
            self.imap.append(name, "(\\Flagged)", imaplib.Time2Internaldate(1e9), LETTER)

    def everything(self) -> dict[str, object]:
        """All that the account holds: mailboxes, subscriptions, messages with flags, dates and UIDs."""
        held: dict[str, object] = {"subscribed": sorted(map(repr, self.imap.lsub()[1]))}
        for name in self.names():
            status, data = self.imap.select(f'"{name}"', readonly=True)
            if status == "OK":
                uids = self.imap.response("UIDVALIDITY")[1]
                letters = (
                    self.imap.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]
                    if data != [b"0"]
                    else []
                )
                held[name] = (uids, [part for part in letters if part != b")"])
        return held


def accounts(server: OwnedServer, users: int = 2) -> list[str]:
    return [w for each in server.accounts[:users] for w in ("-u", f"{each.user}:{each.password}")]


def test_an_account_with_mail_is_as_it_was_afterwards(pymap: OwnedServer) -> None:
    # What creates, deletes, renames, subscribes, lists, appends, expunges and copies.
    sections = ["6.3.3", "6.3.4", "6.3.5", "6.3.6", "6.3.8", "6.3.9", "6.3.11", "6.4.3", "6.4.7"]
    ids = [f"rfc3501/{section}" for section in sections]
    with Mail(pymap, 0) as alice, Mail(pymap, 1) as bob:
        alice.fill()
        bob.fill()
        before = alice.everything(), bob.everything()
        assert len(before[0]) == len(PRECIOUS) + 2
        called = call("run", str(pymap.addresses["imap"]), *accounts(pymap), "--timeout", "1", *ids)
        assert called.code in (0, 1), called.err
        assert "touches-inbox" in called.out
        assert (alice.everything(), bob.everything()) == before


def test_inbox_is_touched_only_where_that_is_allowed(pymap: OwnedServer) -> None:
    words = ["run", str(pymap.addresses["imap"]), *accounts(pymap), "rfc3501/6.3.3-create/inbox"]
    assert call(*words).code == 5
    assert call(*words, "--allow-inbox").code in (0, 1)
    assert call("run", "pymap", words[-1]).code in (0, 1)


def boxes(server: Miniature, user: str = "alice") -> set[bytes]:
    return set(server.users[user].boxes)


def precious(server: Miniature) -> set[bytes]:
    for user in server.users.values():
        for name in PRECIOUS:
            user.create(name.encode())
            user.subscribed.add(name.encode())
    return boxes(server)


class Blocked:
    """NOOP in a selected mailbox is not answered before we say so: until then the run has mailboxes on the server."""

    def __init__(self) -> None:
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "NOOP" and command.connection.box is not None:
            self.reached.set()
            self.goes_on.wait(calls.SOON)
        return [*replies]


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "with a worker"])
def test_clean_removes_what_a_killed_run_left_and_nothing_else(workers: list[str], tmp_path: Path) -> None:
    blocked = Blocked()
    with Miniature(blocked) as server:
        before = precious(server)
        running = Program("run", *target(server, users=2), CASE, *workers, "--timeout", "50", folder=tmp_path)
        try:
            assert blocked.reached.wait(calls.SOON)
            running.kill()
            running.ended()
        finally:
            blocked.goes_on.set()
        left = boxes(server) - before
        assert left
        assert all(OURS.match(name.decode()) for name in left)
        server.users["alice"].subscribed |= left
        called = call("clean", *target(server, users=2))
        assert called.code == 0, called
        assert called.out.splitlines() == [
            f"alice: {len(left)} mailbox removed",
            "bob: 0 mailboxes removed",
            "imapspec: exit 0 (clean)",
        ]
        assert boxes(server) == before
        assert boxes(server, "bob") == before
        assert server.users["alice"].subscribed == {name.encode() for name in PRECIOUS}


def test_clean_says_what_the_server_does_not_remove(monkeypatch: pytest.MonkeyPatch) -> None:
    with Miniature() as server:
        server.users["alice"].create(b"imapspec-0123abcd-456789-box")
        monkeypatch.setattr(server.users["alice"], "delete", lambda _: False)
        called = call("clean", *target(server))
    assert called.code == 6
    assert "alice: the server does not remove imapspec-0123abcd-456789-box" in called.err


def test_a_run_repeated_with_the_seed_of_a_killed_one_takes_its_mailboxes_away() -> None:
    with Miniature() as server:
        words = ["run", *target(server), CASE, "--seed", "7"]
        assert call(*words).code == 0
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(server.users["alice"], "delete", lambda _: False)
            called = call(*words)
        assert f"remove them with `imapspec clean imap://127.0.0.1:{server.port}`" in called.out
        assert boxes(server) != {b"INBOX"}
        assert call(*words).code == 0
        assert boxes(server) == {b"INBOX"}


def test_after_ctrl_c_nothing_is_left_even_with_workers_in_the_middle_of_a_case(tmp_path: Path) -> None:
    blocked = Blocked()
    with Miniature(blocked) as server:
        before = precious(server)
        running = Program(
            "run", *target(server, users=2), CASE, "-n", "1", "--timeout", "50", folder=tmp_path
        )
        try:
            assert blocked.reached.wait(calls.SOON)
            assert boxes(server) != before
            running.interrupt()
            called = running.ended()
        finally:
            blocked.goes_on.set()
        assert called.code == 2, called
        assert boxes(server) == before


def test_a_worker_that_ends_first_leaves_the_mailboxes_of_the_others(tmp_path: Path) -> None:
    with Miniature() as server:
        shared = Plan(plays.address(server), Settings(seed=1), tmp_path, workers=2)
        conductor = Conductor(shared)
        worker = sides.WorkerSide(conductor.begin(), "gw0")
        worker.pytest_sessionstart()
        another_workers = f"{shared.settings.prefix(CASE, 1)}box".encode()
        server.users["alice"].create(another_workers)
        worker.pytest_sessionfinish()
        assert another_workers in boxes(server)
        conductor.finish([])
        assert boxes(server) == {b"INBOX"}


# Secrets.


def secret_forms(user: str, password: str) -> list[str]:
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return [password, base64.b64encode(password.encode()).decode(), plain]


@pytest.mark.parametrize("words", [[], ["-v"], ["-n", "1"]], ids=["quiet", "-v", "-n 1"])
def test_no_password_is_in_the_journal_a_report_or_on_the_terminal(words: list[str], tmp_path: Path) -> None:
    # With a quote and a backslash in it, and a server that says it back in every way.
    password = 'qu"een of\\hearts \u2665'
    spoken = secret_forms("alice", password)

    def echo(command: Command, replies: list[bytes]) -> list[Reply]:
        said = "".join(f"* BAD {form}\r\n" for form in spoken).encode()
        return [said, *replies] if command.name in ("NOOP", "AUTHENTICATE", "LOGIN") else [*replies]

    with Miniature(echo) as server:
        server.users["alice"].password = password.encode().decode("latin-1")
        server.users["bob"].password = "hatter"
        called = program(
            "run",
            f"imap://127.0.0.1:{server.port}",
            "-u",
            f"alice:{password}",
            *SOME,
            "rfc3501/6.2.2-authenticate/plain",
            "rfc3501/6.2.3-login",
            *words,
            folder=tmp_path,
        )
    assert called.code in (0, 1), called
    texts = {"out": called.out, "err": called.err}
    for name in ("run.jsonl", *reports.FILES):
        texts[name] = (tmp_path / "imapspec-report" / name).read_text()
    assert "********" in texts["run.jsonl"]
    for where, text in texts.items():
        for form in (*spoken, password.replace("\\", "\\\\").replace('"', '\\"'), "hearts"):
            assert form not in text, where


def test_a_password_file_and_the_environment_keep_passwords_out_of_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "users").write_text("alice:white rabbit\n\nbob:hatter\n")
    with Miniature() as server:
        address = target(server)[0]
        assert call("run", address, "--user-file", "users", CASE).code == 0
        assert calls.report(tmp_path / "imapspec-report").header.accounts == 2
        monkeypatch.setenv("IMAPSPEC_USERS", "alice:white rabbit\nbob:hatter")
        assert call("run", address, CASE).code == 0
        assert calls.report(tmp_path / "imapspec-report").header.accounts == 2
        # The command line wins over both, and the environment is not for throw-away servers.
        assert call("run", address, "-u", "alice:white rabbit", CASE).code == 0
        assert calls.report(tmp_path / "imapspec-report").header.accounts == 1
        assert call("run", "pymap", CASE, "-q").code in (0, 1)


def test_what_is_encoded_from_a_password_is_in_no_record_either(tmp_path: Path) -> None:
    encoded = base64.b64encode(b"somebody\0alice\0not-white rabbit")

    def echo(command: Command, replies: list[bytes]) -> list[Reply]:
        return [b"* BAD " + encoded + b"\r\n", *replies] if command.name == "AUTHENTICATE" else [*replies]

    scenario = plays.scenario(
        "title: x\nproves: rfc3501/6.2.2/wrong-credentials\nstate: greeted\n\nC: AUTHENTICATE PLAIN\nS: + ${...}\n"
        'C~ {base64 "somebody\\0${user}\\0not-${password}"}\\r\\n\nS: NO | BAD\n'
    )
    with Miniature(echo) as server:
        journal = plays.run(plays.address(server), [scenario], tmp_path)
    assert all(encoded.decode() not in step.octets for step in journal.steps)
    assert [step.octets for step in journal.steps if "bWFza2Vk" in step.octets] == [
        "bWFza2Vk\r\n",
        "* BAD bWFza2Vk\r\n",
    ]
