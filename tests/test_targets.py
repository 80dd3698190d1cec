"""What a target means: addresses of servers that somebody else runs, names, and wrong combinations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peers
import pytest

from conformance.errors import TargetError, UsageError
from conformance.servers import DEFAULT, available, dovecot, open_server
from conformance.servers.address import AddressServer, parse
from conformance.servers.base import Account
from conformance.transport import TLS, Address

if TYPE_CHECKING:
    import socket

SOON = 20.0  # seconds: a deadline that no test reaches


# Addresses.


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("imap://mail.example.org", Address("imap", "mail.example.org", 143)),
        ("imaps://mail.example.org", Address("imaps", "mail.example.org", 993)),
        ("imap+starttls://mail.example.org", Address("imap+starttls", "mail.example.org", 143)),
        ("imap://localhost:1143/", Address("imap", "localhost", 1143)),
        ("IMAPS://192.0.2.1:1", Address("imaps", "192.0.2.1", 1)),
        ("imap://[::1]:65535", Address("imap", "::1", 65535)),
        ("imap://[2001:DB8::0:1]", Address("imap", "2001:db8::1", 143)),
        ("imap://mail_1.example.org", Address("imap", "mail_1.example.org", 143)),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http://mail.example.org", "http://: not an address of an IMAP server. Give imap://HOST:PORT"),
        ("imap-starttls://mail.example.org", "did you mean imap+starttls?"),
        ("mail.example.org", "not an address of an IMAP server. Give imap://HOST:PORT"),
        ("imap://", "the host name is missing"),
        ("imap://:143", "the host name is missing"),
        (
            "imap://mail.example.org:",
            "the port must be a number from 1 to 65535. Leave the colon out for port 143.",
        ),
        (
            "imaps://mail.example.org:imaps",
            "the port must be a number from 1 to 65535. Leave the colon out for port 993.",
        ),
        ("imap://mail.example.org:0", "the port must be a number from 1 to 65535"),
        ("imap://mail.example.org:65536", "the port must be a number from 1 to 65535"),
        ("imap://::1:143", "An IPv6 address stands in brackets: imap://[::1]:143"),
        ("imap://[::1:143", "An IPv6 address stands in brackets"),
        ("imap://[mail]:143", "[mail] is not an IPv6 address"),
        ("imap://mail.example.org/INBOX", "names more than a server. Leave out /INBOX."),
        ("imap://mail.example.org?x", "names more than a server. Leave out ?x."),
        ("imap://mail example.org", "characters that no host name has"),
        ("imap://alice@mail.example.org", "holds an account. Give it with -u USER:PASSWORD."),
    ],
)
def test_a_wrong_address_is_a_usage_error_that_says_how_to_mend_it(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "imap://alice:s3cret@host:143",
        "imap://alice:s3c@ret@host",
        "http://alice:s3cret@host",
        "alice:s3cret@host",
    ],
)
def test_a_password_in_an_address_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "s3c" not in str(caught.value)


def test_a_server_of_somebody_else_is_looked_at_and_left_alone() -> None:
    with peers.peer(peers.says(b"* OK ready\r\n")) as port:
        server = open_server(f"imap://127.0.0.1:{port}", accounts=(Account("alice", "s3cret"),))
        server.start()
        assert server.name == f"imap://127.0.0.1:{port}"
        assert not server.owned
        assert server.crash() is None
        assert server.log_tail() == ""
        with pytest.raises(TargetError, match="was not started by imapspec, so it cannot be restarted"):
            server.restart()
        server.stop()
        server.start()


@pytest.mark.parametrize(
    ("behave", "complaint"),
    [
        (peers.says(), "its greeting does not come. Use imaps:// if this port begins with TLS"),
        (peers.says(b"* OK no end"), "its greeting does not come"),
        (peers.says(b"x" * 100_000), "its greeting does not come"),
        (peers.closes_after(), "ended the connection instead of greeting"),
        (peers.closes_after(b"* BYE too many\r\n"), "turns us away: '* BYE too many'"),
    ],
    ids=["silence", "half a line", "endless line", "close", "bye"],
)
def test_a_server_that_does_not_greet_is_reported(behave: peers.Behaviour, complaint: str) -> None:
    with peers.peer(behave) as port:
        server = AddressServer(Address("imap", "127.0.0.1", port), (), TLS(), timeout=0.3)
        with pytest.raises(TargetError) as caught:
            server.start()
        assert complaint in str(caught.value)


def test_starttls_is_tried_before_anything_is_run() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        peers.read_line(connection)
        connection.sendall(b"* OK not now\r\nimapspec NO never\r\n")
        peers.until_left(connection)

    with peers.peer(refuse) as port:
        server = AddressServer(Address("imap+starttls", "127.0.0.1", port), (), TLS(), timeout=SOON)
        with pytest.raises(TargetError, match="STARTTLS is refused: 'imapspec NO never'"):
            server.start()


# What a target means.


def test_without_a_target_the_default_is_opened() -> None:
    server = open_server()
    assert server.name == DEFAULT
    assert server.owned


def test_wrong_targets_and_combinations_are_usage_errors() -> None:
    account = (Account("alice", "s3cret"),)
    for arguments, complaint in (
        ({"target": "dovecto"}, "did you mean dovecot?"),
        ({"target": "mail.example.org"}, "an address has the form imap://HOST:PORT"),
        ({"target": "pymap", "accounts": account}, "Leave out -u"),
        ({"target": "pymap", "tls": TLS(insecure=True)}, "Leave out -u and the options of TLS"),
        ({"target": None, "start": "server"}, "Give imap://HOST:PORT as the target"),
        ({"target": "imap://localhost", "start": ""}, "the command is empty"),
        ({"target": "imap://localhost", "start": "server 'x"}, "Quote it as for a shell"),
    ):
        with pytest.raises(UsageError) as caught:
            open_server(**arguments)
        assert complaint in str(caught.value)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "program", lambda: None)
    assert {entry.name: entry.version for entry in available()}["dovecot"] is None
    with pytest.raises(TargetError, match="apt install dovecot-imapd"):
        open_server("dovecot")


def test_a_release_without_a_configuration_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "version", lambda: "1.2.3")
    with pytest.raises(TargetError, match=r"Dovecot 1\.2\.3 .* 2\.3, 2\.4"):
        dovecot.recipe()


def test_an_account_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(Account("alice", "s3cret"))
