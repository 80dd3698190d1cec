"""What is to be run against what, as plain data: it travels from the controlling process to the workers."""

from __future__ import annotations

import datetime as dt
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.errors import SuiteError
from conformance.expectations import Expectations
from conformance.servers import open_server

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.runner.settings import Settings
    from conformance.runner.setup import Probe
    from conformance.servers.base import Account, Server
    from conformance.transport import TLS, Scheme


@dataclass(frozen=True)
class Target:
    """Which server, and how to get at it. Holds passwords: never to be written or shown."""

    name: str | None = None  #: an address, the name of a throw-away server, or None: the default
    accounts: tuple[Account, ...] = ()
    tls: TLS | None = None
    start: str | None = None  #: the operator's own command
    scheme: Scheme = "imap"  #: how connections to a throw-away server begin

    def open(self, timeout: float) -> Server:
        """The server, not yet started. Raises `UsageError`, `TargetError`."""
        return open_server(
            self.name,
            accounts=self.accounts,
            tls=self.tls,
            start=self.start,
            scheme=self.scheme,
            timeout=timeout,
        )

    @property
    def throwaway(self) -> bool:
        """Whether the server and all its data are gone when it is stopped."""
        return self.name is None or "://" not in self.name

    @property
    def shared(self) -> bool:
        """Whether all workers talk to one server; throw-away servers are started by each worker for itself."""
        return not self.throwaway and not (self.start and "{port}" in self.start)


@dataclass(frozen=True)
class Plan:
    """A run: target, settings, what is known to fail, where the journal goes. `probe` is None until somebody has looked."""

    target: Target
    settings: Settings
    report_dir: Path
    command: tuple[str, ...] = ()  #: for the journal, secrets already replaced
    selection: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()  #: of the operator's own scenarios, absolute: ids are paths below them
    files: tuple[
        Path, ...
    ] = ()  #: the chosen scenarios, absolute, in their order; (): whatever pytest is given
    expectations: Expectations = field(default_factory=Expectations)
    today: dt.date = dt.date(1970, 1, 1)  #: for entries that expire
    strict: bool = False
    workers: int = 0  #: 0: cases are played in the controlling process
    probe: Probe | None = None

    @property
    def journal(self) -> Path:
        """The file that receives the run."""
        return self.report_dir / "run.jsonl"

    def part(self, worker: str) -> Path:
        """The file of one worker, merged into the journal at the end."""
        return self.report_dir / f".run-{worker}.jsonl"

    def accounts_of(self, accounts: tuple[Account, ...], worker: int) -> tuple[Account, ...]:
        """Two accounts of its own for each worker where there are enough, else all of them."""
        own = accounts[2 * worker : 2 * worker + 2]
        return own if self.target.shared and len(accounts) >= 2 * max(1, self.workers) else accounts

    def pack(self) -> bytes:
        """For a worker process of ours."""
        return pickle.dumps(self)

    @staticmethod
    def unpack(data: bytes) -> Plan:
        """What `pack` made."""
        plan = pickle.loads(data)  # noqa: S301 - comes from our own controlling process, over its pipe
        if not isinstance(plan, Plan):
            raise SuiteError("a worker was given something else than a plan")
        return plan
