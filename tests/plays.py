"""Plays scenarios written in tests with the real runner: conductor, stage, sockets, journal."""

from __future__ import annotations

import contextlib
import functools
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import trustme
from miniature import ACCOUNTS

from conformance import journal
from conformance.runner.conduct import Conductor
from conformance.runner.plan import Plan, Target
from conformance.runner.settings import Settings
from conformance.runner.stage import Stage
from conformance.scenario.load import message
from conformance.scenario.parse import parse
from conformance.servers.base import Account

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from miniature import Miniature

    from conformance.journal import Journal
    from conformance.scenario.syntax import Scenario

#: Seconds that no right answer takes.
PATIENCE = 5.0


def scenario(text: str, case: str = "tests/scenario") -> Scenario:
    """The scenario of a text; its message files are those of the suite."""
    path = f"{case}.imap"
    return parse(text, case=case, path=path, read_file=lambda name: message(Path(path), name))


def address(server: Miniature) -> Target:
    """The miniature as somebody else's server."""
    return Target(f"imap://127.0.0.1:{server.port}", accounts())


@functools.cache
def tls() -> ssl.SSLContext:
    """The certificate of a miniature."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def accounts() -> tuple[Account, ...]:
    """Those of the miniature."""
    return tuple(Account(*each) for each in ACCOUNTS.items())


def run(
    target: Target,
    scenarios: list[Scenario],
    report_dir: Path,
    *,
    timeout: float = PATIENCE,
    confirm: bool = False,
    allow_inbox: bool = False,
    around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
) -> Journal:
    """A whole run, as its journal tells it; `around` is for the cases, without what comes before and behind them."""
    settings = Settings(seed=1, timeout=timeout, confirm=confirm, allow_inbox=allow_inbox)
    conductor = Conductor(Plan(target, settings, report_dir))
    plan = conductor.begin()
    assert conductor.server is not None
    stage = Stage(plan, conductor.server, "main")
    try:
        for each in scenarios:
            with around():
                stage.run(each)
    finally:
        stage.close()
        conductor.finish([each.id for each in scenarios], lost=stage.lost)
    return journal.read(plan.journal)
