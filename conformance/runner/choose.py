"""Choices the operator may leave to us: accounts from the environment or a file, the seed."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.servers.base import Account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Accounts when none is given on the command line: `USER:PASSWORD`, one a line.
VARIABLE = "IMAPSPEC_USERS"


def accounts_of(given: Sequence[str], file: Path | None = None) -> tuple[Account, ...]:
    """Accounts as `USER:PASSWORD`, from the command line, else a file with one a line, else the environment.

    Raises `UsageError`; its message never repeats what was given.
    """
    lines = list(given)
    if not lines and file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UsageError(f"cannot read the file of accounts {file}: {error.strerror}.") from None
    if not lines:
        lines = os.environ.get(VARIABLE, "").splitlines()
    return tuple(_account(line) for line in lines if line.strip())


def _account(line: str) -> Account:
    user, colon, password = line.partition(":")
    if not colon or not user:
        raise UsageError(
            "an account must have the form USER:PASSWORD (the one given has no colon or no user)."
        )
    return Account(user, password)


def seed_of(given: int | None) -> int:
    """The seed given, or a new one, small enough to be typed again."""
    return secrets.randbelow(10**9) if given is None else given
