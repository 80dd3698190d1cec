"""Words to a terminal that may be gone, and the last lines of a command that did not come to its end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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


def tell(text: str, end: str = "\n") -> None:
    """Write to the standard output at once. A reader who has gone (`| head`) ends the words, not the run."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
