"""The client's side of SASL: examples of the RFCs, a maintained server's side, and servers that do it wrong."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
import scramp

from conformance.response import Response
from conformance.runner.authenticate import converse
from conformance.runner.client import Seen
from conformance.runner.sasl import UnableError, WrongError, mechanism
from conformance.scenario.syntax import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 5802 section 5 and RFC 7677 section 3: user "user", password "pencil".
EXAMPLES = {
    "SCRAM-SHA-1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "SCRAM-SHA-256": (
        "rOprNGfwEbeRWgbNEkqO",
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_scram_as_its_rfcs_show_it(name: str) -> None:
    nonce, first, server_first, final, server_final = EXAMPLES[name]
    exchange = mechanism(name, "user", "pencil", nonce=nonce, verifies=True)
    assert exchange.respond(b"") == first.encode()
    assert exchange.secrets == []
    assert exchange.respond(server_first.encode()) == final.encode()
    assert exchange.secrets == [final.encode(), server_final.encode()]
    assert exchange.respond(server_final.encode()) == b""
    exchange.succeeded()


def test_the_others_as_their_rfcs_show_them() -> None:
    plain = mechanism("PLAIN", "tim", "tanstaaftanstaaf", nonce="", verifies=True)
    assert plain.respond(None) == b"\0tim\0tanstaaftanstaaf"  # RFC 4616 section 4
    login = mechanism("LOGIN", "tim", "secret", nonce="", verifies=True)
    assert [login.respond(b"User Name"), login.respond(b"Password")] == [b"tim", b"secret"]
    assert login.secrets == [b"secret"]
    assert mechanism("EXTERNAL", "tim", "", nonce="", verifies=True).respond(b"") == b""
    cram = mechanism("CRAM-MD5", "tim", "tanstaaftanstaaf", nonce="", verifies=True)
    answer = cram.respond(b"<1896.697170952@postoffice.reston.mci.net>")  # RFC 2195 section 2
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert cram.secrets == [answer]
    for exchange in (plain, login, cram):
        exchange.succeeded()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_server_of_somebody_else_understands_us(name: str) -> None:
    user, password = "ada=lovelace,countess", "Zauber\u00adw\u00f6rter"  # soft hyphen: SASLprep takes it out
    known = scramp.ScramMechanism(name)
    names: list[str] = []

    def look_up(name: str) -> object:
        names.append(name)
        return known.make_auth_info("Zauberw\u00f6rter", iteration_count=4096)

    server = known.make_server(look_up)
    exchange = mechanism(name, user, password, nonce="imapspec-1", verifies=True)
    server.set_client_first(exchange.respond(b"").decode())
    server.set_client_final(exchange.respond(server.get_server_first().encode()).decode())
    assert exchange.respond(server.get_server_final().encode()) == b""
    exchange.succeeded()
    assert names == [user]


FIRST = EXAMPLES["SCRAM-SHA-1"][2]
FINAL = EXAMPLES["SCRAM-SHA-1"][4]


def scram(*challenges: bytes | str | None, verifies: bool = True) -> None:
    """An exchange that the server calls a success."""
    exchange = mechanism("SCRAM-SHA-1", "user", "pencil", nonce="fyko+d2lbbFgONRv9qkxdawL", verifies=verifies)
    for challenge in challenges:
        exchange.respond(challenge.encode() if isinstance(challenge, str) else challenge)
    exchange.succeeded()


@pytest.mark.parametrize(
    ("challenges", "clause"),
    [
        (("", "hello"), "the server's first message is hello, expected was r=...,s=...,i=..."),
        (("", b"\xff\0"), "the server's first message is"),
        (("", FIRST.replace("i=4096", "i=0")), "expected was r=...,s=...,i=..."),
        (("", "m=x," + FIRST), "expected was r=...,s=...,i=..."),
        (("", FIRST.replace("fyko", "Fyko")), "the server's nonce does not continue the client's"),
        (("", FIRST.replace("3rfcNHYJY1ZVvWVs7j", "")), "the server's nonce does not continue the client's"),
        (("", FIRST, "v=" + base64.b64encode(b"x" * 20).decode()), "the server's signature is wrong"),
        (("", FIRST, ""), "the server's last message is , expected was v=... or e=..."),
        (("", FIRST), "the server is content without having shown its signature"),
        (("", FIRST, "e=other-error"), "the server is content without having shown its signature"),
        (("",), "the server is content without having shown its signature"),
        (("", FIRST, FINAL, ""), "the server asks for more than the mechanism has"),
    ],
)
def test_what_a_server_does_wrong_in_scram_is_its_fault(challenges: tuple[str, ...], clause: str) -> None:
    with pytest.raises(WrongError) as caught:
        scram(*challenges)
    assert clause in str(caught.value)


def test_what_only_our_library_does_not_take_is_nobodys_fault() -> None:
    for first in (
        FIRST.replace("i=4096", "i=7"),
        FIRST.replace("QSXCR+Q6sek8bf92", "QSXC"),
    ):
        with pytest.raises(UnableError, match="the library for SCRAM cannot go on"):
            scram("", first)
    with pytest.raises(UnableError, match="999999999 rounds of hashing, which takes too long"):
        scram("", FIRST.replace("4096", "9" * 9))
    for name in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
        with pytest.raises(UnableError, match="cannot be prepared"):
            mechanism(name, "user", "\x00", nonce="x", verifies=True)


def test_a_challenge_that_is_no_base64_matters_where_the_response_depends_on_it() -> None:
    scram(None, FIRST, FINAL)
    for name in MECHANISMS:
        exchange = mechanism(name, "user", "pencil", nonce="x", verifies=True)
        if name == "CRAM-MD5":
            with pytest.raises(UnableError, match="the challenge is no BASE64"):
                exchange.respond(None)
        else:
            exchange.respond(None)
    with pytest.raises(UnableError, match="the challenge is no BASE64"):
        scram("", None)
    with pytest.raises(UnableError, match="the challenge is no BASE64"):
        scram("", FIRST, None)


def test_what_the_password_is_not_known_for_is_not_verified() -> None:
    scram("", FIRST, "v=" + base64.b64encode(b"x" * 20).decode(), verifies=False)
    scram("", FIRST, "masked", verifies=False)


def test_the_others_ask_for_what_they_need_and_no_more() -> None:
    for name, count in (("PLAIN", 1), ("LOGIN", 2), ("EXTERNAL", 1), ("CRAM-MD5", 1)):
        exchange = mechanism(name, "user", "pencil", nonce="", verifies=True)
        for _ in range(count):
            exchange.respond(b"<x@y>")
        with pytest.raises(WrongError, match=r"asks for more|second challenge"):
            exchange.respond(b"<x@y>")
    with pytest.raises(WrongError, match="content without a response"):
        mechanism("CRAM-MD5", "user", "pencil", nonce="", verifies=True).succeeded()
    with pytest.raises(WrongError, match="the challenge is empty"):
        mechanism("CRAM-MD5", "user", "pencil", nonce="", verifies=True).respond(b"")


class Told:
    """A client that hears the challenges of an exchange, one behind each line, and the completion behind the last."""

    def __init__(self, *challenges: bytes) -> None:
        self.left = [Response("continuation", b"", text=each) for each in challenges]
        self.seen: list[Seen] = []
        self.said: list[bytes] = []  #: what was kept from the records stands before what was sent

    def wait(self, until: Callable[[], bool], *, line: int) -> None:
        del line
        while not until():
            done = Response("tagged", b"", name="OK", tag="a1")
            self.seen.append(Seen(self.left.pop(0) if self.left else done, 0))

    def wait_for(self, tag: str, line: int) -> None:
        self.wait(lambda: self.completion(tag) is not None, line=line)

    def completion(self, tag: str) -> Seen | None:
        return next((seen for seen in self.seen if seen.response.tag == tag), None)

    def answer(self, octets: bytes, line: int) -> None:
        del line
        self.said.append(octets)

    def conceal(self, secret: bytes) -> None:
        self.said.append(b"secret " + secret)


def test_what_tells_of_a_password_is_concealed_before_it_is_said() -> None:
    nonce, first, server_first, final, server_final = (each.encode() for each in EXAMPLES["SCRAM-SHA-1"])
    client = Told(*map(base64.b64encode, (b"", server_first, server_final)))
    exchange = mechanism("SCRAM-SHA-1", "user", "pencil", nonce=nonce.decode(), verifies=True)
    converse(client, "a1", exchange, 1)  # type: ignore[arg-type]
    secrets = [b"secret " + base64.b64encode(each) for each in (final, server_final)]
    assert client.said == [
        base64.b64encode(first), *secrets, base64.b64encode(final), *secrets, b"",
    ]  # fmt: skip


def test_an_exchange_that_went_wrong_is_cancelled() -> None:
    client = Told(b"", base64.b64encode(b"nonsense"))
    exchange = mechanism("SCRAM-SHA-1", "user", "pencil", nonce="x", verifies=True)
    with pytest.raises(WrongError, match="nonsense"):
        converse(client, "a1", exchange, 1)  # type: ignore[arg-type]
    assert client.said[-1] == b"*"
    assert client.completion("a1") is not None
