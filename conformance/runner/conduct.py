"""The controlling side of a run: looks at the server, opens the journal, and closes it with gates and footer.

Cases may be played here or in workers; their records lie in part files that are merged in the order of the cases, so that the
journal of a run does not depend on who played what.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import time
from typing import TYPE_CHECKING

from conformance import __version__, catalogue, expectations, journal, report
from conformance.errors import ImapspecError, SuiteError, UsageError
from conformance.journal import Case, Footer, Header, Result
from conformance.runner.findings import Findings
from conformance.runner.recorder import Recorder
from conformance.runner.setup import admit, probe
from conformance.runner.tidy import aside, tidy
from conformance.scenario.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from conformance.journal import Gate, Record
    from conformance.runner.plan import Plan
    from conformance.runner.settings import Settings
    from conformance.runner.setup import Probe
    from conformance.servers.base import Server


_ANY = "title: any\nproves: rfc3501/6.1.2/any\nstate: greeted\n\nC: NOOP\nS: OK\n"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended: what the command line says and exits with."""

    results: tuple[Result, ...]
    gates: tuple[Gate, ...]
    footer: Footer
    written: bool = True  #: the journal could be written

    def failed(self, problem: str) -> Outcome:
        """The same, but there are no reports of it."""
        footer = dataclasses.replace(
            self.footer, exit_code=SuiteError.exit_code, reason=problem, error=problem
        )
        return dataclasses.replace(self, footer=footer)


def start(server: Server) -> None:
    """Start a server, and compile the grammars while it comes up, which takes about as long. Raises `TargetError`."""
    server.launch()
    _compile()
    server.start()


def _compile() -> None:
    """Read a scenario, so that all grammars are at hand. What is wrong with one is told where it is used."""
    with contextlib.suppress(ImapspecError):
        parse(_ANY, case="any", path="any")


def examine(server: Server, settings: Settings) -> Probe:
    """Look at a server, and see whether all accounts can be used. Raises `TargetError`."""
    first, *others = (aside(server, account, settings) for account in server.accounts)
    found = probe(first, starttls=server.dialer.starttls, run_mark=settings.run_mark)
    for client in others:
        admit(client, starttls=server.dialer.starttls)
    return found


class Conductor:
    """One run. `begin`, then cases are played into part files, then `finish`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.server: Server | None = None
        self._launched = False
        self.left: tuple[str, ...] = ()  #: users in whose accounts mailboxes of this run may be left
        self._started = time.monotonic()
        self.header = Header(
            tool=__version__,
            command=plan.command,
            target=plan.target.name or "",
            seed=plan.settings.seed,
            started=_now(),
            workers=max(1, plan.workers),
            selection=plan.selection,
        )

    def launch(self) -> None:
        """Make the report folder and begin to start the server; `begin` waits for it, and does this where it was not done.

        Raises `UsageError` for a folder that cannot be written, `TargetError` for a server that is not installed.
        """
        plan = self.plan
        self._prepare_folder()
        server = self.server = plan.target.open(plan.settings.timeout)
        self.header = dataclasses.replace(
            self.header, target=server.name, server=_product(server), accounts=len(server.accounts)
        )
        server.launch()
        self._launched = True

    def begin(self) -> Plan:
        """Wait for the server and look at it; returns the plan with what was found out.

        The server goes on for cases played here and is stopped when workers have their own.
        Raises `UsageError` and `TargetError` as `launch` does, and `TargetError` for a server that cannot be used.
        """
        plan = self.plan
        if not self._launched:
            self.launch()
        assert self.server is not None
        server = self.server
        if not server.accounts:
            raise UsageError("no account was given: add -u USER:PASSWORD (or set IMAPSPEC_USERS).")
        _compile()
        server.start()
        found = examine(server, plan.settings)
        capabilities = tuple(sorted(found.capabilities))
        self.header = dataclasses.replace(
            self.header,
            greeting=found.greeting,
            capabilities=capabilities,
            root=found.root,
            delimiter=found.delimiter,
        )
        self.plan = dataclasses.replace(plan, probe=found)
        if plan.workers and not plan.target.shared:
            server.stop()
        return self.plan

    def _prepare_folder(self) -> None:
        folder = self.plan.report_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for stale in folder.glob(".run-*.jsonl"):
                stale.unlink()
            for file in (self.plan.journal, *(folder / name for name in report.FILES)):
                file.write_text("", encoding="utf-8")
        except OSError as error:
            where = error.filename or folder
            raise UsageError(
                f"the report folder cannot be written: {where}: {error.strerror}. Give another with --report-dir."
            ) from None

    def finish(
        self,
        order: Sequence[str],
        *,
        interrupted: bool = False,
        lost: str = "",
        error: ImapspecError | None = None,
    ) -> Outcome:
        """Merge, judge against the expectations, write journal and reports; then leave the server as it was found.

        `order`: ids of all selected cases, in their order.
        """
        try:
            outcome = self._written(order, interrupted=interrupted, lost=lost, error=error)
        finally:
            self._leave(lost)
        if outcome.written:
            try:
                report.write_all(journal.read(self.plan.journal), self.plan.report_dir)
            except UsageError as unwritable:
                if error is None:  # the folder was as it should be when the run began
                    return outcome.failed(str(unwritable))
        return outcome

    def _leave(self, lost: str) -> None:
        """Remove what is ours, stop what is ours. With workers, a server of their own is theirs to leave."""
        plan, server = self.plan, self.server
        if server is None:
            return
        gone = lost or (plan.workers and not plan.target.shared) or plan.target.throwaway
        try:
            if plan.probe is not None and not gone:
                self.left = tidy(server, server.accounts, plan.probe.root, plan.settings)
            elif plan.probe is not None and not plan.target.throwaway:
                self.left = tuple(account.user for account in server.accounts)
        finally:
            server.stop()

    def _written(
        self, order: Sequence[str], *, interrupted: bool, lost: str, error: ImapspecError | None
    ) -> Outcome:
        plan = self.plan
        findings = Findings()
        results: list[Result] = []
        secrets = self.server.accounts if self.server else plan.target.accounts
        try:
            plan.journal.unlink(missing_ok=True)
            out = Recorder(plan.journal, secrets)
        except OSError as missing:
            error = error or SuiteError(f"the report folder {plan.report_dir} is gone: {missing.strerror}.")
            return Outcome((), (), self._footer(error.exit_code, str(error), error=str(error)), written=False)
        out.write(self.header)
        for record in self._merged(order):
            findings.take(record)
            if isinstance(record, Result):
                results.append(record)
            out.write(record)
        verdicts = findings.results(catalogue.load())
        gates = expectations.gate([*results, *verdicts], plan.expectations, plan.today, strict=plan.strict)
        code, reason = expectations.exit_code(
            [*results, *verdicts], gates, interrupted=interrupted, lost=lost
        )
        if error is not None:
            code, reason = error.exit_code, str(error)
        footer = out.hide(
            self._footer(code, reason, complete=not (interrupted or lost or error), error=str(error or lost))
        )
        closing: list[Record] = [*verdicts, *gates, footer]
        for record in closing:
            out.write(record)
        out.close()
        for part in plan.report_dir.glob(".run-*.jsonl"):
            part.unlink()
        return Outcome((*results, *verdicts), tuple(gates), footer)

    def _footer(self, code: int, reason: str, *, error: str, complete: bool = False) -> Footer:
        """`reason` is cut to its first line: it is the last on the terminal, and `error` has the rest."""
        duration = round(time.monotonic() - self._started, 3)
        return Footer(code, reason.partition("\n")[0], _now(), duration, complete, error)

    def _merged(self, order: Sequence[str]) -> Iterable[Record]:
        """The records of all part files, case by case in the order of the selection; within a case as they were written.

        Read twice, so that a journal need not fit into memory.
        """
        rank = {case: number for number, case in enumerate(order)}
        plays: list[tuple[int, Path, int]] = []  #: place in the order, part file and offset in it
        for part in sorted(self.plan.report_dir.glob(".run-*.jsonl")):
            for case, group in itertools.groupby(journal.parts(part), key=lambda placed: _case(placed[1])):
                plays.append((rank.get(case, len(rank)), part, next(group)[0]))
        for _, part, offset in sorted(plays, key=lambda play: play[0]):
            _, records = next(
                itertools.groupby(journal.parts(part, offset), key=lambda placed: _case(placed[1]))
            )
            for _, record in records:
                yield record


def _product(server: Server) -> str:
    """Name and version of a server that we know, "" for an address."""
    return f"{server.name} {server.version}" if server.version else ""


def _case(record: Record) -> str:
    """The case that a record of a part file belongs to."""
    return record.id if isinstance(record, Case | Result) else getattr(record, "case", "")
