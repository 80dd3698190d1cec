"""What the grammar and the always-on checks cost: per response, and as a share of the CPU time of a run.

Run by `make bench`. A throw-away Dovecot is played with one worker, in this process; the time within `read` (grammar and folding) and
within `on_response` (checks) is summed meanwhile. The exit code is 1 if the goal is missed, 2 if Dovecot is not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance import checks, session
from conformance.cli import main as imapspec

if TYPE_CHECKING:
    from collections.abc import Callable

#: What the checks may take of the CPU time of a run.
GOAL = 0.1


@dataclass
class Spent:
    """Calls of a function, and CPU time in it."""

    calls: int = 0
    nanoseconds: int = 0

    def within(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.thread_time_ns()
            try:
                return function(*arguments, **named)
            finally:
                self.nanoseconds += time.thread_time_ns() - begun
                self.calls += 1

        return timed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--target", default="dovecot", help="what is played (dovecot)")
    parser.add_argument("selectors", nargs="*", default=["rfc3501"], help="what is run (rfc3501)")
    options = parser.parse_args()
    grammar, asked = Spent(), Spent()
    session.read = grammar.within(session.read)  # type: ignore[attr-defined]
    checks.on_response = asked.within(checks.on_response)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        begun = time.process_time()
        words = ["run", options.target, "-n", "0", "--seed", "1", "--report-dir", folder, "-q"]
        code = imapspec([*words, *options.selectors])
        whole = time.process_time() - begun
    if code not in (0, 1):
        print(said.getvalue())
        return 2
    print(f"{grammar.calls:,} responses, {whole:.1f} s of CPU time")
    for name, spent in (("grammar", grammar), ("checks", asked)):
        share = spent.nanoseconds / 1e9 / whole
        print(
            f"{name}: {spent.nanoseconds / 1e3 / max(1, spent.calls):.1f} us per response, {share:.1%} of the run"
        )
    met = asked.nanoseconds / 1e9 <= GOAL * whole
    print(f"checks: at most {GOAL:.0%}: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
