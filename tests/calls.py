"""Calls of the command, in this process or in one of its own, and what they leave behind."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from miniature import ACCOUNTS

from conformance import journal
from conformance.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miniature import Miniature

    from conformance.journal import Journal

#: Cases that the miniature passes, in their order.
SOME = (
    "rfc3501/6.1.1-capability/before-login",
    "rfc3501/6.1.1-capability/with-a-mailbox-selected",
    "rfc3501/6.1.2-noop/before-login",
    "rfc3501/6.1.2-noop/does-nothing",
    "rfc3501/6.1.3-logout/before-login",
    "rfc3501/6.1.3-logout/with-a-mailbox-selected",
    "rfc3501/6.1.3-logout/with-an-argument",
)

#: Seconds in which whatever has to happen happens, on a machine under load.
SOON = 60.0


@dataclasses.dataclass(frozen=True)
class Called:
    """What a call said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on the terminal."""
        said = (
            self.err if self.err.rstrip().split("\n")[-1].startswith("imapspec: exit") else self.out
        ).rstrip()
        return said.split("\n")[-1]

    @property
    def paragraph(self) -> str:
        """What is said before the last line of an error."""
        return self.err.rstrip().rpartition("\n")[0]


def call(*words: str | Path) -> Called:
    """Call the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with restored(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Called(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """What a command changes in its process, and may, because it is alone there."""
    environment = dict(os.environ)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        signal.signal(signal.SIGTERM, handler)
        gc.enable()
        gc.unfreeze()


class Program:
    """The command in a process, and a process group, of its own."""

    def __init__(self, *words: str | Path, folder: Path, out: Path | None = None) -> None:
        """`out`: the file that hears what it says, instead of `ended`."""
        self._out = out
        said = out.open("w") if out else None
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "conformance.cli", *map(str, words)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        if said:
            said.close()

    def interrupt(self) -> None:
        """Ctrl-C: the whole group hears of it."""
        os.killpg(self._process.pid, signal.SIGINT)

    def send(self, number: signal.Signals) -> None:
        """A signal for the process alone."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL for the whole group."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def ended(self) -> Called:
        """Wait for the end."""
        out, err = self._process.communicate(timeout=SOON)
        return Called(self._process.returncode, self._out.read_text() if self._out else out, err)


def program(*words: str | Path, folder: Path) -> Called:
    """Call the command in a process of its own."""
    return Program(*words, folder=folder).ended()


def target(server: Miniature, *, users: int = 1) -> list[str]:
    """The miniature as an address, with accounts."""
    accounts = [f"{user}:{password}" for user, password in list(ACCOUNTS.items())[:users]]
    return [f"imap://127.0.0.1:{server.port}", *(word for account in accounts for word in ("-u", account))]


def report(folder: Path) -> Journal:
    """The journal of a run that came to its end, good or bad."""
    return journal.read(folder / "run.jsonl")


def wait_for(condition: Callable[[], object]) -> None:
    """Until it holds."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
