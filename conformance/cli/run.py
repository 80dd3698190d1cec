"""`imapspec run`: choose cases, let pytest play them, say how it went."""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from conformance import catalogue, expectations, journal
from conformance.cli.common import all_files, file_of, proofs, settings_of, shown_command, target_of
from conformance.cli.ending import ended, tell
from conformance.cli.progress import Progress
from conformance.errors import NothingSelectedError, SuiteError, UsageError, nearest
from conformance.pytest_plugin import LAUNCH
from conformance.pytest_plugin.items import is_known
from conformance.pytest_plugin.sides import Launch, left_behind
from conformance.report import terminal
from conformance.runner.choose import read_foreign
from conformance.runner.plan import Plan
from conformance.scenario.load import find, select
from conformance.servers import LAUNCHERS

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

#: An RFC, an id below one, or a pattern.
_COULD_SELECT = re.compile(r"^rfc\d+$|[/*?\[]")

#: Parts of pytest that have nothing to do here, or would speak beside us.
_NOT_NEEDED = (
    "terminal", "cacheprovider", "faulthandler", "warnings", "unraisableexception", "threadexception", "logging",
    "unittest", "doctest", "junitxml", "pastebin", "stepwise", "setuponly", "setupplan", "recwarn", "monkeypatch",
)  # fmt: skip

_RANK = {"must": 0, "should": 1, "may": 2}


def run(options: Namespace) -> int:
    """The command. Raises `ImapspecError`."""
    target, ids = _split(options)
    paths = _selected(options, ids)
    if options.list:
        print("\n".join(paths))
        return 0
    known = expectations.Expectations()
    if options.expect is not None:
        known = expectations.read(options.expect, [*find(), *paths], catalogue.load())
    plan = Plan(
        target=target_of(options, target),
        settings=settings_of(options),
        report_dir=options.report_dir,
        command=shown_command(options.argv),
        selection=tuple(ids),
        folders=tuple(folder.absolute() for folder in options.scenarios),
        expectations=known,
        today=dt.datetime.now(dt.UTC).date(),
        strict=options.strict,
    )
    progress = Progress(
        list(paths),
        lambda results: is_known(results, plan),
        quiet=options.quiet,
        verbose=options.verbose,
    )
    launch = Launch(plan, progress.begin, progress.played, by_us=True)
    code = _pytest(launch, list(paths.values()), options)
    progress.end()
    return _say(launch, code, options)


def _split(options: Namespace) -> tuple[str | None, list[str]]:
    """The target and the ids: the first word is a target when it contains `://` or names a server."""
    words = list(options.words)
    if words and ("://" in words[0] or words[0] in LAUNCHERS):
        return words[0], words[1:]
    if words and not options.scenarios and not _COULD_SELECT.search(words[0]):
        raise UsageError(
            f"{words[0]} is neither a server nor a case{nearest(words[0], LAUNCHERS) or '.'} "
            "An address has the form imap://HOST:PORT; `imapspec servers` and `imapspec list` say what there is."
        )
    return options.configured_target, words


def _selected(options: Namespace, ids: list[str]) -> dict[str, Path]:
    """Case -> file, in the order of the RFC. Files that are not ours are read now, before anything is sent."""
    files = all_files()
    for root in options.scenarios:
        if not root.is_dir():
            raise UsageError(f"--scenarios {root}: there is no such folder.")
        found = find(root)
        if not found:
            raise UsageError(f"--scenarios {root}: there is no file *.imap in this folder.")
        for case in found:
            path = file_of(root, case)
            read_foreign(path, root)
            files[case] = path.absolute()
    proven = proofs(files)
    chosen = select(list(files), [case for word in ids for case in proven.get(word, [word])])
    if options.last_failed:
        failed = _last_failed(options.report_dir)
        chosen = [case for case in chosen if case in failed]
    if options.level != "may":
        known = catalogue.load()
        strong = {
            case
            for requirement, cases in proven.items()
            if requirement in known and _RANK[known[requirement].level.lower()] <= _RANK[options.level]
            for case in cases
        }
        chosen = [case for case in chosen if case in strong]
    if not chosen:
        raise NothingSelectedError("no case is selected: nothing to do.")
    return {case: files[case] for case in chosen}


def _last_failed(folder: Path) -> set[str]:
    last = journal.read(folder / "run.jsonl", allow_truncated=True)
    bad = {(gate.id, gate.requirement) for gate in last.gates if gate.state in expectations.UNEXPECTED}
    places = (
        (r.places or (r.id,))
        for r in last.results
        if (r.id, r.requirement) in bad or (not last.footer and r.status in journal.BAD_STATUSES)
    )
    failed = {case for cases in places for case in cases}
    if not failed:
        raise NothingSelectedError(f"nothing was unexpected in the last run of {folder}.")
    return failed


def _pytest(launch: Launch, paths: list[Path], options: Namespace) -> int:
    """Let pytest play; nothing of the user's pytest configuration takes part."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.pop("PYTEST_PLUGINS", None)
    arguments = [word for name in _NOT_NEEDED for word in ("-p", f"no:{name}")]
    arguments += ["--capture=no", "-c", os.devnull]
    arguments += ["--rootdir", os.path.commonpath([path.parent for path in paths])]
    arguments += ["-x"] if options.exitfirst else []
    arguments += ["-p", "conformance.pytest_plugin"]
    if options.workers:
        arguments += ["-p", "xdist.plugin", "-n", str(options.workers)]
    return int(pytest.main([*arguments, *map(str, paths)], plugins=[_Announce(launch)]))


class _Announce:
    """Registers the launch under the name by which the plugin looks for it, before the plugin is configured."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """See the class."""
        config.pluginmanager.register(self._launch, LAUNCH)


def _say(launch: Launch, code: int, options: Namespace) -> int:
    """The blocks of what is unexpected, where the reports are, and the last line."""
    if launch.outcome is None:
        raise SuiteError(f"pytest ended with code {code} before the run began")
    footer = launch.outcome.footer
    if launch.outcome.written:
        whole = journal.read(options.report_dir / "run.jsonl")
        tell(terminal.known(whole) if options.verbose else "", end="")
        tell(terminal.unexpected(whole), end="")
        if not options.quiet:
            tell(terminal.summary(whole) if whole.results else "", end="")
            tell(f"reports  {options.report_dir / 'report.html'}  junit.xml  summary.md  run.jsonl")
    if launch.left:
        tell(f"imapspec: {left_behind(launch.left, launch.plan.target.name)}")
    if footer.error and not launch.outcome.results:
        return ended(footer.error, footer.exit_code)
    if "\n" in footer.error:
        print(f"imapspec: {footer.error}", file=sys.stderr, flush=True)
    tell(f"imapspec: exit {footer.exit_code} ({footer.reason})")
    return footer.exit_code
