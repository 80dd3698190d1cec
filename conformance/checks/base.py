"""What a check answers, and what comes of a broken requirement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class _Holds(Enum):
    HOLDS = "holds"


#: The requirement was asked, and met.
HOLDS = _Holds.HOLDS


@dataclass(frozen=True)
class Broken:
    """The requirement was not met.

    `kind` is a slug of what was observed; it is part of the finding's identity, so it must not hold text or numbers of one run.
    """

    kind: str
    expected: str
    actual: str


Outcome = Broken | _Holds | None


@dataclass(frozen=True)
class Violation:
    """A server's departure from a requirement: a value, never an exception."""

    requirement: str
    kind: str
    expected: str
    actual: str

    @property
    def signature(self) -> str:
        """Identity of the finding: the same fault gives the same signature in every run."""
        return f"{self.requirement}|{self.kind}"
