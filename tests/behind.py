"""Plays cases of the suite against a real server, through the proxy that can break a rule.

One server and one proxy serve all: `Behind` is opened once, `play` takes the rewriter of one play.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import plays
from between import Between, Rewriter

from conformance import catalogue, expectations, journal, resources
from conformance.errors import TargetError
from conformance.runner.conduct import examine, start
from conformance.runner.findings import Findings
from conformance.runner.plan import Plan, Target
from conformance.runner.settings import Settings
from conformance.runner.stage import Stage
from conformance.scenario.load import find, load
from conformance.servers import LAUNCHERS, open_server
from conformance.servers.owned import OwnedServer
from conformance.transport import Address, TCPDialer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.expectations import Expectations
    from conformance.journal import Result
    from conformance.servers.base import Account, Server
    from conformance.transport import Dialer

#: Seconds for one answer: nothing takes as long on this machine, whatever stands between.
PATIENCE = 5.0


def installed() -> str:
    """The most exacting server that is here."""
    return "dovecot" if LAUNCHERS["dovecot"].version() else "pymap"


class _Through:
    """The server as it is seen through the proxy. It is ours, so that all cases apply."""

    owned = True

    def __init__(self, server: Server, port: int) -> None:
        self.name = server.name
        self.version = server.version
        self.accounts: tuple[Account, ...] = server.accounts
        self.dialer: Dialer = TCPDialer(Address("imap", "127.0.0.1", port))
        self._server = server

    def launch(self) -> None:
        """It runs."""

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """Not yet."""

    def crash(self) -> str | None:
        return self._server.crash()

    def restart(self) -> None:
        raise TargetError("the server does not answer any more")

    def log_tail(self, lines: int = 20) -> str:
        return self._server.log_tail(lines)


class Behind:
    """A server and the proxy in front of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: Expectations = expectations.read(
            resources.JUDGEMENTS / f"{name}.toml", find(), catalogue.load()
        )
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            server = open_server(self.name)
            assert isinstance(server, OwnedServer)
            stack.callback(server.stop)
            start(server)
            self.between = stack.enter_context(Between(server.addresses["imap"].port, tls=plays.tls()))
            self.server: Server = _Through(server, self.between.port)
            self.settings = Settings(seed=1, timeout=PATIENCE, confirm=False)
            self.probe = examine(self.server, self.settings)
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imapspec-behind-")))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(
        self, cases: Iterable[str], rewriter: Rewriter | None = None, *, timeout: float = PATIENCE
    ) -> list[Result]:
        """What cases and always-on checks say. `cases`: ids without the RFC."""
        settings = dataclasses.replace(self.settings, timeout=timeout)
        plan = Plan(Target(self.name), settings, self._folder, probe=self.probe, expectations=self.known)
        plan = dataclasses.replace(plan, today=dt.datetime.now(dt.UTC).date())
        stage = Stage(plan, self.server, "faults")
        with self.between.being(rewriter or Rewriter()):
            try:
                results = [result for case in cases for result in stage.run(load(f"rfc3501/{case}"))]
            finally:
                stage.close()
        assert not stage.lost, stage.lost
        findings = Findings()
        part = plan.part("faults")
        for record in journal.parts(part):
            findings.take(record)
        part.unlink()
        return results + findings.results(catalogue.load())

    def unexpected(self, results: Iterable[Result], *, strict: bool = True) -> list[Result]:
        """Failures that are not known of this server, time-outs among them, and warnings if strict."""
        today = dt.datetime.now(dt.UTC).date()
        return [
            result
            for result in results
            if result.status != "ERROR"
            and any(
                gate.state in ("new", "changed")
                for gate in expectations.gate([result], self.known, today, strict=strict)
            )
        ]
