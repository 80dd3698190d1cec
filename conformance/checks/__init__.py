"""Always-on requirements: pure functions of what the client believes (`View`) and what just came.

Each check answers for one requirement of the catalogue: `None` when the response does not concern it, `HOLDS` when it was asked and
met, `Broken` otherwise. They are called before the view takes the response in. A check must never assert more than its section
says: where the client cannot know, it is not concerned.

Must not know: what a scenario expects, time, other connections.
"""

from __future__ import annotations

from conformance.checks.base import HOLDS, Broken, Outcome, Violation
from conformance.checks.registry import (
    DOUBTFUL_SYNTAX,
    END_CHECKS,
    RESPONSE_CHECKS,
    SYNTAX,
    at_end,
    on_response,
)

__all__ = [
    "DOUBTFUL_SYNTAX",
    "END_CHECKS",
    "HOLDS",
    "RESPONSE_CHECKS",
    "SYNTAX",
    "Broken",
    "Outcome",
    "Violation",
    "at_end",
    "on_response",
]
