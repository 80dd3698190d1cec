"""A throw-away server: a folder, free ports, certificates and accounts, and a recipe that turns them into a command.

Knows: what all servers that we start have in common. Must not know: which one it is; each has a small file of its own.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import SuiteError, TargetError
from conformance.servers.base import Account
from conformance.servers.certificates import Certificates, issue
from conformance.servers.process import START_LIMIT, Command, Identity, ServerProcess
from conformance.transport import TLS, Address, TCPDialer, free_ports, loopback_hosts

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.transport import Scheme

#: Only our server has our certificate: who greets in clear may be somebody else's that took the port.
_READINESS: Scheme = "imaps"

_PORT_TAKEN = re.compile(r"address already in use|EADDRINUSE", re.IGNORECASE)
_ATTEMPTS = 3


@dataclass(frozen=True)
class Site:
    """What a recipe builds on. The folder's path is short enough for unix sockets."""

    folder: Path
    hosts: tuple[str, ...]  #: loopback addresses to listen on
    port: int  #: plain text and STARTTLS
    tls_port: int  #: IMAP over TLS
    certificates: Certificates
    accounts: tuple[Account, ...]


@dataclass(frozen=True)
class Recipe:
    """What one server needs. `prepare` writes its configuration into the site's folder and gives the command."""

    name: str
    version: str
    prepare: Callable[[Site], Command]
    crash_patterns: tuple[str, ...] = ()
    users: tuple[str, ...] = ("alice", "bob")


class OwnedServer:
    """A `Server` that we start. Its accounts are empty and their passwords new; nothing of it outlives `stop`.

    `addresses`, `ca_file` and `dialer` are known from `launch` on, and stay the same across `restart`.
    """

    owned = True

    def __init__(self, recipe: Recipe, scheme: Scheme = "imap") -> None:
        self.name = recipe.name
        self.version = recipe.version
        self.accounts = tuple(Account(user, secrets.token_urlsafe(12)) for user in recipe.users)
        self._recipe = recipe
        self._scheme = scheme
        self._site: Site | None = None
        self._dialer: TCPDialer | None = None
        self._process: ServerProcess | None = None
        self._command: Command | None = None
        self._launched = False

    @property
    def addresses(self) -> dict[Scheme, Address]:
        """Where it listens, by the way a connection begins."""
        site = self._started()
        host = site.hosts[0]
        return {
            "imap": Address("imap", host, site.port),
            "imaps": Address("imaps", host, site.tls_port),
            "imap+starttls": Address("imap+starttls", host, site.port),
        }

    @property
    def ca_file(self) -> Path:
        """The authority of its certificate."""
        return self._started().certificates.ca_file

    @property
    def dialer(self) -> TCPDialer:
        """Connections of the kind it was opened for."""
        if self._dialer is None:
            raise SuiteError(f"{self.name} cannot be reached before it is started.")
        return self._dialer

    def dialer_for(self, scheme: Scheme) -> TCPDialer:
        """Connections that begin in another way; the certificate is verified."""
        return TCPDialer(self.addresses[scheme], TLS(ca_file=self.ca_file))

    def launch(self) -> None:
        """See `Server.launch`."""
        # Below /tmp whatever TMPDIR says: unix sockets in it must stay below 100 characters.
        folder = Path(tempfile.mkdtemp(prefix="imapspec-", dir="/tmp"))
        self._process = ServerProcess(self.name, folder, self._recipe.crash_patterns)
        try:
            hosts = loopback_hosts()
            port, tls_port = free_ports(2, hosts)
            self._site = Site(folder, hosts, port, tls_port, issue(folder), self.accounts)
            self._dialer = self.dialer_for(self._scheme)
            self._command = self._recipe.prepare(self._site)
            self._process.launch(self._command)
        except BaseException:
            self.stop()
            raise
        self._launched = True

    def start(self) -> None:
        """See `Server.start`. A port that somebody took meanwhile is replaced by another."""
        for attempt in range(1, _ATTEMPTS + 1):
            if not self._launched:
                self.launch()
            assert self._process is not None
            self._launched = False
            try:
                self._process.wait(self.dialer_for(_READINESS), START_LIMIT)
            except TargetError:
                taken = _PORT_TAKEN.search(self.log_tail())
                self.stop()
                if not taken or attempt == _ATTEMPTS:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def stop(self) -> None:
        """See `Server.stop`."""
        self._launched = False
        if self._process is not None:
            self._process.stop()

    def crash(self) -> str | None:
        """See `Server.crash`."""
        return self._process.crash() if self._process else None

    def restart(self) -> None:
        """See `Server.restart`. Addresses, accounts and whatever the server keeps in files stay."""
        if self._process is None or self._command is None:
            self.start()
            return
        self._process.end()
        self._process.start(self._command, self.dialer_for(_READINESS), START_LIMIT)

    def log_tail(self, lines: int = 20) -> str:
        """See `Server.log_tail`."""
        return self._process.log_tail(lines) if self._process else ""

    def _started(self) -> Site:
        if self._site is None:
            raise SuiteError(f"{self.name} has no address before it is started.")
        return self._site


def unprivileged() -> Identity:
    """Who a server runs as that refuses to run as root: ourselves, or `nobody` when we are root.

    Raises `TargetError` when that user has no name.
    """
    uid = os.getuid()
    try:
        entry = pwd.getpwnam("nobody") if uid == 0 else pwd.getpwuid(uid)
        group = grp.getgrgid(entry.pw_gid).gr_name
    except KeyError as error:
        raise TargetError(
            f"no entry in the list of users or groups ({error.args[0]}). Run as a user with a name."
        ) from None
    return Identity(entry.pw_name, group, entry.pw_uid, entry.pw_gid)
