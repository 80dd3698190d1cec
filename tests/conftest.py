"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# The same examples in every run, and none judged by its time: a slow machine is no failure, and a flaky test is a bug to find.
settings.register_profile("imapspec", deadline=None, derandomize=True, database=None)
settings.load_profile("imapspec")

# Started in the background of a script, a process ignores Ctrl-C, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
