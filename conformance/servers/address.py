"""A server that somebody else runs, known by its address only.

Knows: the form of target URLs, and that such a server can neither be restarted nor looked into.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, get_args

from conformance.errors import TargetError, UsageError, nearest
from conformance.servers.greeting import probe
from conformance.transport import Address, Scheme, TCPDialer

if TYPE_CHECKING:
    from conformance.servers.base import Account
    from conformance.transport import TLS

#: RFC 3501, section 2.1, and RFC 8314, section 7.3.
DEFAULT_PORTS: dict[Scheme, int] = {"imap": 143, "imaps": 993, "imap+starttls": 143}

_FORM = "Give imap://HOST:PORT, imaps://HOST:PORT or imap+starttls://HOST:PORT."
_REST = re.compile(
    r"(?P<user>.*@)?(?P<host>\[[^\]]*\]|[^:/?#\[\]]*)(?P<port>:[^:/?#]*)?(?P<path>[/?#].*)?", re.DOTALL
)


def parse(text: str) -> Address:
    """The address of a target URL. Raises `UsageError` that says what is wrong with it; never repeats a password."""
    scheme_text, separator, rest = text.partition("://")
    scheme = next((known for known in get_args(Scheme) if known == scheme_text.lower()), None)
    if not separator or scheme is None:
        known = get_args(Scheme)
        shown = text.rpartition("@")[2] if not separator else f"{scheme_text}://"
        raise UsageError(
            f"{shown}: not an address of an IMAP server{nearest(scheme_text.lower(), known)}. {_FORM}"
        )
    parts = _REST.fullmatch(rest)
    if parts is not None and parts["user"]:
        raise UsageError(
            f"{scheme}://...@{rest.rpartition('@')[2]}: the address holds an account. Give it with -u USER:PASSWORD."
        )
    if parts is None:
        raise UsageError(
            f"{text}: the address cannot be read. {_FORM} An IPv6 address stands in brackets: imap://[::1]:143."
        )
    if (parts["path"] or "/") != "/":
        raise UsageError(f"{text}: the address names more than a server. Leave out {parts['path']}.")
    return Address(scheme, _host(text, parts["host"]), _port(text, scheme, parts["port"]))


def _host(text: str, host: str) -> str:
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise UsageError(
                f"{text}: {host} is not an IPv6 address. Write it as in imap://[::1]:143."
            ) from None
    if not re.fullmatch(r"[\w.-]+", host):
        raise UsageError(f"{text}: the host name is missing or has characters that no host name has. {_FORM}")
    return host


def _port(text: str, scheme: Scheme, port: str | None) -> int:
    if port is None:
        return DEFAULT_PORTS[scheme]
    if not re.fullmatch(r":[0-9]{1,5}", port) or not 1 <= int(port[1:]) <= 65_535:
        raise UsageError(
            f"{text}: the port must be a number from 1 to 65535. Leave the colon out for port {DEFAULT_PORTS[scheme]}."
        )
    return int(port[1:])


class AddressServer:
    """A `Server` that is not ours."""

    version = ""
    owned = False

    def __init__(self, address: Address, accounts: tuple[Account, ...], tls: TLS, timeout: float) -> None:
        """`timeout`: seconds for the test connection. Raises `UsageError` when a certificate file cannot be read."""
        self.name = str(address)
        self.accounts = accounts
        self.dialer = TCPDialer(address, tls)
        self._timeout = timeout

    def launch(self) -> None:
        """Nothing to start."""

    def start(self) -> None:
        """Connect once, and shake hands where the address asks for TLS. Raises `TargetError`."""
        probe(self.dialer, self._timeout)

    def stop(self) -> None:
        """Leave it alone."""

    def crash(self) -> str | None:
        """Unknown."""
        return None

    def restart(self) -> None:
        """Raise `TargetError`: it is not ours."""
        raise TargetError(
            f"{self.name} is gone and was not started by imapspec, so it cannot be restarted. "
            "Start it again, or give its command with --start."
        )

    def log_tail(self, lines: int = 20) -> str:
        """Unknown: empty."""
        del lines
        return ""
