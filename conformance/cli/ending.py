"""The last lines of a command that did not come to its end."""

from __future__ import annotations

import sys

_MEANING = {
    2: "interrupted",
    3: "an error of imapspec itself: please report it",
    4: "arguments, configuration, scenario or expectation file wrong; nothing was sent",
    5: "nothing selected",
    6: "server unreachable or not usable",
}


def ended(message: str, code: int) -> int:
    """Say what happened and what the exit code means; returns the code."""
    sys.stdout.flush()
    print(f"imapspec: {message}", file=sys.stderr)
    print(f"imapspec: exit {code} ({_MEANING[code]})", file=sys.stderr)
    return code
