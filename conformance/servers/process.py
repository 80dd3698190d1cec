"""One server process that we started, with everything it starts in turn.

The process leads its own session and process group, so that a Ctrl-C in the terminal reaches it through us only, and one
signal reaches the whole group. A keeper, a shell that waits at the end of a pipe, kills the group and removes the folder
when we are gone without having stopped the server, even by SIGKILL.

Knows: processes, signals, the log file. Must not know: which server it is.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.errors import TargetError
from conformance.servers.greeting import probe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.transport import TCPDialer

#: Seconds until the greeting, on a machine under load.
START_LIMIT = 30.0

#: Seconds between SIGTERM and SIGKILL.
GRACE = 5.0

#: Octets that a line of a log has at most, for finding the last ones.
_LINE = 1000

#: Reads lines from us: "ended", the group is gone; "stopped", all is in order. The end of its input: we are gone.
#: $1: process group, $2: folder.
_KEEPER = """
group=$1
while read -r line; do
    case $line in
    stopped) exit 0 ;;
    ended) group= ;;
    esac
done
if [ -n "$group" ]; then
    kill -s TERM -- "-$group"
    tries=10
    while [ $tries -gt 0 ] && kill -s 0 -- "-$group"; do
        tries=$((tries - 1))
        sleep 0.1
    done
    kill -s KILL -- "-$group"
fi
rm -rf -- "$2"
"""


@dataclass(frozen=True)
class Identity:
    """Who a server runs as, and that user's group."""

    user: str
    group: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to start."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)  #: besides our own
    folder: Path | None = None  #: where it runs; None: in its own folder
    drop_to: Identity | None = None  #: as whom, when we are root; the folder is handed over too


class ServerProcess:
    """A server that runs in `folder`, which exists, belongs to it and is removed by `stop`; its output goes to `log`.

    `crash_patterns`: regular expressions for lines of the log that tell of a broken child.
    """

    def __init__(self, name: str, folder: Path, crash_patterns: tuple[str, ...] = ()) -> None:
        self.log = folder / "log"
        self._name = name
        self._folder = folder
        self._patterns = re.compile("|".join(crash_patterns) or r"(?!)")
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._looked_at = 0  # octets of the log that crash() has seen
        atexit.register(self.stop)

    @property
    def pid(self) -> int | None:
        """The leader of the process group, None while nothing runs."""
        return self._process.pid if self._process else None

    def start(self, command: Command, dialer: TCPDialer, timeout: float) -> None:
        """Start and wait for a greeting. Raises `TargetError` as the two parts do."""
        self.launch(command)
        self.wait(dialer, timeout)

    def wait(self, dialer: TCPDialer, timeout: float) -> None:
        """Wait for a greeting. Raises `TargetError` with the log's tail when none comes in `timeout` seconds."""
        problem = self._await_greeting(dialer, time.monotonic() + timeout)
        if problem:
            self.end()
            tail = self.log_tail()
            log = f"\nThe end of its log:\n{tail}" if tail else " It wrote no log."
            raise TargetError(f"{self._name} {problem}{log}")
        self._looked_at = self._log_size()

    def end(self) -> None:
        """End the group: SIGTERM, then SIGKILL for what is left. The folder stays, so that it can start again."""
        if self._exited(within=0) is None and self._process is not None:
            _signal_group(self._process.pid, signal.SIGTERM)
            if self._exited(within=GRACE) is None:
                _signal_group(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None
        if self._keeper is not None:
            self._tell_keeper("stopped")
            self._keeper.communicate()
            self._keeper = None

    def stop(self) -> None:
        """End the group and remove the folder. Never raises, may be called twice."""
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def crash(self) -> str | None:
        """What broke since the last call: lines of the log, and the end of the process for as long as it is down."""
        status = self._exited(within=0)
        new = self._log_from(self._looked_at)
        new = new[: new.rfind(b"\n") + 1]
        self._looked_at += len(new)
        lines = [line for line in new.decode("utf-8", "replace").splitlines() if self._patterns.search(line)]
        if status is not None:
            lines.append(f"{self._name} {status}")
        return "\n".join(lines) or None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        end = self._log_from(max(0, self._log_size() - _LINE * lines))
        return "\n".join(end.decode("utf-8", "replace").splitlines()[-lines:])

    def launch(self, command: Command) -> None:
        """Start and wait for nothing. Raises `TargetError` when the command cannot be started."""
        identity = command.drop_to if os.getuid() == 0 else None
        try:
            with self.log.open("ab") as output:
                if identity is not None:
                    for path in (self._folder, *self._folder.rglob("*")):
                        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
                self._process = subprocess.Popen(  # noqa: S603 - a launcher's, or the operator's own command
                    command.arguments,
                    cwd=command.folder or self._folder,
                    env={**os.environ, **command.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=identity.uid if identity else None,
                    group=identity.gid if identity else None,
                    extra_groups=[] if identity else None,
                )
        except OSError as error:
            raise TargetError(
                f"{self._name} cannot be started: {shlex.join(command.arguments)}: {error.strerror}. "
                "Correct the command, or install what it names."
            ) from None
        self._keeper = subprocess.Popen(  # noqa: S603 - our own words
            ["/bin/sh", "-c", _KEEPER, "keeper", str(self._process.pid), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _await_greeting(self, dialer: TCPDialer, deadline: float) -> str:
        """Probe until the server greets; what is wrong when it does not, or ""."""
        while True:
            remaining = deadline - time.monotonic()
            try:
                probe(dialer, max(remaining, 0.01))
                problem = ""
            except TargetError as error:
                problem = f"did not become ready in time. {error}"
            status = self._exited(
                within=0.01 if problem else 0
            )  # who greets may be another server on our port
            if status is not None:
                return f"{status} before it was ready."
            if not problem or remaining <= 0:
                return problem

    def _exited(self, within: float) -> str | None:
        """How the process ended, in words; None when it still runs after `within` seconds."""
        if self._process is None:
            return "does not run"
        known = self._process.returncode
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None
        if known is None:
            # Only now is the number of the group surely still that of ours.
            _signal_group(self._process.pid, signal.SIGKILL)
            self._tell_keeper("ended")
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"

    def _tell_keeper(self, word: str) -> None:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        with contextlib.suppress(OSError):  # somebody killed the keeper
            self._keeper.stdin.write(f"{word}\n".encode())
            self._keeper.stdin.flush()

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _log_from(self, offset: int) -> bytes:
        if not self.log.exists():
            return b""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # nobody is left; some systems refuse for zombies
        os.killpg(group, number)
