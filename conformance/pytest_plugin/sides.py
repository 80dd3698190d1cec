"""The two sides of a run under pytest: the process that the user started, and (with xdist) the workers that play."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import catalogue, expectations, journal, report
from conformance.errors import ImapspecError
from conformance.pytest_plugin import KEY, LAUNCH
from conformance.pytest_plugin.items import ScenarioFile, report_of
from conformance.report import terminal
from conformance.runner.choose import accounts_of, seed_of
from conformance.runner.conduct import Conductor
from conformance.runner.plan import Plan, Target
from conformance.runner.settings import Settings
from conformance.runner.stage import LOST, Stage
from conformance.scenario.load import find, natural
from conformance.transport import TLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.journal import Header, Result
    from conformance.runner.conduct import Outcome


class Playing:
    """What both sides do: collect `*.imap` files and play them on `stage`."""

    stage: Stage | None = None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.File | None:
        """A scenario file is a file with one item."""
        return ScenarioFile.from_parent(parent, path=file_path) if file_path.suffix == ".imap" else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        """See `items.report_of`."""
        return report_of(item, call)


class WorkerSide(Playing):
    """A worker: plays what it is given, against a server of its own or the shared one."""

    def __init__(self, plan: Plan, name: str) -> None:
        self.plan = plan
        self._name = name
        self._server = plan.target.open(plan.settings.timeout)

    def pytest_sessionstart(self) -> None:
        """Open the stage. The controlling process has started what is shared."""
        if not self.plan.target.shared:
            self._server.start()
        self.stage = Stage(self.plan, self._server, self._name, int(self._name.removeprefix("gw")))

    def pytest_sessionfinish(self) -> None:
        """Leave everything as it was."""
        if self.stage is not None:
            self.stage.close()
        if not self.plan.target.shared:
            self._server.stop()


class Launch:
    """A plan that `imapspec run` hands over, and whom to tell how it goes."""

    def __init__(
        self, plan: Plan, began: Callable[[Header], None], played: Callable[[list[Result]], None]
    ) -> None:
        self.plan = plan
        self.began = began
        self.played = played
        self.outcome: Outcome | None = None  #: filled in at the end
        self.error: ImapspecError | None = None  #: what ended the run before its first case


class ControllingSide(Playing):
    """The process the user started: looks at the server, writes journal and reports, sets the exit status."""

    def __init__(self, launch: Launch, workers: int) -> None:
        self.launch = launch
        self.conductor = Conductor(dataclasses.replace(launch.plan, workers=workers))
        self._cases: set[str] = set()
        self._lost = ""

    @property
    def plan(self) -> Plan:
        """With what was found out so far."""
        return self.conductor.plan

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Look at the server before anything is collected; one that cannot be used ends the run here, with a report."""
        try:
            plan = self.conductor.begin()
        except ImapspecError as error:
            self.launch.error = error
            self._close(error=error)
            pytest.exit(str(error), returncode=error.exit_code)
        self.launch.began(self.conductor.header)
        if not plan.workers:
            assert self.conductor.server is not None
            self.stage = Stage(plan, self.conductor.server, "main")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the plan to a worker."""
        node.workerinput[KEY] = self.plan.pack()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A case is done, here or in a worker."""
        if report.when != "call":
            return
        for key, value in report.user_properties:
            if key == KEY:
                records = [journal.decode(line) for line in str(value).splitlines()]
                results = [record for record in records if isinstance(record, journal.Result)]
                self._cases |= {result.id for result in results}
                self._lost = next((r.message for r in results if r.reason == LOST), self._lost)
                self.launch.played(results)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the run. Tests that are no scenarios keep their say: their failure is at least 1."""
        if self.launch.outcome is None:
            self._close(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
        assert self.launch.outcome is not None
        session.exitstatus = self.launch.outcome.footer.exit_code

    def _close(self, *, interrupted: bool = False, error: ImapspecError | None = None) -> None:
        if self.stage is not None:
            self.stage.close()
            self._lost = self._lost or self.stage.lost
        order = sorted(self._cases, key=natural)
        self.launch.outcome = self.conductor.finish(
            order, interrupted=interrupted, lost=self._lost, error=error
        )
        if self.launch.outcome.written:
            report.write_all(journal.read(self.plan.journal), self.plan.report_dir)

    @pytest.hookimpl(optionalhook=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """For plain pytest: what gates, and where the report is."""
        if self.launch.outcome is None:
            return
        footer = self.launch.outcome.footer
        terminalreporter.section("imapspec")
        terminalreporter.write(terminal.unexpected(journal.read(self.plan.journal)))
        terminalreporter.write_line(f"report: {self.plan.report_dir / 'report.html'}")
        terminalreporter.write_line(f"imapspec: exit {footer.exit_code} ({footer.reason})")


def side_of(config: pytest.Config) -> Playing:
    """The side that this process is on."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return WorkerSide(Plan.unpack(worker[KEY]), worker["workerid"])
    launch = config.pluginmanager.get_plugin(LAUNCH)
    if launch is None:
        try:
            launch = Launch(_plan(config), lambda _: None, lambda _: None)
        except ImapspecError as error:
            raise pytest.UsageError(str(error)) from None
    workers = getattr(config.option, "numprocesses", None) or 0
    if workers and config.option.dist == "load":
        config.option.dist = "loadgroup"  # cases that touch what an account has only once stay together
    return ControllingSide(launch, workers)


def _plan(config: pytest.Config) -> Plan:
    """The plan of plain pytest, from its options."""
    option = config.getoption
    ca_file, insecure, expect = option("--imap-ca-file"), option("--imap-insecure"), option("--imap-expect")
    tls = TLS(ca_file=Path(ca_file) if ca_file else None, insecure=insecure) if ca_file or insecure else None
    settings = Settings(
        seed_of(option("--imap-seed")), option("--imap-timeout"), allow_inbox=option("--imap-allow-inbox")
    )
    return Plan(
        Target(option("--imap-target"), accounts_of(option("--imap-user")), tls, option("--imap-start")),
        settings,
        Path(option("--imap-report-dir")),
        command=("run", option("--imap-target")),
        expectations=expectations.read(Path(expect), find(), catalogue.load())
        if expect
        else expectations.Expectations(),
        today=dt.datetime.now(dt.UTC).date(),
        strict=option("--imap-strict"),
    )
