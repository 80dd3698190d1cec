"""`imapspec run`, the part that needs pytest: let it play the cases, say how it goes and how it went."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

from conformance.cli.progress import Progress
from conformance.cli.verdict import say
from conformance.errors import SuiteError
from conformance.pytest_plugin import LAUNCH
from conformance.pytest_plugin.items import is_known
from conformance.pytest_plugin.sides import Launch, left_behind
from conformance.resources import SCENARIOS

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from conformance.journal import Header
    from conformance.runner.conduct import Conductor

#: Parts of pytest that have nothing to do here, or would speak beside us.
_NOT_NEEDED = (
    "terminal", "cacheprovider", "faulthandler", "warnings", "unraisableexception", "threadexception", "logging",
    "unittest", "doctest", "junitxml", "pastebin", "stepwise", "setuponly", "setupplan", "recwarn", "monkeypatch",
)  # fmt: skip


def play(
    conductor: Conductor, paths: dict[str, Path], options: Namespace, *, interrupted: bool = False
) -> int:
    """Play the cases (id -> file) of a run that was launched; returns the exit code. Raises `ImapspecError`.

    `interrupted`: somebody has ended it already; only what there is to say is said.
    """
    progress = Progress(
        list(paths),
        lambda results: is_known(results, conductor.plan),
        quiet=options.quiet,
        verbose=options.verbose,
    )

    def began(header: Header) -> None:
        gc.freeze()
        gc.enable()
        progress.begin(header)

    launch = Launch(conductor.plan, began, progress.played, conductor=conductor)
    code = 2
    try:
        if not interrupted:
            code = _pytest(launch, options)
    except KeyboardInterrupt:  # before pytest could take it
        interrupted = True
    if interrupted and launch.outcome is None:
        launch.close(conductor, interrupted=True)
    progress.end()
    if launch.outcome is None:
        raise SuiteError(f"pytest ended with code {code} before the run began")
    left = left_behind(launch.left, launch.plan.target.name) if launch.left else ""
    return say(launch.outcome, options, left)


def _pytest(launch: Launch, options: Namespace) -> int:
    """Let pytest play; nothing of the user's pytest configuration takes part."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.pop("PYTEST_PLUGINS", None)
    arguments = [word for name in _NOT_NEEDED for word in ("-p", f"no:{name}")]
    arguments += ["--capture=no", "-c", os.devnull, "--noconftest", "-o", "norecursedirs="]
    files = launch.plan.files
    folders = [f for f in (SCENARIOS, *launch.plan.folders) if any(path.is_relative_to(f) for path in files)]
    arguments += ["--rootdir", os.path.commonpath(folders)]
    arguments += ["-x"] if options.exitfirst else []
    arguments += ["-p", "conformance.pytest_plugin"]
    if options.workers:
        arguments += ["-p", "xdist.plugin", "-n", str(options.workers)]
    return int(pytest.main([*arguments, *map(str, folders)], plugins=[_Announce(launch)]))


class _Announce:
    """Registers the launch under the name by which the plugin looks for it, before the plugin is configured."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """See the class."""
        config.pluginmanager.register(self._launch, LAUNCH)
