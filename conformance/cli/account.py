"""`imapspec smoke` and `clean`: one connection to a server, no case."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.cli.common import hiding, settings_of, target_of
from conformance.errors import TargetError, UsageError
from conformance.report.visible import line as visible_line
from conformance.runner.conduct import examine, start
from conformance.runner.plan import Plan
from conformance.runner.settings import MARK
from conformance.runner.setup import BlockedError, greet, log_in, perform
from conformance.runner.stage import excluded
from conformance.runner.tidy import aside, names, sweep
from conformance.scenario.load import find, load

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from conformance.servers.base import Server


def smoke(options: Namespace) -> int:
    """Connect, log in, make and remove a mailbox; say what would run and what would be skipped."""
    settings = settings_of(options)
    with _started(options) as server:
        found = examine(server, settings)
        plan = Plan(target_of(options, None), settings, report_dir=Path(), probe=found)
        reasons: Counter[str] = Counter()
        cases = find()
        for case in cases:
            reason = excluded(load(case), plan, owned=server.owned, accounts=len(server.accounts))
            if reason:
                reasons[reason[0]] += 1
    delimiter = f'"{found.delimiter}"' if found.delimiter else "none"
    print(f"target     {server.name} {server.version}".rstrip())
    print(f"greeting   {visible_line(found.greeting)}")
    print(f"caps       {visible_line(' '.join(sorted(found.capabilities)))}")
    print(f"mailboxes  below {found.root + MARK!r}, hierarchy delimiter {delimiter}")
    print(f"accounts   {len(server.accounts)}")
    print(f"would run  {len(cases) - sum(reasons.values())} of {len(cases)} cases")
    for word, count in reasons.most_common():
        print(f"  skip     {count} {word}")
    print("imapspec: exit 0 (the server can be tested)")
    return 0


def clean(options: Namespace) -> int:
    """Remove every mailbox and subscription whose name has our form, whatever run left it."""
    settings = settings_of(options)
    with _started(options) as server:
        found = examine(server, settings)
        for account in server.accounts:
            client = aside(server, account, settings)
            try:
                greet(client, starttls=server.dialer.starttls)
                log_in(client)
                removed = sweep(client, found.root + MARK)
                left = names(client, b"LIST", found.root + MARK)
                perform(client, b"LOGOUT")
            except BlockedError as blocked:
                raise TargetError(f"cannot clean the account of {account.user}: {blocked}.") from None
            finally:
                client.close()
            if left:
                words = ", ".join(sorted(name.decode("latin-1") for name in left))
                raise TargetError(f"{account.user}: the server does not remove {visible_line(words)}.")
            print(f"{account.user}: {removed} mailbox{'es' * (removed != 1)} removed")
    print("imapspec: exit 0 (clean)")
    return 0


@contextlib.contextmanager
def _started(options: Namespace) -> Iterator[Server]:
    target = target_of(options, options.target or options.configured_target)
    server = target.open(options.timeout)
    if not server.accounts:
        raise UsageError("no account was given: add -u USER:PASSWORD (or set IMAPSPEC_USERS).")
    with hiding(server.accounts):
        try:
            start(server)
            yield server
        finally:
            server.stop()
