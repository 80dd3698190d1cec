"""What can go wrong in us, by whose fault it is.

A server's departure from the specification is never an exception: it is a value (a `Violation`, a `Problem`, a result).
Exceptions are for the other three parties, and each carries the exit code that the command line ends with.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ImapspecError(Exception):
    """Root of all errors that end a command with a message and an exit code."""

    exit_code: ClassVar[int] = 3


class SuiteError(ImapspecError):
    """Our own fault: a broken grammar, catalogue or invariant of the suite (exit code 3)."""


class UsageError(ImapspecError):
    """The operator's input is wrong: arguments, configuration, expectation file (exit code 4). Nothing was sent."""

    exit_code = 4


class NothingSelectedError(ImapspecError):
    """The selection is empty (exit code 5)."""

    exit_code = 5


class TargetError(ImapspecError):
    """The server cannot be reached, started, logged in to or restarted (exit code 6)."""

    exit_code = 6


@dataclass
class ScenarioError(UsageError):
    """The scenario author's input is wrong. Renders as file, line, column, the line with a caret, and a remedy.

    `line` and `column` count from 1; `text` is the source line without its end.
    """

    path: str
    line: int
    column: int
    text: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """The whole message, several lines."""
        caret = " " * (self.column - 1) + "^"
        return f"{self.path}:{self.line}:{self.column}: {self.problem}\n  {self.text}\n  {caret}\n  {self.remedy}"


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that names the nearest known word, or an empty string when none is near."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]}?" if match else ""
