"""Bringing a connection to the state in which a scenario begins.

What is done here is not under test: when it fails, the case is BLOCKED and says nothing about its requirements. The always-on checks
still watch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import resources
from conformance.errors import TargetError
from conformance.model import State
from conformance.response import Nil, String
from conformance.wire import Literal

if TYPE_CHECKING:
    from conformance.response import Response
    from conformance.runner.client import Client

_DEADLINE = "no answer before the deadline"


class BlockedError(Exception):
    """Set-up did not succeed; the message says which step and what came instead. `hangs`: nothing came until the deadline."""

    def __init__(self, message: str, *, hangs: bool = False) -> None:
        super().__init__(message)
        self.hangs = hangs


@dataclass(frozen=True)
class Probe:
    """What is known of the server before the first case: one connection, read once per run."""

    greeting: str  #: latin-1, without CRLF
    before_login: frozenset[str]  #: capabilities, upper case; inside TLS where the address asks for it
    capabilities: frozenset[str]  #: after login
    delimiter: str | None  #: of the hierarchy; None: flat
    in_clear: frozenset[str] | None = (
        None  #: capabilities before login and TLS; None: there is TLS from the beginning
    )
    root: str = ""  #: what every name of a new mailbox must begin with ("INBOX." on some servers)


def perform(client: Client, *parts: bytes | Literal) -> Response:
    """Send a command and return its completion, whatever it says. Raises `BlockedError` when none comes."""
    tag = client.command(*parts)
    how = client.wait_for(tag)
    seen = client.completion(tag)
    if seen is None:
        name = parts[0].split(b" ")[0].decode() if isinstance(parts[0], bytes) else "command"
        end = f"the connection {client.ended.reason}" if client.ended and client.was_ended else _late(client)
        raise BlockedError(f"{name}: {end}", hangs=how == "timeout")
    return seen.response


def _late(client: Client) -> str:
    """Why there is no answer, when it is not that the server has closed the connection."""
    return f"we gave the connection up ({client.ended.detail})" if client.ended else _DEADLINE


def require(client: Client, *parts: bytes | Literal) -> Response:
    """Like `perform`, but the command has to succeed."""
    response = perform(client, *parts)
    if response.name != "OK":
        name = parts[0].split(b" ")[0].decode() if isinstance(parts[0], bytes) else "command"
        raise BlockedError(f"{name} was refused: {shown(response)}")
    return response


def shown(response: Response) -> str:
    """A response on one line, for messages."""
    return response.raw[:200].decode("latin-1").rstrip("\r\n")


def greet(client: Client, *, starttls: bool) -> None:
    """Connect, read the greeting, and change to TLS where the address asks for it."""
    how = client.connect()
    if not client.seen:
        end = "the connection was closed" if how == "ended" else _late(client)
        raise BlockedError(f"no greeting: {end}", hangs=how == "timeout")
    if client.session.view.state is State.LOGOUT:
        raise BlockedError(f"the greeting refuses us: {shown(client.seen[0].response)}")
    if starttls:
        _begin_tls(client)


def _begin_tls(client: Client) -> None:
    require(client, b"STARTTLS")
    failed = client.start_tls()
    if failed is not None:
        raise BlockedError(f"TLS handshake after STARTTLS failed: {failed.detail or failed.reason}")


def _offered(client: Client) -> frozenset[str]:
    """The capabilities, asked for unless they have been told in this state."""
    if client.session.view.capabilities is None:
        require(client, b"CAPABILITY")
    return client.session.view.capabilities or frozenset()


def log_in(client: Client) -> None:
    """Log in with LOGIN, or with AUTHENTICATE PLAIN where LOGIN is disabled."""
    view = client.session.view
    if view.state is not State.NOT_AUTHENTICATED:
        return  # PREAUTH
    account = client.account
    capabilities = _offered(client)
    if "LOGINDISABLED" in capabilities:
        if "STARTTLS" in capabilities and not view.encrypted:
            raise BlockedError(
                "the server wants TLS before login: use an imap+starttls:// or imaps:// address"
            )
        raise BlockedError("the server offers no login (LOGINDISABLED)")
    response = perform(
        client, b"LOGIN ", *astring(account.user.encode()), b" ", *astring(account.password.encode())
    )
    if response.name != "OK":
        raise BlockedError(f"login of {account.user} was refused: {shown(response)}")


def astring(octets: bytes) -> tuple[bytes | Literal, ...]:
    """A string as an argument: quoted where RFC 3501 allows it, else a literal."""
    if all(0x20 <= octet < 0x7F for octet in octets):
        return (b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"',)
    return (Literal(octets),)


def create(client: Client, mailbox: bytes, messages: list[bytes]) -> None:
    """Make a mailbox and fill it."""
    require(client, b"CREATE ", mailbox)
    for message in messages:
        require(client, b"APPEND ", mailbox, b" ", Literal(message))


def select(client: Client, mailbox: bytes) -> None:
    """Open it read-write."""
    require(client, b"SELECT ", mailbox)


def numbered_messages(count: int) -> list[bytes]:
    """The built-in messages 1 to `count`: same shape, each with its number in Subject and Message-ID."""
    template = (resources.MESSAGES / "numbered.eml").read_bytes()
    return [template.replace(b"${n}", str(n).encode()) for n in range(1, count + 1)]


def probe(client: Client, *, starttls: bool, run_mark: str) -> Probe:
    """Look at the server once: greeting, capabilities before and after login, hierarchy.

    Raises `TargetError` when it cannot be used, with what to change.
    """
    try:
        greet(client, starttls=False)
        view = client.session.view
        greeting = shown(client.seen[0].response)
        in_clear = None if view.encrypted else _offered(client)
        if starttls:
            _begin_tls(client)
        before = _offered(client)
        log_in(client)
        after = _offered(client)
        delimiter = _delimiter(client)
        root = _root(client, f"{run_mark}probe", delimiter)
        perform(client, b"LOGOUT")
    except BlockedError as blocked:
        raise _unusable(blocked) from None
    finally:
        client.close()
    return Probe(greeting, before, after, delimiter, in_clear, root)


def admit(client: Client, *, starttls: bool) -> None:
    """See whether an account can log in. Raises `TargetError`."""
    try:
        greet(client, starttls=starttls)
        log_in(client)
        perform(client, b"LOGOUT")
    except BlockedError as blocked:
        raise _unusable(blocked) from None
    finally:
        client.close()


def _unusable(blocked: BlockedError) -> TargetError:
    hint = " Check the account (-u USER:PASSWORD)." if "login of" in str(blocked) else ""
    return TargetError(f"cannot work with this server: {blocked}.{hint}")


def _delimiter(client: Client) -> str | None:
    start = len(client.seen)
    require(client, b'LIST "" ""')
    for seen in client.seen[start:]:
        match seen.response.items:
            case (_, String(octets), *_) if seen.response.name == "LIST":
                return octets.decode("latin-1")
            case (_, Nil(), *_) if seen.response.name == "LIST":
                return None
    return None


def _root(client: Client, name: str, delimiter: str | None) -> str:
    """Where mailboxes may be made: at the top, or (a personal namespace with a prefix) below INBOX."""
    refused = ""
    for root in ("", f"INBOX{delimiter}") if delimiter else ("",):
        mailbox = f"{root}{name}".encode()
        response = perform(client, b"CREATE ", mailbox)
        # A killed run of the same seed may have left it.
        if response.name == "NO" and perform(client, b"DELETE ", mailbox).name == "OK":
            response = perform(client, b"CREATE ", mailbox)
        if response.name == "OK":
            perform(client, b"DELETE ", mailbox)
            return root
        refused = shown(response)
    raise BlockedError(f"no mailbox can be created for the tests ({name}): {refused}")
