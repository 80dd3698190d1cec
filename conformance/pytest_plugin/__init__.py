"""Scenario files as pytest items: pytest schedules and xdist distributes, the verdicts are the runner's.

Every pytest run in an environment that has imapspec loads this file, so it imports nothing of ours until there is a target
(`--imap-target`, or a plan handed over by `imapspec run`); then `sides` and `items` do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

KEY = "imapspec"
#: Name of the plugin that does the work; this module itself is known as "imapspec".
SIDE = "imapspec-side"
#: Name under which `imapspec run` hands over its plan.
LAUNCH = "imapspec-launch"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `imapspec run` that make sense here, with a prefix."""
    group = parser.getgroup(KEY, "imapspec: IMAP conformance scenarios (*.imap)")
    add = group.addoption
    add(
        "--imap-target",
        metavar="TARGET",
        help="imap://HOST:PORT, imaps://, imap+starttls://, or pymap, dovecot, dovecot-sdbox",
    )
    add(
        "--imap-user",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help="an account; may be repeated",
    )
    add("--imap-start", metavar="CMD", help="command that starts the server at the target's address")
    add("--imap-ca-file", metavar="FILE", help="authorities to trust instead of the system's")
    add("--imap-insecure", action="store_true", help="do not verify the server's certificate")
    add("--imap-expect", metavar="FILE", help="file of known failures")
    add("--imap-strict", action="store_true", help="unmet SHOULDs decide too")
    add("--imap-allow-inbox", action="store_true", help="let cases touch INBOX")
    add("--imap-report-dir", default="imapspec-report", metavar="DIR", help="where journal and reports go")
    add("--imap-seed", type=int, metavar="N", help="repeat a run's choices")
    add("--imap-timeout", type=float, default=5.0, metavar="SECONDS", help="for one answer")


def pytest_configure(config: pytest.Config) -> None:
    """Become active when there is a target."""
    worker = getattr(config, "workerinput", None)
    launched = config.pluginmanager.has_plugin(LAUNCH)
    if (worker is None and (launched or config.getoption("--imap-target"))) or (worker and KEY in worker):
        from conformance.pytest_plugin import sides  # noqa: PLC0415 - see above

        # Its own plugin may not be there to say so.
        config.addinivalue_line("markers", "xdist_group(name): cases of one group are played by one worker")
        config.pluginmanager.register(sides.side_of(config), SIDE)
