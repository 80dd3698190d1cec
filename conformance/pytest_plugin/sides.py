"""The two sides of a run under pytest: the process that the user started, and (with xdist) the workers that play."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import catalogue, expectations, journal
from conformance.catalogue import natural
from conformance.errors import ImapspecError, SuiteError, UsageError
from conformance.pytest_plugin import KEY, LAUNCH
from conformance.pytest_plugin.items import ScenarioFile, annotate, is_scenario, results_of
from conformance.report import terminal
from conformance.runner.choose import accounts_of, seed_of
from conformance.runner.conduct import Conductor, start
from conformance.runner.plan import Plan, Target
from conformance.runner.settings import Settings
from conformance.runner.stage import LOST, Stage
from conformance.runner.tidy import tidy
from conformance.scenario.load import SUFFIX, case_id, find
from conformance.transport import TLS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from conformance.journal import Header, Result
    from conformance.runner.conduct import Outcome


class Playing:
    """What both sides do: collect `*.imap` files and play them on `stage`."""

    stage: Stage | None = None

    @functools.cached_property
    def _chosen(self) -> dict[Path, int]:
        """The files of the plan and their places. pytest is given their folders: to be given each file takes it three times as long."""
        plan: Plan = self.plan  # type: ignore[attr-defined]  # every side has one
        return {path: place for place, path in enumerate(plan.files)}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Of chosen files' folders, nothing else."""
        if self._chosen and collection_path.is_file():
            return collection_path not in self._chosen
        return None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The order of the plan."""
        if self._chosen:
            items.sort(key=lambda item: self._chosen[item.path])

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.File | None:
        """A scenario file is a file with one item."""
        return ScenarioFile.from_parent(parent, path=file_path) if file_path.suffix == ".imap" else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """See `items.annotate`."""
        report = yield
        annotate(report, item, call)
        return report


class ListingSide(Playing):
    """For `--collect-only`: nothing is played and no server is looked at."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan


class WorkerSide(Playing):
    """A worker: plays what it is given, against a server of its own or the shared one."""

    def __init__(self, plan: Plan, name: str) -> None:
        self.plan = plan
        self._name = name
        self._server = plan.target.open(plan.settings.timeout)

    def pytest_sessionstart(self) -> None:
        """Open the stage. The controlling process has started what is shared."""
        if not self.plan.target.shared:
            start(self._server)
        self.stage = Stage(self.plan, self._server, self._name, int(self._name.removeprefix("gw")))

    def pytest_sessionfinish(self) -> None:
        """Leave everything as it was."""
        if self.stage is not None:
            self.stage.close()
        target, probe = self.plan.target, self.plan.probe
        if not target.shared:
            if not target.throwaway and probe is not None:
                tidy(self._server, self._server.accounts, probe.root, self.plan.settings)
            self._server.stop()


class Launch:
    """A plan to be carried out, whom to tell how it goes, and (filled in at the end) what came of it."""

    def __init__(
        self,
        plan: Plan,
        began: Callable[[Header], None] = lambda _: None,
        played: Callable[[list[Result]], None] = lambda _: None,
        *,
        conductor: Conductor | None = None,
    ) -> None:
        self.plan = plan
        self.conductor = (
            conductor  #: of `imapspec run`, which speaks to the user itself and has begun to start the server
        )
        self.began = began
        self.played = played
        self.outcome: Outcome | None = None
        self.left: tuple[str, ...] = ()  #: users in whose accounts mailboxes of this run may be left

    def close(
        self,
        conductor: Conductor,
        order: Sequence[str] = (),
        *,
        interrupted: bool = False,
        lost: str = "",
        error: ImapspecError | None = None,
    ) -> None:
        """Close the journal and write the reports."""
        self.outcome = conductor.finish(order, interrupted=interrupted, lost=lost, error=error)
        self.left = conductor.left


class ControllingSide(Playing):
    """The process the user started: looks at the server, writes journal and reports, sets the exit status."""

    def __init__(self, launch: Launch, workers: int) -> None:
        self.launch = launch
        self.conductor = launch.conductor or Conductor(dataclasses.replace(launch.plan, workers=workers))
        self._cases: set[str] = set()
        self._lost = ""
        self._interrupted = False
        self._unread: dict[str, str] = {}  #: scenario files that cannot be read -> what is wrong with them
        self._unplayed: dict[str, str] = {}  #: cases that ended without a result -> how
        self._others = False  #: the session has tests that are no scenarios

    @property
    def plan(self) -> Plan:
        """With what was found out so far."""
        return self.conductor.plan

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Look at the server before anything is collected; one that cannot be used ends the run here, with a report."""
        try:
            plan = self.conductor.begin()
        except KeyboardInterrupt:
            self._close(interrupted=True)
            raise
        except Exception as error:  # noqa: BLE001 - pytest does not come back to us from here
            trace = "".join(traceback.format_exception(error))
            self._close(
                error=error if isinstance(error, ImapspecError) else SuiteError(f"{error!r}\n{trace}")
            )
            if self.launch.conductor:
                raise KeyboardInterrupt from None  # the one way to end pytest without a word of its own
            footer = self._outcome.footer
            pytest.exit(footer.error, returncode=footer.exit_code)
        self.launch.began(self.conductor.header)
        if not plan.workers:
            assert self.conductor.server is not None
            self.stage = Stage(plan, self.conductor.server, "main")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the plan to a worker."""
        node.workerinput[KEY] = self.plan.pack()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was read, here or in a worker."""
        if report.failed and is_scenario(report.nodeid):
            self._unread[report.nodeid] = report.longreprtext
        elif report.failed:
            self._others = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A case is done, here or in a worker; with its results, unless a fault of ours kept it from having any."""
        results = results_of(report)
        if results:
            self._cases |= {result.id for result in results}
            self._lost = next((r.message for r in results if r.reason == LOST), self._lost)
            self.launch.played(results)
        elif not is_scenario(report.nodeid):
            self._others = True
        elif report.failed:
            self._unplayed[report.nodeid] = report.longreprtext

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Somebody wants the run to end. Those who end it after a failure come here too."""
        self._interrupted = type(excinfo.value) is KeyboardInterrupt or "keyboard" in str(excinfo.value)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the run. Tests that are no scenarios keep their say where ours have nothing against it."""
        if self.launch.outcome is None:
            self._close(interrupted=self._interrupted, error=self._fault(exitstatus))
        code = self._outcome.footer.exit_code
        if code not in (0, 5) or not self._others:
            session.exitstatus = code

    @property
    def _outcome(self) -> Outcome:
        assert self.launch.outcome is not None, "_close sets it"
        return self.launch.outcome

    def _fault(self, exitstatus: int) -> ImapspecError | None:
        """What kept cases from being played, if it was not the server."""
        if self._unread:
            return UsageError("\n".join(self._unread.values()))
        if self._unplayed:
            count = len(self._unplayed)
            words = f"{count} case{'s' * (count != 1)} could not be played"
            shown = [f"{node}: {text}" for node, text in self._unplayed.items()][:3]
            return SuiteError("\n".join([words, *shown, *(["..."] if count > len(shown) else [])]))
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            return SuiteError(
                "an internal error of pytest or of this plugin ended the run; it is shown above"
            )
        return None

    def _close(self, *, interrupted: bool = False, error: ImapspecError | None = None) -> None:
        if self.stage is not None:
            self.stage.close()
            self._lost = self._lost or self.stage.lost
        order = sorted(self._cases, key=natural)
        self.launch.close(self.conductor, order, interrupted=interrupted, lost=self._lost, error=error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """For plain pytest: what gates, and where the report is."""
        if self.launch.outcome is None:
            return
        footer = self.launch.outcome.footer
        terminalreporter.section(KEY)
        if self.launch.outcome.written:
            terminalreporter.write(terminal.unexpected(journal.read(self.plan.journal)))
            terminalreporter.write_line(f"report: {self.plan.report_dir / 'report.html'}")
        if self.launch.left:
            terminalreporter.write_line(left_behind(self.launch.left, self.plan.target.name))
        terminalreporter.write_line(f"imapspec: exit {footer.exit_code} ({footer.reason})")


def left_behind(users: tuple[str, ...], target: str | None) -> str:
    """That mailboxes may be left, and how to remove them."""
    return f"mailboxes of this run may be left with {', '.join(users)}: remove them with `imapspec clean {target}`"


def side_of(config: pytest.Config) -> Playing:
    """The side that this process is on."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        return WorkerSide(Plan.unpack(worker[KEY]), worker["workerid"])
    launch = config.pluginmanager.get_plugin(LAUNCH)
    if launch is None:
        try:
            launch = Launch(_plan(config))
        except ImapspecError as error:
            raise pytest.UsageError(str(error)) from None
    if config.option.collectonly:
        return ListingSide(launch.plan)
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
    target = option("--imap-target")
    accounts = accounts_of(option("--imap-user"), environment="://" in target)
    return Plan(
        Target(target, accounts, tls, option("--imap-start")),
        settings,
        Path(option("--imap-report-dir")),
        command=("run", target),
        expectations=expectations.read(Path(expect), [*find(), *_own_cases(config)], catalogue.load())
        if expect
        else expectations.Expectations(),
        today=dt.datetime.now(dt.UTC).date(),
        strict=option("--imap-strict"),
    )


def _own_cases(config: pytest.Config) -> Iterator[str]:
    """The ids of cases that are not ours among what pytest was told to collect."""
    for word in config.args:
        path = config.invocation_params.dir / word.partition("::")[0]
        for file in path.rglob(f"*{SUFFIX}") if path.is_dir() else [path]:
            yield case_id(file, config.rootpath)
