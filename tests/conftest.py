"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

# The same examples in every run, and none judged by its time: a slow machine is no failure, and a flaky test is a bug to find.
settings.register_profile("imapspec", deadline=None, derandomize=True, database=None)
settings.load_profile("imapspec")

# Started in the background of a script, a process ignores Ctrl-C, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Grammars are compiled by the code under test, once for all workers and programs, and not found in the user's home."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="imapspec-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder))
        os.environ["XDG_CACHE_HOME"] = folder
