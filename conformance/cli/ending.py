"""Words to a terminal that may be gone, and the last lines of a command that did not come to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While modules are loaded, a Ctrl-C waits: in the middle of one, Python may die of it whoever catches it.

    Raises `KeyboardInterrupt` at the end.
    """
    heard: list[int] = []
    raising = [
        n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is signal.default_int_handler
    ]
    for number in raising:
        signal.signal(number, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        for number in raising:
            signal.signal(number, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt


def tell(text: str, end: str = "\n") -> None:
    """Write to the standard output at once. A reader who has gone (`| head`) ends the words, not the run."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
