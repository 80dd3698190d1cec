"""What a connection can say of its user: the holes about accounts.

Knows: accounts, and how a password is told from one that is certainly wrong. Must not know: connections, servers.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from conformance.response import String

if TYPE_CHECKING:
    from conformance.scenario.holes import Bindings
    from conformance.servers.base import Account

#: Holes that no report may show, in whatever form.
SECRET = frozenset({"password", "plain", "other-password"})

#: Passwords that nobody has who chose his own. Differing in what a lax server may compare: case does not count, nor what is far behind.
_WRONG = ("no-such-word", "quite-mistaken", "0123456789")


def identity(account: Account, accounts: tuple[Account, ...]) -> Bindings:
    """The holes about a connection's user, and about the other one if there is one."""
    bound: Bindings = {
        "user": String(account.user.encode()),
        "password": String(account.password.encode()),
        "plain": String(base64.b64encode(f"\0{account.user}\0{account.password}".encode())),
        "wrong": String(wrong(account.password).encode()),
    }
    if len(accounts) > 1:
        other = accounts[account == accounts[0]]
        bound |= {
            "other-user": String(other.user.encode()),
            "other-password": String(other.password.encode()),
        }
    return bound


def wrong(password: str) -> str:
    """A password that is certainly not this one, and tells nothing of it."""
    known = password.casefold()
    return next(each for each in _WRONG if each[:8] != known[:8] and (not known or known not in each))
