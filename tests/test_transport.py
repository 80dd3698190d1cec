"""Connections over real sockets, against peers that are wrong in one way each."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING

import peers
import pytest
import trustme

from conformance.errors import TargetError, UsageError
from conformance.transport import SILENCE, TCP, TLS, Address, Ended, TCPDialer, free_ports, loopback_hosts

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.transport import Scheme

NO_IPV6 = "::1" not in loopback_hosts()
SOON = 10.0  # seconds: a deadline that no test reaches
PLAIN = TLS()


class Authority:
    """A throw-away authority, its PEM file, and TLS settings of servers with its certificates."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.file)
        self.folder = folder

    def server(self, *names: str, not_after: dt.datetime | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1", "::1")), not_after=not_after).configure_cert(
            context
        )
        return context

    def client_files(self) -> tuple[Path, Path]:
        issued = self.ca.issue_cert("client@example.org")
        certificate, key = self.folder / "client.pem", self.folder / "client.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return certificate, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def dial(
    port: int, scheme: Scheme = "imap", tls: TLS = PLAIN, host: str = "127.0.0.1", timeout: float = SOON
) -> TCP:
    return TCPDialer(Address(scheme, host, port), tls).connect("A", timeout)


def receive_all(transport: TCP) -> tuple[bytes, Ended]:
    """Everything until the end, and how it ended."""
    octets = b""
    while True:
        got = transport.receive(SOON)
        if isinstance(got, Ended):
            return octets, got
        assert isinstance(got, bytes), "silence"
        octets += got


def refusal(port: int, scheme: Scheme = "imaps", tls: TLS = PLAIN, timeout: float = SOON) -> str:
    """The message of the `TargetError` that dialling raises."""
    with pytest.raises(TargetError) as caught:
        dial(port, scheme, tls, timeout=timeout)
    assert "\n" not in str(caught.value), "one paragraph"
    return str(caught.value)


# Octets, silence and the end of a connection.


def test_octets_arrive_as_they_were_sent_and_then_the_orderly_end() -> None:
    with peers.peer(peers.closes_after(b"* OK \x00\xff", b"ready\r\n")) as port:
        transport = dial(port)
        assert receive_all(transport) == (b"* OK \x00\xffready\r\n", Ended("closed"))
        assert transport.receive(0) == Ended("closed")
        transport.close()


def test_a_poll_returns_at_once_and_a_deadline_is_kept() -> None:
    with peers.peer(peers.says()) as port:
        transport = dial(port)
        assert transport.receive(0) is SILENCE
        before = time.monotonic()
        assert transport.receive(0.1) is SILENCE
        assert time.monotonic() - before >= 0.1
        transport.close()


def test_a_poll_returns_what_is_there() -> None:
    sent = threading.Event()

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"* OK\r\n")
        sent.set()
        peers.until_left(connection)

    with peers.peer(behave) as port:
        transport = dial(port)
        assert sent.wait(SOON)
        assert transport.receive(0) == b"* OK\r\n"
        transport.close()


def test_a_reset_is_reported_after_what_came_before_it() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"* BYE\r\n")
        peers.read_line(connection)
        peers.reset(connection)

    with peers.peer(behave) as port:
        transport = dial(port)
        assert transport.receive(SOON) == b"* BYE\r\n"
        assert transport.send(b"a NOOP\r\n") is None
        octets, ended = receive_all(transport)
        assert (octets, ended.reason) == (b"", "reset")
        transport.close()


def test_sending_to_a_server_that_has_gone_is_reported_and_its_last_words_can_be_read() -> None:
    with peers.peer(peers.closes_after(b"* BYE enough\r\n")) as port:
        transport = dial(port)
        deadline = time.monotonic() + SOON
        while (ended := transport.send(b"a NOOP\r\n")) is None and time.monotonic() < deadline:
            pass
        assert ended is not None
        assert ended.reason == "reset"
        assert receive_all(transport)[0] in (b"* BYE enough\r\n", b"")  # a reset may overtake them
        transport.close()


def test_a_closed_connection_takes_and_gives_nothing() -> None:
    with peers.peer(peers.says()) as port:
        transport = dial(port)
        transport.close()
        transport.close()
        assert transport.send(b"a NOOP\r\n") == Ended("closed", "by us")
        assert transport.receive(0) == Ended("closed", "by us")
        assert transport.start_tls(0) == Ended("closed", "by us")


def test_a_server_that_does_not_read_is_stalled_at_the_time_limit() -> None:
    done = threading.Event()
    with peers.peer(lambda _: done.wait(SOON)) as port:  # type: ignore[arg-type]
        transport = TCPDialer(Address("imap", "127.0.0.1", port), send_limit=0.2).connect("A", SOON)
        ended = transport.send(b"x" * 50_000_000)
        done.set()
        assert ended == Ended("stalled", "the server did not read in time what we sent")
        assert transport.send(b"") == ended
        transport.close()


@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_a_server_that_writes_before_it_reads_locks_nobody_up(authority: Authority, scheme: Scheme) -> None:
    flood = b"* OK still here\r\n" * 500_000
    command = b"x" * 8_000_000

    def behave(connection: socket.socket) -> None:
        connection.sendall(flood)
        length = 0
        while length < len(command):
            length += len(connection.recv(65536))
        connection.sendall(b"a OK\r\n")

    behaviour = peers.inside_tls(authority.server(), behave) if scheme == "imaps" else behave
    with peers.peer(behaviour) as port:
        transport = dial(port, scheme, tls=TLS(ca_file=authority.file))
        assert transport.send(command) is None
        assert receive_all(transport) == (flood + b"a OK\r\n", Ended("closed"))
        transport.close()


def test_what_one_send_holds_is_not_held_back_for_the_next() -> None:
    with peers.peer(peers.says()) as port:
        transport = dial(port)
        assert transport._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()


@pytest.mark.skipif(NO_IPV6, reason="no IPv6 on this machine")
@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_ipv6(authority: Authority, scheme: Scheme) -> None:
    behave = peers.closes_after(b"* OK\r\n")
    behaviour = peers.inside_tls(authority.server(), behave) if scheme == "imaps" else behave
    with peers.peer(behaviour, "::1") as port:
        transport = dial(port, scheme, host="::1", tls=TLS(ca_file=authority.file))
        assert receive_all(transport) == (b"* OK\r\n", Ended("closed"))
        transport.close()


# Connections that do not come about: one paragraph that says what to change.


def test_a_refused_connection() -> None:
    (port,) = free_ports(1, ("127.0.0.1",))
    assert refusal(port, "imap") == (
        f"imap://127.0.0.1:{port}: the connection was refused: nothing listens there. Start the server, or correct the port."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the queue of a listener behaves otherwise elsewhere")
def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # fills the queue
            assert "no answer within 0.3 s" in refusal(port, "imap", timeout=0.3)


def test_an_unknown_host_name() -> None:
    with pytest.raises(TargetError, match=r"no-such-host\.invalid has no address .* Correct its spelling"):
        dial(143, host="no-such-host.invalid")


def test_all_addresses_of_a_host_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    (closed,) = free_ports(1, ("127.0.0.1",))
    with peers.peer(peers.closes_after(b"* OK\r\n")) as port:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", number)) for number in (closed, port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
        transport = dial(port, host="two-addresses.example")
        assert transport.receive(SOON) == b"* OK\r\n"
        transport.close()


# TLS.


def test_octets_inside_tls(authority: Authority) -> None:
    def behave(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"* OK\r\n")
        connection.sendall(peers.read_line(connection))

    with peers.peer(peers.inside_tls(authority.server(), behave)) as port:
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file))
        assert transport.encrypted
        assert transport.send(b"a LOGOUT\r\n") is None
        assert receive_all(transport) == (b"* OK\r\na LOGOUT\r\n", Ended("closed"))
        transport.close()


def test_an_end_without_tls_own_closing_is_an_orderly_end(authority: Authority) -> None:
    def behave(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"* OK\r\n")
        connection.shutdown(socket.SHUT_RDWR)

    with peers.peer(peers.inside_tls(authority.server(), behave)) as port:
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file))
        assert receive_all(transport) == (b"* OK\r\n", Ended("closed", "without TLS's own closing"))
        transport.close()


def test_garbage_inside_tls_breaks_it(authority: Authority) -> None:
    def behave(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"* OK\r\n")
        with socket.socket(fileno=connection.detach()) as plain:
            plain.sendall(b"* OK plain text again\r\n")

    with peers.peer(peers.inside_tls(authority.server(), behave)) as port:
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file))
        octets, ended = receive_all(transport)
        assert (octets, ended.reason) == (b"* OK\r\n", "tls")
        assert ended.detail
        transport.close()


def test_an_unknown_authority_is_refused_unless_told_otherwise(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    with peers.peer(peers.inside_tls(authority.server(), peers.closes_after(b"* OK\r\n"))) as port:
        for settings in (TLS(), TLS(ca_file=stranger.file)):
            message = refusal(port, tls=settings)
            assert "certificate is not accepted (" in message
            assert "--ca-file" in message
        transport = dial(port, "imaps", tls=TLS(insecure=True))
        assert transport.receive(SOON) == b"* OK\r\n"
        transport.close()


def test_the_certificate_must_have_the_right_name(authority: Authority) -> None:
    behaviour = peers.inside_tls(authority.server("mail.example.org"), peers.closes_after(b"* OK\r\n"))
    with peers.peer(behaviour) as port:
        message = refusal(port, tls=TLS(ca_file=authority.file))
        assert "not valid for '127.0.0.1'" in message
        assert "--server-name" in message
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file, server_name="mail.example.org"))
        assert transport.receive(SOON) == b"* OK\r\n"
        transport.close()


def test_a_certificate_that_has_expired_is_refused(authority: Authority) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    behaviour = peers.inside_tls(authority.server(not_after=past), peers.closes_after())
    with peers.peer(behaviour) as port:
        assert "certificate has expired" in refusal(port, tls=TLS(ca_file=authority.file))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate(authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.server()
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    certificate, key = authority.client_files()
    with peers.peer(peers.inside_tls(context, peers.closes_after(b"* OK\r\n"))) as port:
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file, certificate=certificate, key=key))
        assert receive_all(transport)[0] == b"* OK\r\n"
        transport.close()
        if version == ssl.TLSVersion.TLSv1_2:
            assert "--client-cert" in refusal(port, tls=TLS(ca_file=authority.file))
            return
        # In TLS 1.3 the client is through with the handshake before the server can refuse.
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file))
        _, ended = receive_all(transport)
        assert ended.reason == "tls"
        assert "--client-cert" in ended.detail
        transport.close()


def test_plain_text_on_a_tls_port() -> None:
    with peers.peer(peers.says(b"* OK IMAP4rev1 server ready\r\n")) as port:
        assert "plain text. Use imap:// or imap+starttls://" in refusal(port)


def test_a_tls_port_that_says_nothing() -> None:
    with peers.peer(peers.says()) as port:
        assert "did not answer the TLS handshake in time" in refusal(port, timeout=0.2)


@pytest.mark.parametrize(
    "behave",
    [peers.closes_after(), peers.read_and_reset, peers.closes_after(b"\x16\x03")],
    ids=["close", "reset", "close within a record"],
)
def test_a_tls_port_that_ends_the_connection(behave: peers.Behaviour) -> None:
    with peers.peer(behave) as port:
        assert "ended the connection during the TLS handshake" in refusal(port)


def test_a_tls_port_that_sends_garbage() -> None:
    with peers.peer(peers.says(b"\x16" + bytes(range(200)) * 20)) as port:
        assert "TLS" in refusal(port)


def test_a_tls_port_that_sends_one_octet_at_a_time(authority: Authority) -> None:
    """TLS over a relay that splits the server's octets."""

    def relay(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", inner)) as server:
            server.settimeout(0.01)
            connection.settimeout(0.01)
            while True:
                for source, target in ((connection, server), (server, connection)):
                    try:
                        octets = source.recv(65536)
                    except TimeoutError:
                        continue
                    if not octets:
                        return
                    for octet in octets:
                        target.sendall(bytes([octet]))

    with (
        peers.peer(peers.inside_tls(authority.server(), peers.closes_after(b"* OK\r\n"))) as inner,
        peers.peer(relay) as port,
    ):
        transport = dial(port, "imaps", tls=TLS(ca_file=authority.file))
        assert receive_all(transport)[0] == b"* OK\r\n"
        transport.close()


# STARTTLS: the session has sent the command and has read its OK; then comes the handshake.


def starttls(port: int, tls: TLS) -> TCP:
    """A connection before its handshake."""
    transport = dial(port, "imap+starttls", tls)
    assert not transport.encrypted
    return transport


def test_starttls(authority: Authority) -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"* OK\r\n")
        peers.read_line(connection)
        connection.sendall(b"a OK begin\r\n")
        peers.inside_tls(authority.server(), lambda c: c.sendall(peers.read_line(c)))(connection)

    with peers.peer(behave) as port:
        transport = starttls(port, tls=TLS(ca_file=authority.file))
        assert transport.receive(SOON) == b"* OK\r\n"
        transport.send(b"a STARTTLS\r\n")
        assert transport.receive(SOON) == b"a OK begin\r\n"
        assert transport.start_tls(SOON) is None
        assert transport.encrypted
        assert transport.send(b"b NOOP\r\n") is None
        assert receive_all(transport) == (b"b NOOP\r\n", Ended("closed"))
        transport.close()


def test_plain_text_before_the_handshake_is_not_lost(authority: Authority) -> None:
    """A server that executes what was sent in clear behind STARTTLS answers before the handshake, or inside it."""
    before = b"a OK begin\r\nb OK injected NOOP\r\n"
    behaviour = peers.inside_tls(authority.server(), peers.closes_after(b"* OK inside\r\n"), before=before)
    with peers.peer(behaviour) as port:
        transport = starttls(port, tls=TLS(ca_file=authority.file))
        assert transport.start_tls(SOON) is None
        assert transport.encrypted
        assert receive_all(transport) == (before + b"* OK inside\r\n", Ended("closed"))
        transport.close()


def test_a_server_that_goes_on_in_plain_text_after_its_ok() -> None:
    with peers.peer(peers.says(b"a OK begin\r\nb OK injected\r\n* unfinished")) as port:
        transport = starttls(port, tls=TLS(insecure=True))
        ended = transport.start_tls(0.2)
        assert ended is not None
        assert ended.reason == "tls"
        assert "did not answer the TLS handshake" in ended.detail
        assert not transport.encrypted
        assert receive_all(transport) == (b"a OK begin\r\nb OK injected\r\n", ended)
        transport.close()


@pytest.mark.parametrize("flood", [b"x" * 100_000, b"* OK\r\n" * 4_000_000], ids=["line", "lines"])
def test_a_flood_of_plain_text_instead_of_a_handshake_is_bounded(flood: bytes) -> None:
    with peers.peer(peers.says(flood)) as port:
        transport = starttls(port, tls=TLS(insecure=True))
        ended = transport.start_tls(SOON)
        assert ended is not None
        assert ended.reason == "tls"
        assert "plain text" in ended.detail
        transport.close()


@pytest.mark.parametrize("behave", [peers.closes_after(), peers.read_and_reset], ids=["close", "reset"])
def test_a_server_that_ends_the_connection_instead_of_a_handshake(behave: peers.Behaviour) -> None:
    with peers.peer(behave) as port:
        transport = starttls(port, tls=TLS(insecure=True))
        ended = transport.start_tls(SOON)
        assert ended is not None
        assert ended.reason == "tls"
        assert transport.receive(0) == ended
        transport.close()


@pytest.mark.parametrize(
    ("scheme", "with_ca", "accepted"),
    [
        ("imap+starttls", False, False),
        ("imap+starttls", True, True),
        ("imap", False, True),
        ("imap", True, True),
    ],
)
def test_behind_imap_a_certificate_is_verified_only_when_there_is_something_to_verify_it_with(
    authority: Authority, scheme: Scheme, with_ca: bool, accepted: bool
) -> None:
    with peers.peer(peers.inside_tls(authority.server(), peers.until_left)) as port:
        transport = dial(port, scheme, tls=TLS(ca_file=authority.file if with_ca else None))
        assert (transport.start_tls(SOON) is None) is accepted
        transport.close()


def test_the_dialer_says_whether_starttls_has_to_be_done() -> None:
    assert TCPDialer(Address("imap+starttls", "localhost", 143)).starttls
    assert not TCPDialer(Address("imap", "localhost", 143)).starttls
    assert not TCPDialer(Address("imaps", "localhost", 993)).starttls


# The operator's files.


def test_files_that_cannot_be_used_are_usage_errors(authority: Authority, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    certificate, key = authority.client_files()
    address = Address("imaps", "localhost", 993)
    for settings, option in (
        (TLS(ca_file=tmp_path / "missing.pem"), "--ca-file"),
        (TLS(ca_file=garbage), "--ca-file"),
        (TLS(certificate=tmp_path / "missing.pem"), "--client-cert"),
        (TLS(certificate=certificate, key=garbage), "--client-key"),
        (TLS(certificate=key), "--client-cert"),
    ):
        with pytest.raises(UsageError, match=option):
            TCPDialer(address, settings)


def test_an_address_is_written_as_a_url() -> None:
    assert str(Address("imaps", "::1", 993)) == "imaps://[::1]:993"
    assert str(Address("imap+starttls", "mail.example.org", 143)) == "imap+starttls://mail.example.org:143"


@pytest.mark.parametrize(
    "ended", [Ended("closed"), Ended("reset", "by peer"), Ended("tls", "a: b"), Ended("closed", "x")]
)
def test_the_note_of_an_end_can_be_read_back(ended: Ended) -> None:
    assert Ended.from_note(str(ended)) == ended


def test_a_note_of_another_form_is_an_orderly_end() -> None:
    assert Ended.from_note("after BYE") == Ended("closed", "after BYE")
