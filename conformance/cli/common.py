"""What several commands read from the options."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conformance.errors import TargetError
from conformance.resources import SCENARIOS
from conformance.runner.choose import accounts_of, seed_of
from conformance.runner.plan import Target
from conformance.runner.recorder import disguises, redact
from conformance.runner.settings import Settings
from conformance.scenario.load import find, peek
from conformance.transport import TLS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conformance.servers.base import Account


def target_of(options: Namespace, name: str | None) -> Target:
    """The server that the options mean; the environment's accounts belong to an address. Raises `UsageError`."""
    tls = TLS(options.ca_file, options.client_cert, options.client_key, options.insecure, options.server_name)
    return Target(
        name=name,
        accounts=accounts_of(options.user, options.user_file, environment=bool(name and "://" in name)),
        tls=None if tls == TLS() else tls,
        start=options.start,
        scheme=options.tls,
    )


def settings_of(options: Namespace) -> Settings:
    """How cases are to be played."""
    return Settings(
        seed=seed_of(options.seed),
        timeout=options.timeout,
        rate_limit=getattr(options, "rate_limit", 0.0),
        allow_inbox=getattr(options, "allow_inbox", False),
        confirm=not getattr(options, "no_confirm", False),
    )


def shown_command(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line with what follows an account's colon masked, for journal and report."""
    shown: list[str] = []
    for word in argv:
        after = shown[-1:] in (["-u"], ["--user"])
        option, equals, value = word.partition("=")
        if after:
            shown.append(_masked(word))
        elif equals and option == "--user":
            shown.append(f"{option}={_masked(value)}")
        elif word.startswith("-u") and not word.startswith("--") and len(word) > 2:
            shown.append("-u" + _masked(word[2:]))
        else:
            shown.append(word)
    return tuple(shown)


def _masked(account: str) -> str:
    return account.partition(":")[0] + ":********"


def all_files() -> dict[str, Path]:
    """Our own cases, each with its file, in the order of the RFC."""
    return {case: file_of(SCENARIOS, case) for case in find()}


def proofs(files: Mapping[str, Path]) -> dict[str, list[str]]:
    """Requirement -> the cases that prove it, as their headers say."""
    proven: dict[str, list[str]] = {}
    for case, path in files.items():
        for requirement in peek(path).get("proves", "").split():
            proven.setdefault(requirement, []).append(case)
    return proven


def file_of(root: Path, case: str) -> Path:
    """The scenario file of a case."""
    return root / f"{case}.imap"


@contextlib.contextmanager
def hiding(accounts: Iterable[Account]) -> Iterator[None]:
    """A server may repeat a password in what it says; the `TargetError` that tells of it does not."""
    try:
        yield
    except TargetError as error:
        raise TargetError(redact(str(error), disguises(accounts))) from None
