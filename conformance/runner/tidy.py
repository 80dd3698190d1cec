"""Leaving every account as it was found: our own mailboxes are removed, and nothing else is touched.

Knows: the form of the names that we give. Must not know: what was tested.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from conformance import grammar
from conformance.errors import TargetError
from conformance.response import List, String
from conformance.runner.client import Client, Play
from conformance.runner.recorder import Unrecorded
from conformance.runner.settings import MARK
from conformance.runner.setup import BlockedError, astring, greet, log_in, perform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.response import Response
    from conformance.runner.settings import Settings
    from conformance.servers.base import Account, Server

#: Seconds for one account at the end of a run. There are servers that take two for each DELETE; `clean` does the rest.
TIDY_LIMIT = 60.0

#: What follows `MARK` in every name of ours: a run's part, then a play's or that of the first look at the server.
_OURS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{6}-|probe)", re.IGNORECASE)


def tidy(server: Server, accounts: Sequence[Account], root: str, settings: Settings) -> tuple[str, ...]:
    """Remove the mailboxes and subscriptions of this run; the users with whom that did not succeed.

    Never raises; a Ctrl-C gives up.
    """
    left = [account.user for account in accounts]
    for account in accounts:
        client = aside(server, account, settings)
        try:
            greet(client, starttls=server.dialer.starttls)
            log_in(client)
            sweep(client, root + settings.run_mark, TIDY_LIMIT)
            if not names(client, b"LIST", root + settings.run_mark):
                left.remove(account.user)
            perform(client, b"LOGOUT")
        except (BlockedError, TargetError):
            pass
        except KeyboardInterrupt:
            break
        finally:
            client.close()
    return tuple(left)


def aside(server: Server, account: Account, settings: Settings) -> Client:
    """A client whose connection belongs to no case and leaves no record."""
    return Client("S", account, server.dialer, grammar.load(), Play("", 1, Unrecorded()), settings)


def sweep(client: Client, prefix: str, limit: float = math.inf) -> int:
    """Remove every mailbox and subscription of ours whose name begins with `prefix`; the number of mailboxes removed.

    It stops after `limit` seconds, with mailboxes left.
    """
    removed = 0
    until = time.monotonic() + limit
    for command, undo in ((b"LSUB", b"UNSUBSCRIBE "), (b"LIST", b"DELETE ")):
        # Longer names first: inferiors before their superior.
        for name in sorted(names(client, command, prefix), key=len, reverse=True):
            if time.monotonic() > until:
                return removed
            response = perform(client, undo, *astring(name))
            removed += undo == b"DELETE " and response.name == "OK"
    return removed


def names(client: Client, command: bytes, prefix: str) -> set[bytes]:
    """The names of our form that LIST or LSUB tells below `prefix`, which ends with or behind `MARK`.

    They compare without case: a server may have made its own of ours.
    """
    start = len(client.seen)
    perform(client, command + b' "" "' + prefix.encode() + b'*"')
    listed = {name for seen in client.seen[start:] if (name := _listed(seen.response))}
    return {name for name in listed if _is_ours(name.decode("latin-1"), prefix)}


def _is_ours(name: str, prefix: str) -> bool:
    mark = prefix.index(MARK) + len(MARK)
    return name.upper().startswith(prefix.upper()) and _OURS.match(name, mark) is not None


def _listed(response: Response) -> bytes | None:
    match response.items:
        case (List(), _, String(name)) if response.name in ("LIST", "LSUB"):
            return name
    return None
