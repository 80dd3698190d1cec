"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, and none judged by its time: a slow machine is no failure, and a flaky test is a bug to find.
settings.register_profile("imapspec", deadline=None, derandomize=True, database=None)
settings.load_profile("imapspec")
