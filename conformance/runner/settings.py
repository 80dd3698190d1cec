"""How a run is to be made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

#: Everything we create on a server begins with this; `imapspec clean` looks for nothing else.
MARK = "imapspec-"


@dataclass(frozen=True)
class Settings:
    """Options of a run that concern how cases are played. Times are in seconds."""

    seed: int
    timeout: float = 5.0  #: for one answer, and for news of another session to arrive
    rate_limit: float = 0.0  #: commands a second and connection, 0: as fast as the server answers
    allow_inbox: bool = False  #: cases that touch INBOX may run although the server is not ours
    confirm: bool = True  #: play a case with a new failure once more

    @property
    def run_mark(self) -> str:
        """The beginning of the names of this run's mailboxes; from the seed, so that a run can be replayed."""
        return f"{MARK}{_digest(str(self.seed), 8)}-"

    def prefix(self, case: str, attempt: int) -> str:
        """The beginning of the names of one play's mailboxes."""
        return f"{self.run_mark}{_digest(f'{case} {attempt}', 6)}-"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
