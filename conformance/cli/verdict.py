"""The last lines of a run: the blocks of what is unexpected, where the reports are, and the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from conformance import journal
from conformance.cli.ending import ended, tell
from conformance.report import terminal

if TYPE_CHECKING:
    from argparse import Namespace

    from conformance.runner.conduct import Outcome


def say(outcome: Outcome, options: Namespace, left: str = "") -> int:
    """Say how a run went; returns its exit code. `left`: what has to be said of mailboxes that are left on the server."""
    footer = outcome.footer
    if outcome.written:
        whole = journal.read(options.report_dir / "run.jsonl")
        tell(terminal.known(whole) if options.verbose else "", end="")
        tell(terminal.unexpected(whole), end="")
        if not options.quiet:
            tell(terminal.summary(whole) if whole.results else "", end="")
            tell(f"reports  {options.report_dir / 'report.html'}  junit.xml  summary.md  run.jsonl")
    if left:
        tell(f"imapspec: {left}")
    if footer.error and not outcome.results:
        return ended(footer.error, footer.exit_code)
    if "\n" in footer.error:
        print(f"imapspec: {footer.error}", file=sys.stderr, flush=True)
    tell(f"imapspec: exit {footer.exit_code} ({footer.reason})")
    return footer.exit_code
