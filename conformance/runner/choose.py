"""What the operator gives or leaves to us: accounts, the seed, scenarios of their own."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from conformance import catalogue
from conformance.errors import UsageError, nearest
from conformance.scenario.load import load_file
from conformance.scenario.syntax import GIVEN
from conformance.servers.base import Account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.scenario.syntax import Scenario

#: Accounts when none is given on the command line: `USER:PASSWORD`, one a line.
VARIABLE = "IMAPSPEC_USERS"


def accounts_of(
    given: Sequence[str], file: Path | None = None, *, environment: bool = True
) -> tuple[Account, ...]:
    """Accounts as `USER:PASSWORD`, from the command line, else a file with one a line, else (if it is to be asked) the environment.

    Raises `UsageError`; its message never repeats what was given.
    """
    lines = list(given)
    if not lines and file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problem = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UsageError(
                f"cannot read the file of accounts {file}: {problem}. Give a text file with one USER:PASSWORD a line."
            ) from None
    if not lines and environment:
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


def read_foreign(path: Path, root: Path) -> Scenario:
    """A scenario that is not ours, with all that can be wrong about it. Raises `UsageError`, `ScenarioError`."""
    scenario = load_file(path, root)
    known = catalogue.load()
    for name in (*scenario.proves, *(getattr(step, "requirement", None) for step in scenario.steps)):
        if name and name != GIVEN and name not in known:
            raise UsageError(f"{path}: there is no requirement {name}{nearest(name, known) or '.'}")
    return scenario
