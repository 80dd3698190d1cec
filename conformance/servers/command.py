"""The operator's own server, started by a command of theirs: `--start CMD`.

Knows: the command, and the address where the server will listen. Its accounts, its TLS and its data are the operator's.
"""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.servers.process import START_LIMIT, Command, ServerProcess
from conformance.transport import TCPDialer, free_ports

if TYPE_CHECKING:
    from conformance.servers.base import Account
    from conformance.transport import TLS, Address

_PORT = "{port}"


class CommandServer:
    """A `Server` that a command starts, in the present folder. No shell reads the command.

    `{port}` in the command becomes a free port, which replaces the address's. The command must stay in the foreground.
    """

    version = ""
    owned = True

    def __init__(self, command: str, address: Address, accounts: tuple[Account, ...], tls: TLS) -> None:
        """Raises `UsageError` when the command cannot be split into words, or a certificate file cannot be read."""
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"--start {command!r}: {error}. Quote it as for a shell.") from None
        if not words:
            raise UsageError("--start: the command is empty. Give the program and its arguments.")
        if _PORT in command:
            address = replace(address, port=free_ports(1, (address.host,))[0])
            words = [word.replace(_PORT, str(address.port)) for word in words]
        self.name = str(address)
        self.accounts = accounts
        self.dialer = TCPDialer(address, tls)
        self._command = Command(tuple(words), folder=Path.cwd())
        self._process: ServerProcess | None = None
        self._launched = False

    def launch(self) -> None:
        """See `Server.launch`."""
        self.stop()
        folder = Path(tempfile.mkdtemp(prefix="imapspec-"))
        self._process = ServerProcess(self._command.arguments[0], folder)
        try:
            self._process.launch(self._command)
        except BaseException:
            self.stop()
            raise
        self._launched = True

    def start(self) -> None:
        """See `Server.start`."""
        if not self._launched:
            self.launch()
        assert self._process is not None
        self._launched = False
        try:
            self._process.wait(self.dialer, START_LIMIT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """See `Server.stop`."""
        self._launched = False
        if self._process is not None:
            self._process.stop()

    def crash(self) -> str | None:
        """See `Server.crash`: the process has ended."""
        return self._process.crash() if self._process else None

    def restart(self) -> None:
        """See `Server.restart`."""
        if self._process is None:
            self.start()
        else:
            self._process.end()
            self._process.start(self._command, self.dialer, START_LIMIT)

    def log_tail(self, lines: int = 20) -> str:
        """See `Server.log_tail`: what it wrote to its standard output and error."""
        return self._process.log_tail(lines) if self._process else ""
