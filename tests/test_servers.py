"""Servers that we start: the real throw-away servers, and the operator's own command."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import peers
import pytest

from conformance.errors import SuiteError, TargetError
from conformance.servers import LAUNCHERS, available, command, dovecot, open_server, owned, process
from conformance.servers.base import Account
from conformance.servers.command import CommandServer
from conformance.servers.owned import OwnedServer
from conformance.servers.process import Command, ServerProcess
from conformance.transport import TCP, TLS, Address, TCPDialer, free_ports, loopback_hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.transport import Scheme

SOON = 20.0  # seconds: a deadline that no test reaches
SCHEMES: tuple[Scheme, ...] = ("imap", "imaps", "imap+starttls")
NO_DOVECOT = dovecot.version() is None and os.environ.get("CI") != "true"


def eventually(condition: Callable[[], object]) -> object:
    """Poll until the condition holds or the deadline has passed; its last value."""
    deadline = time.monotonic() + SOON
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def group(pgid: int) -> list[int]:
    """The processes of a group, without zombies."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [
        int(pid) for pid, its_group, state in rows if int(its_group) == pgid and not state.startswith("Z")
    ]


class Client:
    """As much of a client as these tests need."""

    def __init__(self, dialer: TCPDialer) -> None:
        self.transport: TCP = dialer.connect("A", SOON)
        self.arrived = b""
        self.greeting = self.line()
        if dialer.starttls:
            assert self.command(b"STARTTLS")[-1].startswith(b"t OK")
            assert self.transport.start_tls(SOON) is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def line(self) -> bytes:
        while b"\r\n" not in self.arrived:
            octets = self.transport.receive(SOON)
            assert isinstance(octets, bytes), octets
            self.arrived += octets
        line, _, self.arrived = self.arrived.partition(b"\r\n")
        return line

    def command(self, text: bytes) -> list[bytes]:
        """The answer's lines; the last one is the completion."""
        assert self.transport.send(b"t " + text + b"\r\n") is None
        lines = [self.line()]
        while not lines[-1].startswith(b"t "):
            lines.append(self.line())
        return lines

    def login(self, account: Account) -> bytes:
        return self.command(f"LOGIN {account.user} {account.password}".encode())[-1]


# Throw-away servers.


@pytest.fixture(scope="module", params=["pymap", "dovecot", "dovecot-sdbox"])
def server_running(request: pytest.FixtureRequest) -> Iterator[OwnedServer]:
    """A throw-away server for all tests that do not harm it."""
    with started(request.param) as server:
        yield server


@contextlib.contextmanager
def started(name: str) -> Iterator[OwnedServer]:
    if name.startswith("dovecot") and NO_DOVECOT:
        pytest.skip("Dovecot is not installed")
    server = open_server(name)
    assert isinstance(server, OwnedServer)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def leader(server: OwnedServer | CommandServer) -> int:
    assert server._process is not None
    assert server._process.pid is not None
    return server._process.pid


@pytest.mark.parametrize("host", loopback_hosts())
@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_accounts_can_log_in_by_every_kind_of_address(
    server_running: OwnedServer, scheme: Scheme, host: str
) -> None:
    address = server_running.addresses[scheme]
    dialer = TCPDialer(Address(scheme, host, address.port), TLS(ca_file=server_running.ca_file))
    assert [account.user for account in server_running.accounts] == ["alice", "bob"]
    for account in server_running.accounts:
        with Client(dialer) as client:
            assert client.greeting.startswith(b"* OK")
            assert client.transport.encrypted is (scheme != "imap")
            assert client.login(account).startswith(b"t OK")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_can_be_opened_for_every_kind_of_address(scheme: Scheme) -> None:
    server = open_server("pymap", scheme=scheme)
    with pytest.raises(SuiteError, match="before it is started"):
        assert server.dialer
    try:
        server.start()
        assert isinstance(server.dialer, TCPDialer)
        with Client(server.dialer) as client:
            assert client.login(server.accounts[0]).startswith(b"t OK")
    finally:
        server.stop()


def test_starttls_is_offered_in_clear_only(server_running: OwnedServer) -> None:
    offered = {}
    for scheme in SCHEMES:
        with Client(server_running.dialer_for(scheme)) as client:
            offered[scheme] = b" STARTTLS" in client.command(b"CAPABILITY")[0]
    assert offered == {"imap": True, "imaps": False, "imap+starttls": False}


def test_accounts_are_empty_and_apart(server_running: OwnedServer) -> None:
    alice, bob = server_running.accounts
    with Client(server_running.dialer_for("imap")) as one, Client(server_running.dialer_for("imap")) as other:
        one.login(alice)
        other.login(bob)
        for client in (one, other):
            mailboxes = [line for line in client.command(b'LIST "" *') if line.startswith(b"* LIST")]
            assert len(mailboxes) == 1
            assert mailboxes[0].upper().endswith(b"INBOX")
            assert b"MESSAGES 0" in client.command(b"STATUS INBOX (MESSAGES)")[0]
        assert one.command(b"CREATE only-alices")[-1].startswith(b"t OK")
        assert other.command(b"STATUS only-alices (MESSAGES)")[-1].startswith(b"t NO")
        assert one.command(b"DELETE only-alices")[-1].startswith(b"t OK")


def test_wrong_passwords_do_not_make_the_next_ones_slower(server_running: OwnedServer) -> None:
    """Dovecot always answers half a second later; its penalty would make that 2, 4, 8 and 15 seconds."""
    before = time.monotonic()
    for _ in range(4):
        with Client(server_running.dialer_for("imap")) as client:
            assert client.login(Account("alice", "wrong")).startswith(b"t NO")
    assert time.monotonic() - before < 14


def test_the_certificate_is_of_an_authority_that_nobody_else_knows(server_running: OwnedServer) -> None:
    with pytest.raises(TargetError, match="certificate is not accepted"):
        TCPDialer(server_running.addresses["imaps"]).connect("A", SOON)


def test_names_and_versions(server_running: OwnedServer) -> None:
    versions = {entry.name: entry.version for entry in available()}
    assert set(versions) == set(LAUNCHERS)
    assert server_running.version == versions[server_running.name]
    assert re.fullmatch(r"\d+\.\d+[\d.]*", server_running.version)


def test_passwords_are_new_each_time_and_in_no_command_line() -> None:
    one, other = open_server(), open_server()
    assert {account.password for account in one.accounts}.isdisjoint(
        account.password for account in other.accounts
    )
    with started("pymap") as server:
        shown = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
        assert not [account for account in server.accounts if account.password in shown]


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_stop_leaves_no_process_and_no_file(name: str) -> None:
    with started(name) as server:
        pid, folder = leader(server), server.ca_file.parent
        assert group(pid)
        with Client(server.dialer_for("imap")) as client:
            client.login(server.accounts[0])
            server.stop()
        assert eventually(lambda: not group(pid))
        assert not folder.exists()
        server.stop()
        assert server.crash() == f"{name} does not run"


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_a_restart_keeps_addresses_and_accounts(name: str) -> None:
    with started(name) as server:
        pid, addresses, dialer = leader(server), server.addresses, server.dialer
        server.restart()
        assert leader(server) != pid
        assert not group(pid)
        assert server.addresses == addresses
        assert server.crash() is None
        with Client(dialer) as client:
            assert client.login(server.accounts[0]).startswith(b"t OK")


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_a_crash_is_noticed_and_mended_by_a_restart(name: str) -> None:
    with started(name) as server:
        assert server.crash() is None
        os.kill(leader(server), signal.SIGKILL)
        assert eventually(server.crash)
        assert server.crash() == f"{name} was killed by SIGKILL"
        assert eventually(lambda: not group(leader(server)))  # nobody is left who could hold the port
        server.restart()
        assert server.crash() is None
        with Client(server.dialer) as client:
            assert client.login(server.accounts[0]).startswith(b"t OK")


@pytest.mark.parametrize(
    ("name", "sign"), [("dovecot", "mail/alice/mail/cur"), ("dovecot-sdbox", "mail/alice/mail/mailboxes")]
)
def test_dovecot_keeps_its_mail_in_the_format_that_was_asked_for(name: str, sign: str) -> None:
    with started(name) as server, Client(server.dialer_for("imap")) as client:
        client.login(server.accounts[0])
        client.command(b"SELECT INBOX")
        assert (server.ca_file.parent / sign).is_dir()


def test_a_broken_child_is_noticed_once_while_the_server_goes_on() -> None:
    with started("dovecot") as server:
        dialer = server.dialer_for("imap")
        with Client(dialer) as client:
            assert client.login(server.accounts[0]).startswith(b"t OK")
            shown = subprocess.run(
                ["ps", "-A", "-o", "pid=,pgid=,args="], capture_output=True, text=True, check=True
            )
            children = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
            child, *_ = [
                int(pid)
                for pid, pgid, name in children
                if int(pgid) == leader(server) and name.split() == ["dovecot/imap"]
            ]
            assert server.crash() is None
            os.kill(child, signal.SIGSEGV)
            assert "killed with signal 11" in str(eventually(server.crash))
        assert "killed with signal 11" in server.log_tail()
        assert server.crash() is None
        with Client(dialer) as client:
            assert client.login(server.accounts[0]).startswith(b"t OK")


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_several_instances_run_side_by_side(name: str) -> None:
    with started(name) as one, started(name) as other:
        assert {address.port for address in one.addresses.values()}.isdisjoint(
            address.port for address in other.addresses.values()
        )
        for server in (one, other):
            with Client(server.dialer) as client:
                assert client.login(server.accounts[0]).startswith(b"t OK")


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
@pytest.mark.parametrize("taken", [0, 1], ids=["plain", "tls"])
def test_a_port_that_somebody_took_meanwhile_is_replaced(
    name: str, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peers.peer(peers.says(b"* OK somebody else\r\n")) as port:
        answers: list[list[int]] = []

        def ports(count: int, hosts: tuple[str, ...]) -> tuple[int, ...]:
            found = list(free_ports(count, hosts))
            if not answers:
                found[taken] = port
            answers.append(found)
            return tuple(found)

        monkeypatch.setattr(owned, "free_ports", ports)
        with started(name) as server:
            assert len(answers) == 2
            assert port not in {address.port for address in server.addresses.values()}
            with Client(server.dialer) as client:
                assert client.login(server.accounts[0]).startswith(b"t OK")


# When we go without having stopped the server.

GO = {
    "end of the program": "",
    "unhandled error": "raise SystemExit(3)",
    "ctrl-c": "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
    "sigterm": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "sigkill": "os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("way", GO)
def test_nothing_is_left_however_we_end(way: str) -> None:
    program = (
        "import os, signal, time\n"
        "from conformance.servers import open_server\n"
        "server = open_server('pymap'); server.start()\n"
        "print(server._process.pid, server.ca_file.parent, flush=True)\n" + GO[way]
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as us:
        out, _ = us.communicate(timeout=SOON)
    pid, folder = out.split()
    assert eventually(lambda: not group(int(pid)))
    assert eventually(lambda: not Path(folder).exists())


# The operator's own command.

SERVER = """
import socket, sys
print("listening on", sys.argv[1], flush=True)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"* OK own server\\r\\n")
        line = connection.recv(1000)
        print("read", line, flush=True)
        if b"DIE" in line:
            sys.exit(7)
        connection.close()
"""


@pytest.fixture
def own_command(tmp_path: Path) -> str:
    """A command that starts a small server on a port given to it."""
    program = tmp_path / "own server.py"
    program.write_text(SERVER)
    return f"'{sys.executable}' '{program}'"


def test_the_operators_command_gets_a_free_port(own_command: str) -> None:
    server = open_server("imap://127.0.0.1", start=f"{own_command} {{port}}", accounts=(Account("a", "b"),))
    assert isinstance(server, CommandServer)
    try:
        server.start()
        assert server.owned
        assert server.accounts == (Account("a", "b"),)
        assert server.dialer.address.port != 143
        assert server.name == str(server.dialer.address)
        with Client(server.dialer) as client:
            assert client.greeting == b"* OK own server"
            pid = leader(server)
            server.restart()
            assert not group(pid)
            assert f"listening on {server.dialer.address.port}" in server.log_tail()
        assert server.crash() is None
    finally:
        server.stop()
    assert server.log_tail() == ""


def test_the_operators_command_may_have_its_own_port(own_command: str) -> None:
    (port,) = free_ports(1, ("127.0.0.1",))
    server = open_server(f"imap://127.0.0.1:{port}", start=f"{own_command} {port}")
    try:
        server.start()
        assert server.name == f"imap://127.0.0.1:{port}"
    finally:
        server.stop()


def test_the_end_of_the_operators_server_is_noticed_with_its_log(own_command: str) -> None:
    server = open_server("imap://127.0.0.1", start=f"{own_command} {{port}}")
    assert isinstance(server, CommandServer)
    try:
        server.start()
        with Client(server.dialer) as client:
            client.transport.send(b"a DIE\r\n")
            assert eventually(server.crash)
        assert "exited with status 7" in str(server.crash())
        assert server.log_tail(1) == r"read b'a DIE\r\n'"
        server.restart()
        assert server.crash() is None
    finally:
        server.stop()


def test_a_command_that_does_not_become_a_server_is_a_target_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "START_LIMIT", 0.5)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    python = f"'{sys.executable}' -c"
    for words, complaint in (
        ("no-such-program-here {port}", "cannot be started: no-such-program-here"),
        (
            f"{python} \"print('no licence'); raise SystemExit(9)\"",
            "exited with status 9 before it was ready.\nThe end of its log:\nno licence",
        ),
        (
            f'{python} "import time; time.sleep(60)"',
            "did not become ready in time. imap://127.0.0.1:1: the connection was refused",
        ),
        (
            f'{python} "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"',
            "It wrote no log.",
        ),
    ):
        monkeypatch.setattr(process, "GRACE", 0.2)
        server = open_server("imap://127.0.0.1:1", start=words)
        with pytest.raises(TargetError) as caught:
            server.start()
        assert complaint in str(caught.value)
        server.stop()
    assert not list(tmp_path.iterdir())


def test_a_group_that_ignores_sigterm_is_killed_at_the_deadline(
    tmp_path: Path, own_command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the children of a shell that started it."""
    monkeypatch.setattr(process, "GRACE", 0.2)
    script = tmp_path / "start.sh"
    (port,) = free_ports(1, ("127.0.0.1",))
    script.write_text(f"trap '' TERM\n{own_command} {port} &\nwait\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    server = ServerProcess("own", folder)
    server.start(Command(("/bin/sh", str(script))), TCPDialer(Address("imap", "127.0.0.1", port)), SOON)
    assert server.pid is not None
    pid = server.pid
    assert len(group(pid)) == 2
    server.stop()
    assert eventually(lambda: not group(pid))
    assert not folder.exists()
