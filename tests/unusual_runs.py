"""The whole suite against unusual servers: no verdict may be another than without the proxy.

    python tests/unusual_runs.py [SERVER ...] [-k WORDS] [--runs 3] [--every N]

Prints a line for each rewriting: how many verdicts there were, how many changed, and which.
"""

# ruff: noqa: T201 - the terminal is what it writes to

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from behind import Behind
from unusual import TOGETHER, UNUSUAL, Unusual, together

from conformance.scenario.load import find
from conformance.servers import available
from conformance.transport import Address, TCPDialer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from between import Rewriter

    from conformance.journal import Result

#: case (empty: an always-on check), requirement, status, signature
Verdict = tuple[str, str, str, str]

#: All rewritings by name: the single ones, and many at once.
ROWS: dict[str, Unusual] = {**UNUSUAL, **{name: together(name) for name in TOGETHER}}


def cases() -> list[str]:
    """All of the suite, without the RFC's name."""
    return sorted(case.removeprefix("rfc3501/") for case in find() if case.startswith("rfc3501/"))


def verdicts(results: Iterable[Result], among: Iterable[str] | None = None) -> dict[Verdict, Result]:
    """What is compared: of cases all, of always-on checks what is broken; the latter only where it shows in some cases."""
    wanted = None if among is None else {f"rfc3501/{case}" for case in among}
    return {
        ("" if each.always_on else each.id, each.requirement, each.status, each.signature): each
        for each in results
        if not (each.always_on and each.status == "PASS")
        and (wanted is None or not wanted.isdisjoint(each.places if each.always_on else {each.id}))
    }


class Whole(Behind):
    """A server that is started again when a case has killed it. Mailboxes of one play are in no other's way."""

    plays = 0

    def __enter__(self) -> Self:
        super().__enter__()
        real = self.server._server
        self.server.restart = real.restart
        self.direct = TCPDialer(Address("imap", "127.0.0.1", real.addresses["imap"].port))
        return self

    def play(self, *words: Any, **options: Any) -> list[Result]:
        self.plays += 1
        self.settings = dataclasses.replace(self.settings, seed=self.plays)
        return super().play(*words, **options)

    def without_proxy(self) -> Self:
        """Cases are played with the server itself."""
        self.server.dialer = self.direct
        return self


def played(
    server: str, chosen: list[str], rewriter: Rewriter | None, *, proxy: bool = True
) -> dict[Verdict, Result]:
    """The verdicts of a new server."""
    with Whole(server) as whole:
        if not proxy:
            whole.without_proxy()
        return verdicts(whole.play(chosen, rewriter))


def differences(row: Unusual | None, known: dict[Verdict, Result], found: dict[Verdict, Result]) -> list[str]:
    """What is in one of them only, with where it shows. Which choice a server makes is no verdict."""
    asked = () if row is None else row.asked
    return [
        " ".join(
            [
                "without:" if verdict in known else "with:",
                *verdict,
                shown.reason,
                shown.actual[:200],
                *shown.places[:3],
            ]
        )
        for verdict in sorted(known.keys() ^ found.keys())
        for shown in [known.get(verdict) or found[verdict]]
        if not (verdict[1] in asked and verdict[2] in ("PASS", "INFO"))
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("servers", nargs="*", default=[each.name for each in available() if each.version])
    parser.add_argument(
        "-k", dest="words", default="", help="only rewritings with these words in their names"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--of", default="", help="only cases with these words in their names")
    parser.add_argument("--every", type=int, default=1, help="only every so many cases")
    options = parser.parse_args()
    chosen = [case for case in cases() if options.of in case][:: options.every]
    rows = {name: row for name, row in ROWS.items() if options.words in name}
    total = 0
    for server in options.servers:
        known = played(server, chosen, None, proxy=False)
        print(f"{server}: {len(chosen)} cases, {len(known)} verdicts", flush=True)
        for name, row in {"the proxy alone": None, **rows}.items():
            for run in range(1, options.runs + 1):
                began = time.monotonic()
                found = played(server, chosen, None if row is None else row.rewriter(run))
                others = differences(row, known, found)
                total += len(others)
                print(
                    f"{name:40} run {run} {len(found):6} verdicts {len(others):4} changed {time.monotonic() - began:5.0f} s",
                    flush=True,
                )
                print(*(f"    {line}\n" for line in others), sep="", end="", flush=True)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
