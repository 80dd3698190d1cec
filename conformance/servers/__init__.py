"""The servers under test: what a target on the command line means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from conformance.errors import UsageError, nearest
from conformance.servers import dovecot, pymap
from conformance.servers.address import AddressServer, parse
from conformance.servers.command import CommandServer
from conformance.servers.owned import OwnedServer
from conformance.transport import TLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.servers.base import Account, Server
    from conformance.servers.owned import Recipe
    from conformance.transport import Scheme


@dataclass(frozen=True)
class Launcher:
    """A throw-away server: its version when installed, its recipe, and what to install."""

    version: Callable[[], str | None]
    recipe: Callable[[], Recipe]
    install: str


@dataclass(frozen=True)
class Availability:
    """Whether a throw-away server can be started here. `version` is None when it is not installed."""

    name: str
    version: str | None
    install: str


DEFAULT = "pymap"

LAUNCHERS = {
    "pymap": Launcher(pymap.version, pymap.recipe, pymap.INSTALL),
    "dovecot": Launcher(dovecot.version, dovecot.recipe, dovecot.INSTALL),
    "dovecot-sdbox": Launcher(
        dovecot.version, partial(dovecot.recipe, "dovecot-sdbox", "sdbox"), dovecot.INSTALL
    ),
}


def available() -> list[Availability]:
    """All throw-away servers, the default first."""
    return [Availability(name, launcher.version(), launcher.install) for name, launcher in LAUNCHERS.items()]


def open_server(
    target: str | None = None,
    *,
    accounts: tuple[Account, ...] = (),
    tls: TLS | None = None,
    start: str | None = None,
    scheme: Scheme = "imap",
    timeout: float = 10.0,
) -> Server:
    """The server that `target` means, not yet started: an address, the name of a throw-away server, or None, the default.

    `accounts` and `tls` belong to an address, and so does `start`, the command that starts the server there; `scheme` is how
    connections to a throw-away server begin; `timeout` (seconds) is for the first look at an address.
    Raises `UsageError` for a wrong target or combination, `TargetError` when the throw-away server is not installed.
    """
    if target is not None and "://" in target:
        address = parse(target)
        if start is not None:
            return CommandServer(start, address, accounts, tls or TLS())
        return AddressServer(address, accounts, tls or TLS(), timeout)
    name = DEFAULT if target is None else target
    launcher = LAUNCHERS.get(name)
    if launcher is None:
        raise UsageError(
            f"{name}: no throw-away server has this name{nearest(name, LAUNCHERS)}. "
            f"Known are {', '.join(LAUNCHERS)}; an address has the form imap://HOST:PORT."
        )
    if accounts or tls is not None:
        raise UsageError(
            f"{name} is a throw-away server with accounts and certificates of its own. Leave out -u and the options of TLS."
        )
    if start is not None:
        raise UsageError(
            "--start needs the address where the server will listen. Give imap://HOST:PORT as the target."
        )
    return OwnedServer(launcher.recipe(), scheme)
